"""Mistral's API price page, USD per million tokens by its heading; a sale price stands beside the original one."""

import re
from collections.abc import Iterator

from bs4 import BeautifulSoup

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import Money, all_readings, html_tables, loud, refuse, require, soup_of, text_of, visible
from tracker.records import Notice, Offer, Record

SOURCE = Source(
    id="mistral_pricing",
    title="Mistral API pricing page",
    kind="seller",
    requests=(Request("https://mistral.ai/pricing/api"),),
    every_hours=24,
    currency="USD",
    unit="USD per million tokens, stated in the heading",
    min_rows=6,
    terms="public documentation page",
    proof="excerpt",
    proof_url="https://github.com/wakamex/model-prices/blob/main/tests/fixtures/mistral.html",
    provider="mistral",
    anchors=(anchor("Mistral Large 3", "output", "0.3", "15"),),
)

DOLLARS = Money("USD", before="$")
_LABELS = re.compile(r"(?:Original|Sale) price:?")
_ARROW = re.compile(r"\s*↗\s*$")


def parse(capture: Capture) -> Iterator[Record]:
    soup = soup_of(_LABELS.sub("", text_of(capture.body)))
    require(visible(soup), r"prices /M tokens")
    refuse(visible(soup), r"/K tokens", r"per 1K")
    yield from loud(_records(soup))


def _records(soup: BeautifulSoup) -> Iterator[Record]:
    for found in all_readings(html_tables(soup), WORDS, DOLLARS, ("model", "input", "output")):
        if isinstance(found, Notice):
            yield found
        else:
            yield from found[1].quotes(Offer("mistral", _ARROW.sub("", found[1].facts["model"])))


WORDS = {"model": "model", "input": "input", "cached input": "cache_read", "output": "output"}
