"""Meta's model pages: a `role=grid` of spans per model family, USD per million tokens by the header (`Mtok`).

A row has one more span than the header: a sentence about the model stands between its name and the numbers.
"""

from collections.abc import Iterator

from bs4 import BeautifulSoup, Tag

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import Cell, Money, all_readings, clean, loud, soup_of, table_of, text_of
from tracker.records import Notice, Offer, Record

SOURCE = Source(
    id="meta_pricing",
    title="Meta Model API, Muse models and pricing",
    kind="seller",
    requests=(
        Request("https://dev.meta.ai/models/muse-spark/", label="spark"),
        Request("https://dev.meta.ai/models/muse-wonder/", label="wonder"),
    ),
    every_hours=24,
    currency="USD",
    unit="USD per million tokens, stated in each header (Mtok)",
    min_rows=3,
    terms="public documentation page",
    proof="excerpt",
    proof_url="https://github.com/wakamex/model-prices/blob/main/tests/fixtures/meta-muse-spark.html",
    provider="meta",
    anchors=(anchor("muse-spark-1.3", "output", "0.5", "40"),),
)

DOLLARS = Money("USD", before="$")


def parse(capture: Capture) -> Iterator[Record]:
    yield from loud(_records(soup_of(text_of(capture.body))))


def _records(soup: BeautifulSoup) -> Iterator[Record]:
    for number, grid in enumerate(soup.find_all(None, {"role": "grid"})):
        lines = [_spans(row) for row in grid.find_all("div", recursive=False)]
        if not lines:
            continue
        width = len(lines[0])
        rows = [(line[0], *line[-(width - 1) :]) for line in lines[1:] if len(line) == width + 1]
        for line in lines[1:]:
            if len(line) != width + 1:
                yield Notice(
                    "bad_row", f"{len(line)} spans for {width} columns: {[cell.text for cell in line][:3]}", "grid"
                )
        table = table_of(("Models and pricing",), [lines[0]], rows, number)
        for found in all_readings([table], WORDS, DOLLARS, ("model", "context", "input", "output")):
            yield from [found] if isinstance(found, Notice) else found[1].quotes(Offer("meta", found[1].facts["model"]))


def _spans(row: Tag) -> list[Cell]:
    return [Cell(clean(span.get_text(" "))) for span in row.find_all("span", recursive=False)]


WORDS = {
    "model": "model",
    "context window": "context",
    "context window (mtok)": "context",
    "input (mtok)": "input",
    "cached input (mtok)": "cache_read",
    "output (mtok)": "output",
    "mtok input": "input",
    "mtok cached input (mtok)": "cache_read",
    "mtok output": "output",
}
