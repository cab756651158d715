"""ByteDance's Volcengine Ark price document (CNY): online, low-latency and batch inference in sections of their own.

Bands are in thousand tokens; a band on the output length becomes the variant. Fine-tuned models are not read.
"""

from collections.abc import Iterator

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import Money, Reading, Table, all_readings, html_tables, length_bands, loud, text_of
from tracker.records import Notice, Offer, Record

SOURCE = Source(
    id="volcengine_pricing",
    title="Volcengine Ark (Doubao) model prices, China",
    kind="seller",
    requests=(Request("https://www.volcengine.com/docs/82379/1544106"),),
    every_hours=24,
    currency="CNY",
    unit="CNY per million tokens, stated in each header",
    min_rows=100,
    terms="public documentation page",
    proof="recorded",
    proof_url="https://github.com/lzc0403/token-pricing-scraper/blob/44953e81ecaa/tests/fixtures/volcengine.html",
    provider="bytedance",
    anchors=(anchor("doubao-seed-1.6", "input", "0.1", "8"), anchor("deepseek-r1", "output", "2", "60")),
    notice="the page is drawn by script: a plain fetch may bring an empty shell, which fails loudly",
)

MONEY = Money("CNY")


def parse(capture: Capture) -> Iterator[Record]:
    yield from loud(_records(text_of(capture.body)))


def _records(text: str) -> Iterator[Record]:
    for found in all_readings(html_tables(text), WORDS, MONEY, ("model", "band", "input", "output")):
        yield from [found] if isinstance(found, Notice) else _quotes(*found)


def _quotes(table: Table, reading: Reading) -> Iterator[Record]:
    tier = TIERS.get(table.headings[-1] if table.headings else "")
    if not tier:
        yield Notice("unknown_word", f"section {table.headings[-1:]} is not known: row not read", reading.locator)
        return
    condition, variant = length_bands(reading.facts["band"], 1_000)
    yield from reading.quotes(Offer("bytedance", reading.facts["model"], tier, "cn", variant), condition)


TIERS = {"在线推理(常规)": "standard", "在线推理(低延迟)": "fast", "批量推理": "batch"}
WORDS = {
    "模型名称": "model",
    "条件 千 token": "band",
    "输入(非音频) 元/百万token": "input",
    "输入(音频) 元/百万token": "audio_in",
    "缓存存储 元/百万token/小时": "cache_storage_hour",
    "缓存命中(非音频) 元/百万token": "cache_read",
    "缓存命中(音频) 元/百万token": "audio_cache_read",
    "输出 元/百万token": "output",
}
