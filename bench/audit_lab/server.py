"""The lab's hosts behind one OpenAI-compatible server on 127.0.0.1, with log-probabilities, echo and streaming.

`POST /HOST/v1/completions`; HOST is the variant's slug. `/HOST+lookup/` decodes speculatively, `/HOST+paced/` is
throttled: no token leaves before its turn. With the argument `stream` every step's tokens leave as their own chunk, for
measuring speeds; without it an answer leaves whole, which costs less. Prints `port slug slug ...` when it listens and
stops when its standard input closes.

Prompts are read whole: the models were trained on 128 tokens and write worse beyond, but what a long context costs them
is what it costs any transformer. Above CONTEXT the answer is a 400, as elsewhere.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import torch

from bench.audit_lab.engine import Engine, Job
from bench.audit_lab.text import Tokenizer
from bench.audit_lab.train import load_text, load_weights
from bench.audit_lab.variants import hosts

CONTEXT = 32_768
LOOKUP = "+lookup"
PACED, PACED_TOK_S = "+paced", 12.0


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
        with suppress(ConnectionError):  # a client that lost its patience
            self._complete()

    def _complete(self) -> None:
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
