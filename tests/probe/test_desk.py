"""The commands end to end against the sandbox: rows, plan, inbox, sandbox apart, and no key anywhere."""

import asyncio
import json
import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from tests.probe.conftest import SECRET
from tests.probe.servers import Request, Writer, chat, finish, serving, stream, usage
from tracker.cli import app
from tracker.errors import ProbeError, StoreError, UsageError
from tracker.probe.budget import Ledger
from tracker.probe.desk import direct_plan, direct_target, run_steps
from tracker.probe.inbox import Row, read_rows, result_files, write_rows
from tracker.probe.keys import Key
from tracker.probe.plan import Plan
from tracker.probe.run import Purse, Vantage
from tracker.probe.stream import run
from tracker.sandbox.hosts import preset
from tracker.sandbox.server import serve
from warehouse.probes import COLUMNS, store_file
from warehouse.store import open_file


@pytest.fixture(scope="module")
def sandbox_url() -> Iterator[str]:
    """A sandbox in a thread of its own, stopped at the end of the module."""
    ports: list[int] = []
    ready, stop = threading.Event(), threading.Event()

    def announce(port: int) -> None:
        ports.append(port)
        ready.set()

    hosts = [preset("fast"), preset("speculative")]
    thread = threading.Thread(target=lambda: run(serve(hosts, 0, 0, announce, stop)))
    thread.start()
    assert ready.wait(10)
    yield f"http://127.0.0.1:{ports[0]}"
    stop.set()
    thread.join(5)


def probe(home: Path, url: str, *more: str, budget: str = "0.50") -> tuple[int, str]:
    prices = ("--input-price", "0.1", "--output-price", "0.4", "--model", "toy")
    command = ["probe", "--home", str(home), "--url", url, *prices, "--key-env", "TEST_KEY", "--budget", budget, *more]
    done = CliRunner().invoke(app, command)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", SECRET)
    monkeypatch.setenv("COLUMNS", "200")


def test_probe_to_warehouse_sandbox_apart(tmp_path: Path, sandbox_url: str) -> None:
    more = ("--workloads", "prefill-100,prefill-1k", "--vantage", "lab", "--region", "eu")
    code, output = probe(tmp_path, f"{sandbox_url}/fast/v1", *more)
    assert code in (0, 3), output  # 3: a busy machine refused a measurement
    assert "local/toy (sandbox)" in output
    with duckdb.connect(str(tmp_path / "history.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM probes").fetchone() == (0,)
        query = "SELECT DISTINCT vantage, vantage_region, provider, listed_name, host FROM sandbox_probes"
        assert connection.execute(query).fetchall() == [("lab", "eu", "local", "toy", "127.0.0.1")]
        spent = connection.execute("SELECT sum(cost_usd) FROM sandbox_probes").fetchone()
    assert spent
    assert 0 < float(spent[0]) < 0.001


def test_plan_prints_its_cost_and_sends_nothing(tmp_path: Path) -> None:
    with serving(stream()) as server:
        code, output = probe(tmp_path, server.url, "--plan", "--ladder", "4")
    assert (code, server.requests) == (0, [])
    assert "at most" in output
    assert "100/300" in output


@pytest.mark.parametrize("missing", ["--budget", "--key-env", "--input-price"])
def test_nothing_is_sent_without_budget_key_and_price(tmp_path: Path, missing: str) -> None:
    with serving(stream()) as server:
        command = ["probe", "--home", str(tmp_path), "--url", server.url, "--model", "toy", "--budget", "1",
                   "--key-env", "TEST_KEY", "--input-price", "1", "--output-price", "1"]  # fmt: skip
        at = command.index(missing)
        done = CliRunner().invoke(app, command[:at] + command[at + 2 :])
    assert isinstance(done.exception, UsageError)
    assert server.requests == []


def test_a_budget_too_small_sends_nothing(tmp_path: Path) -> None:
    with serving(stream()) as server:
        code, output = probe(tmp_path, server.url, "--workloads", "1k/1k", budget="0.0001")
    assert (code, server.requests) == (1, [])
    assert "does not cover" in output


def test_the_budget_holds_over_runs(tmp_path: Path, sandbox_url: str) -> None:
    more = ("--workloads", "prefill-100")
    codes = [probe(tmp_path, f"{sandbox_url}/fast/v1", *more, budget="0.00015")[0] for _ in range(5)]
    ledger = next((tmp_path / "spend").glob("*.jsonl")).read_text()
    assert codes[-1] == 1
    settled = sum(float(json.loads(line)["usd"]) for line in ledger.splitlines() if "settle" in line)
    assert 0 < settled <= 0.00015


def test_no_key_in_anything_left_behind(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Against a server that throws the key back in every way it can."""

    async def parrot(request: Request, writer: Writer) -> None:
        key = request.head.split("Bearer ")[1].split("\r\n")[0]
        head = f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nretry-after: {key}\r\nlocation: /{key}\r\n\r\n"
        if b"regular" in request.body or len(request.body) % 2:
            head = head.replace("200 OK", "401 No")
        said = [chat(key), {"error": {"message": f"bad {key}", "code": key}}, finish(key), usage()]
        events = stream(*said, head=head.encode())
        await events(request, writer)

    with serving(parrot) as server:
        _, output = probe(tmp_path / "home", server.url, "--out", str(tmp_path / "out"), "--workloads", "regular,hard")
        _, more = probe(tmp_path / "home", server.url, "--workloads", "prefill-100,prefill-1k")
    captured = capfd.readouterr()
    assert SECRET not in output + more + captured.out + captured.err
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.suffix for path in left} >= {".jsonl", ".duckdb"}
    assert [path for path in left if SECRET.encode() in path.read_bytes()] == []
    assert len(server.requests) == 4


def rows(count: int = 2) -> list[dict[str, object]]:
    blank: dict[str, object] = dict.fromkeys(COLUMNS)
    filled = {
        "started_at": "2026-01-02T03:04:05.000001",
        "cost_usd": "0.00000012",
        "is_sandbox": False,
        "outcome": "ok",
    }
    return [blank | filled | {"probe_id": f"b-{n}", "outcome": "ok", "ttft_ms": 1.5} for n in range(count)]


def test_ingest_is_idempotent_by_content(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    path = write_rows(inbox, rows())
    assert write_rows(inbox, rows()) == path
    shutil.copy(path, inbox / f"{path.name.split('.')[0]}-copy.probe.jsonl")
    first = CliRunner().invoke(app, ["ingest", str(inbox), "--home", str(tmp_path / "home")])
    again = CliRunner().invoke(app, ["ingest", str(inbox), "--home", str(tmp_path / "home")])
    assert "2 rows taken, 1 files already in, 0 rejected" in first.output
    assert "0 rows taken, 2 files already in, 0 rejected" in again.output
    with duckdb.connect(str(tmp_path / "home" / "history.duckdb"), read_only=True) as connection:
        found = connection.execute("SELECT started_at::VARCHAR, cost_usd::VARCHAR, ttft_ms FROM probes").fetchall()
    assert found == [("2026-01-02 03:04:05.000001", "0.000000120", 1.5)] * 2


def test_a_damaged_file_is_rejected_and_the_others_go_in(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    bad = write_rows(inbox, rows(3))
    bad.write_bytes(bad.read_bytes()[:-20])
    write_rows(inbox, rows(1))
    done = CliRunner().invoke(app, ["ingest", str(inbox), "--home", str(tmp_path / "home")])
    assert done.exit_code == 3
    assert "1 rows taken, 0 files already in, 1 rejected" in done.output
    with pytest.raises(ProbeError, match="does not match its name"):
        read_rows(bad)
    assert len(result_files(inbox)) == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [({"surprise": 1}, "surprise"), ({"ttft_ms": "fast"}, "ttft_ms"), ({"started_at": "yesterday"}, "started_at")],
)
def test_rows_of_another_shape_are_rejected_whole(tmp_path: Path, change: dict[str, object], words: str) -> None:
    with open_file(tmp_path / "w.duckdb") as connection:
        with pytest.raises(StoreError, match=words):
            store_file(connection, "f" * 64, [*rows(1), rows(1)[0] | change])
        assert connection.execute("SELECT count(*) FROM core.probe").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM core.probe_file").fetchone() == (0,)


def test_every_column_of_the_views_is_described(tmp_path: Path) -> None:
    with open_file(tmp_path / "w.duckdb") as connection:
        query = "SELECT count(*), count(comment) FROM duckdb_columns() WHERE table_name = ?"
        for view in ("probes", "sandbox_probes"):
            total, told = connection.execute(query, [view]).fetchall()[0]
            assert total == told == len(COLUMNS) + 1  # all but is_sandbox, with file_hash and recorded_at
        kept = connection.execute("SELECT column_name FROM duckdb_columns() WHERE table_name = 'probe'").fetchall()
    assert {name for (name,) in kept} == {*COLUMNS, "file_hash", "recorded_at"}


def test_an_interrupted_run_keeps_what_it_measured(tmp_path: Path) -> None:
    seen: list[Request] = []

    async def once(request: Request, writer: Writer) -> None:
        seen.append(request)
        if len(seen) > 1:
            await asyncio.sleep(60)
        await stream(*[chat(" word")] * 16, finish(), usage(100, 16), b"data: [DONE]\n\n")(request, writer)

    async def interrupted(plan: Plan, purse: Purse) -> tuple[list[Row], str]:
        keys = {"TEST_KEY": Key(SECRET)}
        task = asyncio.create_task(run_steps(plan, keys, purse, Vantage(), lambda _: None))
        while len(seen) < 2:
            await asyncio.sleep(0.02)
        task.cancel()
        return await task

    with serving(once) as server:
        target = direct_target(server.url, "toy", "local", "openai_chat", "TEST_KEY", "1", "1")
        plan = direct_plan(target, "prefill-1k,100/300", "", datetime.now(UTC).replace(tzinfo=None))
        purse = Purse(Ledger(tmp_path), Decimal(1))
        rows, stopped = run(interrupted(plan, purse))
    assert (len(rows), stopped) == (1, "interrupted")
    assert purse.ledger.today().open > 0  # what was under way stays counted
