"""The steps of a price within the week, and whether they lead anywhere: turns, the range wandered through, its net."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from math import log

from reports.billed import COMPONENTS, Billed
from reports.ledger import Ledger
from reports.parts import Row

CHANGES = """
SELECT changed_at, offer_id, offer, provider, listed_name, tier, region, model_id, component, basis, min_prompt_tokens,
       hours, kind, old_amount, new_amount, currency, source_id, old_quote_id, quote_id
FROM price_changes WHERE changed_at >= ? AND changed_at <= ?
ORDER BY changed_at, offer, component, basis, min_prompt_tokens, hours, source_id, quote_id
"""
DOWN, UP = frozenset(("cut", "promo_start", "made_free")), frozenset(("rise", "promo_end", "free_ended"))


@dataclass(frozen=True, slots=True)
class Step:
    """One row of `price_changes`."""

    changed_at: datetime
    component: str
    basis: str
    base: bool  # holds for any prompt length at any hour
    kind: str
    old: Decimal | None
    new: Decimal | None
    source_id: str
    quote_ids: tuple[int, ...]


def steps_of(ledger: Ledger) -> tuple[dict[int, list[Step]], dict[int, Row]]:
    """The week's classified changes by offer, and one row of each offer for its names."""
    steps: defaultdict[int, list[Step]] = defaultdict(list)
    named: dict[int, Row] = {}
    for row in ledger.during(CHANGES):
        named.setdefault(row["offer_id"], row)
        ids = tuple(i for i in (row["old_quote_id"], row["quote_id"]) if i is not None)
        base = row["min_prompt_tokens"] == 0 and row["hours"] == ""
        step = Step(row["changed_at"], row["component"], row["basis"], base, row["kind"], row["old_amount"],
                    row["new_amount"], row["source_id"], ids)  # fmt: skip
        steps[row["offer_id"]].append(step)
    return dict(steps), named


def spread_of(
    before: Billed | None, after: Billed | None, steps: Sequence[Step], name: str
) -> tuple[Decimal, Decimal] | None:
    """The lowest and highest a component was billed at in the week; list prices under a promotion bill nobody."""
    own = [step for step in steps if step.component == name and step.base and step.new is not None]
    promoted = any(step.basis == "discount" for step in own)
    taken = [side.prices[name] for side in (before, after) if side]
    taken += [step.new for step in own if step.basis == "discount" or not promoted]
    known = [amount for amount in taken if amount is not None]
    return (min(known), max(known)) if known else None


def net_share(before: Billed, after: Billed, steps: Sequence[Step]) -> float:
    """How much of the range that input and output wandered through the net of the week is: 0 back again, 1 straight."""
    shares = []
    for name in COMPONENTS[:2]:
        old, new, spread = before.prices[name], after.prices[name], spread_of(before, after, steps, name)
        if old and new and spread and spread[0] and spread[0] < spread[1]:
            shares.append(abs(log(new / old)) / log(spread[1] / spread[0]))
    return max(shares, default=0.0)


def turns_of(steps: Iterable[Step]) -> int:
    """How often the plain price turned from falling to rising or back."""
    ways: dict[datetime, bool] = {}
    for step in steps:
        if step.base and step.component in COMPONENTS[:2] and step.kind in DOWN | UP:
            ways[step.changed_at] = step.kind in DOWN
    taken = list(ways.values())
    return sum(one is not other for one, other in pairwise(taken))
