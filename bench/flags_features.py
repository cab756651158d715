"""What else an endpoint's listing tells, for comparison only: raw price, speed, context and age beside its siblings."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tracker.flags.logistic import Array
from tracker.flags.quantization import Endpoint

OTHERS = ("input_price", "output_price", "speed", "first_token", "context_cap", "price_over_cost", "size", "age")


@dataclass(frozen=True, slots=True)
class Recorded:
    """An endpoint as recorded; None: not known. `over_cost`: output price over the middle cost at native precision."""

    endpoint: Endpoint
    input_usd_per_mtok: float | None
    tok_s: float | None
    ttft_s: float | None
    context_tokens: int | None
    age_days: float
    over_cost: float | None = None


def other_features(rows: Sequence[Recorded]) -> Array:
    """[rows, OTHERS]: log10 against the median (context: the widest) of the model's other servings; 0 unknown."""
    by_model: defaultdict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        by_model[row.endpoint.model_id].append(index)
    groups = list(by_model.values())
    return np.column_stack(
        [
            _beside(groups, [r.input_usd_per_mtok for r in rows]),
            _beside(groups, [r.endpoint.output_usd_per_mtok for r in rows]),
            _beside(groups, [r.tok_s for r in rows]),
            _beside(groups, [r.ttft_s for r in rows]),
            _beside(groups, [r.context_tokens for r in rows], widest=True),
            [_log(r.over_cost) for r in rows],
            [math.log10(r.endpoint.total_params_b) for r in rows],
            [math.log10(max(r.age_days, 1) + 30) for r in rows],
        ]
    )


def _log(value: float | None) -> float:
    """log10 within a factor of 30; 0, which says nothing, where unknown."""
    return min(max(math.log10(value), -1.5), 1.5) if value and value > 0 else 0.0


def _beside(groups: Sequence[Sequence[int]], values: Sequence[float | None], widest: bool = False) -> Array:
    result = np.zeros(len(values))
    for rows in groups:
        known = [(index, value) for index in rows if (value := values[index]) is not None and value > 0]
        for index, value in known:
            others = [other for place, other in known if place != index]
            if others:
                result[index] = _log(value / (max(others) if widest else float(np.median(others))))
    return result
