"""Thinking Machines' Tinker price table (Markdown, USD per million tokens): prefill, its cached share, sampling.

One cell holds prefill and its cached price; a struck-out price is the list price. The cached price is a share of what
is charged now, so beside a discounted prefill it is discounted too. Training is not inference: not read.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import Money, Reading, loud, markdown_tables, meanings, priced, prices_in, text_of
from tracker.errors import ParseError
from tracker.records import Notice, Offer, Record

SOURCE = Source(
    id="thinkingmachines_pricing",
    title="Tinker models and pricing",
    kind="seller",
    requests=(Request("https://tinker-docs.thinkingmachines.ai/tinker/models/models_and_pricing/index.md"),),
    every_hours=24,
    currency="USD",
    unit="USD per million tokens",
    min_rows=6,
    terms="public documentation page",
    proof="excerpt",
    proof_url="https://github.com/wakamex/model-prices/blob/main/tests/fixtures/thinkingmachines.md",
    provider="thinkingmachines",
    anchors=(anchor("moonshotai/Kimi-K2.6", "output", "0.5", "50"),),
    notice="the excerpt does not show the sentence that names the unit: the anchor alone proves it",
)

DOLLARS = Money("USD", before="$")
_PREFILL = re.compile(r"(?P<miss>[^,]+), (?P<hit>\$[\d.]+) \(cached\)")


def parse(capture: Capture) -> Iterator[Record]:
    yield from loud(_records(text_of(capture.body)))


def _records(text: str) -> Iterator[Record]:
    for table in priced(markdown_tables(text), WORDS, ("model", "input", "output")):
        if isinstance(table, Notice):
            yield table
            continue
        columns, notices = meanings(table, WORDS)
        yield from notices
        for number, row in enumerate(table.rows):
            place = f"{table.place} row {number}"
            if len(row) != len(table.header):
                yield Notice("bad_row", f"{len(row)} cells for {len(table.header)} columns", place)
                continue
            cells = {meaning: row[index].text for index, meaning in columns.items()}
            yield from _row(cells["model"], cells["input"], cells["output"], place)


def _row(model: str, prefill: str, sample: str, place: str) -> Iterator[Record]:
    found = _PREFILL.fullmatch(prefill)
    if not found:
        yield Notice("bad_row", f"prefill is not 'price, price (cached)': {prefill[:60]!r}", place)
        return
    for component, text in (("input", found["miss"]), ("cache_read", found["hit"]), ("output", sample)):
        try:
            prices = prices_in(text, DOLLARS)
        except ParseError as error:
            yield Notice("bad_row", str(error), place)
            continue
        if component == "cache_read" and "~~" in found["miss"]:
            prices = tuple(replace(price, basis="discount") for price in prices)
        yield from Reading({}, component, "", prices, "USD", place).quotes(Offer("thinkingmachines", model))


WORDS = {
    "tinker id": "model",
    "model": "",
    "context": "",
    "prefill — cached: 80% discount": "input",
    "sample": "output",
    "train": "",
}
