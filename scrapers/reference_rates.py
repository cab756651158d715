"""The European Central Bank's reference rates as it publishes them: one row per TARGET day, one column per currency.

Unit: how many units of a currency one euro buys. Shared by the sources that read the same file from different places.
"""

import csv
import io
from collections.abc import Iterator
from datetime import date

from scrapers.zipped import zipped_csv
from tracker.errors import ParseError
from tracker.records import FxRate
from tracker.units import decimal_of

# The currencies inference is sold in, and those that cloud price lists and localised pages return.
KEPT = frozenset(["USD", "CNY", "GBP", "CHF", "JPY", "KRW", "INR", "SGD", "HKD", "CAD", "AUD", "BRL", "SEK", "TRY"])
FIRST_DAY = date(2020, 1, 1)  # GPT-3's API opened in June 2020: nothing sold per token needs an older rate
_MAX_CSV_BYTES = 20_000_000  # the file is 3 MB; more is not this file
_MISSING = frozenset(["", "N/A"])


def rate(currency: str, published: date, raw: str) -> FxRate:
    """One euro in `currency`; a rate that is not positive is not a rate."""
    value = decimal_of(raw)
    if value <= 0:
        raise ParseError(f"exchange rate of {currency} on {published} is {raw}")
    return FxRate("EUR", currency, published, value)


def published_day(text: str) -> date:
    """An ISO day, or a ParseError that shows what stood there."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise ParseError(f"not a publication day: {text[:40]!r}") from error


def history(body: bytes) -> Iterator[FxRate]:
    """Every kept rate of `eurofxref-hist.zip`, newest first as in the file."""
    rows = csv.DictReader(io.StringIO(zipped_csv(body, _MAX_CSV_BYTES, "reference rates")))
    columns = sorted(KEPT & set(rows.fieldnames or ()))
    if not {"USD", "CNY"} <= set(columns):
        raise ParseError(f"reference rates lack USD or CNY: header is {list(rows.fieldnames or ())[:8]}")
    for row in rows:
        day = published_day(row["Date"])
        if day < FIRST_DAY:
            continue
        for currency in columns:
            raw = (row[currency] or "").strip()
            if raw not in _MISSING:
                yield rate(currency, day, raw)
