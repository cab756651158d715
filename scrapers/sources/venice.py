"""Venice: model list with prices in USD per million tokens, each figure beside one in the house currency."""

from collections.abc import Iterator

from scrapers.json_text import JsonObject, as_count, as_object, as_text, json_body, rows_at
from scrapers.openrouter_format import precision_records
from scrapers.quoting import Money, declared, declared_tokens, quoted
from scrapers.source import Capture, Request, Source, anchor
from tracker.conditions import ALWAYS, Condition
from tracker.errors import ParseError
from tracker.records import Notice, Offer, Record
from tracker.units import PER_MTOK

SOURCE = Source(
    id="venice",
    title="Venice text models",
    kind="host",
    requests=(Request("https://api.venice.ai/api/v1/models?type=text"),),
    every_hours=6,
    currency="USD",
    unit="USD per million tokens",
    min_rows=5,
    terms="https://venice.ai/legal/tos",
    proof="recorded",
    proof_url="https://github.com/keikeikeikeikeikeikeikei/venice-pricing/blob/28868cd053fc/data/venice_models_text.json",
    provider="venice",
    anchors=(
        anchor("llama-3.3-70b", "input", "0.2", "2"),
        anchor("venice-uncensored", "output", "0.3", "3"),
    ),
)


def parse(capture: Capture) -> Iterator[Record]:
    """Every text model with a price."""
    found = False
    body = json_body(capture)
    for locator, row in rows_at(body) if isinstance(body, list) else rows_at(body, "data"):
        name, spec = as_text(row.get("id")), as_object(row.get("model_spec"))
        pricing = as_object(spec.get("pricing"))
        if not (name and pricing):
            continue
        found = True
        offer, place = Offer("venice", name), f"{locator}/model_spec"
        yield from _quotes(offer, pricing, f"{place}/pricing", ALWAYS)
        yield from _extended(offer, as_object(pricing.get("extended")), f"{place}/pricing/extended")
        window = spec.get("availableContextTokens")
        yield from declared_tokens(offer, "context_tokens", window, f"{place}/availableContextTokens")
        precision = as_text(as_object(spec.get("capabilities")).get("quantization"))
        if precision != "not-available":
            yield from precision_records(offer, precision, f"{place}/capabilities/quantization")
        yield from declared(offer, "hugging_face_id", _repository(spec), f"{place}/modelSource")
    if not found:
        raise ParseError("venice: no row has an id and model_spec.pricing")


def _quotes(offer: Offer, pricing: JsonObject, locator: str, condition: Condition) -> Iterator[Record]:
    for key, component in COSTS.items():
        usd = as_object(pricing.get(key)).get("usd")
        yield from quoted(offer, component, usd, MONEY, f"{locator}/{key}/usd", condition=condition)
    for key in pricing:
        if key not in COSTS and key not in STRUCTURE:
            yield Notice("unknown_word", f"{offer}: price {key[:60]!r} is not read", f"{locator}/{key}")


def _extended(offer: Offer, extended: JsonObject, locator: str) -> Iterator[Record]:
    """Prices above a prompt length."""
    threshold = as_count(extended.get("context_token_threshold"))
    if threshold:
        yield from _quotes(offer, extended, locator, Condition(min_prompt_tokens=threshold))


def _repository(spec: JsonObject) -> str:
    """`https://huggingface.co/org/model` -> `org/model`; closed models link to their makers' pages."""
    source, start = as_text(spec.get("modelSource")), "https://huggingface.co/"
    return source.removeprefix(start).strip("/") if source.startswith(start) else ""


MONEY = Money("USD", PER_MTOK, digits=6)
COSTS = {"input": "input", "output": "output", "cache_input": "cache_read", "cache_write": "cache_write"}
STRUCTURE = frozenset(("extended", "context_token_threshold"))
