"""What a model weighs: bytes and FLOPs per tensor class at a precision. Pure arithmetic on one `Model`.

Formulas: attention projections and the 2 FLOPs per parameter and token of Kaplan et al. 2020; latent attention from
the DeepSeek-V2 report, section 2.1 (decoding works on the compressed cache, so a cached token costs
2 x heads x (kv_rank + rope) for scores and 2 x heads x kv_rank for values).
"""

from dataclasses import astuple, dataclass, fields

import numpy as np

from tracker.cost.arrays import Array, Index
from tracker.cost.facts import Model, Precision

UNBOUNDED = 1e12  # tokens: no prompt is longer
INDEX_SCALE_BYTES = 4.0  # the index of sparse attention keeps one 8-bit key per token and layer, with a 32-bit scale


@dataclass(frozen=True, slots=True)
class Params:
    """Parameter counts by tensor class."""

    attention: float
    dense: float
    experts: float
    head: float
    embedding: float

    @property
    def total(self) -> float:
        return self.attention + self.dense + self.experts + self.head + self.embedding


def attention_params(model: Model) -> float:
    """Parameters of one attention layer."""
    h, heads = model.hidden, model.heads
    match model.attention:
        case "mla":
            query_dim = heads * (model.nope_dim + model.rope_dim)
            query = h * model.q_rank + model.q_rank * query_dim if model.q_rank else h * query_dim
            latent = h * (model.kv_rank + model.rope_dim) + model.kv_rank * heads * (model.nope_dim + model.v_dim)
            return query + latent + heads * model.v_dim * h
        case "csa":
            query = h * model.q_rank + model.q_rank * heads * model.head_dim
            return query + h * model.head_dim + heads * model.head_dim * model.kv_rank + model.v_dim * h
        case "none":
            return 0.0
    return float(h * model.head_dim * (2 * heads + 2 * model.kv_heads))


def params(model: Model) -> Params:
    """Parameter counts; an MoE layer's shared experts count as dense, since every token reads them."""
    h = model.hidden
    one_expert = 3 * h * model.expert_ffn
    shared = model.moe_layers * one_expert * model.experts_shared
    dense_ffn = (model.layers - model.moe_layers) * model.ffn_matrices * h * model.ffn
    router = model.moe_layers * h * model.experts
    queries = model.index_heads * model.index_dim * (model.q_rank or h)
    index = model.index_layers * (queries + (model.index_dim + model.index_heads) * h)
    return Params(
        attention=(model.full_layers + model.window_layers) * attention_params(model),
        dense=dense_ffn + shared + router + index + model.ssm_layers * model.ssm_mixer_params_m * 1e6,
        experts=float(model.moe_layers * one_expert * model.experts),
        head=float(model.vocab * h),
        embedding=0.0 if model.tied else float(model.vocab * h),
    )


def kv_elements_per_layer(model: Model) -> float:
    """Cached values per token and attention layer."""
    match model.attention:
        case "mla":
            return float(model.kv_rank + model.rope_dim)
        case "csa":
            return model.head_dim / model.kv_compress
        case "none":
            return 0.0
    return float(2 * model.kv_heads * model.head_dim)


def attention_flops_per_cached_token(model: Model, decode: bool) -> float:
    """FLOPs of one layer for one new token against one cached token."""
    match model.attention:
        case "mla":
            if decode:
                return float(2 * model.heads * (2 * model.kv_rank + model.rope_dim))
            return float(2 * model.heads * (model.nope_dim + model.rope_dim + model.v_dim))
        case "csa":
            return 4 * model.heads * model.head_dim / model.kv_compress
        case "none":
            return 0.0
    return float(4 * model.heads * model.head_dim)


@dataclass(frozen=True, slots=True)
class Shape:
    """One model at one precision as plain numbers (or arrays of them): all the kernel needs to know."""

    layers: Array
    attention_layers: Array
    moe_layers: Array
    hidden: Array
    attention_bytes: Array
    dense_bytes: Array
    expert_bytes: Array
    resident_bytes: Array
    experts: Array
    experts_active: Array
    flops_per_token: Array
    dense_flops_share: Array
    decode_flops_per_cached: Array
    prefill_flops_per_cached: Array
    kv_bytes_full: Array
    kv_bytes_window: Array
    window: Array
    state_bytes: Array
    kv_shards: Array
    index_topk: Array
    index_bytes: Array
    index_flops: Array

    def at(self, index: Index) -> "Shape":
        return Shape(*(np.asarray(column)[index] for column in astuple_shallow(self)))


def astuple_shallow(record: "Shape") -> tuple[Array, ...]:
    return tuple(getattr(record, field.name) for field in fields(record))


def shape_of(model: Model, precision: Precision, kv_bits: float | None = None) -> Shape:
    """The model's numbers at a precision; `kv_bits` overrides the precision's cache width."""
    count = params(model)
    attention_bits = precision.moe_attention_bits if model.experts else precision.weight_bits
    kv_bytes = (precision.kv_bits if kv_bits is None else kv_bits) / 8 * kv_elements_per_layer(model)
    attention_layers = model.full_layers + model.window_layers
    share = model.experts_active / model.experts if model.experts else 0.0
    dense_active = count.attention + count.dense + count.head
    dense_bytes = count.dense * (attention_bits if model.experts else precision.weight_bits) / 8
    head_bytes = count.head * precision.head_bits / 8
    expert_bytes = count.experts * precision.expert_bits / 8
    attention_bytes = count.attention * attention_bits / 8
    values = Shape(
        layers=model.layers,
        attention_layers=attention_layers,
        moe_layers=model.moe_layers,
        hidden=model.hidden,
        attention_bytes=attention_bytes,
        dense_bytes=dense_bytes + head_bytes,
        expert_bytes=expert_bytes,
        resident_bytes=attention_bytes
        + dense_bytes
        + head_bytes
        + expert_bytes
        + count.embedding * precision.head_bits / 8,
        experts=max(model.experts, 1),
        experts_active=max(model.experts_active, 1),
        flops_per_token=2 * (dense_active + count.experts * share),
        dense_flops_share=dense_active / (dense_active + count.experts * share),
        decode_flops_per_cached=attention_flops_per_cached_token(model, decode=True),
        prefill_flops_per_cached=attention_flops_per_cached_token(model, decode=False),
        kv_bytes_full=model.full_layers * kv_bytes,
        kv_bytes_window=model.window_layers * kv_bytes,
        window=max(model.window, 1),
        state_bytes=model.ssm_layers * model.ssm_state_elems * 2.0,
        kv_shards=1 if model.attention in {"mla", "csa"} else max(model.kv_heads, 1),
        index_topk=model.index_topk or UNBOUNDED,
        index_bytes=model.index_layers * (model.index_dim + INDEX_SCALE_BYTES) if model.index_layers else 0.0,
        index_flops=2 * model.index_layers * model.index_heads * model.index_dim,
    )
    return Shape(*(np.float64(value) for value in astuple(values)))


def stack_shapes(shapes: list[Shape]) -> Shape:
    """Many shapes as columns, for `Shape.at`."""
    return Shape(*(np.array(column) for column in zip(*map(astuple_shallow, shapes), strict=True)))
