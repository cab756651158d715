"""Accuracy of the cost engine's speed model on rows it has not seen.

    python -m bench.cost_accuracy [--measured FILE] [--heldout FILE] [--refit] [--write]

Without FILE it looks for the ground truth beside the checkout; where that is missing it uses the project's own table of
public figures. `--heldout` scores the shipped coefficients on another file of the same columns. `--refit` rewrites
tracker/data/stacks.csv from all rows; `--write` refreshes the table in tracker/cost/README.md.
"""

import argparse
import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.docs import refresh
from tracker.cost import accuracy, fit, stacks
from tracker.cost.arrays import Floats, Index
from tracker.cost.measured import Measurement, parse_row, read_measurements, throughput
from tracker.errors import DataFileError

ROOT = Path(__file__).resolve().parent.parent
TRUTH = ROOT.parent / "shared" / "cost" / "measured.csv"
STACKS = ROOT / "tracker" / "data" / "stacks.csv"
README = "tracker/cost/README.md"
SEEDS = (0, 1, 2)
PAIR_FOLDS, CONFIGURATION_FOLDS = 10, 5


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Predictions of each row by fits that had not seen its configuration or its hardware x model pair."""

    random: Floats
    pairs: tuple[Floats, ...]
    pair_folds: tuple[Index, ...]

    @classmethod
    def of(cls, rows: Sequence[Measurement]) -> "HeldOut":
        pairs = [fit.pair_label(m) for m in rows]
        return cls(
            fit.cross_validate(rows, [fit.configuration_label(m) for m in rows], CONFIGURATION_FOLDS, SEEDS[0]),
            tuple(fit.cross_validate(rows, pairs, PAIR_FOLDS, seed) for seed in SEEDS),
            tuple(fit.folds(pairs, PAIR_FOLDS, seed) for seed in SEEDS),
        )


def line(name: str, random: accuracy.Score, pair: accuracy.Score, inside: float) -> str:
    return (
        f"| {name} | {random.rows} | {random.median:.1%} | {random.p90:.0%} | {pair.median:.1%} | {pair.p90:.0%} "
        f"| {pair.within_2x:.0%} | {pair.bias:.2f} | {inside:.0%} |"
    )


def table(rows: Sequence[Measurement], seen: HeldOut) -> list[str]:
    """The accuracy table: every source, none left out."""
    target = np.array([m.target for m in rows])
    sources = np.array([m.source for m in rows])
    families = [m.family for m in rows]
    random, pair = seen.random, seen.pairs[0]
    bands = [accuracy.coverage(p, target, f, families) for p, f in zip(seen.pairs, seen.pair_folds, strict=True)]
    inside = np.mean(bands, axis=0)
    out = [
        "| source | rows | unseen configuration: median | p90 | unseen hardware x model: median | p90 | within 2x "
        "| bias | 80 % band holds |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for source in sorted(set(sources), key=lambda s: -int((sources == s).sum())):
        at = sources == source
        figures = accuracy.score(random[at], target[at]), accuracy.score(pair[at], target[at])
        out.append(line(source, *figures, float(inside[at].mean())))
    whole = line("**all**", accuracy.score(random, target), accuracy.score(pair, target), float(inside.mean()))
    medians = ", ".join(f"{accuracy.score(p, target).median:.1%}" for p in seen.pairs)
    young = np.array([stacks.groups_of(stacks.Stack.of(m))["age"] == "day-zero" for m in rows])
    mature = accuracy.score(random[~young], target[~young]), accuracy.score(pair[~young], target[~young])
    out.append(whole)
    out.append(line("without day-zero stacks", *mature, float(inside[~young].mean())))
    out += ["", f"Unseen pairs with the folds shuffled {len(SEEDS)} ways: {medians}."]
    return out


APART = (
    ("first-token times", lambda m: m.kind == "ttft"),
    ("per-user speeds of SRAM parts", lambda m: m.kind == "user" and m.chip.layer_us > 0),
    ("per-user speeds elsewhere", lambda m: m.kind == "user" and not m.chip.layer_us),
)


def apart(rows: Sequence[Measurement]) -> str:
    """Kinds of figures that the fit never sees: first-token times and per-user speeds."""
    found = []
    for words, chosen in APART:
        if of_kind := [m for m in rows if chosen(m)]:
            s = accuracy.score(fit.predict(of_kind, stacks.fitted()), np.array([m.target for m in of_kind]))
            found.append(f"{words} ({s.rows} rows) {s.median:.0%}, p90 {s.p90:.0%}, bias {s.bias:.2f}")
    return "Never fitted, shipped coefficients: " + "; ".join(found) + "."


def readable(path: Path) -> list[Measurement]:
    """Rows of a file that name known models and chips; the others are counted aloud."""
    rows, refused = [], 0
    for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines()):
        try:
            rows += [] if row.get("suspect") else [parse_row(row)]
        except DataFileError as error:
            refused += 1
            print(f"left out: {error}")
    print(f"{len(rows)} rows read, {refused} left out")
    return [m for m in rows if m.target > 0]


def score_file(path: Path) -> list[str]:
    """The shipped coefficients on a file they were not fitted to."""
    rows = throughput(readable(path))
    shipped = stacks.fitted()
    predicted, target = fit.predict(rows, shipped), np.array([m.target for m in rows])
    out = [f"{path.name}: shipped coefficients, {len(rows)} rows", "source rows median p90 within-2x bias"]
    sources = np.array([m.source for m in rows])
    for source in [*sorted(set(sources)), "all"]:
        s = accuracy.score(*(v[(sources == source) | (source == "all")] for v in (predicted, target)))
        out.append(f"{source:22} {s.rows:5} {s.median:.1%} {s.p90:.0%} {s.within_2x:.0%} {s.bias:.2f}")
    for name in ("seen", "unseen"):
        low, high = (np.exp(shipped.errors[name, q]) for q in ("0.1", "0.9"))
        inside = np.mean((target >= predicted * low) & (target <= predicted * high))
        out.append(f"80 % band for {name} pairs holds {inside:.0%}")
    return out


def write_stacks(rows: Sequence[Measurement], halves: Sequence[Measurement], seen: HeldOut, path: Path) -> None:
    """All rows fitted; error quantiles from the cross-validation, so the band is that of unseen rows.

    `halves` are the few figures of a prefill or a decode pool alone: they are fitted too, but not scored.
    """
    whole = fit.fit([*rows, *halves])
    target = np.array([m.target for m in rows])
    groups = [stacks.groups_of(stacks.Stack.of(m)) for m in rows]
    newest = max(m.date for m in rows).isoformat()
    source = f"fit to {len(rows)} public measurements by bench/cost_accuracy.py --refit"
    lines: list[list[object]] = [["term", "group", "key", "log_value", "rows", "source", "as_of"]]
    for name, value in whole.base.items():
        lines.append([name, "base", "", f"{value:.5f}", len(rows), source, newest])
    for (term, group, key), value in whole.deviations.items():
        if abs(value) >= 5e-4 or (term, group) in {("scale", "family_year"), ("scale", "model")}:
            lines.append([term, group, key, f"{value:.4f}", sum(g[group] == key for g in groups), source, newest])
    for name, predicted in (("seen", seen.random), ("unseen", seen.pairs[0])):
        quantiles = accuracy.log_error_quantiles(predicted, target)
        for q, value in quantiles.items():
            lines.append([name, "error", f"{q}", f"{value:.4f}", len(rows), f"cross-validation, {source}", newest])
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measured", type=Path)
    parser.add_argument("--heldout", type=Path)
    parser.add_argument("--refit", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    if options.heldout:
        print("\n".join(score_file(options.heldout)))
        return
    path = options.measured or (TRUTH if TRUTH.is_file() else None)
    every = read_measurements(path)
    rows = throughput(every)
    print(f"{len(rows)} rows from {path.name if path else 'tracker/data/public_measurements.csv'}")
    seen = HeldOut.of(rows)
    if options.refit:
        write_stacks(rows, [m for m in every if m.kind in {"prefill", "decode"}], seen, STACKS)
        print("wrote tracker/data/stacks.csv")
    lines = [*table(rows, seen), "", apart(every)]
    print("\n".join(lines))
    if options.write:
        refresh(README, "cost_accuracy", "\n".join(lines))


if __name__ == "__main__":
    main()
