"""Moonshot's Kimi price page outside China (MDX): `DocTable` elements, USD, the unit in a column of each table."""

from collections.abc import Iterator

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import Money, Table, all_readings, doc_tables, loud, text_of
from tracker.records import Declaration, Notice, Offer, Record

SOURCE = Source(
    id="moonshot_pricing",
    title="Moonshot (Kimi) pricing page, international",
    kind="seller",
    requests=(Request("https://platform.kimi.ai/docs/pricing/chat.md"),),
    every_hours=12,
    currency="USD",
    unit="USD per 1M tokens, stated in the column Unit",
    min_rows=6,
    terms="public documentation page",
    proof="excerpt",
    proof_url="https://github.com/wakamex/model-prices/blob/main/tests/fixtures/moonshot.md",
    provider="moonshot",
    anchors=(anchor("kimi-k2.6", "output", "0.5", "30"), anchor("kimi-k3", "input", "0.5", "20")),
)

DOLLARS = Money("USD", before="$")


def parse(capture: Capture) -> Iterator[Record]:
    yield from loud(_records(list(doc_tables(text_of(capture.body)))))


def _records(tables: list[Table]) -> Iterator[Record]:
    for found in all_readings(tables, WORDS, DOLLARS, ("model", "unit", "input", "output")):
        if isinstance(found, Notice):
            yield found
            continue
        reading = found[1]
        if reading.facts["unit"].lower() != "1m tokens":
            yield Notice("unit_suspect", f"priced per {reading.facts['unit'][:40]!r}: row not read", reading.locator)
            continue
        offer = Offer("moonshot", reading.facts["model"], region="global")
        yield from reading.quotes(offer)
        tokens = reading.facts.get("context", "").removesuffix(" tokens").replace(",", "")
        if reading.component == "input" and tokens.isdigit():
            yield Declaration(offer, "context_tokens", tokens, reading.locator)


WORDS = {
    "model": "model",
    "unit": "unit",
    "cache write price (ttl 5min)": "cache_write_5m",
    "cache write price (ttl 1h)": "cache_write_1h",
    "cached input price": "cache_read",
    "input price": "input",
    "input price (cache hit)": "cache_read",
    "input price (cache miss)": "input",
    "output price": "output",
    "context window": "context",
}
