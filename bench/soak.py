"""A month of the daemon's work in minutes: real ticks on a simulated clock against a real server with faults.

    python -m bench.soak [--days 30] [--sources 40] [--faults 0.05] [--daemon-ticks 300] [--write]

Half of the sources are due daily, three tenths every six hours, a fifth hourly, as in the real set. A faulty answer is
a 500, a hang cut short by the pass deadline, a torn body or a wrong page, in equal parts. The clock jumps to the next
minute in which anything is due (a tick in between does nothing, tests/tracker/test_tick.py). Assessing and reporting
are left out: they have benchmarks of their own; their turns on the ledger are kept and counted.

The servers have a process of their own, so that the memory told is the ticks'. In the end the daemon itself runs over
the same servers, with its clock quickened, and its own memory is told (bench/soak_daemon.py).

A slot is missed when no pass of the source lies in it, doubled when two good ones do. Prices move by up to 9 % now and
then; `changes` counts what the server showed, to compare with the versions that the ledger opened.
"""

import argparse
import json
import logging
import os
import tempfile
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import structlog

from bench.docs import refresh
from bench.soak_daemon import memory_mb, watch
from bench.soak_market import DEADLINE_S, FAULTS, open_market
from tests.shop import source
from tests.tracker.ticking import START, Clock, note_chores, register, set_clock
from tracker.schedule import next_due, slot_start
from tracker.settings import Home
from tracker.tick import states, tick
from warehouse.history import open_history

OF_THE_DAEMON = 4  # sources that the daemon reads at each of its ticks


def size_mb(path: Path) -> float:
    files = [path] if path.is_file() else [item for item in path.rglob("*") if item.is_file()]
    return sum(item.stat().st_size for item in files) / 2**20


def hours_of(index: int, sources: int) -> int:
    return 1 if index < sources / 5 else 6 if index < sources / 2 else 24


def run(home: Home, clock: Clock, days: int) -> list[tuple[int, float, float, float, int]]:
    """Tick until the month is over; day, memory, warehouse, captures and passes at times."""
    seen, ticks, marks = [], 0, {round(days * share) for share in (1 / 30, 1 / 3, 2 / 3)} | {1}
    end = START + timedelta(days=days)
    while clock.now < end:
        tick(home, loopback=True)
        ticks += 1
        upcoming = min(next_due(state) or clock.now for state in states(home, clock.now))
        clock.now = max(clock.now + timedelta(minutes=1), upcoming.replace(second=0, microsecond=0))
        day = (clock.now - START).days
        if day in marks or clock.now >= end:
            marks.discard(day)
            seen.append((day, memory_mb(os.getpid()), size_mb(home.warehouse), size_mb(home.captures), ticks))
    return seen


def slots(home: Home, hours: dict[str, int], days: int) -> Counter[str]:
    """Missed, doubled, failed slots; passes and versions."""
    told: Counter[str] = Counter()
    with open_history(home.history) as history:
        passes = history.rows("SELECT source_id, observed_at, outcome FROM passes")
        query = "SELECT (SELECT count(*) FROM core.quote_now) + (SELECT count(*) FROM core.quote_past) AS n"
        told["versions"] = int(str(history.rows(query)[0]["n"]))
        chores = history.rows("SELECT count(*) - count(DISTINCT (name, slot)) AS n FROM chores")
        told["chores done twice"] = int(str(chores[0]["n"]))
    told["passes"] = len(passes)
    good: Counter[tuple[str, datetime]] = Counter()
    tried: set[tuple[str, datetime]] = set()
    for row in passes:
        name, when = str(row["source_id"]), row["observed_at"]
        assert isinstance(when, datetime)
        slot = name, slot_start(when, hours[name])
        tried.add(slot)
        good[slot] += row["outcome"] != "failed"
    for name, every in hours.items():
        for number in range(days * 24 // every):
            slot = name, slot_start(START + timedelta(hours=number * every), every)
            told["slots"] += 1
            told["missed"] += slot not in tried
            told["without a good pass"] += slot in tried and not good[slot]
            told["doubled"] += good[slot] > 1
    return told


def report(
    days: int, sources: int, shown: tuple[Counter[str], int], seen: list[tuple[int, float, float, float, int]],
    told: Counter[str], daemon: list[tuple[int, float]], seconds: float,
) -> str:  # fmt: skip
    faults, changes = shown
    lines = [
        f"{days} days, {sources} sources, {told['passes']:,} passes in {seconds / 60:.1f} minutes; "
        f"faults: {', '.join(f'{faults[name]} {name}' for name in FAULTS)}.",
        "",
        "| day | ticks | memory MB | warehouse MB | captures MB |",
        "|---|---|---|---|---|",
        *(f"| {day} | {ticks:,} | {memory:.0f} | {file:.1f} | {kept:.1f} |" for day, memory, file, kept, ticks in seen),
        "",
        f"Of {told['slots']:,} slots: {told['missed']} missed, {told['doubled']} doubled, "
        f"{told['without a good pass']} without a good pass; chores done twice: {told['chores done twice']}.",
        f"The server showed {changes:,} prices (at first and after changes), the ledger opened {told['versions']:,} "
        "versions.",
        "",
        "These ticks ran in one process, to see what they leave behind; the daemon starts each in a new one.",
        "Its own memory, while it started real ticks in real time:",
        "",
        "| ticks started | daemon's memory MB |",
        "|---|---|",
        *(f"| {ticks:,} | {memory:.1f} |" for ticks, memory in daemon),
    ]
    return "\n".join(lines)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--days", type=int, default=30)
    options.add_argument("--sources", type=int, default=40)
    options.add_argument("--faults", type=float, default=0.05)
    options.add_argument("--daemon-ticks", type=int, default=300)
    options.add_argument("--write", action="store_true")
    chosen = options.parse_args()
    patch = pytest.MonkeyPatch()
    clock = set_clock(patch)
    note_chores(patch)
    patch.setattr("tracker.collect.fetching.PASS_DEADLINE_S", DEADLINE_S)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, open_market(chosen.sources, chosen.faults) as stalls:
        home = Home(Path(folder) / "month")
        hours = {name: hours_of(index, chosen.sources) for index, name in enumerate(stalls.urls)}
        register(patch, *(source(name, url, every_hours=hours[name]) for name, url in stalls.urls.items()))
        seen = run(home, clock, chosen.days)
        told, shown, seconds = slots(home, hours, chosen.days), stalls.told(), time.perf_counter() - started
        daemon = watch(Path(folder) / "daemon", list(stalls.urls.values())[:OF_THE_DAEMON], chosen.daemon_ticks)
        text = report(chosen.days, chosen.sources, shown, seen, told, daemon, seconds)
    print(text)
    print(json.dumps(told))
    if chosen.write:
        refresh("tracker/README.md", "soak", text)


if __name__ == "__main__":
    main()
