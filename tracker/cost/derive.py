"""A model's facts from its `config.json`, and a plain list of what the file does not say.

Key names are those of Hugging Face configurations; the spellings of older families are in the tables below.
"""

from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from tracker.cost.facts import Model, checked_model
from tracker.cost.shape import params
from tracker.errors import DataFileError

NAMES = {
    "layers": ("num_hidden_layers", "n_layer", "num_layers", "n_layers"),
    "hidden": ("hidden_size", "n_embd", "d_model"),
    "heads": ("num_attention_heads", "n_head", "n_heads"),
    "kv_heads": ("num_key_value_heads", "num_kv_heads", "n_head_kv", "multi_query_group_num"),
    "head_dim": ("head_dim", "attention_head_dim", "kv_channels"),
    "ffn": ("intermediate_size", "ffn_hidden_size", "ffn_dim", "n_inner"),
    "vocab": ("vocab_size", "padded_vocab_size"),
    "experts": ("num_experts", "n_routed_experts", "num_local_experts", "moe_num_experts"),
    "experts_active": ("num_experts_per_tok", "num_experts_per_token", "moe_k", "moe_top_k", "top_k_experts"),
    "experts_shared": ("n_shared_experts", "num_shared_experts"),
    "expert_ffn": ("moe_intermediate_size", "intermediate_size_mlp"),
    "q_rank": ("q_lora_rank",),
    "kv_rank": ("kv_lora_rank",),
    "rope_dim": ("qk_rope_head_dim",),
    "nope_dim": ("qk_nope_head_dim",),
    "v_dim": ("v_head_dim",),
    "mtp_layers": ("num_nextn_predict_layers", "mtp_num_hidden_layers"),
}
UNGATED = {"gptj", "opt", "falcon", "gpt_neox", "nemotron", "bloom", "phi"}
PRECISIONS = {"fp8": "fp8", "mxfp4": "mxfp4", "compressed-tensors": "int4", "awq": "int4", "gptq": "int4"}


@dataclass(frozen=True, slots=True)
class Derived:
    """A model record and what had to be assumed for it."""

    model: Model
    assumed: tuple[str, ...]


def _found(config: dict[str, Any], field: str) -> Any:
    return next((config[name] for name in NAMES[field] if config.get(name) is not None), None)


def _layer_kinds(config: dict[str, Any], layers: int) -> tuple[int, int, int]:
    """(full, window, recurrent) layers."""
    kinds = config.get("layer_types") or []
    if kinds:
        window = sum("sliding" in k or "chunked" in k for k in kinds)
        recurrent = sum("linear" in k or "mamba" in k or "recurrent" in k for k in kinds)
        return layers - window - recurrent, window, recurrent
    every = config.get("full_attention_interval")
    if every:
        return layers // every, 0, layers - layers // every
    if config.get("sliding_window") and config.get("use_sliding_window", True):
        pattern = config.get("sliding_window_pattern")
        full = layers // pattern if pattern else 0
        return full, layers - full, 0
    return layers, 0, 0


def _moe_layers(config: dict[str, Any], layers: int) -> int:
    if isinstance(config.get("moe_layer_freq"), list):
        return int(sum(config["moe_layer_freq"]))
    step = config.get("interleave_moe_layer_step") or config.get("expert_layer_period") or 1
    return (layers - int(config.get("first_k_dense_replace") or 0)) // int(step)


def _precision(config: dict[str, Any], assumed: list[str]) -> str:
    method = (config.get("quantization_config") or {}).get("quant_method")
    if method:
        if method not in PRECISIONS:
            assumed.append(f"native_precision: quantization method {method!r} is unknown, taken as bf16")
        return PRECISIONS.get(method, "bf16")
    word = str(config.get("torch_dtype") or config.get("dtype") or "")
    if not word:
        assumed.append("native_precision: not stated, taken as bf16")
    return {"float16": "fp16", "float32": "fp32"}.get(word.removeprefix("torch."), "bf16")


def _attention(config: dict[str, Any], got: dict[str, Any], assumed: list[str]) -> dict[str, Any]:
    """Heads, caches and the kinds of layers."""
    layers, hidden, heads = int(got["layers"]), int(got["hidden"]), int(got["heads"])
    if got["kv_heads"] is None and not got["kv_rank"]:
        assumed.append("kv_heads: not stated, taken as heads")
    kv_heads = int(got["kv_heads"] or heads)
    full, window, recurrent = _layer_kinds(config, layers)
    state = 0
    if recurrent:
        value_heads, width = config.get("linear_num_value_heads"), config.get("linear_key_head_dim")
        state = int(value_heads or heads) * int(width or 128) * int(config.get("linear_value_head_dim") or 128)
        assumed.append("ssm_mixer_params_m: not in the file, taken as 4 x hidden x hidden")
    return {
        "heads": heads,
        "kv_heads": kv_heads,
        "head_dim": int(got["head_dim"] or hidden // heads),
        "attention": "mla" if got["kv_rank"] else "mha" if kv_heads == heads else "gqa",
        **{name: int(got[name] or 0) for name in ("q_rank", "kv_rank", "rope_dim", "nope_dim", "v_dim")},
        "full_layers": full,
        "window_layers": window,
        "window": int(config.get("sliding_window") or config.get("attention_chunk_size") or 0) if window else 0,
        "ssm_layers": recurrent,
        "ssm_state_elems": state,
        "ssm_mixer_params_m": 4 * hidden * hidden / 1e6 if recurrent else 0.0,
        "kv_compress": 1.0,
    }


def _feed_forward(config: dict[str, Any], got: dict[str, Any], where: str, assumed: list[str]) -> dict[str, Any]:
    """Dense and expert layers."""
    experts = int(got["experts"] or 0)
    if experts and got["experts_active"] is None:
        raise DataFileError(f"{where}: experts without {' or '.join(NAMES['experts_active'])}")
    if got["ffn"] is None and not experts:
        assumed.append("ffn: not stated, taken as 4 x hidden")
    ffn = int(got["ffn"] or 4 * int(got["hidden"]))
    return {
        "ffn_matrices": 2 if str(config.get("model_type", "")) in UNGATED else 3,
        "moe_layers": _moe_layers(config, int(got["layers"])) if experts else 0,
        "ffn": ffn,
        "expert_ffn": int(got["expert_ffn"] or ffn) if experts else 0,
        "experts": experts,
        "experts_active": int(got["experts_active"] or 0),
        "experts_shared": float(got["experts_shared"] or 0),
    }


def from_config(config: dict[str, Any], model_id: str, when: date, released: date | None = None) -> Derived:
    """The record; raises when a size that cannot be assumed is missing."""
    config = {**config, **(config.get("text_config") or {})}
    where, assumed = f"config.json of {model_id}", list[str]()
    got = {field: _found(config, field) for field in NAMES}
    for field in ("layers", "hidden", "heads", "vocab"):
        if got[field] is None:
            raise DataFileError(f"{where}: no {' or '.join(NAMES[field])}")
    if released is None:
        assumed.append(f"released: not in the file, taken as {when}")
    values: dict[str, Any] = {
        "model_id": model_id,
        "aliases": (),
        "released": released or when,
        "layers": int(got["layers"]),
        "hidden": int(got["hidden"]),
        **_attention(config, got, assumed),
        **_feed_forward(config, got, where, assumed),
        "mtp_layers": int(got["mtp_layers"] or 0),
        "vocab": int(got["vocab"]),
        "tied": bool(config.get("tie_word_embeddings", False)),
        "native_precision": _precision(config, assumed),
        "confidence": "medium" if assumed else "high",
        "source": "config.json",
        "as_of": when,
    }
    rough = Model(**values, total_params_b=1.0, active_params_b=1.0)
    count = params(rough)
    idle = count.experts * (1 - rough.experts_active / rough.experts) if rough.experts else 0.0
    total, active = round(count.total / 1e9, 3), round((count.total - idle) / 1e9, 3)
    assumed.append(f"total_params_b: {total:g} summed from the layer sizes")
    model = Model(**values, total_params_b=total, active_params_b=active)
    return Derived(checked_model(model, "config.json"), tuple(assumed))


def csv_values(model: Model) -> list[str]:
    """The record as the cells of models.csv."""
    out = []
    for field in fields(Model):
        value = getattr(model, field.name)
        text = ";".join(value) if isinstance(value, tuple) else str(int(value) if isinstance(value, bool) else value)
        out.append(text)
    return out
