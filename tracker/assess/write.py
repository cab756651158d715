"""Writes the conclusions of one pass: flags and their events, cost bands, margins, floors, index, burn."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from tracker.assess import market
from tracker.assess.burned import burn_rows
from tracker.assess.costs import Costed, Rented, cost_offers, engine_version, first_token_limit, open_model
from tracker.assess.inputs import Situation
from tracker.assess.lengths import counted_models
from tracker.assess.pictures import hardware_of
from tracker.flags import RULES, Evidence, Finding
from tracker.flags.below_cost import CostBand
from tracker.flags.lifecycle import Key, OpenFlag, Step, advance
from warehouse import flag_facts, flags
from warehouse.store import Connection

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Judged:
    """The result of judging one moment, before anything is written."""

    offers: tuple[Situation, ...]
    rated: tuple[Situation, ...]
    hashes: Mapping[int, str]
    costs: Mapping[int, Costed]
    findings: Mapping[Key, Finding]
    rents: Rented


def standing_flags(rows: Rows) -> dict[Key, OpenFlag]:
    return {
        (str(row["offer"]), str(row["kind"])): OpenFlag(
            int(row["flag_id"]), str(row["offer"]), str(row["kind"]), int(row["rule_version"]),
            float(row["probability_told"]), row["opened_at"], row["cooling_since"], row["expires_at"],
            str(row["sentence"]),
            tuple(Evidence(**told) for told in json.loads(str(row["evidence"]))), str(row["cause"]),
        )
        for row in rows
    }  # fmt: skip


def write_conclusions(
    connection: Connection, judged: Judged, floors: Mapping[str, Costed], rules: str, at: datetime
) -> tuple[int, int, int, int]:
    """All conclusions of one pass, in the caller's transaction: (opened, kept, closed, new bands)."""
    standing = standing_flags(flags.open_flags(connection))
    listed, rated = {one.offer for one in judged.offers}, {one.offer for one in judged.rated}
    steps = advance(standing, judged.findings, rated, listed, RULES, at)
    _write_steps(connection, steps, {one.offer: one for one in judged.rated})
    bands = _write_bands(connection, judged, floors)
    _write_margins(connection, judged, at)
    stated = _stated(connection, judged.offers)
    _write_floors(connection, stated, floors, at)
    _write_market(connection, judged, stated, at)
    gone = set(flags.known_hashes(connection)) - {one.offer_id for one in judged.offers}
    flags.store_hashes(connection, judged.hashes, sorted(gone), at)
    flags.mark_day(connection, at.date(), rules)
    done = [step.action for step in steps]
    return done.count("opened"), done.count("kept"), done.count("closed"), bands


def _told(finding: Finding) -> dict[str, object]:
    """A finding as columns."""
    return {
        "rule_version": finding.rule_version,
        "probability": finding.probability,
        "calibrated": finding.calibrated,
        "sentence": finding.sentence,
        "clearing": finding.clearing,
        "scenario": finding.scenario,
        "figures": json.dumps([asdict(figure) for figure in finding.figures]),
        "evidence": json.dumps([asdict(row) for row in finding.evidence]),
        "expires_at": finding.expires_at,
    }


def _write_steps(connection: Connection, steps: Sequence[Step], offers: Mapping[str, Situation]) -> None:
    opened, events = [], []
    for step in steps:
        told = _told(step.finding) if step.finding else {}
        if step.action == "opened":
            one = offers[step.offer]
            opened.append(
                {
                    **told, "kind": step.kind, "offer": step.offer, "offer_id": one.offer_id, "provider": one.provider,
                    "model_id": one.model_id, "opened_at": step.at, "cause": step.cause,
                }
            )  # fmt: skip
            continue
        if step.flag is None:
            continue
        flags.change_flag(connection, step.flag.flag_id, _changes(step, told))
        if step.action in ("kept", "closed"):
            events.append(_event(step, step.flag, told))
    flags.add_events(connection, events)
    flags.open_new(connection, opened)


def _changes(step: Step, told: dict[str, object]) -> dict[str, object]:
    """What a step sets in the flag's state. A closing flag keeps the words it was open for."""
    match step.action:
        case "closed":
            return {"closed_at": step.at, "cause": step.cause}
        case "cooled":
            return {"cooling_since": step.at, "cause": step.cause}
        case "kept":
            return {**told, "cooling_since": None, "cause": step.cause}
        case _:
            return {**told, "cooling_since": None}


def _event(step: Step, flag: OpenFlag, told: Mapping[str, object]) -> dict[str, object]:
    return {
        "flag_id": flag.flag_id,
        "event": step.action,
        "kind": step.kind,
        "offer": step.offer,
        "rule_version": told.get("rule_version", flag.rule_version),
        "probability": told.get("probability", 0.0 if step.action == "closed" else flag.probability),
        "sentence": told.get("sentence", flag.sentence),
        "evidence": told.get("evidence", "[]"),
        "cause": step.cause,
        "occurred_at": step.at,
    }


_BAND = (
    "band_id", "model_id", "precision", "scenario", "tok_s", "ttft_s", "day", "input_low", "input_mid", "input_high",
    "output_low", "output_mid", "output_high", "blended_low", "blended_mid", "blended_high", "prompt_tokens",
    "output_tokens", "deployment", "hardware", "trace", "feasible_share", "engine",
)  # fmt: skip


def _write_bands(connection: Connection, judged: Judged, floors: Mapping[str, Costed]) -> int:
    rows = []
    for one in judged.rated:
        costed = judged.costs.get(one.offer_id)
        if costed is None:
            continue
        for band in {*costed.bands, *([costed.native_cost] if costed.native_cost else [])}:
            rows.append(_band_row(band, one.model_id, costed, one.tok_s, first_token_limit(one)))
    for model_id, costed in floors.items():
        if costed.native_cost is not None:
            rows.append(_band_row(costed.native_cost, model_id, costed, None, None))
    return flags.append_bands(connection, _BAND, rows)


def _band_row(
    band: CostBand, model_id: str | None, costed: Costed, tok_s: float | None, ttft_s: float | None
) -> list[object]:
    spans = [
        getattr(span, level) for span in (band.input, band.output, band.blended) for level in ("low", "mid", "high")
    ]
    return [
        band.band_id, model_id, band.precision, costed.scenario, tok_s, ttft_s, costed.when, *spans,
        costed.prompt_tokens, costed.output_tokens, band.deployment, hardware_of(band.deployment), band.trace,
        band.feasible_share, engine_version(),
    ]  # fmt: skip


def _write_margins(connection: Connection, judged: Judged, at: datetime) -> None:
    """One row per (offer, reading of the price) where it changed; what is no longer computed or listed ends."""
    rows: dict[tuple[int, str], list[object]] = {}
    for one in judged.rated:
        costed = judged.costs.get(one.offer_id)
        if costed is None or costed.standing is None:
            continue
        prices = {
            "standing": (one.input_usd, one.output_usd),
            "list": (one.input_list_usd, one.output_list_usd),
            "effective": (one.input_paid_usd, one.output_paid_usd),
        }
        chances = {"standing": 1.0 if one.is_free else costed.standing.p_below, **dict(costed.apart)}
        blended = {"standing": costed.standing.price, **dict(costed.apart_prices)}
        for basis, chance in chances.items():
            rows[one.offer_id, basis] = [
                one.offer, one.provider, one.model_id, False, *prices[basis], blended[basis],
                costed.standing.band_id, chance,
            ]  # fmt: skip
    here, rated = {one.offer_id for one in judged.offers}, {one.offer_id for one in judged.rated}
    for last in flag_facts.rows(connection, _LAST_MARGINS):
        key = (int(str(last["offer_id"])), str(last["basis"]))
        if key not in rows and (key[0] in rated or key[0] not in here):
            rows[key] = [last["offer"], last["provider"], last["model_id"], True, None, None, None, None, None]
    held = (
        "offer",
        "provider",
        "model_id",
        "ended",
        "input_usd",
        "output_usd",
        "blended_usd",
        "band_id",
        "p_below_cost",
    )
    values = [[*key, *row] for key, row in rows.items()]
    flags.append_changed(connection, "calc.margin", ("offer_id", "basis"), held, values, at.date())


_LAST_MARGINS = """
SELECT offer_id, basis, offer, provider, model_id FROM (
    SELECT * FROM calc.margin
    QUALIFY row_number() OVER (PARTITION BY offer_id, basis ORDER BY day DESC, recorded_at DESC) = 1
) WHERE NOT ended
"""


def _stated(connection: Connection, offers: Sequence[Situation]) -> list[Situation]:
    """The offers whose price somebody vouches for: no hearsay, and none whose unit an open flag doubts."""
    doubted = {str(row["offer"]) for row in flags.open_flags(connection) if row["kind"] == "unit_suspect"}
    return [one for one in offers if not one.is_hearsay and one.offer not in doubted]


def _write_floors(
    connection: Connection, stated: Sequence[Situation], floors: Mapping[str, Costed], at: datetime
) -> None:
    rows = market.floor_rows(stated, floors)
    known = {str(row[0]) for row in rows}
    for (gone,) in connection.execute(
        "SELECT model_id FROM calc.price_floor GROUP BY model_id HAVING NOT arg_max(ended, day) ORDER BY model_id"
    ).fetchall():
        if gone not in known:
            rows.append((gone, True, None, None, None, None, None))
    held = ("ended", "list_usd", "list_offer", "effective_usd", "effective_offer", "band_id")
    flags.append_changed(connection, "calc.price_floor", ("model_id",), held, rows, at.date())


def _write_market(connection: Connection, judged: Judged, stated: Sequence[Situation], at: datetime) -> None:
    """Classes, index and burn."""
    members = market.members()
    flags.replace_if_changed(
        connection,
        "calc.price_class",
        ("model_id", "class", "source", "as_of"),
        [(m.model_id, m.name, m.source, m.as_of) for m in members],
    )
    demand = flag_facts.demand_rows(connection, at)
    model_of = counted_models({str(row["listed_name"]) for row in demand})
    prices = flag_facts.daily_prices(connection, at, sorted({m.model_id for m in members}))
    columns = ("class", "day", "index_value", "link", "goods", "weighted_share")
    flags.replace_if_changed(
        connection, "calc.price_index", columns, market.index_rows(prices, tokens_by_model(demand, model_of))
    )
    _write_burn(connection, judged, stated, demand, model_of, at)


def tokens_by_model(demand: Rows, model_of: Mapping[str, str]) -> dict[str, dict[date, float]]:
    """Tokens per model and day: the router's total where it states one, else the sum over its hosts."""
    total: dict[tuple[str, date], float] = {}
    hosts: dict[tuple[str, date], float] = {}
    for row in demand:
        model = model_of.get(str(row["listed_name"]))
        if model is None:
            continue
        side = hosts if str(row["scope"] or "").startswith("host ") else total if not row["scope"] else None
        if side is not None:
            side[model, row["day"]] = side.get((model, row["day"]), 0.0) + float(row["tokens"])
    found: dict[str, dict[date, float]] = {}
    for (model, day), tokens in {**hosts, **total}.items():
        found.setdefault(model, {})[day] = tokens
    return found


def _write_burn(
    connection: Connection,
    judged: Judged,
    stated: Sequence[Situation],
    demand: Rows,
    model_of: Mapping[str, str],
    at: datetime,
) -> None:
    """Demand of the last week that has no burn yet, against today's prices and costs of the offers rated so far."""
    known = {tuple(row) for row in connection.execute("SELECT DISTINCT source_id, day FROM calc.burn").fetchall()}
    fresh = [
        row for row in demand
        if row["day"] > at.date() - timedelta(days=7) and (row["source_id"], row["day"]) not in known
    ]  # fmt: skip
    if not fresh:
        return
    served = [one for one in stated if one.model_id and open_model(one.model_id)]
    missing = [one for one in served if one.offer_id not in judged.costs]
    costs = {**judged.costs, **(cost_offers(missing, at, judged.rents) if missing else {})}
    columns = (
        "source_id", "listed_name", "model_id", "day", "tokens", "offer", "band_id", "input_share", "burn_low",
        "burn_mid", "burn_high",
    )  # fmt: skip
    rows = burn_rows(fresh, served, costs, model_of)
    flags.append(connection, "calc.burn", columns, rows)
