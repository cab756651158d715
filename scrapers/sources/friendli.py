"""Friendli's serverless models: some are billed per million tokens, some per second of compute.

`unit_type` says which: TOKEN figures are USD per million tokens, SECOND figures are USD per second of response time.
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
    id="friendli",
    title="Friendli serverless models",
    kind="host",
    requests=(Request("https://api.friendli.ai/serverless/v1/models"),),
    every_hours=6,
    currency="USD",
    unit="USD per million tokens, or USD per second where unit_type is SECOND",
    min_rows=2,
    terms="https://friendli.ai/terms-of-service",
    proof="documented",
    proof_url="https://friendli.ai/docs/guides/serverless_endpoints/pricing",
    provider="friendli",
    anchors=(
        anchor("meta-llama-3.3-70b-instruct", "input", "0.2", "2"),
        anchor("deepseek-ai/DeepSeek-V3.2", "output", "0.5", "5"),
    ),
)


def parse(capture: Capture) -> Iterator[Record]:
    """Every model with a price."""
    found = False
    for locator, row in rows_at(json_body(capture), "data"):
        name, pricing = as_text(row.get("id")), as_object(row.get("pricing"))
        if name and pricing:
            found = True
            yield from _model_records(Offer("friendli", name), row, pricing, locator)
    if not found:
        raise ParseError("friendli: no row has an id and pricing")


def _model_records(offer: Offer, row: JsonObject, pricing: JsonObject, locator: str) -> Iterator[Record]:
    unit = as_text(pricing.get("unit_type"))
    place = f"{locator}/pricing"
    if unit == "TOKEN":
        for key, component in COSTS.items():
            yield from quoted(offer, component, pricing.get(key), PER_TOKEN_MILLION, f"{place}/{key}")
    elif unit == "SECOND":
        yield from quoted(offer, "output", pricing.get("response_time"), PER_SECOND, f"{place}/response_time")
    else:
        yield Notice("unknown_word", f"{offer}: unit_type {unit[:40]!r}", f"{place}/unit_type")
    yield from declared_tokens(offer, "context_tokens", row.get("context_length"), f"{locator}/context_length")
    limit = row.get("max_completion_tokens")
    yield from declared_tokens(offer, "max_output_tokens", limit, f"{locator}/max_completion_tokens")


PER_TOKEN_MILLION = Money("USD", PER_MTOK, digits=6)
PER_SECOND = Money("USD", Decimal(1), "second")
COSTS = {"input": "input", "output": "output", "input_cache_read": "cache_read"}
