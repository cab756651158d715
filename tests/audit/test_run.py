"""A whole audit against synthetic hosts: verdicts, money, failures, and what is kept."""

import asyncio
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import duckdb
import pytest

from tests.audit.hosts import FakeHost
from tracker.audit.ask import Party, Wallet, ask_all, texts
from tracker.audit.desk import Defaults, carry_out, endpoint, name_of, plan, read_prompts, rows_of, seat
from tracker.audit.noise import HonestNoise
from tracker.audit.run import Table, run_audit
from tracker.errors import ProbeError, UsageError
from tracker.probe.budget import Ledger
from tracker.probe.keys import Key
from tracker.probe.messages import Ask, Usage
from tracker.probe.targets import Target
from tracker.records import Offer
from warehouse.audits import store_audit
from warehouse.store import migrate

PRICE = Decimal("0.1"), Decimal("0.4")


def party(name, wallet, dialect="openai_completions"):
    return Party(Target(Offer("test", name), f"https://{name}/v1", dialect, "", *PRICE), Key("not-a-real-key"), wallet)


def table(suspect, controls=("one", "two"), budget=1.0, honest=None, dialect="openai_completions"):
    wallet = Wallet(budget)
    seats = [party(name, wallet, dialect) for name in (suspect, "reference", *controls)]
    return Table(seats[0], seats[1], seats[2:], honest)


def audited(seats, border=24, samples=False):
    steps = [step for step in plan(seats, 1.0, border) if samples or step.method != "sampled text"]
    return asyncio.run(run_audit(seats, steps))


def test_an_honest_host_is_not_accused(hosts):
    report = audited(table("honest"), samples=True)
    assert report.verdict.kind == "not_detectable"
    assert {f.method for f in report.findings} == {
        "border prompts",
        "greedy divergence",
        "teacher-forced margin",
        "sampled text",
    }
    assert report.honest is not None
    assert 0.03 < report.honest.sigma < 0.08


def test_a_rough_host_differs_by_about_its_distance(hosts):
    """sigma .35 is KL about 0.2 * .35^2 = .025."""
    report = audited(table("rough"), border=40)
    assert report.verdict.kind == "differs"
    assert report.verdict.kl is not None
    assert report.verdict.kl.low < 0.0245 < report.verdict.kl.high
    assert "4-bit" in report.verdict.sentence


def test_another_model_is_said_to_be_one(hosts):
    report = audited(table("swapped"), samples=True)
    assert report.verdict.kind in ("another_model", "differs")
    assert report.verdict.p_value is not None
    assert report.verdict.p_value < 1e-6
    assert next(f for f in report.findings if f.method == "sampled text").p_value < 0.01


def test_controls_that_hide_logprobs_teach_by_their_flips(hosts):
    hosts["one"].hides_logprobs = hosts["two"].hides_logprobs = True
    report = audited(table("rough"))
    assert report.verdict.kind == "differs"
    assert report.honest is not None
    assert report.honest.sigma > 0.03


def test_a_reference_without_logprobs_leaves_greedy_and_sampled_texts(hosts):
    hosts["reference"].hides_logprobs = True
    report = audited(table("rough"))
    silent = {f.method: f.note for f in report.findings if f.p_value is None}
    assert set(silent) == {"border prompts", "teacher-forced margin"}
    assert report.verdict.kind == "differs"
    assert hosts["reference"].asked < 800  # the search stopped after its first block


def test_one_control_learns_no_window(hosts):
    report = audited(table("rough", controls=("one",)))
    assert "border prompts" not in {f.method for f in report.findings}
    assert report.verdict.kind == "differs"


def test_known_noise_replaces_controls(hosts):
    report = audited(table("rough", controls=(), honest=HonestNoise(0.05, 0, 0)))
    assert [f.method for f in report.findings] == ["border prompts"]
    assert report.verdict.kind == "differs"


def test_a_stripped_leading_space_accuses_nobody(hosts):
    hosts["honest"].strips = True
    report = audited(table("honest"))
    assert [d.name for d in report.form] == ["leading blank"]
    assert report.verdict.kind == "not_detectable"


def test_a_hidden_system_prompt_confounds(hosts):
    hosts["rough"].extra_tokens = 30
    report = audited(table("rough"))
    assert report.verdict.kind == "confounded"
    assert "+30 prompt tokens" in report.verdict.sentence


@pytest.mark.parametrize("outcome", ["http_error", "denied", "stalled", "cut_off", "bad_response", "empty"])
def test_a_failing_host_is_no_evidence(hosts, outcome):
    hosts["honest"].fails = outcome
    with pytest.raises(ProbeError, match=outcome):
        audited(table("honest"))


def test_empty_answers_are_no_verdict(hosts, monkeypatch):
    reply = FakeHost.reply
    monkeypatch.setattr(FakeHost, "reply", lambda self, ask: _emptied(reply(self, ask), self is hosts["honest"]))
    report = audited(table("honest"))
    assert report.verdict.kind in ("confounded", "not_detectable", "undecided")
    assert "empty answer" in {d.name for d in report.form}


def _emptied(reply, wanted):
    return replace(reply, text="") if wanted else reply


@pytest.mark.parametrize(
    ("tokens_read", "answers", "seen"), [(None, True, "held"), (None, False, "forgotten"), (100, False, "truncated")]
)
def test_a_long_prompt_is_read_whole_or_not(hosts, monkeypatch, tokens_read, answers, seen):
    reply = FakeHost.reply

    def read(self, ask):
        plain = reply(self, ask)
        if not ask.prompt.startswith("The code word is"):
            return plain
        word = ask.prompt.split(".")[0].split()[-1]
        return replace(plain, text=f" {word}." if answers else " box", usage=Usage(tokens_read or 2000, 16))

    monkeypatch.setattr(FakeHost, "reply", read)
    seats = table("honest")
    steps = [step for step in plan(seats, 1.0, 24, context_tokens=2000) if step.method in ("form", "context")]
    assert steps[1].requests == 1
    report = asyncio.run(run_audit(seats, steps))
    assert seen in report.findings[0].note
    assert seats.suspect.wallet.reserved_usd <= sum(step.cost_usd for step in steps)


def test_rate_limits_are_waited_out_and_then_counted(hosts):
    hosts["honest"].fails = "rate_limited"
    suspect = party("honest", Wallet(1.0))
    assert asyncio.run(texts(suspect, ["a"], 1)) == [None]
    assert hosts["honest"].asked == 3
    assert suspect.failures == {"rate_limited": 1}


def test_the_wallet_stops_before_the_budget_is_passed(hosts):
    suspect = party("honest", Wallet(0.0001))
    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(ask_all(suspect, [Ask("", "x" * 90, 16)] * 50))
    assert caught.group_contains(ProbeError, match="budget")
    assert suspect.wallet.reserved_usd <= 0.0001
    assert hosts["honest"].asked < 50


def test_a_bill_above_its_bound_is_taken_from_what_is_left(hosts):
    """A hidden prompt of 100,000 tokens a request: the audit stops instead of paying it fifty times."""
    hosts["honest"].extra_tokens = 100_000
    suspect = party("honest", Wallet(0.05))
    suspect.concurrency = 1
    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(ask_all(suspect, [Ask("", "x" * 90, 16)] * 50))
    assert caught.group_contains(ProbeError, match="budget")
    assert hosts["honest"].asked * 100_000 * float(PRICE[0]) / 1e6 == pytest.approx(suspect.billed_usd, rel=0.01)
    assert suspect.billed_usd < 0.05 + 100_100 * float(PRICE[0]) / 1e6


def test_an_audit_keeps_its_plan_and_settles_in_the_ledger(hosts, tmp_path):
    seats, ledger = table("honest", budget=0.2), Ledger(tmp_path)
    steps = plan(seats, 0.2, 24)
    said = []
    carry_out(seats, steps, ledger, 0, said.append)
    assert seats.suspect.wallet.reserved_usd <= sum(step.cost_usd for step in steps)
    spent = ledger.today()
    assert spent.open == 0
    assert 0 < spent.settled < Decimal("0.2")
    assert said == ["border prompts", "greedy divergence", "sampled text"]


def test_a_crash_leaves_the_whole_bound_reserved(hosts, tmp_path):
    seats, ledger = table("honest", budget=0.2), Ledger(tmp_path)
    steps = plan(seats, 0.2, 24)
    hosts["honest"].fails = "stalled"
    with pytest.raises(ProbeError):
        carry_out(seats, steps, ledger, 0, print)
    assert ledger.today().open == pytest.approx(Decimal(str(sum(step.cost_usd for step in steps))))


def test_rows_are_kept_once_and_the_sandbox_stays_out_of_the_view(hosts):
    seats = table("rough")
    report = audited(seats)
    rows = rows_of(seats, report, datetime.fromisoformat("2026-11-20"), "here")
    assert rows[-1]["method"] == "verdict"
    assert rows[-1]["sentence"] == report.verdict.sentence
    seats.suspect.is_sandbox = True
    hidden = rows_of(seats, report, datetime.fromisoformat("2026-11-20"), "here")
    with duckdb.connect() as connection:
        migrate(connection)
        assert store_audit(connection, rows) == len(rows)
        assert store_audit(connection, rows) == 0
        assert store_audit(connection, hidden) == len(rows)
        shown = connection.execute("SELECT method, verdict FROM audits WHERE method = 'verdict'").fetchall()
    assert shown == [("verdict", "differs")]
    assert not rows[0]["is_sandbox"]
    seats.suspect.is_sandbox = False
    seats.suspect.target = replace(seats.suspect.target, base_url="http://127.0.0.1:8080/v1")
    assert rows_of(seats, report, datetime.fromisoformat("2026-11-20"), "here")[0]["is_sandbox"]


def test_no_key_is_kept_or_shown(hosts):
    seats = table("rough")
    report = audited(seats)
    assert "not-a-real-key" not in repr(seats) + repr(report) + repr(
        rows_of(seats, report, datetime.fromisoformat("2026-11-20"), "")
    )


def test_endpoints_from_urls(tmp_path, monkeypatch):
    monkeypatch.setenv("SOME_KEY", "abcdefgh")
    defaults = Defaults("toy", "openai_completions", "SOME_KEY", "0.1", "0.4")
    target = endpoint("http://127.0.0.1:8080/v1", defaults, tmp_path)
    assert (target.model, str(target.offer)) == ("toy", "127.0.0.1:8080/toy")
    named = endpoint("Qwen/Qwen3-8B@https://vllm.example/v1", defaults, tmp_path)
    assert (named.model, named.base_url) == ("Qwen/Qwen3-8B", "https://vllm.example/v1")
    seats = seat(target, named, [], 0.5, defaults)
    assert name_of(seats.suspect) == "127.0.0.1:8080/toy at http://127.0.0.1:8080/v1"
    with pytest.raises(UsageError, match="model"):
        endpoint("http://127.0.0.1:8080/v1", Defaults("", "openai_chat", "K", "0", "0"), tmp_path)
    with pytest.raises(UsageError, match="input-price"):
        endpoint("http://127.0.0.1:8080/v1", Defaults("m", "openai_chat", "K", "", ""), tmp_path)


def test_an_unknown_price_is_refused():
    target = Target(Offer("test", "m"), "https://x/v1")
    with pytest.raises(ProbeError, match="price"):
        _ = Party(target, Key("abcdefgh"), Wallet(1.0)).price


def test_prompts_of_ones_own_are_asked_in_place_of_the_built_in_ones(hosts, tmp_path):
    file = tmp_path / "prompts.txt"
    file.write_text("\n".join(f"Line {at} of a page about" for at in range(4000)) + "\nLine 1 of a page about\n\n")
    own = read_prompts(file)
    assert own is not None and len(own) == 4000
    seats = table("honest")
    seats.prompts = own
    report = audited(seats)
    assert report.verdict.kind == "not_detectable"
    assert next(f for f in report.findings if f.method == "border prompts").p_value is not None
    seats = table("honest")
    seats.prompts = own[:12]
    report = audited(seats)
    assert "too few are near a choice of two" in report.verdict.sentence
    file.write_text("one\ntwo\n")
    with pytest.raises(UsageError, match="2 different prompts"):
        read_prompts(file)
    with pytest.raises(UsageError, match="no prompts can be read"):
        read_prompts(tmp_path / "nowhere")
