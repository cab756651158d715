"""DeepSeek pricing page, CNY: see scrapers/deepseek.py.

The CNY and the USD card are two markets, never one converted.
"""

from collections.abc import Iterator

from scrapers.deepseek import price_records
from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import Money, loud, text_of
from tracker.records import Record

SOURCE = Source(
    id="deepseek_pricing_cn",
    title="DeepSeek pricing page, CNY",
    kind="seller",
    requests=(Request("https://api-docs.deepseek.com/zh-cn/quick_start/pricing/"),),
    every_hours=6,
    currency="CNY",
    unit="CNY per million tokens, stated in each row",
    min_rows=6,
    terms="public documentation page",
    proof="recorded",
    proof_url="https://github.com/lzc0403/token-pricing-scraper/blob/44953e81ecaa/tests/fixtures/deepseek.html",
    provider="deepseek",
    anchors=(anchor("deepseek-v4-pro", "output", "2", "70"),),
)

YUAN = Money("CNY", after="元")


def parse(capture: Capture) -> Iterator[Record]:
    yield from loud(price_records(text_of(capture.body), YUAN, "cn"))
