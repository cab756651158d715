"""gpuhunt's published catalogue: hourly price lists of 16 clouds, one zip per cloud.

Unit: USD per *instance* and hour, divided by gpu_count here. `.../v3/<cloud>/version` names the newest catalogue; older
versions stay readable, so a version is history. SXM or PCIe is only what the lessor's instance name says.
"""

import csv
import io
import re
from collections.abc import Iterator

from scrapers.accelerators import Accelerator, accelerator, form_in
from scrapers.instances import Instance, rental, whole_count
from scrapers.source import Capture, Request, Source
from scrapers.zipped import zipped_csv
from tracker.errors import ParseError
from tracker.records import Notice, Record

BASE = "https://dstack-gpu-pricing.s3.eu-west-1.amazonaws.com/v3"
CLOUDS = (
    *("aws", "azure", "cloudrift", "crusoe", "digitalocean", "gcp", "hotaisle", "jarvislabs"),
    *("lambdalabs", "lium", "nebius", "oci", "runpod", "seeweb", "verda", "vultr"),
)

SOURCE = Source(
    id="gpuhunt",
    title="gpuhunt catalogue of GPU clouds",
    kind="rental",
    requests=tuple(Request(f"{BASE}/{cloud}/version", label="version") for cloud in CLOUDS),
    every_hours=24,
    currency="USD",
    unit="USD per instance and hour",
    min_rows=50,
    terms="MPL-2.0 data; the clouds' own list prices",
    proof="documented",
    proof_url="https://github.com/dstackai/gpuhunt/blob/master/src/tests/scripts/test_catalog_v1.py",
    copies=("*",),
)
_CSV_LIMIT = 80_000_000
_VERSION = re.compile(rb"\s*(\d{8}(?:-\d{1,6})?)\s*")
_CLOUD = re.compile(r"/v3/([a-z0-9_-]+)/")
_COLUMNS = frozenset(("instance_name", "location", "price", "gpu_count", "gpu_name", "gpu_memory", "spot"))


def more(capture: Capture) -> Iterator[Request]:
    if capture.label == "version":
        yield Request(f"{BASE}/{_cloud(capture)}/{_version(capture)}/catalog.zip", label="catalog")


def parse(capture: Capture) -> Iterator[Record]:
    if capture.label == "version":
        _version(capture)
        return
    lessor = LESSORS.get(_cloud(capture), _cloud(capture))
    rows = csv.DictReader(io.StringIO(zipped_csv(capture.body, _CSV_LIMIT, "gpuhunt")))
    if missing := _COLUMNS - set(rows.fieldnames or ()):
        raise ParseError(f"gpuhunt: no column {', '.join(sorted(missing))}")
    for row in rows:
        yield from _rental(lessor, row, f"line {rows.line_num}")


def _rental(lessor: str, row: dict[str, str], locator: str) -> Iterator[Record]:
    name, count = row["instance_name"] or "", whole_count(row["gpu_count"] or "")
    if not count or not row["gpu_name"]:
        return  # a machine without accelerators, or with a slice of one
    if row["spot"] not in SPOT:
        yield Notice("unknown_word", f"gpuhunt spot column says {str(row['spot'])[:40]!r}", locator)
        return
    part = _part(lessor, name, row["gpu_name"], row["gpu_memory"])
    yield from rental(
        Instance(lessor, name, part, count, SPOT[row["spot"]], row["location"] or ""), row["price"], locator
    )


def _part(lessor: str, instance_name: str, gpu_name: str, memory: str) -> Accelerator:
    """The lessor's word for the form: in the instance name, the GPU name, or a family we know."""
    family = next((form for start, form in FAMILIES.get(lessor, ()) if instance_name.startswith(start)), "")
    form = form_in(instance_name) or form_in(gpu_name) or family
    memory_gb = float(memory) if re.fullmatch(r"\d{1,4}(\.\d+)?", memory or "") else None
    return accelerator(gpu_name, memory_gb, form)


def _version(capture: Capture) -> str:
    match = _VERSION.fullmatch(capture.body[:64])
    if not match:
        raise ParseError(f"gpuhunt: not a catalogue version: {capture.body[:40]!r}")
    return match[1].decode()


def _cloud(capture: Capture) -> str:
    match = _CLOUD.search(capture.url)
    if not match:
        raise ParseError(f"gpuhunt: no cloud in {capture.url}")
    return match[1]


SPOT = {"False": "on_demand", "True": "spot"}
LESSORS = {"lambdalabs": "lambda", "oci": "oracle"}
# Instance families whose form the cloud states on the family's page, not in the name.
FAMILIES = {
    "aws": (("p5", "SXM"), ("p4d", "SXM"), ("p4de", "SXM")),
    "azure": (("Standard_ND96isr_H100_v5", "SXM"), ("Standard_NC", "PCIe"), ("Standard_ND96a", "SXM")),
    "gcp": (("a3-", "SXM"), ("a2-", "SXM")),
    "oracle": (("BM.GPU.H100", "SXM"), ("BM.GPU.A100-v2", "SXM"), ("BM.GPU4", "SXM")),
}
