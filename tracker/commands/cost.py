"""Commands about cost: what serving must cost, who breaks even, what size fits a price, facts of a new model."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tracker.commands import HomeOption, app

if TYPE_CHECKING:
    from tracker.cost import Question
    from tracker.cost.posted import Posted

models_app = typer.Typer(no_args_is_help=True, help="Model facts behind the cost engine.", rich_markup_mode=None)
app.add_typer(models_app, name="models")

Hardware = Annotated[list[str] | None, typer.Option("--hardware", help="Accelerator; repeat for several")]
PrecisionOption = Annotated[str | None, typer.Option("--precision", help="bf16, fp8, int4, ... [default: native]")]
Prompt = Annotated[float | None, typer.Option("--prompt", help="Prompt tokens per request")]
Answer = Annotated[float | None, typer.Option("--output", help="Output tokens per request")]
Speed = Annotated[float | None, typer.Option("--speed", help="Tokens/s each user must get")]
First = Annotated[float | None, typer.Option("--ttft", help="Seconds to the first token at most")]
Draft = Annotated[
    float | None, typer.Option("--draft-gain", help="Tokens a step with a draft model: speed on regular over hard text")
]
AsOf = Annotated[str | None, typer.Option("--as-of", help="Day, YYYY-MM-DD [default: today]")]
ScenarioOption = Annotated[
    str | None, typer.Option("--scenario", help="[default: the model's own at that time, else market]")
]
InputPrice = Annotated[float | None, typer.Option("--input", help="USD per million input tokens")]
OutputPrice = Annotated[float | None, typer.Option("--output", help="USD per million output tokens")]
Trace = Annotated[bool, typer.Option("--trace", help="Say what bounds each row")]
Utilisation = Annotated[float | None, typer.Option("--utilisation", help="Share of the day that is busy, 0 to 1")]


def day(text: str | None) -> date:
    from tracker.errors import UsageError

    if text is None:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is not a day like 2023-12-15") from error


def make_question(
    model: str,
    when: date,
    precision: str | None,
    scenario: str | None,
    prices: tuple[float | None, float | None] = (None, None),
    limits: tuple[float | None, float | None] = (None, None),
    known: dict[str, float | None] | None = None,
    hardware: list[str] | None = None,
    draft_gain: float | None = None,
) -> "Question":
    """A question from command-line words; native precision and the scenario of the day unless said."""
    from tracker.cost import Question, find_model, scenario_for

    facts = find_model(model)
    native = {"fp16": "bf16"}.get(facts.native_precision, facts.native_precision)
    fixed = tuple((name, value) for name, value in (known or {}).items() if value is not None)
    return Question(
        facts.model_id,
        precision or native,
        *prices,
        when,
        scenario or scenario_for(facts.slug, when),
        *limits,
        known=fixed,
        hardware=tuple(hardware or ()),
        draft_gain=draft_gain,
    )


LEFT = {
    "deployment",
    "provider",
    "as measured",
    "cause",
    "verdict",
    "what bounds it",
    "even from batch",
    "what would clear it",
}


def _show_table(rows: list[Any], columns: list[tuple[str, str]], title: str) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for _, head in columns:
        table.add_column(head, justify="left" if head in LEFT else "right")
    for row in rows:
        table.add_row(*(_cell(row[name] if isinstance(row, dict) else getattr(row, name)) for name, _ in columns))
    console = Console()
    (console if console.is_terminal else Console(width=210)).print(table)


def _show_deployments(rows: list[Any], columns: list[tuple[str, str]], title: str, trace: bool) -> None:
    _show_table(rows, columns, title)
    for row in rows if trace else ():
        typer.echo(row.trace)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return str(value)


TABLE = [
    ("deployment", "deployment"),
    ("usd_per_chip_hour", "$/chip-h"),
    ("batch", "batch"),
    ("tok_s_user", "tok/s/user"),
    ("first_token_s", "ttft s"),
    ("input_usd_per_mtok", "$/M in"),
    ("output_usd_per_mtok", "$/M out"),
    ("blended_usd_per_mtok", "$/M blended"),
]
POSTED = [
    ("when", "on"),
    ("provider", "provider"),
    ("in", "$/M in"),
    ("out", "$/M out"),
    ("seen", "as measured"),
    ("p", "P(below cost)"),
    ("verdict", "verdict"),
    ("even", "even from batch"),
    ("clears", "what would clear it"),
]
EVEN = [*TABLE, ("break_even_batch", "even at batch"), ("break_even_utilisation", "even at use")]


def _band_lines(question: "Question") -> list[str]:
    from tracker.cost import assess, shares_of_width

    estimate = assess([question])[0]
    if estimate.output_usd_per_mtok is None:
        return [estimate.reason]
    bands = {
        "input": estimate.input_usd_per_mtok,
        "output": estimate.output_usd_per_mtok,
        "blended": estimate.blended_usd_per_mtok,
    }
    lines = [f"{name}: {b.mid:.3g} USD/M (80 % band {b.low:.3g} to {b.high:.3g})" for name, b in bands.items() if b]
    shares = ", ".join(f"{name} {share:.0%}" for name, share in shares_of_width(question).items() if share >= 0.05)
    return [*lines, f"width due to: {shares}", estimate.trace]


def _verdict(probability: float | None) -> str:
    if probability is None:
        return "not comparable"
    return "below cost" if probability >= 0.7 else "borderline" if probability >= 0.3 else "covers its cost"


def _posted_rows(question: "Question", own_scenarios: bool) -> list[dict[str, Any]]:
    """Each posted price against the cost of its own day, on its seller's own scenario where one is written down."""
    from dataclasses import replace

    from tracker.cost import assess, deployment_table, find_model, scenario_for
    from tracker.cost.posted import posted_prices

    model = find_model(question.model_id)
    posted = posted_prices(model, question.when)
    asked = [
        replace(
            question,
            input_usd_per_mtok=p.input_usd_per_mtok,
            output_usd_per_mtok=p.output_usd_per_mtok,
            when=p.when,
            scenario=scenario_for(model.slug, p.when, p.provider) if own_scenarios else question.scenario,
            tok_s_user=p.tok_s_user or question.tok_s_user,
            draft_gain=p.draft_gain or question.draft_gain,
        )
        for p in posted
    ]
    rows = []
    for price, q, estimate in zip(posted, asked, assess(asked), strict=True):
        best: dict[str, Any] = {}
        for row in deployment_table(q, limit=40):
            best.setdefault(row.deployment.split()[0].partition("x")[2], row)
        even = "; ".join(
            f"{name} {r.break_even_batch or 0:.0f}" if r.break_even_batch else f"{name} never"
            for name, r in best.items()
        )
        rows.append(
            {
                "when": price.when,
                "provider": price.provider + (f" ({price.tier})" if price.tier != "standard" else ""),
                "in": price.input_usd_per_mtok,
                "out": price.output_usd_per_mtok,
                "seen": _measured(price),
                "p": estimate.probability_below,
                "verdict": _verdict(estimate.probability_below),
                "even": even,
                "clears": estimate.clears,
            }
        )  # fmt: skip
    return rows


def _measured(price: "Posted") -> str | None:
    if price.tok_s_user is None:
        return None
    draft = f", drafts {price.draft_gain:.1f}x" if price.draft_gain else ""
    return f"{price.tok_s_user:.0f} tok/s{draft}"


def _waterfall(model: str, first: str, last: str, scenario: str | None) -> None:
    from tracker.cost import find_model, find_scenario, waterfall

    steps = waterfall(find_model(model), day(first), day(last), find_scenario(scenario or "market"))
    columns = [
        ("cause", "cause"),
        ("usd_per_mtok", "$/M blended"),
        ("factor", "cheaper by x"),
        ("detail", "what bounds it"),
    ]
    _show_table(list(steps), columns, f"what made {model} cheaper to serve, {first} to {last}")
    typer.echo(
        f"together {steps[0].usd_per_mtok / steps[-1].usd_per_mtok:.3g}x; a price that fell by more gave up margin"
    )


@app.command()
def cost(
    model: Annotated[str, typer.Argument(help="Model id, slug or alias")],
    hardware: Hardware = None,
    precision: PrecisionOption = None,
    prompt: Prompt = None,
    output: Answer = None,
    speed: Speed = None,
    ttft: First = None,
    draft_gain: Draft = None,
    as_of: AsOf = None,
    scenario: ScenarioOption = None,
    utilisation: Utilisation = None,
    trace: Trace = False,
    falls: Annotated[tuple[str, str] | None, typer.Option("--waterfall", help="Two days: what made cost fall")] = None,
) -> None:
    """What serving a model must cost on each plausible deployment, what that hangs on, and who breaks even.

    Example: tracker cost mixtral-8x7b --as-of 2023-12-15
    """
    from tracker.cost import deployment_table

    if falls is not None:
        _waterfall(model, *falls, scenario)
        return
    when = day(as_of)
    known = {"prompt": prompt, "output": output, "utilisation": utilisation}
    question = make_question(
        model,
        when,
        precision,
        scenario,
        limits=(speed, ttft),
        known=known,
        hardware=hardware,
        draft_gain=draft_gain,
    )
    title = f"{question.model_id} at {question.precision} on {when}, scenario {question.scenario}"
    _show_deployments(deployment_table(question), TABLE, title, trace)
    for line in _band_lines(question):
        typer.echo(line)
    if rows := _posted_rows(question, own_scenarios=scenario is None and not hardware):
        _show_table(rows, POSTED, "posted prices near that day")
        typer.echo("An unknown price is not compared; - is not stated. P is over the scenario's ranges, uncalibrated.")


@app.command()
def frontier(
    model: Annotated[str, typer.Argument(help="Model id, slug or alias")],
    hardware: Hardware = None,
    precision: PrecisionOption = None,
    as_of: AsOf = None,
    scenario: ScenarioOption = None,
    trace: Trace = False,
    plot: Annotated[bool, typer.Option("--plot", help="Write frontier-MODEL.svg")] = False,
) -> None:
    """The cheapest price at each speed: dollars per million tokens against tokens/s per user.

    Example: tracker frontier llama-3.3-70b --plot
    """
    from tracker.cost import find_model
    from tracker.cost import frontier as points_of

    question = make_question(model, day(as_of), precision, scenario, hardware=hardware)
    points = points_of(question)
    title = f"{question.model_id} at {question.precision}, scenario {question.scenario}"
    _show_deployments(points, TABLE, title, trace)
    if plot:
        import json

        import vl_convert

        data = [{"tokens/s/user": p.tok_s_user, "USD per million tokens": p.blended_usd_per_mtok} for p in points]
        chart = {
            "title": f"{question.model_id} at {question.precision}, {question.when}",
            "data": {"values": data},
            "mark": {"type": "line", "point": True},
            "encoding": {
                "x": {"field": "tokens/s/user", "type": "quantitative"},
                "y": {"field": "USD per million tokens", "type": "quantitative", "scale": {"type": "log"}},
            },
        }
        path = Path(f"frontier-{find_model(model).slug}.svg")
        path.write_text(vl_convert.vegalite_to_svg(json.dumps(chart)), encoding="utf-8")
        typer.echo(f"wrote {path}")


def _offer(offer: str, home: Path | None, prices: tuple[float | None, float | None]) -> dict[str, Any]:
    """The offer's model and prices: from the command line if given there, else from the published history."""
    from tracker.errors import UsageError
    from tracker.settings import find_home

    if prices != (None, None):
        return {"model": offer, "precision": None, "input": prices[0], "output": prices[1]}
    from warehouse.history import open_history

    with open_history(find_home(home).history) as history:
        rows = history.rows(
            "SELECT offer, model_id, listed_name, precision, input_usd_per_mtok, output_usd_per_mtok FROM offers "
            "WHERE lower(offer) = lower($1) OR lower(model_id) = lower($1) OR lower(listed_name) = lower($1) "
            "ORDER BY output_usd_per_mtok NULLS LAST LIMIT 1",
            [offer],
        )
    if not rows:
        raise UsageError(
            f"no offer {offer!r} in the history; give --input and --output prices, or see `tracker offers`"
        )
    row = rows[0]
    amounts = [None if row[k] is None else float(str(row[k])) for k in ("input_usd_per_mtok", "output_usd_per_mtok")]
    name = str(row["model_id"] or row["listed_name"])
    typer.echo(f"{row['offer']}: {amounts[0]} in, {amounts[1]} out USD per million tokens")
    return {"model": name, "precision": row["precision"], "input": amounts[0], "output": amounts[1]}


@app.command()
def breakeven(
    offer: Annotated[str, typer.Argument(help="An offer, or a model together with --input and --output")],
    input_price: InputPrice = None,
    output_price: OutputPrice = None,
    hardware: Hardware = None,
    precision: PrecisionOption = None,
    speed: Speed = None,
    ttft: First = None,
    draft_gain: Draft = None,
    as_of: AsOf = None,
    scenario: ScenarioOption = None,
    trace: Trace = False,
    home: HomeOption = None,
) -> None:
    """From which batch and how busy a day each deployment covers an offer's price.

    Example: tracker breakeven mixtral-8x7b --input 0 --output 0.6 --as-of 2023-12-15
    """
    from tracker.cost import assess, deployment_table, precisions

    found = _offer(offer, home, (input_price, output_price))
    declared = found["precision"] if found["precision"] in precisions() else None
    prices = (found["input"], found["output"])
    question = make_question(
        found["model"],
        day(as_of),
        precision or declared,
        scenario,
        prices,
        (speed, ttft),
        hardware=hardware,
        draft_gain=draft_gain,
    )
    rows = deployment_table(question)
    title = f"{question.model_id} at {question.precision}, scenario {question.scenario}"
    _show_deployments(rows, EVEN, title, trace)
    estimate = assess([question])[0]
    if estimate.probability_below is not None:
        typer.echo(
            f"P(below cost) {estimate.probability_below:.2f}: {_verdict(estimate.probability_below)} (uncalibrated)"
        )
    typer.echo(estimate.clears or estimate.reason)
    if not trace:
        typer.echo(rows[0].trace)


@app.command()
def size(
    offer: Annotated[str, typer.Argument(help="An offer, or any name together with --input and --output")],
    input_price: InputPrice = None,
    output_price: OutputPrice = None,
    precision: Annotated[str, typer.Option("--precision", help="What the weights would be served in")] = "fp8",
    speed: Speed = None,
    ttft: First = None,
    as_of: AsOf = None,
    scenario: Annotated[str, typer.Option("--scenario")] = "market",
    home: HomeOption = None,
) -> None:
    """The largest model that breaks even at an offer's price and speed: what a closed model can at most be.

    Example: tracker size gpt-x --input 1.25 --output 10 --speed 60
    """
    from tracker.cost import Question, largest_size

    found = _offer(offer, home, (input_price, output_price))
    question = Question(found["model"], precision, found["input"], found["output"], day(as_of), scenario, speed, ttft)
    columns = [("kind", "kind"), ("total_b", "total B"), ("active_b", "active B"), ("trace", "what bounds it")]
    _show_table(list(largest_size(question)), [*columns, ("note", "note")], f"{offer}: largest size that breaks even")


def _config(source: str) -> dict[str, Any]:
    import json

    from tracker.errors import FetchError
    from tracker.settings import USER_AGENT

    path = Path(source)
    if path.is_file():
        return dict(json.loads(path.read_text(encoding="utf-8")))
    import httpx

    url = f"https://huggingface.co/{source}/resolve/main/config.json"
    try:
        reply = httpx.get(url, follow_redirects=True, timeout=20, headers={"User-Agent": USER_AGENT})
        return dict(reply.raise_for_status().json())
    except (httpx.HTTPError, ValueError) as error:
        raise FetchError(f"{source!r} is no file, and {url} cannot be read: {error}") from error


@models_app.command("add")
def models_add(
    source: Annotated[str, typer.Argument(help="A config.json, or a Hugging Face id to fetch it from")],
    name: Annotated[
        str | None, typer.Option("--id", help="author/slug [default: the id, or the file's folder]")
    ] = None,
    append: Annotated[Path | None, typer.Option("--append", help="A models.csv to add the record to")] = None,
) -> None:
    """Derives a model's facts from its config.json and says what the file does not state.

    Example: tracker models add Qwen/Qwen3-32B --append tracker/data/models.csv
    """
    import csv
    import io

    from tracker.cost.derive import csv_values, from_config

    default = f"local/{Path(source).resolve().parent.name}" if Path(source).is_file() else source
    derived = from_config(_config(source), (name or default).lower(), datetime.now(UTC).date())
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(csv_values(derived.model))
    typer.echo(buffer.getvalue(), nl=False)
    for line in derived.assumed:
        typer.echo(f"assumed: {line}", err=True)
    if append is not None:
        with append.open("a", encoding="utf-8", newline="") as file:
            file.write(buffer.getvalue())
        typer.echo(f"added {derived.model.model_id} to {append.name}", err=True)
