"""What is due, computed from the ledger alone: a restart loses nothing and cron can do what the daemon does.

Time is cut into slots of each source's interval, counted from 1970 and shifted by a phase that belongs to the
installation, so that not every tracker of the world asks at the full hour. A source is due when no pass lies in the
present slot: it does not drift, and however often one looks, a slot is read once.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

FIRST_RETRY = timedelta(minutes=10)
LONGEST_WAIT = timedelta(hours=24)
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  naive UTC like every stored time


@dataclass(frozen=True, slots=True)
class SourceState:
    """One source's last passes, none of them in the future. `failures`: failed ones since the last good one."""

    source_id: str
    every_hours: float
    last_try: datetime | None = None
    last_good: datetime | None = None
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Tries:
    """How one slot of a chore stands."""

    done: bool = False
    failures: int = 0
    last: datetime | None = None


def phase_of(root: Path) -> timedelta:
    """Where in the hour this installation's slots begin: fixed, and different for each."""
    return timedelta(seconds=int.from_bytes(hashlib.blake2b(str(root).encode(), digest_size=4).digest()) % 3600)


def slot_start(moment: datetime, every_hours: float, phase: timedelta = timedelta()) -> datetime:
    """Begin of the slot that holds `moment`."""
    every = timedelta(hours=every_hours)
    return EPOCH + phase + (moment - EPOCH - phase) // every * every


def next_due(state: SourceState, phase: timedelta = timedelta()) -> datetime | None:
    """When a source is to be read next; None: now. Failures back off by doubling, up to a day."""
    if state.last_try is None:
        return None
    every = timedelta(hours=state.every_hours)
    if not state.failures:
        return slot_start(state.last_try, state.every_hours, phase) + every
    return state.last_try + min(backed_off(state.failures), max(every, LONGEST_WAIT))


def backed_off(failures: int) -> timedelta:
    """The wait after so many failures in a row."""
    doublings: int = 2 ** min(max(failures, 1) - 1, 20)
    return min(FIRST_RETRY * doublings, LONGEST_WAIT)


def due(states: Iterable[SourceState], now: datetime, phase: timedelta = timedelta()) -> list[str]:
    """The sources to read now."""
    return [state.source_id for state in states if (when := next_due(state, phase)) is None or when <= now]


def ready(tries: Tries, now: datetime) -> bool:
    """Whether a chore's slot is to be worked on: not done, and not just failed (unless the clock went back)."""
    if tries.done:
        return False
    return tries.last is None or tries.last > now or tries.last + backed_off(tries.failures) <= now


def week_of(moment: datetime) -> str:
    """ISO week as reports name it: 2026-W34."""
    year, week, _ = moment.isocalendar()
    return f"{year}-W{week:02d}"


def finished_week(now: datetime) -> str:
    """The last week that is over."""
    return week_of(now - timedelta(days=7))


def this_monday(now: datetime) -> datetime:
    """When the finished week ended."""
    return datetime(now.year, now.month, now.day) - timedelta(days=now.weekday())  # noqa: DTZ001
