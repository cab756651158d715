"""Price against cost: the price index, what serving must cost under each model's price, who sells below it, the burn.

All of it is read from the assessed views (`price_index`, `price_floor`, `burn`, `flags`); a
ledger that was never assessed has none, and the sections say so.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from reports import figures
from reports.buying import priced
from reports.ledger import Ledger, Rows
from reports.moves import Billed
from reports.parts import Chart, Column, Row, Section, Table
from reports.watch import flag_table
from reports.words import Words

INDEX = """
SELECT class, day, index_value, goods, weighted_share FROM price_index WHERE day <= CAST(? AS DATE) ORDER BY class, day
"""
FLOOR = """
SELECT model_id AS model, day, cheapest_list_usd_per_mtok AS cheapest_usd, cheapest_list_offer AS offer,
       cheapest_effective_usd_per_mtok AS effective_usd, cost_floor_low_usd_per_mtok AS cost_low,
       cost_floor_mid_usd_per_mtok AS cost_mid, cost_floor_high_usd_per_mtok AS cost_high,
       cost_floor_hardware AS hardware, cost_floor_precision AS precision, scenario
FROM price_floor WHERE day = (SELECT max(day) FROM price_floor WHERE day <= CAST(? AS DATE))
  AND cost_floor_mid_usd_per_mtok IS NOT NULL AND cheapest_list_usd_per_mtok > 0
ORDER BY cheapest_list_usd_per_mtok / cost_floor_mid_usd_per_mtok, model_id
"""
BURN = """
SELECT model_id AS model, any_value(offer) AS offer, source_id AS source, count(DISTINCT day) AS days,
       sum(tokens) AS tokens, sum(burn_low_usd) AS burn_low, sum(burn_mid_usd) AS burn_mid,
       sum(burn_high_usd) AS burn_high
FROM burn WHERE day >= CAST(? AS DATE) AND day <= CAST(? AS DATE) AND model_id IS NOT NULL
GROUP BY model_id, source_id HAVING sum(burn_high_usd) > 0 ORDER BY burn_mid DESC, burn_high DESC, model_id, source_id
"""
BAND = ("cost_low", "cost_mid", "cost_high")
DRAWN_MODELS, POINTS_PER_MODEL = 18, 12
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

    ends = "; ".join(f"{row['name']} {row['index_new']:.1f}" for row in moves)
    text = say("At the end of the week: {ends}.", ends=ends)
    columns = (Column("day", say("Day"), "day"), Column("name", say("Class")),
               Column("index_value", say("Index"), "money"),
               Column("goods", say("Prices compared"), "count"))  # fmt: skip
    picture = charts.lines(rows, "day", "index_value", "name", say("100 on the first day"))
    return charts.drawn(chart_id, title, text, picture, Table(chart_id, title, columns, tuple(rows)))


def floor_section(ledger: Ledger, after: Mapping[int, Billed], say: Words) -> Section:
    """Offers as points over the band of what serving the model costs."""
    title, end = say("Price against cost floor"), ledger.week.told_to_utc
    floors = ledger.rows_of("price_floor", FLOOR, end)
    if not floors:
        return Section("floor", title, (say("Nothing recorded: no model's cost has been assessed up to this week."),))
    below = [row for row in floors if row["cheapest_usd"] < row["cost_low"]]
    within = [row for row in floors if row["cost_low"] <= row["cheapest_usd"] < row["cost_mid"]]
    text = say(
        "Of {count} open models with a cost band, the cheapest price of {below} lies below even the low end of the "
        "band and of {within} below its middle. The band is what the cheapest deployment costs under the named "
        "assumptions; a price below it says that they do not hold for that seller, or that it loses money.",
        count=len(floors), below=len(below), within=len(within),
    )  # fmt: skip
    columns = (
        Column("model", say("Model"), "code"),
        Column("cheapest_usd", say("Cheapest $/M"), "money"),
        Column("offer", say("Offer"), "code"),
        Column("effective_usd", say("Transacted $/M"), "money"),
        Column("cost_low", say("Cost low"), "money"),
        Column("cost_mid", say("middle"), "money"),
        Column("cost_high", say("high"), "money"),
        Column("hardware", say("Hardware"), "code"),
        Column("precision", say("Precision"), "code"),
        Column("scenario", say("Assumption"), "code"),
    )
    table = Table("floor", say("Cheapest price and cost floor, 3:1 blend"), columns, tuple(floors), 30)
    return Section("floor", title, (text,), _floor_chart(after, floors, say), (table,))


def _floor_chart(after: Mapping[int, Billed], floors: Rows, say: Words) -> tuple[Chart, ...]:
    """Both sides blended three to one, as the floor is."""
    from reports import charts

    sold, rows = priced(after), []
    for floor in floors[:DRAWN_MODELS]:
        sides = sold.get(floor["model"], [])[:POINTS_PER_MODEL]
        prices = [side.blended_usd_per_mtok for side in sides] or [floor["cheapest_usd"]]
        name = {"model": floor["model"], "label": floor["model"].rpartition("/")[2]}
        rows.append({**name, "point": prices[0], **{bound: floor[bound] for bound in BAND}})
        rows += [{**name, "point": price} for price in prices[1:]]  # the band is drawn once
    first = floors[0]
    text = say(
        "Bands: cost from low to high with its middle; diamonds: prices of offers. Furthest below its band: {model}, "
        "cheapest ${price}/M against ${low} to ${high}/M on {hardware}.",
        model=first["model"], price=figures.money(first["cheapest_usd"]), low=figures.money(first["cost_low"]),
        high=figures.money(first["cost_high"]), hardware=first["hardware"],
    )  # fmt: skip
    columns = (Column("model", say("Model"), "code"), Column("point", say("Price $/M"), "money"),
               *(Column(f"cost_{name}", name, "money") for name in ("low", "mid", "high")))  # fmt: skip
    picture = charts.ranges(rows, "label", "cost_low", "cost_mid", "cost_high", "point", say("USD per million tokens"))
    title = say("Prices over the cost of serving, cheapest against cost first")
    return (charts.drawn("floor_bands", title, text, picture, Table("floor_bands", title, columns, tuple(rows))),)


def below_cost_section(ledger: Ledger, flags: Rows, say: Words) -> Section:
    """Open below-cost flags, and what the traffic seen would lose."""
    week = ledger.week
    chosen = [flag for flag in flags if flag["kind"] == "below_cost" and flag["closed_at"] is None]
    burn = ledger.rows_of("burn", BURN, week.start_utc, week.told_to_utc)
    columns = (
        Column("model", say("Model"), "code"),
        Column("offer", say("Cheapest offer"), "code"),
        Column("days", say("Days"), "count"),
        Column("tokens", say("Tokens"), "count"),
        Column("burn_low", say("Lost, low $"), "count"),
        Column("burn_mid", say("middle $"), "count"),
        Column("burn_high", say("high $"), "count"),
        Column("source", say("Counter"), "code"),
    )
    tables = (
        flag_table("below_cost", say("Flagged below cost"), chosen, say),
        Table("burn", say("Burn in the week: what the traffic of one router loses at the cheapest price"), columns,
              tuple(burn), 20),
    )  # fmt: skip
    if not chosen and not burn:
        text = say("Nothing recorded: no open flag says that an offer is below cost, and no burn was assessed.")
        return Section("below_cost", say("Below cost"), (text,), (), tables)
    text = say(
        "{count} offers are flagged below cost. The traffic that one router shows would lose between ${low} and "
        "${high} in the week if all of it were served at the cheapest price; one router is not the market.",
        count=len(chosen), low=_total(burn, "burn_low"), high=_total(burn, "burn_high"),
    )  # fmt: skip
    return Section("below_cost", say("Below cost"), (text,), (), tables)


def _total(rows: Sequence[Row], key: str) -> str:
    return f"{sum(row[key] or 0 for row in rows):,.0f}"
