"""Tencent Cloud's model prices for China (CNY): regions, length bands and a batch section; see scrapers/tencent.py."""

from collections.abc import Iterator

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import Money, loud, text_of
from scrapers.tencent import token_prices
from tracker.records import Record

SOURCE = Source(
    id="tencent_pricing_cn",
    title="Tencent Cloud TokenHub model prices, China",
    kind="seller",
    requests=(Request("https://cloud.tencent.com/document/product/1823/130055"),),
    every_hours=24,
    currency="CNY",
    unit="CNY per million tokens, stated in each header",
    min_rows=60,
    terms="public documentation page",
    proof="recorded",
    proof_url="https://github.com/lzc0403/token-pricing-scraper/blob/44953e81ecaa/tests/fixtures/tencent_cn.html",
    provider="tencent",
    anchors=(anchor("Hy3", "output", "0.5", "40"), anchor("DeepSeek-V4-Flash", "input", "0.1", "10")),
    notice="the page gained a peak/off-peak column after the recording: rows with hours in it are reported, not read",
)

MONEY = Money("CNY")


def parse(capture: Capture) -> Iterator[Record]:
    yield from loud(token_prices(text_of(capture.body), WORDS, MONEY, "cn"))


WORDS = {
    "模型名称": "model",
    "条件 (token)": "band",
    "峰谷计费": "hours",
    "推理输入 (元/百万 tokens)": "input",
    "推理输入(元/百万 tokens)": "input",
    "推理输出 (元/百万 tokens)": "output",
    "推理输出(元/百万 tokens)": "output",
    "缓存命中 (元/百万 tokens)": "cache_read",
}
