"""The analysis pass on a small ledger: incremental, repeatable, and readable."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scrapers import archive
from tests.shop import register, source, stock
from tracker.assess.run import assess, diff, replay, rules_version
from tracker.cli import app
from tracker.collect.run import ingest_spool
from tracker.collect.spool import Spooled
from tracker.errors import UsageError
from tracker.explain.flags import flag_note
from tracker.explain.offer import offer_note
from tracker.flags import RULES
from tracker.flags.lifecycle import Step
from tracker.settings import Home
from warehouse.history import open_history
from warehouse.store import writing

START = datetime.fromisoformat("2026-08-03T08:00")
CHEAP, FAIR = "qwen/qwen3-32b", "mistralai/mistral-nemo"


def show(home: Home, hours: float, **prices: tuple[str, str]) -> None:
    """One pass of the shop `a`, `hours` after the start."""
    body = stock(**prices)
    row = {"url": "x", "label": "", "media_type": "", "sha256": archive.keep(home.captures, body), "bytes": len(body)}
    Spooled("a", (START + timedelta(hours=hours)).isoformat(), [row]).write(home.spool)
    ingest_spool(home)


def shelf(
    cheap: tuple[str, str] = ("0.001", "0.002"), fair: tuple[str, str] = ("2", "6")
) -> dict[str, tuple[str, str]]:
    return {CHEAP: cheap, FAIR: fair}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    register(monkeypatch, source("a", "pkg:tests/none"))
    home = Home(tmp_path)
    show(home, 0, **shelf())
    yield home


def rows(home: Home, sql: str) -> list[dict[str, object]]:
    with open_history(home.history) as history:
        return history.rows(sql)


def everything(home: Home) -> list[list[dict[str, object]]]:
    tables = (
        "flag",
        "flag_event",
        "rating",
        "assessed_day",
        "cost_band",
        "margin",
        "price_floor",
        "price_index",
        "burn",
        "cost_by_hardware",
        "cost_fall",
    )
    return [rows(home, f"SELECT * FROM calc.{table} ORDER BY ALL") for table in tables]


def test_the_cheap_offer_is_flagged_the_fair_one_is_not_and_the_sum_is_kept(home: Home) -> None:
    outcome = assess(home)
    assert (outcome.offers, outcome.rated) == (3, 3)
    [flag] = rows(home, "SELECT * FROM flags WHERE kind = 'below_cost'")
    assert flag["offer"] == f"a/{CHEAP}" and float(str(flag["probability"])) > 0.9
    assert flag["closed_at"] is None and flag["scenario"] == "market" and flag["calibrated"] is False
    evidence = json.loads(str(flag["evidence"]))
    quotes = {row["ref"] for row in evidence if row["view"] == "quotes"}
    known = {str(row["quote_id"]) for row in rows(home, "SELECT quote_id FROM quotes")}
    assert quotes and quotes <= known
    margins = {row["offer"]: row for row in rows(home, "SELECT * FROM margins WHERE basis = 'standing'")}
    assert set(margins) == {f"a/{CHEAP}", f"a/{FAIR}"}
    assert float(str(margins[f"a/{FAIR}"]["p_below_cost"])) < 0.05
    fair = margins[f"a/{FAIR}"]
    low, mid, high = (float(str(fair[f"cost_output_{name}_usd_per_mtok"])) for name in ("low", "mid", "high"))
    assert 0 < low < mid < high < float(str(fair["price_output_usd_per_mtok"])) and fair[
        "price_ratio"
    ] == pytest.approx(3)


@pytest.mark.parametrize("kind", ["catalogue", "market"])
def test_hearsay_accuses_nobody(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of other people's prices, and a router's own row: hosts that nobody names here serve it."""
    register(monkeypatch, source("a", "pkg:tests/none", kind=kind))
    heard = Home(tmp_path)
    show(heard, 0, **shelf())
    assess(heard)
    assert rows(heard, "SELECT * FROM flags WHERE kind IN ('below_cost', 'likely_quantized', 'teaser_price')") == []
    note = " ".join(offer_note(heard, f"a/{CHEAP}").split())
    assert "Only a copied price list or a router's headline shows this offer: held at 0.45 instead of 0.99." in note


def test_an_article_and_a_router_telling_of_another_host_are_no_hearsay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind, provider in (("article", "a"), ("market", "router")):
        register(monkeypatch, source("a", "pkg:tests/none", kind=kind, provider=provider))
        told = Home(tmp_path / kind)
        show(told, 0, **shelf())
        assess(told)
        assert [row["offer"] for row in rows(told, "SELECT offer FROM flags WHERE kind = 'below_cost'")] == [
            f"a/{CHEAP}"
        ]


def test_rating_again_with_unchanged_inputs_writes_nothing(home: Home) -> None:
    assess(home)
    before = everything(home)
    again = assess(home)
    assert (again.rated, again.opened, again.kept, again.closed, again.bands) == (0, 0, 0, 0, 0)
    assert everything(home) == before


def test_the_week_has_its_costs_by_hardware_and_the_steps_by_which_they_fell(home: Home) -> None:
    assess(home)
    models = {str(row["model_id"]) for row in rows(home, "SELECT model_id FROM price_floor WHERE scenario IS NOT NULL")}
    assert models == {CHEAP, FAIR}
    for model in models:
        on = rows(home, f"SELECT * FROM cost_by_hardware WHERE model_id = '{model}' ORDER BY cost_usd_per_mtok")
        [floor] = rows(home, f"SELECT * FROM price_floor WHERE model_id = '{model}'")
        assert len({row["hardware"] for row in on}) == len(on) > 3
        middle = float(str(floor["cost_floor_mid_usd_per_mtok"]))
        assert middle / 2 < float(str(on[0]["cost_usd_per_mtok"])) < middle * 2
        steps = rows(home, f"SELECT * FROM cost_falls WHERE model_id = '{model}' ORDER BY position")
        costs = [float(str(row["usd_per_mtok"])) for row in steps]
        factors = [float(str(row["factor"])) for row in steps]
        assert costs[0] / costs[-1] == pytest.approx(math.prod(factors)) and costs[0] > costs[-1]


def test_a_small_move_is_no_event_but_the_state_says_what_its_sentence_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, source("a", "pkg:tests/none"))
    home = Home(tmp_path)
    told = "SELECT probability, sentence FROM flags WHERE kind = 'below_cost'"
    seen = []
    for day, amount in enumerate(("0.055", "0.058", "0.061", "0.063")):
        show(home, 24 * day + 1, **shelf(cheap=(amount, amount)))
        assess(home)
        [row] = rows(home, told)
        assert f"Probability {row['probability']:.2f} that" in str(row["sentence"])
        seen.append(float(str(row["probability"])))
    assert seen == sorted(set(seen), reverse=True)
    assert seen[0] - seen[1] < 0.05 < seen[0] - seen[-1]  # small steps add up to an event
    [row] = rows(home, "SELECT count(*) AS events FROM flag_events WHERE kind = 'below_cost' AND event = 'kept'")
    assert row["events"] == 1


def test_one_changed_offer_rates_one_offer(home: Home) -> None:
    assess(home)
    show(home, 2, **shelf(fair=("2.2", "6")))
    outcome = assess(home)
    assert (outcome.offers, outcome.rated) == (3, 1)


def test_replaying_the_same_history_gives_the_same_conclusions(home: Home) -> None:
    show(home, 30, **shelf(cheap=("0.0012", "0.002")))
    first = list(replay(home, START.date()))
    told = [list(map(str, table)) for table in _timeless(everything(home))]
    assert len(first) == 2
    assert len(list(replay(home, START.date()))) == 2
    assert [list(map(str, table)) for table in _timeless(everything(home))] == told


def _timeless(tables: list[list[dict[str, object]]]) -> list[list[dict[str, object]]]:
    hidden = ("recorded_at", "rated_at")
    return [[{k: v for k, v in row.items() if k not in hidden} for row in table] for table in tables]


def test_a_dearer_price_closes_the_flag_only_after_its_quiet_days(home: Home) -> None:
    assess(home)
    show(home, 24, **shelf(cheap=("5", "9")))
    show(home, 26, **shelf(cheap=("5", "9")))  # a big jump is held until a later pass agrees
    show(home, 28, **shelf(cheap=("5", "9")))
    assess(home)
    [flag] = rows(home, "SELECT * FROM flags WHERE kind = 'below_cost'")
    assert flag["closed_at"] is None
    assess(home, START + timedelta(hours=28, days=RULES["below_cost"].quiet_days))
    [flag] = rows(home, "SELECT * FROM flags WHERE kind = 'below_cost'")
    assert flag["closed_at"] is not None
    events = [
        row["event"]
        for row in rows(home, "SELECT event FROM flag_events WHERE kind = 'below_cost' ORDER BY occurred_at")
    ]
    assert events == ["opened", "closed"]


def test_an_offer_that_leaves_closes_its_flags_and_ends_its_margin(home: Home) -> None:
    assess(home)
    for hours in (2, 4, 6, 8):
        show(home, hours, **{FAIR: ("2", "6"), "qwen/qwen3-14b": ("2", "6")})
    assess(home)
    [flag] = rows(home, "SELECT closed_at, cause FROM flags WHERE kind = 'below_cost'")
    assert flag["closed_at"] is not None and flag["cause"] == "no source that is read shows the offer"
    assert not rows(home, f"SELECT * FROM margins WHERE offer = 'a/{CHEAP}' AND basis = 'standing'")


def test_the_past_is_judged_by_replay_only(home: Home) -> None:
    assess(home)
    with pytest.raises(UsageError, match="--replay"):
        assess(home, START - timedelta(days=3))


def test_diff_says_what_a_stricter_rule_would_do_and_writes_nothing(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    assess(home)
    before = everything(home)
    assert diff(home) == []
    stricter = replace(RULES["below_cost"], version=2, open_at=1.1, close_at=1.05)
    monkeypatch.setitem(RULES, "below_cost", stricter)
    assert [step.action for step in diff(home)] == ["cooled"]
    assert everything(home) == before


def test_changed_rules_show_their_effect_before_anything_is_written(
    home: Home, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    assess(home)
    before, seen = everything(home), []
    monkeypatch.setitem(RULES, "below_cost", replace(RULES["below_cost"], version=2, open_at=1.1, close_at=1.05))
    rules_version.cache_clear()
    request.addfinalizer(rules_version.cache_clear)

    def refuse(steps: Sequence[Step]) -> None:
        seen.extend((step.action, step.kind) for step in steps)
        raise UsageError("not accepted")

    with pytest.raises(UsageError, match="not accepted"):
        assess(home, accept=refuse)
    assert seen == [("cooled", "below_cost")] and everything(home) == before
    runner, command = CliRunner(), ["assess", "--home", str(home.root)]
    assert "0 flags open by it, 0 close, 1 start to close, 0 change" in runner.invoke(app, command).output
    assert "rules or facts have changed" not in runner.invoke(app, command).output


def test_the_notes_carry_their_numbers_and_their_rows(home: Home) -> None:
    assess(home)
    [flag] = rows(home, "SELECT flag_id, sentence FROM flags WHERE kind = 'below_cost'")
    note = flag_note(home, int(str(flag["flag_id"])))
    for expected in (
        "The sum (scenario market)",
        "cost mid",
        "Price and cost, USD per million tokens of the mix",
        "▲ 0.00114",
        "Assumptions of scenario market",
        "how busy the hardware is: 0.35, 0.6, 0.85 [judgement",
        "USD an hour and chip, batch",
        "Where it was read",
        "sha256",
        "What would clear it",
        "opened  0.99  probability 0.99: $0.001 per million input tokens",
    ):
        assert expected in note, note
    clean = offer_note(home, f"a/{FAIR}")
    assert "Clean: no rule reaches its threshold." in clean and "below_cost: 0.01" in clean
    assert "breaks even from batch" in clean and "rent of " in clean
    closed = offer_note(home, "a/anchor-model")
    assert "not judged: the weights are not published" in closed


def test_what_was_observed_stands_in_for_the_assumption_and_is_traced(home: Home) -> None:
    assess(home)
    before = offer_note(home, f"a/{FAIR}")
    with writing(home.warehouse, home.write_lock) as connection:
        connection.execute(
            "INSERT INTO core.metric SELECT 'a', q.offer_id, 'cache_hit_pct', 'mean', '1d', 87.0, $1, $1, $1, "
            "q.capture_id, q.pass_id, NULL FROM core.quote_now q JOIN core.offer o USING (offer_id) "
            "WHERE o.listed_name = $2 LIMIT 1",
            [START, FAIR],
        )
    assert assess(home).rated == 1
    after = offer_note(home, f"a/{FAIR}")
    assert "the share of input served from cache: 0, 0.25, 0.55" in before
    assert "the share of input served from cache: 0.9 [observed of this offer]" in after
    assert "90% of the input from cache" in after
    assert "1 reading of cache_hit_pct (mean) from 2026-08-03 to 2026-08-03, median 87.0; the newest:" in after

    def middle_cost(note: str) -> float:
        return float(note.split("cost mid")[1].split()[0])

    assert middle_cost(after) < middle_cost(before)


def test_the_commands_answer_and_refuse(home: Home) -> None:
    runner, place = CliRunner(), ["--home", str(home.root)]
    assert "assessed 2026-08-03" in runner.invoke(app, ["assess", *place]).output
    assert "no flag would change" in runner.invoke(app, ["assess", "--diff", *place]).output
    listed = runner.invoke(app, ["flags", "--kind", "below_cost", "--model", "qwen3-32b", *place])
    assert listed.exit_code == 0 and CHEAP in listed.output
    assert "If the probabilities are right, about 0 of the 1 flags that stand are false" in listed.output
    assert "below_cost" in runner.invoke(app, ["explain", "1", *place]).output
    assert isinstance(runner.invoke(app, ["flags", "--kind", "nonsense", *place]).exception, UsageError)
    assert isinstance(runner.invoke(app, ["explain", "999", *place]).exception, UsageError)
    assert isinstance(runner.invoke(app, ["explain", "a/none", *place]).exception, UsageError)


def test_every_column_of_the_views_is_described(home: Home) -> None:
    assess(home)
    views = ("flags", "flag_events", "cost_bands", "margins", "price_floor", "price_index", "price_classes", "burn",
             "cost_by_hardware", "cost_falls")  # fmt: skip
    bare = rows(
        home,
        "SELECT table_name, column_name FROM duckdb_columns() WHERE schema_name = 'main' AND comment IS NULL AND "
        f"list_contains({list(views)!r}, table_name)",
    )
    assert bare == []
