"""The README quotes every benchmark, names every module, and the engine is as fast as it says by an order."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

import tracker.cost
from bench import docs
from bench.cost_speed import engine_rate, peer_rate
from tracker.cost.facts import accelerators, models
from tracker.errors import UsageError

README = Path(tracker.cost.__file__).parent / "README.md"


@pytest.mark.parametrize("name", ["cost_accuracy", "cost_anchors", "cost_speed"])
def test_every_block_is_filled(name: str) -> None:
    found = re.search(rf"<!-- bench:{name} -->\n(.*?)<!-- /bench:{name} -->", README.read_text(encoding="utf-8"), re.S)
    assert found
    assert found[1].count("|") > 20


def test_every_module_and_count_is_named() -> None:
    text = README.read_text(encoding="utf-8")
    for module in Path(tracker.cost.__file__).parent.glob("*.py"):
        if module.stem not in {"__init__", "arrays"}:
            assert f"`{module.stem}`" in text, module.stem
    assert f"`data/accelerators.csv` ({len(accelerators())})" in text
    assert f"`models.csv` ({len(models())})" in text


def test_every_exported_name_exists() -> None:
    for name in tracker.cost.__all__:
        assert hasattr(tracker.cost, name)


def test_a_block_is_replaced_and_a_missing_one_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docs, "ROOT", tmp_path)
    doc = tmp_path / "a.md"
    doc.write_text("x\n<!-- bench:n -->\nold\n<!-- /bench:n -->\ny\n", encoding="utf-8")
    docs.refresh("a.md", "n", "| new |")
    assert doc.read_text(encoding="utf-8") == "x\n<!-- bench:n -->\n| new |\n<!-- /bench:n -->\ny\n"
    with pytest.raises(UsageError, match="no block bench:m"):
        docs.refresh("a.md", "m", "")


def test_a_million_configurations_a_second_at_least() -> None:
    assert engine_rate(40, seconds=0.3) > 1e6


def test_an_absent_peer_is_skipped_with_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BENCH_GENZ", raising=False)
    rate, words = peer_rate("GenZ")
    assert rate is None
    assert "set BENCH_GENZ" in words
    monkeypatch.setenv("BENCH_GENZ", "/no/such/python")
    assert peer_rate("GenZ")[1].startswith("skipped: it does not run there")


def test_no_ground_truth_is_shipped() -> None:
    rows = (files("tracker") / "data" / "public_measurements.csv").read_text(encoding="utf-8").splitlines()
    assert 40 <= len(rows) <= 150
