"""Portkey's price directory: one file per provider, in US cents per token.

`{model: {pricing_config: {pay_as_you_go: {request_token: {price}, ...}, batch_config, currency}, custom_pricing}}`;
the key `default` is a template full of zeros. `custom_pricing.regions.*.execution_modes.*` repeats the prices per
region and service tier. Recordings also hold all providers in one object. Kept by hand: often behind the sellers.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from scrapers.json_text import JsonObject, as_object, json_body, pointer
from scrapers.pieces import Part, Pieces, records_of_parts
from scrapers.providers import offer_named, provider_of, unknown_provider
from scrapers.quoting import Money, quoted
from scrapers.source import Capture, Request, Source, anchor
from tracker.errors import ParseError
from tracker.records import Notice, Offer, Record
from tracker.units import CENTS_PER_TOKEN

DIRECTORY = """ai21 anthropic azure-ai azure-openai bedrock bedrock-mantle byteplus cerebras claude-platform-aws cohere
dashscope deepinfra deepseek fireworks-ai google groq jina lightning-ai minimax mistral-ai moonshot nebius novita-ai
openai openrouter perplexity-ai reka-ai together-ai vertex-ai workers-ai x-ai z-ai zhipu"""
ADDRESS = "https://configs.portkey.ai/pricing/{}.json"

SOURCE = Source(
    id="portkey",
    title="Portkey price directory",
    kind="catalogue",
    requests=tuple(Request(ADDRESS.format(word), label=word) for word in DIRECTORY.split()),
    every_hours=24,
    currency="USD",
    unit="US cents per token",
    min_rows=30,
    terms="MIT licence, cite Portkey-AI/models",
    proof="recorded",
    proof_url="https://github.com/Portkey-AI/models",
    anchors=(
        anchor("gpt-4o", "input", "1", "6"),
        anchor("claude-3-5-sonnet-20241022", "output", "10", "20"),
    ),
    copies=("*",),
)


def parse(capture: Capture) -> Iterator[Record]:
    """One provider's file (its name is the label), or all of them in one object."""
    body = json_body(capture)
    files = {capture.label: body} if capture.label else body
    parts = [_file(word, models, "" if capture.label else pointer(word)) for word, models in as_object(files).items()]
    yield from records_of_parts(*_gather(parts))


def _read(_root: str, word: str, _index: int, models: Any) -> Part:
    return _file(word, models, pointer(word))


def _file(word: str, models: Any, locator: str) -> Part:
    if not any(isinstance(as_object(row).get("pricing_config"), dict) for row in as_object(models).values()):
        return Part(word)
    unread: Counter[str] = Counter()
    return Part(word, tuple(_file_records(word, models, locator, unread)), unread, found=True)


def _gather(parts: Sequence[Part]) -> tuple[Sequence[Part], Sequence[Notice]]:
    if not any(part.found for part in parts):
        raise ParseError("portkey: no model has a pricing_config")
    unread: Counter[str] = sum((part.unread for part in parts if part.unread), Counter())
    return parts, [
        Notice("unknown_word", f"price {key[:60]!r} on {count} models is not read")
        for key, count in sorted(unread.items())
    ]


def _file_records(word: str, models: JsonObject, locator: str, unread: Counter[str]) -> Iterator[Record]:
    provider = provider_of(word)
    if provider is None:
        yield from unknown_provider(word, locator or "/")
        return
    for name, row in models.items():
        if name == "default" or not name.strip():
            continue
        config, place = as_object(as_object(row).get("pricing_config")), locator + pointer(name)
        if config.get("currency", "USD") != "USD":
            yield Notice("unknown_word", f"{provider.id}/{name}: currency {str(config['currency'])[:20]!r}", place)
            continue
        offer = offer_named(provider.id, name.strip(), provider.region, DOORS.get(word, ""))
        yield from _config_records(offer, config, f"{place}/pricing_config", unread)
        regions = as_object(as_object(as_object(row).get("custom_pricing")).get("regions"))
        yield from _region_records(offer, regions, f"{place}/custom_pricing/regions", unread)


def _config_records(offer: Offer, config: JsonObject, locator: str, unread: Counter[str]) -> Iterator[Record]:
    prices = as_object(config.get("pay_as_you_go"))
    yield from _quotes(offer, prices, f"{locator}/pay_as_you_go", unread)
    extras = {key: row for key, row in as_object(prices.get("additional_units")).items() if key not in prices}
    yield from _quotes(offer, extras, f"{locator}/pay_as_you_go/additional_units", unread)
    batch = as_object(config.get("batch_config"))
    yield from _quotes(replace(offer, tier="batch"), batch, f"{locator}/batch_config", unread)


def _region_records(offer: Offer, regions: JsonObject, locator: str, unread: Counter[str]) -> Iterator[Record]:
    """Regions and tiers that the plain configuration does not already state."""
    for region, row in regions.items():
        for mode, settings in as_object(as_object(row).get("execution_modes")).items():
            place = locator + pointer(region, "execution_modes", mode)
            if region == "default" and mode in ("standard", "batch"):
                continue
            if mode not in TIERS:
                yield Notice("unknown_word", f"{offer}: execution mode {mode[:40]!r}", place)
                continue
            there = replace(offer, tier=TIERS[mode], region=offer.region if region == "default" else region)
            config = as_object(as_object(settings).get("pricing_config"))
            prices = as_object(config.get("pay_as_you_go"))
            yield from _quotes(there, prices, f"{place}/pricing_config/pay_as_you_go", unread)


def _quotes(offer: Offer, prices: JsonObject, locator: str, unread: Counter[str]) -> Iterator[Record]:
    for key, row in prices.items():
        if key in STRUCTURE or not isinstance(row, dict) or "price" not in row:
            continue
        if key not in COSTS:
            unread[key] += 1
            continue
        component, money = COSTS[key]
        price = row.get("price")
        if component in ("input", "output") or str(price).strip("0.") != "":  # other zeros are the template's
            yield from quoted(offer, component, price, money, f"{locator}/{key}/price")


_TOKEN = Money("USD", CENTS_PER_TOKEN, digits=6, dynamic=Decimal(-100))  # -1 USD, a router's "depends", in cents
_REQUEST = Money("USD", Decimal("0.01"), "request", digits=6)
COSTS = {
    "request_token": ("input", _TOKEN),
    "response_token": ("output", _TOKEN),
    "cache_read_input_token": ("cache_read", _TOKEN),
    "cache_write_input_token": ("cache_write", _TOKEN),
    "cache_write_1h": ("cache_write_1h", _TOKEN),
    "reasoning_token": ("reasoning", _TOKEN),
    "request_audio_token": ("audio_in", _TOKEN),
    "response_audio_token": ("audio_out", _TOKEN),
    "cache_read_audio_input_token": ("audio_cache_read", _TOKEN),
    "request_image_token": ("image_in", _TOKEN),
    "response_image_token": ("image_out", _TOKEN),
    "web_search": ("search", _REQUEST),
}
STRUCTURE = frozenset(("additional_units", "image"))
DOORS = {"azure-openai": "azure-openai", "bedrock-mantle": "mantle"}  # a second file about one provider
TIERS = {"standard": "standard", "batch": "batch", "priority": "priority", "flex": "flex", "fast": "fast"}
PIECES = Pieces((((), "{"),), _read, _gather)  # all files in one object; one file, under its label, is read whole
