"""Divergence, margins, tracking, form, tool calls: small cases by hand, size and power on synthetic hosts."""

import json

import numpy as np
import pytest

from tracker.audit.divergence import divergence_test, path_trials, savage_scores, shared_prefix, survival
from tracker.audit.margin import margin_test, margins
from tracker.audit.surface import context_held, differences, needle, plain, prompt_tokens
from tracker.audit.tools import ToolCall, call_problem, schema_problem, tool_score, trigger_f1
from tracker.audit.tracking import aligned, change_test
from tracker.errors import ProbeError


def diverging(rng, count, hazard, length=16):
    """Texts that leave the reference (all zeros) with `hazard` per token."""
    return [np.cumsum(rng.random(length) < hazard).clip(0, 1).tolist() for _ in range(count)]


def test_shared_prefix_and_censoring():
    assert shared_prefix("abcd", "abxd") == 2
    result = survival(["abc", "abc", ""], ["abd", "ab", "x"])
    assert result.shared.tolist() == [2, 2, 0]
    assert result.parted.tolist() == [True, False, False]  # a shorter text did not part, it stopped
    with pytest.raises(ProbeError):
        survival([], [])


def test_savage_scores_by_hand():
    """Times 1, 2, 2+: hazard 1/3 at 1, then 1/2 at 2 (two at risk, one parts)."""
    scores = savage_scores(np.array([1, 2, 2]), np.array([True, True, False]))
    assert scores == pytest.approx([1 - 1 / 3, 1 - 5 / 6, -5 / 6])
    assert scores.sum() == pytest.approx(0.0)


def test_divergence_size_and_power():
    rng = np.random.default_rng(0)
    reference = [[0] * 16] * 50

    def share(hazard, rounds):
        rejected = 0
        for _ in range(rounds):
            controls = [survival(reference, diverging(rng, 50, 0.01)) for _ in range(2)]
            suspect = survival(reference, diverging(rng, 50, hazard))
            rejected += divergence_test(suspect, controls, permutations=400).p_value <= 0.05
        return rejected / rounds

    assert share(0.01, 150) <= 0.05
    assert share(0.0125, 150) <= 0.05, "an honest host may be a quarter noisier than those it is held against"
    assert share(0.06, 40) >= 0.95


def test_divergence_without_a_control_is_refused():
    with pytest.raises(ProbeError, match="control"):
        divergence_test(survival(["a"], ["a"]), [])


def test_identical_texts_are_no_evidence():
    same = survival(["abc"] * 5, ["abc"] * 5)
    assert divergence_test(same, [same]).p_value == 1.0


def test_greedy_paths_become_border_trials():
    gaps = [np.array([1.0, 0.2, 0.05, 0.3]), np.array([0.4, 0.1])]
    trials = path_trials(gaps, survival(["abcd", "xy"], ["abxx", "xy"]))
    assert trials.gaps.tolist() == [1.0, 0.2, 0.05, 0.4, 0.1]
    assert trials.flips.tolist() == [False, False, True, False, False]
    with pytest.raises(ProbeError):
        path_trials([], survival(["a"], ["a"]))


def test_margins_are_clipped_and_never_negative():
    best, written = np.array([-0.1, -0.2, -0.1, -1.0]), np.array([-0.1, -0.4, -np.inf, -0.5])
    assert margins(best, written) == pytest.approx([0.0, 0.2, 0.5, 0.0])


def test_margin_test_size_and_power():
    rng = np.random.default_rng(2)

    def texts(scale):
        return [np.where(rng.random(32) < scale, rng.exponential(0.2, 32), 0.0) for _ in range(20)]

    honest = [margin_test(texts(0.02), [texts(0.02), texts(0.02)], 400).p_value <= 0.05 for _ in range(100)]
    noisy = [margin_test(texts(0.15), [texts(0.02), texts(0.02)], 400).p_value <= 0.05 for _ in range(20)]
    assert np.mean(honest) <= 0.05
    assert np.mean(noisy) >= 0.95
    with pytest.raises(ProbeError):
        margin_test([np.zeros(3)], [[]])


def sample(rng, shift=0.0, noise=0.02):
    return {token: -1.0 - at + shift * at + noise * rng.standard_normal() for at, token in enumerate("abcde")}


def test_tracking_fires_on_change_only():
    rng = np.random.default_rng(3)

    def p_value(shift):
        before = [[sample(rng) for _ in range(6)] for _ in range(2)]
        after = [[sample(rng, shift) for _ in range(6)] for _ in range(2)]
        return change_test(before, after, 300).p_value

    assert np.mean([p_value(0.0) <= 0.05 for _ in range(100)]) <= 0.1
    assert all(p_value(0.05) <= 0.05 for _ in range(10))


def test_tracking_fills_tokens_a_response_does_not_show():
    table = aligned([{"a": -1.0, "b": -2.0}, {"a": -1.0, "c": -3.0}])
    assert table.tolist() == [[-1.0, -2.0, -2.0], [-1.0, -3.0, -3.0]]
    with pytest.raises(ProbeError, match="no log-prob"):
        aligned([{}, {}])
    with pytest.raises(ProbeError):
        change_test([[{"a": -1.0}]], [[]])
    assert change_test([[{"a": -1.0}]], [[{"a": -1.0}]]).p_value == 1.0


def test_a_stripped_leading_space_is_named_and_removed():
    reference, suspect = [f" word {n}" for n in range(20)], [f"word {n}" for n in range(20)]
    found = differences(reference, suspect)
    assert [(d.name, d.removable) for d in found] == [("leading blank", True)]
    assert [plain(text) for text in reference] == suspect
    assert differences(reference, reference) == []
    assert [d.name for d in differences(["ok"] * 20, [""] * 20)] == ["empty answer"]
    with pytest.raises(ProbeError):
        differences([], ["a"])


def test_role_echo_and_thinking_cannot_be_removed():
    found = differences(["yes"] * 20, ["assistant: <think>hm</think> yes"] * 20)
    assert {d.name for d in found} == {"role name before the answer", "thinking block in the text"}
    assert not any(d.removable for d in found)


@pytest.mark.parametrize(
    ("reference", "suspect", "verdict", "offset"),
    [
        ([10, 20], [10, 20], "same", 0),
        ([10, 20, 35], [52, 62, 77], "offset", 42),
        ([10, 10], [12, 12], "offset", 2),
        ([10, 20, 35], [12, 27, 44], "other", 0),
    ],
)
def test_prompt_token_counts_tell_templates_from_tokenizers(reference, suspect, verdict, offset):
    result = prompt_tokens(reference, suspect)
    assert (result.verdict, result.offset) == (verdict, offset)


def test_needles_and_context():
    prompt, word = needle(600, seed=4)
    assert prompt.startswith(f"The code word is {word}.")
    assert 40 <= prompt.count("\n") <= 60
    assert context_held(word, f" {word}.", 600, 600) == "held"
    assert context_held(word, "box 12", 600, 300) == "truncated"
    assert context_held(word, "box 12", 600, None) == "forgotten"


WEATHER = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "pattern": "^[A-Z]"},
        "days": {"type": "integer"},
        "unit": {"enum": ["C", "F"]},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["city"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"city": "Bern", "days": 3, "unit": "C", "tags": ["a"]}, None),
        ({"city": "Bern", "days": 3.0}, None),
        ({"days": 3}, "$: city is missing"),
        ({"city": "Bern", "days": True}, "$.days: bool where integer is asked for"),
        ({"city": "Bern", "unit": "K"}, "$.unit: not one of the allowed values"),
        ({"city": "bern"}, "$.city: does not match its pattern"),
        ({"city": "Bern", "extra": 1}, "$: extra is not a parameter"),
        ({"city": "Bern", "tags": ["a", 2]}, "$.tags[1]: int where string is asked for"),
        ([], "$: list where object is asked for"),
    ],
)
def test_tool_arguments_against_their_schema(arguments, problem):
    assert call_problem(ToolCall("weather", json.dumps(arguments)), {"weather": WEATHER}) == problem


def test_hostile_tool_calls_are_counted_not_raised():
    schemas = {"weather": WEATHER}
    assert call_problem(ToolCall("rm -rf", "{}"), schemas) == "unknown tool 'rm -rf'"
    assert call_problem(ToolCall("weather", "{not json"), schemas) == "arguments are not JSON"
    assert call_problem(ToolCall("weather", "[" * 100_000), schemas) is not None
    with pytest.raises(ProbeError, match="type"):
        schema_problem(1, {"type": "complex"})


def test_tool_score_and_trigger_f1():
    good, bad = ToolCall("weather", '{"city": "Bern"}'), ToolCall("weather", "{}")
    score = tool_score([[good], [bad], []], {"weather": WEATHER}, [True, False, True])
    assert (score.calls, score.valid, score.schema_accuracy, score.trigger_f1) == (2, 1, 0.5, 0.5)
    assert tool_score([[]], {}).schema_accuracy is None
    assert trigger_f1([False], [False]) is None
    with pytest.raises(ProbeError):
        tool_score([[]], {}, [True, False])
