"""How fast offers were in the week, as others measured them: first token, tokens per second, end to end, the frontier.

End to end for a chat request is the measured first token plus 500 tokens at the measured rate. The measured prompts are
the market's own mix, not 3,400 tokens each; where our own probes of that workload exist they stand beside it.
"""

from collections.abc import Mapping, Sequence

from reports import figures
from reports.billed import Billed
from reports.buying import OUTPUT_TOKENS, Standing, priced
from reports.ledger import Ledger
from reports.parts import Chart, Column, Row, Section, Table
from reports.words import Words

CHARTED = 2  # models whose sellers are drawn
SHOWN = 20  # rows of a table
PROBED = """
SELECT offer, workload, concurrency, count(*) AS probes, median(ttft_content_ms) AS ttft_ms,
       median(output_tok_s) AS tok_s, median(e2e_ms) AS e2e_ms
FROM probes WHERE outcome = 'ok' AND started_at >= ? AND started_at <= ?
GROUP BY offer, workload, concurrency ORDER BY offer, workload, concurrency
"""


def speed_rows(after: Mapping[int, Billed], standing: Standing) -> dict[str, list[Row]]:
    """Measured offers by model, most measured sellers first, each fastest end to end first."""
    found: dict[str, list[Row]] = {}
    for model, sides in priced(after).items():
        rows = [_speed_row(standing.row(side)) for side in sides]
        if known := [row for row in rows if row["e2e_s"] is not None]:
            best = _frontier(known)
            for row in known:
                row["frontier"] = row["offer"] in best
            found[model] = sorted(known, key=lambda row: (row["e2e_s"], row["offer"]))
    return dict(sorted(found.items(), key=lambda item: (-len({r["provider"] for r in item[1]}), item[0])))


def _speed_row(row: Row) -> dict[str, object]:
    first, rate = row["ttft_ms"], row["tok_s"]
    return {**row, "e2e_s": first / 1000 + OUTPUT_TOKENS / rate if first and rate else None}


def _frontier(rows: Sequence[Mapping[str, object]]) -> set[object]:
    """Offers that no other offer of the model beats on price and on tokens per second at once."""
    best, fastest = set(), 0.0
    for row in sorted(rows, key=lambda r: (float(str(r["blended_usd"])), -float(str(r["tok_s"])))):
        if float(str(row["tok_s"])) > fastest:
            best.add(row["offer"])
            fastest = float(str(row["tok_s"]))
    return best


def speed_section(ledger: Ledger, after: Mapping[int, Billed], standing: Standing, say: Words) -> Section:
    models = speed_rows(after, standing)
    every = [row for rows in models.values() for row in rows]
    frontier = [row for row in every if row["frontier"]]
    tables = (
        _table("frontier", say("Price-speed frontier: nobody sells the model both cheaper and faster"), frontier, say),
        _table("fastest", say("Fastest end to end"), sorted(every, key=lambda r: (r["e2e_s"], r["offer"])), say, True),
        _probed_table(ledger, say),
    )
    if not every:
        text = say("Nothing recorded: no speed was published for any offer in this week.")
        return Section("speed", say("Speed"), (text,), (), tables)
    text = say(
        "{count} offers of {models} models have speeds measured by others in this week (its median). End to end is "
        "first token plus {tokens} tokens at the measured rate, for the prompts of the market's own mix.",
        count=len(every), models=len(models), tokens=OUTPUT_TOKENS,
    )  # fmt: skip
    charts = tuple(_chart(model, rows, say) for model, rows in list(models.items())[:CHARTED] if len(rows) > 3)
    return Section("speed", say("Speed"), (text,), charts, tables)


def _table(table_id: str, title: str, rows: Sequence[Row], say: Words, folded: bool = False) -> Table:
    columns = (
        Column("model", say("Model"), "code"),
        Column("offer", say("Offer"), "code"),
        Column("precision", say("Declared"), "code"),
        Column("ttft_ms", say("First token ms"), "ms"),
        Column("tok_s", say("tok/s"), "tok_s"),
        Column("e2e_s", say("End to end s"), "tenths"),
        Column("blended_usd", say("3:1 blend $/M"), "money"),
        Column("source", say("Source"), "code"),
    )
    return Table(table_id, title, columns, tuple(rows), SHOWN, folded=folded)


def _chart(model: str, rows: Sequence[Row], say: Words) -> Chart:
    from reports import charts

    yes, no = say("on the frontier"), say("beaten on both")
    drawn = [{**row, "where": yes if row["frontier"] else no} for row in rows]
    cheapest = min(rows, key=lambda row: (row["blended_usd"], row["offer"]))
    fastest = max(rows, key=lambda row: (row["tok_s"], row["offer"]))
    text = say(
        "{model}: {count} measured sellers; cheapest {cheapest} at ${price}/M and {slow} tok/s, fastest {fastest} at "
        "${dear}/M and {fast} tok/s.",
        model=model, count=len({row["provider"] for row in rows}), cheapest=cheapest["provider"],
        price=figures.money(cheapest["blended_usd"]), slow=figures.plain(cheapest["tok_s"], 0),
        fastest=fastest["provider"], dear=figures.money(fastest["blended_usd"]), fast=f"{fastest['tok_s']:,.0f}",
    )  # fmt: skip
    titles = (say("3:1 blend, $ per million tokens"), say("tokens per second (median)"))
    name = f"speed_{_slug(model)}"
    picture = charts.dots(drawn, "blended_usd", "tok_s", "provider", "where", titles)
    return charts.drawn(
        name, say("Price and speed: {model}", model=model), text, picture, _table(name, model, rows, say)
    )


def _slug(model: str) -> str:
    return "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in model.lower())[:60]


def _probed_table(ledger: Ledger, say: Words) -> Table:
    week = ledger.week
    columns = (
        Column("offer", say("Offer"), "code"),
        Column("workload", say("Workload"), "code"),
        Column("concurrency", say("Concurrent"), "count"),
        Column("probes", say("Probes"), "count"),
        Column("ttft_ms", say("First token ms"), "ms"),
        Column("tok_s", say("tok/s"), "tok_s"),
        Column("e2e_ms", say("End to end ms"), "ms"),
    )
    rows = ledger.rows_of("probes", PROBED, week.start_utc, week.told_to_utc)
    return Table("probed", say("Our own probes in this week"), columns, tuple(rows), 25)
