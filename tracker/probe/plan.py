"""What to probe today, when, and what it will cost at most: pure, decided before anything is sent.

Priority: an open flag, then a change since the last probe, then never probed, then staleness. Each offer gets its
workloads spread over the day at hours that differ from day to day, so that a week covers day, night and weekend.
Money: USD of one UTC day, counted by the upper bound of each request; tokens: a ceiling per offer and day.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from tracker.probe.prices import cost_usd, worst_cost_usd
from tracker.probe.targets import Target
from tracker.probe.workloads import WORKLOADS, Workload

BYTES_PER_WORD = 6  # of our prompts, spaces included, rounded up
PROVIDER_GAP_S = 20.0
LADDER = (1, 4, 16, 64, 256)
DAILY = ("100/300", "regular", "hard", "prefill-1k")
ROTATING = ("1k/1k", "3.4k/500", "10k/1.5k", "prefill-3.4k", "hard-10k", "prefill-10k", "ladder", "100k/2k")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An offer that could be probed, and why it might be worth it. Limits are the published ones; None is unknown."""

    target: Target
    has_flag: bool = False
    changed_at: datetime | None = None
    probed_at: datetime | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrency: int | None = None
    context_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """How much may be spent and how politely."""

    usd_per_day: Decimal
    tokens_per_offer: int = 40_000
    repeats: int = 2
    provider_gap_s: float = PROVIDER_GAP_S


@dataclass(frozen=True, slots=True)
class Step:
    """One burst: `concurrency` streams of one workload. `at_utc` is when; costs are for the whole burst."""

    target: Target
    workload: Workload
    concurrency: int
    at_utc: datetime
    expected_usd: Decimal
    worst_usd: Decimal
    tokens: int
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps in the order they will run, and what was left out, with the reason."""

    steps: tuple[Step, ...]
    left_out: tuple[str, ...]

    @property
    def expected_usd(self) -> Decimal:
        return sum((step.expected_usd for step in self.steps), Decimal(0))

    @property
    def worst_usd(self) -> Decimal:
        return sum((step.worst_usd for step in self.steps), Decimal(0))


def plan_day(candidates: Iterable[Candidate], policy: Policy, now_utc: datetime, spent_usd: Decimal) -> Plan:
    """The day's plan from the running hour on, within what the budget has left. The same day gives the same times."""
    hour = now_utc.replace(minute=0, second=0, microsecond=0)
    left = policy.usd_per_day - spent_usd
    steps: list[Step] = []
    left_out: list[str] = []
    ranked = sorted(candidates, key=lambda c: (-priority(c, now_utc)[0], str(c.target.offer)))
    for candidate in ranked:
        if candidate.target.input_usd_per_mtok is None or candidate.target.output_usd_per_mtok is None:
            left_out.append(f"{candidate.target.offer}: its price is unknown, so its cost is")
            continue
        tokens = policy.tokens_per_offer
        for name in _todays(candidate, now_utc.date()):
            for step in _steps_of(candidate, name, policy, now_utc):
                if step.at_utc < hour:
                    continue
                if step.tokens > tokens:
                    left_out.append(f"{candidate.target.offer} {name}: over {policy.tokens_per_offer} tokens a day")
                elif step.worst_usd > left:
                    left_out.append(f"{candidate.target.offer} {name}: the day's budget is spoken for")
                else:
                    steps.append(step)
                    left -= step.worst_usd
                    tokens -= step.tokens
    return Plan(tuple(_polite(steps, policy.provider_gap_s)), tuple(dict.fromkeys(left_out)))


def priority(candidate: Candidate, now_utc: datetime) -> tuple[float, str]:
    """How much a probe of this offer is worth today, and why."""
    if candidate.has_flag:
        return 4.0, "a flag is open"
    if candidate.probed_at is None:
        return 2.0, "never probed"
    if candidate.changed_at and candidate.changed_at > candidate.probed_at:
        return 3.0, "changed since the last probe"
    hours = (now_utc - candidate.probed_at).total_seconds() / 3600
    return min(1.9, hours / (24 * 7)), f"last probed {hours:.0f} h ago"


def _todays(candidate: Candidate, day: date) -> list[str]:
    """The daily workloads and the one of the rotation whose turn it is for this offer."""
    turn = (_draw(str(candidate.target.offer)) + day.toordinal()) % len(ROTATING)
    return [*DAILY, ROTATING[turn]]


def _draw(*words: str) -> int:
    return int.from_bytes(hashlib.sha256("\n".join(words).encode()).digest()[:6], "big")


def _steps_of(candidate: Candidate, name: str, policy: Policy, now_utc: datetime) -> Sequence[Step]:
    if name == "ladder":
        return [
            _step(candidate, WORKLOADS["100/300"], rung, now_utc, "ladder")
            for rung in ladder(candidate, WORKLOADS["100/300"])
        ]
    workload = WORKLOADS[name]
    if candidate.context_tokens and workload.input_tokens + workload.output_tokens > candidate.context_tokens:
        return []
    return [_step(candidate, workload, 1, now_utc, str(turn)) for turn in range(policy.repeats)]


def ladder(candidate: Candidate, workload: Workload) -> tuple[int, ...]:
    """The rungs that stay within the published limits: a burst is a minute's worth at most."""
    tokens = workload.input_tokens + workload.output_tokens
    ceilings = [
        candidate.concurrency,
        candidate.requests_per_minute,
        None if candidate.tokens_per_minute is None else candidate.tokens_per_minute // tokens,
    ]
    most = min((ceiling for ceiling in ceilings if ceiling is not None), default=LADDER[2])  # unknown limits: be modest
    return tuple(rung for rung in LADDER if rung <= most)


def _step(candidate: Candidate, workload: Workload, concurrency: int, now_utc: datetime, salt: str) -> Step:
    expected, worst, tokens = burst_cost(candidate.target, workload, concurrency)
    midnight = datetime.combine(now_utc.date(), datetime.min.time())
    share = _draw(str(candidate.target.offer), workload.name, salt, now_utc.date().isoformat()) / 2**48
    at_utc = midnight + timedelta(hours=23.8 * share)
    reason = priority(candidate, now_utc)[1]
    return Step(candidate.target, workload, concurrency, at_utc, expected, worst, tokens, reason)


def burst_cost(target: Target, workload: Workload, concurrency: int) -> tuple[Decimal, Decimal, int]:
    """Expected cost, upper bound and tokens of a burst. The target's prices must be known."""
    assert target.input_usd_per_mtok is not None
    assert target.output_usd_per_mtok is not None
    prices = (target.input_usd_per_mtok, target.output_usd_per_mtok)
    expected = cost_usd(workload.input_tokens, workload.output_tokens, *prices)
    worst = worst_cost_usd(workload.input_tokens * BYTES_PER_WORD + 400, workload.output_tokens, *prices)
    tokens = concurrency * (workload.input_tokens + workload.output_tokens)
    return expected * concurrency, worst * concurrency, tokens


def due(plan: Plan, now_utc: datetime) -> Plan:
    """The steps of the running hour: what a run once an hour has to send."""
    steps = tuple(
        step for step in plan.steps if step.at_utc.hour == now_utc.hour and step.at_utc.date() == now_utc.date()
    )
    return Plan(steps, plan.left_out)


def _polite(steps: list[Step], gap_s: float) -> list[Step]:
    """In order of time, bursts to one provider at least `gap_s` apart."""
    free: Mapping[str, datetime] = {}
    spaced: list[Step] = []
    for step in sorted(steps, key=lambda step: step.at_utc):
        provider = step.target.offer.provider
        at_utc = max(step.at_utc, free.get(provider, step.at_utc))
        free = {**free, provider: at_utc + timedelta(seconds=gap_s)}
        spaced.append(
            Step(step.target, step.workload, step.concurrency, at_utc, step.expected_usd, step.worst_usd, step.tokens,
                 step.reason)
        )  # fmt: skip
    return sorted(spaced, key=lambda step: step.at_utc)
