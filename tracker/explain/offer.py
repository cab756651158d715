"""Every rule's view of one offer, flagged or clean, with the cost it is held against; nothing is written."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime

import numpy as np

from tracker.assess.costs import Costed, open_model
from tracker.assess.inputs import Situation
from tracker.assess.run import explain_offer
from tracker.cost import RentTable
from tracker.explain import cost as explain_cost
from tracker.explain.rows import captured_lines, charts
from tracker.explain.sketches import wrapped
from tracker.flags import RULES, Finding, below_cost
from tracker.market.margins import margins, ratio
from tracker.settings import Home
from warehouse.history import open_history


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
        lines += wrapped(finding.sentence)
        lines += wrapped(_clears(finding))
        lines += [
            f"  {line}"
            for line in explain_cost.sum_lines([asdict(f) for f in finding.figures], finding.scenario)
            if line
        ]
        lines += [f"  {row.view} {row.ref}: {row.says}" for row in finding.evidence]
    lines += ["", "Silent rules", *(f"  {', '.join(kinds)}: {why}" for why, kinds in silent.items())]
    evidence = [asdict(row) for finding in findings.values() for row in finding.evidence]
    quotes = [{"view": "quotes", "ref": ref} for ref in (one.input_quote_id, one.output_quote_id)]
    with open_history(home.history) as history:
        lines += _offer_cost(costed, judged.rents.table)
        moment = at or history.rows("SELECT now_utc FROM clock")[0]["now_utc"]
        assert isinstance(moment, datetime)
        lines += charts(history, one.offer, one.source_id, moment)
        lines += captured_lines(home, history, [*quotes, *evidence], moment)
    return "\n".join(lines)


def _clears(finding: Finding) -> str:
    """What would clear a finding, or what keeps it clean."""
    if finding.clearing.startswith(below_cost.CLEAN_WHILE):
        return finding.clearing
    flagged = finding.probability >= RULES[finding.kind].open_at
    return f"{'Cleared by' if flagged else 'Would be cleared by'}: {finding.clearing}"


def _offer_cost(costed: Costed | None, rents: RentTable) -> Iterator[str]:
    """Assumptions, chart and deployments of the cost at the precision on sale."""
    if costed is None or costed.standing is None:
        return
    rows = [(b.precision, b.blended.low, b.blended.mid, b.blended.high) for b in costed.bands]
    yield from explain_cost.cost_lines(costed.question, rows, costed.standing.price)
    yield from explain_cost.deployment_lines(costed.question, rents)


def _facts(one: Situation, costed: Costed | None) -> Iterator[str]:
    price = " and ".join(
        f"{amount:g} USD per million {side}"
        for side, amount in (("in", one.input_quoted_usd), ("out", one.output_quoted_usd))
        if amount is not None
    )
    yield f"On sale since {one.since:%Y-%m-%d} for {price or 'no published price'}, as read from {one.source_id}."
    label = f"declares {one.label.value} (since {one.label.since:%Y-%m-%d})" if one.label else "declares no precision"
    pace = f"{one.tok_s_seen:.3g} tok/s per user" if one.tok_s_seen else "speed not measured"
    first = f"first token after {one.ttft_s_seen:.3g} s" if one.ttft_s_seen else "first token not measured"
    by = f" ({', '.join(one.speed_sources)})" if one.speed_sources else ""
    yield f"It {label}; {pace}, {first}{by}."
    if one.flip_flops:
        mean = " and ".join(
            f"{amount:.3g} {side}" for side, amount in (("in", one.input_usd), ("out", one.output_usd)) if amount
        )
        yield f"Its price flip-flops; it is judged by its time-weighted mean of seven days, {mean}."
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
            if one.is_hearsay:
                return "not judged: nobody who serves it shows it, and its host labels this model nowhere"
            return "nothing: no label, and its host labels too few other models to show a habit, or shows a clean one"
        return f"nothing: it declares {one.label.value}"
    if kind == "teaser_price" and not one.limits:
        return "not judged: no limit of this offer was read"
    if kind == "speculative_decoding":
        return "not judged: nobody ran regular against hard text"
    return "nothing found"
