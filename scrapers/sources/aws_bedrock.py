"""Amazon Bedrock's public price list (JSON, no account needed): Amazon's own offer and the foundation-model offer.

The unit of each rate is "1K tokens" or "1M tokens"; any other is reported and not read, and so is a rate whose own
description names another. The service tier is read from the inference type or the usage type, never from the
`service_tier` attribute, which is not always there. `effectiveDate` dates the list, not the price: it is not used.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import loud, text_of
from tracker.errors import ParseError
from tracker.records import Notice, Offer, Quote, Record
from tracker.units import PER_1K_TOKENS, PER_MTOK, amount_of

_HOST = "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws"
_REGIONS = ("us-east-1", "eu-west-1", "ap-northeast-1")
_OFFERS = ("AmazonBedrock", "AmazonBedrockFoundationModels")

SOURCE = Source(
    id="aws_bedrock",
    title="Amazon Bedrock price list",
    kind="host",
    requests=tuple(Request(f"{_HOST}/{name}/current/{region}/index.json") for name in _OFFERS for region in _REGIONS),
    every_hours=24,
    currency="USD",
    unit="USD per 1K or 1M tokens, stated with each rate",
    min_rows=20,
    terms="public price list",
    proof="excerpt",
    proof_url="https://github.com/yogenpro/token3/blob/26df0f20dd19/tests/fixtures/bedrock.json",
    provider="bedrock",
    anchors=(anchor("gpt-oss-120b", "input", "0.02", "1"), anchor("Claude Haiku 4.5", "output", "1", "25")),
)

_NATIVE = re.compile(r"(?P<way>input|output) tokens?(?: (?P<tier>standard|batch|flex|priority))?", re.IGNORECASE)
_MARKET = re.compile(r"[A-Z0-9]+-MP:[A-Z0-9]+_(?P<what>\w+?)TokenCount(?P<scope>_Global)?(?P<batch>_Batch)?-Units")
_UNITS = {"1K tokens": (PER_1K_TOKENS, "1K"), "1M tokens": (PER_MTOK, "Million")}


def parse(capture: Capture) -> Iterator[Record]:
    try:
        found = json.loads(text_of(capture.body))
        products, terms = found["products"], found["terms"]["OnDemand"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ParseError("not an AWS price list: no products or no on-demand terms") from error
    if not isinstance(products, dict) or not isinstance(terms, dict):
        raise ParseError("not an AWS price list: products and terms are not objects")
    yield from loud(record for sku, product in products.items() for record in _product(sku, product, terms.get(sku)))


def _product(sku: str, product: Any, terms: Any) -> Iterator[Record]:
    attributes = product.get("attributes") if isinstance(product, dict) else None
    if not isinstance(attributes, dict) or not isinstance(terms, dict):
        yield Notice("bad_row", "a product without attributes or without an on-demand term", f"/products/{sku}")
        return
    sold = _sold({key: str(value) for key, value in attributes.items()})
    if isinstance(sold, str):
        yield Notice("unknown_word", sold, f"/products/{sku}")
        return
    for term in terms.values():
        rates = term.get("priceDimensions") if isinstance(term, dict) else None
        for code, rate in rates.items() if isinstance(rates, dict) else ():
            yield from _rate(*sold, rate, f"/terms/OnDemand/{sku}/{code}")


def _sold(about: dict[str, str]) -> tuple[Offer, str] | str:
    """The offer and component a product's attributes name, or why they name none."""
    region, usage = about.get("regionCode", ""), about.get("usagetype", "")
    market = _MARKET.fullmatch(usage)
    if market:
        component = MARKET_WORDS.get(market["what"])
        name = about.get("servicename", "").removesuffix(" (Amazon Bedrock Edition)")
        tier, variant = "batch" if market["batch"] else "standard", "global" if market["scope"] else ""
        return (Offer("bedrock", name, tier, region, variant), component) if component and name else f"usage {usage!r}"
    native = _NATIVE.fullmatch(about.get("inferenceType", ""))
    feature, name = about.get("feature", ""), about.get("model") or about.get("titanModel") or ""
    if not native or feature not in FEATURES or not name:
        return f"inference {about.get('inferenceType')!r}, feature {feature!r}, model {name!r} are not known together"
    tier = (native["tier"] or FEATURES[feature]).lower()
    return Offer("bedrock", name, tier, region, "mantle" if "-mantle-" in usage else ""), native["way"].lower()


def _rate(offer: Offer, component: str, rate: Any, place: str) -> Iterator[Record]:
    unit = str(rate.get("unit")) if isinstance(rate, dict) else ""
    prices = rate.get("pricePerUnit") if isinstance(rate, dict) else None
    factor, word = _UNITS.get(unit, (None, ""))
    if factor is None or not isinstance(prices, dict) or set(prices) != {"USD"}:
        yield Notice("unknown_word", f"unit {unit!r} or currencies {prices!r} are not known", place)
    elif word not in str(rate.get("description")):
        yield Notice("unit_suspect", f"unit {unit!r} but described as {str(rate.get('description'))[:80]!r}", place)
    else:
        amount, raw = amount_of(prices["USD"], factor), f"{prices['USD']} USD per {unit}"
        if amount < 0:
            yield Notice("bad_row", f"{offer} {component}: a negative price: {raw}", place)
            return
        yield Quote(offer, component, amount, "USD", "known" if amount else "zero_claimed", raw=raw, locator=place)


FEATURES = {"": "standard", "On-demand Inference": "standard", "Batch Inference": "batch"}
MARKET_WORDS = {
    "Input": "input",
    "Output": "output",
    "CacheReadInput": "cache_read",
    "CacheWriteInput": "cache_write_5m",
    "CacheWrite1hInput": "cache_write_1h",
}
