"""The memory of the daemon itself: the process that lives for years, over hundreds of real ticks in real time.

python -m bench.soak_daemon run URL... --home HOME     the daemon, its clock quickened from a minute to two seconds
python -m bench.soak_daemon tick URL... --home HOME    what it starts instead of `tracker tick`: a tick of those URLs
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

from tests.shop import source
from tests.tracker.ticking import note_chores, register
from tracker import daemon
from tracker.settings import Home
from tracker.tick import tick

EVERY_S = 2
MARKS = (0.1, 1 / 3, 2 / 3, 1.0)


def memory_mb(pid: int) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def ticks_of(home: Home) -> int:
    """How many ticks began: each appends a byte."""
    place = home.root / "ticks"
    return place.stat().st_size if place.exists() else 0


def watch(folder: Path, urls: Sequence[str], ticks: int) -> list[tuple[int, float]]:
    """Run the daemon until so many ticks are over; ticks and its memory in MB at times."""
    home, marks, seen = Home(folder), [round(ticks * share) for share in MARKS], []
    line = [sys.executable, "-m", "bench.soak_daemon", "run", *urls, "--home", str(home.root)]
    with subprocess.Popen(line, stdout=subprocess.DEVNULL) as running:
        try:
            while marks and running.poll() is None:
                if ticks_of(home) >= marks[0]:
                    seen.append((ticks_of(home), memory_mb(running.pid)))
                    marks.pop(0)
                time.sleep(0.2)
        finally:
            running.send_signal(signal.SIGTERM)
    return seen


def _run(root: Path, urls: Sequence[str]) -> None:
    patch = pytest.MonkeyPatch()
    patch.setattr(daemon, "TICK", (sys.executable, "-m", "bench.soak_daemon", "tick", *urls))
    steady = daemon.schedule

    def quickened(run: Callable[[str], object], _jitter_s: int) -> BackgroundScheduler:
        clock = steady(run, 0)
        clock.reschedule_job("tick", trigger=CronTrigger(second=f"*/{EVERY_S}", timezone="UTC"))
        return clock

    patch.setattr(daemon, "schedule", quickened)
    with daemon.only_one(Home(root)):
        daemon.serve(Home(root), daemon.Bounds())


def _tick(root: Path, urls: Sequence[str]) -> None:
    patch = pytest.MonkeyPatch()
    note_chores(patch)
    register(patch, *(source(f"s{index}", url, every_hours=EVERY_S / 3600) for index, url in enumerate(urls)))
    with (root / "ticks").open("a") as file:
        file.write(".")
    tick(Home(root), loopback=True)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("role", choices=("run", "tick"))
    options.add_argument("urls", nargs="+")
    options.add_argument("--home", type=Path, required=True)
    options.add_argument("--errands", action="store_true")
    chosen = options.parse_args()
    if not chosen.errands:
        {"run": _run, "tick": _tick}[chosen.role](chosen.home, chosen.urls)


if __name__ == "__main__":
    main()
