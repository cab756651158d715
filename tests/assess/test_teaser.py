"""Whose limit binds which price: a free account's limits do not bind what a paying account buys."""

from datetime import datetime
from typing import Any

import pytest

from tests.assess.test_inputs import DAY, OFFER
from tracker.assess.findings import Context, judge_offer
from tracker.assess.inputs import situations
from tracker.flags.finding import Finding
from warehouse.flag_facts import READS


def limit(amount: float, account_tier: str, tier: str = "standard", listed_name: str = "") -> dict[str, Any]:
    return {
        "limit_id": 1, "provider": "a", "listed_name": listed_name, "tier": tier, "account_tier": account_tier,
        "measure": "requests", "per": "minute", "amount": amount, "status": "number",
    }  # fmt: skip


def teaser(offer: dict[str, Any], *limits: dict[str, Any]) -> Finding | None:
    """The teaser finding beside an unlimited offer that asks ten times as much."""
    facts: dict[str, list[dict[str, Any]]] = {name: [] for name in READS} | {"offers": [offer], "limits": list(limits)}
    at: datetime = DAY
    [one] = situations(facts, at, {})
    context = Context(at, {}, {}, 0.5, {}, {"m/m": ("b/m", 10.0, 20.0)})
    return judge_offer(one, None, context).get(("a/m", "teaser_price"))


PAID = OFFER | {"model_id": "m/m", "currency": "USD", "usd_per_unit": 1.0}
FREE = PAID | {"tier": "free", "input": 0.0, "output": 0.0, "input_status": "free", "output_status": "free"}


@pytest.mark.parametrize(
    ("offer", "limits", "flagged"),
    [
        (PAID, [limit(5, "tier 1")], True),
        (PAID, [limit(5, "free")], False),
        (PAID, [limit(5, "free with $10 lifetime topup")], False),
        (PAID, [limit(5, "free"), limit(6000, "tier 1")], False),
        (PAID, [limit(5, "", tier="free")], False),  # of the free variant of the same name
        (PAID, [limit(6000, ""), limit(5, "", listed_name="m")], True),
        (FREE, [limit(5, "free")], True),
        (FREE, [limit(5, "", tier="free"), limit(6000, "tier 1")], True),
    ],
)
def test_a_price_is_bound_by_the_limits_of_those_who_pay_it(
    offer: dict[str, Any], limits: list[dict[str, Any]], flagged: bool
) -> None:
    assert bool(teaser(offer, *limits)) == flagged
