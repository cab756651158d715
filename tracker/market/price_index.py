"""A chained Fisher price index: what the same basket costs from day to day, without counting entries as cuts.

Goods are offers: input and output tokens of one offer are two goods. Each link compares two neighbouring days over
the goods that are priced above zero on both; the Fisher link is the geometric mean of Laspeyres (yesterday's
quantities) and Paasche (today's). Links multiply up from 100 on the base day (ILO/IMF CPI Manual 2020, chapter 8).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
MIX = (0.75, 0.25)  # input and output tokens of a request where demand does not tell them apart: three to one
# A price that moves further than this in a day, either way, was misstated before or after: catalogues confuse units by
# 1,000 and more, and one such row outweighs a class. The deepest real cut known here is 33-fold (Qwen, May 2024).
MISSTATED = 50.0
DEFAULT_TOKENS = 1.0  # every model weighs the same in a class for which no demand is known


@dataclass(frozen=True, slots=True)
class IndexPoint:
    """The index on one day; `link` is today over yesterday, `goods` how many were compared for it."""

    day: date
    value: float
    link: float
    goods: int


def fisher_link(old: Array, new: Array, old_quantity: Array, new_quantity: Array) -> tuple[float, int]:
    """One link and its number of matched goods. NaN prices are absent; a zero price is no good one can index."""
    matched = (old > 0) & (new > 0) & (old_quantity > 0) & (new_quantity > 0)
    matched &= (new < old * MISSTATED) & (new > old / MISSTATED)
    if not matched.any():
        return 1.0, 0
    p0, p1, q0, q1 = old[matched], new[matched], old_quantity[matched], new_quantity[matched]
    laspeyres = float((p1 * q0).sum() / (p0 * q0).sum())
    paasche = float((p1 * q1).sum() / (p0 * q1).sum())
    return float(np.sqrt(laspeyres * paasche)), int(matched.sum())


def chain(days: Sequence[date], prices: Array, quantities: Array, base: float = 100.0) -> list[IndexPoint]:
    """The index over `days`; prices and quantities are [days, goods]."""
    points, level = [], base
    for row, moment in enumerate(days):
        link, goods = 1.0, int((prices[row] > 0).sum())
        if row:
            link, goods = fisher_link(prices[row - 1], prices[row], quantities[row - 1], quantities[row])
        level *= link
        points.append(IndexPoint(moment, level, link, goods))
    return points


def offer_quantities(models: Sequence[str], priced: NDArray[np.bool_], tokens: Array) -> Array:
    """Tokens of each offer: its model's tokens, shared equally by the offers priced that day.

    `models` names each offer's model; `priced` is [days, offers]; `tokens` is [days, offers], the model's demand
    repeated for each of its offers.
    """
    share = np.zeros_like(tokens)
    names = np.asarray(models)
    for model in np.unique(names):
        columns = names == model
        count = priced[:, columns].sum(axis=1, keepdims=True)
        share[:, columns] = np.where(priced[:, columns], tokens[:, columns] / np.maximum(count, 1), 0.0)
    return share
