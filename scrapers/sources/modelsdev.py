"""models.dev, a community catalogue: provider -> models -> cost, in USD per million tokens.

Live as `api.json`; recordings of the repository hold `{providers: {id: {model: {cost, limit}}}}` with the field names
of their time (`inputCached` until June 2025, `cached_input` for a while). Files that only point at another model carry
no cost there. `tiers` supersede `context_over_200k`, which repeats the 200k tier for older readers.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from scrapers.json_text import JsonObject, as_count, as_list, as_object, json_body, pointer
from scrapers.modelsdev_words import COSTS
from scrapers.pieces import Part, Pieces, records_of_parts
from scrapers.providers import offer_named, provider_of, unknown_provider
from scrapers.quoting import Money, declared, declared_tokens, quoted
from scrapers.source import Capture, Request, Source, anchor
from tracker.conditions import ALWAYS, Condition
from tracker.errors import ParseError
from tracker.records import Notice, Offer, Record
from tracker.units import PER_MTOK

SOURCE = Source(
    id="modelsdev",
    title="models.dev",
    kind="catalogue",
    requests=(Request("https://models.dev/api.json"),),
    every_hours=12,
    currency="USD",
    unit="USD per million tokens",
    min_rows=15,
    terms="MIT licence, cite anomalyco/models.dev",
    proof="recorded",
    proof_url="https://github.com/anomalyco/models.dev",
    anchors=(
        anchor("gpt-4o", "input", "1", "6"),
        anchor("claude-3-5-haiku-20241022", "output", "3", "6"),
    ),
    copies=("*",),
)


def parse(capture: Capture) -> Iterator[Record]:
    """Every provider's models; where two of its words name one offer, the first in the alphabet."""
    body = as_object(json_body(capture))
    weekly = as_object(body.get("providers"))
    root = "/providers" if weekly else ""
    parts = [_read(root, word, 0, row) for word, row in (weekly or body).items()]
    yield from records_of_parts(*_gather(parts))


def _read(root: str, word: str, _index: int, row: Any) -> Part:
    """One provider with its models."""
    models = as_object(row) if root else as_object(as_object(row).get("models"))
    if not any(isinstance(model, dict) for model in models.values()):
        return Part(word)
    locator, provider = root + pointer(word) + ("" if root else "/models"), provider_of(word)
    if provider is None:
        return Part(word, tuple(unknown_provider(word, locator)), found=True)
    if provider.kind:
        return Part(word, skipped=Counter([word]), found=True)
    part, records = Part(word, found=True), list[Record]()
    for name, model in models.items():
        if isinstance(model, dict) and name.strip():
            offer = offer_named(provider.id, name.strip(), provider.region)
            if offer in part.offers:
                part.doubled += 1
                continue
            unread: Counter[str] = Counter()
            found = tuple(_model_records(offer, model, locator + pointer(name), unread))
            part.offers[offer] = Part(name, found, unread)
            records += found
            part.unread += unread
    part.records = records
    return part


def _gather(parts: Sequence[Part]) -> tuple[Sequence[Part], Sequence[Notice]]:
    if not any(part.found for part in parts):
        raise ParseError("modelsdev: no provider with models")
    unread, plans, doubled = Counter[str](), list[str](), 0
    offers, kept = set[Offer](), list[Part]()
    for part in sorted(parts, key=lambda part: part.key):
        plans += part.skipped
        doubled += part.doubled
        again = part.offers.keys() & offers
        fresh = [part] if not again else [model for offer, model in part.offers.items() if offer not in again]
        doubled += len(again)
        offers.update(part.offers)
        kept += fresh
        for piece in fresh:
            unread += piece.unread
    notices = [
        Notice("unknown_word", f"cost {key[:60]!r} on {n} models is not read") for key, n in sorted(unread.items())
    ]
    if plans:
        notices.append(Notice("skipped", f"not billed per token: {', '.join(sorted(plans))}"))
    if doubled:
        notices.append(Notice("skipped", f"{doubled} models are listed again under another name of their provider"))
    return kept, notices


def _model_records(offer: Offer, model: JsonObject, locator: str, unread: Counter[str]) -> Iterator[Record]:
    cost, place = as_object(model.get("cost")), f"{locator}/cost"
    yield from _quotes(offer, cost, place, ALWAYS, unread)
    tiers = as_list(cost.get("tiers"))
    for index, tier in enumerate(tiers):
        yield from _tier(offer, as_object(tier), f"{place}/tiers/{index}", unread)
    if not tiers:
        over = as_object(cost.get("context_over_200k"))
        yield from _quotes(offer, over, f"{place}/context_over_200k", Condition(min_prompt_tokens=200_000), unread)
    limit = as_object(model.get("limit"))
    yield from declared_tokens(offer, "context_tokens", limit.get("context"), f"{locator}/limit/context")
    yield from declared_tokens(offer, "max_output_tokens", limit.get("output"), f"{locator}/limit/output")
    yield from declared(offer, "status", model.get("status"), f"{locator}/status")


def _tier(offer: Offer, tier: JsonObject, locator: str, unread: Counter[str]) -> Iterator[Record]:
    """`{input, output, tier: {type: context, size: 200000}}`; the type was left out until 2026."""
    what = as_object(tier.get("tier"))
    size = as_count(what.get("size"))
    if what.get("type", "context") != "context" or not size:
        yield Notice("unknown_word", f"{offer}: price tier {str(what)[:80]!r}", locator)
        return
    yield from _quotes(offer, tier, locator, Condition(min_prompt_tokens=size), unread)


def _quotes(
    offer: Offer, cost: JsonObject, locator: str, condition: Condition, unread: Counter[str]
) -> Iterator[Record]:
    free = offer.tier == "free"
    for key, value in cost.items():
        component = _component(key, value)
        if component:
            yield from quoted(offer, component, value, MONEY, f"{locator}/{key}", condition=condition, free=free)
        elif component is None and key not in STRUCTURE:
            unread[key] += 1


def _component(key: str, value: Any) -> str | None:
    """ "" leaves a figure out on purpose: early files wrote 0.0 for "has no cache price"."""
    component = COSTS.get(key)
    return "" if key in EARLY_CACHE and str(value) in ("0", "0.0") else component


MONEY = Money("USD", PER_MTOK)
EARLY_CACHE = frozenset(("inputCached", "outputCached"))
STRUCTURE = frozenset(("tiers", "context_over_200k", "tier"))
PIECES = Pieces(((("providers",), "{"), ((), "{")), _read, _gather)
