"""Vertex AI's generative price page: tables in tabs, one row per model, type and region, USD per 1M tokens by header.

Columns split at 200K input tokens; a promo's end and a later start stand in the model's name. Tabs name the tier for
Gemini (Standard, Priority, Flex/Batch) and the region for Claude. A type or tab that is not known is reported.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from bs4 import Tag

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import (
    ABSENT,
    Cell,
    Grid,
    Money,
    Reading,
    Table,
    clean,
    headed,
    html_grids,
    loud,
    prices_in,
    soup_of,
    text_of,
    token_band,
)
from tracker.conditions import Condition
from tracker.errors import ParseError
from tracker.records import Notice, Offer, Record

SOURCE = Source(
    id="vertex_pricing",
    title="Vertex AI generative pricing",
    kind="host",
    requests=(Request("https://cloud.google.com/vertex-ai/generative-ai/pricing"),),
    every_hours=24,
    currency="USD",
    unit="USD per 1M tokens, stated in each header",
    min_rows=20,
    terms="public documentation page",
    proof="excerpt",
    proof_url="https://github.com/yogenpro/token3/blob/26df0f20dd19/tests/fixtures/vertex.html",
    provider="vertex",
    anchors=(anchor("Claude Haiku 4.5", "output", "1", "25"),),
)

DOLLARS = Money("USD", before="$")
_COLUMN = re.compile(
    r"(?:model)?price \(/1m tokens\) (?P<band>(?:<=|=<|>) [12]00k) (?P<cached>cached )?input tokens ?\*{0,2}"
    r"(?: with (?P<tier>[\w/]+))?"
)
_DATED = re.compile(r"(?P<name>.+?)\*? (?P<word>through|starting) (?P<day>[A-Z][a-z]+ \d{1,2}, \d{4})", re.IGNORECASE)


def parse(capture: Capture) -> Iterator[Record]:
    soup = soup_of(text_of(capture.body))
    tables = [table for grid in html_grids(soup) if (table := headed(grid, _tab(grid)))]
    yield from loud(record for table in tables for record in _table_records(table))


def _tab(grid: Grid) -> str:
    """The title of the tab whose panel holds the table."""
    panel = grid.tag.find_parent(None, {"role": "tabpanel"})
    label = str(panel.get("aria-labelledby", "")) if panel else ""
    root = list(grid.tag.parents)[-1]
    button = root.find(None, {"id": label}) if label and isinstance(root, Tag) else None
    return clean(button.get_text(" ")) if button else ""


def _table_records(table: Table) -> Iterator[Record]:
    header = [text.lower() for text in table.header]
    bands = {index: found for index, text in enumerate(header) if (found := _COLUMN.fullmatch(text))}
    facts = {"model", "type", "region"} & set(header)
    if not bands or not {"model", "type"} <= facts or len(bands) + len(facts) != len(header):
        yield Notice("skipped", f"not read: table of {', '.join(table.header)[:120]}", table.place)
        return
    tiers = GEMINI_TABS.get(table.mark.lower())
    stated = {found["tier"] for found in bands.values()}
    if tiers is not None and stated != (
        {table.mark.lower()} if table.mark.lower() in ("priority", "flex/batch") else {None}
    ):
        yield Notice("bad_row", f"tab {table.mark!r} over columns for {stated}", table.place)
        return
    last: dict[str, str] = {}
    for number, row in enumerate(table.rows):
        place = f"{table.place} tab {table.mark!r} row {number}"
        if len(row) != len(header):
            yield Notice("bad_row", f"{len(row)} cells for {len(header)} columns", place)
            last = {}
            continue
        cells = {header[index]: cell.text for index, cell in enumerate(row)}
        if cells["model"]:
            last = {}
        if not any(row[index].text[:1] == "$" for index in bands):
            yield Notice("bad_row", f"a row without a price: {[cell.text for cell in row][:3]}", place)
            last = {}
            continue
        last |= {name: cells[name] for name in facts if cells[name]}
        for index, band in bands.items():
            yield from _cell(last, tiers, table.mark, band, row[index], f"{place} {table.header[index]!r}")


def _cell(
    facts: dict[str, str], tiers: tuple[str, ...] | None, tab: str, band: re.Match[str], cell: Cell, place: str
) -> Iterator[Record]:
    if cell.text.lower() in ABSENT:
        return
    kind = TYPES.get(facts.get("type", "").lower())
    region = facts.get("region", tab if tiers is None else "global").rstrip("* ").lower()
    if not kind or not facts.get("model") or (tiers is None and not re.fullmatch(r"global|[a-z]+-[a-z]+\d", region)):
        yield Notice("unknown_word", f"type {facts.get('type')!r} under tab {tab!r} is not known", place)
        return
    component, batch = kind
    if band["cached"]:
        component = {"input": "cache_read"}.get(component, "")
    try:
        prices = prices_in(cell, DOLLARS)
        name, condition = _condition(facts["model"], band["band"])
    except ParseError as error:
        yield Notice("bad_row", str(error), place)
        return
    reading = Reading({}, component, "", prices, "USD", place)
    for tier in ["batch"] if batch else tiers or ("standard",):
        yield from reading.quotes(Offer("vertex", name, tier, region), condition) if component else ()


def _condition(model: str, band: str) -> tuple[str, Condition]:
    low, high = token_band(band.replace("=<", "<="))
    dated = _DATED.fullmatch(model)
    if not dated:
        return model.rstrip("*"), Condition(low, high)
    try:
        day = datetime.strptime(dated["day"], "%B %d, %Y")  # noqa: DTZ007 - naive UTC; the page names no zone
    except ValueError as error:
        raise ParseError(f"not a date: {dated['day']!r}") from error
    if dated["word"].lower() == "through":
        return dated["name"], Condition(low, high, effective_until=day + timedelta(days=1))
    return dated["name"], Condition(low, high, effective_from=day)


GEMINI_TABS = {
    "standard model": ("standard",),
    "standard": ("standard",),
    "priority": ("priority",),
    "flex/batch": ("flex", "batch"),
}
TYPES = {
    "input (text, image, video, audio)": ("input", False),
    "text output (response and reasoning)": ("output", False),
    "input": ("input", False),
    "output": ("output", False),
    "batch input": ("input", True),
    "batch output": ("output", True),
    "5m cache write": ("cache_write_5m", False),
    "1h cache write": ("cache_write_1h", False),
    "cache hit": ("cache_read", False),
    "5m batch cache write": ("cache_write_5m", True),
    "1h batch cache write": ("cache_write_1h", True),
    "batch cache hit": ("cache_read", True),
}
