"""Limits that changed in the week: how much one account may use, per account tier, old and new."""

from reports.ledger import Ledger, Rows
from reports.parts import Column, Row, Section, Table
from reports.words import Words

CHANGED = """
WITH steps AS (
    SELECT limit_id, provider, listed_name, tier, region, account_tier, measure, per, amount, status, source_id,
           learned_from, observed_at, lag(amount) OVER path AS amount_old, lag(status) OVER path AS status_old,
           lag(observed_at) OVER path AS before_at
    FROM limits
    WINDOW path AS (PARTITION BY source_id, provider, listed_name, tier, region, account_tier, measure, per
                    ORDER BY observed_at, limit_id)
)
SELECT provider, listed_name, tier, account_tier, measure, per, amount_old, amount AS amount_new, status_old,
       status AS status_new, source_id, learned_from, observed_at, limit_id
FROM steps WHERE before_at IS NOT NULL AND observed_at >= ? AND observed_at <= ?
ORDER BY provider, listed_name, account_tier, measure, per, observed_at, limit_id
"""
COUNT = """
SELECT count(*) AS standing, count(DISTINCT provider) AS sellers FROM limits
WHERE observed_at <= ? AND (ended_at IS NULL OR ended_at > ?)
"""


def limits_section(ledger: Ledger, say: Words) -> Section:
    end = ledger.week.told_to_utc
    changed, standing = ledger.during(CHANGED), ledger.rows(COUNT, end, end)[0]
    columns = (
        Column("provider", say("Provider"), "code"),
        Column("listed_name", say("Listed name"), "code"),
        Column("account_tier", say("Account tier")),
        Column("measure", say("Measure"), "code"),
        Column("per", say("Per"), "code"),
        Column("limit", say("Limit"), "step"),
        Column("times", say("Moves"), "count"),
        Column("status_new", say("Status"), "code"),
        Column("observed_at", say("Since (UTC)"), "when"),
        Column("source_id", say("Source"), "code"),
    )
    rows = tuple(_net(changed))
    table = Table("limits_changed", say("Limits that changed"), columns, rows, 30, extra=("status_old", "limit_id"))
    if not standing["standing"]:
        text = say("Nothing recorded: no source of this week publishes limits.")
    else:
        text = say("{changed} limits changed; {standing} stand, of {sellers} sellers.", changed=len(rows), **standing)
    return Section("limits", say("Limits that changed"), (text,), (), (table,))


def _net(changed: Rows) -> list[Row]:
    """One row per limit: what it was before the week, what it is after, how often it moved between."""
    found: dict[tuple[object, ...], dict[str, object]] = {}
    for row in changed:
        key = tuple(
            row[name] for name in ("source_id", "provider", "listed_name", "tier", "account_tier", "measure", "per")
        )
        first = found.get(key, {"limit_old": row["amount_old"], "times": 0})
        times = int(str(first["times"])) + 1
        found[key] = {**row, "limit_old": first["limit_old"], "limit_new": row["amount_new"], "times": times}
    return list(found.values())
