"""Error and CPU of our probe beside guidellm and aiperf, against a server with known times. `python -m bench.probe`.

    BENCH_GUIDELLM=/path/to/env/bin/python BENCH_AIPERF=... python -m bench.probe [--write]

Truth of our rows: the server's own send times, stream by stream. Truth of the peers' rows: the timetable, as they do
not say which stream was which (the server keeps it to 0.2 ms, far below their error), and their first token includes
the connection, as they define it. CPU: user + system of the client's processes with their start; the server's apart.
BENCH_REALTIME=1 gives our client real-time priority, for a machine that does other work meanwhile.
Ours starts its streams STAGGER_MS apart, as `tracker probe` does; the `lock-step` row starts all at once, as peers do.
"""

import argparse
import contextlib
import ctypes
import json
import math
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.docs import refresh

FIRST_MS = 200.0
STAGGER_MS = 8.0
README = "tracker/probe/README.md"


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
    return _figures(case, name, ttft_errors, token_errors, cpu_s, refused)


def _figures(case: Case, client: str, ttft: list[float], token: list[float], cpu_s: float, refused: int = 0) -> Figures:
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


def client(url: str, ca_file: str, streams: int, stagger_ms: float) -> None:
    """The child process of `ours`: the shipped code path, nothing of its own."""
    from tracker.probe.dialects import Ask
    from tracker.probe.keys import Key
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


def guidellm(python: str, case: Case, folder: Path) -> Figures:
    """guidellm with its prompts from a file; its own per-request figures."""
    prompts, report = folder / "prompts.jsonl", folder / "guidellm.json"
    prompts.write_text("".join(json.dumps({"prompt": f"#{n} say tok"}) + "\n" for n in range(case.streams)))
    with clockwork(case, ()) as server:
        backend = f"kind=openai_http,target=http://127.0.0.1:{server.port},model=m,request_format=/v1/chat/completions"
        limits = ("--constraint", f"kind=max_requests,count={case.streams}", "--disable-console")
        data = ("--data", f"kind=json_file,path={prompts}", "--output", f"kind=json,path={report}")
        profile = ("--profile", f"kind=concurrent,streams={case.streams}")
        command = [str(Path(python).parent / "guidellm"), "run", "--backend", backend, *profile, *limits, *data]
        cpu_s, _ = cpu_of(command, dict(os.environ) | {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"})
    rows = json.loads(report.read_text())["benchmarks"][0]["requests"]["successful"]
    ttft = [row["time_to_first_token_ms"] - FIRST_MS for row in rows]
    return _figures(case, "guidellm", ttft, [_pct(row["inter_token_latency_ms"], case) for row in rows], cpu_s)


def _pct(itl_ms: float, case: Case) -> float:
    return 100 * (itl_ms / case.token_ms - 1)


TOKENIZER = """
import sys
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast
words = Tokenizer(models.WordLevel({"[UNK]": 0, "tok": 1}, unk_token="[UNK]"))
words.pre_tokenizer = pre_tokenizers.Whitespace()
PreTrainedTokenizerFast(tokenizer_object=words, unk_token="[UNK]").save_pretrained(sys.argv[1])
"""


def aiperf(python: str, case: Case, folder: Path) -> Figures:
    """aiperf with server token counts; the tokenizer it insists on is made on the spot."""
    prompts, artifacts, tokenizer = folder / "prompts.jsonl", folder / "out", folder / "tokenizer"
    prompts.write_text("".join(json.dumps({"text": f"#{n} say tok"}) + "\n" for n in range(case.streams)))
    subprocess.run([python, "-c", TOKENIZER, str(tokenizer)], check=True, capture_output=True)
    with clockwork(case, ()) as server:
        where = ("-m", "m", "-u", f"http://127.0.0.1:{server.port}", "--endpoint-type", "chat", "--streaming")
        load = ("--concurrency", str(case.streams), "--request-count", str(case.streams))
        data = ("--input-file", str(prompts), "--custom-dataset-type", "single_turn", "--use-server-token-count")
        files = ("--tokenizer", str(tokenizer), "--artifact-dir", str(artifacts), "--no-gpu-telemetry")
        command = [str(Path(python).parent / "aiperf"), "profile", *where, *load, *data, *files]
        cpu_s, _ = cpu_of(command, dict(os.environ))
    lines = (artifacts / "profile_export.jsonl").read_text().splitlines()
    rows = [json.loads(line)["metrics"] for line in lines]
    ttft = [row["time_to_first_token"]["value"] - FIRST_MS for row in rows]
    token = [_pct(row["inter_token_latency"]["value"], case) for row in rows]
    return _figures(case, "aiperf", ttft, token, cpu_s)


PEERS = {"guidellm": guidellm, "aiperf": aiperf}
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
