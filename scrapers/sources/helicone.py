"""Helicone's model registry: each model with the endpoints it can be routed to, USD per million tokens.

The schema wraps the answer in `data`, the documentation's own example does not: both are read.
"""

from collections.abc import Iterator

from scrapers.json_text import JsonObject, as_list, as_object, as_text, json_body, rows_at
from scrapers.providers import provider_of, unknown_provider
from scrapers.quoting import Money, declared_tokens, quoted
from scrapers.source import Capture, Request, Source, anchor
from tracker.errors import ParseError
from tracker.records import Notice, Offer, Record
from tracker.units import PER_MTOK

SOURCE = Source(
    id="helicone",
    title="Helicone model registry",
    kind="catalogue",
    requests=(Request("https://api.helicone.ai/v1/public/model-registry/models"),),
    every_hours=24,
    currency="USD",
    unit="USD per million tokens",
    min_rows=50,
    terms="https://www.helicone.ai/terms",
    proof="documented",
    proof_url="https://docs.helicone.ai/rest/models/get-model-registry",
    anchors=(
        anchor("gpt-4o", "input", "1", "6"),
        anchor("claude-3.5-haiku", "output", "3", "6"),
    ),
    copies=("*",),
)


def parse(capture: Capture) -> Iterator[Record]:
    """Every endpoint of every model."""
    found = False
    body = json_body(capture)
    for locator, row in rows_at(body, "data", "models") if "data" in as_object(body) else rows_at(body, "models"):
        name = as_text(row.get("id"))
        for index, endpoint in enumerate(as_list(row.get("endpoints"))):
            if name and isinstance(endpoint, dict):
                found = True
                yield from _endpoint_records(name, row, endpoint, f"{locator}/endpoints/{index}")
    if not found:
        raise ParseError("helicone: no model has endpoints")


def _endpoint_records(name: str, row: JsonObject, endpoint: JsonObject, locator: str) -> Iterator[Record]:
    word = as_text(endpoint.get("providerSlug")) or as_text(endpoint.get("provider"))
    provider = provider_of(word)
    if provider is None:
        yield from unknown_provider(word, locator)
        return
    offer, pricing = Offer(provider.id, name, region=provider.region), as_object(endpoint.get("pricing"))
    for key, value in pricing.items():
        if key in COSTS:
            yield from quoted(offer, COSTS[key], value, MONEY, f"{locator}/pricing/{key}")
        elif key not in OTHER and value not in (None, "0"):
            yield Notice("unknown_word", f"{offer}: price {key[:60]!r} is not read", f"{locator}/pricing/{key}")
    yield from declared_tokens(offer, "context_tokens", row.get("contextLength"), locator)
    yield from declared_tokens(offer, "max_output_tokens", row.get("maxOutput"), locator)


MONEY = Money("USD", PER_MTOK, digits=6)
COSTS = {
    "prompt": "input",
    "completion": "output",
    "cacheRead": "cache_read",
    "cacheWrite": "cache_write",
    "reasoning": "reasoning",
    "thinking": "reasoning",
}
OTHER = frozenset(("threshold",))
