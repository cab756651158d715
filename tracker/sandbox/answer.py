"""A request's parameters, checked, and its answer as OpenAI words it: streamed or whole, chat or completions."""

import asyncio
import json
from time import time
from typing import Any

import numpy as np

from tracker.sandbox.engine import Engine
from tracker.sandbox.language import WORDS, Floats, decode, encode
from tracker.sandbox.meter import Refusal

Json = dict[str, Any]
REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 413: "Content Too Large",
            429: "Too Many Requests"}  # fmt: skip
LABEL = ("x-tracker-sandbox", "1")


class Request:
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


class Answer:
    """Writes one answer, as a stream or at the end."""

    def __init__(
        self, request: Request, writer: asyncio.StreamWriter, headers: tuple[tuple[str, str], ...], engine: Engine
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
        write_json(self.writer, 200, self._envelope([choice], {"usage": usage}), *self.headers)

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


def _write_head(writer: asyncio.StreamWriter, status: int, kind: str, *headers: tuple[str, str]) -> None:
    lines = [f"HTTP/1.1 {status} {REASONS[status]}", f"content-type: {kind}"]
    lines += [f"{name}: {value}" for name, value in (LABEL, *headers)]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")


def write_json(writer: asyncio.StreamWriter, status: int, payload: Json, *headers: tuple[str, str]) -> None:
    body = json.dumps(payload).encode()
    _write_head(writer, status, "application/json", *headers, ("content-length", str(len(body))))
    writer.write(body)
