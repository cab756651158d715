"""How the installation is: figures for `tracker status`, /healthz and Prometheus, from the published ledger."""

import json
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import structlog

from tracker.collect.spool import spool_files
from tracker.errors import TrackerError
from tracker.schedule import SourceState, next_due, phase_of
from tracker.settings import Home
from tracker.tick import OFFLINE, states
from warehouse.history import open_history
from warehouse.store import utc_now

OVERDUE_S = 3 * 3600.0  # nothing good for so long, although something was due: not healthy


@dataclass(frozen=True, slots=True)
class Health:
    """The figures one would be woken up for."""

    ok: bool
    last_good_pass_age_s: float | None
    sources: int
    failing: int
    overdue: int  # due for more than three hours
    spool_waiting: int
    disk_free_bytes: int
    warehouse_bytes: int
    history_bytes: int
    held: int
    open_flags: int
    failed_chores: int  # of the last 24 hours
    offline: bool  # no name resolved at the last tick that had something to read


def health_of(home: Home, now: datetime | None = None) -> Health:
    """Read the figures. Not ok: nothing good for three hours while something was due, or nothing read ever."""
    moment = now or utc_now()
    found = states(home, moment)
    good = [state.last_good for state in found if state.last_good]
    age_s = (moment - max(good)).total_seconds() if good else None
    late = [_late_s(state, home, moment) for state in found]
    counts = _counts(home)
    return Health(
        ok=age_s is not None and (age_s < OVERDUE_S or max(late, default=0.0) < OVERDUE_S),
        last_good_pass_age_s=age_s,
        sources=len(found),
        failing=sum(state.failures > 0 for state in found),
        overdue=sum(seconds >= OVERDUE_S for seconds in late),
        spool_waiting=len(spool_files(home)),
        disk_free_bytes=shutil.disk_usage(home.root).free,
        warehouse_bytes=home.warehouse.stat().st_size if home.warehouse.is_file() else 0,
        history_bytes=home.history.stat().st_size if home.history.is_file() else 0,
        held=counts["held"],
        open_flags=counts["open_flags"],
        failed_chores=counts["failed_chores"],
        offline=(home.root / OFFLINE).exists(),
    )


def _late_s(state: SourceState, home: Home, now: datetime) -> float:
    when = next_due(state, phase_of(home.root))
    return max((now - when).total_seconds(), 0.0) if when else 0.0


def _counts(home: Home) -> Mapping[str, int]:
    if not home.history.is_file():
        return {"held": 0, "open_flags": 0, "failed_chores": 0}
    with open_history(home.history) as history:
        row = history.rows(
            "SELECT (SELECT count(*) FROM held WHERE state = 'waiting') AS held, "
            "(SELECT count(*) FROM flags WHERE closed_at IS NULL) AS open_flags, "
            "(SELECT count(*) FROM chores WHERE outcome <> 'good' AND ended_at > (SELECT max(ended_at) FROM chores) "
            "- INTERVAL 1 DAY) AS failed_chores"
        )[0]
    return {name: int(str(value)) for name, value in row.items()}


def metrics(health: Health, found: Sequence[SourceState]) -> str:
    """Prometheus text exposition 0.0.4."""
    lines = []
    for name, value in asdict(health).items():
        unit = name.replace("_age_s", "_age_seconds")
        shown = "NaN" if value is None else f"{float(value):.15g}"
        lines += [f"# TYPE tracker_{unit} gauge", f"tracker_{unit} {shown}"]
    lines.append("# TYPE tracker_source_failures gauge")
    lines += [f'tracker_source_failures{{source="{state.source_id}"}} {state.failures}' for state in found]
    lines.append("# TYPE tracker_source_last_good_timestamp_seconds gauge")
    epoch = datetime(1970, 1, 1)  # noqa: DTZ001
    lines += [
        f'tracker_source_last_good_timestamp_seconds{{source="{state.source_id}"}} '
        f"{(state.last_good - epoch).total_seconds():.0f}"
        for state in found
        if state.last_good
    ]
    return "\n".join(lines) + "\n"


@contextmanager
def listening(home: Home, port: int) -> Iterator[int]:
    """Answer /healthz and /metrics on loopback while the body runs; port 0: not at all. Yields the port."""
    if not port:
        yield 0
        return
    try:
        server = ThreadingHTTPServer(("127.0.0.1", max(port, 0)), _handler(home))
    except OSError as error:
        raise TrackerError(f"cannot listen on 127.0.0.1:{port}: {error.strerror}") from error
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True, name="health")
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(home: Home) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                code, kind, text = _answer(home, self.path)
            except Exception as error:  # a broken disk must show as a 503, not as no answer
                structlog.get_logger().error("health is not readable", problem=str(error)[:200])
                code, kind, text = 503, "application/json", json.dumps({"ok": False, "problem": type(error).__name__})
            body = text.encode()
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


def _answer(home: Home, path: str) -> tuple[int, str, str]:
    if path == "/healthz":
        health = health_of(home)
        return 200 if health.ok else 503, "application/json", json.dumps(asdict(health))
    if path == "/metrics":
        return 200, "text/plain; version=0.0.4; charset=utf-8", metrics(health_of(home), states(home, utc_now()))
    return 404, "text/plain", "there is /healthz and /metrics\n"
