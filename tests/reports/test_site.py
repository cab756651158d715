"""The static site: complete, hostile names stay text, unchanged pages are left alone, gone ones are removed."""

import re
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree

import duckdb
import pytest

from reports.pages import slug
from reports.site import SiteSummary, write_site
from reports.weekly import write_report
from tests.reports.ledgers import MONDAY, Typed, price
from tracker.records import Offer
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


def test_a_model_page_puts_unproven_zeros_last_and_draws_what_moved_long_ago(tmp_path: Path) -> None:
    zero, once, busy = (Offer(name, "m") for name in ("zero", "once", "busy"))
    ledger = Typed(models=dict.fromkeys((zero, once, busy), "zed/m"))
    for hour in range(30):
        rows = [*price(zero, "0", "0", status="zero_claimed"), *price(once, "1", "2" if hour else "4")]
        ledger.show(MONDAY + timedelta(hours=hour), [*rows, *price(busy, "3", str(5 + hour % 2))])
    home = ledger.publish(tmp_path / "home")
    write_site(home, tmp_path / "site")
    page = (tmp_path / "site" / "models" / "zed--m.html").read_text()
    assert re.findall(r">(once|busy|zero)</a></td>", page)[:3] == ["once", "busy", "zero"]
    assert "Now: once/m $2.00, busy/m $6.00." in page


def test_the_index_has_each_week_once_in_its_languages_with_who_cut(tmp_path: Path) -> None:
    ledger = Typed(models={Offer("host", "m"): "zed/m"})
    for day in range(-3, 4):
        ledger.daily([day], price(Offer("host", "m"), "1" if day < 1 else "0.5", "1"))
    home = ledger.publish(tmp_path / "home")
    for lang in ("en", "zh"):
        write_report(home, "2026-W30", lang)
    write_site(home, tmp_path / "site")
    index = (tmp_path / "site" / "index.html").read_text()
    assert index.count("<dt>2026-W30 ·") == 1 and "The deepest cut is host/m" in index
    assert 'href="reports/2026-W30.html">English' in index and 'href="reports/2026-W30.zh.html">中文' in index


@pytest.mark.parametrize("name", ["<script>", "../../etc/passwd", "a/b", "A/b", "模型", "con", ".hidden", "x" * 300])
def test_slugs_are_plain_and_distinct(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9_-][a-z0-9._-]*|-[0-9a-f]{8}", slug(name))
    assert slug(name) != slug(name + "!")
    assert len(slug(name)) < 100
