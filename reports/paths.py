"""The price of an offer over time, as billed: its best source's plain price, with promotions where they held."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from reports import figures
from reports.billed import Billed
from reports.buying import priced
from reports.ledger import Ledger
from reports.moves import Move
from reports.parts import Chart, Column, Row, Section, Table
from reports.words import Words

HISTORY = """
SELECT offer_id, component, basis, amount, valid_from, valid_to, quote_id, source_id FROM price_history
WHERE offer_id IN (SELECT unnest(?::BIGINT[])) AND component IN ('input', 'output') AND min_prompt_tokens = 0
  AND hours = '' AND basis <> 'effective' AND unit = 'mtok' AND status <> 'zero_claimed' AND valid_to > ?
ORDER BY offer_id, component, valid_from, basis, quote_id
"""
SELLERS = 8  # lines that can still be told apart
WEEKS = 5
STEPS_TOLD = 4  # at each end of a long path


def billed_path(rows: Iterable[Row], until: datetime) -> list[tuple[datetime, Decimal | None]]:
    """Change points of one component: a discount bills while it holds, else the list price; None where neither does."""
    versions = [row for row in rows if row["valid_from"] <= until]
    edges = sorted(
        {row["valid_from"] for row in versions} | {r["valid_to"] for r in versions if r["valid_to"] <= until}
    )
    points: list[tuple[datetime, Decimal | None]] = []
    for edge in edges:
        holding = [row for row in versions if row["valid_from"] <= edge < row["valid_to"]]
        best = max(
            holding, key=lambda row: (row["basis"] == "discount", row["valid_from"], row["quote_id"]), default=None
        )
        amount = best["amount"] if best else None
        if not points or points[-1][1] != amount:
            points.append((edge, amount))
    return points


def paths_of(ledger: Ledger, sides: Sequence[Billed], since: datetime) -> dict[tuple[int, str], list[Row]]:
    """Stored versions by offer and component, from each offer's best source only."""
    source = {side.offer_id: side.source_id for side in sides}
    found: defaultdict[tuple[int, str], list[Row]] = defaultdict(list)
    for row in ledger.rows(HISTORY, list(source), since):
        if row["source_id"] == source[row["offer_id"]]:
            found[row["offer_id"], row["component"]].append(row)
    return dict(found)


def contested_section(ledger: Ledger, moves: Sequence[Move], after: Mapping[int, Billed], say: Words) -> Section:
    """The fight over the week's most contested model, seller by seller."""
    title = say("The fight of the week")
    model = most_contested(moves)
    if model is None:
        return Section("fight", title, (say("No model was cut by two sellers or more."),))
    sides = [side for side in priced(after).get(model, []) if side.currency == "USD"]
    end = ledger.week.told_to_utc
    since = ledger.week.start_utc - timedelta(weeks=WEEKS - 1)
    paths = paths_of(ledger, sides, since)
    movers = {move.offer for move in moves if move.model == model}
    sides = sorted(sides, key=lambda s: (s.offer not in movers, s.blended_usd_per_mtok or 0.0, s.offer))
    rows = drawn_rows(sides[:SELLERS], paths, since, end)
    names = _names(sides[:SELLERS])
    ends = ", ".join(f"{names[side.offer]} ${figures.money(side.prices['output'])}" for side in sides[:SELLERS])
    text = say(
        "Output price per million tokens of {model}. At the end of the week: {prices}.", model=model, prices=ends
    )
    return Section("fight", title, (), _chart(model, rows, text, say), (_table(sides, movers, moves, say),))


def stepwise_table(ledger: Ledger, moves: Sequence[Move], say: Words) -> Table:
    """Offers that got cheaper or dearer in more than one step: each step with its time."""
    chosen = [m for m in moves if m.kind in ("cut", "rise", "mixed") and m.times > 1 and m.after]
    paths = paths_of(ledger, [move.after for move in chosen if move.after], ledger.week.start_utc)
    end, rows = ledger.week.told_to_utc, []
    for move in sorted(chosen, key=lambda move: (-move.times, move.offer)):
        offer_id = move.after.offer_id if move.after else 0
        stored = [paths.get((offer_id, name), []) for name in ("input", "output")]
        sides = [_steps_text(versions, ledger.week.start_utc, end) for versions in stored]
        row = {"model": move.model, "offer": move.offer, "times": move.times, "currency": move.currency}
        rows.append({**row, "input_path": sides[0], "output_path": sides[1], "source": move.steps[-1].source_id})
    columns = (
        Column("model", say("Model"), "code"),
        Column("offer", say("Offer"), "code"),
        Column("times", say("Moves"), "count"),
        Column("input_path", say("Input / M, step by step (UTC)")),
        Column("output_path", say("Output / M, step by step (UTC)")),
        Column("currency", say("Currency")),
        Column("source", say("Source"), "code"),
    )
    return Table("stepwise", say("In several steps"), columns, tuple(rows), 20)


def _steps_text(rows: Sequence[Row], since: datetime, until: datetime) -> str:
    points = billed_path(rows, until)
    before = [amount for at, amount in points if at < since][-1:]
    inside = [f"{figures.money(amount)} ({at:%m-%d %H:%M})" for at, amount in points if at >= since]
    if len(inside) > 2 * STEPS_TOLD:
        inside = [*inside[:STEPS_TOLD], "…", *inside[-STEPS_TOLD:]]
    return " → ".join([*(figures.money(amount) for amount in before), *inside])


def most_contested(moves: Sequence[Move]) -> str | None:
    """The model that most sellers cut, at least two, of equals the deepest cut; sellers that waver do not count."""
    cutters: defaultdict[str, set[str]] = defaultdict(set)
    deepest: defaultdict[str, float] = defaultdict(float)
    for move in moves:
        if move.kind == "cut" and move.model_id and not move.routed:
            cutters[move.model].add(move.provider)
            deepest[move.model] = min(deepest[move.model], move.change or 0.0)
    model = min(cutters, key=lambda name: (-len(cutters[name]), deepest[name], name), default=None)
    return model if model and len(cutters[model]) > 1 else None


def drawn_rows(
    sides: Sequence[Billed], paths: Mapping[tuple[int, str], list[Row]], since: datetime, until: datetime
) -> list[Row]:
    """Points of one stepped line per offer, named by its seller where that is enough to tell it apart."""
    names, rows = _names(sides), list[Row]()
    for side in sides:
        rows += _line(side.offer, names[side.offer], paths.get((side.offer_id, "output"), []), since, until)
    return rows


def _names(sides: Sequence[Billed]) -> dict[str, str]:
    """Offer -> its seller where that is enough to tell it apart, else itself."""
    sellers = Counter(side.provider for side in sides)
    return {side.offer: side.provider if sellers[side.provider] == 1 else side.offer for side in sides}


def _line(offer: str, name: str, rows: Sequence[Row], since: datetime, until: datetime) -> list[Row]:
    points = billed_path(rows, until)
    before = [amount for at, amount in points if at <= since][-1:]
    inside = [(since, amount) for amount in before] + [(at, amount) for at, amount in points if at > since]
    if inside:
        inside.append((until, inside[-1][1]))
    return [{"at": at, "seller": name, "offer": offer, "output": amount} for at, amount in inside]


def _chart(model: str, rows: Sequence[Row], text: str, say: Words) -> tuple[Chart, ...]:
    from reports import charts

    columns = (Column("at", say("At (UTC)"), "when"), Column("offer", say("Offer"), "code"),
               Column("output", say("Output $/M"), "money"))  # fmt: skip
    data = Table("fight_path", model, columns, tuple(rows))
    if not rows:
        return ()
    picture = charts.lines(rows, "at", "output", "seller", say("USD per million output tokens"), step=True)
    return (charts.drawn("fight_path", say("Output price of {model}, by seller", model=model), text, picture, data),)


def _table(sides: Sequence[Billed], movers: set[str], moves: Sequence[Move], say: Words) -> Table:
    told = {move.offer: move for move in moves}
    rows = []
    for side in sides:
        move = told.get(side.offer)
        before = move.before if move else side
        row: dict[str, object] = {"offer": side.offer, "change": move.change if move and side.offer in movers else None}
        for name in ("input", "output"):
            row[f"{name}_old"] = before.prices[name] if before else None
            row[f"{name}_new"] = side.prices[name]
        rows.append({**row, "at": move.last_at if move else None, "quotes": move.quote_ids if move else ()})
    columns = (
        Column("offer", say("Offer"), "code"),
        Column("input", say("Input $/M"), "step"),
        Column("output", say("Output $/M"), "step"),
        Column("change", say("Change"), "change"),
        Column("at", say("Since (UTC)"), "when"),
        Column("quotes", say("Evidence"), "evidence"),
    )
    return Table("fight", say("Every seller of it"), columns, tuple(rows), 40)
