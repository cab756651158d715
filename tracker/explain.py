"""Flags read out: lists, the note behind one flag, every rule's view of one offer, and the effect of a change."""

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from tracker.assess import explain_offer
from tracker.assess_costs import Costed, open_model
from tracker.assess_inputs import Situation
from tracker.errors import UsageError
from tracker.evidence import chains
from tracker.flags import RULES
from tracker.flags.lifecycle import Step
from tracker.market.margins import margins, ratio
from tracker.settings import Home
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


def flag_note(home: Home, flag_id: int) -> str:
    """The analyst's note behind one flag."""
    with open_history(home.history) as history:
        found = history.rows("SELECT * FROM flags WHERE flag_id = $1", [flag_id])
        if not found:
            raise UsageError(f"no flag {flag_id}; ids are in `tracker flags --all`")
        flag = found[0]
        events = history.rows(
            "SELECT occurred_at, event, probability, cause FROM flag_events WHERE flag_id = $1 ORDER BY occurred_at, "
            "recorded_at",
            [flag_id],
        )
        bands = _bands(history, json.loads(str(flag["evidence"])))
    state = f"closed {_time(flag['closed_at'])} ({flag['cause']})" if flag["closed_at"] else "stands"
    head = f"Flag {flag_id}: {flag['kind']} - {flag['offer']}"
    lines = [
        head,
        "=" * len(head),
        f"Opened {_time(flag['opened_at'])} UTC, {state}. Rule {flag['kind']} version {flag['rule_version']}.",
        "",
        *textwrap.wrap(str(flag["sentence"]), WIDTH),
        *_sum(json.loads(str(flag["figures"])), str(flag["scenario"])),
        *_band_lines(bands),
        *_evidence_lines(home, json.loads(str(flag["evidence"]))),
        *_paragraph("What would clear it", str(flag["clearing"])),
        "",
        "Its life",
        *(
            f"  {_time(event['occurred_at'])}  {event['event']:<7} {event['probability']:.2f}  {event['cause']}"
            for event in events
        ),
    ]
    return "\n".join(lines)


def offer_note(home: Home, offer: str, at: datetime | None = None, scenario: str = "") -> str:
    """Every rule's view of one offer, judged now or as of a day; nothing is written."""
    one, judged = explain_offer(home, offer, at, scenario)
    costed = judged.costs.get(one.offer_id)
    findings = {key[1]: finding for key, finding in judged.findings.items()}
    would = [kind for kind, finding in findings.items() if finding.probability >= RULES[kind].open_at]
    verdict = f"{', '.join(would)} would be flagged" if would else "clean: no rule reaches its threshold"
    lines = [one.offer, "=" * len(one.offer), f"{verdict[:1].upper()}{verdict[1:]}.", "", *_facts(one, costed)]
    for kind in sorted(RULES):
        rule, finding = RULES[kind], findings.get(kind)
        if finding is None:
            lines += ["", f"{kind}: {_silence(kind, one, costed)}"]
            continue
        mark = "flagged" if finding.probability >= rule.open_at else f"below its threshold of {rule.open_at:.2f}"
        lines += ["", f"{kind}: {finding.probability:.2f}, {mark}"]
        lines += textwrap.wrap(finding.sentence, WIDTH, initial_indent="  ", subsequent_indent="  ")
        lines += [f"  Cleared by: {finding.clearing}"]
        lines += [f"  {line}" for line in _sum([_figure(f) for f in finding.figures], finding.scenario) if line]
        lines += [f"  {row.view} {row.ref}: {row.says}" for row in finding.evidence]
    return "\n".join([*lines, "", *_captures(home, (one.input_quote_id, one.output_quote_id))])


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
            f"Of the price {float(left.at_mid[0]):.0%} is left at the middle cost "
            f"({float(left.at_high[0]):.0%} at the high, {float(left.at_low[0]):.0%} at the low)."
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


def _bands(history: History, evidence: Sequence[Mapping[str, str]]) -> list[Row]:
    ids = [row["ref"] for row in evidence if row["view"] == "cost_bands"]
    if not ids:
        return []
    return history.rows(
        "SELECT * FROM cost_bands WHERE list_contains($1, band_id) ORDER BY blended_mid_usd_per_mtok DESC", [ids]
    )


def _band_lines(bands: Sequence[Row]) -> Iterator[str]:
    if bands:
        yield ""
        yield "Cost by precision, USD per million tokens of the mix (low - mid - high)"
    for band in bands:
        low, mid, high = (float(str(band[f"blended_{name}_usd_per_mtok"])) for name in ("low", "mid", "high"))
        span = f"{low:.3g} - {mid:.3g} - {high:.3g}"
        yield f"  {band['precision']:<6} {span} on {band['deployment']}, rents of {band['day']}"
        yield f"         {band['trace']}"


def _evidence_lines(home: Home, evidence: Sequence[Mapping[str, str]]) -> Iterator[str]:
    yield ""
    yield "The rows behind it"
    for row in evidence:
        yield f"  {row['view']} {row['ref']}: {row['says']}"
    yield from _captures(home, [row["ref"] for row in evidence if row["view"] == "quotes"])


def _captures(home: Home, quote_ids: Sequence[str]) -> Iterator[str]:
    """The chain of each price down to the bytes it was read from."""
    known = [quote_id for quote_id in quote_ids if quote_id.isdigit()]
    if known:
        yield ""
        yield "Where the prices were read"
    for quote_id in dict.fromkeys(known):
        for chain in chains(home, quote_id, context_lines=2):
            yield textwrap.indent(chain, "  ")


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
