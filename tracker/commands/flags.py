"""Commands of the verdicts: flags, explain, assess."""

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from tracker.commands import HomeOption, app
from tracker.settings import find_home

if TYPE_CHECKING:
    from tracker.flags.lifecycle import Step

DAY_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
ScenarioOption = Annotated[
    str, typer.Option(help="Assumptions of the cost estimate; by default those of the day's era")
]


@app.command()
def flags(
    home: HomeOption = None,
    kind: Annotated[str, typer.Option(help="below_cost, likely_quantized, teaser_price ...")] = "",
    model: Annotated[str, typer.Option(help="Model id, its slug or a listed name")] = "",
    provider: Annotated[str, typer.Option(help="Who serves and bills")] = "",
    only_open: Annotated[bool, typer.Option("--open/--all", help="Only flags that stand")] = True,
    since: Annotated[
        datetime | None, typer.Option(formats=DAY_FORMATS, help="Opened or closed since this day (UTC)")
    ] = None,
    limit: Annotated[int, typer.Option(help="At most so many rows")] = 50,
) -> None:
    """What the tracker suspects of which offer, likeliest first, doubts about a listing itself last.

    A probability is an inference, not a proof.

    Example: tracker flags --kind below_cost --model mixtral-8x7b-instruct
    """
    from tracker.explain.flags import expected_false, listed_flags
    from tracker.tables import print_rows
    from warehouse.history import open_history

    with open_history(find_home(home).history) as history:
        rows = listed_flags(history, kind, model, provider, only_open, since, limit)
        expected = expected_false(history, kind)
    if not rows:
        typer.echo("no flag fits; `tracker assess` judges the offers, --all shows the closed ones too")
        return
    print_rows(rows, title="flags (`tracker explain ID` for the reasons)")
    typer.echo(expected)


@app.command()
def explain(
    flag: Annotated[
        str, typer.Argument(help="A flag's id, or an offer: then every rule's view of it, flagged or clean")
    ],
    home: HomeOption = None,
    at: Annotated[
        datetime | None, typer.Option(formats=DAY_FORMATS, help="Judge an offer as of this day (UTC)")
    ] = None,
    scenario: ScenarioOption = "",
) -> None:
    """The reasons behind a flag as a note: the sentence, the sum, the rows with their captures, what clears it.

    Example: tracker explain 12
    """
    from tracker.explain.flags import flag_note
    from tracker.explain.offer import offer_note

    place = find_home(home)
    typer.echo(flag_note(place, int(flag)) if flag.isdigit() else offer_note(place, flag, at, scenario))


@app.command()
def assess(
    home: HomeOption = None,
    diff: Annotated[bool, typer.Option("--diff", help="Only say what today's rules and facts would change")] = False,
    replay: Annotated[
        datetime | None, typer.Option(formats=DAY_FORMATS, help="Forget all conclusions and assess from this day on")
    ] = None,
    until: Annotated[datetime | None, typer.Option(formats=DAY_FORMATS, help="Last day of a replay")] = None,
    every: Annotated[int, typer.Option(help="Days between the passes of a replay", min=1)] = 1,
    at: Annotated[datetime | None, typer.Option(formats=DAY_FORMATS, help="Assess as of this moment (UTC)")] = None,
    scenario: ScenarioOption = "",
) -> None:
    """Judge the offers whose inputs changed since the last pass: costs, flags, margins, floors, index, burn.

    Example: tracker assess --diff
    """
    from tracker.assess import run as passes
    from tracker.explain.flags import diff_rows
    from tracker.tables import print_rows

    place = find_home(home)
    if diff:
        if rows := diff_rows(passes.diff(place, at, scenario)):
            print_rows(rows, title="what today's rules and facts would do to the flags (nothing was written)")
        else:
            typer.echo("no flag would change")
        return
    if replay is not None:
        for outcome in passes.replay(place, replay.date(), until.date() if until else None, every):
            typer.echo(str(outcome))
        return
    typer.echo(str(passes.assess(place, at, scenario, accept=_accept)))


def _accept(steps: "Sequence[Step]") -> None:
    """Shows what changed rules do to the flags; on a terminal, asks."""
    from tracker.explain.flags import diff_rows, effect_of
    from tracker.tables import print_rows

    typer.echo(effect_of(steps))
    if sys.stdin.isatty() and (rows := diff_rows(steps)):
        print_rows(rows, title="what changed rules or facts do to the flags (not yet written)")
        typer.confirm("Accept?", abort=True)
