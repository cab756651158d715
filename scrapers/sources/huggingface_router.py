"""Hugging Face's router: each model with the hosts that serve it, their price and their measured speed.

USD per million tokens. A host may come without a price; `is_free` is the only proof of a free one. Throughput is in
tokens per second, first-token latency in milliseconds, both measured by Hugging Face.
"""

from collections.abc import Iterator

from scrapers.json_text import JsonObject, as_list, as_number, as_object, as_text, json_body, rows_at
from scrapers.providers import provider_of, unknown_provider
from scrapers.quoting import Money, declared, declared_tokens, quoted
from scrapers.source import Capture, Request, Source, anchor
from tracker.errors import ParseError
from tracker.records import Metric, Offer, Record
from tracker.units import PER_MTOK

SOURCE = Source(
    id="huggingface_router",
    title="Hugging Face inference router",
    kind="market",
    requests=(Request("https://router.huggingface.co/v1/models"),),
    every_hours=6,
    currency="USD",
    unit="USD per million tokens",
    min_rows=50,
    terms="https://huggingface.co/terms-of-service",
    proof="excerpt",
    proof_url="https://huggingface.co/docs/inference-providers/hub-api",
    anchors=(
        anchor("openai/gpt-oss-120b", "input", "0.02", "1"),
        anchor("deepseek-ai/DeepSeek-V3.1", "output", "0.3", "6"),
    ),
    copies=("*",),
    notice="the router passes the hosts' prices on; the speeds are its own measurement",
)


def parse(capture: Capture) -> Iterator[Record]:
    """Every host of every model."""
    found = False
    for locator, row in rows_at(json_body(capture), "data"):
        name = as_text(row.get("id"))
        for index, host in enumerate(as_list(row.get("providers"))):
            if name and isinstance(host, dict):
                found = True
                yield from _host_records(name, host, f"{locator}/providers/{index}")
    if not found:
        raise ParseError("huggingface_router: no model names its providers")


def _host_records(name: str, host: JsonObject, locator: str) -> Iterator[Record]:
    word = as_text(host.get("provider"))
    provider = provider_of(word)
    if provider is None:
        yield from unknown_provider(word, f"{locator}/provider")
        return
    free = host.get("is_free") is True
    offer = Offer(provider.id, name, "free" if free else "standard", provider.region, ROUTER)
    pricing = as_object(host.get("pricing"))
    for component in ("input", "output"):
        place = f"{locator}/pricing/{component}"
        yield from quoted(offer, component, pricing.get(component), MONEY, place, free=free)
    yield from declared_tokens(offer, "context_tokens", host.get("context_length"), f"{locator}/context_length")
    yield from declared(offer, "status", host.get("status"), f"{locator}/status")
    for key, metric in METRICS.items():
        value = as_number(host.get(key))
        if value:
            yield Metric(offer, metric, "last", "", value, locator=f"{locator}/{key}")


ROUTER = "huggingface"  # bought through the router: billed apart from the host's own offer
MONEY = Money("USD", PER_MTOK, digits=6)
METRICS = {"throughput": "throughput_tok_s", "first_token_latency_ms": "ttft_ms"}
