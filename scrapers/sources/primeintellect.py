"""Prime Intellect's availability list of many lessors, as summaries per accelerator kept by a public tracker.

Unit: USD per accelerator and hour. Each line is one look, about every 40 minutes: count, minimum and average per
lessor, of one socket (`SXM5`, `PCIe`) where the part has several. The minimum is a price somebody could rent at; an
average of offers is no price and is left out. The list holds interruptible offers unmarked, so a minimum far below the
median of all offers is not taken for an on-demand price.
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime

from scrapers.accelerators import accelerator, form_in
from scrapers.instances import Instance, rental
from scrapers.json_text import as_number, as_object, as_text, json_body, members
from scrapers.source import Capture, Request, Source
from tracker.errors import ParseError
from tracker.records import Notice, Record

SOURCE = Source(
    id="primeintellect",
    title="Prime Intellect availability, summaries per accelerator",
    kind="rental",
    requests=(Request("https://api.primeintellect.ai/api/v1/availability/gpus"),),
    every_hours=24,
    currency="USD",
    unit="USD per accelerator and hour",
    min_rows=1,
    terms="key of an account; history from a public tracker",
    proof="recorded",
    proof_url="https://github.com/tugot17/gpu-price-tracker/tree/main/data/summary",
    key_env="PRIMEINTELLECT_API_KEY",
    key_required=True,
    enabled=False,
    notice="Replay only: the live answer's shape was not seen, and a summary does not mark spot offers.",
)

_MEMORY = re.compile(r"(.+)_(\d+)GB")
ON_DEMAND_SHARE = 0.7  # spot discounts start at about a third


def parse(capture: Capture) -> Iterator[Record]:
    line = as_object(json_body(capture))
    gpu = as_text(line.get("gpu_type"))
    if not gpu:
        raise ParseError(f"primeintellect: not a summary line, keys are {sorted(line)[:6]}")
    socket, stated = as_text(line.get("socket_type")), _MEMORY.fullmatch(gpu)
    chip, memory_gb = (stated[1], float(stated[2])) if stated else (gpu, None)
    part = accelerator(chip, memory_gb, form_in(socket))
    name = f"{gpu} {socket}".strip()
    middle = as_number(as_object(line.get("price_stats")).get("median")) or 0.0
    for lessor, row in members(line.get("by_provider"), "lessors"):
        if (as_number(row.get("min")) or 0.0) < ON_DEMAND_SHARE * middle:
            yield Notice(
                "skipped", f"{name} at {lessor}: {row.get('min')} may be an interruptible offer", "/by_provider"
            )
            continue
        instance = Instance(lessor.casefold(), f"{name} (cheapest of the lessor's offers)", part, 1)
        yield from rental(instance, row.get("min"), f"/by_provider/{lessor}/min")


def recorded(body: bytes) -> Iterator[tuple[datetime, bytes]]:
    """A file of summary lines of one accelerator, cut into one capture per day: the day's first look."""
    seen = ""
    for line in body.splitlines():
        moment = datetime.fromisoformat(json.loads(line)["timestamp"]).astimezone(UTC).replace(tzinfo=None)
        if line and (day := moment.date().isoformat()) != seen:
            seen = day
            yield moment, line
