"""A model's facts from its `config.json`, and a plain list of what the file does not say.

Key names are those of Hugging Face configurations; the spellings of older families are in the tables below. A file that
describes a structure this record has no place for is refused by the name of the key.
"""

from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from tracker.cost.facts import Model, checked_model
from tracker.cost.mixers import Mixers, is_mamba, mixers, state
from tracker.cost.shape import params
from tracker.errors import DataFileError

NAMES = {
    "layers": ("num_hidden_layers", "n_layer", "num_layers", "n_layers"),
    "hidden": ("hidden_size", "n_embd", "d_model"),
    "heads": ("num_attention_heads", "n_head", "n_heads"),
    "kv_heads": ("num_key_value_heads", "num_kv_heads", "n_head_kv", "multi_query_group_num"),
    "head_dim": ("head_dim", "attention_head_dim", "kv_channels"),
    "ffn": (
        "intermediate_size_mlp",
        "dense_intermediate_size",
        "intermediate_size",
        "ffn_hidden_size",
        "ffn_dim",
        "n_inner",
    ),
    "vocab": ("vocab_size", "padded_vocab_size"),
    "experts": ("num_experts", "n_routed_experts", "num_local_experts", "moe_num_experts"),
    "experts_active": ("num_experts_per_tok", "num_experts_per_token", "moe_k", "moe_top_k", "top_k_experts"),
    "experts_shared": ("n_shared_experts", "num_shared_experts"),
    "expert_ffn": ("moe_intermediate_size", "intermediate_size"),
    "q_rank": ("q_lora_rank",),
    "kv_rank": ("kv_lora_rank",),
    "rope_dim": ("qk_rope_head_dim",),
    "nope_dim": ("qk_nope_head_dim",),
    "v_dim": ("v_head_dim",),
    "mtp_layers": ("num_nextn_predict_layers", "mtp_num_hidden_layers"),
}
UNGATED = {"gptj", "opt", "falcon", "gpt_neox", "nemotron", "bloom", "phi", "nemotron_h"}
UNKNOWN_STRUCTURES = {
    "block_configs": "each layer has a shape of its own",
    "moe_latent_size": "experts work on a narrower vector",
    "routed_expert_hidden_size": "experts work on a narrower vector",
}
OTHER_HEADS = ("swa_num_key_value_heads", "num_global_key_value_heads", "global_head_dim")
PRECISIONS = {
    "fp8": "fp8",
    "fbgemm_fp8": "fp8",
    "mxfp4": "mxfp4",
    "awq": "int4",
    "gptq": "int4",
    "NVFP4": "fp4",
    "FP8": "fp8",
    "nvfp4-pack-quantized": "fp4",
    "mxfp4-pack-quantized": "mxfp4",
    "float-quantized": "fp8",
    "int-quantized": "int8",
    "pack-quantized": "int4",
}


@dataclass(frozen=True, slots=True)
class Derived:
    """A model record and what had to be assumed for it."""

    model: Model
    assumed: tuple[str, ...]


def _found(config: dict[str, Any], field: str) -> Any:
    return next((config[name] for name in NAMES[field] if config.get(name) is not None), None)


def _moe_layers(config: dict[str, Any], layers: int) -> int:
    if isinstance(config.get("moe_layer_freq"), list):
        return int(sum(config["moe_layer_freq"]))
    step = config.get("interleave_moe_layer_step") or config.get("expert_layer_period") or 1
    return (layers - int(config.get("first_k_dense_replace") or 0)) // int(step)


def _precision(config: dict[str, Any], assumed: list[str]) -> str:
    if config.get("expert_dtype") == "fp4":  # DeepSeek V4: experts in 4 bits with power-of-two scales, the rest in fp8
        return "mxfp4"
    stored = config.get("quantization_config") or {}
    groups = (stored.get("config_groups") or {}).values()
    formats = [group["format"] for group in groups if group.get("format")]
    words = [*formats, stored.get("format"), stored.get("quant_algo"), stored.get("quant_method")]
    if known := [PRECISIONS[word] for word in words if word in PRECISIONS]:
        return known[0]
    if stored:
        assumed.append(
            f"native_precision: quantization method {stored.get('quant_method')!r} is unknown, taken as bf16"
        )
        return "bf16"
    word = str(config.get("torch_dtype") or config.get("dtype") or "")
    if not word:
        assumed.append("native_precision: not stated, taken as bf16")
    return {"float16": "fp16", "float32": "fp32"}.get(word.removeprefix("torch."), "bf16")


def _sparse_index(config: dict[str, Any], full: int) -> dict[str, int]:
    """Sparse attention: how many tokens are read and what the index over all of them costs."""
    blocks = config.get("sparse_attention_config") or {}
    if blocks.get("use_sparse_attention"):
        topk = int(blocks["sparse_topk_blocks"]) * int(blocks["sparse_block_size"])
        layers = sum(blocks["sparse_attention_freq"])
        heads, dim = int(blocks["sparse_num_index_heads"]), int(blocks["sparse_index_dim"])
    elif config.get("index_topk") and config.get("kv_lora_rank"):
        topk, heads, dim = (int(config[name]) for name in ("index_topk", "index_n_heads", "index_head_dim"))
        kinds = config.get("indexer_types")
        layers = kinds.count("full") if kinds else full
    else:
        topk = layers = heads = dim = 0
    return {"index_topk": topk, "index_layers": layers, "index_heads": heads, "index_dim": dim}


def _compression(config: dict[str, Any]) -> dict[str, Any]:
    """DeepSeek V4: cached entries stand for several tokens each; the mean ratio of the layers that compress."""
    ratios = [ratio for ratio in config.get("compress_ratios") or [] if ratio]
    if not ratios:
        return {"kv_compress": 1.0}
    rank = int(config["o_lora_rank"])
    mean = len(ratios) / sum(1 / ratio for ratio in ratios)
    return {"kv_compress": round(mean, 2), "attention": "csa", "kv_rank": rank, "v_dim": rank * int(config["o_groups"])}


def _attention(config: dict[str, Any], got: dict[str, Any], kinds: Mixers, assumed: list[str]) -> dict[str, Any]:
    """Heads, caches and the kinds of layers."""
    hidden, heads = int(got["hidden"]), int(got["heads"] or 1)
    if got["kv_heads"] is None and not got["kv_rank"] and not is_mamba(config):
        assumed.append("kv_heads: not stated, taken as heads")
    kv_heads = int(got["kv_heads"] or heads)
    recurrent = state(config, hidden, heads) if kinds.recurrent else None
    if recurrent and recurrent.assumed:
        assumed.append(recurrent.assumed)
    latent = {name: int(got[name] or 0) for name in ("q_rank", "kv_rank", "rope_dim", "nope_dim", "v_dim")}
    if not latent["kv_rank"] and not config.get("compress_ratios"):
        latent = dict.fromkeys(latent, 0)
    head_dim = latent["v_dim"] if latent["kv_rank"] else int(got["head_dim"] or hidden // heads)
    head_dim = 1 if is_mamba(config) else head_dim
    if other := [key for key in OTHER_HEADS if config.get(key) not in (None, got["kv_heads"], got["head_dim"])]:
        assumed.append(f"kv_heads, head_dim: {other[0]} differs for some layers, one shape is taken for all")
    shared = "mha" if kv_heads == heads else "gqa"
    window = config.get("sliding_window") or config.get("attention_chunk_size") or 0
    return {
        "heads": heads,
        "kv_heads": kv_heads,
        "head_dim": head_dim,
        "attention": "none" if is_mamba(config) else "mla" if latent["kv_rank"] else shared,
        **latent,
        "full_layers": kinds.full,
        "window_layers": kinds.window,
        "window": int(window) if kinds.window else 0,
        "ssm_layers": kinds.recurrent,
        "ssm_state_elems": recurrent.elements if recurrent else 0,
        "ssm_mixer_params_m": recurrent.params_m if recurrent else 0.0,
        **_sparse_index(config, kinds.full),
        **_compression(config),
    }


def _shared(config: dict[str, Any], got: dict[str, Any], expert_ffn: int) -> float:
    """Shared experts in units of one routed expert."""
    width = config.get("shared_expert_intermediate_size") or config.get("moe_shared_expert_intermediate_size")
    if width:
        return float(width) / expert_ffn
    if str(config.get("model_type", "")).startswith("llama4"):
        return 1.0  # built into the architecture; the file does not count it
    return float(got["experts_shared"] or 0)


def _feed_forward(
    config: dict[str, Any], got: dict[str, Any], kinds: Mixers, where: str, assumed: list[str]
) -> dict[str, Any]:
    """Dense and expert layers."""
    experts, hidden = int(got["experts"] or 0), int(got["hidden"])
    experts = experts if experts > 1 else 0
    if experts and got["experts_active"] is None:
        raise DataFileError(f"{where}: experts without {' or '.join(NAMES['experts_active'])}")
    if got["ffn"] is None and not experts and not is_mamba(config):
        assumed.append("ffn: not stated, taken as 4 x hidden")
    moe_layers = _moe_layers(config, kinds.layers) if kinds.expert_blocks is None else kinds.expert_blocks
    moe_layers = moe_layers if experts else 0
    dense = kinds.layers - moe_layers
    ffn = 0 if is_mamba(config) or not dense else int(got["ffn"] or 4 * hidden)
    if kinds.ffn_blocks is not None and dense:
        ffn = round(ffn * kinds.ffn_blocks / dense)
        assumed.append(f"ffn: {kinds.ffn_blocks} feed-forward blocks spread over {dense} layers")
    matrices = 2 if str(config.get("model_type", "")) in UNGATED else 3
    expert_ffn = int(got["expert_ffn"] or 4 * hidden) if experts else 0
    shared = _shared(config, got, expert_ffn) if experts else 0.0
    if experts and matrices == 2:
        assumed.append(f"expert_ffn: {expert_ffn} without a gate, counted as two thirds of a gated one")
        expert_ffn = round(expert_ffn * 2 / 3)
    return {
        "ffn_matrices": matrices,
        "moe_layers": moe_layers,
        "ffn": ffn,
        "expert_ffn": expert_ffn,
        "experts": experts,
        "experts_active": int(got["experts_active"] or 0) if experts else 0,
        "experts_shared": shared,
    }


def _checked(config: dict[str, Any], got: dict[str, Any], where: str) -> None:
    for key, why in UNKNOWN_STRUCTURES.items():
        if config.get(key):
            raise DataFileError(f"{where}: {key} ({why}) cannot be described; type the row by hand")
    listed = bool(config.get("layers_block_type"))
    for field in ("layers", "hidden", "heads", "vocab"):
        absent = (field == "heads" and is_mamba(config)) or (field == "layers" and listed)
        if got[field] is None and not absent:
            raise DataFileError(f"{where}: no {' or '.join(NAMES[field])}")
        if got[field] is not None and not (isinstance(got[field], int) and got[field] > 0):
            raise DataFileError(f"{where}: {field} is {got[field]!r}, not a positive whole number")


def from_config(config: dict[str, Any], model_id: str, when: date, released: date | None = None) -> Derived:
    """The record; raises DataFileError when a size that cannot be assumed is missing or a structure is unknown."""
    config = {**config, **(config.get("text_config") or {})}
    where, assumed = f"config.json of {model_id}", list[str]()
    got = {field: _found(config, field) for field in NAMES}
    _checked(config, got, where)
    if released is None:
        assumed.append(f"released: not in the file, taken as {when}")
    kinds = mixers(config, int(got["layers"] or 0), where)
    values: dict[str, Any] = {
        "model_id": model_id,
        "aliases": (),
        "released": released or when,
        "layers": kinds.layers,
        "hidden": int(got["hidden"]),
        **_attention(config, got, kinds, assumed),
        **_feed_forward(config, got, kinds, where, assumed),
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
