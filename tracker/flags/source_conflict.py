"""source_conflict: two sources state different prices for the same offer on the same day.

A copy is never a second witness: a catalogue that copies the other source and disagrees is merely late.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tracker.flags.finding import Evidence, Figure, Finding, Rule, found, usd
from tracker.flags.odds import ramp

RULE = Rule(
    "source_conflict",
    version=1,
    open_at=0.6,
    close_at=0.4,
    quiet_days=1,
    calibrated=False,
    meaning="the price shown first is not the one that bills",
)


@dataclass(frozen=True, slots=True)
class Conflict:
    """One disagreement. `standing` 1 is the seller itself."""

    component: str
    source_id: str
    standing: int
    amount: float
    other_source_id: str
    other_amount: float
    other_is_copy: bool
    currency: str
    quote_id: str
    other_quote_id: str


def judge(offer: str, conflicts: Sequence[Conflict]) -> Finding | None:
    """The likeliest disagreement speaks; independent witnesses against a source of no standing weigh most."""
    if not conflicts:
        return None
    probability, worst = max(((_doubt(conflict), conflict) for conflict in conflicts), key=lambda pair: pair[0])
    witnesses = {c.other_source_id for c in conflicts if c.component == worst.component and not c.other_is_copy}
    copy = " (a copy, perhaps late)" if worst.other_is_copy else ""
    return found(
        RULE,
        offer,
        min(probability + 0.1 * max(len(witnesses) - 1, 0), 0.95),
        f"{worst.source_id} says {_money(worst.amount, worst.currency)} per million {worst.component} tokens, "
        f"{worst.other_source_id}{copy} says {_money(worst.other_amount, worst.currency)}.",
        "The two sources agreeing, or the seller's own page read once.",
        figures=(Figure("ratio", worst.other_amount / worst.amount, "x"),),
        evidence=(
            Evidence("quotes", worst.quote_id, f"{worst.source_id}: {worst.amount:g} {worst.currency}"),
            Evidence(
                "quotes", worst.other_quote_id, f"{worst.other_source_id}: {worst.other_amount:g} {worst.currency}"
            ),
        ),
    )


def _money(amount: float, currency: str) -> str:
    return usd(amount) if currency == "USD" else f"{amount:g} {currency}"


def _doubt(conflict: Conflict) -> float:
    """The seller's own page is doubted little, a copy proves little, a small difference is rounding."""
    size = ramp(abs(conflict.other_amount / conflict.amount - 1), 0.005, 0.05, top=1.0)
    base = 0.15 if conflict.standing <= 1 else 0.65
    return size * (base * 0.5 if conflict.other_is_copy else base)
