"""Zhipu's price page at bigmodel.cn (CNY). Header and body are separate tables, and the unit stands in the header.

Length bands are in thousand tokens; a band on the *output* length (0.2 = 200 tokens) becomes part of the variant,
because two such rows can be billed on the same prompt. "免费" is free, "限时免费" free for now.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import (
    Grid,
    Money,
    Reading,
    Table,
    all_readings,
    html_grids,
    length_bands,
    loud,
    soup_of,
    table_of,
    text_of,
)
from tracker.conditions import ALWAYS
from tracker.records import Notice, Offer, Record

SOURCE = Source(
    id="zhipu_pricing",
    title="Zhipu bigmodel.cn pricing page",
    kind="seller",
    requests=(Request("https://open.bigmodel.cn/pricing"),),
    every_hours=24,
    currency="CNY",
    unit="CNY per million tokens, stated in the header or beside the number",
    min_rows=30,
    terms="public price page",
    proof="recorded",
    proof_url="https://github.com/lzc0403/token-pricing-scraper/blob/44953e81ecaa/tests/fixtures/bigmodel.html",
    provider="zhipu",
    anchors=(anchor("GLM-4.7-FlashX", "input", "0.05", "5"), anchor("GLM-5", "output", "2", "100")),
    notice="the page is drawn by script: a plain fetch may bring an empty shell, which fails loudly",
)

YUAN = Money("CNY", after="元")
YUAN_PER_MTOK = Money("CNY", after="元", units=("/百万tokens",))


def parse(capture: Capture) -> Iterator[Record]:
    yield from loud(_records(text_of(capture.body)))


def _records(text: str) -> Iterator[Record]:
    tables = list(_paired(html_grids(soup_of(text))))
    two_way = [table for table in tables if "输入单价 (百万tokens)" in table.header]
    for found in all_readings(two_way, WORDS, YUAN, ("model", "input", "output", "context")):
        yield from [found] if isinstance(found, Notice) else _banded(found[1])
    others = (table for table in tables if table not in two_way)
    for found in all_readings(others, ONE_PRICE_WORDS, YUAN_PER_MTOK, ("model", "context", "input")):
        yield from [found] if isinstance(found, Notice) else _one_price(found[1])


def _paired(grids: list[Grid]) -> Iterator[Table]:
    """A header-only table and the headless body that follows it, as one."""
    for above, body in pairwise(grids):
        alone = above.rows and above.header_rows == len(above.rows)
        if alone and body.rows and not body.header_rows:
            yield table_of(body.headings, above.rows, body.rows, body.number)


def _banded(reading: Reading) -> Iterator[Record]:
    band, condition, variant = reading.facts["context"], ALWAYS, ""
    if "输入长度" in band:
        condition, variant = length_bands(band, 1_000)
    yield from reading.quotes(Offer("zhipu", _name(reading), region="cn", variant=variant), condition)


def _one_price(reading: Reading) -> Iterator[Record]:
    """Older models: one price for input and output alike, and a batch price beside it."""
    offer = Offer("zhipu", _name(reading), tier="batch" if reading.mark == "batch" else "standard", region="cn")
    components = ("embedding",) if offer.listed_name.startswith("Embedding") else ("input", "output")
    if offer.listed_name == "Rerank":
        components = ("rerank",)
    for component in components:
        yield from replace(reading, component=component).quotes(offer)


def _name(reading: Reading) -> str:
    return reading.facts["model"].removesuffix(" 新品")


WORDS = {
    "模型名称": "model",
    "上下文 (千tokens)": "context",
    "输入单价 (百万tokens)": "input",
    "输出单价 (百万tokens)": "output",
    "缓存存储 (百万tokens/小时)": "cache_storage_hour",
    "缓存命中 (百万tokens)": "cache_read",
    "输入模态": "",
}
ONE_PRICE_WORDS = {
    "模型": "model",
    "简介": "",
    "上下文": "context",
    "单价": "input",
    "batch api 定价": "input batch",
}
