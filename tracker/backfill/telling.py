"""History told again: the passes of a source, those in the ledger and those just found, in the order they were seen.

Everything of one source is retold together, so the order in which recordings arrive does not matter and telling it
twice changes nothing.
"""

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from scrapers import archive
from scrapers.source import Capture, SourceModule, source_module
from tracker.backfill.replay_parquet import records_by_time
from tracker.collect.parsing import judge_of, parse_pass, sort_records
from tracker.collect.piecewise import Memory
from tracker.records import Record
from tracker.reference import refresh_reference
from tracker.settings import Home
from warehouse.passes import CaptureRow, PassFacts, Summary
from warehouse.retell import retell
from warehouse.store import Connection, utc_now, writing
from warehouse.versions import identity

PARQUET = "application/vnd.apache.parquet"
Progress = Callable[[str, int, int], None]  # what, done, of how many


@dataclass(slots=True)
class PlannedPass:
    """One pass to tell: when it was seen, by whom, and where its bytes are."""

    source_id: str
    recorder: str
    observed_at: datetime
    captures: list[CaptureRow] = field(default_factory=list)
    partial: bool = False
    recorded_at: datetime | None = None  # None: not in the ledger yet, its bytes were kept for this telling
    duration_ms: float = 0.0
    problem: str = ""

    @property
    def pass_id(self) -> int:
        return identity(self.source_id, self.recorder, self.observed_at)


def silent(_what: str, _done: int, _total: int) -> None:
    """No progress wanted."""


def reparse(home: Home, source_ids: Sequence[str] = (), progress: Progress = silent) -> list[Summary]:
    """Tell the history of the given sources (all that have passes, by default) again with today's parsers."""
    with writing(home.warehouse, home.write_lock) as connection:
        known = [str(row[0]) for row in connection.execute("SELECT DISTINCT source_id FROM core.pass").fetchall()]
    for source_id in source_ids:
        source_module(source_id)
    return retell_sources(home, {source_id: [] for source_id in source_ids or sorted(known)}, progress)


def retell_sources(
    home: Home, planned: dict[str, list[PlannedPass]] | defaultdict[str, list[PlannedPass]], progress: Progress
) -> list[Summary]:
    """Retell each source from the passes in the ledger and the new ones, one transaction a source."""
    summaries = []
    with writing(home.warehouse, home.write_lock) as connection:
        refresh_reference(connection)
        for source_id, fresh in planned.items():
            passes = _merged(_stored_passes(connection, source_id), fresh)
            told_at = utc_now()
            facts = _facts(home, source_module(source_id), passes, told_at, progress)
            summaries.append(retell(connection, source_id, facts, told_at, judge_of))
        refresh_reference(connection)
    return summaries


def _stored_passes(connection: Connection, source_id: str) -> list[PlannedPass]:
    rows = connection.execute(
        "SELECT capture_id, url, label, media_type, sha256, bytes FROM core.capture WHERE source_id = ?", [source_id]
    ).fetchall()
    captures = {row[0]: CaptureRow(*row) for row in rows}
    passes = connection.execute(
        "SELECT recorder, observed_at, capture_ids, outcome, recorded_at, duration_ms, problem FROM core.pass "
        "WHERE source_id = ?",
        [source_id],
    ).fetchall()
    return [
        PlannedPass(
            source_id, recorder, observed_at, [captures[i] for i in ids or () if i in captures], outcome == "partial",
            recorded_at, duration_ms, problem if not ids or outcome == "shrunk" else "",
        )
        for recorder, observed_at, ids, outcome, recorded_at, duration_ms, problem in passes
    ]  # fmt: skip


def _merged(stored: Iterable[PlannedPass], fresh: Iterable[PlannedPass]) -> list[PlannedPass]:
    by_id = {planned.pass_id: planned for planned in fresh} | {planned.pass_id: planned for planned in stored}
    return sorted(by_id.values(), key=lambda planned: (planned.observed_at, planned.recorder))


def _facts(
    home: Home, module: SourceModule, passes: Sequence[PlannedPass], told_at: datetime, progress: Progress
) -> Iterator[PassFacts]:
    """Parse each pass as it is needed; one in memory at a time."""
    with tempfile.TemporaryDirectory() as folder:
        tables = _Tables(home, passes, Path(folder))
        yield from _facts_from(home, module, passes, tables, told_at, progress)


def _facts_from(
    home: Home,
    module: SourceModule,
    passes: Sequence[PlannedPass],
    tables: "_Tables",
    told_at: datetime,
    progress: Progress,
) -> Iterator[PassFacts]:
    memory = Memory(module)
    for index, planned in enumerate(passes):
        progress(f"telling {planned.source_id}", index + 1, len(passes))
        facts = PassFacts(planned.source_id, planned.recorder, planned.observed_at, planned.recorded_at or told_at)
        facts.duration_ms, facts.problem = planned.duration_ms, planned.problem
        if not planned.captures:
            facts.outcome = "failed"
            yield facts
            continue
        if planned.captures[0].media_type == PARQUET:
            facts.captures.extend(planned.captures)
            for row in planned.captures:
                sort_records(facts, tables.at(row.sha256, planned.observed_at), row.capture_id)
        else:
            # the last pass is read as a live one is: its fingerprint is what the next live pass is compared with
            known = memory if index + 1 < len(passes) else None
            parse_pass(module, facts, _read(home, planned), prove_pass=not planned.partial, memory=known)
        if facts.outcome == "good" and (planned.partial or planned.problem):
            facts.outcome = "partial" if planned.partial else "shrunk"
        yield facts


def _read(home: Home, planned: PlannedPass) -> Iterator[tuple[Capture, CaptureRow]]:
    for row in planned.captures:
        body = archive.read(home.captures, row.sha256, proven=planned.recorded_at is not None)
        yield (
            Capture(planned.source_id, row.url, body, planned.observed_at, row.label, row.media_type, planned.recorder),
            row,
        )


class _Tables:
    """Parquet recordings being read in step with the telling: both go forward in time, so each is read once.

    They lie side by side under their own names while they are read, because one table completes another.
    """

    def __init__(self, home: Home, passes: Sequence[PlannedPass], folder: Path) -> None:
        rows = {row.sha256: row.label for planned in passes for row in planned.captures if row.media_type == PARQUET}
        for sha256, name in rows.items():
            (folder / name).write_bytes(archive.read(home.captures, sha256))
        wanted = {planned.observed_at for planned in passes}
        self._looks = {sha256: records_by_time(folder / name, wanted) for sha256, name in rows.items()}

    def at(self, sha256: str, observed_at: datetime) -> list[Record]:
        return next((records for moment, records in self._looks[sha256] if moment == observed_at), [])
