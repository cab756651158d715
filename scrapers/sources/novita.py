"""Novita's model list: prices as whole numbers, one unit is 0.0001 USD per million tokens (3900 -> 0.39).

Input and output stand in the row itself, cached tokens in its `pricing` (`{input_cache_read: {price_per_m: 300}}`).
Where `tiered_billing_configs` follows, the price depends on the prompt's length and the row's own figures are those of
its first tier. Tiers share their borders (1-524288, 524288-1000000): each is taken from its lower one up.
"""

from collections.abc import Iterator
from decimal import Decimal

from scrapers.json_text import JsonObject, as_count, as_list, as_object, as_text, json_body, rows_at
from scrapers.quoting import Money, declared_tokens, quoted
from scrapers.source import Capture, Request, Source, anchor
from tracker.conditions import ALWAYS, Condition
from tracker.errors import ParseError
from tracker.records import Notice, Offer, Record

SOURCE = Source(
    id="novita",
    title="Novita models",
    kind="host",
    requests=(Request("https://api.novita.ai/openai/v1/models"),),
    every_hours=6,
    currency="USD",
    unit="0.0001 USD per million tokens",
    min_rows=20,
    terms="https://novita.ai/legal/terms-of-service",
    proof="excerpt",
    proof_url="https://github.com/KelpHect/pi-novita-ai/blob/b43ee6f2ab3d/src/fallback-models.ts",
    provider="novita",
    anchors=(
        anchor("openai/gpt-oss-120b", "input", "0.02", "0.5"),
        anchor("deepseek/deepseek-v3.1", "output", "0.3", "4"),
    ),
)


def parse(capture: Capture) -> Iterator[Record]:
    """Every model with a price."""
    found = False
    for locator, row in rows_at(json_body(capture), "data"):
        name = as_text(row.get("id"))
        if not name or "input_token_price_per_m" not in row:
            continue
        found = True
        currency = row.get("currency", "USD")
        if currency == "USD":
            yield from _model_records(Offer("novita", name), row, locator)
        else:
            yield Notice("unknown_word", f"novita/{name}: currency {str(currency)[:20]!r}", f"{locator}/currency")
    if not found:
        raise ParseError("novita: no row has an id and input_token_price_per_m")


def _model_records(offer: Offer, row: JsonObject, locator: str) -> Iterator[Record]:
    tiers = [as_object(tier) for tier in as_list(row.get("tiered_billing_configs"))]
    if tiers:
        yield from _tiers(offer, tiers, f"{locator}/tiered_billing_configs")
    else:
        for key, component in COSTS.items():
            yield from quoted(offer, component, row.get(key), MONEY, f"{locator}/{key}")
        yield from _priced(offer, as_object(row.get("pricing")), f"{locator}/pricing", TOLD_IN_ROW)
    yield from declared_tokens(offer, "context_tokens", row.get("context_size"), f"{locator}/context_size")
    yield from declared_tokens(offer, "max_output_tokens", row.get("max_output_tokens"), f"{locator}/max_output_tokens")


def _tiers(offer: Offer, tiers: list[JsonObject], locator: str) -> Iterator[Record]:
    """Prices by prompt length; tiers that do not follow one another cost the row."""
    starts = [as_count(tier.get("min_tokens")) or 0 for tier in tiers]
    ends = [as_count(tier.get("max_tokens")) or 0 for tier in tiers]
    rising = all(start < end for start, end in zip(starts, ends, strict=True))
    if not rising or starts[0] > 1 or starts[1:] != ends[:-1]:
        spans = ", ".join(f"{start}-{end}" for start, end in zip(starts, ends, strict=True))
        yield Notice("unknown_word", f"{offer}: tiers {spans[:120]} do not follow one another", locator)
        return
    for index, tier in enumerate(tiers):
        condition = Condition(min_prompt_tokens=starts[index] if index else 0)
        yield from _priced(offer, as_object(tier.get("pricing")), f"{locator}/{index}/pricing", condition=condition)


def _priced(
    offer: Offer, pricing: JsonObject, locator: str, told: frozenset[str] = frozenset(), condition: Condition = ALWAYS
) -> Iterator[Record]:
    """The prices of one `pricing` object, without those `told` already."""
    for key, value in pricing.items():
        if key in told:
            continue
        if key not in PRICING:
            yield Notice("unknown_word", f"{offer}: price {key[:60]!r} is not read", f"{locator}/{key}")
            continue
        figure, place = as_object(value).get("price_per_m"), f"{locator}/{key}/price_per_m"
        yield from quoted(offer, PRICING[key], figure, MONEY, place, condition=condition)


MONEY = Money("USD", Decimal("0.0001"))
COSTS = {"input_token_price_per_m": "input", "output_token_price_per_m": "output"}
TOLD_IN_ROW = frozenset(("prompt", "completion"))
PRICING = {
    "prompt": "input",
    "completion": "output",
    "input_cache_read": "cache_read",
    "input_cache_write": "cache_write",
}
