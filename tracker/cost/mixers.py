"""Which layers of a `config.json` attend fully, attend in a window or carry a recurrent state, and how large that is.

Each family spells its pattern in its own way; the spellings are read here in the order in which they are most specific.
"""

from dataclasses import dataclass
from typing import Any

from tracker.errors import DataFileError

FULL, WINDOW, RECURRENT, FFN, EXPERTS = "full", "window", "recurrent", "ffn", "experts"
LETTERS = {"M": RECURRENT, "*": FULL, "-": FFN, "E": EXPERTS}  # hybrid_override_pattern of Nemotron-H
BLOCKS = {"mamba": RECURRENT, "attention": FULL, "mlp": FFN, "moe": EXPERTS}
NO_ROPE_EVERY = 4  # Llama 4: every fourth layer has no rotary embedding and attends fully, the others in chunks
GEMMA_2_EVERY = 2


@dataclass(frozen=True, slots=True)
class Mixers:
    """Layers by kind; `ffn_blocks` and `expert_blocks` only where a block is either mixer or feed-forward."""

    layers: int
    full: int
    window: int
    recurrent: int
    ffn_blocks: int | None = None
    expert_blocks: int | None = None


def block_list(config: dict[str, Any], where: str) -> list[str]:
    """The kinds of a model whose blocks are mixers or feed-forward parts by turns; empty for all others."""
    for key, words in (("hybrid_override_pattern", LETTERS), ("layers_block_type", BLOCKS)):
        listed = config.get(key) or []
        if unknown := [word for word in listed if word not in words]:
            raise DataFileError(f"{where}: layer kind {unknown[0]!r} of {key} is unknown")
        if listed:
            return [words[word] for word in listed]
    return []


def _kinds(config: dict[str, Any], layers: int) -> list[str] | None:
    """One kind per layer where the file lists them."""
    if kinds := config.get("layer_types"):
        words = {"sliding": WINDOW, "chunked": WINDOW, "linear": RECURRENT, "mamba": RECURRENT, "recurrent": RECURRENT}
        return [next((ours for word, ours in words.items() if word in kind), FULL) for kind in kinds]
    if flags := config.get("hybrid_layer_pattern"):  # MiMo: 1 is a window
        return [WINDOW if flag else FULL for flag in flags]
    if flags := config.get("attn_type_list"):  # MiniMax M1: 0 is linear
        return [FULL if flag else RECURRENT for flag in flags]
    if ratios := config.get("compress_ratios"):  # DeepSeek V4: 0 is a window, others compress
        return [FULL if ratio else WINDOW for ratio in ratios[:layers]]
    if full := (config.get("linear_attn_config") or {}).get("full_attn_layers"):  # Kimi Linear, counted from 1
        return [FULL if i + 1 in full else RECURRENT for i in range(layers)]
    return None


def _every(config: dict[str, Any]) -> tuple[int, str] | None:
    """(n, kind of the others) where every n-th layer attends fully."""
    if every := config.get("full_attention_interval") or config.get("attn_layer_period"):
        return int(every), RECURRENT
    if config.get("attention_chunk_size"):
        return NO_ROPE_EVERY, WINDOW
    if config.get("sliding_window") and config.get("use_sliding_window", True):
        every = config.get("sliding_window_pattern") or config.get("_sliding_window_pattern")
        return int(every or (GEMMA_2_EVERY if config.get("model_type") == "gemma2" else 0)), WINDOW
    return None


def mixers(config: dict[str, Any], layers: int, where: str) -> Mixers:
    """Layers by kind; a file that says nothing has full attention everywhere."""
    if blocks := block_list(config, where):
        count = blocks.count
        return Mixers(len(blocks), count(FULL), 0, count(RECURRENT), count(FFN), count(EXPERTS))
    if is_mamba(config):
        return Mixers(layers, 0, 0, layers)
    if kinds := _kinds(config, layers):
        return Mixers(layers, kinds.count(FULL), kinds.count(WINDOW), kinds.count(RECURRENT))
    if found := _every(config):
        every, others = found
        full = layers // every if every else 0
        return Mixers(layers, full, layers - full if others == WINDOW else 0, layers - full if others != WINDOW else 0)
    return Mixers(layers, layers, 0, 0)


def is_mamba(config: dict[str, Any]) -> bool:
    """A model without attention: it states no heads at all."""
    return str(config.get("model_type", "")) in {"mamba", "mamba2", "falcon_mamba"}


@dataclass(frozen=True, slots=True)
class State:
    """One recurrent layer: state elements per sequence, parameters in millions, and how the latter came about."""

    elements: int
    params_m: float
    assumed: str = ""


def state(config: dict[str, Any], hidden: int, heads: int) -> State:
    """Gated delta nets (Qwen3-Next on), Mamba 1 and 2; all else is taken as linear attention of four squares."""
    if value_heads := config.get("linear_num_value_heads"):
        key_dim, value_dim = (
            int(config.get("linear_key_head_dim") or 128),
            int(config.get("linear_value_head_dim") or 128),
        )
        keys, values = int(config.get("linear_num_key_heads") or value_heads) * key_dim, int(value_heads) * value_dim
        mixed = hidden * (2 * keys + 2 * values + 2 * int(value_heads)) + values * hidden
        return State(int(value_heads) * key_dim * value_dim, mixed / 1e6)
    if mamba_heads := config.get("mamba_num_heads"):
        inner, width = int(mamba_heads) * int(config["mamba_head_dim"]), int(config["ssm_state_size"])
        groups = int(config.get("n_groups") or 1)
        mixed = hidden * (2 * inner + 2 * groups * width + int(mamba_heads)) + inner * hidden
        return State(inner * width, mixed / 1e6)
    if states := config.get("mamba_d_state") or (config.get("state_size") if is_mamba(config) else None):
        inner = hidden * int(config.get("mamba_expand") or config.get("expand") or 2)
        stated = config.get("mamba_dt_rank") or config.get("time_step_rank")
        rank = stated if isinstance(stated, int) else -(-hidden // 16)
        mixed = hidden * 2 * inner + inner * (rank + 2 * int(states)) + rank * inner + inner * hidden
        return State(inner * int(states), mixed / 1e6)
    linear = config.get("linear_attn_config") or {}
    count, size = int(linear.get("num_heads") or heads), int(linear.get("head_dim") or 128)
    return State(
        count * size * size,
        4 * hidden * hidden / 1e6,
        "ssm_mixer_params_m: not in the file, taken as 4 x hidden x hidden",
    )
