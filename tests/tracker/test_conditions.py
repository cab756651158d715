"""When a price holds: bands on the vendor's calendar, prompt lengths, dates, and their composition."""

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.conditions import ALWAYS, DAYS, Condition, TimeBand, billed, parse_band, week_of_minutes
from tracker.errors import ParseError

ZONES = ["UTC", "Asia/Shanghai", "America/Los_Angeles", "Europe/Berlin", "Asia/Kolkata"]
MONDAY = datetime(2026, 3, 2)  # noqa: DTZ001
bands = st.builds(
    TimeBand,
    st.integers(0, 1439),
    st.integers(0, 1439),
    st.frozensets(st.integers(0, 6), min_size=1),
    st.sampled_from(ZONES),
)
moments = st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1))  # noqa: DTZ001


@given(bands)
def test_a_band_reads_back_as_it_was_written(band: TimeBand) -> None:
    assert parse_band(str(band)) == band


@given(bands, moments)
def test_a_band_follows_the_vendors_wall_clock(band: TimeBand, moment: datetime) -> None:
    local = moment.replace(tzinfo=UTC).astimezone(ZoneInfo(band.zone))
    minute = local.hour * 60 + local.minute
    wraps = band.start_minute >= band.end_minute
    started_yesterday = wraps and minute < band.end_minute and minute < band.start_minute
    day = (local.weekday() - started_yesterday) % 7
    length = (band.end_minute - band.start_minute) % 1440 or 1440
    inside = (minute - band.start_minute) % 1440 < length
    assert band.holds_at(moment) == (inside and day in band.weekdays)


@given(bands)
def test_a_week_has_the_minutes_its_days_have(band: TimeBand) -> None:
    length = (band.end_minute - band.start_minute) % 1440 or 1440
    in_utc = TimeBand(band.start_minute, band.end_minute, band.weekdays, "UTC")
    assert week_of_minutes(in_utc, MONDAY) == length * len(band.weekdays)


def test_the_beijing_weekend_begins_on_friday_afternoon_in_utc() -> None:
    weekend = parse_band("Sat-Sun 00:00-24:00 Asia/Shanghai")
    friday = datetime(2026, 8, 21, 15, 59)  # noqa: DTZ001
    assert not weekend.holds_at(friday)
    assert weekend.holds_at(friday + timedelta(minutes=1))
    assert weekend.holds_at(datetime(2026, 8, 23, 15, 59))  # noqa: DTZ001
    assert not weekend.holds_at(datetime(2026, 8, 23, 16, 0))  # noqa: DTZ001


@pytest.mark.parametrize("text", ["9-17 UTC", "Mon 25:00-26:00 UTC", "Moon 00:00-01:00 UTC", "00:00-01:00 Mars/Base"])
def test_an_unreadable_band_is_loud(text: str) -> None:
    with pytest.raises(ParseError):
        parse_band(text)


def test_days_are_written_as_people_write_them() -> None:
    assert str(parse_band("Mon-Fri 00:30-08:30 Asia/Shanghai")) == "Mon-Fri 00:30-08:30 Asia/Shanghai"
    assert parse_band("Fri-Mon 00:00-01:00 UTC").weekdays == {DAYS.index(day) for day in ("Fri", "Sat", "Sun", "Mon")}


@dataclass(frozen=True)
class Priced:
    name: str
    condition: Condition = ALWAYS
    priority: int = 0


@given(st.integers(0, 2_000_000), moments)
def test_prompt_bands_leave_no_gap_and_no_overlap(tokens: int, moment: datetime) -> None:
    edges = [0, 32_000, 128_000, 200_000, None]
    tiers = [Condition(low or 0, high) for low, high in itertools.pairwise(edges)]
    assert sum(tier.matches(moment, tokens) for tier in tiers) == 1


def test_the_later_override_wins_and_absent_ones_inherit() -> None:
    base = Priced("base")
    long_prompt = Priced("long", Condition(min_prompt_tokens=200_000), 1)
    night = Priced("night", Condition(hours="22:00-08:00 UTC"), 2)
    quotes = [base, long_prompt, night]
    noon, midnight = datetime(2026, 5, 5, 12), datetime(2026, 5, 5, 0)  # noqa: DTZ001
    names = [billed(quotes, when, tokens).name for when in (noon, midnight) for tokens in (1, 300_000)]  # type: ignore[union-attr]
    assert names == ["base", "long", "night", "night"]


def test_a_dated_price_follows_its_date_and_nothing_matching_is_unknown() -> None:
    cut = datetime(2026, 2, 1)  # noqa: DTZ001
    quotes = [Priced("old", Condition(effective_until=cut)), Priced("new", Condition(effective_from=cut))]
    assert billed(quotes, cut - timedelta(seconds=1), 0) == quotes[0]
    assert billed(quotes, cut, 0) == quotes[1]
    assert billed([Priced("peak", Condition(hours="09:00-10:00 UTC"))], datetime(2026, 1, 1, 12), 0) is None  # noqa: DTZ001
