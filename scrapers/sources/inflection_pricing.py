"""Inflection's developer documentation: one table, each price with its own `per 1M`."""

from collections.abc import Iterator

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import Money, all_readings, html_tables, loud, text_of
from tracker.records import Notice, Offer, Record

SOURCE = Source(
    id="inflection_pricing",
    title="Inflection AI developer documentation",
    kind="seller",
    requests=(Request("https://developers.inflection.ai/docs"),),
    every_hours=24,
    currency="USD",
    unit="USD per 1M tokens, stated beside each number",
    min_rows=2,
    terms="public documentation page",
    proof="excerpt",
    proof_url="https://developers.inflection.ai/docs",
    provider="inflection",
    anchors=(anchor("Pi 3.0", "output", "0.5", "50"),),
    notice="header and rows of the table were seen as text; the page's HTML was not recorded",
)

DOLLARS_PER_MTOK = Money("USD", before="$", after="per 1M")


def parse(capture: Capture) -> Iterator[Record]:
    yield from loud(_records(text_of(capture.body)))


def _records(text: str) -> Iterator[Record]:
    for found in all_readings(html_tables(text), WORDS, DOLLARS_PER_MTOK, ("model", "input", "output")):
        yield from (
            [found] if isinstance(found, Notice) else found[1].quotes(Offer("inflection", found[1].facts["model"]))
        )


WORDS = {"model": "model", "pricing for input tokens": "input", "pricing for output tokens": "output"}
