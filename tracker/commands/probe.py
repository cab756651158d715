"""`tracker sandbox`, `tracker probe` and `tracker ingest`: measure offers, or try it all on a local stand-in."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tracker.commands import HomeOption, app

if TYPE_CHECKING:
    from tracker.probe.plan import Plan
    from tracker.probe.run import Purse, Vantage

STANDARD = "prefill-100,prefill-1k,prefill-3.4k,100/300,regular,hard,hard-10k,regular,hard,hard-10k"


@app.command()
def sandbox(
    host: Annotated[list[str] | None, typer.Argument(help="Hosts to serve [default: all presets]")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one")] = 8765,
    seconds: Annotated[float, typer.Option(help="Stop after so many seconds; 0 never")] = 3600.0,
) -> None:
    """Serve a local OpenAI-compatible stand-in with a physical serving model, labelled as such in every answer.

    Example: tracker sandbox fast free speculative int4 --port 8765
    """
    import os

    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # tiny matrices: threads cost more than they carry
    from tracker.probe.stream import run
    from tracker.sandbox.hosts import PRESETS, preset
    from tracker.sandbox.server import serve

    hosts = [preset(name) for name in host or PRESETS]

    def announce(bound: int) -> None:
        for each in hosts:
            typer.echo(f"http://127.0.0.1:{bound}/{each.name}/v1  declares {each.declared_precision}, model toy")
        typer.echo(f"stops {f'after {seconds:g} s, or ' if seconds else ''}with Ctrl-C")

    run(serve(hosts, port, seconds, announce))


@app.command()
def probe(
    offer: Annotated[list[str] | None, typer.Argument(help="Offers [default: the plan of this hour]")] = None,
    budget: Annotated[str, typer.Option(help="USD this installation may spend a day, all probes together")] = "",
    plan: Annotated[bool, typer.Option("--plan", help="Print what would be sent and its cost; send nothing")] = False,
    url: Annotated[str, typer.Option(help="An endpoint that is not in the warehouse, e.g. https://host/v1")] = "",
    model: Annotated[str, typer.Option(help="Its model name")] = "",
    provider: Annotated[str, typer.Option(help="What to call its provider")] = "local",
    dialect: Annotated[str, typer.Option(help="openai_chat, openai_completions, anthropic, gemini")] = "openai_chat",
    input_price: Annotated[str, typer.Option(help="USD per million input tokens, with --url")] = "",
    output_price: Annotated[str, typer.Option(help="USD per million output tokens, with --url")] = "",
    key_env: Annotated[str, typer.Option(help="Environment variable that holds the key")] = "",
    key_file: Annotated[Path | None, typer.Option(help="File that holds the key, mode 0600")] = None,
    workloads: Annotated[str, typer.Option(help="Workloads, separated by commas")] = STANDARD,
    ladder: Annotated[str, typer.Option(help="Concurrencies to climb with 100/300, e.g. 1,4,16")] = "",
    vantage: Annotated[str, typer.Option(envvar="TRACKER_VANTAGE", help="Name of this place")] = "",
    region: Annotated[str, typer.Option(envvar="TRACKER_REGION", help="Region of this place")] = "",
    out: Annotated[Path | None, typer.Option(help="Write a result file here instead of the warehouse")] = None,
    home: HomeOption = None,
) -> None:
    """Measure first token, tokens/s and end to end of offers, under a budget; nothing is sent without key and budget.

    Example: tracker probe --url http://127.0.0.1:8765/fast/v1 --model toy --key-env SANDBOX_KEY --input-price 0.1
    --output-price 0.4 --budget 0.50
    """
    from datetime import UTC, datetime

    from tracker.errors import UsageError
    from tracker.probe.budget import Ledger
    from tracker.probe.desk import candidates_of, day_plan, direct_plan, direct_target, money, why_nothing, with_key
    from tracker.probe.run import Purse, Vantage
    from tracker.settings import find_home

    place = find_home(home)
    if not budget:
        raise UsageError("nothing is sent without a budget: give --budget USD (of one UTC day)")
    purse = Purse(Ledger(place.root / "spend"), money(budget, "--budget"))
    now, spent = datetime.now(UTC).replace(tzinfo=None), purse.ledger.today().total
    if url:
        target = direct_target(url, model, provider, dialect, key_env, input_price, output_price)
        made = direct_plan(target, workloads, ladder, now)
    else:
        known = candidates_of(place.history, offer or [])
        candidates = known if offer or plan or key_file else with_key(known)  # one missing key stops no other
        made = day_plan(candidates, purse.usd_per_day, now, spent, whole_day=plan or bool(offer))
        if not made.steps and not plan:
            typer.echo(why_nothing(known, candidates, purse.usd_per_day, now, spent))
            return
    if plan:
        return _show_plan(made, purse.usd_per_day)
    _run(made, purse, Vantage(vantage, region), key_file, out, place.root)


def _show_plan(plan: "Plan", budget: object) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Column, Table

    table = Table("UTC", Column("offer", overflow="fold"), box=None)
    for name in ("workload", "streams", "USD", "at most", "why"):
        table.add_column(name, no_wrap=True)  # a figure cut short would be another figure
    for step in plan.steps:
        cells = (escape(str(step.target.offer)), step.workload.name, str(step.concurrency))
        table.add_row(f"{step.at_utc:%H:%M}", *cells, f"{step.expected_usd:.6f}", f"{step.worst_usd:.6f}", step.reason)
    console = Console()
    console.print(table)
    for line in plan.left_out[:20]:
        console.print(f"left out: {line}", markup=False)
    if more := len(plan.left_out[20:]):
        console.print(f"left out: {more} more")
    total = f"expected {plan.expected_usd:.6f} USD, at most {plan.worst_usd:.6f} of {budget} USD; nothing was sent"
    console.print(total, highlight=False)


def _run(plan: "Plan", purse: "Purse", vantage: "Vantage", key_file: Path | None, out: Path | None, root: Path) -> None:
    from rich.console import Console

    from tracker.probe.desk import ingest_folder, run_plan, tell
    from tracker.probe.inbox import write_rows
    from tracker.settings import Home

    console = Console()

    def say(text: str) -> None:
        console.print(text, markup=False, soft_wrap=True)

    rows, stopped = run_plan(plan, purse, vantage, key_file, say)
    good = sum(row["outcome"] == "ok" for row in rows)
    if rows:
        path = write_rows(out or root / "probes", rows)
        if out is None:
            ingest_folder(path.parent, Home(root))
        for line in tell(rows):
            say(line)
        say(f"{good} of {len(rows)} requests measured, rows in {path}")
    if stopped:
        say(f"stopped: {stopped}")
    raise typer.Exit(0 if rows and good == len(rows) and not stopped else 3 if good else 1)


@app.command()
def ingest(
    folder: Annotated[Path, typer.Argument(help="Inbox with result files of `tracker probe --out`")],
    home: HomeOption = None,
) -> None:
    """Take probe result files into the warehouse; a file that is already in changes nothing.

    Example: tracker ingest /srv/inbox
    """
    from tracker.errors import UsageError
    from tracker.probe.desk import ingest_folder
    from tracker.settings import find_home

    if not folder.is_dir():
        raise UsageError(f"no folder {folder}")
    taken, known, rejected = ingest_folder(folder, find_home(home))
    typer.echo(f"{taken} rows taken, {known} files already in, {len(rejected)} rejected")
    for line in rejected:
        typer.echo(f"rejected: {line}", err=True)
    raise typer.Exit(0 if not rejected else 3 if taken or known else 1)
