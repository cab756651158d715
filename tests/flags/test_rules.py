"""Each rule on typed cases: what it must flag, what it must not, and that its sentence carries its own numbers."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tracker.flags import (
    RULES,
    below_cost,
    likely_quantized,
    precision_changed,
    source_conflict,
    speculative_decoding,
    speed_claim,
    stale_listing,
    sudden_change,
    teaser_price,
    unit_suspect,
)
from tracker.flags.audited import Audit
from tracker.flags.below_cost import CostBand, Measured, Sale, Span
from tracker.flags.finding import HEARSAY, found
from tracker.flags.likely_quantized import HOST, NAME, ROUTER, Circumstance, Declared, Serving, Signal
from tracker.flags.precision_changed import Label
from tracker.flags.source_conflict import Conflict
from tracker.flags.speculative_decoding import PairedSpeed
from tracker.flags.speed_claim import Pace
from tracker.flags.stale_listing import Listing
from tracker.flags.sudden_change import Move, Series
from tracker.flags.teaser_price import Reach
from tracker.flags.unit_suspect import Peers

NOW = datetime.fromisoformat("2026-08-08")


def band(precision: str, p_below: float, mid: float = 0.6) -> CostBand:
    span = Span(mid / 2, mid, mid * 2)
    return CostBand(
        f"band-{precision}", precision, Span(0.1, 0.2, 0.4), span, span, p_below, "2xH100-SXM",
        "bound by weight bytes at batch 8", "profitable on H200 from batch 96 up",
    )  # fmt: skip


SALE = Sale("deepinfra/mixtral", None, 0.27, False, 161, 338, "mixtral-2023", tok_s=Measured(52, 50))


def test_every_rule_can_open_and_close() -> None:
    for rule in RULES.values():
        assert 0 < rule.close_at <= rule.open_at < 1
        assert rule.quiet_days >= 0


def test_below_cost_holds_the_published_side_against_its_own_cost() -> None:
    finding = below_cost.judge(SALE, [band("bf16", 0.97), band("int4", 0.55)])
    assert finding is not None
    figures = {figure.name: figure.value for figure in finding.figures}
    assert figures["price"] == 0.27 and figures["cost_over_price"] == pytest.approx(0.6 / 0.27)
    assert finding.probability == pytest.approx(0.97)
    assert "in price not published" in finding.sentence and "0.55 in int4" in finding.sentence
    assert "2.2 times the price" in finding.sentence and "uncalibrated" in finding.sentence
    assert finding.clearing == "Profitable on H200 from batch 96 up; or a price of $0.60 per million output tokens."


def test_below_cost_blends_where_both_sides_are_published_and_tells_the_bases_apart() -> None:
    both = replace(SALE, input_usd_per_mtok=0.65, output_usd_per_mtok=1.96, apart=(("list", 0.01), ("effective", 0.4)))
    finding = below_cost.judge(both, [band("bf16", 0.03)])
    assert finding is not None
    assert finding.figures[0].value == pytest.approx((161 * 0.65 + 338 * 1.96) / 499)
    assert "0.01 at the list price, 0.40 at the transacted price" in finding.sentence


def test_below_cost_of_a_free_offer_is_certain_and_of_an_unknown_model_is_silent() -> None:
    free = replace(SALE, input_usd_per_mtok=0.0, output_usd_per_mtok=0.0, is_free=True)
    finding = below_cost.judge(free, [band("bf16", 1.0)])
    assert finding is not None and finding.probability == 1 and "free" in finding.sentence
    assert below_cost.judge(SALE, []) is None


def serving(declared: str | None, bits: float, *signals: Signal) -> Serving:
    label = Declared(declared, bits, NOW, "d1", HOST, "Models of host") if declared else None
    told = tuple(signal for signal in signals if not signal.is_audit)
    audits = tuple(signal for signal in signals if signal.is_audit)
    return Serving(
        "host/model", "z-ai/glm-5", "bf16", 16.0, "z-ai/glm-5", label, Circumstance(0.4, "2 of 5", told), audits
    )


def test_a_declared_label_below_native_decides_alone() -> None:
    finding = likely_quantized.judge(serving("fp4", 4.5, Signal("price", -5.0, "dear")))
    assert finding is not None and finding.probability == likely_quantized.DECLARED_BELOW
    assert 'The host says so itself on "Models of host"' in finding.sentence and finding.evidence[0].ref == "d1"


def test_a_label_is_told_by_who_shows_it_and_trusted_as_far_as_it_reaches() -> None:
    """The host itself, a router, the name, another listing of the host, or nobody any more."""
    own = serving("fp8", 8.0)
    assert own.declared is not None
    told = {
        "router": replace(own.declared, by=ROUTER, page="A router"),
        "name": replace(own.declared, by=NAME, page="host/model", row=("quotes", "q1")),
        "listing": replace(own.declared, listing="host/model#router"),
        "withdrawn": replace(own.declared, withdrawn=NOW + timedelta(days=3)),
    }
    found = {name: likely_quantized.judge(replace(own, declared=label)) for name, label in told.items()}
    sentences = {name: finding.sentence for name, finding in found.items() if finding}
    assert 'Declared for this host on "A router": label fp8' in sentences["router"]
    assert "Its listed name says fp8" in sentences["name"]
    assert "same host's host/model#router does" in sentences["listing"]
    assert "until it was withdrawn on 2026-08-11" in sentences["withdrawn"]
    assert not any("itself" in sentences[name] for name in ("router", "name", "listing"))
    chances = {name: finding.probability for name, finding in found.items() if finding}
    assert chances["router"] == chances["name"] == likely_quantized.DECLARED_BELOW
    assert chances["listing"] == pytest.approx(0.9 * 0.97 + 0.1 * 0.4)
    rule = RULES["likely_quantized"]
    assert rule.open_at < chances["withdrawn"] < chances["listing"], "hiding the label does not close the flag"
    assert found["name"] is not None and found["name"].evidence[0].view == "quotes"


def test_a_hidden_native_label_accuses_nobody() -> None:
    own = serving("bf16", 16.0)
    assert own.declared is not None
    hidden = replace(own.declared, withdrawn=NOW)
    finding = likely_quantized.judge(replace(own, declared=hidden))
    assert finding is not None and finding.probability < RULES["likely_quantized"].close_at


def test_a_native_label_is_clean_unless_an_audit_speaks() -> None:
    assert likely_quantized.judge(serving("bf16", 16.0, Signal("price", 5.0, "cheap"))) is None
    audit = Signal("audit", 6.0, "an audit found KL 0.03", is_audit=True)
    finding = likely_quantized.judge(serving("bf16", 16.0, audit))
    assert finding is not None and finding.probability > 0.9


def test_the_same_rung_under_two_names_is_no_downgrade() -> None:
    label = Declared("mxfp4", 4.25, NOW, "d1", HOST, "s")
    case = Serving(
        "host/gpt-oss", "openai/gpt-oss-120b", "fp4", 4.5, "openai/gpt-oss-120b", label, Circumstance(0.4, "2 of 5")
    )
    assert likely_quantized.judge(case) is None


def test_circumstance_alone_never_passes_070_and_asks_for_an_audit() -> None:
    finding = likely_quantized.judge(serving(None, 0, Signal("price", 3.0, "cheap"), Signal("host", 3.0, "its habit")))
    assert finding is not None and finding.probability == likely_quantized.CAP_WITHOUT_AUDIT
    assert "asks for an audit" in finding.sentence and "1.00" in finding.sentence
    audit = Signal("audit", 2.0, "audited", is_audit=True)
    audited = likely_quantized.judge(serving(None, 0, Signal("price", 3.0, "cheap"), audit))
    assert audited is not None and audited.probability > 0.9


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([("bf16", 16.0, 40), ("fp8", 8.0, 3)], 0.9),
        ([("bf16", 16.0, 40), ("unknown", None, 3)], 0.35),
        ([("bf16", 16.0, 40), ("fp8", 8.0, 9), ("unknown", None, 3)], 0.9),
        ([("bf16", 16.0, 40), ("unknown", None, 9), ("bf16", 16.0, 3)], 0.1),
        ([("unknown", None, 40), ("bf16", 16.0, 9), ("fp8", 8.0, 3)], 0.9),
        ([("int4", 4.25, 40), ("fp4", 4.5, 3)], 0.4),
        ([("unknown", None, 40), ("fp8", 8.0, 3)], 0.2),
        ([("bf16", 16.0, 40), ("fp16", 16.0, 3)], 0.4),
        ([("fp8", 8.0, 40), ("bf16", 16.0, 5), ("fp8", 8.0, 4)], 0.3),
    ],
)
def test_precision_changed_weighs_the_kind_of_change(
    labels: list[tuple[str, float | None, int]], expected: float
) -> None:
    shown = [Label(name, bits, NOW - timedelta(days=ago), f"d{ago}") for name, bits, ago in labels]
    finding = precision_changed.judge("o", shown, NOW)
    assert finding is not None and finding.probability == expected
    assert finding.expires_at == shown[-1].since + timedelta(days=30)


def test_a_withdrawn_label_opens_nothing_and_keeps_what_a_change_opened() -> None:
    rule = RULES["precision_changed"]
    assert rule.close_at < precision_changed.HIDDEN < rule.open_at
    fell = [Label("bf16", 16.0, NOW - timedelta(days=40), "a"), Label("fp8", 8.0, NOW - timedelta(days=9), "b")]
    hidden = [*fell, Label("no label", None, NOW - timedelta(days=3), "b")]
    finding = precision_changed.judge("o", hidden, NOW)
    assert finding is not None and finding.probability >= rule.open_at
    assert "fell from bf16 to fp8 on 2026-07-30; it was withdrawn on 2026-08-05" in finding.sentence
    assert [row.ref for row in finding.evidence] == ["a", "b", "b"]


def test_an_old_label_change_is_forgotten() -> None:
    shown = [Label("bf16", 16, NOW - timedelta(days=80), "a"), Label("fp8", 8, NOW - timedelta(days=31), "b")]
    assert precision_changed.judge("o", shown, NOW) is None


def audit(days_ago: float, verdict: str, reference: str = "r", **figures: float) -> Audit:
    told = {"p_value": None, "kl": None, "detectable_kl": None, "power": None} | figures
    return Audit(f"a{days_ago}", NOW - timedelta(days=days_ago), reference, verdict, sentence=f"{verdict}.", **told)


CLEAN = {"detectable_kl": 0.004, "power": 0.95}
FOUND = {"p_value": 1e-4, "kl": 0.02}


@pytest.mark.parametrize(
    ("audits", "least", "most"),
    [
        ([audit(9, "not_detectable", **CLEAN), audit(2, "differs", **FOUND)], 0.9, 0.96),
        ([audit(9, "differs", **FOUND), audit(2, "not_detectable", **CLEAN)], 0.9, 0.96),
        ([audit(9, "not_detectable", **CLEAN), audit(2, "another_model")], 0.9, 0.96),
        ([audit(9, "not_detectable", **CLEAN), audit(2, "differs", p_value=1e-4, kl=0.001)], 0.45, 0.5),  # too near
        ([audit(9, "not_detectable"), audit(2, "differs", **FOUND)], 0.45, 0.5),  # of unknown power
        ([audit(9, "not_detectable", **CLEAN), audit(2, "differs", p_value=0.3, kl=0.02)], 0.4, 0.55),
    ],
)
def test_audits_that_disagree_tell_of_a_change(audits: list[Audit], least: float, most: float) -> None:
    finding = precision_changed.judge("o", [], NOW, audits)
    assert finding is not None and least < finding.probability < most
    assert [row.ref for row in finding.evidence] == ["a9", "a2"]
    assert finding.expires_at == NOW + timedelta(days=28)


def test_audits_that_agree_are_old_or_had_other_references_tell_of_none() -> None:
    clean, seen = audit(9, "not_detectable", **CLEAN), audit(2, "differs", **FOUND)
    assert precision_changed.judge("o", [], NOW, [seen]) is None
    assert precision_changed.judge("o", [], NOW, [audit(9, "differs", **FOUND), seen]) is None
    assert precision_changed.judge("o", [], NOW, [audit(9, "not_detectable", "other", **CLEAN), seen]) is None
    assert precision_changed.judge("o", [], NOW + timedelta(days=29), [clean, seen]) is None


def test_of_a_changed_label_and_disagreeing_audits_the_likelier_stands() -> None:
    labels = [Label("bf16", 16.0, NOW - timedelta(days=40), "d1"), Label("fp8", 8.0, NOW - timedelta(days=3), "d2")]
    weak = [audit(9, "not_detectable"), audit(2, "differs", **FOUND)]
    finding = precision_changed.judge("o", labels, NOW, weak)
    assert finding is not None and finding.probability == 0.9 and finding.evidence[0].view == "declarations"


def reach(concurrent: float, price: float = 0.0, overflow: float | None = 0.002) -> Reach:
    steps = ((1, price), (10, overflow), (100, overflow), (1000, overflow))
    return Reach(
        "o", price, overflow, "p/q", concurrent, "free", "1 request a second", steps, ((10_000, 0.001),), "chat"
    )


def test_a_free_price_at_one_request_is_a_teaser() -> None:
    finding = teaser_price.judge(reach(1.0))
    assert finding is not None and finding.probability >= 0.9
    assert finding.sentence.startswith("Free, but") and "$2" in finding.sentence


def test_a_wide_limit_or_a_price_near_the_market_is_no_teaser() -> None:
    assert teaser_price.judge(reach(100.0)) is None
    assert teaser_price.judge(reach(1.0, price=0.0015)) is None


def test_groq_2024_decodes_at_794_and_delivers_227() -> None:
    pace = Pace("groq/llama3-8b", 794, 1.62, 0.65 * 794, 3400)
    finding = speed_claim.judge(pace)
    assert finding is not None and finding.probability >= RULES["speed_claim"].open_at
    assert pace.end_to_end_tok_s == pytest.approx(227, abs=1)
    assert pace.first_token_share == pytest.approx(0.72, abs=0.01)
    assert "227 tok/s" in finding.sentence


def test_a_quick_first_token_or_an_ordinary_speed_is_no_speed_claim() -> None:
    assert speed_claim.judge(Pace("o", 794, 0.2, 500, 3400)) is None
    assert speed_claim.judge(Pace("o", 60, 20.0, 500, 3400)) is None


def test_together_2023_ran_a_draft_model() -> None:
    finding = speculative_decoding.judge(PairedSpeed("together/mixtral", 170, 80, 1, 0.0))
    assert finding is not None and finding.probability == 0.95 and "2.1 times" in finding.sentence
    assert speculative_decoding.judge(PairedSpeed("o", 100, 98, 10, 0.1)) is None


def test_three_missed_readings_are_absence_and_articles_never_go_stale() -> None:
    fresh = Listing("o", "page", True, 6, NOW - timedelta(hours=7), None, "q", moved_a_day=0.01)
    assert stale_listing.judge(fresh, NOW) is None
    old = replace(fresh, last_good_at=NOW - timedelta(days=5))
    finding = stale_listing.judge(old, NOW)
    assert finding is not None and finding.probability == stale_listing.RULE.open_at  # twenty readings
    assert "20 readings ago. At the pace of before, 4.9% of its prices have moved since." in finding.sentence
    short = stale_listing.judge(replace(old, last_good_at=NOW - timedelta(days=2)), NOW)
    assert short is not None and short.probability == pytest.approx(8 / 28, abs=1e-3)
    assert stale_listing.judge(replace(old, is_live=False), NOW) is None
    gone = stale_listing.judge(replace(fresh, missing_since=NOW - timedelta(hours=12)), NOW)
    assert gone is not None and "no longer shows it" in gone.sentence


def test_a_copy_is_no_second_witness() -> None:
    clash = Conflict("output", "catalogue", 3, 1.0, "page", 2.0, False, "USD", "q1", "q2")
    finding = source_conflict.judge("o", [clash])
    assert finding is not None and finding.probability == pytest.approx(0.65)
    copied = source_conflict.judge("o", [replace(clash, other_is_copy=True)])
    assert copied is not None and copied.probability < RULES["source_conflict"].open_at
    seller = source_conflict.judge("o", [replace(clash, standing=1)])
    assert seller is not None and seller.probability < 0.2


@pytest.mark.parametrize(
    ("price", "opens"), [(30_000.0, True), (0.0003, True), (0.6, False), (3.0, False), (12.0, False)]
)
def test_unit_suspect_needs_a_clean_power_of_ten(price: float, opens: bool) -> None:
    finding = unit_suspect.judge(Peers("o", "output", price, (0.3, 0.29, 0.31, 0.3), 1.0, "q"))
    assert (finding is not None and finding.probability >= RULES["unit_suspect"].open_at) is opens


def test_unit_suspect_sees_a_currency_factor_only_where_a_currency_is_in_play() -> None:
    yuan = Peers("o", "output", 0.3 / 7.15, (0.3, 0.3, 0.3), 1 / 7.15, "q")
    finding = unit_suspect.judge(yuan)
    assert finding is not None and "currencies" in finding.sentence
    assert unit_suspect.judge(replace(yuan, usd_per_unit=1.0)) is None


def flapping(moves: int, days: float) -> tuple[Move, ...]:
    gap = timedelta(days=days) / moves
    return tuple(Move(NOW - timedelta(days=days) + gap * i, 1.0 + (i % 2), f"q{i}") for i in range(moves + 1))


def test_a_flip_flop_is_one_finding_with_a_range() -> None:
    series = Series("novita/glm-5.2", "output price", "USD/Mtok", True, flapping(134, 9), "quotes")
    finding = sudden_change.judge(series, NOW)
    assert finding is not None and "flip-flops" in finding.sentence and "between 1 and 2" in finding.sentence
    level = sudden_change.settled_level(series.moves, NOW)
    assert level == pytest.approx(1.5, abs=0.02)


def test_one_cut_is_a_step_and_a_small_one_is_not() -> None:
    cut = (Move(NOW - timedelta(days=60), 6.0, "a"), Move(NOW - timedelta(days=2), 3.0, "b"))
    finding = sudden_change.judge(Series("o", "output price", "USD/Mtok", True, cut, "quotes"), NOW)
    assert finding is not None and "-50%" in finding.sentence and finding.probability == 0.9
    small = (cut[0], Move(NOW - timedelta(days=2), 5.5, "b"))
    assert sudden_change.judge(Series("o", "output price", "USD/Mtok", True, small, "quotes"), NOW) is None
    assert sudden_change.settled_level(cut, NOW) == 3.0


def measured(levels: list[float]) -> Series:
    start = NOW - timedelta(days=len(levels))
    moves = tuple(Move(start + timedelta(days=i), v, f"m{i}") for i, v in enumerate(levels))
    return Series("o", "throughput", "tok/s", False, moves, "metrics")


def test_a_noisy_level_shift_is_found_and_noise_is_not() -> None:
    noise = [1.0, 1.06, 0.93, 1.02, 0.97, 1.05, 0.95, 1.01, 0.98, 1.03, 0.94, 1.07, 1.0, 0.96]
    halved = measured([60 * n for n in noise[:8]] + [30 * n for n in noise[8:]])
    finding = sudden_change.judge(halved, NOW)
    assert finding is not None and finding.probability > 0.9
    assert sudden_change.judge(measured([60 * n for n in noise]), NOW) is None


@pytest.mark.parametrize("probability", [0.99, 0.3])
def test_hearsay_is_noted_below_the_closing_threshold(probability: float) -> None:
    rule = below_cost.RULE
    finding = found(rule, "o", probability, "It costs more.", "Less.", held=HEARSAY)
    assert finding.probability == min(probability, rule.close_at - 0.05)
    assert (HEARSAY in finding.sentence) == (probability > rule.close_at)
