"""How wrong predictions are: one line of figures for a set of rows, and intervals that hold what they say."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tracker.cost.arrays import Floats, Index

QUANTILES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)


@dataclass(frozen=True, slots=True)
class Score:
    """Errors of predictions against measurements: shares are of 1, bias is the median ratio."""

    rows: int
    median: float
    p90: float
    within_2x: float
    bias: float


def score(predicted: Floats, measured: Floats) -> Score:
    ratio = predicted / measured
    error = np.abs(ratio - 1)
    return Score(
        len(ratio),
        float(np.median(error)),
        float(np.quantile(error, 0.9)),
        float(np.mean((ratio < 2) & (ratio > 0.5))),
        float(np.median(ratio)),
    )


def log_error_quantiles(predicted: Floats, measured: Floats) -> dict[float, float]:
    """Quantiles of ln(measured / predicted): multiply a prediction by their exponentials to get its band."""
    values = np.quantile(np.log(measured / predicted), QUANTILES)
    return dict(zip(QUANTILES, map(float, values), strict=True))


def coverage(predicted: Floats, measured: Floats, fold: Index, strata: Sequence[str], level: float = 0.8) -> Floats:
    """Whether each row falls into a band made from the other folds' errors in its stratum (all rows if it has few)."""
    error = np.log(measured / predicted)
    names = np.array(strata)
    inside = np.zeros(len(error), dtype=bool)
    edges = [(1 - level) / 2, (1 + level) / 2]
    for j in np.unique(fold):
        for name in np.unique(names[fold == j]):
            rest = (fold != j) & (names == name)
            low, high = np.quantile(error[rest if rest.sum() >= 60 else fold != j], edges)
            here = (fold == j) & (names == name)
            inside[here] = (error[here] >= low) & (error[here] <= high)
    return inside.astype(np.float64)
