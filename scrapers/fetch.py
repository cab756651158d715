"""The HTTP side of collecting: one identity, https only, robots.txt, conditional requests, caps on size and time.

Also reads `pkg:module/path` requests: a data file of an installed package is a capture like any other.
"""

import asyncio
import ipaddress
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from urllib.parse import urlsplit

import httpx
import protego
from httpx_retries import Retry, RetryTransport

from scrapers.source import Request, Source
from tracker.errors import FetchError
from tracker.settings import USER_AGENT

MAX_BYTES = 64 * 1024 * 1024
PASS_DEADLINE_S = 120.0
TIMEOUT = httpx.Timeout(connect=5.0, read=30.0, write=10.0, pool=30.0)
HOST_PAUSE_S = 0.5
MAX_REDIRECTS = 5


@dataclass(frozen=True, slots=True)
class Response:
    """A body and what is needed to ask for it more cheaply next time."""

    url: str
    body: bytes
    media_type: str = ""
    etag: str = ""
    last_modified: str = ""
    not_modified: bool = False


@dataclass(slots=True)
class Fetcher:
    """One client for all sources of a run. Loopback is allowed only where a test says so."""

    client: httpx.AsyncClient
    allow_loopback: bool = False
    max_bytes: int = MAX_BYTES
    host_pause_s: float = HOST_PAUSE_S
    validators: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # url -> (etag, last-modified)
    _robots: dict[str, protego.Protego | None] = field(default_factory=dict)
    _hosts: dict[str, asyncio.Lock] = field(default_factory=dict)

    async def fetch(self, source: Source, request: Request) -> Response:
        """The whole body of one request; FetchError names the URL and the reason."""
        if request.url.startswith("pkg:"):
            return read_package(request.url)
        host = urlsplit(request.url).netloc
        async with self._hosts.setdefault(host, asyncio.Lock()):
            await self._ask_robots(request.url)
            response = await self._send(source, request)
            await asyncio.sleep(self.host_pause_s)
            return response

    async def _send(self, source: Source, request: Request) -> Response:
        headers = dict(request.headers) | _key_header(source)
        if request.method == "GET" and (known := self.validators.get(request.url)):
            headers |= {
                name: value for name, value in zip(("If-None-Match", "If-Modified-Since"), known, strict=True) if value
            }
        url, method, body = request.url, request.method, request.body
        for _ in range(MAX_REDIRECTS + 1):
            await self._refuse_private(url)
            try:
                async with self.client.stream(method, url, headers=headers, content=body or None) as answer:
                    if not answer.has_redirect_location:
                        return await self._read(request.url, answer)
                    target = answer.next_request
            except httpx.HTTPError as error:
                raise FetchError(f"{url}: {type(error).__name__}: {str(error)[:120] or 'no answer'}") from error
            if target is None:
                break
            if target.url.host != httpx.URL(url).host:
                headers = {name: value for name, value in headers.items() if name.lower() in _PLAIN_HEADERS}
            url, method, body = str(target.url), target.method, target.content if target.method != "GET" else b""
        raise FetchError(f"{request.url}: more than {MAX_REDIRECTS} redirects")

    async def _read(self, url: str, answer: httpx.Response) -> Response:
        if answer.status_code == 304:
            return Response(url, b"", not_modified=True)
        if answer.status_code >= 400:
            raise FetchError(f"{url}: HTTP {answer.status_code}")
        chunks, size = [], 0
        async for chunk in answer.aiter_bytes():
            size += len(chunk)
            if size > self.max_bytes:
                raise FetchError(f"{url}: more than {self.max_bytes // 2**20} MiB")
            chunks.append(chunk)
        head = answer.headers
        kind = head.get("content-type", "").split(";")[0].strip()
        return Response(url, b"".join(chunks), kind, head.get("etag", ""), head.get("last-modified", ""))

    async def _refuse_private(self, url: str) -> None:
        """https to public addresses only: a redirect must not turn the tracker on its own network."""
        parts = urlsplit(url)
        if parts.scheme != "https" and not (self.allow_loopback and parts.scheme == "http"):
            raise FetchError(f"{url}: only https is fetched")
        try:
            found = await asyncio.get_running_loop().getaddrinfo(parts.hostname or "", None, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            raise FetchError(f"{parts.hostname}: name not resolved") from error
        for *_, address in found:
            ip = ipaddress.ip_address(str(address[0]).split("%")[0])
            if not (ip.is_global or (self.allow_loopback and ip.is_loopback)):
                raise FetchError(f"{url}: refuses the private address {ip}")

    async def _ask_robots(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.netloc not in self._robots:
            self._robots[parts.netloc] = await self._read_robots(f"{parts.scheme}://{parts.netloc}/robots.txt")
        rules = self._robots[parts.netloc]
        if rules is not None and not rules.can_fetch(url, USER_AGENT):
            raise FetchError(f"{url}: robots.txt disallows it")

    async def _read_robots(self, url: str) -> protego.Protego | None:
        """Rules, or None where there are none (RFC 9309: a 4xx means no restrictions)."""
        await self._refuse_private(url)
        try:
            answer = await self.client.get(url, follow_redirects=False)
        except httpx.HTTPError as error:
            raise FetchError(f"{url}: {type(error).__name__}") from error
        if answer.status_code >= 500:
            raise FetchError(f"{url}: HTTP {answer.status_code}, so nothing may be fetched now")
        return protego.Protego.parse(answer.text[:500_000]) if answer.status_code == 200 else None


_PLAIN_HEADERS = frozenset(("accept", "content-type", "user-agent"))


def _key_header(source: Source) -> dict[str, str]:
    """The API key, from the environment only, never stored."""
    key = os.environ.get(source.key_env, "") if source.key_env else ""
    if source.key_required and not key:
        raise FetchError(f"{source.id} needs a key: set {source.key_env}")
    if not key:
        return {}
    name, _, template = source.key_header.partition(": ")
    return {name: template.format(key=key)}


def read_package(url: str) -> Response:
    """`pkg:module/path/in/it`: a data file of an installed package."""
    module, _, path = url.removeprefix("pkg:").partition("/")
    try:
        return Response(url, (files(module) / path).read_bytes())
    except (ModuleNotFoundError, OSError) as error:
        raise FetchError(f"{url}: not in this installation ({type(error).__name__})") from error


@asynccontextmanager
async def fetcher(
    allow_loopback: bool = False, validators: Mapping[str, tuple[str, str]] | None = None, pause_s: float = HOST_PAUSE_S
) -> AsyncIterator[Fetcher]:
    """A client with retries that honour Retry-After; closed at the end."""
    transport = RetryTransport(
        transport=httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=40)),
        retry=Retry(total=2, backoff_factor=0.5, max_backoff_wait=10.0),
    )
    agent = {"User-Agent": USER_AGENT}
    async with httpx.AsyncClient(transport=transport, headers=agent, timeout=TIMEOUT) as client:
        yield Fetcher(client, allow_loopback, host_pause_s=pause_s, validators=validators or {})
