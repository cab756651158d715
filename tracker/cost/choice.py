"""The cheapest configuration of each draw: flattening a grid, pruning what is dominated, choosing.

Arrays are (configurations, draws); a configuration is one deployment at one batch. Costs are dollars per request.
"""

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np

from tracker.cost.arrays import Flags, Floats
from tracker.cost.deploy import Grid
from tracker.cost.money import RentTable
from tracker.cost.scenario import Draws, Scenario


@dataclass(frozen=True, slots=True)
class Columns:
    """A grid flattened to configurations that fit, with what each draw needs to price it."""

    source: Grid
    rows: tuple[tuple[int, int], ...]
    chip_s_in: Floats
    chip_s_out: Floats
    tok_s_user: Floats
    first_s: Floats
    batch: Floats
    unit: Floats
    usd_per_chip_s: Floats  # (deployments, draws), engine error and utilisation included


def chip_prices(source: Grid, when: date, scenario: Scenario, draws: Draws, rents: RentTable) -> Floats:
    """Dollars per useful chip-second, (deployments, draws); infinite where the seller has no such chip."""
    chance = dict(scenario.hardware)
    out = np.empty((len(source.units), len(draws)))
    for i, unit in enumerate(source.units):
        rent = rents.required(unit.chip, when)
        quartiles = (rent.p25_usd_per_hour, rent.p50_usd_per_hour, rent.p75_usd_per_hour)
        hourly = np.interp(draws.seller, (0.25, 0.5, 0.75), quartiles) * draws.rent
        out[i] = hourly / 3600 / draws.utilisation / draws.engine
        lacking = np.asarray(draws.at_hand > chance.get(unit.chip.name, 1.0), dtype=np.bool_)
        out[i, lacking] = np.inf
    return out


SPEED_LEVELS = np.geomspace(1, 4096, 49)  # tokens/s/user, in steps of 19 %


def undominated(source: Grid, possible: Flags, request: Floats, keep: float) -> Flags:
    """Configurations within `keep` times the cheapest one that holds no more sequences and is at least as fast.

    The middle of the ranges decides; the factor leaves room for draws in which another chip is the cheap one.
    """
    batches, place = np.unique(source.batch, return_inverse=True)
    level = np.clip(np.searchsorted(SPEED_LEVELS, source.tok_s_user, side="right") - 1, 0, len(SPEED_LEVELS) - 1)
    floor = np.full((len(batches), len(SPEED_LEVELS) + 1), np.inf)
    np.minimum.at(floor, (place.reshape(source.batch.shape)[possible], level[possible]), request[possible])
    floor = np.minimum.accumulate(floor, axis=0)
    floor = np.minimum.accumulate(floor[:, ::-1], axis=1)[:, ::-1]
    # the next level up: only what is surely as fast may rule a configuration out
    bar = floor[place.reshape(source.batch.shape), level + 1]
    return np.asarray(possible & (request <= keep * bar), dtype=np.bool_)


def flatten(source: Grid, prices: Floats, draws: Draws, slowest: float, keep: float | None) -> Columns | None:
    """Configurations that fit and are not hopelessly slow; `keep` prunes the dominated ones."""
    possible = np.asarray((source.fits > 0) & (source.tok_s_user >= slowest), dtype=np.bool_)
    if not possible.any():
        return None
    if keep is not None:
        tokens = float(draws.prompt[0] * (1 - draws.cache_hit[0])), float(draws.output[0])
        request = (source.chip_s_per_input * tokens[0] + source.chip_s_per_output * tokens[1]) * prices[:, :1]
        possible = undominated(source, possible, request, keep)
    at = np.nonzero(possible)
    return Columns(
        source,
        tuple(zip(map(int, at[0]), map(int, at[1]), strict=True)),
        source.chip_s_per_input[at],
        source.chip_s_per_output[at],
        source.tok_s_user[at],
        source.first_token_s[at],
        source.batch[at],
        at[0].astype(np.float64),
        prices,
    )


class Choice(NamedTuple):
    """Per draw: cost per request split into input and output, and the row of its configuration (-1: none)."""

    input_usd: Floats
    output_usd: Floats
    row: Floats


def cheapest(c: Columns, draws: Draws, tok_s_user: float | None, ttft_s: float | None, capped: bool = True) -> Choice:
    """The cheapest feasible configuration of each draw."""
    price = c.usd_per_chip_s[c.unit.astype(np.int64)]
    prompt_paid, output = draws.prompt * (1 - draws.cache_hit), draws.output
    cost = c.chip_s_in[:, None] * prompt_paid + c.chip_s_out[:, None] * output
    cost *= price
    if capped:
        cost[c.batch[:, None] > np.maximum(draws.load_batch, 1.0)] = np.inf
    if tok_s_user is not None:
        cost[c.tok_s_user[:, None] * draws.engine < tok_s_user] = np.inf
    if ttft_s is not None:
        cost[c.first_s[:, None] / draws.engine > ttft_s] = np.inf
    best = cost.argmin(axis=0)
    every = np.arange(len(draws))
    ok = np.isfinite(cost[best, every])
    paid = price[best, every]
    paid = np.where(ok, paid, np.nan)
    return Choice(paid * c.chip_s_in[best] * prompt_paid, paid * c.chip_s_out[best] * output, np.where(ok, best, -1))
