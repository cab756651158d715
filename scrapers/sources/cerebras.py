"""Cerebras: its public model list in the format OpenRouter reads.

USD per token; keyless.
"""

from collections.abc import Iterator

from scrapers.openrouter_format import host_records
from scrapers.source import Capture, Request, Source, anchor
from tracker.records import Record

SOURCE = Source(
    id="cerebras",
    title="Cerebras public models",
    kind="host",
    requests=(Request("https://api.cerebras.ai/public/v1/models?format=openrouter"),),
    every_hours=6,
    currency="USD",
    unit="USD per token, decimal strings",
    min_rows=3,
    terms="https://www.cerebras.ai/terms-of-service",
    proof="documented",
    proof_url="https://openrouter.ai/docs/use-cases/for-providers",
    provider="cerebras",
    anchors=(
        anchor("gpt-oss-120b", "input", "0.1", "2"),
        anchor("llama3.1-8b", "input", "0.05", "0.5"),
    ),
)


def parse(capture: Capture) -> Iterator[Record]:
    """Every model of the list."""
    yield from host_records(capture, "cerebras")
