"""Judging offers: probabilities, bands, limits on speed, what clears a price, and never a NaN."""

import math
import re
from dataclasses import fields, replace
from datetime import date, timedelta

import numpy as np
import pytest

from tracker.cost import market
from tracker.cost.deploy import Deployment, chip_of, grid, observed_draft, sram_pipeline
from tracker.cost.explain import deployment_table, frontier, largest_size
from tracker.cost.facts import find_accelerator, find_model, find_precision
from tracker.cost.falls import waterfall
from tracker.cost.kernel import Rate, first_token_batch, prefill_s, serve
from tracker.cost.market import Estimate, Question, assess, shares_of_width
from tracker.cost.money import Rent, RentTable, shipped_rents
from tracker.cost.scenario import ScenarioRow, draw, find_scenario, scenario_for
from tracker.cost.shape import shape_of
from tracker.cost.stacks import fitted
from tracker.cost.tables import read_rows
from tracker.cost.worker import IDEAL, Layout
from tracker.errors import CostError

NOW = date(2026, 8, 22)
WAR, SPRING = date(2023, 12, 15), date(2024, 3, 1)
LLAMA = Question("meta-llama/llama-3.3-70b", "fp8", 0.1, 0.32, NOW)
MIXTRAL = Question("mistralai/mixtral-8x7b", "bf16", None, 0.27, WAR, "mixtral-2023")


def no_nan(estimate: Estimate) -> None:
    for field in fields(estimate):
        value = getattr(estimate, field.name)
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, float):
                assert math.isfinite(number), field.name


def test_probability_rises_as_the_price_falls() -> None:
    prices = (0.02, 0.1, 0.2, 0.3, 0.5, 1.0, 5.0)
    found = assess([replace(LLAMA, input_usd_per_mtok=p / 3, output_usd_per_mtok=p) for p in prices])
    chances = [e.probability_below for e in found]
    assert chances == sorted(chances, reverse=True)  # type: ignore[type-var]
    assert chances[0] == 1.0
    assert chances[-1] == 0.0
    for e in found:
        no_nan(e)


def test_bands_are_ordered_and_do_not_depend_on_the_price() -> None:
    one, other = assess([LLAMA, replace(LLAMA, output_usd_per_mtok=9.0)])
    assert one.output_usd_per_mtok == other.output_usd_per_mtok
    assert one.output_usd_per_mtok is not None
    low, mid, high = one.output_usd_per_mtok
    assert 0 < low < mid < high


def test_a_faster_stream_costs_more_and_an_impossible_one_has_no_deployment() -> None:
    slow, fast, absurd = assess([replace(LLAMA, tok_s_user=s) for s in (10.0, 80.0, 5000.0)])
    assert slow.blended_usd_per_mtok is not None
    assert fast.blended_usd_per_mtok is not None
    assert fast.blended_usd_per_mtok.mid > slow.blended_usd_per_mtok.mid
    assert absurd.probability_below is None
    assert "no plausible deployment of llama-3.3-70b at fp8 at 5000 tokens/s/user" in absurd.reason


def test_a_short_wait_costs_more() -> None:
    any_wait, short = assess([LLAMA, replace(LLAMA, ttft_s=0.08)])
    assert any_wait.blended_usd_per_mtok is not None
    assert short.blended_usd_per_mtok is not None
    assert short.blended_usd_per_mtok.mid > any_wait.blended_usd_per_mtok.mid


def test_cost_is_monotone_in_rent_and_utilisation() -> None:
    chip = "H200"
    dear, cheap = (RentTable([Rent(chip, NOW, r, r, r, "test")]) for r in (8.0, 2.0))
    low, high = (replace(LLAMA, known=(("utilisation", u),)) for u in (0.2, 0.9))

    def mid(q: Question, rents: RentTable) -> float:
        found = assess([q], rents)[0].blended_usd_per_mtok
        assert found is not None
        return found.mid

    assert mid(LLAMA, dear) == pytest.approx(4 * mid(LLAMA, cheap), rel=1e-6)
    assert mid(low, cheap) == pytest.approx(4.5 * mid(high, cheap), rel=0.05)


def test_lower_precision_is_cheaper() -> None:
    bf16, fp8 = assess([replace(LLAMA, precision=p) for p in ("bf16", "fp8")])
    assert bf16.blended_usd_per_mtok is not None
    assert fp8.blended_usd_per_mtok is not None
    assert fp8.blended_usd_per_mtok.mid < bf16.blended_usd_per_mtok.mid
    assert (bf16.probability_below or 0) > (fp8.probability_below or 0)


def test_the_price_war_in_order() -> None:
    free, cheap, paid = assess(
        [
            replace(MIXTRAL, input_usd_per_mtok=0.0, output_usd_per_mtok=0.0),
            MIXTRAL,
            replace(MIXTRAL, input_usd_per_mtok=0.65, output_usd_per_mtok=1.96),
        ]
    )
    assert free.probability_below == cheap.probability_below == 1.0
    assert free.clears == "a free offer covers no cost"
    assert paid.probability_below == 0.0
    assert cheap.trace == "bound by weight bandwidth at batch 64 on 2xA100-80-SXM bf16"
    assert cheap.clears.startswith("profitable on 2xA100-80-SXM bf16 from batch 128")


def test_known_hardware_decides_the_verdict_of_a_borderline_price() -> None:
    """The essays' own uncertainty: at 0.60 the seller's A100s or H100s decide."""
    together = replace(MIXTRAL, input_usd_per_mtok=0.0, output_usd_per_mtok=0.6)
    a100, h100 = assess([replace(together, hardware=(name,)) for name in ("A100", "H100")])
    assert (a100.probability_below or 0) < (h100.probability_below or 0)


def test_scenario_of_the_day() -> None:
    assert scenario_for("mixtral-8x7b", WAR) == "mixtral-2023"
    assert scenario_for("mixtral-8x7b", NOW) == "market"
    assert scenario_for("deepseek-r1", date(2025, 2, 28)) == "deepseek-2025"


def test_deepseek_disclosed_prices_are_not_below_cost() -> None:
    r1 = Question(
        "deepseek/deepseek-r1", "fp8", 0.55, 2.19, date(2025, 2, 28), "deepseek-2025", cached_usd_per_mtok=0.14
    )
    found = assess([r1])[0]
    assert found.probability_below == 0.0
    assert found.blended_usd_per_mtok is not None
    assert found.price_blended_usd_per_mtok is not None
    profit = found.price_blended_usd_per_mtok / found.blended_usd_per_mtok.mid - 1
    assert 3.5 < profit < 10  # disclosed: 5.45 of cost


def test_pruning_changes_next_to_nothing() -> None:
    asked = [replace(LLAMA, tok_s_user=s) for s in (None, 30.0, 70.0)]
    for a, b in zip(assess(asked), assess(asked, keep=None), strict=True):
        assert a.probability_below == pytest.approx(b.probability_below, abs=0.02)
        assert a.blended_usd_per_mtok is not None
        assert b.blended_usd_per_mtok is not None
        assert a.blended_usd_per_mtok.mid == pytest.approx(b.blended_usd_per_mtok.mid, rel=0.02)


def test_same_question_same_answer_alone_or_in_a_crowd() -> None:
    crowd = assess([MIXTRAL, LLAMA, replace(LLAMA, tok_s_user=40.0), MIXTRAL])
    assert crowd[1] == assess([LLAMA])[0]
    assert crowd[0] == crowd[3]


def test_shares_of_the_width_add_up() -> None:
    shares = shares_of_width(LLAMA)
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares["utilisation"] > 0.05
    assert shares["at_hand"] == 0.0


def test_draws_start_at_the_middle_and_fill_their_ranges() -> None:
    scenario = find_scenario("market")
    found = draw(scenario, 4096, {0.1: -0.2, 0.5: 0.0, 0.9: 0.3})
    assert found.utilisation[0] == scenario.utilisation[1]
    assert found.engine[0] == 1.0
    assert scenario.utilisation[0] <= found.utilisation.min()
    assert found.utilisation.max() <= scenario.utilisation[2]
    assert float(np.mean(found.utilisation)) == pytest.approx(sum(scenario.utilisation) / 3, rel=0.01)


def test_frontier_is_a_frontier() -> None:
    points = frontier(LLAMA)
    speeds = [p.tok_s_user for p in points]
    costs = [p.blended_usd_per_mtok for p in points]
    assert speeds == sorted(speeds, reverse=True)
    assert costs == sorted(costs, reverse=True)
    assert len(points) > 10


def test_break_even_batch_and_utilisation_agree() -> None:
    rows = deployment_table(replace(MIXTRAL, input_usd_per_mtok=0.0, output_usd_per_mtok=0.6))
    assert rows[0].deployment == "2xA100-80-SXM bf16"
    for row in rows:
        assert row.break_even_batch is not None
        assert row.break_even_utilisation is not None
        # it covers its cost at the scenario's 60 % exactly if the batch it runs at is at least the break-even one
        assert (row.batch >= row.break_even_batch) == (row.break_even_utilisation <= 0.6)


def test_a_dearer_closed_model_may_be_larger() -> None:
    asked = Question("closed/any", "fp8", 0.25, 2.0, NOW, tok_s_user=60.0)
    small, large = largest_size(asked), largest_size(replace(asked, input_usd_per_mtok=1.25, output_usd_per_mtok=10.0))
    assert [s.kind for s in small] == ["sparse", "dense"]
    assert large[0].total_b > small[0].total_b > 0
    assert large[1].active_b > small[1].active_b
    assert large[0].active_b < large[0].total_b / 10


def test_waterfall_multiplies_to_the_whole() -> None:
    steps = waterfall(find_model("deepseek-v3"), date(2023, 3, 1), date(2025, 2, 28), find_scenario("market"))
    product = math.prod(step.factor for step in steps)
    assert product == pytest.approx(steps[0].usd_per_mtok / steps[-1].usd_per_mtok)
    assert product > 5


def test_first_token_limit_caps_the_prefill_batch() -> None:
    """The 2024 essay: 100 GPUs at 1,000 requests a second, a second to the first token: 10 prompts each."""
    assert float(first_token_batch(1000.0, 100.0, 1.0)) == 10
    assert float(first_token_batch(1000.0, 10_000.0, 1.0)) == 1
    shape, part = shape_of(find_model("llama-3-8b"), find_precision("fp8")), find_accelerator("H100")
    chip = chip_of(part, find_precision("fp8"))

    def served(wait_s: float) -> Rate:
        return serve(shape, chip, Layout(1.0), IDEAL, 100.0, 200.0, 64.0, wait_s=wait_s)

    free = served(np.inf)
    wait_for_ten = 10.5 / (float(free.out_tok_s) / 200.0)  # ten prompts arrive at one of the GPUs in this time
    ten = float(prefill_s(shape, chip, Layout(1.0), IDEAL, 100.0, 10.0)) / 10
    assert float(served(wait_for_ten).prefill_s) == pytest.approx(ten)
    alone = float(prefill_s(shape, chip, Layout(1.0), IDEAL, 100.0))
    assert float(served(1e-9).prefill_s) == pytest.approx(alone)
    assert (
        float(free.prefill_s) <= ten * (1 + 1e-9) < alone
    )  # past the batch that fills the arithmetic a larger one gains nothing
    assert float(served(1e-9).out_tok_s) < float(free.out_tok_s)


def test_a_first_token_limit_makes_short_prompts_dearer_in_the_table() -> None:
    short = replace(LLAMA, known=(("prompt", 100.0),), hardware=("H100",))
    any_wait, soon = (deployment_table(replace(short, ttft_s=t))[0] for t in (None, 0.2))
    assert soon.input_usd_per_mtok > any_wait.input_usd_per_mtok


def test_pools_apart_decode_at_their_own_pace() -> None:
    """With prefill elsewhere a user's speed does not fall as prompts grow into more prefill work."""
    model, precision = find_model("deepseek-v3"), find_precision("fp8")
    wide = Deployment(find_accelerator("H200"), 16, 1, True, None, "public", model, precision)
    flat = replace(wide, tp=8, dp_attention=False)
    made = grid([wide, flat], NOW, fitted(), 4000.0, 200.0, batches=np.array([64.0, 128.0]))
    step_s = np.asarray(made.step.total_s)
    assert made.tok_s_user[0] == pytest.approx(1 / step_s[0])
    assert (made.tok_s_user[1] < 1 / step_s[1]).all()
    assert "prefill apart" in str(wide)


def test_sram_parts_do_not_lend_their_coefficients_to_other_chips() -> None:
    alone, beside = (replace(LLAMA, when=SPRING, hardware=h) for h in (("H100",), ("Groq", "H100")))
    rents = RentTable([Rent(c, SPRING, 1.0, 2.0, 3.0, "test") for c in ("Groq", "H100")])
    rows = [{r.deployment: r for r in deployment_table(q, rents)} for q in (alone, beside)]
    assert rows[0]["2xH100-SXM fp8"] == rows[1]["2xH100-SXM fp8"]
    assert any("GroqLPU" in name for name in rows[1])


def test_a_wafer_is_a_stage_of_its_own() -> None:
    wafer = sram_pipeline(find_model("llama-3-8b"), find_precision("fp16"), find_accelerator("Cerebras"), "sram")
    assert wafer.chips == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"output_usd_per_mtok": -0.1}, "output_usd_per_mtok must not be negative, not -0.1"),
        ({"output_usd_per_mtok": float("nan")}, "output_usd_per_mtok must not be negative, not nan"),
        ({"tok_s_user": 0.0}, "tok_s_user must be above 0"),
        ({"model_id": "no/such"}, "model 'no/such' is not in models.csv"),
        ({"precision": "fp7"}, "precision 'fp7' is not in precisions.csv"),
        ({"scenario": "none"}, "scenario 'none' is not in scenarios.csv"),
        ({"known": (("utilisation", 1.5),)}, "utilisation is a share between 0 and 1, not 1.5"),
        ({"known": (("luck", 1.0),)}, "scenario parameter 'luck' is unknown"),
        ({"hardware": ("H1000",)}, "hardware 'H1000' is not in accelerators.csv"),
        ({"hardware": ("Cerebras",)}, "no rent for CerebrasWSE3"),
    ],
)
def test_bad_questions_name_the_value(change: dict[str, object], message: str) -> None:
    with pytest.raises(CostError, match=message):
        assess([replace(LLAMA, **change)])  # type: ignore[arg-type]


def test_a_model_that_fits_nowhere() -> None:
    found = assess([replace(MIXTRAL, model_id="meta-llama/llama-3.1-405b", known=(("prompt", 1e7),))])[0]
    assert found.probability_below is None
    assert "no plausible deployment" in found.reason
    with pytest.raises(CostError, match=r"llama-3\.1-405b at bf16 fits none of: A100-80-SXM, H100-SXM"):
        deployment_table(replace(MIXTRAL, model_id="meta-llama/llama-3.1-405b"))


def test_rents_are_joined_as_of_the_day() -> None:
    rents = shipped_rents()
    h100 = find_accelerator("H100")
    assert rents.required(h100, WAR).p50_usd_per_hour == 1.95
    assert rents.required(h100, date(2026, 5, 1)).p50_usd_per_hour == 2.87
    with pytest.raises(CostError, match=r"no rent for H100-SXM by 2023-11-30 in rents.csv; known: .*, A6000$"):
        rents.required(h100, date(2023, 11, 30))


def test_a_day_knows_no_rent_of_later_days() -> None:
    """Shipped rows, or a chip nobody had listed yet, however cheap: the estimate of the day before stays as it was."""
    shipped = list(read_rows("rents.csv", Rent))
    for when in (date(2023, 3, 1), WAR, date(2026, 7, 13)):
        by_then = [rent for rent in shipped if rent.as_of <= when]
        gift = Rent("MI300X", when + timedelta(days=1), 0.01, 0.01, 0.01, "test")
        asked = replace(LLAMA, when=when)
        [now], [then] = assess([asked], RentTable([*shipped, gift])), assess([asked], RentTable(by_then))
        assert now == then and now.blended_usd_per_mtok is not None
    assert assess([replace(LLAMA, when=date(2023, 1, 31))])[0].blended_usd_per_mtok is None


def test_the_chips_of_a_dated_scenario_have_a_rent_from_its_first_day() -> None:
    rents = shipped_rents()
    dated = [(row.first, chip) for row in read_rows("scenarios.csv", ScenarioRow) if row.models
             for chip, _ in find_scenario(row.scenario).hardware]  # fmt: skip
    assert len(dated) == 4
    assert [(day, chip) for day, chip in dated if rents.as_of(find_accelerator(chip), day) is None] == []


def test_a_price_of_one_side_is_compared_with_that_side_only() -> None:
    only_input, only_output, neither = assess(
        [
            replace(LLAMA, output_usd_per_mtok=None, input_usd_per_mtok=0.001),
            replace(LLAMA, input_usd_per_mtok=None, output_usd_per_mtok=5.0),
            replace(LLAMA, input_usd_per_mtok=None, output_usd_per_mtok=None),
        ]
    )
    assert only_input.probability_below == 1.0
    assert only_output.probability_below == 0.0
    assert neither.probability_below is None
    assert neither.output_usd_per_mtok is not None


def test_engine_error_is_narrower_for_models_that_were_measured() -> None:
    fit = market.fitted()
    seen = market.engine_error(fit, find_model("deepseek-r1"), "public")
    unseen = market.engine_error(fit, find_model("phi-4"), "public")
    assert seen[0.9] - seen[0.1] < unseen[0.9] - unseen[0.1]


def test_groq_needs_about_seven_times_its_throughput_at_027() -> None:
    groq = replace(MIXTRAL, when=date(2024, 2, 21), scenario="groq-2024")
    found = assess([groq])[0]
    assert found.probability_below == 1.0
    assert found.deployment == "576xGroqLPU-v1 in 16 stages bf16"
    assert found.tok_s_user == pytest.approx(500, rel=0.25)
    assert found.output_usd_per_mtok is not None
    assert found.output_usd_per_mtok.mid == pytest.approx(1.94, rel=0.2)
    assert re.search(r"the cheapest needs [6-8]\.\dx the throughput", found.clears)


@pytest.mark.parametrize(
    ("name", "claimed"), [("llama-3-8b", 800), ("mixtral-8x7b", 500), ("llama-2-70b", 300), ("falcon-180b", 173)]
)
def test_sram_pipelines_are_good_to_a_factor(name: str, claimed: float) -> None:
    chip = find_accelerator("Groq")
    unit = sram_pipeline(find_model(name), find_precision("fp16"), chip, "sram")
    made = grid([unit], date(2024, 2, 21), market.fitted(), 100.0, 400.0, batches=np.array([1.0]))
    assert claimed / 1.45 < 1 / float(made.step.total_s[0, 0]) < claimed * 1.45


@pytest.mark.parametrize("ttft_s", [None, 2.0])
def test_an_answer_does_not_depend_on_what_is_asked_beside_it(ttft_s: float | None) -> None:
    plain = Question("deepseek-ai/deepseek-v3", "fp8", 0.27, 0.4, NOW, tok_s_user=30.0, ttft_s=ttft_s)
    cached = replace(plain, known=(("cache_hit", 0.9),), ttft_s=None if ttft_s is None else 1.5)
    drafted = replace(plain, draft_gain=2.0)
    alone = [assess([q])[0] for q in (plain, cached, drafted)]
    assert assess([plain, cached, drafted]) == alone
    assert assess([drafted, cached, plain]) == alone[::-1]
    assert len({a.probability_below for a in alone}) == 3


def test_a_draft_model_makes_a_fast_stream_cheaper_and_shows_in_the_deployment() -> None:
    fast = replace(MIXTRAL, input_usd_per_mtok=0.0, output_usd_per_mtok=0.6, tok_s_user=170.0)
    middles = []
    for gain in (None, 1.3, 2.125, 3.0):
        [found] = assess([replace(fast, draft_gain=gain)])
        assert found.blended_usd_per_mtok is not None
        middles.append(found.blended_usd_per_mtok.mid)
        assert ("speculative decoding" in found.deployment) == (gain is not None)
    assert middles == sorted(middles, reverse=True)


def test_what_would_clear_an_offer_keeps_its_speed() -> None:
    asked = replace(MIXTRAL, input_usd_per_mtok=0.65, output_usd_per_mtok=1.96)
    slow, fast = assess([asked, replace(asked, tok_s_user=100.0)])
    assert "(26 tokens/s/user there" in slow.clears
    assert float(re.findall(r"\((\d+) tokens/s/user", fast.clears)[0]) >= 100
    [never] = assess([replace(asked, input_usd_per_mtok=0.05, output_usd_per_mtok=0.05, tok_s_user=100.0)])
    assert "no deployment at any batch" in never.clears


def test_the_drafts_own_figures() -> None:
    assert (observed_draft(2.125).checked, observed_draft(2.125).accepted) == (3.0, 2.125)
    assert observed_draft(3.0).checked == 4.0  # of as many checked as kept no draft model is capable
