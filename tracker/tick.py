"""One tick: read what is due, then do the chores that follow from it, each once per slot and recorded on the ledger.

The daemon starts a tick every minute in a process of its own; cron can start the same command instead. Two ticks at
once are one tick: the second finds the lock taken and leaves.
"""

import contextlib
import socket
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import filelock
import structlog

from scrapers.source import SourceModule, source_modules
from tracker.collect.fetching import Report, quiet
from tracker.collect.run import collect, has_key, ingest_spool
from tracker.collect.spool import spool_files, waiting
from tracker.errors import BusyError, StoreError, TrackerError
from tracker.schedule import SourceState, Tries, due, finished_week, phase_of, ready, this_monday
from tracker.settings import Home
from warehouse.chores import record, tries_of
from warehouse.history import open_history, publish
from warehouse.passes import Summary
from warehouse.store import utc_now, writing

OFFLINE = "offline"  # stands in the home while no name resolves


@dataclass(slots=True)
class Ticked:
    """What a tick did. `busy`: another one was at it. `offline`: no name resolves, so no source was asked."""

    due: list[str] = field(default_factory=list)
    summaries: list[Summary] = field(default_factory=list)
    chores: dict[str, str] = field(default_factory=dict)  # name -> problem, "" when it went well
    busy: bool = False
    offline: bool = False


# Dated by our clock when read and when stored, whichever is earlier: a pass whose date was pushed on because the clock
# went back counts when it was stored, one that waited in the spool when it was read. The future is no evidence.
_LAST_PASSES = """
WITH ours AS (
    SELECT source_id, outcome, least(observed_at, recorded_at) AS tried_at FROM passes
    WHERE recorder = '' AND least(observed_at, recorded_at) <= $1
), good AS (SELECT source_id, max(tried_at) AS last_good FROM ours WHERE outcome <> 'failed' GROUP BY source_id)
SELECT source_id, max(tried_at) AS last_try, any_value(last_good) AS last_good,
       count(*) FILTER (outcome = 'failed' AND (last_good IS NULL OR tried_at > last_good)) AS failures
FROM ours LEFT JOIN good USING (source_id) GROUP BY source_id
"""
_FRAME = """
SELECT min(observed_at) AS first_pass, max(recorded_at) FILTER (opened + closed + held > 0) AS last_change FROM passes
"""


def enabled() -> list[SourceModule]:
    """Every source that may run."""
    return [module for module in source_modules().values() if module.SOURCE.enabled and has_key(module.SOURCE)]


def states(home: Home, now: datetime) -> list[SourceState]:
    """Every source that may run, with its last passes: from the published ledger and what waits in the spool."""
    known: dict[object, dict[str, Any]] = {}
    if home.history.is_file():
        with open_history(home.history) as history:
            known = {row.pop("source_id"): row for row in history.rows(_LAST_PASSES, [now])}
    for spooled in waiting(home):
        tried = min(datetime.fromisoformat(spooled.observed_at), now)
        row = known.setdefault(spooled.source_id, {})
        row["last_try"] = max(tried, row.get("last_try", tried))
        if spooled.failed:
            row["failures"] = row.get("failures", 0) + 1
        else:
            row |= {"failures": 0, "last_good": row["last_try"]}
    sources = [module.SOURCE for module in enabled()]
    return [SourceState(source.id, source.every_hours, **known.get(source.id, {})) for source in sources]


def tick(home: Home, report: Report = quiet, loopback: bool = False) -> Ticked:
    """Read the due sources and do the due chores; safe to call at any time, as often as one likes."""
    try:
        home.root.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(home.root / "tick.lock", timeout=0):
            return _tick(home, report, loopback)
    except filelock.Timeout:
        return Ticked(busy=True)
    except OSError as error:
        raise StoreError(f"cannot write in {home.root}: {error.strerror or error}") from error


def _tick(home: Home, report: Report, loopback: bool) -> Ticked:
    done = Ticked()
    _catch_up(home, done, report)
    before = states(home, utc_now())
    done.due = due(before, utc_now(), phase_of(home.root))
    if done.due and not loopback:
        done.offline = _offline(done.due)
        _tell_network(home, done.offline)
    if done.offline:
        done.due = [source_id for source_id in done.due if not _hosts([source_id])]
    if done.due:
        done.summaries += collect(home, done.due, report, loopback)
    _tell_turns(before, done.summaries)
    if home.history.is_file():
        _do_chores(home, done)
    return done


def _catch_up(home: Home, done: Ticked, report: Report) -> None:
    """Finish what a killed, locked-out or disk-full tick left: store the spool, publish what is stored."""
    with contextlib.suppress(BusyError):  # reading goes on, the spool grows
        if spool_files(home):
            done.summaries += ingest_spool(home, report)
        if home.warehouse.is_file() and not _published(home):
            publish(home.warehouse, home.history, home.write_lock)


def _published(home: Home) -> bool:
    return home.history.is_file() and home.history.stat().st_mtime_ns >= home.warehouse.stat().st_mtime_ns


def _hosts(source_ids: Iterable[str] = ()) -> list[str]:
    wanted = set(source_ids)
    found = {
        urlsplit(module.SOURCE.requests[0].url).hostname
        for module in enabled()
        if (not wanted or module.SOURCE.id in wanted) and not module.SOURCE.requests[0].url.startswith("pkg:")
    }
    return sorted(host for host in found if host)


def _offline(source_ids: Sequence[str]) -> bool:
    """Whether it is us: no due source's name resolves, nor one of three others (fewer prove nothing)."""
    asked = _hosts(source_ids)[:5]
    others = [host for host in _hosts() if host not in asked][:3]
    if not asked or len(asked) + len(others) < 3:
        return False
    with ThreadPoolExecutor(8) as pool:
        return not any(pool.map(_resolves, [*asked, *others]))


def _tell_network(home: Home, offline: bool) -> None:
    """Log once when the network goes and once when it is back; the mark is also read by tracker.health."""
    mark, log = home.root / OFFLINE, structlog.get_logger()
    if offline and not mark.exists():
        mark.touch()
        log.warning("no name resolves: the network is down, no source is blamed")
    elif not offline and mark.exists():
        mark.unlink()
        log.info("the network is back")


def _resolves(host: str) -> bool:
    try:
        return bool(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError):
        return False


def _tell_turns(before: list[SourceState], summaries: list[Summary]) -> None:
    """Log a source once when it breaks and once when it recovers, not at every try in between."""
    log = structlog.get_logger()
    failing = {state.source_id: state.failures for state in before}
    for summary in summaries:
        if summary.outcome == "failed" and not failing.get(summary.source_id):
            log.warning("source broke", source=summary.source_id, problem=summary.problem)
        elif summary.outcome != "failed" and failing.get(summary.source_id):
            log.info("source recovered", source=summary.source_id, after=failing[summary.source_id])


@dataclass(frozen=True, slots=True)
class Chore:
    """Work for one slot: whatever its name and slot say was done is not done again."""

    name: str
    slot: str
    work: Callable[[Home], object]


def _do_chores(home: Home, done: Ticked) -> None:
    chores = pending(home, due_chores(home, utc_now()), utc_now()) if writer_free(home) else []
    for chore in chores:
        done.chores[chore.name] = carry_out(home, chore)
    if chores:
        publish(home.warehouse, home.history, home.write_lock)


def writer_free(home: Home) -> bool:
    """A chore that could not be recorded would be done twice."""
    try:
        with filelock.FileLock(home.write_lock, timeout=0):
            return True
    except filelock.Timeout:
        return False


def pending(home: Home, chores: Sequence[Chore], now: datetime) -> list[Chore]:
    """Those whose slot is neither done nor waiting for another try."""
    with open_history(home.history) as history:
        tries = {key: Tries(**row) for key, row in tries_of(history, [chore.slot for chore in chores]).items()}  # type: ignore[arg-type]
    return [chore for chore in chores if ready(tries.get((chore.name, chore.slot), Tries()), now)]


def carry_out(home: Home, chore: Chore) -> str:
    """Do it and put on the ledger how it ended; returns the problem, "" when there was none."""
    started, problem = utc_now(), ""
    try:
        chore.work(home)
    except TrackerError as error:
        problem = str(error)
    except Exception as error:  # one chore's bug must not stop the others
        problem = f"{type(error).__name__}: {str(error)[:200]}"
    if problem:
        structlog.get_logger().warning("chore failed", chore=chore.name, slot=chore.slot, problem=problem)
    with writing(home.warehouse, home.write_lock) as connection:
        record(connection, chore.name, chore.slot, started, utc_now(), problem)
    return problem


def due_chores(home: Home, now: datetime) -> list[Chore]:
    """Assess after every change and once a day, the report of a week that is over, alerts after a change and hourly."""
    with open_history(home.history) as history:
        frame = history.rows(_FRAME)[0]
    change = frame["last_change"]
    changed = f"{change:%Y-%m-%dT%H:%M:%S}" if isinstance(change, datetime) else "nothing"
    chores = [
        Chore("assess", f"{now:%Y-%m-%d} after {changed}", _assess),
        Chore("alerts", f"{now:%Y-%m-%dT%H} after {changed}", _alerts),
    ]
    first = frame["first_pass"]
    if isinstance(first, datetime) and first < this_monday(now):
        week = finished_week(now)
        chores.insert(1, Chore("report", week, lambda home: _report(home, week)))
    return chores


def _assess(home: Home) -> None:
    from tracker.assess.run import assess
    from tracker.explain.flags import effect_of

    assess(home, accept=lambda steps: structlog.get_logger().warning(effect_of(steps)))


def _report(home: Home, week: str) -> None:
    from reports.weekly import write_report

    write_report(home, week)


def _alerts(home: Home) -> None:
    from tracker.alerts import send_alerts

    send_alerts(home)
