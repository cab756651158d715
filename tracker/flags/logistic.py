"""Ridge logistic regression and the scores of a probability: small, dense, exact. Newton's method on numpy arrays.

x: float64 [rows, features], standardised here; y: 0 or 1; groups: one label per row, never split between fit and score.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Logistic:
    """Standardised weights. Log-odds = bias + sum(weight * (x - mean) / scale)."""

    bias: float
    weights: Array
    means: Array
    scales: Array

    def log_odds(self, x: Array) -> Array:
        total: Array = self.bias + self.contributions(x).sum(axis=1)
        return total

    def contributions(self, x: Array) -> Array:
        """What each feature adds to the log-odds of each row."""
        return ((x - self.means) / self.scales) * self.weights

    def probabilities(self, x: Array) -> Array:
        return 1 / (1 + np.exp(-np.clip(self.log_odds(x), -30, 30)))


def fit(x: Array, y: Array, ridge: float) -> Logistic:
    """Maximum a posteriori with a Gaussian prior of precision `ridge` on every standardised weight but the bias."""
    means, scales = x.mean(axis=0), x.std(axis=0)
    scales = np.where(scales > 1e-9, scales, 1.0)
    design = np.column_stack([np.ones(len(x)), (x - means) / scales])
    penalty = np.diag([1e-6, *np.full(x.shape[1], ridge)])
    beta = np.zeros(design.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(design @ beta, -30, 30)))
        gradient = design.T @ (y - p) - penalty @ beta
        curvature = (design * (p * (1 - p))[:, None]).T @ design + penalty
        step = np.linalg.solve(curvature, gradient)
        beta = beta + step
        if np.abs(step).max() < 1e-9:
            break
    return Logistic(float(beta[0]), beta[1:], means, scales)


def by_group(x: Array, y: Array, groups: NDArray[np.str_], ridge: float) -> Array:
    """Each row's probability from a fit that has seen no row of its group."""
    scored = np.empty(len(y))
    for group in np.unique(groups):
        out = groups == group
        scored[out] = fit(x[~out], y[~out], ridge).probabilities(x[out])
    return scored


def auroc(score: Array, y: Array) -> float:
    """Chance that a random positive scores above a random negative; ties count half. NaN without both classes."""
    positive, negative = score[y > 0.5], score[y < 0.5]
    if not len(positive) or not len(negative):
        return float("nan")
    above = (positive[:, None] > negative[None, :]).mean()
    return float(above + 0.5 * (positive[:, None] == negative[None, :]).mean())


def within_groups(score: Array, y: Array, groups: NDArray[np.str_]) -> tuple[float, int]:
    """AUROC over pairs inside one group only, and how many pairs: what is known beyond the group itself."""
    wins, pairs = 0.0, 0
    for group in np.unique(groups):
        rows = groups == group
        count = int((y[rows] > 0.5).sum() * (y[rows] < 0.5).sum())
        if count:
            wins += auroc(score[rows], y[rows]) * count
            pairs += count
    return (wins / pairs if pairs else float("nan")), pairs


def average_precision(score: Array, y: Array) -> float:
    """Area under precision over recall, tied scores taken together."""
    order = np.argsort(-score, kind="stable")
    ranked, truth = score[order], y[order]
    ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    hits = np.cumsum(truth)[ends]
    precision = hits / (ends + 1)
    recall = hits / max(truth.sum(), 1)
    return float((np.diff(recall, prepend=0) * precision).sum())


def brier(probability: Array, y: Array) -> float:
    """Mean squared error of a probability; a constant at the base rate scores base * (1 - base)."""
    return float(((probability - y) ** 2).mean())


def reliability(probability: Array, y: Array, edges: Array) -> list[tuple[float, float, int, float, float]]:
    """Per bin: lower edge, upper edge, count, mean probability, share of positives. Empty bins are left out."""
    rows = []
    for low, high in itertools.pairwise(edges):
        inside = (probability >= low) & ((probability < high) | ((high >= edges[-1]) & (probability <= high)))
        if inside.any():
            share = float(y[inside].mean())
            rows.append((float(low), float(high), int(inside.sum()), float(probability[inside].mean()), share))
    return rows
