"""The sandbox's HTTP side: OpenAI-compatible models, completions and chat, streaming or not, one path per host.

`/HOST/v1/...` reaches a host by name, `/v1/...` the first. A bearer key of any text is required, as everywhere. Limits
answer 429 with `retry-after` and the `x-ratelimit-*` headers OpenAI documents
(https://platform.openai.com/docs/guides/rate-limits). Rate windows are of one minute, in monotonic time.
"""

import asyncio
import json
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from time import monotonic

from tracker.errors import UsageError
from tracker.sandbox.answer import Answer, Json, Request, write_json
from tracker.sandbox.engine import Engine, Sequence
from tracker.sandbox.hosts import Host
from tracker.sandbox.meter import Meter, Refusal

MAX_BODY_BYTES = 16 * 1024 * 1024


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
                    write_json(writer, refusal.status, refusal.body, *refusal.headers)
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
            return write_json(writer, 200, _models(engine.host))
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
        request, name = Request(body, is_chat), engine.host.name
        headers = self.meters[name].admit(len(request.prompt) + request.max_tokens, self.inside[name])
        self.inside[name] += 1
        try:
            await asyncio.sleep(engine.host.network_ms / 1000)
            answer = Answer(request, writer, headers, engine)
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


def _models(host: Host) -> Json:
    """What the host says of itself: `quantization` is its claim, not necessarily what it runs."""
    pricing = {"prompt": host.input_usd_per_mtok / 1e6, "completion": host.output_usd_per_mtok / 1e6}
    declared = {"quantization": host.declared_precision, "pricing": pricing, "owned_by": "sandbox"}
    return {"object": "list", "data": [{"id": "toy", "object": "model", **declared}]}


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
