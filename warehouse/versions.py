"""Change-only history as a pure function: what a pass shows, against what was known, is what opens and what closes.

A *version* is one value of one key with the time it was first seen. State is a plain dict of open versions; `advance`
moves it by one pass and returns the versions that opened and closed. The warehouse stores those and nothing else, so a
pass that shows the same again costs one row.

Two kinds of stream feed one source. A fetch of our own (`recorder == ""`) is the source itself: everything it shows is
compared with the state. A recording kept by somebody else may lag, so only what changed *within that recording* is
news; a late echo of a value the source has already left is not.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple

Key = tuple[object, ...]
Value = tuple[object, ...]
Evidence = tuple[object, ...]

MISSES_TO_CLOSE = 3
# A key last seen by a recording that fell silent closes when the others have not shown it for this long.
SILENT_RECORDER = timedelta(days=14)


@dataclass(slots=True)
class Version:
    """One value of one key. Open while `ended_at` is None."""

    version_id: int
    key: Key
    value: Value
    evidence: Evidence
    capture_id: int
    pass_id: int
    recorder: str
    observed_at: datetime
    recorded_at: datetime
    misses: int = 0
    missing_since: datetime | None = None
    ended_at: datetime | None = None
    ended_recorded_at: datetime | None = None
    end_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """What one pass shows for one key."""

    value: Value
    evidence: Evidence
    capture_id: int


@dataclass(slots=True)
class Hold:
    """A value that is not believed yet. `agreed` counts later passes that showed it again."""

    hold_id: int
    key: Key
    row: Row
    reason: str
    detail: str
    pass_id: int
    recorder: str
    observed_at: datetime
    recorded_at: datetime
    agreed: int = 0
    state: str = "waiting"
    decided_at: datetime | None = None
    decided_by: str | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """Which pass, and its times."""

    pass_id: int
    recorder: str
    observed_at: datetime
    recorded_at: datetime
    counts_absence: bool = True


@dataclass(slots=True)
class Changes:
    """What one pass did to the state."""

    opened: list[Version] = field(default_factory=list)
    closed: list[Version] = field(default_factory=list)
    touched: list[Version] = field(default_factory=list)  # only their miss counters moved
    holds: list[Hold] = field(default_factory=list)  # new or decided


@dataclass(slots=True)
class State:
    """Everything known of one kind of fact of one source; `scope` names both and goes into the version ids."""

    scope: str
    open: dict[Key, Version] = field(default_factory=dict)
    holds: dict[Key, Hold] = field(default_factory=dict)
    shown: dict[str, Mapping[Key, Row]] = field(default_factory=dict)  # last pass of each recording
    missing: set[Key] = field(default_factory=set)  # every open key that a pass lacked, until it is shown again
    counted: str | None = None  # whose pass came last, if its absences were counted
    left: dict[Key, list[Value]] = field(default_factory=dict)  # values a key has moved away from
    decided: dict[tuple[Key, Value], bool] = field(default_factory=dict)  # held values settled from outside


# (key, value now or None, row) -> None, or (reason, detail, passes that must agree (None = a person), hours they span)
Doubt = tuple[str, str, int | None, float]
Judge = Callable[[Key, Value | None, Row], Doubt | None]


class Calm(NamedTuple):
    """Price moves that no judge doubts: by less than `factor` either way, to no more than `ceiling`, whatever it is."""

    factor: int
    ceiling: int


NEVER_CALM = Calm(0, 0)


def believe(_key: Key, _old: Value | None, _row: Row) -> Doubt | None:
    """The judge that doubts nothing."""
    return None


def identity(*parts: object) -> int:
    """A stable 62-bit id of some parts: the same fact has the same id in every rebuild."""
    return _short(repr(parts))


def row_texts(rows: Mapping[Key, Row]) -> list[str]:
    """Key and value of each row as text: what a pass's fingerprint and the ids of its versions are made of."""
    return [f"{key!r}, {row.value!r}" for key, row in rows.items()]


def identities(scope: str, texts: Iterable[str], since: datetime) -> list[int]:
    """`identity(scope, key, value, since)` of many rows by their texts."""
    head, tail = f"({scope!r}, ", f", {since!r})"
    return [_short(f"{head}{text}{tail}") for text in texts]


def _short(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") >> 2


Moved = Mapping[Key, Row | None]


def advance(
    state: State, rows: Mapping[Key, Row], moment: Moment, judge: Judge = believe, moved: Moved | None = None
) -> Changes:
    """Move `state` by one pass and say what changed; the state is updated in place.

    `moved` spares comparing every row: the keys whose row may differ from the same recording's pass before, with the
    row that stood there. O(rows) without it, O(moved, held and missing keys) with it.
    """
    changes = Changes()
    for key, row in _news(state, rows, moment, moved):
        _show(state, key, row, moment, judge, changes)
    if state.holds:
        _expire(state, rows, moment, changes)
    if moment.counts_absence:
        _count_absence(state, rows, moment, moved, changes)
    state.counted = moment.recorder if moment.counts_absence else None
    if moment.recorder:
        state.shown[moment.recorder] = rows
    return changes


def _news(state: State, rows: Mapping[Key, Row], moment: Moment, moved: Moved | None) -> list[tuple[Key, Row]]:
    """The rows worth looking at: all that differ for a fetch of ours, all that changed inside a recording."""
    known, holds = state.open, state.holds
    if moment.recorder == "":
        return [
            (key, row)
            for key, row in rows.items()
            if (now := known.get(key)) is None or now.value != row.value or now.missing_since or key in holds
        ]
    before = state.shown.get(moment.recorder)
    if before is None:
        # first sight of a recording: nothing is known to have changed, so it only adds what nobody showed yet
        return [(key, row) for key, row in rows.items() if key not in known]
    flagged = dict.fromkeys((*holds, *(key for key in state.missing if known[key].missing_since)))
    if moved is None:
        moved = {key: was for key, row in rows.items() if (was := before.get(key)) is not row}
    news = [
        (key, rows[key])
        for key, was in moved.items()
        if key in rows and (was is None or was.value != rows[key].value) and key not in flagged
    ]
    return news + [(key, rows[key]) for key in flagged if key in rows]


def _show(state: State, key: Key, row: Row, moment: Moment, judge: Judge, changes: Changes) -> None:
    now = state.open.get(key)
    if now is not None and now.missing_since:
        now.misses, now.missing_since = 0, None
        state.missing.discard(key)
        changes.touched.append(now)
    if now is not None and now.value == row.value:
        return
    if now is not None and moment.recorder not in ("", now.recorder) and row.value in state.left.get(key, ()):
        return  # a late echo from a lagging recording
    if (verdict := state.decided.get((key, row.value))) is not None:
        if verdict:
            _open(state, key, row, moment, moment.observed_at, changes)
        return
    held = state.holds.get(key)
    if held is not None and held.row.value == row.value:
        _agree(state, key, held, row, moment, judge, changes)
        return
    doubt = judge(key, now.value if now else None, row)
    if doubt is None:
        _open(state, key, row, moment, moment.observed_at, changes)
        return
    if held is not None:
        _decide(held, "expired", "another value followed", moment, changes)
    hold_id = identity(state.scope, key, row.value, moment.observed_at)
    times = moment.observed_at, moment.recorded_at
    hold = Hold(hold_id, key, row, doubt[0], doubt[1], moment.pass_id, moment.recorder, *times)
    state.holds[key] = hold
    changes.holds.append(hold)


def _agree(state: State, key: Key, held: Hold, row: Row, moment: Moment, judge: Judge, changes: Changes) -> None:
    """A held value was shown again: admit it, back-dated to its first sight, once enough passes agree."""
    held.agreed += 1
    changes.holds.append(held)
    now = state.open.get(key)
    doubt = judge(key, now.value if now else None, row)
    if doubt is not None:
        _, _, passes, hours = doubt
        if passes is None or held.agreed < passes or moment.observed_at - held.observed_at < timedelta(hours=hours):
            return
    _decide(
        held,
        "admitted",
        f"{held.agreed} later passes agree" if doubt else "others agree",
        moment,
        changes,
    )
    del state.holds[key]
    first = Moment(held.pass_id, held.recorder, held.observed_at, moment.recorded_at)
    since = max(held.observed_at, now.observed_at) if now else held.observed_at
    # the value as just parsed: one read back from storage is equal but may be written differently, and ids are text
    _open(state, key, Row(row.value, held.row.evidence, held.row.capture_id), first, since, changes)


def _decide(held: Hold, outcome: str, why: str, moment: Moment, changes: Changes) -> None:
    held.state, held.decided_by, held.decided_at = outcome, why, moment.observed_at
    if held not in changes.holds:
        changes.holds.append(held)


def _expire(state: State, rows: Mapping[Key, Row], moment: Moment, changes: Changes) -> None:
    """A held value that the same stream no longer shows was a passing glitch."""
    for key, held in list(state.holds.items()):
        row = rows.get(key)
        if (
            held.recorder == moment.recorder
            and held.pass_id != moment.pass_id
            and (row is None or row.value != held.row.value)
        ):
            _decide(held, "expired", "not shown again", moment, changes)
            del state.holds[key]


def _open(state: State, key: Key, row: Row, moment: Moment, since: datetime, changes: Changes) -> None:
    now = state.open.get(key)
    if now is not None:
        _close(state, now, since, "changed", moment, changes)
    version = Version(
        identity(state.scope, key, row.value, since),
        key,
        row.value,
        row.evidence,
        row.capture_id,
        moment.pass_id,
        moment.recorder,
        since,
        moment.recorded_at,
    )
    state.open[key] = version
    state.missing.discard(key)
    changes.opened.append(version)


def _close(state: State, version: Version, ended_at: datetime, reason: str, moment: Moment, changes: Changes) -> None:
    version.ended_at, version.ended_recorded_at, version.end_reason = ended_at, moment.recorded_at, reason
    state.left.setdefault(version.key, []).append(version.value)
    changes.closed.append(version)


def _count_absence(
    state: State, rows: Mapping[Key, Row], moment: Moment, moved: Moved | None, changes: Changes
) -> None:
    """A good pass without a key is a miss; three of them, by a stream that has shown the key, end it."""
    # right after a pass of the same recording only what that pass lacked, or what moved since, can be absent
    asked = state.open if moved is None or state.counted != moment.recorder else (*state.missing, *moved)
    absent = dict.fromkeys(key for key in asked if key in state.open and key not in rows)
    state.missing.update(absent)
    for key in absent:
        version = state.open[key]
        if moment.observed_at <= version.observed_at:
            continue
        version.missing_since = version.missing_since or moment.observed_at
        changes.touched.append(version)
        if _may_miss(state, key, version, moment):
            version.misses += 1
        if version.misses >= MISSES_TO_CLOSE:
            _close(state, version, version.missing_since, "removed", moment, changes)
            del state.open[key]
            state.missing.discard(key)


def _may_miss(state: State, key: Key, version: Version, moment: Moment) -> bool:
    """Whether this stream's silence about a key means anything: it showed it before, or nobody else has for long."""
    if moment.recorder in ("", version.recorder) or key in state.shown.get(moment.recorder, ()):
        return True
    return version.missing_since is not None and moment.observed_at - version.missing_since > SILENT_RECORDER
