"""The physics: seconds of a decode step and of a prefill, bytes that must fit. Pure, vectorised, broadcasting numpy.

Every argument may be a number or an array; shapes broadcast. Units: bytes, seconds, FLOPs, tokens, sequences.

- Decode reads every touched weight and every cached token once per step: roofline of Pope et al. 2022 (2211.05102).
- A batch of B tokens that each pick k of E experts touches E(1-(1-k/E)^B) of them in expectation.
- Latent caches cannot be split over heads: under tensor parallelism each chip holds and reads all of them, under
  data-parallel attention each chip holds its own sequences (DeepSeek-V3 report, section 3.4).
"""

from dataclasses import dataclass

import numpy as np

from tracker.cost.arrays import Array
from tracker.cost.shape import Shape
from tracker.cost.worker import Chip, Coefficients, Layout, communication_s

PREFILL_CHUNK_TOKENS = 8192.0  # chunked-prefill token budget of vLLM and TensorRT-LLM


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


def kv_bytes_per_sequence(shape: Shape, context: Array) -> Array:
    """Cache bytes of one sequence: full layers grow, windows stop growing, recurrent state is fixed."""
    return (shape.kv_bytes_full + shape.index_bytes) * context + _bounded_bytes(shape, context)


def kv_read_bytes(shape: Shape, context: Array) -> Array:
    """Cache bytes a decoded token reads: sparse attention keeps every entry, reads the index and the chosen ones."""
    chosen = np.minimum(context, shape.index_topk)
    return shape.kv_bytes_full * chosen + shape.index_bytes * context + _bounded_bytes(shape, context)


def _bounded_bytes(shape: Shape, context: Array) -> Array:
    return shape.kv_bytes_window * np.minimum(context, shape.window) + shape.state_bytes


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
    kv_s = micro * kv_read_bytes(shape, context) / (kv_split(shape, layout) * bw * k.kv)
    looked_at = attended(shape, np.minimum(context, shape.index_topk), np.minimum(context, shape.window))
    score_flops = shape.decode_flops_per_cached * looked_at + shape.index_flops * context
    cached = tokens * score_flops / (tp * chip.wide_flops * k.mfu_attention)
    expert_mfu = np.minimum(k.expert_mfu, 1 / np.asarray(k.mfu_decode))  # no kernel exceeds the peak
    dense_share = shape.dense_flops_share + (1 - shape.dense_flops_share) / expert_mfu
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


def attended(shape: Shape, full: Array, window: Array) -> Array:
    """Cached tokens a new token looks at, summed over layers, given what it sees in each kind of layer."""
    share = shape.kv_bytes_full + shape.kv_bytes_window
    wide = np.where(share > 0, shape.kv_bytes_full / np.maximum(share, 1e-30), 1.0)
    seen: Array = wide * full + (1 - wide) * window
    return np.multiply(shape.attention_layers, seen)


def mean_seen(prompt: Array, at_most: Array) -> Array:
    """Tokens that a prompt's token sees on average, when none sees more than `at_most`: the mean of min(i, at_most)."""
    kept: Array = np.minimum(prompt, at_most)
    return kept * (1 - kept / (2 * np.maximum(prompt, 1.0)))


def prefill_s(shape: Shape, chip: Chip, layout: Layout, k: Coefficients, prompt: Array, prompts: Array = 1.0) -> Array:
    """Seconds a worker needs for `prompts` prompts of `prompt` tokens, in chunks of at most PREFILL_CHUNK_TOKENS.

    Attention over the prompt is quadratic: each token looks at half of it on average, or less where a window or an
    index bounds it; the index itself scores all. Pipeline stages overlap.
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
    looked_at = attended(shape, mean_seen(prompt, shape.index_topk), mean_seen(prompt, shape.window))
    score_flops = shape.prefill_flops_per_cached * looked_at + shape.index_flops * prompt / 2
    quadratic = score_flops / (tp * pp * chip.wide_flops * k.mfu_attention)
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
    wait_s: Array = np.inf,
) -> Rate:
    """Continuous batching: `batch` sequences share the worker, and each prefill stops the decoding of all.

    In one life of a batch the worker prefills `batch` prompts and takes `output / accepted` steps. Prompts are
    prefilled together as far as a chunk reaches, but no more than arrive within `wait_s`, the longest wait for a first
    token.
    """
    step = decode_step(shape, chip, layout, k, batch, prompt + output / 2, verify).total_s
    decoding_s = output / accepted * step
    grouped = np.maximum(np.minimum(batch, PREFILL_CHUNK_TOKENS / np.maximum(prompt, 1.0)), 1.0)
    first = prefill_s(shape, chip, layout, k, prompt, grouped) / grouped
    if np.isfinite(wait_s).any():
        arrivals = batch / (batch * first + decoding_s)
        grouped = np.minimum(grouped, first_token_batch(arrivals, 1.0, wait_s))
        first = prefill_s(shape, chip, layout, k, prompt, grouped) / grouped
    return Rate(batch * output / (batch * first + decoding_s), batch, step, first)


def first_token_batch(requests_s: Array, workers: Array, wait_s: Array) -> Array:
    """Prompts a worker can prefill together when none may wait longer than `wait_s`: what arrives there in that time.

    The 2024 essay's case: 1,000 requests/s over 100 GPUs and a one-second first token allow batches of 10.
    """
    return np.maximum(np.floor(requests_s * wait_s / workers), 1.0)
