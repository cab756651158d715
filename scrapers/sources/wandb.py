"""W&B Inference (CoreWeave): its model list in the format OpenRouter reads.

USD per token. In 2025 thirteen rows that a catalogue took from here were 100,000 times too high: the anchors matter.
"""

from collections.abc import Iterator

from scrapers.openrouter_format import host_records
from scrapers.source import Capture, Request, Source, anchor
from tracker.records import Record

SOURCE = Source(
    id="wandb",
    title="W&B Inference",
    kind="host",
    requests=(Request("https://trace.wandb.ai/inference/router/openrouter/models"),),
    every_hours=6,
    currency="USD",
    unit="USD per token, decimal strings",
    min_rows=3,
    terms="https://wandb.ai/site/terms",
    proof="documented",
    proof_url="https://openrouter.ai/docs/use-cases/for-providers",
    provider="wandb",
    anchors=(
        anchor("openai/gpt-oss-120b", "input", "0.02", "1"),
        anchor("openai/gpt-oss-20b", "input", "0.01", "0.5"),
    ),
)


def parse(capture: Capture) -> Iterator[Record]:
    """Every model of the list."""
    yield from host_records(capture, "wandb")
