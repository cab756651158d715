"""`tracker sandbox`, `tracker probe` and `tracker ingest`: measure offers, or try it all on a local stand-in."""

from typing import Annotated

import typer

from tracker.commands import app


@app.command()
def sandbox(
    host: Annotated[list[str] | None, typer.Argument(help="hosts to serve [default: all presets]")] = None,
    port: Annotated[int, typer.Option(help="port on 127.0.0.1; 0 takes a free one")] = 8765,
    seconds: Annotated[float, typer.Option(help="stop after so many seconds; 0 never")] = 0.0,
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

    run(serve(hosts, port, seconds, announce))
