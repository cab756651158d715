"""Real sockets: streams as sellers send them, and everything that goes wrong with them, each by its named outcome."""

import asyncio
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest

from tests.probe.conftest import BRIEF, SECRET
from tests.probe.servers import (
    DONE,
    END,
    SSE_HEAD,
    Request,
    Writer,
    chat,
    chunk,
    finish,
    plain,
    serving,
    sse,
    stream,
    usage,
)
from tracker.errors import UsageError
from tracker.probe.keys import Key
from tracker.probe.messages import Ask, Usage
from tracker.probe.reply import OUTCOMES, Reply
from tracker.probe.stream import burst, run
from tracker.probe.targets import Target
from tracker.records import Offer

Send = Callable[..., Reply]
WORDS = ("Hel", "lo", " wor", "ld", "!")
GOOD = [chat(role="assistant", content=""), *map(chat, WORDS), finish(), usage(), DONE]


def test_a_whole_stream(send_to: Send) -> None:
    with serving(stream(*GOOD, pause_s=0.03)) as server:
        reply = send_to(server)
    assert (reply.outcome, reply.text, reply.finish, reply.chunks) == ("ok", "Hello world!", "length", 5)
    assert reply.usage == Usage(5, 5)
    timing = reply.timing
    assert timing.ttft_ms is not None
    assert timing.ttft_ms > 29  # the role-only chunk that came at once is no token
    assert timing.itl_ms is not None
    assert 29 < timing.itl_ms < 120  # the server's sleeps are at least 30 ms; a busy machine makes them longer
    assert timing.connect_ms is not None
    assert timing.dns_ms is None  # an address needs no look-up
    assert timing.tls_ms is None
    assert server.requests[0].json["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_reasoning_is_the_first_token_and_not_the_first_content(send_to: Send, name: str) -> None:
    events = [chat(**{name: "hm"}), chat(**{name: " so"}), chat("yes"), finish("stop"), usage(5, 3), DONE]
    with serving(stream(*events, pause_s=0.04)) as server:
        reply = send_to(server)
    assert (reply.outcome, reply.reasoning, reply.text) == ("ok", "hm so", "yes")
    assert reply.timing.ttft_content_ms is not None
    assert reply.timing.ttft_ms is not None
    assert 41 < reply.timing.ttft_content_ms - reply.timing.ttft_ms < 400


def test_chunks_of_many_tokens(send_to: Send) -> None:
    """10 chunks of 8 tokens, 40 ms apart: 5 ms a token. Dividing by n - 1 would read 4.56."""
    words = [chat(" word" * 8) for _ in range(10)]
    with serving(stream(*words, finish(), usage(5, 80), DONE, pause_s=0.04)) as server:
        reply = send_to(server)
    assert (reply.first_chunk_tokens, reply.streamed_tokens) == (8, 80)
    assert reply.timing.itl_ms is not None
    assert reply.timing.itl_ms > 4.98


def test_crlf_comments_and_split_utf8(send_to: Send) -> None:
    async def script(_request: Request, writer: Writer) -> None:
        body = b": OPENROUTER PROCESSING\r\n\r\n" + sse(chat("grüße 你好 🎉")).replace(b"\n", b"\r\n")
        body += sse(finish("stop")) + sse(usage(5, 6)) + DONE
        writer.write(SSE_HEAD)
        for at in range(0, len(body), 3):  # every multi-byte character and line end is cut somewhere
            writer.write(chunk(body[at : at + 3]))
            await writer.drain()
            await asyncio.sleep(0)
        writer.write(END)

    with serving(script) as server:
        reply = send_to(server)
    assert (reply.outcome, reply.text) == ("ok", "grüße 你好 🎉")


def test_without_usage_the_tokens_are_an_estimate(send_to: Send) -> None:
    with serving(stream(*map(chat, WORDS), finish(), DONE)) as server:
        reply = send_to(server)
    assert (reply.outcome, reply.token_source, reply.streamed_tokens) == ("ok", "estimate", reply.estimated_tokens)


def test_a_stream_ended_by_closing_the_connection(send_to: Send) -> None:
    async def script(_request: Request, writer: Writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
        writer.write(b"".join(map(sse, [chat("hi"), finish("stop"), usage(5, 1)])) + DONE)

    with serving(script) as server:
        assert send_to(server).outcome == "ok"


MISBEHAVIOUR: list[tuple[str, object, str, str]] = [
    ("error event", stream(chat("a"), {"error": {"code": "overloaded", "message": "busy"}}), "error_event", "busy"),
    ("error body in a 200", plain("200 OK", b'{"error":{"message":"no"}}', "content-type: application/json"),
     "error_event", "no"),
    ("not JSON", stream(b"data: {oops\n\n", DONE), "error_event", "not JSON"),
    ("too deep", stream(b"data: " + b"[" * 100_000 + b"\n\n", DONE), "error_event", "not JSON"),
    ("a 500 too deep", plain("500 Oops", b"[" * 100_000), "http_error", "HTTP 500"),
    ("an error for the terminal", stream(b'data: {"error": "\\u001b]0;title\\u0007 \\ud800 no"}\n\n'), "error_event",
     " ]0;title    no"),
    ("a number for text", stream({"choices": [{"text": 5}]}, finish(), DONE), "error_event", "unknown shape"),
    ("unknown shape", stream({"choices": [7]}, DONE), "error_event", "unknown shape"),
    ("content filter", stream(chat("a"), finish("content_filter"), DONE), "refused", "content filter"),
    ("refusal", stream(chat(refusal="I cannot"), finish("stop"), DONE), "refused", "I cannot"),
    ("cut off", stream(chat("a"), chat("b")), "cut_off", "no end mark"),
    ("no token", stream(chat(role="assistant"), finish("stop"), DONE), "empty", ""),
    ("429", plain("429 Too Many Requests", b'{"error":{"message":"slow down"}}', "retry-after: 7",
                  "x-ratelimit-limit-requests: 20"), "rate_limited", "slow down"),
    ("401", plain("401 Unauthorized", b'{"detail":"bad key"}'), "denied", "bad key"),
    ("500", plain("500 Oops", b"<html>sorry</html>"), "http_error", "sorry"),
    ("redirect inside", plain("307 Temporary Redirect", b"", "location: http://169.254.169.254/latest"),
     "redirect_refused", "169.254.169.254"),
    ("redirect outside", plain("308 Permanent Redirect", b"", "location: https://example.org/v1"),
     "redirect_refused", "example.org"),
    ("HTML", plain("200 OK", b"<html></html>", "content-type: text/html"), "bad_response", "text/html"),
    ("not streamed", plain("200 OK", b'{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}',
                           "content-type: application/json"), "bad_response", "instead of a stream"),
    ("compressed", plain("200 OK", b"xx", "content-type: text/event-stream", "content-encoding: gzip"),
     "bad_response", "compressed"),
    ("output over-claimed", stream(*map(chat, WORDS), finish(), usage(5, 5000), DONE), "usage_disputed", "5000"),
    ("output under-claimed", stream(*[chat(" word")] * 40, finish(), usage(5, 3), DONE), "usage_disputed", "3 output"),
    ("input over-claimed", stream(*map(chat, WORDS), finish(), usage(90_000, 5), DONE), "usage_disputed", "90000"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("script", "outcome", "words"), [row[1:] for row in MISBEHAVIOUR], ids=[r[0] for r in MISBEHAVIOUR]
)
def test_misbehaviour_has_a_name_and_no_speed(send_to: Send, script: object, outcome: str, words: str) -> None:
    with serving(script) as server:  # type: ignore[arg-type]
        reply = send_to(server)
    assert (reply.outcome, words in reply.detail) == (outcome, True), reply.detail
    assert outcome in OUTCOMES
    assert (reply.timing.ttft_ms, reply.timing.itl_ms, reply.timing.output_tok_s, reply.timing.e2e_ms) == (None,) * 4


def test_a_429_keeps_its_headers(send_to: Send) -> None:
    script = plain(
        "429 Too Many Requests", b"{}", "retry-after: 7", "x-ratelimit-limit-requests: 20", "set-cookie: a=b"
    )
    with serving(script) as server:
        assert send_to(server).limits == {"retry-after": "7", "x-ratelimit-limit-requests": "20"}


async def stall(_request: Request, writer: Writer) -> None:
    writer.write(SSE_HEAD + chunk(sse(chat("a"))))
    await writer.drain()
    await asyncio.sleep(600)


async def silence(_request: Request, _writer: Writer) -> None:
    await asyncio.sleep(600)


async def endless(_request: Request, writer: Writer) -> None:
    writer.write(SSE_HEAD)
    while True:
        writer.write(chunk(sse(chat("a")) + b": ping\n\n"))
        await writer.drain()
        await asyncio.sleep(0.05)


async def gigabyte(_request: Request, writer: Writer) -> None:
    writer.write(SSE_HEAD)
    for _ in range(16_384):
        writer.write(chunk(b"x" * 65_536))
        await writer.drain()


async def hang_up(_request: Request, writer: Writer) -> None:
    writer.transport.abort()


async def not_http(_request: Request, writer: Writer) -> None:
    writer.write(b"220 mail.example ESMTP\r\n")


@pytest.mark.parametrize(
    ("script", "outcome", "within_s"),
    [
        (stall, "stalled", 1.5),
        (silence, "stalled", 2.0),
        (endless, "deadline", 4.0),
        (gigabyte, "too_large", 2.0),
        (hang_up, "cut_off", 1.0),
        (not_http, "bad_response", 1.0),
    ],
)
def test_what_never_ends_is_ended(send_to: Send, script: object, outcome: str, within_s: float) -> None:
    begin = time.perf_counter()
    with serving(script) as server:  # type: ignore[arg-type]
        reply = send_to(server)
    assert (reply.outcome, reply.timing.ttft_ms) == (outcome, None)
    assert time.perf_counter() - begin < within_s


def test_nobody_there(send_to: Send) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    reply = send_to(f"http://127.0.0.1:{port}/v1")
    assert (reply.outcome, reply.detail) == ("connect_error", "Connection refused")


def test_a_name_that_does_not_resolve(send_to: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_args: object, **_more: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    for loop in ("uvloop.Loop", "asyncio.base_events.BaseEventLoop"):
        with suppress(ImportError):
            monkeypatch.setattr(f"{loop}.getaddrinfo", fail)
    reply = send_to("https://no.such.host.invalid/v1")
    assert (reply.outcome, "no.such.host.invalid" in reply.detail) == ("dns_error", True)


def test_a_host_that_swallows_the_connection(send_to: Send) -> None:
    with socket.socket() as deaf:  # listens, never accepts, and its queue is full
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        crowd = [socket.socket() for _ in range(8)]
        for each in crowd:
            each.setblocking(False)
            each.connect_ex(deaf.getsockname())
        reply = send_to(f"http://127.0.0.1:{deaf.getsockname()[1]}/v1", patience=replace(BRIEF, connect_s=0.3))
        for each in crowd:
            each.close()
    assert reply.outcome == "connect_timeout"


def test_tls_is_timed_apart(send_to: Send, certificate: tuple[object, object]) -> None:
    cert, context = certificate
    with serving(stream(*GOOD), tls=context) as server:  # type: ignore[arg-type]
        reply = send_to(server, ca_file=str(cert))
    assert reply.outcome == "ok"
    assert reply.timing.tls_ms is not None
    assert reply.timing.connect_ms is not None


def test_a_certificate_nobody_signed(send_to: Send, certificate: tuple[object, object]) -> None:
    with serving(stream(*GOOD), tls=certificate[1]) as server:  # type: ignore[arg-type]
        reply = send_to(server)
    assert reply.outcome == "tls_error"
    assert "certificate" in reply.detail
    assert server.requests == []


def test_tls_to_a_server_without_it(send_to: Send) -> None:
    with serving(stream(*GOOD)) as server:
        assert send_to(f"https://127.0.0.1:{server.port}/v1").outcome == "tls_error"


def test_one_bad_stream_leaves_the_others_alone(ask: Ask) -> None:
    async def mixed(request: Request, writer: Writer) -> None:
        if b"#bad" in request.body:
            await gigabyte(request, writer)
        else:
            await stream(*GOOD, pause_s=0.02)(request, writer)

    asks = [replace(ask, prompt=f"#bad {n}" if n % 4 == 0 else f"good {n}") for n in range(12)]
    with serving(mixed) as server:
        target = Target(Offer("test", "m"), server.url)
        replies = run(burst(target, asks, Key(SECRET), BRIEF))
    assert {reply.outcome for reply in replies[::4]} == {"too_large"}
    rest = [reply for n, reply in enumerate(replies) if n % 4]
    assert {reply.text for reply in rest} == {"Hello world!"}
    assert {reply.outcome for reply in rest} <= {"ok", "distorted"}  # late because a gigabyte was made beside: said so


def test_a_clock_step_moves_no_measurement(send_to: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = iter(range(0, 10**9, 86_400))
    monkeypatch.setattr(time, "time", lambda: float(next(steps)))
    with serving(stream(*GOOD, pause_s=0.02)) as server:
        timing = send_to(server).timing
    assert timing.e2e_ms is not None
    assert 100 < timing.e2e_ms < 2000


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://example.org/v1", "in the clear"),
        ("ftp://example.org", "not an endpoint"),
        ("https://user:pw@example.org/v1", "not an endpoint"),
        ("https://example.org/v1#x", "not an endpoint"),
        ("https://example.org/v1?key=pw", "has a query"),
    ],
)
def test_addresses_a_key_must_not_travel_to(send_to: Send, url: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        send_to(url)
    assert "pw" not in str(caught.value)


def test_a_header_cannot_be_smuggled_in(ask: Ask) -> None:
    with pytest.raises(UsageError, match="line break"), serving(stream(*GOOD)) as server:
        run(burst(Target(Offer("test", "m"), server.url), [ask], Key("abc\r\nx-admin: 1")))
