"""CSV bodies: rows by header name, with the line number as evidence."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby

from scrapers.source import Capture
from tracker.errors import ParseError


def csv_rows(capture: Capture, *required: str) -> Iterator[tuple[str, dict[str, str]]]:
    """(`line N`, row); ParseError when a required column is missing or nothing follows the header."""
    try:
        text = capture.body.decode("utf-8-sig")
        reader = csv.DictReader(io.StringIO(text))
        missing = [name for name in required if name not in (reader.fieldnames or ())]
        if missing:
            raise ParseError(f"{capture.source_id}: no column {', '.join(missing)} in the CSV header")
        empty = True
        for row in reader:
            empty = False
            yield f"line {reader.line_num}", {key: value or "" for key, value in row.items() if isinstance(key, str)}
    except (csv.Error, UnicodeDecodeError) as error:
        raise ParseError(f"{capture.source_id}: not CSV ({type(error).__name__})") from error
    if empty:
        raise ParseError(f"{capture.source_id}: the CSV has a header and no rows")


def by_commit_time(body: bytes) -> Iterator[tuple[datetime, bytes]]:
    """The rows of each time in the first column (naive UTC), as files of their own with the same header."""
    rows = list(csv.reader(io.StringIO(body.decode("utf-8"))))
    for moment, group in groupby(sorted(rows[1:], key=lambda row: row[0]), key=lambda row: row[0]):
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([rows[0], *group])
        observed_at = datetime.fromisoformat(moment).astimezone(UTC).replace(tzinfo=None)
        yield observed_at, text.getvalue().encode("utf-8")
