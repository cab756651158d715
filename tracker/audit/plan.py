"""Cost first: what an audit will send, what that costs and which distance it could see, before anything is sent.

The budget is a ceiling: steps are added in the order of evidence per dollar, the last one shrunk to what is left.
Token counts are upper bounds (a host may answer shorter), so the true bill is at most the plan.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tracker.audit.border import choose_window, power
from tracker.audit.noise import HonestNoise
from tracker.errors import ProbeError

BYTES_PER_TOKEN = 2.0  # a pessimist's token: English text has about 4.5 bytes a token
TEMPLATE_TOKENS = 48  # what a chat template may add
PROMPT_TOKENS = 96  # upper bound for one prompt of `prompts.candidates`, by the two numbers above
FORM_TOKENS = 180  # ... repeated up to three times
ECHO_TOKENS = 160  # ... followed by an answer that is being scored
BORDER_YIELD = 0.03  # share of candidate prompts inside the window, low end of what bench/audit.py finds
CONTEXT_ANSWER = 16  # tokens in which the word of a long prompt must come back
TOOL_TOKENS, TOOL_ANSWER = 1100, 256  # a question with all tools, by the two numbers above; room for a call
FEWEST_BORDER = 20  # fewer border prompts than this are not worth their search
GREEDY_PROMPTS, SAMPLED_PROMPTS, SAMPLES = 50, 10, 10


@dataclass(frozen=True, slots=True)
class Price:
    """What one endpoint bills, in USD."""

    input_usd_per_mtok: float
    output_usd_per_mtok: float
    request_usd: float = 0.0

    def cost(self, requests: int, input_tokens: int, output_tokens: int) -> float:
        tokens = input_tokens * self.input_usd_per_mtok + output_tokens * self.output_usd_per_mtok
        return tokens / 1e6 + requests * self.request_usd


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a plan. `requests` counts all endpoints together."""

    method: str
    prompts: int
    requests: int
    input_tokens: int
    output_tokens: int
    cost_usd: float
    detectable_kl: float | None = None
    power: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Prices of those who take part: the host under audit, the reference, and honest controls."""

    suspect: Price
    reference: Price
    controls: tuple[Price, ...] = ()
    reference_shows_logprobs: bool = True
    reference_echoes: bool = False  # scores given text, and prompts reach the model without a template


def _step(
    method: str, who: Sequence[Price], prompts: int, repeats: int, tokens: tuple[int, int], note: str = ""
) -> Step:
    """`tokens`: upper bounds in and out of one request."""
    requests = prompts * repeats
    cost = sum(price.cost(requests, requests * tokens[0], requests * tokens[1]) for price in who)
    everyone = len(who) * requests
    return Step(method, prompts, everyone, everyone * tokens[0], everyone * tokens[1], cost, note=note)


def detectable_kl(honest: HonestNoise, prompts: int, wanted_power: float = 0.95, share: float = 1.0) -> float | None:
    """Smallest KL that `prompts` border prompts find at 5 % with `wanted_power`; None where no KL suffices."""
    for kl in np.geomspace(1e-4, 2.0, 60):
        window = choose_window(honest, float(kl))
        gaps = np.linspace(window.low, window.high, prompts)
        if prompts and power(gaps, honest, float(kl), share=share) >= wanted_power:
            return float(kl)
    return None


def plan_audit(
    endpoints: Endpoints,
    honest: HonestNoise,
    budget_usd: float,
    border_prompts: int = 80,
    wanted_power: float = 0.95,
    context_tokens: int = 0,
    tool_questions: int = 0,
) -> list[Step]:
    """The steps that fit the budget, first the form, then border prompts, greedy divergence and sampled texts."""
    if budget_usd <= 0:
        raise ProbeError("nothing is sent without a budget: say --budget USD")
    both = (endpoints.suspect, endpoints.reference)
    form = _step("form", both, 12, 1, (FORM_TOKENS, 24), "template, blanks, tokenizer")
    later = _text_steps(endpoints)
    steps = [form]
    if context_tokens:
        size = (int(1.4 * context_tokens) + TEMPLATE_TOKENS, CONTEXT_ANSWER)
        whole = _step("context", (endpoints.suspect,), 1, 1, size, "does it read a long prompt whole?")
        steps.append(replace(whole, prompts=context_tokens))
    if tool_questions:
        size = (TOOL_TOKENS, TOOL_ANSWER)
        steps.append(_step("tool calls", both, tool_questions, 1, size, "do calls fit their schemas?"))
    if endpoints.reference_shows_logprobs:
        left = budget_usd - total_cost(steps)
        steps += _border_steps(endpoints, honest, border_prompts, wanted_power, left)
    return _within([*steps, *later], budget_usd)


def _text_steps(endpoints: Endpoints) -> list[Step]:
    """Greedy texts with every control, their scoring by echo, and sampled texts."""
    everyone = (endpoints.suspect, endpoints.reference, *endpoints.controls)
    steps = []
    if endpoints.controls:
        steps.append(
            _step("greedy divergence", everyone, GREEDY_PROMPTS, 1, (PROMPT_TOKENS, 16), "against the honest controls")
        )
    if endpoints.controls and endpoints.reference_echoes:
        repeats = 1 + len(endpoints.controls)
        scored = (endpoints.reference,)
        steps.append(
            _step("teacher-forced margin", scored, GREEDY_PROMPTS, repeats, (ECHO_TOKENS, 1), "the same texts")
        )
    both = (endpoints.suspect, endpoints.reference)
    return [
        *steps,
        _step("sampled text", both, SAMPLED_PROMPTS, SAMPLES, (PROMPT_TOKENS, 50), "substitution only"),
    ]


def _border_steps(
    endpoints: Endpoints, honest: HonestNoise, prompts: int, wanted: float, left_usd: float
) -> list[Step]:
    """Search and questions, shrunk together to the money left; none where it buys fewer than FEWEST_BORDER."""
    while prompts >= FEWEST_BORDER:
        candidates = int(np.ceil(prompts / BORDER_YIELD))
        one_token = (PROMPT_TOKENS, 1)
        search = _step(
            "border search", (endpoints.reference,), candidates, 1, one_token, "one token, log-probabilities"
        )
        asked = (endpoints.suspect, *endpoints.controls, *endpoints.controls)  # controls: gaps, or else text again
        ask = _step("border prompts", asked, prompts, 1, one_token, "one token, text")
        if search.cost_usd + ask.cost_usd <= left_usd:
            return [search, replace(ask, detectable_kl=detectable_kl(honest, prompts, wanted), power=wanted)]
        prompts = int(prompts * 0.8)
    return []


def _within(steps: Sequence[Step], budget_usd: float) -> list[Step]:
    """Steps in order while they fit; the scoring of texts needs the texts."""
    kept: list[Step] = []
    left = budget_usd
    for step in steps:
        has_texts = any(earlier.method == "greedy divergence" for earlier in kept)
        if step.cost_usd > left or (step.method == "teacher-forced margin" and not has_texts):
            continue
        kept.append(step)
        left -= step.cost_usd
    if not kept:
        cheapest = min(step.cost_usd for step in steps)
        raise ProbeError(f"{budget_usd:.4f} USD buys no step of this audit; the cheapest costs {cheapest:.4f} USD")
    return kept


def total_cost(steps: Sequence[Step]) -> float:
    """Upper bound of the bill in USD."""
    return sum(step.cost_usd for step in steps)
