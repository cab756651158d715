"""What moved in a pass of ours, found by the engine: the rows shown against the open versions, as one join.

Few of the thousands of rows of a pass differ from what was known. Of those the *plain* moves, one undated open value
replaced by another that nobody would doubt, are closed and opened in bulk. Only the rest (new, absent, back, held,
dated or doubtful) becomes a `State` for `versions.advance`, which says the same of plain moves one by one.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from warehouse.shapes import QUOTE, Shape
from warehouse.store import Connection, arrow_table
from warehouse.versions import Calm, Key, Moment, Row, identities


@dataclass(frozen=True, slots=True)
class Moves:
    """Where a pass differs from what was known."""

    plain: list[tuple[int, int]]  # (position in the pass, version it ends)
    odd: dict[Key, Row]  # shown rows to think about
    open_ids: list[int]  # open versions to think about, shown or not


@contextmanager
def shown(connection: Connection, shape: Shape, rows: Mapping[Key, Row]) -> Iterator[None]:
    """The rows of a pass as the table `shown` for the time being, with their position."""
    columns = ("position", *shape.fact_columns, "capture_id")
    listed = [(at, *key, *row.value, *row.evidence, row.capture_id) for at, (key, row) in enumerate(rows.items())]
    connection.register("shown", arrow_table(columns, listed))
    try:
        yield
    finally:
        connection.unregister("shown")


def find_moves(
    connection: Connection, shape: Shape, source_id: str, rows: Mapping[Key, Row], calm: Calm | None
) -> Moves:
    """Compare `shown` with the open versions. `calm` None: no move is doubted, whatever its size."""
    same_key = " AND ".join(f"n.{name} IS NOT DISTINCT FROM s.{name}" for name in shape.key_columns)
    differs = " OR ".join(f"n.{name} IS DISTINCT FROM s.{name}" for name in shape.value_columns)
    held = "(coalesce(n.offer_id, s.offer_id), coalesce(n.component, s.component)) IN (FROM held)"
    held = held if shape is QUOTE else "false"
    plain = " AND ".join([f"NOT {held}", "n.missing_since IS NULL", *_undated(shape), *_calm(shape, calm)])
    found = connection.execute(
        f"""
        WITH held AS (SELECT offer_id, component FROM core.hold WHERE source_id = $source),
             known AS (FROM core.{shape.kind}_now WHERE source_id = $source)
        SELECT s.position, n.version_id, coalesce(s.position + n.version_id IS NOT NULL AND {plain}, false)
        FROM shown s FULL JOIN known n ON {same_key}
        WHERE s.position IS NULL OR n.version_id IS NULL OR {differs} OR n.missing_since IS NOT NULL OR {held}
        ORDER BY s.position, n.version_id
        """,
        {"source": source_id},
    ).fetchall()
    listed = list(rows.items())
    return Moves(
        [(position, ident) for position, ident, is_plain in found if is_plain],
        dict(listed[position] for position, _, is_plain in found if not is_plain and position is not None),
        [ident for _, ident, is_plain in found if not is_plain and ident is not None],
    )


def _undated(shape: Shape) -> list[str]:
    dates = ("effective_from", "effective_until")
    return [f"n.{name} IS NULL" for name in dates if name in shape.fact_columns]


def _calm(shape: Shape, calm: Calm | None) -> list[str]:
    if calm is None or shape is not QUOTE:
        return []
    near = f"s.amount < n.amount * {calm.factor} AND n.amount < s.amount * {calm.factor}"
    return ["n.currency = s.currency", "n.unit = s.unit", near, f"s.amount <= {calm.ceiling}"]


def write_plain(
    connection: Connection, shape: Shape, source_id: str, texts: Sequence[str], moves: Moves, moment: Moment
) -> None:
    """Close and open the plain moves: three statements, however many. `texts`: the rows' `row_texts`."""
    if not moves.plain:
        return
    idents = identities(f"{source_id}/{shape.kind}", [texts[at] for at, _ in moves.plain], moment.observed_at)
    moved = [(at, ended, ident) for (at, ended), ident in zip(moves.plain, idents, strict=True)]
    connection.register("moved", arrow_table(("position", "ended_id", "version_id"), moved))
    facts = ", ".join((*shape.fact_columns, "capture_id"))
    pass_columns = "pass_id, recorder, observed_at, recorded_at"
    now, past = f"core.{shape.kind}_now", f"core.{shape.kind}_past"
    times = {"observed": moment.observed_at, "recorded": moment.recorded_at}
    connection.execute(
        f"""
        INSERT INTO {past} (version_id, source_id, {facts}, {pass_columns},
                            ended_at, ended_recorded_at, end_reason, valid_from, valid_to)
        SELECT n.version_id, source_id, {facts}, {pass_columns},
               $observed, $recorded, 'changed', least(observed_at, $observed), $observed
        FROM {now} n JOIN moved ON n.version_id = moved.ended_id
        """,
        times,
    )
    connection.execute(f"DELETE FROM {now} WHERE version_id IN (SELECT ended_id FROM moved)")
    connection.execute(
        f"""
        INSERT INTO {now} (version_id, source_id, {facts}, {pass_columns}, misses)
        SELECT version_id, $source, {facts}, $pass, '', $observed, $recorded, 0 FROM shown JOIN moved USING (position)
        """,
        {"source": source_id, "pass": moment.pass_id, **times},
    )
    connection.unregister("moved")
