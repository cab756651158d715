"""Flags: dated, versioned inferences about an offer. One pure rule per module; findings in, steps of open flags out."""

from tracker.flags import (
    below_cost,
    likely_quantized,
    precision_changed,
    source_conflict,
    speculative_decoding,
    speed_claim,
    stale_listing,
    sudden_change,
    teaser_price,
    unit_suspect,
)
from tracker.flags.finding import Evidence, Figure, Finding, Rule

RULES: dict[str, Rule] = {
    module.RULE.kind: module.RULE
    for module in (
        below_cost,
        likely_quantized,
        precision_changed,
        source_conflict,
        speculative_decoding,
        speed_claim,
        stale_listing,
        sudden_change,
        teaser_price,
        unit_suspect,
    )
}

__all__ = ["RULES", "Evidence", "Figure", "Finding", "Rule"]
