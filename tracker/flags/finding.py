"""What a rule is and what it says: frozen records, and the two sentences every flag owes its reader.

A probability is either calibrated (a table in README.md shows how often flags of that probability were right) or it is
not, and then the flag's own sentence says so. Rules are versioned: a changed threshold or formula is a new version.
"""

from dataclasses import dataclass, replace
from datetime import datetime

BELOW_CLOSING = 0.05
# The seller may never have asked a price that only somebody else's list shows, and a router serves nothing itself.
HEARSAY = "Only a copied price list or a router's headline shows this offer"


@dataclass(frozen=True, slots=True)
class Rule:
    """`open_at`, `close_at`: hysteresis. `quiet_days`: how long a flag must stay below `close_at` before it closes."""

    kind: str
    version: int
    open_at: float
    close_at: float
    quiet_days: float
    calibrated: bool
    meaning: str  # what the probability is the probability of


@dataclass(frozen=True, slots=True)
class Evidence:
    """One row behind a flag: the public view it stands in, its id there, and what it says."""

    view: str  # quotes, declarations, metrics, limits, conflicts, held, sources, cost_bands, audits, probes, facts
    ref: str
    says: str


@dataclass(frozen=True, slots=True)
class Figure:
    """One term of the sum a flag rests on."""

    name: str
    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says of one offer at one moment. Opened, kept or closed by lifecycle.py, never by the rule."""

    kind: str
    rule_version: int
    offer: str
    probability: float
    calibrated: bool
    sentence: str
    clearing: str
    scenario: str
    figures: tuple[Figure, ...]
    evidence: tuple[Evidence, ...]
    expires_at: datetime | None = None


def found(
    rule: Rule,
    offer: str,
    probability: float,
    sentence: str,
    clearing: str,
    *,
    scenario: str = "",
    figures: tuple[Figure, ...] = (),
    evidence: tuple[Evidence, ...] = (),
    expires_at: datetime | None = None,
    calibrated: bool | None = None,
    held: str = "",
) -> Finding:
    """A finding of `rule`; the sentence gets the statement about its calibration.

    `held`: why it must not accuse, however sure the sum is. Such a finding is noted below the closing threshold.
    """
    known = rule.calibrated if calibrated is None else calibrated
    ceiling = rule.close_at - BELOW_CLOSING
    if held and probability > ceiling:
        sentence += f" {held}: held at {ceiling:.2f} instead of {probability:.2f}."
        probability, known = ceiling, False
    bounded = min(max(round(probability, 4), 0.0), 1.0)
    note = f"Probability {bounded:.2f} that {rule.meaning}"
    note += "; calibrated on labelled cases." if known else "; uncalibrated: an estimate, not a frequency."
    return Finding(
        rule.kind,
        rule.version,
        offer,
        bounded,
        known,
        f"{sentence} {note}",
        clearing,
        scenario,
        figures,
        evidence,
        expires_at,
    )


def with_words(finding: Finding, words: str) -> Finding:
    """The finding with a sentence more, before the one about its probability."""
    head, mark, tail = finding.sentence.rpartition(" Probability ")
    return replace(finding, sentence=f"{head} {words}{mark}{tail}")


def usd(amount: float) -> str:
    """Dollars with the digits that matter: $0.27, $0.0035, $12.5, $1,940."""
    if amount == 0:
        return "$0"
    if abs(amount) >= 100:
        return f"${amount:,.0f}"
    digits = 2 if abs(amount) >= 0.1 else 4
    text = f"{amount:.{digits}f}"
    return f"${text.rstrip('0').rstrip('.') if digits == 4 else text}"


def plain(value: float) -> str:
    """A count or a factor without an exponent: 0.35, 64, 14,960."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def day(moment: datetime) -> str:
    """The date of a moment, as reports write it."""
    return moment.date().isoformat()
