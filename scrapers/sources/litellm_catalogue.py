"""LiteLLM's model_prices_and_context_window.json: one object, `provider/model` -> row of costs.

USD per token; what each cost key means stands in `litellm_costs`. Edited by hand and by pull requests: a copy of
sellers' pages, never a witness of its own; 0/0 rows are usually rows nobody filled in.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any

from scrapers.json_text import JsonObject, as_count, as_list, as_object, as_text, json_body, members, pointer
from scrapers.litellm_costs import CACHE_HIT, CACHE_READ, SEARCH_KEY, Meaning, meaning_of
from scrapers.litellm_schedule import bands_of
from scrapers.pieces import Part, Pieces, records_of_parts
from scrapers.providers import offer_named, provider_of
from scrapers.quoting import declared, declared_tokens, quoted
from scrapers.source import Capture, Request, Source, anchor
from tracker.conditions import ALWAYS, Condition
from tracker.errors import ParseError
from tracker.records import Notice, Offer, Record

SOURCE = Source(
    id="litellm_catalogue",
    title="LiteLLM model price map",
    kind="catalogue",
    requests=(Request("https://raw.githubusercontent.com/BerriAI/litellm/main/model_prices_and_context_window.json"),),
    every_hours=12,
    currency="USD",
    unit="USD per token",
    min_rows=100,
    terms="MIT licence, cite BerriAI/litellm",
    proof="recorded",
    proof_url="https://github.com/BerriAI/litellm",
    anchors=(
        anchor("gpt-4o", "input", "1", "6"),
        anchor("gpt-3.5-turbo", "output", "1", "3"),
    ),
    copies=("*",),
)


@dataclass(slots=True)
class _Seen:
    """What one pass over the file has met: one notice per word instead of one per row."""

    unread: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    doubled: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in a row a cost key stands, and what must hold there beyond the key's own suffix."""

    offer: Offer
    mode: str
    locator: str
    condition: Condition = ALWAYS
    priority: int = 0


def parse(capture: Capture) -> Iterator[Record]:
    """Every row whose provider is known; where two keys name one offer, the one that names its provider.

    `deepseek/deepseek-chat` followed the rise of 2025-02, the bare `deepseek-chat` kept the old price for months.
    """
    rows = dict(members(json_body(capture), "models"))
    yield from records_of_parts(*_gather([_read("", key, 0, row) for key, row in rows.items()]))


def _read(locator: str, key: str, _index: int, row: Any) -> Part:
    """One row, alone; what it has no words for is counted over the rows whose offer is theirs."""
    if not isinstance(row, dict):
        return Part(key, rank=("/" not in key, key))
    outer, inner = _Seen(), _Seen()
    offer = _offer(key, row, outer)
    own = offer if key != "sample_spec" else None
    records = tuple(_row_records(own, row, locator + pointer(key), inner)) if own else ()
    priced = any("cost" in name for name in row)
    named, rank = frozenset((offer,) if offer else ()), ("/" not in key, key)
    return Part(key, records, inner.unread, outer.unread, outer.skipped, named, priced, rank)


def _gather(parts: Sequence[Part]) -> tuple[list[Part], list[Notice]]:
    seen, kept, offers = _Seen(), list[Part](), set[Offer]()
    if not any(part.found for part in parts):
        raise ParseError("litellm_catalogue: no row with a cost in it")
    for part in sorted(parts, key=attrgetter("rank")):
        if part.unplaced or part.skipped:
            seen.unread += part.unplaced
            seen.skipped += part.skipped
        if not offers.isdisjoint(part.named):
            seen.doubled.append(part.key)
        elif part.named and part.key != "sample_spec":
            offers |= part.named
            if part.unread:
                seen.unread += part.unread
            kept.append(part)
    return kept, list(_notices(seen))


def _notices(seen: _Seen) -> Iterator[Notice]:
    for name, count in sorted(seen.unread.items()):
        yield Notice("unknown_word", f"{name} on {count} rows is not read")
    for name, count in sorted(seen.skipped.items()):
        yield Notice("skipped", f"{count} rows of {name}: not billed per token")
    if seen.doubled:
        yield Notice("skipped", f"{len(seen.doubled)} keys name an offer again, e.g. {seen.doubled[0]!r}")


def _offer(key: str, row: JsonObject, seen: _Seen) -> Offer | None:
    """`azure/eu/gpt-4o` -> gpt-4o in region eu; `bedrock/us-east-1/1-month-commitment/x` keeps its commitment."""
    word = as_text(row.get("litellm_provider")) or _early_word(key)
    provider = provider_of(word)
    if provider is None or provider.kind:
        if key != "sample_spec" and "cost" in "".join(row):
            counter = seen.skipped if provider else seen.unread
            counter[word if provider else f"provider {word[:60]!r}"] += 1
        return None
    region, variant, steps = provider.region, "", key.split("/")
    first = provider_of(steps[0])
    if len(steps) > 1 and first and first.id == provider.id:
        steps = steps[1:]
    while len(steps) > 1 and (_REGION.fullmatch(steps[0]) or _COMMITMENT.fullmatch(steps[0])):
        step = steps.pop(0)
        region, variant = (region, step) if _COMMITMENT.fullmatch(step) else (step, variant)
    name = "/".join(steps).strip()
    return offer_named(provider.id, name, region, variant) if name else None


def _early_word(key: str) -> str:
    """The provider of a row from before `litellm_provider` existed (until March 2024), by its key."""
    return next((word for pattern, word in EARLY_KEYS if re.match(pattern, key)), "") or key.split("/")[0]


def _row_records(offer: Offer, row: JsonObject, locator: str, seen: _Seen) -> Iterator[Record]:
    place = _Place(offer, as_text(row.get("mode")), locator)
    yield from _quotes(place, row, seen)
    yield from _tiered(place, as_list(row.get("tiered_pricing")), seen)
    yield from _off_peak(place, as_object(row.get("off_peak_pricing")), seen)
    for attribute, key in (("context_tokens", "max_input_tokens"), ("max_output_tokens", "max_output_tokens")):
        yield from declared_tokens(offer, attribute, row.get(key), f"{locator}/{key}")
    yield from declared(offer, "deprecation_date", row.get("deprecation_date"), f"{locator}/deprecation_date")


def _quotes(place: _Place, row: JsonObject, seen: _Seen) -> Iterator[Record]:
    for name, value in row.items():
        if "cost" not in name or (name == CACHE_HIT and CACHE_READ in row):
            continue  # the early word for cache reads, repeated beside the later one
        meaning = meaning_of(name, place.mode)
        if meaning is None:
            seen.unread[f"cost key {name!r}"] += 1
        else:
            yield from _quote(place, name, value, meaning)


def _quote(place: _Place, name: str, value: Any, meaning: Meaning) -> Iterator[Record]:
    offer, locator, condition = place.offer, f"{place.locator}/{name}", place.condition
    if meaning.tier != "standard":
        offer = replace(offer, tier=meaning.tier)
    if name == SEARCH_KEY:  # one price per context size; medium is what the API uses when nothing is asked for
        value, locator = as_object(value).get(SEARCH_SIZE), f"{locator}/{SEARCH_SIZE}"
    if meaning.min_prompt_tokens > condition.min_prompt_tokens:
        condition = replace(condition, min_prompt_tokens=meaning.min_prompt_tokens)
    free, priority = place.offer.tier == "free", place.priority
    yield from quoted(
        offer, meaning.component, value, meaning.money, locator, condition=condition, priority=priority, free=free
    )


def _tiered(place: _Place, tiers: list[Any], seen: _Seen) -> Iterator[Record]:
    """`[{range: [0, 256000], input_cost_per_token, ...}, ...]`: prompt-token bands."""
    for index, tier in enumerate(tiers):
        band = as_list(as_object(tier).get("range"))
        least = as_count(band[0]) if band else None
        if least is None:
            seen.unread["tiered_pricing without a token range"] += 1
            continue
        locator, condition = f"{place.locator}/tiered_pricing/{index}", Condition(min_prompt_tokens=least)
        yield from _quotes(replace(place, locator=locator, condition=condition), as_object(tier), seen)


def _off_peak(place: _Place, block: JsonObject, seen: _Seen) -> Iterator[Record]:
    if not block:
        return
    locator = f"{place.locator}/off_peak_pricing"
    try:
        bands = list(bands_of(block))
    except ParseError as error:
        yield Notice("unknown_word", f"{place.offer}: {error}", locator)
        return
    for band in bands:
        inside = replace(place, locator=locator, condition=Condition(hours=band), priority=1)
        yield from _quotes(inside, block, seen)


_REGION = re.compile(r"[a-z]{2}-(?:gov-)?[a-z]+-\d|us|eu|global|global-standard|us-data-zone|eu-data-zone")
_COMMITMENT = re.compile(r"\d+-month-commitment")
SEARCH_SIZE = "search_context_size_medium"

EARLY_KEYS = (
    (
        r"(ft:)?gpt-|text-embedding-|babbage-|davinci-|ada$|(hd/|standard/)?\d+-x-\d+/(.*/)?dall-e|(hd|standard)/",
        "openai",
    ),
    (r"claude-", "anthropic"),
    (r"(text|chat|code|codechat)-(bison|unicorn|gecko)|gemini-pro", "vertex_ai"),
    (r"command", "cohere"),
    (r"j2-", "ai21"),
    (r"(chat)?dolphin", "nlp_cloud"),
    (r"luminous-", "aleph_alpha"),
    (r"(ai21|amazon|anthropic|cohere|meta)\.", "bedrock"),
    (r"together-ai-", "together_ai"),
)
PIECES = Pieces((((), "{"),), _read, _gather)
