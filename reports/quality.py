"""How far to trust this week's data: sources read and missed, rows held, conflicts, names nobody has matched."""

from datetime import timedelta

from reports.ledger import Ledger, Rows
from reports.parts import Column, Section, Table
from reports.words import Words

SOURCES = """
WITH week AS (
    SELECT source_id, count(*) FILTER (outcome <> 'failed') AS good, count(*) FILTER (outcome = 'failed') AS failed,
           count(DISTINCT CAST(observed_at AS DATE)) FILTER (outcome <> 'failed') AS days,
           min(observed_at) FILTER (outcome <> 'failed') AS first_good_at,
           max(observed_at) FILTER (outcome <> 'failed') AS last_good_at, max(row_count) AS row_count,
           sum(opened) AS opened, sum(closed) AS closed, sum(held) AS held, max(notices) AS notices,
           arg_max(problem, observed_at) FILTER (problem <> '') AS problem
    FROM passes WHERE observed_at >= ? AND observed_at <= ? GROUP BY source_id
), before AS (
    SELECT source_id, max(observed_at) AS last_good_before,
           count(DISTINCT CAST(observed_at AS DATE)) FILTER (observed_at >= ?) AS days_before
    FROM passes WHERE outcome <> 'failed' AND observed_at < ? GROUP BY source_id
)
SELECT s.source_id, s.title, s.kind, s.every_hours, s.url, coalesce(w.good, 0) AS good, coalesce(w.failed, 0) AS failed,
       coalesce(w.days, 0) AS days, coalesce(w.last_good_at, b.last_good_before) AS last_good_at, w.first_good_at,
       b.last_good_before, coalesce(b.days_before, 0) AS days_before, w.row_count, w.opened,
       w.closed, w.held, w.notices, w.problem
FROM sources s LEFT JOIN week w USING (source_id) LEFT JOIN before b USING (source_id)
WHERE w.source_id IS NOT NULL OR b.source_id IS NOT NULL
ORDER BY coalesce(w.row_count, 0) DESC, s.source_id
"""
HELD = """
SELECT offer, component, amount, currency, reason, detail, state, source_id, raw, observed_at, decided_by, hold_id
FROM held WHERE observed_at >= ? AND observed_at <= ?
ORDER BY state DESC, source_id, offer, component, observed_at, hold_id
"""
CONFLICTS = """
SELECT offer, component, amount, source_id, other_amount, other_source_id, currency, ratio, quote_id, other_quote_id
FROM conflicts WHERE NOT contains(other_copies, source_id) AND other_copies <> '*'
ORDER BY abs(ln(ratio)) DESC, offer, component, source_id, other_source_id LIMIT 500
"""
UNMATCHED = "SELECT provider, listed_name, source_id, source_count, quote_count FROM unmatched_names ORDER BY ALL"


def source_rows(ledger: Ledger) -> Rows:
    """One row per source that was ever read by the end of the week."""
    week = ledger.week
    return ledger.rows(SOURCES, week.start_utc, week.told_to_utc, week.start_utc - timedelta(days=7), week.start_utc)


def coverage_warnings(ledger: Ledger, sources: Rows, say: Words) -> tuple[str, ...]:
    """Why this week is told only in part, in one sentence each."""
    week, warnings = ledger.week, []
    if week.cut_short:
        warnings.append(
            say("Partial week: the ledger ends on {at} UTC.", at=f"{week.told_to_utc:%Y-%m-%d %H:%M}")
        )  # fmt: skip
    for row in sources:
        first, last = row["first_good_at"], row["last_good_at"]
        if row["kind"] not in PRICE_KINDS or max(row["days"], row["days_before"]) < REGULAR_DAYS:
            continue
        if row["last_good_before"] is None and first and first - week.start_utc > DAILY:
            warnings.append(
                say("Partial week for {source}: read since {at} UTC; what it changed before that is not known.",
                    source=row["source_id"], at=f"{first:%Y-%m-%d %H:%M}")
            )  # fmt: skip
        if last and week.told_to_utc - last > DAILY:
            warnings.append(
                say("Partial week for {source}: last read on {at} UTC, so nothing after that is told.",
                    source=row["source_id"], at=f"{last:%Y-%m-%d %H:%M}")
            )  # fmt: skip
    return tuple(warnings)


PRICE_KINDS = frozenset(("seller", "host", "market", "catalogue"))
REGULAR_DAYS = 3  # read on fewer days than this, a source is a snapshot, and no week of it is whole
DAILY = timedelta(hours=25)


def quality_section(ledger: Ledger, sources: Rows, say: Words) -> Section:
    held = ledger.during(HELD)
    conflicts, unmatched = ledger.rows(CONFLICTS), ledger.rows(UNMATCHED)
    read = sum(1 for row in sources if row["good"])
    waiting = sum(row["state"] == "waiting" for row in held)
    text = say(
        "{read} of {known} sources were read in the week, {failed} had failed passes; {held} rows were held for doubt, "
        "{waiting} of them still wait. Today {conflicts} prices are told differently by two sources, and {names} "
        "listed names have no model.",
        read=read, known=len(sources), failed=sum(bool(row["failed"]) for row in sources), held=len(held),
        waiting=waiting, conflicts=len(conflicts), names=len(unmatched),
    )  # fmt: skip
    tables = (_sources_table(sources, say), _held_table(held, say), _conflicts_table(conflicts, say),
              _unmatched_table(unmatched, say))  # fmt: skip
    return Section("quality", say("Data quality"), (text,), (), tables)


def _sources_table(sources: Rows, say: Words) -> Table:
    columns = (
        Column("source_id", say("Source"), "code"),
        Column("kind", say("Kind")),
        Column("good", say("Good passes"), "count"),
        Column("failed", say("Failed"), "count"),
        Column("days", say("Days read"), "count"),
        Column("last_good_at", say("Last good (UTC)"), "when"),
        Column("row_count", say("Rows"), "count"),
        Column("opened", say("Versions opened"), "count"),
        Column("held", say("Held"), "count"),
        Column("problem", say("Problem")),
    )
    return Table(
        "sources",
        say("Sources"),
        columns,
        tuple(sources),
        60,
        extra=("title", "every_hours", "closed", "notices"),
        folded=True,
    )


def _held_table(held: Rows, say: Words) -> Table:
    columns = (
        Column("offer", say("Offer"), "code"),
        Column("component", say("Component"), "code"),
        Column("amount", say("Doubted price"), "money"),
        Column("currency", say("Currency")),
        Column("reason", say("Reason"), "code"),
        Column("detail", say("Compared with")),
        Column("state", say("State")),
        Column("source_id", say("Source"), "code"),
        Column("observed_at", say("Seen (UTC)"), "when"),
        Column("times", say("Times"), "count"),
    )
    latest: dict[tuple[object, ...], dict[str, object]] = {}
    for row in held:
        key = (row["source_id"], row["offer"], row["component"], row["reason"])
        times = int(str(latest[key]["times"])) + 1 if key in latest else 1
        newer = latest[key] if key in latest and latest[key]["observed_at"] > row["observed_at"] else row
        latest[key] = {**newer, "times": times}
    rows = sorted(latest.values(), key=lambda row: row["state"] != "waiting")
    return Table("held", say("Held rows"), columns, tuple(rows), 25, extra=("raw", "decided_by", "hold_id"),
                 folded=True)  # fmt: skip


def _conflicts_table(conflicts: Rows, say: Words) -> Table:
    rows = tuple({**row, "quotes": (row["quote_id"], row["other_quote_id"])} for row in conflicts)
    columns = (
        Column("offer", say("Offer"), "code"),
        Column("component", say("Component"), "code"),
        Column("source_id", say("Source"), "code"),
        Column("amount", say("says"), "money"),
        Column("other_source_id", say("Other source"), "code"),
        Column("other_amount", say("says"), "money"),
        Column("currency", say("Currency")),
        Column("quotes", say("Evidence"), "evidence"),
    )
    return Table("conflicts", say("Sources that disagree today"), columns, rows, 15, extra=("ratio",), folded=True)


def _unmatched_table(unmatched: Rows, say: Words) -> Table:
    columns = (
        Column("provider", say("Provider"), "code"),
        Column("listed_name", say("Listed name"), "code"),
        Column("source_id", say("Source"), "code"),
        Column("quote_count", say("Quotes"), "count"),
    )
    return Table("unmatched_names", say("Names without a model today"), columns, tuple(unmatched), 10, folded=True)
