"""Cloudflare Workers AI: the account's model search in the format OpenRouter reads.

USD per token under `result`. The URL holds the reader's account id, which a shared source cannot know.
"""

from collections.abc import Iterator

from scrapers.json_text import json_body
from scrapers.openrouter_format import host_records
from scrapers.source import Capture, Request, Source, anchor
from tracker.records import Record

SOURCE = Source(
    id="cloudflare",
    title="Cloudflare Workers AI",
    kind="host",
    requests=(
        Request(
            "https://api.cloudflare.com/client/v4/accounts/ACCOUNT_ID/ai/models/search?format=openrouter&per_page=1000"
        ),
    ),
    every_hours=6,
    currency="USD",
    unit="USD per token, decimal strings",
    min_rows=3,
    terms="https://www.cloudflare.com/terms/",
    proof="documented",
    proof_url="https://openrouter.ai/docs/use-cases/for-providers",
    provider="cloudflare",
    anchors=(anchor("@cf/openai/gpt-oss-120b", "input", "0.02", "1"),),
    key_env="CLOUDFLARE_API_TOKEN",
    key_required=True,
    enabled=False,
    notice="put your account id into the URL before enabling",
)


def parse(capture: Capture) -> Iterator[Record]:
    """Every model of the list."""
    yield from host_records(capture, "cloudflare", *_path(capture))


def _path(capture: Capture) -> tuple[str, ...]:
    """The API wraps its answers in `result`; the marketplace format has been seen with `data` too."""
    body = json_body(capture)
    return ("result",) if isinstance(body, dict) and "result" in body else ("data",)
