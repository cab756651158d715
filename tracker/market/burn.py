"""Burn: tokens served times what each loses. A band, because cost is one; never below zero.

Demand counts one router's traffic only, so burn is a lower bound of volume, stated per router and never extrapolated.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Burn:
    """USD per day lost at the low, mid and high cost."""

    low: Array
    mid: Array
    high: Array


def burn_usd_per_day(tokens: Array, prices: Array, costs: Array) -> Burn:
    """`tokens` and `prices` are [rows], `costs` is [rows, 3] (low, mid, high); USD per million tokens of the same mix.

    A mix settles input and output together: a side sold at a loss may be paid for by the other.
    """
    low, mid, high = np.maximum((costs - prices[:, None]) * tokens[:, None] / 1e6, 0.0).T
    return Burn(low, mid, high)
