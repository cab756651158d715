"""Pages with bytes lost, doubled, swapped or invented: a parser may read less or fail in its own tree, never crash."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scrapers.source import further_requests, source_modules
from tests.scrapers.golden_pages import capture_of, pages, source_id_of
from tracker.errors import TrackerError

MODULES = source_modules()
PAGES = pages()
SIZE_LIMIT = 60_000
PARSE_LIMIT_S = 2.0
SPICE = [
    b"<table>", b"</table>", b"<td", b"<tr>", b'rowspan="999"', b'colspan="9999"', b"|", b"| --- |", b"$",
    b"\xef\xbf\xa5", b"\x00", b"\xff\xfe", b"~~", b"[", b"{", b'"', b"0" * 400, b"9" * 400, b"-" * 200, b"NaN",
    b"1e999", b"<Tab title=\"", b"\\", b"&#x110000;", b"\xe2\x80\x8b", b"null", b"<!--", b"<DocTable columns={[",
    b"(" * 300,
]  # fmt: skip
edits = st.lists(
    st.tuples(
        st.sampled_from(["cut", "double", "swap", "insert", "flip"]),
        st.floats(0, 1),
        st.floats(0, 0.2),
        st.sampled_from(SPICE),
    ),
    min_size=1,
    max_size=6,
)


def edited(body: bytes, changes: list[tuple[str, float, float, bytes]]) -> bytes:
    for kind, at, length, spice in changes:
        start = int(at * len(body))
        end = min(len(body), start + 1 + int(length * len(body)))
        piece = body[start:end]
        new = {
            "cut": b"",
            "double": piece * 2,
            "swap": piece[::-1],
            "insert": spice + piece,
            "flip": bytes(byte ^ 0x20 for byte in piece[:40]) + piece[40:],
        }[kind]
        body = body[:start] + new + body[end:]
    return body[: 4 * SIZE_LIMIT]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(changes=edits)
def test_broken_pages_end_in_records_or_in_a_named_error(
    page: Path, changes: list[tuple[str, float, float, bytes]]
) -> None:
    module = MODULES[source_id_of(page)]
    body = edited(page.read_bytes()[:SIZE_LIMIT], changes)
    capture = replace(capture_of(page), body=body)
    started = time.monotonic()
    try:
        list(module.parse(capture))
        further_requests(module, capture)
    except TrackerError as error:
        assert "\n" not in str(error)
    assert time.monotonic() - started < PARSE_LIMIT_S
