"""Meituan LongCat's price page: one table in USD and one in CNY, components as rows, prices "discounted".

The header of both tables says `$/1M Tokens`; the mark of each number decides the currency. Without the list price
beside it, a discounted price is still a discount. The model is the one the sentence above the tables names.
"""

import re
from collections.abc import Iterator

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import Money, Table, html_tables, loud, price_of, soup_of, text_of, visible
from tracker.errors import ParseError
from tracker.records import Notice, Offer, Quote, Record

SOURCE = Source(
    id="longcat_pricing",
    title="LongCat pay-as-you-go prices",
    kind="seller",
    requests=(Request("https://longcat.chat/platform/docs/pricing/longcat-2.0"),),
    every_hours=24,
    currency="USD",
    unit="USD or CNY per 1M tokens, by the header and the mark of each number",
    min_rows=6,
    terms="public documentation page",
    proof="excerpt",
    proof_url="https://github.com/wakamex/model-prices/blob/main/tests/fixtures/longcat-2.0.html",
    provider="longcat",
    anchors=(anchor("LongCat-2.0", "output", "0.1", "100"),),
)

MARKETS = {"$": ("global", Money("USD", before="$")), "¥": ("cn", Money("CNY", before="¥"))}
_MODEL = re.compile(r"currently supports ([A-Za-z0-9.-]+?)\.?(?: |$)")
_HEADER = re.compile(r"(discounted )?price \$/1m tokens(?: \(limited-time\))?")


def parse(capture: Capture) -> Iterator[Record]:
    soup = soup_of(text_of(capture.body))
    model = _MODEL.search(visible(soup))
    if not model:
        raise ParseError("the page no longer says which model its prices are for")
    yield from loud(_records(html_tables(soup), model[1]))


def _records(tables: list[Table], model: str) -> Iterator[Record]:
    for table in tables:
        header = [text.lower() for text in table.header]
        priced = _HEADER.fullmatch(header[1]) if len(header) == 2 and header[0] == "item" else None
        if not priced:
            yield Notice("unknown_word", f"not read: table of {table.header}", table.place)
            continue
        for number, row in enumerate(table.rows):
            place = f"{table.place} row {number}"
            if len(row) == 2 and row[0].text.lower() in ROWS and row[1].text[:1] in MARKETS:
                yield from _quotes(model, row[0].text, row[1].text, "discount" if priced[1] else "list", place)
            else:
                yield Notice("bad_row", f"not read: {[cell.text for cell in row]}", place)


def _quotes(model: str, label: str, text: str, basis: str, place: str) -> Iterator[Record]:
    region, money = MARKETS[text[0]]
    try:
        price = price_of(text, money)
    except ParseError as error:
        yield Notice("bad_row", str(error), place)
        return
    yield Quote(
        Offer("longcat", model, region=region), ROWS[label.lower()], price.amount, money.currency, price.status,
        basis=basis, raw=text, locator=place,
    )  # fmt: skip


ROWS = {"uncached input": "input", "cached input": "cache_read", "output": "output"}
