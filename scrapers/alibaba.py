"""Alibaba Model Studio's price documents: one layout in two languages and two currencies.

Headers carry the unit; a region is a heading or tab above the table; a deployment scope and a thinking mode that is
priced apart become the variant, together with the input price they share. A limited-time price is told as a list price
and a share of it. Cache and batch prices are told as shares in prose and are not computed here.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from scrapers.tables import Cell, Money, Price, Reading, Table, band_condition, meanings, priced, prices_in
from tracker.errors import ParseError
from tracker.records import COMPONENTS, Notice, Offer, Record
from tracker.units import amount_of, decimal_of

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")


@dataclass(frozen=True, slots=True)
class Words:
    """One market's language: its columns, regions, scopes, modes, promo sentence and money."""

    money: Money
    columns: Mapping[str, str]
    regions: Mapping[str, str]
    scopes: Mapping[str, str]
    modes: Mapping[str, str]
    promo: re.Pattern[str]  # groups: list, and tenths (Chinese 折) or off (percent)
    unbanded: frozenset[str]

    def plain(self, table: Table) -> Table:
        """The table with the two spellings of `(每百万Token)` made one."""
        return replace(
            table, header=tuple(text.replace(" (每百万", "(每百万").replace("万 T", "万T") for text in table.header)
        )

    def meaning(self, header: str) -> str:
        return self.columns.get(header.lower(), "")


def document_prices(tables: list[Table], page: Words) -> Iterator[Record]:
    """Every per-token price of one market's document."""
    for table in priced(map(page.plain, tables), page.columns, ("model", "input")):
        if isinstance(table, Notice):
            yield table
            continue
        region = next((page.regions[text] for text in table.headings if text in page.regions), "")
        if not region or not any(meaning.startswith("output") for meaning in map(page.meaning, table.header)):
            yield Notice(
                "skipped", f"no region above it or no output price: {', '.join(table.header)[:120]}", table.place
            )
        elif not region.startswith("cn-") and "scope" not in map(page.meaning, table.header):
            yield Notice("skipped", f"no deployment scope outside China: {', '.join(table.header)[:120]}", table.place)
        else:
            yield from _table_records(table, region, page)


def _table_records(table: Table, region: str, page: Words) -> Iterator[Record]:
    columns, notices = meanings(table, page.columns)
    yield from notices
    ways = {meaning.partition(" ")[2] for meaning in columns.values() if meaning.startswith("output")}
    for number, row in enumerate(table.rows):
        place = f"{table.place} row {number}"
        if len(row) != len(table.header):
            yield Notice("bad_row", f"{len(row)} cells for {len(table.header)} columns", place)
            continue
        facts = {columns[index]: cell.text for index, cell in enumerate(row) if index in columns}
        name = _NAME.match(facts["model"])
        scope, mode = page.scopes.get(facts.get("scope", "")), page.modes.get(facts.get("mode", ""))
        if not name or scope is None or mode is None:
            yield Notice("unknown_word", f"model, scope or mode is not known: {list(facts.values())[:3]}", place)
            continue
        for index, meaning in columns.items():
            component, _, mark = meaning.partition(" ")
            for variant in [mark] if mark or component == "output" else sorted(ways):
                if component in COMPONENTS:
                    tag = ",".join(part for part in (scope, variant or mode) if part)
                    offer = Offer("alibaba", name.group(), region=region, variant=tag)
                    yield from _cell(
                        offer,
                        component,
                        row[index],
                        facts.get("band", "-"),
                        page,
                        f"{place} {table.header[index]!r}",
                    )


def _cell(offer: Offer, component: str, cell: Cell, band: str, page: Words, place: str) -> Iterator[Record]:
    try:
        promo = page.promo.fullmatch(cell.text)
        prices = _promo_prices(promo, cell.text, page) if promo and not cell.merged else prices_in(cell, page.money)
        condition = band_condition("-" if band in page.unbanded else band)
    except ParseError as error:
        yield Notice("bad_row", str(error), place)
        return
    yield from Reading({}, component, "", prices, page.money.currency, place).quotes(offer, condition)


def _promo_prices(promo: re.Match[str], text: str, page: Words) -> tuple[Price, ...]:
    """The list price, and the stated share of it as the discount."""
    (listed,) = prices_in(promo["list"], page.money)
    words = promo.groupdict()
    share = decimal_of(words["tenths"]) / 10 if words.get("tenths") else 1 - decimal_of(words.get("off")) / 100
    if not 0 < share < 1:
        raise ParseError(f"not a discount: {text[:40]!r}")
    return listed, Price(amount_of(listed.amount, share), text, basis="discount")
