"""One flag for a price that flickers, and how often the change rule alarms where nothing changed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np

from tracker.flags import RULES, Evidence, sudden_change
from tracker.flags.lifecycle import Key, OpenFlag, Step, advance
from tracker.flags.sudden_change import Move, Series

CONTESTED = "z-ai/glm-5.2 at novita"
WEEK = timedelta(days=7)


def generated_moves(at: datetime) -> tuple[Move, ...]:
    """A price that moves 134 times in 9 days."""
    gap = timedelta(days=9) / 134
    return tuple(Move(at + gap * i, 1.0 + (i % 2) * 0.6, f"move {i}") for i in range(135))


def flips_of(series: Series) -> list[Step]:
    """What the rule opens and closes when asked at every move."""
    standing: dict[Key, OpenFlag] = {}
    flips: list[Step] = []
    for move in series.moves:
        found = sudden_change.judge(series, move.at)
        key = (series.offer, RULES["sudden_change"].kind)
        steps = advance(standing, {key: found} if found else {}, {series.offer}, {series.offer}, RULES, move.at)
        standing = _applied(standing, steps)
        flips += [step for step in steps if step.action in ("opened", "closed")]
    return flips


def _applied(standing: dict[Key, OpenFlag], steps: Sequence[Step]) -> dict[Key, OpenFlag]:
    after = dict(standing)
    for step in steps:
        key, f = (step.offer, step.kind), step.finding
        if step.action == "closed":
            del after[key]
        elif step.action == "opened" and f is not None:
            after[key] = OpenFlag(
                1, step.offer, step.kind, f.rule_version, f.probability, step.at, None, f.expires_at, f.sentence,
                f.evidence, step.cause,
            )  # fmt: skip
        elif step.action == "cooled":
            after[key] = replace(after[key], cooling_since=step.at, cause=step.cause)
        else:
            told = f.evidence if f is not None else ()
            after[key] = replace(after[key], cooling_since=None, evidence=told, cause=step.cause or after[key].cause)
    return after


def uncaused(flips: Sequence[Step]) -> int:
    """Flips within a week of the one before that rest on no row which the flag had not seen."""
    count, seen = 0, frozenset[Evidence]()
    for before, after in pairwise(flips):
        seen |= frozenset(before.finding.evidence if before.finding else ())
        rows = frozenset(after.finding.evidence if after.finding else ())
        count += after.at - before.at < WEEK and not rows - seen
    return count


_HOURLY = """
WITH shown AS (
    SELECT endpoint_id, model_slug || ' at ' || split_part(provider_slug, '/', 1) AS name,
           CAST(left(scraped_at, 19) AS TIMESTAMP) AS shown_at, TRY_CAST(price_completion AS DOUBLE) * 1e6 AS price
    FROM {table} WHERE variant = 'standard'
)
SELECT any_value(name), list(shown_at ORDER BY shown_at), list(price ORDER BY shown_at)
FROM shown GROUP BY endpoint_id HAVING count(*) > 20 ORDER BY endpoint_id
"""


def hourly_series(place: Path) -> list[Series]:
    """The output price of each endpoint as its moves; `place`: the Parquet table, or a folder of the source's CSV."""
    table = f"read_parquet('{place}')" if place.is_file() else f"read_csv('{place}/*.csv.gz', all_varchar = true)"
    found = []
    for name, times, prices in duckdb.connect().execute(_HOURLY.format(table=table)).fetchall():
        moves: list[Move] = []
        for moment, price in zip(times, prices, strict=True):
            if price is not None and (not moves or moves[-1].value != price):
                moves.append(Move(moment, price, str(moment)))
        found.append(Series(name, "the output price", "USD/Mtok", True, tuple(moves), "quotes"))
    return found


def stability_lines(series: Sequence[Series]) -> list[str]:
    """One flag, not a hundred."""
    start = datetime.fromisoformat("2026-07-01")
    generated = Series("generated: 134 moves in 9 days", "price", "USD/Mtok", True, generated_moves(start), "quotes")
    moving = sorted((s for s in series if len(s.moves) > 1), key=lambda s: -len(s.moves))
    contested = [s for s in moving if s.offer == CONTESTED]
    told = [generated, *contested, *[s for s in moving if s not in contested][:4]]
    flips = {id(one): flips_of(one) for one in [generated, *moving]}

    def opened(one: Series) -> int:
        return sum(step.action == "opened" for step in flips[id(one)])

    lines = ["| price series | moves | flags opened |", "|---|---|---|"]
    lines += [f"| {one.offer} | {len(one.moves) - 1} | {opened(one)} |" for one in told]
    lines.append(f"| all {len(moving)} that moved, of {len(series)} | {sum(len(s.moves) - 1 for s in moving)} "
                 f"| {sum(map(opened, moving))} |")  # fmt: skip
    without = sum(uncaused(flips[id(one)]) for one in moving)
    lines += ["", f"Flips within a week of the one before without a new row behind them: {without}."]
    if not contested:
        lines.append(f"{CONTESTED} is not among these; it stands in the full recording (`--hourly`).")
    return lines


def noise_lines(folder: Path) -> list[str]:
    """False alarms of the measured series: the same days in random order hold no shift."""
    rows = (
        duckdb.connect()
        .execute(
            "SELECT endpoint_id, list(TRY_CAST(p50_throughput AS DOUBLE) ORDER BY scrape_date) FROM read_parquet(?) "
            "WHERE TRY_CAST(p50_throughput AS DOUBLE) > 0 GROUP BY endpoint_id HAVING count(*) >= 14 "
            "ORDER BY endpoint_id",
            [str(folder / "endpoints_daily.parquet")],
        )
        .fetchall()
    )
    rng, start = np.random.default_rng(3), datetime.fromisoformat("2026-07-17")
    threshold, alarms, found = RULES["sudden_change"].open_at, 0, 0
    for name, values in rows:
        found += _alarm(name, values, start, threshold)
        alarms += _alarm(name, rng.permutation(values).tolist(), start, threshold)
    weekly = alarms / len(rows) / 2
    return [
        f"Throughput of {len(rows)} endpoints over three weeks: {found} shifts flagged; with the days of each endpoint "
        f"shuffled, where no shift exists, {alarms}. That is {weekly:.2%} of the series per week: "
        f"{weekly * 1000:.1f} false flags a week per thousand measured offers.",
    ]


def _alarm(name: str, values: list[float], start: datetime, threshold: float) -> bool:
    moves = tuple(Move(start + timedelta(days=i), float(v), str(i)) for i, v in enumerate(values))
    judged = sudden_change.judge(Series(name, "throughput", "tok/s", False, moves, "metrics"), moves[-1].at)
    return judged is not None and judged.probability >= threshold
