"""DeepInfra's own model list: prices in US cents per token, cached tokens as a ratio of the input price.

Binary-float noise is published (2.9999e-05 cents), so figures are rounded to six digits. Other price types are per
second, per character or per image, also in cents. Where a `discount` stands beside a figure, nothing published says
whether it is already taken off: the figure is kept as written, with a notice.
"""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from scrapers.json_text import JsonObject, as_object, as_text, json_body, rows_at
from scrapers.openrouter_format import precision_records
from scrapers.quoting import Money, declared, declared_tokens, quoted
from scrapers.source import Capture, Request, Source, anchor
from tracker.errors import ParseError
from tracker.records import Notice, Offer, Quote, Record
from tracker.units import CENTS_PER_TOKEN, decimal_of

SOURCE = Source(
    id="deepinfra",
    title="DeepInfra models",
    kind="host",
    requests=(Request("https://api.deepinfra.com/models/list"),),
    every_hours=6,
    currency="USD",
    unit="US cents per token; cache prices as a ratio of the input price",
    min_rows=20,
    terms="https://deepinfra.com/terms",
    proof="documented",
    proof_url="https://deepinfra.com/docs/api-reference",
    provider="deepinfra",
    anchors=(
        anchor("openai/gpt-oss-120b", "input", "0.02", "0.5"),
        anchor("meta-llama/Meta-Llama-3.1-8B-Instruct", "input", "0.01", "0.2"),
    ),
)


def parse(capture: Capture) -> Iterator[Record]:
    """Every public model with a price."""
    found = False
    for locator, row in rows_at(json_body(capture)):
        name, pricing = as_text(row.get("model_name")), as_object(row.get("pricing"))
        if name and pricing and as_text(row.get("private")) not in ("1", "true"):
            found = True
            yield from _model_records(Offer("deepinfra", name), row, pricing, locator)
    if not found:
        raise ParseError("deepinfra: no row has a model_name and pricing")


def _model_records(offer: Offer, row: JsonObject, pricing: JsonObject, locator: str) -> Iterator[Record]:
    yield from _quotes(offer, pricing, f"{locator}/pricing")
    if _ratio(pricing.get("discount")):
        text = f"{offer}: a discount of {pricing['discount']}, taken off already or not: nothing says which"
        yield Notice("unknown_word", text, f"{locator}/pricing/discount")
    yield from declared_tokens(offer, "context_tokens", row.get("max_tokens"), f"{locator}/max_tokens")
    yield from precision_records(offer, row.get("quantization"), f"{locator}/quantization")
    yield from declared(offer, "replaced_by", row.get("replaced_by"), f"{locator}/replaced_by")
    if row.get("deprecated"):
        yield from declared(offer, "status", "deprecated", f"{locator}/deprecated")


def _quotes(offer: Offer, pricing: JsonObject, locator: str) -> Iterator[Quote | Notice]:
    price = pricing.get("cents_per_input_token")
    for key, value in pricing.items():
        place = f"{locator}/{key}"
        if key in COSTS:
            component, money = COSTS[key]
            yield from quoted(offer, component, value, money, place)
        elif key in RATES:
            yield from _rated(offer, RATES[key], value, price, place)
        elif key.startswith(("cents_", "rate_")):
            yield Notice("unknown_word", f"{offer}: price {key[:60]!r} is not read", place)


def _rated(offer: Offer, component: str, ratio: Any, price: Any, locator: str) -> Iterator[Quote | Notice]:
    """A cache price: the input price times a published ratio."""
    factor = _ratio(ratio)
    if factor is None or not isinstance(price, str):
        return
    money = Money("USD", CENTS_PER_TOKEN * factor, digits=6)
    for found in quoted(offer, component, price, money, locator):
        yield replace(found, raw=f"{price} x {ratio}") if isinstance(found, Quote) else found


def _ratio(value: Any) -> Decimal | None:
    try:
        ratio = decimal_of(value)
    except ParseError:
        return None
    return ratio if 0 < ratio < 10 else None


_PER_TOKEN = Money("USD", CENTS_PER_TOKEN, digits=6)
_CENTS = Decimal("0.01")
_PER_SECOND = Money("USD", _CENTS, "second", digits=6)
COSTS = {
    "cents_per_input_token": ("input", _PER_TOKEN),
    "cents_per_output_token": ("output", _PER_TOKEN),
    "cents_per_cached_input_token": ("cache_read", _PER_TOKEN),
    "cents_per_input_sec": ("audio_in", _PER_SECOND),
    "cents_per_image_unit": ("image_out", Money("USD", _CENTS, "image", digits=6)),
    "cents_per_input_chars": ("input", Money("USD", CENTS_PER_TOKEN, "mchar", digits=6)),
}
RATES = {
    "rate_per_input_token_cached": "cache_read",
    "rate_per_input_token_cache_write": "cache_write",
    "rate_per_input_token_cache_write_1h": "cache_write_1h",
}
