"""What is plausible, stated once: used by ingestion and by the tests of every source.

A record that breaks the vocabulary is turned away with a notice; a pass that contradicts its source's declaration
(anchor, row count) is not stored; a price that moves too far is held, not rejected, because -97 % was once real.
"""

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from functools import cached_property, lru_cache

from scrapers.source import Source
from tracker.conditions import parse_band
from tracker.errors import CheckError, ParseError
from tracker.records import (
    BASES,
    COMMITMENTS,
    COMPONENTS,
    LEARNED_FROM,
    LIMIT_MEASURES,
    LIMIT_STATUSES,
    LIMIT_WINDOWS,
    PRICE_STATUSES,
    TIERS,
    UNITS,
    Limit,
    Metric,
    Notice,
    Offer,
    Quote,
    Record,
    Rental,
)
from warehouse.shapes import offer_id
from warehouse.versions import Calm

# A doubt: reason, detail, passes that must agree (None: a person or an independent source), hours they must span.
Doubt = tuple[str, str, int | None, float]

JUMP_FACTOR = 5.0  # beyond five-fold either way a second pass at least an hour later must agree
SIBLING_FACTOR = 50.0  # hosts of one model have never differed so much; a wrong unit is at least 1,000x off
TIER_ENDINGS = tuple(f":{tier}" for tier in TIERS)
CEILING = {"USD": Decimal(5_000), "EUR": Decimal(5_000)}  # dearest seen: 600 USD per million output tokens
CEILING_ELSE = Decimal(40_000)
CALM = Calm(factor=4, ceiling=5_000)  # well inside all of the above: moves that need not be asked about one by one
IMPLAUSIBLE = Decimal(100)  # per million tokens; few real prices are above
# One dollar in yuan since 2023 (ECB): a price that moves by just that was read in the wrong currency.
CURRENCY_FACTOR = (6.3, 7.4)


def broken(record: Record) -> str | None:
    """Why a record may not enter the ledger, or None."""
    if isinstance(record, Quote):
        return _broken_quote(record)
    if isinstance(record, Limit):
        return _broken_limit(record)
    if isinstance(record, Rental):
        return _broken_rental(record)
    if isinstance(record, Metric) and not math.isfinite(record.value):
        return f"{record.name} is not a finite number"
    return None


def _broken_offer(offer: Offer) -> str | None:
    if not offer.provider or not offer.listed_name:
        return "an offer without provider or name"
    if offer.tier not in TIERS:
        return f"unknown tier {offer.tier!r}"
    if offer.listed_name.endswith(TIER_ENDINGS):
        return f"{offer.listed_name!r} has a tier in its name: two offers would be written alike"
    return None


def _broken_quote(quote: Quote) -> str | None:
    words = _broken_words(quote.component, quote.unit, quote.basis, quote.status, quote.currency, quote.condition.hours)
    return words or _broken_amount(quote) or _broken_offer(quote.offer)


@lru_cache(maxsize=10_000)
def _broken_words(component: str, unit: str, basis: str, status: str, currency: str, hours: str) -> str | None:
    for word, known, what in (
        (component, COMPONENTS, "component"),
        (unit, UNITS, "unit"),
        (basis, BASES, "basis"),
        (status, PRICE_STATUSES, "status"),
    ):
        if word not in known:
            return f"unknown {what} {word!r}"
    if len(currency) != 3 or not currency.isupper():
        return f"unknown currency {currency!r}"
    if hours:
        try:
            parse_band(hours)
        except ParseError as error:
            return str(error)
    return None


def _broken_amount(quote: Quote) -> str | None:
    amount = quote.amount
    if (amount is None) != (quote.status in ("dynamic", "unknown")):
        return f"status {quote.status} with amount {amount}"
    if amount is None:
        return None
    if not amount.is_finite() or amount < 0:
        return f"an amount of {amount}"
    if (amount == 0) != (quote.status in ("free", "zero_claimed")):
        return f"status {quote.status} with amount {amount}"
    return None


def _broken_limit(limit: Limit) -> str | None:
    for word, known, what in (
        (limit.measure, LIMIT_MEASURES, "measure"),
        (limit.window, LIMIT_WINDOWS, "window"),
        (limit.status, LIMIT_STATUSES, "status"),
        (limit.learned_from, LEARNED_FROM, "learned_from"),
    ):
        if word not in known:
            return f"unknown {what} {word!r}"
    if (limit.amount is None) == (limit.status == "number"):
        return f"status {limit.status} with amount {limit.amount}"
    return None if limit.provider else "a limit without provider"


def _broken_rental(rental: Rental) -> str | None:
    if rental.commitment not in COMMITMENTS:
        return f"unknown commitment {rental.commitment!r}"
    if not rental.amount.is_finite() or rental.amount <= 0:
        return f"a rent of {rental.amount}"
    return None


def sift(records: Iterable[Record]) -> Iterator[Record]:
    """The records that may enter; each one turned away becomes a notice in its place."""
    for record in records:
        problem = broken(record)
        yield Notice("bad_row", f"{problem}: {str(record)[:200]}") if problem else record


def prove(source: Source, records: Sequence[Record], count: int | None = None) -> None:
    """Raise CheckError unless the pass has enough rows and every anchor it shows lies within its bounds.

    `count` is the number of rows where `records` are only those an anchor may name.
    """
    rows = sum(1 for record in records if not isinstance(record, Notice)) if count is None else count
    if rows < source.min_rows:
        raise CheckError(f"{source.id}: {rows} rows where at least {source.min_rows} are expected")
    for known in source.anchors:
        for record in records:
            if not isinstance(record, Quote) or record.offer.listed_name != known.listed_name:
                continue
            plain = record.component == known.component and record.basis == "list" and record.offer.tier == "standard"
            if plain and record.amount and not known.low <= record.amount <= known.high:
                raise CheckError(
                    f"{source.id}: {known.listed_name} {known.component} reads {record.amount}, outside "
                    f"{known.low}-{known.high}: the unit is not what the source declares ({source.unit})"
                )


@lru_cache(maxsize=100_000)
def base_name(listed_name: str) -> str:
    """The part of a listed name that names the model: after the last slash, before a tag, lower case."""
    return listed_name.rsplit("/", 1)[-1].split(":", 1)[0].lower()


class Siblings:
    """The same model at other providers within one capture: a wrong unit stands out among them. Indexed when asked."""

    def __init__(self, quotes: Sequence[Quote]) -> None:
        self._quotes = quotes
        self._amounts: dict[tuple[str, str, str], list[tuple[str, float]]] = {}
        self._indexed: set[str] = set()

    @cached_property
    def _by_name(self) -> dict[str, list[Quote]]:
        found: defaultdict[str, list[Quote]] = defaultdict(list)
        for quote in self._quotes:
            found[base_name(quote.offer.listed_name)].append(quote)
        return found

    @cached_property
    def _offers(self) -> dict[int, Offer]:
        return {offer_id(quote.offer): quote.offer for quote in self._quotes}

    def offer(self, offer: int) -> Offer | None:
        """The offer with this id, where the capture quotes it."""
        return self._offers.get(offer)

    def named(self, name: str) -> Iterable[Quote]:
        """The quotes of all offers of one model."""
        return self._by_name.get(name, ())

    def amounts(self, name: str, component: str, currency: str) -> Sequence[tuple[str, float]]:
        """(provider, list price) of one model and component, wherever it is sold."""
        if name not in self._indexed:
            self._indexed.add(name)
            for quote in self.named(name):
                if quote.amount and quote.unit == "mtok" and quote.offer.tier == "standard" and quote.basis == "list":
                    place = name, quote.component, quote.currency
                    self._amounts.setdefault(place, []).append((quote.offer.provider, float(quote.amount)))
        return self._amounts.get((name, component, currency), ())

    def doubt(self, offer: int, component: str, amount: Decimal | None, currency: str, unit: str) -> Doubt | None:
        """A price 50 times its siblings' median, or a fiftieth of it, is held."""
        if not amount or unit != "mtok" or (known := self.offer(offer)) is None or known.tier != "standard":
            return None
        shelf = self.amounts(base_name(known.listed_name), component, currency)
        others = [amount for provider, amount in shelf if provider != known.provider]
        if len(others) < 2:
            return None
        middle = statistics.median(others)
        ratio = float(amount) / middle
        if 1 / SIBLING_FACTOR < ratio < SIBLING_FACTOR:
            return None
        return "unit_suspect", f"{ratio:.3g} times the median {middle:.4g} of {len(others)} siblings", None, 0.0


def doubt_move(old: Decimal | None, new: Decimal | None, currency: str) -> Doubt | None:
    """Whether a move needs confirmation: any beyond five-fold; a clean power of ten or a currency factor for longer."""
    if new and new > CEILING.get(currency, CEILING_ELSE):
        return "beyond_range", f"{new} {currency} per million is above any price seen", None, 0.0
    if not old or not new:
        return None
    ratio = float(new / old)
    factor = max(ratio, 1 / ratio)
    detail = f"from {old.normalize():f} to {new.normalize():f} {currency}"
    digits = math.log10(factor)
    if abs(digits - round(digits)) < 0.0005 and round(digits) >= 1:
        # ten-fold moves have been real, and a price that leaves the implausible is a repair; other moves are a unit's
        repaired = old > IMPLAUSIBLE > new
        return "power_of_ten", detail, (3 if round(digits) == 1 or repaired else None), 24.0
    if CURRENCY_FACTOR[0] <= factor <= CURRENCY_FACTOR[1]:
        return "currency_factor", detail, 3, 24.0
    return ("jump", detail, 1, 1.0) if factor >= JUMP_FACTOR else None


def agrees(amount: Decimal | None, witnesses: Iterable[Decimal]) -> bool:
    """Whether an independent source states this very price (within a tenth of a percent)."""
    if not amount:
        return False
    return any(abs(seen / amount - 1) < Decimal("0.001") for seen in witnesses)
