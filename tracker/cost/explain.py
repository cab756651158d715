"""Sentences and small tables for people: who breaks even at which batch, what fits a price, why cost fell."""

from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

import numpy as np

from tracker.cost.arrays import Floats
from tracker.cost.deploy import Grid, grid, required_deployments, trace_of
from tracker.cost.facts import Model, Precision, find_model, find_precision
from tracker.cost.market import Question, assumptions_of, check
from tracker.cost.money import RentTable, shipped_rents
from tracker.cost.scenario import Scenario
from tracker.cost.shape import params
from tracker.cost.stacks import Fitted, fitted
from tracker.errors import CostError


@dataclass(frozen=True, slots=True)
class Row:
    """One deployment at the middle of a scenario; dollars are per million tokens, utilisation included."""

    deployment: str
    usd_per_chip_hour: float
    batch: float
    tok_s_user: float
    first_token_s: float
    input_usd_per_mtok: float
    output_usd_per_mtok: float
    blended_usd_per_mtok: float
    break_even_batch: float | None
    break_even_utilisation: float | None
    trace: str


class Middle(NamedTuple):
    """A grid priced at the middle of its scenario: arrays (deployments, batches), US dollars per million tokens."""

    source: Grid
    hourly: Floats
    usd_in: Floats
    usd_out: Floats
    usd_request: Floats


def middle(
    model: Model,
    precision: Precision,
    when: date,
    scenario: Scenario,
    rents: RentTable,
    fit: Fitted,
    ttft_s: float | None = None,
) -> Middle:
    """Every deployment at every batch with all ranges at their middle; requests in dollars per million of them."""
    prompt, output, hit = scenario.prompt[1], scenario.output[1], scenario.cache_hit[1]
    units = required_deployments(model, precision, when, scenario, rents, prompt + output)
    made = grid(units, when, fit, prompt, output, scenario.kv_use, wait_s=ttft_s or np.inf)
    hourly = np.array([rents.required(u.chip, when).p50_usd_per_hour for u in units]) * scenario.rent[1]
    per_second = (hourly / 3600 / scenario.utilisation[1])[:, None] * 1e6
    usd_in, usd_out = made.chip_s_per_input * per_second, made.chip_s_per_output * per_second
    request = usd_in * prompt * (1 - hit) + usd_out * output
    return Middle(made, hourly, usd_in, usd_out, np.where(made.fits > 0, request, np.inf))


def paid_per_request(q: Question, scenario: Scenario) -> float:
    """What a million requests bring at the question's prices and the scenario's middle mix."""
    hit = scenario.cache_hit[1]
    cached = q.cached_usd_per_mtok if q.cached_usd_per_mtok is not None else q.input_usd_per_mtok or 0.0
    return scenario.prompt[1] * ((1 - hit) * (q.input_usd_per_mtok or 0.0) + hit * cached) + scenario.output[1] * (
        q.output_usd_per_mtok or 0.0
    )


def _owed(q: Question, m: Middle, scenario: Scenario) -> Floats:
    """Cost of the sides whose price is known, per million requests."""
    into = m.usd_in * scenario.prompt[1] * (1 - scenario.cache_hit[1]) if q.input_usd_per_mtok is not None else 0.0
    out = m.usd_out * scenario.output[1] if q.output_usd_per_mtok is not None else 0.0
    return np.where(m.source.fits > 0, into + out, np.inf)


def _row(m: Middle, i: int, j: int, scenario: Scenario, owed: Floats | None, paid: float) -> Row:
    batch_even, use_even = None, None
    if owed is not None and paid > 0:
        covered = np.flatnonzero(owed[i] <= paid)
        batch_even = float(m.source.batch[i, covered[0]]) if len(covered) else None
        use_even = float(owed[i, j] * scenario.utilisation[1] / paid)
    tokens = scenario.prompt[1] + scenario.output[1]
    return Row(
        deployment=str(m.source.units[i]),
        usd_per_chip_hour=float(m.hourly[i]),
        batch=float(m.source.batch[i, j]),
        tok_s_user=float(m.source.tok_s_user[i, j]),
        first_token_s=float(m.source.first_token_s[i, j]),
        input_usd_per_mtok=float(m.usd_in[i, j]),
        output_usd_per_mtok=float(m.usd_out[i, j]),
        blended_usd_per_mtok=float(m.usd_request[i, j] / tokens),
        break_even_batch=batch_even,
        break_even_utilisation=use_even,
        trace=trace_of(m.source, i, j),
    )


def deployment_table(
    q: Question,
    rents: RentTable | None = None,
    fit: Fitted | None = None,
    limit: int = 12,
) -> list[Row]:
    """The cheapest batch of each deployment within the load, the speed and the first-token time; cheapest first."""
    check(q)
    scenario = assumptions_of(q)
    model, precision = find_model(q.model_id), find_precision(q.precision)
    m = middle(model, precision, q.when, scenario, rents or shipped_rents(), fit or fitted(), q.ttft_s)
    allowed = (m.source.batch <= scenario.load_batch[1]) & (m.source.tok_s_user >= (q.tok_s_user or 0.0))
    allowed &= m.source.first_token_s <= (q.ttft_s or np.inf)
    cost = np.where(allowed, m.usd_request, np.inf)
    priced = q.input_usd_per_mtok is not None or q.output_usd_per_mtok is not None
    owed = _owed(q, m, scenario) if priced else None
    best = cost.argmin(axis=1)
    rows = [
        _row(m, i, int(j), scenario, owed, paid_per_request(q, scenario))
        for i, j in enumerate(best)
        if np.isfinite(cost[i, j])
    ]
    if not rows:
        speed = f"{q.tok_s_user:g} tokens/s/user" if q.tok_s_user else "the first-token time"
        raise CostError(f"{model.slug} at {precision.precision}: no deployment reaches {speed} on {q.when}")
    return sorted(rows, key=lambda r: r.blended_usd_per_mtok)[:limit]


def frontier(q: Question, rents: RentTable | None = None, fit: Fitted | None = None) -> list[Row]:
    """Dollars against tokens/s/user: the points that no other deployment or batch beats on both, fastest first."""
    scenario = assumptions_of(q)
    model, precision = find_model(q.model_id), find_precision(q.precision)
    m = middle(model, precision, q.when, scenario, rents or shipped_rents(), fit or fitted(), q.ttft_s)
    order = np.argsort(-m.source.tok_s_user, axis=None, kind="stable")
    cheapest, out = np.inf, []
    for flat in order:
        i, j = (int(v) for v in np.unravel_index(flat, m.usd_request.shape))
        if m.usd_request[i, j] < cheapest * 0.995:
            cheapest = float(m.usd_request[i, j])
            out.append(_row(m, i, j, scenario, None, 0.0))
    return out


@dataclass(frozen=True, slots=True)
class Size:
    """The largest model of a kind that breaks even at a price and a speed."""

    kind: str
    total_b: float
    active_b: float
    trace: str
    note: str


SPARSE, DENSE = "deepseek-v3", "llama-3.1-405b"


def scaled(template: Model, factor: float) -> Model:
    """A model of the template's proportions with about `factor` times its parameters: sizes go by the cube root."""
    root = factor ** (1 / 3)

    def at_least(value: float, step: int) -> int:
        return max(int(value * root / step + 0.5) * step, step)

    layers = at_least(template.layers, 1)
    return replace(
        template,
        layers=layers,
        full_layers=layers,
        moe_layers=layers - (template.layers - template.moe_layers) if template.experts and layers > 4 else 0,
        hidden=at_least(template.hidden, 64),
        heads=at_least(template.heads, 8),
        ffn=at_least(template.ffn, 64),
        expert_ffn=at_least(template.expert_ffn, 64) if template.experts else 0,
        experts=template.experts if layers > 4 else 0,
    )


def largest_size(q: Question, rents: RentTable | None = None, fit: Fitted | None = None) -> list[Size]:
    """For a closed model: the largest sparse and dense size whose middle cost its price covers at its speed.

    `q.model_id` is not looked up. The sparse template has DeepSeek V3's proportions, the dense one Llama 3.1 405B's.
    """
    check(q)
    table, known = rents or shipped_rents(), fit or fitted()
    scenario = assumptions_of(q)
    precision, paid = find_precision(q.precision), paid_per_request(q, scenario)
    if paid <= 0:
        raise CostError(f"{q.model_id}: a free offer covers no model of any size")
    sizes = []
    for kind, name in (("sparse", SPARSE), ("dense", DENSE)):
        template = find_model(name)

        def best(factor: float, template: Model = template) -> tuple[float, str]:
            model = scaled(template, factor)
            try:
                m = middle(model, precision, q.when, scenario, table, known, q.ttft_s)
            except CostError:
                return np.inf, ""
            ok = (m.source.batch <= scenario.load_batch[1]) & (m.source.tok_s_user >= (q.tok_s_user or 0.0))
            owed = np.where(ok & (m.source.first_token_s <= (q.ttft_s or np.inf)), _owed(q, m, scenario), np.inf)
            i, j = (int(v) for v in np.unravel_index(int(owed.argmin()), owed.shape))
            return float(owed.min()), trace_of(m.source, i, j)

        low, high = 1e-3, 8.0
        if best(low)[0] > paid:
            sizes.append(Size(kind, 0.0, 0.0, "", f"not even {_total(template, low):.1f} B breaks even"))
            continue
        for _ in range(18):
            mid = float(np.sqrt(low * high))
            low, high = (mid, high) if best(mid)[0] <= paid else (low, mid)
        model, trace = scaled(template, low), best(low)[1]
        active = params(model)
        share = model.experts_active / model.experts if model.experts else 1.0
        used = active.total - active.embedding - active.experts * (1 - share)
        note = "at the end of the searched range" if low > 7.9 else f"proportions of {name}"
        sizes.append(Size(kind, active.total / 1e9, used / 1e9, trace, note))
    return sizes


def _total(template: Model, factor: float) -> float:
    return params(scaled(template, factor)).total / 1e9
