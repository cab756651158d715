"""Inception's model table (Markdown, USD per 1M tokens by header); a struck-out price is the list price."""

import re
from collections.abc import Iterator

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import Money, all_readings, loud, markdown_tables, text_of
from tracker.records import Notice, Offer, Record

SOURCE = Source(
    id="inception_pricing",
    title="Inception (Mercury) models and prices",
    kind="seller",
    requests=(Request("https://docs.inceptionlabs.ai/get-started/models.md"),),
    every_hours=24,
    currency="USD",
    unit="USD per 1M tokens, stated in each header",
    min_rows=3,
    terms="public documentation page",
    proof="excerpt",
    proof_url="https://github.com/wakamex/model-prices/blob/main/tests/fixtures/inception.md",
    provider="inception",
    anchors=(anchor("Mercury 2", "output", "0.1", "8"),),
)

DOLLARS = Money("USD", before="$")
_ARROW = re.compile(r"(~~)\s*→\s*")


def parse(capture: Capture) -> Iterator[Record]:
    yield from loud(_records(_ARROW.sub(r"\1 ", text_of(capture.body))))


def _records(text: str) -> Iterator[Record]:
    for found in all_readings(markdown_tables(text), WORDS, DOLLARS, ("model", "input", "output")):
        yield from (
            [found] if isinstance(found, Notice) else found[1].quotes(Offer("inception", found[1].facts["model"]))
        )


WORDS = {
    "model": "model",
    "input price (1m tokens)": "input",
    "cached input price (1m tokens)": "cache_read",
    "output price (1m tokens)": "output",
    "supported endpoints": "",
    "context window": "",
}
