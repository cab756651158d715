"""Storing passes: load what a source said last, move it by one pass, write only what changed.

Recordings that arrive late, and captures read again by a better parser, go through `warehouse.retell` instead.
"""

from collections.abc import Callable
from decimal import Decimal

from warehouse.passes import PassFacts, Summary, content_hash
from warehouse.shapes import QUOTE, SHAPES, Shape
from warehouse.store import Connection, transaction
from warehouse.versions import Changes, Hold, Judge, Key, Row, State, Version, advance, believe
from warehouse.writes import (
    write_holds,
    write_offers,
    write_passes,
    write_series,
    write_versions,
)

Witness = Callable[[Key], list[Decimal]]
JudgeOf = Callable[[PassFacts, Witness], Judge]


def nobody(_key: Key) -> list[Decimal]:
    """No witness."""
    return []


def append_pass(connection: Connection, facts: PassFacts, judge_of: JudgeOf | None = None) -> Summary:
    """Store one live pass in one transaction. The same pass twice is stored once; an unchanged one costs one row."""
    known = connection.execute("SELECT 1 FROM core.pass WHERE pass_id = ?", [facts.pass_id]).fetchone()
    if known:
        return Summary(facts.source_id, facts.outcome, facts.row_count, known=True)
    with transaction(connection):
        if facts.outcome == "failed":
            return _write_pass(connection, facts, "", Changes(), 0)
        fingerprint = content_hash(facts)
        last = connection.execute(
            "SELECT content_hash, pending, outcome FROM core.pass WHERE source_id = ? AND outcome <> 'failed' "
            "ORDER BY observed_at DESC, recorded_at DESC LIMIT 1",
            [facts.source_id],
        ).fetchone()
        if last == (fingerprint, 0, "good") and facts.outcome == "good":
            return _write_pass(connection, facts, fingerprint, Changes(), 0)
        return _write_changes(connection, facts, fingerprint, judge_of)


def _write_changes(connection: Connection, facts: PassFacts, fingerprint: str, judge_of: JudgeOf | None) -> Summary:
    total, pending = Changes(), 0
    witness = _witness(connection, facts.source_id)
    write_offers(connection, facts.offers)
    for shape in SHAPES:
        rows = facts.rows[shape.kind]
        state = load_state(connection, shape, facts.source_id)
        if not rows and not state.open:
            continue
        judge = judge_of(facts, witness) if judge_of and shape is QUOTE else believe
        changes = advance(state, rows, facts.moment, judge)
        write_versions(connection, shape, facts.source_id, changes)
        pending += len(state.holds) + sum(1 for version in state.open.values() if version.missing_since)
        for name in ("opened", "closed", "touched", "holds"):
            getattr(total, name).extend(getattr(changes, name))
    write_holds(connection, facts.source_id, total.holds)
    write_series(connection, [facts])
    return _write_pass(connection, facts, fingerprint, total, pending)


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


def load_state(connection: Connection, shape: Shape, source_id: str) -> State:
    """The open versions and waiting holds of one source and kind."""
    state = State(f"{source_id}/{shape.kind}")
    columns = [c for c in shape.now_columns if c != "source_id"]
    keys, values = len(shape.key_columns), len(shape.value_columns)
    split = 1 + keys, 1 + keys + values, 1 + keys + values + len(shape.evidence_columns)
    query = f"SELECT {', '.join(columns)} FROM core.{shape.kind}_now WHERE source_id = ?"
    for row in connection.execute(query, [source_id]).fetchall():
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


def _write_pass(connection: Connection, facts: PassFacts, fingerprint: str, changes: Changes, pending: int) -> Summary:
    held = sum(1 for hold in changes.holds if hold.state == "waiting" and hold.agreed == 0)
    row = (
        facts.pass_id, facts.source_id, facts.recorder, facts.observed_at, facts.recorded_at, facts.outcome,
        facts.row_count, len(changes.opened), len(changes.closed), held, pending, len(facts.notices), fingerprint,
        facts.problem, facts.duration_ms,
    )  # fmt: skip
    write_passes(connection, [(row, facts)])
    return Summary(
        facts.source_id, facts.outcome, facts.row_count, len(changes.opened), len(changes.closed), held,
        len(facts.notices), facts.problem,
    )  # fmt: skip
