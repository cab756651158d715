"""The sampled-text test: the statistic by hand, exactness of p, and what degenerate input does."""

import time

import numpy as np
import pytest

from tracker.audit.mmd import encode, hamming_mmd
from tracker.audit.permutation import permutation_p, random_halves, sign_flip_p
from tracker.errors import ProbeError


def test_worked_example_of_gao_et_al():
    """Two prompts, two samples a side, length 2.

    Prompt 1: reference "ab", "ab" (agree 2/2); host "ab", "cd" (agree 0); across 2/2, 0, 2/2, 0 -> sum 2.
    Prompt 2: reference "xy", "xz" (agree 1/2); host "xy", "xy" (agree 1); across 1, 1, 1/2, 1/2 -> sum 3.
    Within reference: (2*1 + 2*1/2) / 4 = 0.75; within host: (0 + 2*1) / 4 = 0.5; across: (2 + 3) / 8 = 0.625.
    Statistic: 0.75 + 0.5 - 2 * 0.625 = 0.
    """
    result = hamming_mmd([["ab", "ab"], ["xy", "xz"]], [["ab", "cd"], ["xy", "xy"]], length=2)
    assert result.statistic == pytest.approx(0.0)
    third = hamming_mmd([["ab", "ab"]], [["cd", "cd"]], length=2)
    assert third.statistic == pytest.approx(1 + 1 - 0)
    assert (third.prompts, third.samples) == (1, 4)


def test_unequal_sample_counts_match_the_definition():
    rng = np.random.default_rng(3)
    left = [["".join(rng.choice(list("abc"), 6)) for _ in range(n)] for n in (2, 5, 3)]
    right = [["".join(rng.choice(list("abc"), 6)) for _ in range(n)] for n in (4, 2, 3)]

    def mean_agreement(pairs):
        return np.mean([np.mean([a == b for a, b in zip(x, y, strict=True)]) for x, y in pairs])

    own = mean_agreement([(s[i], s[j]) for s in left for i in range(len(s)) for j in range(len(s)) if i != j])
    theirs = mean_agreement([(s[i], s[j]) for s in right for i in range(len(s)) for j in range(len(s)) if i != j])
    across = mean_agreement([(a, b) for x, y in zip(left, right, strict=True) for a in x for b in y])
    assert hamming_mmd(left, right, length=6).statistic == pytest.approx(own + theirs - 2 * across)


def test_p_is_uniform_under_the_null():
    """P(p <= a) <= a for every a: never anti-conservative, also with ties, few samples and prompts of their own."""
    rng = np.random.default_rng(0)
    p_values = []
    for trial in range(400):
        texts = [[[int(t) for t in rng.integers(0, 2 + prompt, 8)] for _ in range(8)] for prompt in range(4)]
        sides = [t[:4] for t in texts], [t[4:] for t in texts]
        p_values.append(hamming_mmd(*sides, length=8, permutations=99, seed=trial).p_value)
    p_sorted = np.sort(p_values)
    assert np.max(np.arange(1, 401) / 400 - p_sorted) < 1.63 / 20  # one-sided Kolmogorov-Smirnov at 0.5 %
    assert np.mean(np.array(p_values) <= 0.05) <= 0.08
    assert 0.4 < np.mean(p_values) < 0.6


def test_another_distribution_is_found():
    rng = np.random.default_rng(1)
    left = [[[int(t) for t in rng.integers(0, 5, 20)] for _ in range(8)] for _ in range(10)]
    right = [[[int(t) for t in rng.integers(3, 8, 20)] for _ in range(8)] for _ in range(10)]
    assert hamming_mmd(left, right, length=20).p_value == pytest.approx(1 / 1001)


def test_texts_of_another_length_are_cut_and_padded():
    rows = encode(["abc", "", "ab"], 2)
    assert rows.tolist() == [[97, 98], [-1, -1], [97, 98]]
    assert hamming_mmd([["", ""]], [["", ""]], length=5).statistic == pytest.approx(0.0)
    assert hamming_mmd([["same"] * 3] * 2, [["same"] * 3] * 2).p_value == 1.0


@pytest.mark.parametrize(
    ("left", "right", "word"),
    [([], [], "prompts"), ([["a"]], [["a"]], "spread"), ([["a", "b"]], [[]], "sample"), ([["a", "b"]], [], "prompts")],
)
def test_thin_samples_are_refused(left, right, word):
    with pytest.raises(ProbeError, match=word):
        hamming_mmd(left, right)


def test_speed_of_the_reference_size():
    """25 prompts x 10 samples x 50 tokens, 1,000 permutations: 0.012 s on an idle core; generous on a shared one."""
    rng = np.random.default_rng(2)
    left, right = rng.integers(0, 50, (2, 25, 10, 50)).tolist()
    best = min(_timed(left, right) for _ in range(5))
    assert best < 0.25


def _timed(left, right):
    started = time.perf_counter()
    hamming_mmd(left, right, length=50, permutations=1000)
    return time.perf_counter() - started


def test_permutation_p_counts_the_observed_arrangement():
    assert permutation_p(2.0, np.array([1.0, 2.0, 3.0])) == pytest.approx(3 / 4)
    assert permutation_p(9.0, np.zeros(999)) == pytest.approx(1 / 1000)
    with pytest.raises(ProbeError):
        permutation_p(1.0, np.array([]))


def test_relabellings_are_fair():
    labels = random_halves(3, 2, 5, 4000, seed=1)
    assert (labels.sum(axis=-1) == 2).all()
    assert np.abs(labels.mean(axis=1) - 2 / 7).max() < 0.03


def test_sign_flips_enumerate_small_cases_and_match_them_when_sampled():
    differences = np.array([1.0, 2.0, -0.5, 0.0])
    exact = sign_flip_p(differences, 8)
    assert exact == pytest.approx(2 / 8)  # sums >= 2.5: +1+2-0.5 and +1+2+0.5
    many = np.array([0.3, -0.1, 0.8, 0.2, -0.4, 0.9, 0.1, 0.7, -0.2, 0.6, 0.5, -0.3])
    assert sign_flip_p(many, 4096) == pytest.approx(sign_flip_p(many, 4000, seed=3), abs=0.02)
    assert sign_flip_p(np.zeros(4), 10) == 1.0
