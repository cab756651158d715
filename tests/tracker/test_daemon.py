"""The daemon's processes: bounded, one scheduler per home, ended with it; health on loopback."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import timedelta
from pathlib import Path

import filelock
import pytest
import structlog

from tests.shop import Shop, source, stock
from tests.tracker.ticking import Clock, note_chores, register, set_clock
from tracker.bounds import limit_memory
from tracker.daemon import Children, schedule
from tracker.errors import TrackerError
from tracker.health import health_of, listening
from tracker.settings import Home
from tracker.tick import tick

DAEMON = [sys.executable, "-m", "tracker", "daemon", "--home"]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    note_chores(monkeypatch)
    return set_clock(monkeypatch)


def test_jobs_have_names_and_a_blocked_one_neither_doubles_nor_is_lost() -> None:
    ran: list[str] = []
    clock = schedule(ran.append, 0)
    clock.start(paused=True)
    jobs = {job.id: job for job in clock.get_jobs()}
    clock.shutdown()
    assert set(jobs) == {"tick", "errands"}
    assert all(job.coalesce and job.max_instances == 1 and job.misfire_grace_time is None for job in jobs.values())
    assert str(jobs["tick"].trigger.timezone) == "UTC"


def test_a_child_that_takes_too_long_is_ended_and_said_once() -> None:
    children = Children()
    with structlog.testing.capture_logs() as logs:
        code = children.run("tick", [sys.executable, "-m", "tracker", "sandbox", "fast", "--port", "0"], 0.5, 0)
    assert code == -signal.SIGKILL and not children.running
    assert logs[0]["event"] == "stopped: it took too long"


def test_a_program_that_cannot_be_started_is_said_in_one_line() -> None:
    children = Children()
    with structlog.testing.capture_logs() as logs:
        assert children.run("tick", ["/no/such/python"], 5, 0) is None
    assert [(log["event"], log["job"]) for log in logs] == [("cannot be started", "tick")] and not children.running


def test_a_child_that_takes_too_much_memory_fails_by_itself() -> None:
    program = "import sys; sys.stdin.read(); bytearray(2**30)"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", program], stdin=pipe, stderr=pipe) as child:
        limit_memory(child.pid, 0.5)
        _, complaint = child.communicate()
    assert child.returncode == 1 and b"MemoryError" in complaint


def test_after_stop_nothing_starts() -> None:
    children = Children()
    children.stop()
    assert children.run("tick", [sys.executable, "--version"], 5, 0) is None


def test_a_second_daemon_on_the_same_home_leaves_in_one_line(home: Home) -> None:
    home.root.mkdir()
    with filelock.FileLock(home.root / "scheduler.lock"):
        ran = subprocess.run([*DAEMON, str(home.root)], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 1
    assert ran.stderr == f"tracker: another daemon runs on {home.root}: stop it first, or give another --home\n"


def _children_of(pid: int) -> list[int]:
    found = []
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(place.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(place.parent.name))
        except (OSError, ValueError):
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for the children in /proc")
def test_sigterm_ends_the_daemon_and_its_tick(home: Home) -> None:
    with subprocess.Popen([*DAEMON, str(home.root)], stderr=subprocess.DEVNULL) as daemon:
        until = time.monotonic() + 40
        while not (home.root / "tick.lock").exists() and time.monotonic() < until:
            time.sleep(0.05)
        ticking = _children_of(daemon.pid)
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(25) == 0
    assert ticking and not [pid for pid in ticking if Path(f"/proc/{pid}").exists()]
    with filelock.FileLock(home.root / "scheduler.lock", timeout=0):
        pass


def _get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_health_says_when_nothing_good_came_for_long(
    home: Home, shop: Shop, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, source("a", shop.url("a")), source("b", shop.url("b")))
    monkeypatch.setattr("tracker.health.utc_now", clock)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home.root.mkdir()
    with listening(home, port):
        assert _get(port, "/healthz")[0] == 503
        code, text = _get(port, "/metrics")
        assert code == 200 and "tracker_ok 0\n" in text and "tracker_last_good_pass_age_seconds NaN\n" in text
        shop.put("a", stock())
        tick(home, loopback=True)
        code, text = _get(port, "/healthz")
        told = json.loads(text)
        assert code == 200 and told["ok"] and (told["sources"], told["failing"]) == (2, 1)
        assert told["last_good_pass_age_s"] < 1 and told["history_bytes"] > 10_000
        _, text = _get(port, "/metrics")
        lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        assert lines["tracker_ok"] == "1" and lines['tracker_source_failures{source="b"}'] == "1"
        assert float(lines['tracker_source_last_good_timestamp_seconds{source="a"}']) > 1.7e9
        clock.forward(hours=6)
        code, text = _get(port, "/healthz")
        assert code == 503 and json.loads(text)["overdue"] == 2
        assert _get(port, "/")[0] == 404
        with pytest.raises(TrackerError, match=f"cannot listen on 127.0.0.1:{port}"), listening(home, port):
            pass


def test_health_counts_what_waits(home: Home, shop: Shop, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch, source("a", shop.url("a"), every_hours=24))
    shop.put("a", stock())
    tick(home, loopback=True)
    assert health_of(home, clock.now + timedelta(hours=5)).ok, "a daily source is not late after five hours"
    (home.spool / "x.json").write_text("{}")
    assert health_of(home, clock.now).spool_waiting == 1
