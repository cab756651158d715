"""The sandbox's HTTP side: OpenAI-compatible models, completions and chat, streaming or not, one path per host.

`/HOST/v1/...` reaches a host by name, `/v1/...` the first. A bearer key of any text is required, as everywhere. Limits
answer 429 with `retry-after` and the `x-ratelimit-*` headers OpenAI documents
(https://platform.openai.com/docs/guides/rate-limits). Rate windows are of one minute, in monotonic time.
"""

import asyncio
import json
import math
import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from time import monotonic, time
from typing import Any

import numpy as np

from tracker.errors import UsageError
from tracker.sandbox.engine import Engine, Sequence
from tracker.sandbox.hosts import Host
from tracker.sandbox.language import WORDS, Floats, decode, encode

LABEL = ("x-tracker-sandbox", "1")
MAX_BODY_BYTES = 16 * 1024 * 1024
_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 413: "Content Too Large",
            429: "Too Many Requests"}  # fmt: skip
Json = dict[str, Any]


class Refusal(Exception):
    """An error answer: status, type, message and extra headers."""

    def __init__(self, status: int, kind: str, message: str, *headers: tuple[str, str]) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers
        self.body = {"error": {"type": kind, "code": kind, "message": message}}


class Meter:
    """The limits of one host over the last minute."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._seen: deque[tuple[float, int]] = deque()

    def admit(self, tokens: int, inside: int) -> tuple[tuple[str, str], ...]:
        """Count one request, or refuse it; the headers that tell what is left."""
        host, now = self._host, monotonic()
        while self._seen and self._seen[0][0] <= now - 60:
            self._seen.popleft()
        used = sum(count for _, count in self._seen)
        if host.requests_per_minute is not None and len(self._seen) >= host.requests_per_minute:
            raise self._limited("requests", now)
        if host.tokens_per_minute is not None and used + tokens > host.tokens_per_minute:
            raise self._limited("tokens", now)
        if host.max_concurrency is not None and inside >= host.max_concurrency:
            raise Refusal(429, "rate_limit_exceeded", "too many requests at once", ("retry-after", "1"))
        self._seen.append((now, tokens))
        return self.headers()

    def headers(self) -> tuple[tuple[str, str], ...]:
        host, used = self._host, sum(count for _, count in self._seen)
        made: list[tuple[str, str]] = []
        for name, limit, taken in (
            ("requests", host.requests_per_minute, len(self._seen)),
            ("tokens", host.tokens_per_minute, used),
        ):
            if limit is not None:
                made.append((f"x-ratelimit-limit-{name}", str(limit)))
                made.append((f"x-ratelimit-remaining-{name}", str(max(0, limit - taken))))
        return tuple(made)

    def _limited(self, what: str, now: float) -> Refusal:
        wait = math.ceil(60 - (now - self._seen[0][0])) if self._seen else 60
        return Refusal(429, "rate_limit_exceeded", f"{what} per minute", ("retry-after", str(wait)), *self.headers())


class Sandbox:
    """All hosts behind one port of this machine."""

    def __init__(self, hosts: Iterable[Host]) -> None:
        self.engines = {host.name: Engine(host) for host in hosts}
        self.meters = {name: Meter(engine.host) for name, engine in self.engines.items()}
        self.inside = dict.fromkeys(self.engines, 0)  # requests let in and not yet answered

    async def start(self, port: int = 0) -> asyncio.Server:
        return await asyncio.start_server(self._connection, "127.0.0.1", port, limit=1 << 20)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                line, *lines = head.split("\r\n")
                headers = {n.strip().lower(): v.strip() for n, _, v in (row.partition(":") for row in lines if row)}
                try:
                    await self._answer(reader, writer, line, headers)
                except Refusal as refusal:
                    _write_json(writer, refusal.status, refusal.body, *refusal.headers)
                await writer.drain()
                if headers.get("connection", "").lower() == "close":
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass
        except asyncio.CancelledError:  # the sandbox stops: the connection just closes
            pass
        finally:
            writer.close()

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: str, headers: dict[str, str]
    ) -> None:
        method, path, _ = line.split(" ", 2)
        length = int(headers.get("content-length", "0"))
        if length > MAX_BODY_BYTES:
            raise Refusal(413, "invalid_request_error", "the body is too large", ("connection", "close"))
        body = await reader.readexactly(length)
        engine, action = self._route(path.split("?")[0])
        if method == "GET" and action == "models":
            return _write_json(writer, 200, _models(engine.host))
        if method != "POST" or action not in ("completions", "chat/completions"):
            raise Refusal(404, "not_found", f"nothing at {method} {path}")
        if not headers.get("authorization", "").lower().startswith("bearer "):
            raise Refusal(401, "invalid_api_key", "a bearer key is required (any text will do in the sandbox)")
        await self._complete(engine, writer, _object(body), is_chat=action.startswith("chat"))

    def _route(self, path: str) -> tuple[Engine, str]:
        name, _, action = path.lstrip("/").partition("/v1/")
        if path.startswith("/v1/"):
            return next(iter(self.engines.values())), path[4:]
        if name not in self.engines or not action:
            raise Refusal(404, "not_found", f"no host at {path}: {', '.join(self.engines)}")
        return self.engines[name], action

    async def _complete(self, engine: Engine, writer: asyncio.StreamWriter, body: Json, is_chat: bool) -> None:
        request, name = _Request(body, is_chat), engine.host.name
        headers = self.meters[name].admit(len(request.prompt) + request.max_tokens, self.inside[name])
        self.inside[name] += 1
        try:
            await asyncio.sleep(engine.host.network_ms / 1000)
            answer = _Answer(request, writer, headers, engine)
            if request.max_tokens:
                engine.submit(
                    Sequence(request.prompt, request.max_tokens, request.temperature, request.rng(), answer.take,
                             writer.is_closing)
                )  # fmt: skip
                await answer.done
            answer.close()
        finally:
            self.inside[name] -= 1


def _object(body: bytes) -> Json:
    try:
        parsed = json.loads(body)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise Refusal(400, "invalid_request_error", "the body is not a JSON object")
    return parsed


class _Request:
    """A request's parameters, checked."""

    def __init__(self, body: Json, is_chat: bool) -> None:
        self.is_chat, self.model = is_chat, str(body.get("model", ""))
        self.text = _chat_text(body) if is_chat else body.get("prompt", "")
        if not isinstance(self.text, str) or not self.text.strip():
            raise Refusal(400, "invalid_request_error", "prompt or messages must hold text")
        self.prompt = encode(self.text)
        self.max_tokens = _number(body, ("max_completion_tokens", "max_tokens"), 64, 0, 32_000)
        self.temperature = float(_number(body, ("temperature",), 1.0, 0.0, 2.0))
        self.seed = body.get("seed")
        self.stream = bool(body.get("stream"))
        self.with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        self.echo = bool(body.get("echo")) and not is_chat
        wanted = body.get("top_logprobs", 0) if is_chat else body.get("logprobs")
        self.top = min(20, int(wanted or 0))
        self.with_logprobs = bool(body.get("logprobs")) if is_chat else wanted is not None

    def rng(self) -> np.random.Generator:
        return np.random.default_rng(self.seed if isinstance(self.seed, int) and self.seed >= 0 else None)


def _chat_text(body: Json) -> str:
    """The sandbox's template: a role word before each message."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise Refusal(400, "invalid_request_error", "messages must be a list of objects")
    turns = [f"{message.get('role', 'user')} {message.get('content', '')}" for message in messages]
    return "\n".join(turns)


def _number(body: Json, names: tuple[str, ...], default: float, low: float, high: float) -> Any:
    value = next((body[name] for name in names if body.get(name) is not None), default)
    if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
        raise Refusal(400, "invalid_request_error", f"{names[0]} must be between {low:g} and {high:g}")
    return value


class _Answer:
    """Writes one answer, as a stream or at the end."""

    def __init__(
        self, request: _Request, writer: asyncio.StreamWriter, headers: tuple[tuple[str, str], ...], engine: Engine
    ) -> None:
        self.request, self.writer, self.headers, self.engine = request, writer, headers, engine
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.tokens: list[int] = []
        self.rows: list[Floats | None] = []
        self.made = 0
        if request.stream:
            _write_head(writer, 200, "text/event-stream", *headers, ("transfer-encoding", "chunked"))
            if request.is_chat:
                self._event({"delta": {"role": "assistant", "content": ""}})
        if request.echo:
            self.tokens, self.rows = list(request.prompt), engine.score(request.prompt)
            if request.stream:
                self._event(self._choice(self.tokens, self.rows))

    def take(self, tokens: list[int], rows: list[Floats]) -> None:
        """The tokens of one step, from the engine."""
        self.made += len(tokens)
        if self.request.stream:
            if not self.writer.is_closing():
                self._event(self._choice(tokens, rows))
        else:
            self.tokens += tokens
            self.rows += rows
        is_last = self.made >= self.request.max_tokens or self.writer.is_closing()
        if is_last and not self.done.done():
            self.done.set_result(None)

    def close(self) -> None:
        usage = {
            "prompt_tokens": len(self.request.prompt),
            "completion_tokens": self.made,
            "total_tokens": len(self.request.prompt) + self.made,
        }
        if self.request.stream:
            self._event({"delta": {}, "finish_reason": "length"} if self.request.is_chat else
                        {"text": "", "finish_reason": "length"})  # fmt: skip
            if self.request.with_usage:
                self._send(self._envelope([], {"usage": usage}))
            self.writer.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
            return
        choice = self._choice(self.tokens, self.rows, "message") | {"finish_reason": "length"}
        _write_json(self.writer, 200, self._envelope([choice], {"usage": usage}), *self.headers)

    def _choice(self, tokens: list[int], rows: list[Floats] | list[Floats | None], field: str = "delta") -> Json:
        text, request = decode(tokens), self.request
        choice: Json = {field: {"content": text}} if request.is_chat else {"text": text}
        if request.with_logprobs:
            choice["logprobs"] = _logprobs(tokens, rows, request.top, request.is_chat)
        return choice

    def _event(self, choice: Json) -> None:
        self._send(self._envelope([{"index": 0, "finish_reason": None} | choice], {}))

    def _envelope(self, choices: list[Json], more: Json) -> Json:
        kind = "chat.completion" if self.request.is_chat else "text_completion"
        suffix = ".chunk" if self.request.stream and self.request.is_chat else ""
        base = {"id": f"sandbox-{id(self):x}", "object": kind + suffix, "created": int(time())}
        return base | {"model": self.request.model, "choices": choices} | more

    def _send(self, payload: Json) -> None:
        data = b"data: " + json.dumps(payload, separators=(",", ":")).encode() + b"\n\n"
        self.writer.write(b"%x\r\n%s\r\n" % (len(data), data))


def _logprobs(tokens: list[int], rows: Any, top: int, is_chat: bool) -> Json:
    """Chat and completions word them differently. Values are of the distribution at temperature 1."""
    values, tops = [], []
    for token, row in zip(tokens, rows, strict=True):
        values.append(None if row is None else round(float(row[token]), 5))
        best = [] if row is None or not top else np.argsort(-row)[:top].tolist()
        tops.append({WORDS[i]: round(float(row[i]), 5) for i in best})
    names = [WORDS[token] for token in tokens]
    if not is_chat:
        return {"tokens": names, "token_logprobs": values, "top_logprobs": tops}
    return {
        "content": [
            {"token": name, "logprob": value,
             "top_logprobs": [{"token": other, "logprob": number} for other, number in entry.items()]}
            for name, value, entry in zip(names, values, tops, strict=True)
        ]
    }  # fmt: skip


def _models(host: Host) -> Json:
    """What the host says of itself: `quantization` is its claim, not necessarily what it runs."""
    pricing = {"prompt": host.input_usd_per_mtok / 1e6, "completion": host.output_usd_per_mtok / 1e6}
    declared = {"quantization": host.declared_precision, "pricing": pricing, "owned_by": "sandbox"}
    return {"object": "list", "data": [{"id": "toy", "object": "model", **declared}]}


def _write_head(writer: asyncio.StreamWriter, status: int, kind: str, *headers: tuple[str, str]) -> None:
    lines = [f"HTTP/1.1 {status} {_REASONS[status]}", f"content-type: {kind}"]
    lines += [f"{name}: {value}" for name, value in (LABEL, *headers)]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")


def _write_json(writer: asyncio.StreamWriter, status: int, payload: Json, *headers: tuple[str, str]) -> None:
    body = json.dumps(payload).encode()
    _write_head(writer, status, "application/json", *headers, ("content-length", str(len(body))))
    writer.write(body)


async def serve(
    hosts: Iterable[Host],
    port: int,
    seconds: float,
    announce: Callable[[int], None],
    stop: threading.Event | None = None,
) -> None:
    """Serve until interrupted, for so many seconds, or until `stop`; `announce` gets the port bound."""
    try:
        server = await Sandbox(hosts).start(port)
    except OSError as error:
        raise UsageError(f"port {port} is not free: choose another with --port, 0 takes any that is") from error
    announce(server.sockets[0].getsockname()[1])
    until = monotonic() + (seconds or float("inf"))
    async with server:
        with suppress(asyncio.CancelledError):
            while monotonic() < until and not (stop and stop.is_set()):
                await asyncio.sleep(min(0.2, max(0.0, until - monotonic())))
