"""Rate limits of sellers without a readable table, entered by hand from dated public pages and articles.

One row is one limit with the page it was read from, its words, and the day from which the words are known to hold.
A row speaks until the day another document says otherwise (`until`), at most for a year: nobody vouches for it longer.
Unlimited, dynamic and unknown have no amount and are told apart.
"""

import csv
import io
from collections.abc import Iterator
from datetime import datetime, timedelta

from scrapers.csv_text import csv_rows
from scrapers.source import Capture, Request, Source
from tracker.errors import ParseError
from tracker.records import Limit, Notice, Record
from tracker.units import decimal_of

SOURCE = Source(
    id="curated_limits",
    title="Hand-entered rate limits of sellers without a readable table",
    kind="limits",
    requests=(Request("pkg:tracker/data/curated_limits.csv"),),
    every_hours=24 * 7,
    currency="USD",
    unit="requests or tokens per window, per account: stated in each row",
    min_rows=1,
    terms="facts from public pages and articles, cited row by row",
    proof="excerpt",
    proof_url="https://docs.fireworks.ai/guides/quotas_usage/account-quotas",
    notice="entered by hand, never refreshed; a row is told for at most a year after its date",
)

COLUMNS = (
    "date", "until", "provider", "listed_name", "region", "tier", "account_tier", "measure", "window", "amount",
    "stated", "status", "learned_from", "url", "snippet", "source",
)  # fmt: skip
A_YEAR = timedelta(days=365)
STATUSES = frozenset(("number", "unlimited", "dynamic", "unknown"))


def parse(capture: Capture) -> Iterator[Record]:
    """The rows that stand at the time of the capture."""
    for locator, row in csv_rows(capture, *COLUMNS):
        since, until = _span(row, locator)
        if since <= capture.observed_at < until:
            yield _limit(row, locator)


def recorded(body: bytes) -> Iterator[tuple[datetime, bytes]]:
    """The same file once per day on which a row starts, or ends before the last start: what stood on that day."""
    spans = [_span(row, row["provider"]) for row in csv.DictReader(io.StringIO(body.decode("utf-8")))]
    newest = max(since for since, _ in spans)
    yield from ((day, body) for day in sorted({day for span in spans for day in span}) if day <= newest)


def _span(row: dict[str, str], locator: str) -> tuple[datetime, datetime]:
    try:
        since = datetime.fromisoformat(row["date"])
        return since, datetime.fromisoformat(row["until"]) if row["until"] else since + A_YEAR
    except (ValueError, OverflowError) as error:
        raise ParseError(f"{locator}: not a date in {row['date'][:40]!r}, {row['until'][:40]!r}") from error


def _limit(row: dict[str, str], locator: str) -> Limit | Notice:
    missing = [name for name in ("provider", "measure", "window", "url", "snippet", "source") if not row[name]]
    numbered = row["status"] == "number"
    if missing or row["status"] not in STATUSES or row["stated"] not in row["snippet"]:
        return Notice("bad_row", f"{row['provider']}: no {missing}, or the snippet does not show it", locator)
    if numbered is not bool(row["amount"]):
        return Notice("bad_row", f"{row['provider']}: {row['status']} with amount {row['amount'][:40]!r}", locator)
    return Limit(
        *(row["provider"], row["listed_name"], row["account_tier"], row["measure"], row["window"]),
        decimal_of(row["amount"]) if numbered else None,
        row["status"],
        row["learned_from"],
        row["tier"],
        row["region"],
        f"{locator} {row['url']} {row['date']} {row['snippet']!r}",
    )
