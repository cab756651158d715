"""Vast.ai's open offers: single machines of many hosts, cheapest first.

Unit: USD per *machine* and hour, divided by num_gpus here. `dph_base` is the cards alone; where it is missing,
`dph_total` (with the default disk) is taken. The order is explicit: the default is a score, and minima need the price.
"""

import json
from collections.abc import Iterator

from scrapers.accelerators import accelerator
from scrapers.instances import Instance, rental
from scrapers.json_text import JsonObject, as_count, as_number, as_text, json_body, rows_at
from scrapers.source import Capture, Request, Source
from tracker.records import Notice, Record

GPUS = (
    "H100 SXM",
    "H100 PCIE",
    "H100 NVL",
    "H200",
    "B200",
    "B300",
    "A100 SXM4",
    "A100 PCIE",
    "L40S",
    "MI300X",
    "RTX 5090",
)


def _request(gpu: str) -> Request:
    query = {
        "gpu_name": {"in": [gpu]},
        "rentable": {"eq": True},
        "verified": {"eq": True},
        "type": "on-demand",
        "order": [["dph_total", "asc"]],
        "limit": 64,
    }
    headers = (("Content-Type", "application/json"),)
    return Request(
        "https://console.vast.ai/api/v0/bundles/", method="POST", headers=headers, body=json.dumps(query).encode()
    )


SOURCE = Source(
    id="vast",
    title="Vast.ai offers",
    kind="rental",
    requests=tuple(_request(gpu) for gpu in GPUS),
    every_hours=12,
    currency="USD",
    unit="USD per machine and hour",
    min_rows=10,
    terms="public API, keyless",
    proof="excerpt",
    proof_url="https://github.com/ewyluda/gpu-price-index/blob/main/tests/fixtures/vast.json",
    provider="vast",
)


def parse(capture: Capture) -> Iterator[Record]:
    for locator, row in rows_at(json_body(capture), "offers"):
        yield from _offer(row, locator)


def _offer(row: JsonObject, locator: str) -> Iterator[Record]:
    gpu, count = as_text(row.get("gpu_name")), as_count(row.get("num_gpus"))
    if not gpu:
        return
    if not count:
        yield Notice("bad_row", f"{gpu}: num_gpus is {row.get('num_gpus')!r}", locator)
        return
    memory_mb = as_number(row.get("gpu_ram"))
    part = accelerator(gpu, memory_mb / 1024 if memory_mb else None)
    name = f"{gpu} offer {as_count(row.get('id')) or locator.rpartition('/')[2]}"
    place = as_text(row.get("geolocation"))
    price = row.get("dph_base") if row.get("dph_base") is not None else row.get("dph_total")
    yield from rental(Instance("vast", name, part, count, "on_demand", place), price, locator)
    yield from rental(Instance("vast", name, part, count, "spot", place), row.get("min_bid"), f"{locator}/min_bid")
