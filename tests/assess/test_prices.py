"""What a price is judged by, what it says, and which prices make a floor or a burn."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from tests.assess.test_inputs import DAY, OFFER
from tracker.assess.burned import burn_rows
from tracker.assess.costs import Costed, cost_offers
from tracker.assess.findings import Context, judge_offer
from tracker.assess.inputs import Situation, situations
from tracker.assess.market import cost_floors, floor_rows
from tracker.assess.prices import moves_of
from tracker.flags.likely_quantized import Circumstance
from warehouse.flag_facts import READS

FOREVER = datetime.fromisoformat("9999-12-31")
MODEL = "qwen/qwen3-32b"
DOLLARS = OFFER | {"model_id": MODEL, "currency": "USD", "usd_per_unit": 1.0}


def offers(*rows: dict[str, Any], moves: list[dict[str, Any]] | None = None) -> list[Situation]:
    facts: dict[str, list[dict[str, Any]]] = {name: [] for name in READS}
    numbered = [DOLLARS | row | {"offer_id": number} for number, row in enumerate(rows, start=1)]
    told = [row | {"offer_id": 1} for row in moves or []]
    return situations(facts | {"offers": numbered, "moves": told}, DAY, {})


def move(basis: str, amount: float, start: int, end: int | None, quote: int) -> dict[str, Any]:
    """A version of the output price from `start` to `end`, in days from DAY."""
    until = FOREVER if end is None else DAY + timedelta(days=end)
    return {
        "source_id": "s", "component": "output", "basis": basis, "amount": amount,
        "valid_from": DAY + timedelta(days=start), "valid_to": until, "quote_id": quote,
    }  # fmt: skip


def test_a_promotion_is_what_one_pays_while_it_stands() -> None:
    rows = [move("list", 2.0, -90, None, 1), move("discount", 1.0, 0, 2, 2), move("discount", 1.2, 5, None, 3)]
    moves = moves_of(rows, "s", "output")
    assert [(m.value, m.ref) for m in moves] == [(2.0, "1"), (1.0, "2"), (2.0, "1"), (1.2, "3")]
    assert moves_of(rows, "another", "output") == moves_of(rows, "s", "input") == ()


def seesaw(high: float, low: float) -> list[dict[str, Any]]:
    """A day each for six days, then the high price for one more: it stood four days of the last seven."""
    return [
        move("list", low if day % 2 else high, day - 7, None if day == 6 else day - 6, day) for day in range(7)
    ]  # fmt: skip


def test_each_side_of_a_flip_flop_has_a_mean_of_its_own_and_its_rows_say_what_is_quoted() -> None:
    [one] = offers({"input": 0.5, "output": 2.1, "cache_read": 0.1}, moves=seesaw(2.1, 0.7))
    assert one.flip_flops and one.output_usd == pytest.approx((4 * 2.1 + 3 * 0.7) / 7)
    assert (one.output_quoted_usd, one.input_usd, one.cached_usd) == (2.1, 0.5, 0.1)  # only the output price moves
    finding = judge_offer(one, cost_offers([one], DAY)[1], Context(DAY, {}, {}, {1: Circumstance(0.5, "")}, {}, {}))[
        "a/m", "below_cost"
    ]
    assert "judged by its mean of seven days, $0.50 in, $1.50 out." in finding.sentence
    figures = {figure.name: figure.value for figure in finding.figures}
    assert figures["mean_of_seven_days_out"] == pytest.approx(1.5) and figures["price"] < 1.5
    rows = {row.ref: row.says for row in finding.evidence if row.view == "quotes"}
    assert rows == {"5": "$0.50 per million input tokens", "6": "$2.10 per million output tokens"}


def test_a_price_that_moved_once_is_judged_as_it_stands() -> None:
    [one] = offers({"output": 0.7}, moves=[move("list", 2.1, -90, -1, 1), move("list", 0.7, -1, None, 2)])
    assert not one.flip_flops and one.output_usd == one.output_quoted_usd == 0.7


def test_neither_hearsay_nor_an_unknown_side_is_the_cheapest_and_a_flip_flop_counts_as_it_stands() -> None:
    stated, dear, copied, headline, one_sided = offers(
        {"offer": "a/m", "input": 0.5, "output": 2.1},
        {"offer": "b/m", "provider": "b", "input": 3.0, "output": 3.0},
        {"offer": "c/m", "provider": "c", "input": 0.1, "output": 0.1, "is_copy": True},
        {"offer": "router/m", "provider": "router", "input": 0.1, "output": 0.1, "is_headline": True},
        {"offer": "d/m", "provider": "d", "input": None, "input_status": None, "output": 0.01},
        moves=seesaw(2.1, 0.7),
    )
    assert copied.is_hearsay and headline.is_hearsay and not stated.is_hearsay
    costs = cost_floors([stated], DAY)
    [row] = floor_rows([stated, dear, one_sided], costs)
    assert row[2:4] == (pytest.approx((3 * 0.5 + 2.1) / 4), "a/m")
    [alone] = floor_rows([], costs)
    assert alone[:6] == (MODEL, False, None, None, None, None) and alone[6] is not None


def burned(row: dict[str, Any], sold: list[Situation], costs: dict[int, Costed]) -> list[tuple[object, ...]]:
    demand = {"source_id": "counter", "listed_name": "m", "scope": "", "day": date(2026, 8, 2), "tokens": 1e9}
    return burn_rows([demand | row], sold, costs, {"m": MODEL, "m:free": MODEL})


def test_burn_is_priced_by_what_the_traffic_can_have_paid() -> None:
    sold = offers(
        {"offer": "a/m", "input": 0.001, "output": 0.002},
        {"offer": "b/m", "provider": "b", "input": 3.0, "output": 3.0},
        {"offer": "d/m", "provider": "d", "input": None, "input_status": None, "output": 0.0001},
        {"offer": "e/m", "provider": "e", "input_paid_usd": 0.0005, "output_paid_usd": 0.0005},
    )
    costs = cost_offers(sold, DAY)
    assert set(costs) == {1, 2, 3, 4}
    [cheapest] = burned({}, sold, costs)
    assert cheapest[5] == "e/m", "what was transacted is what was paid"
    [named] = burned({"scope": "host a/x"}, sold, costs)
    assert named[5] == "a/m" and 0 < float(str(named[8])) < float(str(named[9])) < float(str(named[10]))
    assert burned({"scope": "host d/x"}, sold, costs) == [], "one side unknown: no price of a mix"
    own_chips, too_fast = offers({"offer": "groq/m", "provider": "groq"}, {"offer": "f/m", "provider": "f"})
    too_fast = replace(too_fast, tok_s=30_000.0)
    assert burned({}, [own_chips, too_fast], cost_offers([own_chips, too_fast], DAY)) == []
    assert burned({"scope": "app z"}, sold, costs) == burned({"listed_name": "m:free"}, sold, costs) == []


def test_burn_takes_the_standing_price_of_a_flip_flop() -> None:
    [now] = offers({"input": 0.001, "output": 0.004})
    [flips] = offers({"input": 0.001, "output": 0.004}, moves=seesaw(0.004, 0.001))
    assert flips.output_usd is not None and flips.output_usd < 0.004
    losses = [burned({}, [one], cost_offers([one], DAY))[0][9] for one in (now, flips)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
