"""AtlasCloud's console catalogue (JSON): text models, USD per million tokens, `origin` beside a discounted `actual`.

The file does not name its unit: the anchors prove it. A price of "0" without a word that says free is only claimed.
"""

import json
from collections.abc import Iterator
from typing import Any

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import loud, text_of
from tracker.conditions import ALWAYS, Condition
from tracker.errors import ParseError
from tracker.records import Declaration, Notice, Offer, Quote, Record
from tracker.units import PER_MTOK, amount_of

SOURCE = Source(
    id="atlascloud",
    title="AtlasCloud model catalogue",
    kind="host",
    requests=(Request("https://console.atlascloud.ai/api/v1/models"),),
    every_hours=6,
    currency="USD",
    unit="USD per million tokens, by its anchors",
    min_rows=100,
    terms="public catalogue of the console",
    proof="recorded",
    proof_url="https://github.com/lzc0403/token-pricing-scraper/blob/44953e81ecaa/data/atlascloud_raw.json",
    provider="atlascloud",
    anchors=(anchor("moonshotai/kimi-k2.6", "input", "0.1", "10"), anchor("openai/gpt-5.2", "output", "3", "60")),
)


def parse(capture: Capture) -> Iterator[Record]:
    try:
        found = json.loads(text_of(capture.body))
        models = found.get("body", found)["data"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ParseError("not AtlasCloud's catalogue: no data") from error
    if not isinstance(models, list):
        raise ParseError("AtlasCloud's data is not a list")
    yield from loud(record for index, model in enumerate(models) for record in _model(model, f"/data/{index}"))


def _model(model: Any, place: str) -> Iterator[Record]:
    if not isinstance(model, dict) or model.get("type") != "Text":
        return
    name, price = model.get("model"), model.get("price")
    if not isinstance(name, str) or not isinstance(price, dict) or not isinstance(price.get("actual"), dict):
        yield Notice("bad_row", f"text model without name or price: {str(name)[:60]!r}", place)
        return
    offer = Offer("atlascloud", name)
    actual, origin = price["actual"], price.get("origin") or {}
    yield from _prices(offer, actual, "list" if actual == origin else "discount", f"{place}/price/actual")
    if actual != origin and isinstance(origin, dict):
        yield from _prices(offer, origin, "list", f"{place}/price/origin")
    if isinstance(model.get("contextLength"), int) and model["contextLength"] > 0:
        yield Declaration(offer, "context_tokens", str(model["contextLength"]), f"{place}/contextLength")


def _prices(offer: Offer, prices: dict[str, Any], basis: str, place: str) -> Iterator[Record]:
    if prices.get("type") != "flat":
        yield Notice("unknown_word", f"price type {prices.get('type')!r} is not known", place)
        return
    yield from _point(offer, prices, basis, ALWAYS, place)
    bands = prices.get("prompt_thresholds") or []
    for index, band in enumerate(bands if isinstance(bands, list) else []):
        above = band.get("threshold") if isinstance(band, dict) else None
        if isinstance(above, int) and above > 0:
            condition = Condition(min_prompt_tokens=above + 1)
            yield from _point(offer, band, basis, condition, f"{place}/prompt_thresholds/{index}", priority=index + 1)
        else:
            yield Notice("bad_row", f"a threshold that is no number of tokens: {str(band)[:60]}", place)


def _point(
    offer: Offer, prices: dict[str, Any], basis: str, condition: Condition, place: str, priority: int = 0
) -> Iterator[Record]:
    for key, raw in prices.items():
        component = KEYS.get(key)
        if component is None:
            yield Notice("unknown_word", f"price key {key!r} is not known", place)
        elif component:
            amount = amount_of(raw, PER_MTOK)
            if amount < 0:
                yield Notice("bad_row", f"{offer} {component}: a negative price: {raw}", f"{place}/{key}")
                continue
            status = "known" if amount else "zero_claimed"
            yield Quote(
                offer, component, amount, "USD", status, basis=basis, condition=condition, priority=priority,
                raw=str(raw), locator=f"{place}/{key}",
            )  # fmt: skip


KEYS = {
    "type": "",
    "threshold": "",
    "prompt_thresholds": "",
    "input_price": "input",
    "output_price": "output",
    "cache_price": "cache_read",
    "cache_creation_price": "cache_write_5m",
    "cache_creation_1h_price": "cache_write_1h",
    "cache_audio_price": "audio_cache_read",
    "input_audio_price": "audio_in",
    "input_image_price": "image_in",
    "output_image_price": "image_out",
}
