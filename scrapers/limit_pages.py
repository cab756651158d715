"""Rate-limit tables of documentation pages (Markdown or HTML) as Limit records, read by header text.

Four layouts are in use: one row per model or account tier with a column per measure (`RPM`, `TPM`); one row per
measure with a column per model; one row per model with a column per account tier (`20 req / min` in its cells); one
row per account tier with a column per model, whose measure stands in the first row.
`Unlimited` is unlimited, a dash or blank says nothing, words like "contact sales" say that the number is unknown; any
other word, and a row that has not the cells of its header, is reported and not read.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from scrapers.source import Capture
from scrapers.tables import Cell, Table, html_tables, markdown_tables, plain, settled, text_of
from tracker.errors import ParseError
from tracker.records import Limit, Notice, Record
from tracker.units import decimal_of

_NUMBER = re.compile(r"(?:~|≥|>=|up to )?\s*(\d[\d,]*(?:\.\d+)?)\s*([KMB])?", re.IGNORECASE)
_IN_CELL = re.compile(
    r"(\d[\d,]*)\s*(req(?:uest)?s?|inputs?|images?|tokens?)\s*/\s*(s(?:ec(?:ond)?)?|min(?:ute)?|h(?:our)?|day|month)"
)
_MARKS = re.compile(r"\s*(?:[*†‡\\]+|\((?:deprecated|retired)[^()]*\))\s*$", re.IGNORECASE)
_MULTIPLES = {"k": 1_000, "m": 1_000_000, "b": 1_000_000_000}


@dataclass(frozen=True, slots=True)
class Reading:
    """Who speaks, for which account tier unless the page says one, and which market."""

    provider: str
    account_tier: str = ""
    region: str = ""


def page_limits(capture: Capture, reading: Reading) -> Iterator[Record]:
    """Every limit of every table that is about limits; ParseError when there is none."""
    found = [record for table in _tables(text_of(capture.body)) for record in _table_limits(table, reading)]
    if not any(isinstance(record, Limit) for record in found):
        raise ParseError(f"{capture.source_id}: no rate-limit table on the page")
    yield from settled(found)


def _tables(text: str) -> list[Table]:
    found = markdown_tables(text) if "|" in text and "<table" not in text else html_tables(text)
    return [table for table in _rejoined(found) if table.header]


def _rejoined(tables: list[Table]) -> Iterator[Table]:
    """A header with nothing below, then rows without a header (Groq's Markdown): one table cut in two."""
    head: Table | None = None
    for table in tables:
        if head and len(head.header) == len(table.header) and not _columns(table.header):
            first = tuple(Cell(text) for text in table.header)
            yield replace(head, rows=(first, *table.rows))
            head = None
        elif not table.rows and _columns(table.header):
            head = table
        else:
            head = None
            yield table


def _table_limits(whole: Table, reading: Reading) -> Iterator[Record]:
    table = replace(whole, rows=tuple(row for row in whole.rows if len(row) == len(whole.header)))
    columns = _columns(table.header)
    if len(table.rows) < len(whole.rows):
        odd = len(whole.rows) - len(table.rows)
        yield Notice("bad_row", f"{odd} rows have not {len(table.header)} cells", table.place)
    if columns:
        yield from _measures_across(table, columns, reading)
    elif any(_tier_column(text) for text in table.header):
        yield from _tiers_across(table, reading)
    elif any(row and _measure(row[0].text) for row in table.rows):
        yield from _models_across(table, reading)
    elif table.rows and _key(table.header[0]) == "model" and any(_measure(cell.text) for cell in table.rows[0][1:]):
        yield from _measures_below(table, reading)


def _measures_across(table: Table, columns: dict[int, tuple[str, str]], reading: Reading) -> Iterator[Record]:
    names = {meaning: index for index, text in enumerate(table.header) if (meaning := _key(text))}
    if not names:
        yield Notice("unknown_word", f"{reading.provider}: limits by {table.header[0][:60]!r}", table.place)
        return
    for number, row in enumerate(table.rows):
        cells = {meaning: _bare(row[index].text) for meaning, index in names.items() if index < len(row)}
        if len({cell.text for cell in row}) == 1:
            continue  # a line that names a group
        tier = cells.get("tier") or _tier_above(table) or reading.account_tier
        for index, (measure, window) in columns.items():
            if index < len(row):
                place = f"{table.place} row {number} {table.header[index]}"
                yield from _limit(reading, cells.get("model", ""), tier, measure, window, row[index].text, place)


def _models_across(table: Table, reading: Reading) -> Iterator[Record]:
    for row in table.rows:
        measured = _measure(row[0].text)
        for model, cell in zip(table.header[1:], row[1:], strict=False):
            if measured and model:
                tier, place = _tier_above(table) or reading.account_tier, f"{table.place} {row[0].text} {model}"
                yield from _limit(reading, _bare(model), tier, *measured, cell.text, place)


def _measures_below(table: Table, reading: Reading) -> Iterator[Record]:
    measures, *tiers = table.rows
    for row in tiers:
        for model, measure, cell in zip(table.header[1:], measures[1:], row[1:], strict=False):
            measured = _measure(measure.text)
            if measured:
                place = f"{table.place} {row[0].text} {measure.text}"
                yield from _limit(reading, _bare(model), row[0].text, *measured, cell.text, place)


def _tiers_across(table: Table, reading: Reading) -> Iterator[Record]:
    for number, row in enumerate(table.rows):
        for index, header in enumerate(table.header):
            tier = _tier_column(header)
            if not tier or index >= len(row):
                continue
            match = _IN_CELL.search(row[index].text.lower())
            place = f"{table.place} row {number} {header}"
            if match:
                measure, window = UNITS[match[2].rstrip("s")], WINDOWS[match[3][0]]
                yield from _limit(reading, _bare(row[0].text), tier, measure, window, match[1], place)
            else:
                yield from _limit(reading, _bare(row[0].text), tier, "requests", "minute", row[index].text, place)


def _limit(
    reading: Reading, model: str, tier: str, measure: str, window: str, text: str, place: str
) -> Iterator[Limit | Notice]:
    try:
        stated = _stated(text)
    except ParseError as error:
        yield Notice("unknown_word", f"{reading.provider}/{model} {measure} per {window}: {error}", place)
        return
    if stated is None:
        return
    amount, status = stated
    yield Limit(
        reading.provider, model, tier, measure, window, amount, status, "page", region=reading.region, locator=place
    )  # fmt: skip


def _stated(text: str) -> tuple[Decimal | None, str] | None:
    word = _bare(plain(text)).lower()
    if word in ABSENT:
        return None
    if word in STATUSES:
        return None, STATUSES[word]
    if any(part in word for part in ON_REQUEST):
        return None, "unknown"
    match = _NUMBER.fullmatch(word)
    if not match:
        raise ParseError(f"not a limit: {text[:60]!r}")
    amount = decimal_of(match[1]) * _MULTIPLES.get((match[2] or "").lower(), 1)
    return (Decimal(int(amount)) if amount == int(amount) else amount), "number"


def _columns(header: tuple[str, ...]) -> dict[int, tuple[str, str]]:
    return {index: measured for index, text in enumerate(header) if (measured := _measure(text))}


def _measure(text: str) -> tuple[str, str] | None:
    """`RPM`, `Requests per minute (RPM)`, `Concurrency Limit`, `并发` -> (measure, window)."""
    word = plain(text).strip().lower()
    short = re.search(r"\(([a-z]{3,4})\)$", word)
    return MEASURES.get(short[1] if short else word) or MEASURES.get(word)


def _key(text: str) -> str:
    return KEYS.get(plain(text).strip().lower(), "")


def _tier_column(text: str) -> str:
    match = re.fullmatch(r"(.+?) rate limit", plain(text).strip().lower())
    return match[1] if match else ""


def _tier_above(table: Table) -> str:
    """An account tier named by the nearest heading or tab: `Tier 2`, `Start tier`, `Free`, `Developer`."""
    for heading in reversed(table.headings):
        if re.fullmatch(
            r"(?:tier \w+|\w+ tier|free|developer|enterprise|pay as you go|free trial)", heading.strip().lower()
        ):
            return heading.strip().lower()
    return ""


def _bare(text: str) -> str:
    """A name without footnote marks and `(deprecated)`."""
    while (shorter := _MARKS.sub("", text.strip())) != text:
        text = shorter
    return text


ABSENT = frozenset(["", "-", "–", "—", "n/a", "na", "none"])
ON_REQUEST = ("contact", "sales", "talk to", "varies", "联系", "商务")
STATUSES = {
    "unlimited": "unlimited",
    "no limit": "unlimited",
    "不限": "unlimited",
    "dynamic": "dynamic",
    "custom": "unknown",
}
MEASURES = {
    "rps": ("requests", "second"),
    "rpm": ("requests", "minute"),
    "rph": ("requests", "hour"),
    "rpd": ("requests", "day"),
    "tpm": ("tokens", "minute"),
    "tph": ("tokens", "hour"),
    "tpd": ("tokens", "day"),
    "itpm": ("input_tokens", "minute"),
    "otpm": ("output_tokens", "minute"),
    "ipm": ("images", "minute"),
    "ash": ("audio_seconds", "hour"),
    "asd": ("audio_seconds", "day"),
    "requests per minute": ("requests", "minute"),
    "requests per day": ("requests", "day"),
    "tokens per minute": ("tokens", "minute"),
    "tokens per day": ("tokens", "day"),
    "concurrency": ("concurrency", "instant"),
    "concurrency limit": ("concurrency", "instant"),
    "并发": ("concurrency", "instant"),
    "并发数": ("concurrency", "instant"),
}
KEYS = {
    "model": "model",
    "model id": "model",
    "foundation model": "model",
    "模型": "model",
    "tier": "tier",
    "user level": "tier",
    "credits purchased (all time)": "tier",
    "用户等级": "tier",
}
UNITS = {"req": "requests", "request": "requests", "input": "inputs", "image": "images", "token": "tokens"}
WINDOWS = {"s": "second", "m": "minute", "h": "hour", "d": "day"}
