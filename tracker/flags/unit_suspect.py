"""unit_suspect: a price stands a clean power of ten or a currency factor away from the same model elsewhere.

Rows 100,000 times too high have reached users of a large catalogue; a per-thousand price read as per-million is 1,000
times too low. Only with three siblings or more, whose own spread is small against the gap.
"""

import math
from dataclasses import dataclass

from tracker.flags.finding import Evidence, Figure, Finding, Rule, found, usd
from tracker.flags.odds import ramp

RULE = Rule(
    "unit_suspect",
    version=1,
    open_at=0.6,
    close_at=0.4,
    quiet_days=0,
    calibrated=False,
    meaning="the unit or the currency was misread or misstated",
)
MIN_SIBLINGS = 3


@dataclass(frozen=True, slots=True)
class Peers:
    """One offer's price beside those of the same model at other hosts, all USD per million tokens."""

    offer: str
    component: str
    usd_per_mtok: float
    siblings_usd_per_mtok: tuple[float, ...]
    usd_per_unit: float  # of the seller's currency; 1 for USD
    quote_id: str
    held_reason: str = ""  # the hold that the collector already put on this row


def judge(peers: Peers) -> Finding | None:
    if peers.held_reason:
        return _from_hold(peers)
    known = sorted(price for price in peers.siblings_usd_per_mtok if price > 0)
    if len(known) < MIN_SIBLINGS or peers.usd_per_mtok <= 0:
        return None
    median = known[len(known) // 2]
    gap = math.log10(peers.usd_per_mtok / median)
    spread = math.log10(known[-1] / known[0]) / 2
    probability, what = _closest(gap, spread, peers.usd_per_unit)
    if probability < 0.2:
        return None
    return found(
        RULE,
        peers.offer,
        probability,
        f"{usd(peers.usd_per_mtok)} per million {peers.component} tokens is {10**gap:,.4g} times the median of "
        f"{len(known)} other hosts of the same model ({usd(median)}): {what}.",
        "The seller's page showing the same figure with its unit in words, or the price corrected.",
        figures=(Figure("ratio", 10**gap, "x"), Figure("sibling_median", median, "USD/Mtok")),
        evidence=(Evidence("quotes", peers.quote_id, f"{usd(peers.usd_per_mtok)} per million {peers.component}"),),
    )


def _from_hold(peers: Peers) -> Finding:
    return found(
        RULE,
        peers.offer,
        0.8,
        f"The collector holds {usd(peers.usd_per_mtok)} per million {peers.component} tokens: {peers.held_reason}.",
        "`tracker held --admit`, or the next reading without it.",
        evidence=(Evidence("held", peers.quote_id, peers.held_reason),),
    )


def _closest(gap: float, spread: float, usd_per_unit: float) -> tuple[float, str]:
    """How well a clean factor explains the gap, given how far the siblings lie apart themselves."""
    readings: list[tuple[float, str]] = []
    power = round(gap)
    if abs(power) >= 2:
        word = {3: "as if per billion", -3: "as if per thousand"}.get(power, "a clean power of ten")
        readings.append((ramp(abs(gap - power) + spread / 2, 0.5, 0.05), word))
    if not 0.5 < usd_per_unit < 2:
        for sign in (1, -1):
            off = abs(gap - sign * math.log10(usd_per_unit))
            readings.append((ramp(off + spread, 0.25, 0.02, top=0.8), "the factor between the two currencies"))
    return max(readings, default=(0.0, ""))
