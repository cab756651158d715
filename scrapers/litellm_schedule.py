"""LiteLLM's time bands: `off_peak_pricing` with windows in UTC and weekdays on a calendar of its own.

A window is `HH:MM-HH:MM` or a list of them; equal ends mean the whole day. Weekdays are ISO numbers or names, read at
the instant in `weekday_timezone` (default UTC). Documented at https://docs.litellm.ai/docs/proxy/off_peak_pricing
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from scrapers.json_text import JsonObject, as_list, as_object, as_text
from tracker.conditions import DAY_MINUTES, DAYS, TimeBand
from tracker.errors import ParseError

_WINDOW = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")
_WINTER, _SUMMER = datetime.fromisoformat("2026-01-15T12:00:00"), datetime.fromisoformat("2026-07-15T12:00:00")


def bands_of(block: JsonObject) -> Iterator[str]:
    """Canonical time bands of one `off_peak_pricing` block; ParseError for anything that is not understood."""
    zone = as_text(block.get("weekday_timezone")) or "UTC"
    found = False
    for rule in [block, *map(as_object, as_list(block.get("windows")))]:
        weekdays = _weekdays(rule.get("weekdays"))
        for window in _windows(rule.get("hours_utc")):
            found = True
            yield from _bands(window, weekdays, zone)
    if not found:
        raise ParseError("off_peak_pricing without hours_utc")


def _windows(value: Any) -> Iterator[tuple[int, int]]:
    for text in value if isinstance(value, list) else [value] if value is not None else []:
        match = _WINDOW.fullmatch(as_text(text))
        if not match:
            raise ParseError(f"not a window: {str(text)[:40]!r}")
        start_hour, start_minute, end_hour, end_minute = map(int, match.groups())
        yield (start_hour * 60 + start_minute) % DAY_MINUTES, (end_hour * 60 + end_minute) % DAY_MINUTES


def _weekdays(value: Any) -> frozenset[int]:
    if value is None:
        return frozenset(range(7))
    found = set()
    for word in as_list(value):
        text = str(word).strip()
        number = int(text) - 1 if text in "1234567" and len(text) == 1 else _DAY_NUMBERS.get(text[:3].casefold(), -1)
        if not 0 <= number < 7:
            raise ParseError(f"not a weekday: {text[:20]!r}")
        found.add(number)
    if not found:
        raise ParseError(f"no weekday in {str(value)[:40]!r}")
    return frozenset(found)


def _bands(window: tuple[int, int], weekdays: frozenset[int], zone: str) -> Iterator[str]:
    """A window is cut at the calendar's midnight: LiteLLM asks for the weekday of the instant, not of the start."""
    if len(weekdays) == 7:
        yield str(TimeBand(*window, weekdays, "UTC"))
        return
    offset = _offset_minutes(zone)
    length = (window[1] - window[0]) % DAY_MINUTES or DAY_MINUTES
    start = (window[0] + offset) % DAY_MINUTES
    head = min(length, DAY_MINUTES - start)
    yield str(TimeBand(start, (start + head) % DAY_MINUTES, weekdays, zone))
    if length > head:
        yield str(TimeBand(0, length - head, weekdays, zone))


def _offset_minutes(zone: str) -> int:
    try:
        offsets = {ZoneInfo(zone).utcoffset(moment) for moment in (_WINTER, _SUMMER)}
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ParseError(f"unknown time zone {zone[:40]!r}") from error
    if len(offsets) != 1:
        raise ParseError(f"weekdays in {zone} with hours in UTC: {zone} changes its clock")
    return int((offsets.pop() or timedelta()).total_seconds() // 60)


_DAY_NUMBERS = {name.casefold(): number for number, name in enumerate(DAYS)}
