"""One pass on its way into the ledger, and what storing it did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b

from tracker.records import Demand, FxRate, Metric, Notice, Offer, Quote
from warehouse.shapes import SHAPES
from warehouse.versions import Key, Moment, Moved, Row, identity, row_texts


@dataclass(frozen=True, slots=True)
class CaptureRow:
    """Where the bytes of a pass are."""

    capture_id: int
    url: str
    label: str
    media_type: str
    sha256: str
    bytes: int


@dataclass(slots=True)
class PassFacts:
    """One parsed and checked pass, ready to be stored."""

    source_id: str
    recorder: str
    observed_at: datetime
    recorded_at: datetime
    captures: list[CaptureRow] = field(default_factory=list)
    rows: dict[str, dict[Key, Row]] = field(default_factory=lambda: {shape.kind: {} for shape in SHAPES})
    moved: dict[str, Moved] = field(default_factory=dict)  # by kind: what differs from the recorder's pass before
    offers: set[Offer] = field(default_factory=set)
    metrics: list[tuple[Metric, int]] = field(default_factory=list)
    fx_rates: list[tuple[FxRate, int]] = field(default_factory=list)
    demand: list[tuple[Demand, int]] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    quotes: list[Quote] = field(default_factory=list)  # as parsed, for the judge to compare siblings
    siblings: object = None  # an index of them, where whoever read the pass keeps one
    outcome: str = "good"
    problem: str = ""
    duration_ms: float = 0.0

    def forget(self) -> None:
        """Drop the facts and keep the frame: a history can be longer than memory."""
        for part in (self.rows, self.moved, self.quotes, self.metrics, self.fx_rates, self.demand, self.notices):
            part.clear()
        self.offers, self.siblings = set(), None

    @property
    def pass_id(self) -> int:
        return identity(self.source_id, self.recorder, self.observed_at)

    @property
    def row_count(self) -> int:
        return sum(map(len, self.rows.values())) + len(self.metrics) + len(self.fx_rates) + len(self.demand)

    @property
    def moment(self) -> Moment:
        return Moment(self.pass_id, self.recorder, self.observed_at, self.recorded_at, self.outcome == "good")


@dataclass(frozen=True, slots=True)
class Summary:
    """What storing a pass did."""

    source_id: str
    outcome: str
    row_count: int
    opened: int = 0
    closed: int = 0
    held: int = 0
    notices: int = 0
    problem: str = ""
    known: bool = False  # this very pass was stored before

    @property
    def changed(self) -> bool:
        return bool(self.opened or self.closed or self.held)


def content_hash(facts: PassFacts, texts: Mapping[str, Sequence[str]] | None = None) -> str:
    """One hash of everything a pass shows, in the order it shows it; `texts` of its rows where made already."""
    digest = blake2b(digest_size=16)
    for lines in (texts or texts_of(facts)).values():
        if lines:
            digest.update(f"({')('.join(lines)})".encode())
    for series in (facts.metrics, facts.fx_rates, facts.demand):
        for record, _ in series:
            digest.update(repr(record).encode())
    return digest.hexdigest()


def texts_of(facts: PassFacts) -> dict[str, list[str]]:
    """The texts of a pass's rows, by kind."""
    return {kind: row_texts(rows) for kind, rows in facts.rows.items()}
