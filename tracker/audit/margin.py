"""Teacher-forced margin: the reference reads what a host wrote and says how far each token was from its own best.

margin = log p(best) - log p(written), 0 where the host wrote the reference's best token. Needs a reference that scores
given text (local weights, or an endpoint with `echo` and log-probabilities). After Token-DiFR (Karvonen 2025).
Host and control wrote different texts, so they are compared per prompt: the pair may swap, the prompts may not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tracker.audit.permutation import Floats, sign_flip_p
from tracker.errors import ProbeError

CEILING = 0.5  # nats: a token that the scorer cuts differently (a word split elsewhere) must not outweigh a text


@dataclass(frozen=True, slots=True)
class MarginResult:
    """Mean clipped margins per token, and p that the host's is no larger than the worst control's."""

    tokens: int
    mean: float
    control_mean: float
    p_value: float


def margins(best: Floats, written: Floats) -> Floats:
    """Clipped margins of one text from the reference's log-probabilities of its best and of the written tokens."""
    if best.shape != written.shape:
        raise ProbeError("one best and one written log-probability per token are needed")
    return np.clip(np.nan_to_num(best - written, nan=CEILING, posinf=CEILING), 0.0, CEILING)


def margin_test(
    suspect: Sequence[Floats], controls: Sequence[Sequence[Floats]], permutations: int = 4000, seed: int = 0
) -> MarginResult:
    """One-sided: are the host's margins larger than those of every honest control, prompt by prompt?"""
    if not controls or not suspect:
        raise ProbeError("margins need at least one prompt and one honest control")
    own = _per_prompt(suspect)
    p_value, worst = 0.0, 0.0
    for control in controls:
        if len(control) != len(suspect):
            raise ProbeError(f"the control answered {len(control)} prompts, the host {len(suspect)}")
        theirs = _per_prompt(control)
        p_value = max(p_value, sign_flip_p(own - theirs, permutations, seed))
        worst = max(worst, float(theirs.mean()))
    return MarginResult(sum(text.size for text in suspect), float(own.mean()), worst, p_value)


def _per_prompt(texts: Sequence[Floats]) -> Floats:
    return np.array([text.mean() if text.size else 0.0 for text in texts], dtype=np.float64)
