"""Loopback servers that behave, and misbehave, exactly as a test scripts them: real sockets, a thread of their own."""

import asyncio
import json
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Writer = asyncio.StreamWriter
Script = Callable[["Request", Writer], Awaitable[None]]

SSE_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


@dataclass(slots=True)
class Request:
    head: str
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        return json.loads(self.body)  # type: ignore[no-any-return]


@dataclass(slots=True)
class Server:
    port: int
    requests: list[Request] = field(default_factory=list)
    scheme: str = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/v1"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def sse(payload: object, name: str = "") -> bytes:
    data = payload if isinstance(payload, bytes) else json.dumps(payload, ensure_ascii=False).encode()
    return (b"event: %s\n" % name.encode() if name else b"") + b"data: " + data + b"\n\n"


def chat(content: str | None = None, **delta: object) -> dict[str, object]:
    body = dict(delta) | ({} if content is None else {"content": content})
    return {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": body, "finish_reason": None}]}


def finish(reason: str = "length") -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}


def usage(prompt: int = 5, completion: int = 5, **more: object) -> dict[str, object]:
    return {"choices": [], "usage": {"prompt_tokens": prompt, "completion_tokens": completion, **more}}


DONE = b"data: [DONE]\n\n"
END = b"0\r\n\r\n"


def stream(*events: object, head: bytes = SSE_HEAD, pause_s: float = 0.0) -> Script:
    """A stream of these events, each in its own chunk; bytes are sent as they are."""

    async def script(_request: Request, writer: Writer) -> None:
        writer.write(head)
        for event in events:
            writer.write(chunk(event if isinstance(event, bytes) else sse(event)))
            if pause_s:
                await writer.drain()
                await asyncio.sleep(pause_s)
        writer.write(END)

    return script


def plain(status: str, body: bytes = b"", *headers: str) -> Script:
    async def script(_request: Request, writer: Writer) -> None:
        lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    return script


@contextmanager
def serving(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Run `script` for every connection until the block ends."""
    loop = asyncio.new_event_loop()
    server = Server(0, scheme="https" if tls else "http")
    ready, connections, writers = threading.Event(), set[asyncio.Task[None]](), list[Writer]()

    async def handle(reader: asyncio.StreamReader, writer: Writer) -> None:
        task = asyncio.current_task()
        assert task
        connections.add(task)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            lengths = [line for line in head.lower().split("\r\n") if line.startswith("content-length:")]
            length = int(lengths[0].split(":")[1]) if lengths else 0
            request = Request(head, await reader.readexactly(length))
            server.requests.append(request)
            await script(request, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            connections.discard(task)
            writer.close()
            writers.append(writer)

    async def main() -> None:
        listening = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
        server.port = listening.sockets[0].getsockname()[1]
        ready.set()
        await stop.wait()
        listening.close()
        for task in list(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0.01)

    stop = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(main(),))
    thread.start()
    assert ready.wait(5)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(5)
        loop.close()
