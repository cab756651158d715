"""Which label decides about an offer, and what its circumstance tells where none does."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.assess.test_inputs import DAY, OFFER
from tests.assess.test_inputs import label as told
from tests.reports.ledgers import MONDAY, Typed, price
from tracker.assess.circumstance import circumstance, market_of
from tracker.assess.costs import cost_offers
from tracker.assess.inputs import Situation, situations
from tracker.assess.labels import Teller, declared_of, label_bits
from tracker.assess.run import judge
from tracker.flags.likely_quantized import HOST, NAME, ROUTER, Circumstance, Declared, Signal
from tracker.flags.quantization import load_weights
from tracker.records import Declaration, Offer
from warehouse.flag_facts import READS, read_facts
from warehouse.store import open_file

QWEN, NEMO, LLAMA, V3 = (
    "qwen/qwen3-32b",
    "mistralai/mistral-nemo",
    "meta-llama/llama-3.3-70b-instruct",
    "deepseek/deepseek-chat-v3.1",
)
BY_SOURCE = {"router": Teller("A router", ""), "own": Teller("Models of a", "a")}


def listing(offer: str, model: str = QWEN, says: str = "", source: str = "router", **changes: Any) -> dict[str, Any]:
    """An offer, and the label that its source shows."""
    provider, _, name = offer.partition("/")
    row = {"offer": offer, "provider": provider, "listed_name": name, "model_id": model, "source_id": source}
    return OFFER | {"currency": "USD", "usd_per_unit": 1.0} | row | {"says": says} | changes


def market(*listings: dict[str, Any]) -> list[Situation]:
    facts: dict[str, list[dict[str, Any]]] = {name: [] for name in READS}
    for number, row in enumerate(listings, start=1):
        quotes = {"input_quote_id": 100 + number, "output_quote_id": 200 + number}
        facts["offers"].append(row | {"offer_id": number} | quotes)
        if row["says"]:
            shown = {"offer_id": number, "source_id": row["source_id"], "declaration_id": 300 + number}
            facts["labels"].append(told(row["says"], 9) | shown)
    return situations(facts, DAY, label_bits())


def declared(*listings: dict[str, Any]) -> list[Declared | None]:
    offers = market(*listings)
    found = declared_of(offers, BY_SOURCE, DAY)
    return [found.get(one.offer_id) for one in offers]


def test_the_host_speaks_for_itself_on_its_own_page_only() -> None:
    own, routed, named = declared(
        listing("a/x", says="fp8", source="own"),
        listing("b/x#r", says="fp8"),
        listing("c/x-fp8", source="list", named_precision="fp8"),
    )
    assert own is not None and (own.by, own.page) == (HOST, "Models of a")
    assert routed is not None and (routed.by, routed.page) == (ROUTER, "A router")
    assert named is not None and (named.by, named.row) == (NAME, ("quotes", "203"))


def test_an_unlabelled_listing_reads_the_label_of_its_hosts_other_listing() -> None:
    own, _ = declared(listing("a/x", source="own"), listing("a/x#r", says="nvfp4"))
    assert own is not None and (own.listing, own.bits, own.declaration_id) == ("a/x#r", 4.5, "302")
    assert own.trust < 1 and own.by == ROUTER


@pytest.mark.parametrize(
    "others",
    [
        [listing("b/x#r", says="fp8")],
        [listing("a/x#r", NEMO, says="fp8")],
        [listing("a/x-turbo#r", says="fp8")],
        [listing("a/x#r/fp8", says="fp8"), listing("a/x#r/bf16", says="bf16")],
        [listing("a/x-fp8", source="list", named_precision="fp8")],
        [listing("a/x#r", says="fp8", tier="batch")],
    ],
    ids=["another host", "another model", "served another way", "they disagree", "a name", "another tier"],
)
def test_no_other_label_is_read(others: list[dict[str, Any]]) -> None:
    assert declared(listing("a/x", source="own"), *others)[0] is None


def labels_of(root: Path, stays: bool) -> list[Declared | None]:
    """A host shows bf16 for a week; then the label goes, alone or with its offer."""
    offer, other = Offer("host", "m"), Offer("host", "n")
    typed = Typed(models=dict.fromkeys((offer, other), QWEN))
    typed.daily(
        range(-9, -2), [*price(offer, "2", "4"), *price(other, "2", "4"), Declaration(offer, "precision", "bf16")]
    )
    typed.daily(range(-2, 3), [*(price(offer, "2", "4") if stays else ()), *price(other, "2", "4")])
    typed.kinds["catalogue_c"] = "catalogue"
    typed.daily(range(-9, 3), price(offer, "3", "3"), source="catalogue_c")
    home, at = typed.publish(root), MONDAY + timedelta(days=2, hours=23)
    with open_file(home.warehouse) as connection:
        facts = read_facts(connection, at)
    offers = situations(facts, at, label_bits())
    found = declared_of(offers, {}, at)
    return [found.get(one.offer_id) for one in offers if one.offer == str(offer)]


def test_a_label_is_withdrawn_only_while_its_offer_stays(tmp_path: Path) -> None:
    [hidden], [left] = labels_of(tmp_path / "stays", True), labels_of(tmp_path / "leaves", False)
    assert hidden is not None and hidden.withdrawn is not None and hidden.label == "bf16"
    assert left is not None and left.withdrawn is None


HOUSE = [
    listing("a/q#r", QWEN, output=1.0),
    listing("a/n#r", NEMO, says="fp8"),
    listing("a/l#r", LLAMA, says="fp8"),
    listing("a/l-2#r", LLAMA, says="fp8"),
    listing("a/v#r", V3, says="fp8"),
    listing("b/q#r", QWEN, says="fp8", output=3.0),
    listing("c/q#r", QWEN, output=1.0),
    listing("d/q", QWEN, says="bf16", source="list", output=9.0, is_copy=True),
]


def test_every_number_of_a_circumstance_is_a_count_with_its_rows() -> None:
    offers = market(*HOUSE)
    known = circumstance(offers[0], None, market_of(offers), load_weights())
    by_name = {signal.name: signal for signal in known.signals}
    habit, siblings, rank = by_name["host_habit"], by_name["siblings"], by_name["price_rank"]
    assert habit.says.startswith("2 of the 2 other models of 16 bits or more that its host labels")
    assert [(row.view, row.ref) for row in habit.evidence] == [("declarations", "303"), ("declarations", "302")]
    assert habit.log_odds > 0.5
    assert len(habit.evidence) == 2, "DeepSeek's native fp8 is no habit, and a second listing counts once"
    assert siblings.says.startswith("1 of the 1 other hosts") and [row.ref for row in siblings.evidence] == ["306"]
    assert rank.says == "of the model's 2 other hosts 1 ask more for output, 1 the same and 0 less"
    assert [row.ref for row in rank.evidence] == ["201", "207", "206"], "its own quote, then theirs; no copied list"
    assert known.basis.startswith("2 of the 2 labels that hosts show for other models of 16 bits or more lie below")


def seen(provider: str, **changes: Any) -> tuple[dict[str, Signal], Circumstance]:
    """What is made of one unlabelled offer of this host, whose two other models are labelled fp8."""
    rows = [row for row in HOUSE[:3] if row["offer"] != "a/q#r"]
    rows = [row | {"provider": provider, "offer": row["offer"].replace("a/", f"{provider}/")} for row in rows]
    offers = [replace(one, **changes) for one in market(listing(f"{provider}/q#r", QWEN))] + market(*rows)
    [one, *_] = offers
    costs = cost_offers([one], DAY)
    known = circumstance(one, costs[one.offer_id], market_of(offers), load_weights())
    return {signal.name: signal for signal in known.signals}, known


CHEAP = {"input_usd": 0.03, "output_usd": 0.07, "input_quoted_usd": 0.03, "output_quoted_usd": 0.07}


def test_a_price_that_only_a_lower_precision_carries_counts_with_both_bands() -> None:
    told, _ = seen("a", **CHEAP)
    signal = told["lower_only_price"]
    assert signal.log_odds > 0 and "its price carries fp" in signal.says and "the native bf16" in signal.says
    assert [row.view for row in signal.evidence] == ["quotes", "quotes", "cost_bands", "cost_bands"]
    dear, _ = seen("a", input_usd=5.0, output_usd=9.0)
    assert "lower_only_price" not in dear, "a dear price neither accuses nor clears"


def test_a_speed_beyond_native_is_told_though_it_carries_no_weight_and_own_chips_are_no_riddle() -> None:
    fast = {"tok_s": 2000.0, "tok_s_seen": 2000.0, "speed_sources": ("router",)}
    told, _ = seen("a", **fast)
    signal = told["beyond_native"]
    assert signal.says.startswith("no deployment at native precision keeps its speed in 100% of the cost draws")
    assert signal.log_odds >= 0 and signal.evidence[0].view == "metrics"
    own, _ = seen("cerebras", **fast, **CHEAP)
    assert "beyond_native" not in own and "lower_only_price" not in own


def test_a_copied_list_is_no_serving_and_a_silent_host_is_not_judged() -> None:
    offers = market(*HOUSE)
    around = market_of(offers)
    assert circumstance(offers[7], None, around, load_weights()).signals == ()
    assert circumstance(offers[6], None, around, load_weights()).signals == (), "it labels nothing else"


def test_an_offer_is_rated_again_when_a_label_it_is_judged_by_changes() -> None:
    facts: dict[str, list[dict[str, Any]]] = {name: [] for name in READS}
    rows = [listing("a/q#r", QWEN), listing("a/n#r", NEMO), listing("a/l#r", LLAMA), listing("b/v#r", V3)]
    facts["offers"] = [row | {"offer_id": number} for number, row in enumerate(rows, start=1)]
    facts["labels"] = [told("fp8", 9) | {"offer_id": number, "declaration_id": number} for number in (2, 3)]
    before = judge(facts, DAY, {})
    facts["labels"][1] = facts["labels"][1] | {"value": "bf16"}
    after = judge(facts, DAY, before.hashes)
    assert {one.offer for one in after.rated} == {"a/l#r", "a/q#r"}, "the changed one and the one judged by it"


@pytest.mark.parametrize(("model", "expected"), [("openai/gpt-oss-120b", 0.4), (QWEN, 0.9)])
def test_a_label_above_the_released_width_stores_no_more(model: str, expected: float) -> None:
    """From fp4 to fp8: more bits of Qwen's bf16 weights, and none of gpt-oss, released in 4 bits."""
    facts: dict[str, list[dict[str, Any]]] = {name: [] for name in READS}
    facts["offers"] = [listing("a/x", model) | {"offer_id": 1}]
    rows = [told("fp4", 9) | {"declaration_id": 1}, told("fp8", 3) | {"declaration_id": 2}]
    facts["labels"] = [row | {"offer_id": 1, "source_id": "router"} for row in rows]
    findings = judge(facts, DAY, {}).findings
    assert findings["a/x", "precision_changed"].probability == expected
