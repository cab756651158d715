"""Margins and floors: price against cost, input and output apart, and the ratio that tells a mispriced side.

All amounts are USD per million tokens, arrays of equal length; NaN is unknown and stays unknown.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Margins:
    """(price - cost) / price by the low, mid and high cost: `at_low` is the seller's best case."""

    at_low: Array
    at_mid: Array
    at_high: Array


def margins(price: Array, cost_low: Array, cost_mid: Array, cost_high: Array) -> Margins:
    """Shares of the price; minus infinity where something is given away that costs anything."""
    return Margins(_share(price, cost_low), _share(price, cost_mid), _share(price, cost_high))


def _share(price: Array, cost: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (price - cost) / price
    return np.where((price == 0) & (cost > 0), -np.inf, share)


def ratio(output: Array, given: Array) -> Array:
    """Output over input; NaN where the input is free or unknown."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(given > 0, output / given, np.nan)


def cheapest(groups: NDArray[np.str_], amounts: Array) -> dict[str, int]:
    """Row of the lowest known positive amount per group: the floor; free rows are a different thing and left out."""
    order = np.argsort(np.where(amounts > 0, amounts, np.inf), kind="stable")
    rows: dict[str, int] = {}
    for row in order:
        if amounts[row] > 0:
            rows.setdefault(str(groups[row]), int(row))
    return rows
