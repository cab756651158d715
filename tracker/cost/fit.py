"""Fits the stack coefficients to measured rows, and says how wrong the result is on rows it has not seen.

Penalised robust least squares on log throughput: Gauss-Newton with Huber weights. A deviation of a term shifts all rows
of its group alike, so one evaluation per term gives every group's derivative.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tracker.cost.arrays import Array, Floats, Index
from tracker.cost.configure import Configurations, configurations
from tracker.cost.kernel import decode_step, prefill_s, serve
from tracker.cost.measured import Measurement
from tracker.cost.shape import Shape, astuple_shallow
from tracker.cost.stacks import BASE, MOVES, PRIORS, VERIFIED_TOKENS, Fitted, Stack, groups_of, to_coefficients
from tracker.cost.worker import Chip, Coefficients, Layout

NOISE = 0.2  # natural log units: more than the 16 % between months, since rows of one system share their error
HUBER = 1.5
WHOLE_SYSTEM = {"conc", "batch", "maxtput"}


def throughput(c: Configurations, k: Coefficients, mtp_accepted: Array, server_slack: Array) -> Floats:
    """Predicted output tokens/s of whole systems, aggregated or disaggregated."""
    spec = c.speculative > 0
    accepted, verify = np.where(spec, mtp_accepted, 1.0), np.where(spec, VERIFIED_TOKENS, 1.0)
    together = serve(c.shape, c.chip, c.layout, k, c.prompt, c.output, c.batch, verify, accepted)
    total = np.asarray(together.out_tok_s) * c.replicas
    apart = c.prefill_workers > 0
    if apart.any():
        grouped = np.maximum(np.minimum(c.batch, 8192.0 / c.prompt), 1.0)
        each = prefill_s(c.shape, c.chip, c.prefill_layout, k, c.prompt, grouped) / grouped
        alone = prefill_s(c.shape, c.chip, c.prefill_layout, k, c.prompt)
        feed = np.maximum(c.prefill_workers, 1e-9) / each * c.output
        drain = c.batch * c.replicas * c.output / (alone + c.output / accepted * together.step_s)
        total = np.where(apart, (feed**-4 + drain**-4) ** -0.25, total)
    return np.where(c.server > 0, total / server_slack, total)


def expected(c: Configurations, k: Coefficients, mtp_accepted: Array, server_slack: Array) -> Floats:
    """What the engine expects each row to measure, in the unit of its target."""
    out = throughput(c, k, mtp_accepted, server_slack)
    kinds = np.array(c.kind)
    if set(kinds) <= WHOLE_SYSTEM:
        return out
    spec = c.speculative > 0
    verify = np.where(spec, VERIFIED_TOKENS, 1.0)
    step = decode_step(c.shape, c.chip, c.layout, k, c.batch, c.prompt + c.output / 2, verify).total_s
    decode = c.batch * c.replicas * np.where(spec, mtp_accepted, 1.0) / step
    first = prefill_s(c.shape, c.chip, c.layout, k, c.prompt, np.where(kinds == "ttft", c.batch, 1.0))
    bulk = np.maximum(8192.0 / c.prompt, 1.0)
    intake = bulk * c.prompt * c.replicas / prefill_s(c.shape, c.chip, c.layout, k, c.prompt, bulk)
    return np.select(
        [kinds == "user", kinds == "decode", kinds == "ttft", kinds == "prefill"],
        [decode / (c.batch * c.replicas), decode, np.asarray(first), intake],
        out,
    )


def predict(rows: Sequence[Measurement], fit: Fitted) -> Floats:
    """Predictions for measured rows."""
    k = fit.coefficients([Stack.of(m) for m in rows])
    return expected(configurations(rows), k, fit.mtp_accepted(), fit.server_slack())


def take(c: Configurations, index: Index) -> Configurations:
    """Some rows of the columns."""

    def layout(whole: Layout) -> Layout:
        return Layout(np.asarray(whole.tp)[index], 1.0, np.asarray(whole.dp_attention)[index])

    plain = ("replicas", "prefill_workers", "batch", "prompt", "output", "speculative", "server", "target")
    return replace(
        c,
        shape=Shape(*(np.asarray(column)[index] for column in astuple_shallow(c.shape))),
        chip=Chip(*(np.asarray(getattr(c.chip, name))[index] for name in Chip.__dataclass_fields__)),
        layout=layout(c.layout),
        prefill_layout=layout(c.prefill_layout),
        kind=tuple(c.kind[int(i)] for i in index),
        **{name: getattr(c, name)[index] for name in plain},
    )


@dataclass(frozen=True, slots=True)
class Design:
    """Which parameter each row uses for each (term, group)."""

    names: tuple[str, ...]
    keys: tuple[tuple[str, str, str], ...]
    columns: tuple[tuple[str, Index], ...]
    prior: Floats
    width: Floats

    @classmethod
    def of(cls, rows: Sequence[Measurement]) -> "Design":
        groups = [groups_of(Stack.of(m)) for m in rows]
        names, keys, columns = tuple(BASE), [], []
        widths = [1.0] * len(names)
        for term, group, width in PRIORS:
            labels, inverse = np.unique([g[group] for g in groups], return_inverse=True)
            columns.append((term, (len(widths) + inverse).astype(np.int64)))
            keys += [(term, group, str(label)) for label in labels]
            widths += [width] * len(labels)
        prior = np.concatenate([np.log(list(BASE.values())), np.zeros(len(keys))])
        return cls(names, tuple(keys), tuple(columns), prior, np.array(widths))


def _predicted_log(theta: Floats, design: Design, c: Configurations, index: Index, shift: dict[str, float]) -> Floats:
    logs = {name: np.full(len(index), theta[i] + shift.get(name, 0.0)) for i, name in enumerate(design.names)}
    logs["scale"] = np.zeros(len(index))
    for term, column in design.columns:
        for name, sign in MOVES[term]:
            logs[name] = logs[name] + sign * theta[column[index]]
    for term, step in shift.items():
        for name, sign in MOVES.get(term, ()):
            logs[name] = logs[name] + sign * step
    accepted, slack = logs["mtp_accepted"], logs["server_slack"]
    return np.log(expected(c, to_coefficients(logs), np.exp(accepted), np.exp(slack)))


def _loss(residual: Floats, theta: Floats, design: Design) -> float:
    a = np.abs(residual) / NOISE
    data = np.where(a < HUBER, 0.5 * a * a, HUBER * a - 0.5 * HUBER**2).sum()
    return float(data + 0.5 * (((theta - design.prior) / design.width) ** 2).sum())


def _jacobian(theta: Floats, design: Design, c: Configurations, index: Index, here: Floats) -> Floats:
    h = 1e-4
    jacobian = np.zeros((len(index), len(theta)))
    for i, name in enumerate(design.names):
        jacobian[:, i] = (_predicted_log(theta, design, c, index, {name: h}) - here) / h
    slope = {t: (_predicted_log(theta, design, c, index, {t: h}) - here) / h for t in {t for t, _ in design.columns}}
    rows = np.arange(len(index))
    for term, column in design.columns:
        jacobian[rows, column[index]] += slope[term]
    return jacobian


def fit(rows: Sequence[Measurement], index: Index | None = None, steps: int = 25) -> Fitted:
    """Coefficients from the rows at `index` (all by default)."""
    chosen = np.arange(len(rows)) if index is None else index
    design = Design.of(rows)
    c = take(configurations(rows), chosen)
    target = np.log(c.target)
    theta, damping = design.prior.copy(), 1e-2
    here = _predicted_log(theta, design, c, chosen, {})
    loss = _loss(here - target, theta, design)
    for _ in range(steps):
        residual = here - target
        jacobian = _jacobian(theta, design, c, chosen, here)
        a = np.abs(residual) / NOISE
        weight = np.where(a < HUBER, 1.0, HUBER / np.maximum(a, 1e-12)) / NOISE**2
        hessian = (jacobian * weight[:, None]).T @ jacobian + np.diag(1 / design.width**2)
        slope = (jacobian * weight[:, None]).T @ residual + (theta - design.prior) / design.width**2
        for _ in range(12):
            move = np.linalg.solve(hessian + damping * np.diag(np.diag(hessian)), -slope)
            there = _predicted_log(theta + move, design, c, chosen, {})
            after = _loss(there - target, theta + move, design)
            if after < loss:
                break
            damping *= 4
        else:
            break
        settled = loss - after < 1e-4 * loss
        theta, here, loss, damping = theta + move, there, after, max(damping / 4, 1e-5)
        if settled:
            break
    base = dict(zip(design.names, map(float, theta), strict=False))
    deviations = dict(zip(design.keys, map(float, theta[len(design.names) :]), strict=True))
    return Fitted(base, deviations)


def folds(labels: Sequence[str], count: int, seed: int) -> Index:
    """Fold of each row; rows with the same label stay together."""
    unique, inverse = np.unique(labels, return_inverse=True)
    shuffled = np.random.default_rng(seed).permutation(len(unique)) % count
    return np.asarray(shuffled[inverse], dtype=np.int64)


def cross_validate(rows: Sequence[Measurement], labels: Sequence[str], count: int = 10, seed: int = 0) -> Floats:
    """Predictions for each row from a fit that saw no row with its label."""
    fold = folds(labels, count, seed)
    out = np.empty(len(rows))
    for j in range(count):
        held = np.flatnonzero(fold == j)
        model = fit(rows, np.flatnonzero(fold != j))
        out[held] = predict([rows[int(i)] for i in held], model)
    return out


def configuration_label(m: Measurement) -> str:
    """Rows that repeat one configuration: a rerun must not be held out while its twin is fitted."""
    words = (m.chip.name, m.model.slug, m.precision, m.family, m.chips, m.tp, m.prompt, m.output, m.concurrency)
    return "|".join(map(str, words))


def pair_label(m: Measurement) -> str:
    return f"{m.chip.name}|{m.model.slug}"
