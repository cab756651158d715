"""Prices of one offer at one moment: as quoted, and as it is judged.

A price that flip-flops is judged by its time-weighted mean of seven days, each component by its own: which of its
levels stands at the moment of a pass is chance. Amounts are USD per million tokens at the rate of the day.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tracker.assess.observed import on_grid
from tracker.flags.sudden_change import Move, is_flip_flop, settled_level

Rows = Sequence[Mapping[str, Any]]
COMPONENTS = ("input", "output", "cache_read")
PAID_STEP = 1.05  # transacted prices breathe daily with the share of cache hits


@dataclass(frozen=True, slots=True)
class Hold:
    """A price the collector did not believe."""

    hold_id: str
    component: str
    amount_usd: float
    reason: str


def prices_of(row: Mapping[str, Any], moved: Rows, held: Rows, at: datetime) -> dict[str, Any]:
    """The price fields of a situation. `row`: its standing amounts; `moved`: every source's versions of late."""
    rate = float(row["usd_per_unit"] or math.nan)
    moves = {name: moves_of(moved, str(row["source_id"]), name) for name in COMPONENTS}
    means = {name: settled_level(steps, at) for name, steps in moves.items() if is_flip_flop(steps, at)}
    quoted = {name: _usd(row[name], rate) for name in COMPONENTS}
    judged = {name: _usd(means.get(name, row[name]), rate) if row[name] is not None else None for name in COMPONENTS}
    return {
        "usd_per_unit": rate,
        "input_usd": judged["input"],
        "output_usd": judged["output"],
        "cached_usd": judged["cache_read"],
        "input_quoted_usd": quoted["input"],
        "output_quoted_usd": quoted["output"],
        "input_list_usd": _usd(row["input_list"], rate),
        "output_list_usd": _usd(row["output_list"], rate),
        "input_paid_usd": on_grid(row["input_paid_usd"], PAID_STEP),
        "output_paid_usd": on_grid(row["output_paid_usd"], PAID_STEP),
        "input_status": str(row["input_status"] or ""),
        "output_status": str(row["output_status"] or ""),
        "input_quote_id": ref_of(row["input_quote_id"]),
        "output_quote_id": ref_of(row["output_quote_id"]),
        "paid_quote_id": ref_of(row["paid_quote_id"]),
        "output_moves": moves["output"],
        "input_moves": moves["input"],
        "holds": tuple(
            Hold(ref_of(h["hold_id"]), str(h["component"]), float(h["amount"]) * rate, str(h["detail"] or h["reason"]))
            for h in held
            if h["amount"] is not None
        ),
    }


def moves_of(rows: Rows, source_id: str, component: str) -> tuple[Move, ...]:
    """What one had to pay from each moment on: the discount where one stood, else the list price."""
    own = [row for row in rows if row["source_id"] == source_id and row["component"] == component]
    moments = sorted(
        {row["valid_from"] for row in own} | {row["valid_to"] for row in own if row["valid_to"].year < 9000}
    )
    moves: list[Move] = []
    for moment in moments:
        standing = [row for row in own if row["valid_from"] <= moment < row["valid_to"]]
        if not standing:
            continue
        row = min(standing, key=lambda r: (r["basis"] != "discount", -float(r["amount"]), int(r["quote_id"])))
        if not moves or moves[-1].value != float(row["amount"]):
            moves.append(Move(moment, float(row["amount"]), ref_of(row["quote_id"])))
    return tuple(moves)


def ref_of(value: object) -> str:
    return "" if value is None else str(value)


def _usd(amount: Any, rate: float) -> float | None:
    return None if amount is None or rate != rate else float(amount) * rate
