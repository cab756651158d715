"""Prices typed in by hand in the days of the Chinese price war of May 2024, one file per seller and version.

A replay only. `{provider, currency, prices: [{model, oneMInputTokenPrice, oneMOutputPrice}]}` per million tokens. The
first versions name no currency and hold yuan throughout, dollar prices converted at an unstated rate (GPT-4o at 35):
there only the Chinese sellers are read.
"""

from collections.abc import Iterator

from scrapers.json_text import as_object, as_text, json_body, rows_at
from scrapers.providers import provider_of
from scrapers.quoting import Money, quoted
from scrapers.source import Capture, Request, Source, anchor
from tracker.errors import ParseError
from tracker.records import Notice, Offer, Record
from tracker.units import PER_MTOK

SOURCE = Source(
    id="price_war_2024_cn",
    title="Hand-kept prices of the May 2024 price war",
    kind="catalogue",
    requests=(Request("https://github.com/isaced/llm-price"),),
    every_hours=24 * 365,
    currency="CNY",
    unit="currency of the file per million tokens",
    min_rows=1,
    terms="cite isaced/llm-price",
    proof="recorded",
    proof_url="https://github.com/isaced/llm-price",
    anchors=(anchor("qwen-long", "input", "0.4", "0.6"),),
    copies=("*",),
    enabled=False,
    notice="replay only: 22 file versions of May and June 2024, never fetched",
)


def parse(capture: Capture) -> Iterator[Record]:
    """Every model of one seller's file."""
    body = as_object(json_body(capture))
    word, currency = as_text(body.get("provider")), as_text(body.get("currency"))
    provider = provider_of(word, PROVIDERS)
    if not word:
        raise ParseError("price_war_2024_cn: the file names no provider")
    chinese = provider is not None and provider.id in CHINESE
    currency = currency or ("CNY" if chinese else "converted by the keeper")
    if provider is None or currency not in ("CNY", "USD"):
        yield Notice("unknown_word", f"provider {word[:40]!r}, currency {currency[:30]!r}", "/provider")
        return
    money = Money(currency, PER_MTOK)
    for locator, row in rows_at(body, "prices"):
        name = as_text(row.get("model"))
        if not name:
            yield Notice("bad_row", f"{provider.id}: a price without a model", locator)
            continue
        offer = Offer(provider.id, name, region="cn" if chinese and currency == "CNY" else "")
        for key, component in COSTS.items():
            yield from quoted(offer, component, row.get(key), money, f"{locator}/{key}")


COSTS = {"oneMInputTokenPrice": "input", "oneMOutputPrice": "output"}
PROVIDERS = {"aliyun": "alibaba", "zhipu-ai": "zhipu"}
CHINESE = frozenset(("alibaba", "baidu", "bytedance", "tencent", "zhipu", "deepseek", "moonshot"))
