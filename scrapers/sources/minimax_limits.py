"""MiniMax's rate limits per model (Markdown twins of both sites' pages): requests and tokens per minute.

Only the language models' section is read. One cell names several models; on the Chinese site a name repeated behind
a slash leaves the brand out (`MiniMax-M2.7 / M2.7-highspeed`), and the rows are the account tiers.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from scrapers.limit_pages import Reading, page_limits
from scrapers.source import Capture, Request, Source
from scrapers.tables import text_of
from tracker.errors import ParseError
from tracker.records import Limit, Record

SOURCE = Source(
    id="minimax_limits",
    title="MiniMax rate limits",
    kind="limits",
    requests=(
        Request("https://platform.minimax.io/docs/guides/rate-limits.md"),
        Request("https://platform.minimaxi.com/docs/guides/rate-limits.md", label="cn"),
    ),
    every_hours=24,
    currency="USD",
    unit="requests or tokens per minute, per account",
    min_rows=4,
    terms="public documentation pages",
    proof="excerpt",
    proof_url="https://platform.minimax.io/docs/guides/rate-limits.md",
    provider="minimax",
)

_SECTION = re.compile(r"^### (?:LLM|Text|文本)\s*$(.*?)(?=^#{1,3} |\Z)", re.MULTILINE | re.DOTALL)


def parse(capture: Capture) -> Iterator[Record]:
    """The global page, or under the label `cn` the Chinese one."""
    section = _SECTION.search(text_of(capture.body))
    if not section:
        raise ParseError("minimax_limits: no section of language models on the page")
    part = replace(capture, body=section[0].encode())
    for record in page_limits(part, Reading("minimax", region=capture.label or "global")):
        if isinstance(record, Limit):
            yield from (replace(record, listed_name=name) for name in _names(record.listed_name))
        else:
            yield record


def _names(cell: str) -> Iterator[str]:
    for word in re.split(r"[\s/]+", cell):
        yield word if word.startswith("MiniMax-") or not word.startswith("M") else f"MiniMax-{word}"
