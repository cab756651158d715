"""The daemon: a clock that starts ticks and errands in processes of their own, and nothing else.

Every minute one `tracker tick`, every five one `tracker tick --errands`, each bounded in time and memory, so that no
parser can stop the daemon and what a tick used is given back. What is due is decided in there, from the ledger: the
daemon remembers nothing, a restart loses nothing. One daemon per home, by lock.
"""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import filelock
import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

from tracker.bounds import limit_memory
from tracker.errors import StoreError, TrackerError
from tracker.settings import Home

PATIENCE_S = 20.0  # between SIGTERM and SIGKILL
TICK = (sys.executable, "-m", "tracker", "tick")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one child may use, and by how much the clock's starts are scattered."""

    tick_s: float = 1800.0
    errands_s: float = 6 * 3600.0
    memory_gb: float = 8.0
    jitter_s: int = 10


@dataclass(slots=True)
class Children:
    """The processes running now. After `stop` no new one is started."""

    running: dict[int, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    stopping: threading.Event = field(default_factory=threading.Event)

    def run(self, name: str, command: Sequence[str], limit_s: float, memory_gb: float) -> int | None:
        """Run one command to its end, or to its limit; None: it was not started."""
        with self.lock:
            if self.stopping.is_set():
                return None
            try:  # a group of its own: what the child starts ends with it
                child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
            except OSError as error:  # no memory, or an upgrade took the program away: the next minute tries again
                structlog.get_logger().error("cannot be started", job=name, problem=error.strerror or str(error))
                return None
            self.running[child.pid] = child
        try:
            with contextlib.suppress(ProcessLookupError):
                limit_memory(child.pid, memory_gb)
            code = child.wait(limit_s)
        except subprocess.TimeoutExpired:
            _end(child, signal.SIGKILL)
            code = child.wait()
            structlog.get_logger().error("stopped: it took too long", job=name, limit_s=limit_s)
        finally:
            with self.lock:
                del self.running[child.pid]
        if code < 0 and not self.stopping.is_set():
            structlog.get_logger().error("ended by a signal", job=name, signal=-code)
        return code

    def stop(self, patience_s: float = PATIENCE_S) -> None:
        """Ask all to end, wait, then make them."""
        with self.lock:
            self.stopping.set()
            children = list(self.running.values())
        for child in children:
            _end(child, signal.SIGTERM)
        until = time.monotonic() + patience_s
        while any(child.poll() is None for child in children) and time.monotonic() < until:
            time.sleep(0.05)
        for child in children:
            _end(child, signal.SIGKILL)


def _end(child: "subprocess.Popen[bytes]", number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        if child.returncode is None:
            os.killpg(child.pid, number)


@contextmanager
def only_one(home: Home) -> Iterator[None]:
    """The scheduler's lock of a home."""
    try:
        home.root.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(home.root / "scheduler.lock", timeout=0):
            yield
    except filelock.Timeout as error:
        raise TrackerError(f"another daemon runs on {home.root}: stop it first, or give another --home") from error
    except OSError as error:
        raise StoreError(f"cannot write in {home.root}: {error.strerror or error}") from error


def schedule(run: Callable[[str], object], jitter_s: int) -> BackgroundScheduler:
    """The clock, not started. Late is better than never, once is enough, and never two of one kind at a time."""
    defaults = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    # a tick that is still running is the normal case, not news of every minute
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    clock = BackgroundScheduler(
        timezone="UTC", job_defaults=defaults, executors={"default": ThreadPoolExecutor(2)}, daemon=True
    )
    for name, minute in (("tick", "*"), ("errands", "*/5")):
        trigger = CronTrigger(minute=minute, timezone="UTC", jitter=jitter_s or None)
        clock.add_job(run, trigger, args=(name,), id=name, replace_existing=True)
    return clock


def serve(home: Home, bounds: Bounds, announce: Callable[[], None] = lambda: None) -> None:
    """Tick until SIGTERM or SIGINT; the children are ended before this returns."""
    children = Children()
    place = ("--home", str(home.root))
    lines = {
        "tick": ((*TICK, *place), bounds.tick_s),
        "errands": ((*TICK, "--errands", *place), bounds.errands_s),
    }

    def run(name: str) -> None:
        command, limit_s = lines[name]
        children.run(name, command, limit_s, bounds.memory_gb)

    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    clock = schedule(run, bounds.jitter_s)
    clock.start()
    first = threading.Thread(target=run, args=("tick",), name="first tick")  # what was missed while we were away
    first.start()
    announce()
    while not ended.wait(1.0):
        pass
    clock.pause()
    children.stop()
    first.join(PATIENCE_S)
    clock.shutdown(wait=True)
