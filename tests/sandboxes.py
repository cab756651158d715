"""A sandbox to probe: real hosts on loopback, in a thread of their own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tracker.probe.stream import run
from tracker.sandbox.hosts import preset
from tracker.sandbox.server import serve


@contextmanager
def open_sandbox(*names: str) -> Iterator[str]:
    """The address under which the preset hosts `/NAME/v1` answer; they stop at the end of the body."""
    ports: list[int] = []
    ready, stop = threading.Event(), threading.Event()

    def announce(port: int) -> None:
        ports.append(port)
        ready.set()

    hosts = [preset(name) for name in names]
    thread = threading.Thread(target=lambda: run(serve(hosts, 0, 0, announce, stop)))
    thread.start()
    assert ready.wait(10)
    try:
        yield f"http://127.0.0.1:{ports[0]}"
    finally:
        stop.set()
        thread.join(5)
