"""The commands tell their story, refuse nonsense in one line, and need no warehouse when prices are given."""

import json
import sys
from pathlib import Path

import pytest

from tracker import cli


def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["tracker", *words])
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as stop:
        cli.main()
    seen = capsys.readouterr()
    return int(stop.value.code or 0), seen.out + seen.err


def test_the_mixtral_story(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    code, out = run(capsys, monkeypatch, "cost", "mixtral-8x7b", "--as-of", "2023-12-15")
    assert code == 0
    for words in (
        "scenario mixtral-2023",
        "2xA100-80-SXM bf16",
        "2xH100-SXM bf16",
        "80 % band",
        "width due to: utilisation",
        "bound by weight bandwidth at batch 64",
        "even from batch",
        "covers its cost",
        "below cost",
        "a free offer covers no cost",
        "GroqLPU-v1 never",  # its own chips, not somebody's GPUs
        "the cheapest needs 7.3x the",
    ):
        assert words in out
    for seller in ("mistral", "together", "perplexity", "anyscale", "deepinfra", "openrouter (free)"):
        assert seller in out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("breakeven", "mixtral-8x7b", "--input", "0", "--output", "0.6", "--as-of", "2023-12-15"), "P(below cost)"),
        (
            ("breakeven", "llama-3.3-70b", "--output", "0.4", "--precision", "fp8", "--hardware", "H100"),
            "even at batch",
        ),
        (("size", "closed-model", "--input", "1.25", "--output", "10", "--speed", "60"), "proportions of deepseek-v3"),
        (("cost", "deepseek-v3", "--waterfall", "2023-03-01", "2025-02-28"), "continuous batching"),
        (("cost", "gpt-oss-120b", "--speed", "100", "--ttft", "2", "--hardware", "B200"), "1xB200 mxfp4"),
        (("frontier", "llama-3.1-8b", "--precision", "fp8", "--hardware", "L40S"), "tok/s/user"),
    ],
)
def test_answers(
    words: tuple[str, ...], expected: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out = run(capsys, monkeypatch, *words)
    assert code == 0, out
    assert expected in out
    assert "nan" not in out.split()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("cost", "mixtral-9x7b"), 1, "model 'mixtral-9x7b' is not in models.csv; similar: mistralai/mixtral-8x22b"),
        (("cost", "mixtral-8x7b", "--hardware", "H1000"), 1, "hardware 'H1000' is not in accelerators.csv"),
        (("cost", "mixtral-8x7b", "--as-of", "15.12.2023"), 2, "is not a day like 2023-12-15"),
        (("cost", "mixtral-8x7b", "--speed", "99999"), 1, "no deployment reaches 99999 tokens/s/user"),
        (("cost", "llama-3.1-405b", "--precision", "bf16", "--hardware", "L40S"), 1, "fits none of: L40S"),
        (("cost", "mixtral-8x7b", "--waterfall", "2024-01-01", "2023-01-01"), 1, "an earlier and a later date"),
        (("breakeven", "mixtral-8x7b", "--output", "-1"), 1, "output_usd_per_mtok must not be negative"),
        (("size", "x", "--input", "0", "--output", "0"), 1, "a free offer covers no model"),
    ],
)
def test_refusals_are_one_line(
    words: tuple[str, ...], code: int, message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, out = run(capsys, monkeypatch, *words)
    assert found == code
    assert message in out
    assert out.count("\n") == 1


def test_plot_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, _ = run(capsys, monkeypatch, "frontier", "llama-3.1-8b", "--precision", "fp8", "--hardware", "L40S", "--plot")
    assert code == 0
    assert (tmp_path / "frontier-llama-3.1-8b.svg").read_text(encoding="utf-8").startswith("<svg")


def test_models_add(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    config = {"num_hidden_layers": 32, "hidden_size": 4096, "num_attention_heads": 32, "vocab_size": 32000}
    (tmp_path / "config.json").write_text(json.dumps({**config, "intermediate_size": 11008}), encoding="utf-8")
    target = tmp_path / "models.csv"
    target.write_text("", encoding="utf-8")
    file = str(tmp_path / "config.json")
    code, out = run(capsys, monkeypatch, "models", "add", file, "--id", "acme/seven", "--append", str(target))
    assert code == 0
    assert target.read_text(encoding="utf-8").startswith("acme/seven,")
    assert "assumed: kv_heads: not stated, taken as heads" in out


def test_an_offer_is_read_from_the_history(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out = run(capsys, monkeypatch, "breakeven", "together/mixtral", "--home", str(tmp_path))
    assert code != 0
    assert out.startswith("tracker: ")
