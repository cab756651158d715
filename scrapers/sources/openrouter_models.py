"""OpenRouter's model list: what the router itself asks for each model, before a host is chosen.

USD per token as decimal strings; -1 means "depends on the model routed to". The figure is after any promotion, and
the list does not say so: the list price beside it is only in `openrouter_endpoints`.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from scrapers.json_text import JsonObject, as_object, as_text, json_body, rows_at
from scrapers.openrouter_pricing import pricing_records
from scrapers.pieces import Part, Pieces, records_of_parts
from scrapers.providers import offer_named
from scrapers.quoting import declared, declared_tokens
from scrapers.source import Capture, Request, Source, anchor
from tracker.errors import ParseError
from tracker.records import Notice, Offer, Record

SOURCE = Source(
    id="openrouter_models",
    title="OpenRouter models",
    kind="market",
    requests=(Request("https://openrouter.ai/api/v1/models"),),
    every_hours=1,
    currency="USD",
    unit="USD per token, decimal strings",
    min_rows=50,
    terms="https://openrouter.ai/terms",
    proof="recorded",
    proof_url="https://github.com/skissue/gptel-openrouter-models",
    provider="openrouter",
    anchors=(
        anchor("openai/gpt-4o", "input", "1", "6"),
        anchor("anthropic/claude-3-haiku", "output", "1", "1.5"),
    ),
    key_env="OPENROUTER_API_KEY",
    notice="the headline may already be discounted: openrouter_endpoints has the list price beside it",
)


def parse(capture: Capture) -> Iterator[Record]:
    """Every model of the list."""
    root, rows = _rows(json_body(capture))
    places = [(int(locator.rpartition("/")[2]), row) for locator, row in rows]
    yield from records_of_parts(*_gather([_read(root, "", index, row) for index, row in places]))


def _rows(body: Any) -> tuple[str, Iterator[tuple[str, JsonObject]]]:
    """`{data: [...]}`; recordings also hold the bare list, or the response under `body`."""
    if isinstance(body, list):
        return "", rows_at(body)
    if isinstance(as_object(body).get("body"), dict):
        return "/body/data", rows_at(body, "body", "data")
    return "/data", rows_at(body, "data")


def _read(root: str, _key: str, index: int, row: Any) -> Part:
    if not isinstance(row, dict):
        return Part("")
    locator, name = f"{root}/{index}", as_text(row.get("id"))
    if not name or "pricing" not in row:
        return Part("", (Notice("bad_row", f"a model without {'pricing' if name else 'id'}: {name[:60]!r}", locator),))
    if name.startswith("~"):
        return Part("", (Notice("skipped", f"{name} is a pointer to another model", locator),), found=True)
    return Part("", tuple(_model_records(name, row, locator)), found=True)


def _gather(parts: Sequence[Part]) -> tuple[Sequence[Part], Sequence[Notice]]:
    if not any(part.found for part in parts):
        raise ParseError("openrouter_models: no row has an id and pricing")
    return parts, ()


def _model_records(name: str, row: JsonObject, locator: str) -> Iterator[Record]:
    offer, unknown = offer_of(name)
    if unknown:
        yield Notice("unknown_word", f"{name}: suffix {unknown[:40]!r}", locator)
    yield from pricing_records(offer, as_object(row.get("pricing")), f"{locator}/pricing")
    top = as_object(row.get("top_provider"))
    window, most = row.get("context_length"), top.get("max_completion_tokens")
    yield from declared_tokens(offer, "context_tokens", window, f"{locator}/context_length")
    yield from declared_tokens(offer, "max_output_tokens", most, f"{locator}/top_provider/max_completion_tokens")
    for attribute, key in DECLARED.items():
        yield from declared(offer, attribute, row.get(key), f"{locator}/{key}")


def offer_of(name: str) -> tuple[Offer, str]:
    """`author/slug:suffix` -> the offer, and the suffix where it is unknown (it stays in the listed name)."""
    offer = offer_named("openrouter", name)
    return offer, offer.listed_name.partition(":")[2]


DECLARED = {
    "hugging_face_id": "hugging_face_id",
    "canonical_slug": "canonical_slug",
    "deprecation_date": "expiration_date",
}
PIECES = Pieces(((("body", "data"), "["), (("data",), "["), ((), "[")), _read, _gather)
