"""Records from config.json agree with the typed facts; what the file does not say is listed."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.cost.configurations import CONFIGURATIONS
from tracker.cost.derive import csv_values, from_config
from tracker.cost.facts import find_model
from tracker.cost.measured import parse_row
from tracker.errors import DataFileError

DAY = date(2026, 1, 1)
LLAMA: dict[str, Any] = {
    "model_type": "llama",
    "num_hidden_layers": 80,
    "hidden_size": 8192,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "intermediate_size": 28672,
    "vocab_size": 128256,
    "torch_dtype": "bfloat16",
}
MIXTRAL: dict[str, Any] = {
    "model_type": "mixtral",
    "num_hidden_layers": 32,
    "hidden_size": 4096,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 14336,
    "num_local_experts": 8,
    "num_experts_per_tok": 2,
    "vocab_size": 32000,
    "torch_dtype": "bfloat16",
}
DEEPSEEK: dict[str, Any] = {
    "model_type": "deepseek_v3",
    "num_hidden_layers": 61,
    "first_k_dense_replace": 3,
    "hidden_size": 7168,
    "num_attention_heads": 128,
    "num_key_value_heads": 128,
    "intermediate_size": 18432,
    "moe_intermediate_size": 2048,
    "n_routed_experts": 256,
    "num_experts_per_tok": 8,
    "n_shared_experts": 1,
    "q_lora_rank": 1536,
    "kv_lora_rank": 512,
    "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64,
    "v_head_dim": 128,
    "vocab_size": 129280,
    "num_nextn_predict_layers": 1,
    "quantization_config": {"quant_method": "fp8"},
}
GPT_OSS: dict[str, Any] = {
    "model_type": "gpt_oss",
    "num_hidden_layers": 36,
    "hidden_size": 2880,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "head_dim": 64,
    "intermediate_size": 2880,
    "num_local_experts": 128,
    "num_experts_per_tok": 4,
    "sliding_window": 128,
    "layer_types": ["sliding_attention", "full_attention"] * 18,
    "vocab_size": 201088,
    "quantization_config": {"quant_method": "mxfp4"},
}
GPT_J: dict[str, Any] = {
    "model_type": "gptj",
    "n_layer": 28,
    "n_embd": 4096,
    "n_head": 16,
    "vocab_size": 50400,
    "n_inner": None,
}


SAME = """layers hidden heads kv_heads attention kv_rank v_dim full_layers window_layers window moe_layers ffn
ssm_layers ssm_state_elems index_topk index_layers index_heads index_dim expert_ffn experts experts_active
experts_shared vocab tied mtp_layers ffn_matrices"""
SAME_FIELDS = SAME.split()


@pytest.mark.parametrize(
    ("config", "name"),
    [
        (LLAMA, "llama-3.3-70b"),
        (MIXTRAL, "mixtral-8x7b"),
        (DEEPSEEK, "deepseek-v3"),
        (GPT_OSS, "gpt-oss-120b"),
        (GPT_J, "gpt-j-6b"),
        *((config, name) for name, config in CONFIGURATIONS.items()),
    ],
)
def test_derived_shape_is_the_typed_one(config: dict[str, Any], name: str) -> None:
    made, typed = from_config(config, "a/b", DAY).model, find_model(name)
    for field in SAME_FIELDS:
        assert getattr(made, field) == getattr(typed, field), field
    assert made.total_params_b == pytest.approx(typed.total_params_b, rel=0.01)


def test_what_is_not_stated_is_listed() -> None:
    words = " ".join(from_config(GPT_J, "a/gpt-j", DAY).assumed)
    for part in (
        "ffn: not stated",
        "kv_heads: not stated",
        "native_precision: not stated",
        "released: not in the file",
    ):
        assert part in words


def test_linear_attention_of_an_unknown_kind_is_assumed_aloud() -> None:
    kinds = {"layer_types": ["linear_attention"] * 60 + ["full_attention"] * 20}
    made = from_config({"model_type": "vl", "text_config": {**LLAMA, **kinds}}, "a/b", DAY)
    assert (made.model.full_layers, made.model.ssm_layers) == (20, 60)
    assert any("ssm_mixer_params_m" in line for line in made.assumed)


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, "fp4"),
        ({"quant_method": "compressed-tensors", "format": "pack-quantized"}, "int4"),
        ({"quant_method": "compressed-tensors", "config_groups": {"g": {"format": "mxfp4-pack-quantized"}}}, "mxfp4"),
        ({"quant_method": "fbgemm_fp8"}, "fp8"),
        ({"quant_method": "never-heard-of"}, "bf16"),
    ],
)
def test_precision_is_read_from_the_quantization(stored: dict[str, Any], expected: str) -> None:
    made = from_config({**LLAMA, "quantization_config": stored}, "a/b", DAY)
    assert made.model.native_precision == expected
    assert any("never-heard-of" in line for line in made.assumed) == (expected == "bf16")


def test_heads_that_differ_between_layers_are_assumed_aloud() -> None:
    made = from_config({**LLAMA, "swa_num_key_value_heads": 16}, "a/b", DAY)
    assert any("swa_num_key_value_heads differs" in line for line in made.assumed)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({**LLAMA, "block_configs": [{}]}, "block_configs .each layer has a shape of its own. cannot be described"),
        ({**MIXTRAL, "moe_latent_size": 1024}, "moe_latent_size"),
        ({**LLAMA, "hidden_size": 0}, "hidden is 0, not a positive whole number"),
        ({**LLAMA, "num_hidden_layers": "80"}, "layers is '80', not a positive whole number"),
        ({**LLAMA, "hybrid_override_pattern": "M?"}, "layer kind '.' of hybrid_override_pattern is unknown"),
    ],
)
def test_what_cannot_be_described_is_refused_by_its_key(config: dict[str, Any], message: str) -> None:
    with pytest.raises(DataFileError, match=f"config.json of a/b: {message}"):
        from_config(config, "a/b", DAY)


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("num_hidden_layers", "no num_hidden_layers or n_layer"),
        ("num_experts_per_tok", "experts without num_experts_per_tok"),
    ],
)
def test_a_size_that_cannot_be_assumed_is_an_error(missing: str, message: str) -> None:
    config = {k: v for k, v in MIXTRAL.items() if k != missing}
    with pytest.raises(DataFileError, match=f"config.json of a/b: {message}"):
        from_config(config, "a/b", DAY)


def test_the_record_reads_back_as_a_row_of_models_csv(tmp_path: Path) -> None:
    from importlib.resources import files

    from tracker.cost.facts import models

    for name in ("models.csv", "precisions.csv"):
        (tmp_path / name).write_text((files("tracker") / "data" / name).read_text(encoding="utf-8"), encoding="utf-8")
    made = from_config(LLAMA, "acme/new-70b", DAY).model
    with (tmp_path / "models.csv").open("a", encoding="utf-8") as file:
        file.write(",".join(csv_values(made)) + "\n")
    assert models(tmp_path)["acme/new-70b"] == made


def test_measured_rows_need_known_words() -> None:
    with pytest.raises(DataFileError, match="row None"):
        parse_row({})
