"""The network side of probe and audit: one request or a burst of them, sent, timed and read.

All replies are decoded after the last stream has ended. Redirects are never followed: prompt and key go to the address
the target names and nowhere else.
"""

import asyncio
import ipaddress
from collections.abc import Callable, Coroutine, Sequence
from time import perf_counter
from typing import Any, TypeVar
from urllib.parse import urlsplit

from tracker.errors import UsageError
from tracker.probe.connection import PATIENCE, Call, Patience, exchange
from tracker.probe.dialects import call_parts, dialect_named
from tracker.probe.keys import Key
from tracker.probe.lag import LagMeter
from tracker.probe.measure import no_lag, read_reply
from tracker.probe.messages import Ask, Dialect
from tracker.probe.reply import Reply
from tracker.probe.targets import Target
from tracker.probe.wire import Exchange
from tracker.settings import USER_AGENT

T = TypeVar("T")
STAGGER_S = 0.008  # streams started together are read together: spread, 256 of them cost no first token its time


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run on uvloop where it is installed (extra `fast`): half the CPU, a third of the timing error."""
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    try:
        import uvloop

        loop_factory = uvloop.new_event_loop
    except ImportError:
        pass
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(main)


def check_url(url: str) -> None:
    """Refuse addresses a key must not travel to: plain http is for this machine only."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.fragment:
        raise UsageError(f"not an endpoint URL: {parts.scheme}://{parts.hostname or ''} (expected https://host/v1)")
    if parts.query:  # a key there would be written wherever the address is
        raise UsageError(f"{parts.scheme}://{parts.hostname}: the address has a query; keys come from --key-env")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise UsageError(f"http://{parts.hostname} would carry the key in the clear: use https")


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def send(
    target: Target,
    ask: Ask,
    key: Key,
    patience: Patience = PATIENCE,
    lag: LagMeter | None = None,
) -> Reply:
    """Send one completion or chat request and read its whole answer: text, tokens, log-probs, timings, outcome.

    Raises only for a caller's mistake (a bad URL or key); whatever the seller does is `Reply.outcome`.
    """
    check_url(target.base_url)
    dialect = dialect_named(target.dialect)
    done = await exchange(_call(target, dialect, ask, key), patience, target.ca_file)
    return read_reply(dialect, ask, done, key, lag.near if lag else no_lag)


def _call(target: Target, dialect: Dialect, ask: Ask, key: Key) -> Call:
    path, body = call_parts(dialect, ask, target.max_tokens_field)
    headers = (("user-agent", USER_AGENT), *dialect.key_headers(key.reveal()))
    return Call(f"{target.base_url.rstrip('/')}/{path}", headers, body)


async def burst(
    target: Target,
    asks: Sequence[Ask],
    key: Key,
    patience: Patience = PATIENCE,
    stagger_s: float = STAGGER_S,
) -> list[Reply]:
    """Send several requests, each started `stagger_s` after the one before, and watch our own lag meanwhile.

    All replies are decoded after the last stream has ended: a decoder would delay the streams still running.
    """
    check_url(target.base_url)
    dialect = dialect_named(target.dialect)
    with LagMeter() as lag:
        begin = perf_counter()

        async def one(number: int, ask: Ask) -> Exchange:
            await asyncio.sleep(max(0.0, begin + number * stagger_s - perf_counter()))
            return await exchange(_call(target, dialect, ask, key), patience, target.ca_file)

        done = await asyncio.gather(*(one(number, ask) for number, ask in enumerate(asks)))
    return [read_reply(dialect, ask, each, key, lag.near) for ask, each in zip(asks, done, strict=True)]
