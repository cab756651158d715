"""SambaNova's rate limits per model for the free and the developer tier (Markdown tabs)."""

from collections.abc import Iterator

from scrapers.limit_pages import Reading, page_limits
from scrapers.source import Capture, Request, Source
from tracker.records import Record

SOURCE = Source(
    id="sambanova_limits",
    title="SambaNova rate limits",
    kind="limits",
    requests=(Request("https://docs.sambanova.ai/docs/en/models/rate-limits.md"),),
    every_hours=24,
    currency="USD",
    unit="requests or tokens per window, per account",
    min_rows=8,
    terms="public documentation page",
    proof="excerpt",
    proof_url="https://docs.sambanova.ai/docs/en/models/rate-limits.md",
    provider="sambanova",
)


def parse(capture: Capture) -> Iterator[Record]:
    yield from page_limits(capture, Reading("sambanova"))
