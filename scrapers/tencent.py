"""Tencent Cloud's price documents: one editor, two markets. Tables stand in region tabs; blank cells lie under a merge.

Quirk: `32k+` starts above 32k (its sibling ends at `32k]`), `[32k+)` at 32k. A withdrawal date stands in the name.
"""

import re
from collections.abc import Iterator, Mapping

from bs4 import Tag

from scrapers.tables import (
    ABSENT,
    Grid,
    Money,
    Reading,
    Table,
    all_readings,
    clean,
    headed,
    html_grids,
    length_bands,
    soup_of,
)
from tracker.errors import ParseError
from tracker.records import Declaration, Notice, Offer, Record

REGIONS = {"广州": "guangzhou", "新加坡": "singapore"}
_LEAVES = re.compile(r"\s*\((\d{4}-\d\d-\d\d) 下线\)$")


def token_prices(text: str, words: Mapping[str, str], money: Money, market: str) -> Iterator[Record]:
    """Every per-token price of a page; `market` is the first part of the region."""
    tables = [table for grid in html_grids(soup_of(text)) if (table := headed(grid, _tab(grid)))]
    for found in all_readings(tables, words, money, ("model", "input", "output"), fill="model"):
        if isinstance(found, Notice):
            yield found
        else:
            yield from _quotes(*found, market)


def _tab(grid: Grid) -> str:
    """The title of the tab a table stands in, "" outside tabs."""
    pane = grid.tag.find_parent(class_="tse-tabs__cont")
    if not isinstance(pane, Tag) or not isinstance(pane.parent, Tag):
        return ""
    panes = pane.parent.find_all(class_="tse-tabs__cont", recursive=False)
    titles = [clean(title.get_text(" ")) for title in pane.parent.find_all(class_="tse-tabs__item-label")]
    if len(panes) != len(titles):
        raise ParseError(f"{len(titles)} tab titles for {len(panes)} tabs: the regions cannot be told apart")
    return titles[next(index for index, other in enumerate(panes) if other is pane)]


def _quotes(table: Table, reading: Reading, market: str) -> Iterator[Record]:
    region = REGIONS.get(table.mark, "") if table.mark else "all"
    hours = reading.facts.get("hours", "-")
    if not region or hours.lower() not in ABSENT:
        yield Notice("unknown_word", f"region {table.mark!r}, hours {hours!r}: row not read", reading.locator)
        return
    try:
        condition, variant = length_bands(reading.facts.get("band", "-"))
    except ParseError as error:
        yield Notice("bad_row", str(error), reading.locator)
        return
    tier = "batch" if "批量" in " ".join(table.headings) else "standard"
    name = reading.facts["model"]
    leaves = _LEAVES.search(name)
    offer = Offer("tencent", _LEAVES.sub("", name), tier, f"{market}-{region}".removesuffix("-all"), variant)
    yield from reading.quotes(offer, condition)
    if leaves and reading.component == "input":
        yield Declaration(offer, "retires_on", leaves[1], reading.locator)
