"""The daily watch and the command: state between looks, alarms, damage, and what a user sees."""

import json

import pytest
from typer.testing import CliRunner

from tests.audit.test_run import table
from tracker.audit import watch as audit_watch
from tracker.audit.watch import bound_usd, load_state, reported, state_path, take_look
from tracker.cli import app
from tracker.errors import ProbeError
from tracker.probe.budget import Ledger


@pytest.fixture(autouse=True)
def small_searches(monkeypatch):
    monkeypatch.setattr(audit_watch, "POOL", 12)


def looks(suspect, root, count):
    return [take_look(table(suspect), root, 5)[0] for _ in range(count)]


def test_an_honest_host_is_watched_in_peace(hosts, tmp_path):
    reports = looks("honest", tmp_path, 6)
    assert {report.verdict.kind for report in reports} == {"not_detectable"}
    assert "after 6 looks" in reports[-1].verdict.sentence
    assert reported(tmp_path) == []


def test_a_changed_host_raises_the_alarm_and_stays_reported(hosts, tmp_path):
    looks("honest", tmp_path, 2)
    hosts["honest"].sigma = 0.5
    reports = looks("honest", tmp_path, 14)
    assert reports[-1].verdict.kind == "differs"
    assert "run a full audit" in reports[-1].verdict.sentence
    assert reported(tmp_path) == ["test/honest"]


def test_questions_are_asked_once_and_found_anew(hosts, tmp_path):
    seats = table("honest")
    seen = []
    for _ in range(4):
        before = load_state(state_path(tmp_path, seats))
        _, state = take_look(table("honest"), tmp_path, 5)
        left = {question.prompt for question in state.questions}
        if before and state.searches == before.searches:
            asked = {question.prompt for question in before.questions} - left
            assert len(asked) == 5
            assert not asked & set(seen)
            seen += asked
    assert state.searches == 2
    assert state.watch.day == 4


def test_only_a_search_makes_a_look_dear(hosts, tmp_path):
    _, state = take_look(table("honest"), tmp_path, 5)
    assert bound_usd(table("honest"), None, 5) > 20 * bound_usd(table("honest"), state, 5)
    assert Ledger(tmp_path / "spend").today().open == 0


def test_a_look_beyond_the_budget_sends_nothing(hosts, tmp_path):
    with pytest.raises(ProbeError, match="budget"):
        take_look(table("honest", budget=0.0001), tmp_path, 5)
    assert all(host.asked == 0 for host in hosts.values())


def test_silence_is_no_look(hosts, tmp_path):
    _, before = take_look(table("honest"), tmp_path, 5)
    hosts["honest"].fails = "stalled"
    with pytest.raises(ProbeError, match="no look"):
        take_look(table("honest"), tmp_path, 5)
    assert load_state(state_path(tmp_path, table("honest"))) == before


def test_a_damaged_state_is_an_error(hosts, tmp_path):
    take_look(table("honest"), tmp_path, 5)
    path = state_path(tmp_path, table("honest"))
    path.write_text(json.dumps({"offer": "x"}))
    with pytest.raises(ProbeError, match="damaged"):
        take_look(table("honest"), tmp_path, 5)


ENDPOINTS = ["https://rough/v1", "--reference", "https://reference/v1"]
CONTROLS = ["--control", "https://one/v1", "--control", "https://two/v1"]
TERMS = ["--model", "m", "--key-env", "AUDIT_TEST_KEY", "--input-price", "0.1", "--output-price", "0.4"]
COMMAND = ["audit", *ENDPOINTS, *CONTROLS, *TERMS, "--budget", "0.5", "--border-prompts", "24"]


def test_the_plan_needs_no_key_and_sends_nothing(hosts, tmp_path, monkeypatch):
    monkeypatch.delenv("AUDIT_TEST_KEY", raising=False)
    result = CliRunner().invoke(app, [*COMMAND, "--plan", "--home", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert "border prompts" in result.output
    assert "of 0.5000 USD" in result.output
    assert all(host.asked == 0 for host in hosts.values())


def test_the_command_says_a_distance_and_keeps_rows_without_the_key(hosts, tmp_path, monkeypatch):
    monkeypatch.setenv("AUDIT_TEST_KEY", "sk-very-secret-key")
    result = CliRunner().invoke(app, [*COMMAND, "--home", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert "differs from the reference, by KL about" in " ".join(result.output.split())
    for path in (found for found in tmp_path.rglob("*") if found.is_file()):
        assert b"very-secret" not in path.read_bytes()
    assert (tmp_path / "history.duckdb").exists()


def test_the_command_watches(hosts, tmp_path, monkeypatch):
    monkeypatch.setenv("AUDIT_TEST_KEY", "sk-very-secret-key")
    result = CliRunner().invoke(app, [*COMMAND, "--watch", "5", "--home", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert "look 1:" in result.output
