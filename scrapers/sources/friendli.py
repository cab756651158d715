"""Friendli's serverless models: USD per token; earlier answers say with `unit_type` what a figure is for.

Until early 2026 TOKEN figures were USD per million tokens and SECOND figures USD per second of response time. Since
then the word is gone and figures are USD per token, beside twins named `prompt` and `completion`.
"""

from collections.abc import Iterator
from decimal import Decimal

from scrapers.json_text import JsonObject, as_object, as_text, json_body, rows_at
from scrapers.quoting import Money, declared_tokens, quoted
from scrapers.source import Capture, Request, Source, anchor
from tracker.errors import ParseError
from tracker.records import Notice, Offer, Quote, Record
from tracker.units import PER_MTOK, PER_TOKEN

SOURCE = Source(
    id="friendli",
    title="Friendli serverless models",
    kind="host",
    requests=(Request("https://api.friendli.ai/serverless/v1/models"),),
    every_hours=6,
    currency="USD",
    unit="USD per token; with unit_type TOKEN per million tokens, with SECOND per second",
    min_rows=2,
    terms="https://friendli.ai/terms-of-service",
    proof="documented",
    proof_url="https://github.com/anomalyco/models.dev/blob/dev/packages/core/src/sync/providers/friendli.ts",
    provider="friendli",
    anchors=(
        anchor("deepseek-ai/DeepSeek-V3.2", "output", "0.5", "5"),
        anchor("zai-org/GLM-5.2", "input", "0.3", "5"),
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
    unit, place = pricing.get("unit_type"), f"{locator}/pricing"
    if unit is None or unit == "TOKEN":
        money = PER_MILLION if unit else EACH_TOKEN
        for key, component in COSTS.items():
            for found in quoted(offer, component, pricing.get(key), money, f"{place}/{key}"):
                yield found if not _absurd(found) else Notice("bad_row", f"{offer} {component}: no unit_type", place)
    elif unit == "SECOND":
        yield from quoted(offer, "output", pricing.get("response_time"), PER_SECOND, f"{place}/response_time")
    else:
        yield Notice("unknown_word", f"{offer}: unit_type {str(unit)[:40]!r}", f"{place}/unit_type")
    yield from declared_tokens(offer, "context_tokens", row.get("context_length"), f"{locator}/context_length")
    limit = row.get("max_completion_tokens")
    yield from declared_tokens(offer, "max_output_tokens", limit, f"{locator}/max_completion_tokens")


def _absurd(found: Quote | Notice) -> bool:
    """A price per million tokens that was taken for one per token, as the word that says so went missing."""
    return isinstance(found, Quote) and found.amount is not None and found.amount >= MOST


MOST = Decimal(10_000)
PER_MILLION, EACH_TOKEN = Money("USD", PER_MTOK, digits=6), Money("USD", PER_TOKEN, digits=6)
PER_SECOND = Money("USD", Decimal(1), "second")
COSTS = {"input": "input", "output": "output", "input_cache_read": "cache_read", "input_cache_write": "cache_write"}
