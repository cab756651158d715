"""OVHcloud AI Endpoints: its model list in the format OpenRouter reads.

USD per token, served from European datacenters.
"""

from collections.abc import Iterator

from scrapers.openrouter_format import host_records
from scrapers.source import Capture, Request, Source, anchor
from tracker.records import Record

SOURCE = Source(
    id="ovh",
    title="OVHcloud AI Endpoints",
    kind="host",
    requests=(Request("https://catalog.endpoints.ai.ovh.net/rest/v2/openrouter"),),
    every_hours=6,
    currency="USD",
    unit="USD per token, decimal strings",
    min_rows=3,
    terms="https://www.ovhcloud.com/en/terms-and-conditions/",
    proof="documented",
    proof_url="https://openrouter.ai/docs/use-cases/for-providers",
    provider="ovh",
    anchors=(
        anchor("gpt-oss-120b", "input", "0.02", "1"),
        anchor("gpt-oss-20b", "input", "0.01", "0.5"),
    ),
)


def parse(capture: Capture) -> Iterator[Record]:
    """Every model of the list."""
    yield from host_records(capture, "ovh")
