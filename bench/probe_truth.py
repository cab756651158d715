"""What a probing client is held to: a server with known times, the CPU it used, its errors over all streams."""

import contextlib
import ctypes
import json
import math
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

FIRST_MS = 200.0


@dataclass(frozen=True, slots=True)
class Case:
    """One timetable at one number of streams."""

    streams: int
    token_ms: float
    per_chunk: int = 1
    tokens: int = 200
    is_tls: bool = False

    def __str__(self) -> str:
        chunk = f", {self.per_chunk}-token chunks" if self.per_chunk > 1 else ""
        return f"{self.token_ms:g} ms/token{chunk}{', TLS' if self.is_tls else ''}"


@dataclass(frozen=True, slots=True)
class Figures:
    """One line of the table. Errors in ms and percent, p95 of their size over the streams."""

    case: Case
    client: str
    ttft_p50_ms: float
    ttft_p95_ms: float
    token_p95_pct: float
    cpu_s: float
    refused: int = 0


@dataclass(slots=True)
class Running:
    port: int
    process: subprocess.Popen[str]
    truth: dict[int, tuple[float, float, float]]


@contextmanager
def clockwork(case: Case, certificate: tuple[str, ...]) -> Iterator[Running]:
    """The server in its own process; `truth` is filled when the block ends."""
    times = [str(FIRST_MS), str(case.token_ms), str(case.tokens), str(case.per_chunk)]
    command = [sys.executable, "-m", "bench.probe_server", *times, *(certificate if case.is_tls else ())]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    running = Running(int(process.stdout.readline()), process, {})
    try:
        yield running
    finally:
        out, _ = process.communicate("", timeout=20)
        running.truth.update({int(k): tuple(v) for k, v in json.loads(out or "{}").items()})


PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h: orphans of a client become ours, and their CPU is counted


def cpu_of(command: list[str], env: dict[str, str], timeout_s: float = 170.0) -> tuple[float, str]:
    """Run a client; its CPU seconds (its children's and their orphans' included) and what it printed."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=timeout_s)
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr.strip()[-300:]}")
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, done.stdout


def figures_of(
    case: Case, client: str, ttft: list[float], token: list[float], cpu_s: float, refused: int = 0
) -> Figures:
    first = [quantile(ttft, level) for level in (0.5, 0.95)]
    return Figures(case, client, *first, quantile(token, 0.95), cpu_s, refused)


def quantile(errors: list[float], level: float) -> float:
    """Of their sizes, by linear interpolation; NaN of none."""
    if not errors:
        return math.nan
    sizes = sorted(map(abs, errors))
    at = level * (len(sizes) - 1)
    low = sizes[math.floor(at)]
    return low + (at % 1) * (sizes[math.ceil(at)] - low)
