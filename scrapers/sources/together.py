"""Together's model list (needs a key): USD per million tokens, zero where a type of price does not apply.

A hundred models that run on rented endpoints only show zeros throughout, as the few free ones do: both are zeros that
nobody proved. Images, video and speech are priced in objects of their own (`{price_per_minute: 0.0015}`), not read.
"""

from collections.abc import Iterator
from decimal import Decimal

from scrapers.json_text import JsonObject, as_object, as_text, json_body, rows_at
from scrapers.quoting import Money, declared_tokens, quoted
from scrapers.source import Capture, Request, Source, anchor
from tracker.errors import ParseError
from tracker.records import Notice, Offer, Record
from tracker.units import PER_MTOK

SOURCE = Source(
    id="together",
    title="Together models",
    kind="host",
    requests=(Request("https://api.together.xyz/v1/models"),),
    every_hours=6,
    currency="USD",
    unit="USD per million tokens",
    min_rows=20,
    terms="https://www.together.ai/terms-of-service",
    proof="recorded",
    proof_url="https://github.com/maruel/genai/blob/66b63e62283f/providers/togetherai/testdata/TestClient/Warmup.yaml",
    provider="together",
    anchors=(
        anchor("openai/gpt-oss-120b", "input", "0.05", "0.5"),
        anchor("meta-llama/Llama-3.3-70B-Instruct-Turbo", "input", "0.3", "2"),
    ),
    key_env="TOGETHER_API_KEY",
    key_required=True,
)


def parse(capture: Capture) -> Iterator[Record]:
    """Every model with a token price; dedicated and image models have none here."""
    found = False
    for locator, row in rows_at(json_body(capture)):
        name, pricing = as_text(row.get("id")), as_object(row.get("pricing"))
        if name and pricing:
            found = True
            yield from _model_records(name, row, pricing, locator)
    if not found:
        raise ParseError("together: no row has an id and pricing")


def _model_records(name: str, row: JsonObject, pricing: JsonObject, locator: str) -> Iterator[Record]:
    kind = as_text(row.get("type"))
    if kind not in TOKEN_TYPES:
        yield Notice("skipped", f"together/{name}: type {kind[:30]!r} is not billed per token", f"{locator}/type")
        return
    free = name.endswith("-Free")  # their own word for it, e.g. Llama-3.3-70B-Instruct-Turbo-Free
    offer = Offer("together", name, "free" if free else "standard")
    for key, component in COSTS.items():
        figure = pricing.get(key)
        if component != "cache_read" or figure != "0":  # no price for cached tokens, not a free one
            yield from quoted(offer, component, figure, MONEY, f"{locator}/pricing/{key}", free=free)
    hourly = pricing.get("hourly")
    if isinstance(hourly, str) and hourly.strip("0."):
        yield from quoted(offer, "output", hourly, PER_HOUR, f"{locator}/pricing/hourly")
    yield from declared_tokens(offer, "context_tokens", row.get("context_length"), f"{locator}/context_length")


MONEY = Money("USD", PER_MTOK, digits=6)
PER_HOUR = Money("USD", Decimal(1), "hour")
COSTS = {"input": "input", "output": "output", "cached_input": "cache_read"}
TOKEN_TYPES = frozenset(("chat", "language", "code", "embedding", "moderation", "rerank"))
