"""The week in five sentences, each made from figures that the sections print: who cut, who moved most, who sells below
cost on which assumption, who may not serve what is declared, where to buy.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from reports import figures
from reports.billed import Billed
from reports.buying import FULL_PRECISION, Standing, priced, stated
from reports.economy import below_cost_flags
from reports.flags import Flags, offers_told
from reports.movers import how_text, moved, swing_of
from reports.moves import Move
from reports.parts import Section
from reports.paths import most_contested
from reports.words import Words

NAMED = 3  # unproven zeros, or sellers, that the first lines name
NEWS = 3.0  # how many times its lowest price a wandering price must reach to be told in the first lines


def summary_of(
    moves: Sequence[Move], sections: Sequence[Section], after: Mapping[int, Billed], trusted: Mapping[int, Billed],
    standing: Standing, flags: Flags, say: Words,
) -> tuple[str, ...]:  # fmt: skip
    """Five answers; what the ledger does not know is said. `trusted`: the offers whose price no open flag doubts."""
    return (
        say.sentences([_counts(moves, say), *_index(sections, say)]),
        _who_cut(moves, flags.copied, say),
        _below_cost(flags, after, sections, say),
        _served_as_sold(flags, sections, say),
        _where_to_buy(moves, trusted, standing, flags.copied, say),
    )


def _counts(moves: Sequence[Move], say: Words) -> str:
    promos = [move for move in moved(moves, "cut") if move.promoted]
    text = say(
        "Offers that ended the week cheaper: {cuts} ({promos} of them by promotion); dearer: {rises}; new: {new}; "
        "gone: {gone}.",
        cuts=len(moved(moves, "cut")), promos=len(promos), rises=len(moved(moves, "rise", "mixed")),
        new=len(moved(moves, "new")), gone=len(moved(moves, "removed")),
    )  # fmt: skip
    zeros, wavering = moved(moves, "zero"), len(moved(moves, "wavering"))
    if not zeros and not wavering:
        return text
    named = f" ({', '.join(move.offer for move in zeros)})" if 0 < len(zeros) <= NAMED else ""
    noise = say("Not counted: unproven zeros {zeros}, prices that only moved to and fro {wavering}.",
                zeros=f"{len(zeros)}{named}", wavering=wavering)  # fmt: skip
    return say.sentences([text, noise])


def _index(sections: Sequence[Section], say: Words) -> list[str]:
    table = next((t for section in sections for t in section.tables if t.table_id == "index"), None)
    known = [row for row in table.rows if row["change"] is not None] if table else []
    if not known:
        return []
    ends = say.clauses(f"{row['name']} {row['index_new']:.1f} ({figures.change(row['change'])})" for row in known)
    return [say("Price index: {ends}.", ends=ends)]


def _who_cut(moves: Sequence[Move], copied: Collection[str], say: Words) -> str:
    """The model that most sellers cut, the deepest cut of all, and the price that swung widest."""
    return say.sentences([_cutters(moves, copied, say), *_swing(moves, say)])


def _swing(moves: Sequence[Move], say: Words) -> list[str]:
    """Of the prices that moved to and fro: a threefold swing is news, even if the week ended where it began."""
    widest = max(moved(moves, "wavering"), key=lambda move: (swing_of(move), move.offer), default=None)
    spread = widest.spread("output") if widest else None
    if widest is None or spread is None or swing_of(widest) < NEWS:
        return []
    told = {
        "offer": widest.offer, "times": widest.times, "low": figures.money(spread[0]),
        "high": figures.money(spread[1]), "currency": widest.currency,
    }  # fmt: skip
    if widest.routed:
        return [
            say(
                "The widest swing is {offer}, a router's headline that follows the discounts of its hosts: {times} "
                "moves between {low} and {high} {currency} per million output tokens.",
                **told,
            )
        ]
    return [say("The widest swing is {offer}: {times} moves between {low} and {high} {currency} per million output "
                "tokens.", **told)]  # fmt: skip


def _cutters(moves: Sequence[Move], copied: Collection[str], say: Words) -> str:
    """A cut of a seller goes before a router's headline, and that before what only a copy states."""
    cuts = [move for move in moved(moves, "cut") if move.model_id and move.change is not None]
    if not cuts:
        return say("No offer of a known model got cheaper.")
    deepest = min(cuts, key=lambda move: (move.offer in copied, move.routed, move.change or 0.0, move.offer))
    told = say("The deepest cut is {offer}: {prices}, {how}, since {at} UTC ({source}).", offer=deepest.offer,
               prices=price_text(deepest, say), how=how_text(deepest, say), at=figures.when(deepest.last_at),
               source=deepest.steps[-1].source_id)  # fmt: skip
    model = most_contested(moves)
    if model is None:
        return told
    sellers = Counter(move.provider for move in cuts if move.model == model)
    fight = say("The hardest fight is over {model}, cut by {count} sellers ({sellers}).", model=model,
                count=len(sellers), sellers=", ".join(sorted(sellers)))  # fmt: skip
    return say.sentences([fight, told])


def _rows(sections: Sequence[Section], table_id: str) -> Sequence[Mapping[str, object]]:
    return next((t.rows for section in sections for t in section.tables if t.table_id == table_id), ())


def _below_cost(flags: Flags, after: Mapping[int, Billed], sections: Sequence[Section], say: Words) -> str:
    """The surest open below-cost flags with their assumption."""
    chosen, behind = below_cost_flags(flags, after)
    floors = _rows(sections, "floor")
    if not chosen and not floors:
        return say("Below cost: nothing was assessed up to this week, so nobody is said to sell below cost.")
    if not chosen:
        return say("Below cost: no offer is flagged at a price that its seller or a router states, of {count} models "
                   "whose cost is known.", count=len(floors))  # fmt: skip
    sure = chosen[: len(chosen) - sum(behind.values())]
    if not sure:
        return say("Below cost: {count} offers are flagged, all of them free or at a price that is in doubt.",
                   count=len(chosen))  # fmt: skip
    return say(
        "Below cost, free offers and doubtful prices apart: {count}, surest "
        "{offers} (probability in brackets; the assumption '{scenario}' is explained under Price against cost floor).",
        count=len(sure), offers=offers_told(sure), scenario=sure[0]["scenario"],
    )  # fmt: skip


def _served_as_sold(flags: Flags, sections: Sequence[Section], say: Words) -> str:
    """What an audit found, who changed the label under the same name, who says so itself, who is worth an audit."""
    changed = len(_rows(sections, "precision_changed"))
    if not flags.rows:
        return say("Served as sold: nothing was assessed up to this week. Offers that changed their declared "
                   "precision: {changed}.", changed=changed)  # fmt: skip
    told = []
    if differing := [row for row in _rows(sections, "audited") if row["is_different"]]:
        offers = ", ".join(dict.fromkeys(str(row["offer"]) for row in differing))
        told.append(say("An audit found other outputs than the reference's: {offers}.", offers=offers))
    if relabelled := _rows(sections, "relabelled"):
        told.append(say("Changed under the same name, by the label or by what audits find: {offers}.",
                        offers=offers_told(relabelled)))  # fmt: skip
    told.append(say("Below the released precision by a declared label: {count} offers.",
                    count=len(_rows(sections, "below_native"))))  # fmt: skip
    if sellers := _rows(sections, "suspected_sellers"):
        named = ", ".join(f"{row['seller']} ({row['offers']})" for row in sellers[:NAMED])
        told.append(say("Nothing declared, and worth an audit from circumstance alone: {count} offers, most at "
                        "{sellers}.", count=len(_rows(sections, "suspected")), sellers=named))  # fmt: skip
    return say("Served as sold: {told}", told=say.sentences(told))


def _where_to_buy(
    moves: Sequence[Move], after: Mapping[int, Billed], standing: Standing, copied: Collection[str], say: Words
) -> str:
    """The contested model, else the one with most sellers: cheapest at any precision, and with full precision.

    A copied price is no place to buy while a seller or a router states one itself.
    """
    models = priced(after)
    model = most_contested(moves)
    model = model if model in models else next(iter(models), None)
    if model is None:
        return say("Where to buy: no model has a proven price.")
    sides = stated(models[model], copied)
    text = say("Where to buy {model}: cheapest is {offer} at {price} $/M in/out ({precision}).", model=model,
               **_offer_words(sides[0], standing, say))  # fmt: skip
    full = [side for side in sides if standing.precisions.get(side.offer_id) in FULL_PRECISION]
    if not full or full[0] is sides[0]:
        return text
    best = say("Cheapest that declares full precision: {offer} at {price} ({precision}).",
               **_offer_words(full[0], standing, say))  # fmt: skip
    return say.sentences([text, best])


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
