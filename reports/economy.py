"""The market as a whole: the price index, who sells below cost, the burn.

All of it is read from the assessed views (`price_index`, `burn`, `flags`); a ledger that was never assessed has none,
and the sections say so.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from reports.billed import Billed
from reports.flags import Flags, flag_table
from reports.ledger import Ledger, Rows
from reports.parts import Chart, Column, Row, Section, Table
from reports.words import Words

INDEX = """
SELECT class, day, index_value, goods, weighted_share FROM price_index WHERE day <= CAST(? AS DATE) ORDER BY class, day
"""
BURN = """
SELECT model_id AS model, any_value(offer) AS offer, source_id AS source, count(DISTINCT day) AS days,
       sum(tokens) AS tokens, sum(tokens) / 1e9 AS tokens_bn, sum(burn_low_usd) AS burn_low,
       sum(burn_mid_usd) AS burn_mid,
       sum(burn_high_usd) AS burn_high
FROM burn WHERE day >= CAST(? AS DATE) AND day <= CAST(? AS DATE) AND model_id IS NOT NULL
GROUP BY model_id, source_id HAVING sum(burn_high_usd) > 0
-- two counts of one router's traffic are not twice the traffic: the fuller one
QUALIFY row_number() OVER (PARTITION BY model_id ORDER BY sum(tokens) DESC, source_id) = 1
ORDER BY burn_mid DESC, burn_high DESC, model_id, source_id
"""
CLASSES = ("frontier", "open_large", "open_small", "chinese")


def index_section(ledger: Ledger, say: Words) -> Section:
    """The chained price index since the start and over twelve weeks."""
    title, week = say("Price index"), ledger.week
    rows = ledger.rows_of("price_index", INDEX, week.told_to_utc)
    if not rows:
        return Section("index", title, (say("Nothing recorded: no price index reaches into this week."),))
    names = {"frontier": say("frontier"), "open_large": say("open, large"), "open_small": say("open, small"),
             "chinese": say("Chinese market")}  # fmt: skip
    drawn = [{**row, "name": names.get(row["class"], row["class"])} for row in rows]
    moves = index_moves(ledger, drawn)
    text = say("The index compares each offer with itself from day to day (chained Fisher, 100 at the start): entries "
               "and departures do not move it.")  # fmt: skip
    recent = [row for row in drawn if row["day"] > (week.told_to_utc - timedelta(weeks=12)).date()]
    charts = [_index_chart("index_all", say("Price index since the start"), drawn, moves, say)]
    if len(recent) < len(drawn):
        charts.append(_index_chart("index_recent", say("Price index, last twelve weeks"), recent, moves, say))
    columns = (
        Column("name", say("Class")),
        Column("index", say("Index"), "step"),
        Column("change", say("Change"), "change"),
        Column("since_start", say("Since the start"), "change"),
        Column("goods", say("Prices compared"), "count"),
    )
    return Section(
        "index", title, (text,), tuple(charts), (Table("index", say("The week's move"), columns, tuple(moves)),)
    )


def index_moves(ledger: Ledger, rows: Rows) -> Rows:
    """Per class: the index before the week and at its end."""
    found = []
    for name in dict.fromkeys(row["name"] for row in rows):
        own = [row for row in rows if row["name"] == name]
        before = [row for row in own if row["day"] < ledger.week.first_day]
        old, new = (before[-1]["index_value"] if before else None), own[-1]["index_value"]
        row = {"name": name, "index_old": old, "index_new": new, "goods": own[-1]["goods"]}
        found.append({**row, "change": new / old - 1 if old else None, "since_start": new / own[0]["index_value"] - 1})
    return found


def _index_chart(chart_id: str, title: str, rows: Rows, moves: Rows, say: Words) -> Chart:
    from reports import charts

    ends = say.clauses(f"{row['name']} {row['index_new']:.1f}" for row in moves)
    text = say("At the end of the week: {ends}.", ends=ends)
    columns = (Column("day", say("Day"), "day"), Column("name", say("Class")),
               Column("index_value", say("Index"), "money"),
               Column("goods", say("Prices compared"), "count"))  # fmt: skip
    picture = charts.lines(rows, "day", "index_value", "name", say("100 on the first day"))
    return charts.drawn(chart_id, title, text, picture, Table(chart_id, title, columns, tuple(rows)))


def below_cost_flags(flags: Flags, after: Mapping[int, Billed]) -> tuple[Rows, Mapping[str, int]]:
    """Standing flags, the surest first; free offers and doubtful prices counted behind."""
    free = {side.offer for side in after.values() if not side.prices["input"] and not side.prices["output"]}
    chosen = flags.standing("below_cost", last=free)
    told = {str(flag["offer"]) for flag in chosen}
    counts = {
        "free": len(told & free),
        "doubted": len(told & flags.doubted - free),
    }
    return chosen, counts


def below_cost_section(ledger: Ledger, flags: Flags, after: Mapping[int, Billed], say: Words) -> Section:
    """Open below-cost flags, and what the traffic seen would lose."""
    week, title = ledger.week, say("Below cost")
    chosen, counts = below_cost_flags(flags, after)
    burn = ledger.rows_of("burn", BURN, week.start_utc, week.told_to_utc)
    columns = (
        Column("model", say("Model"), "code"),
        Column("offer", say("Cheapest offer"), "code"),
        Column("days", say("Days"), "count"),
        Column("tokens_bn", say("Tokens, billions"), "tenths"),
        Column("burn_low", say("Lost, low $"), "count"),
        Column("burn_mid", say("middle $"), "count"),
        Column("burn_high", say("high $"), "count"),
        Column("source", say("Counter"), "code"),
    )
    tables = (
        flag_table("below_cost", say("Flagged below cost"), chosen, say),
        Table("burn", say("Burn in the week: what the traffic of one router loses at the cheapest price"), columns,
              tuple(burn), 20, extra=("tokens",)),
    )  # fmt: skip
    if not chosen and not burn:
        text = say("Nothing recorded: no open flag says that an offer is below cost, and no burn was assessed.")
        return Section("below_cost", title, (text,), (), tables)
    sentences = [
        say(
            "Offers flagged below cost: {count}, at a price that the seller itself or the router that bills for it "
            "states. {free} of them are free and {doubted} more have a price that is itself in doubt (stale, a wrong "
            "unit, sources in conflict); they stand last. A price that only a catalogue copies and a router's "
            "headline, which some host behind it asks, flag nobody.",
            count=len(chosen), **counts,
        )
    ]  # fmt: skip
    if burn:
        sentences.append(
            say(
                "The traffic that one router shows would lose between ${low} and ${high} in the week if all of it were "
                "served at the cheapest price; one router is not the market.",
                low=_total(burn, "burn_low"), high=_total(burn, "burn_high"),
            )
        )  # fmt: skip
    return Section("below_cost", title, tuple(sentences), (), tables)


def _total(rows: Sequence[Row], key: str) -> str:
    """In three digits: the band is no closer."""
    total = sum(row[key] or 0 for row in rows)
    return f"{float(f'{total:.3g}'):,.0f}"
