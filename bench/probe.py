"""Error and CPU of our probe beside guidellm and aiperf, against a server with known times. `python -m bench.probe`.

    BENCH_GUIDELLM=/path/to/env/bin/python BENCH_AIPERF=... python -m bench.probe [--write]

Truth of our rows: the server's own send times, stream by stream. Truth of the peers' rows: the timetable, as they do
not say which stream was which (the server keeps it to 0.2 ms, far below their error), and their first token includes
the connection, as they define it. CPU: user + system of the client's processes with their start; the server's apart.
BENCH_REALTIME=1 gives our client real-time priority, for a machine that does other work meanwhile.
Ours starts its streams STAGGER_MS apart, as `tracker probe` does; the `lock-step` row starts all at once, as peers do.
"""

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bench.docs import refresh
from bench.probe_peers import PEERS
from bench.probe_truth import Case, Figures, clockwork, cpu_of, figures_of

STAGGER_MS = 8.0
README = "tracker/probe/README.md"


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
    name += ", real-time" if os.environ.get("BENCH_REALTIME") else ""
    return figures_of(case, name, ttft_errors, token_errors, cpu_s, refused)


def client(url: str, ca_file: str, streams: int, stagger_ms: float) -> None:
    """The child process of `ours`: the shipped code path, nothing of its own."""
    from tracker.probe.keys import Key
    from tracker.probe.messages import Ask
    from tracker.probe.stream import burst, run
    from tracker.probe.targets import Target
    from tracker.records import Offer

    if os.environ.get("BENCH_REALTIME"):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    target = Target(Offer("bench", "m"), url, ca_file=ca_file)
    asks = [Ask("m", f"#{number} say tok", 1000) for number in range(streams)]
    replies = run(burst(target, asks, Key("bench-key"), stagger_s=stagger_ms / 1000))
    rows = [(n, r.outcome, r.timing.ttft_ms, r.timing.itl_ms) for n, r in enumerate(replies)]
    print(json.dumps(rows))


CASES = [
    *(Case(streams, 10.0) for streams in (1, 32, 128, 256)),
    *(Case(streams, 1.0, 1, 1000) for streams in (1, 32)),  # more is beyond the server, not the clients
    *(Case(streams, 1.0, 8, 800) for streams in (1, 32, 128, 256)),
]
PEER_CASES = (Case(32, 10.0), Case(256, 10.0), Case(256, 1.0, 8, 800))


@contextmanager
def certificate() -> Iterator[tuple[str, ...]]:
    """A certificate for 127.0.0.1 from the openssl command; empty where there is none."""
    if not shutil.which("openssl"):
        yield ()
        return
    with tempfile.TemporaryDirectory() as folder:
        cert, key = f"{folder}/cert.pem", f"{folder}/key.pem"
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
        name = ("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1")
        command = ["openssl", "req", "-x509", *curve, "-keyout", key, "-out", cert, *name]
        subprocess.run(command, check=True, capture_output=True)
        yield cert, key


def best_of(runs: int, measure: Callable[[], Figures]) -> Figures:
    """The run with the median first-token error: one run on a shared machine says little."""
    made = sorted((measure() for _ in range(runs)), key=lambda f: (math.isnan(f.ttft_p95_ms), f.ttft_p95_ms))
    return made[len(made) // 2]


def all_figures(runs: int, peer_runs: int) -> Iterator[Figures]:
    with certificate() as made:
        for case in CASES:
            yield best_of(runs, partial(ours, case, made, STAGGER_MS))
        yield best_of(runs, lambda: ours(Case(256, 10.0), made, 0.0))
        if made:
            yield best_of(runs, lambda: ours(Case(256, 10.0, is_tls=True), made, STAGGER_MS))
    for name, measure in PEERS.items():
        python = os.environ.get(f"BENCH_{name.upper()}", "")
        if not python:
            print(f"{name}: skipped, set BENCH_{name.upper()} to the python of an environment that has it")
            continue
        for case in PEER_CASES:
            yield best_of(peer_runs, partial(_in_folder, measure, python, case))


def _in_folder(measure: Callable[[str, Case, Path], Figures], python: str, case: Case) -> Figures:
    with tempfile.TemporaryDirectory() as folder:
        return measure(python, case, Path(folder))


HEADER = """| streams | timetable | client | first token, p50 / p95 ms | per token, p95 % | CPU s | refused |
|---|---|---|---|---|---|---|"""


def line_of(f: Figures) -> str:
    first = f"{f.ttft_p50_ms:.1f} / {f.ttft_p95_ms:.1f}"
    return (
        f"| {f.case.streams} | {f.case} | {f.client} | {first} | {f.token_p95_pct:.2f} | {f.cpu_s:.1f} | {f.refused} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peer-runs", type=int, default=1)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--client", nargs=4, metavar=("URL", "CA", "STREAMS", "STAGGER_MS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.client:
        url, ca_file, streams, stagger_ms = options.client
        return client(url, ca_file, int(streams), float(stagger_ms))
    lines = [HEADER]
    print(HEADER)
    for figures in all_figures(options.runs, options.peer_runs):
        lines.append(line_of(figures))
        print(lines[-1], flush=True)
    if options.write:
        refresh(README, "probe", "\n".join(lines))


if __name__ == "__main__":
    main()
