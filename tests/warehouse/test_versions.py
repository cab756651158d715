"""Change-only history: storing passes and asking as-of gives back what each pass showed."""

import itertools
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from warehouse.versions import MISSES_TO_CLOSE, Changes, Moment, Row, State, Version, advance

START = datetime(2026, 1, 1)  # noqa: DTZ001
KEYS = [(name,) for name in "abcd"]

shows = st.dictionaries(st.sampled_from(KEYS), st.integers(0, 3), max_size=4)


def rows(values: dict[tuple[str], int]) -> dict[tuple[object, ...], Row]:
    return {key: Row((value,), (), 1) for key, value in values.items()}


def moment(day: int, recorder: str = "", absence: bool = True) -> Moment:
    when = START + timedelta(days=day)
    return Moment(day, recorder, when, when, absence)


def tell(
    passes: list[dict[tuple[str], int]], recorder: str = "", absence: bool = True
) -> tuple[State, list[Version], list[Changes]]:
    state, every, changes = State("test/quote"), [], []
    for day, shown in enumerate(passes):
        change = advance(state, rows(shown), moment(day, recorder, absence))
        every.extend(change.opened)
        changes.append(change)
    return state, every, changes


def asof(versions: list[Version], when: datetime) -> dict[tuple[object, ...], object]:
    return {v.key: v.value[0] for v in versions if v.observed_at <= when and (v.ended_at is None or v.ended_at > when)}


@given(st.lists(shows, min_size=1, max_size=12))
def test_as_of_gives_back_every_value_a_pass_showed(passes: list[dict[tuple[str], int]]) -> None:
    _, versions, _ = tell(passes)
    for day, shown in enumerate(passes):
        known = asof(versions, START + timedelta(days=day))
        assert {key: known[key] for key in shown} == shown


@given(st.lists(shows, min_size=1, max_size=12))
def test_a_key_is_gone_exactly_when_three_passes_in_a_row_lacked_it(passes: list[dict[tuple[str], int]]) -> None:
    state, _, _ = tell(passes)
    for key in KEYS:
        seen = [key in shown for shown in passes]
        missed = next((i for i, there in enumerate(reversed(seen)) if there), len(seen))
        assert (key in state.open) == (any(seen) and missed < MISSES_TO_CLOSE)


@given(st.lists(shows, min_size=1, max_size=8))
def test_the_same_pass_again_changes_nothing(passes: list[dict[tuple[str], int]]) -> None:
    state, _, _ = tell(passes)
    missing = {key for key, version in state.open.items() if version.missing_since}
    again = advance(state, rows(passes[-1]), moment(len(passes)))
    assert not again.opened
    assert {version.key for version in (*again.closed, *again.touched)} == missing


@given(st.lists(shows, min_size=1, max_size=12))
def test_versions_of_a_key_never_overlap_and_never_repeat(passes: list[dict[tuple[str], int]]) -> None:
    _, versions, _ = tell(passes)
    for key in KEYS:
        path = sorted((v for v in versions if v.key == key), key=lambda v: v.observed_at)
        for before, after in itertools.pairwise(path):
            assert before.ended_at is not None and before.ended_at <= after.observed_at
            assert before.value != after.value or before.end_reason == "removed"
    assert len({v.version_id for v in versions}) == len(versions)


def test_an_outage_never_delists() -> None:
    a = KEYS[0]
    state, _, _ = tell([{a: 1}, {}, {}, {}, {}], absence=False)
    assert a in state.open and state.open[a].misses == 0


def test_absence_ends_at_the_first_miss_not_at_the_third() -> None:
    _, versions, _ = tell([{KEYS[0]: 1}, {}, {}, {}])
    assert versions[0].ended_at == START + timedelta(days=1)
    assert versions[0].end_reason == "removed"


def by_key(changes: Changes) -> list[list[Version]]:
    lists = changes.opened, changes.closed, changes.touched
    return [sorted(versions, key=lambda version: str(version.key)) for versions in lists]


steps = st.tuples(st.sampled_from(["one", "two"]), shows, st.booleans())


@given(st.lists(steps, min_size=1, max_size=14))
def test_saying_what_moved_changes_nothing_but_the_work(story: list[tuple[str, dict[tuple[str], int], bool]]) -> None:
    plain, hinted = State("test/quote"), State("test/quote")
    before: dict[str, dict[tuple[object, ...], Row]] = {}
    for day, (recorder, values, counts) in enumerate(story):
        known, shown, at = before.get(recorder), rows(values), moment(day // 2, recorder, counts)
        moved = None
        if known is not None:
            shown = {key: known[key] if known.get(key) == row else row for key, row in shown.items()}
            moved = {key: known.get(key) for key in known | shown if known.get(key) is not shown.get(key)}
        told = [advance(hinted, shown, at, moved=moved), advance(plain, shown, at)]
        assert by_key(told[0]) == by_key(told[1])
        assert (hinted.open, hinted.left) == (plain.open, plain.left)
        before[recorder] = shown


def test_a_lagging_recording_does_not_undo_what_another_has_seen() -> None:
    a = KEYS[0]
    state = State("test/quote")
    story = [("fast", 0, 1), ("slow", 1, 1), ("fast", 2, 2), ("fast", 3, 3), ("slow", 4, 2), ("slow", 5, 3)]
    opened = []
    for recorder, day, value in story:
        opened += advance(state, rows({a: value}), moment(day, recorder)).opened
    assert [(v.value[0], v.observed_at.day) for v in opened] == [(1, 1), (2, 3), (3, 4)]


def test_a_second_recording_adds_only_what_nobody_showed() -> None:
    a, b = KEYS[:2]
    state = State("test/quote")
    advance(state, rows({a: 1}), moment(0, "one"))
    change = advance(state, rows({a: 9, b: 2}), moment(1, "two"))
    assert [v.key for v in change.opened] == [b]


def test_a_key_of_a_silent_recording_ends_when_the_others_have_lacked_it_for_two_weeks() -> None:
    a, b = KEYS[:2]
    state = State("test/quote")
    advance(state, rows({a: 1}), moment(0, "one"))
    for day in range(1, 14):
        advance(state, rows({b: 1}), moment(day, "two"))
    assert a in state.open
    for day in range(14, 20):
        advance(state, rows({b: 1}), moment(day, "two"))
    assert a not in state.open


def test_a_held_value_is_admitted_from_its_first_sight() -> None:
    a = KEYS[0]
    doubtful = lambda _key, old, row: ("jump", "", 1, 1.0) if old and row.value[0] > 5 else None  # noqa: E731
    state = State("test/quote")
    for day, value in enumerate([1, 9, 9]):
        change = advance(state, rows({a: value}), moment(day), doubtful)
    assert [hold.state for hold in change.holds] == ["admitted"]
    assert change.opened[0].observed_at == START + timedelta(days=1)
    assert change.closed[0].ended_at == START + timedelta(days=1)


def test_a_glitch_that_is_not_shown_again_never_enters() -> None:
    a = KEYS[0]
    doubtful = lambda _key, old, row: ("jump", "", 1, 1.0) if old and row.value[0] > 5 else None  # noqa: E731
    state, opened = State("test/quote"), []
    for day, value in enumerate([1, 9, 1, 1]):
        opened += advance(state, rows({a: value}), moment(day), doubtful).opened
    assert [v.value[0] for v in opened] == [1]
    assert not state.holds


def test_a_doubt_that_only_a_person_can_settle_waits() -> None:
    a = KEYS[0]
    doubtful = lambda _key, old, row: ("unit", "", None, 0.0) if old and row.value[0] > 5 else None  # noqa: E731
    state = State("test/quote")
    for day, value in enumerate([1, *[9] * 10]):
        advance(state, rows({a: value}), moment(day), doubtful)
    assert state.open[a].value == (1,) and state.holds[a].agreed == 9
    state.decided[a, (9,)] = True
    advance(state, rows({a: 9}), moment(11), doubtful)
    assert state.open[a].value == (9,)
