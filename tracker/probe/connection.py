"""One request over a connection of its own, from the look-up of the host to the last byte or a named ending.

A connection serves one request, so no pool can queue it: httpcore's shared pool is quadratic in the number of streams
(https://github.com/encode/httpcore/pull/1035). All times in seconds of `time.perf_counter`, which no step of the wall
clock moves.
"""

import asyncio
import ipaddress
import socket
import ssl
from dataclasses import dataclass, field
from functools import lru_cache
from time import perf_counter
from typing import cast
from urllib.parse import urlsplit

from tracker.errors import UsageError
from tracker.probe.receiver import Receiver, reason
from tracker.probe.wire import Exchange


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


@lru_cache(maxsize=4)
def tls_context(ca_file: str = "") -> ssl.SSLContext:
    """One shared context: building one per stream costs more than the handshake."""
    context = ssl.create_default_context(cafile=ca_file or None)
    context.set_alpn_protocols(["http/1.1"])
    return context


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
        raise _Ended("tls_error", reason(error)) from error
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
        raise _Ended("dns_error", f"{host}: {reason(error)}") from error
    times["dns"] = perf_counter() - before
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


async def _open(addresses: list[str], port: int, receiver: Receiver, times: dict[str, float]) -> asyncio.WriteTransport:
    loop, failure = asyncio.get_running_loop(), "no address"
    for address in addresses[:3]:
        before = perf_counter()
        try:
            transport, _ = await loop.create_connection(lambda: receiver, address, port)
        except OSError as error:
            failure = reason(error)
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
