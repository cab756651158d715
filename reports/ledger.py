"""The published history as a report reads it: public views only, one week at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from reports.week import Week, week_of
from tracker.errors import UsageError
from warehouse.history import History, open_history

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Ledger:
    """An open history, the week asked for, and which public views it has (older files lack some)."""

    history: History
    week: Week
    now_utc: datetime
    views: frozenset[str]

    def rows(self, sql: str, *params: object) -> Rows:
        return self.history.rows(sql, params)

    def at_week(self, label: str) -> "Ledger":
        """The same history, asked for another week."""
        return replace(self, week=week_of(label, self.now_utc))

    def has(self, view: str) -> bool:
        return view in self.views

    def rows_of(self, view: str, sql: str, *params: object) -> Rows:
        """The rows of a query on a view that this file may not have yet."""
        return self.rows(sql, *params) if self.has(view) else []

    def during(self, sql: str, *params: object) -> Rows:
        """`sql` ends with two parameters: from the week's start to where it is told, exclusive of the next week."""
        return self.rows(sql, *params, self.week.start_utc, self.week.told_to_utc)


def clock_of(history: History) -> datetime:
    """The ledger's own present."""
    now = history.rows("SELECT now_utc FROM clock")[0]["now_utc"]
    if not isinstance(now, datetime):
        raise UsageError(f"{history.path} holds no pass yet: run `tracker run` first")
    return now


def views_of(history: History) -> frozenset[str]:
    found = history.rows("SELECT table_name FROM information_schema.tables WHERE table_schema = 'main'")
    return frozenset(str(row["table_name"]) for row in found)


def tune(history: History, memory: str = "700MB") -> None:
    """Bound the engine so that a report of a large ledger stays within one gigabyte."""
    history.connection.execute(f"SET memory_limit = '{memory}'")
    history.connection.execute("SET preserve_insertion_order = false")
    history.connection.execute("SET TimeZone = 'UTC'")


@contextmanager
def open_week(path: Path, label: str | None) -> Iterator[Ledger]:
    """Open the published file on one week; None is the week of the ledger's clock."""
    with open_history(path) as history:
        tune(history)
        now = clock_of(history)
        yield Ledger(history, week_of(label, now), now, views_of(history))


def number(value: object) -> float | None:
    """A stored amount as a float, None where unknown."""
    return None if value is None else float(str(value))


def numbers(rows: Rows, key: str) -> list[float]:
    """The known values of one column."""
    return [value for row in rows if (value := number(row[key])) is not None]
