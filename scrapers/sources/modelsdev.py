"""models.dev, a community catalogue: provider -> models -> cost, in USD per million tokens.

Live as `api.json`; recordings of the repository hold `{providers: {id: {model: {cost, limit}}}}` with the field names
of their time (`inputCached` until June 2025, `cached_input` for a while). Files that only point at another model carry
no cost there. `tiers` supersede `context_over_200k`, which repeats the 200k tier for older readers.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from scrapers.json_text import JsonObject, as_count, as_list, as_object, json_body, pointer
from scrapers.modelsdev_words import COSTS
from scrapers.providers import Provider, provider_of, unknown_provider
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


@dataclass(slots=True)
class _Seen:
    """Words met on the way: one notice per word."""

    unread: Counter[str] = field(default_factory=Counter)
    plans: list[str] = field(default_factory=list)
    offers: set[Offer] = field(default_factory=set)
    doubled: int = 0


def parse(capture: Capture) -> Iterator[Record]:
    """Every provider's models; where two of its words name one offer, the first in the alphabet."""
    body = as_object(json_body(capture))
    weekly = as_object(body.get("providers"))
    root, seen, found = "/providers" if weekly else "", _Seen(), False
    for word, row in sorted((weekly or body).items()):
        models = as_object(row) if weekly else as_object(as_object(row).get("models"))
        if any(isinstance(model, dict) for model in models.values()):
            found = True
            locator = root + pointer(word) + ("" if weekly else "/models")
            yield from _provider_records(word, models, locator, seen)
    if not found:
        raise ParseError("modelsdev: no provider with models")
    for key, count in sorted(seen.unread.items()):
        yield Notice("unknown_word", f"cost {key[:60]!r} on {count} models is not read")
    if seen.plans:
        yield Notice("skipped", f"not billed per token: {', '.join(sorted(seen.plans))}")
    if seen.doubled:
        yield Notice("skipped", f"{seen.doubled} models are listed again under another name of their provider")


def _provider_records(word: str, models: JsonObject, locator: str, seen: _Seen) -> Iterator[Record]:
    provider = provider_of(word)
    if provider is None:
        yield from unknown_provider(word, locator)
    elif provider.kind:
        seen.plans.append(word)
    else:
        for name, model in models.items():
            if isinstance(model, dict) and name.strip():
                offer = _offer(provider, name.strip())
                seen.doubled += offer in seen.offers
                if offer not in seen.offers:
                    seen.offers.add(offer)
                    yield from _model_records(offer, model, locator + pointer(name), seen)


def _offer(provider: Provider, name: str) -> Offer:
    bare, free = name.removesuffix(":free"), name.endswith(":free")
    return Offer(provider.id, bare or name, "free" if free else "standard", provider.region)


def _model_records(offer: Offer, model: JsonObject, locator: str, seen: _Seen) -> Iterator[Record]:
    cost, place = as_object(model.get("cost")), f"{locator}/cost"
    yield from _quotes(offer, cost, place, ALWAYS, seen)
    tiers = as_list(cost.get("tiers"))
    for index, tier in enumerate(tiers):
        yield from _tier(offer, as_object(tier), f"{place}/tiers/{index}", seen)
    if not tiers:
        over = as_object(cost.get("context_over_200k"))
        yield from _quotes(offer, over, f"{place}/context_over_200k", Condition(min_prompt_tokens=200_000), seen)
    limit = as_object(model.get("limit"))
    yield from declared_tokens(offer, "context_tokens", limit.get("context"), f"{locator}/limit/context")
    yield from declared_tokens(offer, "max_output_tokens", limit.get("output"), f"{locator}/limit/output")
    yield from declared(offer, "status", model.get("status"), f"{locator}/status")


def _tier(offer: Offer, tier: JsonObject, locator: str, seen: _Seen) -> Iterator[Record]:
    """`{input, output, tier: {type: context, size: 200000}}`; the type was left out until 2026."""
    what = as_object(tier.get("tier"))
    size = as_count(what.get("size"))
    if what.get("type", "context") != "context" or not size:
        yield Notice("unknown_word", f"{offer}: price tier {str(what)[:80]!r}", locator)
        return
    yield from _quotes(offer, tier, locator, Condition(min_prompt_tokens=size), seen)


def _quotes(offer: Offer, cost: JsonObject, locator: str, condition: Condition, seen: _Seen) -> Iterator[Record]:
    free = offer.tier == "free"
    for key, value in cost.items():
        component = _component(key, value)
        if component:
            yield from quoted(offer, component, value, MONEY, f"{locator}/{key}", condition=condition, free=free)
        elif component is None and key not in STRUCTURE:
            seen.unread[key] += 1


def _component(key: str, value: Any) -> str | None:
    """ "" leaves a figure out on purpose: early files wrote 0.0 for "has no cache price"."""
    component = COSTS.get(key)
    return "" if key in EARLY_CACHE and str(value) in ("0", "0.0") else component


MONEY = Money("USD", PER_MTOK)
EARLY_CACHE = frozenset(("inputCached", "outputCached"))
STRUCTURE = frozenset(("tiers", "context_over_200k", "tier"))
