"""Errands: what tracker.toml asks for, once a slot, on the ledger; probes really sent, and why none is."""

import os
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from typer.testing import CliRunner

from tests.sandboxes import open_sandbox
from tests.shop import Shop, source, stock
from tests.tracker.ticking import START, Clock, ask, note_chores, register, set_clock
from tracker.cli import app
from tracker.errands import errands, run_errands
from tracker.errors import UsageError
from tracker.probe import desk, targets
from tracker.probe.budget import Ledger
from tracker.probe.inbox import write_rows
from tracker.probe.plan import Candidate
from tracker.probe.run import Purse, Vantage
from tracker.probe.targets import Endpoint
from tracker.settings import Home
from tracker.tick import tick

KEY = "any-text-will-do"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    note_chores(monkeypatch)
    return set_clock(monkeypatch)


@pytest.fixture
def known(home: Home, shop: Shop, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home whose ledger knows two offers of DeepInfra, and no key in the environment."""
    for name in [name for name in os.environ if name.endswith("_API_KEY")]:
        monkeypatch.delenv(name)
    register(monkeypatch, source("deepinfra", shop.url("a")))
    shop.put("a", stock(toy=("0.1", "0.4")))
    tick(home, loopback=True)
    return home


@pytest.fixture(scope="module")
def sandbox_url() -> Iterator[str]:
    """One host of the sandbox."""
    with open_sandbox("fast") as url:
        yield f"{url}/fast/v1"


def test_errands_follow_the_configuration() -> None:
    config = {
        "probe": {"daily_usd": "0.50", "inbox": "/srv/inbox"},
        "audits": [{"offer": "host/m", "reference": "lab/m", "controls": ["c/m"], "budget_usd": 0.1}],
        "publish": {"site": "/srv/www"},
    }
    assert {errand.name: " ".join(errand.arguments) for errand in errands(config)} == {
        "ingest": "ingest /srv/inbox",
        "probe": "probe --budget 0.50",
        "audit host/m": "audit host/m --reference lab/m --budget 0.1 --control c/m --watch 20",
        "site": "site /srv/www",
    }
    local = {"offer": "toy@http://127.0.0.1:1/v1", "reference": "lab/m", "budget_usd": 1, "key_env": "K"}
    [priced] = errands({"audits": [{**local, "input_price": 0.1, "output_price": 0.4}]})
    assert "--key-env K --input-price 0.1 --output-price 0.4 --watch 20" in " ".join(priced.arguments)
    target = {"offer": "toy@http://127.0.0.1:1/v1", "key_env": "K", "input_price": 0.1, "output_price": 0.4}
    [_, own] = errands({"probe": {"daily_usd": 1, "targets": [{**target, "provider": "mine", "every_hours": 6}]}})
    assert (own.name, own.every_hours) == ("probe toy@http://127.0.0.1:1/v1", 6)
    assert "--url http://127.0.0.1:1/v1 --model toy --provider mine --budget 1 --key-env K" in " ".join(own.arguments)
    assert errands({}) == []
    with pytest.raises(UsageError, match="needs daily_usd"):
        errands({"probe": {"targets": [target]}})
    for bad, words in (({"offer": "groq/x"}, "not MODEL@URL"), ({**target, "key": "K"}, "unknown word 'key'")):
        with pytest.raises(UsageError, match=words):
            errands({"probe": {"daily_usd": 1, "targets": [bad]}})
    with pytest.raises(UsageError, match="lacks 'reference'"):
        errands({"audits": [{"offer": "host/m"}]})


def test_an_errand_runs_once_a_slot_on_the_ledger_and_a_failed_one_again(
    home: Home, shop: Shop, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, source("a", shop.url("a")))
    shop.put("a", stock())
    tick(home, loopback=True)
    inbox = home.root / "inbox"
    home.config.write_text(f'[probe]\ninbox = "{inbox}"\n')
    assert run_errands(home, 60, 8) == {"ingest": f"ingest: tracker: no folder {inbox}"}
    inbox.mkdir()
    assert run_errands(home, 60, 8) == {}, "not before its pause"
    clock.forward(minutes=11)
    assert run_errands(home, 60, 8) == {"ingest": ""}
    assert run_errands(home, 60, 8) == {}
    clock.forward(minutes=15)
    assert run_errands(home, 0.05, 8) == {"ingest": "ingest was stopped after 0.05 s"}
    assert ask(home, "SELECT outcome FROM chores WHERE name = 'ingest' ORDER BY started_at") == [
        ("failed",), ("good",), ("failed",),
    ]  # fmt: skip


def test_a_target_of_ones_own_is_measured_once_a_slot(
    known: Home, sandbox_url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SANDBOX_KEY", KEY)
    known.config.write_text(
        f"""[probe]
daily_usd = "0.05"
[[probe.targets]]
offer = "toy@{sandbox_url}"
key_env = "SANDBOX_KEY"
input_price = 0.1
output_price = 0.4
provider = "mine"
every_hours = 6
"""
    )
    told: dict[str, str] = {}
    own = f"probe toy@{sandbox_url}"
    assert run_errands(known, 120, 8, told.__setitem__) == {"probe": "", own: ""}
    assert "requests measured, rows in " in told[own] and "no key is set: set DEEPINFRA_API_KEY" in told["probe"]
    measured = "count(*) FILTER (outcome = 'ok' AND output_tok_s > 10)"
    [(offer, rows, good)] = ask(known, f"SELECT offer, count(*), {measured} FROM sandbox_probes GROUP BY offer")
    assert offer == "mine/toy" and 10 <= int(str(rows)) <= 30 and int(str(good)) >= 1
    assert ask(known, "SELECT count(*) FROM probes") == [(0,)], "this machine is never the market"
    spent = Ledger(known.root / "spend").today()
    assert 0 < spent.settled <= Decimal("0.05") and spent.open == 0
    clock.forward(minutes=70)
    assert run_errands(known, 120, 8, told.__setitem__) == {"probe": ""}, "the target's slot is six hours"
    assert KEY not in "".join(path.read_text(errors="replace") for path in known.root.rglob("*") if path.is_file())


def test_the_plan_of_the_hour_measures_offers_of_the_ledger(
    known: Home, sandbox_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = {"deepinfra": Endpoint("deepinfra", sandbox_url, "openai_chat", "SANDBOX_KEY", "max_tokens")}
    for place in (desk, targets):
        monkeypatch.setattr(place, "endpoints", lambda: table)
    monkeypatch.setenv("SANDBOX_KEY", KEY)
    found = desk.with_key(desk.candidates_of(known.history, ["deepinfra/toy"]))
    midnight = START.replace(hour=0)
    hours = [desk.day_plan(found, Decimal(1), midnight + timedelta(hours=h), Decimal(0), False) for h in range(24)]
    due = min((plan for plan in hours if plan.steps), key=lambda plan: sum(step.tokens for step in plan.steps))
    rows, stopped = desk.run_plan(due, Purse(Ledger(known.root / "spend"), Decimal(1)), Vantage(), None, lambda _: None)
    assert len(rows) >= len(due.steps) and not stopped
    desk.ingest_folder(write_rows(known.root / "probes", rows).parent, known)
    told = ask(known, "SELECT DISTINCT offer, workload FROM sandbox_probes ORDER BY ALL")
    assert told == sorted({("deepinfra/toy", step.workload.name) for step in due.steps})
    again = desk.candidates_of(known.history, ["deepinfra/toy"])
    assert [each.probed_at for each in again] == [None], "what ran on this machine is no probe of the market"


def test_when_nothing_is_due_it_says_why(known: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def said(candidates: list[Candidate], usd: str, spent: str = "0") -> str:
        found = desk.with_key(candidates)
        return desk.why_nothing(candidates, found, Decimal(usd), START, Decimal(spent))

    offers = desk.candidates_of(known.history, [])
    assert said([], "1").startswith("nothing to probe: no offer of the ledger has a known endpoint")
    assert said(offers, "1").endswith("2 offers have a known endpoint, but no key is set: set DEEPINFRA_API_KEY")
    monkeypatch.setenv("DEEPINFRA_API_KEY", KEY)
    assert said(offers, "1").startswith("nothing is due this hour: next deepinfra/")
    assert "the day's budget is spoken for (2 offers, 0.5 of 0.5 USD" in said(offers, "0.5", "0.5")
    monkeypatch.delenv("DEEPINFRA_API_KEY")
    known.config.write_text('[probe]\ndaily_usd = "0.01"\n')
    for command in (["probe", "--budget", "0.01"], ["tick", "--errands"]):
        done = CliRunner().invoke(app, [*command, "--home", str(known.root)])
        assert done.exit_code == 0 and "no key is set: set DEEPINFRA_API_KEY" in done.output, command
