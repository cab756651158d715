"""A month of the daemon's work in minutes: real ticks on a simulated clock against a real server with faults.

    python -m bench.soak [--days 30] [--sources 40] [--faults 0.05] [--write]

Half of the sources are due daily, three tenths every six hours, a fifth hourly, as in the real set. A faulty answer is
a 500, a hang cut short by the pass deadline, a torn body or a wrong page, in equal parts. The clock jumps to the next
minute in which anything is due (a tick in between does nothing, tests/tracker/test_tick.py). Assessing and reporting
are left out: they have benchmarks of their own; their turns on the ledger are kept and counted.

A slot is missed when no pass of the source lies in it, doubled when two good ones do. Prices move by up to 9 % now and
then; `changes` counts what the server showed, to compare with the versions that the ledger opened.
"""

import argparse
import contextlib
import json
import logging
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import structlog

from bench.docs import refresh
from tests.shop import Shop, open_shop, source, stock
from tests.tracker.ticking import START, Clock, note_chores, register, set_clock
from tracker.schedule import next_due, slot_start
from tracker.settings import Home
from tracker.tick import states, tick
from warehouse.history import open_history

OFFERS = 50
HOSTS = 10
DEADLINE_S = 1.0
FAULTS = ("500", "hang", "torn", "wrong page")


@dataclass
class Market:
    """What the server shows of one source, and what it does wrong."""

    name: str
    faults: float
    prices: dict[str, float] = field(default_factory=lambda: {f"m{i}": 1.0 for i in range(OFFERS)})
    shown: dict[str, float] = field(default_factory=dict)
    asked: int = 0
    changes: int = 0
    faulty: Counter[str] = field(default_factory=Counter)

    def answer(self, shop: Shop) -> Callable[[BaseHTTPRequestHandler], None]:
        def handle(handler: BaseHTTPRequestHandler) -> None:
            self.asked += 1
            dice = random.Random(f"{self.name}{self.asked}")
            if dice.random() < self.faults:
                fault = dice.choice(FAULTS)
                self.faulty[fault] += 1
                return self._fail(fault, shop, handler)
            for _ in range(dice.random() < 0.1):
                self.prices[f"m{dice.randrange(OFFERS)}"] = round(dice.uniform(0.95, 1.04), 3)
            self.changes += 2 * sum(self.shown.get(name) != price for name, price in self.prices.items())
            self.shown = dict(self.prices)
            self._send(handler, 200, self.body())

        return handle

    def body(self) -> bytes:
        return stock(**{name: (f"{price}", f"{2 * price}") for name, price in self.prices.items()})

    def _fail(self, fault: str, shop: Shop, handler: BaseHTTPRequestHandler) -> None:
        if fault == "500":
            self._send(handler, 500, b"")
        elif fault == "hang":
            time.sleep(DEADLINE_S + 0.3)
        elif fault == "torn":
            self._send(handler, 200, self.body(), torn=True)
        else:
            self._send(handler, 200, b"<html>Please sign in</html>")

    @staticmethod
    def _send(handler: BaseHTTPRequestHandler, code: int, body: bytes, torn: bool = False) -> None:
        handler.send_response(code)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[: len(body) // 2] if torn else body)


def memory_mb() -> float:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


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
            seen.append((day, memory_mb(), size_mb(home.warehouse), size_mb(home.captures), ticks))
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


def report(days: int, markets: list[Market], seen: list[tuple[int, float, float, float, int]], told: Counter[str],
           seconds: float) -> str:  # fmt: skip
    faults = sum((market.faulty for market in markets), Counter())
    changes = sum(market.changes for market in markets) + 2 * len(markets)  # anchor-model
    lines = [
        f"{days} days, {len(markets)} sources, {told['passes']:,} passes in {seconds / 60:.1f} minutes; "
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
    ]
    lines += ["", "All ticks ran in one process, to see what they leave behind; the daemon starts each in a new one."]
    return "\n".join(lines)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--days", type=int, default=30)
    options.add_argument("--sources", type=int, default=40)
    options.add_argument("--faults", type=float, default=0.05)
    options.add_argument("--write", action="store_true")
    chosen = options.parse_args()
    patch = pytest.MonkeyPatch()
    clock = set_clock(patch)
    note_chores(patch)
    patch.setattr("tracker.collect.fetching.PASS_DEADLINE_S", DEADLINE_S)
    markets = [Market(f"s{index}", chosen.faults) for index in range(chosen.sources)]
    hours = {market.name: hours_of(index, chosen.sources) for index, market in enumerate(markets)}
    started = time.perf_counter()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        home = Home(Path(folder))
        shops = [stack.enter_context(open_shop()) for _ in range(HOSTS)]  # a host is asked one thing at a time
        given = []
        for index, market in enumerate(markets):
            shop = shops[index % HOSTS]
            shop.shelves[market.name] = market.answer(shop)
            given.append(source(market.name, shop.url(market.name), every_hours=hours[market.name]))
        register(patch, *given)
        seen = run(home, clock, chosen.days)
        told = slots(home, hours, chosen.days)
    text = report(chosen.days, markets, seen, told, time.perf_counter() - started)
    print(text)
    print(json.dumps(told))
    if chosen.write:
        refresh("tracker/README.md", "soak", text)


if __name__ == "__main__":
    main()
