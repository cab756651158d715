"""From findings to one sentence. It names a distance and what that distance is compatible with, never a cause.

A host's outputs cannot prove its weights: rounding, a fine-tune and a bug look alike from outside. So the words are
"differs from the reference, by KL about x; compatible with fp8, not with bf16" or "not detectable".
"""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from tracker.audit.noise import Range
from tracker.audit.surface import Difference, PromptTokens
from tracker.errors import DataFileError

EIGHT_BIT_KL = 0.0014  # Llama 3 8B q8_0, see audit_ladder.csv
SWAPPED_KL = 0.5  # nats: far beyond any rounding that leaves a model usable (2-bit of Llama 3 8B is 0.45)


@dataclass(frozen=True, slots=True)
class Rung:
    """KL against full precision that a way of storing weights was measured to cost."""

    precision: str
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Finding:
    """What one method found. `p_value` None: the method could not run, `note` says why."""

    method: str
    queries: int
    output_tokens: int
    statistic: float | None
    p_value: float | None
    kl: Range | None = None
    detectable_kl: float | None = None  # found with `power` had it been there
    power: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`kind`: differs, another_model, not_detectable, confounded, undecided."""

    kind: str
    sentence: str
    p_value: float | None = None
    kl: Range | None = None


def load_ladder() -> tuple[Rung, ...]:
    """The shipped ladder of published distances."""
    text = (resources.files("tracker") / "data" / "audit_ladder.csv").read_text("utf-8")
    rungs = []
    for row in csv.DictReader(text.splitlines()):
        rung = Rung(row["precision"], float(row["kl_low"]), float(row["kl_high"]))
        if not (row["source"] and row["as_of"] and 0 <= rung.low < rung.high):
            raise DataFileError(f"audit_ladder.csv: {row['precision']} needs a source, a date and a range")
        rungs.append(rung)
    return tuple(rungs)


def decide(
    findings: Sequence[Finding],
    ladder: Sequence[Rung],
    form: Sequence[Difference] = (),
    tokens: PromptTokens | None = None,
    alpha: float = 0.05,
) -> Verdict:
    """One verdict from all methods that ran; alpha is shared between them (Bonferroni)."""
    if tokens is not None and tokens.verdict == "other":
        return Verdict("another_model", f"differs from the reference before any statistics: {tokens.sentence}.")
    blocking = [difference for difference in form if not difference.removable]
    ran = [(finding, finding.p_value) for finding in findings if finding.p_value is not None]
    if not ran:
        return Verdict("undecided", "not judged: no method could run. " + "; ".join(f.note for f in findings if f.note))
    corrected = min(1.0, min(p for _, p in ran) * len(ran))
    if corrected > alpha:
        return Verdict("not_detectable", _not_detectable(findings), corrected)
    if blocking or (tokens is not None and tokens.verdict == "offset"):
        return Verdict("confounded", _confounded(blocking, tokens), corrected)
    distances = [finding.kl for finding, p in ran if finding.kl is not None and p * len(ran) <= alpha]
    if not distances:
        methods = ", ".join(finding.method for finding, p in ran if p * len(ran) <= alpha)
        return Verdict("differs", f"differs from the reference ({methods}); by how much cannot be said.", corrected)
    kl = _best(distances)
    if kl.low >= SWAPPED_KL:
        # no figure: KL ~ sigma^2 holds for noise, and reads the distance of another model too large
        what = "answers as another model would: further away than any usual precision of the same weights."
        return Verdict("another_model", what, corrected, kl)
    return Verdict("differs", _differs(kl, ladder), corrected, kl)


def _best(distances: Sequence[Range]) -> Range:
    """Border prompts come first, their distance is the truest (bench/audit.py), unless too few to bound it.

    Where nothing bounds it from above, the largest lower end says most.
    """
    bounded = (kl for kl in distances if math.isfinite(kl.high))
    return next(bounded, max(distances, key=lambda kl: kl.low))


def _differs(kl: Range, ladder: Sequence[Rung]) -> str:
    if math.isinf(kl.mid):
        distance = f"differs from the reference, by KL above {kl.low:.2g}"
    elif math.isinf(kl.high):
        distance = f"differs from the reference, by KL about {kl.mid:.2g} (at least {kl.low:.2g})"
    else:
        distance = f"differs from the reference, by KL about {kl.mid:.2g} ({kl.low:.2g} to {kl.high:.2g})"
    fits = [rung.precision for rung in ladder if rung.high >= kl.low and rung.low <= kl.high]
    fails = [rung.precision for rung in ladder if rung.high < kl.low]
    parts = [f"compatible with {_listed(fits)}" if fits else "compatible with no usual precision of the same weights"]
    if fails:
        parts.append(f"not with {_listed(fails)}")
    return f"{distance}; {', '.join(parts)}. A fine-tune or a fault of the host's engine would look the same."


def _not_detectable(findings: Sequence[Finding]) -> str:
    sure = [
        (finding.detectable_kl, finding.power, finding.method)
        for finding in findings
        if finding.detectable_kl is not None and finding.power is not None
    ]
    if not sure:
        why = next((f": {f.note}" for f in findings if f.method == "border prompts" and f.p_value is None), "")
        return f"not detectable: nothing beyond what honest hosts do; how small a distance would show is unknown{why}."
    kl, chance, method = min(sure)
    found = f"KL {kl:.2g} or more would have been found by {method} with probability {chance:.0%}"
    below = " 8-bit integer weights lie below that." if kl > EIGHT_BIT_KL else ""
    return f"not detectable: nothing beyond what honest hosts do; {found}.{below}"


def _confounded(form: Sequence[Difference], tokens: PromptTokens | None) -> str:
    reasons = [
        f"{difference.name} in {difference.suspect_share:.0%} of answers (reference {difference.reference_share:.0%})"
        for difference in form
    ]
    if tokens is not None and tokens.verdict == "offset":
        reasons.append(tokens.sentence)
    return f"differs in form, so nothing can be said of the weights: {'; '.join(reasons)}."


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]
