"""What circumstance tells about precision: features of one serving beside its host's other servings and its siblings.

The arrays are shared by the fit (bench/flags.py) and by the analysis pass, so that both mean the same. A label is
"below native" when its bits are more than 0.6 under the model's (mxfp4 4.25 and fp4 4.5 are one rung). A row's own
label is never among its features, and its host's history is taken from other models only. The features are those the
rule was asked for: who serves, which model, a price and a speed that native precision does not allow, and whether the
hosts of one model agree; each grows with suspicion, so that no weight may be negative.
"""

import csv
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from tracker.errors import DataFileError
from tracker.flags.logistic import Array, Logistic
from tracker.flags.odds import logit

RUNG_BITS = 0.6
MIN_LABELS = 2  # other models of its width a host must label before its silence on one may be read
STRENGTH = 2.0  # labels' worth of prior in every smoothed share
NAMES = ("host_habit", "siblings", "price_rank", "lower_only_price", "beyond_native")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One host's serving of one model whose native precision is known; None: not known.

    `shape`: whose facts it takes, so that fine-tunes of one model are never split between fit and score.
    `lower_only`: share of the cost draws in which a lower precision earns at its price and the native one does not;
    `beyond_native`: share of them in which no deployment at native precision keeps its speed.
    """

    offer: str
    host: str
    model_id: str
    shape: str
    native_bits: float
    total_params_b: float
    label_bits: float | None
    output_usd_per_mtok: float | None
    lower_only: float | None = None
    beyond_native: float | None = None

    @property
    def floor(self) -> float:
        """A label under it is below the model's native precision."""
        return self.native_bits - RUNG_BITS


def below_native(endpoint: Endpoint) -> float:
    """1 below, 0 at or above, NaN without a label."""
    return math.nan if endpoint.label_bits is None else float(endpoint.label_bits < endpoint.floor)


@dataclass(frozen=True, slots=True)
class Pool:
    """One serving per host and model, as habits, ranks and siblings are counted."""

    by_host: dict[str, list[Endpoint]]
    by_model: dict[str, list[Endpoint]]
    hidden_shape: str = ""  # its labels are unknown to every host's history

    def habit(self, one: Endpoint) -> list[Endpoint]:
        """The other models its host labels that were released in as many bits or more.

        A label on a narrower model shows no habit: DeepSeek in fp8 is native.
        """
        return [e for e in self.by_host.get(one.host, ()) if self._shows(e, one)]

    def siblings(self, one: Endpoint) -> list[Endpoint]:
        """The model's servings by other hosts."""
        return [e for e in self.by_model.get(one.model_id, ()) if e.host != one.host]

    def elsewhere(self, one: Endpoint) -> list[Endpoint]:
        """Every host's labels of other models that were released in as many bits or more."""
        return [e for found in self.by_host.values() for e in found if self._shows(e, one)]

    def _shows(self, other: Endpoint, one: Endpoint) -> bool:
        if other.label_bits is None or other.model_id == one.model_id or other.shape == self.hidden_shape:
            return False
        return other.native_bits > one.floor


def pool_of(endpoints: Iterable[Endpoint], hidden_shape: str = "") -> Pool:
    """Where a host serves a model twice, the widest label counts, in its favour."""
    kept: dict[tuple[str, str], Endpoint] = {}
    for e in sorted(endpoints, key=lambda e: (e.host, e.model_id, -(e.label_bits or 0.0), e.offer)):
        kept.setdefault((e.host, e.model_id), e)
    by_host, by_model = defaultdict(list), defaultdict(list)
    for e in kept.values():
        by_host[e.host].append(e)
        by_model[e.model_id].append(e)
    return Pool(dict(by_host), dict(by_model), hidden_shape)


def features(endpoints: Sequence[Endpoint], pool: Pool) -> Array:
    """[rows, NAMES]; 0 is what says nothing. `host_habit` and `siblings` are log-odds above those of the width."""
    return np.array([_row(one, pool) for one in endpoints]).reshape(len(endpoints), len(NAMES))


def _row(one: Endpoint, pool: Pool) -> tuple[float, ...]:
    base = width_share(one, pool)
    labelled = [e for e in pool.siblings(one) if e.label_bits is not None]
    usual = logit(base)
    return (
        logit(share_below(one, pool.habit(one), STRENGTH, base)) - usual,
        logit(share_below(one, labelled, STRENGTH, base)) - usual,
        2 * price_rank(one, pool) - 1,
        one.lower_only or 0.0,
        one.beyond_native or 0.0,
    )


def width_share(one: Endpoint, pool: Pool) -> float:
    """What the model's width alone tells: the share below it of all hosts' labels of other models as wide or wider.

    Where every sum begins; the weights say how far the rest moves it.
    """
    return share_below(one, pool.elsewhere(one), 1.0, 0.5)


def below(one: Endpoint, others: Iterable[Endpoint]) -> list[Endpoint]:
    """Those labelled below the native precision of `one`."""
    return [e for e in others if e.label_bits is not None and e.label_bits < one.floor]


def share_below(one: Endpoint, labelled: Sequence[Endpoint], strength: float, base: float) -> float:
    """Their share, with `strength` labels' worth of `base`."""
    return (len(below(one, labelled)) + strength * base) / (len(labelled) + strength)


def price_rank(one: Endpoint, pool: Pool) -> float:
    """Share of the model's other hosts whose output price is above its own, ties half; 0.5 alone or unknown."""
    own = one.output_usd_per_mtok
    others = [p for e in pool.siblings(one) if (p := e.output_usd_per_mtok)]
    if not own or not others:
        return 0.5
    return sum((p > own) + (p == own) / 2 for p in others) / len(others)


def judged(endpoints: Sequence[Endpoint], pool: Pool) -> NDArray[np.bool_]:
    """Which of them may be judged without a label: those whose host shows a habit at their width."""
    return np.array([len(pool.habit(one)) >= MIN_LABELS for one in endpoints], dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class Weights:
    """The shipped fit, its columns in the order of NAMES, and the share below native among its labels."""

    model: Logistic
    share: float

    def added(self, row: Array) -> dict[str, float]:
        """What each feature of a row adds to the log-odds, by name."""
        return dict(zip(NAMES, self.model.contributions(row).tolist(), strict=True))


def load_weights() -> Weights:
    """weights.csv: one row per feature, in the order of NAMES, after the row `share`."""
    text = (resources.files("tracker.flags") / "weights.csv").read_text("utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    try:
        share, *used = rows
        if (share["name"], *(row["name"] for row in used)) != ("share", *NAMES):
            raise ValueError(f"rows other than share, {', '.join(NAMES)}")
        weights, scales = (np.array([float(row[column]) for row in used]) for column in ("weight", "scale"))
        if (weights < 0).any() or (scales <= 0).any():
            raise ValueError("a weight below 0 clears what it should suspect")
        return Weights(Logistic(0.0, weights, scales), float(share["weight"]))
    except (KeyError, ValueError) as error:
        raise DataFileError(
            f"tracker/flags/weights.csv: {error!r}; refit with `python -m bench.flags --write`"
        ) from error
