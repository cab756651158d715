"""The open form of the history: Hive-partitioned Parquet, written incrementally, read alike by DuckDB and Spark.

One folder per public table, `year=YYYY/month=MM/part.parquet`; a month whose rows are unchanged is not written again,
and one that holds no rows any more (a history told again) is removed. The queries in `portable/` run over these files
on both engines.
"""

from collections.abc import Collection
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from warehouse.history import open_history

# table -> the column whose month names the partition, and the order that makes the bytes repeatable
TABLES = {
    "price_history": ("valid_from", "offer, component, basis, valid_from, quote_id"),
    "declarations": ("observed_at", "offer, attribute, observed_at, declaration_id"),
    "limits": ("observed_at", "provider, listed_name, measure, per, observed_at, limit_id"),
    "metrics": ("observed_at", "offer, name, statistic, observed_at, value"),
    "rentals": ("valid_from", "lessor, listed_name, region, valid_from, rental_id"),
    "fx": ("day", "currency, day"),
    "demand": ("day", "source_id, listed_name, day, scope"),
}


def write_parquet(history_path: Path, folder: Path) -> dict[str, int]:
    """Write the public tables; returns how many rows were in the files that had to be written."""
    written = {}
    with open_history(history_path) as history:
        for table, (when, order) in TABLES.items():
            months = [
                (int(str(row["year"])), int(str(row["month"])))
                for row in history.rows(
                    f"SELECT DISTINCT year({when}) AS year, month({when}) AS month FROM {table} "
                    f"WHERE {when} IS NOT NULL ORDER BY ALL"
                )
            ]
            written[table] = 0
            _remove_all_but(months, folder / table)
            for year, month in months:
                part = history.arrow(
                    f"SELECT * FROM {table} WHERE year({when}) = ? AND month({when}) = ? ORDER BY {order}",
                    [year, month],
                )
                written[table] += _write_part(part, _place(folder / table, year, month))
    return written


def _place(folder: Path, year: int, month: int) -> Path:
    return folder / f"year={year}" / f"month={month:02d}" / "part.parquet"


def _remove_all_but(months: Collection[tuple[int, int]], folder: Path) -> None:
    kept = {_place(folder, year, month) for year, month in months}
    for place in set(folder.glob("year=*/month=*/part.parquet")) - kept:
        place.unlink()


def _write_part(part: pa.Table, place: Path) -> int:
    """Write a month unless the file there already holds exactly these rows."""
    part = pa.table({name: _plain(part[name]) for name in part.column_names})
    if place.is_file() and pq.read_table(place, partitioning=None).equals(part):
        return 0
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_name(".part.parquet")
    pq.write_table(part, beside, compression="zstd", coerce_timestamps="us")
    beside.replace(place)
    return int(part.num_rows)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """One chunk, and decimals that every engine reads."""
    combined = column.combine_chunks()
    return pa.chunked_array([combined]) if not pa.types.is_dictionary(combined.type) else pc.cast(combined, pa.string())
