"""Recorded series of ../shared/corpus, where present: one line per version, {observed_at, body}."""

import io
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import pytest
import zstandard

from scrapers.source import Capture

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"
WINDOW = 2**27
T = TypeVar("T", bound=Callable[..., None])


def marks(name: str) -> tuple[pytest.MarkDecorator, ...]:
    """For a test that reads one file of the corpus: skipped by name where it is missing."""
    reason = f"needs ../shared/corpus/{name}"
    return pytest.mark.needs_shared, pytest.mark.skipif(not (CORPUS / name).exists(), reason=reason)


def needs(name: str) -> Callable[[T], T]:
    """The same as a decorator."""

    def decorated(test: T) -> T:
        for mark in marks(name):
            test = mark(test)
        return test

    return decorated


def read_corpus(name: str) -> bytes:
    """One file, decompressed."""
    path = CORPUS / name
    if path.suffix != ".zst":
        return path.read_bytes()
    with path.open("rb") as file:
        return zstandard.ZstdDecompressor(max_window_size=WINDOW).stream_reader(file).read()


def versions(name: str, every: int = 1) -> Iterator[tuple[str, bytes]]:
    """(observed_at, body) of every n-th version and of the first three."""
    with (CORPUS / name).open("rb") as file:
        plain = zstandard.ZstdDecompressor(max_window_size=WINDOW).stream_reader(file)
        for index, line in enumerate(io.TextIOWrapper(plain, encoding="utf-8")):
            if index % every and index > 2:
                continue
            row = json.loads(line)
            body = row.get("body", row)
            text = body if isinstance(body, str) else json.dumps(body)
            yield row["observed_at"], text.encode("utf-8", "surrogatepass")


def capture(source_id: str, body: bytes, observed_at: str = "2026-01-01", label: str = "") -> Capture:
    moment = datetime.fromisoformat(observed_at.removesuffix("Z"))
    return Capture(source_id, "https://example.org/recorded", body, moment, label, recorder="corpus")
