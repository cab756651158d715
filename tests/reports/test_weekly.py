"""The weekly report on a week typed by hand: what moved is told rightly, once, and in the right table."""

import csv
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from reports.ledger import open_week
from reports.parts import Report, Row
from reports.weekly import ReportPaths, build_report, write_report
from reports.words import words_of
from tracker.errors import UsageError
from tracker.settings import Home


@pytest.fixture(scope="module")
def told(home: Home) -> Report:
    with open_week(home.history, "2026-W30") as ledger:
        return build_report(ledger, words_of("en"))


@pytest.fixture(scope="module")
def written(home: Home) -> ReportPaths:
    return write_report(home, "2026-W30")


def rows(report: Report, table_id: str) -> dict[str, Row]:
    table = next(table for table in report.tables() if table.table_id == table_id)
    return {row["offer"]: row for row in table.rows}


def test_cuts_are_net_old_to_new_with_evidence(told: Report) -> None:
    cuts = rows(told, "cuts")
    assert set(cuts) == {"gamma/glm-x", "openai/luna"}  # beta moved by promotion
    luna = cuts["openai/luna"]
    assert (luna["input_old"], luna["input_new"], luna["output_new"]) == (1, 0.5, 3)
    assert luna["change"] == -0.5
    assert luna["quotes"] and all(quote_id in told.citations for quote_id in luna["quotes"])


def test_a_promotion_is_told_as_one(told: Report) -> None:
    promotions = rows(told, "promotions")
    beta = promotions["beta/glm-x"]
    assert set(promotions) == {"beta/glm-x"} and "Moved by promotion alone: 1," in told.sections[2].sentences[1]
    assert (beta["how"], beta["input_old"], beta["input_new"]) == ("promotion began", 1, 0.5)


def test_the_zero_day_is_told_once_and_in_its_place(told: Report) -> None:
    assert "kappa/kimi-x" in rows(told, "zeros")
    elsewhere = ("cuts", "rises", "promotions", "wavering", "new_offers", "removed_offers", "conditions")
    assert not any("kappa/kimi-x" in rows(told, table_id) for table_id in elsewhere)


def test_a_waverer_is_told_once_with_its_count(told: Report) -> None:
    waverer = rows(told, "wavering")["relay/glm-x"]
    assert (waverer["times"], waverer["input_low"], waverer["input_high"]) == (7, Decimal("0.9"), 1)
    assert not any("relay/glm-x" in rows(told, table_id) for table_id in ("cuts", "rises", "promotions"))


def test_listed_and_removed(told: Report) -> None:
    assert set(rows(told, "new_models")) == {"alfa/fresh-1"}
    assert set(rows(told, "removed_offers")) == {"alfa/gone-1"}
    assert rows(told, "removed_offers")["alfa/gone-1"]["input_old"] == 3


def test_cheapest_knows_precision_and_measurements(told: Report) -> None:
    assert rows(told, "cheapest_any")["beta/glm-x"]["sellers"] == 4
    full = rows(told, "cheapest_full_precision")
    assert (full["alfa/glm-x"]["tok_s"], full["alfa/glm-x"]["uptime_pct"]) == (83, 99.5)
    assert "kappa/kimi-x" in rows(told, "cheapest_any")


def test_the_summary_names_the_fight(told: Report) -> None:
    assert 3 <= len(told.summary) <= 5
    assert any("zed/glm-x" in sentence and "beta, gamma" in sentence for sentence in told.summary)


def test_a_whole_week_is_not_called_partial_but_a_cut_one_is(home: Home, tmp_path: Path) -> None:
    with open_week(home.history, "2026-W29") as ledger:
        assert build_report(ledger, words_of("en")).warnings == ()
    with open_week(home.history, None) as ledger:
        report = build_report(ledger, words_of("en"))
    assert report.label == "2026-W30"
    assert report.warnings[0].startswith("Partial week: the ledger ends on 2026-07-26 12:00")


def test_hostile_names_stay_text(written: ReportPaths) -> None:
    page, markdown = written.html.read_text(), written.markdown.read_text()
    assert "<script" not in page and "<b>" not in page
    assert "{{7*7}}" in page and "49/" not in page
    assert "<script" not in markdown and "&lt;script&gt;" in markdown
    assert "default-src 'none'" in page


def test_figures_lie_beside(written: ReportPaths) -> None:
    with (written.data_dir / "cheapest_any.csv").open() as text:
        table = list(csv.DictReader(text))
    assert pq.read_table(written.data_dir / "cheapest_any.parquet").num_rows == len(table) == 5
    assert any(row["precision"] == "<b>fp8</b>" for row in table)
    assert not any(value.startswith(("=", "+", "@")) for row in table for value in row.values())


def test_the_same_ledger_and_week_give_the_same_bytes(home: Home, written: ReportPaths) -> None:
    def content() -> dict[str, bytes]:
        files = [written.html, written.markdown, *sorted(written.data_dir.iterdir())]
        return {file.name: file.read_bytes() for file in files}

    first, stamp = content(), written.html.stat().st_mtime_ns
    for file in (written.markdown, *written.data_dir.iterdir()):
        file.unlink()
    assert write_report(home, "2026-W30") == written
    (written.data_dir / "of_an_older_program.csv").write_text("a\n1\n")
    assert write_report(home, "2026-W30") == written
    assert content() == first
    assert written.html.stat().st_mtime_ns == stamp  # unchanged files are not rewritten


def test_zone_language_hash_seed_and_folder_of_the_machine_change_no_byte(
    home: Home, written: ReportPaths, tmp_path: Path
) -> None:
    (tmp_path / "history.duckdb").symlink_to(home.history)
    root = Path(__file__).parents[2]
    there = {"TZ": "Asia/Kathmandu", "LC_ALL": "C", "PYTHONHASHSEED": "7", "PYTHONPATH": str(root)}
    command = [sys.executable, "-m", "tracker", "report", "--week", "2026-W30", "--home", str(tmp_path)]
    subprocess.run(command, cwd=tmp_path, env={**os.environ, **there}, check=True, capture_output=True)
    for file in (written.html, written.markdown, *sorted(written.data_dir.iterdir())):
        again = tmp_path / "reports" / file.relative_to(home.reports)
        assert again.read_bytes() == file.read_bytes(), file.name


@pytest.mark.parametrize(("week", "lang"), [("2026-W54", "en"), ("last", "en"), ("2027-W01", "en"), ("2026-W30", "fr")])
def test_a_wrong_week_or_language_is_one_line(home: Home, week: str, lang: str) -> None:
    with pytest.raises(UsageError):
        write_report(home, week, lang)


def test_the_week_before_stands_beside(home: Home) -> None:
    with open_week(home.history, "2026-W30") as ledger:
        report = build_report(ledger, words_of("en"), compare=True)
    counts = {row["what"]: (row["before"], row["now"]) for row in report.sections[0].tables[0].rows}
    assert counts["offers that got cheaper"] == (0, 3)
    assert counts["new offers"] == (0, 1)
