"""Sakana's pay-as-you-go tables (USD): token types as rows, a standard and a long-prompt column; model as heading."""

import re
from collections.abc import Iterator

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import (
    Cell,
    Money,
    Table,
    html_tables,
    loud,
    prices_in,
    refuse,
    soup_of,
    text_of,
    token_band,
    visible,
)
from tracker.conditions import ALWAYS, Condition
from tracker.errors import ParseError
from tracker.records import Notice, Offer, Quote, Record

SOURCE = Source(
    id="sakana_pricing",
    title="Sakana pay-as-you-go prices",
    kind="seller",
    requests=(Request("https://console.sakana.ai/pricing"),),
    every_hours=24,
    currency="USD",
    unit="USD per million tokens",
    min_rows=6,
    terms="public documentation page",
    proof="excerpt",
    proof_url="https://github.com/wakamex/model-prices/blob/main/tests/fixtures/sakana.html",
    provider="sakana",
    anchors=(anchor("Fugu Ultra", "output", "3", "300"),),
    notice="the excerpt does not show the sentence that names the unit: the anchor alone proves it",
)

DOLLARS = Money("USD", before="$")
_LONG = re.compile(r"context (> ?\d+k)", re.IGNORECASE)


def parse(capture: Capture) -> Iterator[Record]:
    soup = soup_of(text_of(capture.body))
    refuse(visible(soup), r"1K tokens", r"thousand tokens")
    yield from loud(_records(html_tables(soup)))


def _records(tables: list[Table]) -> Iterator[Record]:
    for table in tables:
        conditions = [_condition(text) for text in table.header[1:]]
        if table.header[:1] != ("Token type",) or None in conditions or not table.headings:
            yield Notice("skipped", f"not read: table of {', '.join(table.header)}", table.place)
            continue
        for number, row in enumerate(table.rows):
            component = ROWS.get(row[0].text.lower()) if row else None
            if component is None or len(row) != len(table.header):
                yield Notice("bad_row", f"not read: {[cell.text for cell in row]}", f"{table.place} row {number}")
                continue
            for cell, condition in zip(row[1:], conditions, strict=True):
                yield from _quotes(table, component, cell, condition or ALWAYS, f"{table.place} row {number}")


def _condition(header: str) -> Condition | None:
    if header.lower() == "standard price":
        return ALWAYS
    found = _LONG.fullmatch(header)
    return Condition(*token_band(found[1])) if found else None


def _quotes(table: Table, component: str, cell: Cell, condition: Condition, place: str) -> Iterator[Record]:
    try:
        prices = prices_in(cell, DOLLARS)
    except ParseError as error:
        yield Notice("bad_row", str(error), place)
        return
    for price in prices:
        offer = Offer("sakana", table.headings[-1])
        yield Quote(
            offer, component, price.amount, "USD", price.status, condition=condition, raw=price.raw, locator=place
        )


ROWS = {"input": "input", "output": "output", "cached input": "cache_read"}
