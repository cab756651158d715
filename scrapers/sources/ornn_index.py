"""Ornn's accelerator index: one daily close per accelerator, an average of actual rentals.

Unit: USD per accelerator and hour. An index is a market's figure, not a lessor's offer, so its lessor is `ornn-index`.
"""

import csv
import io
import json
from collections.abc import Iterator
from datetime import datetime

from scrapers.accelerators import accelerator
from scrapers.instances import Instance, rental
from scrapers.json_text import as_object, as_text, json_body, rows_at
from scrapers.source import Capture, Request, Source
from tracker.errors import ParseError
from tracker.records import Notice, Record

SOURCE = Source(
    id="ornn_index",
    title="Ornn accelerator index",
    kind="rental",
    requests=(Request("https://www.ornn.com/"),),
    every_hours=24,
    currency="USD",
    unit="USD per accelerator and hour",
    min_rows=1,
    terms="public three-month view of the index",
    proof="recorded",
    proof_url="https://github.com/sui414/openrouter-pricing-data/tree/main/data/raw/ornn",
    enabled=False,
    notice="Replay only: the recorded answers do not name the address they came from.",
)


def parse(capture: Capture) -> Iterator[Record]:
    """`gpu:H100 SXM` -> {data: [{timestamp, index_value}]}: its newest close. `otpi:` keys are a token price index."""
    body = as_object(json_body(capture))
    series = [key for key in body if key.startswith("gpu:")]
    if not series:
        raise ParseError("ornn_index: no gpu: series in the answer")
    for key in series:
        locator, row = max(rows_at(body, key, "data"), key=lambda found: as_text(found[1].get("timestamp")))
        yield from _close(key.removeprefix("gpu:"), row.get("index_value"), as_text(row.get("timestamp")), locator)


def recorded(body: bytes) -> Iterator[tuple[datetime, bytes]]:
    """A kept CSV of closes (gpu_type, timestamp, index_value), cut into one answer per close."""
    days: dict[str, dict[str, object]] = {}
    for row in csv.DictReader(io.StringIO(body.decode("utf-8"))):
        close = {"timestamp": row["timestamp"], "index_value": row["index_value"]}
        days.setdefault(row["timestamp"], {})[f"gpu:{row['gpu_type']}"] = {"data": [close]}
    for moment in sorted(days):
        yield _moment(moment), json.dumps(days[moment]).encode()


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).replace(tzinfo=None)


def _close(gpu: str, value: object, moment: str, locator: str) -> Iterator[Record]:
    try:
        closed = _moment(moment)
    except ValueError:
        yield Notice("bad_row", f"{gpu}: timestamp {moment[:40]!r}", locator)
        return
    yield from rental(Instance("ornn-index", gpu, accelerator(gpu), 1, effective_from=closed), value, locator)
