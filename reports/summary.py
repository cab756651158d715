"""The week in five sentences, each made from figures that the sections print: who cut, who moved most, who sells below
cost on which assumption, who may not serve what is declared, where to buy.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from reports import figures
from reports.buying import FULL_PRECISION, Standing, priced
from reports.ledger import Rows
from reports.movers import how_text, moved
from reports.moves import Billed, Move
from reports.parts import Section
from reports.paths import most_contested
from reports.words import Words


def summary_of(
    moves: Sequence[Move], sections: Sequence[Section], after: Mapping[int, Billed], standing: Standing, flags: Rows,
    say: Words,
) -> tuple[str, ...]:  # fmt: skip
    """Five sentences; what the ledger does not know is said, not left out."""
    return (
        " ".join([_counts(moves, say), *_index(sections, say)]),
        _who_cut(moves, say),
        _below_cost(flags, sections, say),
        _suspected(flags, sections, say),
        _where_to_buy(moves, after, standing, say),
    )


def _counts(moves: Sequence[Move], say: Words) -> str:
    promos = [move for move in moved(moves, "cut") if move.promoted]
    text = say(
        "{cuts} offers ended the week cheaper ({promos} of them by promotion) and {rises} dearer; {new} appeared and "
        "{gone} went.",
        cuts=len(moved(moves, "cut")), promos=len(promos), rises=len(moved(moves, "rise", "mixed")),
        new=len(moved(moves, "new")), gone=len(moved(moves, "removed")),
    )  # fmt: skip
    zeros, wavering = len(moved(moves, "zero")), len(moved(moves, "wavering"))
    if not zeros and not wavering:
        return text
    noise = say("Not counted: {zeros} unproven zeros, {wavering} prices that only moved to and fro.", zeros=zeros,
                wavering=wavering)  # fmt: skip
    return f"{text} {noise}"


def _index(sections: Sequence[Section], say: Words) -> list[str]:
    table = next((t for section in sections for t in section.tables if t.table_id == "index"), None)
    known = [row for row in table.rows if row["change"] is not None] if table else []
    if not known:
        return []
    ends = "; ".join(f"{row['name']} {row['index_new']:.1f} ({figures.change(row['change'])})" for row in known)
    return [say("Price index: {ends}.", ends=ends)]


def _who_cut(moves: Sequence[Move], say: Words) -> str:
    """The model that most sellers cut, and the deepest cut of all."""
    cuts = [move for move in moved(moves, "cut") if move.model_id and move.change is not None]
    if not cuts:
        return say("No offer of a known model got cheaper.")
    deepest = min(cuts, key=lambda move: (move.change or 0.0, move.offer))
    told = say("The deepest cut is {offer}: {prices}, {how}, since {at} UTC.", offer=deepest.offer,
               prices=price_text(deepest, say), how=_how(deepest, say), at=figures.when(deepest.last_at))  # fmt: skip
    model = most_contested(moves)
    if model is None:
        return told
    sellers = Counter(move.provider for move in cuts if move.model == model)
    fight = say("The hardest fight is over {model}, cut by {count} sellers ({sellers}).", model=model,
                count=len(sellers), sellers=", ".join(sorted(sellers)))  # fmt: skip
    return f"{fight} {told}"


def _how(move: Move, say: Words) -> str:
    return how_text(move, say)


def _rows(sections: Sequence[Section], table_id: str) -> Sequence[Mapping[str, object]]:
    return next((t.rows for section in sections for t in section.tables if t.table_id == table_id), ())


def _below_cost(flags: Rows, sections: Sequence[Section], say: Words) -> str:
    """The surest open below-cost flag with its assumption, and the models whose floor lies under their cost."""
    chosen = [flag for flag in flags if flag["kind"] == "below_cost" and flag["closed_at"] is None]
    floors = _rows(sections, "floor")
    if not chosen and not floors:
        return say("Below cost: nothing was assessed up to this week, so nobody is said to sell below cost.")
    if not chosen:
        return say("Below cost: no offer is flagged, of {count} models whose cost is known.", count=len(floors))
    first = chosen[0]
    return say(
        "Below cost: {count} offers are flagged, surest {offer} (probability {probability}, assuming {scenario}).",
        count=len(chosen), offer=first["offer"], probability=f"{first['probability']:.2f}", scenario=first["scenario"],
    )  # fmt: skip


def _suspected(flags: Rows, sections: Sequence[Section], say: Words) -> str:
    kinds = ("likely_quantized", "precision_changed", "speculative_decoding")
    chosen = [flag for flag in flags if flag["kind"] in kinds and flag["closed_at"] is None]
    changed = len(_rows(sections, "precision_changed"))
    if not flags:
        return say("Served as sold: no flag was ever computed here; {changed} offers changed their declared precision.",
                   changed=changed)  # fmt: skip
    text = say("Served as sold: {count} open flags doubt it, and {changed} offers changed their declared precision.",
               count=len(chosen), changed=changed)  # fmt: skip
    if not chosen:
        return text
    first = chosen[0]
    surest = say("Surest: {offer} (probability {probability}).", offer=first["offer"],
                 probability=f"{first['probability']:.2f}")  # fmt: skip
    return f"{text} {surest}"


def _where_to_buy(moves: Sequence[Move], after: Mapping[int, Billed], standing: Standing, say: Words) -> str:
    """The contested model, else the one with most sellers: cheapest at any precision, and with full precision."""
    models = priced(after)
    model = most_contested(moves)
    model = model if model in models else next(iter(models), None)
    if model is None:
        return say("Where to buy: no model has a proven price.")
    sides = models[model]
    text = say("Where to buy {model}: cheapest is {offer} at {price} $/M in/out ({precision}).", model=model,
               **_offer_words(sides[0], standing, say))  # fmt: skip
    full = [side for side in sides if standing.precisions.get(side.offer_id) in FULL_PRECISION]
    if not full or full[0] is sides[0]:
        return text
    best = say("Cheapest that declares full precision: {offer} at {price} ({precision}).",
               **_offer_words(full[0], standing, say))  # fmt: skip
    return f"{text} {best}"


def _offer_words(side: Billed, standing: Standing, say: Words) -> dict[str, str]:
    price = f"{figures.money(side.input_usd_per_mtok)}/{figures.money(side.output_usd_per_mtok)}"
    precision = standing.precisions.get(side.offer_id) or say("precision not declared")
    return {"offer": side.offer, "price": price, "precision": f"{precision}; {side.source_id}"}


def price_text(move: Move, say: Words) -> str:
    """`1.00/6.00 → 0.50/3.00 USD per million (−50 %)`."""
    sides = [(side.prices["input"], side.prices["output"]) for side in (move.before, move.after) if side]
    pairs = " → ".join(f"{figures.money(read)}/{figures.money(written)}" for read, written in sides)
    return say("{pairs} {currency} per million in/out ({change})", pairs=pairs, currency=move.currency,
               change=figures.change(move.change))  # fmt: skip
