"""One open flag per offer and kind, hysteresis, quiet days, terms, and the generated series of 134 moves in 9 days."""

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tracker.flags import RULES, sudden_change
from tracker.flags.finding import Evidence, Finding, found
from tracker.flags.lifecycle import Key, OpenFlag, Step, advance
from tracker.flags.sudden_change import Move, Series

START = datetime.fromisoformat("2026-07-01")
RULE = RULES["below_cost"]


def finding(probability: float) -> Finding:
    return found(RULE, "p/m", probability, "It costs more than it earns.", "A higher price.")


def apply(standing: dict[Key, OpenFlag], steps: list[Step]) -> dict[Key, OpenFlag]:
    """What the warehouse does with steps."""
    after = dict(standing)
    for step in steps:
        key = (step.offer, step.kind)
        if step.action == "closed":
            del after[key]
        elif step.action == "opened":
            assert step.finding is not None and key not in after
            after[key] = OpenFlag(
                len(after) + 1, step.offer, step.kind, step.finding.rule_version, step.finding.probability, step.at,
                None, step.finding.expires_at,
            )  # fmt: skip
        else:
            cooling = after[key].cooling_since or step.at if step.action == "cooled" else None
            after[key] = replace(after[key], cooling_since=cooling)
    return after


def run(series: list[tuple[datetime, float]]) -> list[Step]:
    """All events of one offer over a series of probabilities."""
    standing: dict[Key, OpenFlag] = {}
    told = []
    for at, probability in series:
        findings = {("p/m", RULE.kind): finding(probability)} if probability else {}
        steps = advance(standing, findings, {"p/m"}, {"p/m"}, RULES, at)
        standing = apply(standing, steps)
        told += [step for step in steps if step.action in ("opened", "kept", "closed")]
    return told


def test_opens_at_one_threshold_and_closes_below_another_after_quiet_days() -> None:
    days = [0.65, 0.75, 0.55, 0.40, 0.40, 0.40, 0.40, 0.40, 0.40, 0.40, 0.40]
    events = run([(START + timedelta(days=i), p) for i, p in enumerate(days)])
    assert [step.action for step in events] == ["opened", "kept", "closed"]
    assert events[0].at == START + timedelta(days=1)
    assert events[-1].at == START + timedelta(days=10)
    assert "below 0.50" in events[-1].cause


def test_a_flapping_probability_opens_one_flag() -> None:
    moments = [START + timedelta(days=9) / 134 * i for i in range(135)]
    events = run([(at, 0.95 if i % 2 else 0.2) for i, at in enumerate(moments)])
    assert [step.action for step in events] == ["opened"]


def test_134_moves_in_9_days_open_one_sudden_change() -> None:
    gap = timedelta(days=9) / 134
    moves = tuple(Move(START + gap * i, 1.0 + (i % 2), f"q{i}") for i in range(135))
    series = Series("p/m", "output price", "USD/Mtok", True, moves, "quotes")
    standing: dict[Key, OpenFlag] = {}
    told = []
    for move in moves:
        judged = sudden_change.judge(series, move.at)
        findings = {("p/m", judged.kind): judged} if judged else {}
        steps = advance(standing, findings, {"p/m"}, {"p/m"}, RULES, move.at)
        standing = apply(standing, steps)
        told += [step for step in steps if step.action in ("opened", "closed")]
    assert [step.action for step in told] == ["opened"]


def test_nothing_happens_to_an_offer_that_was_not_rated_until_its_time_is_up() -> None:
    flag = OpenFlag(1, "p/m", RULE.kind, RULE.version, 0.9, START, None, None)
    standing = {("p/m", RULE.kind): flag}
    assert advance(standing, {}, set(), {"p/m"}, RULES, START + timedelta(days=400)) == []
    cooling = {("p/m", RULE.kind): replace(flag, cooling_since=START)}
    assert advance(cooling, {}, set(), {"p/m"}, RULES, START + timedelta(days=6)) == []
    closed = advance(cooling, {}, set(), {"p/m"}, RULES, START + timedelta(days=7))
    assert [step.action for step in closed] == ["closed"]


def test_a_term_ends_and_a_delisted_offer_closes_its_flags() -> None:
    flag = OpenFlag(1, "p/m", "sudden_change", 1, 0.9, START, None, START + timedelta(days=14))
    standing = {("p/m", "sudden_change"): flag}
    over = advance(standing, {}, set(), {"p/m"}, RULES, START + timedelta(days=14))
    assert [(step.action, "term" in step.cause) for step in over] == [("closed", True)]
    gone = advance(standing, {}, set(), set(), RULES, START + timedelta(days=1))
    assert [(step.action, step.cause) for step in gone] == [("closed", "no source that is read shows the offer")]


def test_a_new_rule_version_is_news_and_a_small_move_is_not() -> None:
    flag = OpenFlag(1, "p/m", RULE.kind, RULE.version, 0.9, START, None, None, finding(0.9).sentence)
    standing = {("p/m", RULE.kind): flag}
    assert advance(standing, {("p/m", RULE.kind): finding(0.9)}, {"p/m"}, {"p/m"}, RULES, START) == []
    small = advance(standing, {("p/m", RULE.kind): finding(0.92)}, {"p/m"}, {"p/m"}, RULES, START)
    assert [step.action for step in small] == ["refreshed"]
    older = {("p/m", RULE.kind): replace(flag, rule_version=0)}
    steps = advance(older, {("p/m", RULE.kind): finding(0.92)}, {"p/m"}, {"p/m"}, RULES, START)
    assert [step.cause for step in steps] == [f"rule 0 became {RULE.version}"]


def test_a_change_noticed_when_its_term_is_nearly_over_opens_nothing() -> None:
    rule = RULES["sudden_change"]
    key = ("p/m", rule.kind)

    def steps(days_left: float) -> list[Step]:
        late = found(rule, "p/m", 0.9, "It moved.", "Time.", expires_at=START + timedelta(days=days_left))
        return advance({}, {key: late}, {"p/m"}, {"p/m"}, RULES, START)

    assert steps(rule.quiet_days) == []
    assert [step.action for step in steps(rule.quiet_days + 1)] == ["opened"]


def test_every_step_names_the_rows_that_brought_it_about() -> None:
    old, new = Evidence("quotes", "1", "$0.27 per million"), Evidence("quotes", "2", "$0.90 per million")
    [opened] = advance({}, {("p/m", RULE.kind): replace(finding(0.9), evidence=(old,))}, {"p/m"}, {"p/m"}, RULES, START)
    assert opened.cause == "probability 0.90: $0.27 per million"
    flag = OpenFlag(1, "p/m", RULE.kind, RULE.version, 0.9, START, None, None, "", (old,), opened.cause)
    fallen = {("p/m", RULE.kind): replace(finding(0.1), evidence=(old, new))}
    [cooled] = advance({("p/m", RULE.kind): flag}, fallen, {"p/m"}, {"p/m"}, RULES, START)
    assert (cooled.action, cooled.cause) == ("cooled", "probability 0.10 is below 0.50: $0.90 per million")
    cooling = replace(flag, cooling_since=START, cause=cooled.cause)
    [closed] = advance({("p/m", RULE.kind): cooling}, {}, set(), {"p/m"}, RULES, START + timedelta(days=7))
    assert closed.cause == f"{cooled.cause}; nothing new for 7 days"


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.integers(1, 48))
def test_no_flag_flips_more_than_once_a_week(levels: list[float], step_hours: int) -> None:
    events = run([(START + timedelta(hours=step_hours) * i, p) for i, p in enumerate(levels)])
    flips = [step for step in events if step.action in ("opened", "closed")]
    assert [step.action for step in flips] == ["opened", "closed"] * (len(flips) // 2) + ["opened"] * (len(flips) % 2)
    for opened, closed in zip(flips[::2], flips[1::2], strict=False):
        assert closed.at - opened.at >= timedelta(days=RULE.quiet_days)
