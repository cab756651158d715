"""likely_quantized: the weights on sale are below the model's native precision.

A declared label decides first: the host says so itself, dated, off the serving page. Without one the evidence is added
up in log-odds (weights.csv: fitted on labelled endpoints, see README.md). Price and circumstance alone never take it
above 0.70: there the flag asks for an audit instead of accusing. An audit may.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tracker.flags.finding import HEARSAY, Evidence, Figure, Finding, Rule, day, found
from tracker.flags.odds import logit, probability_of

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
MIN_SHOWN = 0.05
NATIVE_LABEL = "native_label"  # a figure's name: "label" alone is a label below native


@dataclass(frozen=True, slots=True)
class Declared:
    """The host's own label. `bits` of the weights it means."""

    label: str
    bits: float
    since: datetime
    declaration_id: str
    source_id: str


@dataclass(frozen=True, slots=True)
class Signal:
    """One piece of evidence: what it adds to the log-odds, in words."""

    name: str
    log_odds: float
    says: str
    evidence: tuple[Evidence, ...] = ()
    is_audit: bool = False


@dataclass(frozen=True, slots=True)
class Serving:
    """One host's serving of one open model."""

    offer: str
    model_id: str
    native_precision: str
    native_bits: float
    declared: Declared | None
    prior: float  # share below native among labelled endpoints
    signals: tuple[Signal, ...]
    hearsay: bool = False  # nobody who serves it shows the offer


def judge(serving: Serving) -> Finding | None:
    """The declared label, moved by audits alone; without a label, everything."""
    audits = tuple(signal for signal in serving.signals if signal.is_audit)
    if serving.declared is not None:
        return _labelled(serving, serving.declared, audits)
    return _unlabelled(serving, bool(audits))


def _labelled(serving: Serving, declared: Declared, audits: Sequence[Signal]) -> Finding | None:
    below = declared.bits < serving.native_bits - 0.6  # mxfp4 4.25 and fp4 4.5 are the same rung
    base = DECLARED_BELOW if below else DECLARED_NATIVE
    probability = base if below else probability_of(logit(base) + sum(signal.log_odds for signal in audits))
    if probability < MIN_SHOWN:
        return None
    told = f"{declared.source_id} shows the label {declared.label} since {day(declared.since)}"
    native = f"{serving.model_id} was released in {serving.native_precision}"
    if below:
        text = f"The host says so itself: {told}; {native}."
        clearing = f"The label at {serving.native_precision} or above on the serving page."
    else:
        text = f"{told}, which is native ({native}), but {_reasons(audits)}."
        clearing = "An audit against a host known to serve native weights that finds no difference."
    rows = (Evidence("declarations", declared.declaration_id, told), *(row for s in audits for row in s.evidence))
    return found(
        RULE, serving.offer, probability, text, clearing,
        figures=(
            Figure("label" if below else NATIVE_LABEL, declared.bits, "bits"),
            Figure("native", serving.native_bits, "bits"),
            *(() if below else _terms(audits)),
        ),
        evidence=rows, held=HEARSAY if serving.hearsay and not audits else "",
    )  # fmt: skip


def _unlabelled(serving: Serving, audited: bool) -> Finding | None:
    if not serving.signals:
        return None
    total = logit(serving.prior) + sum(signal.log_odds for signal in serving.signals)
    raw = probability_of(total)
    probability = raw if audited else min(raw, CAP_WITHOUT_AUDIT)
    if probability < MIN_SHOWN:
        return None
    strongest = sorted(serving.signals, key=lambda signal: -abs(signal.log_odds))[:4]
    strongest = [signal for signal in strongest if abs(signal.log_odds) >= 0.1] or strongest[:1]
    capped = (
        f" The evidence adds up to {raw:.2f}, held at {CAP_WITHOUT_AUDIT:.2f} without an audit."
        if raw > probability
        else ""
    )
    plea = "" if audited else " This is circumstance, not proof: it asks for an audit (`tracker audit`)."
    text = (
        f"No precision is declared. An endpoint average in every respect comes to {serving.prior:.0%}; here "
        f"{_reasons(strongest)}.{capped}{plea}"
    )
    figures = (
        Figure("prior", serving.prior, ""),
        *_terms(serving.signals),
        Figure("log_odds", total, "nats"),
    )
    return found(
        RULE, serving.offer, probability, text,
        f"A declared label of {serving.native_precision}, or an audit that finds no difference from native weights.",
        figures=figures, evidence=tuple(row for signal in serving.signals for row in signal.evidence),
        calibrated=raw <= CAP_WITHOUT_AUDIT and not audited, held=HEARSAY if serving.hearsay and not audited else "",
    )  # fmt: skip


def _terms(signals: Sequence[Signal]) -> tuple[Figure, ...]:
    return tuple(Figure(f"log_odds_{signal.name}", signal.log_odds, "nats") for signal in signals)


def _reasons(signals: Sequence[Signal]) -> str:
    return "; ".join(f"{signal.says} ({signal.log_odds:+.1f})" for signal in signals)
