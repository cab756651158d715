"""Limits in time and memory: for a parser inside a process, and for a process of ours as a whole."""

import os
import resource
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class OutOfTime(BaseException):
    """The time is up. Not an Exception: a parser that forgives its rows must not forgive this."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Interrupt the body with OutOfTime after so many seconds; only the main thread can be interrupted.

    Code that never returns to the interpreter is not reached: the limit of the process ends that (tracker.daemon).
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def limit_memory(pid: int, gigabytes: float) -> None:
    """Cap the address space of a process just started, where the system can do that from outside (Linux)."""
    if gigabytes and hasattr(resource, "prlimit"):
        size = int(gigabytes * 2**30)
        resource.prlimit(pid, resource.RLIMIT_AS, (size, size))


@contextmanager
def ending_within(seconds: float, last_words: str) -> Iterator[None]:
    """End this process with one line on standard error and exit code 1 where the body does not end by itself."""

    def end() -> None:
        os.write(2, f"{last_words}\n".encode())
        os._exit(1)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
