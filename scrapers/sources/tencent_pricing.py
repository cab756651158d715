"""Tencent Cloud's model prices outside China (USD): regions and length bands; see scrapers/tencent.py."""

from collections.abc import Iterator

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import Money, loud, text_of
from scrapers.tencent import token_prices
from tracker.records import Record

SOURCE = Source(
    id="tencent_pricing",
    title="Tencent Cloud TokenHub model prices, international",
    kind="seller",
    requests=(Request("https://www.tencentcloud.com/zh/document/product/1300/78937"),),
    every_hours=24,
    currency="USD",
    unit="USD per million tokens, stated in each header",
    min_rows=60,
    terms="public documentation page",
    proof="recorded",
    proof_url="https://github.com/lzc0403/token-pricing-scraper/blob/44953e81ecaa/tests/fixtures/tencent.html",
    provider="tencent",
    anchors=(anchor("GLM-5", "output", "0.5", "15"), anchor("DeepSeek-V4-Flash", "input", "0.02", "2")),
)

MONEY = Money("USD")


def parse(capture: Capture) -> Iterator[Record]:
    yield from loud(token_prices(text_of(capture.body), WORDS, MONEY, "global"))


WORDS = {
    "模型名称": "model",
    "条件 (token)": "band",
    "峰谷计费": "hours",
    "推理输入 (美元/百万 tokens)": "input",
    "推理输入(美元/百万 tokens)": "input",
    "推理输出 (美元/百万 tokens)": "output",
    "推理输出(美元/百万 tokens)": "output",
    "缓存命中 (美元/百万 tokens)": "cache_read",
}
