"""Storing our own measurements: rows of result files into `core.probe`, each file once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from tracker.errors import StoreError
from warehouse.store import Connection, transaction, utc_now

_TEXTS = """
    probe_id burst_id offer provider listed_name tier region variant host dialect vantage vantage_region workload
    outcome detail token_source limits
"""
_COUNTS = """
    max_tokens concurrency stream status input_tokens output_tokens reasoning_tokens cached_tokens streamed_tokens
    first_chunk_tokens chunks estimated_tokens
"""
_FIGURES = """
    temperature dns_ms connect_ms tls_ms ttft_ms ttft_content_ms itl_ms output_tok_s e2e_ms burst_tok_s lag_ms
"""
COLUMNS: Mapping[str, pa.DataType] = {
    **dict.fromkeys(_TEXTS.split(), pa.string()),
    **dict.fromkeys(_COUNTS.split(), pa.int64()),
    **dict.fromkeys(_FIGURES.split(), pa.float64()),
    "started_at": pa.timestamp("us"),
    "cost_usd": pa.decimal128(24, 9),
    "is_sandbox": pa.bool_(),
}


def store_file(connection: Connection, file_hash: str, rows: Sequence[Mapping[str, Any]]) -> int:
    """Store the rows of one result file; 0 when the file is known already. All rows or none."""
    known = connection.execute("SELECT 1 FROM core.probe_file WHERE file_hash = ?", [file_hash]).fetchone()
    if known:
        return 0
    now = utc_now()
    table = _table(file_hash, rows, now)
    names = ", ".join(table.column_names)
    with transaction(connection):
        connection.execute("INSERT INTO core.probe_file VALUES (?, ?, ?)", [file_hash, len(rows), now])
        connection.register("incoming", table)
        connection.execute(f"INSERT INTO core.probe ({names}) SELECT {names} FROM incoming")
        connection.unregister("incoming")
    return len(rows)


Stated = tuple[str, str, str, str, str, str]  # provider, listed name, tier, region, header or quota, its value
_LIMIT_HEADERS = "^(x-ratelimit-limit(-.*)?|anthropic-ratelimit-.*-limit|quota:.*)$"


def moments_with_limits(connection: Connection, source_id: str) -> list[datetime]:
    """The newest request of each result file with a stated limit, where later than the last pass of `source_id`."""
    query = """
        SELECT DISTINCT max(started_at) AS newest FROM core.probe
        WHERE NOT is_sandbox AND limits <> '{}' GROUP BY file_hash
        HAVING newest > coalesce((SELECT max(observed_at) FROM core.pass WHERE source_id = ?), TIMESTAMP '1970-01-01')
           AND bool_or(len(list_filter(json_keys(limits), lambda name: regexp_matches(name, ?))) > 0)
        ORDER BY newest
    """
    return [newest for (newest,) in connection.execute(query, [source_id, _LIMIT_HEADERS]).fetchall()]


def stated_limits(connection: Connection, since: datetime, until: datetime) -> list[Stated]:
    """The newest value of every rate-limit header per offer within a span; the sandbox's are left out."""
    query = """
        WITH told AS (
            SELECT provider, listed_name, tier, region, started_at, probe_id,
                   unnest(map_entries(json_transform(limits, '"MAP(VARCHAR, VARCHAR)"'))) AS header
            FROM core.probe
            WHERE NOT is_sandbox AND limits <> '{}' AND started_at > ? AND started_at <= ?
        )
        SELECT provider, listed_name, tier, region, header.key, header.value FROM told
        WHERE regexp_matches(header.key, ?)
        QUALIFY row_number() OVER (
            PARTITION BY provider, listed_name, tier, region, header.key ORDER BY started_at DESC, probe_id DESC) = 1
        ORDER BY ALL
    """
    return connection.execute(query, [since, until, _LIMIT_HEADERS]).fetchall()


def _table(file_hash: str, rows: Sequence[Mapping[str, Any]], now: datetime) -> pa.Table:
    """The rows as typed columns; StoreError names the column that is missing, unknown or of the wrong type."""
    for row in rows:
        if odd := sorted(set(row) ^ set(COLUMNS)):
            raise StoreError(f"a row of {file_hash[:12]} has other columns than this version: {odd[0]}")
    columns: dict[str, pa.Array] = {}
    for name, kind in COLUMNS.items():
        try:
            columns[name] = pa.array([_value(name, row[name]) for row in rows], kind)
        except (pa.ArrowException, ValueError, TypeError, ArithmeticError) as error:
            raise StoreError(f"a row of {file_hash[:12]} has a bad {name}") from error
    columns["file_hash"] = pa.array([file_hash] * len(rows), pa.string())
    columns["recorded_at"] = pa.array([now] * len(rows), pa.timestamp("us"))
    return pa.table(columns)


def _value(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name == "started_at":
        return datetime.fromisoformat(value)
    return Decimal(value).quantize(Decimal("1e-9")) if name == "cost_usd" else value
