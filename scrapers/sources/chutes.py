"""Chutes: model list with prices per million tokens, precision, and trusted-execution variants (`-TEE`)."""

from collections.abc import Iterator

from scrapers.json_text import JsonObject, as_object, as_text, json_body, rows_at
from scrapers.openrouter_format import precision_records
from scrapers.quoting import Money, declared, declared_tokens, quoted
from scrapers.source import Capture, Request, Source, anchor
from tracker.errors import ParseError
from tracker.records import Offer, Record
from tracker.units import PER_MTOK

SOURCE = Source(
    id="chutes",
    title="Chutes models",
    kind="host",
    requests=(Request("https://llm.chutes.ai/v1/models"),),
    every_hours=6,
    currency="USD",
    unit="USD per million tokens",
    min_rows=5,
    terms="https://chutes.ai/terms",
    proof="recorded",
    proof_url="https://github.com/Veightor/chutes-agent-toolkit/blob/2b13c6156996/data/chutes-models.json",
    provider="chutes",
    anchors=(
        anchor("Qwen/Qwen3-32B-TEE", "input", "0.02", "0.6"),
        anchor("deepseek-ai/DeepSeek-V3.2-TEE", "output", "0.2", "5"),
    ),
)


def parse(capture: Capture) -> Iterator[Record]:
    """Every model with a price."""
    found = False
    for locator, row in rows_at(json_body(capture), "data"):
        name, pricing = as_text(row.get("id")), as_object(row.get("pricing"))
        if name and pricing:
            found = True
            yield from _model_records(Offer("chutes", name), row, pricing, locator)
    if not found:
        raise ParseError("chutes: no row has an id and pricing")


def _model_records(offer: Offer, row: JsonObject, pricing: JsonObject, locator: str) -> Iterator[Record]:
    for key, component in COSTS.items():
        yield from quoted(offer, component, pricing.get(key), MONEY, f"{locator}/pricing/{key}")
    yield from precision_records(offer, row.get("quantization"), f"{locator}/quantization")
    window = row.get("context_length") or row.get("max_model_len")
    yield from declared_tokens(offer, "context_tokens", window, f"{locator}/context_length")
    yield from declared_tokens(offer, "max_output_tokens", row.get("max_output_length"), f"{locator}/max_output_length")
    yield from declared(offer, "hugging_face_id", row.get("root"), f"{locator}/root")


MONEY = Money("USD", PER_MTOK, digits=6)
COSTS = {"prompt": "input", "completion": "output", "input_cache_read": "cache_read"}
