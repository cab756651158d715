"""Facts the engine computes from: accelerators, models, precisions. One record per row of a shipped data file.

Units are in the names; FLOPS are dense (half of a vendor's sparse figure); 0 means the part has no such unit.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from tracker.cost.tables import read_rows
from tracker.errors import CostError, DataFileError


@dataclass(frozen=True, slots=True)
class Accelerator:
    """One chip (or card) as its vendor sells it. `layer_us` is what a layer takes where the weights stay in SRAM."""

    name: str
    aliases: tuple[str, ...]
    vendor: str
    released: date
    mem_gb: float
    bw_tbs: float
    bf16_tflops: float
    fp8_tflops: float
    fp4_tflops: float
    int8_tops: float
    scaleup_gbs: float
    scaleup_world: int
    tdp_w: float
    allin_w: float
    capex_usd: float
    memory_kind: str
    layer_us: float
    confidence: str
    source: str
    as_of: date

    def peak_tflops(self, math_kind: str) -> float:
        """The rate for a math kind, falling back to the next wider unit the chip has.

        `mx` weights have 4 bits: a chip that reads them natively multiplies them with 8-bit activations, others widen
        them to 16 bits first.
        """
        if math_kind == "int8":
            return self.int8_tops or self.bf16_tflops
        if math_kind == "mx":
            math_kind = "fp8" if self.fp4_tflops > 0 else "bf16"
        ladder = {"fp4": ("fp4", "fp8", "bf16"), "fp8": ("fp8", "bf16"), "bf16": ("bf16",)}[math_kind]
        return next(rate for kind in ladder if (rate := float(getattr(self, f"{kind}_tflops"))) > 0)

    @property
    def stage_chips(self) -> int:
        """Chips of one stage of a pipeline in SRAM: 36 small ones (576 in 16 stages for Mixtral), or one wafer."""
        return min(36, self.scaleup_world)


@dataclass(frozen=True, slots=True)
class Model:
    """The shape of one open model: everything its serving cost depends on.

    `attention` is mha, gqa, mla (latent, DeepSeek V2 on), csa (compressed, DeepSeek V4: `kv_compress` tokens share
    one entry) or none. Layers with full attention, a window or a recurrent state are counted apart. Sparse attention
    (DeepSeek V3.2 on) reads `index_topk` cached tokens, chosen by `index_heads` heads of `index_dim` in `index_layers`
    layers; 0 is none. `experts_shared` is in units of one routed expert; `ssm_mixer_params_m` in millions per layer.
    """

    model_id: str
    aliases: tuple[str, ...]
    released: date
    total_params_b: float
    active_params_b: float
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    attention: str
    q_rank: int
    kv_rank: int
    rope_dim: int
    nope_dim: int
    v_dim: int
    full_layers: int
    window_layers: int
    window: int
    ssm_layers: int
    ssm_state_elems: int
    ssm_mixer_params_m: float
    kv_compress: float
    index_topk: int
    index_layers: int
    index_heads: int
    index_dim: int
    ffn: int
    ffn_matrices: int
    moe_layers: int
    expert_ffn: int
    experts: int
    experts_active: int
    experts_shared: float
    vocab: int
    tied: bool
    native_precision: str
    mtp_layers: int
    confidence: str
    source: str
    as_of: date

    @property
    def slug(self) -> str:
        return self.model_id.partition("/")[2]


@dataclass(frozen=True, slots=True)
class Precision:
    """Bits per stored value by tensor class, and the unit that multiplies them."""

    precision: str
    weight_bits: float
    expert_bits: float
    moe_attention_bits: float
    head_bits: float
    kv_bits: float
    math: str
    source: str
    as_of: date


def _require(condition: bool, where: str, message: str) -> None:
    if not condition:
        raise DataFileError(f"{where}: {message}")


def _checked_accelerator(chip: Accelerator) -> Accelerator:
    where = f"accelerators.csv ({chip.name})"
    for field in ("mem_gb", "bw_tbs", "bf16_tflops", "tdp_w", "allin_w"):
        _require(getattr(chip, field) > 0, where, f"field {field!r} must be positive")
    for field in ("fp8_tflops", "fp4_tflops", "int8_tops", "scaleup_gbs", "capex_usd"):
        _require(getattr(chip, field) >= 0, where, f"field {field!r} must not be negative")
    _require(chip.scaleup_world >= 1, where, "field 'scaleup_world' must be at least 1")
    _require(chip.memory_kind in {"hbm", "gddr", "sram"}, where, f"memory_kind {chip.memory_kind!r} is unknown")
    _require((chip.memory_kind == "sram") == (chip.layer_us > 0), where, "layer_us without SRAM, or the reverse")
    _require(chip.confidence in {"high", "medium", "low"}, where, f"confidence {chip.confidence!r} is unknown")
    _require(bool(chip.source), where, "field 'source' is empty")
    return chip


def checked_model(model: Model, file: str = "models.csv") -> Model:
    """The model, or a DataFileError that names the contradictory field."""
    where = f"{file} ({model.model_id})"
    for field in ("total_params_b", "active_params_b", "layers", "hidden", "vocab", "kv_compress"):
        _require(getattr(model, field) > 0, where, f"field {field!r} must be positive")
    _require("/" in model.model_id, where, "field 'model_id' must read author/slug")
    _require(
        model.attention in {"mha", "gqa", "mla", "csa", "none"}, where, f"attention {model.attention!r} is unknown"
    )
    _require(
        model.full_layers + model.window_layers + model.ssm_layers <= model.layers, where, "more mixers than layers"
    )
    _require(model.experts >= model.experts_active, where, "field 'experts_active' exceeds 'experts'")
    _require(bool(model.experts) == bool(model.moe_layers), where, "experts without moe_layers, or the reverse")
    _require(
        bool(model.index_topk) == bool(model.index_layers), where, "index_topk without index_layers, or the reverse"
    )
    _require(model.index_layers <= model.full_layers, where, "field 'index_layers' exceeds 'full_layers'")
    _require(model.moe_layers <= model.layers, where, "field 'moe_layers' exceeds 'layers'")
    _require(bool(model.window) == bool(model.window_layers), where, "window without window_layers, or the reverse")
    _require(bool(model.source), where, "field 'source' is empty")
    return model


def _unique(names: Iterable[str], file: str) -> None:
    seen: set[str] = set()
    for name in names:
        _require(name not in seen, file, f"{name!r} appears twice")
        seen.add(name)


@cache
def accelerators(folder: Path | None = None) -> dict[str, Accelerator]:
    """All accelerators by name."""
    rows = [_checked_accelerator(row) for row in read_rows("accelerators.csv", Accelerator, folder)]
    _unique((row.name for row in rows), "accelerators.csv")
    return {row.name: row for row in rows}


@cache
def models(folder: Path | None = None) -> dict[str, Model]:
    """All models by model id."""
    rows = [checked_model(row) for row in read_rows("models.csv", Model, folder)]
    _unique((key for row in rows for key in {row.model_id, row.slug, *row.aliases}), "models.csv")
    known = precisions(folder)
    for row in rows:
        _require(
            row.native_precision in known, f"models.csv ({row.model_id})", f"precision {row.native_precision!r} unknown"
        )
    return {row.model_id: row for row in rows}


@cache
def precisions(folder: Path | None = None) -> dict[str, Precision]:
    rows = list(read_rows("precisions.csv", Precision, folder))
    _unique((row.precision for row in rows), "precisions.csv")
    return {row.precision: row for row in rows}


def _key(name: str) -> str:
    return re.sub(r"[\s_]+", "-", name.strip().lower())


@cache
def _model_names(folder: Path | None) -> dict[str, str]:
    return {_key(k): m.model_id for m in models(folder).values() for k in (m.model_id, m.slug, *m.aliases)}


@dataclass(frozen=True, slots=True)
class SameShape:
    """A listed model that is served at the cost of another: a fine-tune, a sibling, a vision variant's text side."""

    listed_id: str
    model_id: str
    source: str
    as_of: date


@cache
def _same_shapes() -> dict[str, str]:
    rows = list(read_rows("model_shapes.csv", SameShape))
    for row in rows:
        _require(row.model_id in models(), f"model_shapes.csv ({row.listed_id})", f"no model {row.model_id!r}")
    return {_key(row.listed_id): row.model_id for row in rows}


@cache
def _chip_names(folder: Path | None) -> dict[str, str]:
    return {_key(k): chip.name for chip in accelerators(folder).values() for k in (chip.name, *chip.aliases)}


def find_model(name: str, folder: Path | None = None) -> Model:
    """A model by id, slug or alias, or by what has its shape; a trailing -instruct, -chat or :free is tried without."""
    names, key = _model_names(folder), _key(name).partition(":")[0]
    bare = re.sub(r"-(instruct|chat|it|hf|turbo|fp8|fp4|nvfp4|awq)$", "", key)
    for candidate in (key, bare, key.partition("/")[2], bare.partition("/")[2]):
        if candidate in names:
            return models(folder)[names[candidate]]
    if folder is None and key in _same_shapes():
        return models()[_same_shapes()[key]]
    near = [n for n in sorted(names) if key.rpartition("/")[2][:6] in n][:5]
    hint = f"; similar: {', '.join(near)}" if near else ""
    raise CostError(f"model {name!r} is not in models.csv{hint} (add it with `tracker models add config.json`)")


def find_accelerator(name: str, folder: Path | None = None) -> Accelerator:
    names = _chip_names(folder)
    if _key(name) not in names:
        raise CostError(f"hardware {name!r} is not in accelerators.csv; known: {', '.join(accelerators(folder))}")
    return accelerators(folder)[names[_key(name)]]


def find_precision(name: str, folder: Path | None = None) -> Precision:
    table = precisions(folder)
    if name not in table:
        raise CostError(f"precision {name!r} is not in precisions.csv; known: {', '.join(table)}")
    return table[name]
