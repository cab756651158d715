"""A small source of our own and a real HTTP server for it: the shop whose shelves the tests rearrange."""

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from scrapers.source import Capture, Request, Source, anchor
from tracker.errors import ParseError
from tracker.records import Notice, Offer, Quote, Record
from tracker.units import PER_TOKEN, amount_of


def source(source_id: str, url: str, **changes: Any) -> Source:
    """A source in USD per token whose anchor is `anchor-model` at 1 to 3 USD per million."""
    given: dict[str, Any] = {
        "id": source_id,
        "title": source_id,
        "kind": "host",
        "requests": (Request(url),),
        "every_hours": 1,
        "currency": "USD",
        "unit": "USD per token",
        "min_rows": 2,
        "terms": "ours",
        "proof": "recorded",
        "proof_url": "https://example.org",
        "provider": source_id,
        "anchors": (anchor("anchor-model", "input", "1", "3"),),
    }
    return Source(**(given | changes))


def parse(capture: Capture) -> Iterator[Record]:
    """[{"id", "in", "out"}] in USD per token; rows that are no prices become notices."""
    try:
        rows = json.loads(capture.body)
    except (ValueError, RecursionError) as error:
        raise ParseError(f"{capture.source_id}: not JSON") from error
    if not isinstance(rows, list):
        raise ParseError(f"{capture.source_id}: not a list")
    for index, row in enumerate(rows):
        for field_name, component in (("in", "input"), ("out", "output")):
            if field_name not in row:
                raise ParseError(f"{capture.source_id}: no column {field_name!r}")
            try:
                amount = amount_of(row[field_name], PER_TOKEN)
            except ParseError as error:
                yield Notice("bad_row", str(error), f"/{index}")
                continue
            offer = Offer(row.get("by", capture.source_id), row["id"])
            yield Quote(
                offer, component, amount, "USD", "known" if amount else "zero_claimed", raw=str(row[field_name]),
                locator=f"/{index}/{field_name}",
            )  # fmt: skip


def stock(**prices: tuple[str, str]) -> bytes:
    """A shelf as JSON: anchor-model is always there; `model=(in, out)` in USD per million."""
    shelf = {"anchor-model": ("2", "4")} | {name.replace("_", "-"): pair for name, pair in prices.items()}
    return json.dumps(
        [
            {"id": name, "in": f"{float(a) / 1e6:.12g}", "out": f"{float(b) / 1e6:.12g}"}
            for name, (a, b) in shelf.items()
        ]
    ).encode()


Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Shop:
    """What each path of the server answers, changed at will by a test."""

    port: int = 0
    shelves: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}"

    def put(self, path: str, body: bytes, **headers: str) -> None:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            etag = headers.get("ETag")
            if etag and handler.headers.get("If-None-Match") == etag:
                handler.send_response(304)
                handler.end_headers()
                return
            handler.send_response(200)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                handler.send_header(name.replace("_", "-"), value)
            handler.end_headers()
            handler.wfile.write(body)

        self.shelves[path] = answer

    def status(self, path: str, code: int, **headers: str) -> None:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(code)
            for name, value in ({"Content-Length": "0"} | headers).items():
                handler.send_header(name.replace("_", "-"), value)
            handler.end_headers()

        self.shelves[path] = answer

    def endless(self, path: str, megabytes: int) -> None:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(200)
            handler.end_headers()
            for _ in range(megabytes):
                handler.wfile.write(b"[" * 2**20)

        self.shelves[path] = answer

    def torn_gzip(self, path: str, body: bytes) -> None:
        packed = gzip.compress(body)
        self.put(path, packed[: len(packed) // 2], Content_Encoding="gzip")


@contextmanager
def open_shop() -> Iterator[Shop]:
    """A server on a free loopback port, stopped at the end."""
    shop = Shop()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shop.asked.append((self.path.lstrip("/"), dict(self.headers)))
            answer = shop.shelves.get(self.path.lstrip("/"))
            try:
                if answer:
                    answer(self)
                else:
                    self.send_error(404)
            except (BrokenPipeError, ConnectionResetError):
                pass

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    shop.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield shop
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def register(monkeypatch: pytest.MonkeyPatch, *sources: Source) -> None:
    """Make these the only sources there are."""
    modules = {given.id: SimpleNamespace(SOURCE=given, parse=parse) for given in sources}
    for place in ("tracker.collect.run", "tracker.reference", "tracker.backfill.telling"):
        if place != "tracker.backfill.telling":
            monkeypatch.setattr(f"{place}.source_modules", lambda: modules)
        if place != "tracker.reference":
            monkeypatch.setattr(f"{place}.source_module", lambda source_id: modules[source_id])
