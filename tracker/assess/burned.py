"""Burn at one moment: which offer the counted traffic paid, and what serving it there lost."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tracker.assess.costs import Costed, is_own_silicon
from tracker.assess.inputs import Situation
from tracker.flags.below_cost import MOST, mixed_usd_per_mtok
from tracker.market.burn import burn_usd_per_day

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class _Served:
    """An offer that traffic may have paid, and USD per million tokens of its mix."""

    one: Situation
    costed: Costed
    usd: float


def burn_rows(
    demand: Rows, stated: Sequence[Situation], costs: Mapping[int, Costed], model_of: Mapping[str, str]
) -> list[tuple[object, ...]]:
    """What the traffic of each counter and model loses: at the host's own offer where the counter names the host.

    `stated`: offers whose price somebody vouches for. One with an unknown side is no price of a mix; one whose cost
    `below_cost` would not hold against it (chips nobody rents out, a speed that no deployment keeps) loses nothing.
    """
    by_model: defaultdict[str, list[_Served]] = defaultdict(list)
    for one in stated:
        costed = costs.get(one.offer_id)
        paid = _price_paid(one, costed) if costed and one.is_priced and _is_told(one, costed) else None
        if one.model_id and costed and paid is not None:
            by_model[one.model_id].append(_Served(one, costed, paid))
    chosen = []
    for row in demand:
        model_id = model_of.get(str(row["listed_name"]))
        served = _served_by(row, by_model.get(model_id, [])) if model_id else None
        if served is not None:
            chosen.append((row, served))
    if not chosen:
        return []
    mixes = [served.costed for _, served in chosen]
    share = np.array([c.prompt_tokens / (c.prompt_tokens + c.output_tokens) for c in mixes])
    tokens = np.array([float(row["tokens"]) for row, _ in chosen])
    prices = np.array([served.usd for _, served in chosen])
    bands = [c.bands[0] for c in mixes]
    cost = np.array([[b.blended.low, b.blended.mid, b.blended.high] for b in bands])
    burn = burn_usd_per_day(tokens, prices, cost)
    return [
        (
            row["source_id"], f"{row['listed_name']}{' ' + row['scope'] if row['scope'] else ''}", served.one.model_id,
            row["day"], int(row["tokens"]), served.one.offer, bands[i].band_id, float(share[i]), float(burn.low[i]),
            float(burn.mid[i]), float(burn.high[i]),
        )
        for i, (row, served) in enumerate(chosen)
    ]  # fmt: skip


def _is_told(one: Situation, costed: Costed) -> bool:
    """Whether the engine's sum says what serving this offer costs."""
    return (
        costed.standing is not None
        and costed.standing.feasible_share >= MOST
        and not is_own_silicon(one.provider, costed.scenario)
    )


def _price_paid(one: Situation, costed: Costed) -> float | None:
    """USD per million tokens of the mix: transacted where published, else standing, cache discount included; None
    where a side is unknown.

    The engine was asked at the mean of a price that flip-flops: what stands keeps the same share of cache discounts.
    """
    if one.is_free:
        return 0.0
    paid = _mixed(costed, one.input_paid_usd, one.output_paid_usd)
    if paid is not None:
        return paid
    asked = costed.standing.price if costed.standing else None
    judged = _mixed(costed, one.input_usd, one.output_usd)
    quoted = _mixed(costed, one.input_quoted_usd, one.output_quoted_usd)
    return None if asked is None or not judged or quoted is None else asked * quoted / judged


def _mixed(costed: Costed, given: float | None, output: float | None) -> float | None:
    return mixed_usd_per_mtok(given, output, costed.prompt_tokens, costed.output_tokens)


def _served_by(row: Mapping[str, Any], sold: Sequence[_Served]) -> _Served | None:
    """The offer whose price that traffic paid: the named host's, else the cheapest of the tier the name states."""
    scope, tier = str(row["scope"] or ""), "free" if str(row["listed_name"]).endswith(":free") else "standard"
    host = scope.removeprefix("host ").partition("/")[0] if scope.startswith("host ") else ""
    if scope and not host:
        return None
    fitting = [each for each in sold if each.one.tier == tier and (not host or each.one.provider == host)]
    return min(fitting, key=lambda each: (each.usd, each.one.offer), default=None)
