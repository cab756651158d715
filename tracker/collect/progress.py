"""What a person sees while sources are read: one live line per source on a terminal, structured log lines elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tracker.collect.fetching import Report

STYLES = {"fetching": "dim", "fetched": "cyan", "stored": "green", "failed": "red"}


def log_to_stderr() -> None:
    """Structured lines, one event each, for whoever keeps the logs."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


@contextmanager
def reporting(console: Console) -> Iterator[Report]:
    """A `Report` that draws on a terminal and logs off one."""
    if not console.is_terminal:
        log_to_stderr()
        log = structlog.get_logger()

        def write(source_id: str, state: str, detail: str) -> None:
            if state in ("stored", "failed"):
                (log.warning if state == "failed" else log.info)(state, source=source_id, detail=detail)

        yield write
        return
    lines: dict[str, tuple[str, str]] = {}
    with Live(console=console, refresh_per_second=8, transient=True) as live:

        def draw(source_id: str, state: str, detail: str) -> None:
            lines[source_id] = state, detail
            done = sum(state in ("stored", "failed") for state, _ in lines.values())
            table = Table(title=f"{done} of {len(lines)} sources", box=None, show_header=False, title_justify="left")
            for name, (now, text) in lines.items():
                table.add_row(name, Text(now, STYLES[now]), Text(text, overflow="ellipsis", no_wrap=True))
            live.update(table)

        yield draw
