"""Histories read by pieces: an entry that stands in a version as it did in the one before is neither parsed, checked
nor made into rows again.

What is remembered is one version per recorder, so memory does not grow with the history. The
rows of an entry keep the capture they were first read from, which is where their locator leads.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from scrapers.pieces import Gathered, Part, Pieces
from scrapers.source import Capture, SourceModule
from tracker.checks import Siblings, base_name, sift
from tracker.collect.parsing import sort_records
from tracker.records import Notice, Offer, Quote
from warehouse.passes import PassFacts
from warehouse.shapes import SHAPES, offer_id
from warehouse.versions import Key, Moved, Row


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
        if self._pieces is None:
            return None
        stream = self._streams.setdefault(capture.recorder, _Stream(self._pieces))
        alone = len(facts.captures) <= 1 and not capture.label  # a label means another layout
        if not (alone and stream.gathered.next(capture.body)):
            stream.followed = False
            return None
        for part in stream.gathered.come:
            part.told = part.told or self._told(part, facts, capture_id)
        if not stream.move():
            self.forget(capture.recorder)
            return None
        stream.show(facts)
        facts.siblings = _PartSiblings(stream.named, self._offers)
        return stream.count, [quote for part in stream.special for quote in part.anchored]

    def forget(self, recorder: str) -> None:
        """Start a stream anew: nothing may rest on a version that told nothing."""
        self._streams.pop(recorder, None)

    def _told(self, part: Part, whole: PassFacts, capture_id: int) -> "Told":
        """The rows of an entry, made when it is first met."""
        facts = PassFacts(whole.source_id, whole.recorder, whole.observed_at, whole.recorded_at)
        records = list(sift(part.records))
        sort_records(facts, records, capture_id)
        count = sum(1 for record in records if not isinstance(record, Notice))
        anchored = [quote for quote in facts.quotes if quote.offer.listed_name in self._named]
        names = frozenset(base_name(quote.offer.listed_name) for quote in facts.quotes)
        self._offers.update((offer_id(offer), offer) for offer in facts.offers)
        return Told(facts, count, anchored, names)


@dataclass(frozen=True, slots=True, eq=False)
class Told:
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
    """One recorder's latest version, moved to the next by the entries that came and went."""

    def __init__(self, pieces: Pieces) -> None:
        self.gathered = Gathered(pieces)
        self.followed = False  # whether the ledger's pass before of this recorder is the one remembered here
        self.special: list[Told] = []
        self.named: defaultdict[str, list[Told]] = defaultdict(list)
        self.count = 0
        self._offers: set[Offer] = set()
        self._rows: dict[str, dict[Key, Row]] = {shape.kind: {} for shape in SHAPES}
        self._moved: dict[str, Moved] = {}

    def move(self) -> bool:
        """Take the version gathered last. False where two entries speak of one offer: only the whole can say then."""
        gone, come = _told(self.gathered.gone), _told(self.gathered.come)
        left = {offer for part in gone for offer in part.facts.offers}
        new = {offer for part in come for offer in part.facts.offers}
        offers = self._offers if left == new else (self._offers - left) | new
        if len(offers) != len(self._offers) - len(left) + sum(len(part.facts.offers) for part in come):
            return False
        moved = {kind: self._move_rows(kind, gone, come) for kind in self._rows}
        self._offers, self._moved, self.followed = offers, moved if self.followed else {}, True
        self.count += sum(part.count for part in come) - sum(part.count for part in gone)
        for part in gone:
            for name in part.names:
                self.named[name].remove(part)
        for part in come:
            for name in part.names:
                self.named[name].append(part)
        if any(part.special for part in (*gone, *come)):
            self.special = [part for part in _told(self.gathered.kept) if part.special]
        return True

    def _move_rows(self, kind: str, gone: list[Told], come: list[Told]) -> Moved:
        """The rows of one kind as the version has them, and what stood before where they differ."""
        old = {key for part in gone for key in part.facts.rows[kind]}
        new = {key: row for part in come for key, row in part.facts.rows[kind].items()}
        before = self._rows[kind]
        if old or new:
            self._rows[kind] = rows = dict(before)  # what was shown stays as it was shown
            for key in old:
                del rows[key]
            rows |= new
        return {key: before.get(key) for key in (*old, *new)}

    def show(self, facts: PassFacts) -> None:
        """Fill an empty pass."""
        facts.rows, facts.moved, facts.offers = dict(self._rows), self._moved, self._offers
        facts.notices.extend(self.gathered.notices)
        for part in self.special:
            facts.notices += part.facts.notices
            facts.metrics += part.facts.metrics
            facts.fx_rates += part.facts.fx_rates
            facts.demand += part.facts.demand


def _told(parts: Iterable[Part]) -> list[Told]:
    return [cast(Told, part.told) for part in parts]


class _PartSiblings(Siblings):
    """Siblings found through the entries that name them; offers by an id once learned, which never changes."""

    def __init__(self, named: Mapping[str, Sequence[Told]], offers: dict[int, Offer]) -> None:
        super().__init__(())
        self._parts, self._learned = named, offers

    def offer(self, offer: int) -> Offer | None:
        return self._learned.get(offer)

    def named(self, name: str) -> Iterable[Quote]:
        for part in self._parts.get(name, ()):
            yield from (quote for quote in part.facts.quotes if base_name(quote.offer.listed_name) == name)
