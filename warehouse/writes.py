"""The rows of the ledger and how they are written: bulk columns, no keys, nothing updated that could be appended."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from tracker.records import Offer
from warehouse.passes import PassFacts
from warehouse.shapes import QUOTE, Shape, offer_id
from warehouse.store import Connection, insert
from warehouse.versions import Changes, Hold, Version

FOREVER = datetime(9999, 12, 31)  # noqa: DTZ001  naive UTC, beyond any price
PASS_COLUMNS = (
    "pass_id", "source_id", "recorder", "observed_at", "recorded_at", "outcome", "row_count", "opened", "closed",
    "held", "pending", "notices", "content_hash", "problem", "duration_ms",
)  # fmt: skip


def write_offers(connection: Connection, offers: Iterable[Offer]) -> None:
    """Add the offers that are not there yet."""
    by_id = {offer_id(offer): offer for offer in offers}
    if not by_id:
        return
    for known in _present(connection, "core.offer", "offer_id", list(by_id)):
        del by_id[known]
    rows = [(ident, str(o), o.provider, o.listed_name, o.tier, o.region, o.variant) for ident, o in by_id.items()]
    columns = ("offer_id", "offer", "provider", "listed_name", "tier", "region", "variant")
    insert(connection, "core.offer", columns, rows)


def write_versions(connection: Connection, shape: Shape, source_id: str, changes: Changes) -> None:
    opened = {version.version_id: version for version in changes.opened}
    gone = [version for version in changes.closed if version.version_id not in opened]
    still_open = [version for version in changes.opened if version.ended_at is None]
    touched = {v.version_id: v for v in changes.touched if v.ended_at is None and v.version_id not in opened}
    table = f"core.{shape.kind}"
    delete(connection, f"{table}_now", [version.version_id for version in gone] + list(touched))
    now = [now_row(source_id, version) for version in (*still_open, *touched.values())]
    insert(connection, f"{table}_now", shape.now_columns, now)
    insert(connection, f"{table}_past", shape.past_columns, [past_row(shape, source_id, v) for v in changes.closed])


def _present(connection: Connection, table: str, column: str, ids: Sequence[int]) -> set[int]:
    query = f"SELECT {column} FROM {table} WHERE {column} IN (SELECT unnest(?))"
    return {found for (found,) in connection.execute(query, [list(ids)]).fetchall()}


def delete(connection: Connection, table: str, ids: Sequence[int], column: str = "version_id") -> None:
    if ids:
        connection.execute(f"DELETE FROM {table} WHERE {column} IN (SELECT unnest(?))", [list(ids)])


def now_row(source_id: str, v: Version) -> tuple[object, ...]:
    """A row of *_now."""
    head = (v.version_id, source_id, *v.key, *v.value, *v.evidence, v.capture_id, v.pass_id, v.recorder)
    return (*head, v.observed_at, v.recorded_at, v.misses, v.missing_since)


def past_row(shape: Shape, source_id: str, v: Version) -> tuple[object, ...]:
    """A row of *_past, with the time it held: a dated price by its dates, an undated one by when it was shown.

    A dated price that changed was a correction: it never held, so it is superseded rather than ended.
    """
    starts = v.key[-1] if "effective_from" in shape.key_columns else None
    until = v.value[-1] if "effective_until" in shape.value_columns else None
    corrected = v.ended_recorded_at if starts and v.end_reason == "changed" else None
    ends_at = [end for end in ([until] if starts else [until, v.ended_at]) if isinstance(end, datetime)]
    valid_to = min(ends_at, default=FOREVER)
    valid_from = starts if isinstance(starts, datetime) else min(v.observed_at, valid_to)
    head = (v.version_id, source_id, *v.key, *v.value, *v.evidence, v.capture_id, v.pass_id, v.recorder)
    ends = (v.ended_at, v.ended_recorded_at, v.end_reason, corrected, valid_from, valid_to)
    return (*head, v.observed_at, v.recorded_at, *ends)


def write_holds(connection: Connection, source_id: str, holds: Iterable[Hold]) -> None:
    """Insert or update holds by id."""
    by_id = {hold.hold_id: hold for hold in holds}
    delete(connection, "core.hold", list(by_id), "hold_id")
    columns = (
        "hold_id", "source_id", *QUOTE.key_columns, *QUOTE.value_columns, *QUOTE.evidence_columns, "capture_id",
        "pass_id", "recorder", "reason", "detail", "state", "agreed", "observed_at", "recorded_at", "decided_at",
        "decided_by",
    )  # fmt: skip
    rows = [
        (
            hold_id, source_id, *h.key, *h.row.value, *h.row.evidence, h.row.capture_id, h.pass_id, h.recorder,
            h.reason, h.detail, h.state, h.agreed, h.observed_at, h.recorded_at, h.decided_at, h.decided_by,
        )
        for hold_id, h in by_id.items()
    ]  # fmt: skip
    insert(connection, "core.hold", columns, rows)


def write_notices(connection: Connection, passes: Sequence[PassFacts]) -> None:
    """Append what a reader should know: told once, not once a pass."""
    rows = [
        (f.source_id, n.kind, n.text, n.locator, f.observed_at, f.recorded_at, f.pass_id)
        for f in passes for n in f.notices
    ]  # fmt: skip
    if not rows:
        return
    unique = {row[:4]: row for row in reversed(rows)}
    connection.execute("CREATE OR REPLACE TEMP TABLE fresh AS SELECT * FROM core.notice LIMIT 0")
    columns = ("source_id", "kind", "text", "locator", "observed_at", "recorded_at", "pass_id")
    insert(connection, "fresh", columns, list(unique.values()))
    connection.execute(
        "INSERT INTO core.notice SELECT * FROM fresh WHERE NOT EXISTS (SELECT 1 FROM core.notice known "
        "WHERE known.source_id = fresh.source_id AND known.kind = fresh.kind AND known.text = fresh.text "
        "AND known.locator = fresh.locator)"
    )
    connection.execute("DROP TABLE fresh")


def write_passes(connection: Connection, passes: Sequence[tuple[tuple[object, ...], PassFacts]]) -> None:
    """Insert pass rows and the captures they are the first to show."""
    connection.executemany(
        f"INSERT INTO core.pass ({', '.join(PASS_COLUMNS)}, capture_ids) "
        f"VALUES ({', '.join('?' * (len(PASS_COLUMNS) + 1))})",
        [(*row, [capture.capture_id for capture in facts.captures]) for row, facts in passes],
    )
    shown = [capture.capture_id for _, facts in passes for capture in facts.captures]
    known = _present(connection, "core.capture", "capture_id", shown)
    fresh = {
        c.capture_id: (
            c.capture_id, f.source_id, f.recorder, c.url, c.label, c.media_type, c.sha256, c.bytes, f.observed_at,
        )
        for _, f in passes for c in f.captures if c.capture_id not in known
    }  # fmt: skip
    columns = ("capture_id", "source_id", "recorder", "url", "label", "media_type", "sha256", "bytes", "observed_at")
    insert(connection, "core.capture", columns, list(fresh.values()))
