"""Prices of sellers whose own page cannot be read by a plain fetch, entered by hand from dated public documents.

One row is one price with the seller's page, the words it was read from, where those words are kept, and the day they
were read. Nothing is refreshed: `read_on` says how old a price is. Dates of effect (UTC) are set only where the
text states them.
"""

from collections.abc import Iterator
from datetime import datetime

from scrapers.csv_text import csv_rows
from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import loud
from tracker.conditions import Condition
from tracker.errors import ParseError
from tracker.records import Declaration, Notice, Offer, Quote, Record
from tracker.units import PER_1K_TOKENS, PER_MTOK, amount_of

SOURCE = Source(
    id="curated",
    title="Hand-entered prices of sellers without a readable page",
    kind="article",
    requests=(Request("pkg:tracker/data/curated_prices.csv"),),
    every_hours=24 * 7,
    currency="CNY",
    unit="per 1K or 1M tokens, in the row's currency: stated in each row",
    min_rows=40,
    terms="facts from public pages, cited row by row; llmabacus.com rows under CC BY 4.0",
    proof="excerpt",
    proof_url="https://cloud.sambanova.ai/plans/pricing",
    anchors=(anchor("gpt-oss-120b", "output", "0.58", "0.60"), anchor("ERNIE-Bot", "input", "11.9", "12.1")),
    notice="entered by hand, never refreshed: SambaNova, Baidu, iFlytek, Baichuan, SenseTime, 360, 01.AI, SiliconFlow, "
    "Scaleway. No readable page and no row: Databricks, Nebius, Hyperbolic, Parasail, Lambda, Replicate, Anyscale",
)

COLUMNS = (
    "provider", "listed_name", "region", "tier", "min_prompt_tokens", "max_prompt_tokens", "component", "amount",
    "currency", "per", "basis", "hours", "effective_date", "until_date", "observed_date", "url", "snippet", "source",
)  # fmt: skip
UNITS = {"1M tokens": (PER_MTOK, "mtok"), "1K tokens": (PER_1K_TOKENS, "mtok")}


def parse(capture: Capture) -> Iterator[Record]:
    yield from loud(record for locator, row in csv_rows(capture, *COLUMNS) for record in _row(row, locator))


def _row(row: dict[str, str], locator: str) -> Iterator[Record]:
    offer = Offer(row["provider"], row["listed_name"], tier=row["tier"] or "standard", region=row["region"])
    unit, missing = UNITS.get(row["per"]), [name for name in ("url", "snippet", "source") if not row[name]]
    if unit is None or missing or row["amount"] not in row["snippet"]:
        yield Notice("bad_row", f"{offer}: unit {row['per']!r}, no {missing}, or the snippet does not show it", locator)
        return
    try:
        since = datetime.fromisoformat(row["effective_date"]) if row["effective_date"] else None
        read_on = datetime.fromisoformat(row["observed_date"]).date().isoformat()
        until = datetime.fromisoformat(row["until_date"]) if row["until_date"] else None
        low, high = int(row["min_prompt_tokens"] or 0), int(row["max_prompt_tokens"] or 0) or None
    except ValueError as error:
        raise ParseError(f"{locator}: not a date or a number of tokens ({error})") from error
    condition = Condition(low, high, row["hours"], since, until)
    amount, raw = amount_of(row["amount"], unit[0]), f"{row['amount']} {row['currency']} per {row['per']}"
    where = f"{locator} {row['url']} {row['snippet']!r}"
    yield Quote(offer, row["component"], amount, row["currency"], unit=unit[1], basis=row["basis"], condition=condition,
                raw=raw, locator=where)  # fmt: skip
    yield Declaration(offer, "read_on", read_on, locator)
