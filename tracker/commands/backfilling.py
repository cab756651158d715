"""The command that brings history in."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tracker.commands import HomeOption, app
from tracker.settings import find_home

if TYPE_CHECKING:
    from rich.console import Console

    from tracker.backfill.telling import Progress


@app.command()
def backfill(
    source: Annotated[str | None, typer.Argument(help="The source whose history --git replays")] = None,
    files: Annotated[
        Path | None, typer.Option("--files", help="A recorded file, or a folder of them, in a layout of recordings.csv")
    ] = None,
    git: Annotated[Path | None, typer.Option("--git", help="A clone of the source's own repository")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Clone and replay every source that keeps its history in git")
    ] = False,
    home: HomeOption = None,
) -> None:
    """Replay recorded history through the same parsers and checks; the time of a recording is when it was seen.

    Doing it twice changes nothing, and what was interrupted goes on where it was.

    Example: tracker backfill litellm_catalogue --git ./litellm
    """
    from rich.console import Console

    from tracker.backfill.run import backfill_all, backfill_files, backfill_git
    from tracker.collect.run import describe
    from tracker.errors import UsageError
    from warehouse.history import publish

    if (files is not None) + (git is not None) + everything != 1 or (source is None) == (git is not None):
        raise UsageError("say what to replay: --files FOLDER, SOURCE --git CLONE, or --all")
    place, console, unknown = find_home(home), Console(), list[Path]()
    with _bar(Console(stderr=True)) as progress:
        if files is not None:
            summaries, unknown = backfill_files(place, files, progress)
        elif git is not None and source is not None:
            summaries = backfill_git(place, source, git, progress)
        else:
            summaries = backfill_all(place, progress)
        progress("publishing", 0, 1)
        publish(place.warehouse, place.history, place.write_lock)
    for summary in summaries:
        console.print(f"{summary.source_id:<28} {describe(summary)}", highlight=False, markup=False, soft_wrap=True)
    if unknown:
        names = ", ".join(path.name for path in unknown[:5])
        console.print(f"left alone: {len(unknown)} files without a known layout ({names} ...)", soft_wrap=True)


@contextmanager
def _bar(console: "Console") -> "Iterator[Progress]":
    """A bar with the time left; each new kind of work starts the clock anew."""
    from rich import progress

    columns = (progress.TextColumn("{task.description}"), progress.BarColumn(), progress.MofNCompleteColumn())
    with progress.Progress(*columns, progress.TimeRemainingColumn(), console=console, transient=True) as bar:
        task = bar.add_task("", total=1)
        latest = ""

        def report(what: str, done: int, total: int) -> None:
            nonlocal latest
            if what.split()[0] != latest:
                latest = what.split()[0]
                bar.reset(task, total=total)
            bar.update(task, description=what, completed=done, total=total)

        yield report
