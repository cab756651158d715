"""Perplexity's Agent API models (Markdown): its own and resold models, USD, the unit in each header.

A cell may hold one price per prompt-length band: `0.10 (≤100k) 0.50 (>100k)`. Other authors' models keep their prefix.
"""

import re
from collections.abc import Iterator

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import (
    ABSENT,
    Money,
    Reading,
    Table,
    band_condition,
    loud,
    markdown_tables,
    meanings,
    priced,
    prices_in,
    text_of,
)
from tracker.conditions import ALWAYS
from tracker.errors import ParseError
from tracker.records import Notice, Offer, Record

SOURCE = Source(
    id="perplexity_pricing",
    title="Perplexity Agent API models and prices",
    kind="seller",
    requests=(Request("https://docs.perplexity.ai/docs/agent-api/models.md"),),
    every_hours=12,
    currency="USD",
    unit="USD per 1M tokens, stated in each header",
    min_rows=9,
    terms="public documentation page",
    proof="excerpt",
    proof_url="https://github.com/wakamex/model-prices/blob/main/tests/fixtures/perplexity.md",
    provider="perplexity",
    anchors=(anchor("perplexity/sonar", "output", "0.25", "10"),),
)

NUMBER = Money("USD")
_BANDED = re.compile(r"(\S+) \(((?:[<>]=?|≤|≥)\s*\d+k)\)")


def parse(capture: Capture) -> Iterator[Record]:
    yield from loud(_records(text_of(capture.body)))


def _records(text: str) -> Iterator[Record]:
    for table in priced(markdown_tables(text), WORDS, ("model", "input", "output")):
        if isinstance(table, Notice):
            yield table
        else:
            yield from _table_records(table)


def _table_records(table: Table) -> Iterator[Record]:
    columns, notices = meanings(table, WORDS)
    yield from notices
    model = next(index for index, meaning in columns.items() if meaning == "model")
    for number, row in enumerate(table.rows):
        if len(row) != len(table.header):
            yield Notice("bad_row", f"{len(row)} cells for {len(table.header)} columns", f"{table.place} row {number}")
            continue
        for index, meaning in columns.items():
            if index != model:
                yield from _cell(
                    row[model].text, meaning, row[index].text, f"{table.place} row {number} {table.header[index]!r}"
                )


def _cell(model: str, component: str, text: str, place: str) -> Iterator[Record]:
    if text.lower() in ABSENT or not model:
        return
    banded = _BANDED.findall(text)
    if banded and _BANDED.sub("", text).strip():
        yield Notice("bad_row", f"words between banded prices: {text[:60]!r}", place)
        return
    try:
        for number, band in banded or [(text, "")]:
            reading = Reading({}, component, "", prices_in(number, NUMBER), NUMBER.currency, place)
            condition = band_condition(band) if band else ALWAYS
            yield from reading.quotes(Offer("perplexity", model), condition)
    except ParseError as error:
        yield Notice("bad_row", str(error), place)


WORDS = {
    "model": "model",
    "input ($/1m)": "input",
    "output ($/1m)": "output",
    "cache read ($/1m)": "cache_read",
    "service tiers": "",
    "docs": "",
}
