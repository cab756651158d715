"""DeepSeek's limits (Markdown): concurrent requests per account and model. Until 2026 it promised to limit nobody."""

from collections.abc import Iterator

from scrapers.limit_pages import Reading, page_limits
from scrapers.source import Capture, Request, Source
from tracker.records import Record

SOURCE = Source(
    id="deepseek_limits",
    title="DeepSeek concurrency limits",
    kind="limits",
    requests=(Request("https://api-docs.deepseek.com/quick_start/rate_limit.md"),),
    every_hours=24,
    currency="USD",
    unit="requests or tokens per window, per account",
    min_rows=1,
    terms="public documentation page",
    proof="excerpt",
    proof_url="https://api-docs.deepseek.com/quick_start/rate_limit.md",
    provider="deepseek",
)


def parse(capture: Capture) -> Iterator[Record]:
    yield from page_limits(capture, Reading("deepseek"))
