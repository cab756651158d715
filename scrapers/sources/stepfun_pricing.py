"""StepFun's price page (Markdown, English, USD): the unit is a column of each table and must read `1M tokens`."""

from collections.abc import Iterator

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import Money, all_readings, loud, markdown_tables, text_of
from tracker.records import Notice, Offer, Record

SOURCE = Source(
    id="stepfun_pricing",
    title="StepFun pricing page, international",
    kind="seller",
    requests=(Request("https://platform.stepfun.ai/docs/en/guides/pricing/details.md"),),
    every_hours=24,
    currency="USD",
    unit="USD per 1M tokens, stated in the column Billing unit",
    min_rows=3,
    terms="public documentation page",
    proof="excerpt",
    proof_url="https://github.com/wakamex/model-prices/blob/main/tests/fixtures/stepfun.md",
    provider="stepfun",
    anchors=(anchor("step-3.5-flash", "output", "0.05", "3"),),
)

DOLLARS = Money("USD", before="$")


def parse(capture: Capture) -> Iterator[Record]:
    yield from loud(_records(text_of(capture.body)))


def _records(text: str) -> Iterator[Record]:
    for found in all_readings(markdown_tables(text), WORDS, DOLLARS, ("model", "unit", "input", "output")):
        if isinstance(found, Notice):
            yield found
        elif found[1].facts["unit"].lower() != "1m tokens":
            yield Notice("unit_suspect", f"priced per {found[1].facts['unit'][:40]!r}: row not read", found[1].locator)
        else:
            yield from found[1].quotes(Offer("stepfun", found[1].facts["model"], region="global"))


WORDS = {
    "model": "model",
    "billing unit": "unit",
    "input (cache miss)": "input",
    "input (cache hit)": "cache_read",
    "output": "output",
    "current status": "",
}
