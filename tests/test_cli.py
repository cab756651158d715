"""The command line as a user meets it: real processes, a real home, one-line errors, exit codes that mean something."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as parquet
import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home filled from what ships with the packages: no network, no key."""
    home = tmp_path_factory.mktemp("cli")
    told = tracker(home, "collect", "price_war", "ecb_package", "genai_prices_package")
    assert told.returncode == 0, told.stderr
    return home


def tracker(home: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {key: value for key, value in os.environ.items() if not key.endswith("_API_KEY")}
    variables |= {"TRACKER_HOME": str(home), "NO_COLOR": "1"} | environment
    return subprocess.run(
        [sys.executable, "-m", "tracker", *words], cwd=ROOT, env=variables, capture_output=True, text=True, timeout=120
    )


def test_who_sells_it_cheapest_first(home: Path) -> None:
    told = tracker(home, "offers", "deepseek-chat")
    lines = told.stdout.splitlines()
    assert told.returncode == 0 and "offer" in lines[1]
    assert any(line.startswith("deepseek/deepseek-chat ") for line in lines)


def test_a_model_nobody_sells_is_one_line_and_two(home: Path) -> None:
    told = tracker(home, "offers", "gpt-9-colossal")
    assert told.returncode == 2
    assert told.stderr.startswith("tracker: no offer of 'gpt-9-colossal'") and told.stderr.count("\n") == 1
    near = tracker(home, "offers", "gemini-2.5-flas")
    assert "did you mean" in near.stderr and "gemini-2.5-flash" in near.stderr


def test_history_and_evidence_of_the_same_number(home: Path) -> None:
    answer = tracker(
        home, "sql", "SELECT quote_id FROM quotes WHERE offer = 'openai/gpt-3.5-turbo' AND source_id = 'price_war' "
        "AND component = 'output'", "--format", "csv",
    )  # fmt: skip
    quote_id = answer.stdout.splitlines()[1].strip('"')
    told = tracker(home, "evidence", quote_id)
    assert told.returncode == 0, told.stderr
    assert "= 2 USD per mtok" in told.stdout and "hash verified" in told.stdout
    assert "said to hold from 2023-12-15" in told.stdout and "gpt-3.5-turbo" in told.stdout.split("    | ", 1)[1]
    assert "openai/gpt-3.5-turbo" in tracker(home, "history", "openai/gpt-3.5-turbo").stdout


@pytest.mark.parametrize("form", ["table", "csv", "json", "markdown"])
def test_sql_answers_in_every_form(home: Path, form: str) -> None:
    told = tracker(home, "sql", "SELECT 1 AS one, 'a|b' AS two, NULL AS three", "--format", form)
    assert told.returncode == 0
    assert "one" in told.stdout and "two" in told.stdout
    if form == "json":
        assert json.loads(told.stdout) == [{"one": 1, "two": "a|b", "three": None}]


def test_sql_writes_parquet(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "x.parquet"
    with out.open("wb") as file:
        subprocess.run(
            [sys.executable, "-m", "tracker", "sql", "SELECT offer, input FROM offers", "--format", "parquet"],
            cwd=ROOT, env=os.environ | {"TRACKER_HOME": str(home)}, stdout=file, check=True,
        )  # fmt: skip
    assert parquet.read_table(out).num_rows > 1000


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("SELEC 1", "syntax error"),
        ("SELECT * FROM nowhere", "nowhere"),
        ("SELECT * FROM read_csv('/etc/passwd')", "disabled"),
        ("DELETE FROM core.pass", "read-only"),
        ("SELECT 1; SELECT 2", "give one select"),
        ("", "give one select"),
        ("SELECT range FROM range(200000)", "add limit"),
    ],
)
def test_a_bad_statement_is_one_line(home: Path, statement: str, why: str) -> None:
    told = tracker(home, "sql", statement)
    assert told.returncode in (1, 2) and told.stderr.count("\n") == 1
    assert why in told.stderr.lower()


@pytest.mark.parametrize(
    "words",
    [
        ["sql", "SELECT 1", "--format", "xml"],
        ["collect", "no_such_source"],
        ["evidence", "123"],
        ["held", "--admit", "1"],
        ["evidence", "²"],
        ["evidence", "99999999999999999999"],
        ["changes", "--since", "yesterday"],
        ["changes", "--kind", "dearer"],
        ["offers", ""],
        ["offers"],
        ["history", "gpt-4o", "--limit", "0"],
        ["sql", "SELECT 1", "--timeout", "-1"],
        ["sell"],
        ["sql", "SELECT 1", "--loud"],
    ],
)
def test_what_does_not_exist_is_two(home: Path, words: list[str]) -> None:
    told = tracker(home, *words)
    assert told.returncode == 2 and told.stderr.count("\n") == 1, told.stderr


def test_one_function_call_can_take_neither_the_memory_nor_the_time(home: Path) -> None:
    """A string of gigabytes is made outside the engine's own limits and looks at no clock: the process ends it."""
    started = time.monotonic()
    told = tracker(
        home, "sql", "SELECT length(repeat('x', 4000000000)) + length(repeat('y', 4000000000))", "--timeout", "1"
    )
    assert told.returncode == 1 and told.stderr.startswith("tracker: ") and told.stderr.count("\n") == 1, told.stderr
    assert time.monotonic() - started < 60


def test_an_offer_named_exactly_is_meant_itself(home: Path) -> None:
    told = tracker(home, "history", "deepseek/deepseek-chat")
    rows = [line for line in told.stdout.splitlines()[2:] if "--limit" not in line]
    assert rows and all(line.startswith("deepseek/deepseek-chat ") for line in rows)
    assert "openrouter/" in tracker(home, "history", "deepseek-chat").stdout


def test_an_empty_home_says_what_to_do(tmp_path: Path) -> None:
    told = tracker(tmp_path, "offers", "gpt-4o")
    assert told.returncode == 2 and "tracker run" in told.stderr


def test_the_home_option_wins(home: Path, tmp_path: Path) -> None:
    told = tracker(tmp_path, "status", "--home", str(home))
    assert told.returncode == 0 and str(home) in told.stdout


def test_doctor_shows_keys_by_name_never_by_value(home: Path) -> None:
    told = tracker(home, "doctor", XAI_API_KEY="sk-very-secret")
    assert "key XAI_API_KEY" in told.stdout and "present" in told.stdout
    assert "sk-very-secret" not in told.stdout + told.stderr


def test_help_is_quick_and_names_every_command(home: Path) -> None:
    told = tracker(home, "--help")
    for name in (
        "run",
        "collect",
        "offers",
        "history",
        "changes",
        "evidence",
        "sql",
        "report",
        "reparse",
        "publish",
        "doctor",
    ):
        assert f"  {name} " in told.stdout
