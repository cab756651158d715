"""Money: annuity, utilisation, mixes and margins against sums done by hand."""

import numpy as np
import pytest

from tracker.cost.money import (
    Rent,
    RentTable,
    blended_usd_per_mtok,
    break_even_utilisation,
    margin,
    monthly_payment,
    owned_usd_per_hour,
    profit_over_cost,
    triangular,
    usd_per_mtok,
)
from tracker.errors import CostError, DataFileError


def test_annuity_pays_the_loan_back() -> None:
    payment, owed = float(monthly_payment(1000.0, 0.12, 24.0)), 1000.0
    for _ in range(24):
        owed = owed * 1.01 - payment
    assert owed == pytest.approx(0, abs=1e-9)
    assert monthly_payment(1200.0, 0.0, 12.0) == 100


def test_the_essays_server_hour() -> None:
    assert float(owned_usd_per_hour(350_000.0, 10.0)) == pytest.approx(11_474 / 730, rel=1e-4)


def test_utilisation_and_price() -> None:
    assert usd_per_mtok(3.6, 1000.0) == pytest.approx(1.0)
    assert usd_per_mtok(3.6, 1000.0, 0.5) == pytest.approx(2.0)
    assert break_even_utilisation(3.6, 1000.0, 4.0) == pytest.approx(0.25)
    assert margin(2.0, 1.5) == pytest.approx(0.25)
    assert profit_over_cost(3.0, 1.0) == pytest.approx(2.0)


def test_blend_counts_cached_tokens_at_their_price() -> None:
    assert blended_usd_per_mtok(1.0, 4.0, 3.0, 1.0) == pytest.approx(7 / 4)
    assert blended_usd_per_mtok(1.0, 4.0, 3.0, 1.0, 0.5, 0.1) == pytest.approx((1.5 + 0.15 + 4) / 4)


def test_triangular_quantiles() -> None:
    u = np.array([0.0, 0.5, 1.0])
    assert triangular(0.0, 1.0, 2.0, u) == pytest.approx([0, 1, 2])
    assert triangular(3.0, 3.0, 3.0, u) == pytest.approx([3, 3, 3])
    with pytest.raises(CostError, match="in order"):
        triangular(2.0, 1.0, 3.0, u)


def test_quartiles_out_of_order_are_refused() -> None:
    from datetime import date

    with pytest.raises(DataFileError, match=r"rents.csv \(H100-SXM 2024-01-01\)"):
        RentTable([Rent("H100-SXM", date(2024, 1, 1), 3.0, 2.0, 4.0, "test")])
