"""Log-probability tracking: has anything changed since last time? (Chauvin, ICLR 2026.)

Compares the top log-probabilities of one token between two times of the same host. It fires on any change of the
serving stack, honest ones too: it says "changed", never "quantized", and it is the wire that starts a real audit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tracker.audit.permutation import Floats, permutation_p, random_halves
from tracker.errors import ProbeError

Sample = Mapping[str, float]  # token -> log-probability, as one response shows it


@dataclass(frozen=True, slots=True)
class ChangeResult:
    """Mean absolute shift of log-probabilities in nats, and the p that nothing changed."""

    prompts: int
    samples: int
    shift: float
    p_value: float


def change_test(
    before: Sequence[Sequence[Sample]], after: Sequence[Sequence[Sample]], permutations: int = 1000, seed: int = 0
) -> ChangeResult:
    """Permutation test over repeated samples of the same prompts; `before[i]` and `after[i]` share prompt i."""
    if len(before) != len(after) or not before:
        raise ProbeError(f"tracking needs the same prompts both times: {len(before)} against {len(after)}")
    observed, permuted = 0.0, np.zeros(permutations)
    for at, (old, new) in enumerate(zip(before, after, strict=True)):
        if not old or not new:
            raise ProbeError("tracking needs at least one sample per prompt each time")
        table = aligned([*old, *new])
        given = np.zeros((1, 1, len(table)), dtype=bool)
        given[..., : len(old)] = True
        observed += float(_shift(table, given)[0])
        permuted += _shift(table, random_halves(1, len(old), len(new), permutations, seed + at))
    count = sum(map(len, before)) + sum(map(len, after))
    return ChangeResult(len(before), count, observed / len(before), permutation_p(observed, permuted))


def aligned(samples: Sequence[Sample]) -> Floats:
    """Samples as rows over all tokens seen; a token a sample does not show counts as its least one shown."""
    tokens = sorted({token for sample in samples for token in sample})
    if not tokens:
        raise ProbeError("no log-probabilities in the samples")
    floor = min(min(sample.values()) for sample in samples if sample)
    return np.array(
        [[sample.get(token, min(sample.values(), default=floor)) for token in tokens] for sample in samples]
    )


def _shift(table: Floats, labels: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Floats:
    """Mean over tokens of |mean before - mean after|, one per relabelling."""
    old = labels[0].astype(np.float64)
    left = old @ table / old.sum(axis=1, keepdims=True)
    right = (1 - old) @ table / (1 - old).sum(axis=1, keepdims=True)
    return np.asarray(np.abs(left - right).mean(axis=1), dtype=np.float64)
