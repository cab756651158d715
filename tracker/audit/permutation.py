"""Exact Monte-Carlo permutation p-values: p = (1 + c) / (1 + b), with c of b permutations at least as extreme.

The observed arrangement counts as one of the arrangements, so p is never 0 and never too small, whatever b is
(Phipson and Smyth 2010, https://doi.org/10.2202/1544-6115.1585).
"""

import numpy as np
from numpy.typing import NDArray

from tracker.errors import ProbeError

Floats = NDArray[np.float64]


def permutation_p(observed: float, permuted: Floats) -> float:
    """One-sided p of `observed` among `permuted`; ties count against a difference."""
    if permuted.size == 0:
        raise ProbeError("a permutation test needs at least one permutation")
    slack = 1e-9 * max(1.0, abs(observed))
    return float(1 + np.count_nonzero(permuted >= observed - slack)) / (1 + permuted.size)


def sign_flip_p(differences: Floats, permutations: int, seed: int = 0) -> float:
    """p that paired `differences` (suspect minus control) are centred: exchangeable pairs may swap, so signs may flip.

    All sign patterns are enumerated where there are fewer of them than `permutations`; then p is the exact share.
    """
    nonzero = differences[differences != 0.0]
    observed = float(nonzero.sum())
    if nonzero.size == 0:
        return 1.0
    if 2**nonzero.size <= permutations:
        patterns = np.arange(2**nonzero.size, dtype=np.int64)[:, None] >> np.arange(nonzero.size)
        sums = np.where(patterns & 1, -1.0, 1.0) @ nonzero
        return float(np.mean(sums >= observed - 1e-9 * max(1.0, abs(observed))))
    signs = np.random.default_rng(seed).integers(0, 2, (permutations, nonzero.size), dtype=np.int8)
    return permutation_p(observed, (2.0 * signs - 1.0) @ nonzero)


def random_halves(groups: int, first: int, second: int, permutations: int, seed: int) -> NDArray[np.bool_]:
    """Random relabellings (groups, permutations, items): which `first` items of each group form its first half.

    Selection sampling (Knuth, Algorithm S): every subset of the right size is equally likely, without sorting.
    """
    size = first + second
    draws = np.random.default_rng(seed).random((size, groups, permutations), dtype=np.float32)
    wanted = np.full((groups, permutations), first, dtype=np.float32)
    labels = np.empty((groups, permutations, size), dtype=bool)
    for item in range(size):
        chosen = draws[item] * (size - item) < wanted
        labels[..., item] = chosen
        wanted -= chosen
    return labels
