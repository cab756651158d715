"""Zhipu's price page at bigmodel.cn (CNY): Markdown of the documentation site, unit in the header of each table.

`0.4 (~~刊例价 0.8~~)` is a promotion beside its list price; a line below the table says when it ends. The former HTML
page (header and body as separate tables) is still read: a recording of it is replayed.

Length bands are in thousand tokens; a band on the *output* length (0.2 = 200 tokens) becomes part of the variant,
because two such rows can be billed on the same prompt. "免费" is free, "限时免费" free for now.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

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
    markdown_tables,
    soup_of,
    table_of,
    text_of,
)
from tracker.conditions import ALWAYS
from tracker.errors import ParseError
from tracker.records import Notice, Offer, Quote, Record

SOURCE = Source(
    id="zhipu_pricing",
    title="Zhipu bigmodel.cn pricing page",
    kind="seller",
    requests=(Request("https://docs.bigmodel.cn/cn/guide/start/pricing.md"),),
    every_hours=24,
    currency="CNY",
    unit="CNY per million tokens, stated in the header or beside the number",
    min_rows=30,
    terms="public price page",
    proof="recorded",
    proof_url="https://github.com/lzc0403/token-pricing-scraper/blob/44953e81ecaa/tests/fixtures/bigmodel.html",
    provider="zhipu",
    anchors=(anchor("GLM-4.7-FlashX", "input", "0.05", "5"), anchor("GLM-5", "output", "2", "100")),
    notice="recorded as the former HTML page; the Markdown asked for now was seen as an excerpt",
)

_PROMOTED = re.compile(r"^([\d.]+)\s*\(~~刊例价 ([\d.]+)~~\)$")
_PROMOTION = re.compile(r"^> (\S+) 表中划线价格为刊例价.*?截止 (\d{4}) 年 (\d+) 月 (\d+) 日 24:00", re.MULTILINE)
_LENGTH = re.compile(r"(输入|输出)(?!长度)")
YUAN = Money("CNY", after="元")
BARE = Money("CNY")
YUAN_PER_MTOK = Money("CNY", after="元", units=("/百万tokens",))


def parse(capture: Capture) -> Iterator[Record]:
    yield from loud(_records(text_of(capture.body)))


def _records(text: str) -> Iterator[Record]:
    yield from _markdown(text) if "<html" not in text[:2000].lower() else _page(text)


def _markdown(text: str) -> Iterator[Record]:
    until = {model: _day_after(*day) for model, *day in _PROMOTION.findall(text)}
    tables = [_with_promotions(table) for table in markdown_tables(text)]
    for found in all_readings(tables, MARKDOWN_WORDS, BARE, ("model", "input", "output", "context")):
        if isinstance(found, Notice):
            yield found
            continue
        end = until.get(_name(found[1]))
        for record in _banded(found[1]):
            ends = isinstance(record, Quote) and record.basis == "discount" and record.status == "known"
            if isinstance(record, Quote) and ends and end:
                record = replace(record, condition=replace(record.condition, effective_until=end))
            yield record


def _with_promotions(table: Table) -> Table:
    """`0.4(~~刊例价 0.8~~)` as the struck list price and the price charged."""
    rows = tuple(
        tuple(replace(cell, text=_PROMOTED.sub(r"~~\2~~ \1", cell.text)) for cell in row) for row in table.rows
    )
    return replace(table, rows=rows)


def _day_after(year: str, month: str, day: str) -> datetime:
    try:
        last = datetime(int(year), int(month), int(day), tzinfo=ZoneInfo("Asia/Shanghai"))
        return (last + timedelta(days=1)).astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError) as error:
        raise ParseError(f"a promotion ends on no such day: {year}-{month}-{day}") from error


def _page(text: str) -> Iterator[Record]:
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
    if "输入" in band:
        condition, variant = length_bands(_LENGTH.sub(r"\1长度", band), 1_000)
    yield from reading.quotes(Offer("zhipu", _name(reading), region="cn", variant=variant.replace("K", "")), condition)


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
MARKDOWN_WORDS = {
    "模型名称": "model",
    "上下文": "context",
    "输入单价(元/百万 tokens)": "input",
    "输出单价(元/百万 tokens)": "output",
    "缓存存储(元/百万 tokens/小时)": "cache_storage_hour",
    "缓存命中(元/百万 tokens)": "cache_read",
    "输入模态": "",
}
ONE_PRICE_WORDS = {
    "模型": "model",
    "简介": "",
    "上下文": "context",
    "单价": "input",
    "batch api 定价": "input batch",
}
