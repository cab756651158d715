"""sudden_change: one change point in a series, or one flip-flop, never one flag per move.

Prices are exact: a new level is a change once it stands; a price that moved four times or more within seven days is a
flip-flop and is reported once, as a range. Measured series (tokens/s, first token) are noisy: a level shift must be a
quarter or more and survive a Bayes factor against no shift, on the logs of daily medians with a robust noise estimate.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from tracker.flags.finding import HEARSAY, Evidence, Figure, Finding, Rule, day, found

RULE = Rule(
    "sudden_change",
    version=3,  # since 3: limits too, and nothing that only a copy tells
    open_at=0.7,
    close_at=0.4,
    quiet_days=7,
    calibrated=False,
    meaning="the level changed and did not merely fluctuate",
)
WINDOW = timedelta(days=14)
FLIP_WINDOW = timedelta(days=7)
FLIPS = 4
MIN_SHIFT = 0.25
PRIOR = (
    0.02  # shifts per series and fortnight: the measured series of the corpus shift rarely, and false alarms are costly
)
MIN_NOISE = 0.03
MIN_SIDE = 4  # days on each side of a shift in a noisy series


@dataclass(frozen=True, slots=True)
class Move:
    """The price from one moment on. `ref` names the row that says so."""

    at: datetime
    value: float
    ref: str


@dataclass(frozen=True, slots=True)
class Series:
    """One offer's history of one quantity, oldest first. `is_exact`: a published figure, not a measurement."""

    offer: str
    name: str
    unit: str
    is_exact: bool
    moves: tuple[Move, ...]
    view: str
    hearsay: bool = False  # nobody who serves it states it


def is_flip_flop(moves: Sequence[Move], at: datetime) -> bool:
    """Four moves or more within seven days, over the last fortnight: the level has no meaning, its range has."""
    steps = [move.at for before, move in itertools.pairwise(moves) if before.value != move.value]
    recent = [moment for moment in steps if at - WINDOW <= moment <= at]
    return any(last - first <= FLIP_WINDOW for first, last in zip(recent, recent[FLIPS - 1 :], strict=False))


def settled_level(moves: Sequence[Move], at: datetime) -> float | None:
    """The level to judge an offer by: the price now, or the time-weighted mean of seven days where it flip-flops."""
    past = [move for move in moves if move.at <= at]
    if not past:
        return None
    if not is_flip_flop(past, at):
        return past[-1].value
    start = max(at - FLIP_WINDOW, past[0].at)
    ends = [*(move.at for move in past[1:]), at]
    spans = [max((end - max(move.at, start)).total_seconds(), 0.0) for move, end in zip(past, ends, strict=True)]
    total = sum(spans)
    return sum(s * move.value for s, move in zip(spans, past, strict=True)) / total if total else past[-1].value


def judge(series: Series, at: datetime) -> Finding | None:
    """The latest change within a fortnight."""
    past = [move for move in series.moves if move.at <= at]
    if len(past) < 2:
        return None
    if not series.is_exact:
        return _shift(series, past, at)
    if is_flip_flop(past, at):
        return _flip_flop(series, past, at)
    return _step(series, past, at)


def _step(series: Series, past: Sequence[Move], at: datetime) -> Finding | None:
    """The level now against the level a fortnight ago."""
    before = [move for move in past if move.at <= at - WINDOW] or [past[0]]
    old, new = before[-1], past[-1]
    if new.at <= at - WINDOW or old.value == new.value:
        return None
    if old.value <= 0 or new.value <= 0:
        size, change = 1.0, "to zero" if new.value <= 0 else "from zero"
    else:
        size = abs(math.log(new.value / old.value))
        change = f"by {new.value / old.value - 1:+.0%}"
    if size < math.log(1 + MIN_SHIFT) * 0.999:
        return None
    stood = at - new.at
    probability = 0.9 if stood >= timedelta(days=1) else 0.75
    text = f"{series.name} moved {change}, from {old.value:g} to {new.value:g} {series.unit}, on {day(new.at)}."
    return _report(series, probability, text, (old, new), new.at + WINDOW)


def _flip_flop(series: Series, past: Sequence[Move], at: datetime) -> Finding:
    recent = [move for move in past if move.at >= at - WINDOW]
    low, high = min(recent, key=lambda m: m.value), max(recent, key=lambda m: m.value)
    days = max((recent[-1].at - recent[0].at) / timedelta(days=1), 1 / 24)
    text = (
        f"{series.name} flip-flops: {len(recent)} moves in {days:.0f} days between {low.value:g} and {high.value:g} "
        f"{series.unit}; it is judged by its time-weighted mean."
    )
    return _report(series, 0.95, text, (low, high), recent[-1].at + WINDOW)


def _shift(series: Series, past: Sequence[Move], at: datetime) -> Finding | None:
    usable = [move for move in past if move.value > 0]
    if len(usable) < 2 * MIN_SIDE:
        return None
    values = np.log([move.value for move in usable])
    index, shift, probability = shift_of(values)
    change_at = usable[index].at
    if change_at <= at - WINDOW or abs(shift) < math.log(1 + MIN_SHIFT):
        return None
    before, after = float(np.exp(np.median(values[:index]))), float(np.exp(np.median(values[index:])))
    text = (
        f"{series.name} went from a median of {before:.3g} over {index} days to {after:.3g} {series.unit} over "
        f"{len(values) - index} since {day(change_at)}, {after / before - 1:+.0%}."
    )
    figures = (
        Figure("median_before", before, series.unit),
        Figure("days_before", index, ""),
        Figure("median_since", after, series.unit),
        Figure("days_since", len(values) - index, ""),
        Figure("ratio_of_the_means", math.exp(shift), "x"),
    )
    around = (usable[0], usable[index - 1], usable[index], usable[-1])
    return _report(series, probability, text, around, change_at + WINDOW, figures)


def shift_of(values: NDArray[np.float64]) -> tuple[int, float, float]:
    """The likeliest level shift: its index, size, and probability.

    Bayes factor by BIC against no shift (two parameters: place and size). Medians of neighbouring days resemble each
    other, so the noise is that of the best split's residuals, widened by their lag-one correlation.
    """
    count = len(values)
    places = np.arange(MIN_SIDE, count - MIN_SIDE + 1)
    sums = np.cumsum(values)
    left, right = sums[places - 1] / places, (sums[-1] - sums[places - 1]) / (count - places)
    gain = places * (count - places) / count * (right - left) ** 2
    best = int(np.argmax(gain))
    residuals = values - np.where(np.arange(count) < places[best], left[best], right[best])
    log_factor = float(gain[best]) / (2 * _noise(residuals) ** 2) - math.log(count) + math.log(PRIOR / (1 - PRIOR))
    probability = 1 / (1 + math.exp(-min(max(log_factor, -30.0), 30.0)))
    return int(places[best]), float(right[best] - left[best]), min(probability, 0.95)


def _noise(residuals: NDArray[np.float64]) -> float:
    """Standard deviation that a mean of correlated days deserves; never below 3 %, the medians' own rounding."""
    variance = float((residuals**2).mean())
    if variance <= 0:
        return MIN_NOISE
    echo = float((residuals[1:] * residuals[:-1]).mean()) / variance
    echo = min(max(echo + 2 / len(residuals), 0.0), 0.8)  # short series underestimate it
    return max(math.sqrt(variance * (1 + echo) / (1 - echo)), MIN_NOISE)


def _report(
    series: Series,
    probability: float,
    text: str,
    moves: Sequence[Move],
    until: datetime,
    figures: tuple[Figure, ...] = (),
) -> Finding:
    """A measured day stands in no row of its own: its evidence is the offer's readings."""
    return found(
        RULE,
        series.offer,
        probability,
        text[0].upper() + text[1:],
        "A fortnight at one level.",
        figures=figures or tuple(Figure(f"{series.name} {day(move.at)}", move.value, series.unit) for move in moves),
        evidence=tuple(
            Evidence(series.view, move.ref, f"{move.value:g} {series.unit} from {day(move.at)}")
            if series.is_exact
            else Evidence(
                series.view, series.offer, f"{move.value:g} {series.unit} on {day(move.at)}, the day's median"
            )
            for move in moves
        ),
        expires_at=until,
        held=HEARSAY if series.hearsay else "",
    )
