"""What the tests of ticks share: sources of a shop, a clock that is set by hand, chores that only note their turn.

Run as a program it plays a scenario that needs a file system, or a death, of its own:
`python -m tests.tracker.ticking full|readonly DIR` (in a mount namespace) or `slow DIR URL`.
"""

import errno
import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from scrapers.source import Source
from tests.shop import open_shop, parse, source, stock
from tracker.settings import Home
from tracker.tick import Ticked, tick
from warehouse.history import open_history

START = datetime.fromisoformat("2026-08-05T12:00")


class Clock:
    """The time that every part of a tick sees."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(microseconds=1)
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


def set_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for place in ("tracker.collect.run", "tracker.collect.fetching", "tracker.tick", "tracker.errands"):
        monkeypatch.setattr(f"{place}.utc_now", clock)
    for place in ("tracker.tick", "tracker.health"):  # else it would depend on the folder of the test
        monkeypatch.setattr(f"{place}.phase_of", lambda _root: timedelta())
    return clock


def note_chores(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace the real chores; what was done is noted here."""
    done: list[str] = []
    monkeypatch.setattr("tracker.tick._assess", lambda _home: done.append("assess"))
    monkeypatch.setattr("tracker.tick._alerts", lambda _home: done.append("alerts"))
    monkeypatch.setattr("tracker.tick._report", lambda _home, week: done.append(week))
    return done


def register(monkeypatch: pytest.MonkeyPatch, *sources: Source, **parsers: object) -> None:
    """Make these the only sources; `parsers` by source id, else the shop's."""
    modules = {given.id: SimpleNamespace(SOURCE=given, parse=parsers.get(given.id, parse)) for given in sources}
    for place in ("tracker.collect.run", "tracker.reference", "tracker.tick"):
        monkeypatch.setattr(f"{place}.source_modules", lambda: modules)
    for place in ("tracker.collect.run", "tracker.backfill.telling"):
        monkeypatch.setattr(f"{place}.source_module", lambda source_id: modules[source_id])


def ask(home: Home, sql: str) -> list[tuple[object, ...]]:
    with open_history(home.history) as history:
        return [tuple(row.values()) for row in history.rows(sql)]


def outcomes(done: Ticked) -> dict[str, str]:
    return {summary.source_id: summary.outcome for summary in done.summaries}


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError as error:
            assert error.errno == errno.ENOSPC


def _broken_disk(kind: str, folder: Path) -> None:
    """One tick, one on a disk that takes nothing, one after it was repaired; prints what was seen."""
    from tracker.errors import TrackerError

    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "none", str(folder)], check=True)
    home, patch = Home(folder / "home"), pytest.MonkeyPatch()
    clock = set_clock(patch)
    note_chores(patch)
    with open_shop() as shop:
        register(patch, source("a", shop.url("a")))
        shop.put("a", stock(fast=("1", "2")))
        tick(home, loopback=True)
        if kind == "full":
            _fill(folder / "ballast")
        else:
            subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        shop.put("a", stock(fast=("0.9", "2")))
        clock.forward(hours=1)
        told: list[str] = []
        try:
            tick(home, lambda _source, state, detail: told.append(detail) if state == "failed" else None, True)
        except TrackerError as error:
            told.append(str(error))
        readable = ask(home, "SELECT CAST(input AS VARCHAR) FROM offers WHERE listed_name = 'fast'")
        if kind == "full":
            (folder / "ballast").unlink()
        else:
            subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
        clock.forward(minutes=1)
        after = tick(home, loopback=True)
    prices = "SELECT CAST(amount AS VARCHAR) FROM price_history WHERE listed_name = 'fast' AND component = 'input' "
    print(
        json.dumps(
            {
                "told": told,
                "readable": readable,
                "after": outcomes(after),
                "prices": ask(home, prices + "ORDER BY observed_at"),
                "left": sorted(path.name for path in home.root.rglob(".*")),
            }
        )
    )


def _slow(folder: Path, url: str) -> None:
    """A tick of two sources, of which one never answers."""
    patch = pytest.MonkeyPatch()
    note_chores(patch)
    register(patch, source("a", f"{url}a"), source("slow", f"{url}slow"))
    tick(Home(folder), loopback=True)


if __name__ == "__main__":
    if sys.argv[1] == "slow":
        _slow(Path(sys.argv[2]), sys.argv[3])
    else:
        _broken_disk(sys.argv[1], Path(sys.argv[2]))
