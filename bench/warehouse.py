"""The ledger beside raw DuckDB on the same rows in the same run: ingest, as-of, one offer's history, publish, replay.

    python -m bench.warehouse [--full] [--write]

`--full` adds the table of 10 M versions (a minute). `--write` refreshes the block in warehouse/README.md.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb

from bench.docs import refresh
from tracker.checks import CALM
from tracker.collect.parsing import judge_of, sort_records
from tracker.records import Offer, Quote
from warehouse.history import publish
from warehouse.ledger import append_pass
from warehouse.passes import CaptureRow, PassFacts, content_hash
from warehouse.retell import retell
from warehouse.shapes import QUOTE
from warehouse.store import CONFIG, insert, open_file

START = datetime(2024, 1, 1)  # noqa: DTZ001
OFFERS = 3_000
COMPONENTS = ("input", "output", "cache_read")


def best_of(times: int, work: Callable[[], object]) -> float:
    """Median milliseconds of a few runs."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)


def shelf(day: int, moved: float, offers: int = OFFERS) -> list[Quote]:
    """A pass of `offers` x 3 quotes in which a share `moved` differs from the day before."""
    dice = random.Random(11)
    quotes = []
    for index in range(offers):
        offer = Offer(f"provider-{index % 40}", f"author/model-{index}")
        price = Decimal(10 + dice.randrange(1000)) / 100
        if dice.random() < moved:
            price *= Decimal(100 + day % 7) / 100
        quotes += [Quote(offer, name, price, "USD", raw=str(price), locator=f"/{index}") for name in COMPONENTS]
    return quotes


def facts_of(quotes: list[Quote], day: int) -> PassFacts:
    when = START + timedelta(days=day)
    facts = PassFacts("bench", "", when, when, [CaptureRow(day, "x", "", "", str(day), 1)])
    sort_records(facts, quotes, day)
    return facts


def ingest(folder: Path) -> list[tuple[str, float, str, float]]:
    """Unchanged and changed passes beside hashing the rows and beside a raw bulk insert of the same rows."""
    rows = []
    with open_file(folder / "ingest.duckdb") as connection:
        append_pass(connection, facts_of(shelf(0, 1.0), 0), judge_of, CALM)
        days = iter(range(1, 100))
        same = [facts_of(shelf(0, 1.0), day) for day in (next(days) for _ in range(5))]
        hashing = best_of(5, lambda: content_hash(same[0]))
        queue = iter(same)
        unchanged = best_of(5, lambda: append_pass(connection, next(queue), judge_of, CALM))
        rows.append(("unchanged pass, 9,000 quotes", unchanged, "hashing its rows", hashing))
        usual = [facts_of(shelf(day, 0.05), day) for day in (next(days) for _ in range(6))]
        append_pass(connection, usual[0], judge_of, CALM)
        queue = iter(usual[1:])
        partly = best_of(5, lambda: append_pass(connection, next(queue), judge_of, CALM))
        moved = [facts_of(shelf(day, 1.0), day) for day in (next(days) for _ in range(5))]
        queue = iter(moved)
        changed = best_of(5, lambda: append_pass(connection, next(queue), judge_of, CALM))
        versions = connection.execute("SELECT count(*) FROM core.quote_past").fetchone()
        assert versions and versions[0] >= 4 * 9_000 * 0.8, "the changed passes did not change"
    columns = QUOTE.now_columns
    values = [
        (index, "bench", *key, *row.value, *row.evidence, row.capture_id, 1, "", START, START, 0, None)
        for index, (key, row) in enumerate(facts_of(shelf(1, 1.0), 1).rows["quote"].items())
    ]
    with open_file(folder / "raw.duckdb") as connection:
        raw = best_of(5, lambda: insert(connection, "core.quote_now", columns, values))
        both = best_of(5, lambda: insert(connection, "core.quote_now", columns, [*values, *values]))
    rows.append(("changed pass, 1 quote in 20 moved", partly, "raw Arrow insert of its 9,000 rows", raw))
    rows.append(("changed pass, every quote moved", changed, "raw Arrow insert of the same rows", raw))
    rows.append(("the same pass: closes 9,000, opens 9,000", changed, "raw Arrow insert of 18,000 rows", both))
    return rows


def fill(folder: Path, versions: int) -> Path:
    """A ledger with `versions` closed prices over two years, written as the ledger writes them: as they ended."""
    path = folder / f"v{versions}.duckdb"
    with open_file(path) as connection:
        connection.execute(
            "INSERT INTO core.offer "
            "SELECT range, 'p/m' || range, 'p', 'm' || range, 'standard', '', '' FROM range(3000)"
        )
        connection.execute(
            f"""
            INSERT INTO core.quote_past (
                version_id, source_id, offer_id, component, basis, min_prompt_tokens, hours,
                amount, currency, unit, status, priority, raw, locator, capture_id, pass_id, recorder, observed_at,
                recorded_at, ended_at, ended_recorded_at, end_reason, valid_from, valid_to)
            WITH steps AS (
                SELECT range AS n, range % 3000 AS offer_id,
                       TIMESTAMP '2024-01-01' + to_seconds((range // 3000) * (63072000.0 / ({versions} / 3000.0)))
                           AS starts FROM range({versions})
            )
            SELECT n, 'bench', offer_id, 'input', 'list', 0, '', (n % 997) / 100, 'USD', 'mtok', 'known', 0,
                   '', '', 0, 0, '', starts, starts, starts + to_seconds(63072000.0 / ({versions} / 3000.0)),
                   starts + to_seconds(63072000.0 / ({versions} / 3000.0)), 'changed',
                   starts, starts + to_seconds(63072000.0 / ({versions} / 3000.0)) FROM steps ORDER BY starts
            """
        )
    return path


def reading(folder: Path, versions: int) -> list[tuple[str, float, str, float]]:
    """As-of for all offers and one offer's history, beside the bare query; publishing beside copying the bytes."""
    path = fill(folder, versions)
    rows = []
    connection = duckdb.connect(str(path), config=CONFIG)
    when = "TIMESTAMP '2025-01-15'"
    found = connection.execute(f"SELECT count(*) FROM quotes_asof({when})").fetchone()
    assert found == (3000,), found
    asof = best_of(
        7, lambda: connection.execute(f"SELECT count(amount), sum(amount) FROM quotes_asof({when})").fetchall()
    )
    bare = best_of(
        7,
        lambda: connection.execute(
            f"SELECT count(amount), sum(amount) FROM core.quote_past WHERE valid_from <= {when} AND valid_to > {when}"
        ).fetchall(),
    )
    rows.append((f"as-of, all offers, {versions:,} versions", asof, "bare range scan", bare))
    one = best_of(7, lambda: connection.execute("SELECT * FROM price_history WHERE offer = 'p/m77'").fetchall())
    bare_one = best_of(7, lambda: connection.execute("SELECT * FROM core.quote_past WHERE offer_id = 77").fetchall())
    rows.append((f"one offer's history, {versions:,} versions", one, "bare scan for its id", bare_one))
    connection.close()
    publishing = best_of(3, lambda: publish(path, folder / "history.duckdb", folder / "lock"))
    body = path.read_bytes()
    copying = best_of(3, lambda: (folder / "copy").write_bytes(body))
    rows.append((f"publish, {len(body) / 2**20:,.0f} MiB", publishing, "writing the bytes without sync", copying))
    return rows


def replay(folder: Path) -> tuple[int, float]:
    """Quotes per second through the whole path (rows, judge, history, storage) once parsed: 200 passes, 5 % moving."""
    parsed = [shelf(day, 0.05) for day in range(200)]
    total = sum(map(len, parsed))
    with open_file(folder / "replay.duckdb") as connection:
        started = time.perf_counter()
        retell(connection, "bench", (facts_of(quotes, day) for day, quotes in enumerate(parsed)), START, judge_of)
        return total, total / (time.perf_counter() - started)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--full", action="store_true")
    options.add_argument("--write", action="store_true")
    chosen = options.parse_args()
    lines = ["| what | ours, ms | beside it | its ms | ratio |", "| --- | ---: | --- | ---: | ---: |"]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        results = ingest(folder)
        for versions in (10_000, 1_000_000, *((10_000_000,) if chosen.full else ())):
            results += reading(folder, versions)
        lines += [
            f"| {what} | {ours:.1f} | {peer} | {its:.1f} | {ours / its:.1f} |" for what, ours, peer, its in results
        ]
        total, speed = replay(folder)
        lines += ["", f"Replay: {speed:,.0f} quotes/s over {total:,} parsed quotes in 200 passes, 5 % moving."]
    print("\n".join(lines))
    if chosen.write:
        refresh("warehouse/README.md", "warehouse", "\n".join(lines))


if __name__ == "__main__":
    main()
