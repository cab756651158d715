"""What serving costs beside what it sells for: the band under each model's prices by hardware, and what made cost fall.

Read from the assessed views `price_floor`, `cost_by_hardware` and `cost_falls`; without them the sections say so.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise

from reports import figures
from reports.billed import Billed
from reports.buying import priced, stated
from reports.ledger import Ledger, Rows
from reports.parts import Chart, Column, Row, Section, Table
from reports.words import Words

FLOOR = """
SELECT model_id AS model, day, cheapest_effective_usd_per_mtok AS effective_usd,
       cost_floor_low_usd_per_mtok AS cost_low, cost_floor_mid_usd_per_mtok AS cost_mid,
       cost_floor_high_usd_per_mtok AS cost_high,
       cost_floor_hardware AS hardware, cost_floor_precision AS precision, scenario
FROM price_floor WHERE day = (SELECT max(day) FROM price_floor WHERE day <= CAST(? AS DATE))
  AND cost_floor_mid_usd_per_mtok IS NOT NULL ORDER BY model_id
"""
BY_HARDWARE = """
SELECT model_id AS model, hardware, cost_usd_per_mtok AS cost FROM cost_by_hardware
WHERE day <= CAST(? AS DATE) QUALIFY day = max(day) OVER (PARTITION BY model_id) ORDER BY model, cost, hardware
"""
FALLS = """
SELECT model_id AS model, first_day, day, position, cause, usd_per_mtok AS cost, factor, deployment, scenario
FROM cost_falls WHERE day <= CAST(? AS DATE) QUALIFY day = max(day) OVER (PARTITION BY model_id)
ORDER BY model, position
"""
BAND = ("cost_low", "cost_mid", "cost_high")
DRAWN_MODELS, POINTS_PER_MODEL = 18, 12
DRAWN_HARDWARE = ("A100-80-SXM", "H100-SXM", "H200", "B200", "MI355X")  # what sellers name most, across generations


def floor_section(ledger: Ledger, after: Mapping[int, Billed], copied: Collection[str], say: Words) -> Section:
    """Offers as points over the band of what serving the model costs; `copied`: offers whose price is a copy's word."""
    title, end = say("Price against cost floor"), ledger.week.told_to_utc
    floors = _on_sale(ledger.rows_of("price_floor", FLOOR, end), priced(after), copied)
    if not floors:
        return Section("floor", title, (say("Nothing recorded: no model's cost has been assessed up to this week."),))
    told = [row for row in floors if not row["is_copied"]]
    below = [row for row in told if row["cheapest_usd"] < row["cost_low"]]
    within = [row for row in told if row["cost_low"] <= row["cheapest_usd"] < row["cost_mid"]]
    text = say(
        "Of {count} open models with a cost band, {stated} have a price that a seller or a router states itself; the "
        "cheapest of {below} lies below even the low end of the band and of {within} below its middle. Models known "
        "by copied prices only stand last. The band is what the cheapest deployment costs under the named "
        "assumptions; a price below it says that they do not hold for that seller, or that it loses money. The "
        "assumption 'market' takes accelerators at the week's rents, public serving software and the usual load and "
        "prompt lengths; other names are dated scenarios of one seller.",
        count=len(floors), stated=len(told), below=len(below), within=len(within),
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
        Column("source", say("Source of the price"), "code"),
    )
    costs = ledger.rows_of("cost_by_hardware", BY_HARDWARE, end)
    table = Table("floor", say("Cheapest price and cost floor, 3:1 blend"), columns, tuple(floors), 20)
    tables = (table, _hardware_table(costs, floors, say))
    return Section("floor", title, (text,), _floor_chart(after, floors, costs, say), tables)


def _on_sale(floors: Rows, sold: Mapping[str, Sequence[Billed]], copied: Collection[str]) -> Rows:
    """With the cheapest price that a seller or router states, else that a copy states; cheapest against cost first."""
    rows = []
    for row in floors:
        if side := next(iter(stated(sold.get(row["model"], ()), copied)), None):
            told = {"cheapest_usd": side.blended_usd_per_mtok, "offer": side.offer, "source": side.source_id}
            rows.append({**row, **told, "is_copied": side.offer in copied})
    return sorted(rows, key=lambda row: (row["is_copied"], row["cheapest_usd"] / row["cost_mid"], row["model"]))


def _floor_chart(after: Mapping[int, Billed], floors: Rows, costs: Rows, say: Words) -> tuple[Chart, ...]:
    """Both sides blended three to one, as the floor is."""
    from reports import charts

    sold = priced(after)  # the models with most sellers first
    drawn = set([model for model in sold if model in {row["model"] for row in floors}][:DRAWN_MODELS])
    chosen = [row for row in floors if row["model"] in drawn]
    rows = [row for floor in chosen for row in _points(floor, sold[floor["model"]])]
    rows += _marks(chosen, costs)
    first = chosen[0]
    text = say(
        "Bands: cost from low to high with its middle; coloured marks: the cost on one kind of accelerator; diamonds: "
        "prices of offers. Furthest below its band: {model}, cheapest ${price}/M against ${low} to ${high}/M on "
        "{hardware}.",
        model=first["model"], price=figures.money(first["cheapest_usd"]), low=figures.money(first["cost_low"]),
        high=figures.money(first["cost_high"]), hardware=first["hardware"],
    )  # fmt: skip
    columns = (Column("model", say("Model"), "code"), Column("point", say("Price $/M"), "money"),
               *(Column(f"cost_{name}", name, "money") for name in ("low", "mid", "high")),
               Column("hardware", say("Hardware"), "code"), Column("cost", say("Cost $/M"), "money"))  # fmt: skip
    picture = charts.ranges(rows, say("USD per million tokens"))
    title = say("Prices over the cost of serving: the models with most sellers, cheapest against cost first")
    return (charts.drawn("floor_bands", title, text, picture, Table("floor_bands", title, columns, tuple(rows))),)


def _points(floor: Row, sides: Sequence[Billed]) -> list[Row]:
    """One row per price; the first has the band, which is drawn once."""
    prices = [side.blended_usd_per_mtok for side in sides[:POINTS_PER_MODEL]]
    name = {"model": floor["model"], "label": str(floor["model"]).rpartition("/")[2]}
    first = {**name, "point": prices[0], **{bound: floor[bound] for bound in BAND}}
    return [first, *({**name, "point": price} for price in prices[1:])]


def _marks(floors: Rows, costs: Rows) -> list[Row]:
    """The cost on the accelerators a reader knows, where the model fits them."""
    labels = {floor["model"]: str(floor["model"]).rpartition("/")[2] for floor in floors}
    return [
        {**row, "label": labels[row["model"]]}
        for row in costs
        if row["model"] in labels and row["hardware"] in DRAWN_HARDWARE
    ]


def _hardware_table(costs: Rows, floors: Rows, say: Words) -> Table:
    """One line per model: its cheapest accelerators, cheapest first."""
    by_model: defaultdict[str, Rows] = defaultdict(list)
    for row in costs:
        by_model[row["model"]].append(row)
    rows = []
    for floor in floors:
        told = [f"{row['hardware']} {figures.money(row['cost'])}" for row in by_model.get(floor["model"], [])]
        if told:
            rows.append({"model": floor["model"], "costs": ", ".join(told[:8])})
    columns = (
        Column("model", say("Model"), "code"),
        Column("costs", say("Cost in $ per million tokens on each accelerator, cheapest first")),
    )
    title, note = say("Cost by hardware, 3:1 blend"), say("At the middle of the assumptions, at any speed.")
    return Table("cost_by_hardware", title, columns, tuple(rows), 20, note, folded=True)


def falls_section(ledger: Ledger, after: Mapping[int, Billed], contested: str | None, say: Words) -> Section:
    """What made serving cheaper since the market began, one change at a time."""
    title = say("What made cost fall")
    by_model: defaultdict[str, Rows] = defaultdict(list)
    for row in ledger.rows_of("cost_falls", FALLS, ledger.week.told_to_utc):
        by_model[row["model"]].append(row)
    if not by_model:
        return Section("falls", title, (say("Nothing recorded: no model's cost has been assessed up to this week."),))
    sold = [model for model in priced(after) if model in by_model]
    chosen = contested if contested and contested in by_model else next(iter(sold or sorted(by_model)))
    steps = by_model[chosen]
    first, last = steps[0], steps[-1]
    text = say(
        "Serving {model} costs {factor} times less in the week of {day} than what would have been served in its place "
        "on {since}, a dense model on that day's hardware: ${high} then, ${low} now per million tokens of the mix of "
        "the assumption '{scenario}'. A factor is what a change brings after the ones before it; a price that fell by "
        "more than all of them gave up margin.",
        model=chosen, factor=figures.plain(first["cost"] / last["cost"], 1), day=figures.day(last["day"]),
        since=figures.day(first["first_day"]), high=figures.money(first["cost"]), low=figures.money(last["cost"]),
        scenario=last["scenario"],
    )  # fmt: skip
    return Section("falls", title, (text,), (_falls_chart(chosen, steps, say),), (_falls_table(by_model, sold, say),))


def _causes(say: Words) -> Mapping[str, str]:
    """The engine's word for a change -> the reader's."""
    return {
        "hardware and rents": say("hardware and rents"),
        "precision": say("precision"),
        "architecture (sparse experts, smaller caches)": say("architecture (sparse experts, smaller caches)"),
        "KV paging": say("KV paging"),
        "continuous batching": say("continuous batching"),
        "serving software": say("serving software"),
        "speculation": say("speculation"),
    }


def _falls_chart(model: str, steps: Rows, say: Words) -> Chart:
    from reports import charts

    words = _causes(say)
    start = {"cause": say("start"), "high": steps[0]["cost"], "low": steps[0]["cost"], "factor": None}
    rows: list[Row] = [{**start, "deployment": steps[0]["deployment"]}]
    for before, after in pairwise(steps):
        told = {"cause": words.get(after["cause"], after["cause"]), "high": before["cost"], "low": after["cost"]}
        rows.append({**told, "factor": after["factor"], "deployment": after["deployment"]})
    big = [row for row in rows[1:] if row["factor"] and row["factor"] > 1.02]
    factors = ", ".join(f"{row['cause']} ×{row['factor']:.2f}" for row in big)
    text = say("{model}: from ${high} to ${low} per million tokens. {factors}.", model=model,
               high=figures.money(steps[0]["cost"]), low=figures.money(steps[-1]["cost"]), factors=factors)  # fmt: skip
    columns = (Column("cause", say("Change")), Column("high", say("Cost before $/M"), "money"),
               Column("low", say("Cost after $/M"), "money"), Column("factor", say("Cheaper by"), "factor"),
               Column("deployment", say("Cheapest deployment after it")))  # fmt: skip
    title = say("What made {model} cheaper to serve", model=model)
    picture = charts.falls(rows, say("USD per million tokens"))
    return charts.drawn("falls_steps", title, text, picture, Table("falls_steps", title, columns, tuple(rows)))


def _falls_table(by_model: Mapping[str, Rows], sold: Sequence[str], say: Words) -> Table:
    """Every model: cost then and now, and the factor of each change."""
    words, rows = _causes(say), []
    for model in [*sold, *sorted(set(by_model) - set(sold))]:
        steps = by_model[model]
        row: dict[str, object] = {"model": model, "then": steps[0]["cost"], "now": steps[-1]["cost"]}
        row |= {cause: step["factor"] for step in steps for cause in words if step["cause"] == cause}
        rows.append({**row, "factor": steps[0]["cost"] / steps[-1]["cost"], "scenario": steps[-1]["scenario"]})
    columns = (
        Column("model", say("Model"), "code"),
        Column("then", say("Then $/M"), "money"),
        Column("now", say("Now $/M"), "money"),
        Column("factor", say("Cheaper by"), "factor"),
        *(Column(cause, word, "factor") for cause, word in words.items()),
        Column("scenario", say("Assumption"), "code"),
    )
    title = say("What each change brought, all models with a cost")
    return Table("cost_falls", title, columns, tuple(rows), 20, folded=True)
