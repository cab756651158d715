"""Prices of a table: columns by header text, money by currency mark and unit, and a last look before records leave."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from scrapers.tables.grids import Cell, Table
from scrapers.tables.text import clean
from tracker.conditions import ALWAYS, Condition
from tracker.errors import ParseError
from tracker.records import COMPONENTS, Limit, Notice, Offer, Quote, Record
from tracker.units import PER_MTOK, amount_of

ABSENT = frozenset(
    ("", "-", "--", "—", "——", "–", "/", "\\", "n/a", "not available", "not supported", "不支持", "暂不支持", "不涉及")
)
FREE = {
    "free": "list",
    "免费": "list",
    "free of charge": "list",
    "limited-time free": "discount",
    "限时免费": "discount",
}
# "2,625" alone may be a thousand or a page in another language; with a point behind it the comma groups
_NUMBER = r"(?P<n>[1-9]\d{0,2}(?:,\d{3})+\.\d+|\d+(?:\.\d+)?|\.\d+)"
_STRUCK = re.compile(r"~~(?P<was>[^~]+)~~\s*(?P<now>[^~]+)")


@dataclass(frozen=True, slots=True)
class Money:
    """How a page writes a price: the currency mark before or after the number, and the unit words that may follow."""

    currency: str
    before: str = ""
    after: str = ""
    units: tuple[str, ...] = ("",)


@dataclass(frozen=True, slots=True)
class Price:
    """One price of a cell; `basis` discount stands beside a struck-out list price or a limited-time word."""

    amount: Decimal
    raw: str
    status: str = "known"
    basis: str = "list"


@dataclass(frozen=True, slots=True)
class Reading:
    """The prices of one component in one row, with the row's other cells by meaning."""

    facts: Mapping[str, str]
    component: str
    mark: str  # second word of the column's meaning, e.g. "long" of "input long"
    prices: tuple[Price, ...]
    currency: str
    locator: str

    def quotes(self, offer: Offer, condition: Condition = ALWAYS, unit: str = "") -> Iterator[Quote]:
        """The same prices as quotes of an offer; per million tokens unless the component or the caller says else."""
        unit = unit or ("mtok_hour" if self.component == "cache_storage_hour" else "mtok")
        for price in self.prices:
            yield Quote(
                offer, self.component, price.amount, self.currency, price.status, unit, price.basis, condition,
                raw=price.raw, locator=self.locator,
            )  # fmt: skip


def meanings(table: Table, words: Mapping[str, str]) -> tuple[dict[int, str], list[Notice]]:
    """Column index -> meaning. Unknown header text is a Notice; two columns of one meaning contradict each other."""
    found: dict[int, str] = {}
    notices: list[Notice] = []
    for index, text in enumerate(table.header):
        meaning = words.get(text.lower())
        if meaning is None:
            notices.append(Notice("unknown_word", f"column {text!r} is not known", table.place))
        elif meaning and meaning in found.values():
            raise ParseError(f"{table.place}: two columns mean {meaning!r}")
        elif meaning:
            found[index] = meaning
    return found, notices


def priced(tables: Iterable[Table], words: Mapping[str, str], required: Iterable[str]) -> Iterator[Table | Notice]:
    """The tables that have every required meaning among their columns; each other one leaves a Notice."""
    for table in tables:
        found = {words.get(text.lower()) for text in table.header}
        if found.issuperset(required):
            yield table
        else:
            yield Notice("skipped", f"not read: table of {', '.join(table.header)[:160]}", table.place)


def all_readings(
    tables: Iterable[Table], words: Mapping[str, str], money: Money, required: Collection[str], fill: str = ""
) -> Iterator[tuple[Table, Reading] | Notice]:
    """`readings` of every priced table, each with its table."""
    for table in priced(tables, words, required):
        if isinstance(table, Notice):
            yield table
            continue
        for reading in readings(table, words, money, required, fill):
            yield reading if isinstance(reading, Notice) else (table, reading)


def readings(
    table: Table, words: Mapping[str, str], money: Money, required: Iterable[str] = ("model",), fill: str = ""
) -> Iterator[Reading | Notice]:
    """Every price of a table. `words` maps lower-case header text to a component, a fact, or "" (known, not used).

    `fill` names the fact whose blank cell repeats the one above (merged cells that lost their span).
    """
    columns, notices = meanings(table, words)
    missing = [name for name in required if name not in columns.values()]
    if missing:
        raise ParseError(f"{table.place}: no column for {', '.join(missing)} in {list(table.header)}")
    yield from notices
    last = ""
    for number, row in enumerate(table.rows):
        if len(row) != len(table.header):
            yield Notice(
                "bad_row", f"row has {len(row)} cells for {len(table.header)} columns", f"{table.place} row {number}"
            )
            last = ""
            continue
        facts = {columns[at]: cell.text for at, cell in enumerate(row) if at in columns and not _component(columns[at])}
        if fill:
            last = facts[fill] = facts[fill] or last
        found = list(_row_readings(table, number, row, columns, facts, money)) if facts.get("model", "x") else []
        yield from found
        if found and all(isinstance(entry, Notice) for entry in found):
            last = ""  # not a price row: the blank cell below it does not continue it


def _component(meaning: str) -> str:
    name = meaning.split(" ")[0]
    return name if name in COMPONENTS else ""


def _row_readings(
    table: Table, number: int, row: tuple[Cell, ...], columns: Mapping[int, str], facts: Mapping[str, str], money: Money
) -> Iterator[Reading | Notice]:
    name = facts.get("model", str(number))
    for index, meaning in columns.items():
        component = _component(meaning)
        if not component:
            continue
        locator = f"{table.place} row {number} {name!r} column {table.header[index]!r}"
        cell = row[index]
        try:
            prices = prices_in(cell, money)
        except ParseError as error:
            yield Notice("bad_row", str(error), locator)
            continue
        if prices:
            yield Reading(facts, component, meaning.partition(" ")[2], prices, money.currency, locator)


def prices_in(cell: Cell | str, money: Money) -> tuple[Price, ...]:
    """The prices a cell states: none (absent), one, or a struck-out list price beside what is charged now."""
    text = cell.text if isinstance(cell, Cell) else cell
    if isinstance(cell, Cell) and cell.merged:
        raise ParseError(f"{text[:40]!r} stretches over several columns")
    if text.lower() in ABSENT:
        return ()
    struck = _STRUCK.fullmatch(text)
    if struck:
        was, now = price_of(clean(struck["was"]), money, struck["now"]), price_of(clean(struck["now"]), money)
        return was, replace(now, basis="discount")
    return (price_of(text, money),)


def price_of(text: str, money: Money, unit_from: str = "") -> Price:
    """One price, matched in full: mark, number, unit. A struck price may leave its unit to the price beside it."""
    word = text.lower()
    if word in FREE:
        return Price(Decimal(0), text, "free", FREE[word])
    before = re.escape(money.before) + r"\s?" if money.before else ""
    after = r"\s?" + re.escape(money.after) if money.after else ""
    found = re.fullmatch(rf"{before}{_NUMBER}{after}(?P<unit>[^\d]*)", text)
    units = {unit.replace(" ", "").lower() for unit in money.units}
    if not found or (found["unit"].replace(" ", "").lower() not in units and not (unit_from and not found["unit"])):
        raise ParseError(f"not a price in {money.currency}: {text[:60]!r}")
    amount = amount_of(found["n"], PER_MTOK)
    if not amount:
        raise ParseError(f"a zero without a word that says free: {text[:60]!r}")
    return Price(amount, text)


def loud(records: Iterable[Record]) -> Iterator[Record]:
    """Pass records on, settled; no quote at all is a ParseError."""
    kept = list(records)
    if not any(isinstance(record, Quote) for record in kept):
        raise ParseError("no price could be read from the page: layout changed, empty, or not the price page")
    yield from settled(kept)


def settled(records: Iterable[Record]) -> Iterator[Record]:
    """Pass records on, but what is told twice is told once, and a point with two amounts has neither."""
    kept = list(dict.fromkeys(records))
    amounts: dict[object, set[Decimal | None]] = {}
    for record in kept:
        if isinstance(record, Quote | Limit):
            amounts.setdefault(_point(record), set()).add(record.amount)
    told: set[object] = set()
    for record in kept:
        if not isinstance(record, Quote | Limit):
            yield record
            continue
        point = _point(record)
        if len(amounts[point]) > 1:
            yield Notice("conflict", f"{_named(record)} beside another number", record.locator)
        elif point not in told:
            yield record
        told.add(point)


def _point(record: Quote | Limit) -> object:
    if isinstance(record, Limit):
        return replace(record, amount=None, status="", locator="")
    return record.offer, record.component, record.condition, record.basis, record.unit, record.currency


def _named(record: Quote | Limit) -> str:
    if isinstance(record, Limit):
        name = f"{record.provider}/{record.listed_name}" if record.listed_name else record.provider
        return f"{name} {record.measure} per {record.window}: {record.amount}"
    return f"{record.offer} {record.component}: {record.raw!r}"
