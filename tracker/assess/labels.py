"""Which precision label decides about an offer, who says so, and on which listing it was read.

Its own label comes first; then the one that another listing of the same host shows for the same model; then one that
was withdrawn lately. A label that stands in a listed name speaks of that listing alone.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from tracker.assess.costs import bits_of
from tracker.assess.inputs import BY_NAME, Situation
from tracker.flags.likely_quantized import HOST, NAME, ROUTER, Declared
from tracker.flags.precision_changed import REMEMBERED, Label
from tracker.flags.quantization import RUNG_BITS

# Words of a name that sell the same model served another way: their labels tell nothing of the plain listing.
FLAVOURS = frozenset(("turbo", "lite", "fast", "ultrafast", "highspeed", "lightning", "nitro", "tee"))


@dataclass(frozen=True, slots=True)
class Teller:
    """A source by its title. `provider`: the seller that speaks for itself there, empty for a router."""

    title: str
    provider: str


@cache
def label_bits() -> dict[str, float]:
    """Width of every word that hosts declare, those the cost engine has no layout for included."""
    return bits_of() | {"nvfp4": bits_of()["fp4"], "fp6": 6.0}


def tellers(read: Iterable[Mapping[str, Any]]) -> dict[str, Teller]:
    """By source id."""
    return {str(row["source_id"]): Teller(str(row["title"]), str(row["provider"] or "")) for row in read}


def declared_of(offers: Sequence[Situation], by_source: Mapping[str, Teller], at: datetime) -> dict[int, Declared]:
    """By offer id, where any label decides."""
    shown: defaultdict[tuple[str, str | None, str, frozenset[str]], list[Situation]] = defaultdict(list)
    for one in offers:
        if one.model_id and one.label is not None and one.label_source != BY_NAME:
            shown[_served(one)].append(one)
    found = {one.offer_id: _declared(one, shown.get(_served(one), ()), by_source, at) for one in offers}
    return {offer_id: declared for offer_id, declared in found.items() if declared is not None}


def _served(one: Situation) -> tuple[str, str | None, str, frozenset[str]]:
    """What two listings of one host share when they sell one and the same service."""
    words = re.findall(r"[a-z]+", one.offer.lower())
    return one.provider, one.model_id, one.tier, FLAVOURS.intersection(words)


def _declared(
    one: Situation, listings: Sequence[Situation], by_source: Mapping[str, Teller], at: datetime
) -> Declared | None:
    if one.label is not None:
        return _told(one, one.label, by_source)
    others = sorted(listings, key=lambda other: (not _is_own(other, by_source), other.offer))
    bits = [other.label.bits for other in others if other.label is not None and other.label.bits is not None]
    if bits and max(bits) - min(bits) <= RUNG_BITS:
        label = others[0].label
        return None if label is None else replace(_told(others[0], label, by_source), listing=others[0].offer)
    last = next((label for label in reversed(one.labels) if label.bits is not None), None)
    if last is None or at - (gone := one.labels[-1].since) > REMEMBERED:
        return None
    return replace(_told(one, last, by_source), withdrawn=gone)


def _is_own(one: Situation, by_source: Mapping[str, Teller]) -> bool:
    teller = by_source.get(one.label_source)
    return teller is not None and teller.provider == one.provider


def _told(one: Situation, label: Label, by_source: Mapping[str, Teller]) -> Declared:
    assert label.bits is not None
    said = label.value, label.bits, label.since, label.declaration_id
    if one.label_source == BY_NAME:
        return Declared(*said, NAME, one.offer, row=("quotes", one.output_quote_id or one.input_quote_id))
    teller = by_source.get(one.label_source, Teller(one.label_source, ""))
    return Declared(*said, HOST if _is_own(one, by_source) else ROUTER, teller.title)
