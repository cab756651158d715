"""What circumstance tells about precision: features of one serving among its siblings and its host's other servings.

The arrays are shared by the fit (bench/flags.py) and by the analysis pass, so that both mean the same. A label is
"below native" when its bits are more than 0.6 under the model's (mxfp4 4.25 and fp4 4.5 are one rung). A row's own
label is never among its features, and its host's history is taken from other models only.
"""

import csv
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from tracker.errors import DataFileError
from tracker.flags.logistic import Array, Logistic
from tracker.flags.odds import logit

RUNG_BITS = 0.6
MIN_LABELS = 2  # other models a host must label before its silence on one may be read
STRENGTH = 2.0  # labels' worth of prior in every smoothed share
NAMES = (
    "host_habit",
    "host_hides",
    "native_16_bit",
    "native_8_bit",
    "input_price",
    "output_price",
    "price_rank",
    "speed",
    "first_token",
    "context_cap",
    "size",
    "age",
    "label_changes",
    "price_over_cost",
    "beyond_native",
    "siblings",
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One host's serving of one model whose native precision is known; None: not known."""

    offer: str
    host: str
    model_id: str
    native_bits: float
    total_params_b: float
    age_days: float
    label_bits: float | None
    input_usd_per_mtok: float | None
    output_usd_per_mtok: float | None
    tok_s: float | None
    ttft_s: float | None
    context_tokens: int | None
    label_changes: int = 0
    price_over_native_cost: float | None = None  # blended price over the mid cost at native precision
    native_reach: float | None = None  # share of the cost draws in which any deployment keeps the speed natively


def below_native(endpoint: Endpoint) -> float:
    """1 below, 0 at or above, NaN without a label."""
    if endpoint.label_bits is None:
        return math.nan
    return float(endpoint.label_bits < endpoint.native_bits - RUNG_BITS)


def features(endpoints: Sequence[Endpoint], hidden_model: str = "") -> Array:
    """[rows, NAMES]. No host's history knows the labels of `hidden_model`; its own siblings still do."""
    columns = {
        "host_habit": _habit(endpoints, hidden_model),
        "host_hides": _hides(endpoints),
        "native_16_bit": _each(endpoints, lambda e: float(e.native_bits > 8.5)),
        "native_8_bit": _each(endpoints, lambda e: float(5 < e.native_bits <= 8.5)),
        "input_price": _against_siblings(endpoints, [e.input_usd_per_mtok for e in endpoints]),
        "output_price": _against_siblings(endpoints, [e.output_usd_per_mtok for e in endpoints]),
        "price_rank": price_rank(endpoints),
        "speed": _against_siblings(endpoints, [e.tok_s for e in endpoints]),
        "first_token": _against_siblings(endpoints, [e.ttft_s for e in endpoints]),
        "context_cap": _against_siblings(endpoints, [e.context_tokens for e in endpoints], widest=True),
        "size": _each(endpoints, lambda e: math.log10(e.total_params_b)),
        "age": _each(endpoints, lambda e: math.log10(max(e.age_days, 1) + 30)),
        "label_changes": _each(endpoints, lambda e: float(min(e.label_changes, 2))),
        "price_over_cost": _each(endpoints, lambda e: _log(e.price_over_native_cost)),
        "beyond_native": _each(endpoints, lambda e: 0.0 if e.native_reach is None else 1 - e.native_reach),
        "siblings": _sibling_labels(endpoints),
    }
    return np.column_stack([columns[name] for name in NAMES])


def _each(endpoints: Sequence[Endpoint], value: Callable[[Endpoint], float]) -> Array:
    return np.array([value(endpoint) for endpoint in endpoints], dtype=np.float64)


def _log(value: float | None) -> float:
    """log10 within a factor of 30; 0, which says nothing, where unknown."""
    return min(max(math.log10(value), -1.5), 1.5) if value and value > 0 else 0.0


def _habit(endpoints: Sequence[Endpoint], hidden_model: str) -> Array:
    """How often the host labels other models below *this* model's native bits: an fp8 house downgrades bf16 only."""
    labels: defaultdict[str, list[tuple[str, float]]] = defaultdict(list)
    for e in endpoints:
        if e.label_bits is not None and e.model_id != hidden_model:
            labels[e.host].append((e.model_id, e.label_bits))
    every = [pair for found in labels.values() for pair in found]
    values = []
    for e in endpoints:
        floor = e.native_bits - RUNG_BITS
        elsewhere = [bits < floor for model, bits in every if model != e.model_id]
        base = (sum(elsewhere) + 1) / (len(elsewhere) + 2)
        own = [bits for model, bits in labels.get(e.host, ()) if model != e.model_id]
        values.append(logit((sum(bits < floor for bits in own) + STRENGTH * base) / (len(own) + STRENGTH)))
    return np.array(values)


def host_prior(endpoints: Sequence[Endpoint]) -> Array:
    """The plain baseline: share below native among the host's other models' labels."""
    labels: defaultdict[str, list[tuple[str, float]]] = defaultdict(list)
    for e in endpoints:
        if e.label_bits is not None:
            labels[e.host].append((e.model_id, below_native(e)))
    every = [pair for found in labels.values() for pair in found]
    values = []
    for e in endpoints:
        elsewhere = [below for model, below in every if model != e.model_id]
        base = sum(elsewhere) / max(len(elsewhere), 1)
        own = [below for model, below in labels.get(e.host, ()) if model != e.model_id]
        values.append((sum(own) + STRENGTH * base) / (len(own) + STRENGTH))
    return np.array(values)


def labelled_elsewhere(endpoints: Sequence[Endpoint]) -> NDArray[np.int64]:
    """How many other models the host shows a label for: without any, its habit is unknown and nothing may be said."""
    labels: defaultdict[str, list[str]] = defaultdict(list)
    for e in endpoints:
        if e.label_bits is not None:
            labels[e.host].append(e.model_id)
    return np.array([sum(model != e.model_id for model in labels[e.host]) for e in endpoints], dtype=np.int64)


def _hides(endpoints: Sequence[Endpoint]) -> Array:
    """Share of the host's other models without any label."""
    shown: defaultdict[str, list[tuple[str, bool]]] = defaultdict(list)
    for e in endpoints:
        shown[e.host].append((e.model_id, e.label_bits is None))
    values = []
    for e in endpoints:
        own = [hidden for model, hidden in shown[e.host] if model != e.model_id]
        values.append((sum(own) + 1.0) / (len(own) + 2.0))
    return np.array(values)


def _by_model(endpoints: Sequence[Endpoint]) -> dict[str, list[int]]:
    rows: defaultdict[str, list[int]] = defaultdict(list)
    for index, e in enumerate(endpoints):
        rows[e.model_id].append(index)
    return dict(rows)


def _against_siblings(endpoints: Sequence[Endpoint], values: Sequence[float | None], widest: bool = False) -> Array:
    """log10 of the value over the median (or the largest) of the model's other servings; 0 without both."""
    result = np.zeros(len(endpoints))
    for rows in _by_model(endpoints).values():
        known = [(index, value) for index in rows if (value := values[index]) is not None and value > 0]
        for index, value in known:
            others = [other for place, other in known if place != index]
            if others:
                result[index] = _log(value / (max(others) if widest else float(np.median(others))))
    return result


def price_rank(endpoints: Sequence[Endpoint]) -> Array:
    """Where the output price stands among the model's servings: 0 dearest, 1 cheapest, 0.5 alone or unknown."""
    result = np.full(len(endpoints), 0.5)
    for rows in _by_model(endpoints).values():
        known = [(index, p) for index in rows if (p := endpoints[index].output_usd_per_mtok) is not None and p > 0]
        for index, price in known:
            if len(known) > 1:
                dearer = sum(other > price for place, other in known if place != index)
                same = sum(other == price for place, other in known if place != index)
                result[index] = (dearer + same / 2) / (len(known) - 1)
    return result


def _sibling_labels(endpoints: Sequence[Endpoint]) -> Array:
    """Log-odds of the share below native among the model's other labelled servings, against the base rate."""
    truth = [below_native(e) for e in endpoints]
    result = np.zeros(len(endpoints))
    for model, rows in _by_model(endpoints).items():
        known = [value for value, e in zip(truth, endpoints, strict=True) if value == value and e.model_id != model]
        base = (sum(known) + 1) / (len(known) + 2)
        for index in rows:
            others = [truth[place] for place in rows if place != index and truth[place] == truth[place]]
            result[index] = logit((sum(others) + STRENGTH * base) / (len(others) + STRENGTH)) - logit(base)
    return result


def select(x: Array, names: Sequence[str]) -> Array:
    """The columns of `features` with these names."""
    return x[:, [NAMES.index(name) for name in names]]


@dataclass(frozen=True, slots=True)
class Weights:
    """The shipped fit: names in the order of `model`, and the base rate it was fitted at."""

    names: tuple[str, ...]
    model: Logistic
    prior: float
    source: str


def load_weights() -> Weights:
    """weights.csv: one row per feature, and the row `bias`. Fails loudly on anything missing."""
    text = (resources.files("tracker.flags") / "weights.csv").read_text("utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    try:
        bias = next(row for row in rows if row["name"] == "bias")
        prior = next(row for row in rows if row["name"] == "prior")
        used = [row for row in rows if row["name"] not in ("bias", "prior")]
        vectors: list[NDArray[np.float64]] = [
            np.array([float(row[column]) for row in used]) for column in ("weight", "mean", "scale")
        ]
        model = Logistic(float(bias["weight"]), *vectors)
        weights = Weights(tuple(row["name"] for row in used), model, float(prior["weight"]), bias["source"])
    except (KeyError, ValueError, StopIteration) as error:
        raise DataFileError(
            f"tracker/flags/weights.csv: {error!r}; refit with `python -m bench.flags --write`"
        ) from error
    if unknown := set(weights.names) - set(NAMES):
        raise DataFileError(f"tracker/flags/weights.csv: unknown features {sorted(unknown)}")
    return weights
