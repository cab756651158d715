"""What measured rows say together: typical speeds, prefill apart from decode, speculation, throttling. Pure.

Rows are dicts with the columns of `core.probe`. Thresholds are the dated rows of `tracker/data/probe_thresholds.csv`.
A sign is worded as what was seen; it names no cause that was not measured.
"""

import csv
import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from tracker.errors import DataFileError

Row = Mapping[str, Any]
LONG, SHORT = "hard-10k", "hard"


@dataclass(frozen=True, slots=True)
class Typical:
    """Medians of the good rows of one workload at one concurrency."""

    workload: str
    concurrency: int
    requests: int
    good: int
    ttft_ms: float | None
    itl_ms: float | None
    e2e_ms: float | None
    burst_tok_s: float | None
    outcomes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Prefill:
    """First token = `fixed_ms` + prompt tokens / `tok_s`, by least squares over prompt lengths."""

    tok_s: float
    fixed_ms: float


@dataclass(frozen=True, slots=True)
class Sign:
    """Something seen: `kind` in {speculative, paced, rate_limited, concurrency_limited}."""

    kind: str
    value: float
    sentence: str


@cache
def thresholds() -> dict[str, float]:
    path = files("tracker") / "data" / "probe_thresholds.csv"
    table: dict[str, float] = {}
    for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines()):
        if not row["source"] or not row["as_of"]:
            raise DataFileError(f"probe_thresholds.csv: {row['name']} has no source or date")
        table[row["name"]] = float(row["value"])
    return table


def typical(rows: Sequence[Row]) -> list[Typical]:
    """One line per workload and concurrency, in the order they first appear."""
    groups: dict[tuple[str, int], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["workload"], row["concurrency"]), []).append(row)
    return [_typical(name, concurrency, group) for (name, concurrency), group in groups.items()]


def _typical(name: str, concurrency: int, group: list[Row]) -> Typical:
    outcomes: dict[str, int] = {}
    for row in group:
        outcomes[row["outcome"]] = outcomes.get(row["outcome"], 0) + 1
    good = _good(group)
    middle = {key: _median(good, key) for key in ("ttft_ms", "itl_ms", "e2e_ms", "burst_tok_s")}
    return Typical(name, concurrency, len(group), len(good), outcomes=outcomes, **middle)


def _good(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row["outcome"] == "ok"]


def _median(rows: Sequence[Row], key: str) -> float | None:
    values = [row[key] for row in rows if row[key] is not None]
    return statistics.median(values) if values else None


def prefill(rows: Sequence[Row]) -> Prefill | None:
    """Prefill rate from single streams of several prompt lengths; None without a spread of lengths or a slope."""
    points = [
        (float(row["input_tokens"]), float(row["ttft_ms"]))
        for row in _good(rows)
        if row["concurrency"] == 1 and row["input_tokens"] is not None and row["ttft_ms"] is not None
    ]
    lengths = [tokens for tokens, _ in points]
    if len(points) < 3 or max(lengths) < 4 * min(lengths):
        return None
    fit = statistics.linear_regression(lengths, [ttft_ms for _, ttft_ms in points])
    return Prefill(1000 / fit.slope, fit.intercept) if fit.slope > 0 else None


def signs(rows: Sequence[Row]) -> list[Sign]:
    """All signs the rows of one offer give."""
    found = [speculation(rows), pacing(rows), limiting(rows)]
    return [sign for sign in found if sign]


def speculation(rows: Sequence[Row]) -> Sign | None:
    """Speculative decoding: text that can be guessed comes faster, or in larger chunks, than text that cannot.

    The fastest row of each kind counts: what else a host or the way to it is busy with only ever slows.
    """
    regular, hard = _single(rows, "regular"), _single(rows, "hard")
    easy_ms, hard_ms = _fastest(regular), _fastest(hard)
    if not easy_ms or not hard_ms:
        return None
    ratio = hard_ms / easy_ms
    chunks = _chunk_tokens(regular) / _chunk_tokens(hard)
    limits = thresholds()
    if ratio < limits["speculation_ratio"] and chunks < limits["chunk_ratio"]:
        return None
    sentence = f"regular text {1000 / easy_ms:.0f} tok/s, hard text {1000 / hard_ms:.0f}: {ratio:.2f} times as fast"
    return Sign("speculative", ratio, f"{sentence}, in chunks {chunks:.2f} times as large")


def _single(rows: Sequence[Row], workload: str) -> list[Row]:
    return [row for row in _good(rows) if row["workload"] == workload and row["concurrency"] == 1]


def _fastest(rows: Sequence[Row]) -> float | None:
    return min((row["itl_ms"] for row in rows if row["itl_ms"] is not None), default=None)


def _chunk_tokens(rows: Sequence[Row]) -> float:
    return float(statistics.median(row["streamed_tokens"] / row["chunks"] for row in rows))


def pacing(rows: Sequence[Row]) -> Sign | None:
    """A throttle: tokens keep the same distance whatever the context, which no memory-bound GPU does."""
    short_ms, long_ms = _fastest(_single(rows, SHORT)), _fastest(_single(rows, LONG))
    if not short_ms or not long_ms or long_ms / short_ms >= thresholds()["paced_rise"]:
        return None
    rise = long_ms / short_ms
    return Sign("paced", rise, f"{1000 / short_ms:.0f} tok/s at every context length ({rise - 1:+.1%} at 10k tokens)")


def limiting(rows: Sequence[Row]) -> Sign | None:
    """Requests that were turned away with a 429, and after how many at once."""
    refused = [row for row in rows if row["outcome"] == "rate_limited"]
    if not refused:
        return None
    declared = {
        name: value for row in rows for name, value in json.loads(row["limits"]).items() if "limit-limit-" in name
    }
    if any("requests" in name or "tokens" in name for name in declared):
        words = ", ".join(f"{name.removeprefix('x-ratelimit-limit-')} {value}" for name, value in declared.items())
        return Sign("rate_limited", len(refused), f"{len(refused)} of {len(rows)} refused; declared limits: {words}")
    held = max(
        (sum(r["outcome"] == "ok" for r in rows if r["burst_id"] == row["burst_id"]) for row in refused), default=0
    )
    return Sign("concurrency_limited", held, f"{held} of {refused[0]['concurrency']} streams at once were let in")
