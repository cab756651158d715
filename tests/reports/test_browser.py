"""Report and site in headless Chromium: phone and desktop, light and dark; nothing overflows, logs, or is fetched."""

from pathlib import Path

import pytest

from reports.site import write_site
from reports.weekly import write_report
from tests.reports.browser import AXE_RUN, CHROMIUM, OVERFLOW, axe_script, console_of, inspected
from tracker.settings import Home

pytestmark = [
    pytest.mark.needs_chromium,
    pytest.mark.skipif(not CHROMIUM, reason="needs_chromium: no Chromium on this machine"),
]
PAGES = ("reports/2026-W30.html", "index.html", "models/zed--glm-x.html", "providers/alfa.html")


@pytest.fixture(scope="module")
def folder(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Path:
    write_report(home, "2026-W30")
    site = tmp_path_factory.mktemp("browsed")
    write_site(home, site)
    return site


@pytest.mark.parametrize("page", PAGES[:2])
def test_nothing_is_logged_or_fetched(folder: Path, tmp_path: Path, page: str) -> None:
    assert console_of(folder / page, tmp_path) == ([], [])


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_overflows(folder: Path, tmp_path: Path, width: int) -> None:
    for page in PAGES:
        found = inspected(folder / page, tmp_path, OVERFLOW, width, dark=False)
        assert isinstance(found, dict)
        assert found["wide"] == [] and found["page"] <= found["window"], (page, found)


@pytest.mark.needs_node
@pytest.mark.parametrize(("width", "dark"), [(390, True), (1280, False)])
def test_axe_finds_nothing(folder: Path, tmp_path_factory: pytest.TempPathFactory, width: int, dark: bool) -> None:
    work = tmp_path_factory.mktemp("axe")
    axe = axe_script(work)
    if not axe:
        pytest.skip("needs_node: axe-core is not at AXE_CORE and npm cannot fetch it")
    for page in PAGES:
        assert inspected(folder / page, work, axe + AXE_RUN, width, dark) == [], page
