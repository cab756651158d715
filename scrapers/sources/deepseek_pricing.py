"""DeepSeek pricing page, USD: see scrapers/deepseek.py.

The USD and the CNY card are two markets, never one converted.
"""

from collections.abc import Iterator

from scrapers.deepseek import price_records
from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import Money, loud, text_of
from tracker.records import Record

SOURCE = Source(
    id="deepseek_pricing",
    title="DeepSeek pricing page, USD",
    kind="seller",
    requests=(Request("https://api-docs.deepseek.com/quick_start/pricing/"),),
    every_hours=6,
    currency="USD",
    unit="USD per 1M tokens, stated in each row",
    min_rows=6,
    terms="public documentation page",
    proof="excerpt",
    proof_url="https://github.com/wakamex/model-prices/blob/main/tests/fixtures/deepseek.html",
    provider="deepseek",
    anchors=(anchor("deepseek-v4-pro", "output", "0.3", "10"),),
)

DOLLARS = Money("USD", before="$")


def parse(capture: Capture) -> Iterator[Record]:
    yield from loud(price_records(text_of(capture.body), DOLLARS, "global"))
