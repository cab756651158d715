"""OpenRouter's endpoints of each model: which hosts serve it, at what price, precision and speed.

USD per token as decimal strings, already multiplied by (1 - `discount`): the list price is put beside it. An endpoint's
`tag` is host, tier, region and precision in one (`google-vertex/global/priority`, `deepinfra/fp8`). Precision is a
declaration with a date, and part of the offer only while one host serves two precisions of a model side by side.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from scrapers.json_text import JsonObject, as_list, as_number, as_object, as_text, json_body, rows_at
from scrapers.openrouter_pricing import pricing_records
from scrapers.providers import provider_of, unknown_provider
from scrapers.quoting import declared, declared_tokens
from scrapers.source import Capture, Request, Source, anchor
from tracker.errors import ParseError
from tracker.records import Declaration, Metric, Notice, Offer, Record

SOURCE = Source(
    id="openrouter_endpoints",
    title="OpenRouter endpoints per model",
    kind="market",
    requests=(Request("https://openrouter.ai/api/v1/models", label="models"),),
    every_hours=24,
    currency="USD",
    unit="USD per token, decimal strings, after discount",
    min_rows=100,
    terms="https://openrouter.ai/terms",
    proof="recorded",
    proof_url="https://github.com/Mert1026/Fener/blob/0977dfeeed57/tests/fixtures/openrouter_endpoints.json",
    anchors=(
        anchor("openai/gpt-4o", "input", "1", "6"),
        anchor("anthropic/claude-3-haiku", "output", "1", "1.5"),
    ),
    key_env="OPENROUTER_API_KEY",
    notice="one request per model; throughput and latency are null without a key",
)


def more(capture: Capture) -> Iterator[Request]:
    """From the model list to the endpoints of each model, aliases and doubles left out."""
    if capture.label != "models":
        return
    seen: set[str] = set()
    for _, row in rows_at(json_body(capture), "data"):
        path = (
            as_text(as_object(row.get("links")).get("details")) or f"/api/v1/models/{as_text(row.get('id'))}/endpoints"
        )
        if _PATH.fullmatch(path) and path not in seen:
            seen.add(path)
            yield Request(f"https://openrouter.ai{path}", label="endpoints")


def parse(capture: Capture) -> Iterator[Record]:
    """The hosts of one model; the model list only leads to them."""
    body = json_body(capture)
    if capture.label == "models":
        if not any(as_text(row.get("id")) for _, row in rows_at(body, "data")):
            raise ParseError("openrouter_endpoints: no model in the list")
        return
    model = as_text(as_object(as_object(body).get("data")).get("id"))
    if not model:
        raise ParseError("openrouter_endpoints: the body names no model")
    found = as_list(body["data"].get("endpoints"))
    places = [_place(model, as_object(row), f"/data/endpoints/{index}") for index, row in enumerate(found)]
    for place in _told_apart(places):
        yield from _endpoint_records(place)


@dataclass(frozen=True, slots=True)
class _Place:
    """One endpoint: what is billed, what was not understood of its tag, and its row."""

    offer: Offer | None
    host: str
    unknown: tuple[str, ...]
    precision: str
    row: JsonObject
    locator: str


def _place(model: str, row: JsonObject, locator: str) -> _Place:
    steps = as_text(row.get("tag") if "tag" in row else row.get("provider_name")).split("/")
    provider = provider_of(steps[0], PROVIDERS)
    if provider is None:
        return _Place(None, steps[0] or "an endpoint without a tag", (), "", row, locator)
    bare, _, suffix = model.partition(":")
    tier, region, variant, precision, unknown = TIERS.get(suffix, "standard"), provider.region, [ROUTER], "", []
    for step in steps[1:]:
        if step in TIERS:
            tier = TIERS[step]
        elif step in PRECISIONS:
            precision = step
        elif _REGION.fullmatch(step):
            region = step
        else:
            variant.append(step)
            unknown += [step] if step not in VARIANTS else []
    said = as_text(row.get("quantization")).lower()
    precision = said if said and said != "unknown" else precision
    offer = Offer(provider.id, bare if suffix in TIERS else model, tier, region, "/".join(variant))
    return _Place(offer, steps[0], tuple(unknown), precision, row, locator)


def _told_apart(places: list[_Place]) -> Iterator[_Place]:
    """Where one host serves a model twice, its precision tells the offers apart."""
    counts = Counter(place.offer for place in places)
    for place in places:
        if place.offer and counts[place.offer] > 1 and place.precision:
            yield replace(place, offer=replace(place.offer, variant=f"{place.offer.variant}/{place.precision}"))
        else:
            yield place


def _endpoint_records(place: _Place) -> Iterator[Record]:
    offer, row, locator = place.offer, place.row, place.locator
    if offer is None:
        yield from unknown_provider(place.host, locator)
        return
    for word in place.unknown:
        yield Notice("unknown_word", f"{offer}: tag part {word[:40]!r}", f"{locator}/tag")
    yield from pricing_records(offer, as_object(row.get("pricing")), f"{locator}/pricing")
    if place.precision in PRECISIONS:
        yield Declaration(offer, "precision", place.precision, f"{locator}/quantization")
    elif place.precision:
        yield Notice("unknown_word", f"{offer}: quantization {place.precision[:40]!r}", f"{locator}/quantization")
    for attribute, key in TOKEN_COUNTS.items():
        yield from declared_tokens(offer, attribute, row.get(key), f"{locator}/{key}")
    yield from declared(offer, "endpoint_status", row.get("status"), f"{locator}/status")
    yield from _metrics(offer, row, locator)


def _metrics(offer: Offer, row: JsonObject, locator: str) -> Iterator[Record]:
    for key, (name, least) in PERCENTILES.items():
        for statistic, raw in as_object(row.get(key)).items():
            value = as_number(raw)
            if value is None:
                continue
            if value < least:  # documented in ms, but seconds have been seen in examples
                yield Notice("bad_row", f"{offer}: {key} {statistic} of {value} is below {least}", f"{locator}/{key}")
            else:
                yield Metric(offer, name, statistic, "30m", value, locator=f"{locator}/{key}/{statistic}")
    for key, window in UPTIMES.items():
        value = as_number(row.get(key))
        if value is not None and value <= 100:
            yield Metric(offer, "uptime_pct", "mean", window, value, locator=f"{locator}/{key}")


ROUTER = "openrouter"  # bought through the router: billed apart from the host's own offer
_PATH = re.compile(r"/api/v1/models/[\w.-]+/[\w.:-]+/endpoints")
_REGION = re.compile(
    r"us|eu|global|europe|asia|[a-z]{2}-[a-z]+-?\d|(us|eu|europe|asia)-[a-z]+\d|[a-z]{2}-\d|swedencentral"
)
TIERS = {"free": "free", "batch": "batch", "flex": "flex", "priority": "priority", "fast": "fast", "highspeed": "fast"}
PRECISIONS = frozenset(["int4", "int8", "fp4", "mxfp4", "nvfp4", "fp6", "fp8", "fp16", "bf16", "fp32"])
VARIANTS = frozenset(("turbo", "base", "default", "beta", "zdr", "2", "claude-on-aws", "high-throughput", "ultrafast"))
TOKEN_COUNTS = {
    "context_tokens": "context_length",
    "max_output_tokens": "max_completion_tokens",
    "max_prompt_tokens": "max_prompt_tokens",
}
PERCENTILES = {"throughput_last_30m": ("throughput_tok_s", 0.0), "latency_last_30m": ("ttft_ms", 5.0)}
UPTIMES = {"uptime_last_5m": "5m", "uptime_last_30m": "30m", "uptime_last_1d": "1d"}
PROVIDERS = {"seed": "bytedance", "google-ai-studio": "google", "google-vertex": "vertex", "amazon-bedrock": "bedrock"}
