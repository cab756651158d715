"""below_cost: the share of cost draws, over the scenario's ranges, in which a request costs more than it earns.

The cost is that of the cheapest deployment that still delivers the observed tokens/s per user and first-token time: a
fast stream means a small batch, and a small batch is dear (SemiAnalysis, Inference Race To The Bottom, 2023-12), unless
paired runs show a draft model, whose tokens a step are then counted. Bands
come in as plain records from the cost engine, one per precision, the precision on sale first.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tracker.flags.finding import HEARSAY, Evidence, Figure, Finding, Rule, found, usd

RULE = Rule(
    "below_cost",
    version=4,
    open_at=0.70,  # 0.3 to 0.7 is borderline: only what lies above it accuses
    close_at=0.50,
    quiet_days=7,
    calibrated=False,
    meaning="a request costs more to serve than it earns",
)
CLEAN_WHILE = "Clean while"
SURE = 0.99  # no share of a few hundred draws says more
# Figures that later readers look for.
PROMPT_SEEN, OUTPUT_SEEN, DRAFT_SEEN = "prompt_tokens_seen", "output_tokens_seen", "draft_gain"
MOST = 0.8  # of the draws: where fewer keep a speed that somebody measured, the sum is what is wrong
BASES = {"standing": "standing price", "list": "list price", "effective": "transacted price"}


@dataclass(frozen=True, slots=True)
class Span:
    """The 10th, 50th and 90th percentile of the draws, USD per million tokens."""

    low: float
    mid: float
    high: float


@dataclass(frozen=True, slots=True)
class Busy:
    """The share of the day that the scenario takes the hardware to be in use: lowest, middle and highest, 0 to 1."""

    low: float
    mid: float
    high: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What was seen of a service, and what the sum asks of the deployment: a step in the seller's favour."""

    seen: float | None = None
    asked: float | None = None


NOT_MEASURED = Measured()


@dataclass(frozen=True, slots=True)
class CostBand:
    """What serving costs at one precision, and how a price stands to it. `blended`: a token of the scenario's mix."""

    band_id: str
    precision: str
    input: Span
    output: Span
    blended: Span
    p_below: float
    deployment: str
    trace: str
    clearing: str
    feasible_share: float = 1.0
    price: float | None = None  # of a token of the mix, cache discount in it, as the engine compared it


@dataclass(frozen=True, slots=True)
class Sale:
    """A price and what was observed of the service sold for it. An input or output of None was not published."""

    offer: str
    input_usd_per_mtok: float | None
    output_usd_per_mtok: float | None
    is_free: bool
    prompt_tokens: int
    output_tokens: int
    scenario: str
    tok_s: Measured = NOT_MEASURED
    ttft_s: Measured = NOT_MEASURED
    own_silicon: bool = False  # the host runs chips nobody rents out: a sum for rented ones cannot accuse it
    apart: tuple[tuple[str, float], ...] = ()  # other readings of the price (list, effective) and their probability
    busy: Busy | None = None
    cache_hit: float | None = None  # observed share of input tokens served from cache
    draft_gain: float | None = None  # tokens a step that its draft model was seen to bring
    drafted: tuple[float, float] | None = None  # a draft nobody looked for: tokens a step, the probability with it
    hearsay: bool = False  # nobody who serves it states the price
    lengths_seen: bool = False  # prompt and output tokens are what a router counted of this model's requests

    @property
    def blended_usd_per_mtok(self) -> float | None:
        """The price of a token of the scenario's mix; None where a side is unknown."""
        return mixed_usd_per_mtok(
            self.input_usd_per_mtok, self.output_usd_per_mtok, self.prompt_tokens, self.output_tokens
        )


def mixed_usd_per_mtok(
    input_usd: float | None, output_usd: float | None, prompt_tokens: int, output_tokens: int
) -> float | None:
    """The price of a token of a mix; None where a side is unknown."""
    if input_usd is None or output_usd is None:
        return None
    return (prompt_tokens * input_usd + output_tokens * output_usd) / (prompt_tokens + output_tokens)


def compared(sale: Sale, band: CostBand) -> tuple[str, float, Span]:
    """Which price is held against which cost: of the mix, or of the one side whose price is published."""
    blended = sale.blended_usd_per_mtok
    if blended is not None:
        blended = blended if band.price is None else band.price
        seen = " (what a router counts a request)" if sale.lengths_seen else ""
        mix = f"tokens of the mix {sale.prompt_tokens:,} in to {sale.output_tokens:,} out{seen}"
        return mix, blended, band.blended
    if sale.output_usd_per_mtok is not None:
        return "output tokens", sale.output_usd_per_mtok, band.output
    return "input tokens", sale.input_usd_per_mtok or 0.0, band.input


def judge(sale: Sale, bands: Sequence[CostBand], evidence: tuple[Evidence, ...] = ()) -> Finding | None:
    """None without a cost band: a closed model of unknown size has no cost to be below."""
    if not bands or (sale.input_usd_per_mtok is None and sale.output_usd_per_mtok is None):
        return None
    band = bands[0]
    _, price, cost = compared(sale, band)
    figures = (
        Figure("price", price, "USD/Mtok"),
        Figure("cost_low", cost.low, "USD/Mtok"),
        Figure("cost_mid", cost.mid, "USD/Mtok"),
        Figure("cost_high", cost.high, "USD/Mtok"),
        *((Figure("cost_over_price", cost.mid / price, "x"),) if price > 0 else ()),
        *((Figure("cache_hit", sale.cache_hit, ""),) if sale.cache_hit is not None else ()),
        *(
            (Figure(PROMPT_SEEN, sale.prompt_tokens, "tokens"), Figure(OUTPUT_SEEN, sale.output_tokens, "tokens"))
            if sale.lengths_seen
            else ()
        ),
        *((Figure(DRAFT_SEEN, sale.draft_gain, "tokens a step"),) if sale.draft_gain is not None else ()),
        Figure("draws_that_keep_the_speed", band.feasible_share, ""),
        *(Figure(f"p_below_in_{other.precision}", other.p_below, "") for other in bands),
        *(Figure(f"p_below_at_{name}_price", chance, "") for name, chance in sale.apart),
    )
    rows = (*evidence, *(Evidence("cost_bands", other.band_id, f"{other.precision}: {other.trace}") for other in bands))
    return found(
        RULE,
        sale.offer,
        _probability(sale, band),
        _sentence(sale, bands),
        _clearing(sale, band),
        scenario=sale.scenario,
        figures=figures,
        evidence=rows,
        held=_held(sale, band),
    )


def _probability(sale: Sale, band: CostBand) -> float:
    return 1.0 if sale.is_free else min(max(band.p_below, 1 - SURE), SURE)


def _held(sale: Sale, band: CostBand) -> str:
    """Why the sum, whatever it comes to, must not accuse; empty where it may."""
    if sale.hearsay:
        return HEARSAY
    if sale.is_free:
        return ""
    if sale.own_silicon:
        return "The host runs chips of its own, so that a sum for rented accelerators does not convict it"
    if band.feasible_share < MOST:
        share = f"{band.feasible_share:.0%}"
        return f"Only in {share} of the draws does any deployment keep that speed, which speaks against the sum"
    if sale.drafted is not None and sale.drafted[1] < RULE.open_at:
        gain, chance = sale.drafted
        return (
            f"Nobody has looked for a draft model here (`tracker probe` does): with one of {gain:.1f} tokens a step it "
            f"would be {chance:.2f}"
        )
    return ""


def _sentence(sale: Sale, bands: Sequence[CostBand]) -> str:
    band = bands[0]
    what, price, cost = compared(sale, band)
    earns = "nothing, being free" if sale.is_free else f"{usd(price)} ({_prices(sale)})"
    parts = [
        f"A million {what} earn {earns} and cost {usd(cost.low)} to {usd(cost.high)} (mid {usd(cost.mid)}) to serve"
        f"{_pace(sale)} in {band.precision} on {band.deployment}."
    ]
    if price > 0:
        times = f"{cost.mid / price:.1f}" if cost.mid > price / 10 else "less than 0.1"
        parts.append(f"The middle cost is {times} times the price.{_turning(sale.busy, price, cost)}")
    if len(bands) > 1 and not sale.is_free:
        lower = ", ".join(f"{other.p_below:.2f} in {other.precision}" for other in bands[1:])
        parts.append(f"In another precision the probability would be {lower}.")
    if sale.apart:
        others = ", ".join(f"{chance:.2f} at the {BASES[name]}" for name, chance in sale.apart)
        parts.append(f"It is {others}.")
    return " ".join(parts)


def _turning(busy: Busy | None, price: float, cost: Span) -> str:
    """Where the verdict turns: cost goes with one over the busy share, the assumption that nobody outside can see."""
    if busy is None:
        return ""
    assumed = f"{busy.low:.0%} to {busy.high:.0%} of the day is assumed"
    even = busy.mid * cost.mid / price
    if even > 1:
        return f" Even hardware busy all day would cost {even:.1f} times the price ({assumed})."
    return f" It breaks even with the hardware busy {even:.0%} of the day; {assumed}."


def _pace(sale: Sale) -> str:
    """The service that the deployment has to match, as asked and as measured."""
    told = ""
    if sale.tok_s.asked:
        seen = f" ({sale.tok_s.seen:.3g} measured, rounded down)" if sale.tok_s.seen else ""
        told += f" at {sale.tok_s.asked:.3g} tok/s per user{seen}"
    if sale.draft_gain:
        told += f" with a draft model that brings {sale.draft_gain:.1f} tokens a step"
    if sale.ttft_s.asked:
        seen = f" (twice the {sale.ttft_s.seen:.2g} measured, rounded up)" if sale.ttft_s.seen else ""
        told += f" and a first token within {sale.ttft_s.asked:.2g} s{seen}"
    return told + (f", {sale.cache_hit:.0%} of the input from cache," if sale.cache_hit else "")


def _prices(sale: Sale) -> str:
    told = [
        f"{usd(price)} {side}" if price is not None else f"{side} price not published"
        for side, price in (("in", sale.input_usd_per_mtok), ("out", sale.output_usd_per_mtok))
    ]
    return ", ".join(told)


def _clearing(sale: Sale, band: CostBand) -> str:
    if sale.is_free:
        return "A price above zero: free traffic earns nothing whatever it costs."
    condition = band.clearing[:1].upper() + band.clearing[1:] if band.clearing else "A lower cost"
    if _probability(sale, band) < RULE.close_at and band.clearing.startswith("profitable"):
        return f"{CLEAN_WHILE} {band.clearing}."
    what, _, cost = compared(sale, band)
    return f"{condition}; or a price of {usd(cost.mid)} per million {what}."
