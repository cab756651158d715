"""Watching every day without crying wolf: e-processes.

An e-process starts at 1 and, as long as the host is honest, is expected never to grow: it exceeds 1/alpha with
probability at most alpha over the whole watch, however often one looks (Ville's inequality; Ramdas et al. 2023,
https://arxiv.org/abs/2210.01948). A host may be changed on any day, so bets are opened day by day: a share of the stake
waits for each day of the horizon (a weighted Shiryaev-Roberts mixture), and each bet is spread over several noises.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tracker.audit.noise import HonestNoise, Trials, flip_probability
from tracker.audit.permutation import Floats
from tracker.errors import ProbeError

RATIOS = (1.5, 2.0, 3.0, 5.0, 10.0)  # bets: noise this many times the honest bound
SHARES = (1.0, 0.5)  # ... on all or on half of the traffic
CEILING = 1e250  # keeps an overwhelming bet finite; a smaller e-value is still an e-value


@dataclass(frozen=True, slots=True)
class Watch:
    """State of one host's watch. `wealth` is the e-value now, `peak` the largest it has been."""

    horizon: int  # days over which stakes are spread
    day: int
    running: tuple[float, ...]  # opened bets, one sum per alternative
    wealth: float
    peak: float


def new_watch(horizon: int = 365) -> Watch:
    """A watch that has seen nothing."""
    if horizon < 1:
        raise ProbeError("a watch needs a horizon of at least one day")
    return Watch(horizon, 0, (0.0,) * (len(RATIOS) * len(SHARES)), 1.0, 1.0)


def observe(watch: Watch, today: Trials, honest: HonestNoise) -> Watch:
    """The watch after one more look; a day without answers changes nothing but the date."""
    day = watch.day + 1
    stake = 1.0 / watch.horizon if day <= watch.horizon else 0.0
    waiting = max(0.0, 1.0 - day / watch.horizon)
    factors = likelihood_ratios(today, honest)
    share = stake / factors.size
    running = tuple(
        min(float(factor) * (old + share), CEILING) for factor, old in zip(factors, watch.running, strict=True)
    )
    wealth = sum(running) + waiting
    return replace(watch, day=day, running=running, wealth=wealth, peak=max(watch.peak, wealth))


def likelihood_ratios(today: Trials, honest: HonestNoise) -> Floats:
    """One factor per alternative; of expectation at most 1 while the host is no noisier than honest ones."""
    p0 = flip_probability(today.gaps, honest.sigma, honest.lapse)
    noisier = flip_probability(today.gaps, honest.sigma * np.array(RATIOS)[:, None], honest.lapse)
    p1 = np.concatenate([share * noisier + (1.0 - share) * p0 for share in SHARES])
    odds = np.where(today.flips, p1 / p0, (1.0 - p1) / (1.0 - p0))
    return np.asarray(np.exp(np.log(odds).sum(axis=1).clip(max=600.0)), dtype=np.float64)


def alarm(watch: Watch, alpha: float = 0.05) -> bool:
    """Whether the watch has ever crossed 1/alpha."""
    return watch.peak >= 1.0 / alpha


def e_benjamini_hochberg(e_values: Mapping[str, float], alpha: float = 0.05) -> list[str]:
    """Hosts to report at once with the false discovery rate held at alpha, whatever the dependence between them.

    Wang and Ramdas 2022, https://doi.org/10.1111/rssb.12489: the k largest with e >= hosts / (alpha k).
    """
    ranked = sorted(e_values.items(), key=lambda item: (-item[1], item[0]))
    found = 0
    for place, (_, e_value) in enumerate(ranked, start=1):
        if e_value >= len(ranked) / (alpha * place):
            found = place
    return [name for name, _ in ranked[:found]]


def p_to_e(p_value: float) -> float:
    """A p-value as an e-value, for methods that yield p: the calibrator 1 / (2 sqrt p) (Shafer 2021)."""
    if not 0.0 < p_value <= 1.0:
        raise ProbeError(f"not a p-value: {p_value}")
    return 0.5 / float(np.sqrt(p_value))


def days_to_alarm(looks: Sequence[Trials], honest: HonestNoise, horizon: int = 365, alpha: float = 0.05) -> int | None:
    """The first look at which the watch crosses 1/alpha, or None."""
    watch = new_watch(horizon)
    for look in looks:
        watch = observe(watch, look, honest)
        if alarm(watch, alpha):
            return watch.day
    return None
