"""Groq's rate limits per model (Markdown twin of the page): requests, tokens and audio seconds, per organization.

The page says that its table holds for the Developer plan; its figures are those of the free plan, which the Markdown
shows alone, so they are stored for `free`.
"""

from collections.abc import Iterator

from scrapers.limit_pages import Reading, page_limits
from scrapers.source import Capture, Request, Source
from tracker.records import Record

SOURCE = Source(
    id="groq_limits",
    title="Groq rate limits",
    kind="limits",
    requests=(Request("https://console.groq.com/docs/rate-limits.md"),),
    every_hours=24,
    currency="USD",
    unit="requests or tokens per window, per account",
    min_rows=10,
    terms="public documentation page",
    proof="excerpt",
    proof_url="https://console.groq.com/docs/rate-limits.md",
    provider="groq",
    notice="the page calls its table the Developer plan's base; the figures are the free plan's",
)


def parse(capture: Capture) -> Iterator[Record]:
    yield from page_limits(capture, Reading("groq", "free"))
