"""Names: a hand-checked sample, the traps that broke other trackers, and the share of recorded rows that match."""

import csv
import re
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tracker.cli import app
from tracker.errors import DataFileError, UsageError
from tracker.names import Affix, Alias, Model, add_aliases, aliases_from, load_aliases

SHARED = Path(__file__).parents[2] / "shared" / "corpus"
NOT_TEXT = re.compile(
    r"image|video|tts|whisper|transcri|imagen|audio|speech|rerank|moderation|embed|realtime|voice|eleven|ocr|bge|gte|orpheus",
    re.IGNORECASE,
)


def sample() -> Iterator[dict[str, str]]:
    """400 rows, each read by a person: 300 of five catalogues (seed 20261120), 100 of two of them (seed 20261127)."""
    with (Path(__file__).parent / "names_sample.csv").open(encoding="utf-8") as file:
        yield from csv.DictReader(file)


def test_no_row_of_the_checked_sample_is_wrong() -> None:
    aliases, rows = load_aliases(), list(sample())
    found = {tuple(row.values()): aliases.model_id(row["source"], row["listed_name"], row["provider"]) for row in rows}
    assert len(rows) == len(found) == 400
    assert not {row: model_id for row, model_id in found.items() if model_id != row[3]}


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ("minimax-m2", "minimax/minimax-m2"),
        ("minimax-m2.7", "minimax/minimax-m2.7"),
        ("minimax-m2p7", "minimax/minimax-m2.7"),
        ("minimax-m2-20251101", None),
        ("minimax-m27", None),
        ("spark", None),
        ("trio-spark-v1.3", None),
        ("muse-spark-1.2", "meta/muse-spark-1.2"),
        ("gpt-5.3-codex", "openai/gpt-5.3-codex"),
        ("gpt-5.1-codex-mini", "openai/gpt-5.1-codex-mini"),
        ("gpt-5.3-codex-mini", None),
        ("openai/gpt-oss-120b:free", "openai/gpt-oss-120b"),
        ("deepseek-ai/DeepSeek-V3.1-TEE", "deepseek/deepseek-chat-v3.1"),
        ("~anthropic/claude-opus-latest", "~anthropic/claude-opus-latest"),
        ("deepseek-chat", "~deepseek/deepseek-chat"),
        ("mistral-large-latest", "~mistralai/mistral-large-latest"),
        ("gpt-4o-2024-05-13", "openai/gpt-4o-2024-05-13"),
        ("gpt-4o-2024-08-06", "openai/gpt-4o-2024-08-06"),
        ("claude-3-5-sonnet-20240620", "anthropic/claude-3.5-sonnet-20240620"),
        ("claude-3-5-sonnet-20241022", "anthropic/claude-3.5-sonnet"),
        ("claude-sonnet-4-20250514", "anthropic/claude-sonnet-4"),
        ("deepseek-v4-flash-0731", "deepseek/deepseek-v4-flash-0731"),
        ("deepseek-v4-flash", "deepseek/deepseek-v4-flash"),
        ("deepseek-v4-flash-0901", None),
        ("grok-4-fast", "x-ai/grok-4-fast"),
        ("grok-4", "x-ai/grok-4"),
        ("Qwen/Qwen2-VL-7B-Instruct", "qwen/qwen2-vl-7b-instruct"),
        ("reka-edge-20240208", None),
        ("gpt-4", "openai/gpt-4"),
        ("gpt-4.1", "openai/gpt-4.1"),
        ("gpt-4-1106-preview", "openai/gpt-4-1106-preview"),
        ("auto", None),
        ("router", None),
        ("", None),
        (":free", None),
    ],
)
def test_traps(listed: str, expected: str | None) -> None:
    assert load_aliases().model_id("some_source", listed) == expected


@pytest.mark.parametrize(
    ("listed", "precision", "tier"),
    [
        ("meta-llama/Meta-Llama-3.1-8B-Instruct-Turbo", "fp8", ""),
        ("zai-org/GLM-5.2-FP8", "fp8", ""),
        ("nvidia/GLM-5.3-Flash-NVFP4", "fp4", ""),
        ("deepseek/deepseek-r1:free", "", "free"),
        ("openai/gpt-5.5:batch", "", "batch"),
        ("openai/gpt-5.5", "", ""),
    ],
)
def test_a_name_declares_its_precision_and_tier(listed: str, precision: str, tier: str) -> None:
    match = load_aliases().match("some_source", listed)
    assert match and (match.precision, match.tier) == (precision, tier)


def test_the_same_word_means_different_models_at_different_sellers() -> None:
    aliases = load_aliases()
    assert aliases.model_id("genai_prices", "mistral-small", "mistral") == "~mistralai/mistral-small-latest"
    assert aliases.model_id("genai_prices", "mistral-small", "openrouter") == "mistralai/mistral-small"
    assert aliases.model_id("genai_prices", "mistral-small", "azure") is None


def test_every_id_is_canonical_and_every_precision_is_a_word_we_know() -> None:
    aliases = load_aliases()
    assert not [model_id for model_id in aliases.models if not re.fullmatch(r"~?[a-z0-9-]+/[a-z0-9._-]+", model_id)]
    assert {alias.precision for alias in aliases.scoped.values()} <= {"", "fp16", "fp8", "fp4", "int8", "int4"}
    assert not [affix for affix in aliases.affixes if affix.text != affix.text.casefold()]
    assert all(model.kind == "moving" for model in aliases.models.values() if model.model_id.startswith("~"))


def test_contradictions_in_the_tables_are_loud() -> None:
    model = Model("a/b-1", "B", "a", "", "open")
    with pytest.raises(DataFileError, match="two model ids"):
        aliases_from(
            [model, model._replace(model_id="a/c-1")], [Alias("*", "x", "a/b-1"), Alias("*", "X", "a/c-1")], []
        )
    with pytest.raises(DataFileError, match="not in model_ids"):
        aliases_from([model], [Alias("*", "x", "a/unknown")], [])
    with pytest.raises(DataFileError, match="kind"):
        aliases_from([model._replace(kind="free")], [], [])


def test_suggestions_rank_the_right_version_first_and_never_resolve() -> None:
    aliases = load_aliases()
    assert aliases.model_id("x", "MiniMax M2.7 (new)") is None
    assert aliases.suggestions("MiniMax M2.7 (new)")[0][0] == "minimax/minimax-m2.7"
    assert [model_id for model_id, _ in aliases.suggestions("gpt-5.3 codex", 1)] == ["openai/gpt-5.3-codex"]


def test_peeling_ends() -> None:
    affixes = [Affix("suffix", "-x", "variant", "x")]
    aliases = aliases_from([Model("a/b", "", "a", "", "open")], [], affixes)
    assert aliases.model_id("s", "a/b" + "-x" * 3) == "a/b"
    assert aliases.model_id("s", "a/b" + "-x" * 50) is None


def test_accepted_aliases_are_written_and_wrong_ones_are_refused(tmp_path: Path) -> None:
    table = tmp_path / "aliases.csv"
    table.write_text("source,listed_name,model_id,precision,note\n", encoding="utf-8")
    add_aliases([Alias("*@minimax", "MiniMax M2.7, new", "minimax/minimax-m2.7")], table)
    assert table.read_text(encoding="utf-8").splitlines()[1] == '*@minimax,"MiniMax M2.7, new",minimax/minimax-m2.7,,'
    with pytest.raises(UsageError, match="near it: minimax/minimax-m1, minimax/minimax-m2"):
        add_aliases([Alias("*", "x", "minimax/minimax-m27")], table)
    with pytest.raises(UsageError, match="is ~deepseek/deepseek-chat already"):
        add_aliases([Alias("*", "deepseek-chat", "deepseek/deepseek-r1")], table)
    with pytest.raises(DataFileError, match="two model ids"):
        add_aliases([Alias("*", "x", "deepseek/deepseek-r1"), Alias("*", "X", "openai/gpt-4o")], table)
    assert len(table.read_text(encoding="utf-8").splitlines()) == 2


def test_the_command_shows_suggestions_and_accepts_only_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    class Rows:
        def rows(self, sql: str) -> list[dict[str, object]]:
            assert "unmatched_names" in sql
            listed = {"provider": "minimax", "listed_name": "MiniMax M2.7 (new)", "quote_count": 3, "source_count": 1}
            return [listed]

    monkeypatch.setattr("warehouse.history.open_history", lambda path: nullcontext(Rows()))
    shown = CliRunner().invoke(app, ["names", "--guesses", "1"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0 and "minimax/minimax-m2.7" in shown.output and "1 names without" in shown.output
    refused = CliRunner().invoke(app, ["names", "--accept", "no pair"])
    assert isinstance(refused.exception, UsageError)


@pytest.mark.needs_shared
def test_95_percent_of_openrouter_endpoint_rows_match() -> None:
    import pyarrow.parquet as parquet

    path = SHARED / "openrouter_sui414" / "endpoints_daily.parquet"
    if not path.exists():
        pytest.skip(f"{path.name} is not here")
    rows = parquet.read_table(path, columns=["model_slug", "provider_slug"]).to_pylist()
    aliases = load_aliases()
    matched = sum(
        bool(aliases.model_id("openrouter_endpoints", row["model_slug"], row["provider_slug"])) for row in rows
    )
    assert matched / len(rows) >= 0.95


def test_90_percent_of_packaged_genai_prices_text_models_match() -> None:
    from genai_prices.data import providers

    from scrapers.providers import provider_of

    aliases, names = load_aliases(), []
    for provider in providers:
        known = provider_of(provider.id)
        names += [(model.id, known.id if known else provider.id) for model in provider.models]
    text = [pair for pair in names if not NOT_TEXT.search(pair[0])]
    matched = [pair for pair in text if aliases.model_id("genai_prices", *pair)]
    assert len(text) > 1_500
    assert len(matched) / len(text) >= 0.90
