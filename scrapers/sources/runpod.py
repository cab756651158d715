"""RunPod's gpuTypes query: list prices of its secure and community clouds, per accelerator.

Unit: USD per accelerator and hour. Two traps: a price of exactly 0.5 is a placeholder (an H200 NVL at 0.5), and 0 means
not offered. Spot is `minimumBidPrice`; `stockStatus` null means nobody can rent it now, so its spot price is not one.
"""

import json
from collections.abc import Iterator

from scrapers.accelerators import accelerator
from scrapers.instances import Instance, rental
from scrapers.json_text import JsonObject, as_number, as_object, as_text, json_body, rows_at
from scrapers.source import Capture, Request, Source
from tracker.records import Notice, Record

QUERY = (
    "query GpuTypes { gpuTypes { id displayName memoryInGb maxGpuCount securePrice communityPrice oneMonthPrice "
    "threeMonthPrice sixMonthPrice lowestPrice(input: {gpuCount: 1}) "
    "{ minimumBidPrice uninterruptablePrice stockStatus } } }"
)
SOURCE = Source(
    id="runpod",
    title="RunPod GPU types",
    kind="rental",
    requests=(
        Request(
            "https://api.runpod.io/graphql",
            method="POST",
            headers=(("Content-Type", "application/json"),),
            body=json.dumps({"query": QUERY}).encode(),
        ),
    ),
    every_hours=12,
    currency="USD",
    unit="USD per accelerator and hour",
    min_rows=20,
    terms="public API, keyless",
    proof="recorded",
    proof_url="https://github.com/sui414/openrouter-pricing-data/tree/main/data/raw/runpod",
    provider="runpod",
)


def parse(capture: Capture) -> Iterator[Record]:
    """The live answer wraps the list in data.gpuTypes; the recorded ones are the list."""
    body = json_body(capture)
    path = () if isinstance(body, list) else ("data", "gpuTypes")
    for locator, row in rows_at(body, *path):
        yield from _gpu(row, locator)


def _gpu(row: JsonObject, locator: str) -> Iterator[Record]:
    name = as_text(row.get("id"))
    if not name or name == "unknown":
        return
    if "MIG" in name:
        yield Notice("skipped", f"{name}: a slice of a card is not a card", locator)
        return
    part = accelerator(name, as_number(row.get("memoryInGb")))
    for field, commitment, cloud in PRICES:
        price = row.get(field)
        if _is_placeholder(price):
            yield Notice("skipped", f"{name}: {field} 0.5 is RunPod's placeholder", f"{locator}/{field}")
            continue
        instance = Instance("runpod", f"{name} ({cloud})", part, 1, commitment)
        yield from rental(instance, price, f"{locator}/{field}")
    lowest = as_object(row.get("lowestPrice"))
    if as_text(lowest.get("stockStatus")) and not _is_placeholder(lowest.get("minimumBidPrice")):
        instance = Instance("runpod", f"{name} (spot)", part, 1, "spot")
        yield from rental(instance, lowest.get("minimumBidPrice"), f"{locator}/lowestPrice/minimumBidPrice")


def _is_placeholder(price: object) -> bool:
    return isinstance(price, str) and price in ("0.5", "0.50", ".5")


PRICES = (
    ("securePrice", "on_demand", "secure cloud"),
    ("communityPrice", "on_demand", "community cloud"),
    ("oneMonthPrice", "reserved_1m", "secure cloud"),
    ("threeMonthPrice", "reserved_3m", "secure cloud"),
    ("sixMonthPrice", "reserved_6m", "secure cloud"),
)
