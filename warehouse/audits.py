"""Storing what audits found: rows of `core.audit`, all of one audit or none."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from tracker.errors import StoreError
from warehouse.store import Connection, transaction, utc_now

_TEXTS = "audit_id offer provider listed_name host reference controls vantage method verdict sentence"
_FIGURES = "statistic p_value e_value kl_low kl_mid kl_high detectable_kl power cost_usd"
COLUMNS: Mapping[str, pa.DataType] = {
    **dict.fromkeys(_TEXTS.split(), pa.string()),
    **dict.fromkeys(_FIGURES.split(), pa.float64()),
    "queries": pa.int32(),
    "output_tokens": pa.int64(),
    "started_at": pa.timestamp("us"),
    "is_sandbox": pa.bool_(),
}


def store_audit(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
    """Append the rows of one audit; an audit that is in already changes nothing. StoreError names an odd column."""
    if not rows:
        return 0
    for row in rows:
        if odd := sorted(set(row) ^ set(COLUMNS)):
            raise StoreError(f"an audit row has other columns than this version: {odd[0]}")
    audit_id = rows[0]["audit_id"]
    if connection.execute("SELECT 1 FROM core.audit WHERE audit_id = ?", [audit_id]).fetchone():
        return 0
    columns = {name: pa.array([row[name] for row in rows], kind) for name, kind in COLUMNS.items()}
    table = pa.table(columns | {"recorded_at": pa.array([utc_now()] * len(rows), pa.timestamp("us"))})
    names = ", ".join(table.column_names)
    with transaction(connection):
        connection.register("incoming", table)
        connection.execute(f"INSERT INTO core.audit ({names}) SELECT {names} FROM incoming")
        connection.unregister("incoming")
    return len(rows)
