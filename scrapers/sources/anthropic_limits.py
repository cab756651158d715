"""Anthropic's rate limits per model class and usage tier (Markdown): requests, input and output tokens per minute.

A class such as `Claude Opus 4.x` shares one limit between its models; cached input does not count.
"""

from collections.abc import Iterator

from scrapers.limit_pages import Reading, page_limits
from scrapers.source import Capture, Request, Source
from tracker.records import Record

SOURCE = Source(
    id="anthropic_limits",
    title="Anthropic rate limits",
    kind="limits",
    requests=(Request("https://platform.claude.com/docs/en/api/rate-limits.md"),),
    every_hours=24,
    currency="USD",
    unit="requests or tokens per window, per account",
    min_rows=9,
    terms="public documentation page",
    proof="excerpt",
    proof_url="https://platform.claude.com/docs/en/api/rate-limits.md",
    provider="anthropic",
)


def parse(capture: Capture) -> Iterator[Record]:
    yield from page_limits(capture, Reading("anthropic"))
