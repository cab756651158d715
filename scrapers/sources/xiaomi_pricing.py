"""Xiaomi MiMo's pay-as-you-go page: a domestic section in CNY and an overseas one in USD, two markets of one seller.

Prices per million tokens; several models may share a row; real-time and batch are row groups.
"""

import re
from collections.abc import Iterator

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import Money, Reading, Table, all_readings, clean, loud, markdown_tables, refuse, text_of
from tracker.records import Notice, Offer, Record

SOURCE = Source(
    id="xiaomi_pricing",
    title="Xiaomi MiMo API prices, China and overseas",
    kind="seller",
    requests=(Request("https://mimo.mi.com/static/docs/price/pay-as-you-go.md"),),
    every_hours=24,
    currency="USD",
    unit="USD or CNY per million tokens, by the section and the mark of each number",
    min_rows=9,
    terms="public documentation page",
    proof="excerpt",
    proof_url="https://github.com/wakamex/model-prices/blob/main/tests/fixtures/xiaomi.md",
    provider="xiaomi",
    anchors=(anchor("mimo-v2.6-pro", "output", "0.1", "10"),),
    notice="the excerpt does not show the sentence that names the unit: the anchor alone proves it",
)

MARKETS = {
    "domestic pricing of the model": ("cn", Money("CNY", before="¥")),
    "overseas pricing of the model": ("global", Money("USD", before="$")),
}
_NOTE = re.compile(r"\s*\([^()]*\)")


def parse(capture: Capture) -> Iterator[Record]:
    text = text_of(capture.body)
    refuse(text, r"1K tokens", r"thousand tokens")
    yield from loud(_records(text))


def _records(text: str) -> Iterator[Record]:
    for table in markdown_tables(text):
        section = table.headings[-1].lower() if table.headings else ""
        if section not in MARKETS:
            yield Notice("skipped", f"section {section!r} is not read", table.place)
            continue
        region, money = MARKETS[section]
        for found in all_readings([table], WORDS, money, ("model", "tier", "input", "output")):
            yield from [found] if isinstance(found, Notice) else _quotes(*found, region)


def _quotes(_: Table, reading: Reading, region: str) -> Iterator[Record]:
    tier = TIERS.get(reading.facts["tier"].lower())
    if not tier:
        yield Notice("unknown_word", f"inference type {reading.facts['tier']!r} is not known", reading.locator)
        return
    for name in _NOTE.sub("", reading.facts["model"]).split("、"):
        yield from reading.quotes(Offer("xiaomi", clean(name), tier, region))


TIERS = {"real-time api": "standard", "batch api": "batch"}
WORDS = {
    "inference type": "tier",
    "model name": "model",
    "input (cache hit)": "cache_read",
    "input (cache miss)": "input",
    "output": "output",
}
