"""DeepSeek's price page, one layout in two currencies: models are columns, components are rows, the unit is in the row.

Since August 2026 each component has an off-peak and a peak row. The hours stand in a footnote, on weekdays of the
Beijing calendar (the English page gives them in UTC, where the weekdays are the same); the exception for Chinese public
holidays cannot be expressed as a time band and is left as a Notice.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from scrapers.tables import Cell, Money, Reading, html_grids, models_across, prices_in, soup_of, visible
from tracker.conditions import ALWAYS, Condition, parse_band
from tracker.errors import ParseError
from tracker.records import Limit, Notice, Offer, Record

_CLOCK = re.compile(r"(\d{1,2}):(\d\d)\s*[-–~]\s*(\d{1,2}):(\d\d)")
_ZONES = {"北京时间": "Asia/Shanghai", "beijing time": "Asia/Shanghai", "utc": "UTC"}
_WEEKDAYS = re.compile(r"周一至周五|monday (?:through|to) friday", re.IGNORECASE)
_SENTENCE = re.compile(r"[^。.;]+", re.IGNORECASE)
_ABOUT_PEAK = re.compile(r"为高峰时段|(?<!off-)peak hours are", re.IGNORECASE)
_HOLIDAYS = re.compile(r"法定节假日|public holidays", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Row:
    component: str
    peak: bool | None  # None: one price at all hours


def price_records(text: str, money: Money, region: str) -> Iterator[Record]:
    """Every price and concurrency limit of the page, for one market."""
    soup = soup_of(text)
    page = visible(soup)
    peak_hours: tuple[str, ...] = ()
    for grid in html_grids(soup):
        rows = list(models_across(grid, frozenset(("model", "模型"))))
        if not rows:
            head = ", ".join(cell.text for line in grid.rows[:1] for cell in line)
            yield Notice("skipped", f"not read: table of {head[:160]}", f"table {grid.number}")
        for label, cells in rows:
            place = f"table {grid.number} row {label!r}"
            row = _row_of(label)
            if row and row.peak is not None and not peak_hours:
                peak_hours = tuple(_peak_hours(page))
            if row:
                yield from _row_quotes(row, cells, money, region, peak_hours, place)
            elif label.lower() in CONCURRENCY:
                yield from _concurrency(cells, region, place)
            elif not _known(label):
                yield Notice("unknown_word", f"row {label!r} is not known", place)
    if peak_hours and _HOLIDAYS.search(page):
        yield Notice(
            "holidays", "peak hours do not hold on Chinese public holidays, which is not in the time band", "footnote"
        )


def _row_of(label: str) -> _Row | None:
    """The component and the part of the day a row label names, or None for a row that is no price."""
    words = re.sub(r"^(pricing|价格)\s+", "", label.lower())
    peak: bool | None = None
    for ending, meaning in (("off-peak", False), ("空闲时段", False), ("peak", True), ("高峰时段", True)):
        if words.endswith(" " + ending):
            words, peak = words.removesuffix(ending).strip(), meaning
            break
    component = COMPONENT_WORDS.get(words)
    return _Row(component, peak) if component else None


def _known(label: str) -> bool:
    return any(label.lower().startswith(word) for word in IGNORED)


def _concurrency(cells: list[tuple[str, Cell]], region: str, place: str) -> Iterator[Record]:
    for model, cell in cells:
        if cell.text.isdigit() and not cell.merged:
            amount = Decimal(cell.text)
            yield Limit("deepseek", model, "", "concurrency", "instant", amount, region=region, locator=place)


def _row_quotes(
    row: _Row, cells: list[tuple[str, Cell]], money: Money, region: str, peak_hours: tuple[str, ...], place: str
) -> Iterator[Record]:
    """A row is read as a whole or not at all: one odd cell may mean that all have moved."""
    try:
        priced = [(model, prices_in(cell, money)) for model, cell in cells]
    except ParseError as error:
        yield Notice("bad_row", str(error), place)
        return
    for model, prices in priced:
        reading = Reading({}, row.component, "", prices, money.currency, f"{place} column {model!r}")
        for condition in [Condition(hours=hours) for hours in peak_hours] if row.peak else [ALWAYS]:
            yield from reading.quotes(Offer("deepseek", model, region=region), condition)


def _peak_hours(page: str) -> Iterator[str]:
    """The footnote's peak hours as time bands; a peak row without readable hours would bill at a guess."""
    sentences = [found.group() for found in _SENTENCE.finditer(page) if _ABOUT_PEAK.search(found.group())]
    timed = [sentence for sentence in sentences if _CLOCK.search(sentence)]
    zones = {zone for word, zone in _ZONES.items() if timed and word in timed[0].lower()}
    if len(timed) != 1 or len(zones) != 1:
        raise ParseError("peak prices without readable peak hours in the footnote")
    days = "Mon-Fri " if _WEEKDAYS.search(timed[0]) else ""
    for start, start_minute, end, end_minute in _CLOCK.findall(timed[0]):
        band = f"{days}{int(start):02d}:{start_minute}-{int(end):02d}:{end_minute} {min(zones)}"
        yield str(parse_band(band))


COMPONENT_WORDS = {
    "百万tokens输入(缓存命中)": "cache_read",
    "百万tokens输入(缓存未命中)": "input",
    "百万tokens输出": "output",
    "1m input tokens (cache hit)": "cache_read",
    "1m input tokens (cache miss)": "input",
    "1m output tokens": "output",
    "百万tokens输入 (缓存命中)": "cache_read",
    "百万tokens输入 (缓存未命中)": "input",
}
CONCURRENCY = frozenset(("并发限制", "concurrency limit"))
IGNORED = (
    "base url",
    "模型版本",
    "model version",
    "思考模式",
    "thinking mode",
    "输出长度",
    "max output",
    "功能",
    "features",
    "json output",
    "tool calls",
    "对话前缀续写",
    "chat prefix completion",
    "fim 补全",
    "fim completion",
    "上下文长度",
    "context length",
)
