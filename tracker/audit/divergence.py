"""Greedy divergence: how soon a host's temperature-0 text leaves the reference's, against honest controls.

Identical weights on another kernel diverge too (31 % of texts by 64 tokens in our study), so the host is compared with
a control on the same prompts, never with equality. Each text is a survival time, censored where it never diverged;
the score is the log-rank (Savage) score, and host and control are swapped within prompts to get p.

The rate at which texts part grows with the noise, and the next honest host may be noisier than the noisiest control by
SPREAD, as for border prompts. So of the host's partings each is taken for a stop with probability 1 - 1/SPREAD: thinned
like that, a rate of SPREAD times the control's is the control's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracker.audit.noise import SPREAD, Trials
from tracker.audit.permutation import Floats, sign_flip_p
from tracker.errors import ProbeError

Tokens = str | Sequence[str] | Sequence[int]


@dataclass(frozen=True, slots=True)
class Survival:
    """Per prompt: tokens (or characters) shared with the reference, and whether the texts parted there."""

    shared: NDArray[np.int64]
    parted: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class DivergenceResult:
    """p against the most divergent honest control, and the shares of texts that left the reference."""

    prompts: int
    parted_share: float
    control_share: float
    p_value: float


def shared_prefix(left: Tokens, right: Tokens) -> int:
    """Length of the common beginning."""
    for at, (a, b) in enumerate(zip(left, right, strict=False)):
        if a != b:
            return at
    return min(len(left), len(right))


def survival(reference: Sequence[Tokens], other: Sequence[Tokens]) -> Survival:
    """Survival of each text. One text being a beginning of the other is censoring, not a difference."""
    if len(reference) != len(other) or not reference:
        raise ProbeError(f"divergence needs the same prompts on both sides: {len(reference)} against {len(other)}")
    shared = np.array([shared_prefix(a, b) for a, b in zip(reference, other, strict=True)], dtype=np.int64)
    shorter = np.array([min(len(a), len(b)) for a, b in zip(reference, other, strict=True)], dtype=np.int64)
    return Survival(shared, shared < shorter)


def savage_scores(times: NDArray[np.int64], parted: NDArray[np.bool_]) -> Floats:
    """Log-rank scores of pooled survival times: 1 - cumulative hazard where parted, - cumulative hazard where not."""
    moments, where = np.unique(times, return_inverse=True)
    at_risk = (times[:, None] >= moments).sum(axis=0)
    events = np.bincount(where, weights=parted, minlength=moments.size)
    hazard = np.cumsum(events / at_risk)
    return np.asarray(parted - hazard[where], dtype=np.float64)


def divergence_test(
    suspect: Survival, controls: Sequence[Survival], permutations: int = 4000, seed: int = 0
) -> DivergenceResult:
    """One-sided: does the host leave the reference sooner than honest ones may? p is the largest over the controls."""
    if not controls:
        raise ProbeError("greedy divergence means nothing without an honest control: name one with --control")
    worst = 0.0
    held = suspect.parted & (np.random.default_rng(seed).random(suspect.parted.size) < 1 / SPREAD)
    for control in controls:
        both = savage_scores(np.concatenate((suspect.shared, control.shared)), np.concatenate((held, control.parted)))
        count = suspect.shared.size
        worst = max(worst, sign_flip_p(both[:count] - both[count:], permutations, seed))
    control_share = max(float(control.parted.mean()) for control in controls)
    return DivergenceResult(suspect.shared.size, float(suspect.parted.mean()), control_share, worst)


def path_trials(gaps: Sequence[Floats], result: Survival) -> Trials:
    """The greedy path as border trials, where the reference shows the gap at each token of its own text.

    Every shared token is a question answered alike, the parting token one answered otherwise; later ones tell nothing.
    """
    if not gaps or len(gaps) != result.shared.size:
        raise ProbeError(f"the reference shows gaps of {len(gaps)} greedy texts, {result.shared.size} are compared")
    used: list[Floats] = []
    flips: list[NDArray[np.bool_]] = []
    for text_gaps, shared, parted in zip(gaps, result.shared, result.parted, strict=True):
        length = min(int(shared) + int(parted), text_gaps.size)
        outcome = np.zeros(length, dtype=bool)
        if parted and length == shared + 1:
            outcome[-1] = True
        used.append(text_gaps[:length])
        flips.append(outcome)
    return Trials(np.concatenate(used), np.concatenate(flips))
