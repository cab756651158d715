"""Novita's model list: prices as whole numbers, one unit is 0.0001 USD per million tokens (3900 -> 0.39).

Input and output stand in the row itself, cached tokens in its `pricing` (`{input_cache_read: {price_per_m: 300}}`).
"""

from collections.abc import Iterator
from decimal import Decimal

from scrapers.json_text import JsonObject, as_list, as_object, as_text, json_body, rows_at
from scrapers.quoting import Money, declared_tokens, quoted
from scrapers.source import Capture, Request, Source, anchor
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
    proof="documented",
    proof_url="https://novita.ai/docs/api-reference/model-apis-llm-list-models",
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
    for key, component in COSTS.items():
        yield from quoted(offer, component, row.get(key), MONEY, f"{locator}/{key}")
    for key, value in as_object(row.get("pricing")).items():
        place = f"{locator}/pricing/{key}"
        if key in CACHE_COSTS:
            figure = as_object(value).get("price_per_m")
            yield from quoted(offer, CACHE_COSTS[key], figure, MONEY, f"{place}/price_per_m")
        elif key not in ("prompt", "completion"):  # the two figures of the row again
            yield Notice("unknown_word", f"{offer}: price {key[:60]!r} is not read", place)
    for index, tier in enumerate(as_list(row.get("tiered_billing_configs"))):
        if as_object(tier):
            place = f"{locator}/tiered_billing_configs/{index}"
            yield Notice("unknown_word", f"{offer}: tiered billing is not read", place)
    yield from declared_tokens(offer, "context_tokens", row.get("context_size"), f"{locator}/context_size")
    yield from declared_tokens(offer, "max_output_tokens", row.get("max_output_tokens"), f"{locator}/max_output_tokens")


MONEY = Money("USD", Decimal("0.0001"))
CACHE_COSTS = {"input_cache_read": "cache_read", "input_cache_write": "cache_write"}
COSTS = {"input_token_price_per_m": "input", "output_token_price_per_m": "output"}
