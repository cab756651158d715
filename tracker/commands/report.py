"""`tracker report`: the week as HTML, Markdown and data files."""

from typing import Annotated

import typer

from tracker.commands import HomeOption, app


@app.command()
def report(
    home: HomeOption = None,
    week: Annotated[str | None, typer.Option(help="ISO week, e.g. 2026-W34 [default: the ledger's own]")] = None,
    lang: Annotated[str, typer.Option(help="en or zh")] = "en",
) -> None:
    """Write the weekly report: one HTML file, the same as Markdown, and its figures as CSV and Parquet.

    Example: tracker report --week 2026-W31 --lang zh
    """
    from reports.weekly import write_report
    from tracker.settings import find_home

    paths = write_report(find_home(home), week, lang)
    for path in (paths.html, paths.markdown, paths.data_dir):
        typer.echo(path)
