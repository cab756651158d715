"""Quiet hours and digests on real nights: over midnight, weekends, and the two nights whose length changes."""

import json
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.reports.ledgers import MONDAY, Typed, price
from tracker.alerts import send_alerts
from tracker.records import Offer
from tracker.settings import Home

BERLIN = ZoneInfo("Europe/Berlin")
SPRING, AUTUMN = "2026-03-29", "2026-10-25"  # 02:00 becomes 03:00; 03:00 becomes 02:00


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """One cut that nobody was told of."""
    offer = Offer("host", "cheap")
    typed = Typed(models={offer: "qwen/qwen3-32b"})
    for day, amount in enumerate(("1", "0.5")):
        typed.daily([day], price(offer, amount, amount))
    root: Path = tmp_path_factory.mktemp("home")
    return typed.publish(root)


def utc(local: str, fold: int = 0) -> datetime:
    """A Berlin wall clock as naive UTC; `fold` 1 is the second 02:30 of an autumn night."""
    moment = datetime.fromisoformat(local).replace(tzinfo=BERLIN, fold=fold)
    return moment.astimezone(ZoneInfo("UTC")).replace(tzinfo=None)


def told(home: Home, now: datetime, quiet: str) -> bool:
    home.config.write_text(f'[[alerts]]\nto = ["json://127.0.0.1:9/x"]\nkinds = ["cut"]\nquiet = "{quiet}"\n')
    return bool(send_alerts(home, dry_run=True, now=now))


@pytest.mark.parametrize("day", [SPRING, AUTUMN, "2026-06-14"])
def test_a_night_over_midnight_ends_by_the_wall_clock(home: Home, day: str) -> None:
    quiet = "22:00-07:00 Europe/Berlin"
    evening = f"{datetime.fromisoformat(day) - timedelta(days=1):%Y-%m-%d}"
    begins, ends = utc(f"{evening}T22:00"), utc(f"{day}T07:00")
    assert ends - begins == timedelta(hours={SPRING: 8, AUTUMN: 10}.get(day, 9))
    assert told(home, begins - timedelta(minutes=1), quiet)
    for minutes in range(0, int((ends - begins).total_seconds() // 60), 15):
        assert not told(home, begins + timedelta(minutes=minutes), quiet), minutes
    assert not told(home, ends - timedelta(minutes=1), quiet)
    assert told(home, ends, quiet)


def test_a_window_that_begins_or_ends_in_the_hour_that_is_skipped(home: Home) -> None:
    # there is no 02:30 on that night: what begins then begins at 03:00, what ends then ends at 03:00
    assert told(home, utc(f"{SPRING}T01:59"), "02:30-06:00 Europe/Berlin")
    assert not told(home, utc(f"{SPRING}T03:00"), "02:30-06:00 Europe/Berlin")
    assert not told(home, utc(f"{SPRING}T01:59"), "23:00-02:30 Europe/Berlin")
    assert told(home, utc(f"{SPRING}T03:00"), "23:00-02:30 Europe/Berlin")


def test_a_window_in_the_hour_that_comes_twice_holds_both_times(home: Home) -> None:
    for fold in (0, 1):
        assert not told(home, utc(f"{AUTUMN}T02:15", fold), "02:00-02:30 Europe/Berlin"), fold
        assert told(home, utc(f"{AUTUMN}T02:45", fold), "02:00-02:30 Europe/Berlin"), fold


def test_a_night_belongs_to_the_day_it_begins_on(home: Home) -> None:
    quiet = "Sat-Sun 22:00-07:00 Europe/Berlin"
    assert told(home, utc("2026-03-28T06:30"), quiet), "Friday's night"
    assert not told(home, utc(f"{SPRING}T06:30"), quiet), "Saturday's night"
    assert not told(home, utc("2026-03-30T06:30"), quiet), "Sunday's night reaches into Monday"
    assert told(home, utc("2026-03-30T22:30"), quiet)


@pytest.mark.filterwarnings("ignore:.*imghdr.*:DeprecationWarning")  # apprise still imports it
@pytest.mark.parametrize("day", [SPRING, AUTUMN])
def test_a_daily_digest_stays_at_its_hour_and_never_comes_twice_a_day(
    home: Home, day: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hourly ticks that come a few seconds early or late, over a week around the change, with news every hour."""
    home.config.write_text(
        '[[alerts]]\nto = ["json://127.0.0.1:9/x"]\nquiet = "22:00-07:00 Europe/Berlin"\ndigest_hours = 24\n'
    )
    monkeypatch.setattr("tracker.alerts._send", lambda _subscription, _events: "")
    (home.root / "alerts.json").unlink(missing_ok=True)
    begin, sent = datetime.fromisoformat(day) - timedelta(days=4), []
    for hour in range(8 * 24):
        now = begin + timedelta(hours=hour, seconds=hour * 7 % 20)
        if send_alerts(home, now=now):
            sent.append(now)
            path = home.root / "alerts.json"
            path.write_text(json.dumps({**json.loads(path.read_text()), "told": {}}))
    clocks = [moment.replace(tzinfo=ZoneInfo("UTC")).astimezone(BERLIN) for moment in sent]
    assert [clock.date() for clock in clocks] == [begin.date() + timedelta(days=n) for n in range(8)]
    assert all(clock.hour in (7, 8) for clock in clocks), clocks
    assert all(later - earlier > timedelta(hours=23, minutes=59) for earlier, later in pairwise(sent))


def test_the_event_is_of_the_ledger(home: Home) -> None:
    assert told(home, MONDAY + timedelta(days=2), "")
