"""Runs every rule on every offer that changed. Pure: situations, costs and context in, findings out."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tracker.assess.costs import Costed, first_token_limit, is_own_silicon, native_bits, open_model, typical
from tracker.assess.inputs import Situation
from tracker.audit.verdict import EIGHT_BIT_KL
from tracker.flags import (
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
from tracker.flags.audited import Audit, odds_of_difference
from tracker.flags.finding import Evidence, Figure, Finding, day, usd, with_words
from tracker.flags.lifecycle import Key
from tracker.flags.likely_quantized import Circumstance, Declared, Serving, Signal
from tracker.flags.precision_changed import Label
from tracker.flags.sudden_change import Series
from tracker.market.effective import Usage, best_tier, crowd, ladder, sustained_concurrency
from warehouse.flag_facts import OWN_PROBES

Rows = Sequence[Mapping[str, Any]]
Peers = Mapping[str, tuple[tuple[str, str, float], ...]]
Cheapest = tuple[str, float, float]  # offer, input and output price
ANSWER_TOKENS = 500.0  # the answer a first-token time is weighed against where the measurer states none


@dataclass(frozen=True, slots=True)
class Context:
    """What an offer is judged beside: the other offers, the fit, and what our own instruments found."""

    at: datetime
    peers: Peers
    declared: Mapping[int, Declared]  # the label that decides, by offer id
    circumstances: Mapping[int, Circumstance]  # by offer id, of every offer of an open model that is rated
    audits: Mapping[str, Sequence[Audit]]  # by offer, oldest first
    cheapest: Mapping[str, Cheapest]  # unlimited paid offer per model


def judge_offer(one: Situation, costed: Costed | None, context: Context) -> dict[Key, Finding]:
    """All findings about one offer, open or not: lifecycle decides what they do."""
    findings = [
        _below_cost(one, costed),
        _quantized(one, context),
        precision_changed.judge(one.offer, _stored(one), context.at, context.audits.get(one.offer, ())),
        _teaser(one, context.cheapest),
        _speed(one),
        speculative_decoding.judge(one.pair) if one.pair else None,
        _stale(one, context.at),
        source_conflict.judge(one.offer, one.conflicts),
        latest_change(one, context.at),
        _unit(one, context.peers),
    ]
    return {(finding.offer, finding.kind): finding for finding in findings if finding is not None}


def _stored(one: Situation) -> tuple[Label, ...]:
    """The labels at the width their weights can have: nobody stores more bits than were released."""
    model = open_model(one.model_id)
    if model is None:
        return one.labels
    most = native_bits(model)
    return tuple(replace(label, bits=min(label.bits, most)) if label.bits else label for label in one.labels)


def beside(one: Situation, peers: Peers, cheapest: Mapping[str, Cheapest]) -> str:
    """What the model's other offers make of this one, so that it is rated again when they, and not it, have changed."""
    found = (_unit(one, peers), _teaser(one, cheapest))
    return "".join(f"{finding.kind}{finding.probability:.2f}" for finding in found if finding is not None)


def price_rows(one: Situation) -> tuple[Evidence, ...]:
    """The quotes of its price, the output side last."""
    sides = (
        (one.input_quote_id, one.input_quoted_usd, "input"),
        (one.output_quote_id, one.output_quoted_usd, "output"),
    )
    return tuple(
        Evidence("quotes", ref, f"{usd(price)} per million {side} tokens")
        for ref, price, side in sides
        if ref and price is not None
    )


def speed_rows(one: Situation) -> tuple[Evidence, ...]:
    """What was measured of the service, as the sum takes it: a row for each view it was read from."""
    told = (
        f"{one.tok_s_seen:.3g} tok/s" if one.tok_s_seen else "",
        f"first token after {one.ttft_s_seen:.3g} s" if one.ttft_s_seen else "",
        f"{one.cache_hit:.0%} of the input from cache" if one.cache_hit is not None else "",
    )
    words = ", ".join(filter(None, told))
    return tuple(Evidence(view, one.offer, f"{words}: {by}") for view, by in _measurers(one)) if words else ()


def _measurers(one: Situation) -> Iterator[tuple[str, str]]:
    others = [source for source in one.speed_sources if source != OWN_PROBES]
    if others:
        yield "metrics", f"medians by {', '.join(others)}"
    if OWN_PROBES in one.speed_sources:
        yield "probes", f"medians of our {OWN_PROBES}"


def _below_cost(one: Situation, costed: Costed | None) -> Finding | None:
    if costed is None or not costed.bands:
        return None
    sale = below_cost.Sale(
        offer=one.offer,
        input_usd_per_mtok=one.input_usd,
        output_usd_per_mtok=one.output_usd,
        is_free=one.is_free,
        prompt_tokens=costed.prompt_tokens,
        output_tokens=costed.output_tokens,
        scenario=costed.scenario,
        tok_s=below_cost.Measured(one.tok_s_seen, one.tok_s),
        ttft_s=below_cost.Measured(one.ttft_s_seen, first_token_limit(one)),
        own_silicon=is_own_silicon(one.provider, costed.scenario),
        apart=costed.apart,
        busy=costed.busy,
        cache_hit=one.cache_hit,
        draft_gain=one.draft_gain,
        drafted=costed.drafted,
        hearsay=one.is_hearsay,
        lengths_seen=bool(typical(one, costed.scenario)),
    )
    drafted = one.pair.evidence if one.pair and one.draft_gain else ()
    finding = below_cost.judge(sale, costed.bands, (*price_rows(one), *speed_rows(one), *drafted))
    return finding and with_mean(finding, one)


def with_mean(finding: Finding, one: Situation) -> Finding:
    """The finding on a flip-flop names the mean it is judged by: its evidence tells what is quoted now."""
    if not one.flip_flops:
        return finding
    sides = [(side, price) for side, price in (("in", one.input_usd), ("out", one.output_usd)) if price is not None]
    told = ", ".join(f"{usd(price)} {side}" for side, price in sides)
    means = (Figure(f"mean_of_seven_days_{side}", price, "USD/Mtok") for side, price in sides)
    told_so = with_words(finding, f"Its price flip-flops and is judged by its mean of seven days, {told}.")
    return replace(told_so, figures=(*finding.figures, *means))


def _quantized(one: Situation, context: Context) -> Finding | None:
    model = open_model(one.model_id)
    if model is None:
        return None
    return likely_quantized.judge(
        Serving(
            one.offer,
            one.model_id or model.model_id,
            model.native_precision,
            native_bits(model),
            model.model_id,
            context.declared.get(one.offer_id),
            context.circumstances[one.offer_id],
            audit_signal(context.audits.get(one.offer, ())),
            one.is_hearsay,
        )
    )


def audit_signal(audits: Sequence[Audit]) -> tuple[Signal, ...]:
    """What the newest audit adds."""
    if not audits:
        return ()
    last = audits[-1]
    rows = (Evidence("audits", last.audit_id, last.sentence),)
    when = f"an audit of {day(last.at)} against {last.reference}"
    if last.is_different:
        return (Signal("audit", odds_of_difference(last), f"{when} found other outputs", rows, True),)
    reaches_eight_bit = last.detectable_kl is not None and last.detectable_kl <= EIGHT_BIT_KL
    odds = math.log(1 - min(last.power or 0.0, 0.95)) * (1.0 if reaches_eight_bit else 0.5)
    return (Signal("audit", odds, f"{when} found nothing beyond honest noise", rows, True),)


def _teaser(one: Situation, cheapest: Mapping[str, Cheapest]) -> Finding | None:
    if not one.limits or one.output_usd is None or one.input_usd is None or not one.is_priced:
        return None
    usage = Usage(request_s=(one.ttft_s or 1.0) + 500 / (one.tok_s or 50.0))
    bound = [row for row in one.limits if one.is_free or not row.allowance.is_unpaid]
    tier, rate = best_tier([row.allowance for row in bound], usage)
    if math.isinf(rate):
        return None
    overflow_offer, overflow = "", None
    if found := cheapest.get(one.model_id or ""):
        overflow_offer, overflow = found[0], usage.cost_usd(found[1], found[2])
        if overflow_offer == one.offer:
            overflow_offer, overflow = "", None
    own = usage.cost_usd(one.input_usd, one.output_usd)
    rows = [row for row in bound if row.allowance.account_tier == tier]
    finding = teaser_price.judge(
        teaser_price.Reach(
            one.offer, own, overflow, overflow_offer, sustained_concurrency(rate, usage), tier,
            ", ".join(row.text for row in rows), ladder(own, overflow, rate, usage), crowd(rate), usage.scenario,
            (*price_rows(one), *(Evidence("limits", row.limit_id, row.text) for row in rows), *speed_rows(one)),
            one.is_copied,  # a router's own limits bind its own price, whoever serves
        )
    )  # fmt: skip
    return finding and with_mean(finding, one)


def _speed(one: Situation) -> Finding | None:
    if not one.tok_s_seen or not one.ttft_s_seen or not one.is_text:
        return None
    rows = tuple(Evidence(view, one.offer, by) for view, by in _measurers(one))
    answer = one.tok_s_seen * one.decode_s if one.decode_s else ANSWER_TOKENS
    pace = speed_claim.Pace(one.offer, one.tok_s_seen, one.ttft_s_seen, answer, one.measured_prompt_tokens, rows)
    return speed_claim.judge(pace)


def _stale(one: Situation, at: datetime) -> Finding | None:
    if one.last_good_at is None or not (one.readings_missed or one.missing_since):
        return None
    quote = one.output_quote_id or one.input_quote_id
    return stale_listing.judge(
        stale_listing.Listing(
            one.offer,
            one.source_id,
            one.is_live,
            one.every_hours,
            one.last_good_at,
            one.missing_since,
            quote,
            one.moved_a_day,
        ),
        at,
    )


def latest_change(one: Situation, at: datetime) -> Finding | None:
    """The likeliest change of price, speed, first token or limit."""
    series = (
        Series(one.offer, "the output price", "per million", True, one.output_moves, "quotes", one.is_hearsay),
        Series(one.offer, "the input price", "per million", True, one.input_moves, "quotes", one.is_hearsay),
        Series(one.offer, "throughput", "tok/s", False, one.speed_days, "metrics"),
        Series(one.offer, "the first-token time", "ms", False, one.ttft_days, "metrics"),
        *(Series(one.offer, name, unit, True, moves, "limits") for name, unit, moves in one.limit_moves),
    )
    found = [finding for one_series in series if (finding := sudden_change.judge(one_series, at)) is not None]
    return max(found, key=lambda finding: finding.probability, default=None)


def _unit(one: Situation, peers: Peers) -> Finding | None:
    if one.holds:
        hold = one.holds[0]
        return unit_suspect.judge(
            unit_suspect.Peers(
                one.offer, hold.component, hold.amount_usd, (), one.usd_per_unit, hold.hold_id, hold.reason
            )
        )
    if not one.model_id or not one.output_quoted_usd or one.tier != "standard":
        return None
    others = tuple(
        p for offer, provider, p in peers.get(one.model_id, ()) if offer != one.offer and provider != one.provider
    )
    return unit_suspect.judge(
        unit_suspect.Peers(one.offer, "output", one.output_quoted_usd, others, one.usd_per_unit, one.output_quote_id)
    )
