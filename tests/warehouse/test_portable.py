"""The published Parquet and the portable queries over it: DuckDB and Spark give equal answers."""

import importlib.util
import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

import warehouse
from tracker.collect.run import collect
from tracker.settings import Home
from warehouse.parquet import write_parquet

QUERIES = sorted((Path(warehouse.__file__).parent / "portable").glob("*.sql"))
Answers = dict[str, list[list[object]]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ledger of what ships with the packages, as Parquet."""
    home = Home(tmp_path_factory.mktemp("home"))
    collect(home, ["price_war", "ecb_package", "genai_prices_package"])
    folder = tmp_path_factory.mktemp("parquet")
    write_parquet(home.history, folder)
    return folder


@pytest.fixture(scope="module")
def by_duckdb(folder: Path) -> Answers:
    with duckdb.connect() as connection:
        for table in {part.relative_to(folder).parts[0] for part in folder.rglob("*.parquet")}:
            connection.execute(f"CREATE VIEW {table} AS FROM read_parquet('{folder}/{table}/**/*.parquet')")
        return {query.stem: listed(connection, query) for query in QUERIES}


def listed(connection: duckdb.DuckDBPyConnection, query: Path) -> list[list[object]]:
    rows = connection.execute(query.read_text(encoding="utf-8")).fetchall()
    return json.loads(json.dumps([list(row) for row in rows], default=str))


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.stem)
def test_a_query_finds_real_rows(by_duckdb: Answers, query: Path) -> None:
    assert len(by_duckdb[query.stem]) > 10


@pytest.mark.needs_java
@pytest.mark.skipif(not shutil.which("java"), reason="needs_java: no java on this machine")
@pytest.mark.skipif(not importlib.util.find_spec("pyspark"), reason="needs_java: pyspark is not installed")
def test_spark_answers_alike(folder: Path, by_duckdb: Answers) -> None:
    script = Path(__file__).with_name("spark_answers.py")
    told = subprocess.run(
        [sys.executable, str(script), str(folder), *map(str, QUERIES)],
        env=os.environ | {"PYSPARK_PYTHON": sys.executable}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr[-2000:]
    by_spark = json.loads(told.stdout.splitlines()[-1])
    for name, rows in by_duckdb.items():
        assert len(by_spark[name]) == len(rows), name
        for ours, theirs in zip(rows, by_spark[name], strict=True):
            assert all(equal(one, other) for one, other in zip(ours, theirs, strict=True)), (name, ours, theirs)


def equal(one: object, other: object) -> bool:
    """Equal to the letter; doubles to the last digits, where engines add up in another order."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-12)
    return one == other
