"""Flags read out: lists, the note behind one flag, the false ones to expect, and the effect of a change."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime

from tracker.assess.costs import rented
from tracker.cost import Question, RentTable
from tracker.errors import UsageError
from tracker.explain import cost as explain_cost
from tracker.explain.rows import captured_lines, charts
from tracker.explain.sketches import wrapped
from tracker.flags import RULES, below_cost
from tracker.flags.lifecycle import Step
from tracker.settings import Home
from warehouse import flag_facts
from warehouse.history import History, open_history

Row = dict[str, object]
_LIST = """
SELECT flag_id AS id, kind, probability, offer, split_part(sentence, '. ', 1) AS sentence, opened_at, closed_at
FROM flags
WHERE ($1 = '' OR kind = $1) AND ($3 = '' OR provider = $3) AND (NOT $4 OR closed_at IS NULL)
  AND ($2 = '' OR lower(model_id) = lower($2) OR lower(split_part(model_id, '/', 2)) = lower($2)
       OR contains(lower(offer), '/' || lower($2)))
  AND ($5 IS NULL OR opened_at >= $5 OR closed_at >= $5)
ORDER BY closed_at IS NOT NULL, kind IN {doubts}, probability DESC, kind, offer LIMIT $6
"""
DOUBTS = ("stale_listing", "unit_suspect", "source_conflict")  # of the listing itself: they accuse nobody, so come last


def listed_flags(
    history: History, kind: str, model: str, provider: str, only_open: bool, since: datetime | None, limit: int
) -> list[Row]:
    """Flags as a table; an unknown kind is an error, not an empty answer."""
    if kind and kind not in RULES:
        raise UsageError(f"no kind {kind!r}; there are {', '.join(sorted(RULES))}")
    return history.rows(_LIST.format(doubts=DOUBTS), [kind, model, provider, only_open, since, limit])


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
    yield from wrapped(str(flag["sentence"]), "")
    yield from _paragraph("What would clear it", str(flag["clearing"]))
    yield from explain_cost.sum_lines(figures, scenario)
    if bands := _bands(history, evidence):
        amounts = {str(figure["name"]): float(figure["value"]) for figure in figures}
        question = _question(bands[0], amounts)
        yield from explain_cost.cost_lines(question, [_chart_row(band) for band in bands], _mix_price(history, flag))
        yield from explain_cost.deployment_lines(question, _rents(history, bands[0]["day"]))
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
        yield from wrapped(told, hanging=" " * 33)


def _question(band: Row, amounts: Mapping[str, float]) -> Question:
    """What the stored band answered, prices aside, with what the flag's figures say was observed."""
    day, tok_s, ttft_s = band["day"], band["tok_s"], band["ttft_s"]
    known = (("cache_hit", amounts["cache_hit"]),) if "cache_hit" in amounts else ()
    seen = (("prompt", below_cost.PROMPT_SEEN), ("output", below_cost.OUTPUT_SEEN))
    typical = tuple((name, amounts[figure]) for name, figure in seen if figure in amounts)
    assert isinstance(day, date)
    return Question(
        str(band["model_id"]), str(band["precision"]), None, None, day, str(band["scenario"]),
        None if tok_s is None else float(str(tok_s)), None if ttft_s is None else float(str(ttft_s)), known=known,
        typical=typical, draft_gain=amounts.get(below_cost.DRAFT_SEEN),
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
    return ["", title, *wrapped(text)]


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


def effect_of(steps: Sequence[Step]) -> str:
    """A change of rules in one line."""
    count = Counter(step.action for step in steps)
    return (
        f"rules or facts have changed since the last assessment: {count['opened']} flags open by it, {count['closed']} "
        f"close, {count['cooled']} start to close, {count['kept']} change"
    )
