"""The servers of `bench.soak`: prices that move and answers that fail, in a process of their own."""

import contextlib
import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from multiprocessing.connection import Connection

from tests.shop import Shop, open_shop, stock

OFFERS = 50
HOSTS = 10
DEADLINE_S = 1.0
FAULTS = ("500", "hang", "torn", "wrong page")


@dataclass
class Market:
    """What the server shows of one source, and what it does wrong."""

    name: str
    faults: float
    prices: dict[str, float] = field(default_factory=lambda: {f"m{i}": 1.0 for i in range(OFFERS)})
    shown: dict[str, float] = field(default_factory=dict)
    asked: int = 0
    changes: int = 0
    faulty: Counter[str] = field(default_factory=Counter)

    def answer(self) -> Callable[[BaseHTTPRequestHandler], None]:
        def handle(handler: BaseHTTPRequestHandler) -> None:
            self.asked += 1
            dice = random.Random(f"{self.name}{self.asked}")
            if dice.random() < self.faults:
                fault = dice.choice(FAULTS)
                self.faulty[fault] += 1
                return self._fail(fault, handler)
            for _ in range(dice.random() < 0.1):
                self.prices[f"m{dice.randrange(OFFERS)}"] = round(dice.uniform(0.95, 1.04), 3)
            self.changes += 2 * sum(self.shown.get(name) != price for name, price in self.prices.items())
            self.shown = dict(self.prices)
            self._send(handler, 200, self.body())

        return handle

    def body(self) -> bytes:
        return stock(**{name: (f"{price}", f"{2 * price}") for name, price in self.prices.items()})

    def _fail(self, fault: str, handler: BaseHTTPRequestHandler) -> None:
        if fault == "500":
            self._send(handler, 500, b"")
        elif fault == "hang":
            time.sleep(DEADLINE_S + 0.3)
        elif fault == "torn":
            self._send(handler, 200, self.body(), torn=True)
        else:
            self._send(handler, 200, b"<html>Please sign in</html>")

    @staticmethod
    def _send(handler: BaseHTTPRequestHandler, code: int, body: bytes, torn: bool = False) -> None:
        handler.send_response(code)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[: len(body) // 2] if torn else body)


@dataclass(frozen=True, slots=True)
class Stalls:
    """The running servers: where each source is, and what they did up to now."""

    urls: dict[str, str]
    pipe: Connection

    def told(self) -> tuple[Counter[str], int]:
        """Faults by kind; prices shown for the first time or after a change, `anchor-model` included."""
        self.pipe.send("told")
        faulty, changes = self.pipe.recv()
        return faulty, changes


@contextlib.contextmanager
def open_market(sources: int, faults: float) -> Iterator[Stalls]:
    """Sources `s0`, `s1` ... on ten servers; the process ends with the context."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, sources, faults), daemon=True)
    process.start()
    try:
        yield Stalls(ours.recv(), ours)
    finally:
        ours.send("stop")
        process.join(10)


def _serve(pipe: Connection, sources: int, faults: float) -> None:
    markets = [Market(f"s{index}", faults) for index in range(sources)]
    with contextlib.ExitStack() as stack:
        shops: list[Shop] = [
            stack.enter_context(open_shop()) for _ in range(HOSTS)
        ]  # a host is asked one thing at a time
        urls = {}
        for index, market in enumerate(markets):
            shop = shops[index % HOSTS]
            shop.shelves[market.name] = market.answer()
            urls[market.name] = shop.url(market.name)
        pipe.send(urls)
        while pipe.recv() != "stop":
            faulty: Counter[str] = sum((market.faulty for market in markets), Counter())
            pipe.send((faulty, sum(market.changes for market in markets) + 2 * len(markets)))
