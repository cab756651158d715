"""likely_quantized: the weights on sale are below the model's native precision.

A declared label decides first, dated, with whose page it stood on. Without one the evidence is added up in log-odds
(weights.csv: fitted on labelled endpoints, see README.md). Price and circumstance alone never take it above 0.70: there
the flag asks for an audit instead of accusing. An audit may.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tracker.flags.finding import HEARSAY, Evidence, Figure, Finding, Rule, day, found
from tracker.flags.odds import logit, probability_of
from tracker.flags.precision_changed import HIDDEN
from tracker.flags.quantization import RUNG_BITS

RULE = Rule(
    "likely_quantized",
    version=2,
    open_at=0.60,
    close_at=0.45,
    quiet_days=7,
    calibrated=False,
    meaning="the weights served are below native precision, or not those released",
)
CAP_WITHOUT_AUDIT = 0.70
DECLARED_BELOW = 0.97  # a host has no reason to declare less than it serves
DECLARED_NATIVE = 0.04
# That another listing of the same host runs the same weights: none of 8 such pairs in the recordings disagreed.
SAME_WEIGHTS = 0.9
MIN_SHOWN = 0.05
NATIVE_LABEL = "native_label"  # a figure's name: "label" alone is a label below native
HOST, ROUTER, NAME = "host", "router", "name"  # who shows a label


@dataclass(frozen=True, slots=True)
class Declared:
    """A label and where it stood. `bits` of the weights it means; `page`: the title of the source, or the listed name.

    `listing`: the other offer of the same host that shows it; `withdrawn`: when it went while the offer stayed;
    `row`: the row to read instead of the declaration, where a name says it.
    """

    label: str
    bits: float
    since: datetime
    declaration_id: str
    by: str
    page: str
    listing: str = ""
    withdrawn: datetime | None = None
    row: tuple[str, str] | None = None

    @property
    def trust(self) -> float:
        """That it holds for this offer today."""
        if self.withdrawn is not None:
            return 1 - HIDDEN
        return SAME_WEIGHTS if self.listing else 1.0

    @property
    def evidence(self) -> Evidence:
        view, ref = self.row or ("declarations", self.declaration_id)
        gone = f" until {day(self.withdrawn)}" if self.withdrawn else ""
        return Evidence(view, ref, f"{self.page}: {self.label}, shown from {day(self.since)}{gone}")

    def __str__(self) -> str:
        """Who says it, in a sentence's opening words."""
        shown = f"label {self.label} since {day(self.since)}"
        if self.withdrawn is not None:
            shown = f"label {self.label} from {day(self.since)} until it was withdrawn on {day(self.withdrawn)}"
        where = f'on "{self.page}"'
        if self.listing:
            return f"This listing shows no label, but the same host's {self.listing} does, {where}: {shown}"
        if self.by == HOST:
            return f"The host says so itself {where}: {shown}"
        return f"Its listed name says {self.label}" if self.by == NAME else f"Declared for this host {where}: {shown}"


@dataclass(frozen=True, slots=True)
class Signal:
    """One piece of evidence: what it adds to the log-odds, in words."""

    name: str
    log_odds: float
    says: str
    evidence: tuple[Evidence, ...] = ()
    is_audit: bool = False


@dataclass(frozen=True, slots=True)
class Circumstance:
    """What is known where no label is. `prior`: the probability before the signals; `basis`: what it rests on."""

    prior: float
    basis: str
    signals: tuple[Signal, ...] = ()


@dataclass(frozen=True, slots=True)
class Serving:
    """One host's serving of one open model."""

    offer: str
    model_id: str
    native_precision: str
    native_bits: float
    shape: str  # whose facts say so: the model's own, or those of the model it is a variant of
    declared: Declared | None
    circumstance: Circumstance
    audits: tuple[Signal, ...] = ()
    hearsay: bool = False  # nobody who serves it shows the offer


def judge(serving: Serving) -> Finding | None:
    """The declared label, moved by audits alone; without a label, everything."""
    if serving.declared is not None:
        return _labelled(serving, serving.declared)
    return _unlabelled(serving)


def _labelled(serving: Serving, declared: Declared) -> Finding | None:
    below, audits = declared.bits < serving.native_bits - RUNG_BITS, serving.audits
    base = DECLARED_BELOW if below else DECLARED_NATIVE
    base = declared.trust * base + (1 - declared.trust) * serving.circumstance.prior
    counted = () if below and declared.trust == 1 else audits  # no audit clears what its own label says
    probability = probability_of(logit(base) + sum(signal.log_odds for signal in counted)) if counted else base
    if probability < MIN_SHOWN:
        return None
    facts = "" if serving.shape == serving.model_id else f" by the facts of {serving.shape}"
    native = f"{serving.model_id} was released in {serving.native_precision}{facts}"
    found_by_audits = f"; {'but ' if not below else ''}{_reasons(counted)}" if counted else ""
    if below:
        text = f"{declared}; {native}{found_by_audits}."
        clearing = f"The label at {serving.native_precision} or above on the serving page."
    else:
        text = f"{declared}, which is native ({native}){found_by_audits}."
        clearing = "An audit against a host known to serve native weights that finds no difference."
    if declared.trust < 1:
        doubt = "it still holds" if declared.withdrawn else "it holds for this listing too"
        text += f" That {doubt} is taken for {declared.trust:.2f} likely."
    return found(
        RULE, serving.offer, probability, text, clearing,
        figures=(
            Figure("label" if below else NATIVE_LABEL, declared.bits, "bits"),
            Figure("native", serving.native_bits, "bits"),
            *_terms(counted),
        ),
        evidence=(declared.evidence, *(row for s in audits for row in s.evidence)),
        held=HEARSAY if serving.hearsay and not audits else "",
    )  # fmt: skip


def _unlabelled(serving: Serving) -> Finding | None:
    known, audited = serving.circumstance, bool(serving.audits)
    signals = sorted((*known.signals, *serving.audits), key=lambda signal: -abs(signal.log_odds))
    if not signals:
        return None
    total = logit(known.prior) + sum(signal.log_odds for signal in signals)
    raw = probability_of(total)
    probability = raw if audited else min(raw, CAP_WITHOUT_AUDIT)
    if probability < MIN_SHOWN:
        return None
    held = f"; held at {CAP_WITHOUT_AUDIT:.2f} without an audit" if raw > probability else ""
    plea = "" if audited else " This is circumstance, not proof: it asks for an audit (`tracker audit`)."
    text = f"No precision is declared. {known.basis}: {known.prior:.0%}. {_reasons(signals)}. Together {raw:.2f}{held}."
    return found(
        RULE, serving.offer, probability, text + plea,
        f"A declared label of {serving.native_precision}, or an audit that finds no difference from native weights.",
        figures=(Figure("prior", known.prior, ""), *_terms(signals), Figure("log_odds", total, "nats")),
        evidence=tuple(dict.fromkeys(row for signal in signals for row in signal.evidence)),
        held=HEARSAY if serving.hearsay and not audited else "",
    )  # fmt: skip


def _terms(signals: Sequence[Signal]) -> tuple[Figure, ...]:
    return tuple(Figure(f"log_odds_{signal.name}", signal.log_odds, "nats") for signal in signals)


def _reasons(signals: Sequence[Signal]) -> str:
    """Each with what it adds; the fit may give it no weight."""
    told = "; ".join(f"{signal.says} ({_weighs(signal.log_odds)})" for signal in signals)
    return told[:1].upper() + told[1:]


def _weighs(log_odds: float) -> str:
    return f"{log_odds:+.1f}" if abs(log_odds) >= 0.05 else "adds nothing"
