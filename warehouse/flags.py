"""Write what the analysis pass concludes, on the writer's connection and inside its transaction.

Flags are brought up to date in place; everything else is appended, and only where it differs from what stands.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import pyarrow as pa

from warehouse.flag_facts import Rows, rows
from warehouse.store import Connection, utc_now

Values = Sequence[Sequence[object]]
_CONCLUDED = (
    "flag",
    "flag_event",
    "rating",
    "assessed_day",
    "cost_band",
    "margin",
    "price_floor",
    "price_index",
    "burn",
    "cost_by_hardware",
    "cost_fall",
)
_FLAG = (
    "kind", "rule_version", "offer_id", "offer", "provider", "model_id", "probability", "calibrated", "sentence",
    "clearing", "scenario", "figures", "evidence", "opened_at", "expires_at", "cause",
)  # fmt: skip
_EVENT = (
    "flag_id", "event", "kind", "offer", "rule_version", "probability", "sentence", "evidence", "cause", "occurred_at",
    "recorded_at",
)  # fmt: skip


_TYPES = {
    "BIGINT": pa.int64(),
    "INTEGER": pa.int32(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "TIMESTAMP": pa.timestamp("us"),
    "DATE": pa.date32(),
    "VARCHAR": pa.string(),
}


def append(connection: Connection, table: str, columns: Sequence[str], values: Values) -> None:
    """Bulk append in the table's own types, as columns."""
    if not values:
        return
    names = ", ".join(columns)
    schema, _, name = table.partition(".")
    told = "SELECT column_name, data_type FROM duckdb_columns() WHERE schema_name = ? AND table_name = ?"
    kinds = dict(connection.execute(told, [schema, name]).fetchall())
    vectors = [
        pa.array(vector, _TYPES[kinds[column]])
        for column, vector in zip(columns, zip(*values, strict=True), strict=True)
    ]
    connection.register("incoming_rows", pa.table(dict(zip(columns, vectors, strict=True))))
    connection.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM incoming_rows")
    connection.unregister("incoming_rows")


def open_flags(connection: Connection) -> Rows:
    """The state of every open flag; `probability_told` is that of its last event."""
    return rows(
        connection,
        "SELECT flag_id, offer_id, offer, kind, rule_version, probability, opened_at, cooling_since, expires_at, "
        "sentence, evidence, cause, probability_told FROM calc.flag JOIN ("
        "SELECT flag_id, arg_max(probability, (occurred_at, recorded_at)) AS probability_told FROM calc.flag_event "
        "GROUP BY flag_id) USING (flag_id) WHERE closed_at IS NULL ORDER BY flag_id",
    )


def open_new(connection: Connection, flags: Sequence[Mapping[str, object]]) -> None:
    """Insert opened flags (keys of _FLAG) under the next ids, with their first event."""
    if not flags:
        return
    first = connection.execute("SELECT coalesce(max(flag_id), 0) + 1 FROM calc.flag").fetchone()
    start, now = (int(first[0]) if first else 1), utc_now()
    numbered = [(start + index, flag) for index, flag in enumerate(flags)]
    values = [(flag_id, *(flag[name] for name in _FLAG), now) for flag_id, flag in numbered]
    append(connection, "calc.flag", ("flag_id", *_FLAG, "recorded_at"), values)
    add_events(
        connection,
        [{**flag, "flag_id": i, "event": "opened", "occurred_at": flag["opened_at"]} for i, flag in numbered],
    )


def add_events(connection: Connection, events: Sequence[Mapping[str, object]]) -> None:
    """Append to the life of flags (keys of _EVENT but recorded_at)."""
    now = utc_now()
    append(connection, "calc.flag_event", _EVENT, [(*(event[name] for name in _EVENT[:-1]), now) for event in events])


def change_flag(connection: Connection, flag_id: int, changes: Mapping[str, object]) -> None:
    """Set columns of one flag's state."""
    names = ", ".join(f"{name} = ?" for name in changes)
    connection.execute(f"UPDATE calc.flag SET {names} WHERE flag_id = ?", [*changes.values(), flag_id])


def known_hashes(connection: Connection) -> dict[int, str]:
    """Inputs each offer was last rated on."""
    return dict(connection.execute("SELECT offer_id, inputs_hash FROM calc.rating").fetchall())


def store_hashes(connection: Connection, hashes: Mapping[int, str], gone: Sequence[int], at: datetime) -> None:
    """Replace the hashes of the offers rated in this pass; offers that left the market are forgotten."""
    if stale := [*hashes, *gone]:
        connection.execute("DELETE FROM calc.rating WHERE list_contains(?, offer_id)", [stale])
    values = [(key, text, at) for key, text in hashes.items()]
    append(connection, "calc.rating", ("offer_id", "inputs_hash", "rated_at"), values)


def assessed_until(connection: Connection) -> date | None:
    """The last day assessed."""
    found = connection.execute("SELECT max(day) FROM calc.assessed_day").fetchone()
    return found[0] if found else None


def last_rules(connection: Connection) -> str | None:
    """The version of rules and facts of the last day assessed."""
    found = connection.execute("SELECT rules FROM calc.assessed_day ORDER BY day DESC LIMIT 1").fetchone()
    return found[0] if found else None


def mark_day(connection: Connection, day: date, rules: str) -> bool:
    """Remember that `day` was assessed; False when it had been, by the same rules."""
    known = connection.execute("SELECT rules FROM calc.assessed_day WHERE day = ?", [day]).fetchone()
    if known == (rules,):
        return False
    connection.execute("DELETE FROM calc.assessed_day WHERE day = ?", [day])
    connection.execute("INSERT INTO calc.assessed_day VALUES (?, ?, ?)", [day, rules, utc_now()])
    return True


def append_bands(connection: Connection, columns: Sequence[str], values: Values) -> int:
    """Add the cost bands whose id is new; how many there were."""
    known = {row[0] for row in connection.execute("SELECT band_id FROM calc.cost_band").fetchall()}
    fresh = {str(row[0]): row for row in values if row[0] not in known}
    append(connection, "calc.cost_band", columns, list(fresh.values()))
    return len(fresh)


def append_changed(
    connection: Connection, table: str, key: Sequence[str], held: Sequence[str], values: Values, day: date
) -> int:
    """Append rows (key, held ...) that differ from the last row of their key, dated `day`; how many there were.

    Numbers within a relative 1e-9 are the same number. Two changes on one day: the later row replaces the earlier.
    """
    names = ", ".join((*key, *held))
    last = {
        tuple(row[: len(key)]): (tuple(row[len(key) : -1]), row[-1])
        for row in connection.execute(
            f"SELECT {names}, day FROM {table} QUALIFY row_number() OVER "
            f"(PARTITION BY {', '.join(key)} ORDER BY day DESC, recorded_at DESC) = 1"
        ).fetchall()
    }
    changed = [
        row for row in values
        if (old := last.get(tuple(row[: len(key)]))) is None or not _same(old[0], tuple(row[len(key) :]))
    ]  # fmt: skip
    for row in changed:
        old = last.get(tuple(row[: len(key)]))
        if old is not None and old[1] == day:
            where = " AND ".join(f"{name} = ?" for name in key)
            connection.execute(f"DELETE FROM {table} WHERE {where} AND day = ?", [*row[: len(key)], day])
    now = utc_now()
    append(connection, table, (*key, *held, "day", "recorded_at"), [(*row, day, now) for row in changed])
    return len(changed)


def _same(old: Sequence[object], new: Sequence[object]) -> bool:
    return all(
        a == b or (isinstance(a, float) and isinstance(b, float) and abs(a - b) <= 1e-9 * max(abs(a), abs(b)))
        for a, b in zip(old, new, strict=True)
    )


def costed_models(connection: Connection, day: date, basis: str) -> set[str]:
    """Models whose costs by hardware were drawn up for a week on the same facts and rents."""
    told = "SELECT DISTINCT model_id FROM calc.cost_by_hardware WHERE day = ? AND basis = ?"
    return {str(row[0]) for row in connection.execute(told, [day, basis]).fetchall()}


def replace_week(
    connection: Connection, table: str, columns: Sequence[str], values: Values, day: date, models: Sequence[str]
) -> None:
    """Make `values` what the table says of these models on `day`."""
    connection.execute(f"DELETE FROM {table} WHERE day = ? AND list_contains(?, model_id)", [day, list(models)])
    append(connection, table, columns, values)


def replace_if_changed(connection: Connection, table: str, columns: Sequence[str], values: Values) -> bool:
    """Make the table hold exactly `values` in these columns; writes nothing when it already does."""
    names = ", ".join(columns)
    standing = connection.execute(f"SELECT {names} FROM {table}").fetchall()
    if sorted(map(repr, standing)) == sorted(repr(tuple(row)) for row in values):
        return False
    connection.execute(f"DELETE FROM {table}")
    append(connection, table, columns, values)
    return True


def forget_all(connection: Connection) -> None:
    """Empty everything concluded, so that history can be assessed again from its beginning."""
    for table in _CONCLUDED:
        connection.execute(f"DELETE FROM calc.{table}")
