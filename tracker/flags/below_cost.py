"""below_cost: the share of cost draws, over the scenario's ranges, in which a request costs more than it earns.

The cost is that of the cheapest deployment that still delivers the observed tokens/s per user and first-token time: a
fast stream means a small batch, and a small batch is dear (SemiAnalysis, Inference Race To The Bottom, 2023-12). Bands
come in as plain records from the cost engine, one per precision, the precision on sale first.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tracker.flags.finding import Evidence, Figure, Finding, Rule, found, usd

RULE = Rule(
    "below_cost",
    version=1,
    open_at=0.70,  # the borderline is 0.3-0.7: only what lies above it accuses
    close_at=0.50,
    quiet_days=7,
    calibrated=False,
    meaning="one request costs more to serve than it earns",
)


@dataclass(frozen=True, slots=True)
class CostBand:
    """What serving costs at one precision: USD per million tokens, the 10th, 50th and 90th percentile of the draws."""

    band_id: str
    precision: str
    input_low: float
    input_mid: float
    input_high: float
    output_low: float
    output_mid: float
    output_high: float
    request_low: float  # the same per million requests' worth of tokens, at the scenario's mix: USD per request x 1e6
    request_mid: float
    request_high: float
    p_below: float
    deployment: str
    trace: str
    clearing: str
    decides: str = ""  # the assumption with the largest share of the band's width


@dataclass(frozen=True, slots=True)
class Sale:
    """What one request earns and under which reading of the price."""

    offer: str
    basis: str  # list, discount or effective
    input_usd_per_mtok: float | None  # None: not published
    output_usd_per_mtok: float
    is_free: bool
    prompt_tokens: int
    output_tokens: int
    scenario: str
    tok_s: float | None = None
    ttft_s: float | None = None

    @property
    def input_assumed(self) -> float:
        """An unpublished input price is read as the output price, which favours the seller."""
        return self.output_usd_per_mtok if self.input_usd_per_mtok is None else self.input_usd_per_mtok

    @property
    def request_usd_e6(self) -> float:
        return self.prompt_tokens * self.input_assumed + self.output_tokens * self.output_usd_per_mtok


def judge(sale: Sale, bands: Sequence[CostBand], evidence: tuple[Evidence, ...] = ()) -> Finding | None:
    """None without a cost band: a closed model of unknown size has no cost to be below."""
    if not bands:
        return None
    band = bands[0]
    figures = (
        Figure("price_input", sale.input_assumed, "USD/Mtok"),
        Figure("price_output", sale.output_usd_per_mtok, "USD/Mtok"),
        Figure("earned", sale.request_usd_e6 / 1e6, "USD/request"),
        Figure("cost_low", band.request_low / 1e6, "USD/request"),
        Figure("cost_mid", band.request_mid / 1e6, "USD/request"),
        Figure("cost_high", band.request_high / 1e6, "USD/request"),
        Figure("cost_over_price", _times(band.request_mid, sale.request_usd_e6), "x"),
        *(Figure(f"p_below_at_{other.precision}", other.p_below, "") for other in bands),
    )
    rows = (*evidence, *(Evidence("cost_bands", other.band_id, other.trace) for other in bands))
    probability = 1.0 if sale.is_free else band.p_below
    return found(
        RULE, sale.offer, probability, _sentence(sale, bands), _clearing(sale, bands),
        scenario=sale.scenario, figures=figures, evidence=rows,
    )  # fmt: skip


def _times(cost: float, price: float) -> float:
    return cost / price if price > 0 else float("inf")


def _sentence(sale: Sale, bands: Sequence[CostBand]) -> str:
    band = bands[0]
    mix = f"{sale.prompt_tokens:,} tokens in and {sale.output_tokens:,} out"
    speed = f" at {sale.tok_s:.0f} tok/s per user" if sale.tok_s else ""
    wait = f" and a first token within {sale.ttft_s:.1f} s" if sale.ttft_s else ""
    costs = f"{usd(band.request_low / 1000)} to {usd(band.request_high / 1000)} (mid {usd(band.request_mid / 1000)})"
    earns = "nothing: it is free" if sale.is_free else usd(sale.request_usd_e6 / 1000)
    text = (
        f"A thousand requests of {mix} earn {earns} ({_prices(sale)}) and cost {costs} to serve{speed}{wait} "
        f"in {band.precision} on {band.deployment}."
    )
    if band.request_mid > sale.request_usd_e6 > 0:
        text += f" That is {band.request_mid / sale.request_usd_e6:.1f} times the price."
    if len(bands) > 1 and not sale.is_free:
        lower = ", ".join(f"{other.p_below:.2f} in {other.precision}" for other in bands[1:])
        text += f" At lower precision the probability is {lower}."
    if band.decides:
        text += f" What decides it: {band.decides}."
    return text


def _prices(sale: Sale) -> str:
    given = "input price not published, taken as the output price" if sale.input_usd_per_mtok is None else ""
    told = given or f"{usd(sale.input_assumed)} in"
    kind = {"list": "list price", "discount": "promotion", "effective": "effective price"}[sale.basis]
    return f"{kind}: {told}, {usd(sale.output_usd_per_mtok)} out per million"


def _clearing(sale: Sale, bands: Sequence[CostBand]) -> str:
    if sale.is_free:
        return "A price above zero; free traffic earns nothing whatever it costs."
    words = [band.clearing for band in bands if band.clearing]
    return (
        words[0] if words else f"A price of {usd(bands[0].output_mid)} per million output tokens, or a slower stream."
    )
