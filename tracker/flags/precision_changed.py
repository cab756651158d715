"""precision_changed: the declared label of one offer, or what audits find of it, changed under the same name.

The label change is a fact; the probability is that the weights served changed with it. Labels that flap are one flag.
A label that is withdrawn says less than one that changed: it keeps a flag open and opens none.
Of a label and an audit that changed the likelier finding stands.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tracker.flags.audited import Audit, last_change
from tracker.flags.finding import Evidence, Figure, Finding, Rule, day, found
from tracker.flags.quantization import RUNG_BITS

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
# Nobody hides a label for good news, but pages lose fields: in the recordings 27 labels of one host came in one day.
HIDDEN = 0.35


@dataclass(frozen=True, slots=True)
class Label:
    """One declared label and when it was first shown.

    `bits` that weights so labelled store, at most those released; None: unknown, or withdrawn while the offer stayed.
    """

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
    told = labels[labels.index(old) :]
    shown = [label for label in told if label.bits is not None]
    probability, what = _weighed(told, shown)
    if new.bits is None and shown:
        what += f"; it was withdrawn on {day(new.since)} while the offer stayed"
    ends = (("bits_before", shown[0]), ("bits_after", shown[-1])) if shown else ()
    return found(
        RULE,
        offer,
        probability,
        f"Under the same name the declared precision {what}.",
        f"The label back at {old.value}, or an audit that finds no change across {day(new.since)}.",
        figures=tuple(Figure(name, label.bits, "bits") for name, label in ends if label.bits is not None),
        evidence=tuple(dict.fromkeys(_row(label) for label in (old, *shown[-1:], new))),
        expires_at=new.since + REMEMBERED,
    )


def _row(label: Label) -> Evidence:
    what = "shown from" if label.bits is not None else "from"
    return Evidence("declarations", label.declaration_id, f"{label.value}, {what} {day(label.since)}")


def _weighed(told: Sequence[Label], shown: Sequence[Label]) -> tuple[float, str]:
    """The probability, and what the labels `told` did, oldest first; `shown`: those of known width among them."""
    moved = f"went from {told[0].value} to {told[-1].value} on {day(told[-1].since)}"
    if not shown:
        return 0.2, moved
    first, last = shown[0], shown[-1]
    turns = [(new, abs((new.bits or 0.0) - (old.bits or 0.0)) > RUNG_BITS) for old, new in itertools.pairwise(shown)]
    wide = [new for new, is_wide in turns if is_wide]
    if wide and abs((last.bits or 0.0) - (first.bits or 0.0)) > RUNG_BITS:
        word = "fell" if (last.bits or 0.0) < (first.bits or 0.0) else "rose"
        return 0.9, f"{word} from {first.value} to {last.value} on {day(wide[-1].since)}"
    if wide:
        return 0.3, f"flapped {len(wide)} times and is back at {last.value} since {day(last.since)}"
    if first.value != last.value:
        return 0.4, f"went from {first.value} to {last.value} on {day(last.since)}, which stores as many bits"
    if told[-1].bits is None:
        return HIDDEN, f"was {last.value} from {day(last.since)}"
    if told[0].bits is None:
        return 0.2, moved
    return 0.1, f"was hidden and is back at {last.value} since {day(last.since)}"
