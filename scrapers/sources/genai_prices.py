"""genai-prices, pydantic's curated price data: `new_data/v2/data.json` live, the frozen `data.json` in replays.

USD per million tokens. Both files are a list of providers; the old one writes `matches` and `max_tokens` where the new
one writes `match` and `context_window`.
"""

from collections.abc import Iterator

from scrapers.genai_prices_format import PIECES, records_of
from scrapers.json_text import as_object, json_body
from scrapers.source import Capture, Request, Source, anchor
from tracker.errors import ParseError
from tracker.records import Record

SOURCE = Source(
    id="genai_prices",
    title="genai-prices data",
    kind="catalogue",
    requests=(Request("https://raw.githubusercontent.com/pydantic/genai-prices/main/prices/new_data/v2/data.json"),),
    every_hours=24,
    currency="USD",
    unit="USD per million tokens",
    min_rows=300,
    terms="MIT licence, cite pydantic/genai-prices",
    proof="recorded",
    proof_url="https://github.com/pydantic/genai-prices",
    anchors=(
        anchor("gpt-4o", "input", "1", "6"),
        anchor("claude-3-5-sonnet", "output", "10", "20"),
    ),
    copies=("*",),
)


def parse(capture: Capture) -> Iterator[Record]:
    """Every provider's models with their dated, tiered and time-banded prices."""
    body = json_body(capture)
    providers = as_object(body).get("providers") if isinstance(body, dict) else body
    if not isinstance(providers, list):
        raise ParseError("genai_prices: expected a list of providers")
    yield from records_of(providers)


__all__ = ["PIECES", "SOURCE", "parse"]
