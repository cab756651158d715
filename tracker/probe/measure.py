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

from collections.abc import Callable
from dataclasses import replace

from tracker.probe.dialects import read_event
from tracker.probe.keys import NO_KEY, Key
from tracker.probe.messages import Ask, Delta, Dialect, TokenLogprob, Usage
from tracker.probe.outcome import has_token, stream_outcome, transport_outcome, trust
from tracker.probe.reply import Call, Reply, Timing
from tracker.probe.told import told_limits
from tracker.probe.wire import Exchange, WireError, body_of, events_of

BYTES_PER_TOKEN = 4.0


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
    outcome, detail = transport_outcome(exchange)
    if not outcome:
        try:
            deltas, outcome, detail = _deltas(dialect, ask, exchange)
        except WireError as error:
            outcome, detail = "bad_response", str(error)
        if not outcome:
            outcome, detail = stream_outcome(exchange, [delta for _, delta in deltas])
    reply = _figures(ask, exchange, deltas, lag_s)
    if outcome == "ok":
        outcome, detail = trust(ask, reply)
    return _final(reply, outcome, _printable(key.scrub(detail))[:300], key)


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


def _figures(ask: Ask, exchange: Exchange, deltas: list[Timed], lag_s: Callable[[float], float]) -> Reply:
    """Everything countable, whatever the outcome."""
    bearing = [(arrival, delta) for arrival, delta in deltas if has_token(delta)]
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
        limits=told_limits(exchange),
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
