"""The analysis pass: offers -> cost bands -> findings -> open flags, margins, floors, index, burn.

Incremental: an offer whose inputs (its own facts, the rules, the engine's facts) hash as they did is not rated again.
The warehouse is open while rows are read and while conclusions are written, not while they are computed.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from tracker.assess import market
from tracker.assess.circumstance import circumstance, market_of
from tracker.assess.costs import (
    DOUBT,
    Costed,
    Rented,
    cost_offers,
    engine_version,
    open_model,
    rented,
    week_of,
)
from tracker.assess.findings import Context, beside, judge_offer, latest_change
from tracker.assess.inputs import Situation, peers_of, situations
from tracker.assess.labels import declared_of, label_bits, tellers
from tracker.assess.observed import audits_of
from tracker.assess.pictures import basis_of, pictures_of, write_pictures
from tracker.assess.turning import turns_of, with_turns
from tracker.assess.write import Judged, standing_flags, write_conclusions
from tracker.errors import UsageError
from tracker.flags import RULES, Finding
from tracker.flags.lifecycle import Key, OpenFlag, Step, advance
from tracker.flags.quantization import load_weights
from tracker.settings import Home
from warehouse import flag_facts, flags
from warehouse.history import open_history, publish
from warehouse.store import transaction, writing

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one pass did."""

    at: datetime
    offers: int
    rated: int
    opened: int
    kept: int
    closed: int
    bands: int
    took_s: float

    def __str__(self) -> str:
        return (
            f"assessed {self.at:%Y-%m-%d %H:%M}: {self.offers:,} offers, {self.rated:,} rated, "
            f"{self.opened} flags opened, {self.kept} changed, {self.closed} closed, "
            f"{self.bands} new cost bands in {self.took_s:.1f} s"
        )


@cache
def rules_version() -> str:
    """Changes with every rule version, the quantization weights and the engine's facts."""
    told = [(rule.kind, rule.version, rule.open_at, rule.close_at, rule.quiet_days) for rule in RULES.values()]
    weights = (files("tracker.flags") / "weights.csv").read_text("utf-8")
    return hashlib.sha256(f"{sorted(told)}{weights}{engine_version()}".encode()).hexdigest()[:12]


Accept = Callable[[Sequence[Step]], None]


def unseen(steps: Sequence[Step]) -> None:
    """Accepts whatever a change of rules does to the flags."""


def assess(
    home: Home, at: datetime | None = None, scenario: str = "", publish_after: bool = True, accept: Accept = unseen
) -> Outcome:
    """One pass, as of the ledger's own present or of `at`; publishes what it wrote.

    Where rules or facts changed since the last pass, `accept` sees what that does to the flags before anything is
    written, and refuses it by an error.
    """
    started = time.monotonic()
    with writing(home.warehouse, home.write_lock) as connection:
        moment = at or flag_facts.now_of(connection)
        if moment is None:
            raise UsageError("the ledger is empty: run `tracker collect` first")
        until = flags.assessed_until(connection)
        if until is not None and moment.date() < until:
            raise UsageError(f"already assessed until {until}: to judge earlier days use `tracker assess --replay`")
        facts, known = flag_facts.read_facts(connection, moment), flags.known_hashes(connection)
        standing, rules = standing_flags(flags.open_flags(connection)), flags.last_rules(connection)
    judged = judge(facts, moment, known, scenario)
    if rules not in (None, rules_version()):
        accept(_effect(judged, standing, moment))
    floors = market.cost_floors(judged.offers, moment, judged.rents, scenario)
    pictures = pictures_of(floors, moment, judged.rents, _drawn(home, moment, judged.rents))
    with writing(home.warehouse, home.write_lock) as connection, transaction(connection):
        counts = write_conclusions(connection, judged, floors, rules_version(), moment)
        write_pictures(connection, pictures)
    if publish_after and home.warehouse.exists():
        publish(home.warehouse, home.history, home.write_lock)
    return Outcome(moment, len(judged.offers), len(judged.rated), *counts, time.monotonic() - started)


def _drawn(home: Home, at: datetime, rents: Rented) -> set[str]:
    """Models whose costs by hardware stand for this week already."""
    with writing(home.warehouse, home.write_lock) as connection:
        return flags.costed_models(connection, week_of(at), basis_of(rents))


def replay(home: Home, since: date, until: date | None = None, every_days: int = 1) -> Iterator[Outcome]:
    """Forget every conclusion and assess each day from `since` on, as that day knew the market."""
    with writing(home.warehouse, home.write_lock) as connection:
        now = flag_facts.now_of(connection)
        if now is None:
            raise UsageError("the ledger is empty: run `tracker collect` first")
        with transaction(connection):
            flags.forget_all(connection)
    last, day = until or now.date(), since
    while day <= last:
        moment = min(datetime(day.year, day.month, day.day) + timedelta(days=1, microseconds=-1), now)  # noqa: DTZ001
        yield assess(home, moment, publish_after=False)
        day += timedelta(days=every_days)
    publish(home.warehouse, home.history, home.write_lock)


def judge(
    facts: Mapping[str, Rows], at: datetime, known: Mapping[int, str], scenario: str = "", only: str = ""
) -> Judged:
    """Everything between reading and writing. `known`: hashes of earlier ratings; `only`: judge this offer alone."""
    offers = tuple(situations(facts, at, label_bits()))
    declared, around = declared_of(offers, tellers(facts["tellers"]), at), market_of(offers)
    peers, cheapest, audits = peers_of(offers), _cheapest_unlimited(offers), audits_of(facts["audits"])
    version = f"{rules_version()}{scenario}"
    rents = rented(facts["rents"], week_of(at))
    hashes = {
        one.offer_id: one.fingerprint(
            f"{version}{_week(one, at, rents)}{_change(one, at)}{audits.get(one.offer)}{beside(one, peers, cheapest)}"
            f"{declared.get(one.offer_id) or around.labels_beside(one)}"
        )
        for one in offers
    }
    rated = tuple(
        one for one in offers if (one.offer == only if only else known.get(one.offer_id) != hashes[one.offer_id])
    )
    costs, weights = cost_offers(rated, at, rents, scenario), load_weights()
    context = Context(
        at=at,
        peers=peers,
        declared=declared,
        circumstances={
            one.offer_id: circumstance(one, costs.get(one.offer_id), around, weights)
            for one in rated
            if open_model(one.model_id)
        },
        audits=audits,
        cheapest=cheapest,
    )
    findings: dict[Key, Finding] = {}
    for one in rated:
        found = judge_offer(one, costs.get(one.offer_id), context)
        findings.update(found)
    findings.update(_turned(findings, rated, costs, rents, 0.0 if only else DOUBT))
    return Judged(offers, rated, {one.offer_id: hashes[one.offer_id] for one in rated}, costs, findings, rents)


def _week(one: Situation, at: datetime, rents: Rented) -> str:
    """Rents are read weekly: an offer of an open model is rated again when the week changes."""
    return f"{week_of(at)}{rents.version}" if open_model(one.model_id) else ""


def _change(one: Situation, at: datetime) -> str:
    """What the price and speed series amount to: nothing, or one change with its term."""
    finding = latest_change(one, at)
    rule = RULES["sudden_change"]
    if finding is None or finding.probability < rule.close_at:
        return ""
    return f"{finding.probability >= rule.open_at} until {finding.expires_at}"


def _turned(
    findings: Mapping[Key, Finding],
    rated: Sequence[Situation],
    costs: Mapping[int, Costed],
    rents: Rented,
    least: float,
) -> dict[Key, Finding]:
    """Names what the verdict turns on where a price may be below cost, or nearly."""
    doubted = [
        (finding, costs[one.offer_id].question)
        for one in rated
        if (finding := findings.get((one.offer, "below_cost"))) is not None
        and not one.is_free
        and finding.probability >= least
    ]
    told = turns_of([question for _, question in doubted], rents)
    pairs = zip(doubted, told, strict=True)
    return {(finding.offer, finding.kind): with_turns(finding, turns) for (finding, _), turns in pairs}


def _cheapest_unlimited(offers: Sequence[Situation]) -> dict[str, tuple[str, float, float]]:
    """Per model the cheapest paid offer without a published limit: where what does not fit is bought."""
    best: dict[str, tuple[float, str, float, float]] = {}
    for one in offers:
        if one.model_id and one.tier == "standard" and not one.limits and one.input_usd and one.output_usd:
            total = 3 * one.input_usd + one.output_usd
            row = (total, one.offer, one.input_usd, one.output_usd)
            best[one.model_id] = min(best.get(one.model_id, row), row)
    return {model: (offer, given, output) for model, (_, offer, given, output) in best.items()}


def diff(home: Home, at: datetime | None = None, scenario: str = "") -> list[Step]:
    """What today's rules and facts would do to the open flags if every offer were rated again. Writes nothing."""
    with open_history(home.history) as history:
        moment = at or flag_facts.now_of(history.connection)
        if moment is None:
            return []
        facts = flag_facts.read_facts(history.connection, moment)
        standing = standing_flags(flags.open_flags(history.connection))
    return _effect(judge(facts, moment, {}, scenario), standing, moment)


def _effect(judged: Judged, standing: Mapping[Key, OpenFlag], at: datetime) -> list[Step]:
    listed, rated = {one.offer for one in judged.offers}, {one.offer for one in judged.rated}
    return advance(standing, judged.findings, rated, listed, RULES, at)


def explain_offer(home: Home, offer: str, at: datetime | None = None, scenario: str = "") -> tuple[Situation, Judged]:
    """Judge one offer now, or as of a day, without writing anything."""
    with open_history(home.history) as history:
        moment = at or flag_facts.now_of(history.connection)
        if moment is None:
            raise UsageError("the ledger is empty: run `tracker collect` first")
        facts = flag_facts.read_facts(history.connection, moment)
    judged = judge(facts, moment, {}, scenario, only=offer)
    if not judged.rated:
        raise UsageError(f"no offer {offer!r} on the market on {moment:%Y-%m-%d}; see `tracker offers MODEL`")
    return judged.rated[0], replace(judged)
