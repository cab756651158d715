"""When a price holds: prompt-token bands, time bands on the vendor's calendar, effective dates, and their composition.

A time band is written `Mon-Fri 00:30-08:30 Asia/Shanghai` (weekdays optional; `22:00-08:00` wraps past midnight and
belongs to the weekday it starts on). Prompt-token bands are half-open: min <= tokens < max.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tracker.errors import ParseError

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY_MINUTES = 24 * 60
_EVER = datetime(1, 1, 1)  # noqa: DTZ001  naive UTC like every stored time
_BAND = re.compile(r"(?:(?P<days>[A-Za-z,-]+) )?(?P<start>\d\d:\d\d)-(?P<end>\d\d:\d\d) (?P<zone>[\w/+-]+)")


@dataclass(frozen=True, slots=True)
class TimeBand:
    """Minutes of the vendor's local day, on some weekdays (0 = Monday). `start == end` means the whole day."""

    start_minute: int
    end_minute: int
    weekdays: frozenset[int]
    zone: str

    def __str__(self) -> str:
        hours = f"{_clock(self.start_minute)}-{_clock(self.end_minute)} {self.zone}"
        return hours if len(self.weekdays) == 7 else f"{_day_text(self.weekdays)} {hours}"

    def holds_at(self, moment_utc: datetime) -> bool:
        """Is the band open at this instant (naive UTC or aware)?"""
        aware = moment_utc if moment_utc.tzinfo else moment_utc.replace(tzinfo=UTC)
        local = aware.astimezone(ZoneInfo(self.zone))
        minute, day = local.hour * 60 + local.minute, local.weekday()
        if self.start_minute < self.end_minute:
            return day in self.weekdays and self.start_minute <= minute < self.end_minute
        if minute >= self.start_minute:
            return day in self.weekdays
        return minute < self.end_minute and (day - 1) % 7 in self.weekdays


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _day_text(weekdays: frozenset[int]) -> str:
    """`Mon-Fri`, `Sat-Sun` for runs, `Mon,Wed` else."""
    days = sorted(weekdays)
    if len(days) > 1 and days == list(range(days[0], days[-1] + 1)):
        return f"{DAYS[days[0]]}-{DAYS[days[-1]]}"
    return ",".join(DAYS[day] for day in days)


def _minutes(text: str) -> int:
    hours, minutes = int(text[:2]), int(text[3:])
    if hours > 24 or minutes > 59 or hours * 60 + minutes > DAY_MINUTES:
        raise ParseError(f"no such time of day: {text}")
    return (hours * 60 + minutes) % DAY_MINUTES


def _days(text: str | None) -> frozenset[int]:
    if not text:
        return frozenset(range(7))
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        try:
            begin, end = DAYS.index(first), DAYS.index(last or first)
        except ValueError as error:
            raise ParseError(f"no such weekday: {part!r}") from error
        found.update((begin + step) % 7 for step in range((end - begin) % 7 + 1))
    return frozenset(found)


@lru_cache(maxsize=4096)
def parse_band(text: str) -> TimeBand:
    """Read a time band; raises ParseError for an unknown weekday, time or zone."""
    match = _BAND.fullmatch(text)
    if not match:
        raise ParseError(f"not a time band: {text!r} (expected e.g. 'Mon-Fri 00:30-08:30 Asia/Shanghai')")
    try:
        ZoneInfo(match["zone"])
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ParseError(f"unknown time zone in {text!r}") from error
    return TimeBand(_minutes(match["start"]), _minutes(match["end"]), _days(match["days"]), match["zone"])


@dataclass(frozen=True, slots=True)
class Condition:
    """What must be true for a quote to be the one that bills. All parts must match; the default always does."""

    min_prompt_tokens: int = 0
    max_prompt_tokens: int | None = None
    hours: str = ""  # canonical text of a TimeBand, "" for always
    effective_from: datetime | None = None
    effective_until: datetime | None = None

    def matches(self, moment_utc: datetime, prompt_tokens: int) -> bool:
        if prompt_tokens < self.min_prompt_tokens:
            return False
        if self.max_prompt_tokens is not None and prompt_tokens >= self.max_prompt_tokens:
            return False
        if self.effective_from and moment_utc < self.effective_from:
            return False
        if self.effective_until and moment_utc >= self.effective_until:
            return False
        return not self.hours or parse_band(self.hours).holds_at(moment_utc)


ALWAYS = Condition()


class Conditioned(Protocol):
    """Anything with a condition and a priority: a Quote, or a row read back from the ledger."""

    @property
    def condition(self) -> Condition: ...
    @property
    def priority(self) -> int: ...


C = TypeVar("C", bound=Conditioned)


def billed(candidates: Iterable[C], moment_utc: datetime, prompt_tokens: int) -> C | None:
    """Which of one component's quotes bills at this instant for this prompt length.

    Later effective date wins, then the source's own precedence (`priority`, e.g. the order of overrides), then the
    narrower condition. None when nothing matches: unknown, not free.
    """
    matching = [quote for quote in candidates if quote.condition.matches(moment_utc, prompt_tokens)]
    return max(matching, key=_precedence, default=None)


def _precedence(quote: Conditioned) -> tuple[datetime, int, int]:
    condition = quote.condition
    narrowness = bool(condition.hours) * 2 + bool(condition.min_prompt_tokens or condition.max_prompt_tokens)
    return condition.effective_from or _EVER, quote.priority, narrowness


def week_of_minutes(band: TimeBand, monday_utc: datetime) -> int:
    """Open minutes in the week that starts at `monday_utc`: for duty-weighted averages of peak and off-peak."""
    return sum(band.holds_at(monday_utc + timedelta(minutes=minute)) for minute in range(7 * DAY_MINUTES))
