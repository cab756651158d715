"""What moved in the week: one line per offer, net of the week, with how often it moved and the quotes behind it.

Old and new are what the offer billed just before the week and at its end (`offers_asof`), both as its best source says;
what other sources echo later is not news. Amounts are per million tokens in the seller's currency, so a currency's own
move is not a price change. An offer that moves to and fro is told once, with a count.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from reports.billed import COMPONENTS, ROUTERS, Billed
from reports.ledger import Ledger
from reports.steps import DOWN, UP, Step, net_share, spread_of, steps_of, turns_of

# A price that turns round this often in a week is not announced but chased: a reseller's bot after the cheapest. It is
# a move only where its net covers at least this share of the range it wandered through (in logarithms).
TURNS, NET_SHARE = 2, 0.5
MOVING = DOWN | UP | {"repack"}


@dataclass(frozen=True, slots=True)
class Move:
    """One offer's week. `before` and `after` are None where it did not exist."""

    kind: str  # cut, rise, mixed, echo, new, removed, zero, wavering, conditions, brief
    how: tuple[str, ...]  # list_cut, list_rise, promo_start, promo_end, discount, free
    offer: str
    provider: str
    model: str
    model_id: str | None
    routed: bool  # a router's headline: it follows the hosts behind it and is no seller of its own
    currency: str
    before: Billed | None
    after: Billed | None
    steps: tuple[Step, ...]

    @property
    def plain(self) -> tuple[Step, ...]:
        """The steps of the plain input and output price, else all of them."""
        found = tuple(s for s in self.steps if s.base and s.component in COMPONENTS[:2] and s.kind != "unknown")
        return found or self.steps

    @property
    def times(self) -> int:
        """How often the plain price moved."""
        return len({step.changed_at for step in self.plain if step.kind in DOWN | UP})

    @property
    def first_at(self) -> datetime:
        return self.plain[0].changed_at

    @property
    def last_at(self) -> datetime:
        return self.plain[-1].changed_at

    @property
    def quote_ids(self) -> tuple[int, ...]:
        """The quote each component ended the week with, and the one it began with."""
        last: dict[str, tuple[int, ...]] = {}
        for step in self.steps:
            if step.component in COMPONENTS[:2] or self.kind == "conditions":
                last[step.component] = step.quote_ids
        return tuple(dict.fromkeys(quote_id for ids in last.values() for quote_id in ids))

    @property
    def change(self) -> float | None:
        """Relative change of the blended price."""
        old, new = (side.blended if side else None for side in (self.before, self.after))
        return float(new / old - 1) if old and new is not None else None

    @property
    def promoted(self) -> bool:
        """A promotion has a part in it."""
        return bool({"promo_start", "promo_end", "discount"} & set(self.how))

    @property
    def only_promoted(self) -> bool:
        """Promotions alone moved it: the list price stood still."""
        return self.promoted and not {"list_cut", "list_rise"} & set(self.how)

    def spread(self, component: str) -> tuple[Decimal, Decimal] | None:
        """The lowest and highest the component was billed at in the week."""
        return spread_of(self.before, self.after, self.steps, component)


def moves_of(ledger: Ledger, before: dict[int, Billed], after: dict[int, Billed]) -> list[Move]:
    """Every offer that moved in the week, once."""
    steps, named = steps_of(ledger)
    routers = {row["provider"] for row in ledger.rows(ROUTERS)}
    found = []
    for offer_id, all_steps in steps.items():
        side = after.get(offer_id) or before.get(offer_id)
        own = [step for step in all_steps if side is None or step.source_id == side.source_id]
        if not own:
            continue
        row = named[offer_id]
        old, new = _same_source(before.get(offer_id), after.get(offer_id), own)
        names = (row["offer"], row["provider"], row["model_id"] or row["listed_name"])
        routed = names[1] in routers
        kind, how = _kind(old, new, own, routed)
        if kind:
            currency = side.currency if side else row["currency"]
            found.append(Move(kind, how, *names, row["model_id"], routed, currency, old, new, tuple(own)))
    return in_order(_echoes_apart(found))


def _echoes_apart(moves: Sequence[Move]) -> list[Move]:
    """A router's headline that moved as one of its hosts did is the same news twice: kind `echo`."""
    told = {(move.kind, move.model) for move in moves if not move.routed and move.kind in ("cut", "rise", "mixed")}
    return [replace(m, kind="echo") if m.routed and (m.kind, m.model) in told else m for m in moves]


def _same_source(before: Billed | None, after: Billed | None, steps: list[Step]) -> tuple[Billed | None, Billed | None]:
    """Both sides as one source tells them: when a better source joined in the week, its own first step says the old."""
    if before is None or after is None or before.source_id == after.source_id:
        return before, after
    olds = {step.component: step.old for step in reversed(steps) if step.base and step.old is not None}
    prices = {name: olds.get(name, after.prices[name]) for name in COMPONENTS}
    return replace(after, prices=prices), after


def _kind(before: Billed | None, after: Billed | None, steps: list[Step], routed: bool) -> tuple[str, tuple[str, ...]]:
    """What the week did to an offer, and through which kinds of price; "" is no news.

    A router's headline that turned round wanders with the discounts of its hosts: where it ended is chance.
    """
    kinds = {step.kind for step in steps}
    if any(_unproven_zero(step) for step in steps):
        return "zero", ()
    if before is None or after is None:
        return _came_or_went(before, after, kinds), ()
    if before.source_id != after.source_id or before.currency != after.currency:
        return "", ()
    pairs = [(before.prices[name], after.prices[name]) for name in COMPONENTS[:2]]
    known = [(old, new) for old, new in pairs if old is not None and new is not None]
    falls, rises = any(new < old for old, new in known), any(new > old for old, new in known)
    turns = turns_of(steps)
    wandered = turns >= TURNS and (routed or net_share(before, after, steps) < NET_SHARE)
    if wandered or (turns and not falls and not rises):
        return "wavering", ()
    if not falls and not rises:
        return ("conditions" if kinds & MOVING else ""), ()
    return ("mixed" if falls and rises else "cut" if falls else "rise"), _how(steps)


def _unproven_zero(step: Step) -> bool:
    """A bare 0 appeared, or gave way to a price. (One that gave way to "unknown" was never a price.)"""
    return step.component in COMPONENTS[:2] and (
        step.kind == "zero_claimed" or (step.kind == "zero_ended" and step.new is not None)
    )


def _came_or_went(before: Billed | None, after: Billed | None, kinds: set[str]) -> str:
    if before is None and after is None:
        return "brief" if {"new", "removed"} <= kinds else ""
    if before is None:
        return "new" if "new" in kinds else ""
    return "removed" if "removed" in kinds else ""


def _how(steps: Iterable[Step]) -> tuple[str, ...]:
    """Everything the week did to the plain price: the list price's own moves beside the promotions over it."""
    found = {_way(step) for step in steps if step.base and step.component in COMPONENTS[:2]}
    return tuple(
        way for way in ("promo_start", "promo_end", "discount", "free", "list_cut", "list_rise") if way in found
    )


def _way(step: Step) -> str:
    if step.kind in ("promo_start", "promo_end"):
        return step.kind
    if step.kind in ("made_free", "free_ended"):
        return "free"
    if step.kind not in ("cut", "rise"):
        return ""
    return "discount" if step.basis == "discount" else f"list_{step.kind}"


def in_order(moves: Iterable[Move]) -> list[Move]:
    """The model that most sellers moved first, then the one that moved furthest; a total order: two runs agree."""
    moves = list(moves)
    sellers = {(move.kind, move.model, move.provider) for move in moves if not move.routed}
    contest = Counter((kind, model) for kind, model, _ in sellers)
    furthest: dict[tuple[str, str], float] = {}
    for move in moves:
        key = (move.kind, move.model)
        furthest[key] = max(furthest.get(key, 0.0), abs(move.change or 0.0))

    def rank(move: Move) -> tuple[int, float, str, float, str]:
        key = (move.kind, move.model)
        return (-contest[key], -furthest[key], move.model, -abs(move.change or 0.0), move.offer)

    return sorted(moves, key=rank)
