"""How far the flags can be trusted: quantization against declared labels, price-war cases, stability, false alarms.

    python -m bench.flags [--home HOME] [--hourly FOLDER] [--write]

Reads the recorded endpoint tables beside the checkout and says so where they are missing; the case table needs nothing
but the shipped data. `--home` names a ledger whose flags are counted and whose offers are rated for the speed row.
`--hourly` is the full recording of hourly prices: `data/csv/perf_hourly` of sui414/openrouter-pricing-data on GitHub
at 83ec0dd; the table beside the checkout holds a part of its models.
"""

import argparse
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import numpy as np

from bench import flags_quantization as quantization
from bench.docs import refresh
from bench.flags_cases import case_lines
from bench.flags_endpoints import Labelled, read
from bench.flags_stability import hourly_series, noise_lines, stability_lines
from tracker.assess.market import cost_floors
from tracker.assess.run import judge, rules_version
from tracker.assess.write import write_conclusions
from tracker.flags import RULES
from tracker.flags.quantization import MIN_LABELS
from warehouse.flag_facts import read_facts
from warehouse.store import open_file, transaction

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT.parent / "shared" / "corpus" / "openrouter_sui414"
README = "tracker/flags/README.md"
WEIGHTS = ROOT / "tracker" / "flags" / "weights.csv"


def quantization_lines(data: Labelled) -> list[str]:
    """Scores, reliability, the labels that are unknown, and the first look recomputed."""
    table, strict = quantization.score_table(data)
    y, groups = data.truth[data.labelled], data.groups[data.labelled]
    low, high = quantization.interval(strict, y, groups)
    every = int((~np.isnan(data.truth)).sum())
    return [
        f"{data.seen} endpoints were recorded; {data.seen_labelled} declare a label, {len(data.rows)} serve a model "
        f"whose native precision is known, {every} of them both. {len(y)} of these are at hosts that label at least "
        f"{MIN_LABELS} other models of that width: what the fit is made of, scored on and used for ({int(y.sum())} "
        f"below native, {len(set(groups))} models).",
        "",
        *table,
        "",
        "All rows are scored on the same folds.",
        f"80 % interval of the shipped AUROC when whole models are drawn again: {low:.2f} to {high:.2f}.",
        "",
        *quantization.reliability_table(strict, y),
        "",
        *quantization.weak_lines(data, strict),
        "",
        *quantization.weight_table(data),
        "",
        quantization.hidden_line(data),
        "",
        quantization.beyond_native_line(data),
        "",
        *quantization.first_look(CORPUS),
    ]


# A flip is an opening or a closing. One within a week of the one before needs a row that the flag had not seen.
_FLIPS = """
WITH lives AS (
    SELECT kind, opened_at, closed_at, cause, evidence, lag(closed_at) OVER life AS before_at,
           lag(evidence) OVER life AS before_evidence
    FROM flags WINDOW life AS (PARTITION BY offer, kind ORDER BY opened_at)
)
SELECT kind, count(*) FILTER (closed_at - opened_at < INTERVAL 7 DAY),
       count(*) FILTER (opened_at - before_at < INTERVAL 7 DAY),
       count(*) FILTER (closed_at - opened_at < INTERVAL 7 DAY AND cause LIKE 'probability%' AND cause NOT LIKE '%: %')
       + count(*) FILTER (opened_at - before_at < INTERVAL 7 DAY AND evidence = before_evidence)
FROM lives GROUP BY kind
"""


def ledger_lines(home: Path) -> list[str]:
    """Counts of a real ledger: flags by kind, what their own probabilities say of false ones, flips."""
    connection = duckdb.connect(str(home / "history.duckdb"), read_only=True)
    days, first, last = connection.execute("SELECT count(*), min(day), max(day) FROM calc.assessed_day").fetchall()[0]
    lines = [
        f"A ledger assessed on {days} days from {first} to {last}; what its first day opened is no weekly rate:",
        "",
        "| kind | opens at | open now | expected false of them | opened a week | expected false of them | closed "
        "within a week | reopened within a week | of these without a new row |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    flips = {kind: counts for kind, *counts in connection.execute(_FLIPS).fetchall()}
    rates = connection.execute(
        "SELECT kind, standing, expected_false_standing, opened_per_week, expected_false_per_week FROM flag_rates "
        "ORDER BY kind"
    ).fetchall()
    for kind, standing, wrong, opened, false in rates:
        short, again, uncaused = flips[kind]
        lines.append(
            f"| {kind} | {RULES[kind].open_at:.2f} | {standing} | {wrong:.1f} | {opened:.1f} | {false:.1f} | {short} | "
            f"{again} | {uncaused} |"
        )
    return lines


def speed_lines(home: Path, offers: int = 3000) -> list[str]:
    """A full assessment: the ledger's offers of open models, repeated with other prices until there are `offers`."""
    with duckdb.connect(str(home / "history.duckdb"), read_only=True) as connection:
        [(day,)] = connection.execute("SELECT max(day) FROM calc.assessed_day").fetchall()
        at = datetime(day.year, day.month, day.day, 12)  # noqa: DTZ001
        facts: dict[str, Any] = dict(read_facts(connection, at))
    facts["offers"] = _repeated(facts["offers"], offers)
    started, busy = time.perf_counter(), time.process_time()
    judged = judge(facts, at, {})
    floors = cost_floors(judged.offers, at, judged.rents)
    judging, busy = time.perf_counter() - started, time.process_time() - busy
    with TemporaryDirectory() as folder, open_file(Path(folder) / "warehouse.duckdb") as connection:
        started = time.perf_counter()
        with transaction(connection):
            write_conclusions(connection, judged, floors, rules_version(), at)
        writing = time.perf_counter() - started
    return [
        f"Full assessment of {len(judged.offers):,} offers, {len(judged.costs):,} of them priced on hardware: "
        f"{judging:.0f} s judging ({busy:.0f} s of processor time) and {writing:.0f} s writing (limit 60 s).",
    ]


def _repeated(rows: Sequence[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """Copies under other names and ids, each 1 % dearer than the last."""
    made: list[dict[str, Any]] = []
    turn = 0
    while len(made) < count:
        for row in rows[: count - len(made)]:
            price = {k: row[k] * (1 + turn / 100) for k in ("input", "output") if row[k] is not None}
            offer_id = row["offer_id"] if not turn else hash((row["offer_id"], turn)) % 2**62
            made.append({**row, **price, "offer": f"{row['offer']}{turn or ''}", "offer_id": offer_id})
        turn += 1
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="a ledger whose flags are counted and whose offers are rated again")
    parser.add_argument(
        "--hourly", type=Path, help="folder of hourly CSV files, in place of the table beside the checkout"
    )
    parser.add_argument("--write", action="store_true", help="refresh the blocks of the README and weights.csv")
    given = parser.parse_args()
    blocks = {"flags_cases": case_lines()}
    if CORPUS.is_dir():
        data = read(CORPUS)
        blocks["flags_quantization"] = quantization_lines(data)
        series = hourly_series(given.hourly or CORPUS / "perf_hourly.parquet")
        blocks["flags_stability"] = [*stability_lines(series), "", *noise_lines(CORPUS)]
    else:
        print(f"quantization and stability are skipped: no recorded endpoint tables at {CORPUS}")
    if given.home:
        blocks["flags_ledger"] = [*ledger_lines(given.home), "", *speed_lines(given.home)]
    for name, lines in blocks.items():
        print(f"\n## {name}\n", *lines, sep="\n")
        if given.write:
            refresh(README, name, "\n".join(lines))
    if given.write and CORPUS.is_dir():
        WEIGHTS.write_text(quantization.weights_csv(data), "utf-8")


if __name__ == "__main__":
    main()
