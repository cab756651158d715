"""What is due follows from times alone: slots that do not drift, back-off, and a clock that jumps."""

import itertools
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tracker.schedule import SourceState, Tries, due, finished_week, next_due, phase_of, ready, slot_start, this_monday

NOON = datetime.fromisoformat("2026-08-03T12:00")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def walk(every_hours: float, hours: float, takes: timedelta, restarts: tuple[int, ...] = ()) -> list[datetime]:
    """The passes of one source that always delivers, looked at every minute, but not in the hours of `restarts`."""
    passes: list[datetime] = []
    for minute in range(int(hours * 60)):
        now = NOON + minute * MINUTE
        if minute // 60 in restarts:
            continue
        state = SourceState("a", every_hours, passes[-1] if passes else None)
        if due([state], now):
            passes.append(now + takes)
    return passes


@pytest.mark.parametrize("every_hours", [1, 6, 24])
def test_slots_do_not_drift_and_none_is_read_twice(every_hours: float) -> None:
    passes = walk(every_hours, 30 * 24, takes=timedelta(seconds=50))
    slots = [slot_start(when, every_hours) for when in passes]
    assert len(set(slots)) == len(slots) >= 30 * 24 / every_hours


def test_after_a_pause_it_is_read_once_and_at_once() -> None:
    passes = walk(1, 12, MINUTE, restarts=(3, 4, 5, 6))
    gap = [b - a for a, b in itertools.pairwise(passes)]
    assert max(gap) == 5 * HOUR and len(passes) == 8


def test_failures_back_off_to_a_day_and_one_good_pass_ends_it() -> None:
    waits = []
    for failures in range(1, 12):
        when = next_due(SourceState("a", 1, NOON, None, failures))
        assert when is not None
        waits.append(when - NOON)
    assert waits[:4] == [10 * MINUTE, 20 * MINUTE, 40 * MINUTE, 80 * MINUTE] and waits[-1] == 24 * HOUR
    assert next_due(SourceState("a", 1, NOON, NOON, 0)) == NOON + HOUR


def test_the_phase_of_an_installation_is_fixed_and_its_own() -> None:
    phases = {phase_of(Path(f"/srv/{name}")) for name in "abcdefgh"}
    assert len(phases) == 8 and all(timedelta() <= phase < HOUR for phase in phases)
    assert phase_of(Path("/srv/a")) == phase_of(Path("/srv/a"))


@pytest.mark.parametrize(
    ("tries", "expected"),
    [
        (Tries(), True),
        (Tries(done=True, last=NOON - HOUR), False),
        (Tries(failures=1, last=NOON - 9 * MINUTE), False),
        (Tries(failures=1, last=NOON - 10 * MINUTE), True),
        (Tries(failures=4, last=NOON - HOUR), False),
        (Tries(failures=4, last=NOON + 400 * HOUR), True),  # the clock was set back
    ],
)
def test_a_chore_is_done_once_and_tried_again_with_pauses(tries: Tries, expected: bool) -> None:
    assert ready(tries, NOON) is expected


def test_the_week_that_is_over() -> None:
    assert finished_week(NOON) == "2026-W31" and this_monday(NOON) == datetime.fromisoformat("2026-08-03")
