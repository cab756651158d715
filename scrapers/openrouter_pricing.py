"""OpenRouter's `pricing` object: USD per token as decimal strings, read the same way wherever it appears.

`image` changed its meaning: until 2025 a price per image, since 2026 a price per image token (equal to the prompt
price). The two differ by a factor of hundreds, so the figure itself tells which it is. `overrides` are conditional
prices: later entries win, absent keys inherit.
"""

from collections.abc import Iterator
from decimal import Decimal

from scrapers.json_text import JsonObject, as_count, as_list, as_object
from scrapers.quoting import Money, before_discount, quoted
from tracker.conditions import ALWAYS, Condition
from tracker.errors import ParseError
from tracker.records import Notice, Offer, Quote
from tracker.units import PER_TOKEN, decimal_of


def pricing_records(offer: Offer, pricing: JsonObject, locator: str) -> Iterator[Quote | Notice]:
    """The quotes of one pricing object and its overrides; an offer of the free tier proves its zeros."""
    try:
        discount = _discount(pricing.get("discount"))
    except ParseError as error:
        yield Notice("bad_row", f"{offer}: discount: {error}", f"{locator}/discount")
        return
    for key in CURRENCY_KEYS:
        if pricing.get(key) not in (None, "USD"):
            yield Notice("bad_row", f"{offer}: prices in {str(pricing[key])[:20]!r}, not in USD", f"{locator}/{key}")
            return
    yield from _quotes(offer, pricing, locator, ALWAYS, 0, discount)
    for index, row in enumerate(as_list(pricing.get("overrides"))):
        override, place = as_object(row), f"{locator}/overrides/{index}"
        try:
            condition = _condition(override)
        except ParseError as error:
            yield Notice("unknown_word", f"{offer}: {error}", place)
            continue
        yield from _quotes(offer, override, place, condition, index + 1, discount)


def _discount(raw: object) -> Decimal | None:
    """0.25 = the figures are a quarter below list already; None where nothing is said.

    A discount that cannot be read costs the whole row: without it nobody knows which price the figures are.
    """
    discount = Decimal(0) if raw is None else decimal_of(raw)
    if not 0 <= discount < 1:
        raise ParseError(f"not a fraction below one: {discount}")
    return discount or None


def _quotes(
    offer: Offer, pricing: JsonObject, locator: str, condition: Condition, priority: int, discount: Decimal | None
) -> Iterator[Quote | Notice]:
    for key, raw in pricing.items():
        if key in NOT_PRICES:
            continue
        if key not in COMPONENTS:
            yield Notice("unknown_word", f"{offer}: price {key[:60]!r} is not read", f"{locator}/{key}")
            continue
        component, money = COMPONENTS[key]
        if key == "image":
            money = _image_money(raw, pricing.get("prompt"))
        free, place = offer.tier == "free", f"{locator}/{key}"
        if component in OPTIONAL and _is_zero(raw):
            continue  # "0" on an extra means the extra does not exist there, not that it is free
        for found in quoted(offer, component, raw, money, place, condition=condition, priority=priority, free=free):
            if discount and isinstance(found, Quote) and found.status == "known" and component in DISCOUNTED:
                yield from before_discount(found, discount)
            else:
                yield found


def _is_zero(raw: object) -> bool:
    try:
        return not decimal_of(raw)
    except ParseError:
        return False


def _image_money(raw: object, prompt: object) -> Money:
    try:
        per_image = decimal_of(raw) > decimal_of(prompt) * IMAGE_TOKENS
    except ParseError:
        per_image = True
    return _PER_IMAGE if per_image else _PER_TOKEN


def _condition(override: JsonObject) -> Condition:
    """`{min_prompt_tokens: 200000}` or `{utc_start: 100, utc_end: 400}` (HHMM, may wrap)."""
    unknown = [key for key in override if key not in COMPONENTS and key not in CONDITION_KEYS]
    least, start, end = (as_count(override.get(key)) for key in CONDITION_KEYS)
    if unknown or (start is None) != (end is None) or (least is None and start is None):
        raise ParseError(f"override with {', '.join(map(repr, unknown or override))[:100]} is not understood")
    hours = f"{_clock(start)}-{_clock(end)} UTC" if start is not None and end is not None else ""
    return Condition(min_prompt_tokens=least or 0, hours=hours)


def _clock(hhmm: int) -> str:
    hours, minutes = divmod(hhmm, 100)
    if hours > 24 or minutes > 59 or hhmm > 2400:
        raise ParseError(f"override with the time of day {hhmm} is not understood")
    return f"{hours % 24:02d}:{minutes:02d}"


_PER_TOKEN = Money("USD", PER_TOKEN, dynamic=Decimal(-1))
_PER_IMAGE = Money("USD", Decimal(1), "image", dynamic=Decimal(-1))
_PER_REQUEST = Money("USD", Decimal(1), "request", dynamic=Decimal(-1))
IMAGE_TOKENS = 50  # an image is hundreds of tokens; a price above this many prompt tokens is per image
COMPONENTS = {
    "prompt": ("input", _PER_TOKEN),
    "completion": ("output", _PER_TOKEN),
    "input_cache_read": ("cache_read", _PER_TOKEN),
    "input_cache_reads": ("cache_read", _PER_TOKEN),
    "input_cache_write": ("cache_write", _PER_TOKEN),
    "input_cache_writes": ("cache_write", _PER_TOKEN),
    "input_cache_write_1h": ("cache_write_1h", _PER_TOKEN),
    "internal_reasoning": ("reasoning", _PER_TOKEN),
    "image": ("image_in", _PER_IMAGE),
    "image_token": ("image_in", _PER_TOKEN),
    "image_output": ("image_out", _PER_TOKEN),
    "audio": ("audio_in", _PER_TOKEN),
    "audio_output": ("audio_out", _PER_TOKEN),
    "input_audio_cache": ("audio_cache_read", _PER_TOKEN),
    "request": ("request", _PER_REQUEST),
    "duration_per_hour": ("audio_in", Money("USD", Decimal(1), "hour")),
    "web_search": ("search", _PER_REQUEST),
}
OPTIONAL = frozenset(component for component, _ in COMPONENTS.values()) - {"input", "output"}
DISCOUNTED = frozenset(("input", "output", "cache_read", "cache_write", "cache_write_1h", "reasoning"))
CURRENCY_KEYS = ("currency", "currency_unit")  # not in OpenRouter's format; hosts add one (OVHcloud: "USD")
NOT_PRICES = frozenset(("discount", "overrides", "min_prompt_tokens", "utc_start", "utc_end", *CURRENCY_KEYS))
CONDITION_KEYS = ("min_prompt_tokens", "utc_start", "utc_end")
