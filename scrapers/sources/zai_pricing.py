"""Z.AI's price page (USD, outside China). Prices per 1M tokens by prose above each table; "Free" is written out.

Quirk: free cache storage is "Limited-time Free" without a unit, so the column is known and not read.
"""

from collections.abc import Iterator

from bs4 import BeautifulSoup

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import Money, all_readings, html_tables, loud, refuse, require, soup_of, text_of, visible
from tracker.records import Notice, Offer, Record

SOURCE = Source(
    id="zai_pricing",
    title="Z.AI pricing page",
    kind="seller",
    requests=(Request("https://docs.z.ai/guides/overview/pricing"),),
    every_hours=12,
    currency="USD",
    unit="USD per 1M tokens",
    min_rows=20,
    terms="public documentation page",
    proof="recorded",
    proof_url="https://github.com/lzc0403/token-pricing-scraper/blob/44953e81ecaa/tests/fixtures/zai.html",
    provider="zai",
    anchors=(anchor("GLM-4.6", "output", "0.5", "10"), anchor("GLM-4.5-Air", "input", "0.02", "2")),
)

DOLLARS = Money("USD", before="$")


def parse(capture: Capture) -> Iterator[Record]:
    soup = soup_of(text_of(capture.body))
    page = visible(soup)
    require(page, r"all prices are in USD", r"prices per 1M tokens")
    refuse(page, r"per 1K tokens")
    yield from loud(_records(soup))


def _records(soup: BeautifulSoup) -> Iterator[Record]:
    for found in all_readings(html_tables(soup), WORDS, DOLLARS, ("model", "input", "output")):
        if isinstance(found, Notice):
            yield found
        else:
            yield from found[1].quotes(Offer("zai", found[1].facts["model"]))


WORDS = {
    "model": "model",
    "input": "input",
    "cached input": "cache_read",
    "cached input storage": "",
    "output": "output",
}
