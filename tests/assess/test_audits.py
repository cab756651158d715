"""What kept audits do to an offer's flags, from the rows of the ledger to the note."""

from datetime import timedelta
from typing import Any

import pytest

from tests.assess.test_run import CHEAP, START, home
from tracker.assess.run import explain_offer
from tracker.explain.offer import offer_note
from tracker.flags import Finding
from tracker.settings import Home
from warehouse.audits import COLUMNS, store_audit
from warehouse.history import publish
from warehouse.store import writing

__all__ = ["home"]
OFFER = f"a/{CHEAP}"


def audited(home: Home, name: str, hours: float, verdict: str, **method: Any) -> None:
    """One audit as it is stored: a row of its method, then the verdict."""
    shared = {
        **dict.fromkeys(COLUMNS), "audit_id": name, "offer": OFFER, "provider": "a", "listed_name": CHEAP,
        "host": "a.example", "reference": "native", "controls": "", "vantage": "home", "queries": 80,
        "output_tokens": 80, "started_at": START + timedelta(hours=hours), "is_sandbox": False, "sentence": "",
        "verdict": "", "e_value": method.pop("e_value", None),
    }  # fmt: skip
    rows = [shared | {"method": "border prompts"} | method]
    figures = {key: method[key] for key in ("p_value", "kl_mid") if key in method}
    rows += [shared | figures | {"method": "verdict", "verdict": verdict, "sentence": f"{verdict}, as {name} found."}]
    with writing(home.warehouse, home.write_lock) as connection:
        assert store_audit(connection, rows) == 2
    publish(home.warehouse, home.history, home.write_lock)


def findings(home: Home) -> dict[str, Finding]:
    _, judged = explain_offer(home, OFFER, START + timedelta(hours=20))
    return {kind: finding for (_, kind), finding in judged.findings.items()}


def quantized(home: Home) -> float:
    """The log-odds that audits add."""
    figures = {figure.name: figure.value for figure in findings(home)["likely_quantized"].figures}
    return figures["log_odds_audit"]


def test_a_clean_audit_clears_as_far_as_its_methods_could_see(home: Home) -> None:
    audited(home, "coarse", 1, "not_detectable", p_value=0.6, detectable_kl=0.02, power=0.5)
    coarse = quantized(home)
    audited(home, "fine", 2, "not_detectable", p_value=0.6, detectable_kl=0.001, power=0.5)
    assert quantized(home) == pytest.approx(2 * coarse) and coarse < -0.3
    audited(home, "sure", 3, "not_detectable", p_value=0.6, detectable_kl=0.001, power=0.95)
    assert "likely_quantized" not in findings(home)  # too improbable to mention


def test_an_audit_that_differs_accuses_and_a_quiet_watch_does_not_acquit(home: Home) -> None:
    audited(home, "full", 1, "differs", p_value=1e-4, kl_mid=0.02)
    accused = quantized(home)
    audited(home, "look", 2, "not_detectable", e_value=0.9)
    audited(home, "unfit", 3, "undecided")
    assert quantized(home) == accused > 4


def test_a_watchs_alarm_counts_by_its_evidence(home: Home) -> None:
    audited(home, "quiet", 1, "not_detectable", e_value=3.0)
    assert "likely_quantized" not in findings(home)
    audited(home, "alarm", 2, "differs", e_value=40.0)
    assert 1 < quantized(home) < 2  # a p-value of 1/40, by its bound


def test_a_change_between_two_audits_opens_a_flag_with_both_in_its_note(home: Home) -> None:
    audited(home, "before", 1, "not_detectable", p_value=0.6, detectable_kl=0.004, power=0.95)
    assert "precision_changed" not in findings(home)
    audited(home, "after", 9, "differs", p_value=1e-4, kl_mid=0.02)
    assert findings(home)["precision_changed"].probability > 0.9
    note = offer_note(home, OFFER, START + timedelta(hours=20))
    assert "Would be flagged: below_cost, likely_quantized, precision_changed" in note
    assert "2026-08-03: none (not_detectable, as before found). 2026-08-03: a difference" in " ".join(note.split())
    assert f"audit after: {OFFER} against native, 80 questions: differs, p 0.0001" in note
