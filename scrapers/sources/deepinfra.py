"""DeepInfra's own model list: prices in US cents per token, cached tokens as a ratio of the input price.

Binary-float noise is published (2.9999e-05 cents), so figures are rounded to six digits. Other price types are per
second, per character or per image, also in cents. The flex and priority tiers are factors on all of it. A price that
depends on the prompt's length is told by the prose of `full` alone ("$1.2 in $6 out <= 32K, $2.4 in $12 out"), beside
the figures of its first band: prose that is not understood costs the row, since those hold for short prompts only.
Where a `discount` stands beside a figure, nothing published says whether it is already taken off: the figure is kept
as written, with a notice.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from scrapers.json_text import Figure, JsonObject, as_object, as_text, json_body, rows_at
from scrapers.openrouter_format import precision_records
from scrapers.quoting import Money, declared, declared_tokens, quoted
from scrapers.source import Capture, Request, Source, anchor
from tracker.conditions import Condition
from tracker.errors import ParseError
from tracker.records import Notice, Offer, Quote, Record
from tracker.units import CENTS_PER_TOKEN, PER_MTOK, decimal_of

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
    proof="excerpt",
    proof_url="https://github.com/outr/sigil/blob/aa5330fc2bcd/core/src/test/scala/sigil/provider/deepinfra/DeepInfraCatalogSpec.scala",
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
    yield from _priced(offer, pricing, f"{locator}/pricing")
    if _ratio(pricing.get("discount")):
        text = f"{offer}: a discount of {pricing['discount']}, taken off already or not: nothing says which"
        yield Notice("unknown_word", text, f"{locator}/pricing/discount")
    yield from declared_tokens(offer, "context_tokens", row.get("max_tokens"), f"{locator}/max_tokens")
    yield from precision_records(offer, row.get("quantization"), f"{locator}/quantization")
    yield from declared(offer, "replaced_by", row.get("replaced_by"), f"{locator}/replaced_by")
    if row.get("deprecated"):
        yield from declared(offer, "status", "deprecated", f"{locator}/deprecated")


def _priced(offer: Offer, pricing: JsonObject, locator: str) -> Iterator[Quote | Notice]:
    """The prices of the standard tier, and of the tiers that are a factor on them."""
    full = as_text(pricing.get("full"))
    banded = bool(_BOUND.search(full))
    found = list(_bands(offer, full, f"{locator}/full") if banded else _quotes(offer, pricing, locator))
    yield from found
    for key, tier in SERVICE_TIERS.items():
        if factor := _ratio(pricing.get(key)):
            for quote in found:
                if isinstance(quote, Quote) and quote.unit == "mtok":
                    yield from _times(quote, replace(offer, tier=tier), factor, f"{locator}/{key}")


def _times(quote: Quote, offer: Offer, factor: Decimal, locator: str) -> Iterator[Quote | Notice]:
    """The same price for another tier."""
    money, figure = Money("USD", factor, digits=6), Figure(str(quote.amount))
    for found in quoted(offer, quote.component, figure, money, locator, condition=quote.condition):
        yield replace(found, raw=f"{quote.raw} x {factor}") if isinstance(found, Quote) else found


def _bands(offer: Offer, full: str, locator: str) -> Iterator[Quote | Notice]:
    """Prices by prompt length, each band up to the bound it states and from the bound of the one before."""
    bands, least = list[tuple[int, re.Match[str]]](), 0
    for part in full.split(","):
        match = _BAND.fullmatch(part.strip())
        bound = int(decimal_of(match["bound"]) * THOUSANDS[match["unit"]]) if match and match["bound"] else 0
        follows = not bands or least > 0
        fits = match and (bound == least if match["sign"] == ">" else not match["sign"] or bound > least)
        if not match or not follows or not fits:
            yield Notice("unknown_word", f"{offer}: price {full[:120]!r} is not read", locator)
            return
        bands.append((least, match))
        least = bound if match["sign"] == "<=" else 0
    for start, match in bands:
        for component, group in (("input", "input"), ("output", "output"), ("cache_read", "cached")):
            figure = Figure(match[group]) if match[group] else None
            condition = Condition(min_prompt_tokens=start + 1 if start else 0)  # from just above the bound before
            yield from quoted(offer, component, figure, _MILLION, locator, condition=condition)


def _quotes(offer: Offer, pricing: JsonObject, locator: str) -> Iterator[Quote | Notice]:
    price = pricing.get("cents_per_input_token")
    for key, value in pricing.items():
        place = f"{locator}/{key}"
        if key in COSTS:
            component, money = COSTS[key]
            yield from quoted(offer, component, value, money, place)
        elif key in RATES:
            yield from _rated(offer, RATES[key], value, price, place)
        elif key.startswith(("cents_", "rate_")) and key not in SERVICE_TIERS:
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


_BOUND = re.compile(r"[<>]|\d\s*[KM]\b")
_BAND = re.compile(
    r"\$(?P<input>\d+(?:\.\d+)?) in \$(?P<output>\d+(?:\.\d+)?) out(?: \$(?P<cached>\d+(?:\.\d+)?) cached)?"
    r"(?: ?(?P<sign><=|>) ?(?P<bound>\d{1,6}(?:\.\d+)?)(?P<unit>[KM]))?"
)
THOUSANDS = {"K": 1_000, "M": 1_000_000}
SERVICE_TIERS = {"rate_per_service_tier_flex": "flex", "rate_per_service_tier_priority": "priority"}
_MILLION = Money("USD", PER_MTOK)
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
