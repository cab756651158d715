"""Fireworks' serverless price page (Markdown twin), USD per 1M tokens.

A cell holds three prices in the order the page states: input / cached input / output, one column per service tier. An
earlier layout of the same page had one column per component and is read too.
"""

from collections.abc import Iterator

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import (
    ABSENT,
    OTHER_MONEY,
    Cell,
    Money,
    Reading,
    Table,
    loud,
    markdown_tables,
    plain,
    prices_in,
    readings,
    refuse,
    require,
    text_of,
)
from tracker.errors import ParseError
from tracker.records import Notice, Offer, Record

SOURCE = Source(
    id="fireworks_pricing",
    title="Fireworks serverless pricing",
    kind="host",
    requests=(Request("https://docs.fireworks.ai/serverless/pricing.md"),),
    every_hours=12,
    currency="USD",
    unit="USD per 1M tokens, by prose",
    min_rows=9,
    terms="public documentation page",
    proof="excerpt",
    proof_url="https://docs.fireworks.ai/serverless/pricing.md",
    provider="fireworks",
    anchors=(anchor("OpenAI GPT OSS 120B", "output", "0.1", "5"),),
)

DOLLARS = Money("USD", before="$")
ORDER = ("input", "cache_read", "output")


def parse(capture: Capture) -> Iterator[Record]:
    text = text_of(capture.body)
    words = plain(text)
    require(words, r"per (1 )?million tokens|per 1M tokens", r"USD|US dollars")
    refuse(words, OTHER_MONEY, r"per 1K tokens", r"per thousand tokens")
    yield from loud(_records(text, "input / cached input / output" in words.lower()))


def _records(text: str, ordered: bool) -> Iterator[Record]:
    for table in markdown_tables(text):
        header = tuple(text.lower() for text in table.header)
        if header[:1] == ("model",) and set(header[1:]) <= set(TIERS) and len(header) > 1:
            if not ordered:
                raise ParseError("cells of three prices, but the page no longer states their order")
            yield from _tiers(table)
        elif {"model", "input", "output"} <= set(header):
            for reading in readings(table, COLUMNS, DOLLARS, ("model", "input", "output")):
                yield from (
                    [reading]
                    if isinstance(reading, Notice)
                    else reading.quotes(_offer(reading.facts["model"], "standard"))
                )
        else:
            yield Notice("skipped", f"not read: table of {', '.join(table.header)[:120]}", table.place)


def _offer(name: str, tier: str) -> Offer:
    return Offer("fireworks", name, tier)


def _tiers(table: Table) -> Iterator[Record]:
    for number, row in enumerate(table.rows):
        place = f"{table.place} row {number}"
        if len(row) != len(table.header) or not row[0].text:
            yield Notice("bad_row", f"{len(row)} cells for {len(table.header)} columns", place)
            continue
        for title, cell in zip(table.header[1:], row[1:], strict=True):
            yield from _three(_offer(row[0].text, TIERS[title.lower()]), cell, f"{place} {title!r}")


def _three(offer: Offer, cell: Cell, place: str) -> Iterator[Record]:
    if cell.text.lower() in ABSENT:
        return
    parts = cell.text.split(" / ")
    if len(parts) != len(ORDER):
        yield Notice("bad_row", f"not three prices: {cell.text[:60]!r}", place)
        return
    for component, text in zip(ORDER, parts, strict=True):
        try:
            yield from Reading({}, component, "", prices_in(text, DOLLARS), "USD", place).quotes(offer)
        except ParseError as error:
            yield Notice("bad_row", str(error), place)


TIERS = {"standard": "standard", "priority": "priority"}
COLUMNS = {"model": "model", "input": "input", "cached input": "cache_read", "output": "output"}
