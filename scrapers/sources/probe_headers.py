"""Rate limits our own probes were told: headers of any answer, quotas named by a 429.

Nothing is fetched: `tracker probe` and `tracker ingest` write the capture from the rows of core.probe (never the
sandbox's), one JSON object per offer: the newest value of each header seen within thirty days. They are the limits of
the account whose key asked, so the account tier is "probe key".
Formats: scrapers/rate_headers.py.
"""

import json
from collections.abc import Iterator
from dataclasses import replace

from scrapers.json_text import json_body
from scrapers.rate_headers import limits, quota_limits
from scrapers.source import Capture, Source
from tracker.errors import ParseError
from tracker.records import TIERS, Limit, Notice, Record

SOURCE = Source(
    id="probe_headers",
    title="Rate limits as answers to our probes state them",
    kind="limits",
    requests=(),
    every_hours=24,
    currency="USD",
    unit="requests or tokens per window, per account of the probe's key",
    min_rows=1,
    terms="our own measurements",
    proof="recorded",
    proof_url="https://github.com/maruel/genai/blob/66b63e62283f/providers/cerebras/testdata/TestClient/Scoreboard/gemma-4-31b/GenStream-Citations-text-markdown.yaml",
    enabled=False,
    notice="Not fetched: written by `tracker probe` and `tracker ingest` from what the answers' headers say.",
)
ACCOUNT_TIER = "probe key"
QUOTA = "quota:"  # + quotaId: one violation of a Gemini 429, as JSON


def parse(capture: Capture) -> Iterator[Record]:
    """The limits of each offer of the document."""
    document = json_body(capture)
    if not isinstance(document, list):
        raise ParseError(f"{capture.source_id}: not a list of offers")
    for place, stated in enumerate(document):
        offer, headers = (stated.get("offer"), stated.get("headers")) if isinstance(stated, dict) else (None, None)
        if not isinstance(offer, list) or not _is_offer(offer) or not isinstance(headers, dict):
            yield Notice("bad_row", "not an offer with its headers", f"[{place}]")
            continue
        provider, listed_name, tier, region = offer
        yield from told(provider, listed_name, tier, region, {str(name): str(headers[name]) for name in headers})


def told(provider: str, listed_name: str, tier: str, region: str, headers: dict[str, str]) -> Iterator[Limit]:
    """What one offer's headers and quotas say, for the account of the probe's key."""
    violations = [_json(value) for name, value in sorted(headers.items()) if name.startswith(QUOTA)]
    for limit in limits(provider, listed_name, headers, ACCOUNT_TIER):
        yield replace(limit, tier=tier, region=region)
    body = {"error": {"details": [{"violations": violations}]}}
    for limit in quota_limits(provider, body, ACCOUNT_TIER):
        yield replace(limit, tier=tier, region=region)


def _is_offer(offer: list[object]) -> bool:
    return len(offer) == 4 and all(isinstance(p, str) for p in offer) and offer[2] in TIERS


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
