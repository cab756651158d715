"""`tracker audit`: is an offer the model it says? A verdict in distances, with its power, under a budget."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tracker.commands import HomeOption, app

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracker.audit.plan import Step
    from tracker.audit.run import Report, Table
    from tracker.settings import Home


@app.command()
def audit(
    offer: Annotated[str, typer.Argument(help="The offer under audit, or URL, or MODEL@URL")],
    reference: Annotated[str, typer.Option(help="Who serves the model as it should be: offer, URL or MODEL@URL")],
    budget: Annotated[float, typer.Option(help="USD this audit may cost, all endpoints together")] = 0.0,
    control: Annotated[list[str] | None, typer.Option(help="An honest host (repeat; two learn the window)")] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Print steps, cost and what they find; send nothing")] = False,
    model: Annotated[str, typer.Option(help="Model name at endpoints given as URLs")] = "",
    dialect: Annotated[str, typer.Option(help="openai_completions or openai_chat, for URLs")] = "openai_completions",
    key_env: Annotated[str, typer.Option(help="Environment variable that holds the key, for URLs")] = "",
    key_file: Annotated[Path | None, typer.Option(help="File that holds the key, mode 0600")] = None,
    input_price: Annotated[str, typer.Option(help="USD per million input tokens, for URLs")] = "",
    output_price: Annotated[str, typer.Option(help="USD per million output tokens, for URLs")] = "",
    honest_noise: Annotated[float, typer.Option(help="Honest noise in nats, where it was learnt before")] = 0.0,
    border_prompts: Annotated[int, typer.Option(help="One-token questions")] = 80,
    prompts: Annotated[Path | None, typer.Option(help="Your own prompts, one a line, for the built-in ones")] = None,
    context: Annotated[int, typer.Option(help="Also ask one prompt of about so many tokens: is all of it read?")] = 0,
    tools: Annotated[int, typer.Option(help="Also so many questions with tools: do calls fit? openai_chat only")] = 0,
    watch: Annotated[int, typer.Option(help="Only look: so many fresh questions, evidence kept from look to look")] = 0,
    seed: Annotated[int, typer.Option(help="Another seed asks other prompts")] = 0,
    vantage: Annotated[str, typer.Option(envvar="TRACKER_VANTAGE", help="Name of this place")] = "",
    home: HomeOption = None,
) -> None:
    """Compare an offer's outputs with a reference and honest controls; says before it sends what it will cost and see.

    Example: tracker audit http://127.0.0.1:8765/int4/v1 --reference http://127.0.0.1:8765/reference/v1 --control
    http://127.0.0.1:8765/fast/v1 --control http://127.0.0.1:8765/speculative/v1 --model toy --key-env SANDBOX_KEY
    --input-price 0.1 --output-price 0.4 --budget 0.50
    """
    from datetime import UTC, datetime

    from tracker.audit import desk
    from tracker.probe.budget import Ledger
    from tracker.settings import find_home

    place = find_home(home)
    defaults = desk.Defaults(model, dialect, key_env, input_price, output_price, key_file)
    suspect, *others = (desk.endpoint(spec, defaults, place.history) for spec in (offer, reference, *(control or [])))
    table = desk.seat(suspect, others[0], others[1:], budget, defaults, honest_noise or None, sends=not plan)
    table.prompts = desk.read_prompts(prompts)
    started = datetime.now(UTC).replace(tzinfo=None)
    if watch:
        return _keep(place, desk.rows_of(table, _look(table, place, watch), started, vantage))
    steps = desk.plan(table, budget, border_prompts, context, tools)
    _show_plan(steps, budget)
    if plan:
        return
    report = desk.carry_out(table, steps, Ledger(place.root / "spend"), seed, typer.echo)
    _show_report(report)
    _keep(place, desk.rows_of(table, report, started, vantage))
    raise typer.Exit(0 if report.verdict.kind != "undecided" else 3)


def _keep(place: "Home", rows: "list[dict[str, Any]]") -> None:
    from warehouse.audits import store_audit
    from warehouse.history import publish
    from warehouse.store import writing

    with writing(place.warehouse, place.write_lock) as connection:
        store_audit(connection, rows)
    publish(place.warehouse, place.history, place.write_lock)


def _look(table: "Table", place: "Home", questions: int) -> "Report":
    from tracker.audit.watch import reported, take_look

    report, _ = take_look(table, place.root, questions)
    typer.echo(f"{report.findings[0].note}; {report.verdict.sentence}")
    if together := reported(place.root):
        typer.echo(f"of all offers watched, to report at 5 % false discoveries: {', '.join(together)}")
    return report


def _show_plan(steps: "Sequence[Step]", budget: float) -> None:
    from rich.console import Console
    from rich.table import Table as Grid

    from tracker.audit.plan import total_cost

    table = Grid("step", "requests", "tokens in", "out", "USD", "finds KL of", box=None)
    for step in steps:
        seen = f"{step.detectable_kl:.2g} ({step.power:.0%})" if step.detectable_kl and step.power else ""
        counts = (f"{count:,}" for count in (step.requests, step.input_tokens, step.output_tokens))
        table.add_row(step.method, *counts, f"{step.cost_usd:.4f}", seen)
    console = Console()
    console.print(table)
    console.print(f"each figure an upper bound; at most {total_cost(steps):.4f} of {budget:.4f} USD", highlight=False)


def _show_report(report: "Report") -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table as Grid

    table = Grid("method", "queries", "p", "KL (95 %)", "note", box=None)
    for found in report.findings:
        p_value = "" if found.p_value is None else f"{found.p_value:.2g}"
        kl = "" if found.kl is None else str(found.kl)
        table.add_row(found.method, str(found.queries), p_value, kl, escape(found.note))  # which may quote the host
    console = Console()
    console.print(table)
    for difference in report.form:
        shares = f"{difference.suspect_share:.0%} of answers, reference {difference.reference_share:.0%}"
        console.print(f"form: {difference.name} in {shares}", markup=False, highlight=False)
    if report.tokens:
        console.print(f"form: {report.tokens.sentence}", markup=False, highlight=False)
    if report.honest:
        console.print(f"honest noise: at most {report.honest.sigma:.3f} nats", highlight=False)
    console.print(report.verdict.sentence, markup=False, highlight=False)
