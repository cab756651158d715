"""From rows to inputs: what a price was, what a label says, what counts as the same speed; the joined market rows."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.assess import inputs as assess_inputs
from tracker.assess.costs import (
    answer,
    bits_of,
    cost_offers,
    open_model,
    rented,
    told_precisions,
    typical,
    week_of,
)
from tracker.assess.findings import audit_signal
from tracker.assess.inputs import situations
from tracker.assess.lengths import Lengths, lengths_of
from tracker.assess.market import index_rows
from tracker.assess.observed import on_grid
from tracker.assess.write import tokens_by_model
from tracker.cost import Question, accelerators
from tracker.flags.audited import Audit
from tracker.flags.sudden_change import Move
from warehouse.flag_facts import READS

DAY = datetime.fromisoformat("2026-08-03")


@given(st.floats(0.01, 5000))
def test_the_grid_is_idempotent_and_within_its_step(value: float) -> None:
    rounded = on_grid(value)
    assert rounded is not None and on_grid(rounded) == rounded
    assert abs(rounded / value - 1) < 0.11


def label(
    value: str, days_ago: int, ended: int | None = None, source: str = "s", withdrawn: bool = False
) -> dict[str, Any]:
    return {
        "attribute": "precision", "value": value, "source_id": source, "declaration_id": days_ago,
        "observed_at": DAY - timedelta(days=days_ago),
        "ended_at": None if ended is None else DAY - timedelta(days=ended), "is_withdrawn": withdrawn,
    }  # fmt: skip


def test_labels_come_from_the_best_source_and_a_withdrawn_one_is_a_change() -> None:
    bits = {"fp8": 8.0, "bf16": 16.0}
    labels, source = assess_inputs._labels(
        [label("BF16", 9, 4), label("fp8", 4), label("bf16", 1, None, "copy")], "", DAY, bits
    )
    assert [(found.value, found.bits) for found in labels] == [("bf16", 16.0), ("fp8", 8.0)] and source == "s"
    hidden, _ = assess_inputs._labels([label("fp8", 9, 2, withdrawn=True)], "", DAY, bits)
    assert [found.bits for found in hidden] == [8.0, None]
    gone, _ = assess_inputs._labels([label("fp8", 9, 2)], "", DAY, bits)
    assert [found.bits for found in gone] == [8.0], "it went with its offer: nobody withdrew it"
    named, source = assess_inputs._labels([], "fp8", DAY, bits)
    assert [found.bits for found in named] == [8.0] and source == "the listed name"


def test_no_facts_no_situations() -> None:
    assert situations({name: [] for name in READS}, DAY, {}) == []


def test_the_index_of_a_class_follows_a_weighted_cut() -> None:
    days = [date(2026, 7, 1) + timedelta(days=i) for i in range(4)]
    models = ("openai/gpt-5", "openai/gpt-4o", "anthropic/claude-opus-4")
    prices = [
        {"model_id": model, "offer_id": i, "component": side, "day": day, "usd": 5.0 if day < days[2] or i else 2.5}
        for i, model in enumerate(models)
        for side in ("input", "output")
        for day in days
    ]
    alone = {row[1]: row[2] for row in index_rows(prices, {}) if row[0] == "frontier"}
    assert alone[days[1]] == 100 and alone[days[3]] == pytest.approx(100 * (2.5 + 5 + 5) / 15)
    demand = {
        models[0]: dict.fromkeys(days, 8.0),
        models[1]: dict.fromkeys(days, 1.0),
        models[2]: dict.fromkeys(days, 1.0),
    }
    heavy = {row[1]: (row[2], row[5]) for row in index_rows(prices, demand) if row[0] == "frontier"}
    assert heavy[days[3]] == (pytest.approx(60), 1.0)


def test_a_router_total_is_preferred_to_the_sum_of_its_hosts() -> None:
    day = date(2026, 8, 1)
    rows = [
        {"listed_name": "m", "scope": "host a", "day": day, "tokens": 3},
        {"listed_name": "m", "scope": "host b", "day": day, "tokens": 4},
        {"listed_name": "n", "scope": "", "day": day, "tokens": 9},
        {"listed_name": "n", "scope": "host a", "day": day, "tokens": 5},
        {"listed_name": "n", "scope": "app x", "day": day, "tokens": 2},
    ]
    assert tokens_by_model(rows, {"m": "M", "n": "N"}) == {"M": {day: 7.0}, "N": {day: 9.0}}


def test_an_audit_speaks_in_both_directions_and_never_with_certainty() -> None:
    differs = Audit("a", DAY, "r", "differs", 1e-9, 0.01, None, None, "differs")
    [signal] = audit_signal((differs,))
    assert signal.is_audit and signal.log_odds == 5.0
    clean = replace(differs, verdict="not_detectable", p_value=0.6, power=0.9, detectable_kl=0.03)
    [signal] = audit_signal((differs, clean))
    assert -1.2 < signal.log_odds < -1.1
    [signal] = audit_signal((replace(differs, verdict="another_model", p_value=None),))
    assert signal.log_odds == 5.0 and signal.says == "an audit of 2026-08-03 against r found other outputs"
    assert audit_signal(()) == ()


OFFER = {
    "offer_id": 1, "offer": "a/m", "provider": "a", "listed_name": "m", "tier": "standard", "is_text": True,
    "model_id": None,
    "source_id": "s", "source_kind": "host", "is_copy": False, "is_headline": False,
    "standing": 1, "every_hours": 24, "currency": "CNY", "usd_per_unit": 0.14,
    "input": 1.0, "output": 2.0, "cache_read": None, "input_status": "known", "output_status": "known",
    "input_quote_id": 5,
    "output_quote_id": 6, "since": DAY, "input_list": 1.0, "output_list": 2.0, "input_paid_usd": None,
    "output_paid_usd": None, "paid_quote_id": None, "named_precision": None,
}  # fmt: skip


def test_only_what_changes_a_verdict_changes_the_fingerprint() -> None:
    facts: dict[str, list[dict[str, Any]]] = {name: [] for name in READS} | {"offers": [OFFER]}
    [one] = situations(facts, DAY, {})
    assert one.input_usd == pytest.approx(0.14) and not one.is_free and one.is_priced
    same = [
        replace(one, last_good_at=DAY),
        replace(one, tok_s_seen=41.0, ttft_s_seen=0.4),
        replace(one, speed_days=(Move(DAY, 40.0, "m"),)),
    ]
    assert {other.fingerprint("v") for other in same} == {one.fingerprint("v")}
    other = [replace(one, output_usd=0.3), replace(one, tok_s=40.0), replace(one, readings_missed=4)]
    assert len({o.fingerprint("v") for o in (one, *other)} | {one.fingerprint("w")}) == 5


def test_requests_are_as_long_as_a_router_counted_them() -> None:
    """Over all names of a model, in steps; too few requests, or a counter that states totals only, say nothing."""

    def counted(name: str, requests: int, prompt: int, output: int) -> dict[str, Any]:
        return {"listed_name": name, "requests": requests, "prompt_tokens": prompt, "output_tokens": output}

    deepseek = OFFER | {"model_id": "deepseek/deepseek-v3.2"}
    rows = [
        counted("deepseek/deepseek-v3.2-20251201", 50_000, 450_000_000, 20_000_000),
        counted("deepseek/deepseek-v3.2-20251201:free", 50_000, 350_000_000, 60_000_000),
        counted("openai/gpt-oss-20b", 100, 1_000_000, 100_000),
    ]
    assert lengths_of(rows) == {"deepseek/deepseek-v3.2": Lengths(8_000, 800)}
    facts: dict[str, list[dict[str, Any]]] = {name: [] for name in READS} | {"offers": [deepseek]}
    [unknown], [seen] = situations(facts, DAY, {}), situations(facts | {"lengths": rows}, DAY, {})
    assert unknown.request is None and seen.request is not None
    assert seen.request.prompt_tokens == pytest.approx(8_000, rel=0.23)
    assert typical(unknown, "market") == () and typical(seen, "mixtral-2023") == ()

    priced = replace(seen, input_usd=0.27, output_usd=0.4)
    [cost] = cost_offers([priced], DAY).values()
    assert (cost.prompt_tokens, cost.output_tokens) == (round(priced.request[0]), round(priced.request[1]))
    [usual] = cost_offers([replace(priced, request=None)], DAY).values()
    assert (usual.prompt_tokens, usual.output_tokens) == (3000, 500)
    assert cost.standing and usual.standing and cost.standing.band_id != usual.standing.band_id
    assert cost.standing.blended.mid < usual.standing.blended.mid, "the longer the prompt, the cheaper a mean token"


@pytest.mark.parametrize(
    ("model", "declared", "told"),
    [
        ("openai/gpt-oss-120b", "bf16", ["mxfp4", "bf16"]),  # released in mxfp4: no host stores it in 16 bits
        ("openai/gpt-oss-120b", "fp4", ["fp4"]),
        ("openai/gpt-oss-120b", None, ["mxfp4"]),
        ("meta-llama/llama-3.3-70b", "fp8", ["fp8", "bf16"]),
        ("meta-llama/llama-3.3-70b", "bf16", ["bf16"]),
        ("meta-llama/llama-3.3-70b", "odd", ["bf16"]),
    ],
)
def test_a_wider_label_than_the_weights_have_makes_no_dearer_service(
    model: str, declared: str | None, told: list[str]
) -> None:
    facts: dict[str, list[dict[str, Any]]] = {name: [] for name in READS} | {"offers": [OFFER | {"model_id": model}]}
    facts["labels"] = [label(declared, 5)] if declared else []
    facts["labels"] = [row | {"offer_id": 1} for row in facts["labels"]]
    [one] = situations(facts, DAY, bits_of())
    known = open_model(model)
    assert known is not None
    assert told_precisions(one, known) == told


def test_a_bare_zero_is_not_free_and_an_unknown_currency_has_no_price() -> None:
    zero = OFFER | {"input": 0.0, "output": 0.0, "input_status": "zero_claimed", "output_status": "zero_claimed"}
    facts: dict[str, list[dict[str, Any]]] = {name: [] for name in READS} | {"offers": [zero]}
    [one] = situations(facts, DAY, {})
    assert not one.is_free and not one.is_priced
    facts["offers"] = [OFFER | {"usd_per_unit": None}]
    [one] = situations(facts, DAY, {})
    assert one.output_usd is None


def test_the_ledgers_own_rents_price_the_market_and_leave_dated_scenarios_alone() -> None:
    when = week_of(DAY)
    dear = [{"accelerator": name, "p25": 50.0, "p50": 60.0, "p75": 70.0} for name in accelerators()]
    ask = {name: Question("qwen/qwen3-32b", "bf16", 1.0, 1.0, when, name) for name in ("market", "mixtral-2023")}
    cost = {}
    for rows in ([], [*dear, {"accelerator": "no such chip", "p25": 1, "p50": 1, "p75": 1}]):
        rents = rented(rows, when)
        answered = answer(list(ask.values()), rents)
        cost[rents.version != ""] = {name: answered[q].blended_usd_per_mtok for name, q in ask.items()}
    cheap, costly = cost[False]["market"], cost[True]["market"]
    assert cheap is not None and costly is not None and costly.mid > 5 * cheap.mid
    assert cost[False]["mixtral-2023"] == cost[True]["mixtral-2023"]
