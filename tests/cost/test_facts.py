"""The shipped facts are complete and consistent, and a damaged file says which value of which row is wrong."""

from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest

from tracker.cost import facts
from tracker.cost.shape import params
from tracker.errors import CostError, DataFileError

MEASURED_MODELS = [
    "deepseek-r1",
    "llama2-7b",
    "gpt-oss-120b",
    "mistral-7b",
    "llama3.1-70b",
    "qwen3.5-397b",
    "mixtral-8x7b",
    "llama3-70b",
    "llama2-70b",
    "qwen3-235b",
    "qwen2-7b",
    "qwen3-32b",
    "minimax-m2.5",
    "llama3-8b",
    "llama3.1-405b",
    "llama3.1-8b",
    "gpt-j-6b",
    "kimi-k2.5",
    "glm-5",
    "llama4-scout",
    "llama3.3-70b",
    "falcon-180b",
    "llama4-maverick",
    "qwen2-72b",
    "qwen3-30b",
]
NAMED_IN_ISSUE = [
    "A100-40-SXM",
    "A100",
    "A6000",
    "L40S",
    "H100",
    "H100-PCIe",
    "H800",
    "H20",
    "H200",
    "B200",
    "GB200",
    "B300",
    "GB300",
    "RTXPRO6000",
    "MI300X",
    "MI325X",
    "MI355X",
    "TPUv5e",
    "TPUv5p",
    "TPUv6e",
    "TPUv7",
    "Trainium2",
    "Inferentia2",
    "Gaudi3",
    "H100-NVL",
    "H200-NVL",
    "GH200",
    "MI250",
    "MI350X",
    "Gaudi2",
    "Groq",
    "Cerebras",
    "SN40L",
    "910B",
    "910C",
]


def copied(tmp_path: Path, name: str, old: str, new: str) -> Path:
    for file in ("accelerators.csv", "models.csv", "precisions.csv"):
        text = (files("tracker") / "data" / file).read_text(encoding="utf-8")
        if file == name:
            assert old in text
            text = text.replace(old, new, 1)
        (tmp_path / file).write_text(text, encoding="utf-8")
    return tmp_path


def test_enough_facts_each_with_source_and_date() -> None:
    assert len(facts.accelerators()) >= 35
    assert len(facts.models()) >= 80
    for row in (*facts.accelerators().values(), *facts.models().values(), *facts.precisions().values()):
        assert row.source
        assert row.as_of >= date(2021, 1, 1)


@pytest.mark.parametrize("name", MEASURED_MODELS)
def test_every_measured_model_is_known(name: str) -> None:
    assert facts.find_model(name).layers > 0


@pytest.mark.parametrize("name", NAMED_IN_ISSUE)
def test_every_named_accelerator_is_known(name: str) -> None:
    assert facts.find_accelerator(name).bw_tbs > 0


def test_low_confidence_rows_are_marked() -> None:
    low = {chip.name for chip in facts.accelerators().values() if chip.confidence == "low"}
    assert low == {"Ascend910B", "Ascend910C"}


def test_b300_int8_is_the_cut_unit_not_scaled_fp8() -> None:
    assert facts.find_accelerator("B300").peak_tflops("int8") == pytest.approx(154)
    assert facts.find_accelerator("A100").peak_tflops("fp8") == facts.find_accelerator("A100").bf16_tflops


@pytest.mark.parametrize("model", facts.models().values(), ids=lambda m: m.model_id)
def test_layer_sizes_add_up_to_the_published_parameter_count(model: facts.Model) -> None:
    """A wrong layer count, width or expert count would show here: the shape must explain the published size."""
    assert params(model).total / 1e9 == pytest.approx(model.total_params_b, rel=0.035)


def test_names_resolve_however_they_are_written() -> None:
    assert facts.find_model("Mixtral-8x7B-Instruct").model_id == "mistralai/mixtral-8x7b"
    assert facts.find_model("deepseek/deepseek-r1:free").slug == "deepseek-r1"
    with pytest.raises(CostError, match=r"'mixtral-9x7b' is not in models.csv; similar: .*mixtral-8x7b"):
        facts.find_model("mixtral-9x7b")
    with pytest.raises(CostError, match=r"hardware 'H1000' is not in accelerators.csv"):
        facts.find_accelerator("H1000")
    with pytest.raises(CostError, match="precision 'fp7'"):
        facts.find_precision("fp7")


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (
            "accelerators.csv",
            "80,3.35,989",
            "80,0,989",
            r"accelerators.csv \(H100-SXM\): field 'bw_tbs' must be positive",
        ),
        (
            "accelerators.csv",
            "80,3.35,989",
            "80,,989",
            r"accelerators.csv line \d+ \(H100-SXM\): field 'bw_tbs' is empty",
        ),
        ("accelerators.csv", "80,3.35,989", "80,nan,989", r"field 'bw_tbs' is 'nan', not a finite number"),
        ("accelerators.csv", "bw_tbs,bf16", "bandwidth,bf16", r"accelerators.csv: column 'bw_tbs' is missing"),
        ("models.csv", "gpt-j,2021-06-09,6.05", "gpt-j,2021-06-09,x", r"models.csv line 2 .*'total_params_b' is 'x'"),
        ("models.csv", "eleutherai/gpt-j-6b", "gpt-j-6b", r"models.csv \(gpt-j-6b\): field 'model_id' must read"),
        ("models.csv", ",fp16,0,medium", ",fp17,0,medium", r"models.csv \(eleutherai/gpt-j-6b\): precision 'fp17'"),
    ],
)
def test_a_damaged_data_file_is_named(tmp_path: Path, file: str, old: str, new: str, message: str) -> None:
    folder = copied(tmp_path, file, old, new)
    with pytest.raises(DataFileError, match=message):
        facts.models(folder)
        facts.accelerators(folder)


def test_fine_tunes_are_priced_as_what_they_were_made_of() -> None:
    assert facts.find_model("nousresearch/hermes-4-405b").slug == "llama-3.1-405b"
    assert facts.find_model("deepseek/deepseek-r1-distill-llama-70b").slug == "llama-3.3-70b"
    listed = (files("tracker") / "data" / "model_shapes.csv").read_text(encoding="utf-8").splitlines()[1:]
    for line in listed:
        name, shape = line.split(",")[:2]
        assert facts.find_model(name).model_id == shape
