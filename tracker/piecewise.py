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
from warehouse.shapes import SHAPES, offer_id
from warehouse.versions import Key, Row


class Memory:
    """What the latest version of each stream of one source said, entry by entry."""

    def __init__(self, module: SourceModule) -> None:
        self._pieces: Pieces | None = getattr(module, "PIECES", None)
        self._named = {anchor.listed_name for anchor in module.SOURCE.anchors}
        self._offers: dict[int, Offer] = {}
        self._streams: dict[str, _Stream] = {}

    def tell(self, capture: Capture, facts: PassFacts, capture_id: int) -> tuple[int, list[Quote]] | None:
        """Add a pass's only capture to it; returns how many rows it has and the quotes that an anchor may prove.

        None, with nothing done, where only a full parse can tell. Raises what `parse` raises for the same body.
        """
        if self._pieces is None or len(facts.captures) > 1 or capture.label:  # a label means another layout
            return None
        stream = self._streams.setdefault(capture.recorder, _Stream(Cutter(self._pieces)))
        parts = stream.cutter.parts(capture.body)
        if parts is None:
            return None
        kept, notices = self._pieces.gather(parts)
        told = [part.told or self._told(part, facts, capture_id) for part in kept]
        if not stream.move(cast(list[_Told], told)):
            return None
        stream.show(facts)
        facts.siblings = _PartSiblings(stream.parts, self._offers)
        facts.notices.extend(notices)
        return stream.count, [quote for part in stream.special for quote in part.anchored]

    def forget(self, recorder: str) -> None:
        """Start a stream anew: nothing may rest on a version that told nothing."""
        self._streams.pop(recorder, None)

    def _told(self, part: Part, whole: PassFacts, capture_id: int) -> "_Told":
        """The rows of an entry, made when it is first met."""
        facts = PassFacts(whole.source_id, whole.recorder, whole.observed_at, whole.recorded_at)
        records = list(sift(part.records))
        sort_records(facts, records, capture_id)
        count = sum(1 for record in records if not isinstance(record, Notice))
        anchored = [quote for quote in facts.quotes if quote.offer.listed_name in self._named]
        names = frozenset(base_name(quote.offer.listed_name) for quote in facts.quotes)
        self._offers.update((offer_id(offer), offer) for offer in facts.offers)
        part.told = told = _Told(facts, count, anchored, names)
        return told


@dataclass(frozen=True, slots=True, eq=False)
class _Told:
    """What one entry adds to a pass."""

    facts: PassFacts
    count: int
    anchored: list[Quote]
    names: frozenset[str]

    @property
    def special(self) -> bool:
        """Whether it has more than rows and offers, which few entries do."""
        facts = self.facts
        return bool(self.anchored or facts.notices or facts.metrics or facts.fx_rates or facts.demand)


class _Stream:
    """The rows of one recorder's latest version, moved to the next by the entries that came and went."""

    def __init__(self, cutter: Cutter) -> None:
        self.cutter = cutter
        self.parts: list[_Told] = []
        self.special: list[_Told] = []
        self.count = 0
        self._rows: dict[str, dict[Key, Row]] = {shape.kind: {} for shape in SHAPES}
        self._offers: set[Offer] = set()

    def move(self, parts: list[_Told]) -> bool:
        """Take the next version. False where two entries speak of one offer: only the whole can say what holds then."""
        stay, before = set(map(id, parts)), set(map(id, self.parts))
        gone = [part for part in self.parts if id(part) not in stay]
        come = [part for part in parts if id(part) not in before]
        self._rows = {kind: dict(rows) for kind, rows in self._rows.items()}  # what was shown stays as it was shown
        self._offers = set(self._offers)
        for part in gone:
            self._take_out(part)
        for part in come:
            if not self._offers.isdisjoint(part.facts.offers):
                self._forget()
                return False
            self._put_in(part)
        self.parts = parts
        if any(part.special for part in (*gone, *come)):
            self.special = [part for part in parts if part.special]
        return True

    def show(self, facts: PassFacts) -> None:
        """Fill an empty pass."""
        facts.rows, facts.offers = dict(self._rows), set(self._offers)
        for part in self.special:
            facts.notices += part.facts.notices
            facts.metrics += part.facts.metrics
            facts.fx_rates += part.facts.fx_rates
            facts.demand += part.facts.demand

    def _take_out(self, part: _Told) -> None:
        self.count -= part.count
        self._offers -= part.facts.offers
        for kind, rows in part.facts.rows.items():
            for key in rows:
                self._rows[kind].pop(key, None)

    def _put_in(self, part: _Told) -> None:
        self.count += part.count
        self._offers |= part.facts.offers
        for kind, rows in part.facts.rows.items():
            self._rows[kind].update(rows)

    def _forget(self) -> None:
        self.parts, self.special, self.count, self._offers = [], [], 0, set()
        self._rows = {kind: {} for kind in self._rows}


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
