"""SkyPilot's catalogue: one CSV per cloud, refreshed every few hours in a git repository (its history is a history).

Unit: USD per *machine* and hour for AcceleratorCount cards. Google Cloud is different: host and cards are separate
rows, so a card's hour is the card row plus its share of the host that carries it; 700 is its word for "no price".
"""

import re
from collections.abc import Iterator
from decimal import Decimal

from scrapers.accelerators import Accelerator, accelerator, form_in
from scrapers.csv_text import csv_rows
from scrapers.instances import Instance, rental, whole_count
from scrapers.source import Capture, Request, Source
from tracker.errors import ParseError
from tracker.records import Notice, Record
from tracker.units import decimal_of

BASE = "https://raw.githubusercontent.com/skypilot-org/skypilot-catalog/master/catalogs/v8"
CLOUDS = ("gcp", "lambda", "nebius", "oci", "runpod", "verda", "hyperstack")
SOURCE = Source(
    id="skypilot",
    title="SkyPilot catalogue of GPU clouds",
    kind="rental",
    requests=tuple(Request(f"{BASE}/{cloud}/vms.csv", label="gcp" if cloud == "gcp" else "") for cloud in CLOUDS),
    every_hours=24,
    currency="USD",
    unit="USD per machine and hour",
    min_rows=50,
    terms="Apache-2.0 data; the clouds' own list prices",
    proof="excerpt",
    proof_url="https://github.com/skypilot-org/skypilot-catalog/blob/master/catalogs/v8/lambda/vms.csv",
    copies=("*",),
)
NO_PRICE = frozenset(("", "700.0", "700"))
_CLOUD = re.compile(r"/([a-z0-9_]+)/vms\.csv")
_MEMORY = re.compile(r"'SizeInMiB': (\d+)")
Row = dict[str, str]


def parse(capture: Capture) -> Iterator[Record]:
    columns = ("InstanceType", "AcceleratorName", "AcceleratorCount", "Region", "Price")
    rows = csv_rows(capture, *columns)
    if capture.label == "gcp":
        yield from _google(list(rows))
        return
    cloud = _CLOUD.search(capture.url)
    lessor = LESSORS.get(cloud[1], cloud[1]) if cloud else "unknown"
    for locator, row in rows:
        name, count = row["InstanceType"], whole_count(row["AcceleratorCount"])
        if name and count and row["AcceleratorName"]:
            yield from _both(lessor, name, _part(row, name), count, row, row, locator)


def _both(
    lessor: str, name: str, part: Accelerator, count: int, row: Row, prices: Row, locator: str
) -> Iterator[Record]:
    for column, commitment in (("Price", "on_demand"), ("SpotPrice", "spot")):
        if prices.get(column, "") not in NO_PRICE:
            place = row.get("AvailabilityZone") or row["Region"]
            yield from rental(
                Instance(lessor, name, part, count, commitment, place), prices[column], f"{locator} {column}"
            )


def _part(row: Row, instance_name: str) -> Accelerator:
    """The catalogue writes A100 for 40 GB and A100-80GB for 80; the form is what the instance's name says."""
    memory = _MEMORY.search(row.get("GpuInfo") or row.get("GPUInfo") or "")
    return accelerator(row["AcceleratorName"], int(memory[1]) / 1024 if memory else None, form_in(instance_name))


def _google(rows: list[tuple[str, Row]]) -> Iterator[Record]:
    hosts = {(row["InstanceType"], row.get("AvailabilityZone", "")): row for _, row in rows if row["InstanceType"]}
    for locator, row in rows:
        if row["InstanceType"] or not row["AcceleratorName"]:
            continue
        if row["AcceleratorName"].startswith("tpu-"):
            yield from _tpu(row, locator)
        elif row["AcceleratorName"] in HOSTS:
            yield from _with_host(row, hosts, locator)


def _with_host(row: Row, hosts: dict[tuple[str, str], Row], locator: str) -> Iterator[Record]:
    part, pattern = HOSTS[row["AcceleratorName"]]
    count = whole_count(row["AcceleratorCount"])
    name = pattern.format(count)
    host = hosts.get((name, row.get("AvailabilityZone", "")))
    if not host or not count:
        yield Notice("skipped", f"{row['AcceleratorName']} x{row['AcceleratorCount']}: no host row {name}", locator)
        return
    try:
        whole = {column: _sum(row.get(column, ""), host.get(column, "")) for column in ("Price", "SpotPrice")}
    except ParseError as error:
        yield Notice("bad_row", f"{name}: {error}", locator)
        return
    yield from _both("gcp", name, part, count, row, whole, locator)


def _sum(card: str, host: str) -> str:
    return "" if card in NO_PRICE or host in NO_PRICE else str(decimal_of(card) + decimal_of(host))


def _tpu(row: Row, locator: str) -> Iterator[Record]:
    """`tpu-v6e-64` is 64 chips under one count; v5p counts two cores per chip."""
    match = re.fullmatch(r"tpu-(v5litepod|v5p|v6e)-(\d+)", row["AcceleratorName"])
    if not match:
        return
    name, units_per_chip = TPUS[match[1]]
    chips = Decimal(match[2]) / units_per_chip
    if chips == int(chips) and chips > 0:
        yield from _both("gcp", row["AcceleratorName"], accelerator(name), int(chips), row, row, locator)


LESSORS = {"oci": "oracle"}
# Google's machine types by card: https://cloud.google.com/compute/docs/gpus
HOSTS = {
    "A100": (Accelerator("A100-40-SXM", "SXM", 40.0), "a2-highgpu-{}g"),
    "A100-80GB": (Accelerator("A100-80-SXM", "SXM", 80.0), "a2-ultragpu-{}g"),
    "H100": (Accelerator("H100-SXM", "SXM", 80.0), "a3-highgpu-{}g"),
    "H100-MEGA": (Accelerator("H100-SXM", "SXM", 80.0), "a3-megagpu-{}g"),
    "H200": (Accelerator("H200", "SXM", 141.0), "a3-ultragpu-{}g"),
    "B200": (Accelerator("B200", "SXM", 180.0), "a4-highgpu-{}g"),
}
TPUS = {"v5litepod": ("v5e", 1), "v5p": ("v5p", 2), "v6e": ("v6e", 1)}
