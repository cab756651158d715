"""The private file: who may write it, how it is opened, migrated and closed.

A process that holds a DuckDB file open for writing locks out every other process, readers included, so the file is
opened per pass, written and closed; a lock file decides who. Everybody else reads the published copy (history.py).
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import duckdb
import filelock
import pyarrow as pa

from tracker.errors import BusyError, StoreError
from warehouse.shapes import arrow_type

# Files written by 2.0 are unreadable for older clients and the browser engine unless made with this storage version.
CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "storage_compatibility_version": "v1.4.0",
    "memory_limit": "4GB",
    "max_temp_directory_size": "4GB",
}
Connection = duckdb.DuckDBPyConnection


def utc_now() -> datetime:
    """The clock of the ledger: naive UTC, whole microseconds."""
    return datetime.now(UTC).replace(tzinfo=None)


@contextmanager
def writing(warehouse: Path, lock: Path, wait_s: float = 30.0) -> Iterator[Connection]:
    """The one writer's connection, migrated; BusyError when another process keeps the lock longer than `wait_s`."""
    try:
        warehouse.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(lock, timeout=wait_s), open_file(warehouse) as connection:
            yield connection
    except filelock.Timeout as error:
        raise BusyError(f"{lock} is held by another process; what was fetched waits in the spool") from error
    except OSError as error:
        raise StoreError(f"cannot write in {warehouse.parent}: {error.strerror or error}") from error


@contextmanager
def open_file(path: Path) -> Iterator[Connection]:
    """Open, migrate, and close even when the body fails. StoreError names the file."""
    try:
        connection = duckdb.connect(str(path), config=CONFIG)
    except duckdb.Error as error:
        raise StoreError(f"cannot open {path}: {str(error).splitlines()[0]}") from error
    try:
        migrate(connection)
        yield connection
    except (duckdb.IOException, duckdb.FatalException, duckdb.OutOfMemoryException) as error:
        raise StoreError(f"cannot write {path}: {str(error).splitlines()[0]}") from error
    finally:
        connection.close()


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """All or nothing."""
    connection.execute("BEGIN")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _scripts(folder: str) -> list[tuple[str, str]]:
    found = [item for item in (files("warehouse") / folder).iterdir() if item.name.endswith(".sql")]
    return [(item.name, item.read_text(encoding="utf-8")) for item in sorted(found, key=lambda item: item.name)]


def migrate(connection: Connection) -> None:
    """Apply the numbered migrations that are missing, then the views if their text changed; each step atomic."""
    connection.execute("CREATE SCHEMA IF NOT EXISTS core")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS core.migration (name VARCHAR, text_hash VARCHAR, applied_at TIMESTAMP)"
    )
    done = dict(connection.execute("SELECT name, text_hash FROM core.migration").fetchall())
    shipped = _scripts("migrations")
    if unknown := sorted(set(done) - {name for name, _ in shipped} - {"views"}):
        raise StoreError(f"this warehouse was written by a newer version (it has {unknown[-1]}): upgrade the tracker")
    for name, text in shipped:
        if name not in done:
            _apply(connection, name, text)
    views = "\n".join(text for _, text in _scripts("views"))
    if done.get("views") != _hash(views):
        _apply(connection, "views", views)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _apply(connection: Connection, name: str, text: str) -> None:
    try:
        with transaction(connection):
            connection.execute(text)
            connection.execute("DELETE FROM core.migration WHERE name = ?", [name])
            connection.execute("INSERT INTO core.migration VALUES (?, ?, ?)", [name, _hash(text), utc_now()])
    except duckdb.Error as error:
        raise StoreError(f"{name} does not apply: {str(error).splitlines()[0]}") from error


def insert(connection: Connection, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Bulk insert as Arrow columns: 100 times a row-by-row insert."""
    if not rows:
        return
    connection.register("incoming", arrow_table(columns, rows))
    names = ", ".join(columns)
    connection.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM incoming")
    connection.unregister("incoming")


def arrow_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> pa.Table:
    """Rows as typed columns; the types follow from the column names."""
    vectors = zip(*rows, strict=True) if rows else iter([()] * len(columns))
    return pa.table({name: pa.array(vector, arrow_type(name)) for name, vector in zip(columns, vectors, strict=True)})


def replace_table(connection: Connection, table: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Replace a small reference table as a whole."""
    connection.execute(f"DELETE FROM {table}")
    if rows:
        insert(connection, table, list(rows[0]), [list(row.values()) for row in rows])
