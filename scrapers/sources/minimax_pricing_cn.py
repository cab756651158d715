"""MiniMax's price page for China (CNY): Markdown with a tab per service tier (标准, 优先) and the unit in each header.

A struck-out price is the list price, what stands beside it the discount. The former page (grids of `div`s, one tab
shown at a time) is still read: a recording of it is replayed.
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
    band_condition,
    clean,
    loud,
    markdown_tables,
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
    requests=(Request("https://platform.minimaxi.com/docs/guides/pricing-paygo.md"),),
    every_hours=12,
    currency="CNY",
    unit="CNY per million tokens, stated in the header or beside the number",
    min_rows=12,
    terms="public documentation page",
    proof="recorded",
    proof_url="https://github.com/lzc0403/token-pricing-scraper/blob/44953e81ecaa/tests/fixtures/minimax.html",
    provider="minimax",
    anchors=(anchor("MiniMax-M2.7", "output", "2", "60"),),
    notice="recorded as the former page; the Markdown asked for now was seen as an excerpt",
)

YUAN = Money("CNY", before="¥")
YUAN_PER_MTOK = Money("CNY", before="¥", units=("/ 百万 tokens",))
BARE = Money("CNY")
_MARKDOWN_NAME = re.compile(r"(?P<name>\S+)(?: (?P<band>[≤>] ?\d+k) 输入 tokens\*?)?(?: 永久五折)?")
_SPAN = re.compile(r"(\d+K) ~ (\d+[KM])")
_NAME = re.compile(r"(?P<name>\S+)(?: 上下文 (?P<band>[\d≤>KM~ ]+?))?(?: 永久五折)?")


def parse(capture: Capture) -> Iterator[Record]:
    text = text_of(capture.body)
    yield from loud(_records(soup_of(text)) if "<html" in text[:2000].lower() else _markdown(text))


def _markdown(text: str) -> Iterator[Record]:
    for found in all_readings(markdown_tables(text), MARKDOWN_WORDS, BARE, ("model", "input", "output")):
        if isinstance(found, Notice):
            yield found
            continue
        table, reading = found
        name = _MARKDOWN_NAME.fullmatch(reading.facts["model"])
        tab = table.headings[-1].rstrip("*") if table.headings else ""
        tier = TABS.get(tab)
        if not name or not tier:
            yield Notice("unknown_word", f"{reading.facts['model']!r} under {tab!r} is not known", reading.locator)
            continue
        condition = band_condition(name["band"]) if name["band"] else ALWAYS
        yield from reading.quotes(Offer("minimax", name["name"], tier, "cn"), condition)


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


TABS = {"": "standard", "标准": "standard", "优先": "priority", "文本": "standard"}
MARKDOWN_WORDS = {
    "模型": "model",
    "输入价格 元/百万 tokens": "input",
    "输出价格 元/百万 tokens": "output",
    "缓存读取 元/百万 tokens": "cache_read",
    "缓存写入 元/百万 tokens": "cache_write",
}
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
