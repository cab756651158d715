"""Flags read out: lists, the note behind one flag, every rule's view of one offer, and the effect of a change."""

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import numpy as np

from tracker import explain_cost
from tracker.assess import explain_offer
from tracker.assess_costs import Costed, first_token_limit, observed, open_model, rented
from tracker.assess_inputs import Situation
from tracker.cost import Question, RentTable, find_model
from tracker.errors import UsageError
from tracker.explain_rows import captured_lines, charts
from tracker.flags import RULES
from tracker.flags.lifecycle import Step
from tracker.market.margins import margins, ratio
from tracker.settings import Home
from warehouse import flag_facts
from warehouse.history import History, open_history

Row = dict[str, object]
WIDTH = 110
_LIST = """
SELECT flag_id AS id, kind, probability, offer, sentence, opened_at, closed_at FROM flags
WHERE ($1 = '' OR kind = $1) AND ($3 = '' OR provider = $3) AND (NOT $4 OR closed_at IS NULL)
  AND ($2 = '' OR lower(model_id) = lower($2) OR lower(split_part(model_id, '/', 2)) = lower($2)
       OR contains(lower(offer), '/' || lower($2)))
  AND ($5 IS NULL OR opened_at >= $5 OR closed_at >= $5)
ORDER BY closed_at IS NOT NULL, probability DESC, kind, offer LIMIT $6
"""


def listed_flags(
    history: History, kind: str, model: str, provider: str, only_open: bool, since: datetime | None, limit: int
) -> list[Row]:
    """Flags as a table; an unknown kind is an error, not an empty answer."""
    if kind and kind not in RULES:
        raise UsageError(f"no kind {kind!r}; there are {', '.join(sorted(RULES))}")
    return history.rows(_LIST, [kind, model, provider, only_open, since, limit])


def expected_false(history: History, kind: str = "") -> str:
    """How many of the flags that stand or open in a week are false if their probabilities are right."""
    [row] = history.rows(
        "SELECT coalesce(sum(standing), 0) AS standing, coalesce(sum(expected_false_standing), 0) AS wrong, "
        "coalesce(sum(opened_per_week), 0) AS opened, coalesce(sum(expected_false_per_week), 0) AS false_a_week "
        "FROM flag_rates WHERE $1 = '' OR kind = $1",
        [kind],
    )
    return (
        f"If the probabilities are right, about {row['wrong']:.0f} of the {row['standing']:,.0f} flags that stand are "
        f"false; {row['opened']:.1f} open a week, {row['false_a_week']:.1f} of them false (by kind: view flag_rates)."
    )


def flag_note(home: Home, flag_id: int) -> str:
    """The analyst's note behind one flag."""
    with open_history(home.history) as history:
        found = history.rows("SELECT * FROM flags WHERE flag_id = $1", [flag_id])
        if not found:
            raise UsageError(f"no flag {flag_id}; ids are in `tracker flags --all`")
        return "\n".join(_flag_lines(home, history, found[0]))


def _flag_lines(home: Home, history: History, flag: Row) -> Iterator[str]:
    evidence, figures = json.loads(str(flag["evidence"])), json.loads(str(flag["figures"]))
    scenario, until = (
        str(flag["scenario"]),
        flag["closed_at"] or history.rows("SELECT now_utc FROM clock")[0]["now_utc"],
    )
    assert isinstance(until, datetime)
    state = f"closed {_time(flag['closed_at'])} ({flag['cause']})" if flag["closed_at"] else "stands"
    head = f"Flag {flag['flag_id']}: {flag['kind']} - {flag['offer']}"
    yield from (head, "=" * len(head))
    yield f"Opened {_time(flag['opened_at'])} UTC, {state}. Rule {flag['kind']} version {flag['rule_version']}."
    yield ""
    yield from textwrap.wrap(str(flag["sentence"]), WIDTH)
    yield from _paragraph("What would clear it", str(flag["clearing"]))
    yield from _sum(figures, scenario)
    if bands := _bands(history, evidence):
        amounts = {str(figure["name"]): float(figure["value"]) for figure in figures}
        known = (("cache_hit", amounts["cache_hit"]),) if "cache_hit" in amounts else ()
        yield from _cost_lines(
            _question(bands[0], known), [_chart_row(band) for band in bands], _mix_price(history, flag)
        )
        yield from explain_cost.deployment_lines(_question(bands[0], known), _rents(history, bands[0]["day"]))
    yield from charts(history, str(flag["offer"]), _source_of(history, evidence), until)
    yield ""
    yield "The rows behind it"
    yield from (f"  {row['view']} {row['ref']}: {row['says']}" for row in evidence)
    yield from captured_lines(home, history, evidence, until)
    yield ""
    yield "Its life"
    events = history.rows(
        "SELECT occurred_at, event, probability, cause FROM flag_events WHERE flag_id = $1 ORDER BY occurred_at, "
        "recorded_at",
        [flag["flag_id"]],
    )
    for event in events:
        told = f"{_time(event['occurred_at'])}  {event['event']:<7} {event['probability']:.2f}  {event['cause']}"
        yield from textwrap.wrap(told, WIDTH, initial_indent="  ", subsequent_indent=" " * 33)


def offer_note(home: Home, offer: str, at: datetime | None = None, scenario: str = "") -> str:
    """Every rule's view of one offer, judged now or as of a day; nothing is written."""
    one, judged = explain_offer(home, offer, at, scenario)
    costed = judged.costs.get(one.offer_id)
    findings = {key[1]: finding for key, finding in judged.findings.items()}
    would = [kind for kind, finding in findings.items() if finding.probability >= RULES[kind].open_at]
    verdict = f"Would be flagged: {', '.join(would)}." if would else "Clean: no rule reaches its threshold."
    lines = [one.offer, "=" * len(one.offer), verdict, "", *_facts(one, costed)]
    silent: dict[str, list[str]] = {}
    for kind in sorted(RULES, key=lambda kind: -findings[kind].probability if kind in findings else 1.0):
        rule, finding = RULES[kind], findings.get(kind)
        if finding is None:
            silent.setdefault(_silence(kind, one, costed), []).append(kind)
            continue
        mark = "flagged" if finding.probability >= rule.open_at else f"below its threshold of {rule.open_at:.2f}"
        lines += ["", f"{kind}: {finding.probability:.2f}, {mark}"]
        lines += textwrap.wrap(finding.sentence, WIDTH, initial_indent="  ", subsequent_indent="  ")
        clearing = "Cleared by" if finding.probability >= rule.open_at else "Would be cleared by"
        lines += textwrap.wrap(f"{clearing}: {finding.clearing}", WIDTH, initial_indent="  ", subsequent_indent="  ")
        lines += [f"  {line}" for line in _sum([_figure(f) for f in finding.figures], finding.scenario) if line]
        lines += [f"  {row.view} {row.ref}: {row.says}" for row in finding.evidence]
    lines += ["", "Silent rules", *(f"  {', '.join(kinds)}: {why}" for why, kinds in silent.items())]
    evidence = [asdict(row) for finding in findings.values() for row in finding.evidence]
    quotes = [{"view": "quotes", "ref": ref} for ref in (one.input_quote_id, one.output_quote_id)]
    with open_history(home.history) as history:
        lines += _offer_cost(one, costed, judged.rents.table)
        moment = at or history.rows("SELECT now_utc FROM clock")[0]["now_utc"]
        assert isinstance(moment, datetime)
        lines += charts(history, one.offer, one.source_id, moment)
        lines += captured_lines(home, history, [*quotes, *evidence], moment)
    return "\n".join(lines)


def _offer_cost(one: Situation, costed: Costed | None, rents: RentTable) -> Iterator[str]:
    """Assumptions, chart and deployments of the cost at the precision on sale."""
    if costed is None or costed.standing is None or one.model_id is None:
        return
    band = costed.standing
    question = Question(
        find_model(one.model_id).model_id, band.precision, one.input_usd, one.output_usd, costed.when, costed.scenario,
        one.tok_s, first_token_limit(one), one.cached_usd, observed(one),
    )  # fmt: skip
    rows = [(b.precision, b.blended.low, b.blended.mid, b.blended.high) for b in costed.bands]
    yield from _cost_lines(question, rows, band.price)
    yield from explain_cost.deployment_lines(question, rents)


def _cost_lines(question: Question, rows: Sequence[explain_cost.Chart], price: float | None) -> Iterator[str]:
    yield from explain_cost.band_chart(rows, price or 0.0)
    yield from explain_cost.assumption_lines(question.scenario, question.known)


def _question(band: Row, known: tuple[tuple[str, float], ...]) -> Question:
    """What the stored band answered, prices aside."""
    day, tok_s, ttft_s = band["day"], band["tok_s"], band["ttft_s"]
    assert isinstance(day, date)
    return Question(
        str(band["model_id"]), str(band["precision"]), None, None, day, str(band["scenario"]),
        None if tok_s is None else float(str(tok_s)), None if ttft_s is None else float(str(ttft_s)), known=known,
    )  # fmt: skip


def _rents(history: History, week: object) -> RentTable:
    """The rents of that week, as the assessment took them."""
    assert isinstance(week, date)
    moment = datetime(week.year, week.month, week.day)  # noqa: DTZ001
    return rented(flag_facts.read_rents(history.connection, moment), week).table


def _mix_price(history: History, flag: Row) -> float | None:
    """The standing price of a token of the mix when the flag was last judged; None where a side is not published."""
    found = history.rows(
        "SELECT price_blended_usd_per_mtok AS price FROM margins WHERE offer_id = $1 AND basis = 'standing' "
        "AND day <= CAST(coalesce($2, TIMESTAMP '9999-01-01') AS DATE) ORDER BY day DESC LIMIT 1",
        [flag["offer_id"], flag["closed_at"]],
    )
    return float(str(found[0]["price"])) if found and found[0]["price"] is not None else None


def _source_of(history: History, evidence: Sequence[Mapping[str, str]]) -> str:
    """The source of the price a flag rests on."""
    ids = [int(row["ref"]) for row in evidence if row["view"] == "quotes" and row["ref"].isdigit()]
    rows = history.rows("SELECT source_id FROM price_history WHERE quote_id = $1", [ids[0]]) if ids else []
    return str(rows[0]["source_id"]) if rows else ""


def _figure(figure: Any) -> Row:
    return {"name": figure.name, "value": figure.value, "unit": figure.unit}


def _facts(one: Situation, costed: Costed | None) -> Iterator[str]:
    price = " and ".join(
        f"{amount:g} USD per million {side}"
        for side, amount in (("in", one.input_usd), ("out", one.output_usd))
        if amount is not None
    )
    yield f"On sale since {one.since:%Y-%m-%d} for {price or 'no published price'}, as read from {one.source_id}."
    label = f"declares {one.label.value} (since {one.label.since:%Y-%m-%d})" if one.label else "declares no precision"
    pace = f"{one.tok_s:g} tok/s per user" if one.tok_s else "speed not measured"
    first = f"first token after {one.ttft_s:g} s" if one.ttft_s else "first token not measured"
    yield f"It {label}; {pace}, {first}{' (' + one.speed_source + ')' if one.speed_source else ''}."
    if one.flip_flops:
        yield "Its price flip-flops; it is judged by the time-weighted mean of seven days."
    if costed is not None and costed.standing is not None:
        band = costed.standing
        yield (
            f"Cost under scenario {costed.scenario}, rents of the week of {costed.when}: {band.blended.low:.3g} to "
            f"{band.blended.high:.3g} USD per million (mid {band.blended.mid:.3g}) in {band.precision} on "
            f"{band.deployment}; "
            f"{band.trace}."
        )
        yield from _margin(one, costed)


def _margin(one: Situation, costed: Costed) -> Iterator[str]:
    """What is left of the price, and whether input and output are priced as they cost."""
    band = costed.standing
    if band is None or band.price is None:
        return
    spans = [np.array([value]) for value in (band.price, band.blended.low, band.blended.mid, band.blended.high)]
    left = margins(*spans)
    if band.price > 0:
        yield (
            f"Margin, as a share of the price: {float(left.at_mid[0]):+.0%} at the middle cost "
            f"({float(left.at_high[0]):+.0%} at the high, {float(left.at_low[0]):+.0%} at the low)."
        )
    if one.input_usd and one.output_usd:
        priced = float(ratio(np.array([one.output_usd]), np.array([one.input_usd]))[0])
        costs = float(ratio(np.array([band.output.mid]), np.array([band.input.mid]))[0])
        yield f"Output is priced {priced:.1f} times input and costs {costs:.1f} times input."


def _silence(kind: str, one: Situation, costed: Costed | None) -> str:
    """Why a rule says nothing."""
    if kind == "below_cost":
        if open_model(one.model_id) is None:
            return "not judged: the weights are not published, or models.csv lacks their shape"
        if costed is None:
            return "not judged: no price is published"
        return f"not judged: {costed.reason}"
    if kind == "likely_quantized":
        if open_model(one.model_id) is None:
            return "not judged: native precision unknown"
        if one.label is None:
            return "not judged: its host labels too few other models to show a habit"
        return f"nothing: it declares {one.label.value}"
    if kind == "teaser_price" and not one.limits:
        return "not judged: no limit is published"
    if kind == "speculative_decoding":
        return "not judged: no probe of regular and hard text"
    return "nothing found"


def _sum(figures: Sequence[Mapping[str, Any]], scenario: str) -> Iterator[str]:
    if figures:
        yield ""
        yield f"The sum{f' (scenario {scenario})' if scenario else ''}"
        for figure in figures:
            name = str(figure["name"]).replace("_", " ")
            yield f"  {name:<34} {float(figure['value']):>12,.4g} {figure['unit']}".rstrip()


def _chart_row(band: Row) -> explain_cost.Chart:
    low, mid, high = (float(str(band[f"blended_{name}_usd_per_mtok"])) for name in ("low", "mid", "high"))
    return str(band["precision"]), low, mid, high


def _bands(history: History, evidence: Sequence[Mapping[str, str]]) -> list[Row]:
    ids = [row["ref"] for row in evidence if row["view"] == "cost_bands"]
    if not ids:
        return []
    return history.rows(
        "SELECT * FROM cost_bands WHERE list_contains($1, band_id) ORDER BY list_position($1, band_id)", [ids]
    )


def _paragraph(title: str, text: str) -> list[str]:
    return ["", title, *textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="  ")]


def _time(moment: object) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if isinstance(moment, datetime) else ""


def diff_rows(steps: Sequence[Step]) -> list[Row]:
    """Steps as a table: what would open, close, cool or change."""
    words = {"opened": "would open", "closed": "would close", "kept": "would change", "cooled": "would start to close"}
    return [
        {
            "effect": words[step.action],
            "kind": step.kind,
            "offer": step.offer,
            "now": step.flag.probability if step.flag else None,
            "then": step.finding.probability if step.finding else 0.0,
            "cause": step.cause,
        }
        for step in steps
        if step.action in words
    ]
