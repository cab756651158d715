"""One tick: read what is due, then do the chores that follow from it, each once per slot and recorded on the ledger.

The daemon starts a tick every minute in a process of its own; cron can start the same command instead. Two ticks at
once are one tick: the second finds the lock taken and leaves.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import filelock
import structlog

from scrapers.source import source_modules
from tracker.collect import collect, has_key, ingest_spool
from tracker.errors import TrackerError
from tracker.fetching import Report, quiet
from tracker.schedule import SourceState, due, finished_week
from tracker.settings import Home
from tracker.spool import spool_files
from warehouse.chores import is_done, record
from warehouse.history import open_history, publish
from warehouse.passes import Summary
from warehouse.store import utc_now, writing


@dataclass(slots=True)
class Ticked:
    """What a tick did. `busy`: another one was at it."""

    due: list[str] = field(default_factory=list)
    summaries: list[Summary] = field(default_factory=list)
    chores: dict[str, str] = field(default_factory=dict)  # name -> problem, "" when it went well
    busy: bool = False


_LAST_PASSES = """
WITH ours AS (SELECT * FROM passes WHERE recorder = ''),
good AS (SELECT source_id, max(observed_at) AS last_good FROM ours WHERE outcome <> 'failed' GROUP BY source_id)
SELECT source_id, max(observed_at) AS last_try, any_value(last_good) AS last_good,
       count(*) FILTER (outcome = 'failed' AND (last_good IS NULL OR observed_at > last_good)) AS failures
FROM ours LEFT JOIN good USING (source_id) GROUP BY source_id
"""


def states(home: Home) -> list[SourceState]:
    """Every source that may run, with its last passes from the published ledger."""
    known: dict[object, dict[str, Any]] = {}
    if home.history.is_file():
        with open_history(home.history) as history:
            known = {row.pop("source_id"): row for row in history.rows(_LAST_PASSES)}
    sources = [module.SOURCE for module in source_modules().values()]
    return [
        SourceState(source.id, source.every_hours, **known.get(source.id, {}))
        for source in sources
        if source.enabled and has_key(source)
    ]


def tick(home: Home, report: Report = quiet, loopback: bool = False) -> Ticked:
    """Read the due sources and do the due chores; safe to call at any time, as often as one likes."""
    home.root.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(home.root / "tick.lock", timeout=0):
            return _tick(home, report, loopback)
    except filelock.Timeout:
        return Ticked(busy=True)


def _tick(home: Home, report: Report, loopback: bool) -> Ticked:
    done = Ticked()
    before = states(home)
    done.due = due(before, utc_now())
    if done.due:
        done.summaries = collect(home, done.due, report, loopback)
        _tell_turns(before, done.summaries)
    elif spool_files(home):
        done.summaries = ingest_spool(home, report)
        publish(home.warehouse, home.history, home.write_lock)
    if home.history.is_file():
        _do_chores(home, done)
    return done


def _tell_turns(before: list[SourceState], summaries: list[Summary]) -> None:
    """Log a source once when it breaks and once when it recovers, not at every try in between."""
    log = structlog.get_logger()
    failing = {state.source_id: state.failures for state in before}
    for summary in summaries:
        if summary.outcome == "failed" and not failing.get(summary.source_id):
            log.warning("source broke", source=summary.source_id, problem=summary.problem)
        elif summary.outcome != "failed" and failing.get(summary.source_id):
            log.info("source recovered", source=summary.source_id, after=failing[summary.source_id])


Chore = Callable[[Home], object]


def _do_chores(home: Home, done: Ticked) -> None:
    changed = any(summary.changed for summary in done.summaries)
    for name, slot, chore in due_chores(utc_now(), changed):
        with writing(home.warehouse, home.write_lock) as connection:
            if is_done(connection, name, slot):
                continue
        started = utc_now()
        try:
            chore(home)
            problem = ""
        except TrackerError as error:
            problem = str(error)
        except Exception as error:  # one chore's bug must not stop the others
            problem = f"{type(error).__name__}: {str(error)[:200]}"
        done.chores[name] = problem
        with writing(home.warehouse, home.write_lock) as connection:
            record(connection, name, slot, started, utc_now(), problem)
    if done.chores:
        publish(home.warehouse, home.history, home.write_lock)


def due_chores(now: datetime, changed: bool) -> list[tuple[str, str, Chore]]:
    """(name, slot, work): assess after every change and once a day, the report of a week that is over, alerts."""
    moment = now.isoformat(timespec="seconds")
    chores: list[tuple[str, str, Chore]] = [("assess", moment if changed else f"{now:%Y-%m-%d}", _assess)]
    week = finished_week(now)
    chores.append(("report", week, lambda home: _report(home, week)))
    chores.append(("alerts", moment if changed else f"{now:%Y-%m-%dT%H}", _alerts))
    return chores


def _assess(home: Home) -> None:
    from tracker.assess import assess

    assess(home)


def _report(home: Home, week: str) -> None:
    from reports.weekly import write_report

    write_report(home, week)


def _alerts(home: Home) -> None:
    from tracker.alerts import send_alerts

    send_alerts(home)
