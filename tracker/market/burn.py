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


def burn_usd_per_day(input_tokens: Array, output_tokens: Array, prices: Array, costs: Array) -> Burn:
    """`prices` is [rows, 2] (in, out), `costs` is [rows, 3, 2] (low, mid, high by in, out), USD per million tokens.

    Input and output are settled together: a side sold at a loss may be paid for by the other.
    """
    tokens = np.stack([input_tokens, output_tokens], axis=1)
    loss = ((costs - prices[:, None, :]) * tokens[:, None, :]).sum(axis=2) / 1e6
    low, mid, high = np.maximum(loss, 0.0).T
    return Burn(low, mid, high)
