"""Moonshot's limits by money paid in, outside China and in China: concurrency, requests and tokens.

The tiers have the same figures in both markets and different thresholds (USD 10 or CNY 50 for Tier1).
"""

from collections.abc import Iterator

from scrapers.limit_pages import Reading, page_limits
from scrapers.source import Capture, Request, Source
from tracker.records import Record

SOURCE = Source(
    id="moonshot_limits",
    title="Moonshot rate limits",
    kind="limits",
    requests=(
        Request("https://platform.moonshot.ai/docs/pricing/limits.md"),
        Request("https://platform.moonshot.cn/docs/pricing/limits.md", label="cn"),
    ),
    every_hours=24,
    currency="USD",
    unit="requests or tokens per window, per account",
    min_rows=10,
    terms="public documentation page",
    proof="excerpt",
    proof_url="https://platform.moonshot.ai/docs/pricing/limits",
    provider="moonshot",
)


def parse(capture: Capture) -> Iterator[Record]:
    yield from page_limits(capture, Reading("moonshot", region=capture.label or "global"))
