"""Effective prices, index, margins, floors and burn against sums done by hand."""

from datetime import date, timedelta

import numpy as np
import pytest

from tracker.market.burn import burn_usd_per_day
from tracker.market.effective import Allowance, Usage, best_tier, crowd, effective_request_usd, ladder, requests_per_s
from tracker.market.margins import cheapest, margins, ratio
from tracker.market.price_index import chain, fisher_link, offer_quantities

USAGE = Usage(request_s=10.0)


def test_all_limits_of_a_tier_bind_and_the_best_tier_speaks() -> None:
    free = [Allowance("free", "requests", "minute", 60), Allowance("free", "tokens", "minute", 39_000)]
    assert requests_per_s(free[0], USAGE) == 1.0
    assert requests_per_s(free[1], USAGE) == pytest.approx(10 / 60)
    assert best_tier(free, USAGE) == ("free", pytest.approx(10 / 60))
    assert best_tier([*free, Allowance("tier 1", "requests", "minute", None)], USAGE) == ("tier 1", np.inf)
    assert requests_per_s(Allowance("", "concurrency", "instant", 5), USAGE) == 0.5


def test_doubao_2024_carries_a_few_users_only() -> None:
    """10K requests and 800K tokens a minute: the token limit allows 3.4 requests a second of 3,900 tokens."""
    limits = [Allowance("", "requests", "minute", 10_000), Allowance("", "tokens", "minute", 800_000)]
    _, rate = best_tier(limits, USAGE)
    assert rate == pytest.approx(800_000 / 3900 / 60)
    shares = dict(crowd(rate))
    assert shares[10_000] == pytest.approx(rate / (10_000 * 6 / 3600))
    assert shares[50_000] < 0.05


def test_what_does_not_fit_is_bought_elsewhere_or_has_no_price() -> None:
    assert effective_request_usd(0.0, 0.002, capacity=1, demand=10) == pytest.approx(0.0018)
    assert effective_request_usd(0.0, None, capacity=1, demand=10) is None
    steps = dict(ladder(0.0, 0.002, requests_s=0.1, usage=USAGE))
    assert steps[1] == 0.0 and steps[1000] == pytest.approx(0.002 * 0.999)


def test_fisher_is_the_geometric_mean_of_laspeyres_and_paasche() -> None:
    old, new = np.array([1.0, 2.0, np.nan]), np.array([0.5, 2.0, 9.0])
    q0, q1 = np.array([10.0, 5.0, 1.0]), np.array([30.0, 5.0, 1.0])
    link, goods = fisher_link(old, new, q0, q1)
    assert goods == 2
    assert link == pytest.approx(np.sqrt((15 / 20) * (25 / 40)))


def test_an_entry_a_departure_and_a_free_offer_do_not_move_the_index() -> None:
    days = [date(2026, 7, 1) + timedelta(days=i) for i in range(4)]
    prices = np.array([[4.0, np.nan], [4.0, 1.0], [4.0, 0.0], [2.0, np.nan]])
    points = chain(days, prices, np.ones((4, 2)))
    assert [point.value for point in points] == pytest.approx([100, 100, 100, 50])


def test_a_unit_misstated_and_repaired_moves_nothing_and_a_deep_cut_does() -> None:
    days = [date(2026, 1, 11) + timedelta(days=n) for n in range(4)]
    prices = np.array([[1.0, 0.4], [1.0, 3200.0], [1.0, 0.4], [0.03, 0.4]])
    found = [point.value for point in chain(days, prices, np.ones_like(prices))]
    assert found[:3] == [100, 100, 100]
    assert found[3] == pytest.approx(100 * 0.43 / 1.4)


def test_there_and_back_ends_where_it_began() -> None:
    days = [date(2026, 7, 1) + timedelta(days=i) for i in range(41)]
    prices = np.array([[1.0 + (i % 2), 3.0] for i in range(41)])
    assert chain(days, prices, np.ones((41, 2)))[-1].value == pytest.approx(100)


def test_demand_is_shared_by_the_offers_priced_that_day() -> None:
    priced = np.array([[True, True, True], [True, False, True]])
    tokens = np.array([[90.0, 90.0, 10.0], [90.0, 90.0, 10.0]])
    share = offer_quantities(["m", "m", "n"], priced, tokens)
    assert share.tolist() == [[45, 45, 10], [90, 0, 10]]


def test_margins_and_ratios_keep_the_unknown_unknown() -> None:
    result = margins(np.array([2.0, 0.0, np.nan]), *(np.array([c, c, c]) for c in (0.5, 1.0, 3.0)))
    assert result.at_low[0] == 0.75 and result.at_high[0] == -0.5
    assert result.at_mid[1] == -np.inf and np.isnan(result.at_mid[2])
    assert ratio(np.array([4.0, 1.0]), np.array([1.0, 0.0]))[0] == 4
    assert np.isnan(ratio(np.array([1.0]), np.array([0.0]))[0])


def test_the_floor_is_the_cheapest_that_is_sold_not_given() -> None:
    rows = cheapest(np.array(["a", "a", "a", "b"]), np.array([2.0, 0.0, 1.0, np.nan]))
    assert rows == {"a": 2}


def test_burn_is_a_band_that_never_earns() -> None:
    burn = burn_usd_per_day(np.array([4e6]), np.array([0.325]), np.array([[0.16, 0.35, 0.7]]))
    assert burn.low[0] == 0.0
    assert burn.mid[0] == pytest.approx(0.1)
    assert burn.high[0] == pytest.approx(1.5)
