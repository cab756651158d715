"""What accelerators rented for: medians at the week's ends and over twelve weeks, on demand and spot kept apart."""

from datetime import timedelta

from reports import figures
from reports.ledger import Ledger, Rows
from reports.parts import Chart, Column, Section, Table
from reports.words import Words

MEDIANS = """
WITH moments AS (SELECT unnest(?::TIMESTAMP[]) AS moment), standing AS (
    SELECT m.moment, r.accelerator, r.commitment, r.lessor, r.usd_per_gpu_hour
    FROM moments m JOIN rentals r ON r.valid_from <= m.moment AND r.valid_to > m.moment
    WHERE r.usd_per_gpu_hour > 0
    QUALIFY row_number() OVER (
        PARTITION BY m.moment, r.source_id, r.lessor, r.listed_name, r.region, r.commitment, r.gpu_count, r.form
        ORDER BY r.valid_from DESC, r.rental_id) = 1
)
SELECT moment AS "at", accelerator, commitment, count(*) AS prices, count(DISTINCT lessor) AS lessors,
       min(usd_per_gpu_hour) AS low, median(usd_per_gpu_hour) AS median, max(usd_per_gpu_hour) AS high
FROM standing GROUP BY moment, accelerator, commitment ORDER BY accelerator, commitment, moment
"""
CHARTED = 6


def rents_section(ledger: Ledger, say: Words) -> Section:
    week = ledger.week
    moments = [week.before_utc - timedelta(weeks=back) for back in range(11, -1, -1)] + [week.told_to_utc]
    medians = ledger.rows_of("rentals", MEDIANS, moments)
    old = {(r["accelerator"], r["commitment"]): r for r in medians if r["at"] == week.before_utc}
    rows = []
    for row in medians:
        if row["at"] == week.told_to_utc:
            before = old.get((row["accelerator"], row["commitment"]))
            change = row["median"] / before["median"] - 1 if before else None
            rows.append(
                {**row, "median_old": before and before["median"], "median_new": row["median"], "change": change}
            )
    rows.sort(key=lambda row: (-row["prices"], row["accelerator"], row["commitment"]))
    columns = (
        Column("accelerator", say("Accelerator"), "code"),
        Column("commitment", say("Commitment"), "code"),
        Column("lessors", say("Lessors"), "count"),
        Column("prices", say("Prices"), "count"),
        Column("low", say("lowest"), "money"),
        Column("median", say("Median $/h"), "step"),
        Column("high", say("highest"), "money"),
        Column("change", say("Change"), "change"),
    )
    table = Table("rents", say("Rent of one accelerator, USD per hour"), columns, tuple(rows), 30)
    if not rows:
        return Section(
            "rents", say("Accelerator rents"), (say("Nothing recorded: no rental price stood in this week."),)
        )
    text = say("{count} prices of {lessors} lessors at most per accelerator; the median of what each lessor lists.",
               count=sum(row["prices"] for row in rows), lessors=max(row["lessors"] for row in rows))  # fmt: skip
    return Section("rents", say("Accelerator rents"), (text,), _chart(medians, rows, say), (table,))


def _chart(medians: Rows, rows: Rows, say: Words) -> tuple[Chart, ...]:
    """Twelve weeks of medians of the accelerators with the most prices on demand."""
    from reports import charts

    chosen = [row["accelerator"] for row in rows if row["commitment"] == "on_demand"][:CHARTED]
    path = [row for row in medians if row["commitment"] == "on_demand" and row["accelerator"] in chosen]
    if len({row["at"] for row in path}) < 2:
        return ()
    ends = {row["accelerator"]: row["median"] for row in path}
    text = say("Median on-demand rent per hour at the end: {rents}.",
               rents=", ".join(f"{name} ${figures.money(ends[name])}" for name in sorted(ends)))  # fmt: skip
    picture = charts.lines(path, "at", "median", "accelerator", say("USD per hour, median"))
    columns = (Column("at", say("At (UTC)"), "when"), Column("accelerator", say("Accelerator")),
               Column("median", say("Median $/h"), "money"), Column("prices", say("Prices"), "count"))  # fmt: skip
    data = Table("rents_path", say("Rents"), columns, tuple(path))
    return (charts.drawn("rents_path", say("Accelerator rents, last twelve weeks"), text, picture, data),)
