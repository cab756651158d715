"""ISO weeks in UTC: the span a report tells, and how much of it the ledger has seen."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from tracker.errors import UsageError

_LABEL = re.compile(r"(\d{4})-W(\d{2})")
TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Week:
    """Monday 00:00 UTC to the next, and the moment up to which it is told."""

    label: str
    start_utc: datetime
    end_utc: datetime
    told_to_utc: datetime

    @property
    def before_utc(self) -> datetime:
        """The last instant of the week before: what stood when this week began."""
        return self.start_utc - TICK

    @property
    def cut_short(self) -> bool:
        """The ledger's clock stands inside the week."""
        return self.told_to_utc < self.end_utc - TICK

    @property
    def first_day(self) -> date:
        return self.start_utc.date()

    @property
    def last_day(self) -> date:
        return (self.end_utc - TICK).date()


def monday_of(label: str) -> datetime:
    """`2026-W34` -> its Monday, 00:00 UTC (naive, as all stored times)."""
    match = _LABEL.fullmatch(label)
    try:
        day = date.fromisocalendar(int(match[1]), int(match[2]), 1) if match else None
    except ValueError:
        day = None
    if day is None:
        raise UsageError(f"{label!r} is not an ISO week: write it as 2026-W34")
    return datetime.combine(day, time())


def label_of(moment_utc: datetime) -> str:
    """The ISO week a moment lies in."""
    year, week, _ = moment_utc.replace(tzinfo=UTC).isocalendar()
    return f"{year}-W{week:02d}"


def week_of(label: str | None, now_utc: datetime) -> Week:
    """The week of `label`, told up to the ledger's clock; None is the week the clock stands in."""
    start = monday_of(label or label_of(now_utc))
    if start > now_utc:
        raise UsageError(f"{label} has not begun: the ledger's clock stands at {now_utc:%Y-%m-%d %H:%M} UTC")
    end = start + timedelta(days=7)
    return Week(label or label_of(now_utc), start, end, min(end - TICK, now_utc))
