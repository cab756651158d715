"""Plausible deployments of a model at a date, and what each delivers at each batch: the grid estimates choose from."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from tracker.cost.arrays import Floats
from tracker.cost.facts import Accelerator, Model, Precision, accelerators, find_accelerator
from tracker.cost.kernel import Step, decode_step, fitting_batch, kv_bytes_per_sequence, prefill_s, serve
from tracker.cost.money import RentTable
from tracker.cost.scenario import Scenario
from tracker.cost.shape import Shape, shape_of
from tracker.cost.stacks import PROFILE_ERROR, VERIFIED_TOKENS, Fitted, Stack, public_family
from tracker.cost.worker import Chip, Coefficients, Layout, fabric_bytes_s
from tracker.errors import CostError

_SMALL = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64)
_LARGE = (80, 96, 128, 192, 256, 384, 512, 768, 1024, 2048)
BATCHES = np.array((*_SMALL, *_LARGE), dtype=np.float64)
WIDE_BATCHES = np.concatenate([BATCHES[7::2], np.geomspace(768, 32768, 18).round(-1)])
EXPERT_PARALLEL_FROM = date(2025, 2, 27)  # DeepSeek opens DeepEP; before that no public stack had it
MTP_FROM = date(2025, 1, 1)


@dataclass(frozen=True, slots=True)
class Draft:
    """Tokens guessed ahead. A step checks `checked` of them per sequence and keeps `accepted`; None: the fit knows."""

    words: str
    checked: float
    accepted: float | None = None


MTP = Draft("multi-token prediction", VERIFIED_TOKENS)


def observed_draft(gain: float) -> Draft:
    """What a stream `gain` times faster on regular than on hard text shows: hard text keeps one token a step.

    As many are checked as it takes to keep that many: three for the 2.2 of the published Mixtral (anchor s3). The draft
    model's own work is left out.
    """
    return Draft("speculative decoding", math.floor(gain) + 1.0, gain)


@dataclass(frozen=True, slots=True)
class Deployment:
    """One way to serve: chips of one kind in one worker, a precision, a software stack.

    Expert-parallel workers (`dp_attention`) decode only: their prompts are prefilled by a pool of the same chips apart.
    """

    chip: Accelerator
    tp: int
    pp: int
    dp_attention: bool
    draft: Draft | None
    stack: str
    model: Model
    precision: Precision

    @property
    def chips(self) -> int:
        return self.tp * self.pp

    def __str__(self) -> str:
        extras = [self.precision.precision]
        extras += ["expert parallel, prefill apart"] if self.dp_attention else []
        extras += [self.draft.words] if self.draft else []
        stages = f" in {self.pp} stages" if self.pp > 1 else ""
        return f"{self.chips}x{self.chip.name}{stages} {', '.join(extras)}"


def at_hand(scenario: Scenario, when: date, rents: RentTable) -> list[Accelerator]:
    """Accelerators the scenario names, else every one that can be rented at the date and whose figures we trust.

    SRAM parts are run by their makers alone, so no other seller is assumed to have them.
    """
    if scenario.hardware:
        return [find_accelerator(name) for name, _ in scenario.hardware]
    known = (c for c in accelerators().values() if c.confidence != "low" and c.memory_kind != "sram")
    return [chip for chip in known if rents.as_of(chip, when)]


def worker_sizes(model: Model, chip: Accelerator, when: date, stack: str) -> list[tuple[int, bool]]:
    """(chips, data-parallel attention) worth trying: up to a node, and past it only with expert parallelism."""
    node = min(8, chip.scaleup_world) if chip.scaleup_world > 1 else 8
    sizes = [(tp, False) for tp in (1, 2, 4, 8) if tp <= max(node, 1)]
    if model.experts >= 32 and when >= EXPERT_PARALLEL_FROM:
        sizes += [(8, True), (16, True), (32, True)]
        sizes += [(64, True), (128, True)] if stack == "public:wide-ep" else []
    return sizes


SRAM_ROOM = 1.4  # times the weights' bytes: what 576 chips for Mixtral imply
SRAM_PER_STAGE = 3.0  # sequences in flight per stage: what the published 24,000 tokens/s at 500 per user imply


def sram_pipeline(model: Model, precision: Precision, chip: Accelerator, stack: str) -> Deployment:
    """The whole model in the SRAM of a pipeline of chips."""
    need = float(shape_of(model, precision).resident_bytes) * SRAM_ROOM / (chip.mem_gb * 1e9)
    stages = max(int(np.ceil(need / chip.stage_chips)), 1)
    return Deployment(chip, chip.stage_chips, stages, False, None, stack, model, precision)


def possible_drafts(model: Model, when: date, scenario: Scenario) -> tuple[Draft | None, ...]:
    """The draft that was observed, and no other; else none, and the model's own where it has one."""
    if scenario.draft_gain is not None:
        return (observed_draft(scenario.draft_gain),)
    own = scenario.speculation and model.mtp_layers > 0 and when >= MTP_FROM
    return (None, MTP) if own else (None,)


def deployments(
    model: Model, precision: Precision, when: date, scenario: Scenario, rents: RentTable, context: float
) -> list[Deployment]:
    """Deployments whose weights and at least one sequence of `context` tokens fit."""
    shape = shape_of(model, precision)
    drafts = possible_drafts(model, when, scenario)
    found = []
    for chip in at_hand(scenario, when, rents):
        if chip.memory_kind == "sram":
            stack = scenario.stack if scenario.stack.startswith("sram") else "sram"
            found.append(sram_pipeline(model, precision, chip, stack))
            continue
        for tp, wide in worker_sizes(model, chip, when, scenario.stack):
            room = fitting_batch(shape, chip_of(chip, precision), Layout(float(tp), 1.0, float(wide)), context)
            if float(room) * scenario.kv_use < 1:
                continue
            for draft in drafts:
                found.append(Deployment(chip, tp, 1, wide, draft, scenario.stack, model, precision))
    return found


def required_deployments(
    model: Model, precision: Precision, when: date, scenario: Scenario, rents: RentTable, context: float
) -> list[Deployment]:
    """As `deployments`, or an error that says what was tried."""
    found = deployments(model, precision, when, scenario, rents, context)
    if not found:
        tried = ", ".join(chip.name for chip in at_hand(scenario, when, rents)) or "no accelerator has a rent then"
        raise CostError(f"{model.slug} at {precision.precision} fits none of: {tried} (models.csv, accelerators.csv)")
    return found


def chip_of(part: Accelerator, precision: Precision) -> Chip:
    return Chip(
        part.mem_gb * 1e9,
        part.bw_tbs * 1e12,
        part.peak_tflops(precision.math) * 1e12,
        part.scaleup_gbs * 1e9,
        float(part.scaleup_world),
        part.bf16_tflops * 1e12,
    )


def family_of(unit: Deployment, when: date) -> str:
    """The software family of a deployment's stack: `public`, `public:<family>` or one of PROFILE_ERROR."""
    kind, _, family = unit.stack.partition(":")
    if kind in PROFILE_ERROR:
        return kind
    if kind != "public":
        raise CostError(f"stack {unit.stack!r} is unknown; use public, public:<family>, {', '.join(PROFILE_ERROR)}")
    return family or public_family(unit.chip, when)


def coefficients(units: Sequence[Deployment], when: date, fit: Fitted) -> Coefficients:
    """Columns (deployments, 1) of the coefficients of each deployment's stack."""
    k = fit.coefficients([Stack(u.chip, u.model, u.precision.precision, family_of(u, when), when) for u in units])
    return Coefficients(*(np.asarray(getattr(k, name))[:, None] for name in Coefficients.__dataclass_fields__))


@dataclass(frozen=True, slots=True)
class Grid:
    """What each deployment delivers at each batch: arrays (deployments, batches). Speeds are before engine error."""

    units: tuple[Deployment, ...]
    batch: Floats
    chip_s_per_input: Floats
    chip_s_per_output: Floats
    tok_s_user: Floats
    first_token_s: Floats
    fits: Floats
    step: Step


def _columns(units: Sequence[Deployment]) -> tuple[Chip, Layout, Floats]:
    parts = [chip_of(u.chip, u.precision) for u in units]
    chip = Chip(*(np.array([getattr(p, name) for p in parts])[:, None] for name in Chip.__dataclass_fields__))
    tp, pp = (np.array([float(getattr(u, name)) for u in units])[:, None] for name in ("tp", "pp"))
    layout = Layout(tp, pp, np.array([float(u.dp_attention) for u in units])[:, None])
    return chip, layout, tp * pp


def _drafting(units: Sequence[Deployment], fit: Fitted) -> tuple[Floats, Floats]:
    """Columns (deployments, 1): tokens checked and kept per sequence and step."""
    checked = [1.0 if u.draft is None else u.draft.checked for u in units]
    kept = [1.0 if u.draft is None else u.draft.accepted or fit.mtp_accepted() for u in units]
    return np.array(checked)[:, None], np.array(kept)[:, None]


def grid(
    units: Sequence[Deployment],
    when: date,
    fit: Fitted,
    prompt: float,
    output: float,
    kv_use: float = 1.0,
    batches: Floats | None = None,
    wait_s: float = np.inf,
) -> Grid:
    """Evaluates deployments of one model and precision over batches. Cost is kept as chip-seconds per token.

    `wait_s` is the longest wait for a first token: it caps how many prompts are prefilled together.
    """
    shape: Shape = shape_of(units[0].model, units[0].precision)
    k = coefficients(units, when, fit)
    chip, layout, chips = _columns(units)
    narrow = BATCHES if batches is None else batches
    wide = WIDE_BATCHES if batches is None else batches
    batch = np.where(layout.dp_attention > 0, wide[None, :], narrow[None, :]).astype(np.float64)
    verify, accepted = _drafting(units, fit)
    rate = serve(shape, chip, layout, k, prompt, output, batch, verify, accepted, wait_s)
    step = decode_step(shape, chip, layout, k, batch, prompt + output / 2, verify)
    room = fitting_batch(shape, chip, layout, prompt + output, kv_use=kv_use)
    in_sram = np.array([u.chip.memory_kind == "sram" for u in units])[:, None]
    room = np.where(in_sram, np.minimum(room, SRAM_PER_STAGE * layout.pp), room)
    first = prefill_s(shape, chip, layout, k, prompt)
    moved = kv_bytes_per_sequence(shape, prompt) / fabric_bytes_s(chip)
    apart = layout.dp_attention > 0  # no prefill stops the decoding, but the cache has to move
    return Grid(
        units=tuple(units),
        batch=batch,
        chip_s_per_input=np.broadcast_to(chips * rate.prefill_s / prompt, batch.shape),
        chip_s_per_output=chips * rate.step_s / (batch * accepted),
        tok_s_user=np.where(apart, accepted / rate.step_s, rate.out_tok_s / batch),
        first_token_s=np.broadcast_to(np.where(apart, first + moved, first), batch.shape),
        fits=(batch <= room).astype(np.float64),
        step=step,
    )


def bound_by(step: Step, at: tuple[int, ...]) -> str:
    """What the largest part of a decode step is spent on."""
    parts = {
        "weight bandwidth": step.weights_s,
        "KV bandwidth": step.kv_s,
        "compute": step.compute_s,
        "links between chips": step.comm_s,
        "fixed overhead": step.overhead_s,
    }
    shape = np.shape(step.total_s)
    return max(parts, key=lambda name: float(np.broadcast_to(parts[name], shape)[at]))


def trace_of(made: Grid, i: int, j: int) -> str:
    """The sentence that says what limits deployment `i` at batch `j` of a grid."""
    return f"bound by {bound_by(made.step, (i, j))} at batch {made.batch[i, j]:.0f} on {made.units[i]}"
