"""Every source keeps the contract, and every saved page still gives the rows a person has read."""

import inspect
import sys
import time
from pathlib import Path

import pytest

from scrapers.source import SourceModule, further_requests, source_modules
from tests.scrapers.conformance import faults_of_imports, faults_of_record, faults_of_source, hostile_captures
from tests.scrapers.golden_pages import GOLDEN, capture_of, golden_path, pages, rendered, source_id_of
from tracker.errors import TrackerError
from tracker.records import Notice

MODULES = source_modules()
PARSE_LIMIT_S = 2.0
every_source = pytest.mark.parametrize("module", MODULES.values(), ids=list(MODULES))
every_page = pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)


def file_of(module: SourceModule) -> Path:
    return Path(str(sys.modules[module.parse.__module__].__file__))


@every_source
def test_source_says_what_it_is(module: SourceModule) -> None:
    assert not list(faults_of_source(module.SOURCE, file_of(module).stem))


@every_source
def test_parser_has_no_network_clock_disk_or_database(module: SourceModule) -> None:
    assert not list(faults_of_imports(file_of(module)))


@every_source
def test_parse_is_a_generator_over_one_capture(module: SourceModule) -> None:
    assert inspect.isgeneratorfunction(module.parse)
    assert list(inspect.signature(module.parse).parameters) == ["capture"]


@every_source
def test_hostile_bytes_end_in_a_parse_error_or_in_no_price(module: SourceModule) -> None:
    for name, capture in hostile_captures(module.SOURCE):
        started = time.monotonic()
        try:
            found = list(module.parse(capture))
            further_requests(module, capture)
        except TrackerError as error:
            assert "\n" not in str(error), name
            continue
        finally:
            assert time.monotonic() - started < PARSE_LIMIT_S, f"{name} took too long"
        assert all(isinstance(record, Notice) for record in found), f"{name} gave {found[:3]}"


@every_source
def test_source_has_a_saved_page(module: SourceModule) -> None:
    assert any(source_id_of(page) == module.SOURCE.id for page in pages()), "save a page in tests/scrapers/pages"


@every_page
def test_page_gives_its_golden_records(page: Path) -> None:
    expectation, found = golden_path(page), rendered(page)
    if not expectation.exists():
        expectation.write_text(found, encoding="utf-8")
        pytest.fail(f"wrote {expectation.name}: read it row by row against the page, then commit it")
    assert found == expectation.read_text(encoding="utf-8")


@every_page
def test_page_gives_valid_records_the_same_every_time(page: Path) -> None:
    capture = capture_of(page)
    module = MODULES[capture.source_id]
    first = list(module.parse(capture))
    assert not [(record, fault) for record in first for fault in faults_of_record(record)]
    assert list(module.parse(capture)) == first


def test_no_golden_file_outlives_its_page() -> None:
    assert {path.name for path in GOLDEN.glob("*.json")} <= {golden_path(page).name for page in pages()}


def test_every_page_belongs_to_a_source() -> None:
    assert {source_id_of(page) for page in pages()} <= set(MODULES)
