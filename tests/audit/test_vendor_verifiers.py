"""The verifiers' whole history, version by version, where the recorded inputs are at hand."""

import json
from datetime import datetime
from pathlib import Path

import pytest
import zstandard

from scrapers.source import Capture
from scrapers.sources.vendor_verifiers import parse
from tracker.records import Metric, Notice

SERIES = Path(__file__).parents[3] / "shared" / "corpus" / "series"


def versions(name):
    path = SERIES / f"{name}_readme.jsonl.zst"
    if not path.exists():
        pytest.skip(f"../shared/corpus/series/{path.name} is not here")
    text = zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes()).decode()
    return [json.loads(line) for line in text.splitlines()]


def read(label, body):
    return list(
        parse(
            Capture(
                "vendor_verifiers", "https://example.org", body.encode(), datetime.fromisoformat("2026-01-01"), label
            )
        )
    )


@pytest.mark.needs_shared
@pytest.mark.parametrize(
    ("label", "name", "silent_versions", "last"),
    [
        ("k2", "k2_vendor_verifier", 0, 122),
        ("kimi", "kimi_vendor_verifier", 4, 30),
        ("minimax", "minimax_verifier", 1, 92),
    ],
)
def test_every_version_is_read(label, name, silent_versions, last):
    """The first Kimi versions have no results, the first MiniMax one names no model: it is skipped aloud."""
    passes = [read(label, version["body"]) for version in versions(name)]
    counts = [sum(isinstance(record, Metric) for record in records) for records in passes]
    assert sum(count == 0 for count in counts) == silent_versions
    assert counts[-1] == last
    assert {record.kind for records in passes for record in records if isinstance(record, Notice)} <= {"skipped"}


@pytest.mark.needs_shared
def test_known_cells_of_the_last_k2_version():
    """Groq and Novita as the author printed them in 2026-02: trigger similarity 69.52 %, 72.22 %."""
    records = [
        record for record in read("k2", versions("k2_vendor_verifier")[-1]["body"]) if isinstance(record, Metric)
    ]
    seen = {(str(r.offer), r.name, r.statistic): r.value for r in records}
    assert seen["groq/kimi-k2-0905-preview", "tool_call_trigger_similarity_pct", "mean"] == 69.52
    assert seen["novita/kimi-k2-thinking", "tool_call_trigger_similarity_pct", "mean"] == 72.22
    assert seen["together/kimi-k2-thinking", "tool_call_schema_accuracy_pct", "mean"] == 84.63
    assert seen["together/kimi-k2-thinking", "tool_call_trigger_similarity_pct", "at_least"] == 73.0
    assert seen["moonshot/kimi-k2-thinking#vllm", "tool_call_schema_accuracy_pct", "mean"] == 87.22
    assert {r.measured_at for r in records} == {datetime.fromisoformat("2025-11-15")}
