"""Reading: publishing never shows half a file, and statements from outside can do nothing but read this one."""

import multiprocessing
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import filelock
import pytest

from scrapers import archive
from tests.shop import register, source, stock
from tracker.collect.run import ingest_spool
from tracker.collect.spool import Spooled
from tracker.errors import BusyError, StoreError, UsageError
from tracker.settings import Home
from warehouse.history import open_history, publish, query
from warehouse.parquet import write_parquet

START = datetime(2026, 1, 1)  # noqa: DTZ001


def store(home: Home, number: int, price: str) -> None:
    body = stock(fast=(price, "2"))
    row = {"url": "x", "label": "", "media_type": "", "sha256": archive.keep(home.captures, body), "bytes": len(body)}
    Spooled("a", (START + timedelta(hours=number)).isoformat(), [row]).write(home.spool)
    ingest_spool(home)
    publish(home.warehouse, home.history, home.write_lock)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """One history for everybody who only reads."""
    with pytest.MonkeyPatch.context() as patch:
        register(patch, source("a", "pkg:tests/none"))
        home = Home(tmp_path_factory.mktemp("published"))
        store(home, 0, "1.0")
        yield home


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    register(monkeypatch, source("a", "pkg:tests/none"))
    home = Home(tmp_path)
    store(home, 0, "1.0")
    yield home


def read_in_a_loop(path: Path, stop: object, results: object) -> None:
    reads = 0
    while not stop.is_set():  # type: ignore[attr-defined]
        with open_history(path) as history:
            [row] = history.rows("SELECT count(*) AS n, (SELECT count(*) FROM passes) AS passes FROM offers")
            assert row["n"] == 2 and row["passes"]
        reads += 1
    results.put(reads)  # type: ignore[attr-defined]


def test_four_readers_against_fifty_publishes(home: Home) -> None:
    spawn = multiprocessing.get_context("spawn")
    stop, results = spawn.Event(), spawn.Queue()
    readers = [spawn.Process(target=read_in_a_loop, args=(home.history, stop, results)) for _ in range(4)]
    for reader in readers:
        reader.start()
    for number in range(1, 51):
        store(home, number, f"1.{number % 3}")
    stop.set()
    for reader in readers:
        reader.join(120)
        assert reader.exitcode == 0
    assert all(results.get(timeout=60) > 0 for _ in readers)


def test_a_publish_while_a_reader_connects_is_not_mixed_with_what_was_there(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine opens the path three times; a reader must get one of the two files, whole."""
    connect, swapped = duckdb.connect, []

    def connect_meanwhile(path: str, *words: object, **options: object) -> object:
        connection = connect(path, *words, **options)  # type: ignore[arg-type]
        if path == str(home.history) and not swapped:
            swapped.append(path)
            beside = home.history.with_name("next")
            beside.write_bytes(home.history.read_bytes())
            with connect(str(beside)) as other:
                other.execute("INSERT INTO core.notice (source_id, kind, text) VALUES ('a', 'odd', 'the later one')")
            beside.replace(home.history)
        return connection

    monkeypatch.setattr(duckdb, "connect", connect_meanwhile)
    with open_history(home.history) as history:
        assert swapped and history.rows("SELECT text FROM notices") == [{"text": "the later one"}]


FORBIDDEN = [
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/hostname')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM glob('/*')",
    "COPY (SELECT 1) TO '/tmp/out.csv'",
    "COPY (SELECT * FROM offers) TO 'x.parquet'",
    "ATTACH '/tmp/other.duckdb'",
    "ATTACH ':memory:' AS m; CREATE TABLE m.t AS SELECT 1",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "SET memory_limit = '100GB'",
    "RESET lock_configuration",
    "CREATE TABLE t AS SELECT 1",
    "DELETE FROM core.pass",
    "DROP VIEW offers",
    "EXPORT DATABASE '/tmp/x'",
    "CREATE SECRET s (TYPE s3)",
    "SELECT * FROM read_csv('https://example.org/x.csv')",
    "PRAGMA enable_profiling; PRAGMA profiling_output='/tmp/p.json'",
    "SELECT 1; SELECT 2",
    "PREPARE p AS SELECT 1",
    "SET VARIABLE x = 1",
    "CREATE TEMP TABLE t AS SELECT 1",
    "CALL pragma_version()",
    "CHECKPOINT",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM duckdb_secrets()",
    "SELECT getenv('HOME')",
    ".import /etc/passwd x",
    "-- nothing",
    "",
]


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_a_statement_from_outside_can_only_read_this_file(published: Home, statement: str) -> None:
    before = published.history.read_bytes()
    assert query(published.history, "SELECT 1 AS one").to_pylist() == [{"one": 1}]
    with pytest.raises(StoreError):
        query(published.history, statement)
    assert published.history.read_bytes() == before


def test_a_statement_that_runs_too_long_is_stopped(published: Home) -> None:
    with pytest.raises(StoreError, match="longer than"):
        query(
            published.history,
            "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range % 7 = b.range % 11",
            0.3,
        )


def test_a_statement_that_needs_too_much_memory_is_refused(published: Home) -> None:
    with pytest.raises(StoreError):
        query(published.history, "SELECT array_agg(range) FROM range(2000000000)", 60)


def test_an_answer_too_large_for_anybody_is_refused(published: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("warehouse.history.ANSWER_LIMIT", 1 << 20)
    assert query(published.history, "SELECT * FROM range(1000)").num_rows == 1000
    with pytest.raises(StoreError, match="larger than 1 MiB"):
        query(published.history, "SELECT * FROM range(10000000000)")


def test_equal_column_names_are_told_apart(published: Home) -> None:
    assert query(published.history, "SELECT 1 AS a, 2 AS a").to_pylist() == [{"a": 1, "a_1": 2}]


def test_a_held_lock_says_who_to_wait_for(home: Home) -> None:
    with filelock.FileLock(home.write_lock), pytest.raises(BusyError, match="held by another process"):
        publish(home.warehouse, home.history, home.write_lock, wait_s=0.05)


def test_a_log_left_by_a_killed_writer_is_in_what_is_published(home: Home) -> None:
    """The row is committed but only in the write-ahead log: a copy of the file alone would miss it."""
    program = """
import duckdb, os, sys
connection = duckdb.connect(sys.argv[1])
connection.execute("SET checkpoint_threshold = '1GB'")
connection.execute("INSERT INTO core.notice (source_id, kind, text) VALUES ('a', 'odd', 'in the log')")
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", program, str(home.warehouse)], check=True)
    assert home.warehouse.with_name(home.warehouse.name + ".wal").exists()
    publish(home.warehouse, home.history, home.write_lock)
    with open_history(home.history) as history:
        assert history.rows("SELECT text FROM notices WHERE kind = 'odd'") == [{"text": "in the log"}]


def test_a_file_that_is_no_database_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "history.duckdb").write_bytes(b"not a database" * 400)
    with pytest.raises(StoreError, match="cannot open"), open_history(tmp_path / "history.duckdb"):
        pass


def test_a_missing_history_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="tracker run"):
        query(tmp_path / "history.duckdb", "SELECT 1")


def test_every_view_and_column_is_documented_and_answers(published: Home) -> None:
    with open_history(published.history) as history:
        views = history.rows("SELECT view_name AS name, comment FROM duckdb_views() WHERE NOT internal")
        assert len(views) >= 18
        for view in views:
            assert view["comment"], view["name"]
            history.rows(f"SELECT * FROM {view['name']} LIMIT 1")
        bare = history.rows(
            "SELECT table_name || '.' || column_name AS what FROM duckdb_columns() "
            "WHERE NOT internal AND schema_name = 'main' AND comment IS NULL"
        )
    assert [row["what"] for row in bare] == []


def test_parquet_is_written_once_and_then_only_where_something_changed(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "parquet"
    assert write_parquet(home.history, folder)["price_history"] == 4
    assert set(write_parquet(home.history, folder).values()) == {0}
    store(home, 5, "1.3")
    assert write_parquet(home.history, folder)["price_history"] == 5


def test_a_month_that_holds_nothing_any_more_is_removed(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "parquet"
    write_parquet(home.history, folder)
    [true] = (folder / "price_history").rglob("*.parquet")
    stale = folder / "price_history" / "year=2019" / "month=05" / "part.parquet"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(true.read_bytes())
    write_parquet(home.history, folder)
    assert list((folder / "price_history").rglob("*.parquet")) == [true]
