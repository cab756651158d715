"""xAI's price page (Markdown twin), USD, the unit in each header; a row per prompt-length band of a model."""

from collections.abc import Iterator

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import Money, all_readings, loud, markdown_tables, split_band, text_of
from tracker.records import Notice, Offer, Record

SOURCE = Source(
    id="xai_pricing",
    title="xAI pricing page",
    kind="seller",
    requests=(Request("https://docs.x.ai/developers/pricing.md"),),
    every_hours=6,
    currency="USD",
    unit="USD per 1M tokens, stated in each header",
    min_rows=6,
    terms="public documentation page",
    proof="excerpt",
    proof_url="https://github.com/wakamex/model-prices/blob/main/tests/fixtures/xai.md",
    provider="xai",
    anchors=(anchor("grok-4.6", "output", "1", "60"),),
)

DOLLARS = Money("USD", before="$")


def parse(capture: Capture) -> Iterator[Record]:
    yield from loud(_records(text_of(capture.body)))


def _records(text: str) -> Iterator[Record]:
    for found in all_readings(markdown_tables(text), WORDS, DOLLARS, ("model", "input", "output")):
        if isinstance(found, Notice):
            yield found
            continue
        name, condition = split_band(found[1].facts["model"])
        yield from found[1].quotes(Offer("xai", name), condition)


WORDS = {
    "model": "model",
    "context": "",
    "input / 1m tokens": "input",
    "cached input / 1m tokens": "cache_read",
    "output / 1m tokens": "output",
}
