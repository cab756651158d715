"""The model list hosts publish for OpenRouter: one format, many hosts.

`{data: [{id, pricing{prompt, completion, ...}, quantization, context_length, max_output_length, ...}]}` with USD per
token as strings (https://openrouter.ai/docs/use-cases/for-providers). Hosts spell cache prices with and without an s.
"""

from collections.abc import Iterator

from scrapers.json_text import JsonObject, as_object, as_text, json_body, rows_at
from scrapers.openrouter_pricing import pricing_records
from scrapers.providers import offer_named
from scrapers.quoting import declared, declared_tokens
from scrapers.source import Capture
from tracker.errors import ParseError
from tracker.records import Declaration, Notice, Offer, Record

PRECISIONS = frozenset(["int4", "int8", "fp4", "mxfp4", "nvfp4", "fp6", "fp8", "fp16", "bf16", "fp32"])


def host_records(capture: Capture, provider: str, *path: str) -> Iterator[Record]:
    """Every model of one host's list (`path` leads to it, `data` unless said)."""
    priced = False
    for locator, row in rows_at(json_body(capture), *(path or ("data",))):
        name = as_text(row.get("id"))
        if not name:
            yield Notice("bad_row", f"{provider}: a model without an id", locator)
            continue
        pricing = as_object(row.get("pricing"))
        priced = priced or bool(pricing)
        yield from _model_records(offer_named(provider, name), row, pricing, locator)
    if not priced:
        raise ParseError(f"{capture.source_id}: no row has an id and pricing")


def _model_records(offer: Offer, row: JsonObject, pricing: JsonObject, locator: str) -> Iterator[Record]:
    yield from pricing_records(offer, pricing, f"{locator}/pricing")
    yield from precision_records(offer, row.get("quantization"), f"{locator}/quantization")
    for attribute, keys in TOKEN_COUNTS.items():
        key = next((key for key in keys if row.get(key) is not None), keys[0])
        yield from declared_tokens(offer, attribute, row.get(key), f"{locator}/{key}")
    yield from declared(offer, "hugging_face_id", row.get("hugging_face_id"), f"{locator}/hugging_face_id")
    yield from declared(offer, "deprecation_date", row.get("deprecation_date"), f"{locator}/deprecation_date")


def precision_records(offer: Offer, value: object, locator: str) -> Iterator[Declaration | Notice]:
    """A declared precision in our words; `unknown` and null declare nothing, any other word is loud."""
    word = as_text(value).lower()
    if word in PRECISIONS:
        yield Declaration(offer, "precision", word, locator)
    elif word and word not in ("unknown", "none"):
        yield Notice("unknown_word", f"{offer}: quantization {word[:40]!r}", locator)


TOKEN_COUNTS = {
    "context_tokens": ("context_length", "max_model_len"),
    "max_output_tokens": ("max_output_length", "max_completion_tokens", "max_output_tokens"),
}
