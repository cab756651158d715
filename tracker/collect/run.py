"""One pass per source: fetch -> keep raw -> parse -> check -> append or hold.

What was fetched goes to the spool before anything reads it, and leaves the spool when its transaction is committed: a
killed or locked-out run loses nothing, the next one carries on.
"""

import asyncio
import json
import os
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import structlog

from scrapers import archive
from scrapers.source import Capture, Source, source_module, source_modules
from tracker.bounds import OutOfTime, within
from tracker.checks import CALM
from tracker.collect.fetching import Report, fetch_all, quiet
from tracker.collect.parsing import capture_row, judge_of, parse_pass
from tracker.collect.spool import Spooled, count_try, set_aside, spool_files, tries_file, waiting
from tracker.errors import StoreError, UsageError
from tracker.reference import refresh_reference
from tracker.settings import Home
from warehouse.history import open_history, publish
from warehouse.ledger import append_pass
from warehouse.passes import CaptureRow, PassFacts, Summary
from warehouse.store import Connection, utc_now, writing

WRITER_WAIT_S = 30.0
SHRUNK_SHARE = 0.5  # fewer than half the rows of last time: absences do not count until a second pass agrees
PARSE_LIMIT_S = 60.0  # the largest page takes about one second
MOST_TRIES = 5  # a pass whose reading stopped the whole process so often is not read again
BATCH = 200  # passes in memory at once, however long the writer was busy


def read_spooled(home: Home, path: Path) -> PassFacts:
    """Parse and check one waiting pass; what went wrong is in its outcome."""
    spooled = Spooled(**json.loads(path.read_text(encoding="utf-8")))
    facts = _frame(spooled)
    if spooled.failed:
        facts.outcome, facts.problem = "failed", spooled.problem
        return facts
    module = source_module(spooled.source_id)
    rows = [capture_row(spooled.source_id, item) for item in spooled.captures]
    stopped = count_try(path)
    if stopped >= MOST_TRIES:
        tries_file(path).unlink(missing_ok=True)
        return _stopped(spooled, rows, f"reading it stopped the whole process {stopped} times")

    def captures() -> Iterator[tuple[Capture, CaptureRow]]:
        for row in rows:
            body = archive.read(home.captures, row.sha256)
            yield Capture(spooled.source_id, row.url, body, facts.observed_at, row.label, row.media_type), row

    try:
        with within(PARSE_LIMIT_S):
            parse_pass(module, facts, captures())
        tries_file(path).unlink(missing_ok=True)
    except OutOfTime:
        tries_file(path).unlink(missing_ok=True)
        return _stopped(spooled, rows, f"its parser did not finish within {PARSE_LIMIT_S:g} s")
    if spooled.problem and facts.outcome == "good":
        facts.outcome, facts.problem = "shrunk", spooled.problem
    return facts


def _frame(spooled: Spooled) -> PassFacts:
    facts = PassFacts(spooled.source_id, spooled.recorder, datetime.fromisoformat(spooled.observed_at), utc_now())
    facts.duration_ms = spooled.duration_ms
    return facts


def _stopped(spooled: Spooled, rows: Sequence[CaptureRow], why: str) -> PassFacts:
    """A failed pass that keeps its captures: a repaired parser can read them again (`tracker reparse`)."""
    facts = _frame(spooled)
    facts.captures.extend(rows)
    facts.outcome, facts.problem = "failed", f"{spooled.source_id}: {why}"
    return facts


def _read_all(home: Home, paths: Sequence[Path]) -> Iterator[tuple[Path, PassFacts]]:
    for path in paths:
        try:
            yield path, read_spooled(home, path)
        except (ValueError, TypeError, KeyError, UsageError) as error:
            # torn by a broken disk, or of a source that an upgrade removed: it must not stop the others for ever
            structlog.get_logger().error("spool entry set aside", path=str(set_aside(path)), problem=str(error)[:200])


def ingest_spool(home: Home, report: Report = quiet) -> list[Summary]:
    """Store every waiting pass, each in its own transaction; BusyError leaves them waiting."""
    paths = spool_files(home)
    summaries = _ingest(home, paths[:BATCH], report)
    for first in range(BATCH, len(paths), BATCH):
        summaries += _ingest(home, paths[first : first + BATCH], report)
    return summaries


def _ingest(home: Home, paths: Sequence[Path], report: Report) -> list[Summary]:
    parsed = list(_read_all(home, paths))
    summaries = []
    with writing(home.warehouse, home.write_lock, WRITER_WAIT_S) as connection:
        refresh_reference(connection)
        for path, facts in parsed:
            _doubt_shrinkage(connection, facts)
            summary = append_pass(connection, facts, judge_of, CALM)
            path.unlink()
            summaries.append(summary)
            if summary.outcome != "failed" or facts.captures:  # what could not be fetched has been reported
                report(summary.source_id, "failed" if summary.outcome == "failed" else "stored", describe(summary))
        refresh_reference(connection)
    return summaries


def _doubt_shrinkage(connection: Connection, facts: PassFacts) -> None:
    last = connection.execute(
        "SELECT row_count FROM core.pass WHERE source_id = ? AND outcome <> 'failed' ORDER BY observed_at DESC LIMIT 1",
        [facts.source_id],
    ).fetchone()
    if facts.outcome == "good" and last and facts.row_count < SHRUNK_SHARE * last[0]:
        facts.outcome = "shrunk"
        facts.problem = f"{facts.row_count} rows, {last[0]} the time before: absences not counted"


def describe(summary: Summary) -> str:
    """One line on what a pass did."""
    if summary.outcome == "failed":
        return summary.problem
    if summary.known:
        return "stored before"
    counts = f"{summary.row_count:,} rows, {summary.opened} opened, {summary.closed} closed, {summary.held} held"
    notices = f", {summary.notices} notices" if summary.notices else ""
    return counts + notices + (f" ({summary.problem})" if summary.problem else "")


def collect(
    home: Home, source_ids: Sequence[str] = (), report: Report = quiet, loopback: bool = False
) -> list[Summary]:
    """Fetch the named sources (all enabled ones by default), store what came, publish; one summary a pass."""
    try:
        home.root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot write in {home.root}: {error.strerror}") from error
    if source_ids:
        modules = [source_module(source_id) for source_id in source_ids]
    else:
        modules = [module for module in source_modules().values() if module.SOURCE.enabled and has_key(module.SOURCE)]
    asyncio.run(fetch_all(home, modules, report, loopback, _not_before(home)))
    summaries = ingest_spool(home, report)
    publish(home.warehouse, home.history, home.write_lock)
    return summaries


def _not_before(home: Home) -> dict[str, datetime]:
    """What was seen of each source last: when the clock is set back, the order of what was seen stays true."""
    last: dict[str, datetime] = {}
    if home.history.is_file():
        with open_history(home.history) as history:
            query = "SELECT source_id, max(observed_at) AS seen FROM passes WHERE recorder = '' GROUP BY source_id"
            last = {str(row["source_id"]): cast(datetime, row["seen"]) for row in history.rows(query)}
    for spooled in waiting(home):
        seen = datetime.fromisoformat(spooled.observed_at)
        last[spooled.source_id] = max(seen, last.get(spooled.source_id, seen))
    return {source_id: seen + timedelta(seconds=1) for source_id, seen in last.items()}


def has_key(source: Source) -> bool:
    """A source that cannot answer without a key is not due until the key is there."""
    return not source.key_required or bool(os.environ.get(source.key_env))
