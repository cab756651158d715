"""Cerebras's rate limits per model and tier (Markdown tabs): requests and tokens per minute, hour and day."""

from collections.abc import Iterator

from scrapers.limit_pages import Reading, page_limits
from scrapers.source import Capture, Request, Source
from tracker.records import Record

SOURCE = Source(
    id="cerebras_limits",
    title="Cerebras rate limits",
    kind="limits",
    requests=(Request("https://inference-docs.cerebras.ai/support/rate-limits.md"),),
    every_hours=24,
    currency="USD",
    unit="requests or tokens per window, per account",
    min_rows=4,
    terms="public documentation page",
    proof="excerpt",
    proof_url="https://inference-docs.cerebras.ai/support/rate-limits.md",
    provider="cerebras",
)


def parse(capture: Capture) -> Iterator[Record]:
    yield from page_limits(capture, Reading("cerebras"))
