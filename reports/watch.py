"""What the ledger suspects: flags as they stood at the end of the week, by kind, in the flag's own words."""

from collections.abc import Collection, Iterable, Sequence

from reports.ledger import Ledger, Rows
from reports.parts import Column, Row, Section, Table
from reports.words import Words

FLAGS = """
SELECT flag_id, kind, rule_version, offer, provider, model_id, probability, calibrated, sentence, clearing, scenario,
       opened_at, CASE WHEN closed_at <= ? THEN closed_at END AS closed_at, CAST(evidence AS VARCHAR) AS evidence_text,
       coalesce(contains(figures, '"label"'), false) AS says_itself
FROM flags WHERE opened_at <= ? ORDER BY probability DESC, kind, offer, opened_at, flag_id
"""
PRECISION = """
WITH steps AS (
    SELECT offer, provider, model_id, value, source_id, observed_at, ended_at, offer_id, declaration_id,
           lag(value) OVER (PARTITION BY offer_id, source_id ORDER BY observed_at, declaration_id) AS value_old
    FROM declarations WHERE attribute = 'precision'
)
SELECT offer, provider, model_id AS model, value_old, value AS value_new, source_id AS source, observed_at
FROM steps WHERE value_old <> value AND observed_at >= ? AND observed_at <= ?
ORDER BY model, offer, observed_at, source
"""
DECLARED = """
SELECT value AS precision, count(DISTINCT offer_id) AS offers, count(DISTINCT provider) AS sellers FROM declarations
WHERE attribute = 'precision' AND observed_at <= ? AND (ended_at IS NULL OR ended_at > ?)
GROUP BY value ORDER BY offers DESC, value
"""
DOUBTING = ("stale_listing", "unit_suspect", "source_conflict")
AUDITED = "SELECT COLUMNS(*) FROM audits ORDER BY ALL LIMIT 200"


def flags_at(ledger: Ledger) -> Rows:
    """All flags opened by the end of the week; `closed_at` is empty while one stood."""
    end = ledger.week.told_to_utc
    return ledger.rows_of("flags", FLAGS, end, end)


def standing(flags: Rows, *kinds: str) -> Rows:
    """Those of a kind that were open at the end of the week."""
    return [flag for flag in flags if flag["kind"] in kinds and flag["closed_at"] is None]


def doubted_offers(flags: Rows) -> frozenset[str]:
    """Offers whose price itself an open flag doubts: not to be bought from, and no ground for another flag."""
    return frozenset(str(flag["offer"]) for flag in standing(flags, *DOUBTING))


def ranked(flags: Rows, last: Collection[str]) -> Rows:
    """The surest first, offers in `last` behind all others."""
    return sorted(flags, key=lambda flag: (flag["offer"] in last, -flag["probability"], flag["offer"]))


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


def _section(section_id: str, title: str, text: str, tables: Sequence[Table]) -> Section:
    return Section(section_id, title, (text,), (), tuple(tables))


def teaser_section(flags: Rows, say: Words) -> Section:
    """Prices that hold only under their rate limit."""
    chosen = ranked(standing(flags, "teaser_price"), doubted_offers(flags))
    none = say("Nothing recorded: no open flag says that a price holds only below its rate limit.")
    text = say("Prices flagged to hold only below their rate limit: {count}.", count=len(chosen)) if chosen else none
    return _section("teasers", say("Teaser prices"), text, [flag_table("teasers", say("Teaser prices"), chosen, say)])


def quantization_section(ledger: Ledger, flags: Rows, say: Words) -> Section:
    """Declared, changed, suspected, audited."""
    end = ledger.week.told_to_utc
    changed, declared = ledger.during(PRECISION), ledger.rows(DECLARED, end, end)
    doubted = doubted_offers(flags)
    lower = ranked(standing(flags, "likely_quantized"), doubted)
    suspected = [flag for flag in lower if not flag["says_itself"]]
    relabelled = ranked(standing(flags, "precision_changed"), doubted)
    audits = ledger.rows_of("audits", AUDITED)
    text = (
        say(
            "Offers that declare a precision: {declared}; declarations that changed in the week: {changed}; audits "
            "recorded: {audited}.",
            declared=sum(row["offers"] for row in declared), changed=len(changed), audited=len(audits),
        ),
        say(
            "Flagged as served below the precision the model was released in: {itself} that say so themselves, on "
            "their page or in the name (no deceit, but not the full model), and {suspected} that declare nothing and "
            "are suspected from circumstance: what the seller declares for its other models, its price, its speed. "
            "Only an audit can prove it.",
            itself=len(lower) - len(suspected), suspected=len(suspected),
        ),
    )  # fmt: skip
    changes = (
        Column("model", say("Model"), "code"),
        Column("offer", say("Offer"), "code"),
        Column("value_old", say("Declared before"), "code"),
        Column("value_new", say("Declared now"), "code"),
        Column("observed_at", say("Since (UTC)"), "when"),
        Column("source", say("Source"), "code"),
    )
    counts = (Column("precision", say("Declared"), "code"), Column("offers", say("Offers"), "count"),
              Column("sellers", say("Sellers"), "count"))  # fmt: skip
    tables = [
        Table("precision_changed", say("Declarations that changed"), changes, tuple(changed), 30),
        flag_table("relabelled", say("Sold under the same name with another label than before"), relabelled, say),
        flag_table("suspected", say("Suspected: nothing is declared"), suspected, say),
        flag_table(
            "below_native",
            say("Below the released precision by their own word"),
            [flag for flag in lower if flag["says_itself"]],
            say,
            folded=True,
        ),
        Table("audited", say("Audited"), _columns_of(audits), tuple(audits), 20),
        Table("precision_declared", say("Declared at the end of the week"), counts, tuple(declared), 20),
    ]
    return Section("quantization", say("Quantization watch"), text, (), tuple(tables))


def _columns_of(rows: Rows) -> tuple[Column, ...]:
    return tuple(Column(name, name, "code") for name in (rows[0] if rows else ()))


def flags_section(ledger: Ledger, flags: Rows, say: Words) -> Section:
    """Opened and closed in the week, one line each."""
    week = ledger.week

    def within(key: str) -> Rows:
        return [flag for flag in flags if flag[key] is not None and flag[key] >= week.start_utc]

    opened, closed = within("opened_at"), within("closed_at")
    if not flags:
        text = say("Nothing recorded: no assessment has run on this ledger up to the end of the week.")
        return _section("flags", say("Flags opened and closed"), text, ())
    text = say(
        "Flags opened: {opened}; closed: {closed}; standing at the end of the week: {standing}.",
        opened=len(opened), closed=len(closed), standing=sum(flag["closed_at"] is None for flag in flags),
    )  # fmt: skip
    tables = [
        _lines("flags_opened", say("Opened"), opened, "opened_at", say),
        _lines("flags_closed", say("Closed"), closed, "closed_at", say),
    ]
    return _section("flags", say("Flags opened and closed"), text, tables)


def _lines(table_id: str, title: str, flags: Rows, at: str, say: Words) -> Table:
    columns = (
        Column("kind", say("Kind"), "code"),
        Column("offer", say("Offer"), "code"),
        Column("probability", say("Probability"), "probability"),
        Column("sentence", say("What is said")),
        Column(at, say("At (UTC)"), "when"),
    )
    return Table(table_id, title, columns, tuple(flags), 12, extra=("flag_id", "clearing", "scenario"))
