"""Ticks under what happens in years: each fault is real, nothing acknowledged is lost, the next one carries on."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import filelock
import pytest
import structlog

from scrapers.source import Capture
from tests.shop import Shop, source, stock
from tests.shop import parse as parse_shop
from tests.tracker.ticking import Clock, ask, note_chores, outcomes, register, set_clock
from tracker.collect import run as collecting
from tracker.collect.spool import spool_files
from tracker.errors import BusyError, StoreError, TrackerError
from tracker.settings import Home
from tracker.tick import tick


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return set_clock(monkeypatch)


@pytest.fixture
def chores(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> list[str]:
    return note_chores(monkeypatch)


def test_a_slot_is_read_once_and_chores_follow_changes(
    home: Home, shop: Shop, clock: Clock, chores: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, source("a", shop.url("a")), source("b", shop.url("b"), every_hours=24))
    shop.put("a", stock(fast=("1", "2")))
    shop.put("b", stock(slow=("1", "2")))
    assert tick(home, loopback=True).due == ["a", "b"]
    assert chores == ["assess", "alerts"]
    assert tick(home, loopback=True).due == []
    clock.forward(hours=1)
    assert tick(home, loopback=True).due == ["a"]
    assert chores == ["assess", "alerts", "alerts"], "nothing changed, so it is not assessed again"
    shop.put("a", stock(fast=("0.9", "2")))
    clock.forward(hours=1)
    tick(home, loopback=True)
    assert chores[3:] == ["assess", "alerts"]
    assert ask(home, "SELECT count(*) FROM passes") == [(4,)]


def test_the_report_waits_for_a_week_that_is_over_and_a_failed_chore_for_its_pause(
    home: Home, shop: Shop, clock: Clock, chores: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, source("a", shop.url("a"), every_hours=24))
    shop.put("a", stock())
    tick(home, loopback=True)
    assert "2026-W31" not in chores, "nothing was known in that week"

    def fails(_home: Home, week: str) -> None:
        chores.append(f"tried {week}")
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("tracker.tick._report", fails)
    clock.forward(days=7)
    assert tick(home, loopback=True).chores["report"] == "ZeroDivisionError: a bug"
    for _ in range(5):
        clock.forward(minutes=1)
        tick(home, loopback=True)
    assert chores.count("tried 2026-W32") == 1
    monkeypatch.setattr("tracker.tick._report", lambda _home, week: chores.append(week))
    clock.forward(minutes=10)
    tick(home, loopback=True)
    tick(home, loopback=True)
    assert chores.count("2026-W32") == 1
    assert ask(home, "SELECT outcome FROM chores WHERE name = 'report' ORDER BY ended_at") == [("failed",), ("good",)]


def hangs(capture: Capture) -> Iterator[object]:
    yield from parse_shop(capture)
    while True:
        try:
            time.sleep(0.01)
        except Exception:
            continue


def eats(capture: Capture) -> Iterator[object]:
    raise MemoryError("no more")
    yield capture


@pytest.mark.parametrize(("parser", "why"), [(hangs, "did not finish within 0.3 s"), (eats, "MemoryError")])
def test_a_parser_without_bounds_fails_alone_and_keeps_its_bytes(
    parser: object, why: str, home: Home, shop: Shop, chores: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "PARSE_LIMIT_S", 0.3)
    register(monkeypatch, source("a", shop.url("a")), source("bad", shop.url("bad")), bad=parser)
    shop.put("a", stock())
    shop.put("bad", stock())
    done = tick(home, loopback=True)
    assert outcomes(done) == {"a": "good", "bad": "failed"}
    assert why in next(summary.problem for summary in done.summaries if summary.source_id == "bad")
    assert not list(home.spool.iterdir())
    if parser is hangs:
        assert ask(home, "SELECT count(*) FROM captures WHERE source_id = 'bad'") == [(1,)]


def test_a_pass_that_kills_its_reader_again_and_again_is_given_up_and_a_torn_one_set_aside(
    home: Home, shop: Shop, chores: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, source("a", shop.url("a")))
    shop.put("a", stock())
    monkeypatch.setattr(collecting, "WRITER_WAIT_S", 0.05)
    home.root.mkdir()
    with filelock.FileLock(home.write_lock), pytest.raises(BusyError):
        tick(home, loopback=True)
    [path] = spool_files(home)
    path.with_name(f".{path.name}.tries").write_text("5")
    (home.spool / "2026-08-05T120000-torn.json").write_text('{"source_id": "a"')
    [summary] = tick(home, loopback=True).summaries
    assert summary.problem == "a: reading it stopped the whole process 5 times"
    assert ask(home, "SELECT count(*) FROM captures") == [(1,)]
    assert [path.name for path in (home.spool / "unreadable").iterdir()] == ["2026-08-05T120000-torn.json"]


def test_a_busy_writer_costs_no_pass_and_doubles_none(
    home: Home, shop: Shop, clock: Clock, chores: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, source("a", shop.url("a")))
    shop.put("a", stock(fast=("1", "2")))
    tick(home, loopback=True)
    monkeypatch.setattr(collecting, "WRITER_WAIT_S", 0.05)
    clock.forward(hours=1)
    with filelock.FileLock(home.write_lock):
        with pytest.raises(BusyError):
            tick(home, loopback=True)
        for _ in range(3):
            clock.forward(minutes=1)
            assert tick(home, loopback=True).due == []
        clock.forward(hours=1)
        shop.put("a", stock(fast=("0.9", "2")))
        with pytest.raises(BusyError):
            tick(home, loopback=True)
    monkeypatch.undo()
    register(monkeypatch, source("a", shop.url("a")))
    note_chores(monkeypatch)
    set_clock(monkeypatch).now = clock.now
    assert len(tick(home, loopback=True).summaries) == 2
    assert ask(home, "SELECT count(*) FROM passes") == [(3,)]
    assert ask(home, "SELECT input FROM offers WHERE listed_name = 'fast'") == [(Decimal("0.9"),)]


def test_a_clock_that_jumps(
    home: Home, shop: Shop, clock: Clock, chores: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, source("a", shop.url("a")))
    for price, jump in (("1", 0), ("0.9", 40 * 24), ("0.8", -40 * 24 - 3), ("0.7", 1)):
        clock.forward(hours=jump)
        shop.put("a", stock(fast=(price, "2")))
        assert tick(home, loopback=True).due == ["a"], jump
        clock.forward(minutes=1)
        assert tick(home, loopback=True).due == [], "not read again and again until the clock has caught up"
    rows = ask(
        home,
        "SELECT amount, valid_from, valid_to FROM price_history WHERE listed_name = 'fast' AND component = 'input' "
        "ORDER BY valid_from",
    )
    assert [amount for amount, _, _ in rows] == [Decimal("1"), Decimal("0.9"), Decimal("0.8"), Decimal("0.7")]
    assert all(begin < end for _, begin, end in rows)  # type: ignore[operator]
    assert ask(home, "SELECT input FROM offers WHERE listed_name = 'fast'") == [(Decimal("0.7"),)]


def test_without_names_no_source_is_blamed(
    home: Home, shop: Shop, clock: Clock, chores: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> object:
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    given = [source(name, f"https://{name}.example.org/prices") for name in "abc"]
    local = source("local", "pkg:tests/shop.py")
    register(monkeypatch, *given, local)
    monkeypatch.setattr("socket.getaddrinfo", fails)
    with structlog.testing.capture_logs() as logs:
        done = tick(home)
        assert tick(home).offline
    assert done.offline and done.due == ["local"] and outcomes(done) == {"local": "failed"}
    assert sum(entry["event"].startswith("no name resolves") for entry in logs) == 1
    assert ask(home, "SELECT DISTINCT source_id FROM passes") == [("local",)]
    monkeypatch.undo()
    set_clock(monkeypatch)
    note_chores(monkeypatch)
    register(monkeypatch, *(source(name, shop.url(name)) for name in "abc"))
    for name in "abc":
        shop.put(name, stock())
    assert tick(home, loopback=True).due == ["a", "b", "c"], "the minute the network is back"


def test_one_lost_name_is_that_sources_failure(home: Home, chores: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def some(host: str, *rest: object, **named: object) -> object:
        if host == "gone.example.org":
            raise socket.gaierror(-2, "Name or service not known")
        return real("127.0.0.1", *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr("socket.getaddrinfo", some)
    register(monkeypatch, *(source(name, f"https://{name}.example.org/") for name in ("gone", "b", "c")))
    done = tick(home)
    assert not done.offline
    assert {s.source_id: s.problem for s in done.summaries}["gone"] == "gone.example.org: name not resolved"


def test_a_break_and_a_recovery_are_logged_once(
    home: Home, shop: Shop, clock: Clock, chores: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, source("a", shop.url("a")))
    shop.put("a", stock())
    with structlog.testing.capture_logs() as logs:
        tick(home, loopback=True)
        shop.status("a", 404)
        for hours in (1, 1, 2, 4):
            clock.forward(hours=hours)
            assert outcomes(tick(home, loopback=True)) == {"a": "failed"}
        shop.put("a", stock())
        clock.forward(hours=24)
        tick(home, loopback=True)
    assert [entry["event"] for entry in logs] == ["source broke", "source recovered"]


def test_a_newer_schema_stops_the_old_program_in_one_line_and_harms_nothing(
    home: Home, shop: Shop, clock: Clock, chores: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, source("a", shop.url("a")))
    shop.put("a", stock(fast=("1", "2")))
    tick(home, loopback=True)
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute("INSERT INTO core.migration VALUES ('9000_newer.sql', '', now()::TIMESTAMP)")
    clock.forward(hours=1)
    shop.put("a", stock(fast=("0.9", "2")))
    for _ in range(2):
        with pytest.raises(StoreError, match=r"newer version \(it has 9000_newer.sql\): upgrade the tracker"):
            tick(home, loopback=True)
    assert len(spool_files(home)) == 1
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute("DELETE FROM core.migration WHERE name = '9000_newer.sql'")  # the upgraded program
    clock.forward(minutes=1)
    assert outcomes(tick(home, loopback=True)) == {"a": "good"}
    assert ask(home, "SELECT input FROM offers WHERE listed_name = 'fast'") == [(Decimal("0.9"),)]


def test_two_ticks_at_once_are_one(home: Home) -> None:
    home.root.mkdir()
    with filelock.FileLock(home.root / "tick.lock"):
        assert tick(home).busy


def test_a_home_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(TrackerError, match=r"cannot write in .*home: File exists"):
        tick(Home(tmp_path / "home"))


def _may_mount() -> bool:
    return (
        bool(shutil.which("unshare"))
        and subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode == 0
    )


@pytest.mark.skipif(not _may_mount(), reason="needs a mount namespace of its own (unshare -rm)")
@pytest.mark.parametrize(
    ("kind", "words"), [("full", "No space left on device"), ("readonly", "Read-only file system")]
)
def test_a_disk_that_takes_nothing(kind: str, words: str, tmp_path: Path) -> None:
    line = ["unshare", "-rm", sys.executable, "-m", "tests.tracker.ticking", kind, str(tmp_path)]
    ran = subprocess.run(line, capture_output=True, text=True, timeout=100)
    assert ran.returncode == 0, ran.stderr
    seen = json.loads(ran.stdout)
    assert words in seen["told"][0] and all("\n" not in line for line in seen["told"])
    assert seen["readable"] == [["1.000000000"]], "the published history stays readable"
    assert seen["after"] == {"a": "good"}
    assert seen["prices"] == [["1.000000000"], ["0.900000000"]]
    assert not seen["left"], "no half-written files stay behind"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_ended_in_mid_pass(
    number: signal.Signals, home: Home, shop: Shop, clock: Clock, chores: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.put("a", stock())
    shop.shelves["slow"] = lambda _handler: time.sleep(4)
    line = [sys.executable, "-m", "tests.tracker.ticking", "slow", str(home.root), shop.url("")]
    with subprocess.Popen(line, stderr=subprocess.DEVNULL) as child:
        until = time.monotonic() + 30
        while not spool_files(home) and time.monotonic() < until:
            time.sleep(0.02)
        child.send_signal(number)
        assert child.wait(5) == -number
    assert [path.name.split("-")[-1] for path in spool_files(home)] == ["a.json"]
    register(monkeypatch, source("a", shop.url("a")), source("slow", shop.url("slow")))
    shop.put("slow", stock())
    clock.now += timedelta(days=365)
    assert {s.source_id for s in tick(home, loopback=True).summaries} == {"a", "slow"}
    assert not spool_files(home)
