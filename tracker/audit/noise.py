"""One number for how far a host's arithmetic is from the reference: sigma, the noise on the gap of the two best tokens.

Model: where the reference's best token leads its second by `gap` nats, another host sees gap + sigma * Z, so it
writes another token with probability flip(gap) = lapse + (1 - lapse) * Phi(-gap / sigma). Honest hosts (other kernel,
other batch order, bf16) have a small sigma; rounding the weights raises it. KL grows with sigma squared: noise of
variance s^2 on every logit moves the distribution by about s^2 / 2 * (1 - sum p^2) nats, and sigma^2 = 2 s^2.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr

from tracker.audit.permutation import Floats
from tracker.errors import ProbeError

LAPSE = 0.002  # a flip in 500 that no gap explains: retries on another engine, a truncated answer
SPREAD = 1.25  # the next honest host may be noisier than the noisiest one seen; checked on hosts not used to learn
SMALLEST, LARGEST = 1e-5, 50.0
# KL per sigma^2: independent noise gives (1 - sum p^2) / 4; the rounded weights of bench/audit.py below KL .02 give
# 0.11 (fp8) to 0.30 (3 bit).
KL_PER_VARIANCE = 0.2


@dataclass(frozen=True, slots=True)
class Trials:
    """One-token trials: the reference's gap in nats and whether the host wrote something else."""

    gaps: Floats
    flips: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if self.gaps.shape != self.flips.shape or self.gaps.ndim != 1:
            raise ProbeError("trials need one gap and one outcome each")
        if self.gaps.size and not (np.isfinite(self.gaps).all() and (self.gaps >= 0).all()):
            raise ProbeError("a gap is the lead of the best token in nats: finite and not negative")

    @property
    def count(self) -> int:
        return int(self.flips.sum())


@dataclass(frozen=True, slots=True)
class Range:
    """An estimate with its 95 % interval; infinite where more flipped than any noise explains (half of two tokens)."""

    low: float
    mid: float
    high: float

    def __str__(self) -> str:
        if np.isinf(self.low):
            return "beyond noise"
        if np.isinf(self.mid):
            return f"over {self.low:.2g}"
        end = "open" if np.isinf(self.high) else f"{self.high:.2g}"
        return f"{self.mid:.2g} ({self.low:.2g} to {end})"


@dataclass(frozen=True, slots=True)
class HonestNoise:
    """What honest hosts do: the null every other host is held to."""

    sigma: float  # upper bound, the noisiest endpoint's 95 % limit times SPREAD
    endpoints: int
    trials: int
    lapse: float = LAPSE


def trials_of(pairs: Sequence[tuple[float, bool]]) -> Trials:
    """Trials from (gap, flipped) pairs."""
    gaps = np.array([gap for gap, _ in pairs], dtype=np.float64)
    return Trials(gaps, np.array([flipped for _, flipped in pairs], dtype=bool))


def flip_probability(gaps: Floats, sigma: float | Floats, lapse: float = LAPSE) -> Floats:
    """Chance that a host with noise `sigma` leaves the reference's best token."""
    return np.asarray(lapse + (1.0 - lapse) * ndtr(-gaps / np.maximum(sigma, SMALLEST)), dtype=np.float64)


def count_distribution(probabilities: Floats) -> Floats:
    """Poisson-binomial: the exact distribution of the number of flips of independent unequal trials. O(n^2)."""
    distribution = np.ones(1)
    for p in probabilities:
        distribution = np.convolve(distribution, (1.0 - p, p))
    return distribution


def at_least(count: int, probabilities: Floats) -> float:
    """P(number of flips >= count)."""
    return float(min(1.0, count_distribution(probabilities)[count:].sum()))


def at_most(count: int, probabilities: Floats) -> float:
    """P(number of flips <= count)."""
    return float(min(1.0, count_distribution(probabilities)[: count + 1].sum()))


def noise_range(trials: Trials, lapse: float = LAPSE, level: float = 0.95) -> Range:
    """Sigma by matching the expected to the observed number of flips, and its exact interval by inverting the tails."""
    if trials.gaps.size == 0:
        raise ProbeError("no trials: nothing is known about the noise")
    tail = (1.0 - level) / 2.0
    count, gaps = trials.count, trials.gaps

    def probabilities(sigma: float) -> Floats:
        return flip_probability(gaps, sigma, lapse)

    return Range(
        _solve(lambda sigma: at_least(count, probabilities(sigma)) - tail) if count else 0.0,
        _solve(lambda sigma: float(probabilities(sigma).sum()) - count) if count else 0.0,
        _solve(lambda sigma: tail - at_most(count, probabilities(sigma))),
    )


def _solve(rising: Callable[[float], float]) -> float:
    """Where a rising function of log sigma crosses 0, within the range of sigmas that mean anything."""

    def of_log(log_sigma: float) -> float:
        return rising(float(np.exp(log_sigma)))

    low, high = np.log(SMALLEST), np.log(LARGEST)
    if of_log(low) >= 0:
        return 0.0
    if of_log(high) <= 0:
        return float("inf")
    return float(np.exp(brentq(of_log, low, high, xtol=1e-3)))


def noise_of_gaps(reference: Floats, honest: Floats) -> float:
    """Sigma seen directly, where the honest host shows log-probabilities: root mean square of the gap's change."""
    if reference.size == 0 or reference.shape != honest.shape:
        raise ProbeError("gaps of both hosts on the same prompts are needed")
    return float(np.sqrt(np.mean((reference - honest) ** 2)))


def honest_from_gaps(pairs: Sequence[tuple[Floats, Floats]], spread: float = SPREAD) -> HonestNoise:
    """The null from gaps that at least two honest endpoints show themselves: (reference's, endpoint's) on each one.

    Sharper than flips: n gaps fix sigma to 1 part in sqrt(2 n), and the 95 % upper limit is taken of each.
    """
    if len(pairs) < 2:
        raise ProbeError(f"the honest window needs at least two honest endpoints, {len(pairs)} given")
    limits = [noise_of_gaps(ours, theirs) * (1.0 + 1.645 / np.sqrt(2.0 * ours.size)) for ours, theirs in pairs]
    return HonestNoise(spread * float(max(limits)), len(pairs), sum(ours.size for ours, _ in pairs))


def learn_honest(endpoints: Sequence[Trials], spread: float = SPREAD, lapse: float = LAPSE) -> HonestNoise:
    """The null from honest endpoints' own flips. Two at least: one host cannot show how much hosts differ."""
    if len(endpoints) < 2:
        raise ProbeError(f"the honest window needs at least two honest endpoints, {len(endpoints)} given")
    limits = [noise_range(trials, lapse, 0.90).high for trials in endpoints]
    if not np.isfinite(max(limits)):
        raise ProbeError("an honest endpoint flips as often as chance: it does not serve the reference's model")
    return HonestNoise(spread * max(limits), len(endpoints), sum(trials.gaps.size for trials in endpoints), lapse)


def kl_of_noise(noise: Range, per_variance: float = KL_PER_VARIANCE) -> Range:
    """KL in nats per token that goes with a sigma: proportional to its square."""
    return Range(*(per_variance * sigma**2 for sigma in (noise.low, noise.mid, noise.high)))


def noise_of_kl(kl: float, per_variance: float = KL_PER_VARIANCE) -> float:
    """Sigma that goes with a KL."""
    return float(np.sqrt(kl / per_variance))
