"""Azure's retail price list for GPU virtual machines, per region, with real effective dates.

Unit: USD per *machine* and hour, divided by the cards of the size here; a reservation's price is for its whole term.
Windows meters carry a licence and are left out; "Spot" and the older "Low Priority" are both interruptible.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from urllib.parse import quote

from scrapers.accelerators import Accelerator
from scrapers.instances import Instance, rental
from scrapers.json_text import JsonObject, as_object, as_text, json_body, rows_at
from scrapers.source import Capture, Request, Source
from tracker.records import Notice, Record

REGIONS = ("eastus", "eastus2", "southcentralus", "westus2", "westus3", "westeurope", "swedencentral", "uksouth")
CHIPS = ("A100", "H100", "H200", "MI300X", "GB200", "GB300")
BASE = "https://prices.azure.com/api/retail/prices?$filter="


def _request(region: str) -> Request:
    chips = " or ".join(f"contains(armSkuName, '{chip}')" for chip in CHIPS)
    sizes = f"({chips} or armSkuName eq 'Standard_ND96asr_v4')"  # the one size whose name leaves its chip out
    query = f"serviceName eq 'Virtual Machines' and armRegionName eq '{region}' and {sizes}"
    return Request(BASE + quote(query, safe="()',"))


SOURCE = Source(
    id="azure_vms",
    title="Azure GPU virtual machines",
    kind="rental",
    requests=tuple(_request(region) for region in REGIONS),
    every_hours=24,
    currency="USD",
    unit="USD per machine and hour",
    min_rows=10,
    terms="public API, keyless",
    proof="excerpt",
    proof_url="https://github.com/ewyluda/gpu-price-index/blob/main/tests/fixtures/azure.json",
    provider="azure",
)
YEAR_HOURS = 8760


def more(capture: Capture) -> Iterator[Request]:
    following = as_text(as_object(json_body(capture)).get("NextPageLink"))
    if following.startswith("https://prices.azure.com/"):
        yield Request(following)


def parse(capture: Capture) -> Iterator[Record]:
    body = json_body(capture)
    if isinstance(body, dict) and body.get("Items") == [] and "BillingCurrency" in body:
        return  # a region without these machines answers with an empty page
    for locator, row in rows_at(body, "Items"):
        yield from _meter(row, locator)


def _meter(row: JsonObject, locator: str) -> Iterator[Record]:
    size = as_text(row.get("armSkuName"))
    product, unit = as_text(row.get("productName")), as_text(row.get("unitOfMeasure"))
    if not size or product.endswith("Windows") or as_text(row.get("type")) == "DevTestConsumption":
        return
    if size not in SIZES:
        yield Notice("unknown_word", f"Azure size {size!r}", locator)
        return
    term = _term(row)
    if unit != "1 Hour" or as_text(row.get("currencyCode")) not in ("USD", "") or not term:
        yield Notice("bad_row", f"{size}: {unit!r} {row.get('currencyCode')!r} {row.get('type')!r}", locator)
        return
    commitment, hours = term
    part, count = SIZES[size]
    started = _moment(as_text(row.get("effectiveStartDate")))
    instance = Instance("azure", size, part, count, commitment, as_text(row.get("armRegionName")), "USD", started)
    yield from rental(instance, row.get("retailPrice"), locator, Decimal(1) / hours)


def _term(row: JsonObject) -> tuple[str, int] | None:
    """(commitment, hours the price covers); None for a word we do not know."""
    kind = as_text(row.get("type"))
    if kind == "Consumption":
        interruptible = as_text(row.get("meterName")).endswith(("Spot", "Low Priority"))
        return ("spot" if interruptible else "on_demand"), 1
    return TERMS.get(as_text(row.get("reservationTerm"))) if kind == "Reservation" else None


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=None)
    except ValueError:
        return None


TERMS = {"1 Year": ("reserved_1y", YEAR_HOURS), "3 Years": ("reserved_3y", 3 * YEAR_HOURS)}
H100_NVL = Accelerator("H100-NVL", "NVL", 94.0)
A100_PCIE = Accelerator("A100-80-PCIe", "PCIe", 80.0)
SIZES: dict[str, tuple[Accelerator, int]] = {
    "Standard_NC24ads_A100_v4": (A100_PCIE, 1),
    "Standard_NC48ads_A100_v4": (A100_PCIE, 2),
    "Standard_NC96ads_A100_v4": (A100_PCIE, 4),
    "Standard_ND96asr_v4": (Accelerator("A100-40-SXM", "SXM", 40.0), 8),
    "Standard_ND96amsr_A100_v4": (Accelerator("A100-80-SXM", "SXM", 80.0), 8),
    "Standard_NC40ads_H100_v5": (H100_NVL, 1),
    "Standard_NC80adis_H100_v5": (H100_NVL, 2),
    "Standard_NCC40ads_H100_v5": (H100_NVL, 1),
    "Standard_ND96is_H100_v5": (Accelerator("H100-SXM", "SXM", 80.0), 8),
    "Standard_ND96isr_H100_v5": (Accelerator("H100-SXM", "SXM", 80.0), 8),
    "Standard_ND96is_H200_v5": (Accelerator("H200", "SXM", 141.0), 8),
    "Standard_ND96isr_H200_v5": (Accelerator("H200", "SXM", 141.0), 8),
    "Standard_ND96is_MI300X_v5": (Accelerator("MI300X", "OAM", 192.0), 8),
    "Standard_ND96isr_MI300X_v5": (Accelerator("MI300X", "OAM", 192.0), 8),
    "Standard_ND128isr_NDR_GB200_v6": (Accelerator("GB200-NVL72", "NVL", 186.0), 4),
    "Standard_ND128isr_GB300_v6": (Accelerator("GB300-NVL72", "NVL", 278.0), 4),
}
