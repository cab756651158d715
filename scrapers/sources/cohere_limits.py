"""Cohere's rate limits per model for trial and production keys (Markdown); the measure stands in each cell."""

from collections.abc import Iterator

from scrapers.limit_pages import Reading, page_limits
from scrapers.source import Capture, Request, Source
from tracker.records import Record

SOURCE = Source(
    id="cohere_limits",
    title="Cohere rate limits",
    kind="limits",
    requests=(Request("https://docs.cohere.com/docs/rate-limits.md"),),
    every_hours=24,
    currency="USD",
    unit="requests or tokens per window, per account",
    min_rows=6,
    terms="public documentation page",
    proof="excerpt",
    proof_url="https://docs.cohere.com/docs/rate-limits.md",
    provider="cohere",
)


def parse(capture: Capture) -> Iterator[Record]:
    yield from page_limits(capture, Reading("cohere"))
