"""Reading: everybody reads the published file `history.duckdb`, for as long as they like, and never blocks the writer.

Publishing copies the closed private file beside its target and renames it: a reader sees the old file or the new one,
never half of one. (Copying a database inside the process that holds it open drops its lock, so it is closed first.)
"""

import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import filelock
import pyarrow as pa

from tracker.errors import BusyError, StoreError, UsageError
from warehouse.store import Connection

READ_CONFIG: dict[str, str | bool | int | float | list[str]] = {"memory_limit": "2GB", "temp_directory": ""}
# No statement can read another file, reach the network, load an extension or change this configuration.
LOCK_DOWN = (
    "SET autoload_known_extensions = false",
    "SET autoinstall_known_extensions = false",
    "SET allow_community_extensions = false",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)

QUESTIONS = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN, duckdb.StatementType.MULTI)  # MULTI: a PIVOT
ANSWER_LIMIT = 512 << 20
MOST_TRIES = 50


@dataclass(frozen=True, slots=True)
class History:
    """The published ledger, open for reading."""

    connection: Connection
    path: Path

    def rows(self, sql: str, params: Sequence[object] | None = None) -> list[dict[str, object]]:
        """All rows as dicts. StoreError carries the first line of the engine's complaint."""
        try:
            cursor = self.connection.execute(sql, list(params or ()))
        except duckdb.Error as error:
            raise StoreError(str(error).splitlines()[0]) from error
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def arrow(self, sql: str, params: Sequence[object] | None = None) -> pa.Table:
        """All rows as an Arrow table."""
        try:
            return self.connection.sql(sql, params=list(params or ()) or None).to_arrow_table()
        except duckdb.Error as error:
            raise StoreError(str(error).splitlines()[0]) from error


@contextmanager
def open_history(path: Path, safe: bool = False) -> Iterator[History]:
    """Open the published file read-only; `safe` for statements from outside."""
    if not path.is_file():
        raise UsageError(f"no history at {path}: run `tracker run` first, or give --home")
    try:
        connection = _connect(path)
        for statement in LOCK_DOWN if safe else ():
            connection.execute(statement)
    except duckdb.Error as error:
        raise StoreError(f"cannot open {path}: {str(error).splitlines()[0]}") from error
    try:
        yield History(connection, path)
    finally:
        connection.close()


def _connect(path: Path) -> Connection:
    """Connect to one file as it was published: the engine opens its path several times, and a publish in between would
    mix two files. Whoever opens history.duckdb by other means meets this once in very many times; connect again then.
    """
    for _ in range(MOST_TRIES):
        before = _mark(path)
        try:
            connection = duckdb.connect(str(path), read_only=True, config=READ_CONFIG)
        except duckdb.Error:
            if _mark(path) == before:
                raise
            continue
        if _mark(path) == before:
            return connection
        connection.close()
    raise StoreError(f"{path} is being published over and over: try again")


def _mark(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size


def query(path: Path, sql: str, timeout_s: float = 60.0) -> pa.Table:
    """One outside question on the published file: read-only, locked down, bounded in memory, answer and time."""
    with open_history(path, safe=True) as history:
        _only_a_question(history.connection, sql)
        expired = threading.Event()

        def stop() -> None:
            expired.set()
            history.connection.interrupt()

        timer = threading.Timer(timeout_s, stop)
        timer.start()
        try:
            return _bounded(history.connection.sql(sql).to_arrow_reader())
        except (duckdb.Error, pa.ArrowException) as error:
            if expired.is_set():
                told = f"the statement ran longer than {timeout_s:g} s: narrow it, or raise --timeout"
                raise StoreError(told) from error
            raise StoreError(str(error).splitlines()[0]) from error
        finally:
            timer.cancel()


def _only_a_question(connection: Connection, sql: str) -> None:
    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error as error:
        raise StoreError(str(error).splitlines()[0]) from error
    if len(statements) != 1:
        raise StoreError(f"{len(statements) or 'no'} statements: give one SELECT")
    if statements[0].type not in QUESTIONS:
        raise StoreError(f"{statements[0].type.name} is not a query: the published file is read-only, give a SELECT")


def _bounded(reader: pa.RecordBatchReader) -> pa.Table:
    """The whole answer, unless it is larger than anybody wants; equal column names are told apart."""
    batches, size = [], 0
    for batch in reader:
        batches.append(batch)
        size += batch.nbytes
        if size > ANSWER_LIMIT:
            raise StoreError(f"the answer is larger than {ANSWER_LIMIT >> 20} MiB: aggregate, or add LIMIT")
    names: list[str] = []
    for name in reader.schema.names:
        names.append(name if name not in names else f"{name}_{len(names)}")
    return pa.Table.from_batches(batches, reader.schema).rename_columns(names)


def publish(warehouse: Path, history: Path, lock: Path, wait_s: float = 30.0) -> bool:
    """Copy the closed private file to its public name, atomically. False when there is nothing to publish yet."""
    try:
        with filelock.FileLock(lock, timeout=wait_s):
            if not warehouse.is_file():
                return False
            _fold_log(warehouse)
            for left in history.parent.glob(f".{history.name}.*"):  # by a killed process: only one can be here
                left.unlink()
            beside = history.with_name(f".{history.name}.{os.getpid()}")
            shutil.copyfile(warehouse, beside)
            with beside.open("rb+") as copy:
                os.fsync(copy.fileno())
            beside.replace(history)
            _sync_folder(history.parent)
            return True
    except filelock.Timeout as error:
        raise BusyError(f"{lock} is held by another process; publish again later") from error
    except OSError as error:
        raise StoreError(f"cannot publish {history}: {error.strerror or error}") from error


def _fold_log(warehouse: Path) -> None:
    """A write-ahead log left by a killed process is folded in, so that the copy is whole."""
    if warehouse.with_name(warehouse.name + ".wal").exists():
        connection = duckdb.connect(str(warehouse))
        connection.execute("CHECKPOINT")
        connection.close()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
