"""Ridge logistic regression and the scores of a probability: small, dense, exact.

x: float64 [rows, features], scaled here; y: 0 or 1; groups: one label per row, never split between fit and score.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Logistic:
    """Log-odds = start + bias + sum(weight * x / scale); `start`: what each row begins with, 0 unless given."""

    bias: float
    weights: Array
    scales: Array

    def contributions(self, x: Array) -> Array:
        """What each feature adds to the log-odds of each row; nothing where it is 0."""
        added: Array = x / self.scales * self.weights
        return added

    def probabilities(self, x: Array, start: Array | None = None) -> Array:
        total = self.contributions(x).sum(axis=1) + self.bias + (0.0 if start is None else start)
        p: Array = 1 / (1 + np.exp(-np.clip(total, -30, 30)))
        return p


def fit(x: Array, y: Array, ridge: float, least: float = -np.inf, start: Array | None = None) -> Logistic:
    """Maximum a posteriori with a Gaussian prior of precision `ridge` on every scaled weight.

    `least`: no weight below it; 0 where each feature may only ever speak for y = 1. `start`: log-odds each row begins
    with; then there is no bias.
    """
    scales = np.where(x.std(axis=0) > 1e-9, x.std(axis=0), 1.0)
    begins = np.zeros(len(x)) if start is None else start
    design = np.column_stack([np.full(len(x), float(start is None)), x / scales])
    penalty = np.array([1e-6, *np.full(x.shape[1], ridge)])

    def loss(beta: Array) -> tuple[float, Array]:
        z = begins + design @ beta
        p = 1 / (1 + np.exp(-np.clip(z, -30, 30)))
        value = np.logaddexp(0, z).sum() - y @ z + (penalty * beta**2).sum() / 2
        return float(value), design.T @ (p - y) + penalty * beta

    bounds = [(None, None), *[(least, None)] * x.shape[1]]
    exact = {"ftol": 1e-14, "gtol": 1e-9, "maxiter": 2000}
    beta = minimize(loss, np.zeros(design.shape[1]), jac=True, bounds=bounds, method="L-BFGS-B", options=exact).x
    return Logistic(float(beta[0]), beta[1:], scales)


def by_group(
    x: Array, y: Array, groups: NDArray[np.str_], ridge: float, least: float = -np.inf, start: Array | None = None
) -> Array:
    """Each row's probability from a fit that has seen no row of its group."""
    scored = np.empty(len(y))
    for group in np.unique(groups):
        out = groups == group
        begins = (None, None) if start is None else (start[~out], start[out])
        scored[out] = fit(x[~out], y[~out], ridge, least, begins[0]).probabilities(x[out], begins[1])
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
