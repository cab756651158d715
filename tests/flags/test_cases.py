"""The labelled price-war cases keep their verdicts, and each contested one turns on the assumption it names."""

import re
from dataclasses import replace

import pytest

from bench.flags_cases import CASES, MISTRAL, TOGETHER, Case, case_lines, decider_lines
from tracker.assess.costs import is_own_silicon
from tracker.cost import assess
from tracker.cost.scenario import scenario_for


def rows() -> list[list[str]]:
    return [
        [cell.strip() for cell in line.split("|")]
        for line in case_lines()
        if line.startswith("| ") and line.count("|") == 9 and "expected" not in line
    ]


def test_the_labelled_cases_hold() -> None:
    found = rows()
    assert len(found) == len(CASES) == 10
    assert [row[1] for row in found if row[8] != "yes"] == []


def test_together_is_borderline_by_what_was_measured_of_it_alone() -> None:
    """Without its draft model the same price is below cost at any speed, and no price at all at its own."""
    assert TOGETHER.question is not None
    plain = replace(TOGETHER.question, draft_gain=None)
    chances = [e.probability_below or 0.0 for e in assess([TOGETHER.question, plain, replace(plain, tok_s_user=None)])]
    assert 0.3 <= chances[0] < 0.7 < chances[2] < chances[1]


def test_groq_is_judged_on_its_own_chips_at_about_seven_times_its_price() -> None:
    [groq] = [row for row in rows() if row[1].startswith("Groq")]
    assert groq[4] == "flagged" and float(groq[7]) == pytest.approx(7.2, rel=0.05)
    when = next(case.question.when for case in CASES if case.name.startswith("Groq") and case.question)
    assert scenario_for("mixtral-8x7b", when, "groq") == "groq-2024"
    assert scenario_for("mixtral-8x7b", when, "together") == "mixtral-2023"


def test_the_disclosed_margin_lies_within_the_band() -> None:
    [line] = [line for line in case_lines() if "profit over cost" in line]
    found = re.search(r"80 % band (\d+)% to (\d+)%", line)
    assert found is not None and int(found[1]) < 545 < int(found[2])


@pytest.mark.parametrize("case", [TOGETHER, MISTRAL])
def test_one_assumption_turns_each_verdict_the_essays_disagree_on(case: Case) -> None:
    """Busy all day, as the essays' own sums have it, clears Together; a batch of 16 alone puts Mistral in doubt."""
    assert case.question is not None
    asked = assess([case.question])[0].probability_below or 0.0
    cells = [cell.strip() for cell in decider_lines([case])[2].split("|")]
    assert float(cells[2]) == pytest.approx(asked, abs=0.006)
    chances = [float(cell) for cell in cells[2:7]]
    assert min(chances) < 0.3 < max(chances)


def test_chips_nobody_rents_out_are_noted_for_their_owners_only() -> None:
    assert is_own_silicon("cerebras", "market") and not is_own_silicon("together", "market")
    assert not is_own_silicon("groq", "groq-2024")
