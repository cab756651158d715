"""Rows on paper: a terminal table, or CSV, JSON, Parquet and Markdown for other tools."""

import json
import math
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tracker.errors import UsageError

MOST_ROWS = 100_000
FORMATS = ("table", "csv", "json", "parquet", "markdown")


def cell(value: object) -> str:
    """A value as a person reads it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}".removesuffix(" 00:00")
    return str(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def print_rows(rows: Sequence[Mapping[str, object]], title: str = "", limit: int = 0) -> None:
    """A table on a terminal; off one as wide as it needs, so that nothing is cut. Says so where `limit` was reached."""
    console = Console()
    if not rows:
        console.print(f"{title}: nothing" if title else "no rows", soft_wrap=True)
        return
    if not console.is_terminal:
        console = Console(width=max(80, sum(max(len(cell(row[name])) for row in rows) + 16 for name in rows[0])))
    if title:
        console.print(Text(title, style="bold"), soft_wrap=True)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in rows[0]:
        numeric = any(_is_number(row[name]) for row in rows)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell(value)) for value in row.values()))
    console.print(table)
    if len(rows) == limit:
        console.print(Text(f"the first {limit}; --limit shows more", style="dim"))


def write_table(table: pa.Table, form: str) -> None:
    """An Arrow table on standard output, in one of FORMATS. UsageError where it is too long for a person."""
    if form not in ("csv", "parquet") and table.num_rows > MOST_ROWS:
        raise UsageError(f"{table.num_rows:,} rows: add LIMIT, or take them as --format csv or parquet")
    if form == "csv":
        pa.csv.write_csv(table, sys.stdout.buffer)
    elif form == "parquet":
        pa.parquet.write_table(table, sys.stdout.buffer)
    elif form == "json":
        json.dump(_finite(table.to_pylist()), sys.stdout, default=_plain, ensure_ascii=False, indent=1)
        print()
    elif form == "markdown":
        print(markdown(table.column_names, [list(row.values()) for row in table.to_pylist()]))
    else:
        print_rows(table.to_pylist())


def _finite(value: object) -> object:
    """Without NaN and infinities, which JSON does not know: null."""
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def markdown(names: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A GitHub table; pipes in cells are escaped."""
    lines = ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
    lines += ["| " + " | ".join(cell(value).replace("|", "\\|") for value in row) + " |" for row in rows]
    return "\n".join(lines)
