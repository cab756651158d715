"""MiniMax's pay-as-you-go page (Markdown, USD, outside China): a tab per service tier, the unit beside every number.

A struck-out price is the list price, what stands beside it the discount; "Permanent 50% off" is still a discount.
"""

import re
from collections.abc import Iterator

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import Money, Reading, Table, all_readings, band_condition, loud, markdown_tables, text_of
from tracker.conditions import ALWAYS
from tracker.records import Notice, Offer, Record

SOURCE = Source(
    id="minimax_pricing",
    title="MiniMax pay-as-you-go prices, international",
    kind="seller",
    requests=(Request("https://platform.minimax.io/docs/guides/pricing-paygo.md"),),
    every_hours=12,
    currency="USD",
    unit="USD per million tokens, stated beside every number",
    min_rows=8,
    terms="public documentation page",
    proof="excerpt",
    proof_url="https://github.com/wakamex/model-prices/blob/main/tests/fixtures/minimax.md",
    provider="minimax",
    anchors=(anchor("MiniMax-M2.7", "output", "0.3", "8"),),
)

DOLLARS = Money("USD", before="$", units=("/ M tokens",))
_NAME = re.compile(r"(?P<name>\S+)(?: (?P<band>[≤>] ?\d+k) input tokens\*?)?(?: Permanent \d+% off)?")


def parse(capture: Capture) -> Iterator[Record]:
    yield from loud(_records(text_of(capture.body)))


def _records(text: str) -> Iterator[Record]:
    for found in all_readings(markdown_tables(text), WORDS, DOLLARS, ("model", "input", "output")):
        yield from [found] if isinstance(found, Notice) else _quotes(*found)


def _quotes(table: Table, reading: Reading) -> Iterator[Record]:
    name = _NAME.fullmatch(reading.facts["model"])
    tab = table.headings[-1].lower().rstrip("*") if table.headings else ""
    tier = TABS.get(tab)
    if not name or not tier:
        yield Notice("unknown_word", f"{reading.facts['model']!r} under {tab!r} is not known", reading.locator)
        return
    condition = band_condition(name["band"]) if name["band"] else ALWAYS
    yield from reading.quotes(Offer("minimax", name["name"], tier, "global"), condition)


TABS = {"standard": "standard", "priority": "priority", "llm": "standard"}
WORDS = {
    "model": "model",
    "input": "input",
    "output": "output",
    "prompt caching read": "cache_read",
    "prompt caching write": "cache_write",
}
