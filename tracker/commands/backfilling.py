"""The command that brings history in."""

from pathlib import Path
from typing import Annotated

import typer

from tracker.commands import HomeOption, app
from tracker.settings import find_home


@app.command()
def backfill(
    files: Annotated[
        Path | None, typer.Option("--files", help="A recorded file, or a folder of them, in a layout of recordings.csv")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Replay recorded history through the same parsers and checks; the time of a recording is when it was seen.

    Doing it twice changes nothing.

    Example: tracker backfill --files ./recordings
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from tracker.backfill import backfill_files
    from tracker.collect import describe
    from tracker.errors import UsageError
    from warehouse.history import publish

    if files is None:
        raise UsageError("say what to replay: --files FOLDER")
    place, console = find_home(home), Console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1)
        summaries, unknown = backfill_files(
            place, files, lambda what, done, total: bar.update(task, description=what, completed=done, total=total)
        )
        bar.update(task, description="publishing")
        publish(place.warehouse, place.history, place.write_lock)
    for summary in summaries:
        console.print(f"{summary.source_id:<28} {describe(summary)}", highlight=False, markup=False, soft_wrap=True)
    if unknown:
        names = ", ".join(path.name for path in unknown[:5])
        console.print(f"left alone: {len(unknown)} files without a known layout ({names} ...)", soft_wrap=True)
