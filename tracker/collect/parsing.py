"""The second half of a pass, without I/O: parse its captures, check every record, sort them into ledger rows."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from scrapers.source import Capture, SourceModule
from tracker.checks import Doubt, Siblings, agrees, doubt_move, prove, sift
from tracker.errors import TrackerError
from tracker.records import Declaration, Demand, FxRate, Metric, Notice, Quote, Record
from warehouse.ledger import Witness
from warehouse.passes import CaptureRow, PassFacts
from warehouse.shapes import SHAPES, dated, rows_of
from warehouse.versions import Judge, Key, Row, Value, identity

if TYPE_CHECKING:
    from tracker.collect.piecewise import Memory


def parse_pass(
    module: SourceModule,
    facts: PassFacts,
    captures: Iterable[tuple[Capture, CaptureRow]],
    prove_pass: bool = True,
    memory: "Memory | None" = None,
) -> PassFacts:
    """Fill `facts` from its captures. A parser's error fails the pass, in one line; it never escapes.

    `memory` of the versions before spares reading again what they said already.
    """
    everything: list[Record] = []
    count = 0
    try:
        for capture, row in captures:
            facts.captures.append(row)  # before it is read: a repaired parser must find what this one choked on
            told = memory.tell(capture, facts, row.capture_id) if memory else None
            if told:
                count += told[0]
                everything.extend(told[1])
                continue
            records = list(sift(module.parse(capture)))
            count += sum(1 for record in records if not isinstance(record, Notice))
            everything.extend(records)
            sort_records(facts, records, row.capture_id)
        if prove_pass:
            # a catalogue was small when it was young: of recordings only the unit is asked
            source = replace(module.SOURCE, min_rows=1) if facts.recorder else module.SOURCE
            prove(source, everything, count)
    except TrackerError as error:
        _fail(facts, str(error))
    except RecursionError:
        _fail(facts, f"{facts.source_id}: the capture is nested too deeply")
    except Exception as error:  # a parser's bug must not stop the other sources
        _fail(facts, f"{facts.source_id}: parser bug, {type(error).__name__}: {str(error)[:200]}")
    if memory and facts.outcome == "failed":
        memory.forget(facts.recorder)
    return facts


def _fail(facts: PassFacts, problem: str) -> None:
    facts.outcome, facts.problem = "failed", problem
    facts.rows = {kind: {} for kind in facts.rows}  # emptied by replacing: a memory may hold the rows
    for series in (facts.metrics, facts.fx_rates, facts.demand):
        series.clear()
    facts.offers.clear()


def sort_records(facts: PassFacts, records: Sequence[Record], capture_id: int) -> None:
    """Sort records into the pass: ledger rows by kind, series, offers and notices."""
    found: defaultdict[type, list[Any]] = defaultdict(list)
    for record in records:
        found[type(record)].append(record)
    found[Quote] = dated(found[Quote])
    for shape in SHAPES:
        rows, contradicted = rows_of(shape, found[shape.record], capture_id)
        _merge(facts.rows[shape.kind], rows, contradicted)
        facts.notices.extend(Notice("contradiction", f"{shape.kind} shown twice: {key[1:]}") for key in contradicted)
    facts.quotes.extend(found[Quote])
    for kind in (Quote, Declaration, Metric):
        facts.offers.update({id(record.offer): record.offer for record in found[kind]}.values())
    facts.metrics.extend((record, capture_id) for record in found[Metric])
    facts.fx_rates.extend((record, capture_id) for record in found[FxRate])
    facts.demand.extend((record, capture_id) for record in found[Demand])
    facts.notices.extend(found[Notice])


def _merge(known: dict[Key, Row], rows: dict[Key, Row], contradicted: list[Key]) -> None:
    """Add one capture's rows to the pass; of what two captures state differently the first stays."""
    if not known:
        known.update(rows)
        return
    for key, row in rows.items():
        if known.setdefault(key, row).value != row.value:
            contradicted.append(key)


def judge_of(facts: PassFacts, witness: Witness) -> Judge:
    """The judge of one pass: a move is weighed against the last price, a new price against its siblings."""
    siblings = facts.siblings if isinstance(facts.siblings, Siblings) else Siblings(facts.quotes)

    def judge(key: Key, old: Value | None, row: Row) -> Doubt | None:
        amount, currency, unit = cast(tuple[Decimal | None, str, str], row.value[:3])
        before = cast(Decimal | None, old[0]) if old and old[1:3] == row.value[1:3] else None
        doubt = doubt_move(before, amount, currency)
        if doubt is None and old is None:
            doubt = siblings.doubt(cast(int, key[0]), str(key[1]), amount, currency, unit)
        return None if doubt is None or agrees(amount, witness(key)) else doubt

    return judge


def capture_row(source_id: str, spooled: dict[str, object]) -> CaptureRow:
    """A capture's ledger row from its spool entry."""
    url, sha256 = str(spooled["url"]), str(spooled["sha256"])
    return CaptureRow(
        identity(source_id, url, sha256), url, str(spooled["label"]), str(spooled["media_type"]), sha256,
        int(str(spooled["bytes"])),
    )  # fmt: skip
