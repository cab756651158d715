"""Opened, kept, closed: what a batch of findings does to the open flags. Pure; one open flag per (offer, kind).

A flag opens at `open_at`, survives anything down to `close_at`, and closes only after `quiet_days` below it: an offer
that flip-flops keeps its one flag. It closes at once when its offer leaves the market or its term is over; a finding
whose term has less than `quiet_days` to run opens nothing. Every step names the rows that brought it about.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from tracker.flags.finding import Evidence, Finding, Rule

Key = tuple[str, str]  # offer, kind
KEPT_STEP = 0.05  # a smaller move of the probability is no news
TOLD_ROWS = 3  # rows named in a cause; the event carries them all


@dataclass(frozen=True, slots=True)
class OpenFlag:
    """The state of one open flag.

    `probability`: as its last event told it; `cooling_since`: below `close_at` from here on; `evidence`: the rows it
    stands on.
    """

    flag_id: int
    offer: str
    kind: str
    rule_version: int
    probability: float
    opened_at: datetime
    cooling_since: datetime | None
    expires_at: datetime | None
    sentence: str = ""
    evidence: tuple[Evidence, ...] = ()
    cause: str = "below its threshold"  # of its last step


@dataclass(frozen=True, slots=True)
class Step:
    """What happens to one flag. `action`: opened, kept, closed (events); cooled, refreshed (state only)."""

    action: str
    offer: str
    kind: str
    at: datetime
    cause: str
    finding: Finding | None = None
    flag: OpenFlag | None = None


def advance(
    standing: Mapping[Key, OpenFlag],
    findings: Mapping[Key, Finding],
    rated: Collection[str],
    listed: Collection[str],
    rules: Mapping[str, Rule],
    at: datetime,
) -> list[Step]:
    """All steps of one pass. `rated`: offers judged in this pass; `listed`: offers still on the market."""
    opened = [
        Step("opened", finding.offer, finding.kind, at, _because(_now(finding), finding), finding)
        for key, finding in sorted(findings.items())
        if key not in standing and finding.probability >= rules[finding.kind].open_at
        and _has_term(finding, rules[finding.kind], at)
    ]  # fmt: skip
    moved = [step for _, flag in sorted(standing.items()) for step in _move(flag, findings, rated, listed, rules, at)]
    return moved + opened


def _has_term(finding: Finding, rule: Rule, at: datetime) -> bool:
    """A change noticed late is no news: its flag would close again within its quiet days."""
    return finding.expires_at is None or finding.expires_at - at > timedelta(days=rule.quiet_days)


def _now(finding: Finding) -> str:
    return f"probability {finding.probability:.2f}"


def _because(what: str, finding: Finding, known: tuple[Evidence, ...] = ()) -> str:
    """The step and the rows that are new since `known`, the likeliest reason first told."""
    fresh = list(dict.fromkeys(row.says for row in finding.evidence if row not in known))
    return f"{what}: {'; '.join(fresh[:TOLD_ROWS])}" if fresh else what


def _move(
    flag: OpenFlag,
    findings: Mapping[Key, Finding],
    rated: Collection[str],
    listed: Collection[str],
    rules: Mapping[str, Rule],
    at: datetime,
) -> Iterator[Step]:
    rule, finding = rules[flag.kind], findings.get((flag.offer, flag.kind))
    if flag.offer not in listed:
        yield _step("closed", flag, at, "no source that is read shows the offer")
        return
    if flag.offer not in rated:
        yield from _aged(flag, rule, at)
        return
    probability = finding.probability if finding else 0.0
    if probability < rule.close_at:
        cause = "the rule finds it no longer"
        if finding is not None:
            cause = _because(f"{_now(finding)} is below {rule.close_at:.2f}", finding, flag.evidence)
        yield from _cool(flag, rule, at, cause, finding)
        return
    if finding is not None and _is_news(flag, finding):
        yield _step("kept", flag, at, _news(flag, finding), finding)
    elif finding is not None and (flag.cooling_since is not None or finding.sentence != flag.sentence):
        yield _step("refreshed", flag, at, "", finding)


def _aged(flag: OpenFlag, rule: Rule, at: datetime) -> Iterator[Step]:
    """What time alone does to a flag whose offer did not change."""
    if flag.expires_at is not None and flag.expires_at <= at:
        yield _step("closed", flag, at, "its term is over: nothing further happened")
    elif flag.cooling_since is not None and at - flag.cooling_since >= timedelta(days=rule.quiet_days):
        yield _step("closed", flag, at, f"{flag.cause}; nothing new for {rule.quiet_days:g} days")


def _cool(flag: OpenFlag, rule: Rule, at: datetime, cause: str, finding: Finding | None) -> Iterator[Step]:
    since = flag.cooling_since or at
    expired = flag.expires_at is not None and flag.expires_at <= at
    if expired or at - since >= timedelta(days=rule.quiet_days):
        yield _step("closed", flag, at, "its term is over: nothing further happened" if expired else cause, finding)
    elif flag.cooling_since is None:
        yield _step("cooled", flag, at, cause, finding)


def _is_news(flag: OpenFlag, finding: Finding) -> bool:
    return abs(finding.probability - flag.probability) >= KEPT_STEP or finding.rule_version != flag.rule_version


def _news(flag: OpenFlag, finding: Finding) -> str:
    if finding.rule_version != flag.rule_version:
        return f"rule {flag.rule_version} became {finding.rule_version}"
    return _because(f"probability {flag.probability:.2f} became {finding.probability:.2f}", finding, flag.evidence)


def _step(action: str, flag: OpenFlag, at: datetime, cause: str, finding: Finding | None = None) -> Step:
    return Step(action, flag.offer, flag.kind, at, cause, finding, flag)
