"""From timed bytes to a measurement: what each figure means, and when none may be recorded. Pure.

Zero of all times: the moment the request's last byte went to the kernel on an open connection. DNS, TCP connect and
the TLS handshake are measured apart and are in none of the figures below.

- `ttft_ms`: to the first token of any kind: text, reasoning or a tool call. A chunk with only a role is no token.
- `ttft_content_ms`: to the first visible text.
- `itl_ms`: (arrival of the last token chunk - arrival of the first) / (streamed tokens - tokens of the first chunk).
  Exact for chunks of many tokens, where dividing by n - 1 is not (https://artificialanalysis.ai/methodology).
- `output_tok_s`: streamed tokens / time to the last token, the first wait included.
- `e2e_ms`: to the end of the answer.

Tokens come from the seller's `usage`; the number of chunks and a local estimate (UTF-8 bytes / 4) are kept beside it,
and a `usage` that the text contradicts makes the outcome `usage_disputed`. Hidden reasoning (counted, not streamed)
is left out of `itl_ms` and `output_tok_s`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tracker.probe.dialects import NO_USAGE, Ask, Delta, Dialect, TokenLogprob, Usage, error_text, read_event
from tracker.probe.keys import NO_KEY, Key
from tracker.probe.wire import Exchange, WireError, body_of, events_of

OUTCOMES = {
    "ok": "a whole answer, measured",
    "rate_limited": "HTTP 429",
    "denied": "HTTP 401 or 403: the key does not open this offer",
    "http_error": "another HTTP error",
    "redirect_refused": "a redirect: prompt and key are sent nowhere but to the target itself",
    "error_event": "an error inside an HTTP 200",
    "refused": "the model or a filter refused",
    "empty": "finished without a single token",
    "cut_off": "ended before its end mark",
    "stalled": "fell silent",
    "deadline": "not finished in the time allowed",
    "too_large": "more bytes than allowed",
    "bad_response": "not HTTP, not a stream of events, not JSON",
    "usage_disputed": "the token counts claimed cannot belong to the text received",
    "distorted": "our own scheduling lag would have shown in the figures",
    "dns_error": "the name does not resolve",
    "connect_error": "no connection",
    "connect_timeout": "no connection in the time allowed",
    "tls_error": "the TLS handshake failed",
    "cancelled": "stopped by us",
}
BYTES_PER_TOKEN = 4.0
LAG_FLOOR_MS = 7.0  # 12 ms is the first-token error this probe promises; a beat of 5 ms may hide as much more
LAG_SHARE_TTFT = 0.025
LAG_FLOOR_ITL_MS = 2.0
LAG_SHARE_ITL = 0.01  # likewise for the time per token
QUOTA_BYTES = 64 * 1024
KEPT_HEADERS = ("x-ratelimit-", "anthropic-ratelimit-", "ratelimit", "retry-after", "x-tracker-sandbox")


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds; None where the part did not happen or may not be recorded."""

    dns_ms: float | None = None
    connect_ms: float | None = None
    tls_ms: float | None = None
    ttft_ms: float | None = None
    ttft_content_ms: float | None = None
    itl_ms: float | None = None
    output_tok_s: float | None = None
    e2e_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call, whole: the function's name and its arguments, still as the text that came."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Reply:
    """One answered (or failed) request. `outcome` is a key of OUTCOMES; only `ok` carries speeds."""

    outcome: str
    detail: str = ""
    status: int | None = None
    limits: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    reasoning: str = ""
    logprobs: tuple[TokenLogprob, ...] = ()
    finish: str = ""
    usage: Usage = NO_USAGE
    timing: Timing = Timing()
    chunks: int = 0
    streamed_tokens: int | None = None  # tokens that arrived as text, and where the number is from
    token_source: str = ""
    first_chunk_tokens: int | None = None
    estimated_tokens: int = 0
    lag_ms: float = 0.0  # our own lateness in sending and at the first token, and below at the last
    last_lag_ms: float = 0.0
    sent: float | None = None  # perf_counter: to join the streams of one burst
    last: float | None = None
    is_sandbox: bool = False
    calls: tuple[Call, ...] = ()


Timed = tuple[float, Delta]


def no_lag(_moment: float) -> float:
    """For clients that do not watch their own loop."""
    return 0.0


def read_reply(
    dialect: Dialect,
    ask: Ask,
    exchange: Exchange,
    key: Key = NO_KEY,
    lag_s: Callable[[float], float] = no_lag,
) -> Reply:
    """The one way from an exchange to a reply. `lag_s(t)`: our loop's lateness around that moment."""
    deltas: list[Timed] = []
    outcome, detail = _transport_outcome(exchange)
    if not outcome:
        try:
            deltas, outcome, detail = _deltas(dialect, ask, exchange)
        except WireError as error:
            outcome, detail = "bad_response", str(error)
        if not outcome:
            outcome, detail = _stream_outcome(exchange, [delta for _, delta in deltas])
    reply = _figures(ask, exchange, deltas, lag_s)
    if outcome == "ok":
        outcome, detail = _trust(ask, reply)
    return _final(reply, outcome, _printable(key.scrub(detail))[:300], key)


def _transport_outcome(exchange: Exchange) -> tuple[str, str]:
    """Outcomes that need no look into the body; ("", "") when the body decides."""
    if exchange.head is None:
        ending = exchange.ending
        return (
            ("cut_off", "closed without an answer") if ending in ("closed", "complete") else (ending, exchange.detail)
        )
    status = exchange.head.status
    if 300 <= status < 400:
        return "redirect_refused", f"HTTP {status} to {exchange.head.headers.get('location', 'nowhere')}"
    if status != 200:
        outcome = {429: "rate_limited", 401: "denied", 403: "denied"}.get(status, "http_error")
        return outcome, f"HTTP {status}: {_error_body(exchange)}"
    if exchange.head.headers.get("content-encoding", "identity") != "identity":
        return "bad_response", "compressed although not asked for"
    return "", ""


def _error_body(exchange: Exchange) -> str:
    assert exchange.head
    try:
        body, _ = body_of(exchange.head, exchange.pieces)
    except WireError:
        return "unreadable"
    raw = b"".join(data for _, data in body)[:4000]
    try:
        parsed = json.loads(raw)
    except (ValueError, RecursionError):
        parsed = None
    text = error_text(parsed) if isinstance(parsed, dict) else ""
    return " ".join((text or raw.decode("utf-8", "replace")).split())[:200]


def _limits(exchange: Exchange) -> dict[str, str]:
    """Rate-limit headers, and of a 429's body the quotas it names (Gemini), each as `quota:<quotaId>` in JSON."""
    if exchange.head is None:
        return {}
    told = {name: value for name, value in exchange.head.headers.items() if name.startswith(KEPT_HEADERS)}
    if exchange.head.status == 429:
        told |= {f"quota:{each['quotaId']}": json.dumps(each, sort_keys=True) for each in _quotas(exchange)[:8]}
    return told


def _quotas(exchange: Exchange) -> list[dict[str, Any]]:
    """`error.details[].violations[]` with the fields that say which limit; none where the body has another shape."""
    assert exchange.head
    try:
        body = json.loads(b"".join(data for _, data in body_of(exchange.head, exchange.pieces)[0])[:QUOTA_BYTES])
        errors = [each["error"] for each in (body if isinstance(body, list) else [body])]
        found = [each for error in errors for detail in error["details"] for each in detail.get("violations", ())]
        return [_quota(each) for each in found if each.get("quotaId")]
    except (WireError, ValueError, RecursionError, AttributeError, KeyError, TypeError):
        return []


def _quota(violation: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: str(violation.get(name, ""))[:100] for name in ("quotaId", "quotaMetric", "quotaValue")}
    model = (violation.get("quotaDimensions") or {}).get("model", "")
    return plain | {"quotaDimensions": {"model": str(model)[:100]}}


def _deltas(dialect: Dialect, ask: Ask, exchange: Exchange) -> tuple[list[Timed], str, str]:
    """The events read, or a named outcome when the body is no stream of events."""
    assert exchange.head
    body, _ = body_of(exchange.head, exchange.pieces)
    kind = exchange.head.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == "text/event-stream":
        return [(e.arrival, read_event(dialect, e.name, e.data)) for e in events_of(body)], "", ""
    if kind.endswith("json"):
        if exchange.ending not in ("complete", "closed"):
            return [], exchange.ending, exchange.detail
        arrival = body[-1][0] if body else 0.0
        delta = read_event(dialect, "", b"".join(data for _, data in body))
        if ask.stream and not delta.error:
            return [], "bad_response", "one JSON object instead of a stream"
        return [(arrival, delta)], "", ""
    return [], "bad_response", f"content type {kind or 'missing'}"


def _stream_outcome(exchange: Exchange, deltas: list[Delta]) -> tuple[str, str]:
    if error := next((delta.error for delta in deltas if delta.error), ""):
        return "error_event", error
    if refusal := next((delta.refusal for delta in deltas if delta.refusal), ""):
        return "refused", refusal
    if not any(delta.is_end or delta.finish for delta in deltas):
        if exchange.ending in ("complete", "closed"):
            return "cut_off", exchange.detail or "no end mark"
        return exchange.ending, exchange.detail
    if not any(_has_token(delta) for delta in deltas):
        return "empty", ""
    return "ok", ""


def _has_token(delta: Delta) -> bool:
    return bool(delta.text or delta.reasoning or delta.has_tool_call)


def _figures(ask: Ask, exchange: Exchange, deltas: list[Timed], lag_s: Callable[[float], float]) -> Reply:
    """Everything countable, whatever the outcome."""
    bearing = [(arrival, delta) for arrival, delta in deltas if _has_token(delta)]
    usage = _last_usage(deltas)
    text = _whole("".join(delta.text for _, delta in bearing))
    reasoning = _whole("".join(delta.reasoning for _, delta in bearing))
    logprobs = tuple(entry for _, delta in deltas for entry in delta.logprobs)
    size = len(text.encode()) + len(reasoning.encode())
    estimate = max(1, round(size / BYTES_PER_TOKEN)) if bearing else 0
    streamed, source = _streamed_tokens(ask, usage, reasoning, logprobs, estimate)
    first = _first_chunk_tokens(bearing, streamed, size) if bearing else None
    head = exchange.head
    return Reply(
        outcome="",
        status=head.status if head else None,
        limits=_limits(exchange),
        text=text,
        reasoning=reasoning,
        logprobs=logprobs,
        finish=next((delta.finish for _, delta in reversed(deltas) if delta.finish), ""),
        usage=usage,
        timing=_timing(exchange, deltas, bearing, streamed, first),
        chunks=len(bearing),
        streamed_tokens=streamed if bearing else None,
        token_source=source if bearing else "",
        first_chunk_tokens=first,
        estimated_tokens=estimate,
        lag_ms=1000 * (lag_s(bearing[0][0]) + exchange.sent_within_s) if bearing else 0.0,
        last_lag_ms=1000 * lag_s(bearing[-1][0]) if bearing else 0.0,
        sent=exchange.sent,
        last=bearing[-1][0] if bearing else None,
        is_sandbox=bool(head and "x-tracker-sandbox" in head.headers),
        calls=_calls([delta for _, delta in deltas]),
    )


def _calls(deltas: list[Delta]) -> tuple[Call, ...]:
    """The calls put together from their pieces, in the order they began."""
    begun: dict[int | str, tuple[str, str]] = {}
    for part in (part for delta in deltas for part in delta.calls):
        place = f"whole {len(begun)}" if part.place is None else part.place
        name, arguments = begun.get(place, ("", ""))
        begun[place] = name or part.name, arguments + part.arguments
    return tuple(Call(name, arguments) for name, arguments in begun.values())


def _last_usage(deltas: list[Timed]) -> Usage:
    """The latest value of each count: sellers send it once, at both ends, or with every chunk."""
    counts: dict[str, int | None] = {}
    for _, delta in deltas:
        if delta.usage:
            for name in Usage.__slots__:
                value = getattr(delta.usage, name)
                counts[name] = counts.get(name) if value is None else value
    return Usage(**counts)


def _streamed_tokens(
    ask: Ask, usage: Usage, reasoning: str, logprobs: tuple[TokenLogprob, ...], estimate: int
) -> tuple[int, str]:
    """How many tokens arrived as text, and who says so: usage, else log-probabilities, else the estimate."""
    if usage.output_tokens is not None:
        hidden = 0 if reasoning else (usage.reasoning_tokens or 0)
        return max(0, usage.output_tokens - hidden), "usage"
    return (len(logprobs), "logprobs") if logprobs and not ask.echo else (estimate, "estimate")


def _first_chunk_tokens(bearing: list[Timed], streamed: int, size: int) -> int:
    """Counted where the seller counts per chunk; one where chunks are tokens; else its share of the bytes."""
    delta = bearing[0][1]
    if delta.usage and delta.usage.output_tokens:
        return max(1, delta.usage.output_tokens - (0 if delta.reasoning else delta.usage.reasoning_tokens or 0))
    if delta.logprobs:
        return len(delta.logprobs)
    if len(bearing) >= 0.9 * streamed or not size:
        return 1
    return max(1, round(streamed * len(_whole(delta.text + delta.reasoning).encode()) / size))


def _timing(exchange: Exchange, deltas: list[Timed], bearing: list[Timed], streamed: int, first: int | None) -> Timing:
    sent = exchange.sent
    opened = (_ms(exchange.dns_s), _ms(exchange.connect_s), _ms(exchange.tls_s))
    if sent is None or not bearing or first is None:
        return Timing(*opened)
    begin, last = bearing[0][0], bearing[-1][0]
    visible = next((arrival for arrival, delta in bearing if delta.text), None)
    later = streamed - first
    return Timing(
        *opened,
        ttft_ms=1000 * (begin - sent),
        ttft_content_ms=None if visible is None else 1000 * (visible - sent),
        itl_ms=1000 * (last - begin) / later if later > 0 and last > begin else None,
        output_tok_s=streamed / (last - sent) if last > sent else None,
        e2e_ms=1000 * (deltas[-1][0] - sent),
    )


def _printable(text: str) -> str:
    """Without control characters: a seller's words end on a terminal."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _whole(text: str) -> str:
    """Halves of a character that came in two events put together; a half that stayed alone becomes U+FFFD."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else 1000 * seconds


def _trust(ask: Ask, reply: Reply) -> tuple[str, str]:
    """May this be recorded as a success? Not with impossible counts, and not when we ourselves were late."""
    if dispute := _usage_dispute(ask, reply):
        return "usage_disputed", dispute
    timing = reply.timing
    allowed = max(LAG_FLOOR_MS, LAG_SHARE_TTFT * (timing.ttft_ms or 0.0))
    if reply.lag_ms > allowed:
        return "distorted", f"own lag of {reply.lag_ms:.0f} ms at the first token ({allowed:.0f} allowed)"
    span_ms = (timing.itl_ms or 0.0) * ((reply.streamed_tokens or 0) - (reply.first_chunk_tokens or 0))
    lag_ms = reply.lag_ms + reply.last_lag_ms
    if span_ms and lag_ms > max(LAG_FLOOR_ITL_MS, LAG_SHARE_ITL * span_ms):
        return "distorted", f"own lag of {lag_ms:.0f} ms over {span_ms:.0f} ms of tokens"
    return "ok", ""


def _usage_dispute(ask: Ask, reply: Reply) -> str:
    """Every token is at least one byte; a chunk is at least half a token; 16 bytes a token is no language."""
    usage, size = reply.usage, len(reply.text.encode()) + len(reply.reasoning.encode())
    if usage.output_tokens is not None and reply.streamed_tokens is not None and size:
        counted = reply.streamed_tokens
        if counted > size + 8:
            return f"{counted} output tokens claimed for {size} bytes"
        if reply.chunks >= 8 and counted < reply.chunks / 2:
            return f"{counted} output tokens claimed for {reply.chunks} chunks"
        if size > 256 and counted < size / 16:
            return f"{counted} output tokens claimed for {size} bytes"
    asked = len(ask.prompt.encode()) + len(ask.system.encode())
    if usage.input_tokens is not None and usage.input_tokens > asked + 2048:
        return f"{usage.input_tokens} input tokens claimed for {asked} bytes"
    if usage.input_tokens is not None and asked > 400 and usage.input_tokens < asked / 16:
        return f"{usage.input_tokens} input tokens claimed for {asked} bytes"
    return ""


def _final(reply: Reply, outcome: str, detail: str, key: Key) -> Reply:
    """The finished reply: no key in it, and no speed on anything but a success."""
    timing = reply.timing
    if outcome != "ok":
        timing = Timing(timing.dns_ms, timing.connect_ms, timing.tls_ms)
    return replace(
        reply,
        outcome=outcome,
        detail=detail,
        limits={key.scrub(name): key.scrub(value)[:600] for name, value in reply.limits.items()},
        text=key.scrub(reply.text),
        reasoning=key.scrub(reply.reasoning),
        finish=key.scrub(reply.finish)[:40],
        calls=tuple(Call(key.scrub(_whole(call.name)), key.scrub(_whole(call.arguments))) for call in reply.calls),
        timing=timing,
    )
