"""Asks the cost engine about offers: which precisions, which readings of the price, as of which week.

Rents are read as of the Monday of the week, so that an offer whose own facts did not change keeps its cost through the
week. The band does not depend on the price; the probability does.
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from tracker.assess.inputs import Situation
from tracker.cost import (
    ENGINE_VERSION,
    Estimate,
    Question,
    Rent,
    RentTable,
    accelerators,
    assess,
    find_model,
    precisions,
    scenario_for,
    shipped_rents,
)
from tracker.cost.facts import Model
from tracker.cost.market import assumptions_of
from tracker.cost.tables import read_rows
from tracker.errors import CostError
from tracker.flags.below_cost import Busy, CostBand, Span
from tracker.flags.quantization import RUNG_BITS

UNSEEN_DRAFT = 170 / 80  # tokens a step: the one pair anybody published (speed_claims.csv, Together 2023-12)
LOWER = ("fp8", "fp4")  # what a host could serve instead, most common first
FACT_FILES = ("accelerators", "models", "precisions", "rents", "scenario_ranges", "scenarios", "stacks")
LIVE_SCENARIOS = frozenset(("market", "self-hosted"))
READINGS = ("list", "effective")
DRAFTED = "drafted"
OWN_SILICON = frozenset(("groq", "cerebras", "sambanova", "google", "vertex"))
WORDS = {
    "utilisation": "how busy the hardware is",
    "prompt": "the length of the prompt",
    "output": "the length of the answer",
    "cache_hit": "the share of input served from cache",
    "load_batch": "how many requests run together",
    "rent": "what the seller pays against the market's rent",
    "at_hand": "which hardware the seller has",
}
# Measurers do not say how long their prompts are, and caches help them: a seller is held to twice the observed wait.
TTFT_GRACE = 2.0
DOUBT = 0.3  # below that the price is plainly above cost
MAX_BATCH = 4000  # questions per call: bounds memory


@dataclass(frozen=True, slots=True)
class Costed:
    """The engine's answers about one offer: bands with the precision on sale first, and the price's other readings."""

    scenario: str
    prompt_tokens: int
    output_tokens: int
    busy: Busy
    when: date
    bands: tuple[CostBand, ...]
    apart: tuple[tuple[str, float], ...]
    apart_prices: tuple[tuple[str, float | None], ...]  # the same readings, blended
    native_cost: CostBand | None
    native_reach: float  # share of the draws in which any deployment at native precision keeps the speed
    question: Question  # what the first band answers
    drafted: tuple[float, float] | None  # a draft nobody looked for: tokens a step, the probability with it
    reason: str  # why there is no band

    @property
    def standing(self) -> CostBand | None:
        return self.bands[0] if self.bands else None


@cache
def engine_version() -> str:
    """Changes with every fact the engine computes from."""
    data = files("tracker") / "data"
    told = [ENGINE_VERSION.encode(), *((data / f"{name}.csv").read_bytes() for name in FACT_FILES)]
    return hashlib.sha256(b"".join(told)).hexdigest()[:12]


@cache
def open_model(model_id: str | None) -> Model | None:
    """The engine's facts of a model; None for closed and unknown ones."""
    if not model_id:
        return None
    try:
        return find_model(model_id)
    except CostError:
        return None


@cache
def bits_of() -> dict[str, float]:
    """Width of every precision label: what the bulk of the weights is stored in."""
    return {name: min(row.weight_bits, row.expert_bits) for name, row in precisions().items()}


def native_bits(model: Model) -> float:
    return bits_of()[model.native_precision]


def scenario_of(model: Model, when: date, scenario: str = "", seller: str = "") -> str:
    """The assumptions asked for, else those written down for the model, or this seller of it, at that time."""
    return scenario or scenario_for(model.slug, when, seller)


def week_of(at: datetime) -> date:
    return at.date() - timedelta(days=at.weekday())


@dataclass(frozen=True, slots=True)
class Rented:
    """The rents a pass computes with. `version` is empty for the shipped table."""

    table: RentTable
    version: str = ""


def rented(rows: Sequence[Mapping[str, Any]], when: date) -> Rented:
    """The shipped rents, with the ledger's own quartiles of the week where three lessors or more ask a price."""
    shipped = list(read_rows("rents.csv", Rent))
    known = accelerators()
    own = [
        Rent(
            str(row["accelerator"]),
            when,
            float(row["p25"]),
            float(row["p50"]),
            float(row["p75"]),
            "rentals of this ledger",
        )
        for row in rows
        if str(row["accelerator"]) in known
    ]
    return Rented(RentTable([*shipped, *own]), hashlib.sha256(repr(own).encode()).hexdigest()[:12] if own else "")


def cost_offers(
    offers: Sequence[Situation], at: datetime, rents: Rented | None = None, scenario: str = ""
) -> dict[int, Costed]:
    """By offer id, for offers of models the engine knows and whose price is known.

    What a lower precision would cost is only asked where the price is in doubt.
    """
    when = week_of(at)
    known = {one.offer_id: (one, m) for one in offers if one.is_priced and (m := open_model(one.model_id)) is not None}
    asked = [
        (offer_id, role, question)
        for offer_id, (one, model) in known.items()
        for role, question in _questions(one, model, when, scenario_of(model, when, scenario, one.provider))
    ]
    rents = rents or Rented(shipped_rents())
    found = _answers(asked, rents)
    doubted = [
        (offer_id, role, question)
        for offer_id, answers in found.items()
        if not known[offer_id][0].is_free and _in_doubt(next(iter(answers.values())))
        for role, question in _doubts(known[offer_id][0], next(iter(answers.values())).question)
    ]
    for offer_id, answers in _answers(doubted, rents).items():
        found[offer_id].update(answers)
    return {offer_id: costed_of(answers, rents) for offer_id, answers in found.items()}


def _answers(asked: Sequence[tuple[int, str, Question]], rents: Rented) -> dict[int, dict[str, Estimate]]:
    """Estimates by offer and role."""
    answered = answer({question for _, _, question in asked}, rents)
    grouped: dict[int, dict[str, Estimate]] = {}
    for offer_id, role, question in asked:
        grouped.setdefault(offer_id, {})[role] = answered[question]
    return grouped


# A replay asks the same question on every day of a week: answers are kept while the week and its rents last.
_ANSWERED: dict[Question, Estimate] = {}
_KEPT_FOR: list[tuple[str, date]] = []


def answer(questions: Collection[Question], rents: Rented) -> Mapping[Question, Estimate]:
    """The engine's answers. Dated scenarios bring rents of their own; the live ones ask the ledger."""
    period = [(rents.version, when) for when in sorted({q.when for q in questions})]
    if period != _KEPT_FOR:
        _ANSWERED.clear()
        _KEPT_FOR[:] = period
    fresh = sorted(set(questions) - set(_ANSWERED), key=repr)
    for live in (True, False):
        asked = [q for q in fresh if (q.scenario in LIVE_SCENARIOS) is live]
        for start in range(0, len(asked), MAX_BATCH):
            batch = asked[start : start + MAX_BATCH]
            _ANSWERED.update(zip(batch, assess(batch, rents=rents.table if live else None), strict=True))
    return _ANSWERED


def _in_doubt(estimate: Estimate) -> bool:
    return estimate.probability_below is None or estimate.probability_below >= DOUBT


def _doubts(one: Situation, sold: Question) -> list[tuple[str, Question]]:
    """What else could carry the price: a lower precision, and behind a fast stream a draft model nobody looked for."""
    widths = bits_of()
    lower = [name for name in LOWER if widths[name] < widths[sold.precision] - RUNG_BITS]
    asked = [(f"at {name}", replace(sold, precision=name)) for name in lower]
    if one.tok_s is not None and one.pair is None:
        asked.append((DRAFTED, replace(sold, draft_gain=UNSEEN_DRAFT)))
    return asked


def first_token_limit(one: Situation) -> float | None:
    """Seconds within which the assumed deployment must show the first token."""
    return None if one.ttft_s is None else TTFT_GRACE * one.ttft_s


def observed(one: Situation) -> tuple[tuple[str, float], ...]:
    """What is observed of this offer's traffic and stands in for the scenario's range."""
    return () if one.cache_hit is None else (("cache_hit", one.cache_hit),)


def typical(one: Situation, scenario: str) -> tuple[tuple[str, float], ...]:
    """What is observed of the model's requests; a dated scenario states its own."""
    if one.request is None or scenario not in LIVE_SCENARIOS:
        return ()
    return (("prompt", one.request.prompt_tokens), ("output", one.request.output_tokens))


def told_precisions(one: Situation, model: Model) -> list[str]:
    """The precision on sale, and the one that is told apart from it where label and release differ.

    A label wider than the weights were released in says how a host computes: nobody stores more bits than there are.
    """
    native, label = model.native_precision, one.label
    if label is None or label.value not in bits_of():
        return [native]
    wider = bits_of()[label.value] - native_bits(model)
    if abs(wider) <= RUNG_BITS:
        return [label.value]
    return [native, label.value] if wider > 0 else [label.value, native]


def _questions(one: Situation, model: Model, when: date, scenario: str) -> list[tuple[str, Question]]:
    known, usual, patience = observed(one), typical(one, scenario), first_token_limit(one)
    sold, *apart = told_precisions(one, model)

    def ask(precision: str, given: float | None, output: float | None) -> Question:
        return Question(
            model.model_id, precision, given, output, when, scenario, one.tok_s, patience,
            one.cached_usd if one.tier == "standard" else None, known, usual, draft_gain=one.draft_gain,
        )  # fmt: skip

    asked = [(f"at {name}", ask(name, one.input_usd, one.output_usd)) for name in (sold, *apart)]
    if (one.input_list_usd, one.output_list_usd) != (one.input_usd, one.output_usd) and one.output_list_usd is not None:
        asked.append(("list", ask(sold, one.input_list_usd, one.output_list_usd)))
    if one.output_paid_usd is not None and one.input_paid_usd is not None:
        paid = replace(ask(sold, one.input_paid_usd, one.output_paid_usd), cached_usd_per_mtok=None)
        asked.append(("effective", paid))  # transacted prices have the cache discount in them
    return asked


def costed_of(found: dict[str, Estimate], rents: Rented) -> Costed:
    """Answers by role (`at PRECISION`, `list`, `effective`); the first is the precision on sale."""
    question = next(iter(found.values())).question
    scenario = assumptions_of(question)
    bands = tuple(
        band_of(e, rents) for role, e in found.items() if role.startswith("at ") and e.output_usd_per_mtok is not None
    )
    first = next(iter(found.values()))
    if first.output_usd_per_mtok is None:
        bands = ()
    native = found.get(f"at {find_model(question.model_id).native_precision}", first)
    return Costed(
        scenario=scenario.name,
        prompt_tokens=round(scenario.prompt[1]),
        output_tokens=round(scenario.output[1]),
        busy=Busy(*scenario.utilisation),
        when=question.when,
        bands=bands,
        apart=tuple(
            (role, round(e.probability_below, 3))
            for role, e in found.items()
            if role in READINGS and e.probability_below is not None
        ),
        apart_prices=tuple((role, e.price_blended_usd_per_mtok) for role, e in found.items() if role in READINGS),
        question=question,
        drafted=_drafted(found),
        native_cost=band_of(native, rents) if native.output_usd_per_mtok is not None else None,
        native_reach=native.feasible_share,
        reason=first.reason,
    )


def _drafted(found: dict[str, Estimate]) -> tuple[float, float] | None:
    estimate = found.get(DRAFTED)
    if estimate is None or estimate.probability_below is None:
        return None
    return UNSEEN_DRAFT, round(estimate.probability_below, 3)


def band_of(estimate: Estimate, rents: Rented) -> CostBand:
    """The engine's answer as the rules read it. The id hashes everything the band depends on, and nothing else."""
    q = estimate.question
    told = (
        q.model_id,
        q.precision,
        q.scenario,
        q.tok_s_user,
        q.ttft_s,
        q.when.isoformat(),
        q.known,
        q.typical,
        q.draft_gain,
        engine_version(),
        rents.version,
    )
    into, out, both = estimate.input_usd_per_mtok, estimate.output_usd_per_mtok, estimate.blended_usd_per_mtok
    if into is None or out is None or both is None:
        raise CostError(f"{q.model_id}: no band to read: {estimate.reason}")
    return CostBand(
        hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16],
        q.precision,
        Span(*into),
        Span(*out),
        Span(*both),
        round(estimate.probability_below or 0.0, 3),
        estimate.deployment,
        estimate.trace,
        estimate.clears,
        round(estimate.feasible_share, 3),
        estimate.price_blended_usd_per_mtok if _both_sides(q) else None,
    )


def _both_sides(q: Question) -> bool:
    return q.input_usd_per_mtok is not None and q.output_usd_per_mtok is not None


def is_own_silicon(provider: str, scenario: str) -> bool:
    """Whether the host runs chips that nobody rents out, while the sum is one for rented accelerators."""
    return provider in OWN_SILICON and scenario in LIVE_SCENARIOS


def lower_only_share(native: float | None, lower: Sequence[float | None]) -> float | None:
    """Share of the draws in which a lower precision earns at the price and the native one does not.

    From P(below cost) at each: the draws are the same ones, and a lower precision never costs more. A price that is
    plainly above cost says nothing, as then nobody asks what a lower precision would cost.
    """
    if native is None:
        return None
    known = [chance for chance in lower if chance is not None]
    return max((native - chance for chance in known), default=0.0) if native >= DOUBT else 0.0
