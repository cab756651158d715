"""SambaNova Cloud: its model list, with the prices in the form OpenRouter reads.

USD per token; models of speech are billed per hour of audio (`duration_per_hour`).
"""

from collections.abc import Iterator

from scrapers.openrouter_format import host_records
from scrapers.source import Capture, Request, Source, anchor
from tracker.records import Record

SOURCE = Source(
    id="sambanova",
    title="SambaNova models",
    kind="host",
    requests=(Request("https://api.sambanova.ai/v1/models"),),
    every_hours=6,
    currency="USD",
    unit="USD per token",
    min_rows=3,
    terms="https://sambanova.ai/cloud-end-user-license-agreement",
    proof="documented",
    proof_url="https://docs.sambanova.ai/docs/api-reference/models/get-environments-available-model-list-metadata",
    provider="sambanova",
    anchors=(
        anchor("Meta-Llama-3.3-70B-Instruct", "input", "0.1", "3"),
        anchor("gpt-oss-120b", "output", "0.1", "3"),
    ),
)


def parse(capture: Capture) -> Iterator[Record]:
    """Every model of the list."""
    yield from host_records(capture, "sambanova")
