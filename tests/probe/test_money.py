"""Keys show nowhere, budgets are never exceeded, crashes included."""

import os
import pickle
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.errors import ProbeError, UsageError
from tracker.probe.budget import Ledger, sum_up
from tracker.probe.keys import Key, read_key
from tracker.probe.prices import cost_usd, worst_cost_usd

DAY = date(2026, 1, 2)
NEXT = date(2026, 1, 3)
CENT = Decimal("0.01")


def test_a_key_does_not_show_itself() -> None:
    key = Key("sk-secret-0")
    assert "sk-secret" not in f"{key} {key!r} {[key]}"
    with pytest.raises(TypeError):
        pickle.dumps(key)


def test_keys_come_from_environment_or_an_owner_only_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", " sk-12345678\n")
    assert read_key("SOME_KEY").reveal() == "sk-12345678"
    path = tmp_path / "key"
    path.write_text("sk-from-file\n")
    path.chmod(0o644)
    with pytest.raises(UsageError, match="chmod 600"):
        read_key("", path)
    path.chmod(0o600)
    assert read_key("SOME_KEY", path).reveal() == "sk-from-file"


@pytest.mark.parametrize("text", ["short", "two words here", "line\nbreak-in-it", "grüße-grüße"])
def test_what_is_no_key_is_refused_without_showing_it(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", text)
    with pytest.raises(UsageError) as caught:
        read_key("SOME_KEY")
    assert text not in str(caught.value)
    monkeypatch.delenv("SOME_KEY")
    with pytest.raises(UsageError, match="not set"):
        read_key("SOME_KEY")
    with pytest.raises(UsageError, match="--key-env"):
        read_key("")


def test_reservations_stop_at_the_budget(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, lambda: DAY)
    first = ledger.reserve(6 * CENT, 10 * CENT, "a")
    with pytest.raises(ProbeError, match="does not cover"):
        ledger.reserve(5 * CENT, 10 * CENT, "b")
    ledger.settle(first, CENT)
    ledger.reserve(9 * CENT, 10 * CENT, "c")
    assert ledger.today().total == 10 * CENT
    assert Ledger(tmp_path, lambda: NEXT).today().total == 0


def test_a_bill_above_its_reservation_is_recorded_and_stops_the_day(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, lambda: DAY)
    ledger.settle(ledger.reserve(CENT, 10 * CENT, "a"), 50 * CENT)
    with pytest.raises(ProbeError):
        ledger.reserve(Decimal("0.000001"), 10 * CENT, "b")


def test_a_run_past_midnight_spends_the_new_days_money(tmp_path: Path) -> None:
    days = iter([DAY, NEXT, NEXT, NEXT])
    ledger = Ledger(tmp_path, lambda: next(days))
    late = ledger.reserve(9 * CENT, 10 * CENT, "before midnight")
    ledger.reserve(9 * CENT, 10 * CENT, "after it")
    ledger.settle(late, CENT)
    assert ledger.today().total == 9 * CENT  # the late bill is yesterday's
    with pytest.raises(ProbeError):
        ledger.reserve(2 * CENT, 10 * CENT, "a second helping")
    assert Ledger(tmp_path, lambda: DAY).today().total == CENT


SPENDER = """
import sys, os, signal
from datetime import date
from decimal import Decimal
from pathlib import Path
from tracker.errors import ProbeError
from tracker.probe.budget import Ledger
ledger = Ledger(Path(sys.argv[1]), lambda: date(2026, 1, 2))
"""
CROWD = """
made = 0
sys.stdin.read(1)
for n in range(10):
    try:
        ledger.reserve(Decimal("0.01"), Decimal("0.07"), "x")
        made += 1
    except ProbeError:
        pass
print(made)
"""
KILLED = """
for n in range(3):
    ledger.settle(ledger.reserve(Decimal("0.01"), Decimal("0.10"), "x"), Decimal("0.002"))
ledger.reserve(Decimal("0.03"), Decimal("0.10"), "x")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_processes_at_once_stay_within_one_budget(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SPENDER + CROWD, str(tmp_path)]
    crowd = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for each in crowd:
        assert each.stdin
        each.stdin.write("go")
        each.stdin.flush()
    assert sum(int(each.communicate(timeout=30)[0]) for each in crowd) == 7
    assert Ledger(tmp_path, lambda: DAY).today().total == 7 * CENT


@pytest.mark.skipif(os.name != "posix", reason="kills a process")
def test_a_killed_process_leaves_its_reservation_counted(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", SPENDER + KILLED, str(tmp_path)], check=False)
    assert done.returncode == -9
    assert Ledger(tmp_path, lambda: DAY).today().total == Decimal("0.036")
    with pytest.raises(ProbeError):
        Ledger(tmp_path, lambda: DAY).reserve(Decimal("0.065"), Decimal("0.10"), "y")


@given(st.integers(0, 400))
def test_a_torn_line_loses_nothing_that_was_sent(at: int) -> None:
    lines = [f'{{"reserve": "r{n}", "usd": "0.01", "for": "x"}}\n' for n in range(4)]
    text = "".join(lines)[:at]
    whole = text.count("}")
    assert sum_up(text.splitlines()).total == whole * CENT


def test_writing_goes_on_after_a_torn_line(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, lambda: DAY)
    ledger.reserve(CENT, CENT * 9, "a")
    with (tmp_path / f"{DAY}.jsonl").open("ab") as handle:
        handle.write(b'{"reserve": "torn", "us')
    ledger.reserve(CENT, CENT * 9, "b")
    assert ledger.today().total == 2 * CENT


@given(st.text(min_size=1, max_size=200), st.integers(0, 5000))
def test_the_upper_bound_is_one(text: str, output: int) -> None:
    """No tokenizer makes more tokens than bytes, so no honest bill is above the bound."""
    prices = Decimal("3"), Decimal("15")
    size = len(text.encode())
    assert cost_usd(size, output, *prices) <= worst_cost_usd(size, output, *prices)
