"""Alibaba Cloud Model Studio price document outside China (Markdown with HTML tables in region tabs), USD.

"List price $0.4 (Limited-time 20% off)" is a list price and four fifths of it as the discount. Prices for busy and idle
hours stand in one cell without the hours: reported, not read.
"""

import re
from collections.abc import Iterator

from scrapers.alibaba import Words, document_prices
from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import Money, loud, markdown_tables, text_of
from tracker.records import Record

SOURCE = Source(
    id="alibaba_pricing_global",
    title="Alibaba Cloud Model Studio prices, international",
    kind="seller",
    requests=(Request("https://www.alibabacloud.com/help/en/model-studio/model-pricing.md"),),
    every_hours=12,
    currency="USD",
    unit="USD per 1 million tokens, stated in each header",
    min_rows=20,
    terms="public documentation page",
    proof="excerpt",
    proof_url="https://github.com/wakamex/model-prices/blob/main/tests/fixtures/alibaba.md",
    provider="alibaba",
    anchors=(anchor("qwen-turbo", "input", "0.01", "1"), anchor("qwen3.7-plus", "output", "0.2", "20")),
)

DOLLARS = Money("USD", before="$")
_PROMO = re.compile(r"List price (?P<list>\$[\d.]+) \(Limited-time (?P<off>\d{1,2})% off\)")


def parse(capture: Capture) -> Iterator[Record]:
    yield from loud(document_prices(markdown_tables(text_of(capture.body)), PAGE))


_IN, _OUT = "input price (per 1 million tokens)", "output price (per 1 million tokens)"
PAGE = Words(
    money=DOLLARS,
    columns={
        "model id": "model",
        "deployment scope": "scope",
        "mode": "mode",
        "input tokens per request": "band",
        "free quota": "",
        _IN: "input",
        f"{_IN} / text": "input",
        f"{_IN} / text/image/video": "input",
        f"{_IN} / audio": "audio_in",
        _OUT: "output",
        f"{_OUT} / text": "output",
        f"{_OUT} / audio": "audio_out",
        f"{_OUT} / non-thinking mode": "output non-thinking",
        f"{_OUT} / thinking mode (chain of thought + answer)": "output thinking",
    },
    regions={
        "Singapore": "ap-southeast-1",
        "China (Beijing)": "cn-beijing-usd",
        "US (Virginia)": "us-east-1",
        "Germany (Frankfurt)": "eu-central-1",
        "Japan (Tokyo)": "ap-northeast-1",
    },
    scopes={"": "", "International": "international", "Global": "global", "US": "us", "EU": "eu", "Japan": "japan"},
    modes={"": ""},
    promo=_PROMO,
    unbanded=frozenset(("", "-", "No tiered pricing")),
)
