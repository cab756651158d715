"""The receiving end of one connection: timed pieces, and the moment the answer is over.

While a stream runs the only work is `(perf_counter, bytes)` into a list; HTTP framing, events and JSON are read after
it has ended (`wire`, `dialects`, `measure`).
"""

import asyncio
import os
import ssl
from time import perf_counter

from tracker.probe.wire import Head, Piece, WireError, dechunk, parse_head

DONE_END = b"data: [DONE]\n\n\r\n0\r\n\r\n"


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
            self.end("tls_error", reason(exc))
        self.end("closed", reason(exc) if exc else "")

    def pause_writing(self) -> None:
        self._drained = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        if self._drained and not self._drained.done():
            self._drained.set_result(None)

    async def drained(self) -> None:
        """Returns when the request has left for the kernel."""
        if self._drained:
            await self._drained


def reason(error: BaseException | None) -> str:
    """One line, without addresses of memory or files."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate: {error.verify_message}"
    if isinstance(error, OSError) and error.errno and error.errno > 0 and not isinstance(error, ssl.SSLError):
        return os.strerror(error.errno)  # the loops word it differently
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
