"""AI21's price cards: a heading per model and lines such as `$2 / 1M input tokens` in the same card."""

import re
from collections.abc import Iterator

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import clean, loud, soup_of, text_of
from tracker.records import Notice, Offer, Quote, Record
from tracker.units import PER_MTOK, amount_of

SOURCE = Source(
    id="ai21_pricing",
    title="AI21 pricing page",
    kind="seller",
    requests=(Request("https://www.ai21.com/pricing/"),),
    every_hours=24,
    currency="USD",
    unit="USD per 1M tokens, stated in each line",
    min_rows=4,
    terms="public documentation page",
    proof="excerpt",
    proof_url="https://github.com/wakamex/model-prices/blob/main/tests/fixtures/ai21.html",
    provider="ai21",
    anchors=(anchor("Jamba Large", "output", "1", "40"),),
)

_LINE = re.compile(r"\$(?P<n>\d+(?:\.\d+)?) / 1M (?P<way>input|output) tokens")


def parse(capture: Capture) -> Iterator[Record]:
    yield from loud(_records(text_of(capture.body)))


def _records(text: str) -> Iterator[Record]:
    for number, heading in enumerate(soup_of(text).find_all("h3")):
        name = clean(heading.get_text(" "))
        for sibling in heading.find_next_siblings():
            if sibling.name == "h3":
                break
            line = clean(sibling.get_text(" "))
            found = _LINE.fullmatch(line)
            place = f"card {number} {name!r}"
            if found and name and float(found["n"]):
                yield Quote(
                    Offer("ai21", name), found["way"], amount_of(found["n"], PER_MTOK), "USD", raw=line, locator=place
                )
            elif "$" in line or "tokens" in line:
                yield Notice("bad_row", f"not a price line: {line[:80]!r}", place)
