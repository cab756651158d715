"""BytePlus ModelArk price document (USD, outside China): standard online inference and offline batch.

Read from the Markdown the page carries for its own script, or from the drawn article. Bands are in thousand tokens of
prompt; peak and off-peak rows name no hours in the table: reported, not read.
"""

from collections.abc import Iterator

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import (
    Money,
    Reading,
    Table,
    all_readings,
    html_tables,
    length_bands,
    loud,
    markdown_tables,
    text_of,
)
from scrapers.volcengine import page_markdown
from tracker.errors import ParseError
from tracker.records import Notice, Offer, Record

SOURCE = Source(
    id="byteplus_pricing",
    title="BytePlus ModelArk model prices, international",
    kind="seller",
    requests=(Request("https://docs.byteplus.com/en/docs/ModelArk/1544106"),),
    every_hours=24,
    currency="USD",
    unit="USD per million tokens, stated in each header",
    min_rows=60,
    terms="public documentation page",
    proof="recorded",
    proof_url="https://github.com/lzc0403/token-pricing-scraper/blob/44953e81ecaa/tests/fixtures/volcengine_intl.html",
    provider="bytedance",
    anchors=(anchor("seed-1-6-250915", "output", "0.3", "20"), anchor("gpt-oss-120b-250805", "input", "0.01", "1")),
    notice="the recording is of the article alone; the data in the live page was seen as an excerpt only",
)

MONEY = Money("USD")


def parse(capture: Capture) -> Iterator[Record]:
    yield from loud(_records(text_of(capture.body)))


def _records(text: str) -> Iterator[Record]:
    markdown = page_markdown(text)
    tables = markdown_tables(markdown) if markdown else html_tables(text)
    for found in all_readings(tables, WORDS, MONEY, ("model", "band", "input", "output"), fill="model"):
        yield from [found] if isinstance(found, Notice) else _quotes(*found)


def _quotes(table: Table, reading: Reading) -> Iterator[Record]:
    tier = TIERS.get(table.headings[-1] if table.headings else "")
    if not tier:
        yield Notice("unknown_word", f"section {table.headings[-1:]} is not known: row not read", reading.locator)
        return
    try:
        condition, variant = length_bands(reading.facts["band"], 1_000)
    except ParseError as error:
        yield Notice("bad_row", str(error), reading.locator)
        return
    yield from reading.quotes(Offer("bytedance", reading.facts["model"], tier, "global", variant), condition)


TIERS = {
    "Large language models — Online inference (standard)": "standard",
    "Large language models — Offline batch inference": "batch",
    "Online inference (standard)": "standard",
    "Online inference (Flex)": "flex",
    "Offline batch inference": "batch",
}
WORDS = {
    "model id": "model",
    "pricing tiers (k tokens)": "band",
    "input (non-audio) (usd/m tokens)": "input",
    "input (usd / m tokens)": "input",
    "input (audio) (usd/m tokens)": "audio_in",
    "cache-storage (usd/m tokens/hour)": "cache_storage_hour",
    "cache-hit input (non-audio) (usd/m tokens)": "cache_read",
    "cache-hit input (usd / m tokens)": "cache_read",
    "cache-hit input (audio) (usd/m tokens)": "audio_cache_read",
    "output (usd/m tokens)": "output",
    "output (usd / m tokens)": "output",
}
