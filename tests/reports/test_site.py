"""The static site: complete, hostile names stay text, unchanged pages are left alone, gone ones are removed."""

import re
from pathlib import Path
from xml.etree import ElementTree

import duckdb
import pytest

from reports.pages import slug
from reports.site import SiteSummary, write_site
from tracker.settings import Home


@pytest.fixture(scope="module")
def built(home: Home, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SiteSummary]:
    folder = tmp_path_factory.mktemp("site")
    return folder, write_site(home, folder, "https://example.org/")


def test_every_model_and_provider_has_its_page(built: tuple[Path, SiteSummary]) -> None:
    folder, summary = built
    index = (folder / "index.html").read_text()
    linked = re.findall(r'href="((?:models|providers)/[^"]+)"', index)
    assert (
        len(linked) == summary.pages == len(list(folder.glob("models/*.html"))) + len(list(folder.glob("providers/*")))
    )
    assert all((folder / path).is_file() for path in linked)


def test_pages_link_only_within_the_site(built: tuple[Path, SiteSummary]) -> None:
    folder, _ = built
    for page in folder.rglob("*.html"):
        for href in re.findall(r'href="([^"#]+)"', page.read_text()):
            if not href.startswith(("https://example.org", "data:")):
                assert (page.parent / href).is_file(), f"{page.name} -> {href}"


def test_hostile_names_stay_text_in_pages_names_and_feed(built: tuple[Path, SiteSummary]) -> None:
    folder, _ = built
    for page in folder.rglob("*.html"):
        assert "<script" not in page.read_text(), page.name
        assert "{" not in page.name and "<" not in page.name
    feed = ElementTree.fromstring((folder / "feed.xml").read_text())
    titles = [str(title.text) for title in feed.iter("{http://www.w3.org/2005/Atom}title")]
    assert any("openai/luna 6.00 → 3.00 USD" in title for title in titles)
    assert not any("relay" in title for title in titles)  # it flickers


def test_a_second_build_writes_nothing(home: Home, built: tuple[Path, SiteSummary]) -> None:
    folder, first = built
    again = write_site(home, folder, "https://example.org/")
    assert (again.pages, again.written, again.removed) == (first.pages, 0, 0)


def test_a_lost_page_comes_back_and_a_foreign_one_goes(home: Home, built: tuple[Path, SiteSummary]) -> None:
    folder, _ = built
    page = folder / "models" / "zed--glm-x.html"
    before = page.read_bytes()
    page.unlink()
    assert write_site(home, folder, "https://example.org/").written == 1
    assert page.read_bytes() == before


def test_the_downloads_open(built: tuple[Path, SiteSummary]) -> None:
    folder, _ = built
    with duckdb.connect(str(folder / "data" / "history.duckdb"), read_only=True) as copy:
        offers = copy.execute("SELECT count(*) FROM offers").fetchone()
    with duckdb.connect() as fresh:
        rows = fresh.execute(f"SELECT count(*) FROM '{folder / 'data' / 'offers.parquet'}'").fetchone()
    assert offers == rows


@pytest.mark.parametrize("name", ["<script>", "../../etc/passwd", "a/b", "A/b", "模型", "con", ".hidden", "x" * 300])
def test_slugs_are_plain_and_distinct(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9_-][a-z0-9._-]*|-[0-9a-f]{8}", slug(name))
    assert slug(name) != slug(name + "!")
    assert len(slug(name)) < 100
