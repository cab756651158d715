"""Log-odds: how independent pieces of evidence add up to a probability."""

import math


def logit(probability: float) -> float:
    """Log-odds; certainty is refused, because no single piece of evidence is certain."""
    bounded = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(bounded / (1 - bounded))


def probability_of(log_odds: float) -> float:
    """The probability at these log-odds, stable for large values."""
    if log_odds >= 0:
        return 1 / (1 + math.exp(-log_odds))
    return math.exp(log_odds) / (1 + math.exp(log_odds))


def ramp(value: float, none_at: float, full_at: float, top: float = 0.95) -> float:
    """A straight line from 0 at `none_at` to `top` at `full_at` (either direction), flat outside."""
    share = (value - none_at) / (full_at - none_at)
    return top * min(max(share, 0.0), 1.0)
