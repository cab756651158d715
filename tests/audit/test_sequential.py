"""The watch: false alarms over a whole year of looks, detection, and several hosts at once."""

import numpy as np
import pytest

from tracker.audit.noise import HonestNoise, Trials, flip_probability, noise_of_kl
from tracker.audit.sequential import (
    alarm,
    days_to_alarm,
    e_benjamini_hochberg,
    likelihood_ratios,
    new_watch,
    observe,
    p_to_e,
)
from tracker.errors import ProbeError

HONEST = HonestNoise(0.03, 2, 400)


def looks(rng, days, sigma, queries=5, changed_on=0, share=1.0):
    """Daily handfuls of border prompts; from `changed_on` on a host of noise `sigma`, before at the honest bound."""
    made = []
    for day in range(days):
        gaps = rng.uniform(0.05, 0.15, queries)
        honest = flip_probability(gaps, HONEST.sigma, HONEST.lapse)
        p = share * flip_probability(gaps, sigma, HONEST.lapse) + (1 - share) * honest if day >= changed_on else honest
        made.append(Trials(gaps, rng.random(queries) < p))
    return made


def test_factors_are_bets_at_fair_odds():
    """Expectation of each factor under the honest bound is exactly 1: enumerate both outcomes of one query."""
    gaps = np.array([0.07])
    p0 = flip_probability(gaps, HONEST.sigma, HONEST.lapse)[0]
    won = likelihood_ratios(Trials(gaps, np.array([True])), HONEST)
    lost = likelihood_ratios(Trials(gaps, np.array([False])), HONEST)
    assert p0 * won + (1 - p0) * lost == pytest.approx(np.ones(won.size))
    quieter = flip_probability(gaps, 0.5 * HONEST.sigma, HONEST.lapse)[0]
    assert (quieter * won + (1 - quieter) * lost <= 1.0).all()


def test_false_alarms_over_365_looks_stay_below_alpha():
    rng = np.random.default_rng(0)
    alarms = sum(days_to_alarm(looks(rng, 365, HONEST.sigma), HONEST) is not None for _ in range(60))
    assert alarms / 60 <= 0.05


def test_a_change_on_day_100_is_found_within_days():
    rng = np.random.default_rng(1)
    delays = [days_to_alarm(looks(rng, 160, noise_of_kl(0.014), changed_on=100), HONEST) for _ in range(10)]
    assert all(day is not None and 100 < day <= 125 for day in delays)


def test_half_the_traffic_takes_longer_but_is_found():
    rng = np.random.default_rng(2)
    assert all(days_to_alarm(looks(rng, 90, noise_of_kl(0.014), share=0.5), HONEST) is not None for _ in range(5))


def test_a_look_without_answers_only_passes_time():
    watch = observe(new_watch(10), Trials(np.empty(0), np.empty(0, dtype=bool)), HONEST)
    assert (watch.day, watch.wealth) == (1, pytest.approx(1.0))
    assert not alarm(watch)


def test_wealth_survives_the_horizon_and_huge_evidence():
    rng = np.random.default_rng(3)
    watch = new_watch(2)
    for look in looks(rng, 4, noise_of_kl(1.0), queries=2000):
        watch = observe(watch, look, HONEST)
    assert np.isfinite(watch.peak)
    assert alarm(watch)
    with pytest.raises(ProbeError):
        new_watch(0)


def test_e_bh_by_hand():
    """Four hosts at 5 %: thresholds 80, 40, 26.7, 20."""
    assert e_benjamini_hochberg({"a": 79.0, "b": 1.0, "c": 0.5, "d": 0.0}) == []
    assert e_benjamini_hochberg({"a": 80.0, "b": 1.0, "c": 0.5, "d": 0.0}) == ["a"]
    assert e_benjamini_hochberg({"a": 41.0, "b": 40.0, "c": 0.5, "d": 0.0}) == ["a", "b"]
    assert e_benjamini_hochberg({}) == []


def test_false_discoveries_over_many_hosts():
    """20 hosts, 5 changed, looked at together every day for 60 days and reported the first day anything shows."""
    rng = np.random.default_rng(4)
    shares, found = [], 0
    for _ in range(6):
        hosts = {f"bad{i}": looks(rng, 60, noise_of_kl(0.014)) for i in range(5)}
        hosts |= {f"good{i}": looks(rng, 60, HONEST.sigma) for i in range(15)}
        watches = {name: new_watch(60) for name in hosts}
        for day in range(60):
            watches = {name: observe(watch, hosts[name][day], HONEST) for name, watch in watches.items()}
        reported = e_benjamini_hochberg({name: watch.wealth for name, watch in watches.items()})
        shares.append(sum(name.startswith("good") for name in reported) / max(1, len(reported)))
        found += sum(name.startswith("bad") for name in reported)
    assert np.mean(shares) <= 0.05
    assert found / 30 >= 0.9


def test_p_values_become_e_values():
    rng = np.random.default_rng(6)
    assert np.mean([p_to_e(p) for p in rng.uniform(1e-12, 1, 20000)]) <= 1.05
    with pytest.raises(ProbeError):
        p_to_e(0.0)
