"""Storing passes: load what a source said last, move it by one pass, write only what changed.

Recordings that arrive late, and captures read again by a better parser, go through `warehouse.retell` instead.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from warehouse.moves import find_moves, shown, write_plain
from warehouse.passes import PassFacts, Summary, content_hash, texts_of
from warehouse.series import append_series
from warehouse.shapes import QUOTE, SHAPES, Shape
from warehouse.store import Connection, transaction
from warehouse.versions import NEVER_CALM, Calm, Hold, Judge, Key, Row, State, Version, advance, believe
from warehouse.writes import (
    write_holds,
    write_notices,
    write_offers,
    write_passes,
    write_versions,
)

Witness = Callable[[Key], list[Decimal]]
JudgeOf = Callable[[PassFacts, Witness], Judge]
Trust = tuple[Judge, Calm]


def nobody(_key: Key) -> list[Decimal]:
    """No witness."""
    return []


def append_pass(
    connection: Connection, facts: PassFacts, judge_of: JudgeOf | None = None, calm: Calm = NEVER_CALM
) -> Summary:
    """Store one live pass in one transaction. The same pass twice is stored once; an unchanged one costs one row.

    `calm` says which moves `judge_of` never doubts, so that they need not be judged one by one.
    """
    known = connection.execute("SELECT 1 FROM core.pass WHERE pass_id = ?", [facts.pass_id]).fetchone()
    if known:
        return Summary(facts.source_id, facts.outcome, facts.row_count, known=True)
    with transaction(connection):
        if facts.outcome == "failed":
            return _write_pass(connection, facts, "", Done())
        texts = texts_of(facts)
        fingerprint = content_hash(facts, texts)
        last = connection.execute(
            "SELECT content_hash, pending, outcome FROM core.pass WHERE source_id = ? AND outcome <> 'failed' "
            "ORDER BY observed_at DESC, recorded_at DESC LIMIT 1",
            [facts.source_id],
        ).fetchone()
        if last == (fingerprint, 0, "good") and facts.outcome == "good":
            return _write_pass(connection, facts, fingerprint, Done())
        write_offers(connection, facts.offers)
        trust = (judge_of(facts, _witness(connection, facts.source_id)), calm) if judge_of else None
        done = Done()
        for shape in SHAPES:
            if facts.rows[shape.kind] or _stands(connection, shape, facts.source_id):
                _move(connection, shape, facts, texts[shape.kind], trust if shape is QUOTE else None, done)
        append_series(connection, [facts])
        write_notices(connection, [facts])
        return _write_pass(connection, facts, fingerprint, done)


@dataclass(slots=True)
class Done:
    """What a pass did to the ledger, counted; `pending`: holds that wait and versions that are missing."""

    opened: int = 0
    closed: int = 0
    held: int = 0
    pending: int = 0


def _stands(connection: Connection, shape: Shape, source_id: str) -> bool:
    query = f"SELECT 1 FROM core.{shape.kind}_now WHERE source_id = ? LIMIT 1"
    return bool(connection.execute(query, [source_id]).fetchall())


def _move(
    connection: Connection, shape: Shape, facts: PassFacts, texts: list[str], trust: Trust | None, done: Done
) -> None:
    """Move what is known of one kind by what the pass shows, and count it. Without `trust` everything is believed."""
    judge, calm = trust or (believe, None)
    source_id, rows = facts.source_id, facts.rows[shape.kind]
    with shown(connection, shape, rows):
        moves = find_moves(connection, shape, source_id, rows, calm)
        write_plain(connection, shape, source_id, texts, moves, facts.moment)
    state = load_state(connection, shape, source_id, moves.open_ids)
    changes = advance(state, moves.odd, facts.moment, judge)
    write_versions(connection, shape, source_id, changes)
    write_holds(connection, source_id, changes.holds)
    done.opened += len(changes.opened) + len(moves.plain)
    done.closed += len(changes.closed) + len(moves.plain)
    done.held += sum(1 for hold in changes.holds if hold.state == "waiting" and hold.agreed == 0)
    done.pending += len(state.holds) + sum(1 for version in state.open.values() if version.missing_since)


def _witness(connection: Connection, source_id: str) -> Witness:
    """Prices of the same offer and component at sources that copy nobody."""

    def ask(key: Key) -> list[Decimal]:
        found = connection.execute(
            "SELECT q.amount FROM core.quote_now q JOIN ref.source s USING (source_id) WHERE q.offer_id = ? "
            "AND q.component = ? AND q.source_id <> ? AND s.copies = '' AND q.amount IS NOT NULL",
            [key[0], key[1], source_id],
        ).fetchall()
        return [amount for (amount,) in found]

    return ask


def load_state(connection: Connection, shape: Shape, source_id: str, only: Sequence[int] | None = None) -> State:
    """The open versions (all, or those with the ids in `only`) and waiting holds of one source and kind."""
    state = State(f"{source_id}/{shape.kind}")
    columns = [c for c in shape.now_columns if c != "source_id"]
    keys, values = len(shape.key_columns), len(shape.value_columns)
    split = 1 + keys, 1 + keys + values, 1 + keys + values + len(shape.evidence_columns)
    among, given = ("", []) if only is None else ("AND version_id IN (SELECT unnest(?))", [list(only)])
    query = f"SELECT {', '.join(columns)} FROM core.{shape.kind}_now WHERE source_id = ? {among}"
    for row in connection.execute(query, [source_id, *given]).fetchall() if only != [] else ():
        key, value, evidence = row[1 : split[0]], row[split[0] : split[1]], row[split[1] : split[2]]
        state.open[key] = version = Version(row[0], key, value, evidence, *row[split[2] :])
        if version.missing_since:
            state.missing.add(key)
    if shape is QUOTE:
        _load_holds(connection, state, source_id)
    return state


def _load_holds(connection: Connection, state: State, source_id: str) -> None:
    columns = (*QUOTE.key_columns, *QUOTE.value_columns, *QUOTE.evidence_columns)
    tail = "hold_id, capture_id, pass_id, recorder, reason, detail, agreed, observed_at, recorded_at, state, decided_by"
    query = f"SELECT {', '.join(columns)}, {tail} FROM core.hold WHERE source_id = ?"
    for row in connection.execute(query, [source_id]).fetchall():
        key, value, evidence = row[:7], row[7:13], row[13:15]
        hold_id, capture_id, pass_id, recorder, reason, detail, agreed, observed_at, recorded_at, outcome, by = row[15:]
        if outcome == "waiting":
            shown = Row(value, evidence, capture_id)
            times = observed_at, recorded_at
            state.holds[key] = Hold(hold_id, key, shown, reason, detail, pass_id, recorder, *times, agreed)
        elif by == "a person" or (by == "others agree" and recorder == ""):
            state.decided[key, value] = outcome == "admitted"


def _write_pass(connection: Connection, facts: PassFacts, fingerprint: str, done: Done) -> Summary:
    row = (
        facts.pass_id, facts.source_id, facts.recorder, facts.observed_at, facts.recorded_at, facts.outcome,
        facts.row_count, done.opened, done.closed, done.held, done.pending, len(facts.notices), fingerprint,
        facts.problem, facts.duration_ms,
    )  # fmt: skip
    write_passes(connection, [(row, facts)])
    return Summary(
        facts.source_id, facts.outcome, facts.row_count, done.opened, done.closed, done.held, len(facts.notices),
        facts.problem,
    )  # fmt: skip
