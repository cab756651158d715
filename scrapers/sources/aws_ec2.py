"""Amazon EC2 machines with accelerators: the JSON behind the price page, and the price list CSV where somebody has it.

Unit: USD per *machine* and hour, divided by the accelerators of the type here. Linux, shared tenancy, no pre-installed
software, on demand. The CSV of one region is hundreds of MB, so it is read line by line and never requested; its
"OnDemand" rows of CapacityStatus "Used" are the ones a customer pays.
"""

import csv
import io
import json
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import quote

from scrapers.accelerators import Accelerator
from scrapers.instances import Instance, rental
from scrapers.json_text import as_object, as_text, json_body, members
from scrapers.source import Capture, Request, Source
from tracker.errors import ParseError
from tracker.records import Notice, Record

PAGE = "https://b0.p.awsstatic.com/pricing/2.0/meteredUnitMaps/ec2/USD/current/ec2-ondemand-without-sec-sel"
REGIONS = {
    "US East (N. Virginia)": "us-east-1",
    "US East (Ohio)": "us-east-2",
    "US West (Oregon)": "us-west-2",
    "EU (Ireland)": "eu-west-1",
    "EU (Stockholm)": "eu-north-1",
    "Asia Pacific (Tokyo)": "ap-northeast-1",
}
SOURCE = Source(
    id="aws_ec2",
    title="Amazon EC2 machines with accelerators",
    kind="rental",
    requests=tuple(Request(f"{PAGE}/{quote(region, safe='()')}/Linux/index.json", label="page") for region in REGIONS),
    every_hours=24,
    currency="USD",
    unit="USD per machine and hour",
    min_rows=5,
    terms="public price list, keyless",
    proof="excerpt",
    proof_url="https://github.com/ewyluda/gpu-price-index/blob/main/tests/fixtures/aws.json",
    provider="aws",
)
_HEADER = ("SKU", "TermType", "Unit", "PricePerUnit", "Currency", "Instance Type", "Tenancy", "Operating System")
_MARK = b'"FormatVersion"'


def parse(capture: Capture) -> Iterator[Record]:
    if capture.body.lstrip()[: len(_MARK)] == _MARK:
        yield from _price_list(capture)
        return
    for region, machines in members(as_object(json_body(capture)).get("regions"), "regions"):
        for key, row in machines.items():
            machine = as_object(row)
            wanted = (
                as_text(machine.get("Operating System")) == "Linux"
                and as_text(machine.get("Pre Installed S/W")) == "NA"
            )
            if wanted:
                name = as_text(machine.get("Instance Type"))
                yield from _machine(name, REGIONS.get(region, region), machine.get("price"), f"/regions/{region}/{key}")


def recorded(body: bytes) -> Iterator[tuple[datetime, bytes]]:
    """A kept CSV of one machine's price (timestamp, instance, price_usd), cut where it moves; no region is said."""
    last = ""
    for row in sorted(csv.DictReader(io.StringIO(body.decode("utf-8"))), key=lambda row: row["timestamp"]):
        if row["price_usd"] and row["price_usd"] != last:
            last = row["price_usd"]
            machine = {
                "Instance Type": row["instance"],
                "price": last,
                "Operating System": "Linux",
                "Pre Installed S/W": "NA",
            }
            yield (
                datetime.fromisoformat(row["timestamp"]),
                json.dumps({"regions": {"": {row["instance"]: machine}}}).encode(),
            )


def _price_list(capture: Capture) -> Iterator[Record]:
    lines = io.TextIOWrapper(io.BytesIO(capture.body), encoding="utf-8", errors="replace", newline="")
    header: list[str] = []
    for number, line in enumerate(lines, 1):
        if not header:
            header = _cells(line) if line.startswith('"SKU"') else []
            if header and (missing := [name for name in _HEADER if name not in header]):
                raise ParseError(f"aws_ec2: no column {', '.join(missing)} in the price list")
        elif '"OnDemand"' in line and '"Shared"' in line:
            cells = _cells(line)
            row = dict(zip(header, cells, strict=False))
            if len(cells) != len(header):
                yield Notice("bad_row", f"{len(cells)} cells for {len(header)} columns", f"line {number}")
            elif _is_plain(row):
                region = row.get("Region Code") or REGIONS.get(row.get("Location", ""), row.get("Location", ""))
                yield from _machine(row["Instance Type"], region, row["PricePerUnit"], f"line {number}")
    if not header:
        raise ParseError("aws_ec2: a price list without a header line")


def _cells(line: str) -> list[str]:
    try:
        return next(csv.reader([line]))
    except csv.Error:
        return []


def _is_plain(row: dict[str, str]) -> bool:
    stated = (row["TermType"], row["Tenancy"], row["Unit"], row["Currency"], row["Operating System"])
    software, capacity = row.get("Pre Installed S/W", "NA"), row.get("CapacityStatus", "Used")
    return stated == ("OnDemand", "Shared", "Hrs", "USD", "Linux") and software == "NA" and capacity == "Used"


def _machine(name: str, region: str, price: object, locator: str) -> Iterator[Record]:
    """Machines without a line in MACHINES have no accelerator, or a slice of one, or one that serves no model."""
    family, _, size = name.partition(".")
    part, counts = MACHINES.get(family, (None, {}))
    if part and size in counts:
        yield from rental(Instance("aws", name, part, counts[size], "on_demand", region), price, locator)


_ONES = dict.fromkeys(("xlarge", "2xlarge", "4xlarge", "8xlarge", "16xlarge"), 1)
_G = {**_ONES, "12xlarge": 4, "24xlarge": 4, "48xlarge": 8}
H200 = Accelerator("H200", "SXM", 141.0)
# Accelerators per machine: https://aws.amazon.com/ec2/instance-types/accelerated-computing/
MACHINES: dict[str, tuple[Accelerator, dict[str, int]]] = {
    "p4d": (Accelerator("A100-40-SXM", "SXM", 40.0), {"24xlarge": 8}),
    "p4de": (Accelerator("A100-80-SXM", "SXM", 80.0), {"24xlarge": 8}),
    "p5": (Accelerator("H100-SXM", "SXM", 80.0), {"4xlarge": 1, "48xlarge": 8}),
    "p5e": (H200, {"48xlarge": 8}),
    "p5en": (H200, {"48xlarge": 8}),
    "p6-b200": (Accelerator("B200", "SXM", 180.0), {"48xlarge": 8}),
    "p6-b300": (Accelerator("B300", "SXM", 268.0), {"48xlarge": 8}),
    "g5": (Accelerator("A10G", "PCIe", 24.0), _G),
    "g6": (Accelerator("L4", "PCIe", 24.0), _G),
    "g6e": (Accelerator("L40S", "PCIe", 48.0), _G),
    "trn2": (Accelerator("Trainium2", "", 96.0), {"3xlarge": 1, "48xlarge": 16}),
    "inf2": (Accelerator("Inferentia2", "", 32.0), {"xlarge": 1, "8xlarge": 1, "24xlarge": 6, "48xlarge": 12}),
}
