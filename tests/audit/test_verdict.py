"""The words of a verdict, and the plan that comes before any request."""

import pytest

from tracker.audit.noise import HonestNoise, Range
from tracker.audit.plan import (
    BYTES_PER_TOKEN,
    PROMPT_TOKENS,
    TEMPLATE_TOKENS,
    Endpoints,
    Price,
    detectable_kl,
    plan_audit,
    total_cost,
)
from tracker.audit.prompts import candidates
from tracker.audit.surface import Difference, PromptTokens
from tracker.audit.verdict import Finding, decide, load_ladder
from tracker.errors import ProbeError

HONEST = HonestNoise(0.03, 2, 400)
LADDER = load_ladder()
PAID = Price(0.2, 0.6)


def found(p_value, kl=None, **more):
    return Finding("border prompts", 80, 80, 20.0, p_value, kl, **more)


def test_a_distance_names_what_fits_and_what_does_not():
    verdict = decide([found(1e-9, Range(0.003, 0.006, 0.011))], LADDER)
    assert verdict.kind == "differs"
    assert verdict.sentence.startswith(
        "differs from the reference, by KL about 0.006 (0.003 to 0.011); compatible with fp8"
    )
    assert "not with bf16 or 8-bit integer" in verdict.sentence


@pytest.mark.parametrize(
    "kl", [Range(0.0, 0.001, 0.002), Range(0.02, 0.03, 0.05), Range(0.2, 0.3, 0.45), Range(0.3, 9.0, 99.0)]
)
@pytest.mark.parametrize("p_value", [1e-12, 0.03, 0.5])
def test_no_verdict_claims_a_cause(kl, p_value):
    sentence = decide([found(p_value, kl, detectable_kl=0.01, power=0.95)], LADDER).sentence
    assert "is quantized" not in sentence
    assert "quantiz" not in sentence


def test_nothing_found_says_what_would_have_been():
    verdict = decide([found(0.4, detectable_kl=0.004, power=0.95)], LADDER)
    assert verdict.kind == "not_detectable"
    assert "KL 0.004 or more would have been found by border prompts with probability 95%" in verdict.sentence
    assert "8-bit integer weights lie below that" in verdict.sentence
    silent = Finding("border prompts", 0, 0, None, None, note="nobody was asked")
    unknown = "not detectable: nothing beyond what honest hosts do; how small a distance would show is unknown"
    assert decide([found(0.4)], LADDER).sentence == f"{unknown}."
    assert decide([found(0.4), silent], LADDER).sentence == f"{unknown}: nobody was asked."


def test_alpha_is_shared_between_methods():
    one = found(0.04, Range(0.01, 0.02, 0.03))
    assert decide([one], LADDER).kind == "differs"
    assert decide([one, found(0.6)], LADDER).kind == "not_detectable"


def test_another_model_is_a_distance_no_precision_explains():
    verdict = decide([found(1e-20, Range(0.6, 2.0, float("inf")))], LADDER)
    assert verdict.kind == "another_model"
    assert "further away than any usual precision" in verdict.sentence


def test_open_ends_are_said_as_such():
    none = float("inf")
    swapped = decide([found(1e-30, Range(none, none, none))], LADDER)
    assert swapped.kind == "another_model"
    assert "inf" not in swapped.sentence
    assert "by KL above 0.11;" in decide([found(1e-30, Range(0.11, none, none))], LADDER).sentence
    assert "by KL about 0.2 (at least 0.05)" in decide([found(1e-30, Range(0.05, 0.2, none))], LADDER).sentence
    assert [str(Range(none, none, none)), str(Range(0.1, none, none))] == ["beyond noise", "over 0.1"]
    assert str(Range(0.05, 0.2, none)) == "0.2 (0.05 to open)"


def test_a_distance_without_an_upper_end_yields_to_one_that_has_it():
    few = found(1e-6, Range(0.005, 0.08, float("inf")))
    texts = Finding("greedy divergence", 50, 800, 0.9, 1e-4, Range(0.6, 0.9, 1.4))
    assert decide([few, texts], LADDER).kind == "another_model"
    assert decide([found(1e-6, Range(0.02, 0.03, 0.05)), texts], LADDER).kl == Range(0.02, 0.03, 0.05)
    none = float("inf")
    open_texts = Finding("greedy divergence", 50, 800, 0.9, 1e-4, Range(0.3, none, none))
    assert "KL above 0.3;" in decide([few, open_texts], LADDER).sentence


def test_form_comes_before_weights():
    role = Difference("role name before the answer", 0.0, 1.0, 1e-9, False)
    blank = Difference("leading blank", 1.0, 0.0, 1e-9, True)
    assert decide([found(1e-9, Range(0.01, 0.02, 0.03))], LADDER, [role]).kind == "confounded"
    assert decide([found(1e-9, Range(0.01, 0.02, 0.03))], LADDER, [blank]).kind == "differs"
    hidden = PromptTokens("offset", 42, "+42 prompt tokens on every prompt: a hidden system prompt or another template")
    assert "+42 prompt tokens" in decide([found(1e-9, Range(0.01, 0.02, 0.03))], LADDER, (), hidden).sentence
    other = PromptTokens("other", 0, "prompt tokens 1.20 times the reference's, unevenly: another tokenizer")
    assert decide([], LADDER, (), other).kind == "another_model"


def test_no_method_no_verdict():
    verdict = decide(
        [Finding("border prompts", 0, 0, None, None, note="the reference shows no log-probabilities")], LADDER
    )
    assert verdict.kind == "undecided"
    assert "shows no log-probabilities" in verdict.sentence


def test_a_method_without_a_distance_still_differs():
    verdict = decide([Finding("sampled text", 200, 10_000, 0.2, 1e-3)], LADDER)
    assert verdict.sentence == "differs from the reference (sampled text); by how much cannot be said."


def test_ladder_rises_and_is_sourced():
    assert [rung.precision for rung in LADDER] == ["bf16", "8-bit integer", "fp8", "6-bit", "4-bit", "3-bit", "2-bit"]
    assert all(rung.low < rung.high for rung in LADDER)


def test_the_plan_says_cost_and_detectable_distance_and_keeps_the_budget():
    steps = plan_audit(Endpoints(PAID, PAID, (PAID, PAID)), HONEST, 0.50)
    assert [step.method for step in steps] == [
        "form",
        "border search",
        "border prompts",
        "greedy divergence",
        "sampled text",
    ]
    assert total_cost(steps) <= 0.50
    border = steps[2]
    assert border.requests == 80 * 5
    assert border.detectable_kl is not None and border.detectable_kl <= 0.014
    assert border.power == 0.95


def test_a_small_budget_buys_the_first_steps_only():
    everything = total_cost(plan_audit(Endpoints(PAID, PAID, (PAID, PAID)), HONEST, 100.0))
    steps = plan_audit(Endpoints(PAID, PAID, (PAID, PAID)), HONEST, everything * 0.4)
    assert steps
    assert total_cost(steps) <= everything * 0.4
    methods = {step.method for step in steps}
    assert ("border prompts" in methods) == ("border search" in methods)
    assert next(step.prompts for step in steps if step.method == "border prompts") < 80


def test_texts_are_scored_only_where_the_reference_echoes():
    silent = plan_audit(Endpoints(PAID, PAID, (PAID, PAID)), HONEST, 1.0)
    echoing = plan_audit(Endpoints(PAID, PAID, (PAID, PAID), reference_echoes=True), HONEST, 1.0)
    assert {s.method for s in echoing} - {s.method for s in silent} == {"teacher-forced margin"}


def test_prompts_keep_the_token_bounds_of_the_plan():
    prompts = candidates(5000, seed=1)
    assert len(set(prompts)) == 5000
    assert max(len(prompt.encode()) for prompt in prompts) / BYTES_PER_TOKEN + TEMPLATE_TOKENS <= PROMPT_TOKENS
    assert candidates(5, seed=1) == prompts[:5] != candidates(5, seed=2)


@pytest.mark.parametrize("budget", [0.0, -1.0, 1e-9])
def test_no_budget_no_plan(budget):
    with pytest.raises(ProbeError):
        plan_audit(Endpoints(PAID, PAID), HONEST, budget)


def test_without_logprobs_there_are_no_border_prompts():
    steps = plan_audit(Endpoints(PAID, PAID, (PAID,), reference_shows_logprobs=False), HONEST, 1.0)
    assert "border prompts" not in {step.method for step in steps}


def test_more_prompts_see_smaller_distances():
    few, many = detectable_kl(HONEST, 20), detectable_kl(HONEST, 200)
    assert few is not None and many is not None
    assert many < few
    assert detectable_kl(HONEST, 0) is None
