"""Quantization features against declared labels, cross-validated by model. Reads the recorded endpoint tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from bench.flags_endpoints import DAY, Labelled
from bench.flags_features import OTHERS, other_features
from tracker.assess.labels import label_bits
from tracker.flags import RULES
from tracker.flags.likely_quantized import CAP_WITHOUT_AUDIT
from tracker.flags.logistic import (
    Array,
    Logistic,
    auroc,
    average_precision,
    brier,
    by_group,
    fit,
    reliability,
    within_groups,
)
from tracker.flags.odds import logit
from tracker.flags.quantization import (
    NAMES,
    Endpoint,
    Pool,
    below_native,
    features,
    pool_of,
    price_rank,
    width_share,
)

RIDGES = (0.3, 1.0, 3.0, 10.0, 30.0)
EVERY = (*NAMES, *OTHERS)


@dataclass(frozen=True, slots=True)
class Scorer:
    """A set of features. `starts`: begins at the share of the model's width; else a constant is fitted."""

    title: str
    names: tuple[str, ...]
    least: float = 0.0
    starts: bool = True

    def read(self, data: Labelled, hidden_shape: str = "") -> tuple[Array, Array]:
        """Columns and starts of every endpoint; no host's history knows the labels of `hidden_shape`."""
        pool = pool_of(data.endpoints, hidden_shape)
        every = np.column_stack([features(data.endpoints, pool), other_features(data.rows)])
        width = np.array([logit(width_share(e, pool)) for e in data.endpoints])
        return every[:, [EVERY.index(name) for name in self.names]], width

    def fit(self, x: Array, y: Array, groups: NDArray[np.str_], start: Array) -> Logistic:
        """With the ridge of the best Brier score in five folds of whole models."""
        fold = (np.unique(groups, return_inverse=True)[1] % 5).astype(np.str_)
        begins = start if self.starts else None
        scores = [brier(by_group(x, y, fold, ridge, self.least, begins), y) for ridge in RIDGES]
        return fit(x, y, RIDGES[int(np.argmin(scores))], self.least, begins)

    def strict(self, data: Labelled) -> Array:
        """Probabilities of the labelled rows; fit, ridge and every host's history know nothing of the row's model."""
        scored = np.full(len(data.truth), np.nan)
        for group in np.unique(data.groups[data.labelled]):
            x, start = self.read(data, str(group))
            train = data.labelled & (data.groups != group)
            test = data.labelled & (data.groups == group)
            model = self.fit(x[train], data.truth[train], data.groups[train], start[train])
            scored[test] = model.probabilities(x[test], start[test] if self.starts else None)
        return scored[data.labelled]

    def final(self, data: Labelled) -> Logistic:
        """The fit on every label."""
        x, start = self.read(data)
        rows = data.labelled
        return self.fit(x[rows], data.truth[rows], data.groups[rows], start[rows])


def host_prior(endpoints: Sequence[Endpoint], pool: Pool) -> Array:
    """The plain baseline: share below native among the host's other models' labels."""
    labels = [(e.host, e.shape, below_native(e)) for found in pool.by_host.values() for e in found]
    labels = [row for row in labels if row[2] == row[2]]
    values = []
    for e in endpoints:
        elsewhere = [below for _, model, below in labels if model != e.shape]
        own = [below for host, model, below in labels if host == e.host and model != e.shape]
        values.append((sum(own) + 2 * sum(elsewhere) / max(len(elsewhere), 1)) / (len(own) + 2))
    return np.array(values)


ANY = -np.inf
SHIPPED = Scorer("**shipped: width, host habit, siblings, price and speed, no weight below 0**", NAMES)
SCORERS = (
    Scorer("raw price, speed, first token, context, price over cost", OTHERS[:6], ANY, starts=False),
    Scorer("the model's width only", ()),
    Scorer("width and host habit", ("host_habit",)),
    SHIPPED,
    Scorer("shipped, weights of any sign", NAMES, ANY),
    Scorer("every feature, weights of any sign", EVERY, ANY),
)


def score_table(data: Labelled) -> tuple[list[str], Array]:
    """Markdown rows per scorer, and the probabilities of the shipped features."""
    y, groups = data.truth[data.labelled], data.groups[data.labelled]
    pool = pool_of(data.endpoints)
    rank = np.array([price_rank(e, pool) for e in data.endpoints])[data.labelled]
    strict = SHIPPED.strict(data)
    scorers: list[tuple[str, Array, bool]] = [
        ("base rate", np.full(len(y), y.mean()), True),
        ("baseline: host prior only", host_prior(data.endpoints, pool)[data.labelled], True),
        ("baseline: price rank only", rank, False),
        *((one.title, strict if one is SHIPPED else one.strict(data), True) for one in SCORERS),
    ]
    lines = [
        "| scorer | AUROC | average precision | Brier | AUROC within one model |",
        "|---|---|---|---|---|",
    ]
    for name, score, is_probability in scorers:
        inside, _ = within_groups(score, y, groups)
        error = f"{brier(score, y):.3f}" if is_probability else "not a probability"
        lines.append(f"| {name} | {auroc(score, y):.3f} | {average_precision(score, y):.3f} | {error} | {inside:.2f} |")
    return lines, strict


FAST = 0.05  # of the draws without a native deployment: a speed that native precision hardly allows


def beyond_native_line(data: Labelled) -> str:
    """How often a speed was seen that native precision does not allow, and what those endpoints declare."""
    known = ~np.isnan(data.truth)
    fast = np.array([(e.beyond_native or 0.0) > FAST for e in data.endpoints])
    cheap = np.array([(e.lower_only or 0.0) > FAST for e in data.endpoints])
    told = [(int((known & seen).sum()), int(data.truth[known & seen].sum())) for seen in (fast, cheap)]
    return (
        f"Of all labelled endpoints, a speed that no deployment keeps at native precision in more than {FAST:.0%} of "
        f"the draws: {told[0][0]}, of them below native {told[0][1]}. A price that a lower precision carries and the "
        f"native one does not in more than {FAST:.0%} of the draws: {told[1][0]}, of them below native {told[1][1]}."
    )


def weak_lines(data: Labelled, score: Array) -> list[str]:
    """Where it is strong and where not: by the width of the model, and among what would be flagged."""
    y = data.truth[data.labelled]
    bits = np.array([e.native_bits for e, shown in zip(data.endpoints, data.labelled, strict=True) if shown])
    told = []
    for title, low, high in (("16", 8.5, 99.0), ("8", 5.0, 8.5), ("4", 0.0, 5.0)):
        rows = (bits > low) & (bits <= high)
        count, lower = int(rows.sum()), int(y[rows].sum())
        known = f"AUROC {auroc(score[rows], y[rows]):.2f}" if 0 < lower < count else "nothing to tell apart"
        told.append(f"{title} bits: {count} endpoints, {lower} below native, {known}")
    rule = RULES["likely_quantized"]
    over = score >= rule.open_at
    right = int(y[over].sum())
    return [
        f"Released in {'; in '.join(told)}.",
        f"Said {rule.open_at:.2f} or more, where a flag opens (held at {CAP_WITHOUT_AUDIT:.2f} without an audit): "
        f"{int(over.sum())} endpoints, {right} of them below native ({right / max(int(over.sum()), 1):.0%}).",
    ]


def weight_table(data: Labelled) -> list[str]:
    """What the shipped fit makes of each feature, per standard deviation."""
    model = SHIPPED.final(data)
    told = " | ".join(f"{weight:.2f}" for weight in model.weights)
    return [f"| weight per standard deviation | {' | '.join(NAMES)} |", f"|---|{'---|' * len(NAMES)}", f"| | {told} |"]


def hidden_line(data: Labelled) -> str:
    """What the fit says of endpoints that declare nothing."""
    unknown = np.isnan(data.truth)
    said = SHIPPED.final(data).probabilities(*SHIPPED.read(data))[unknown & data.habit]
    opens = RULES["likely_quantized"].open_at
    return (
        f"Unknown labels, scored and never trained on: {int(unknown.sum())}; {len(said)} of them at hosts that show a "
        f"habit, the only ones judged; {int((said >= opens).sum())} reach {opens:.2f}."
    )


def reliability_table(probability: Array, y: Array) -> list[str]:
    lines = ["| probability said | endpoints | mean said | share below native |", "|---|---|---|---|"]
    for low, high, count, said, was in reliability(probability, y, np.array([0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0])):
        lines.append(f"| {low:.1f} to {high:.1f} | {count} | {said:.2f} | {was:.2f} |")
    return lines


def interval(score: Array, y: Array, groups: NDArray[np.str_], draws: int = 400) -> tuple[float, float]:
    """The 80 % interval of the AUROC when whole models are drawn with replacement."""
    rng = np.random.default_rng(1)
    names = np.unique(groups)
    rows_of = {name: np.flatnonzero(groups == name) for name in names}
    found = []
    for _ in range(draws):
        rows = np.concatenate([rows_of[name] for name in rng.choice(names, len(names))])
        found.append(auroc(score[rows], y[rows]))
    low, high = np.nanquantile(found, (0.1, 0.9))
    return float(low), float(high)


def weights_csv(data: Labelled) -> str:
    """The shipped file: the base rate, and one row per feature."""
    model, share, labels = SHIPPED.final(data), float(data.truth[data.labelled].mean()), int(data.labelled.sum())
    source = f"bench/flags.py on {labels} labelled endpoints of open models, 2026-07-17 to 2026-08-08"
    lines = ["name,weight,scale,source,as_of", f'share,{share:.6g},1,"below native among the labels",{DAY}']
    for name, weight, scale in zip(NAMES, model.weights, model.scales, strict=True):
        lines.append(f'{name},{weight:.6g},{scale:.6g},"{source}",{DAY}')
    return "\n".join(lines) + "\n"


_PROXY = """
WITH shown AS (
    SELECT endpoint_id, permaslug, split_part(provider_slug, '/', 1) AS host,
           mode(quantization) FILTER (quantization <> 'unknown') AS label,
           median(TRY_CAST(price_completion AS DOUBLE)), median(TRY_CAST(price_prompt AS DOUBLE)),
           median(TRY_CAST(p50_throughput AS DOUBLE)), median(TRY_CAST(p50_latency AS DOUBLE))
    FROM read_parquet(?) WHERE variant = 'standard' GROUP BY endpoint_id, permaslug, host
)
SELECT * FROM shown WHERE label IS NOT NULL ORDER BY endpoint_id
"""


def first_look(folder: Path) -> list[str]:
    """The proxy of the first look: a label below the highest that any host declares for the model."""
    rows = duckdb.connect().execute(_PROXY, [str(folder / "endpoints_daily.parquet")]).fetchall()
    bits = label_bits()
    top: dict[str, set[float]] = {}
    for row in rows:
        top.setdefault(row[1], set()).add(bits[row[3]])
    kept = [row for row in rows if len(top[row[1]]) > 1]
    y = np.array([float(bits[row[3]] < max(top[row[1]]) - 0.6) for row in kept])
    by_host = [(row[2], row[1], value) for row, value in zip(kept, y, strict=True)]
    prior = np.array([_other_models(by_host, row[2], row[1], float(y.mean())) for row in kept])
    names = ("output price", "input price", "throughput", "first token")
    found = []
    for index, name in enumerate(names, start=4):
        known = np.array([row[index] is not None for row in kept])
        values = np.array([-float(row[index]) for row in kept if row[index] is not None])
        found.append(f"{name} {auroc(values, y[known]):.2f}")
    found.append(f"host prior {auroc(prior, y):.2f}")
    models = len({row[1] for row in kept})
    return [
        f"The first look, recomputed (below the highest label any host declares for the model; {models} models, "
        f"{len(kept)} endpoints): AUROC of a low {', '.join(found)}."
    ]


def _other_models(rows: Sequence[tuple[str, str, float]], host: str, model: str, base: float) -> float:
    own = [value for h, m, value in rows if h == host and m != model]
    return (sum(own) + 2 * base) / (len(own) + 2)
