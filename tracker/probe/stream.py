"""The network side of probe and audit: one request, one connection, every arriving byte timed.

While a stream runs the only work is `(perf_counter, bytes)` into a list; HTTP framing, events and JSON are read
after it has ended (`wire`, `dialects`, `measure`). A connection serves one request, so no pool can queue it: httpcore's
shared pool is quadratic in the number of streams (https://github.com/encode/httpcore/pull/1035). All times in seconds
of `time.perf_counter`, which no step of the wall clock moves.

Redirects are never followed: prompt and key go to the address the target names and nowhere else.
"""

import asyncio
import ipaddress
import os
import socket
import ssl
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from time import perf_counter
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from tracker.errors import UsageError
from tracker.probe.dialects import Ask, Dialect, call_parts, dialect_named
from tracker.probe.keys import Key
from tracker.probe.lag import LagMeter
from tracker.probe.measure import Reply, no_lag, read_reply
from tracker.probe.targets import Target
from tracker.probe.wire import Exchange, Head, Piece, WireError, dechunk, parse_head
from tracker.settings import USER_AGENT

T = TypeVar("T")
DONE_END = b"data: [DONE]\n\n\r\n0\r\n\r\n"
STAGGER_S = 0.008  # streams started together are read together: spread, 256 of them cost no first token its time


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how much one request may take before it ends in a named outcome."""

    connect_s: float = 15.0
    first_byte_s: float = 120.0
    stall_s: float = 45.0
    total_s: float = 600.0
    max_bytes: int = 32 * 1024 * 1024


PATIENCE = Patience()


@dataclass(frozen=True, slots=True)
class Call:
    """One request, ready to send. The headers may hold a key: never printed, never stored."""

    url: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)


class _Ended(Exception):
    """Ends a request early with a named outcome."""

    def __init__(self, ending: str, detail: str) -> None:
        super().__init__(detail)
        self.ending, self.detail = ending, detail


class Receiver(asyncio.Protocol):
    """Collects timed pieces and notices the end: length reached, last chunk, size cap or close."""

    def __init__(self, max_bytes: int) -> None:
        self.pieces: list[Piece] = []
        self.head: Head | None = None
        self.ending, self.detail, self.ended = "", "", 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._drained: asyncio.Future[None] | None = None
        self._max_bytes, self._size, self._body_start, self._looks = max_bytes, 0, 0, 0

    def data_received(self, data: bytes) -> None:
        now = perf_counter()
        if self.ending:
            return
        self.pieces.append((now, data))
        self._size += len(data)
        if self._size > self._max_bytes:
            self.end("too_large", f"more than {self._max_bytes} bytes")
        elif self.head is None:
            self._read_head()
        elif self._is_whole(data):
            self.end("complete", "")

    def _read_head(self) -> None:
        try:
            found = parse_head(b"".join(data for _, data in self.pieces))
        except WireError as error:
            return self.end("bad_response", str(error))
        if found:
            self.head, self._body_start = found
            if self.head.status in (204, 304) or self._is_whole(self.pieces[-1][1]):
                self.end("complete", "")

    def _is_whole(self, data: bytes) -> bool:
        """Has the last byte of the body arrived? The full check runs only when the tail looks like the end."""
        assert self.head
        if not self.head.is_chunked:
            length = self.head.content_length
            return length is not None and self._size - self._body_start >= length
        tail = data if len(data) >= 5 else b"".join(piece for _, piece in self.pieces[-5:])
        if not tail.endswith(b"0\r\n\r\n") or self._looks >= 16:  # a body that keeps imitating its end gets no more
            return False
        if tail.endswith(DONE_END):
            return True
        self._looks += 1
        try:
            return dechunk([(0.0, b"".join(piece for _, piece in self.pieces)[self._body_start :])])[1]
        except WireError as error:
            self.end("bad_response", str(error))
            return False

    def body(self) -> tuple[Piece, ...]:
        """The pieces without the response head."""
        skip, body = self._body_start, []
        for arrival, data in self.pieces:
            if skip < len(data):
                body.append((arrival, data[skip:] if skip else data))
            skip = max(0, skip - len(data))
        return tuple(body)

    def end(self, ending: str, detail: str) -> None:
        if not self.ending:
            self.ending, self.detail, self.ended = ending, detail, perf_counter()
            if not self.done.done():
                self.done.set_result(None)
            self.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        if isinstance(exc, ssl.SSLError):
            self.end("tls_error", _reason(exc))
        self.end("closed", _reason(exc) if exc else "")

    def pause_writing(self) -> None:
        self._drained = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        if self._drained and not self._drained.done():
            self._drained.set_result(None)

    async def drained(self) -> None:
        """Returns when the request has left for the kernel."""
        if self._drained:
            await self._drained


@lru_cache(maxsize=4)
def tls_context(ca_file: str = "") -> ssl.SSLContext:
    """One shared context: building one per stream costs more than the handshake."""
    context = ssl.create_default_context(cafile=ca_file or None)
    context.set_alpn_protocols(["http/1.1"])
    return context


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run on uvloop where it is installed (extra `fast`): half the CPU, a third of the timing error."""
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    try:
        import uvloop

        loop_factory = uvloop.new_event_loop
    except ImportError:
        pass
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(main)


async def exchange(call: Call, patience: Patience = PATIENCE, ca_file: str = "") -> Exchange:
    """Send one request and collect its answer. Never raises for what the other side does: see `Exchange.ending`."""
    request = request_bytes(call)  # a bad header fails here, before a connection is opened
    started = perf_counter()
    times: dict[str, float] = {}
    receiver = Receiver(patience.max_bytes)
    transport: asyncio.WriteTransport | None = None
    try:
        async with asyncio.timeout(patience.connect_s):
            transport = await _connect(call.url, receiver, times, ca_file)
        times["sent"] = await _send(transport, receiver, request, started + patience.total_s)
        await asyncio.sleep(0)  # uvloop writes at the end of the turn: until then the request may not have left
        times["sent_within"] = perf_counter() - times["sent"]
        await _watch(receiver, times["sent"], started + patience.total_s, patience)
    except TimeoutError:
        part = "tls_error" if "connect" in times else "connect_timeout"
        receiver.end(part, f"no connection within {patience.connect_s:g} s")
    except _Ended as end:
        receiver.end(end.ending, end.detail)
    finally:
        receiver.end("cancelled", "")
        if transport is not None:
            transport.abort()
    return Exchange(
        ending=receiver.ending,
        detail=receiver.detail,
        started=started,
        dns_s=times.get("dns"),
        connect_s=times.get("connect"),
        tls_s=times.get("tls"),
        sent=times.get("sent"),
        sent_within_s=times.get("sent_within", 0.0),
        ended=receiver.ended,
        head=receiver.head,
        pieces=receiver.body() if receiver.head else (),
    )


def check_url(url: str) -> None:
    """Refuse addresses a key must not travel to: plain http is for this machine only."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.fragment:
        raise UsageError(f"not an endpoint URL: {parts.scheme}://{parts.hostname or ''} (expected https://host/v1)")
    if parts.query:  # a key there would be written wherever the address is
        raise UsageError(f"{parts.scheme}://{parts.hostname}: the address has a query; keys come from --key-env")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise UsageError(f"http://{parts.hostname} would carry the key in the clear: use https")


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _connect(url: str, receiver: Receiver, times: dict[str, float], ca_file: str) -> asyncio.WriteTransport:
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    addresses = await _resolve(host, port, times)
    transport = await _open(addresses, port, receiver, times)
    if parts.scheme == "http":
        return transport
    loop, before = asyncio.get_running_loop(), perf_counter()
    try:
        secured = await loop.start_tls(transport, receiver, tls_context(ca_file), server_hostname=host)
    except (OSError, ssl.SSLError) as error:
        raise _Ended("tls_error", _reason(error)) from error
    times["tls"] = perf_counter() - before
    if secured is None:
        raise _Ended("tls_error", "closed during the handshake")
    return cast(asyncio.WriteTransport, secured)  # what both loops return; typeshed says Transport | None


async def _resolve(host: str, port: int, times: dict[str, float]) -> list[str]:
    """Addresses of the host; an address written out needs no look-up and gets no time."""
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass
    before = perf_counter()
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise _Ended("dns_error", f"{host}: {_reason(error)}") from error
    times["dns"] = perf_counter() - before
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


async def _open(addresses: list[str], port: int, receiver: Receiver, times: dict[str, float]) -> asyncio.WriteTransport:
    loop, failure = asyncio.get_running_loop(), "no address"
    for address in addresses[:3]:
        before = perf_counter()
        try:
            transport, _ = await loop.create_connection(lambda: receiver, address, port)
        except OSError as error:
            failure = _reason(error)
            continue
        times["connect"] = perf_counter() - before
        return transport
    raise _Ended("connect_error", failure)


def request_bytes(call: Call) -> bytes:
    """The request as HTTP/1.1. Line breaks in a header (a key file with a second line, say) are refused."""
    parts = urlsplit(call.url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [
        f"POST {path} HTTP/1.1",
        f"host: {parts.netloc}",
        "content-type: application/json",
        "accept: text/event-stream, application/json",
        "accept-encoding: identity",
        "connection: close",
        f"content-length: {len(call.body)}",
        *(f"{name}: {value}" for name, value in call.headers),
    ]
    if any(mark in line for line in lines for mark in "\r\n\0"):
        raise UsageError("a header or the URL contains a line break: check the key and the address")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + call.body


async def _send(transport: asyncio.WriteTransport, receiver: Receiver, data: bytes, until: float) -> float:
    """Write the request; the moment its last byte went to the kernel is the zero of all measured times."""
    transport.set_write_buffer_limits(high=0)
    transport.write(data)
    try:
        async with asyncio.timeout(max(0.0, until - perf_counter())):
            await receiver.drained()
    except TimeoutError:
        raise _Ended("deadline", "the request could not be sent in time") from None
    return perf_counter()


async def _watch(receiver: Receiver, sent: float, until: float, patience: Patience) -> None:
    """Wait for the end; one sleeping check per stream, none per piece."""
    while not receiver.done.done():
        first = receiver.pieces[0][0] if receiver.pieces else None
        quiet_until = sent + patience.first_byte_s if first is None else receiver.pieces[-1][0] + patience.stall_s
        now = perf_counter()
        if now >= until:
            raise _Ended("deadline", f"not finished within {patience.total_s:g} s")
        if now >= quiet_until:
            waited = patience.first_byte_s if first is None else patience.stall_s
            raise _Ended("stalled", f"silent for {waited:g} s")
        await asyncio.wait([receiver.done], timeout=min(until, quiet_until) - now)


def _reason(error: BaseException | None) -> str:
    """One line, without addresses of memory or files."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate: {error.verify_message}"
    if isinstance(error, OSError) and error.errno and error.errno > 0 and not isinstance(error, ssl.SSLError):
        return os.strerror(error.errno)  # the loops word it differently
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


async def send(
    target: Target,
    ask: Ask,
    key: Key,
    patience: Patience = PATIENCE,
    lag: LagMeter | None = None,
) -> Reply:
    """Send one completion or chat request and read its whole answer: text, tokens, log-probs, timings, outcome.

    Raises only for a caller's mistake (a bad URL or key); whatever the seller does is `Reply.outcome`.
    """
    check_url(target.base_url)
    dialect = dialect_named(target.dialect)
    done = await exchange(_call(target, dialect, ask, key), patience, target.ca_file)
    return read_reply(dialect, ask, done, key, lag.near if lag else no_lag)


def _call(target: Target, dialect: Dialect, ask: Ask, key: Key) -> Call:
    path, body = call_parts(dialect, ask, target.max_tokens_field)
    headers = (("user-agent", USER_AGENT), *dialect.key_headers(key.reveal()))
    return Call(f"{target.base_url.rstrip('/')}/{path}", headers, body)


async def burst(
    target: Target,
    asks: Sequence[Ask],
    key: Key,
    patience: Patience = PATIENCE,
    stagger_s: float = STAGGER_S,
) -> list[Reply]:
    """Send several requests, each started `stagger_s` after the one before, and watch our own lag meanwhile.

    All replies are decoded after the last stream has ended: a decoder would delay the streams still running.
    """
    check_url(target.base_url)
    dialect = dialect_named(target.dialect)
    with LagMeter() as lag:
        begin = perf_counter()

        async def one(number: int, ask: Ask) -> Exchange:
            await asyncio.sleep(max(0.0, begin + number * stagger_s - perf_counter()))
            return await exchange(_call(target, dialect, ask, key), patience, target.ca_file)

        done = await asyncio.gather(*(one(number, ask) for number, ask in enumerate(asks)))
    return [read_reply(dialect, ask, each, key, lag.near) for ask, each in zip(asks, done, strict=True)]
