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

PROMPT_TOKENS = 48  # upper bound for the prompts of this package, template included
BORDER_YIELD = 0.03  # share of candidate prompts inside the window, low end of what bench/audit.py finds


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


def _step(method: str, who: Sequence[Price], prompts: int, repeats: int, tokens: int, note: str = "") -> Step:
    requests = prompts * repeats
    cost = sum(price.cost(requests, requests * PROMPT_TOKENS, requests * tokens) for price in who)
    everyone = len(who) * requests
    return Step(method, prompts, everyone, everyone * PROMPT_TOKENS, everyone * tokens, cost, note=note)


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
) -> list[Step]:
    """The steps that fit the budget, first the form, then border prompts, greedy divergence and sampled texts."""
    if budget_usd <= 0:
        raise ProbeError("nothing is sent without a budget: say --budget USD")
    everyone = (endpoints.suspect, endpoints.reference, *endpoints.controls)
    steps = [_step("form", (endpoints.suspect, endpoints.reference), 12, 1, 24, "template, blanks, tokenizer")]
    if endpoints.reference_shows_logprobs:
        steps += _border_steps(endpoints, honest, border_prompts, wanted_power)
    if endpoints.controls:
        steps.append(_step("greedy divergence", everyone, 50, 1, 16, "against the honest controls"))
    steps.append(
        _step("sampled text", (endpoints.suspect, endpoints.reference), 10, 10, 50, "whole-model substitution only")
    )
    return _within(steps, budget_usd)


def _border_steps(endpoints: Endpoints, honest: HonestNoise, prompts: int, wanted: float) -> list[Step]:
    candidates = int(np.ceil(prompts / BORDER_YIELD))
    search = _step("border search", (endpoints.reference,), candidates, 1, 1, "one token with log-probabilities")
    ask = _step("border prompts", (endpoints.suspect, *endpoints.controls), prompts, 1, 1, "one token, text only")
    return [search, replace(ask, detectable_kl=detectable_kl(honest, prompts, wanted), power=wanted)]


def _within(steps: Sequence[Step], budget_usd: float) -> list[Step]:
    """Steps in order while they fit; border search and border prompts go together or not at all."""
    kept: list[Step] = []
    left = budget_usd
    skipped_search = False
    for step in steps:
        if skipped_search and step.method == "border prompts":
            continue
        if step.cost_usd > left:
            skipped_search = skipped_search or step.method == "border search"
            continue
        kept.append(step)
        left -= step.cost_usd
    if not kept:
        cheapest = min(step.cost_usd for step in steps)
        raise ProbeError(
            f"a budget of {budget_usd:.4f} USD buys no step of this audit; the cheapest costs {cheapest:.4f} USD"
        )
    return kept


def total_cost(steps: Sequence[Step]) -> float:
    """Upper bound of the bill in USD."""
    return sum(step.cost_usd for step in steps)
