"""Telling a source's history again from all its captures: after a parser was repaired, or when older recordings arrive.

What comes out the same keeps its row and its recorded_at. What does not is stamped `superseded_at` and stays, so that
`quotes_asof(ts, known_at)` still answers with what was known then. Doing it twice changes nothing.
"""

from collections.abc import Iterable
from datetime import datetime

from tracker.records import Notice, Offer
from warehouse.ledger import JudgeOf, load_state, nobody
from warehouse.passes import PassFacts, Summary, content_hash
from warehouse.series import append_series, passes_with_series, settle_again, stage_again
from warehouse.shapes import QUOTE, SHAPES, Shape
from warehouse.store import Connection, insert, transaction
from warehouse.versions import Changes, Hold, State, Version, advance, believe
from warehouse.writes import (
    PASS_COLUMNS,
    delete,
    now_row,
    past_row,
    write_holds,
    write_notices,
    write_offers,
    write_passes,
)


class Telling:
    """A history being told: open states, what closed, and one line per pass. New series go straight to the ledger."""

    def __init__(self, connection: Connection, source_id: str, judge_of: JudgeOf | None) -> None:
        self.connection = connection
        self.source_id = source_id
        self.judge_of = judge_of
        self.states = {shape.kind: State(f"{source_id}/{shape.kind}") for shape in SHAPES}
        self.states["quote"].decided = load_state(connection, QUOTE, source_id).decided
        self.closed: dict[str, list[Version]] = {shape.kind: [] for shape in SHAPES}
        self.holds: dict[int, Hold] = {}
        self.passes: list[tuple[tuple[object, ...], PassFacts]] = []
        self.latest: PassFacts | None = None
        self.again: list[int] = []  # passes stored before whose series are told again
        self._with_series = passes_with_series(connection, source_id)
        self._fingerprint = ""
        self._offers: set[Offer] = set()  # written by this telling
        self._notices: set[tuple[str, str, str]] = set()

    def show(self, facts: PassFacts, known: bool) -> None:
        """Advance every kind by one pass."""
        counts, pending, row_count, notices = [0, 0, 0], 0, facts.row_count, len(facts.notices)
        if not (self.latest and facts.offers is self.latest.offers):
            write_offers(self.connection, facts.offers - self._offers)
            self._offers |= facts.offers
        if not known:
            facts.notices = self._unheard(facts)
            append_series(self.connection, [facts])
            write_notices(self.connection, [facts])
        elif facts.outcome != "failed" and self._shows_series(facts):
            stage_again(self.connection, facts)
            self.again.append(facts.pass_id)
        for shape in SHAPES if facts.outcome != "failed" else ():
            state, rows = self.states[shape.kind], facts.rows[shape.kind]
            if not rows and not state.open:
                continue
            judge = self.judge_of(facts, nobody) if self.judge_of and shape is QUOTE else believe
            changes = advance(state, rows, facts.moment, judge, facts.moved.get(shape.kind))
            self.closed[shape.kind].extend(changes.closed)
            pending += len(state.holds) + sum(1 for key in state.missing if state.open[key].missing_since)
            self._count(counts, changes)
        self.passes.append((_pass_row(facts, row_count, counts, pending, notices), facts))
        if self.latest:
            self.latest.forget()
        self.latest = facts

    def finish(self) -> None:
        """Give the last pass its fingerprint: the next live pass is compared with it, the others never again."""
        if self.latest:
            row, facts = self.passes[-1]
            at = PASS_COLUMNS.index("content_hash")
            self.passes[-1] = (*row[:at], content_hash(self.latest), *row[at + 1 :]), facts

    def _shows_series(self, facts: PassFacts) -> bool:
        """Whether a pass stored before has series of its own: one that showed the same as the pass before has none."""
        before = self._fingerprint
        if facts.metrics or facts.fx_rates or facts.demand:
            self._fingerprint = content_hash(facts)
        return facts.pass_id in self._with_series or self._fingerprint != before

    def _unheard(self, facts: PassFacts) -> list[Notice]:
        """A notice is stored once: those of earlier passes need not be looked up in the ledger again."""
        told = {(notice.kind, notice.text, notice.locator): notice for notice in facts.notices}
        fresh = [notice for mark, notice in told.items() if mark not in self._notices]
        self._notices |= told.keys()
        return fresh

    def _count(self, counts: list[int], changes: Changes) -> None:
        counts[0] += len(changes.opened)
        counts[1] += len(changes.closed)
        for hold in changes.holds:
            self.holds[hold.hold_id] = hold
            counts[2] += hold.state == "waiting" and hold.agreed == 0


def retell(
    connection: Connection,
    source_id: str,
    passes: Iterable[PassFacts],
    told_at: datetime,
    judge_of: JudgeOf | None = None,
) -> Summary:
    """Replay all passes of a source, oldest first, and make the ledger tell exactly that; one transaction.

    `passes` is consumed lazily, one pass in memory at a time; a pass stored before carries its old recorded_at.
    """
    query = "SELECT pass_id FROM core.pass WHERE source_id = ?"
    known = {pass_id for (pass_id,) in connection.execute(query, [source_id]).fetchall()}
    with transaction(connection):
        telling = Telling(connection, source_id, judge_of)
        for facts in passes:
            telling.show(facts, facts.pass_id in known)
        telling.finish()
        settle_again(connection, source_id, telling.again, told_at)
        counts = [
            _settle(connection, shape, source_id, telling.states[shape.kind], telling.closed[shape.kind], told_at)
            for shape in SHAPES
        ]
        connection.execute(
            # what a person said, or other sources at the time of a live pass, cannot be told again from captures
            "DELETE FROM core.hold WHERE source_id = ? AND NOT (coalesce(decided_by, '') = 'a person' "
            "OR (coalesce(decided_by, '') = 'others agree' AND recorder = ''))",
            [source_id],
        )
        write_holds(connection, source_id, telling.holds.values())
        delete(connection, "core.pass", [facts.pass_id for _, facts in telling.passes], "pass_id")
        write_passes(connection, telling.passes)
    opened, ended = (sum(column) for column in zip(*counts, strict=True))
    held = sum(1 for hold in telling.holds.values() if hold.state == "waiting")
    rows = sum(row[6] for row, _ in telling.passes if isinstance(row[6], int))
    return Summary(source_id, "good", rows, opened, ended, held)


def _pass_row(facts: PassFacts, row_count: int, counts: list[int], pending: int, notices: int) -> tuple[object, ...]:
    return (
        facts.pass_id, facts.source_id, facts.recorder, facts.observed_at, facts.recorded_at, facts.outcome,
        row_count, *counts, pending, notices, "", facts.problem, facts.duration_ms,
    )  # fmt: skip


def _settle(
    connection: Connection, shape: Shape, source_id: str, state: State, closed: list[Version], told_at: datetime
) -> tuple[int, int]:
    """Make the two tables of one kind hold exactly these versions; returns how many rows were added to each."""
    now_table, past_table = f"core.{shape.kind}_now", f"core.{shape.kind}_past"
    stored = {version.version_id: version for version in load_state(connection, shape, source_id).open.values()}
    past = _active_past(connection, past_table, source_id)
    wanted = {(v.version_id, v.ended_at, v.end_reason) for v in closed}
    fresh = [v for v in closed if (v.version_id, v.ended_at, v.end_reason) not in past]
    for version in fresh:
        was_open = stored.get(version.version_id)
        version.recorded_at = was_open.recorded_at if was_open else told_at
        version.ended_recorded_at = told_at
    still = {version.version_id for version in state.open.values()}
    ended = {version.version_id for version in fresh}
    wrong = [v for i, v in stored.items() if i not in still and i not in ended]
    for version in wrong:
        version.ended_at, version.ended_recorded_at, version.end_reason = told_at, told_at, "superseded"
    _supersede(connection, past_table, [mark for mark in past if mark not in wanted], told_at)
    rows = [past_row(shape, source_id, v) for v in (*fresh, *wrong)]
    insert(connection, past_table, shape.past_columns, rows)
    _supersede(connection, past_table, [(v.version_id, told_at, "superseded") for v in wrong], told_at)
    for version in state.open.values():
        was_open = stored.get(version.version_id)
        version.recorded_at = was_open.recorded_at if was_open else told_at
    connection.execute(f"DELETE FROM {now_table} WHERE source_id = ?", [source_id])
    insert(connection, now_table, shape.now_columns, [now_row(source_id, v) for v in state.open.values()])
    return len(still - set(stored)), len(fresh)


Mark = tuple[int, datetime | None, str | None]


def _active_past(connection: Connection, table: str, source_id: str) -> set[Mark]:
    """Closed versions that no later telling has superseded (a correction of a dated price is its own telling)."""
    query = (
        f"SELECT version_id, ended_at, end_reason FROM {table} WHERE source_id = ? "
        "AND (superseded_at IS NULL OR (end_reason = 'changed' AND superseded_at = ended_recorded_at))"
    )
    return set(connection.execute(query, [source_id]).fetchall())


def _supersede(connection: Connection, table: str, marks: list[Mark], told_at: datetime) -> None:
    if not marks:
        return
    insert_columns = ("version_id", "ended_at", "end_reason")
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE outdated (version_id BIGINT, ended_at TIMESTAMP, end_reason VARCHAR)"
    )
    insert(connection, "outdated", insert_columns, marks)
    connection.execute(
        f"UPDATE {table} SET superseded_at = ? FROM outdated WHERE {table}.version_id = outdated.version_id "
        f"AND {table}.ended_at = outdated.ended_at AND {table}.end_reason = outdated.end_reason",
        [told_at],
    )
    connection.execute("DROP TABLE outdated")
