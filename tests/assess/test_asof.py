"""A pass as of a past day sees what that day saw: nothing that ended, changed or came later."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.assess.test_run import START, shelf, show
from tests.reports.ledgers import MONDAY, Typed, price
from tests.shop import register, source
from tracker.assess.findings import latest_change
from tracker.assess.inputs import situations
from tracker.records import Declaration, Limit, Metric, Offer, Record, Rental
from tracker.settings import Home
from warehouse.flag_facts import READS, read_facts
from warehouse.store import open_file

HOST, GONE = Offer("host", "m"), Offer("host", "gone")
SEEN = (
    "offers",
    "labels",
    "speeds",
    "speed_pairs",
    "speed_days",
    "moves",
    "conflicts",
    "limits",
    "limit_moves",
    "read",
    "held",
    "lengths",
    "rents",
)


def shown(day: int) -> list[Record]:
    """Day 0 to 2: a discount, bf16, a wide limit, a second offer. From day 3 on all of it is otherwise."""
    late = day > 2
    rows: list[Record] = [*price(HOST, "2", "4"), Declaration(HOST, "precision", "fp8" if late else "bf16")]
    rows += [Limit("host", "m", "", "requests", "minute", Decimal(10 if late else 600))]
    rows += [Metric(HOST, "throughput_tok_s", "p50", "30m", 20.0 if late else 80.0)]
    return rows if late else [*rows, *price(HOST, "1", "2", basis="discount"), *price(GONE, "1", "1")]


def asked(day: int) -> list[Rental]:
    """Three lessors of a chip, half as dear from day 3 on, when a second chip joins them."""
    chips = {"H200": 2, "MI355X": 1} if day > 2 else {"H200": 4}
    return [
        Rental(lessor, chip, chip, "on_demand", Decimal(dollars), "USD")
        for chip, dollars in chips.items()
        for lessor in ("a", "b", "c")
    ]


def facts(root: Path, days: int, at: datetime) -> dict[str, Any]:
    typed = Typed(models=dict.fromkeys((HOST, GONE), "qwen/qwen3-32b"))
    typed.kinds |= {"catalogue_c": "catalogue", "lessors_r": "rental", "essay_e": "article"}
    for day in range(-6, days):
        typed.daily([day], shown(day))
        typed.daily([day], price(HOST, "3", "3" if day < 3 else "2"), source="catalogue_c")
        typed.daily([day], asked(day), source="lessors_r")
        if day == 5:  # an essay appears
            typed.daily([day], [Limit("host", "gone", "", "requests", "second", Decimal(1))], source="essay_e")
    home = typed.publish(root)
    with open_file(home.warehouse) as connection:
        found = read_facts(connection, at)
    return {name: found[name] for name in SEEN}


def test_the_future_changes_nothing_of_the_past(tmp_path: Path) -> None:
    at = MONDAY + timedelta(days=2, hours=23)
    then, now = facts(tmp_path / "then", 3, at), facts(tmp_path / "now", 9, at)
    assert [name for name in SEEN if then[name] != now[name]] == []
    assert then["offers"] and then["labels"] and then["moves"] and then["limits"] and then["conflicts"]
    assert [(row["accelerator"], row["p50"]) for row in then["rents"]] == [("H200", 4.0)]


def test_a_price_held_then_is_told_as_held_whatever_became_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A glitch of one reading: it waits from its reading to the next, and has been nothing since."""
    register(monkeypatch, source("a", "pkg:tests/none"))
    home = Home(tmp_path)
    show(home, 0, **shelf())
    show(home, 24, **shelf(fair=("2000", "6000")))

    def held(hours: float) -> list[tuple[object, ...]]:
        with open_file(home.warehouse) as connection:
            found = read_facts(connection, START + timedelta(hours=hours))["held"]
        return [(row["component"], row["amount"]) for row in found]

    waiting = held(30)
    assert sorted(waiting) == [("input", 2000.0), ("output", 6000.0)] and held(12) == []
    show(home, 48, **shelf())
    assert held(30) == waiting and held(49) == []


def test_what_ended_before_is_told(tmp_path: Path) -> None:
    found = facts(tmp_path, 9, MONDAY + timedelta(days=8, hours=23))
    precision = [row for row in found["labels"] if row["attribute"] == "precision"]
    assert [(row["value"], row["ended_at"] is not None) for row in precision] == [("bf16", True), ("fp8", False)]
    assert any(row["basis"] == "discount" and row["valid_to"].year < 9000 for row in found["moves"])


def test_a_price_that_nobody_has_read_for_a_month_is_not_judged(tmp_path: Path) -> None:
    month, later = (facts(tmp_path / name, 1, MONDAY + timedelta(days=days)) for name, days in (("a", 29), ("b", 31)))
    assert {row["offer"] for row in month["offers"]} == {"host/m", "host/gone"}
    assert later["offers"] == [] and later["read"], "what was read stays in the history"
    assert month["conflicts"] and later["conflicts"] == []


@pytest.mark.parametrize(("every_days", "stale_after"), [(1, 4), (7, 25)])
def test_readings_are_missed_by_the_interval_at_which_a_source_is_really_read(
    every_days: int, stale_after: int, tmp_path: Path
) -> None:
    typed = Typed(models={HOST: "qwen/qwen3-32b"})
    typed.kinds["catalogue_c"] = "catalogue"
    typed.daily(range(-10 * every_days, 1, every_days), price(HOST, "3", "4"), source="catalogue_c")
    home = typed.publish(tmp_path)
    missed = {}
    for days in (1, stale_after - 1, stale_after + 1):
        at = MONDAY + timedelta(days=days)
        with open_file(home.warehouse) as connection:
            [one] = situations(read_facts(connection, at), at, {})
        missed[days] = one.readings_missed
    assert missed == {1: 0, stale_after - 1: 0, stale_after + 1: pytest.approx(3, abs=2)} and missed[stale_after + 1]


def test_a_models_limit_that_moved_is_a_change_of_its_offer(tmp_path: Path) -> None:
    at = MONDAY + timedelta(days=8)
    told = {name: [] for name in READS} | facts(tmp_path, 9, at)
    [one] = [found for found in situations(told, at, {}) if found.offer == "host/m"]
    [(whose, unit, moves)] = one.limit_moves
    assert (whose, unit, [move.value for move in moves]) == ("the limit", "requests a minute", [600.0, 10.0])
    finding = latest_change(replace(one, output_moves=(), input_moves=()), at)
    assert finding is not None and finding.probability == 0.9
    assert "The limit moved by -98%, from 600 to 10 requests a minute, on 2026-07-23." in finding.sentence
    assert [row.view for row in finding.evidence] == ["limits", "limits"]
    dearer = latest_change(replace(one, output_moves=(), limit_moves=()), at)
    assert dearer is not None and "The input price moved by +100%, from 1 to 2 per million" in dearer.sentence
