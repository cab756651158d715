"""Border prompts and the noise behind them: exact counts, intervals that cover, size and power on synthetic hosts."""

import numpy as np
import pytest
from scipy.stats import binom

from tracker.audit.border import (
    BorderPrompt,
    Window,
    border_prompt,
    border_test,
    border_trials,
    choose_window,
    information,
    power,
    same_token,
    select,
)
from tracker.audit.noise import (
    HonestNoise,
    Trials,
    at_least,
    at_most,
    count_distribution,
    flip_probability,
    honest_from_gaps,
    kl_of_noise,
    learn_honest,
    noise_of_gaps,
    noise_of_kl,
    noise_range,
    trials_of,
)
from tracker.errors import ProbeError

HONEST = HonestNoise(0.03, 2, 400)


def host(rng, gaps, sigma, lapse=0.0):
    """A synthetic host: Gaussian noise on the gap, and now and then an unexplained flip."""
    return Trials(gaps, (gaps + sigma * rng.standard_normal(gaps.size) < 0) | (rng.random(gaps.size) < lapse))


def test_count_distribution_is_the_binomial_where_trials_are_equal():
    assert count_distribution(np.full(7, 0.3)) == pytest.approx(binom.pmf(range(8), 7, 0.3))
    assert at_least(3, np.full(7, 0.3)) == pytest.approx(binom.sf(2, 7, 0.3))
    assert at_most(3, np.full(7, 0.3)) == pytest.approx(binom.cdf(3, 7, 0.3))


def test_flip_probability_falls_with_the_gap_and_rises_with_noise():
    gaps = np.array([0.0, 0.1, 1.0])
    assert flip_probability(gaps, 0.1, 0.0) == pytest.approx([0.5, 0.158655, 7.6e-24], abs=1e-6)
    assert (flip_probability(gaps, 0.2) >= flip_probability(gaps, 0.1)).all()


def test_interval_covers_the_truth():
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(100):
        estimate = noise_range(host(rng, rng.uniform(0.02, 0.3, 80), 0.12))
        covered += estimate.low <= 0.12 <= estimate.high
    assert covered >= 90


def test_noise_of_extreme_hosts():
    gaps = np.full(20, 0.1)
    none = noise_range(Trials(gaps, np.zeros(20, dtype=bool)))
    assert none.low == none.mid == 0.0
    assert 0.05 < none.high < 0.2
    every = noise_range(Trials(gaps, np.ones(20, dtype=bool)))
    assert every.mid == every.high == float("inf")
    with pytest.raises(ProbeError, match="no trials"):
        noise_range(Trials(np.empty(0), np.empty(0, dtype=bool)))


@pytest.mark.parametrize("gaps", [np.array([-0.1]), np.array([np.nan]), np.array([np.inf]), np.zeros((1, 1))])
def test_impossible_gaps_are_refused(gaps):
    with pytest.raises(ProbeError):
        Trials(gaps, np.zeros(1, dtype=bool))


def test_honest_noise_needs_two_endpoints_of_the_same_model():
    rng = np.random.default_rng(7)
    gaps = rng.uniform(0.0, 0.2, 150)
    learnt = learn_honest([host(rng, gaps, 0.02), host(rng, gaps, 0.03)])
    assert 0.03 < learnt.sigma < 0.09
    with pytest.raises(ProbeError, match="two honest"):
        learn_honest([host(rng, gaps, 0.02)])
    with pytest.raises(ProbeError, match="chance"):
        learn_honest([host(rng, gaps, 0.02), Trials(gaps, np.ones(150, dtype=bool))])


def test_gaps_of_honest_hosts_give_a_sharper_bound():
    rng = np.random.default_rng(11)
    gaps = rng.uniform(0, 0.15, 80)
    pairs = [(gaps, gaps + sigma * rng.standard_normal(80)) for sigma in (0.02, 0.03)]
    learnt = honest_from_gaps(pairs)
    assert 0.03 < learnt.sigma < 0.06
    assert (learnt.endpoints, learnt.trials) == (2, 160)
    with pytest.raises(ProbeError, match="two honest"):
        honest_from_gaps(pairs[:1])


def test_noise_seen_in_gaps_directly():
    rng = np.random.default_rng(8)
    gaps = rng.uniform(0, 1, 4000)
    assert noise_of_gaps(gaps, gaps + 0.05 * rng.standard_normal(4000)) == pytest.approx(0.05, rel=0.05)
    with pytest.raises(ProbeError):
        noise_of_gaps(gaps, gaps[:3])


def test_kl_and_noise_are_inverse():
    assert kl_of_noise(noise_range(trials_of([(0.1, True), (0.1, False)]))).mid > 0
    assert noise_of_kl(0.2 * 0.3**2) == pytest.approx(0.3)


def test_window_lies_above_honest_noise_and_below_the_host_looked_for():
    window = choose_window(HONEST, 0.014)
    assert 1.5 * HONEST.sigma < window.low < window.high < 2 * noise_of_kl(0.014)
    gaps = np.array([0.0, (window.low + window.high) / 2, 2.0])
    assert information(gaps, HONEST, noise_of_kl(0.014)).argmax() == 1


def test_size_is_held_up_to_the_bound_and_power_meets_the_target():
    rng = np.random.default_rng(9)
    window = choose_window(HONEST, 0.014)

    def rejections(sigma, share=1.0):
        rejected = 0
        for _ in range(300):
            gaps = rng.uniform(window.low, window.high, 80)
            noisy = host(rng, gaps, sigma)
            quiet = host(rng, gaps, HONEST.sigma)
            flips = np.where(rng.random(80) < share, noisy.flips, quiet.flips)
            rejected += at_least(int(flips.sum()), flip_probability(gaps, HONEST.sigma, HONEST.lapse)) <= 0.05
        return rejected / 300

    assert rejections(HONEST.sigma) <= 0.05
    assert rejections(noise_of_kl(0.014)) >= 0.95
    assert rejections(noise_of_kl(0.014), share=0.5) >= 0.9


def test_result_carries_distance_and_strangers():
    gaps = np.full(40, 0.1)
    result = border_test(Trials(gaps, np.arange(40) < 12), HONEST, strangers=2)
    assert (result.trials, result.flips, result.strangers) == (40, 12, 2)
    assert result.p_value == pytest.approx(at_least(12, flip_probability(gaps, HONEST.sigma)))
    assert result.noise.low < result.noise.mid < result.noise.high
    assert result.kl.mid == pytest.approx(0.2 * result.noise.mid**2)


def test_predicted_power_is_the_simulated_one():
    rng = np.random.default_rng(10)
    gaps = rng.uniform(0.05, 0.15, 40)
    honest = flip_probability(gaps, HONEST.sigma, HONEST.lapse)
    counts = [host(rng, gaps, noise_of_kl(0.003), 0.002).count for _ in range(400)]
    simulated = np.mean([at_least(count, honest) <= 0.05 for count in counts])
    assert power(gaps, HONEST, 0.003) == pytest.approx(simulated, abs=0.06)
    assert power(gaps, HONEST, 0.003, share=0.5) < power(gaps, HONEST, 0.003)


def test_border_prompts_are_a_choice_of_two():
    found = border_prompt("2+2=", {"4": -0.65, " 4": -0.75, "5": -4.0})
    assert found is not None
    assert (found.top, found.runner_up, found.gap) == ("4", " 4", pytest.approx(0.1))
    assert border_prompt("x", {"a": -1.0, "b": -1.1, "c": -1.2}) is None
    assert border_prompt("x", {"a": -1.0, "b": -1.1}) is None
    assert border_prompt("x", {"": -1.0, "b": -1.1, "c": -9.0}) is None


def test_selection_keeps_the_middle_of_the_window():
    prompts = [BorderPrompt(str(gap), "a", "b", gap) for gap in (0.01, 0.11, 0.08, 0.2, 0.1)]
    assert [p.gap for p in select(prompts, Window(0.05, 0.15), 2)] == [0.1, 0.11]


def test_answers_become_trials():
    prompts = [BorderPrompt("p", " the", " a", 0.1), BorderPrompt("q", "x", "y", 0.2), BorderPrompt("r", "x", "y", 0.2)]
    trials, strangers = border_trials(prompts, ["the", "y", "zebra"])
    assert trials.flips.tolist() == [False, True, True]
    assert strangers == 1
    with pytest.raises(ProbeError):
        border_trials(prompts, ["one"])


@pytest.mark.parametrize(
    ("token", "answer", "same"),
    [(" a", "a", True), ("a", "b", False), (" ", "", False), (" ", " ", True), ("a", "", False)],
)
def test_tokens_compare_without_outer_blanks(token, answer, same):
    assert same_token(token, answer) is same
