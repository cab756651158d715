"""Commands that bring data in: run, collect, reparse, publish."""

from pathlib import Path
from typing import Annotated

import typer

from tracker.commands import HomeOption, app
from tracker.settings import find_home

SourcesArgument = Annotated[list[str] | None, typer.Argument(help="Source ids; all that are enabled when left out")]


@app.command()
def run(home: HomeOption = None) -> None:
    """Read every source that is due, assess the offers, write the weekly report, and say where everything is.

    Sources read within their interval are left alone; those that failed are tried again. Works without a key and
    without a network: prices shipped in packages are real data. Exit code 0 when every due source delivered, 3 when
    some failed.

    Example: tracker run
    """
    from rich.console import Console

    from reports.weekly import write_report
    from tracker.assess.run import assess
    from tracker.collect.progress import reporting
    from tracker.collect.run import collect
    from tracker.explain.flags import effect_of
    from tracker.schedule import due
    from tracker.tick import states
    from warehouse.store import utc_now

    place, console = find_home(home), Console()
    now = utc_now()
    known = states(place, now)
    wanted = sorted({state.source_id for state in known if state.failures} | set(due(known, now)))
    with reporting(Console(stderr=True)) as report:
        summaries = collect(place, wanted, report) if wanted else []
    failed = _tell(console, summaries)
    if not wanted:
        console.print("no source is due: all were read within their interval")
    with console.status("assessing the offers"):
        outcome = assess(place, accept=lambda steps: console.print(effect_of(steps), soft_wrap=True))
    console.print(str(outcome), soft_wrap=True, highlight=False)
    paths = write_report(place)
    console.print(f"report    {paths.html}", soft_wrap=True)
    console.print(f"database  {place.history}", soft_wrap=True)
    console.print('ask it    tracker sql "SELECT offer, input_usd_per_mtok FROM offers LIMIT 5"', soft_wrap=True)
    if failed:
        raise typer.Exit(3)


@app.command()
def collect(sources: SourcesArgument = None, home: HomeOption = None) -> None:
    """Fetch, keep, check and store the given sources once, then publish the history.

    Exit code 0 when all delivered, 3 when some failed, 1 when nothing could be reached.

    Example: tracker collect openrouter_models deepseek_pricing
    """
    from rich.console import Console

    from tracker.collect.progress import reporting
    from tracker.collect.run import collect as collect_sources

    with reporting(Console(stderr=True)) as report:
        summaries = collect_sources(find_home(home), sources or (), report)
    failed = _tell(Console(), summaries)
    if failed:
        raise typer.Exit(1 if failed == len(summaries) else 3)


def _tell(console: object, summaries: object) -> int:
    """One line per source that delivered, the failures gathered by reason; returns how many failed."""
    from collections import defaultdict
    from typing import cast

    from rich.console import Console

    from tracker.collect.run import describe
    from warehouse.passes import Summary

    out, found = cast(Console, console), cast(list[Summary], summaries)
    reasons: defaultdict[str, list[str]] = defaultdict(list)
    for summary in found:
        if summary.outcome == "failed":
            reasons[_reason(summary.problem)].append(summary.source_id)
        else:
            out.print(f"{summary.source_id:<28} {describe(summary)}", highlight=False, soft_wrap=True, markup=False)
    for reason, ids in sorted(reasons.items()):
        many = f"{len(ids)} sources, " if len(ids) > 1 else ""
        out.print(f"failed: {many}{reason}: {', '.join(sorted(ids))}", highlight=False, soft_wrap=True, markup=False)
    return sum(map(len, reasons.values()))


def _reason(problem: str) -> str:
    """The part of a failure that several sources share."""
    if "not resolved" in problem:
        return "name not resolved (is there a network?)"
    return problem


@app.command()
def reparse(sources: SourcesArgument = None, home: HomeOption = None) -> None:
    """Read the kept captures again with today's parsers and retell the history; what was told before stays, superseded.

    Example: tracker reparse deepseek_pricing
    """
    from rich.console import Console

    from tracker.backfill.telling import reparse as reparse_sources
    from tracker.collect.run import describe
    from warehouse.history import publish as publish_history

    place, console = find_home(home), Console()
    for summary in reparse_sources(place, sources or ()):
        console.print(f"{summary.source_id:<28} {describe(summary)}", highlight=False, markup=False)
    publish_history(place.warehouse, place.history, place.write_lock)


@app.command()
def publish(
    home: HomeOption = None,
    parquet: Annotated[
        Path | None, typer.Option(help="Also write the public tables as Hive-partitioned Parquet into this folder")
    ] = None,
) -> None:
    """Publish the private file as history.duckdb, atomically; readers never see half of it.

    Example: tracker publish --parquet ./history-parquet
    """
    from rich.console import Console

    from tracker.errors import UsageError
    from warehouse.history import publish as publish_history
    from warehouse.parquet import write_parquet

    place = find_home(home)
    if not publish_history(place.warehouse, place.history, place.write_lock):
        raise UsageError(f"nothing to publish in {place.root}: run `tracker run` first")
    Console().print(f"{place.history}", soft_wrap=True)
    if parquet:
        for table, rows in write_parquet(place.history, parquet).items():
            Console().print(f"{parquet / table}: {rows:,} new rows", highlight=False, soft_wrap=True)
