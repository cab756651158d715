"""Border prompts asked of live hosts: what controls teach of honest noise, and what a host answers."""

from collections.abc import Sequence

import numpy as np

from tracker.audit.ask import Party, ask_all, texts
from tracker.audit.border import BorderPrompt, border_trials, calibration, power
from tracker.audit.noise import HonestNoise, Trials, honest_from_gaps, learn_honest
from tracker.audit.permutation import Floats
from tracker.probe.messages import Ask


def detectable_kl(trials: Trials, honest: HonestNoise) -> float | None:
    """Smallest KL these very questions find with probability .95."""
    grid = np.geomspace(1e-4, 2.0, 60)
    return next((float(kl) for kl in grid if power(trials.gaps, honest, float(kl)) >= 0.95), None)


async def learn_from_controls(
    controls: Sequence[Party], found: Sequence[BorderPrompt], wanted: int
) -> HonestNoise | None:
    """The honest window from what at least two controls answer on the nearest questions.

    Where every control shows log-probabilities, from their gaps; else from how often they leave the reference's token.
    """
    near = calibration(found, wanted)
    if len(controls) < 2 or len(near) < 8:
        return None
    seen = [await border_gaps(control, near) for control in controls]
    if all(theirs.size >= 0.8 * len(near) for _, theirs in seen):
        return honest_from_gaps(seen)
    return learn_honest([(await border_answers(control, near))[0] for control in controls])


async def border_gaps(party: Party, prompts: Sequence[BorderPrompt]) -> tuple[Floats, Floats]:
    """The reference's and the endpoint's own gap between the reference's two best tokens, where it shows both."""
    asks = [Ask("", prompt.prompt, 1, logprobs=5) for prompt in prompts]
    pairs = []
    for prompt, reply in zip(prompts, await ask_all(party, asks), strict=True):
        shown = dict(reply.logprobs[0].top) if reply.logprobs else {}
        if prompt.top in shown and prompt.runner_up in shown:
            pairs.append((prompt.gap, shown[prompt.top] - shown[prompt.runner_up]))
    gaps = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    return gaps[:, 0], gaps[:, 1]


async def border_answers(party: Party, prompts: Sequence[BorderPrompt]) -> tuple[Trials, int]:
    """One-token answers as trials, failed requests left out."""
    answers = await texts(party, [prompt.prompt for prompt in prompts], 1)
    given = [(prompt, answer) for prompt, answer in zip(prompts, answers, strict=True) if answer]
    return border_trials([prompt for prompt, _ in given], [answer for _, answer in given])
