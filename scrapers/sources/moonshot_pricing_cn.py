"""Moonshot's Kimi price page for China (MDX, CNY); the unit stands in a column of the table.

The HTML of the former pages, one per model family, is still read: recordings of it are replayed.
"""

from collections.abc import Iterator

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import Money, Reading, all_readings, doc_tables, html_tables, loud, text_of
from tracker.errors import ParseError
from tracker.records import Declaration, Notice, Offer, Record

SOURCE = Source(
    id="moonshot_pricing_cn",
    title="Moonshot (Kimi) pricing page, China",
    kind="seller",
    requests=(Request("https://platform.kimi.com/docs/pricing/chat.md"),),
    every_hours=12,
    currency="CNY",
    unit="CNY per 1M tokens, stated in the column 计费单位",
    min_rows=3,
    terms="public documentation pages",
    proof="recorded",
    proof_url="https://github.com/lzc0403/token-pricing-scraper/blob/44953e81ecaa/tests/fixtures/kimi1.html",
    provider="moonshot",
    anchors=(anchor("kimi-k2.6", "output", "5", "100"),),
    notice="recorded as HTML of the former pages; the page asked for now was seen as an excerpt",
)

YUAN = Money("CNY", before="¥")


def parse(capture: Capture) -> Iterator[Record]:
    yield from loud(_records(text_of(capture.body)))


def _records(text: str) -> Iterator[Record]:
    tables = list(doc_tables(text)) or html_tables(text)
    for found in all_readings(tables, WORDS, YUAN, ("model", "unit", "input", "output")):
        if isinstance(found, Notice):
            yield found
            continue
        reading = found[1]
        if reading.facts["unit"].lower() != "1m tokens":
            raise ParseError(f"{reading.locator}: priced per {reading.facts['unit'][:30]!r}, not per 1M tokens")
        offer = Offer("moonshot", reading.facts["model"], region="cn")
        yield from reading.quotes(offer)
        yield from _context(offer, reading)


def _context(offer: Offer, reading: Reading) -> Iterator[Declaration]:
    tokens = reading.facts.get("context", "").removesuffix(" tokens").replace(",", "")
    if reading.component == "input" and tokens.isdigit():
        yield Declaration(offer, "context_tokens", tokens, reading.locator)


WORDS = {
    "模型": "model",
    "计费单位": "unit",
    "缓存写入(ttl 5min)": "cache_write_5m",
    "缓存写入(ttl 1h)": "cache_write_1h",
    "输入价格(缓存命中)": "cache_read",
    "输入价格(缓存未命中)": "input",
    "输出价格": "output",
    "上下文窗口": "context",
}
