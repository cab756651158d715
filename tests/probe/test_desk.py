"""The commands end to end against the sandbox: rows, plan, inbox, sandbox apart, and no key anywhere."""

import asyncio
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from tests.probe.conftest import SECRET
from tests.probe.servers import Request, Writer, chat, finish, serving, stream, usage
from tests.sandboxes import open_sandbox
from tracker.cli import app
from tracker.errors import ProbeError, StoreError, UsageError
from tracker.probe.budget import Ledger
from tracker.probe.desk import direct_plan, direct_target, run_steps
from tracker.probe.inbox import KIND, Row, read_rows, result_files, write_rows
from tracker.probe.keys import Key
from tracker.probe.plan import Plan
from tracker.probe.run import Purse, Vantage
from tracker.probe.stream import run
from warehouse.probes import COLUMNS, store_file
from warehouse.store import open_file


@pytest.fixture(scope="module")
def sandbox_url() -> Iterator[str]:
    with open_sandbox("fast", "speculative") as url:
        yield url


def probe(home: Path, url: str, *more: str, budget: str = "0.50", price: str = "0.1") -> tuple[int, str]:
    prices = ("--input-price", price, "--output-price", "0.4", "--model", "toy")
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


@pytest.mark.skipif(os.name != "posix", reason="kills a process")
def test_kill_9_after_the_request_left_keeps_its_money_counted(tmp_path: Path) -> None:
    """The reservation is on disk before the request is on the wire, and stays when the prober dies."""
    seen: list[str] = []

    async def never_answers(_request: Request, _writer: Writer) -> None:
        seen.append(next((tmp_path / "spend").glob("*.jsonl")).read_text())
        await asyncio.sleep(60)

    options = ["--model", "toy", "--key-env", "TEST_KEY", "--input-price", "1", "--output-price", "1", "--budget", "1"]
    with serving(never_answers) as server:
        command = [sys.executable, "-m", "tracker", "probe", "--home", str(tmp_path), "--url", server.url, *options]
        with subprocess.Popen([*command, "--workloads", "prefill-1k"]) as prober:
            while not seen and prober.poll() is None:
                time.sleep(0.02)
            os.kill(prober.pid, signal.SIGKILL)
    (entry,) = [json.loads(line) for line in seen[0].splitlines()]
    spend = Ledger(tmp_path / "spend").today()
    assert (spend.settled, spend.open) == (0, Decimal(entry["usd"]))
    assert spend.open > Decimal("0.001")
    with serving(stream()) as server:
        just_too_little = str(2 * spend.open - Decimal("0.0001"))
        code, output = probe(tmp_path, server.url, "--workloads", "prefill-1k", budget=just_too_little, price="1")
        assert (code, server.requests, "reserved today" in output) == (1, [], True)


def test_a_key_in_the_address_is_refused_and_not_shown(tmp_path: Path) -> None:
    with serving(stream()) as server, pytest.raises(UsageError, match="has a query") as caught:
        probe(tmp_path, f"{server.url}?key={SECRET}")
    assert SECRET not in str(caught.value)
    assert server.requests == []
    assert [path for path in tmp_path.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()] == []


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


NOW = datetime.fromisoformat("2026-06-01")


def rows(count: int = 2) -> list[dict[str, object]]:
    blank: dict[str, object] = dict.fromkeys(COLUMNS)
    filled = {
        "started_at": "2026-01-02T03:04:05.000001",
        "cost_usd": "0.00000012",
        "is_sandbox": False,
        "outcome": "ok",
        "offer": "acme/m-1",
        "provider": "acme",
        "listed_name": "m-1",
        "tier": "standard",
        "region": "",
        "variant": "",
        "limits": "{}",
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


def ingest(inbox: Path, home: Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["ingest", str(inbox), "--home", str(home)])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def test_a_damaged_file_is_rejected_and_the_others_go_in(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    bad = write_rows(inbox, rows(3))
    bad.write_bytes(bad.read_bytes()[:-20])
    write_rows(inbox, rows(1))
    code, output = ingest(inbox, tmp_path / "home")
    assert code == 3
    assert "1 rows taken, 0 files already in, 1 rejected" in output
    with pytest.raises(ProbeError, match="does not match its name"):
        read_rows(bad, NOW)
    assert len(result_files(inbox)) == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ttft_ms": float("nan")}, "ttft_ms is nan"),
        ({"itl_ms": float("inf")}, "itl_ms is inf"),
        ({"e2e_ms": -3.0}, "e2e_ms is -3"),
        ({"output_tokens": 10**40}, "output_tokens is 1000"),
        ({"ttft_ms": "fast"}, "bad ttft_ms"),
        ({"ttft_ms": {"a": 1}}, "bad ttft_ms"),
        ({"is_sandbox": "no"}, "bad is_sandbox"),
        ({"detail": "\ud800"}, "bad detail"),
        ({"outcome": "splendid"}, "unknown outcome"),
        ({"outcome": "stalled"}, "a speed on outcome stalled"),
        ({"offer": "rival/m-1"}, "its offer is not"),
        ({"probe_id": ""}, "no probe_id"),
        ({"cost_usd": "NaN"}, "cost_usd"),
        ({"cost_usd": "-4"}, "cost_usd"),
        ({"cost_usd": None}, "cost_usd"),
        ({"limits": "{oops"}, "limits"),
        ({"limits": '{"x-ratelimit-limit-requests": 5}'}, "limits"),
        ({"started_at": "2999-01-01T00:00:00"}, "started_at"),
        ({"started_at": "2026-01-01T00:00:00+09:00"}, "started_at"),
        ({"started_at": 7}, "started_at"),
        ({"surprise": 1}, "other columns"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_hostile_row_keeps_its_file_out_by_name(tmp_path: Path, change: dict[str, object], words: str) -> None:
    inbox = tmp_path / "inbox"
    write_rows(inbox, rows(1))
    lines = [KIND, rows(1)[0] | {"probe_id": "c-0"}, rows(1)[0] | {"probe_id": "c-1"} | change]
    hostile = named_by_content(inbox, "\n".join(map(json.dumps, lines)).encode())
    code, output = ingest(inbox, tmp_path / "home")
    assert (code, "1 rows taken, 0 files already in, 1 rejected" in output) == (3, True), output
    assert words in output
    assert hostile.name[:12] in output
    with duckdb.connect(str(tmp_path / "home" / "history.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT probe_id FROM probes").fetchall() == [("b-0",)]


def named_by_content(inbox: Path, data: bytes) -> Path:
    path = inbox / f"{hashlib.sha256(data).hexdigest()}.probe.jsonl"
    path.write_bytes(data)
    return path


def test_what_is_no_result_file_is_named_and_left_out(tmp_path: Path) -> None:
    """Links, pipes, folders, depths and sizes: a folder that anybody may write to."""
    inbox, secret = tmp_path / "inbox", tmp_path / "secret"
    write_rows(inbox, rows(1))
    secret.write_text("not yours")
    (inbox / f"{hashlib.sha256(b'not yours').hexdigest()}.probe.jsonl").symlink_to(secret)
    (inbox / "endless.probe.jsonl").symlink_to("/dev/zero")
    os.mkfifo(inbox / "pipe.probe.jsonl")
    (inbox / "folder.probe.jsonl").mkdir()
    named_by_content(inbox, b"[" * 100_000)
    named_by_content(inbox, b"\xff\xfe not text")
    named_by_content(inbox, b"")
    named_by_content(inbox, b'{"kind": "tracker-probe", "version": 99}\n')
    with (inbox / "huge.probe.jsonl").open("wb") as handle:
        handle.truncate(300 * 1024 * 1024)  # sparse: takes no disk, and is never read
    (inbox / "notes.txt").write_text("no result file at all, and not looked at")
    code, output = ingest(inbox, tmp_path / "home")
    assert (code, "1 rows taken, 0 files already in, 9 rejected" in output) == (3, True), output
    assert output.count("not a regular file") == 4
    assert output.count("not JSON lines") == 3
    assert "version 1" in output
    assert "more than" in output
    assert secret.read_text() == "not yours"


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
