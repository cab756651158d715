"""Commands that keep things going: tick, daemon, alerts."""

from typing import Annotated

import typer

from tracker.commands import HomeOption, app
from tracker.settings import find_home


@app.command()
def tick(
    home: HomeOption = None,
    errands: Annotated[
        bool, typer.Option("--errands", help="Instead: the due probes, audits, inbox and site of tracker.toml")
    ] = False,
    memory_gb: Annotated[float, typer.Option(help="Address space one errand may use; 0: no limit")] = 8.0,
) -> None:
    """Read the sources that are due, then assess, report and alert where due; call it from cron, every minute.

    Exit code 0 when all went well or nothing was due, 3 when something failed (it is tried again by itself).

    Example: tracker tick
    """
    from rich.console import Console

    from tracker.collect.progress import log_to_stderr
    from tracker.collect.run import describe
    from tracker.errands import run_errands
    from tracker.tick import tick as tick_once

    log_to_stderr()
    place, console, told = find_home(home), Console(), dict[str, str]()
    if errands:
        problems = run_errands(place, 3600.0, memory_gb, told.__setitem__)
        failed = any(problems.values())
    else:
        done = tick_once(place)
        for summary in done.summaries:
            console.print(f"{summary.source_id:<28} {describe(summary)}", highlight=False, soft_wrap=True, markup=False)
        problems = done.chores
        failed = done.offline or any(summary.outcome == "failed" for summary in done.summaries)
    for name, problem in problems.items():
        console.print(
            f"{name:<28} {problem or told.get(name) or 'done'}", highlight=False, soft_wrap=True, markup=False
        )
    if failed or any(problems.values()):
        raise typer.Exit(3)


@app.command()
def daemon(
    home: HomeOption = None,
    listen: Annotated[int, typer.Option(help="Serve /healthz and /metrics on this port of 127.0.0.1; 0: no")] = 0,
    memory_gb: Annotated[float, typer.Option(help="Address space one tick may use; 0: no limit")] = 8.0,
    tick_s: Annotated[float, typer.Option(help="A tick that takes longer is stopped")] = 1800.0,
) -> None:
    """Run for years: a tick every minute, errands every five, each in a bounded process; ends cleanly on SIGTERM.

    Example: tracker daemon --listen 9464
    """
    import structlog

    from tracker.collect.progress import log_to_stderr
    from tracker.daemon import Bounds, only_one, serve
    from tracker.health import listening

    log_to_stderr()
    place = find_home(home)
    with only_one(place), listening(place, listen):
        bounds = Bounds(tick_s=tick_s, memory_gb=memory_gb)
        serve(place, bounds, lambda: structlog.get_logger().info("daemon ready", home=str(place.root)))


@app.command()
def alerts(
    home: HomeOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be sent; send and note nothing")] = False,
) -> None:
    """Send the alerts that are due to the subscriptions of tracker.toml; the daemon does it by itself.

    Example: tracker alerts --dry-run
    """
    from rich.console import Console

    from tracker.alerts import send_alerts

    lines = send_alerts(find_home(home), dry_run)
    for line in lines or ["nothing to tell"]:
        Console().print(line, highlight=False, soft_wrap=True, markup=False)
