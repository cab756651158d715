"""`tracker`: discovers the command modules, runs one, turns errors into one line and an exit code."""

import importlib
import pkgutil
import sys
from typing import NoReturn

import typer
from typer.exceptions import TyperException

import tracker.commands
from tracker.commands import app
from tracker.errors import TrackerError

for _module in pkgutil.iter_modules(tracker.commands.__path__):
    importlib.import_module(f"tracker.commands.{_module.name}")


def main() -> None:
    """Entry point. Exit codes: 0 ok, 1 failed, 2 usage, 3 partly failed."""
    try:
        code = app(prog_name="tracker", standalone_mode=False)
    except TrackerError as error:
        _end(str(error), error.exit_code)
    except typer.Abort:
        _end("stopped", 1)
    except TyperException as error:
        path = getattr(getattr(error, "ctx", None), "command_path", "tracker")
        message = error.format_message()
        if "\n" in message:  # nothing was asked for: the help itself
            typer.echo(message)
            sys.exit(error.exit_code)
        _end(f"{message.rstrip('.')} (`{path} --help` explains)", error.exit_code)
    sys.exit(code)


def _end(message: str, code: int) -> NoReturn:
    typer.echo(f"tracker: {message}", err=True)
    sys.exit(code)
