"""Error and CPU of our probe beside guidellm and aiperf, against a server with known times. `python -m bench.probe`.

    BENCH_GUIDELLM=/path/to/env/bin/python BENCH_AIPERF=... python -m bench.probe [--write] [--quick]

Truth of our rows: the server's own send times, stream by stream. Truth of the peers' rows: the timetable (they do not
say which stream was which; the server's lateness is printed and is far below their error). CPU: user + system of the
client's processes with their start, the server's apart. Ours starts its streams STAGGER_MS apart, as `tracker probe`
does; the `lock-step` rows start all at once, as the peers do.
"""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

FIRST_MS = 200.0
README = Path(__file__).parent.parent / "tracker" / "probe" / "README.md"


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


def cpu_of(command: list[str], env: dict[str, str], timeout_s: float = 170.0) -> tuple[float, str]:
    """Run a client; its CPU seconds (children included) and what it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=timeout_s)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr.strip()[-300:]}")
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, done.stdout


def ours(case: Case, certificate: tuple[str, ...], stagger_ms: float) -> Figures:
    with clockwork(case, certificate) as server:
        scheme = "https" if case.is_tls else "http"
        url = f"{scheme}://127.0.0.1:{server.port}/v1"
        ca_file = certificate[0] if case.is_tls else ""
        command = [sys.executable, "-m", "bench.probe", "--client", url, ca_file]
        cpu_s, out = cpu_of([*command, str(case.streams), str(stagger_ms)], dict(os.environ))
    ttft_errors, token_errors, refused = [], [], 0
    for number, outcome, ttft_ms, itl_ms in json.loads(out):
        received, first, last = server.truth[number]
        if outcome != "ok":
            refused += 1
            continue
        ttft_errors.append(ttft_ms - 1000 * (first - received))
        itl_truth = 1000 * (last - first) / (case.tokens - case.per_chunk)
        token_errors.append(100 * (itl_ms / itl_truth - 1))
    name = "probe" if stagger_ms else "probe, lock-step"
    return _figures(case, name, ttft_errors, token_errors, cpu_s, refused)


def _figures(case: Case, client: str, ttft: list[float], token: list[float], cpu_s: float, refused: int = 0) -> Figures:
    if not ttft:
        return Figures(case, client, np.nan, np.nan, np.nan, cpu_s, refused)
    size = np.abs(ttft)
    p50, p95 = (float(np.quantile(size, level)) for level in (0.5, 0.95))
    return Figures(case, client, p50, p95, float(np.quantile(np.abs(token), 0.95)), cpu_s, refused)


def client(url: str, ca_file: str, streams: int, stagger_ms: float) -> None:
    """The child process of `ours`: the shipped code path, nothing of its own."""
    from tracker.probe.dialects import Ask
    from tracker.probe.keys import Key
    from tracker.probe.stream import burst, run
    from tracker.probe.targets import Target
    from tracker.records import Offer

    target = Target(Offer("bench", "m"), url, ca_file=ca_file)
    asks = [Ask("m", f"#{number} say tok", 200) for number in range(streams)]
    replies = run(burst(target, asks, Key("bench-key"), stagger_s=stagger_ms / 1000))
    rows = [(n, r.outcome, r.timing.ttft_ms, r.timing.itl_ms) for n, r in enumerate(replies)]
    print(json.dumps(rows))


if __name__ == "__main__":
    if sys.argv[1] == "--client":
        client(sys.argv[2], sys.argv[3], int(sys.argv[4]), float(sys.argv[5]))
    else:
        for n in (1, 32, 128, 256):
            print(ours(Case(n, 10.0), (), 8.0))
            print(ours(Case(n, 10.0), (), 0.0))
