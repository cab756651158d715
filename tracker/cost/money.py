"""Money: what an accelerator-hour costs, and what that makes of a token. Pure and vectorised; US dollars.

The annuity is the loan payment PMT(principal, rate/12, months, end of period): it reproduces the 8,888 USD a month that
the 2024 essay states for a 350,000 USD server at 18 % over 60 months, which straight-line depreciation does not.
"""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np

from tracker.cost.arrays import Array, Floats
from tracker.cost.facts import Accelerator, find_accelerator
from tracker.cost.tables import read_rows
from tracker.errors import CostError, DataFileError

HOURS_PER_MONTH = 730.0  # 8,760 / 12, the essays' month
SECONDS_PER_HOUR = 3600.0


def monthly_payment(principal_usd: Array, annual_rate: Array, months: Array) -> Array:
    """Annuity: the monthly payment that repays the principal and its interest; rate 0 is straight line."""
    rate = np.asarray(annual_rate) / 12
    safe = np.where(rate > 0, rate, 1.0)
    return np.where(rate > 0, principal_usd * safe / -np.expm1(-months * np.log1p(safe)), principal_usd / months)


def owned_usd_per_hour(
    capex_usd: Array,
    kw: Array,
    annual_rate: Array = 0.18,
    months: Array = 60.0,
    hosting_usd_per_kw_month: Array = 258.6,
    power_usd_per_kwh: Array = 0.0,
) -> Array:
    """An owner's hour: capital plus hosting (258.6 USD per kW and month is the essay's 2,586 for 10 kW) plus power."""
    capital = monthly_payment(capex_usd, annual_rate, months)
    return (capital + kw * hosting_usd_per_kw_month) / HOURS_PER_MONTH + kw * power_usd_per_kwh


def usd_per_mtok(usd_per_hour: Array, tok_s: Array, utilisation: Array = 1.0) -> Array:
    """Dollars per million tokens of something that costs this much an hour and delivers this many tokens a second."""
    return usd_per_hour / SECONDS_PER_HOUR / (tok_s * utilisation) * 1e6


def blended_usd_per_mtok(
    input_usd: Array, output_usd: Array, prompt: Array, output: Array, cache_hit: Array = 0.0, cached_usd: Array = 0.0
) -> Array:
    """The mean price of a token at a mix; `cache_hit` of the prompt is billed at `cached_usd`."""
    paid = prompt * ((1 - cache_hit) * input_usd + cache_hit * cached_usd) + output * output_usd
    return paid / (prompt + output)


def margin(price: Array, cost: Array) -> Array:
    """Profit as a share of the price: negative when below cost."""
    return 1 - cost / price


def profit_over_cost(revenue: Array, cost: Array) -> Array:
    """Profit as a share of the cost: DeepSeek's 545 % is this."""
    return (revenue - cost) / cost


def break_even_utilisation(usd_per_hour: Array, tok_s: Array, price_usd_per_mtok: Array) -> Array:
    """The share of the day a deployment must be busy for its price to cover it; above 1 it never does."""
    return usd_per_mtok(usd_per_hour, tok_s) / price_usd_per_mtok


@dataclass(frozen=True, slots=True)
class Rent:
    """What lessors asked for one accelerator on a day, as quartiles over sellers."""

    accelerator: str
    as_of: date
    p25_usd_per_hour: float
    p50_usd_per_hour: float
    p75_usd_per_hour: float
    source: str


class RentTable:
    """Rents by accelerator, joined as of a date: the last one known then. A day knows nothing of later ones."""

    def __init__(self, rents: list[Rent]) -> None:
        self._rows: dict[str, list[Rent]] = {}
        for rent in sorted(rents, key=lambda r: r.as_of):
            if not 0 < rent.p25_usd_per_hour <= rent.p50_usd_per_hour <= rent.p75_usd_per_hour:
                raise DataFileError(
                    f"rents.csv ({rent.accelerator} {rent.as_of}): quartiles must be positive and in order"
                )
            self._rows.setdefault(find_accelerator(rent.accelerator).name, []).append(rent)

    def known(self, when: date) -> list[str]:
        """The accelerators with a rent by a date."""
        return sorted(name for name, rows in self._rows.items() if rows[0].as_of <= when)

    def as_of(self, chip: Accelerator, when: date) -> Rent | None:
        """The rent that holds at a date, or None for a chip that nobody had listed by then."""
        rows = self._rows.get(chip.name, [])
        place = bisect_right([r.as_of for r in rows], when)
        return rows[place - 1] if place else None

    def required(self, chip: Accelerator, when: date) -> Rent:
        rent = self.as_of(chip, when)
        if rent is None:
            raise CostError(f"no rent for {chip.name} by {when} in rents.csv; known: {', '.join(self.known(when))}")
        return rent


@cache
def shipped_rents(folder: Path | None = None) -> RentTable:
    return RentTable(list(read_rows("rents.csv", Rent, folder)))


def triangular(low: float, mid: float, high: float, uniform: Floats) -> Floats:
    """Quantiles of a triangular distribution: the plainest shape that a low, a mid and a high describe."""
    if not low <= mid <= high:
        raise CostError(f"a range must be in order, not {low}, {mid}, {high}")
    if low == high:
        return np.full_like(uniform, mid)
    bend = (mid - low) / (high - low)
    rising = low + np.sqrt(uniform * (high - low) * (mid - low))
    falling = high - np.sqrt((1 - uniform) * (high - low) * (high - mid))
    return np.where(uniform < bend, rising, falling)
