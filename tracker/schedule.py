"""What is due, computed from the ledger alone: a restart loses nothing and cron can do what the daemon does."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

FIRST_RETRY = timedelta(minutes=10)
LONGEST_WAIT = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class SourceState:
    """One source's last passes. `failures` counts the failed ones since the last good one."""

    source_id: str
    every_hours: float
    last_try: datetime | None = None
    last_good: datetime | None = None
    failures: int = 0


def next_due(state: SourceState) -> datetime | None:
    """When a source is to be read next; None: now. Failures back off by doubling, up to a day."""
    every = timedelta(hours=state.every_hours)
    if state.last_try is None:
        return None
    if not state.failures:
        return state.last_try + every
    doubled = FIRST_RETRY * 2 ** min(state.failures - 1, 20)
    return state.last_try + min(doubled, max(every, LONGEST_WAIT))


def due(states: Iterable[SourceState], now: datetime) -> list[str]:
    """The sources to read now. A last try in the future means that the clock was set back: read it."""
    found = []
    for state in states:
        when = next_due(state)
        turned_back = state.last_try is not None and state.last_try > now
        if when is None or when <= now or turned_back:
            found.append(state.source_id)
    return found


def week_of(moment: datetime) -> str:
    """ISO week as reports name it: 2026-W34."""
    year, week, _ = moment.isocalendar()
    return f"{year}-W{week:02d}"


def finished_week(now: datetime) -> str:
    """The last week that is over."""
    return week_of(now - timedelta(days=7))
