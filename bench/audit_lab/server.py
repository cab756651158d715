"""The lab's hosts behind one OpenAI-compatible server on 127.0.0.1, with log-probabilities, echo and streaming.

`POST /HOST/v1/completions`; HOST is the variant's slug. Requests of equal length that wait at the same time run in one
batch, as in a real engine. `/HOST+lookup/` decodes speculatively: drafts are what followed the same two tokens before,
verified in one forward pass (prompt lookup). `/HOST+paced/` is throttled: no token leaves before its turn. With the
argument `stream` every step's tokens leave as their own chunk, for measuring speeds; without it an answer leaves whole,
which costs less. Prints `port slug slug ...` when it listens and stops when its standard input closes.

Prompts are read whole, in pieces of PREFILL_CHUNK: the models were trained on 128 tokens and write worse beyond, but
what a long context costs them is what it costs any transformer. Above CONTEXT the answer is a 400, as elsewhere.
"""

import json
import os
import queue
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import torch
from torch import Tensor

from bench.audit_lab.model import Cache, forward
from bench.audit_lab.text import Tokenizer
from bench.audit_lab.train import load_text, load_weights
from bench.audit_lab.variants import Host, hosts

LARGEST_BATCH = 32
CONTEXT, PREFILL_CHUNK = 32_768, 512
LOOKUP, DRAFT_TOKENS = "+lookup", 6
PACED, PACED_TOK_S = "+paced", 12.0


@dataclass(slots=True)
class Job:
    """One request inside the engine."""

    tokens: list[int]
    wanted: int
    temperature: float
    alternatives: int
    echo: bool
    generator: torch.Generator
    lookup: bool = False
    steps: queue.SimpleQueue[list[int] | None] = field(default_factory=queue.SimpleQueue)  # None: finished
    done: Future[None] = field(default_factory=Future)
    written: list[int] = field(default_factory=list)
    logprobs: list[tuple[int, float | None, list[tuple[int, float]]]] = field(default_factory=list)


class Engine:
    """One host: a queue and a thread that runs what waits in it."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.waiting: queue.Queue[Job] = queue.Queue()
        threading.Thread(target=self._work, daemon=True).start()

    def run(self, job: Job) -> None:
        self.waiting.put(job)
        job.done.result(timeout=300)

    def _work(self) -> None:
        while True:
            jobs = [self.waiting.get()]
            while self.host.batch and len(jobs) < LARGEST_BATCH and not self.waiting.empty():
                jobs.append(self.waiting.get())
            for group in _groups(jobs):
                try:
                    with torch.inference_mode():
                        _run_lookup(self.host, group[0]) if group[0].lookup else self._run(group)
                    for job in group:
                        job.done.set_result(None)
                except Exception as error:  # the waiting request must hear of it
                    for job in group:
                        job.done.set_exception(error)
                for job in group:
                    job.steps.put(None)

    def _run(self, group: list[Job]) -> None:
        host, cache = self.host, Cache()
        logits = _prefill(host, torch.tensor([job.tokens for job in group]), cache, any(job.echo for job in group))
        for row, job in enumerate(group):
            if job.echo:
                _record_echo(job, logits[row].log_softmax(-1))
        for step in range(max(job.wanted for job in group)):
            last = logits[:, -1]
            chosen = [_choose(job, last[row]) for row, job in enumerate(group)]
            for row, job in enumerate(group):
                if step < job.wanted:
                    job.written.append(chosen[row])
                    job.steps.put([chosen[row]])
                    if job.alternatives:
                        _record(job, chosen[row], last[row].log_softmax(-1))
            if step + 1 < max(job.wanted for job in group):
                logits = forward(host.shape, host.weights, torch.tensor(chosen)[:, None], host.how, cache)


def _prefill(host: Host, tokens: Tensor, cache: Cache, is_whole: bool) -> Tensor:
    """Read a prompt; the logits of all its tokens where they are echoed, else of the last piece."""
    host.how.begin()
    pieces = [forward(host.shape, host.weights, part, host.how, cache) for part in tokens.split(PREFILL_CHUNK, 1)]
    return torch.cat(pieces, 1) if is_whole else pieces[-1]


def _groups(jobs: list[Job]) -> list[list[Job]]:
    """Jobs that can share a batch: of equal length. A speculating one runs alone."""
    groups: dict[int, list[Job]] = {}
    for number, job in enumerate(jobs):
        groups.setdefault(-number - 1 if job.lookup else len(job.tokens), []).append(job)
    return list(groups.values())


def _run_lookup(host: Host, job: Job) -> None:
    """Speculative decoding without a second model; what is written has the distribution of the host itself."""
    cache = Cache()
    last = _prefill(host, torch.tensor([job.tokens]), cache, False)[0, -1:]
    drafted: list[int] = []
    while len(job.written) < job.wanted:
        step: list[int] = []
        for at in range(len(drafted) + 1):
            step.append(_choose(job, last[at]))
            if at == len(drafted) or step[-1] != drafted[at]:
                break
        step = step[: job.wanted - len(job.written)]
        job.written += step
        job.steps.put(step)
        kept = len(job.tokens) + len(job.written) - 1  # the newest token is not in the cache yet
        cache.keys = [part[:, :, :kept] for part in cache.keys]
        cache.values = [part[:, :, :kept] for part in cache.values]
        drafted = _draft(job.tokens + job.written)
        last = forward(host.shape, host.weights, torch.tensor([[step[-1], *drafted]]), host.how, cache)[0]


def _draft(known: list[int]) -> list[int]:
    """What followed the newest earlier place with the same last two tokens."""
    pair = known[-2:]
    for at in range(len(known) - 3, -1, -1):
        if known[at : at + 2] == pair:
            return known[at + 2 : at + 2 + DRAFT_TOKENS]
    return []


def _choose(job: Job, logits: Tensor) -> int:
    if job.temperature == 0:
        return int(logits.argmax())
    weights = (logits / job.temperature).softmax(-1)
    return int(torch.multinomial(weights, 1, generator=job.generator))


def _record(job: Job, token: int, logprobs: Tensor) -> None:
    values, tokens = logprobs.topk(job.alternatives)
    job.logprobs.append((token, float(logprobs[token]), list(zip(tokens.tolist(), values.tolist(), strict=True))))


def _record_echo(job: Job, logprobs: Tensor) -> None:
    job.logprobs.append((job.tokens[0], None, []))
    for at, token in enumerate(job.tokens[1:]):
        _record(job, token, logprobs[at])


def _events(job: Job, tokenizer: Tokenizer, model: str) -> Iterator[dict[str, Any]]:
    shown = (job.tokens if job.echo else []) + job.written
    text = "".join(tokenizer.tokens[number] for number in shown)
    choice: dict[str, Any] = {"index": 0, "text": text, "finish_reason": "length"}
    if job.alternatives:
        choice["logprobs"] = {
            "tokens": [tokenizer.tokens[token] for token, _, _ in job.logprobs],
            "token_logprobs": [value for _, value, _ in job.logprobs],
            "top_logprobs": [
                {tokenizer.tokens[token]: value for token, value in top} or None for _, _, top in job.logprobs
            ],
        }
    yield {"object": "text_completion", "model": model, "choices": [choice]}
    usage = {"prompt_tokens": len(job.tokens), "completion_tokens": len(job.written)}
    yield {"object": "text_completion", "model": model, "choices": [], "usage": usage}


class Handler(BaseHTTPRequestHandler):
    """HTTP around the engines."""

    engines: dict[str, Engine]
    tokenizer: Tokenizer
    streams = False
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: two would wait 40 ms for a delayed acknowledgement
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        name, _, route = self.path.strip("/").partition("/")
        slug = name.removesuffix(LOOKUP).removesuffix(PACED)
        if slug not in self.engines or route != "v1/completions":
            return self._refuse(404, "no such host")
        tokens, wanted = self.tokenizer.encode(body["prompt"]) or [10], int(body.get("max_tokens", 16))
        if len(tokens) + wanted > CONTEXT:
            return self._refuse(400, f"{len(tokens)} and {wanted} tokens, but the context holds {CONTEXT}")
        job = Job(
            tokens,
            wanted,
            float(body.get("temperature", 1.0)),
            min(int(body.get("logprobs") or 0), 20),
            bool(body.get("echo")),
            torch.Generator().manual_seed(int(body.get("seed") or int.from_bytes(os.urandom(6), "big"))),
            name.endswith(LOOKUP),
        )
        if self.streams and not job.alternatives and not job.echo:
            pace_s = 1 / PACED_TOK_S if name.endswith(PACED) else 0.0
            return self._stream(self.engines[slug], job, body.get("model", ""), pace_s)
        self.engines[slug].run(job)
        lines = [f"data: {json.dumps(event)}\n\n" for event in _events(job, self.tokenizer, body.get("model", ""))]
        self._answer(200, "text/event-stream", "".join([*lines, "data: [DONE]\n\n"]).encode())

    def _stream(self, engine: Engine, job: Job, model: str, pace_s: float) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        engine.waiting.put(job)
        turn = 0.0
        while (step := job.steps.get(timeout=300)) is not None:
            turn = turn or time.perf_counter()  # the first token's
            time.sleep(max(0.0, turn - time.perf_counter()))
            turn += pace_s * len(step)
            choice = {"index": 0, "text": "".join(self.tokenizer.tokens[token] for token in step)}
            self._chunk({"object": "text_completion", "model": model, "choices": [choice]})
        *_, last = _events(job, self.tokenizer, model)
        self._chunk({"choices": [{"index": 0, "text": "", "finish_reason": "length"}]})
        self._chunk(last)
        self.wfile.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
        self.wfile.flush()

    def _chunk(self, event: dict[str, Any]) -> None:
        data = f"data: {json.dumps(event)}\n\n".encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _refuse(self, status: int, why: str) -> None:
        self._answer(status, "application/json", json.dumps({"error": {"message": why}}).encode())

    def _answer(self, status: int, media_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", media_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Quiet: the client counts."""


def slug(name: str) -> str:
    """A host's name as a path: letters, digits and dashes."""
    return "-".join("".join(sign if sign.isalnum() else " " for sign in name).split())


def main() -> None:
    """Serve until standard input closes."""
    torch.set_num_threads(1)
    tokenizer, _, _ = load_text()
    Handler.engines = {slug(host.name): Engine(host) for host in hosts(load_weights())}
    Handler.tokenizer, Handler.streams = tokenizer, "stream" in sys.argv[1:]
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, *Handler.engines, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
