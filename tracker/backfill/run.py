"""History from before the first run: recordings and git clones, through the same parsers as live pages.

The time of a recording is when the source *showed* something (`observed_at`), never when it took effect. A recording
carries its source's own id; who recorded it is kept as `recorder`.
"""

from collections import defaultdict
from datetime import datetime
from pathlib import Path

from scrapers import archive
from scrapers.source import source_module
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
from tracker.backfill.replay_parquet import look_times
from tracker.backfill.telling import PARQUET, PlannedPass, Progress, retell_sources, silent
from tracker.errors import UsageError
from tracker.settings import Home
from warehouse.passes import CaptureRow, Summary
from warehouse.store import writing
from warehouse.versions import identity

GIT = "git"  # the recorder of a source's own repository


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
