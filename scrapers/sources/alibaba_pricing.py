"""Alibaba Model Studio (Bailian) price document as the help centre's JSON: regions and length bands, CNY.

Headers carry the unit (每百万Token); a region is a heading above the table, a deployment scope and a thinking mode that
is priced apart become the variant (with the input price they share). "原价 12元 限时5折" is a list price and half of it as the discount. Cache and batch
prices are told as shares in prose and are not computed here. K is 1,000 by the page's own words.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import (
    Money,
    Price,
    Reading,
    Table,
    band_condition,
    html_tables,
    loud,
    meanings,
    priced,
    prices_in,
    require,
    soup_of,
    text_of,
    visible,
)
from tracker.errors import ParseError
from tracker.records import COMPONENTS, Notice, Offer, Record
from tracker.units import amount_of, decimal_of

SOURCE = Source(
    id="alibaba_pricing",
    title="Alibaba Model Studio (Bailian) model prices",
    kind="seller",
    requests=(
        Request(
            "https://help.aliyun.com/help/json/document_detail.json?alias=%2Fmodel-studio%2Fmodel-pricing&website=cn&language=zh"
        ),
    ),
    every_hours=12,
    currency="CNY",
    unit="CNY per million tokens, stated in each header",
    min_rows=200,
    terms="public documentation page",
    proof="recorded",
    proof_url="https://github.com/lzc0403/token-pricing-scraper/blob/44953e81ecaa/tests/fixtures/aliyun_bailian.json",
    provider="alibaba",
    anchors=(anchor("qwen3-max", "output", "2", "100"), anchor("qwen-max", "input", "0.5", "30")),
)

YUAN = Money("CNY", after="元")
_PROMO = re.compile(r"原价 (?P<list>[\d.]+元) 限时(?P<tenths>[\d.]+)折")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")


def parse(capture: Capture) -> Iterator[Record]:
    try:
        content = json.loads(text_of(capture.body))["data"]["content"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ParseError("not the help centre's document JSON: no data.content") from error
    if not isinstance(content, str):
        raise ParseError("data.content is not text")
    soup = soup_of(content)
    require(visible(soup), r"K 表示 1,000")
    yield from loud(_records(html_tables(soup)))


def _records(tables: list[Table]) -> Iterator[Record]:
    plain = [
        replace(
            table, header=tuple(text.replace(" (每百万", "(每百万").replace("万 T", "万T") for text in table.header)
        )
        for table in tables
    ]
    for table in priced(plain, WORDS, ("model", "input")):
        if isinstance(table, Notice):
            yield table
            continue
        region = next((REGIONS[text] for text in table.headings if text in REGIONS), "")
        if not region or not any(text.startswith("输出单价") for text in table.header):
            yield Notice(
                "skipped", f"no region above it or no output price: {', '.join(table.header)[:120]}", table.place
            )
        else:
            yield from _table_records(table, region)


def _table_records(table: Table, region: str) -> Iterator[Record]:
    columns, notices = meanings(table, WORDS)
    yield from notices
    ways = {meaning.partition(" ")[2] for meaning in columns.values() if meaning.startswith("output")}
    for number, row in enumerate(table.rows):
        place = f"{table.place} row {number}"
        if len(row) != len(table.header):
            yield Notice("bad_row", f"{len(row)} cells for {len(table.header)} columns", place)
            continue
        facts = {columns[index]: cell.text for index, cell in enumerate(row) if index in columns}
        name = _NAME.match(facts["model"])
        scope, mode = SCOPES.get(facts.get("scope", "")), MODES.get(facts.get("mode", ""))
        if not name or scope is None or mode is None:
            yield Notice("unknown_word", f"model, scope or mode is not known: {list(facts.values())[:3]}", place)
            continue
        for index, meaning in columns.items():
            component, _, mark = meaning.partition(" ")
            for variant in [mark] if mark or component == "output" else sorted(ways):
                if component in COMPONENTS:
                    tag = ",".join(part for part in (scope, variant or mode) if part)
                    offer = Offer("alibaba", name.group(), region=region, variant=tag)
                    yield from _cell(
                        offer, component, row[index].text, facts.get("band", "-"), f"{place} {table.header[index]!r}"
                    )


def _cell(offer: Offer, component: str, text: str, band: str, place: str) -> Iterator[Record]:
    try:
        promo = _PROMO.fullmatch(text)
        prices = _promo_prices(promo, text) if promo else prices_in(text, YUAN)
        condition = band_condition("-" if band in UNBANDED else band)
    except ParseError as error:
        yield Notice("bad_row", str(error), place)
        return
    yield from Reading({}, component, "", prices, "CNY", place).quotes(offer, condition)


def _promo_prices(promo: re.Match[str], text: str) -> tuple[Price, ...]:
    """The list price, and the discount as the stated tenths of it."""
    (listed,) = prices_in(promo["list"], YUAN)
    tenths = decimal_of(promo["tenths"])
    if not 0 < tenths < 10:
        raise ParseError(f"not a discount: {text[:40]!r}")
    return listed, Price(amount_of(listed.amount, tenths / 10), text, basis="discount")


REGIONS = {
    "华北2(北京)": "cn-beijing",
    "新加坡": "ap-southeast-1",
    "美国(弗吉尼亚)": "us-east-1",
    "德国(法兰克福)": "eu-central-1",
    "日本(东京)": "ap-northeast-1",
}
SCOPES = {"": "", "国际": "international", "全球": "global", "美国": "us", "欧盟": "eu", "日本": "japan"}
MODES = {
    "": "",
    "非思考和思考模式": "",
    "非思考和思考": "",
    "仅非思考模式": "",
    "仅思考模式": "",
    "非思考模式": "non-thinking",
    "思考模式": "thinking",
}
UNBANDED = frozenset(("无阶梯计价", "不区分阶梯", "-", ""))
WORDS = {
    "模型 id(model id)": "model",
    "服务部署范围": "scope",
    "模式": "mode",
    "单次请求的输入token数": "band",
    "单次请求的输入token范围": "band",
    "输入token数量": "band",
    "免费额度 (注)": "",
    "免费额度": "",
    "输入单价(每百万token)": "input",
    "输出单价(每百万token)": "output",
    "输出单价(每百万token) 思维链+回答": "output",
    "输出单价(每百万token) 思维链和回答": "output",
    "输出单价(每百万token) / 非思考模式": "output non-thinking",
    "输出单价(每百万token) / 思考模式(思维链+回答)": "output thinking",
    "输入单价(每百万token) / 文本": "input",
    "输入单价(每百万token) / 文本/图片/视频": "input",
    "输入单价(每百万token) / 文本/图片": "input",
    "输入单价(每百万token) / 音频": "audio_in",
    "输入单价(每百万token) / 图片": "image_in",
    "输入单价(每百万token) / 图片/视频": "image_in",
    "输出单价(每百万token) / 文本": "output",
    "输出单价(每百万token) / 音频": "audio_out",
    "输出单价(每百万token) / 文本 仅纯文本输入": "output",
    "输出单价(每百万token) / 文本 多模态输入": "output multimodal-input",
    "输出单价(每百万token) / 文本+音频 仅音频计费": "audio_out",
}
