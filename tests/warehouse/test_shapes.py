"""How records become rows: dated prices follow each other, and a pass shows them in the order of its source."""

from datetime import datetime
from decimal import Decimal

from tracker.conditions import Condition
from tracker.records import Offer, Quote
from warehouse.shapes import dated


def test_dated_prices_keep_the_order_of_the_source_whatever_the_hash_seed() -> None:
    """The fingerprint of a pass goes by that order; a set would give another one in every process."""
    starts = [datetime.fromisoformat(day) for day in ("2026-01-01", "2026-03-01")]
    quotes = [
        Quote(Offer("p", f"model-{index}"), "input", Decimal(1), "USD", condition=Condition(effective_from=start))
        for index in range(12)
        for start in starts
    ]
    result = dated(quotes)
    assert [quote.offer for quote in result] == [quote.offer for quote in quotes]
    assert [quote.condition.effective_until for quote in result] == [starts[1], None] * 12
