"""History from before the first run, and history told again: recordings and kept captures through the same parsers.

The time of a recording is when the source *showed* something (`observed_at`), never when it took effect. A recording
carries its source's own id; who recorded it is kept as `recorder`. Everything of one source is retold together in the
order it was seen, so the order in which recordings arrive does not matter and doing it twice changes nothing.
"""

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from scrapers import archive
from scrapers.source import Capture, SourceModule, source_module
from tracker.backfill.clones import Commit, commits_of
from tracker.backfill.git_history import (
    GitHistory,
    Journal,
    Kept,
    Version,
    bring_clone,
    history_of,
    known_histories,
    versions_of,
)
from tracker.backfill.recordings import Recording, captures_in, find_recordings
from tracker.backfill.replay_parquet import look_times, records_by_time
from tracker.collect.parsing import judge_of, parse_pass, sort_records
from tracker.collect.piecewise import Memory
from tracker.errors import UsageError
from tracker.records import Record
from tracker.reference import refresh_reference
from tracker.settings import Home
from warehouse.passes import CaptureRow, PassFacts, Summary
from warehouse.retell import retell
from warehouse.store import Connection, utc_now, writing
from warehouse.versions import identity

GIT = "git"  # the recorder of a source's own repository
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
    recorded_at: datetime | None = None
    duration_ms: float = 0.0
    problem: str = ""

    @property
    def pass_id(self) -> int:
        return identity(self.source_id, self.recorder, self.observed_at)


def silent(_what: str, _done: int, _total: int) -> None:
    """No progress wanted."""


def backfill_files(home: Home, place: Path, progress: Progress = silent) -> tuple[list[Summary], list[Path]]:
    """Replay the recordings in a folder or file; returns what was told per source, and the files left alone."""
    recordings, unknown = find_recordings(place)
    if not recordings:
        raise UsageError(f"{place}: no recording whose layout is known (tracker/data/recordings.csv)")
    planned: defaultdict[str, list[PlannedPass]] = defaultdict(list)
    for index, recording in enumerate(recordings):
        progress(f"keeping {recording.path.name}", index, len(recordings))
        planned[recording.source_id].extend(plan(home, recording))
    return retell_sources(home, planned, progress), unknown


def plan(home: Home, recording: Recording) -> list[PlannedPass]:
    """Keep a recording's bytes and say which passes it holds."""
    if recording.kind == "rows":
        row = _keep(home, recording, recording.path.read_bytes(), PARQUET)
        times = look_times(recording.path)
        return [PlannedPass(recording.source_id, recording.recorder, moment, [row]) for moment in times]
    passes: dict[datetime, PlannedPass] = {}
    for observed_at, body in captures_in(recording):
        known = passes.setdefault(
            observed_at,
            PlannedPass(recording.source_id, recording.recorder, observed_at, partial=recording.partial),
        )
        known.captures.append(_keep(home, recording, body, ""))
    return list(passes.values())


def backfill_git(home: Home, source_id: str, clone: Path, progress: Progress = silent) -> list[Summary]:
    """Replay a source's own git history from a clone; commits whose pass is stored already are not read again."""
    history = history_of(source_id)
    planned = plan_git(home, history, clone, progress)
    if not planned:
        return [Summary(source_id, "good", 0, known=True)]
    return retell_sources(home, {source_id: planned}, progress)


def backfill_all(home: Home, progress: Progress = silent) -> list[Summary]:
    """Replay every source that keeps itself in git, from clones of our own."""
    summaries = []
    for history in known_histories().values():
        progress(f"cloning {history.repository}", 0, 1)
        summaries += backfill_git(home, history.source_id, bring_clone(history, home.root / "clones"), progress)
    return summaries


def plan_git(home: Home, history: GitHistory, clone: Path, progress: Progress = silent) -> list[PlannedPass]:
    """Keep the answer each commit left and say which passes they are; what was kept before is in the journal."""
    commits = commits_of(clone, history.paths)
    if not commits:
        raise UsageError(f"{clone}: no commit touches {' or '.join(history.paths)}; is it {history.repository}?")
    with writing(home.warehouse, home.write_lock) as connection:
        query = "SELECT observed_at FROM core.pass WHERE source_id = ? AND recorder = ?"
        stored = {moment for (moment,) in connection.execute(query, [history.source_id, GIT]).fetchall()}
    planned = []
    with Journal(home.root / "journals" / f"{history.source_id}.tsv") as journal:
        known = {commit.sha for commit in commits if commit.committed_at in stored or commit.sha in journal.kept}
        planned += [
            _planned_commit(history, commit, journal.kept[commit.sha])
            for commit in commits
            if commit.sha in journal.kept and commit.committed_at not in stored
        ]
        for index, version in versions_of(history, clone, commits, known):
            progress(f"keeping {history.source_id}", index + 1, len(commits))
            if version:
                kept = _keep_version(home, version)
                journal.add(version.commit, kept)
                planned.append(_planned_commit(history, commits[index], kept))
    return planned


def _keep_version(home: Home, version: Version) -> Kept:
    sha256 = "" if version.problem else archive.keep(home.captures, version.body, durable=False)
    return Kept(sha256, len(version.body), version.path, version.problem)


def _planned_commit(history: GitHistory, commit: Commit, kept: Kept) -> PlannedPass:
    planned = PlannedPass(history.source_id, GIT, commit.committed_at, problem=kept.problem)
    if kept.sha256:
        url = history.permalink(commit.sha, kept.path)
        ident = identity(history.source_id, url, kept.sha256)
        planned.captures.append(CaptureRow(ident, url, "", "", kept.sha256, kept.bytes))
    return planned


def _keep(home: Home, recording: Recording, body: bytes, media_type: str) -> CaptureRow:
    sha256 = archive.keep(home.captures, body, durable=False)
    url = source_module(recording.source_id).SOURCE.requests[0].url
    ident = identity(recording.source_id, url, sha256)
    label = recording.path.name if media_type == PARQUET else recording.label
    return CaptureRow(ident, url, label, media_type, sha256, len(body))


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
        body = archive.read(home.captures, row.sha256)
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
