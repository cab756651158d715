"""Lambda's on-demand instance types, one price for all its regions.

Unit: US cents per *instance* and hour, divided by the number of cards here. A key is needed to read the list.
"""

import re
from collections.abc import Iterator
from decimal import Decimal

from scrapers.accelerators import accelerator, form_in
from scrapers.instances import Instance, rental
from scrapers.json_text import JsonObject, as_count, as_object, as_text, json_body, members
from scrapers.source import Capture, Request, Source
from tracker.records import Notice, Record

SOURCE = Source(
    id="lambda_cloud",
    title="Lambda instance types",
    kind="rental",
    requests=(Request("https://cloud.lambda.ai/api/v1/instance-types"),),
    every_hours=24,
    currency="USD",
    unit="US cents per instance and hour",
    min_rows=5,
    terms="API terms of Lambda; key of an account",
    proof="excerpt",
    proof_url="https://github.com/inference-book/inference-plane/blob/dce3620f405d/internal/provisioners/lambdalabs/testdata/instance-types.json",
    provider="lambda",
    key_env="LAMBDA_API_KEY",
    key_required=True,
)
_CENT = Decimal("0.01")
_NAME = re.compile(r"gpu_\d+x_([a-z0-9]+?)(?:_(\d+)gb)?(?:_(?:sxm\d?|pcie|n|shc))*")


def parse(capture: Capture) -> Iterator[Record]:
    for name, row in members(as_object(json_body(capture)).get("data"), "instance types"):
        yield from _instance(name, as_object(row.get("instance_type")), f"/data/{name}")


def _instance(name: str, kind: JsonObject, locator: str) -> Iterator[Record]:
    count = as_count(as_object(kind.get("specs")).get("gpus"))
    if name.startswith("cpu_") or not count:
        return
    match = _NAME.fullmatch(name)
    if not match:
        yield Notice("unknown_word", f"Lambda instance type {name!r}", locator)
        return
    described = f"{as_text(kind.get('gpu_description'))} {as_text(kind.get('description'))}"
    stated = re.search(r"\((\d+) GB", described)
    memory_gb = float(stated[1]) if stated else float(match[2]) if match[2] else None
    part = accelerator(match[1].upper(), memory_gb, form_in(described) or form_in(name))
    yield from rental(Instance("lambda", name, part, count), kind.get("price_cents_per_hour"), locator, _CENT)
