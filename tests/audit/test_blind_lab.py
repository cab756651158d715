"""The blind test's second half: skipped in words without torch, and what is wrong is said to be."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench import blind_lab
from bench.blind_lab import Judged, lines_of

RIGHT = ("none", "speculative", "8 bit or more")
ROW = {"workload": "regular", "outcome": "ok", "itl_ms": 4.0, "streamed_tokens": 64, "chunks": 16}
LATE = {"workload": "hard", "outcome": "distorted", "itl_ms": None, "streamed_tokens": 64, "chunks": 64}
HOST = Judged("fp32+lookup", 0.0, RIGHT, RIGHT, [ROW, LATE])


def test_without_torch_it_says_that_it_skipped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('none here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("AUDIT_LAB_PYTHON", sys.executable)
    blind_lab.report(write=True)
    assert "skipped, no torch here" in capsys.readouterr().out


def test_a_wrong_word_stands_beside_the_truth() -> None:
    wrong = replace(HOST, verdict=("speed", "speculative", "8 bit or more"))
    lines = lines_of([HOST, wrong])
    assert lines[2] == "| fp32+lookup | 0 | none | speculative | 8 bit or more | 250 / - | 4.00 |"
    assert lines[3] == "| fp32+lookup | 0 | **speed** (true: none) | speculative | 8 bit or more | 250 / - | 4.00 |"
    assert lines[-1] == "Outcomes of the requests: `regular` 2 ok; `hard` 2 distorted."


def test_a_draft_is_what_followed_the_same_two_tokens() -> None:
    pytest.importorskip("torch")
    from bench.audit_lab.engine import draft

    assert draft([1, 2, 3, 4, 9, 1, 2]) == [3, 4, 9, 1, 2]
    assert draft([1, 2, 3]) == []
