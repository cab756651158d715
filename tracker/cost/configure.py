"""How a measured row's words become a configuration the kernel can price: workers, replicas, batch.

Traps that are handled here, each seen in a published table: a node counted as tp x ep chips; separate prefill and
decode workers, stated or not; throughput at infinite request rate, where the batch is what fits or what each
data-parallel rank schedules.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tracker.cost.arrays import Floats
from tracker.cost.facts import Accelerator, find_precision
from tracker.cost.kernel import fitting_batch
from tracker.cost.measured import Measurement
from tracker.cost.shape import Shape, shape_of, stack_shapes
from tracker.cost.worker import Chip, Layout

SCHEDULER_BATCH = 1024.0  # default ceiling on running sequences of vLLM and TensorRT-LLM, for each rank
PAGED_16_BIT_CACHE = {"sglang", "vllm", "deepspeed", "dynamo-sglang", "mori-sglang"}


@dataclass(frozen=True, slots=True)
class Cut:
    """How the chips of one row are divided into workers."""

    chips: float
    replicas: float
    data_parallel: bool
    prefill_chips: float
    prefill_worker: float


def _fits(m: Measurement, chips: float, resident: float, share: float) -> bool:
    return chips * m.chip.mem_gb * 1e9 * share >= resident


def _pools(m: Measurement, resident: float) -> Cut:
    """A row with separate prefill and decode workers."""
    decode, prefill = m.note["nd"], m.note["np"]
    worker = min(decode / max(m.note.get("ndw", 0), 1), decode)
    while worker < decode and not _fits(m, worker, resident, 0.98):
        worker = min(2 * worker, decode)
    prefill_worker = min(prefill / max(m.note.get("npw", 0), 1), prefill)
    return Cut(worker, max(decode / worker, 1), bool(m.note.get("dpa")) or m.tp < worker, prefill, prefill_worker)


def _unstated_pools(m: Measurement) -> Cut:
    """A rack that its table calls one worker of 12 to 72 chips: the same runs elsewhere state two pools.

    There a third of the chips prefills, two thirds where prompts are several times the answers; decode workers have
    eight chips until the load fills one wide one.
    """
    share = 2 / 3 if m.prompt > 2 * m.output else 1 / 3
    prefill = max(round(m.chips * share / 4) * 4.0, 4.0)
    decode = max(m.chips - prefill, 4.0)
    worker = decode if m.concurrency >= 16 * m.chips else min(8.0, decode)
    return Cut(worker, decode / worker, m.concurrency >= 16 * m.chips, prefill, 4.0)


def cut(m: Measurement, resident: float) -> Cut:
    """Worker size, replicas and attention mode of one row; `resident` is the bytes of its weights."""
    if m.disaggregated and "nd" in m.note:
        return _pools(m, resident)
    if m.disaggregated and m.source.startswith("AIC"):
        return _unstated_pools(m)
    if m.family == "sram":  # one stage of the pipeline: a token passes all of them, one after another
        return Cut(float(m.chip.stage_chips), 1, False, 0.0, 0.0)
    data_parallel = bool(m.note.get("dpa")) or (m.source == "TRTLLM-v1.0" and m.model.experts > 0)
    worker = m.tp or (m.chips if m.kind == "user" else 0.0)
    if not worker:  # MLPerf states chips only: the smallest group that leaves room for a cache
        worker = 1.0
        while worker < m.chips and not _fits(m, worker, resident, 0.675):
            worker *= 2
        worker = min(worker, m.chips)
        data_parallel |= m.model.experts > 0 and worker > 1
    elif m.source.startswith("InferenceX"):
        worker = max(worker, m.note.get("ep", 1))
    data_parallel |= m.model.experts > 0 and worker > 8
    return Cut(worker, max(m.chips / worker, 1), data_parallel, 0.0, 0.0)


def cache_bits(m: Measurement) -> float:
    """Open-source stacks keep a 16-bit cache unless told otherwise; vendors' stacks follow the weights."""
    return 16.0 if m.family in PAGED_16_BIT_CACHE else find_precision(m.precision).kv_bits


@dataclass(frozen=True, slots=True)
class Configurations:
    """Measured rows as columns for the kernel."""

    shape: Shape
    chip: Chip
    layout: Layout
    prefill_layout: Layout
    replicas: Floats
    prefill_workers: Floats
    batch: Floats
    prompt: Floats
    output: Floats
    speculative: Floats
    server: Floats
    target: Floats
    kind: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.kind)


def chip_columns(parts: Sequence[tuple[Accelerator, str]]) -> Chip:
    """Accelerators at a precision as columns in base units."""
    return Chip(
        np.array([c.mem_gb * 1e9 for c, _ in parts]),
        np.array([c.bw_tbs * 1e12 for c, _ in parts]),
        np.array([c.peak_tflops(find_precision(p).math) * 1e12 for c, p in parts]),
        np.array([c.scaleup_gbs * 1e9 for c, _ in parts]),
        np.array([float(c.scaleup_world) for c, _ in parts]),
        np.array([c.bf16_tflops * 1e12 for c, _ in parts]),
    )


def configurations(rows: Sequence[Measurement]) -> Configurations:
    """Columns for the kernel; the batch is the stated concurrency per worker, or what fits."""
    keys = {(m.model.model_id, m.precision, cache_bits(m)): m.model for m in rows}
    table = {k: shape_of(model, find_precision(k[1]), k[2]) for k, model in keys.items()}
    shapes = [table[m.model.model_id, m.precision, cache_bits(m)] for m in rows]
    shape = stack_shapes(shapes)
    chip = chip_columns([(m.chip, m.precision) for m in rows])
    cuts = [cut(m, float(s.resident_bytes)) for m, s in zip(rows, shapes, strict=True)]
    layout = Layout(np.array([c.chips for c in cuts]), 1.0, np.array([float(c.data_parallel) for c in cuts]))
    prompt, output = np.array([m.prompt for m in rows]), np.array([m.output for m in rows])
    concurrency = np.array([m.concurrency or float(m.kind == "user") for m in rows])  # a user's own speed: alone
    replicas = np.array([c.replicas for c in cuts])
    replicas = np.where(concurrency > 0, np.minimum(replicas, np.maximum(concurrency, 1)), replicas)
    ranks = np.where(layout.dp_attention > 0, layout.tp, 1.0)  # with data-parallel attention each rank schedules alone
    wanted = np.where(concurrency > 0, concurrency / replicas, SCHEDULER_BATCH * ranks)
    room = np.maximum(fitting_batch(shape, chip, layout, prompt + output / 2, 0.95), np.minimum(wanted, 16))
    workers = np.array([c.prefill_chips / c.prefill_worker if c.prefill_worker else 0.0 for c in cuts])
    prefill_tp = np.array([max(c.prefill_worker, 1.0) for c in cuts])
    return Configurations(
        shape=shape,
        chip=chip,
        layout=layout,
        prefill_layout=Layout(prefill_tp, 1.0, layout.dp_attention),
        replicas=replicas,
        prefill_workers=workers,
        batch=np.maximum(np.minimum(wanted, room), 1),
        prompt=prompt,
        output=output,
        speculative=np.array([float(m.speculative) for m in rows]),
        server=np.array([float(m.server) for m in rows]),
        target=np.array([m.target for m in rows]),
        kind=tuple(m.kind for m in rows),
    )
