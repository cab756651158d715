"""Anthropic's price page: its Markdown twin (or the HTML page), USD, the unit `/ MTok` beside every number.

Standard prices carry both cache-write lengths; batch and fast mode have sections of their own, and one fast row may
name several models. Notes in brackets behind a name (deprecated, retired ...) are its status, not its name.
"""

import re
from collections.abc import Iterator

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import (
    OTHER_MONEY,
    Money,
    Reading,
    Table,
    all_readings,
    html_tables,
    loud,
    markdown_tables,
    plain,
    refuse,
    split_band,
    text_of,
)
from tracker.records import Declaration, Notice, Offer, Record

SOURCE = Source(
    id="anthropic_pricing",
    title="Anthropic API pricing page",
    kind="seller",
    requests=(Request("https://platform.claude.com/docs/en/about-claude/pricing.md"),),
    every_hours=6,
    currency="USD",
    unit="USD per million tokens, stated beside every number",
    min_rows=15,
    terms="public documentation page",
    proof="excerpt",
    proof_url="https://platform.claude.com/docs/en/about-claude/pricing",
    provider="anthropic",
    anchors=(anchor("Claude Haiku 4.5", "output", "1", "25"), anchor("Claude Sonnet 4.5", "input", "0.5", "15")),
)

DOLLARS = Money("USD", before="$", units=("/ MTok",))
_NOTE = re.compile(r"\s*\(([^()]+)\)$")


def parse(capture: Capture) -> Iterator[Record]:
    text = text_of(capture.body)
    refuse(plain(text), OTHER_MONEY)
    tables = html_tables(text) if "<table" in text else markdown_tables(text)
    yield from loud(_records(tables))


def _records(tables: list[Table]) -> Iterator[Record]:
    for found in all_readings(tables, WORDS, DOLLARS, ("model", "input", "output")):
        if isinstance(found, Notice):
            yield found
            continue
        table, reading = found
        section = table.headings[-1].lower() if table.headings else ""
        tier = SECTIONS.get(section)
        if tier is None:
            yield Notice("skipped", f"section {section!r} is not known", reading.locator)
        else:
            yield from _quotes(reading, tier)


def _quotes(reading: Reading, tier: str) -> Iterator[Record]:
    for text in re.split(r"\s*/\s*(?=Claude )", reading.facts["model"]):
        name, condition = split_band(text)
        note = _NOTE.search(name)
        offer = Offer("anthropic", _NOTE.sub("", name), tier)
        yield from reading.quotes(offer, condition)
        if note and reading.component == "input":
            yield Declaration(offer, "status", note[1], reading.locator)


SECTIONS = {
    "model pricing": "standard",
    "batch processing": "batch",
    "fast mode pricing": "fast",
}
WORDS = {
    "model": "model",
    "base input tokens": "input",
    "5m cache writes": "cache_write_5m",
    "1h cache writes": "cache_write_1h",
    "cache hits and refreshes": "cache_read",
    "cache hits & refreshes": "cache_read",
    "output tokens": "output",
    "input": "input",
    "output": "output",
    "batch input": "input",
    "batch output": "output",
}
