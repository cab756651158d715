"""What a person sees on a terminal, and what a log gets off one."""

import io

import pytest
from rich.console import Console

from tracker.collect.progress import reporting


def test_a_terminal_has_one_live_line_per_source() -> None:
    screen = io.StringIO()
    with reporting(Console(file=screen, force_terminal=True, width=90, _environ={"TERM": "xterm"})) as report:
        report("a", "fetching", "")
        report("b", "failed", "HTTP 500\nand a second line")
        report("a", "stored", "12 rows")
    told = screen.getvalue()
    assert "0 of 1 sources" not in told.split("2 of 2 sources")[-1]
    last = told.split("2 of 2 sources")[-1]
    assert "stored" in last and "12 rows" in last and "HTTP 500" in last and "fetching" not in last


def test_off_a_terminal_every_end_is_one_structured_line(capsys: pytest.CaptureFixture[str]) -> None:
    with reporting(Console(file=io.StringIO())) as report:
        report("a", "fetching", "")
        report("a", "stored", "12 rows")
        report("b", "failed", "HTTP 500")
    stored, failed = capsys.readouterr().err.splitlines()
    assert "level=info event=stored source=a" in stored and 'detail="12 rows"' in stored
    assert "level=warning event=failed source=b" in failed and 'detail="HTTP 500"' in failed
