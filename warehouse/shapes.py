"""How each kind of record becomes key, value and evidence, and which columns of the ledger hold them.

Key: what identifies the fact. Value: what makes a new version when it differs. Evidence: how the source wrote it,
kept with the version that was opened but never compared.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from itertools import zip_longest
from typing import Any

import pyarrow as pa

from tracker.records import Declaration, Limit, Offer, Quote, Record, Rental
from warehouse.versions import Evidence, Key, Row, Value, identity

_TEXT, _WHEN, _BIG, _INT = pa.string(), pa.timestamp("us"), pa.int64(), pa.int32()
_TYPES: dict[str, pa.DataType] = {
    **dict.fromkeys(("amount", "rate"), pa.decimal128(24, 9)),
    **dict.fromkeys(("memory_gb", "value", "duration_ms", "every_hours"), pa.float64()),
    **dict.fromkeys(("published_date", "day"), pa.date32()),
    **dict.fromkeys(("version_id", "ended_id", "offer_id", "capture_id", "pass_id", "hold_id"), _BIG),
    **dict.fromkeys(("tokens", "prompt_tokens", "requests", "bytes", "position"), _BIG),
    **dict.fromkeys(("min_prompt_tokens", "max_prompt_tokens", "priority", "gpu_count", "misses", "agreed"), _INT),
    **dict.fromkeys(("row_count", "opened", "closed", "held", "pending", "notices", "standing"), _INT),
    **dict.fromkeys(("observed_at", "recorded_at", "ended_at", "ended_recorded_at", "superseded_at"), _WHEN),
    **dict.fromkeys(("missing_since", "effective_from", "effective_until", "measured_at", "decided_at"), _WHEN),
    **dict.fromkeys(("valid_from", "valid_to"), _WHEN),
    "enabled": pa.bool_(),
}


def arrow_type(column: str) -> pa.DataType:
    """The Arrow type of a ledger column, by its name: one meaning per name everywhere."""
    return _TYPES.get(column, _TEXT)


@lru_cache(maxsize=400_000)
def offer_id(offer: Offer) -> int:
    """The stable id of an offer."""
    return identity(offer.provider, offer.listed_name, offer.tier, offer.region, offer.variant)


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of versioned fact."""

    kind: str
    record: type
    key_columns: tuple[str, ...]
    value_columns: tuple[str, ...]
    evidence_columns: tuple[str, ...]
    split: Callable[[Iterable[Any]], Iterator[tuple[Key, Value, Evidence]]]

    @property
    def now_columns(self) -> tuple[str, ...]:
        return (*self._head, "observed_at", "recorded_at", "misses", "missing_since")

    @property
    def past_columns(self) -> tuple[str, ...]:
        ends = ("ended_at", "ended_recorded_at", "end_reason", "superseded_at", "valid_from", "valid_to")
        return (*self._head, "observed_at", "recorded_at", *ends)

    @property
    def fact_columns(self) -> tuple[str, ...]:
        return (*self.key_columns, *self.value_columns, *self.evidence_columns)

    @property
    def _head(self) -> tuple[str, ...]:
        return ("version_id", "source_id", *self.fact_columns, "capture_id", "pass_id", "recorder")


Split = tuple[Key, Value, Evidence]


def _split_quotes(quotes: Iterable[Quote]) -> Iterator[Split]:
    offer, ident = None, 0
    for quote in quotes:
        if quote.offer is not offer:  # the prices of an offer come one after another
            offer, ident = quote.offer, offer_id(quote.offer)
        when = quote.condition
        bands = when.min_prompt_tokens, when.max_prompt_tokens, when.hours, when.effective_from
        value = quote.amount, quote.currency, quote.unit, quote.status, quote.priority, when.effective_until
        yield (ident, quote.component, quote.basis, *bands), value, (quote.raw, quote.locator)


def _split_declarations(facts: Iterable[Declaration]) -> Iterator[Split]:
    for fact in facts:
        yield (offer_id(fact.offer), fact.attribute), (fact.value,), (fact.locator,)


def _split_limits(facts: Iterable[Limit]) -> Iterator[Split]:
    for f in facts:
        key = (f.provider, f.listed_name, f.tier, f.region, f.account_tier, f.measure, f.window)
        yield key, (f.amount, f.status, f.learned_from), (f.locator,)


def _split_rentals(facts: Iterable[Rental]) -> Iterator[Split]:
    for f in facts:
        key = (f.lessor, f.listed_name, f.region, f.commitment, f.gpu_count, f.form, f.effective_from)
        yield key, (f.accelerator, f.memory_gb, f.amount, f.currency), (f.locator,)


QUOTE = Shape(
    "quote",
    Quote,
    ("offer_id", "component", "basis", "min_prompt_tokens", "max_prompt_tokens", "hours", "effective_from"),
    ("amount", "currency", "unit", "status", "priority", "effective_until"),
    ("raw", "locator"),
    _split_quotes,
)
DECLARATION = Shape(
    "declaration", Declaration, ("offer_id", "attribute"), ("declared",), ("locator",), _split_declarations
)
LIMIT = Shape(
    "limit",
    Limit,
    ("provider", "listed_name", "tier", "region", "account_tier", "measure", "per"),
    ("amount", "status", "learned_from"),
    ("locator",),
    _split_limits,
)
RENTAL = Shape(
    "rental",
    Rental,
    ("lessor", "listed_name", "region", "commitment", "gpu_count", "form", "effective_from"),
    ("accelerator", "memory_gb", "amount", "currency"),
    ("locator",),
    _split_rentals,
)
SHAPES = (QUOTE, DECLARATION, LIMIT, RENTAL)


def dated(quotes: Sequence[Quote]) -> list[Quote]:
    """Give each price its end where the source lists its successor: dated prices of one component follow each other."""
    # in the order of the source, which a set would lose: the fingerprint of a pass goes by it
    groups: dict[tuple[object, ...], list[Quote]] = {_chain(q): [] for q in quotes if q.condition.effective_from}
    if not groups:
        return list(quotes)
    result: list[Quote] = []
    for quote in quotes:
        groups.get(_chain(quote), result).append(quote)
    for group in groups.values():
        group.sort(key=lambda quote: quote.condition.effective_from or datetime(1, 1, 1))  # noqa: DTZ001
        for quote, following in zip_longest(group, group[1:]):
            until = following.condition.effective_from if following else None
            if until and quote.condition.effective_until is None and until != quote.condition.effective_from:
                quote = replace(quote, condition=replace(quote.condition, effective_until=until))
            result.append(quote)
    return result


def _chain(quote: Quote) -> tuple[object, ...]:
    """What two dated prices share when one follows the other."""
    when = quote.condition
    bands = when.min_prompt_tokens, when.max_prompt_tokens, when.hours
    return (quote.offer, quote.component, quote.basis, *bands)


def rows_of(shape: Shape, records: Iterable[Record], capture_id: int) -> tuple[dict[Key, Row], list[Key]]:
    """Keyed rows of one capture, and the keys it showed twice with different values (the first is kept)."""
    rows: dict[Key, Row] = {}
    contradicted: list[Key] = []
    for key, value, evidence in shape.split(records):
        known = rows.setdefault(key, Row(value, evidence, capture_id))
        if known.value != value:
            contradicted.append(key)
    return rows, contradicted
