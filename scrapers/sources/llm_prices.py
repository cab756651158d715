"""llm-prices.com: a hand-kept history of prices with the dates they held, USD per million tokens.

`historical-v1.json` is one list of `{id, vendor, name, input, output, input_cached, from_date, to_date}`; the
repository keeps the same per vendor as `{vendor, models: [{id, price_history: [...]}]}`, its history all of those under
`vendors`. Dates are effective dates as stated by the keeper; null means "since the start" or "still".
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from scrapers.json_text import JsonObject, as_list, as_object, as_text, json_body, rows_at
from scrapers.providers import provider_of, unknown_provider
from scrapers.quoting import Money, quoted
from scrapers.source import Capture, Request, Source, anchor
from tracker.conditions import Condition
from tracker.errors import ParseError
from tracker.records import Notice, Offer, Record
from tracker.units import PER_MTOK

SOURCE = Source(
    id="llm_prices",
    title="llm-prices.com history",
    kind="catalogue",
    requests=(Request("https://www.llm-prices.com/historical-v1.json"),),
    every_hours=24,
    currency="USD",
    unit="USD per million tokens",
    min_rows=50,
    terms="Apache-2.0 licence, cite simonw/llm-prices",
    proof="recorded",
    proof_url="https://github.com/simonw/llm-prices",
    anchors=(
        anchor("gpt-4o", "input", "1", "6"),
        anchor("claude-3-haiku", "output", "1", "1.5"),
    ),
    copies=("*",),
)


def parse(capture: Capture) -> Iterator[Record]:
    """Every priced interval of every model."""
    found = False
    for locator, word, row in _rows(json_body(capture)):
        found = True
        yield from _row_records(word, row, locator)
    if not found:
        raise ParseError("llm_prices: no row has a vendor and an id")


def _rows(body: Any) -> Iterator[tuple[str, str, JsonObject]]:
    if "vendors" in as_object(body):
        for place, row in rows_at(body, "vendors"):
            yield from _vendor_rows(row, as_text(row.get("vendor")), place)
        return
    if vendor := as_text(as_object(body).get("vendor")):
        yield from _vendor_rows(body, vendor, "")
        return
    for locator, row in rows_at(body, "prices"):
        if as_text(row.get("id")) and as_text(row.get("vendor")):
            yield locator, as_text(row.get("vendor")), row


def _vendor_rows(body: JsonObject, vendor: str, place: str) -> Iterator[tuple[str, str, JsonObject]]:
    for locator, model in rows_at(body, "models"):
        name = as_text(model.get("id"))
        for index, period in enumerate(as_list(model.get("price_history"))):
            if name and vendor:
                yield f"{place}{locator}/price_history/{index}", vendor, {**as_object(period), "id": name}


def _row_records(word: str, row: JsonObject, locator: str) -> Iterator[Record]:
    provider = provider_of(word)
    if provider is None:
        yield from unknown_provider(word, locator)
        return
    offer = Offer(provider.id, as_text(row.get("id")), region=provider.region)
    try:
        condition = Condition(effective_from=_date(row.get("from_date")), effective_until=_date(row.get("to_date")))
    except ValueError as error:
        yield Notice("bad_row", f"{offer}: {error}"[:200], locator)
        return
    for key, component in COSTS.items():
        yield from quoted(offer, component, row.get(key), MONEY, f"{locator}/{key}", condition=condition)


def _date(value: Any) -> datetime | None:
    return datetime.fromisoformat(as_text(value)) if value is not None else None


MONEY = Money("USD", PER_MTOK)
COSTS = {"input": "input", "output": "output", "input_cached": "cache_read"}
