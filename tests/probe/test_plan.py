"""The plan: what is worth a probe, when, within money, tokens, limits and politeness."""

import itertools
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from tracker.probe.plan import LADDER, Candidate, Policy, due, ladder, plan_day, priority
from tracker.probe.targets import Target, endpoints
from tracker.probe.workloads import WORKLOADS, prompt
from tracker.records import Offer

NOW = datetime.fromisoformat("2026-03-04T00:00")
RICH = Policy(Decimal(50), tokens_per_offer=1_000_000)
NOTHING_SPENT = Decimal(0)


def candidate(name: str = "m", provider: str = "groq", **more: object) -> Candidate:
    target = Target(Offer(provider, name), "https://x.example/v1", "openai_chat", "K", Decimal(1), Decimal(2))
    return Candidate(target, **more)  # type: ignore[arg-type]


def test_flags_come_first_then_changes_then_the_unknown_then_the_stale() -> None:
    seen = NOW - timedelta(days=3)
    ranked = [
        candidate(has_flag=True, probed_at=NOW),
        candidate(changed_at=NOW, probed_at=seen),
        candidate(),
        candidate(probed_at=seen),
        candidate(probed_at=NOW),
    ]
    worth = [priority(each, NOW)[0] for each in ranked]
    assert worth == sorted(worth, reverse=True)
    assert len(set(worth)) == 5


def test_a_plan_never_costs_more_than_is_left() -> None:
    offers = [candidate(f"m{n}", f"p{n}") for n in range(40)]
    plan = plan_day(offers, Policy(Decimal("0.05")), NOW, Decimal("0.02"))
    assert 0 < plan.worst_usd <= Decimal("0.03")
    assert plan.expected_usd < plan.worst_usd
    assert any("spoken for" in line for line in plan.left_out)


def test_tokens_per_offer_and_day_are_capped() -> None:
    plan = plan_day([candidate()], Policy(Decimal(50), tokens_per_offer=5_000), NOW, NOTHING_SPENT)
    assert 0 < sum(step.tokens for step in plan.steps) <= 5_000


def test_an_unknown_price_is_never_planned() -> None:
    offer = candidate()
    blind = replace(offer, target=replace(offer.target, output_usd_per_mtok=None))
    plan = plan_day([blind], RICH, NOW, NOTHING_SPENT)
    assert plan.steps == ()
    assert "price is unknown" in plan.left_out[0]


def test_one_provider_is_never_hurried() -> None:
    plan = plan_day([candidate(f"m{n}") for n in range(60)], RICH, NOW, NOTHING_SPENT)
    times = [step.at_utc for step in plan.steps]
    gaps = [(b - a).total_seconds() for a, b in itertools.pairwise(times)]
    assert min(gaps) >= RICH.provider_gap_s


def test_a_week_covers_the_hours_of_the_day_and_every_workload() -> None:
    hours: Counter[int] = Counter()
    names: set[str] = set()
    for day in range(28):
        steps = plan_day([candidate()], RICH, NOW + timedelta(days=day), NOTHING_SPENT).steps
        hours.update(step.at_utc.hour // 6 for step in steps)
        names.update(step.workload.name for step in steps)
    assert set(hours) == {0, 1, 2, 3}
    assert min(hours.values()) > 0.12 * hours.total()
    assert {"100/300", "1k/1k", "3.4k/500", "10k/1.5k", "100k/2k", "regular", "hard"} <= names


def test_hourly_runs_send_each_step_of_a_day_once() -> None:
    offers = [candidate(f"m{n}", f"p{n}") for n in range(5)]
    whole = plan_day(offers, RICH, NOW, NOTHING_SPENT)
    sent = []
    for hour in range(24):
        moment = NOW + timedelta(hours=hour, minutes=17)
        sent += due(plan_day(offers, RICH, moment, NOTHING_SPENT), moment).steps
    assert Counter((s.target, s.workload, s.at_utc) for s in sent) == Counter(
        (s.target, s.workload, s.at_utc) for s in whole.steps
    )


def test_the_ladder_stops_at_the_published_limits() -> None:
    workload = WORKLOADS["100/300"]
    assert ladder(candidate(concurrency=500, requests_per_minute=5000), workload) == LADDER
    assert ladder(candidate(concurrency=5), workload) == (1, 4)
    assert ladder(candidate(requests_per_minute=20), workload) == (1, 4, 16)
    assert ladder(candidate(tokens_per_minute=6_000), workload) == (1, 4)
    assert ladder(candidate(), workload) == (1, 4, 16)  # limits unknown


def test_a_context_too_small_is_not_filled() -> None:
    day = plan_day([candidate(context_tokens=900)], RICH, NOW, NOTHING_SPENT)
    assert {step.workload.name for step in day.steps} <= {"100/300", "regular", "hard"}


@pytest.mark.parametrize("name", WORKLOADS)
def test_prompts_are_of_their_size_and_never_alike(name: str) -> None:
    workload = WORKLOADS[name]
    one, two = prompt(workload, 1), prompt(workload, 2)
    assert one == prompt(workload, 1)
    assert one.split()[:8] != two.split()[:8]  # the beginning is what a prefix cache keeps
    assert abs(len(one.split()) - workload.input_tokens) <= max(15, 0.02 * workload.input_tokens)


def test_every_endpoint_is_https_and_names_its_key() -> None:
    assert len(endpoints()) >= 20
    for endpoint in endpoints().values():
        assert endpoint.key_env.isupper()
        assert endpoint.base_url.startswith("https://")
