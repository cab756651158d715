"""Audits as the rules read them: how sure one is that an offer differs, and whether two of them tell of a change."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tracker.flags.odds import probability_of

DIFFERENT = ("differs", "another_model")
MOST = 5.0  # log-odds: no single audit is certain


@dataclass(frozen=True, slots=True)
class Audit:
    """One verdict. `power`: the chance that a distance of `detectable_kl` nats a token would have been found."""

    audit_id: str
    at: datetime
    reference: str
    verdict: str  # differs, another_model or not_detectable
    p_value: float | None
    kl: float | None
    detectable_kl: float | None
    power: float | None
    sentence: str

    @property
    def is_different(self) -> bool:
        return self.verdict in DIFFERENT


def odds_of_difference(audit: Audit) -> float:
    """Log-odds that a difference found is real: at most the bound of Sellke, Bayarri and Berger (2001) on a p-value.

    Another tokenizer shows without a p-value.
    """
    p = audit.p_value
    if p is None:
        return MOST if audit.verdict == "another_model" else 0.0
    if p >= 1 / math.e:
        return 0.0
    return min(-math.log(-math.e * p * math.log(p)), MOST) if p > 0 else MOST


@dataclass(frozen=True, slots=True)
class Change:
    """Two audits against one reference, `after` the newer: `seen` found a difference, `clean` none."""

    before: Audit
    after: Audit

    @property
    def seen(self) -> Audit:
        return self.after if self.after.is_different else self.before

    @property
    def clean(self) -> Audit:
        return self.before if self.after.is_different else self.after

    @property
    def missed(self) -> float:
        """The chance that the clean audit would have missed the distance seen; 1 where it could not see so little."""
        seen, clean = self.seen, self.clean
        if clean.power is None or clean.detectable_kl is None:
            return 1.0
        far = seen.verdict == "another_model" if seen.kl is None else seen.kl >= clean.detectable_kl
        return 1 - clean.power if far else 1.0

    @property
    def probability(self) -> float:
        """That the outputs changed in between.

        Either they did, or the difference was there both times and the clean audit missed it: both are taken for
        equally likely beforehand.
        """
        return probability_of(odds_of_difference(self.seen)) / (1 + self.missed)


def last_change(audits: Sequence[Audit]) -> Change | None:
    """The newest two neighbours, oldest first in `audits`, that disagree about the same reference."""
    change = None
    latest: dict[str, Audit] = {}
    for audit in audits:
        before = latest.get(audit.reference)
        if before is not None and before.is_different != audit.is_different:
            change = Change(before, audit)
        latest[audit.reference] = audit
    return change
