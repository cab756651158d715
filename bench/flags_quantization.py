"""Quantization features against declared labels, cross-validated by model. Reads the recorded endpoint tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from tracker.assess.costs import bits_of, native_bits, open_model, scenario_of
from tracker.cost import Question, assess
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
from tracker.flags.quantization import NAMES, Endpoint, below_native, features, host_prior, price_rank, select

RIDGES = (0.3, 1.0, 3.0, 10.0, 30.0)
# Label changes are left out: they are counted on the very label that is to be told.
SHIPPED = ("host_habit", "native_16_bit", "native_8_bit", "price_over_cost", "speed", "price_rank")
WITHOUT_SIBLINGS = tuple(name for name in NAMES if name != "siblings")
DAY = date(2026, 8, 3)
_SQL = """
WITH shown AS (
    SELECT endpoint_id, model_slug, split_part(provider_slug, '/', 1) AS host, quantization, scrape_date,
           TRY_CAST(price_prompt AS DOUBLE) * 1e6 AS given, TRY_CAST(price_completion AS DOUBLE) * 1e6 AS output,
           TRY_CAST(p50_throughput AS DOUBLE) AS tok_s, TRY_CAST(p50_latency AS DOUBLE) / 1000 AS ttft_s,
           TRY_CAST(context_length AS BIGINT) AS context
    FROM read_parquet(?) WHERE variant = 'standard'
)
SELECT endpoint_id, arg_max(model_slug, scrape_date), arg_max(host, scrape_date),
       arg_max(quantization, scrape_date) FILTER (quantization <> 'unknown'), count(DISTINCT quantization) - 1,
       median(given), median(output), median(tok_s), median(ttft_s), max(context)
FROM shown GROUP BY endpoint_id ORDER BY endpoint_id
"""


@dataclass(frozen=True, slots=True)
class Labelled:
    """All endpoints of open models, and which of them declare a label."""

    endpoints: tuple[Endpoint, ...]
    truth: Array
    labelled: NDArray[np.bool_]
    groups: NDArray[np.str_]
    seen: int  # endpoints in the file
    seen_labelled: int


def read(folder: Path) -> Labelled:
    """Endpoints whose model has facts; the label last shown, medians of the prices and speeds of all days."""
    rows = duckdb.connect().execute(_SQL, [str(folder / "endpoints_daily.parquet")]).fetchall()
    endpoints = [endpoint for row in rows if (endpoint := _endpoint(row)) is not None]
    priced = _with_costs(endpoints)
    truth = np.array([below_native(endpoint) for endpoint in priced])
    groups = np.array([endpoint.model_id for endpoint in priced])
    return Labelled(tuple(priced), truth, ~np.isnan(truth), groups, len(rows), sum(row[3] is not None for row in rows))


def _endpoint(row: tuple[object, ...]) -> Endpoint | None:
    endpoint_id, slug, host, label, changes, given, output, tok_s, ttft_s, context = row
    model = open_model(str(slug))
    if model is None:
        return None
    return Endpoint(
        str(endpoint_id), str(host), model.model_id, native_bits(model), model.total_params_b,
        (DAY - model.released).days, bits_of().get(str(label)), given, output, tok_s, ttft_s, context,
        int(str(changes)),
    )  # fmt: skip  # type: ignore[arg-type]


def _with_costs(endpoints: Sequence[Endpoint]) -> list[Endpoint]:
    """Output price over the middle cost at native precision, at the observed speed."""
    from dataclasses import replace

    models = {endpoint.model_id: open_model(endpoint.model_id) for endpoint in endpoints}
    asked = [
        Question(
            e.model_id, m.native_precision, e.input_usd_per_mtok, e.output_usd_per_mtok, DAY, scenario_of(m, DAY),
            e.tok_s or None, e.ttft_s or None,
        )
        for e in endpoints
        if (m := models[e.model_id]) is not None
    ]  # fmt: skip
    done = []
    for endpoint, estimate in zip(endpoints, assess(asked), strict=True):
        cost, price = estimate.output_usd_per_mtok, endpoint.output_usd_per_mtok
        ratio = price / cost.mid if cost is not None and price else None
        done.append(replace(endpoint, price_over_native_cost=ratio, native_reach=estimate.feasible_share))
    return done


def strict_scores(data: Labelled, names: Sequence[str]) -> Array:
    """Probabilities of the labelled rows; fit, ridge and every host's history know nothing of the row's model."""
    scored = np.full(len(data.truth), np.nan)
    for group in np.unique(data.groups[data.labelled]):
        x = select(features(data.endpoints, hidden_model=str(group)), names)
        train = data.labelled & (data.groups != group)
        test = data.labelled & (data.groups == group)
        ridge = best_ridge(x[train], data.truth[train], data.groups[train])
        scored[test] = fit(x[train], data.truth[train], ridge).probabilities(x[test])
    return scored[data.labelled]


def best_ridge(x: Array, y: Array, groups: NDArray[np.str_]) -> float:
    """The ridge with the best Brier score in five folds of whole models."""
    fold = (np.unique(groups, return_inverse=True)[1] % 5).astype(np.str_)
    scores = [brier(by_group(x, y, fold, ridge), y) for ridge in RIDGES]
    return RIDGES[int(np.argmin(scores))]


def final_fit(data: Labelled, names: Sequence[str]) -> Logistic:
    """The fit on every label, as shipped."""
    x, y = select(features(data.endpoints), names)[data.labelled], data.truth[data.labelled]
    return fit(x, y, best_ridge(x, y, data.groups[data.labelled]))


def score_table(data: Labelled) -> tuple[list[str], Array]:
    """Markdown rows per scorer, and the probabilities of the strict fit."""
    y, groups = data.truth[data.labelled], data.groups[data.labelled]
    strict = strict_scores(data, SHIPPED)
    scorers: list[tuple[str, Array, bool]] = [
        ("base rate", np.full(len(y), y.mean()), True),
        ("baseline: host prior only", host_prior(data.endpoints)[data.labelled], True),
        ("baseline: price rank only", price_rank(data.endpoints)[data.labelled], False),
        ("price, speed, first token, context, price over cost", strict_scores(data, CIRCUMSTANCE), True),
        ("native bits of the model only", strict_scores(data, ("native_16_bit", "native_8_bit")), True),
        ("host habit against native bits only", strict_scores(data, ("host_habit",)), True),
        ("**host habit, native bits, price over cost, speed, price rank (shipped)**", strict, True),
        ("every feature", strict_scores(data, WITHOUT_SIBLINGS), True),
        ("every feature, and the labels of the model's other hosts", strict_scores(data, NAMES), True),
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


CIRCUMSTANCE = ("input_price", "output_price", "price_rank", "speed", "first_token", "context_cap", "price_over_cost")


FAST = 0.05  # of the draws without a native deployment: a speed that native precision hardly allows


def beyond_native_line(data: Labelled) -> str:
    """How often a speed was seen that native precision does not allow, and what those endpoints declare."""
    fast = np.array([1 - (e.native_reach if e.native_reach is not None else 1.0) > FAST for e in data.endpoints])
    labelled = data.truth[data.labelled & fast]
    return (
        f"A speed that no deployment keeps at native precision in more than {FAST:.0%} of the draws: "
        f"{len(labelled)} of the labelled endpoints, {int(labelled.sum())} of them below native."
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


def weights_csv(model: Logistic, names: Sequence[str], base: float, labels: int) -> str:
    """The shipped file: one row per feature, the bias and the base rate."""
    source = f"bench/flags.py on {labels} labelled endpoints of open models, 2026-07-17 to 2026-08-08"
    lines = ["name,weight,mean,scale,source,as_of", f'bias,{model.bias:.6g},0,1,"{source}",{DAY}']
    lines.append(f'prior,{base:.6g},0,1,"share below native among them",{DAY}')
    for name, weight, mean, scale in zip(names, model.weights, model.means, model.scales, strict=True):
        lines.append(f'{name},{weight:.6g},{mean:.6g},{scale:.6g},"{source}",{DAY}')
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
    bits = {**bits_of(), "fp6": 6.0}
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
