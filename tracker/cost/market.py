"""Offers against cost: probability that a price is below cost, the band, the cheapest deployment, what would clear it.

Per offer and draw the cheapest deployment and batch is chosen among those that deliver the observed tokens/s/user and
first-token time, hold no more sequences than the load brings, and run on chips the seller has. Arrays are
(configurations, draws); a configuration is one deployment at one batch. Costs are dollars per request.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import NamedTuple

import numpy as np

from tracker.cost.arrays import Floats
from tracker.cost.choice import Choice, Columns, cheapest, chip_prices, flatten
from tracker.cost.deploy import Deployment, deployments, grid, trace_of
from tracker.cost.facts import Model, Precision, find_accelerator, find_model, find_precision
from tracker.cost.money import RentTable, shipped_rents
from tracker.cost.scenario import Draws, Scenario, draw, find_scenario
from tracker.cost.stacks import PROFILE_ERROR, Fitted, fitted
from tracker.errors import CostError

DRAWS = 256
LOW, MID, HIGH = 0.1, 0.5, 0.9  # the stated band is 80 %
KEEP_WITHIN = 1.3  # pruning keeps what costs at most this factor of something that is better in every other way


@dataclass(frozen=True, slots=True)
class Question:
    """One offer to judge. A price of None is unknown: only the other side is compared with its own cost.

    `tok_s_user` and `ttft_s` are what was observed, `when` the day whose rents, software and chips hold.
    """

    model_id: str
    precision: str
    input_usd_per_mtok: float | None
    output_usd_per_mtok: float | None
    when: date
    scenario: str = "market"
    tok_s_user: float | None = None
    ttft_s: float | None = None
    cached_usd_per_mtok: float | None = None
    known: tuple[tuple[str, float], ...] = ()  # scenario parameters that are observed for this offer
    typical: tuple[tuple[str, float], ...] = ()  # those observed of the model elsewhere: the middle of the range
    hardware: tuple[str, ...] = ()  # accelerators this seller is known to run; empty: the scenario's
    draft_gain: float | None = None  # how many times faster its stream ran on regular than on hard text


class Band(NamedTuple):
    """10 %, 50 % and 90 % of the draws, in US dollars per million tokens."""

    low: float
    mid: float
    high: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """The answer to a question. Bands are None when no deployment is feasible; the reason says why."""

    question: Question
    probability_below: float | None
    feasible_share: float
    input_usd_per_mtok: Band | None
    output_usd_per_mtok: Band | None
    blended_usd_per_mtok: Band | None
    price_blended_usd_per_mtok: float | None
    deployment: str
    batch: float
    tok_s_user: float
    trace: str
    clears: str
    reason: str = ""
    shares: dict[str, float] = field(default_factory=dict)


def check(question: Question) -> None:
    for name in ("input_usd_per_mtok", "output_usd_per_mtok", "cached_usd_per_mtok"):
        value = getattr(question, name)
        if value is not None and not (np.isfinite(value) and value >= 0):
            raise CostError(f"{question.model_id}: {name} must not be negative, not {value}")
    for name, least in (("tok_s_user", 0.0), ("ttft_s", 0.0), ("draft_gain", 1.0)):
        value = getattr(question, name)
        if value is not None and not (np.isfinite(value) and value > least):
            raise CostError(f"{question.model_id}: {name} must be above {least:g}, not {value}")


def assumptions_of(q: Question) -> Scenario:
    """The question's scenario with what is typical of the model and what is known of the offer put in."""
    scenario = find_scenario(q.scenario).around(**dict(q.typical)).fixed(**dict(q.known))
    scenario = replace(scenario, draft_gain=q.draft_gain)
    if not q.hardware:
        return scenario
    return replace(scenario, hardware=tuple((find_accelerator(name).name, 1.0) for name in q.hardware))


NEVER_MEASURED = 1.25  # a model without any public measurement: wider by a quarter, a judgement


def engine_error(fit: Fitted, model: Model, stack: str) -> dict[float, float]:
    """ln(measured / predicted) by quantile, as on hardware x model pairs that the fit had not seen.

    A seller's chip is not known, so the narrower band of seen pairs is never assumed.
    """
    if stack in PROFILE_ERROR:
        return PROFILE_ERROR[stack]
    wider = 1.0 if ("scale", "model", model.slug) in fit.deviations else NEVER_MEASURED
    return {float(q): value * wider for (kind, q), value in fit.errors.items() if kind == "unseen"}


def _band(values: Floats) -> Band:
    low, mid, high = np.quantile(values, (LOW, MID, HIGH))
    return Band(float(low), float(mid), float(high))


def revenue(q: Question, draws: Draws) -> Floats:
    """Dollars per million tokens' worth of requests: prompt and output tokens at their prices."""
    cached = q.cached_usd_per_mtok if q.cached_usd_per_mtok is not None else q.input_usd_per_mtok
    prompt = draws.prompt * ((1 - draws.cache_hit) * (q.input_usd_per_mtok or 0) + draws.cache_hit * (cached or 0))
    return prompt + draws.output * (q.output_usd_per_mtok or 0)


def compared_cost(q: Question, choice: Choice) -> Floats:
    """Cost of the sides whose price is known, in dollars per million tokens' worth of requests."""
    both = q.input_usd_per_mtok is not None and q.output_usd_per_mtok is not None
    if both:
        return (choice.input_usd + choice.output_usd) * 1e6
    if q.input_usd_per_mtok is not None:
        return choice.input_usd * 1e6
    return choice.output_usd * 1e6


@dataclass(frozen=True, slots=True)
class Setting:
    """What questions about one model, precision, day and scenario share."""

    model: Model
    precision: Precision
    scenario: Scenario
    when: date
    draws: Draws
    columns: Columns | None
    units: tuple[Deployment, ...]


def slowest_useful(tok_s_user: float | None, draws: Draws) -> float:
    """A speed below which no draw can reach the observed one; 1 token/s is nobody's service."""
    fastest_luck = float(draws.engine.max())
    return max((tok_s_user or 0.0) / fastest_luck, 1.0)


def prepare(
    q: Question, rents: RentTable, fit: Fitted, count: int = DRAWS, vary: str = "", keep: float | None = KEEP_WITHIN
) -> Setting:
    """Everything that does not depend on the price."""
    check(q)
    model, precision = find_model(q.model_id), find_precision(q.precision)
    scenario = assumptions_of(q)
    draws = draw(scenario, count, engine_error(fit, model, scenario.stack), vary=vary)
    prompt, output = scenario.prompt[1], scenario.output[1]
    units = deployments(model, precision, q.when, scenario, rents, prompt + output)
    columns = None
    if units:
        made = grid(units, q.when, fit, prompt, output, scenario.kv_use, wait_s=q.ttft_s or np.inf)
        prices = chip_prices(made, q.when, scenario, draws, rents)
        bar = None if scenario.hardware or q.ttft_s is not None else keep  # first-token time is no axis of pruning
        columns = flatten(made, prices, draws, slowest_useful(q.tok_s_user, draws), bar)
    return Setting(model, precision, scenario, q.when, draws, columns, tuple(units))


def trace(setting: Setting, row: int) -> str:
    """The sentence that says what limits a configuration."""
    c = setting.columns
    if c is None:
        return "no deployment"
    return trace_of(c.source, *c.rows[row])


def clearing(q: Question, setting: Setting) -> str:
    """The condition under which the price covers the cost at the speed observed, all other ranges at their middle."""
    c = setting.columns
    if c is None or (q.input_usd_per_mtok is None and q.output_usd_per_mtok is None):
        return "nothing priced"
    one = setting.draws
    price = c.usd_per_chip_s[c.unit.astype(np.int64), 0]
    prompt_paid = float(one.prompt[0] * (1 - one.cache_hit[0]))
    into = c.chip_s_in * prompt_paid * price * 1e6 if q.input_usd_per_mtok is not None else 0.0
    out = c.chip_s_out * float(one.output[0]) * price * 1e6 if q.output_usd_per_mtok is not None else 0.0
    keeps = (c.tok_s_user >= (q.tok_s_user or 0.0)) & (c.first_s <= (q.ttft_s or np.inf))
    owed = np.where(keeps, np.asarray(into + out), np.inf)
    paid = float(revenue(q, one)[0])
    if not (owed <= paid).any():
        return _too_dear(float(owed.min()) / max(paid, 1e-12), float(one.utilisation[0]))
    row = int(np.argmin(np.where(owed <= paid, c.batch, np.inf)))
    unit = c.source.units[c.rows[row][0]]
    pace, busy = c.tok_s_user[row], float(one.utilisation[0])
    return f"profitable on {unit} from batch {c.batch[row]:.0f} up ({pace:.0f} tokens/s/user there, {busy:.0%} busy)"


def _too_dear(ratio: float, busy: float) -> str:
    if not np.isfinite(ratio):
        return "no deployment at any batch keeps that speed"
    if ratio > 1e6:
        return "a free offer covers no cost"
    busier = " or a busier day" if ratio * busy <= 1 else ""
    return f"no deployment at any batch: the cheapest needs {ratio:.1f}x the throughput{busier}"


def _empty(q: Question, setting: Setting) -> Estimate:
    speed = f" at {q.tok_s_user:.0f} tokens/s/user" if q.tok_s_user else ""
    wait = f" within {q.ttft_s:g} s to the first token" if q.ttft_s else ""
    what = f"{setting.model.slug} at {setting.precision.precision}{speed}{wait}"
    reason = f"no plausible deployment of {what} on {setting.when} ({setting.scenario.name})"
    return Estimate(q, None, 0.0, None, None, None, None, "", 0.0, 0.0, "", "", reason)


def _as_observed(q: Question, draws: Draws) -> Draws:
    """The draws with the offer's own share of cache hits, which changes no deployment and needs no own grid."""
    hits = dict(q.known).get("cache_hit")
    return draws if hits is None else replace(draws, cache_hit=np.full(len(draws), hits))


def answer(q: Question, setting: Setting) -> Estimate:
    """The estimate of one offer from a prepared setting."""
    setting = replace(setting, draws=_as_observed(q, setting.draws))
    draws, c = setting.draws, setting.columns
    if c is None:
        return _empty(q, setting)
    choice = cheapest(c, draws, q.tok_s_user, q.ttft_s)
    ok = choice.row >= 0
    if ok.mean() < 0.02:
        return _empty(q, setting)
    costs, paid = compared_cost(q, choice)[ok], revenue(q, draws)[ok]
    priced = q.input_usd_per_mtok is not None or q.output_usd_per_mtok is not None
    size = (draws.prompt + draws.output)[ok]
    fresh = np.maximum(draws.prompt * (1 - draws.cache_hit), 1e-9)[ok]
    middle = int(choice.row[0]) if choice.row[0] >= 0 else int(choice.row[ok][0])
    whole = (choice.input_usd + choice.output_usd)[ok] * 1e6
    return Estimate(
        question=q,
        probability_below=float(np.mean(paid < costs)) if priced else None,
        feasible_share=float(ok.mean()),
        input_usd_per_mtok=_band(choice.input_usd[ok] * 1e6 / fresh),
        output_usd_per_mtok=_band(choice.output_usd[ok] * 1e6 / draws.output[ok]),
        blended_usd_per_mtok=_band(whole / size),
        price_blended_usd_per_mtok=float(np.median(paid / size)) if priced else None,
        deployment=str(c.source.units[c.rows[middle][0]]),
        batch=float(c.batch[middle]),
        tok_s_user=float(c.tok_s_user[middle]),
        trace=trace(setting, middle),
        clears=clearing(q, setting),
    )


def assess(
    questions: Sequence[Question],
    rents: RentTable | None = None,
    fit: Fitted | None = None,
    count: int = DRAWS,
    keep: float | None = KEEP_WITHIN,
) -> list[Estimate]:
    """Judges a batch of offers; those of one model, precision, day and scenario share their grid and draws.

    A question that names an unknown model, precision, scenario or chip raises CostError for the whole batch.
    """
    table, known = rents or shipped_rents(), fit or fitted()
    for q in questions:
        check(q)
    order = sorted(range(len(questions)), key=lambda i: repr(_group(questions[i])))
    out: dict[int, Estimate] = {}
    current, setting = None, None
    for i in order:
        q = questions[i]
        if setting is None or _group(q) != current:
            current, setting = _group(q), prepare(_permissive(q), table, known, count, keep=keep)
        out[i] = answer(q, setting)
    return [out[i] for i in range(len(questions))]


def _group(q: Question) -> tuple[object, ...]:
    """What decides the grid."""
    known = _deciding(q)
    return q.model_id, q.precision, q.when, q.scenario, known, q.typical, q.hardware, q.draft_gain, wait_step(q.ttft_s)


def _deciding(q: Question) -> tuple[tuple[str, float], ...]:
    """What is known and decides the grid. Pruning looks at cache hits, and a first-token time keeps it from pruning."""
    return q.known if q.ttft_s is None else tuple(pair for pair in q.known if pair[0] != "cache_hit")


def wait_step(ttft_s: float | None) -> float | None:
    """First-token limits share a grid within a factor of two: the longest of them caps its prefill batches."""
    return None if ttft_s is None else float(2.0 ** np.ceil(np.log2(ttft_s)))


def _permissive(q: Question) -> Question:
    """The group's most permissive question: its grid holds what every other one needs."""
    return replace(
        q,
        input_usd_per_mtok=None,
        output_usd_per_mtok=None,
        cached_usd_per_mtok=None,
        tok_s_user=None,
        ttft_s=wait_step(q.ttft_s),
        known=_deciding(q),
    )


def shares_of_width(q: Question, rents: RentTable | None = None, fit: Fitted | None = None) -> dict[str, float]:
    """Share of the band's width due to each input: its width with all else at the middle, over the sum of widths."""
    table, known = rents or shipped_rents(), fit or fitted()
    widths = {}
    for name in Draws.__dataclass_fields__:
        setting = prepare(q, table, known, 64, vary=name)
        if setting.columns is None:
            return {}
        choice = cheapest(setting.columns, setting.draws, q.tok_s_user, q.ttft_s)
        ok = choice.row >= 0
        draws = setting.draws
        cost = (choice.input_usd + choice.output_usd)[ok] / (draws.prompt + draws.output)[ok]
        low, high = np.quantile(np.log(cost), (LOW, HIGH)) if ok.any() else (0.0, 0.0)
        widths[name] = float(high - low)
    total = sum(widths.values()) or 1.0
    return {name: width / total for name, width in sorted(widths.items(), key=lambda kv: -kv[1])}
