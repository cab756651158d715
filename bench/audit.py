"""Power of each audit method against tokens spent, on a small real transformer served with many numerics.

    AUDIT_LAB_PYTHON=/path/to/env/with/torch/bin/python python -m bench.audit [--write] [--fresh]

The lab (bench/audit_lab) trains the model once (about ten minutes), serves every variant over HTTP, and is asked with
the code `tracker audit` uses. Rates are shares of random draws from the collected answers at 5 %: honest noise is
learnt from two bf16 hosts; three other bf16 hosts are kept out and give the false positives. KL is measured on the
weights themselves, so power is stated against KL and never against a label.
"""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.audit_pools import GREEDY_TOKENS, SAMPLED_TOKENS, Pools, Subject, lab_python, load_pools
from tracker.audit.divergence import Survival, divergence_test
from tracker.audit.margin import margin_test
from tracker.audit.mmd import hamming_mmd
from tracker.audit.noise import HonestNoise, Trials, at_least, flip_probability, kl_of_noise, noise_of_kl, noise_range
from tracker.audit.sequential import days_to_alarm, e_benjamini_hochberg, new_watch, observe
from tracker.audit.tracking import change_test

README = Path(__file__).parent.parent / "tracker" / "audit" / "README.md"
START, END = "<!-- bench:audit -->", "<!-- /bench:audit -->"
ALPHA = 0.05
PROMPT_TOKENS = 24
Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class Method:
    """A column: how often a host is rejected, and the tokens (in + out, all endpoints) one audit takes."""

    title: str
    tokens: int
    rounds: int
    rejects: Callable[[Rng, Pools, Subject], bool]


def border(queries: int, share: float = 1.0) -> Callable[[Rng, Pools, Subject], bool]:
    """One-token questions; on the rest of the traffic an honest host answers."""

    def rejects(rng: Rng, pools: Pools, subject: Subject) -> bool:
        at = rng.choice(subject.border.gaps.size, queries, replace=False)
        honest = _honest(pools)[int(rng.integers(2))]
        flips = np.where(rng.random(queries) < share, subject.border.flips[at], honest.border.flips[at])
        p0 = flip_probability(subject.border.gaps[at], pools.honest.sigma, pools.honest.lapse)
        return at_least(int(flips.sum()), p0) <= ALPHA

    return rejects


def greedy(prompts: int, share: float = 1.0) -> Callable[[Rng, Pools, Subject], bool]:
    """Greedy texts against both honest controls."""

    def rejects(rng: Rng, pools: Pools, subject: Subject) -> bool:
        at = rng.choice(subject.greedy.shared.size, prompts, replace=False)
        controls = _honest(pools)
        own = rng.random(prompts) < share
        mixed = Survival(
            np.where(own, subject.greedy.shared[at], controls[0].greedy.shared[at]),
            np.where(own, subject.greedy.parted[at], controls[0].greedy.parted[at]),
        )
        lives = [Survival(control.greedy.shared[at], control.greedy.parted[at]) for control in controls]
        return divergence_test(mixed, lives, 999, int(rng.integers(1 << 30))).p_value <= ALPHA

    return rejects


def margin(prompts: int) -> Callable[[Rng, Pools, Subject], bool]:
    """The same texts in the reference's eyes."""

    def rejects(rng: Rng, pools: Pools, subject: Subject) -> bool:
        at = rng.choice(len(subject.margins), prompts, replace=False)
        controls = [[control.margins[i] for i in at] for control in _honest(pools)]
        own = [subject.margins[i] for i in at]
        return margin_test(own, controls, 999, int(rng.integers(1 << 30))).p_value <= ALPHA

    return rejects


def tracking(rng: Rng, pools: Pools, subject: Subject) -> bool:
    """Did the log-probabilities change against the plain bf16 host's?"""
    before = _honest(pools)[0].tracked
    at = rng.choice(len(before), 5, replace=False)
    seed = int(rng.integers(1 << 30))
    return change_test([before[i] for i in at], [subject.tracked[i] for i in at], 199, seed).p_value <= ALPHA


def sampled(rng: Rng, pools: Pools, subject: Subject) -> bool:
    """Two-sample test on texts at temperature 1, 25 prompts x 10."""
    theirs = pools.second_reference if subject.kind == "reference" else subject.sampled
    ours = pools.subjects[0].sampled
    prompts = rng.choice(len(ours), 25, replace=False)
    pick = [rng.choice(len(ours[0]), 10, replace=False) for _ in range(2)]
    left = [[ours[prompt][i] for i in pick[0]] for prompt in prompts]
    right = [[theirs[prompt][i] for i in pick[1]] for prompt in prompts]
    seed = int(rng.integers(1 << 30))
    return hamming_mmd(left, right, length=SAMPLED_TOKENS * 3, permutations=199, seed=seed).p_value <= ALPHA


def _honest(pools: Pools) -> list[Subject]:
    return [subject for subject in pools.subjects if subject.kind == "honest"]


def methods() -> list[Method]:
    """The columns, cheapest first. Tokens: prompt and answer of the host, the reference and the controls."""
    question = PROMPT_TOKENS + 1
    text = PROMPT_TOKENS + GREEDY_TOKENS
    return [
        Method("border 20x1", 20 * question, 1000, border(20)),
        Method("border 80x1", 80 * question, 1000, border(80)),
        Method("border 80x1, half", 80 * question, 1000, border(80, 0.5)),
        Method("greedy 50x16", 4 * 50 * text, 200, greedy(50)),
        Method("greedy 50x16, half", 4 * 50 * text, 200, greedy(50, 0.5)),
        Method("margin 40x16", 4 * 40 * text + 3 * 40 * text, 200, margin(40)),
        Method("logprobs 5x6", 2 * 30 * question, 100, tracking),
        Method("MMD 25x10x50", 2 * 250 * (PROMPT_TOKENS + 50), 60, sampled),
    ]


def power_table(pools: Pools) -> list[str]:
    """Share of audits that reject, per host and method."""
    columns = methods()
    head = "| host | KL, nats | top token kept | estimated KL (95 %) | " + " | ".join(m.title for m in columns) + " |"
    spent = "| *tokens, in + out* | | | |" + "".join(f" *{method.tokens:,}* |" for method in columns)
    lines = [head, "|---" * (4 + len(columns)) + "|", spent]
    for subject in sorted(pools.subjects, key=lambda s: (s.kind == "altered", s.kl)):
        rng = np.random.default_rng(11)
        rates = [np.mean([m.rejects(rng, pools, subject) for _ in range(m.rounds)]) for m in columns]
        kl = kl_of_noise(noise_range(subject.border, pools.honest.lapse))
        kept = 1 - subject.border.flips.mean()
        name = f"{subject.name} ({ROLES[subject.kind]})" if subject.kind != "altered" else subject.name
        lines.append(f"| {name} | {subject.kl:.2g} | {kept:.0%} | {kl} | " + " | ".join(map(_rate, rates)) + " |")
    return lines


ROLES = {"reference": "reference", "honest": "learnt from", "held_out": "kept out"}


def _rate(share: float) -> str:
    return f"{share:.2f}".removeprefix("0") if 0 < share < 1 else f"{share:.0f}"


def sequential_lines(pools: Pools, watches: int = 300) -> list[str]:
    """Daily handfuls: false alarms over a year, days to detection, false discoveries among many hosts."""
    rng = np.random.default_rng(12)
    honest, window = (
        pools.honest,
        (float(pools.subjects[0].border.gaps.min()), float(pools.subjects[0].border.gaps.max())),
    )

    def looks(days: int, sigma: float, share: float = 1.0) -> list[Trials]:
        return [_look(rng, window, honest, sigma, share) for _ in range(days)]

    alarms = sum(days_to_alarm(looks(365, honest.sigma), honest) is not None for _ in range(watches))
    lines = [
        f"False alarms of the daily watch, 5 questions a day, 365 looks, host exactly at the honest bound (simulated, "
        f"{watches} watches): **{alarms / watches:.1%}** (allowed 5 %).",
    ]
    for share, label in ((1.0, "all"), (0.5, "half")):
        days = [days_to_alarm(looks(120, noise_of_kl(0.014), share), honest) or 999 for _ in range(60)]
        lines.append(f"Days until KL .014 on {label} of the traffic is reported (median of 60): {np.median(days):.0f}.")
    for subject in pools.subjects:
        if subject.kind == "held_out":
            parts = subject.border.gaps.size // 5
            order = rng.permutation(subject.border.gaps.size)[: parts * 5].reshape(parts, 5)
            real = [Trials(subject.border.gaps[at], subject.border.flips[at]) for at in order]
            outcome = days_to_alarm(real, honest)
            lines.append(f"{subject.name} (kept out), {parts} looks at real answers: {outcome or 'no'} alarm.")
    return [*lines, _many_hosts(rng, window, honest)]


def _look(rng: Rng, window: tuple[float, float], honest: HonestNoise, sigma: float, share: float, n: int = 5) -> Trials:
    gaps = rng.uniform(*window, n)
    p0 = flip_probability(gaps, honest.sigma, honest.lapse)
    p1 = share * flip_probability(gaps, sigma, honest.lapse) + (1 - share) * p0
    return Trials(gaps, rng.random(n) < p1)


def _many_hosts(rng: Rng, window: tuple[float, float], honest: HonestNoise, rounds: int = 30) -> str:
    """20 hosts, 5 of them changed, judged together after 60 days."""
    false, found = [], 0
    for _ in range(rounds):
        wealth = {}
        for host in range(20):
            watch = new_watch(60)
            for _ in range(60):
                sigma = noise_of_kl(0.014) if host < 5 else honest.sigma
                watch = observe(watch, _look(rng, window, honest, sigma, 1.0), honest)
            wealth[str(host)] = watch.wealth
        reported = e_benjamini_hochberg(wealth)
        false.append(sum(int(name) >= 5 for name in reported) / max(1, len(reported)))
        found += sum(int(name) < 5 for name in reported)
    return (
        f"20 hosts watched for 60 days, 5 changed to KL .014 (simulated, {rounds} rounds, e-BH at 5 %): "
        f"false discoveries {np.mean(false):.1%}, found {found / rounds / 5:.0%}."
    )


def mmd_speed() -> str:
    """Time of the reference size; the published package takes 39 s (measured apart: it no longer imports)."""
    left, right = np.random.default_rng(2).integers(0, 50, (2, 25, 10, 50)).tolist()
    times = []
    for _ in range(9):
        started = time.perf_counter()
        hamming_mmd(left, right, length=50, permutations=1000)
        times.append(time.perf_counter() - started)
    return (
        f"MMD, 25 prompts x 10 x 50 tokens, 1,000 permutations: {min(times):.3f} s (best of 9, median "
        f"{np.median(times):.3f} s; limit 0.012 s on an idle core; the published package took 39 s)."
    )


def targets(pools: Pools) -> list[str]:
    """The promises, each with the figure that keeps or breaks it."""
    rng = np.random.default_rng(13)
    kept_out = [s for s in pools.subjects if s.kind == "held_out"]
    altered = [s for s in pools.subjects if s.kind == "altered"]

    def rate(method: Callable[[Rng, Pools, Subject], bool], subjects: Sequence[Subject], rounds: int) -> list[float]:
        return [float(np.mean([method(rng, pools, s) for _ in range(rounds)])) for s in subjects]

    far = [s for s in altered if s.kl >= 0.014]
    names = ", ".join(s.name for s in far)
    questions, texts = max(rate(border(80), kept_out, 1000)), max(rate(greedy(50), kept_out, 400))
    return [
        f"- false positives on hosts kept out of learning (allowed .05), worst of {len(kept_out)}: "
        f"border 80x1 {questions:.3f}, greedy 50x16 {texts:.3f}",
        f"- power at KL >= .014 (asked .95), least of {names}: "
        f"border 80x1 {min(rate(border(80), far, 1000)):.3f}, greedy 50x16 {min(rate(greedy(50), far, 200)):.3f}",
        f"- with half of the traffic altered (asked .9): border 80x1 {min(rate(border(80, 0.5), far, 1000)):.3f}",
        f"- another checkpoint in 20 questions: {rate(border(20), altered[-1:], 1000)[0]:.3f}",
    ]


def report(pools: Pools) -> str:
    """Everything, as Markdown."""
    window = pools.subjects[0].border.gaps
    intro = (
        f"Honest noise learnt from two hosts: at most {pools.honest.sigma:.3f} nats ({pools.honest.trials} questions); "
        f"{pools.found} prompts were near a choice of two, {window.size} lie in the window {window.min():.2f} to "
        f"{window.max():.2f} nats. All answers came over HTTP in {pools.seconds:.0f} s. Level 5 %."
    )
    parts = [
        intro,
        "",
        *power_table(pools),
        "",
        *targets(pools),
        "",
        *(f"- {line}" for line in sequential_lines(pools)),
    ]
    return "\n".join([*parts, f"- {mmd_speed()}"])


def write(text: str) -> None:
    """Refresh the block in the package's README."""
    before, _, rest = README.read_text().partition(START)
    after = rest.partition(END)[2]
    README.write_text(f"{before}{START}\n{text}\n{END}{after}")


def main() -> None:
    """Print the report; `--write` also refreshes the README, `--fresh` asks every host again."""
    print(mmd_speed())
    python = lab_python()
    if python is None:
        print("skipped: no torch here; name an interpreter that has it with AUDIT_LAB_PYTHON")
        return
    text = report(load_pools(python, "--fresh" in sys.argv))
    print(text)
    if "--write" in sys.argv:
        write(text)


if __name__ == "__main__":
    main()
