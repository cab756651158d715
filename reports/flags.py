"""Flags as they stood at the end of the week, told in their own words, and how many of them to expect false.

Hearsay (a price that only a copied list or a router's headline states) says of nobody what serving it costs or how it
is served: the rules hold such flags.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from reports.billed import Billed
from reports.ledger import Ledger, Rows
from reports.parts import Column, Row, Section, Table
from reports.words import Words

FLAGS = """
WITH told AS (
    SELECT flag_id, arg_min(probability, occurred_at) AS opened_with, arg_max(probability, occurred_at) AS probability,
           arg_max(sentence, occurred_at) AS sentence, arg_max(rule_version, occurred_at) AS rule_version,
           arg_max(CAST(evidence AS VARCHAR), occurred_at) AS evidence
    FROM flag_events WHERE occurred_at <= ? GROUP BY flag_id
)
SELECT f.flag_id, f.kind, coalesce(t.rule_version, f.rule_version) AS rule_version, f.offer, f.provider, f.model_id,
       coalesce(t.probability, f.probability) AS probability, coalesce(t.opened_with, f.probability) AS opened_with,
       f.calibrated, coalesce(t.sentence, f.sentence) AS sentence, f.clearing, f.scenario, f.opened_at, f.cause,
       CASE WHEN f.closed_at <= ? THEN f.closed_at END AS closed_at,
       coalesce(t.evidence, CAST(f.evidence AS VARCHAR)) AS evidence_text,
       coalesce(contains(f.figures, '"label"'), false) AS says_itself,
       coalesce(contains(f.figures, '"log_odds_audit"'), false) AS is_audited
FROM flags f LEFT JOIN told t USING (flag_id) WHERE f.opened_at <= ?
ORDER BY probability DESC, f.kind, f.offer, f.opened_at, f.flag_id
"""
COPIES = "SELECT source_id FROM sources WHERE kind IN ('catalogue', 'bundled')"  # a router bills what it states
DOUBTING = ("stale_listing", "unit_suspect", "source_conflict")
RATES = ("opened", "false_opened", "standing", "false_standing")
GRAVEST = ("below_cost", "likely_quantized", "precision_changed", "teaser_price", "speed_claim")  # are told first


@dataclass(frozen=True, slots=True)
class Flags:
    """All flags opened by the end of the week; `closed_at` is None in the rows of those that stood."""

    rows: Rows
    doubted: frozenset[str]  # offers whose price itself an open flag doubts: no ground for another flag
    copied: frozenset[str]  # offers whose price only a copy states

    def standing(self, *kinds: str, last: Collection[str] = ()) -> Rows:
        """Those of a kind that stood, the surest first; doubted offers and those in `last` behind all others."""
        found = [flag for flag in self.rows if flag["kind"] in kinds and flag["closed_at"] is None]
        behind = self.doubted | set(last)
        return sorted(found, key=lambda flag: (flag["offer"] in behind, -flag["probability"], flag["offer"]))


def flags_at(ledger: Ledger, after: Mapping[int, Billed]) -> Flags:
    """The flags of the week's end, in the words they had then."""
    end = ledger.week.told_to_utc
    rows = ledger.rows_of("flags", FLAGS, end, end, end)
    doubted = {str(row["offer"]) for row in rows if row["kind"] in DOUBTING and row["closed_at"] is None}
    copies = {row["source_id"] for row in ledger.rows(COPIES)}
    return Flags(
        rows,
        frozenset(doubted),
        frozenset(side.offer for side in after.values() if side.source_id in copies),
    )


def offers_told(flags: Iterable[Row], shown: int = 3) -> str:
    """`a/x (0.91), b/y (0.90)`: the first few, one per seller."""
    by_seller: dict[str, str] = {}
    for flag in flags:
        by_seller.setdefault(str(flag["provider"]), f"{flag['offer']} ({flag['probability']:.2f})")
    return ", ".join(list(by_seller.values())[:shown])


def flag_table(table_id: str, title: str, flags: Rows, say: Words, folded: bool = False) -> Table:
    columns = (
        Column("offer", say("Offer"), "code"),
        Column("probability", say("Probability"), "probability"),
        Column("sentence", say("What is said")),
        Column("clearing", say("What would clear it")),
        Column("scenario", say("Assumption"), "code"),
        Column("opened_at", say("Since (UTC)"), "when"),
        Column("flag_id", say("Flag ID"), "code"),
    )
    extra = ("kind", "rule_version", "calibrated", "closed_at", "evidence_text")
    note = say("`tracker explain FLAG_ID` gives the sum and the rows behind a flag.")
    return Table(table_id, title, columns, tuple(flags), 10, note, extra, folded)


def flags_section(ledger: Ledger, flags: Flags, say: Words) -> Section:
    """Opened and closed in the week, one line each, and how many to expect false."""
    title = say("Flags opened and closed")
    if not flags.rows:
        text = say("Nothing recorded: no assessment has run on this ledger up to the end of the week.")
        return Section("flags", title, (text,))
    start = ledger.week.start_utc
    ranked = sorted(flags.rows, key=lambda flag: (flag["offer"] in flags.copied, _gravity(flag["kind"])))
    opened = [flag for flag in ranked if flag["opened_at"] >= start]
    closed = [flag for flag in ranked if flag["closed_at"] is not None and flag["closed_at"] >= start]
    rates = rates_of(flags.rows, start)

    def told(doubting: bool) -> dict[str, str]:
        found = {key: sum(row[key] for row in rates if (row["kind"] in DOUBTING) == doubting) for key in RATES}
        found["closed"] = sum((flag["kind"] in DOUBTING) == doubting for flag in closed)
        return {key: f"{count:,.0f}" for key, count in found.items()}

    sentences = [
        say(
            "Flags about what is sold, opened: {opened}; closed: {closed}; standing at the end of the week: "
            "{standing}. If their probabilities are right, {false_opened} of the opened and {false_standing} of the "
            "standing ones are false.",
            **told(doubting=False),
        ),
        say(
            "Doubts about a listing itself (stale, a wrong unit, sources in conflict), opened: {opened}; closed: "
            "{closed}; standing: {standing}. They accuse nobody; such prices are left out above.",
            **told(doubting=True),
        ),
    ]
    first = min(flag["opened_at"] for flag in flags.rows)
    if first >= start:
        sentences.append(say("The ledger was first assessed in this week, on {day}: what that day opened at once is no "
                             "weekly rate.", day=f"{first:%Y-%m-%d}"))  # fmt: skip
    tables = (
        _rates_table(rates, say),
        _lines("flags_opened", say("Opened"), opened, say, Column("probability", say("Probability"), "probability"),
               Column("sentence", say("What is said")), Column("opened_at", say("At (UTC)"), "when")),
        _lines("flags_closed", say("Closed"), closed, say, Column("cause", say("Why it closed")),
               Column("sentence", say("What was said")), Column("closed_at", say("At (UTC)"), "when")),
    )  # fmt: skip
    return Section("flags", title, tuple(sentences), (), tables)


def _gravity(kind: str) -> int:
    if kind in GRAVEST:
        return GRAVEST.index(kind)
    return len(GRAVEST) + (kind in DOUBTING)


def rates_of(flags: Rows, start: datetime) -> Rows:
    """Per kind: opened in the week and standing, each with the sum of one minus the probability."""
    found: defaultdict[str, dict[str, float]] = defaultdict(lambda: dict.fromkeys(RATES, 0.0))
    for flag in flags:
        row = found[flag["kind"]]
        if flag["opened_at"] >= start:
            row["opened"] += 1
            row["false_opened"] += 1 - flag["opened_with"]
        if flag["closed_at"] is None:
            row["standing"] += 1
            row["false_standing"] += 1 - flag["probability"]
    return [{"kind": kind, **found[kind]} for kind in sorted(found, key=lambda kind: (_gravity(kind), kind))]


def _rates_table(rates: Rows, say: Words) -> Table:
    columns = (
        Column("kind", say("Kind"), "code"),
        Column("opened", say("Opened in the week"), "count"),
        Column("false_opened", say("expected false"), "tenths"),
        Column("standing", say("Standing"), "count"),
        Column("false_standing", say("expected false"), "tenths"),
    )
    note = say("Expected false: the sum of one minus the probability. The view `flag_rates` has the average of all "
               "weeks.")  # fmt: skip
    return Table("flags_expected_false", say("How many to expect false"), columns, tuple(rates), 20, note)


def _lines(table_id: str, title: str, flags: Rows, say: Words, *own: Column) -> Table:
    """One line each: what a seller or a router states first, then what only a copy states."""
    columns = (Column("kind", say("Kind"), "code"), Column("offer", say("Offer"), "code"), *own)
    extra = ("probability", "cause", "opened_at", "closed_at", "flag_id", "clearing", "scenario")
    shown = {column.key for column in own}
    return Table(table_id, title, columns, tuple(flags), 12, extra=tuple(name for name in extra if name not in shown))
