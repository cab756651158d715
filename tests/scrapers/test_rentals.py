"""Rents: what must never be mixed, divided wrongly or believed."""

from datetime import datetime
from decimal import Decimal

import pytest

from scrapers.accelerators import accelerator, form_in, known
from scrapers.instances import Instance, rental, whole_count
from scrapers.source import Capture, source_module, source_modules
from scrapers.zipped import zipped_csv
from tests.scrapers.golden_pages import PAGES, capture_of
from tracker.errors import ParseError
from tracker.records import COMMITMENTS, Notice, Rental

NOW = datetime(2026, 11, 20)  # noqa: DTZ001  naive UTC like every stored time


@pytest.mark.parametrize(
    ("spelled", "memory_gb", "form", "name"),
    [
        ("NVIDIA H100 80GB HBM3", 80, "", "H100-SXM"),
        ("NVIDIA H100 PCIe", 80, "", "H100-PCIe"),
        ("H100", 80, "", "H100"),  # no form said: neither SXM nor PCIe
        ("H100", 80, "SXM", "H100-SXM"),
        ("H100", 94, "", "H100-NVL"),
        ("A100 SXM4", 40, "", "A100-40-SXM"),
        ("A100 SXM4", 39, "", "A100-40-SXM"),
        ("A100 SXM4", 80, "", "A100-80-SXM"),
        ("A100 SXM4", None, "", "A100 SXM4"),
        ("A100", 80, "", "A100"),
        ("NVIDIA H200 NVL", 143, "", "H200-NVL"),
        ("Radeon of the future", 512, "", "Radeon of the future"),
    ],
)
def test_forms_and_memories_are_never_merged(spelled: str, memory_gb: float | None, form: str, name: str) -> None:
    assert accelerator(spelled, memory_gb, form).name == name


def test_an_unknown_part_is_nobody() -> None:
    assert known("H100") is None
    assert (form_in("gpu_8x_h100_sxm5"), form_in("Standard_NC40ads_H100_v5")) == ("SXM", "")


def test_an_instance_is_divided_and_an_impossible_card_is_refused() -> None:
    machine = Instance("aws", "p5.48xlarge", accelerator("H100 SXM"), 8)
    (row,) = rental(machine, "55.04", "line 1")
    assert isinstance(row, Rental) and row.amount == Decimal("6.88") and row.gpu_count == 8
    assert not list(rental(machine, "0", "line 1")) and not list(rental(machine, None, "line 1"))
    whole = Instance("aws", "p5.48xlarge", accelerator("H100 SXM"), 1)
    assert [type(found) for found in rental(whole, "98.32", "line 1")] == [Notice]
    assert [type(found) for found in rental(whole, "-1", "line 1")] == [Notice]


@pytest.mark.parametrize(
    ("text", "count"), [("8", 8), ("8.0", 8), ("0.5", 0), ("", 0), ("x", 0), ("-1", 0), ("1e9", 0)]
)
def test_counts_are_whole_cards(text: str, count: int) -> None:
    assert whole_count(text) == count


def test_runpods_placeholder_never_becomes_a_price() -> None:
    found = list(source_module("runpod").parse(capture_of(PAGES / "runpod.json")))
    assert all(row.amount != Decimal("0.5") for row in found if isinstance(row, Rental))
    assert sum(isinstance(row, Notice) and "placeholder" in row.text for row in found) == 2


def test_a_large_aws_price_list_is_streamed() -> None:
    page = (PAGES / "aws_ec2.csv.csv").read_bytes()
    padding = b'"S9","JRTCKXETXF","S9.J.6","OnDemand","$1 per Linux m7i.large"\n' * 200_000
    capture = Capture("aws_ec2", "https://pricing.us-east-1.amazonaws.com/x.csv", page + padding, NOW)
    assert len(list(source_module("aws_ec2").parse(capture))) == 3


def test_spot_and_on_demand_stay_apart_on_every_saved_page() -> None:
    for source_id, module in source_modules().items():
        if module.SOURCE.kind != "rental":
            continue
        pages = [page for page in PAGES.iterdir() if page.name.split(".")[0].split("-")[0] == source_id]
        for page in pages:
            rows = [row for row in module.parse(capture_of(page)) if isinstance(row, Rental)]
            keys = [(row.lessor, row.listed_name, row.commitment, row.region, row.effective_from) for row in rows]
            assert len(keys) == len(set(keys)), f"{page.name}: two prices under one name"
            assert {row.commitment for row in rows} <= COMMITMENTS


def test_zips_are_capped_before_they_are_unpacked() -> None:
    body = (PAGES / "gpuhunt.catalog.zip").read_bytes()
    with pytest.raises(ParseError, match="would unpack"):
        zipped_csv(body, 10, "test")
    with pytest.raises(ParseError, match="not a zip"):
        zipped_csv(body[:-30], 10_000, "test")
