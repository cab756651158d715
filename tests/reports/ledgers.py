"""A small ledger typed by hand: its records are stored and published like any other pass, so the views are real."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from tracker.collect.parsing import sort_records
from tracker.records import Offer, Quote, Record
from tracker.settings import Home
from warehouse.history import publish
from warehouse.ledger import append_pass
from warehouse.passes import CaptureRow, PassFacts
from warehouse.shapes import offer_id
from warehouse.store import Connection, insert, open_file, replace_table
from warehouse.versions import identity

MONDAY = datetime.fromisoformat("2026-07-20")  # 2026-W30
STANDING = {"market": 2, "seller": 1, "catalogue": 3, "rental": 1, "article": 9}
COPIES = {"catalogue": "*"}


def price(offer: Offer, read: str, written: str, basis: str = "list", status: str = "known") -> list[Quote]:
    """Input and output of one offer, USD per million."""
    return [
        Quote(offer, component, Decimal(amount), "USD", status, basis=basis, raw=amount)
        for component, amount in (("input", read), ("output", written))
    ]


@dataclass
class Typed:
    """Passes to be stored, in any order; `models` says which offer is which model."""

    passes: list[tuple[str, datetime, list[Record]]] = field(default_factory=list)
    models: dict[Offer, str] = field(default_factory=dict)
    conclusions: list[str] = field(default_factory=list)  # SQL that writes what an assessment would
    kinds: dict[str, str] = field(default_factory=lambda: {"market_a": "market"})

    def show(self, at: datetime, records: Iterable[Record], source: str = "market_a") -> None:
        self.passes.append((source, at, list(records)))

    def daily(self, days: Sequence[int], records: Iterable[Record], source: str = "market_a") -> None:
        """The same records at noon of each day, counted from MONDAY."""
        rows = list(records)
        for day in days:
            self.show(MONDAY + timedelta(days=day, hours=12), rows, source)

    def publish(self, root: Path) -> Home:
        home = Home(root)
        root.mkdir(exist_ok=True)
        with open_file(home.warehouse) as connection:
            replace_table(connection, "ref.source", [_source(name, kind) for name, kind in self.kinds.items()])
            for source, at, records in sorted(self.passes, key=lambda one: one[1]):
                _store(connection, source, at, records)
            rows = [(offer_id(offer), model, None) for offer, model in self.models.items()]
            insert(connection, "calc.offer_model", ("offer_id", "model_id", "precision"), rows)
            for statement in self.conclusions:
                connection.execute(statement)
        publish(home.warehouse, home.history, home.write_lock)
        return home


def _source(name: str, kind: str) -> dict[str, object]:
    return {
        "source_id": name, "title": name, "kind": kind, "provider": name.partition("_")[0],
        "currency": "USD", "unit": "", "every_hours": 24.0,
        "copies": COPIES.get(kind, ""), "proof": "typed", "proof_url": "", "terms": "", "notice": "", "url": "https://example.org/prices",
        "enabled": True, "standing": STANDING[kind],
    }  # fmt: skip


def _store(connection: Connection, source: str, at: datetime, records: Sequence[Record]) -> None:
    facts = PassFacts(source, "", at, at)
    capture = CaptureRow(identity(source, at), "https://example.org/prices", "", "application/json", "ab" * 32, 1)
    facts.captures.append(capture)
    sort_records(facts, records, capture.capture_id)
    append_pass(connection, facts)
