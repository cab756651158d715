"""Every version of every recording, replayed twice: how fast, which known events are found, and is it the same twice?

    python -m bench.replay RECORDINGS [--home DIR]

RECORDINGS is a folder in the layouts of tracker/data/recordings.csv; the events are those of tests/test_events.py.
"""

import argparse
import hashlib
import tempfile
import time
from decimal import Decimal
from pathlib import Path

from tests.test_events import EVENTS, first_shown
from tracker.backfill.run import backfill_files
from tracker.settings import Home
from warehouse.history import open_history, publish


def checksum(home: Home) -> dict[str, str]:
    """A hash of the content of each public view."""
    with open_history(home.history) as history:
        views = [str(row["v"]) for row in history.rows("SELECT view_name AS v FROM duckdb_views() WHERE NOT internal")]
        return {
            view: hashlib.sha256(repr(history.rows(f"SELECT * FROM {view} ORDER BY ALL")).encode()).hexdigest()
            for view in sorted(views)
        }


def events_found(home: Home) -> tuple[list[str], list[str]]:
    """The known events told on the day a source first showed them with all their prices, and those that are not."""
    found, missed = [], []
    with open_history(home.history) as history:
        for _, offer, day, *prices in EVENTS:
            shown = {(row["component"], row["amount"]) for row in first_shown(history, offer, day)}
            wanted = {(name, Decimal(price)) for name, price in zip(("input", "output"), prices, strict=True) if price}
            (found if wanted <= shown else missed).append(f"{offer} {day}")
    return found, missed


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("recordings", type=Path)
    options.add_argument("--home", type=Path)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Home(chosen.home or Path(folder))
        sums = []
        for run in (1, 2):
            started = time.perf_counter()
            told, _ = backfill_files(home, chosen.recordings)
            publish(home.warehouse, home.history, home.write_lock)
            seconds = time.perf_counter() - started
            rows = sum(summary.row_count for summary in told)
            print(
                f"replay {run}: {rows:,} rows of {len(told)} sources in {seconds:.0f} s, {rows / seconds:,.0f} rows/s"
            )
            sums.append(checksum(home))
        found, missed = events_found(home)
        print(f"{len(found)} of {len(EVENTS)} known events found on their day", *missed, sep="\n  not found: ")
        moved = [view for view in sums[0] if sums[0][view] != sums[1][view]]
        print("the same twice" if not moved else f"differs between the replays: {', '.join(moved)}")


if __name__ == "__main__":
    main()
