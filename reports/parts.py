"""What a report is made of: tables, charts, sections. Values stay raw here; render.py words them.

A cell's kind says how it is written. `step` is an old -> new pair read from `<key>_old` and `<key>_new`; `evidence` is
a tuple of quote ids; everything else is one value. Text from outside is only ever a value, never markup.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Row = Mapping[str, Any]
KINDS = frozenset(
    [
        "text",
        "code",
        "count",
        "money",
        "step",
        "percent",
        "change",
        "factor",
        "when",
        "day",
        "evidence",
        "tok_s",
        "ms",
        "tenths",
        "hours",
        "probability",
        "link",
    ]
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the row's key, its title in the reader's language, and how its values are written."""

    key: str
    title: str
    kind: str = "text"

    @property
    def fields(self) -> tuple[str, ...]:
        """The keys it reads: what the data file has as columns."""
        return (f"{self.key}_old", f"{self.key}_new") if self.kind == "step" else (self.key,)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows to look numbers up in; the first `shown` are printed, all go into the data file `<table_id>`."""

    table_id: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    shown: int = 25
    note: str = ""
    extra: tuple[str, ...] = ()  # keys that only the data file has
    folded: bool = False  # to look things up in: the page shows its title, a click the rows

    @property
    def printed(self) -> tuple[Row, ...]:
        return self.rows[: self.shown]

    @property
    def fields(self) -> tuple[str, ...]:
        return (*(name for column in self.columns for name in column.fields), *self.extra)


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture (inline SVG), the same in words, and the data file behind it."""

    chart_id: str
    title: str
    svg: str
    text: str
    data: Table


@dataclass(frozen=True, slots=True)
class Section:
    """One question and its answer. Without tables and charts, `sentences` say why."""

    section_id: str
    title: str
    sentences: tuple[str, ...] = ()
    charts: tuple[Chart, ...] = ()
    tables: tuple[Table, ...] = ()

    @property
    def filled(self) -> tuple[Table, ...]:
        return tuple(table for table in self.tables if table.rows)


@dataclass(frozen=True, slots=True)
class Citation:
    """One line of the evidence list: the quote as the source wrote it, and the bytes it was read from."""

    number: int
    quote_id: int
    row: Row


@dataclass(frozen=True, slots=True)
class Report:
    """A week, told."""

    label: str
    told_to_utc: datetime
    lang: str
    title: str
    subtitle: str
    warnings: tuple[str, ...]
    summary: tuple[str, ...]
    sections: tuple[Section, ...]
    citations: Mapping[int, Citation] = field(default_factory=dict)

    def tables(self) -> list[Table]:
        """Every table and every chart's data, once each."""
        found = {chart.data.table_id: chart.data for section in self.sections for chart in section.charts}
        found |= {table.table_id: table for section in self.sections for table in section.tables}
        return list(found.values())
