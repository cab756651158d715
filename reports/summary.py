"""The week in five sentences, each made from figures that the sections print."""

from collections import Counter
from collections.abc import Sequence

from reports import figures
from reports.movers import moved
from reports.moves import Move
from reports.parts import Section
from reports.words import Words


def summary_of(moves: Sequence[Move], sections: Sequence[Section], say: Words) -> tuple[str, ...]:
    """Counts, the contested model, the deepest move, the zeros and waverers, the data."""
    sentences = [_counts(moves, say), *_contested(moves, say), *_deepest(moves, say), *_noise(moves, say)]
    data = [section.sentences[0] for section in sections if section.section_id == "quality"]
    return tuple((*sentences, *data)[:5])


def _counts(moves: Sequence[Move], say: Words) -> str:
    promos = [move for move in moved(moves, "cut") if move.how != "list"]
    return say(
        "{cuts} offers ended the week cheaper ({promos} of them by promotion) and {rises} dearer; {new} appeared and "
        "{gone} went.",
        cuts=len(moved(moves, "cut")), promos=len(promos), rises=len(moved(moves, "rise", "mixed")),
        new=len(moved(moves, "new")), gone=len(moved(moves, "removed")),
    )  # fmt: skip


def _contested(moves: Sequence[Move], say: Words) -> list[str]:
    """The model whose price most sellers cut."""
    cuts = [move for move in moved(moves, "cut") if move.model_id]
    sellers = Counter(model for model, _ in {(move.model, move.provider) for move in cuts})
    if not sellers:
        return []
    model, count = min(sellers.items(), key=lambda item: (-item[1], item[0]))
    if count < 2:
        return []
    chosen = [move for move in cuts if move.model == model]
    deepest = min(chosen, key=lambda move: (move.change or 0.0, move.offer))
    return [
        say(
            "The hardest fight is over {model}: {count} sellers cut it ({sellers}), {seller} deepest, {prices}.",
            model=model, count=count, sellers=", ".join(sorted({move.provider for move in chosen})),
            seller=deepest.provider, prices=price_text(deepest, say),
        )
    ]  # fmt: skip


def _deepest(moves: Sequence[Move], say: Words) -> list[str]:
    """The deepest cut by a seller of a model that others sell too, or of its own."""
    known = [move for move in moved(moves, "cut") if move.model_id and move.change is not None]
    if not known:
        return []
    move = min(known, key=lambda move: (move.change or 0.0, move.offer))
    return [
        say("The deepest cut: {offer}, {prices}, {how}, since {at} UTC.", offer=move.offer,
            prices=price_text(move, say), how=_how(move, say), at=figures.when(move.last_at))
    ]  # fmt: skip


def _how(move: Move, say: Words) -> str:
    return say("by promotion") if move.how in ("promo_start", "discount") else say("on the list price")


def _noise(moves: Sequence[Move], say: Words) -> list[str]:
    zeros, wavering = moved(moves, "zero"), moved(moves, "wavering")
    if not zeros and not wavering:
        return []
    text = say("{zeros} offers showed a price of 0 that nothing proves, and {wavering} moved to and fro; neither is "
               "counted as a cut.", zeros=len(zeros), wavering=len(wavering))  # fmt: skip
    return [text]


def price_text(move: Move, say: Words) -> str:
    """`1.00/6.00 → 0.50/3.00 USD per million (−50 %)`."""
    sides = [(side.prices["input"], side.prices["output"]) for side in (move.before, move.after) if side]
    pairs = " → ".join(f"{figures.money(read)}/{figures.money(written)}" for read, written in sides)
    return say("{pairs} {currency} per million in/out ({change})", pairs=pairs, currency=move.currency,
               change=figures.change(move.change))  # fmt: skip
