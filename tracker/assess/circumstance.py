"""What the market around an offer tells of its precision where no label does, each number with the rows behind it.

Only servings that a host or a router states are counted, one per host and model, as in the fit (bench/flags.py).
"""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tracker.assess.costs import Costed, bits_of, is_own_silicon, lower_only_share, native_bits, open_model
from tracker.assess.findings import price_rows, speed_rows
from tracker.assess.inputs import BY_NAME, Situation
from tracker.cost.facts import Model
from tracker.flags.below_cost import CostBand
from tracker.flags.finding import Evidence, usd
from tracker.flags.likely_quantized import Circumstance, Signal
from tracker.flags.quantization import (
    MIN_LABELS,
    RUNG_BITS,
    Endpoint,
    Pool,
    Weights,
    below,
    features,
    pool_of,
    width_share,
)

MOST_ROWS = 6  # of one signal, the nearest in kind first
TOLD = 0.05  # a share of the draws that is told even where the fit gives it no weight


@dataclass(frozen=True, slots=True)
class Market:
    """The servings of open models that are no hearsay, and by offer what each looks like."""

    pool: Pool
    endpoints: Mapping[str, Endpoint]
    offers: Mapping[str, Situation]

    def labels_beside(self, one: Situation) -> str:
        """Which labels an offer is judged by: when they change, and not it, it is rated again."""
        endpoint = self.endpoints.get(one.offer)
        if endpoint is None:
            return ""
        siblings = [e for e in self.pool.siblings(endpoint) if e.label_bits is not None]
        return repr([(len(below(endpoint, found)), len(found)) for found in (self.pool.habit(endpoint), siblings)])


def market_of(offers: Iterable[Situation]) -> Market:
    """Standard offers only: a batch or a fast tier may be served another way."""
    known = {
        one.offer: (one, model)
        for one in offers
        if one.tier == "standard" and not one.is_hearsay and (model := open_model(one.model_id)) is not None
    }
    endpoints = {offer: _endpoint(one, model) for offer, (one, model) in known.items()}
    return Market(pool_of(endpoints.values()), endpoints, {offer: one for offer, (one, _) in known.items()})


def _endpoint(one: Situation, model: Model) -> Endpoint:
    # A name only ever says "fp8", never "bf16": names tell of their own offer, not of their host's habit.
    label = one.label if one.label_source != BY_NAME else None
    return Endpoint(
        offer=one.offer,
        host=one.provider,
        model_id=one.model_id or model.model_id,
        shape=model.model_id,
        native_bits=native_bits(model),
        total_params_b=model.total_params_b,
        label_bits=label.bits if label else None,
        output_usd_per_mtok=one.output_quoted_usd,
    )


def circumstance(one: Situation, costed: Costed | None, market: Market, weights: Weights) -> Circumstance:
    """What is known of an offer of an open model; no signals where its host shows no habit at that width."""
    plain = market.endpoints.get(one.offer)
    if plain is None:
        return Circumstance(weights.share, "Share below native among the labelled endpoints behind the fit")
    endpoint = replace(plain, lower_only=_lower_only(one, costed), beyond_native=_beyond(one, costed))
    [row] = features([endpoint], market.pool)
    elsewhere = market.pool.elsewhere(endpoint)
    width = f"{endpoint.native_bits:g} bits"
    basis = (
        f"{len(below(endpoint, elsewhere))} of the {len(elsewhere)} labels that hosts show for other models of {width} "
        f"or more lie below"
    )
    signals = tuple(_signals(one, endpoint, costed, market, weights.added(row)))
    judged = len(market.pool.habit(endpoint)) >= MIN_LABELS
    return Circumstance(width_share(endpoint, market.pool), basis, signals if judged else ())


def _signals(
    one: Situation, endpoint: Endpoint, costed: Costed | None, market: Market, added: Mapping[str, float]
) -> Iterator[Signal]:
    """One per feature that says anything of this offer."""
    told = {
        "host_habit": _habit(endpoint, market),
        "siblings": _siblings(endpoint, market),
        "price_rank": _rank(one, endpoint, market),
        "lower_only_price": _priced(one, endpoint, costed),
        "beyond_native": _paced(one, endpoint, costed),
    }
    for name, words in told.items():
        if words is not None:
            yield Signal(name, round(added[name], 3), *words)


Words = tuple[str, tuple[Evidence, ...]]


def _habit(endpoint: Endpoint, market: Market) -> Words | None:
    labelled = market.pool.habit(endpoint)
    width = f"{endpoint.native_bits:g} bits"
    count = f"{len(below(endpoint, labelled))} of the {len(labelled)} other models of {width} or more"
    return (f"{count} that its host labels are labelled below {width}", _labels(endpoint, labelled, market))


def _siblings(endpoint: Endpoint, market: Market) -> Words | None:
    labelled = [e for e in market.pool.siblings(endpoint) if e.label_bits is not None]
    if not labelled:
        return None
    count = f"{len(below(endpoint, labelled))} of the {len(labelled)} other hosts that label this model"
    return f"{count} label it below native", _labels(endpoint, labelled, market)


def _labels(endpoint: Endpoint, labelled: Sequence[Endpoint], market: Market) -> tuple[Evidence, ...]:
    """The declarations behind a count: below and not below by turns, of models nearest in width and size first."""
    near = sorted(
        labelled,
        key=lambda e: (
            abs(e.native_bits - endpoint.native_bits),
            abs(math.log(e.total_params_b / endpoint.total_params_b)),
            e.offer,
        ),
    )
    lower = below(endpoint, near)
    turns = itertools.zip_longest(lower, [e for e in near if e not in lower])
    told = [e for pair in turns for e in pair if e is not None]
    shown = [(e, label) for e in told if (label := market.offers[e.offer].label) is not None]
    return tuple(
        Evidence("declarations", label.declaration_id, f"{e.offer}: {label.value}, released in {e.native_bits:g} bits")
        for e, label in shown[:MOST_ROWS]
    )


def _rank(one: Situation, endpoint: Endpoint, market: Market) -> Words | None:
    own = endpoint.output_usd_per_mtok
    priced = [(e, p) for e in market.pool.siblings(endpoint) if (p := e.output_usd_per_mtok)]
    if not own or not priced:
        return None
    dearer, same = sum(p > own for _, p in priced), sum(p == own for _, p in priced)
    near = sorted(priced, key=lambda pair: (abs(math.log(pair[1] / own)), pair[0].offer))[:MOST_ROWS]
    rows = tuple(
        Evidence("quotes", market.offers[e.offer].output_quote_id, f"{e.offer}: {usd(p)} per million output tokens")
        for e, p in near
    )
    less = len(priced) - dearer - same
    says = f"of the model's {len(priced)} other hosts {dearer} ask more for output, {same} the same and {less} less"
    return says, (*price_rows(one)[-1:], *rows)


def _priced(one: Situation, endpoint: Endpoint, costed: Costed | None) -> Words | None:
    if costed is None or costed.native_cost is None or not endpoint.lower_only:
        return None
    native = costed.native_cost
    lower = min(_lower(one, costed), key=lambda band: band.p_below)
    says = (
        f"in {endpoint.lower_only:.0%} of the cost draws its price carries {lower.precision} and not the native "
        f"{native.precision}"
    )
    return says, (*price_rows(one), _band(native), _band(lower))


def _paced(one: Situation, endpoint: Endpoint, costed: Costed | None) -> Words | None:
    if costed is None or (endpoint.beyond_native or 0.0) < TOLD:
        return None
    says = f"no deployment at native precision keeps its speed in {endpoint.beyond_native:.0%} of the cost draws"
    return says, (*speed_rows(one), *([_band(costed.native_cost)] if costed.native_cost else []))


def _band(band: CostBand) -> Evidence:
    low, mid, high = usd(band.output.low), usd(band.output.mid), usd(band.output.high)
    says = f"{band.precision} costs {low} to {high} per million output tokens, {mid} in the middle"
    return Evidence("cost_bands", band.band_id, f"{says}, on {band.deployment}")


def _lower(one: Situation, costed: Costed) -> list[CostBand]:
    """The bands below native precision; asked only where the price is in doubt."""
    model = open_model(one.model_id)
    floor = 0.0 if model is None else native_bits(model) - RUNG_BITS
    return [band for band in costed.bands if bits_of()[band.precision] < floor]


def _lower_only(one: Situation, costed: Costed | None) -> float | None:
    """Not known of a host whose own chips the sum does not describe."""
    if costed is None or costed.native_cost is None or is_own_silicon(one.provider, costed.scenario):
        return None
    return lower_only_share(costed.native_cost.p_below, [band.p_below for band in _lower(one, costed)])


def _beyond(one: Situation, costed: Costed | None) -> float | None:
    if costed is None or is_own_silicon(one.provider, costed.scenario):
        return None
    return 1 - costed.native_reach
