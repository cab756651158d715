"""HTTP/1.1 and server-sent events over timed bytes: pure functions run after a stream has ended.

A *piece* is `(arrival, bytes)` with the arrival in `time.perf_counter` seconds. Nothing is decoded while a stream
runs, so decoding can never delay the next arrival. Formats: RFC 9112 section 7.1 (chunked coding) and the
server-sent events chapter of the HTML standard (line ends LF, CRLF or CR; `:` lines are comments).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

Piece = tuple[float, bytes]

HEAD_LIMIT_BYTES = 64 * 1024


class WireError(ValueError):
    """The bytes are not what HTTP or its chunked coding allow."""


@dataclass(frozen=True, slots=True)
class Head:
    """Status line and headers (names in lower case; repeated headers joined by a comma)."""

    status: int
    headers: dict[str, str]

    @property
    def is_chunked(self) -> bool:
        return "chunked" in self.headers.get("transfer-encoding", "").lower()

    @property
    def content_length(self) -> int | None:
        text = self.headers.get("content-length", "")
        return int(text) if text.isascii() and text.isdigit() else None


class Event(NamedTuple):
    """One server-sent event, timed by the arrival of the last byte of its last data line."""

    arrival: float
    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Exchange:
    """What came over the wire. `ending`: complete, closed, or why it was ended (a key of `measure.OUTCOMES`)."""

    ending: str
    detail: str
    started: float
    dns_s: float | None = None
    connect_s: float | None = None
    tls_s: float | None = None
    sent: float | None = None
    sent_within_s: float = 0.0  # how much later than `sent` the last byte may have left
    ended: float = 0.0
    head: Head | None = None
    pieces: tuple[Piece, ...] = ()


def parse_head(data: bytes) -> tuple[Head, int] | None:
    """The head and where the body starts, or None while incomplete. Interim 1xx responses are skipped."""
    start = 0
    while True:
        end = data.find(b"\r\n\r\n", start)
        if end < 0:
            if len(data) - start > HEAD_LIMIT_BYTES:
                raise WireError(f"a response head of more than {HEAD_LIMIT_BYTES} bytes")
            if not b"HTTP/1."[: len(data) - start] == data[start : start + 7]:
                raise WireError("the answer is not HTTP/1.1")
            return None
        head = _head_of(data[start:end])
        if head.status >= 200 or head.status == 101:
            return head, end + 4
        start = end + 4


def _head_of(raw: bytes) -> Head:
    status_line, *lines = raw.decode("latin-1").split("\r\n")
    parts = status_line.split(" ", 2)
    if len(parts) < 2 or not parts[0].startswith("HTTP/1.") or not parts[1].isdigit():
        raise WireError("the answer is not HTTP/1.1")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise WireError("a response header without a colon")
        key = name.strip().lower()
        headers[key] = f"{headers[key]}, {value.strip()}" if key in headers else value.strip()
    return Head(int(parts[1]), headers)


def body_of(head: Head, pieces: Iterable[Piece]) -> tuple[list[Piece], bool]:
    """The body as timed pieces without the chunk framing, and whether it arrived whole."""
    if head.is_chunked:
        return dechunk(pieces)
    body = [(arrival, data) for arrival, data in pieces if data]
    length = head.content_length
    return body, length is None or sum(len(data) for _, data in body) >= length


def dechunk(pieces: Iterable[Piece]) -> tuple[list[Piece], bool]:
    """Undo the chunked coding, keeping each byte's arrival; second value: the zero chunk was seen."""
    body: list[Piece] = []
    left = 0  # bytes of the current chunk still to come; its CRLF is swallowed with the next size line
    line = b""  # an incomplete size line carried over from the piece before
    for arrival, data in pieces:
        at = 0
        while at < len(data):
            if left:
                taken = data[at : at + left]
                body.append((arrival, taken))
                left -= len(taken)
                at += len(taken)
                continue
            end = data.find(b"\n", at)
            if end < 0:
                line += data[at:]
                break
            size = _chunk_size(line + data[at:end])
            line, at = b"", end + 1
            if size == 0:
                return body, True
            left = size or 0
        if len(line) > 1024:
            raise WireError("a chunk size line of more than 1024 bytes")
    return body, False


def _chunk_size(line: bytes) -> int | None:
    """The chunk's size, or None for the empty line that ends the chunk before."""
    text = line.strip()
    if not text:
        return None
    if b";" in text:
        text = text.split(b";", 1)[0].strip()
    if len(text) > 12 or not text.isalnum():  # int() would take signs and underscores
        raise WireError("a malformed chunk size")
    try:
        return int(text, 16)
    except ValueError:
        raise WireError("a malformed chunk size") from None


def events_of(body: Iterable[Piece]) -> list[Event]:
    """Server-sent events with their arrival. A last event without its blank line still counts."""
    events: list[Event] = []
    name, data, when = "", [], 0.0  # type: str, list[bytes], float
    for arrival, line in _lines(body):
        if line.endswith(b"\n"):  # a whole event in one piece
            events.append(Event(arrival, "", line[6:-2]))
        elif not line:
            if data:
                events.append(Event(when, name, b"\n".join(data)))
            name, data = "", []
        elif line.startswith(b"data:"):
            data.append(line[6:] if line[5:6] == b" " else line[5:])
            when = arrival
        elif line.startswith(b"event:"):
            name = line[6:].strip().decode("utf-8", "replace")
    if data:
        events.append(Event(when, name, b"\n".join(data)))
    return events


def _lines(body: Iterable[Piece]) -> Iterable[Piece]:
    """Lines without their ends; a line carries the arrival of the piece that ended it.

    A piece that is exactly one `data:` event, as most are, is passed on whole, with its ends.
    """
    carry, arrival, is_between = b"", 0.0, True  # between two events
    for arrival, data in body:
        is_plain = is_between and not carry and data.startswith(b"data: ") and data.endswith(b"\n\n")
        if is_plain and data.count(b"\n") == 2 and b"\r" not in data:
            yield arrival, data
            continue
        buffer = carry + data if carry else data
        held = buffer.endswith(b"\r")  # the LF of a split CRLF may follow
        rows = (buffer[:-1] if held else buffer).splitlines(keepends=True)
        carry = b"\r" if held else b""
        if rows and not rows[-1].endswith((b"\n", b"\r")):
            carry = rows.pop() + carry
        for row in rows:
            line = row.rstrip(b"\r\n")
            is_between = not line
            yield arrival, line
    if carry:
        yield arrival, carry.rstrip(b"\r")
