"""Border prompts: one-token questions on which the reference can hardly decide.

Where the reference's two best tokens are almost level, a little arithmetic noise changes the answer. The useful gaps
lie above what honest hosts flip and below what a quantized host flips; the window follows from the honest noise.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tracker.audit.noise import (
    HonestNoise,
    Range,
    Trials,
    at_least,
    count_distribution,
    flip_probability,
    kl_of_noise,
    noise_of_kl,
    noise_range,
)
from tracker.audit.permutation import Floats
from tracker.errors import ProbeError

CALIBRATION_GAP = 0.15  # nats: questions near enough for honest hosts to flip some
THIRD_LEAD = 0.5  # nats between the second and the third token: keeps the question a choice of two


@dataclass(frozen=True, slots=True)
class BorderPrompt:
    """A prompt on the border: the reference's two best next tokens and the lead of the first, in nats."""

    prompt: str
    top: str
    runner_up: str
    gap: float


@dataclass(frozen=True, slots=True)
class Window:
    """Gaps worth asking, in nats."""

    low: float
    high: float

    def holds(self, gap: float) -> bool:
        return self.low <= gap <= self.high


@dataclass(frozen=True, slots=True)
class BorderResult:
    """How often the host left the reference's token, the exact p under honest noise, and the distance it implies."""

    trials: int
    flips: int
    strangers: int  # answers that were neither of the two: another model, a template, a refusal
    p_value: float
    noise: Range
    kl: Range


def border_prompt(prompt: str, top_logprobs: Mapping[str, float]) -> BorderPrompt | None:
    """The prompt as a border prompt, or None where fewer than three tokens are shown or a third is too near."""
    ranked = sorted(top_logprobs.items(), key=lambda item: -item[1])
    if len(ranked) < 3 or ranked[1][1] - ranked[2][1] < THIRD_LEAD or not ranked[0][0] or not ranked[1][0]:
        return None
    return BorderPrompt(prompt, ranked[0][0], ranked[1][0], ranked[0][1] - ranked[1][1])


def information(gaps: Floats, honest: HonestNoise, sigma: float, share: float = 1.0) -> Floats:
    """Nats of evidence per query that a host with noise `sigma` (on `share` of its traffic) is not honest."""
    p0 = flip_probability(gaps, honest.sigma, honest.lapse)
    p1 = share * flip_probability(gaps, sigma, honest.lapse) + (1 - share) * p0
    return np.asarray(p1 * np.log(p1 / p0) + (1 - p1) * np.log((1 - p1) / (1 - p0)), dtype=np.float64)


def choose_window(honest: HonestNoise, kl: float, keep: float = 0.7) -> Window:
    """The gaps that give at least `keep` of the best evidence against a host at distance `kl`."""
    gaps = np.linspace(0.0, 8.0 * max(noise_of_kl(kl), honest.sigma), 2000)
    gain = information(gaps, honest, noise_of_kl(kl))
    good = gaps[gain >= keep * gain.max()]
    return Window(float(good[0]), float(good[-1]))


def select(prompts: Iterable[BorderPrompt], window: Window, wanted: int) -> list[BorderPrompt]:
    """Up to `wanted` prompts inside the window, those nearest its middle first."""
    middle = (window.low + window.high) / 2
    inside = [prompt for prompt in prompts if window.holds(prompt.gap)]
    return sorted(inside, key=lambda prompt: abs(prompt.gap - middle))[:wanted]


def calibration(prompts: Iterable[BorderPrompt], wanted: int) -> list[BorderPrompt]:
    """Up to `wanted` questions spread over the gaps up to CALIBRATION_GAP: near ones flip, far ones bound the noise."""
    near = sorted((prompt for prompt in prompts if prompt.gap <= CALIBRATION_GAP), key=lambda prompt: prompt.gap)
    if len(near) <= wanted:
        return near
    return [near[int(at)] for at in np.linspace(0, len(near) - 1, wanted).round()]


def flipped(prompt: BorderPrompt, answer: str) -> bool:
    """Whether an answer leaves the reference's token; an empty answer says nothing and is refused earlier."""
    return not same_token(prompt.top, answer)


def same_token(token: str, answer: str) -> bool:
    """Equal up to surrounding blanks: hosts differ in stripping the leading space of a first token."""
    return answer == token or (answer.strip() == token.strip() and token.strip() != "")


def border_trials(prompts: Sequence[BorderPrompt], answers: Sequence[str]) -> tuple[Trials, int]:
    """Trials of a host's answers and how many of them were neither of the two tokens."""
    if len(prompts) != len(answers):
        raise ProbeError(f"{len(prompts)} border prompts but {len(answers)} answers")
    gaps = np.array([prompt.gap for prompt in prompts], dtype=np.float64)
    flips = np.array([flipped(prompt, answer) for prompt, answer in zip(prompts, answers, strict=True)], dtype=bool)
    strangers = sum(
        not same_token(prompt.top, answer) and not same_token(prompt.runner_up, answer)
        for prompt, answer in zip(prompts, answers, strict=True)
    )
    return Trials(gaps, flips), strangers


def border_test(trials: Trials, honest: HonestNoise, strangers: int = 0) -> BorderResult:
    """Exact one-sided test that the host is no noisier than honest hosts: P(at least so many flips)."""
    p_value = at_least(trials.count, flip_probability(trials.gaps, honest.sigma, honest.lapse))
    noise = noise_range(trials, honest.lapse)
    return BorderResult(trials.gaps.size, trials.count, strangers, p_value, noise, kl_of_noise(noise))


def power(gaps: Floats, honest: HonestNoise, kl: float, alpha: float = 0.05, share: float = 1.0) -> float:
    """Chance that `border_test` rejects at `alpha` a host at distance `kl` on `share` of its traffic."""
    p0 = flip_probability(gaps, honest.sigma, honest.lapse)
    p1 = share * flip_probability(gaps, noise_of_kl(kl), honest.lapse) + (1 - share) * p0
    tails = np.cumsum(count_distribution(p0)[::-1])[::-1]
    rejected = np.flatnonzero(tails <= alpha)
    return float(count_distribution(p1)[rejected[0] :].sum()) if rejected.size else 0.0
