"""AI21's rate limits per model: requests per second and per minute."""

from collections.abc import Iterator

from scrapers.limit_pages import Reading, page_limits
from scrapers.source import Capture, Request, Source
from tracker.records import Record

SOURCE = Source(
    id="ai21_limits",
    title="AI21 rate limits",
    kind="limits",
    requests=(Request("https://docs.ai21.com/docs/rate-limits.md"),),
    every_hours=24,
    currency="USD",
    unit="requests or tokens per window, per account",
    min_rows=2,
    terms="public documentation page",
    proof="excerpt",
    proof_url="https://docs.ai21.com/docs/rate-limits.md",
    provider="ai21",
)


def parse(capture: Capture) -> Iterator[Record]:
    yield from page_limits(capture, Reading("ai21"))
