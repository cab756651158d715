"""precision_changed: the declared label of one offer, or what audits find of it, changed under the same name.

The label change is a fact; the probability is that the weights served changed with it. Labels that flap are one flag.
Of a label and an audit that changed the likelier finding stands.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tracker.flags.audited import Audit, last_change
from tracker.flags.finding import Evidence, Figure, Finding, Rule, day, found

RULE = Rule(
    "precision_changed",
    version=3,
    open_at=0.5,
    close_at=0.3,
    quiet_days=7,
    calibrated=False,
    meaning="the weights on sale changed",
)
REMEMBERED = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Label:
    """One declared label and when it was first shown. `bits` None: unknown or withdrawn."""

    value: str
    bits: float | None
    since: datetime
    declaration_id: str


def judge(offer: str, labels: Sequence[Label], at: datetime, audits: Sequence[Audit] = ()) -> Finding | None:
    """The latest change within the last 30 days; labels and audits come oldest first."""
    found_both = (_by_label(offer, labels, at), _by_audit(offer, audits, at))
    return max((one for one in found_both if one is not None), key=lambda one: one.probability, default=None)


def _by_audit(offer: str, audits: Sequence[Audit], at: datetime) -> Finding | None:
    change = last_change(audits)
    if change is None or at - change.after.at > REMEMBERED:
        return None
    words = [
        f"{day(one.at)}: {'a difference' if one.is_different else 'none'} ({one.sentence.rstrip('.')})"
        for one in (change.before, change.after)
    ]
    terms = (
        ("kl", change.seen.kl, "nats a token"),
        ("detectable_kl", change.clean.detectable_kl, "nats a token"),
        ("missed", change.missed, ""),
    )
    return found(
        RULE,
        offer,
        change.probability,
        f"Two audits against {change.after.reference} disagree under the same name. {words[0]}. {words[1]}.",
        f"Another audit against {change.after.reference} that finds what the one of {day(change.before.at)} found.",
        figures=tuple(Figure(name, value, unit) for name, value, unit in terms if value is not None),
        evidence=tuple(
            Evidence("audits", one.audit_id, f"{one.verdict}, {day(one.at)}") for one in (change.before, change.after)
        ),
        expires_at=change.after.at + REMEMBERED,
    )


def _by_label(offer: str, labels: Sequence[Label], at: datetime) -> Finding | None:
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
