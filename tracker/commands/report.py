"""`tracker report` and `tracker site`: the week as HTML, Markdown and data files; everything as a static site."""

from pathlib import Path
from typing import Annotated

import typer

from tracker.commands import HomeOption, app


@app.command()
def report(
    home: HomeOption = None,
    week: Annotated[str | None, typer.Option(help="ISO week, e.g. 2026-W34 [default: the ledger's own]")] = None,
    lang: Annotated[str, typer.Option(help="en or zh")] = "en",
    compare: Annotated[bool, typer.Option("--compare", help="put the week before beside it")] = False,
) -> None:
    """Write the weekly report: one HTML file, the same as Markdown, and its figures as CSV and Parquet.

    Example: tracker report --week 2026-W31 --lang zh
    """
    from reports.weekly import write_report
    from tracker.settings import find_home

    paths = write_report(find_home(home), week, lang, compare)
    for path in (paths.html, paths.markdown, paths.data_dir):
        typer.echo(path)


@app.command()
def site(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="where the site goes; refreshed if it is there")],
    home: HomeOption = None,
    url: Annotated[str, typer.Option(help="address it will be served at, for the feed")] = "",
    lang: Annotated[str, typer.Option(help="en or zh")] = "en",
) -> None:
    """Write the static site: all reports, a page per model and provider, an Atom feed, the data to download.

    Pages whose data has not changed are left alone. Any web server can serve the folder.

    Example: tracker site ./public --url https://prices.example.org/
    """
    from reports.site import write_site
    from tracker.settings import find_home

    summary = write_site(find_home(home), folder, url, lang)
    typer.echo(f"{summary.index}: {summary.pages} pages, {summary.written} files written, {summary.removed} removed")
