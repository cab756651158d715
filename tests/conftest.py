"""What all tests share: a home, a shop, no stop-watch on properties, and a second look at tests that measure time.

Tests of streams, the sandbox and the daemon measure milliseconds with real servers; on a machine that does other work
the probe rightly refuses to record what it has distorted. Those are tried again; everything else must pass at once.
"""

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import structlog

from tests.shop import Shop, open_shop
from tracker.settings import Home

hypothesis.settings.register_profile("tracker", deadline=None, print_blob=True)
hypothesis.settings.load_profile("tracker")

MEASURES_TIME = ("tests/probe", "tests/sandbox", "tests/audit/test_run.py", "tests/tracker/test_daemon.py")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        place = Path(item.path).relative_to(config.rootpath).as_posix()
        if place.startswith(MEASURES_TIME):
            item.add_marker(pytest.mark.flaky(reruns=4, reruns_delay=2))


@pytest.fixture(autouse=True)
def log_anew() -> Iterator[None]:
    """A command that a test ran logs to that test's streams, which the next one finds closed."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop
