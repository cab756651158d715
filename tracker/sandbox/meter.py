"""Refusals, and the rate limits of a host: requests and tokens of the last minute, requests at once."""

import math
from collections import deque
from time import monotonic

from tracker.sandbox.hosts import Host


class Refusal(Exception):
    """An error answer: status, type, message and extra headers."""

    def __init__(self, status: int, kind: str, message: str, *headers: tuple[str, str]) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers
        self.body = {"error": {"type": kind, "code": kind, "message": message}}


class Meter:
    """The limits of one host over the last minute."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._seen: deque[tuple[float, int]] = deque()

    def admit(self, tokens: int, inside: int) -> tuple[tuple[str, str], ...]:
        """Count one request, or refuse it; the headers that tell what is left."""
        host, now = self._host, monotonic()
        while self._seen and self._seen[0][0] <= now - 60:
            self._seen.popleft()
        used = sum(count for _, count in self._seen)
        if host.requests_per_minute is not None and len(self._seen) >= host.requests_per_minute:
            raise self._limited("requests", now)
        if host.tokens_per_minute is not None and used + tokens > host.tokens_per_minute:
            raise self._limited("tokens", now)
        if host.max_concurrency is not None and inside >= host.max_concurrency:
            raise Refusal(429, "rate_limit_exceeded", "too many requests at once", ("retry-after", "1"))
        self._seen.append((now, tokens))
        return self.headers()

    def headers(self) -> tuple[tuple[str, str], ...]:
        host, used = self._host, sum(count for _, count in self._seen)
        made: list[tuple[str, str]] = []
        for name, limit, taken in (
            ("requests", host.requests_per_minute, len(self._seen)),
            ("tokens", host.tokens_per_minute, used),
        ):
            if limit is not None:
                made.append((f"x-ratelimit-limit-{name}", str(limit)))
                made.append((f"x-ratelimit-remaining-{name}", str(max(0, limit - taken))))
        return tuple(made)

    def _limited(self, what: str, now: float) -> Refusal:
        wait = math.ceil(60 - (now - self._seen[0][0])) if self._seen else 60
        return Refusal(429, "rate_limit_exceeded", f"{what} per minute", ("retry-after", str(wait)), *self.headers())
