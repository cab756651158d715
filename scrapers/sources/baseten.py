"""Baseten model APIs: the model list in the format OpenRouter reads.

USD per token; needs an API key.
"""

from collections.abc import Iterator

from scrapers.openrouter_format import host_records
from scrapers.source import Capture, Request, Source, anchor
from tracker.records import Record

SOURCE = Source(
    id="baseten",
    title="Baseten model APIs",
    kind="host",
    requests=(Request("https://inference.baseten.co/v1/models"),),
    every_hours=6,
    currency="USD",
    unit="USD per token, decimal strings",
    min_rows=3,
    terms="https://www.baseten.co/terms-and-conditions/",
    proof="recorded",
    proof_url="https://github.com/maruel/genai/blob/66b63e62283f/providers/baseten/testdata/TestClient/Warmup.yaml",
    provider="baseten",
    anchors=(
        anchor("openai/gpt-oss-120b", "input", "0.02", "1"),
        anchor("deepseek-ai/DeepSeek-V3.1", "input", "0.1", "2"),
    ),
    key_env="BASETEN_API_KEY",
    key_header="Authorization: Api-Key {key}",
    key_required=True,
)


def parse(capture: Capture) -> Iterator[Record]:
    """Every model of the list."""
    yield from host_records(capture, "baseten")
