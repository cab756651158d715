"""The regression and its scores against values known by hand."""

import numpy as np
import pytest

from tracker.flags.logistic import auroc, average_precision, brier, by_group, fit, reliability, within_groups


def test_auroc_counts_ties_half_and_average_precision_takes_ties_together() -> None:
    y = np.array([1.0, 0.0, 1.0, 0.0])
    assert auroc(np.array([0.9, 0.1, 0.8, 0.2]), y) == 1.0
    assert auroc(np.array([0.5, 0.5, 0.5, 0.5]), y) == 0.5
    assert average_precision(np.array([0.5, 0.5, 0.5, 0.5]), y) == 0.5
    assert average_precision(np.array([0.9, 0.8, 0.7, 0.1]), y) == pytest.approx((1 + 2 / 3) / 2)


def test_the_fit_recovers_known_weights_and_its_probabilities_are_calibrated() -> None:
    rng = np.random.default_rng(7)
    x = rng.normal(size=(20_000, 2)) * [1.0, 5.0] + [0.0, 3.0]
    truth = 1 / (1 + np.exp(-(0.5 + 1.2 * x[:, 0] - 0.3 * x[:, 1])))
    y = (rng.random(len(x)) < truth).astype(float)
    model = fit(x, y, 1e-3)
    assert model.weights / model.scales == pytest.approx([1.2, -0.3], abs=0.06)
    assert brier(model.probabilities(x), y) == pytest.approx(float((truth * (1 - truth)).mean()), abs=0.005)
    for _, _, count, said, was in reliability(model.probabilities(x), y, np.linspace(0, 1, 6)):
        assert count < 200 or abs(said - was) < 0.03


def test_a_bounded_fit_gives_no_weight_to_what_points_the_wrong_way() -> None:
    rng = np.random.default_rng(7)
    x = rng.normal(size=(5_000, 2))
    y = (rng.random(len(x)) < 1 / (1 + np.exp(-(1.2 * x[:, 0] - 0.8 * x[:, 1])))).astype(float)
    free, bounded = fit(x, y, 1.0), fit(x, y, 1.0, least=0.0)
    assert free.weights[1] < -0.5 and bounded.weights[1] == 0.0 and bounded.weights[0] > 0.8


def test_a_start_is_taken_as_it_is_and_only_the_rest_is_fitted() -> None:
    rng = np.random.default_rng(7)
    x, start = rng.normal(size=(20_000, 1)), rng.normal(size=20_000)
    y = (rng.random(len(x)) < 1 / (1 + np.exp(-(start + 0.7 * x[:, 0])))).astype(float)
    model = fit(x, y, 1e-3, start=start)
    assert model.bias == 0.0 and model.weights / model.scales == pytest.approx([0.7], abs=0.05)
    p = model.probabilities(x, start)
    assert brier(p, y) < brier(model.probabilities(x), y)
    groups = np.repeat(np.array(["a", "b"]), 10_000)
    assert brier(by_group(x, y, groups, 1e-3, start=start), y) == pytest.approx(brier(p, y), abs=0.001)


def test_grouped_scoring_never_sees_the_group() -> None:
    """Each group has a private rule: nothing can be learnt across groups, so the score is no better than chance."""
    groups = np.repeat(np.array(["a", "b", "c", "d"]), 50)
    x = np.eye(4)[np.repeat(np.arange(4), 50)]
    y = np.repeat(np.array([1.0, 0.0, 1.0, 0.0]), 50)
    inside = fit(x, y, 0.1).probabilities(x)
    assert auroc(inside, y) == 1.0
    assert auroc(by_group(x, y, groups, 0.1), y) <= 0.5


def test_within_groups_ignores_what_the_group_tells() -> None:
    groups = np.array(["a", "a", "b", "b"])
    y = np.array([1.0, 0.0, 1.0, 0.0])
    score, pairs = within_groups(np.array([0.9, 0.8, 0.2, 0.1]), y, groups)
    assert (score, pairs) == (1.0, 2)
