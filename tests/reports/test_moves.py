"""Which week is a cut, which a rise, and which only wandering: the rules on steps typed by hand."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from reports.billed import Billed, billed_at
from reports.ledger import open_week
from reports.movers import swing_of
from reports.moves import moves_of
from reports.paths import billed_path
from reports.steps import Step, net_share, turns_of
from tests.reports.ledgers import MONDAY, Typed, price
from tracker.records import Offer


def billed(amount: str) -> Billed:
    prices = {"input": Decimal(1), "output": Decimal(amount), "cache_read": None}
    return Billed(1, "a/b", "a", "b", "standard", "m/b", "USD", prices, None, None, ("known", "known"), "market_a")


def steps(*amounts: str) -> list[Step]:
    found = []
    for day, (old, new) in enumerate(pairwise(amounts)):
        kind = "cut" if Decimal(new) < Decimal(old) else "rise"
        at = MONDAY + timedelta(days=day)
        found.append(Step(at, "output", "list", True, kind, Decimal(old), Decimal(new), "market_a", (day,)))
    return found


@pytest.mark.parametrize(
    ("amounts", "turns", "share"),
    [
        (("4", "3", "2", "1"), 0, 1.0),  # straight down
        (("4", "5", "2"), 1, pytest.approx(0.756, abs=0.001)),
        (("4", "3", "4", "3", "4"), 3, 0.0),  # back where it was
        (("8", "9", "4", "5", "1"), 3, pytest.approx(0.946, abs=0.001)),  # a trend that trembles
        (("4", "2", "4", "2", "3.9"), 3, pytest.approx(0.0365, abs=0.001)),  # a tremble that ends a little lower
    ],
)
def test_turns_and_net_share(amounts: tuple[str, ...], turns: int, share: float) -> None:
    taken = steps(*amounts)
    assert turns_of(taken) == turns
    assert net_share(billed(amounts[0]), billed(amounts[-1]), taken) == share


def test_a_promotion_bills_while_it_holds() -> None:
    day = [MONDAY + timedelta(days=n) for n in range(8)]
    versions = [
        {"basis": "list", "amount": Decimal(4), "valid_from": day[0], "valid_to": day[7], "quote_id": 1},
        {"basis": "discount", "amount": Decimal(1), "valid_from": day[2], "valid_to": day[4], "quote_id": 2},
    ]
    assert billed_path(versions, day[6]) == [(day[0], Decimal(4)), (day[2], Decimal(1)), (day[4], Decimal(4))]


def test_a_routers_copy_of_a_hosts_cut_is_an_echo(tmp_path: Path) -> None:
    host, router = Offer("alfa", "glm-x"), Offer("market", "glm-x")
    ledger = Typed(models={host: "zed/glm-x", router: "zed/glm-x"}, kinds={"market_a": "market"})
    ledger.daily(range(-7, 0), [*price(host, "1", "4"), *price(router, "1", "4")])
    ledger.daily(range(7), [*price(host, "0.5", "2"), *price(router, "0.5", "2")])
    home = ledger.publish(tmp_path)
    with open_week(home.history, "2026-W30") as week:
        before, after = (billed_at(week, at) for at in (week.week.before_utc, week.week.told_to_utc))
        assert {move.offer: move.kind for move in moves_of(week, before, after)} == {
            "alfa/glm-x": "cut",
            "market/glm-x": "echo",
        }


def test_a_routers_headline_that_turned_round_is_no_cut_wherever_it_ended(tmp_path: Path) -> None:
    host, router = Offer("alfa", "glm-x"), Offer("market", "glm-x")
    ledger = Typed(models={host: "zed/glm-x", router: "zed/glm-x"}, kinds={"market_a": "market"})
    ledger.daily(range(-7, 0), [*price(host, "1", "4"), *price(router, "1", "4")])
    for day, amount in enumerate(("0.8", "1", "0.2", "0.2", "0.2", "0.2", "0.2")):
        ledger.daily([day], [*price(host, amount, "4"), *price(router, amount, "4")])
    home = ledger.publish(tmp_path)
    with open_week(home.history, "2026-W30") as week:
        before, after = (billed_at(week, at) for at in (week.week.before_utc, week.week.told_to_utc))
        found = {move.offer: move for move in moves_of(week, before, after)}
    assert {offer: move.kind for offer, move in found.items()} == {"alfa/glm-x": "cut", "market/glm-x": "wavering"}
    assert swing_of(found["market/glm-x"]) == 5
