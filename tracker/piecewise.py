"""Histories read by pieces: an entry that stands in a version as it did in the one before is neither parsed, checked
nor made into rows again.

What is remembered is one version per recorder, so memory does not grow with the history. The
rows of an entry keep the capture they were first read from, which is where their locator leads.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from scrapers.pieces import Cutter, Part, Pieces
from scrapers.source import Capture, SourceModule
from tracker.checks import Siblings, base_name, sift
from tracker.parsing import sort_records
from tracker.records import Notice, Offer, Quote
from warehouse.passes import PassFacts
from warehouse.shapes import offer_id
from warehouse.versions import Key, Row


class Memory:
    """What the latest version of each stream of one source said, entry by entry."""

    def __init__(self, module: SourceModule) -> None:
        self._pieces: Pieces | None = getattr(module, "PIECES", None)
        self._named = {anchor.listed_name for anchor in module.SOURCE.anchors}
        self._offers: dict[int, Offer] = {}
        self._cutters: dict[str, Cutter] = {}

    def tell(self, capture: Capture, facts: PassFacts, capture_id: int) -> tuple[int, list[Quote]] | None:
        """Add a capture to a pass; returns how many rows it has and the quotes that an anchor may prove.

        None, with nothing done, where only a full parse can tell. Raises what `parse` raises for the same body.
        """
        if self._pieces is None or facts.captures or capture.label:  # a label means another layout
            return None
        cutter = self._cutters.setdefault(capture.recorder, Cutter(self._pieces))
        parts = cutter.parts(capture.body)
        if parts is None:
            return None
        kept, notices = self._pieces.gather(parts)
        told = [self._told(part, facts, capture_id) for part in kept]
        if not _disjoint(told):
            return None
        for part in told:
            _add(facts, part)
        facts.siblings = _PartSiblings(told, self._offers)
        facts.notices.extend(notices)
        return sum(part.count for part in told), [quote for part in told for quote in part.anchored]

    def _told(self, part: Part, whole: PassFacts, capture_id: int) -> "_Told":
        """The rows of an entry, made when it was first met."""
        if part.told is None:
            facts = PassFacts(whole.source_id, whole.recorder, whole.observed_at, whole.recorded_at)
            records = list(sift(part.records))
            sort_records(facts, records, capture_id)
            count = sum(1 for record in records if not isinstance(record, Notice))
            anchored = [quote for quote in facts.quotes if quote.offer.listed_name in self._named]
            names = frozenset(base_name(quote.offer.listed_name) for quote in facts.quotes)
            rows = tuple((kind, rows) for kind, rows in facts.rows.items() if rows)
            part.told = _Told(facts, rows, count, anchored, names)
            self._offers.update((offer_id(offer), offer) for offer in facts.offers)
        return cast(_Told, part.told)


@dataclass(frozen=True, slots=True)
class _Told:
    """What one entry adds to a pass."""

    facts: PassFacts
    rows: tuple[tuple[str, dict[Key, Row]], ...]
    count: int
    anchored: list[Quote]
    names: frozenset[str]


class _PartSiblings(Siblings):
    """Siblings found through the entries that name them; offers by an id once learned, which never changes."""

    def __init__(self, parts: Sequence[_Told], offers: dict[int, Offer]) -> None:
        super().__init__(())
        self._parts, self._learned = parts, offers

    def offer(self, offer: int) -> Offer | None:
        return self._learned.get(offer)

    def named(self, name: str) -> Iterable[Quote]:
        for part in self._parts:
            if name in part.names:
                yield from (quote for quote in part.facts.quotes if base_name(quote.offer.listed_name) == name)


def _disjoint(parts: Sequence[_Told]) -> bool:
    """Whether no two entries speak of one offer; where two do, their dates and contradictions concern the whole."""
    offers: set[Offer] = set()
    for part in parts:
        if not offers.isdisjoint(part.facts.offers):
            return False
        offers |= part.facts.offers
    return True


def _add(whole: PassFacts, part: _Told) -> None:
    for kind, rows in part.rows:
        whole.rows[kind].update(rows)
    facts = part.facts
    whole.offers |= facts.offers
    if facts.notices:
        whole.notices += facts.notices
    if facts.metrics or facts.fx_rates or facts.demand:
        whole.metrics += facts.metrics
        whole.fx_rates += facts.fx_rates
        whole.demand += facts.demand
