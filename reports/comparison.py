"""This week beside the week before: how much moved, in counts."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from reports.billed import Billed, billed_at
from reports.ledger import Ledger
from reports.moves import Move, moves_of
from reports.parts import Column, Section, Table
from reports.week import label_of
from reports.words import Words


def comparison_section(ledger: Ledger, moves: Sequence[Move], before: Mapping[int, Billed], say: Words) -> Section:
    """Counts of both weeks; `before` is what stood between them."""
    earlier = ledger.at_week(label_of(ledger.week.start_utc - timedelta(days=1)))
    old = moves_of(earlier, billed_at(earlier, earlier.week.before_utc), dict(before))
    kinds = {
        say("offers that got cheaper"): ("cut",),
        say("offers that got dearer"): ("rise", "mixed"),
        say("new offers"): ("new",),
        say("removed offers"): ("removed",),
        say("prices that moved to and fro"): ("wavering",),
        say("unproven zeros"): ("zero",),
    }
    rows = [{"what": what, "before": _count(old, names), "now": _count(moves, names)} for what, names in kinds.items()]
    promoted = [sum(move.promoted for move in side) for side in (old, moves)]
    rows.append({"what": say("offers moved by promotion"), "before": promoted[0], "now": promoted[1]})
    columns = (
        Column("what", say("What")),
        Column("before", earlier.week.label, "count"),
        Column("now", ledger.week.label, "count"),
    )
    table = Table("comparison", say("Counts"), columns, tuple(rows))
    return Section("comparison", say("Beside the week before"), (), (), (table,))


def _count(moves: Sequence[Move], kinds: tuple[str, ...]) -> int:
    return sum(move.kind in kinds for move in moves)
