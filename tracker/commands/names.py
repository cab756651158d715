"""`tracker names`: listed names without a model id, with suggestions; a person decides, the table remembers."""

from pathlib import Path
from typing import Annotated

import typer

from tracker.commands import HomeOption, app


@app.command()
def names(
    home: HomeOption = None,
    limit: Annotated[int, typer.Option(min=1, help="How many names to show, most quoted first")] = 30,
    guesses: Annotated[int, typer.Option(min=1, max=10, help="Suggestions per name")] = 3,
    accept: Annotated[list[str] | None, typer.Option(help="LISTED=MODEL_ID, to be written into aliases.csv")] = None,
    scope: Annotated[str, typer.Option(help="Where it holds: *, SOURCE, *@PROVIDER or SOURCE@PROVIDER")] = "*",
) -> None:
    """List the names no table knows, with ranked suggestions; write the ones a person accepts.

    Suggestions are never used by themselves: a name without an alias keeps no model id.

    Example: tracker names --accept "MiniMax M2.7=minimax/minimax-m2.7" --scope "*@minimax"
    """
    from tracker.settings import find_home

    if accept:
        _accept(accept, scope)
    else:
        _show(find_home(home).history, limit, guesses)


def _accept(accepted: list[str], scope: str) -> None:
    from tracker.errors import UsageError
    from tracker.names import Alias, add_aliases

    pairs = [text.rpartition("=") for text in accepted]
    if wrong := next((text for text, pair in zip(accepted, pairs, strict=True) if not (pair[0] and pair[2])), None):
        raise UsageError(f"{wrong!r} is not LISTED=MODEL_ID, e.g. 'MiniMax M2.7=minimax/minimax-m2.7'")
    path = add_aliases([Alias(scope, listed.strip(), model_id.strip()) for listed, _, model_id in pairs])
    typer.echo(f"{len(pairs)} accepted into {path}; they hold from the next pass on")


def _show(history_path: Path, limit: int, guesses: int) -> None:
    from rich.console import Console
    from rich.table import Table

    from tracker.names import load_aliases
    from warehouse.history import open_history

    sql = "SELECT * FROM unmatched_names ORDER BY quote_count DESC, listed_name, provider"
    with open_history(history_path) as history:
        unmatched = history.rows(sql)
    aliases = load_aliases()
    table = Table("provider", "listed name", "prices", "sources", "closest known models (likeness)", box=None)
    for row in unmatched[:limit]:
        near = aliases.suggestions(str(row["listed_name"]), guesses)
        told = ", ".join(f"{model_id} {likeness:.2f}" for model_id, likeness in near)
        table.add_row(*(str(row[key]) for key in ("provider", "listed_name", "quote_count", "source_count")), told)
    Console().print(table)
    typer.echo(f"{len(unmatched)} names without a model id; accept one with --accept LISTED=MODEL_ID")
