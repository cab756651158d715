"""Vercel's AI gateway: one list price per model, with prompt-length and service tiers.

USD per token as decimal strings. `*_tiers` are prompt-token bands `{cost, min, max}`; `service_tiers` hold flex and
priority prices, with `long_context.threshold` inside.
"""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from scrapers.json_text import Figure, JsonObject, as_count, as_list, as_object, as_text, json_body, rows_at
from scrapers.quoting import Money, declared, declared_tokens, quoted
from scrapers.source import Capture, Request, Source, anchor
from tracker.conditions import ALWAYS, Condition
from tracker.errors import ParseError
from tracker.records import Notice, Offer, Record
from tracker.units import PER_TOKEN

SOURCE = Source(
    id="vercel",
    title="Vercel AI gateway models",
    kind="market",
    requests=(Request("https://ai-gateway.vercel.sh/v1/models"),),
    every_hours=6,
    currency="USD",
    unit="USD per token, decimal strings",
    min_rows=30,
    terms="https://vercel.com/legal/terms",
    proof="recorded",
    proof_url="https://github.com/FranciscoMoretti/ai-registry/blob/65d1d4fe5def/packages/vercel-gateway/responses/gateway/models.json",
    provider="vercel",
    anchors=(
        anchor("openai/gpt-4o", "input", "1", "6"),
        anchor("anthropic/claude-3-haiku", "output", "1", "1.5"),
    ),
    copies=("*",),
    notice="the gateway passes list prices on without markup",
)


def parse(capture: Capture) -> Iterator[Record]:
    """Every model with a price."""
    found = False
    for locator, row in rows_at(json_body(capture), "data"):
        name, pricing = as_text(row.get("id")), as_object(row.get("pricing"))
        if not (name and pricing):
            continue
        found = True
        offer = Offer("vercel", name)
        yield from _quotes(offer, pricing, f"{locator}/pricing", ALWAYS)
        yield from _tiers(offer, pricing, f"{locator}/pricing")
        yield from _service_tiers(offer, as_object(pricing.get("service_tiers")), f"{locator}/pricing/service_tiers")
        yield from declared_tokens(offer, "context_tokens", row.get("context_window"), f"{locator}/context_window")
        yield from declared_tokens(offer, "max_output_tokens", row.get("max_tokens"), f"{locator}/max_tokens")
        yield from declared(offer, "deprecation_date", row.get("deprecated_at"), f"{locator}/deprecated_at")
    if not found:
        raise ParseError("vercel: no row has an id and pricing")


def _quotes(offer: Offer, pricing: JsonObject, locator: str, condition: Condition) -> Iterator[Record]:
    for key, value in pricing.items():
        if key in COSTS:
            component, money = COSTS[key]
            yield from quoted(offer, component, value, money, f"{locator}/{key}", condition=condition)
        elif key not in STRUCTURE:
            yield Notice("unknown_word", f"{offer}: price {key[:60]!r} is not read", f"{locator}/{key}")


def _tiers(offer: Offer, pricing: JsonObject, locator: str) -> Iterator[Record]:
    """The band from zero repeats the plain price: only where that is missing does it stand for it."""
    for key, (component, money) in COSTS.items():
        for index, tier in enumerate(as_list(pricing.get(f"{key}_tiers"))):
            band = as_object(tier)
            least, most = as_count(band.get("min", Figure(0))), as_count(band.get("max", Figure(0)))
            place = f"{locator}/{key}_tiers/{index}/cost"
            if least is None or most is None or (most and most <= least):
                yield Notice(
                    "bad_row", f"{offer}: a prompt band of {band.get('min')} to {band.get('max')}"[:200], place
                )
                continue
            if not least and key in pricing:
                continue
            condition = Condition(min_prompt_tokens=least, max_prompt_tokens=most or None)
            yield from quoted(offer, component, band.get("cost"), money, place, condition=condition, priority=1)


def _service_tiers(offer: Offer, tiers: JsonObject, locator: str) -> Iterator[Record]:
    for word, row in tiers.items():
        if word not in TIERS:
            yield Notice("unknown_word", f"{offer}: service tier {word[:40]!r}", f"{locator}/{word}")
            continue
        tiered, prices = replace(offer, tier=TIERS[word]), as_object(row)
        yield from _quotes(tiered, prices, f"{locator}/{word}", ALWAYS)
        long = as_object(prices.get("long_context"))
        threshold = as_count(long.get("threshold"))
        if threshold:
            condition = Condition(min_prompt_tokens=threshold)
            yield from _quotes(tiered, long, f"{locator}/{word}/long_context", condition)


_TOKEN = Money("USD", PER_TOKEN)
COSTS = {
    "input": ("input", _TOKEN),
    "output": ("output", _TOKEN),
    "input_cache_read": ("cache_read", _TOKEN),
    "input_cache_write": ("cache_write", _TOKEN),
    "audio_input_token_cost": ("audio_in", _TOKEN),
    "audio_output_token_cost": ("audio_out", _TOKEN),
    "image": ("image_out", Money("USD", Decimal(1), "image")),
}
TIERS = {"flex": "flex", "priority": "priority", "batch": "batch", "fast": "fast", "default": "standard"}
STRUCTURE = frozenset(
    [*(f"{key}_tiers" for key in COSTS), "service_tiers", "long_context", "threshold", "varies_by_provider"]
)
