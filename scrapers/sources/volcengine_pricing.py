"""ByteDance's Volcengine Ark price document (CNY): online, low-latency and batch inference in sections of their own.

Read from the document behind the page (JSON with Markdown), or from the drawn page. Peak and off-peak rows name no
hours in the table: reported, not read.

Bands are in thousand tokens; a band on the output length becomes the variant. Fine-tuned models are not read.
"""

from collections.abc import Iterator

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import (
    Money,
    Reading,
    Table,
    all_readings,
    html_tables,
    length_bands,
    loud,
    markdown_tables,
    text_of,
)
from scrapers.volcengine import document_markdown
from tracker.errors import ParseError
from tracker.records import Notice, Offer, Record

SOURCE = Source(
    id="volcengine_pricing",
    title="Volcengine Ark (Doubao) model prices, China",
    kind="seller",
    requests=(Request("https://docs.volcengine.com/api/doc/getDocDetail?DocumentID=1544106&LibraryID=82379&lang=zh"),),
    every_hours=24,
    currency="CNY",
    unit="CNY per million tokens, stated in each header",
    min_rows=100,
    terms="public documentation page",
    proof="recorded",
    proof_url="https://github.com/lzc0403/token-pricing-scraper/blob/44953e81ecaa/tests/fixtures/volcengine.html",
    provider="bytedance",
    anchors=(anchor("doubao-seed-1.6", "input", "0.1", "8"), anchor("deepseek-r1", "output", "2", "60")),
    notice="the recording is the page; the document behind it (JSON with Markdown) was seen as an excerpt only",
)

MONEY = Money("CNY")


def parse(capture: Capture) -> Iterator[Record]:
    yield from loud(_records(text_of(capture.body)))


def _records(text: str) -> Iterator[Record]:
    tables = markdown_tables(document_markdown(text)) if text.lstrip()[:1] == "{" else html_tables(text)
    for found in all_readings(tables, WORDS, MONEY, ("model", "band", "input", "output"), fill="model"):
        yield from [found] if isinstance(found, Notice) else _quotes(*found)


def _quotes(table: Table, reading: Reading) -> Iterator[Record]:
    tier = TIERS.get(table.headings[-1] if table.headings else "")
    if not tier:
        yield Notice("unknown_word", f"section {table.headings[-1:]} is not known: row not read", reading.locator)
        return
    name = reading.facts["model"]
    try:
        condition, variant = length_bands(reading.facts["band"], 1_000)
    except ParseError as error:
        yield Notice("bad_row", str(error), reading.locator)
        return
    if ">" in name:
        yield Notice("skipped", f"a row with a note is not read: {name[:80]!r}", reading.locator)
        return
    yield from reading.quotes(Offer("bytedance", name, tier, "cn", variant), condition)


TIERS = {"在线推理(常规)": "standard", "在线推理(低延迟)": "fast", "批量推理": "batch"}
WORDS = {
    "模型名称": "model",
    "条件 千 token": "band",
    "条件 输入长度:千 token": "band",
    "输入(非音频) 元/百万token": "input",
    "输入(音频) 元/百万token": "audio_in",
    "缓存存储 元/百万token/小时": "cache_storage_hour",
    "缓存命中(非音频) 元/百万token": "cache_read",
    "缓存命中(音频) 元/百万token": "audio_cache_read",
    "输出 元/百万token": "output",
}
