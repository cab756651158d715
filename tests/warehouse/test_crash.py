"""Killed at random points, the ledger loses nothing acknowledged, doubles nothing, and the next run carries on."""

import multiprocessing
import os
import random
import signal
import time
from datetime import datetime, timedelta
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path

import duckdb
import pytest

from scrapers import archive
from tests.shop import register, source, stock
from tracker.collect.run import ingest_spool
from tracker.collect.spool import Spooled, spool_files
from tracker.settings import Home
from warehouse.history import open_history, publish

KILLS = 50
START = datetime(2026, 1, 1)  # noqa: DTZ001


def price_of(number: int) -> str:
    return f"{1 + number % 4 / 10:.1f}"


def keep_collecting(home: Home, first: int, pipe: Connection) -> None:
    """What a run does, over and over: keep bytes, spool, store, publish; acknowledge what was stored."""
    number = first
    while True:
        body = stock(fast=(price_of(number), "2"))
        capture = {
            "url": "x",
            "label": "",
            "media_type": "",
            "sha256": archive.keep(home.captures, body),
            "bytes": len(body),
        }
        Spooled("a", (START + timedelta(hours=number)).isoformat(), [capture]).write(home.spool)
        pipe.send(("spooled", number))
        ingest_spool(home)
        pipe.send(("stored", number))
        publish(home.warehouse, home.history, home.write_lock)
        number += 1


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_fifty_kills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch, source("a", "pkg:tests/none"))
    home = Home(tmp_path)
    ingest_spool(home)  # the file and its views exist, so that kills hit passes
    fork = multiprocessing.get_context("fork")
    dice = random.Random(7)
    spooled, stored, number = set(), set(), 0
    for _ in range(KILLS):
        ours, theirs = fork.Pipe(duplex=False)
        child = fork.Process(target=keep_collecting, args=(home, number, theirs))
        child.start()
        theirs.close()
        told = []
        for _ in range(dice.randrange(4)):  # let it get somewhere, however slow the machine, then strike at any point
            told.append(ours.recv())
        time.sleep(dice.uniform(0, 0.12))
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        try:
            while True:
                told.append(ours.recv())
        except EOFError:
            pass
        for what, done in told:
            (spooled if what == "spooled" else stored).add(done)
        ours.close()
        number = max([number, *(done + 1 for done in spooled)])
        if home.history.exists():
            with open_history(home.history) as history:
                history.rows("SELECT * FROM offers")
    ingest_spool(home)
    publish(home.warehouse, home.history, home.write_lock)
    assert len(stored) > KILLS / 5, "the children were killed before they did anything"
    assert not spool_files(home)
    with duckdb.connect(str(home.history), read_only=True) as connection:
        passes = connection.execute("SELECT observed_at FROM core.pass ORDER BY 1").fetchall()
        prices = connection.execute(
            "SELECT valid_from, valid_to, amount FROM price_history "
            "WHERE listed_name = 'fast' AND component = 'input' ORDER BY 1"
        ).fetchall()
    numbers = [round((when - START) / timedelta(hours=1)) for (when,) in passes]
    assert len(numbers) == len(set(numbers))
    assert stored | spooled <= set(numbers)
    for done in numbers:
        when = START + timedelta(hours=done)
        assert [amount for a, b, amount in prices if a <= when < b] == [Decimal(price_of(done))]
