"""OpenRouter's account-wide limits for `:free` models (Markdown twin of the page); its figures are constants above
the table, which names them in braces. Paid models have no limit of OpenRouter's own."""

import re
from collections.abc import Iterator
from dataclasses import replace

from scrapers.limit_pages import Reading, page_limits
from scrapers.source import Capture, Request, Source
from scrapers.tables import text_of
from tracker.records import Limit, Record

SOURCE = Source(
    id="openrouter_limits",
    title="OpenRouter free-model rate limits",
    kind="limits",
    requests=(Request("https://openrouter.ai/docs/guides/routing/model-variants/free.md"),),
    every_hours=24,
    currency="USD",
    unit="requests per minute or day over all free models, per account",
    min_rows=4,
    terms="public documentation page",
    proof="excerpt",
    proof_url="https://openrouter.ai/docs/guides/routing/model-variants/free.md",
    provider="openrouter",
)

_CONSTANT = re.compile(r"^export const (\w+) = (\d+);", re.MULTILINE)


def parse(capture: Capture) -> Iterator[Record]:
    """A name in braces that no constant explains stays, and the amount is then unknown."""
    text = text_of(capture.body)
    for name, number in _CONSTANT.findall(text):
        text = text.replace(f"{{{name}}}", number)
    for record in page_limits(replace(capture, body=text.encode()), Reading("openrouter")):
        if isinstance(record, Limit):
            tier = f"credits purchased: {record.account_tier.lower()}"
            yield replace(record, account_tier=tier, tier="free")
        else:
            yield record
