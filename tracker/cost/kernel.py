"""The physics: seconds of a decode step and of a prefill, bytes that must fit. Pure, vectorised, broadcasting numpy.

Every argument may be a number or an array; shapes broadcast. Units: bytes, seconds, FLOPs, tokens, sequences.
A worker is `tp * pp` chips that hold one copy of the weights; replicas of it are data parallelism.

- Decode reads every touched weight and every cached token once per step: roofline of Pope et al. 2022 (2211.05102).
- A batch of B tokens that each pick k of E experts touches E(1-(1-k/E)^B) of them in expectation.
- Latent caches cannot be split over heads: under tensor parallelism each chip holds and reads all of them, under
  data-parallel attention each chip holds its own sequences (DeepSeek-V3 report, section 3.4).
- Ring all-reduce moves 2(n-1)/n of the vector per chip; dispatch and combine of experts move k copies of it.
"""

from dataclasses import dataclass

import numpy as np

from tracker.cost.arrays import Array
from tracker.cost.shape import Shape

ACTIVATION_BYTES = 2.0
SCALEOUT_BYTES_S = 50e9  # one 400 Gb/s port per GPU: the usual fabric between scale-up domains
PREFILL_CHUNK_TOKENS = 8192.0  # chunked-prefill token budget of vLLM and TensorRT-LLM


@dataclass(frozen=True, slots=True)
class Chip:
    """What one accelerator can do: memory bytes, bytes/s, FLOP/s at the precision's unit, link bytes/s one way."""

    mem_bytes: Array
    bw: Array
    flops: Array
    link: Array
    world: Array


@dataclass(frozen=True, slots=True)
class Layout:
    """How one worker is cut: tensor parallel, pipeline stages, and whether attention is data parallel (0 or 1)."""

    tp: Array
    pp: Array = 1.0
    dp_attention: Array = 0.0


@dataclass(frozen=True, slots=True)
class Coefficients:
    """The fitted part: shares of the hardware's peak that a stack reaches, and its fixed times in seconds."""

    hbm: Array = 1.0
    kv: Array = 1.0
    mfu_prefill: Array = 1.0
    mfu_decode: Array = 1.0
    mfu_attention: Array = 1.0
    expert_mfu: Array = 1.0
    expert_mfu_prefill: Array = 1.0
    layer_s: Array = 0.0
    moe_layer_s: Array = 0.0
    recurrent_layer_s: Array = 0.0
    step_s: Array = 0.0
    sequence_s: Array = 0.0
    allreduce_s: Array = 0.0
    link: Array = 1.0
    serial: Array = 0.0  # 0: compute hides behind memory; 1: the two add up
    scale: Array = 1.0  # what is left of a stack's speed after the terms above


IDEAL = Coefficients()


@dataclass(frozen=True, slots=True)
class Step:
    """Seconds of one decode step of a worker, by what they are spent on."""

    weights_s: Array
    kv_s: Array
    compute_s: Array
    comm_s: Array
    overhead_s: Array
    total_s: Array


def expert_coverage(active: Array, experts: Array, tokens: Array) -> Array:
    """Expected share of experts that a batch touches: active/experts for one token, 1 for many."""
    return -np.expm1(tokens * np.log1p(-np.minimum(active / experts, 1 - 1e-12)))


def link_bytes_s(chip: Chip, layout: Layout, k: Coefficients) -> Array:
    """Bytes per second and chip between the chips of a worker: scale-up inside its domain, Ethernet beyond.

    An unpublished link (0) takes no time of its own: it is then part of the stack's fixed time per layer.
    """
    inside = layout.tp <= chip.world
    return np.where(inside, np.where(np.asarray(chip.link) > 0, chip.link, np.inf), SCALEOUT_BYTES_S) * k.link


def communication_s(shape: Shape, chip: Chip, layout: Layout, k: Coefficients, tokens: Array) -> Array:
    """Seconds of all-reduce (tensor parallel) or of dispatch and combine (expert parallel) for `tokens`."""
    n = layout.tp
    many = n > 1
    wire = shape.hidden * ACTIVATION_BYTES * tokens / link_bytes_s(chip, layout, k)
    reduced = (2 * shape.layers) * (k.allreduce_s * np.sqrt(n) + wire * 2 * (n - 1) / n)
    # Inside a scale-up domain every chosen expert gets a copy; between domains one copy per domain is sent and
    # forwarded, to four domains at most (node-limited routing, DeepSeek-V3 report, section 2.1.2).
    domains = np.maximum(n / chip.world, 1.0)
    near = np.minimum(shape.experts_active, n) * (n - 1) / n
    far = np.minimum(np.minimum(shape.experts_active, domains), 4.0) * (domains - 1) / domains
    copies = np.where(n <= chip.world, near, far)
    exchanged = (2 * shape.moe_layers) * (k.allreduce_s * np.sqrt(n) + wire * copies)
    return np.where(many, np.where(layout.dp_attention > 0, exchanged, reduced), 0.0)


def kv_bytes_per_sequence(shape: Shape, context: Array) -> Array:
    """Cache bytes of one sequence: full layers grow, windows stop growing, recurrent state is fixed."""
    return shape.kv_bytes_full * context + shape.kv_bytes_window * np.minimum(context, shape.window) + shape.state_bytes


def kv_split(shape: Shape, layout: Layout) -> Array:
    """Over how many chips of a worker's tensor-parallel group one sequence set's cache is really divided."""
    return np.where(layout.dp_attention > 0, layout.tp, np.minimum(layout.tp, shape.kv_shards))


def fitting_batch(
    shape: Shape, chip: Chip, layout: Layout, context: Array, usable: Array = 0.9, kv_use: Array = 1.0
) -> Array:
    """Sequences that fit a worker beside its weights; `kv_use` is 1 with paging and about 0.3 before it.

    Zero or negative means that the weights alone do not fit.
    """
    chips = layout.tp * layout.pp
    replicated = np.where(layout.dp_attention > 0, shape.attention_bytes * (layout.tp - 1), 0.0)
    free = chip.mem_bytes * usable * chips - shape.resident_bytes - replicated
    per_sequence = kv_bytes_per_sequence(shape, context) * layout.tp / kv_split(shape, layout)
    return free * kv_use / np.maximum(per_sequence, 1.0)


def decode_step(
    shape: Shape,
    chip: Chip,
    layout: Layout,
    k: Coefficients,
    batch: Array,
    context: Array,
    verify: Array = 1.0,
) -> Step:
    """One step for `batch` sequences of a worker at `context` cached tokens, `verify` tokens checked per sequence.

    Pipeline stages work on `batch / pp` sequences at a time; the step is one token's way through all of them.
    """
    tp, micro = layout.tp, batch / layout.pp
    tokens = micro * verify
    bw = chip.bw * k.hbm
    attention_share = np.where(layout.dp_attention > 0, 1.0, tp)
    coverage = expert_coverage(shape.experts_active, shape.experts, tokens)
    weight_bytes = shape.attention_bytes / attention_share + (shape.dense_bytes + coverage * shape.expert_bytes) / tp
    weights_s = weight_bytes / bw
    kv_s = micro * kv_bytes_per_sequence(shape, context) / (kv_split(shape, layout) * bw * k.kv)
    cached = tokens * shape.decode_flops_per_cached * attended(shape, context) / (tp * chip.flops * k.mfu_attention)
    dense_share = shape.dense_flops_share + (1 - shape.dense_flops_share) / k.expert_mfu
    compute_s = tokens * shape.flops_per_token * dense_share / (tp * chip.flops * k.mfu_decode) + cached
    comm_s = communication_s(shape, chip, layout, k, np.where(layout.dp_attention > 0, tokens / tp, tokens))
    overhead_s = fixed_s(shape, k) + tokens * k.sequence_s
    memory_s = weights_s + kv_s
    busy = np.maximum(memory_s, compute_s) + k.serial * np.minimum(memory_s, compute_s)
    return Step(weights_s, kv_s, compute_s, comm_s, overhead_s, (busy + comm_s + overhead_s) / k.scale)


def fixed_s(shape: Shape, k: Coefficients) -> Array:
    """Launches, scheduling and sampling: what a step costs however little it computes."""
    recurrent = shape.layers - shape.attention_layers
    return shape.layers * k.layer_s + shape.moe_layers * k.moe_layer_s + recurrent * k.recurrent_layer_s + k.step_s


def attended(shape: Shape, context: Array) -> Array:
    """Cached tokens a new token looks at, summed over layers."""
    share = shape.kv_bytes_full + shape.kv_bytes_window
    full = np.where(share > 0, shape.kv_bytes_full / np.maximum(share, 1e-30), 1.0)
    seen: Array = full * context + (1 - full) * np.minimum(context, shape.window)
    return np.multiply(shape.attention_layers, seen)


def prefill_s(shape: Shape, chip: Chip, layout: Layout, k: Coefficients, prompt: Array, prompts: Array = 1.0) -> Array:
    """Seconds a worker needs for `prompts` prompts of `prompt` tokens, in chunks of at most PREFILL_CHUNK_TOKENS.

    Attention over the prompt is quadratic: each token looks at half of it on average. Pipeline stages overlap.
    """
    tokens = prompt * prompts
    chunk = np.minimum(tokens, PREFILL_CHUNK_TOKENS)
    chunks = tokens / np.maximum(chunk, 1.0)
    tp, pp = layout.tp, layout.pp
    rate = tp * pp * chip.flops
    coverage = expert_coverage(shape.experts_active, shape.experts, chunk)
    attention_share = np.where(layout.dp_attention > 0, 1.0, tp)
    weight_bytes = shape.attention_bytes / attention_share + (shape.dense_bytes + coverage * shape.expert_bytes) / tp
    memory_s = weight_bytes * chunks / (pp * chip.bw * k.hbm)
    dense_share = shape.dense_flops_share + (1 - shape.dense_flops_share) / k.expert_mfu_prefill
    quadratic = shape.prefill_flops_per_cached * attended(shape, prompt / 2) / (rate * k.mfu_attention)
    compute_s = tokens * (shape.flops_per_token * dense_share / (rate * k.mfu_prefill) + quadratic)
    busy = np.maximum(memory_s, compute_s) + k.serial * np.minimum(memory_s, compute_s)
    local = np.where(layout.dp_attention > 0, tokens / tp, tokens)
    wire = communication_s(shape, chip, layout, k, local / np.maximum(chunks, 1.0)) * chunks / pp
    fixed = chunks * fixed_s(shape, k) / pp
    return (busy + wire + fixed) / k.scale


@dataclass(frozen=True, slots=True)
class Rate:
    """What a worker delivers in steady state."""

    out_tok_s: Array
    batch: Array
    step_s: Array
    prefill_s: Array

    @property
    def tok_s_user(self) -> Array:
        return self.out_tok_s / np.maximum(self.batch, 1e-30)


def serve(
    shape: Shape,
    chip: Chip,
    layout: Layout,
    k: Coefficients,
    prompt: Array,
    output: Array,
    batch: Array,
    verify: Array = 1.0,
    accepted: Array = 1.0,
) -> Rate:
    """Continuous batching: `batch` sequences share the worker, and each prefill stops the decoding of all.

    In one life of a batch the worker prefills `batch` prompts and takes `output / accepted` steps.
    """
    step = decode_step(shape, chip, layout, k, batch, prompt + output / 2, verify).total_s
    grouped = np.maximum(np.minimum(batch, PREFILL_CHUNK_TOKENS / np.maximum(prompt, 1.0)), 1.0)
    first = prefill_s(shape, chip, layout, k, prompt, grouped) / grouped
    life_s = batch * first + output / accepted * step
    return Rate(batch * output / life_s, batch, step, first)


def first_token_batch(requests_s: Array, workers: Array, wait_s: Array) -> Array:
    """Prompts a worker can prefill together when none may wait longer than `wait_s`: what arrives there in that time.

    The 2024 essay's case: 1,000 requests/s over 100 GPUs and a one-second first token allow batches of 10.
    """
    return np.maximum(np.floor(requests_s * wait_s / workers), 1.0)
