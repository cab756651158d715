"""precision_changed: the declared label of one offer changed under the same name.

The label change is a fact; the probability is that the weights served changed with it. Labels that flap are one flag.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tracker.flags.finding import Evidence, Figure, Finding, Rule, day, found

RULE = Rule(
    "precision_changed",
    version=2,
    open_at=0.5,
    close_at=0.3,
    quiet_days=7,
    calibrated=False,
    meaning="the weights on sale changed with the label",
)
REMEMBERED = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Label:
    """One declared label and when it was first shown. `bits` None: unknown or withdrawn."""

    value: str
    bits: float | None
    since: datetime
    declaration_id: str


def judge(offer: str, labels: Sequence[Label], at: datetime) -> Finding | None:
    """The latest change within the last 30 days, oldest label first in `labels`."""
    steps = [(old, new) for old, new in itertools.pairwise(labels) if old.value != new.value]
    recent = [(old, new) for old, new in steps if at - new.since <= REMEMBERED]
    if not recent:
        return None
    old, new = recent[0][0], recent[-1][1]
    if old.value == new.value:
        probability, what = 0.3, f"flapped {len(recent)} times and is back at {new.value}"
    elif old.bits is None or new.bits is None:
        probability, what = 0.5 if new.bits is None else 0.2, f"went from {old.value} to {new.value}"
    elif old.bits == new.bits:
        probability, what = 0.4, f"went from {old.value} to {new.value}, both {new.bits:.0f}-bit"
    else:
        word = "fell" if new.bits < old.bits else "rose"
        probability, what = 0.9, f"{word} from {old.value} to {new.value}"
    return found(
        RULE,
        offer,
        probability,
        f"The declared precision {what} on {day(new.since)} under the same name.",
        f"The label back at {old.value}, or an audit that finds no change across {day(new.since)}.",
        figures=tuple(
            Figure(name, label.bits, "bits")
            for name, label in (("bits_before", old), ("bits_after", new))
            if label.bits is not None
        ),
        evidence=tuple(
            Evidence("declarations", label.declaration_id, f"{label.value}, shown from {day(label.since)}")
            for label in (old, new)
        ),
        expires_at=new.since + REMEMBERED,
    )
