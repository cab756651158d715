"""MiniMax's price page for China (CNY): grids of `div`s, the struck-out list price beside the discounted one.

The page shows one service tier at a time (标准 or 优先); the selected tab says which. The unit stands in the header of
the first grid and beside the numbers of the second.
"""

import re
from collections.abc import Iterator

from bs4 import BeautifulSoup, Tag

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import (
    Cell,
    Money,
    Reading,
    Table,
    all_readings,
    clean,
    loud,
    soup_of,
    table_of,
    text_of,
    token_band,
)
from tracker.conditions import ALWAYS, Condition
from tracker.errors import ParseError
from tracker.records import Notice, Offer, Record

SOURCE = Source(
    id="minimax_pricing_cn",
    title="MiniMax API prices, China",
    kind="seller",
    requests=(Request("https://platform.minimaxi.com/subscribe/token-plan?tab=api-enterprise"),),
    every_hours=12,
    currency="CNY",
    unit="CNY per million tokens, stated in the header or beside the number",
    min_rows=12,
    terms="public documentation page",
    proof="recorded",
    proof_url="https://github.com/lzc0403/token-pricing-scraper/blob/44953e81ecaa/tests/fixtures/minimax.html",
    provider="minimax",
    anchors=(anchor("MiniMax-M2.7", "output", "2", "60"),),
    notice="the page is drawn by script: a plain fetch may bring an empty shell, which fails loudly",
)

YUAN = Money("CNY", before="¥")
YUAN_PER_MTOK = Money("CNY", before="¥", units=("/ 百万 tokens",))
_SPAN = re.compile(r"(\d+K) ~ (\d+[KM])")
_NAME = re.compile(r"(?P<name>\S+)(?: 上下文 (?P<band>[\d≤>KM~ ]+?))?(?: 永久五折)?")


def parse(capture: Capture) -> Iterator[Record]:
    yield from loud(_records(soup_of(text_of(capture.body))))


def _records(soup: BeautifulSoup) -> Iterator[Record]:
    tables = list(_grids(soup))
    for money, words in ((YUAN, HEADER_UNIT), (YUAN_PER_MTOK, CELL_UNIT)):
        fitting = [table for table in tables if {text.lower() for text in table.header} & set(words) - {"模型"}]
        for found in all_readings(fitting, words, money, ("model", "input", "output")):
            yield from [found] if isinstance(found, Notice) else _quotes(*found)


def _grids(soup: BeautifulSoup) -> Iterator[Table]:
    """A header row of class `grid` that starts with 模型, and the grid rows beside it."""
    for number, top in enumerate(soup.find_all("div", class_="grid")):
        parent = top.parent
        if _cells(top)[:1] == [Cell("模型")] and isinstance(parent, Tag):
            rows = [
                tuple(_cells(row)) for row in parent.find_all("div", class_="grid", recursive=False) if row is not top
            ]
            yield table_of(("语言模型",), [_cells(top)], rows, number, _tab(top))


def _cells(row: Tag) -> list[Cell]:
    return [Cell(clean(cell.get_text(" "))) for cell in row.find_all("div", recursive=False)]


def _tab(top: Tag) -> str:
    """The selected tab above a grid within the same card, "" where the card has no tabs."""
    card = next((parent for parent in top.parents if "rounded-lg" in parent.get_attribute_list("class")), None)
    tab = card.find(None, {"role": "tab", "aria-selected": "true"}) if card else None
    return clean(tab.get_text(" ")) if tab else ""


def _quotes(table: Table, reading: Reading) -> Iterator[Record]:
    name, tier = _NAME.fullmatch(reading.facts["model"]), TABS.get(table.mark)
    if not name or not tier:
        yield Notice("unknown_word", f"{reading.facts['model']!r} under {table.mark!r} is not known", reading.locator)
        return
    condition = _condition(name["band"]) if name["band"] else ALWAYS
    yield from reading.quotes(Offer("minimax", name["name"], tier, "cn"), condition)


def _condition(band: str) -> Condition:
    """`≤ 512K`, and `512K ~ 1M` for what lies above it."""
    span = _SPAN.fullmatch(band.strip())
    if span and span[1] == span[2]:
        raise ParseError(f"an empty band: {band!r}")
    low, high = token_band(f"({span[1]}, {span[2]}]" if span else band)
    return Condition(low, high)


TABS = {"": "standard", "标准": "standard", "优先": "priority"}
HEADER_UNIT = {
    "模型": "model",
    "输入价格 百万 tokens": "input",
    "输出价格 百万 tokens": "output",
    "缓存读取 百万 tokens": "cache_read",
}
CELL_UNIT = {
    "模型": "model",
    "输入(含多模态)": "input",
    "输出": "output",
    "缓存读取": "cache_read",
    "缓存写入": "cache_write",
}
