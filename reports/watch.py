"""Is it served as sold? Precision declared, changed, audited and suspected; and prices that hold only at a trickle."""

from reports.flags import Flags, flag_table
from reports.ledger import Ledger, Rows
from reports.parts import Column, Section, Table
from reports.words import Words

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
AUDITED = """
SELECT audit_id, started_at, offer, reference, verdict, p_value, power, queries, sentence,
       verdict IN ('differs', 'another_model') AS is_different
FROM audits
WHERE method = 'verdict' AND started_at <= ? AND NOT (verdict = 'not_detectable' AND e_value IS NOT NULL)
QUALIFY row_number() OVER (PARTITION BY offer, reference ORDER BY started_at DESC, audit_id) = 1
ORDER BY started_at DESC, audit_id
"""  # the newest of each offer and reference; the silence of a watch is none


def teaser_section(flags: Flags, say: Words) -> Section:
    """Prices that hold only under their rate limit."""
    title, chosen = say("Teaser prices"), flags.standing("teaser_price")
    none = say("Nothing recorded: no open flag says that a price holds only below its rate limit.")
    text = say(
        "Prices flagged to hold only below their rate limit: {count}.", count=len(chosen)
    ) if chosen else none  # fmt: skip
    tables = (flag_table("teasers", title, chosen, say),)
    return Section("teasers", title, (text,), (), tables)


def suspects(flags: Rows) -> Rows:
    """Those that declare nothing lower and that no audit has judged: suspected by circumstance alone."""
    return [flag for flag in flags if not flag["says_itself"] and not flag["is_audited"]]


def quantization_section(ledger: Ledger, flags: Flags, say: Words) -> Section:
    """Declared, changed, audited, suspected."""
    end = ledger.week.told_to_utc
    changed, declared = ledger.during(PRECISION), ledger.rows(DECLARED, end, end)
    lower = flags.standing("likely_quantized")
    itself = [flag for flag in lower if flag["says_itself"]]
    suspected = suspects(lower)
    found_lower = [flag for flag in lower if flag["is_audited"]]
    relabelled = flags.standing("precision_changed")
    audits = ledger.rows_of("audits", AUDITED, end)
    text = (
        say(
            "Offers that declare a precision: {declared}; declarations that changed in the week: {changed}; audits "
            "recorded: {audited}.",
            declared=sum(row["offers"] for row in declared), changed=len(changed), audited=len(audits),
        ),
        say(
            "Below the precision the model was released in by a declared label, on the seller's page, a router's or in "
            "the name: {itself} (no deceit, but not the full model).",
            itself=len(itself),
        ),
        say(
            "Worth an audit: {suspected} offers declare nothing and look like it from circumstance alone (what the "
            "seller declares for its other models, its price, its speed). This is no finding: `tracker audit OFFER "
            "--reference OFFER` makes one.",
            suspected=len(suspected),
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
    tables = (
        Table("precision_changed", say("Declarations that changed"), changes, tuple(changed), 30),
        flag_table("relabelled", say("Changed under the same name: the label, or what audits find"), relabelled, say),
        _audit_table(audits, say),
        flag_table("lower_by_audit", say("Likely below the released precision after an audit"), found_lower, say),
        _by_seller(suspected, say),
        flag_table("suspected", say("Worth an audit: nothing is declared"), suspected, say, folded=True),
        flag_table("below_native", say("Below the released precision by a declared label"), itself, say, folded=True),
        Table("precision_declared", say("Declared at the end of the week"), counts, tuple(declared), 20),
    )
    return Section("quantization", say("Quantization watch"), text, (), tables)


def _by_seller(suspected: Rows, say: Words) -> Table:
    """Circumstance tells of a seller more than of an offer: one line each, most offers first."""
    by_seller: dict[str, Rows] = {}
    for flag in suspected:
        by_seller.setdefault(flag["provider"], []).append(flag)
    rows = [
        {"seller": seller, "offers": len(own), "models": ", ".join(dict.fromkeys(flag["model_id"] for flag in own[:6])),
         "probability": own[0]["probability"]}
        for seller, own in sorted(by_seller.items(), key=lambda item: (-len(item[1]), item[0]))
    ]  # fmt: skip
    columns = (
        Column("seller", say("Seller"), "code"),
        Column("offers", say("Offers"), "count"),
        Column("probability", say("Surest"), "probability"),
        Column("models", say("Models"), "code"),
    )
    return Table("suspected_sellers", say("Sellers worth an audit"), columns, tuple(rows), 20)


def _audit_table(audits: Rows, say: Words) -> Table:
    columns = (
        Column("offer", say("Offer"), "code"),
        Column("reference", say("Against"), "code"),
        Column("verdict", say("Verdict"), "code"),
        Column("sentence", say("What is said")),
        Column("started_at", say("At (UTC)"), "when"),
    )
    extra = ("audit_id", "p_value", "power", "queries")
    return Table("audited", say("Audited"), columns, tuple(audits), 20, extra=extra)
