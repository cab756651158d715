"""Framing: the same bytes give the same events however the network cuts them."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.probe.servers import chunk, sse
from tracker.probe.wire import Head, WireError, body_of, dechunk, events_of, parse_head

TEXT = "grüße 你好 🎉 end"


def cut(data: bytes, cuts: list[int]) -> list[tuple[float, bytes]]:
    """The bytes in pieces, the n-th at time n."""
    edges = sorted({0, len(data), *(at % (len(data) + 1) for at in cuts)})
    return [(float(n), data[a:b]) for n, (a, b) in enumerate(itertools.pairwise(edges))]


@given(st.lists(st.integers(0, 10_000), max_size=30), st.sampled_from(["\n", "\r\n", "\r"]))
def test_events_do_not_depend_on_where_the_network_cuts(cuts: list[int], end: str) -> None:
    lines = [": keep-alive", "", "event: x", f"data: {TEXT}", "", "data: a", "data: b", "", "data: last"]
    plain = end.join(lines).encode() + end.encode()
    framed = b"".join(chunk(plain[at : at + 7]) for at in range(0, len(plain), 7)) + b"0\r\n\r\n"
    body, whole = dechunk(cut(framed, cuts))
    assert whole
    assert b"".join(data for _, data in body) == plain
    events = [(event.name, event.data.decode()) for event in events_of(body)]
    assert events == [("x", TEXT), ("", "a\nb"), ("", "last")]


def test_an_event_arrives_with_its_last_byte() -> None:
    data = sse({"a": 1})
    (event,) = events_of([(1.0, data[:4]), (2.0, data[4:-2]), (3.0, data[-2:])])
    assert event.arrival == 3.0  # the line's end came in the third piece
    (event,) = events_of([(1.0, data[:4]), (2.0, data[4:-1]), (3.0, data[-1:])])
    assert event.arrival == 2.0


def test_body_without_chunks_is_whole_at_its_length() -> None:
    head = Head(200, {"content-length": "5"})
    assert body_of(head, [(0.0, b"abc")]) == ([(0.0, b"abc")], False)
    assert body_of(head, [(0.0, b"abc"), (1.0, b"de")])[1]
    assert body_of(Head(200, {}), [(0.0, b"abc")])[1]


def test_an_unfinished_chunk_is_not_whole() -> None:
    assert dechunk([(0.0, b"5\r\nabc")]) == ([(0.0, b"abc")], False)
    assert dechunk([(0.0, b"3;name=value\r\nabc\r\n0\r\ntrailer: x\r\n\r\n")]) == ([(0.0, b"abc")], True)


@pytest.mark.parametrize("raw", [b"zz\r\n", b"-1\r\n", b"9" * 40 + b"\r\n", b"1" * 2000])
def test_a_malformed_chunk_size_is_refused(raw: bytes) -> None:
    with pytest.raises(WireError):
        dechunk([(0.0, raw)])


def test_head_skips_interim_responses_and_joins_repeated_headers() -> None:
    raw = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\nA: 1\r\na: 2\r\n\r\nbody"
    found = parse_head(raw)
    assert found
    assert found[0] == Head(200, {"a": "1, 2"})
    assert raw[found[1] :] == b"body"
    assert parse_head(raw[:-10]) is None


@pytest.mark.parametrize("raw", [b"SSH-2.0-x\r\n", b"HTTP/1.1 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nnocolon\r\n\r\n"])
def test_what_is_not_http_is_refused(raw: bytes) -> None:
    with pytest.raises(WireError):
        parse_head(raw)


def test_a_head_without_end_is_refused() -> None:
    with pytest.raises(WireError, match="head"):
        parse_head(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 20_000)
