"""The genai-prices data model, as its JSON and its Python package both carry it, turned into records.

A model's `prices` is one price object, or a list of them with a constraint each, read from last to first: the last
entry whose constraint holds bills. A price is a figure or `{base, tiers: [{start, price}]}` by prompt tokens. All money
is USD per million tokens, except components counted in thousands (`_kcount`, `_kpages`), in millions of characters or
in hours of audio.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from scrapers.json_text import JsonObject, as_count, as_list, as_object, as_text, pointer
from scrapers.pieces import Part, Pieces, records_of_parts
from scrapers.providers import offer_named, provider_of, unknown_provider
from scrapers.quoting import Money, declared, declared_tokens, quoted
from tracker.conditions import ALWAYS, Condition
from tracker.errors import ParseError
from tracker.records import Notice, Offer, Record
from tracker.units import PER_MTOK

_CLOCK = re.compile(r"(\d\d:\d\d)(?::\d\d)?(?:\.\d+)?(?:Z|\+00:00)")
PER_THOUSAND = Decimal(1) / 1000


@dataclass(frozen=True, slots=True)
class _Case:
    """One price object with what must hold for it."""

    prices: JsonObject
    condition: Condition
    priority: int
    locator: str


def records_of(providers: list[Any]) -> Iterator[Record]:
    """Everything the list of providers says; ParseError when it holds no provider with models."""
    yield from records_of_parts(*gather([read_provider("", "", index, row) for index, row in enumerate(providers)]))


def read_provider(_root: str, _key: str, index: int, row: Any) -> Part:
    """One provider with its models. Its place is that in the list, wherever the list stands."""
    provider_row = as_object(row)
    word, models = as_text(provider_row.get("id")), as_list(provider_row.get("models"))
    if not word or not models:
        return Part(word)
    unread: Counter[str] = Counter()
    return Part(word, tuple(_provider_records(word, models, pointer(index), unread)), unread, found=True)


def gather(parts: Sequence[Part]) -> tuple[Sequence[Part], Sequence[Notice]]:
    """All providers; ParseError when none has models."""
    if not any(part.found for part in parts):
        raise ParseError("no provider with models in the list")
    unread: Counter[str] = sum((part.unread for part in parts if part.unread), Counter())
    words = sorted(unread.items())
    return parts, [Notice("unknown_word", f"price component {key!r} on {n} models is not read") for key, n in words]


def _provider_records(word: str, models: list[Any], locator: str, unread: Counter[str]) -> Iterator[Record]:
    provider, variant = provider_of(word), CHANNELS.get(word.split("_")[0], "")
    if provider is None:
        yield from unknown_provider(word, locator)
    elif provider.kind:
        yield Notice("skipped", f"{word}: {provider.kind}, not billed per token", locator)
    else:
        for index, model in enumerate(models):
            place, name = f"{locator}{pointer('models', index)}", as_text(as_object(model).get("id"))
            if name:
                offer = offer_named(provider.id, name, provider.region, variant)
                yield from _model_records(offer, as_object(model), place, unread)
            else:
                yield Notice("bad_row", f"{provider.id}: a model without an id", place)


def _model_records(offer: Offer, model: JsonObject, locator: str, unread: Counter[str]) -> Iterator[Record]:
    yield from _priced(offer, model.get("prices"), f"{locator}/prices", unread)
    for index, row in enumerate(as_list(model.get("price_variants"))):
        yield from _variant_records(offer, as_object(row), f"{locator}{pointer('price_variants', index)}", unread)
    window = model.get("context_window", model.get("max_tokens"))  # max_tokens: the word until mid 2025
    yield from declared_tokens(offer, "context_tokens", window, locator)
    if model.get("deprecated") is True:
        yield from declared(offer, "status", "deprecated", f"{locator}/deprecated")


def _variant_records(offer: Offer, row: JsonObject, locator: str, unread: Counter[str]) -> Iterator[Record]:
    """`{when: {processing: batch}, prices, constraint}`: another tier of the same model."""
    when = as_object(row.get("when"))
    if not when:
        yield Notice("unknown_word", f"{offer}: price variant {str(row.get('when'))[:80]!r}", locator)
        return
    for key, value in when.items():
        word = f"{key}={value}"
        if word in TIER_WORDS:
            offer = replace(offer, tier=TIER_WORDS[word])
        elif key in VARIANT_KEYS:
            offer = replace(offer, variant=as_text(value))
        else:
            yield Notice("unknown_word", f"{offer}: price variant {word[:80]!r}", locator)
            return
    yield from _priced(offer, [row], locator, unread, "")


def _priced(offer: Offer, prices: Any, locator: str, unread: Counter[str], step: str = "/{}") -> Iterator[Record]:
    rows = prices if isinstance(prices, list) else [{"prices": prices}]
    where = step if isinstance(prices, list) else ""
    since: datetime | None = None
    for index, row in enumerate(rows):
        place = locator + where.format(index)
        try:
            condition = _condition(as_object(row).get("constraint"), since)
        except (ParseError, ValueError) as error:
            yield Notice("unknown_word", f"{offer}: {error}", place)
            continue
        since = condition.effective_from or since
        price_object = as_object(as_object(row).get("prices"))
        place = place if price_object is prices else f"{place}/prices"
        yield from _case_records(offer, _Case(price_object, condition, index, place), unread)


def _condition(constraint: Any, since: datetime | None) -> Condition:
    """A start date, a time band (UTC), or nothing.

    A time band listed after a dated price overrides that price by its place in the list, so it holds from the same
    date on: `billed` prefers the later date, and an undated band would lose against the price it is a part of.
    """
    if constraint is None:
        return ALWAYS
    if not isinstance(constraint, dict):
        raise ParseError(f"price constraint {str(constraint)[:80]!r}")
    if "start_date" in constraint:
        return Condition(effective_from=datetime.fromisoformat(as_text(constraint["start_date"])))
    clocks = [_CLOCK.fullmatch(as_text(constraint.get(key))) for key in ("start_time", "end_time")]
    if not (clocks[0] and clocks[1]):
        raise ParseError(f"price constraint {str(constraint)[:80]!r}")
    return Condition(hours=f"{clocks[0][1]}-{clocks[1][1]} UTC", effective_from=since)


def _case_records(offer: Offer, case: _Case, unread: Counter[str]) -> Iterator[Record]:
    for key, value in case.prices.items():
        if value is None or (key == "audio_hours" and "input_audio_hours" in case.prices):
            continue  # the second is the newer word for the first
        if key not in COMPONENTS:
            unread[key] += 1
            continue
        component, money = COMPONENTS[key]
        place, priority, free = f"{case.locator}/{key}", case.priority, offer.tier == "free"
        for start, figure, end in _bands(value):
            if start is None:
                yield Notice("bad_row", f"{offer} {component}: a price tier without a start", place + end)
                continue
            condition = replace(case.condition, min_prompt_tokens=start) if start else case.condition
            yield from quoted(
                offer, component, figure, money, place + end, condition=condition, priority=priority, free=free
            )


def _bands(value: Any) -> Iterator[tuple[int | None, Any, str]]:
    """(first prompt token, figure, rest of the pointer) of a flat or a tiered price."""
    if not isinstance(value, dict):
        yield 0, value, ""
        return
    yield 0, value.get("base"), "/base"
    for index, tier in enumerate(as_list(value.get("tiers"))):
        row = as_object(tier)
        yield as_count(row.get("start")) or None, row.get("price"), f"/tiers/{index}/price"


_MTOK = Money("USD", PER_MTOK, dynamic=Decimal(-1_000_000))  # the old file multiplies a router's -1 per token
_PER_REQUEST = Money("USD", PER_THOUSAND, "request")
_PER_PAGE = Money("USD", PER_THOUSAND, "page")
_PER_HOUR = Money("USD", PER_MTOK, "hour")
COMPONENTS = {
    "input_mtok": ("input", _MTOK),
    "output_mtok": ("output", _MTOK),
    "cache_read_mtok": ("cache_read", _MTOK),
    "cache_write_mtok": ("cache_write", _MTOK),
    "cache_write_1h_mtok": ("cache_write_1h", _MTOK),
    "output_reasoning_mtok": ("reasoning", _MTOK),
    "input_audio_mtok": ("audio_in", _MTOK),
    "output_audio_mtok": ("audio_out", _MTOK),
    "cache_audio_read_mtok": ("audio_cache_read", _MTOK),
    "input_image_mtok": ("image_in", _MTOK),
    "output_image_mtok": ("image_out", _MTOK),
    "input_video_mtok": ("video_in", _MTOK),
    "output_video_mtok": ("video_out", _MTOK),
    "input_mchars": ("input", Money("USD", PER_MTOK, "mchar")),
    "input_audio_hours": ("audio_in", _PER_HOUR),
    "audio_hours": ("audio_in", _PER_HOUR),
    "input_document_kpages": ("input", _PER_PAGE),
    "web_searches_kcount": ("search", _PER_REQUEST),
    "requests_kcount": ("request", _PER_REQUEST),
}
CHANNELS = {"huggingface": "huggingface", "openai-decisions": "decisions"}
TIER_WORDS = {
    "processing=batch": "batch",
    "service_tier=default": "standard",
    "service_tier=priority": "priority",
    "service_tier=flex": "flex",
    "service_tier=fast": "fast",
    "speed=fast": "fast",
}
VARIANT_KEYS = frozenset(("route", "search_type"))
PIECES = Pieces(((("providers",), "["), ((), "[")), read_provider, gather)
