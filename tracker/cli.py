"""`tracker`: discovers the command modules, runs one, turns errors into one line and an exit code."""

import importlib
import pkgutil
import sys

import typer

import tracker.commands
from tracker.commands import app
from tracker.errors import TrackerError

for _module in pkgutil.iter_modules(tracker.commands.__path__):
    importlib.import_module(f"tracker.commands.{_module.name}")


def main() -> None:
    """Entry point. Exit codes: 0 ok, 1 failed, 2 usage, 3 partly failed."""
    try:
        app()
    except TrackerError as error:
        typer.echo(f"tracker: {error}", err=True)
        sys.exit(error.exit_code)
