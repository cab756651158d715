"""xAI's language models (needs a key): whole numbers, one unit is 0.0001 USD per million tokens."""

from collections.abc import Iterator
from decimal import Decimal

from scrapers.json_text import JsonObject, as_text, json_body, rows_at
from scrapers.quoting import Money, declared_tokens, quoted
from scrapers.source import Capture, Request, Source, anchor
from tracker.errors import ParseError
from tracker.records import Notice, Offer, Record

SOURCE = Source(
    id="xai",
    title="xAI language models",
    kind="seller",
    requests=(Request("https://api.x.ai/v1/language-models"),),
    every_hours=12,
    currency="USD",
    unit="0.0001 USD per million tokens",
    min_rows=2,
    terms="https://x.ai/legal/terms-of-service-enterprise",
    proof="excerpt",
    proof_url="https://github.com/Boltjar/Boltjar/blob/06599fbab87c/tests/test_model_discovery.py",
    provider="xai",
    anchors=(
        anchor("grok-4", "input", "1", "6"),
        anchor("grok-4.20-0309-non-reasoning", "input", "0.5", "6"),
    ),
    key_env="XAI_API_KEY",
    key_required=True,
    notice="the list shows only what the key may use",
)


def parse(capture: Capture) -> Iterator[Record]:
    """Every language model with a price."""
    found = False
    for locator, row in rows_at(json_body(capture), "models"):
        name = as_text(row.get("id"))
        if name and "prompt_text_token_price" in row:
            found = True
            yield from _model_records(Offer("xai", name), row, locator)
    if not found:
        raise ParseError("xai: no row has an id and prompt_text_token_price")


def _model_records(offer: Offer, row: JsonObject, locator: str) -> Iterator[Record]:
    for key, value in row.items():
        if key in COSTS:
            yield from quoted(offer, COSTS[key], value, MONEY, f"{locator}/{key}")
        elif "_price" in key and key not in OTHER:
            yield Notice("unknown_word", f"{offer}: price {key[:60]!r} is not read", f"{locator}/{key}")
    yield from declared_tokens(offer, "max_prompt_tokens", row.get("max_prompt_length"), f"{locator}/max_prompt_length")


MONEY = Money("USD", Decimal("0.0001"))
COSTS = {
    "prompt_text_token_price": "input",
    "cached_prompt_text_token_price": "cache_read",
    "completion_text_token_price": "output",
    "prompt_image_token_price": "image_in",
}
OTHER = frozenset(("search_price",))
