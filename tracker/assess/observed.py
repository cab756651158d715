"""What was observed of a service: speeds, first tokens, cache hits, a draft model, what audits found.

Speeds are rounded to a ratio grid of 20 %, so that an offer whose service did not really change is not rated again.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from tracker.flags.audited import Audit
from tracker.flags.finding import Evidence
from tracker.flags.speculative_decoding import PairedSpeed, draft_gain
from tracker.flags.sudden_change import Move

Rows = Sequence[Mapping[str, Any]]
DRAFT_STEP = 1.1
GRID_SLACK = 0.02  # of a step: a value already on the grid, kept to three digits, stays


def on_grid(value: float | None, step: float = 1.2, towards: Callable[[float], float] = round) -> float | None:
    """The nearest power of `step`, to three digits, or the one below or above it.

    Measured medians breathe by a few per cent from hour to hour.
    """
    if value is None or value <= 0:
        return None
    place = math.log(value, step)
    whole = round(place) if math.isclose(place, round(place), abs_tol=GRID_SLACK) else towards(place)
    return float(f"{step**whole:.3g}")


def speeds_of(offer: str, medians: Rows, days: Rows, pairs: Rows) -> dict[str, Any]:
    """The speed fields: medians of the last week, on the grid and as seen, and the daily medians of four weeks."""
    pair = _paired(offer, pairs)
    speeds = {str(speed["name"]): speed for speed in medians}
    tok_s, ttft_s = _pace(speeds)
    return {
        "tok_s": on_grid(tok_s, towards=math.floor),  # rounded in the seller's favour
        "ttft_s": on_grid(ttft_s, 1.5, towards=math.ceil),
        "tok_s_seen": tok_s,
        "ttft_s_seen": ttft_s,
        "decode_s": float(speeds["decode_s"]["value"]) if "decode_s" in speeds else None,
        "measured_prompt_tokens": _prompt(speeds),
        "pair": pair,
        "draft_gain": on_grid(draft_gain(pair, tok_s), DRAFT_STEP),
        "cache_hit": _share(speeds.get("cache_hit_pct")),
        "speed_sources": tuple(sorted({str(row["source_id"]) for row in speeds.values()})),
        "speed_days": _days(days, "throughput_tok_s"),
        "ttft_days": _days(days, "ttft_ms"),
    }


def _paired(offer: str, rows: Rows) -> PairedSpeed | None:
    for row in rows:
        many = f"{row['pairs']} pair{'s' if row['pairs'] > 1 else ''} of easy and hard text"
        told = (Evidence(str(row["view"]), str(row["ref"]), many),)
        return PairedSpeed(
            offer, float(row["easy"]), float(row["hard"]), int(row["pairs"]), float(row["spread"] or 0.0), told
        )
    return None


def _pace(speeds: Mapping[str, Mapping[str, Any]]) -> tuple[float | None, float | None]:
    """Tokens per second and user, and seconds to the first token."""
    speed, first, prefill = (speeds.get(name) for name in ("throughput_tok_s", "ttft_ms", "prefill_s"))
    ttft_s = float(first["value"]) / 1000 if first else float(prefill["value"]) if prefill else None
    return (float(speed["value"]) if speed else None), ttft_s


def _share(percent: Mapping[str, Any] | None) -> float | None:
    """Tenths: the share breathes from day to day. Nothing is served wholly from cache."""
    return None if percent is None else min(round(float(percent["value"]) / 10) / 10, 0.9)


def _days(rows: Rows, name: str) -> tuple[Move, ...]:
    """Daily medians, to three digits. Without the last day, which is not over."""
    for row in rows:
        if row["name"] == name:
            pairs = list(zip(row["days"], row["values"], strict=True))[:-1]
            return tuple(
                Move(datetime(day.year, day.month, day.day), float(f"{value:.3g}"), f"{name} {day}")  # noqa: DTZ001
                for day, value in pairs
            )
    return ()


def audits_of(rows: Rows) -> dict[str, tuple[Audit, ...]]:
    """What audits found, by offer, oldest first."""
    found: defaultdict[str, list[Audit]] = defaultdict(list)
    for row in rows:
        audit = Audit(
            audit_id=str(row["audit_id"]),
            at=row["started_at"],
            reference=str(row["reference"]),
            verdict=str(row["verdict"]),
            p_value=row["p_value"],
            kl=row["kl_mid"],
            detectable_kl=row["detectable_kl"],
            power=row["power"],
            sentence=str(row["sentence"]),
        )
        found[str(row["offer"])].append(audit)
    return {offer: tuple(audits) for offer, audits in found.items()}


def _prompt(speeds: Mapping[str, Mapping[str, Any]]) -> int | None:
    """Tokens of the prompts behind the first-token time, where the measurer says."""
    told = next((speeds[name]["prompt_tokens"] for name in ("ttft_ms", "prefill_s") if name in speeds), None)
    return None if told is None else round(float(told))
