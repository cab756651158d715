"""Daily medians of accelerator rents at hyperscalers and at newer clouds, kept by a public tracker March-August 2026.

Unit: USD per accelerator and hour, a median over lessors, form not said. The recording has glitches (on 2026-03-11
every column holds its neighbour's figure), so a figure that leaves the corridor of its own fortnight is dropped when
the file is cut, and a day whose columns contradict each other is refused here.
"""

import csv
import io
from collections.abc import Iterator
from datetime import datetime

from scrapers.accelerators import Accelerator
from scrapers.csv_text import csv_rows
from scrapers.instances import Instance, rental
from scrapers.source import Capture, Request, Source
from tracker.records import Notice, Record

SOURCE = Source(
    id="gpu_rental_medians",
    title="Medians of accelerator rents, hyperscalers and newer clouds",
    kind="rental",
    requests=(Request("https://raw.githubusercontent.com/joshhmckee/gpu-rental-prices/main/gpu_prices.csv"),),
    every_hours=24,
    currency="USD",
    unit="USD per accelerator and hour, median over lessors",
    min_rows=1,
    terms="public repository",
    proof="recorded",
    proof_url="https://github.com/joshhmckee/gpu-rental-prices/blob/main/gpu_prices.csv",
    copies=("*",),
    enabled=False,
    notice="Replay only: a median is no offer, and the tracker's last days are empty.",
)
CORRIDOR = 0.3  # rents of a whole group moved less than this within a fortnight in the 170 recorded days
NEIGHBOURS = 7


def parse(capture: Capture) -> Iterator[Record]:
    for locator, row in csv_rows(capture, "date"):
        figures = {column: row[column] for column in row if column in COLUMNS and row[column]}
        if len(figures) > 2 and len(set(figures.values())) <= len(figures) // 2:
            yield Notice("bad_row", f"{row['date'][:20]}: columns repeat each other's figures", locator)
            continue
        try:
            day = datetime.fromisoformat(row["date"])
        except ValueError:
            yield Notice("bad_row", f"not a day: {row['date'][:20]!r}", locator)
            continue
        for column, price in figures.items():
            lessor, chip = COLUMNS[column]
            instance = Instance(lessor, f"{chip} median", Accelerator(chip), 1, effective_from=day)
            yield from rental(instance, price, f"{locator} {column}")


def recorded(body: bytes) -> Iterator[tuple[datetime, bytes]]:
    """One capture per day, without the figures that leave the corridor of the days around them."""
    rows = list(csv.DictReader(io.StringIO(body.decode("utf-8"))))
    columns = [column for column in rows[0] if column in COLUMNS] if rows else []
    for index, row in enumerate(rows):
        kept = {column: row[column] if _plausible(rows, index, column) else "" for column in columns}
        if any(kept.values()):
            text = f"date,{','.join(columns)}\n{row['date']},{','.join(kept[column] for column in columns)}\n"
            yield datetime.fromisoformat(row["date"]), text.encode()


def _plausible(rows: list[dict[str, str]], index: int, column: str) -> bool:
    around = rows[max(0, index - NEIGHBOURS) : index] + rows[index + 1 : index + 1 + NEIGHBOURS]
    others = sorted(float(row[column]) for row in around if row[column])
    if not rows[index][column] or not others:
        return False
    return abs(float(rows[index][column]) / others[len(others) // 2] - 1) <= CORRIDOR


COLUMNS = {
    "hyperscaler-H100": ("median-hyperscaler", "H100"),
    "hyperscaler-A100": ("median-hyperscaler", "A100"),
    "neocloud-H100": ("median-neocloud", "H100"),
    "neocloud-A100": ("median-neocloud", "A100"),
    "neocloud-B200": ("median-neocloud", "B200"),
    "neocloud-MI300X": ("median-neocloud", "MI300X"),
}
