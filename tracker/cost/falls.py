"""What made serving cheaper between two days: one change at a time, from a dense model on the first day's hardware.

The order is fixed and matters: a factor is what a change brings after the ones before it. What a price fell by beyond
the product is margin given up.
"""

from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from tracker.cost.deploy import grid, required_deployments, trace_of
from tracker.cost.facts import Model, find_precision
from tracker.cost.money import RentTable, shipped_rents
from tracker.cost.scenario import Scenario
from tracker.cost.shape import params
from tracker.cost.stacks import Fitted, fitted
from tracker.errors import CostError


@dataclass(frozen=True, slots=True)
class Fall:
    """One step of the waterfall: cost after it and the factor it brought."""

    cause: str
    usd_per_mtok: float
    factor: float
    detail: str


# When a technique could be had in public serving software or in released weights.
SINCE = {
    "paging": (date(2023, 6, 20), "vLLM release"),
    "batching": (date(2023, 6, 20), "vLLM release; Orca described it in 2022-07"),
    "fp8": (date(2023, 10, 18), "TensorRT-LLM 0.5"),
    "fp4": (date(2025, 2, 27), "TensorRT-LLM and DeepSeek-R1 FP4 weights"),
    "speculation": (date(2025, 1, 1), "multi-token prediction in public stacks"),
}
UNPAGED_USE = 0.3  # of the cache's memory before paging: the 2024 article, 20.4-38.2 % in the vLLM paper
STATIC_SLOTS = 0.5  # of a static batch's slots still producing, on average, when answers differ in length


def dense_twin(model: Model) -> Model:
    """What would have been served instead: a dense model with full multi-head caches.

    Its size is the geometric mean of the sparse model's total and active parameters, a common rule of thumb for
    equal quality; a dense model keeps its own size.
    """
    wide = replace(model, kv_heads=model.heads, attention="mha", kv_compress=1.0, experts=0, experts_active=0)
    if model.attention in {"mla", "csa"}:
        wide = replace(wide, head_dim=model.v_dim if model.attention == "mla" else 128)
    wide = replace(wide, moe_layers=0, expert_ffn=0, experts_shared=0.0, mtp_layers=0)
    if not model.experts:
        return wide
    target = np.sqrt(model.total_params_b * model.active_params_b) * 1e9
    rest = params(replace(wide, ffn=0)).total
    width = max(int((target - rest) / (model.layers * 3 * model.hidden)), 64)
    return replace(wide, ffn=width, ffn_matrices=3)


@dataclass(frozen=True, slots=True)
class _World:
    model: Model
    precision: str
    chips_at: date
    software_at: date
    kv_use: float
    slots: float
    speculation: bool


def _world_cost(world: _World, scenario: Scenario, rents: RentTable, fit: Fitted) -> tuple[float, str]:
    own = replace(scenario, kv_use=world.kv_use, speculation=world.speculation)
    units = required_deployments(
        world.model, find_precision(world.precision), world.chips_at, own, rents, own.prompt[1] + own.output[1]
    )
    made = grid(units, world.software_at, fit, own.prompt[1], own.output[1], own.kv_use)
    hourly = np.array([rents.required(u.chip, world.chips_at).p50_usd_per_hour for u in units])[:, None]
    per_second = hourly / 3600 / own.utilisation[1] * 1e6
    request = made.chip_s_per_input * own.prompt[1] + made.chip_s_per_output * own.output[1] / world.slots
    ok = (made.fits > 0) & (made.batch <= own.load_batch[1])
    cost = np.where(ok, request * per_second / (own.prompt[1] + own.output[1]), np.inf)
    i, j = (int(v) for v in np.unravel_index(int(cost.argmin()), cost.shape))
    return float(cost.min()), trace_of(made, i, j)


def _precision_at(model: Model, when: date) -> str:
    if when >= SINCE["fp4"][0] and model.native_precision in {"mxfp4", "int4", "fp4"}:
        return model.native_precision
    return "fp8" if when >= SINCE["fp8"][0] else "fp16"


def waterfall(model: Model, first: date, last: date, scenario: Scenario, rents: RentTable | None = None) -> list[Fall]:
    """What made serving fall from `first` to `last`, one change at a time in this order; blended dollars per million.

    The start is the dense twin on the first day's chips, precision and software.
    """
    if last <= first:
        raise CostError(f"--waterfall wants an earlier and a later date, not {first} and {last}")
    table, fit = rents or shipped_rents(), fitted()
    old = {name: since <= first for name, (since, _) in SINCE.items()}
    new = {name: since <= last for name, (since, _) in SINCE.items()}
    world = _World(
        dense_twin(model) if model.released > first else model,
        _precision_at(model, first),
        first,
        first,
        1.0 if old["paging"] else UNPAGED_USE,
        1.0 if old["batching"] else STATIC_SLOTS,
        False,
    )
    cost, where = _world_cost(world, scenario, table, fit)
    out = [Fall(f"start, {first}", cost, 1.0, where)]
    steps = (
        ("serving software", {"software_at": last}),  # first: no chip runs software older than itself
        ("hardware and rents", {"chips_at": last}),
        ("precision", {"precision": _precision_at(model, last)}),
        ("architecture (sparse experts, smaller caches)", {"model": model}),
        ("KV paging", {"kv_use": 1.0 if new["paging"] else world.kv_use}),
        ("continuous batching", {"slots": 1.0 if new["batching"] else world.slots}),
        ("speculation", {"speculation": new["speculation"] and model.mtp_layers > 0}),
    )
    for cause, change in steps:
        world = replace(world, **change)
        after, where = _world_cost(world, scenario, table, fit)
        out.append(Fall(cause, after, cost / after, where))
        cost = after
    return out
