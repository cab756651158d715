"""One pass per source: fetch -> keep raw -> parse -> check -> append or hold.

What was fetched goes to the spool before anything reads it, and leaves the spool when its transaction is committed: a
killed or locked-out run loses nothing, the next one carries on.
"""

import asyncio
import json
import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from scrapers import archive
from scrapers.source import Capture, Source, source_module, source_modules
from tracker.fetching import Report, fetch_all, quiet
from tracker.parsing import capture_row, judge_of, parse_pass
from tracker.reference import refresh_reference
from tracker.settings import Home
from tracker.spool import Spooled, spool_files
from warehouse.history import publish
from warehouse.ledger import append_pass
from warehouse.passes import CaptureRow, PassFacts, Summary
from warehouse.store import Connection, utc_now, writing

WRITER_WAIT_S = 30.0
SHRUNK_SHARE = 0.5  # fewer than half the rows of last time: absences do not count until a second pass agrees


def _read_spooled(home: Home, path: Path) -> PassFacts:
    spooled = Spooled(**json.loads(path.read_text(encoding="utf-8")))
    facts = PassFacts(spooled.source_id, spooled.recorder, datetime.fromisoformat(spooled.observed_at), utc_now())
    facts.duration_ms = spooled.duration_ms
    if spooled.failed:
        facts.outcome, facts.problem = "failed", spooled.problem
        return facts
    module = source_module(spooled.source_id)

    def captures() -> Iterator[tuple[Capture, CaptureRow]]:
        for item in spooled.captures:
            row = capture_row(spooled.source_id, item)
            body = archive.read(home.captures, row.sha256)
            yield Capture(spooled.source_id, row.url, body, facts.observed_at, row.label, row.media_type), row

    parse_pass(module, facts, captures())
    if spooled.problem and facts.outcome == "good":
        facts.outcome, facts.problem = "shrunk", spooled.problem
    return facts


def ingest_spool(home: Home, report: Report = quiet) -> list[Summary]:
    """Store every waiting pass, each in its own transaction; BusyError leaves them waiting."""
    waiting = spool_files(home)
    parsed = [(path, _read_spooled(home, path)) for path in waiting]
    summaries = []
    with writing(home.warehouse, home.write_lock, WRITER_WAIT_S) as connection:
        refresh_reference(connection)
        for path, facts in parsed:
            _doubt_shrinkage(connection, facts)
            summary = append_pass(connection, facts, judge_of)
            path.unlink()
            summaries.append(summary)
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
    home.root.mkdir(parents=True, exist_ok=True)
    if source_ids:
        modules = [source_module(source_id) for source_id in source_ids]
    else:
        modules = [module for module in source_modules().values() if module.SOURCE.enabled and has_key(module.SOURCE)]
    asyncio.run(fetch_all(home, modules, report, loopback))
    summaries = ingest_spool(home, report)
    publish(home.warehouse, home.history, home.write_lock)
    return summaries


def has_key(source: Source) -> bool:
    """A source that cannot answer without a key is not due until the key is there."""
    return not source.key_required or bool(os.environ.get(source.key_env))
