"""The table of sources in scrapers/README.md names every source and says what the modules say."""

from scrapers.listing import README, updated


def test_the_readme_lists_the_sources_as_they_are() -> None:
    readme = README.read_text(encoding="utf-8")
    assert readme == updated(readme), "run `python -m scrapers.listing` and commit scrapers/README.md"
