"""A server that sends at known times and writes down when it did: the truth `bench.probe` measures against.

Raw non-blocking sockets, one epoll loop that sleeps to the tenth of a millisecond, SCHED_FIFO where the system allows
it. The first chunk leaves `first_ms` after the request was read, the others `token_ms` x tokens per chunk apart. Times
are CLOCK_MONOTONIC (`perf_counter`), which all processes of a Linux machine share. When its input ends it prints one
JSON object: per prompt number the receipt, the first and the last send.

Not for the 1 ms rows with one token a chunk beyond 32 streams: more than about 40,000 sends/s is beyond it.
"""

import contextlib
import heapq
import json
import os
import re
import select
import socket
import ssl
import sys
from dataclasses import dataclass, field
from time import perf_counter, sleep

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_NUMBER = re.compile(rb"#(\d+)")
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


@dataclass(slots=True)
class Timetable:
    first_ms: float
    token_ms: float
    tokens: int
    per_chunk: int


@dataclass(slots=True)
class Stream:
    sock: socket.socket
    data: bytes = b""
    number: int = -1
    received: float = 0.0
    sends: list[float] = field(default_factory=list)


def chunked(payload: object) -> bytes:
    data = b"data: " + json.dumps(payload, separators=(",", ":")).encode() + b"\n\n"
    return b"%x\r\n%s\r\n" % (len(data), data)


def text_chunk(tokens: int) -> bytes:
    delta = {"content": " tok" * tokens}
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    return chunked({"id": "c", "object": "chat.completion.chunk", "model": "m", "choices": [choice]})


def last_chunks(tokens: int) -> bytes:
    stop = {"index": 0, "delta": {}, "finish_reason": "length"}
    usage = {"prompt_tokens": 8, "completion_tokens": tokens, "total_tokens": 8 + tokens}
    base = {"id": "c", "object": "chat.completion.chunk", "model": "m"}
    done = b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
    return chunked(base | {"choices": [stop]}) + chunked(base | {"choices": [], "usage": usage}) + done


class Clockwork:
    def __init__(self, timetable: Timetable, tls: ssl.SSLContext | None) -> None:
        self.timetable, self.tls = timetable, tls
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.listening.setblocking(False)
        self.poll = select.epoll()
        self.poll.register(self.listening, select.EPOLLIN)
        self.poll.register(sys.stdin.fileno(), select.EPOLLIN | select.EPOLLHUP)
        self.streams: dict[int, Stream] = {}
        self.due: list[tuple[float, int]] = []
        self.truth: dict[int, tuple[float, float, float]] = {}
        self.chunk = text_chunk(timetable.per_chunk)
        self.count = timetable.tokens // timetable.per_chunk

    def run(self) -> None:
        print(self.listening.getsockname()[1], flush=True)
        stdin = sys.stdin.fileno()
        while True:
            wait = self.due[0][0] - perf_counter() if self.due else 0.2
            if 0.0001 < wait < 0.0015:  # epoll waits whole milliseconds, sleep is exact to 0.06 ms
                sleep(wait - 0.00006)
                wait = 0.0
            for number, _ in self.poll.poll(max(0.0, wait - 0.0012)):
                if number == stdin:
                    return
                if number == self.listening.fileno():
                    self.accept()
                else:
                    self.read(self.streams[number])
            while self.due and self.due[0][0] <= perf_counter():
                self.send(heapq.heappop(self.due)[1])

    def accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                sock, _ = self.listening.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self.tls:
                    sock = self.tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
                sock.setblocking(False)
                self.streams[sock.fileno()] = Stream(sock)
                self.poll.register(sock, select.EPOLLIN)

    def read(self, stream: Stream) -> None:
        try:
            data = stream.sock.recv(65536)
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        except OSError:
            data = b""
        if not data:
            return self.close(stream)
        stream.data += data
        head, gap, body = stream.data.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if gap and len(body) >= int(length[1] if length else 0):
            self.answer(stream, head, body)

    def answer(self, stream: Stream, head: bytes, body: bytes) -> None:
        stream.data = b""
        if head.startswith(b"GET"):
            listed = b'{"object":"list","data":[{"id":"m","object":"model"}]}'
            stream.sock.send(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
                             % (len(listed), listed))  # fmt: skip
            return
        found = _NUMBER.search(body)
        stream.number = int(found[1]) if found else -len(self.truth) - 1
        stream.received, stream.sends = perf_counter(), []
        stream.sock.send(HEAD)
        heapq.heappush(self.due, (stream.received + self.timetable.first_ms / 1000, stream.sock.fileno()))

    def send(self, number: int) -> None:
        stream = self.streams.get(number)
        if stream is None:
            return
        try:
            stream.sock.send(self.chunk)
        except OSError:
            return self.close(stream)
        stream.sends.append(perf_counter())
        made = len(stream.sends)
        if made < self.count:
            step = self.timetable.token_ms * self.timetable.per_chunk
            at = stream.received + (self.timetable.first_ms + made * step) / 1000
            return heapq.heappush(self.due, (at, number))
        stream.sock.send(last_chunks(self.timetable.tokens))
        self.truth[stream.number] = (stream.received, stream.sends[0], stream.sends[-1])

    def close(self, stream: Stream) -> None:
        self.streams.pop(stream.sock.fileno(), None)
        with contextlib.suppress(OSError, KeyError, ValueError):
            self.poll.unregister(stream.sock)
        stream.sock.close()


def main(arguments: list[str]) -> None:
    first, token, tokens, per_chunk, *certificate = arguments
    tls = None
    if certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*certificate)
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    server = Clockwork(Timetable(float(first), float(token), int(tokens), int(per_chunk)), tls)
    server.run()
    json.dump(server.truth, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
