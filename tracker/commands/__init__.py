"""The command line, one module per group of commands; `tracker.cli` imports them all."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"max_content_width": 120},
    help="The open ledger of what LLM inference sells for, what it must cost, and which offers are too cheap.",
)

HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home",
        envvar="TRACKER_HOME",
        help="Data directory [default: ./var in a checkout]",
        show_default=False,
    ),
]
