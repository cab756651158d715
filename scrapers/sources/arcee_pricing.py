"""Arcee's price page (an HTML table inside Markdown), USD: its own models and resold ones."""

from collections.abc import Iterator

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import Money, all_readings, loud, markdown_tables, refuse, text_of
from tracker.records import Notice, Offer, Record

SOURCE = Source(
    id="arcee_pricing",
    title="Arcee API prices",
    kind="seller",
    requests=(Request("https://docs.arcee.ai/get-started/pricing.md"),),
    every_hours=24,
    currency="USD",
    unit="USD per million tokens",
    min_rows=6,
    terms="public documentation page",
    proof="excerpt",
    proof_url="https://github.com/wakamex/model-prices/blob/main/tests/fixtures/arcee.md",
    provider="arcee",
    anchors=(
        anchor("trinity-large-thinking", "output", "0.1", "8"),
        anchor("moonshotai/kimi-k3", "output", "2", "100"),
    ),
    notice="the excerpt does not show the sentence that names the unit: the anchors alone prove it",
)

DOLLARS = Money("USD", before="$")


def parse(capture: Capture) -> Iterator[Record]:
    text = text_of(capture.body)
    refuse(text, r"1K tokens", r"thousand tokens")
    yield from loud(_records(text))


def _records(text: str) -> Iterator[Record]:
    for found in all_readings(markdown_tables(text), WORDS, DOLLARS, ("model", "input", "output")):
        yield from [found] if isinstance(found, Notice) else found[1].quotes(Offer("arcee", found[1].facts["model"]))


WORDS = {"model name": "model", "input": "input", "output": "output", "cached input": "cache_read"}
