"""Alibaba Model Studio (Bailian) price document as the help centre's JSON, CNY; see scrapers/alibaba.py.

K is 1,000 by the page's own words. "原价 12元 限时5折" is a list price and half of it as the discount.
"""

import json
import re
from collections.abc import Iterator

from scrapers.alibaba import Words, document_prices
from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import Money, html_tables, loud, require, soup_of, text_of, visible
from tracker.errors import ParseError
from tracker.records import Record

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
    anchors=(anchor("qwen3-max", "output", "2", "300"), anchor("qwen-max", "input", "0.5", "30")),
)

YUAN = Money("CNY", after="元")
_PROMO = re.compile(r"原价 (?P<list>[\d.]+元) 限时(?P<tenths>[\d.]+)折")


def parse(capture: Capture) -> Iterator[Record]:
    try:
        content = json.loads(text_of(capture.body))["data"]["content"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ParseError("not the help centre's document JSON: no data.content") from error
    if not isinstance(content, str):
        raise ParseError("data.content is not text")
    soup = soup_of(content)
    require(visible(soup), r"K 表示 1,000")
    yield from loud(document_prices(html_tables(soup), PAGE))


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
PAGE = Words(YUAN, WORDS, REGIONS, SCOPES, MODES, _PROMO, UNBANDED)
