"""From the rows of one moment to one `Situation` per offer: all the rules look at, and nothing that moves by itself.

Speeds are rounded to a ratio grid of 20 % and readings missed to whole ones, so that an offer whose inputs did not
really change keeps its hash and is not rated again.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tracker.assess.lengths import Lengths, lengths_of
from tracker.assess.observed import on_grid, speeds_of
from tracker.assess.prices import Hold, prices_of, ref_of
from tracker.flags.precision_changed import Label
from tracker.flags.source_conflict import Conflict
from tracker.flags.speculative_decoding import PairedSpeed
from tracker.flags.sudden_change import Move
from tracker.market.effective import Allowance
from warehouse.flag_facts import LIVE_KINDS

Rows = Sequence[Mapping[str, Any]]
LimitMoves = tuple[str, str, tuple[Move, ...]]  # whose limit, its unit in words, its amounts over time
UNKNOWN_LABELS = frozenset(("", "unknown", "none", "null"))
BY_NAME = "the listed name"  # where a label was read off the name itself
# These move with every reading; what the series amount to is hashed instead (assess.judge).
UNHASHED = frozenset(
    (
        "last_good_at",
        "every_hours",
        "moved_a_day",
        "tok_s_seen",
        "ttft_s_seen",
        "decode_s",
        "measured_prompt_tokens",
        "paid_quote_id",
        "output_moves",
        "input_moves",
        "limit_moves",
        "speed_days",
        "ttft_days",
    )
)
LENGTH_STEP = 1.5  # requests grow and shrink slowly; the range around them is wider than a step


@dataclass(frozen=True, slots=True)
class LimitRow:
    """One published limit and the row that says so."""

    allowance: Allowance
    limit_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Situation:
    """One offer at one moment."""

    offer_id: int
    offer: str
    provider: str
    model_id: str | None
    tier: str
    is_text: bool
    source_id: str
    is_live: bool
    is_copied: bool  # its best source is a copy of other people's lists
    is_headline: bool  # a router's own row: it serves nothing, and the hosts behind it have rows of their own
    every_hours: float
    usd_per_unit: float
    input_usd: float | None  # what it is judged by: the standing price, or its mean where it flip-flops
    output_usd: float | None
    input_quoted_usd: float | None  # the standing price
    output_quoted_usd: float | None
    input_list_usd: float | None
    output_list_usd: float | None
    input_paid_usd: float | None
    output_paid_usd: float | None
    cached_usd: float | None
    input_status: str
    output_status: str
    input_quote_id: str
    output_quote_id: str
    paid_quote_id: str
    since: datetime
    tok_s: float | None
    ttft_s: float | None
    tok_s_seen: float | None  # as measured, for the sentence; the grid above decides what is rated again
    ttft_s_seen: float | None
    decode_s: float | None  # seconds of decoding after the first token, where the measurer says
    measured_prompt_tokens: int | None  # of the prompts behind the first-token time
    pair: PairedSpeed | None  # on easy and on hard text
    draft_gain: float | None  # tokens a step that a draft model seen by such a pair brings
    cache_hit: float | None  # observed share of input tokens served from cache, in steps of a tenth
    request: Lengths | None  # what a request of this model is on a router that counts them, on a grid
    speed_sources: tuple[str, ...]
    labels: tuple[Label, ...]
    label_source: str
    context_tokens: int | None
    limits: tuple[LimitRow, ...]
    conflicts: tuple[Conflict, ...]
    holds: tuple[Hold, ...]
    output_moves: tuple[Move, ...]
    input_moves: tuple[Move, ...]
    limit_moves: tuple[LimitMoves, ...]
    speed_days: tuple[Move, ...]
    ttft_days: tuple[Move, ...]
    readings_missed: int
    last_good_at: datetime | None
    moved_a_day: float | None  # share of its source's rows that change in a day
    missing_since: datetime | None

    @property
    def is_hearsay(self) -> bool:
        """Nobody who serves it states it: no ground for an accusation, nor for a floor of the market."""
        return self.is_copied or self.is_headline

    @property
    def is_free(self) -> bool:
        """Free with evidence: a bare zero claims nothing."""
        sides = [status for status in (self.input_status, self.output_status) if status]
        return bool(sides) and all(status == "free" for status in sides)

    @property
    def flip_flops(self) -> bool:
        """Judged by a mean that is not what its quotes say."""
        return (self.input_usd, self.output_usd) != (self.input_quoted_usd, self.output_quoted_usd)

    @property
    def is_priced(self) -> bool:
        return self.is_free or "known" in (self.input_status, self.output_status)

    @property
    def label(self) -> Label | None:
        """The label shown last; None where none is, or only `unknown`."""
        return self.labels[-1] if self.labels and self.labels[-1].bits is not None else None

    def fingerprint(self, beside: str) -> str:
        """Hash of everything above but UNHASHED, and of what the rules and facts are."""
        told = [getattr(self, name) for name in self.__dataclass_fields__ if name not in UNHASHED]
        return hashlib.sha256(f"{beside}{told!r}".encode()).hexdigest()[:24]


def situations(facts: Mapping[str, Rows], at: datetime, bits: Mapping[str, float]) -> list[Situation]:
    """One per offer on the market. `bits` knows the width of every precision label."""
    by = {
        name: _grouped(facts[name])
        for name in ("labels", "speeds", "speed_pairs", "speed_days", "moves", "conflicts", "held", "missing")
    }
    read = {str(row["source_id"]): row for row in facts["read"]}
    limits = _limits(facts["limits"])
    lengths = {model: _steps(found) for model, found in lengths_of(facts["lengths"]).items()}
    moves = _limit_moves(facts["limit_moves"])
    return [_situation(row, by, read, limits, moves, lengths, at, bits) for row in facts["offers"]]


def _steps(found: Lengths) -> Lengths:
    return Lengths(*(on_grid(value, LENGTH_STEP) or 1.0 for value in found))


def _grouped(rows: Rows) -> dict[int, list[Mapping[str, Any]]]:
    groups: defaultdict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[int(row["offer_id"])].append(row)
    return dict(groups)


def _situation(
    row: Mapping[str, Any],
    by: Mapping[str, Mapping[int, Rows]],
    read: Mapping[str, Mapping[str, Any]],
    limits: Mapping[tuple[str, str, str], tuple[LimitRow, ...]],
    limit_moves: Mapping[tuple[str, str, str], tuple[LimitMoves, ...]],
    lengths: Mapping[str, Lengths],
    at: datetime,
    bits: Mapping[str, float],
) -> Situation:
    offer_id, source_id, provider = int(row["offer_id"]), str(row["source_id"]), str(row["provider"])
    labels, label_source = _labels(
        by["labels"].get(offer_id, ()), str(row["named_precision"] or ""), row["since"], bits
    )
    return Situation(
        offer_id=offer_id,
        offer=str(row["offer"]),
        provider=provider,
        model_id=row["model_id"],
        tier=str(row["tier"]),
        is_text=bool(row["is_text"]),
        source_id=source_id,
        is_live=row["source_kind"] in LIVE_KINDS,
        is_copied=bool(row["is_copy"]),
        is_headline=bool(row["is_headline"]),
        since=row["since"],
        labels=labels,
        label_source=label_source,
        context_tokens=_context(by["labels"].get(offer_id, ())),
        limits=_own_limits(limits, provider, str(row["listed_name"]), str(row["tier"])),
        limit_moves=limit_moves.get((provider, str(row["listed_name"]), str(row["tier"])), ()),
        conflicts=tuple(_conflict(found) for found in by["conflicts"].get(offer_id, ())),
        request=lengths.get(str(row["model_id"])),
        **_readings(row, read.get(source_id, {}), by["missing"].get(offer_id, ()), at),
        **prices_of(row, by["moves"].get(offer_id, ()), by["held"].get(offer_id, ()), at),
        **speeds_of(
            str(row["offer"]),
            by["speeds"].get(offer_id, ()),
            by["speed_days"].get(offer_id, ()),
            by["speed_pairs"].get(offer_id, ()),
        ),
    )


def _readings(row: Mapping[str, Any], seen: Mapping[str, Any], missing: Rows, at: datetime) -> dict[str, Any]:
    """How the offer's best source was read, and since when it shows the offer no more."""
    every, last_good = _interval(float(row["every_hours"] or 24), seen.get("usual_hours")), seen.get("last_good_at")
    gone = [m["missing_since"] for m in missing if m["source_id"] == row["source_id"]]
    return {
        "every_hours": every,
        "readings_missed": _missed(last_good, every, at),
        "last_good_at": last_good,
        "moved_a_day": seen.get("moved_a_day"),
        "missing_since": gone[0] if gone else None,
    }


def _interval(planned_hours: float, usual_hours: float | None) -> float:
    """Hours between readings: the planned, doubled until what was usual lately fits, as where somebody reads weekly."""
    while usual_hours is not None and planned_hours < usual_hours / 1.5:
        planned_hours *= 2
    return planned_hours


def _missed(last_good: datetime | None, every_hours: float, at: datetime) -> int:
    """Whole readings missed, from the fourth on: three are the house's patience."""
    if last_good is None:
        return 0
    missed = (at - last_good) / timedelta(hours=max(every_hours, 1.0))
    return min(int(missed), 40) if missed > 3 else 0


def _labels(rows: Rows, named: str, since: datetime, bits: Mapping[str, float]) -> tuple[tuple[Label, ...], str]:
    """The labels of the best-standing source, oldest first; else what the listed name itself declares."""
    told = [row for row in rows if row["attribute"] == "precision"]
    if not told:
        label = (Label(named, bits.get(named), since, "name"),) if named in bits else ()
        return label, BY_NAME if label else ""
    best = told[0]["source_id"]
    labels = [
        Label(
            value,
            None if value in UNKNOWN_LABELS else bits.get(value),
            row["observed_at"],
            ref_of(row["declaration_id"]),
        )
        for row in told
        if row["source_id"] == best and (value := str(row["value"]).strip().lower()) is not None
    ]
    last = [row for row in told if row["source_id"] == best][-1]
    if last["is_withdrawn"] and labels[-1].bits is not None:
        labels.append(Label("no label", None, last["ended_at"], ref_of(last["declaration_id"])))
    return tuple(labels), str(best)


def _context(rows: Rows) -> int | None:
    told = [str(row["value"]) for row in rows if row["attribute"] == "context_tokens" and row["ended_at"] is None]
    return next((int(value) for value in told if value.isdigit()), None)


def _conflict(row: Mapping[str, Any]) -> Conflict:
    return Conflict(
        str(row["component"]),
        str(row["source_id"]),
        int(row["standing"]),
        float(row["amount"]),
        str(row["other_source_id"]),
        float(row["other_amount"]),
        bool(row["other_is_copy"]),
        str(row["currency"]),
        ref_of(row["quote_id"]),
        ref_of(row["other_quote_id"]),
    )


def _own_limits(
    limits: Mapping[tuple[str, str, str], tuple[LimitRow, ...]], provider: str, listed_name: str, tier: str
) -> tuple[LimitRow, ...]:
    """Those of the offer's own tier, else those of the standard one; of the model, else of the whole account."""
    for name in (listed_name, ""):
        for of_tier in (tier, "standard"):
            if found := limits.get((provider, name, of_tier)):
                return found
    return ()


def _limits(rows: Rows) -> dict[tuple[str, str, str], tuple[LimitRow, ...]]:
    found: defaultdict[tuple[str, str, str], list[LimitRow]] = defaultdict(list)
    for row in rows:
        amount = None if row["status"] == "unlimited" else row["amount"]
        size = "unlimited" if amount is None else f"{amount:,.0f}"
        per = "" if row["measure"] == "concurrency" else f" a {row['per']}"
        allowance = Allowance(str(row["account_tier"]), str(row["measure"]), str(row["per"]), amount)
        text = f"{size} {str(row['measure']).replace('_', ' ')}{per}"
        key = str(row["provider"]), str(row["listed_name"]), str(row["tier"])
        found[key].append(LimitRow(allowance, ref_of(row["limit_id"]), text))
    return {key: tuple(limits) for key, limits in found.items()}


def _limit_moves(rows: Rows) -> dict[tuple[str, str, str], tuple[LimitMoves, ...]]:
    """By provider, listed name and tier: the limits of a model that moved."""
    found: defaultdict[tuple[str, str, str], list[LimitMoves]] = defaultdict(list)
    for row in rows:
        account = f"the {row['account_tier']} tier's limit" if row["account_tier"] else "the limit"
        per = "" if row["measure"] == "concurrency" else f" a {row['per']}"
        told = tuple(Move(move["at"], float(move["amount"]), ref_of(move["limit_id"])) for move in row["moves"])
        key = str(row["provider"]), str(row["listed_name"]), str(row["tier"])
        found[key].append((account, f"{str(row['measure']).replace('_', ' ')}{per}", told))
    return {key: tuple(limits) for key, limits in found.items()}


def peers_of(offers: Iterable[Situation]) -> dict[str, tuple[tuple[str, str, float], ...]]:
    """Standing output prices per model: (offer, provider, USD per million), paid standard offers only."""
    found: defaultdict[str, list[tuple[str, str, float]]] = defaultdict(list)
    for one in offers:
        if one.model_id and one.tier == "standard" and one.output_usd and one.output_usd > 0:
            found[one.model_id].append((one.offer, one.provider, one.output_usd))
    return {model: tuple(rows) for model, rows in found.items()}
