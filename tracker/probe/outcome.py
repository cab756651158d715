"""How a request ended, by name (`reply.OUTCOMES`), and when no figure of it may be recorded. Pure."""

import json

from tracker.probe.messages import Ask, Delta, error_text
from tracker.probe.reply import Reply
from tracker.probe.wire import Exchange, WireError, body_of

LAG_FLOOR_MS = 7.0  # 12 ms is the first-token error this probe promises; a beat of 5 ms may hide as much more
LAG_SHARE_TTFT = 0.025
LAG_FLOOR_ITL_MS = 2.0
LAG_SHARE_ITL = 0.01  # likewise for the time per token


def transport_outcome(exchange: Exchange) -> tuple[str, str]:
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


def stream_outcome(exchange: Exchange, deltas: list[Delta]) -> tuple[str, str]:
    if error := next((delta.error for delta in deltas if delta.error), ""):
        return "error_event", error
    if refusal := next((delta.refusal for delta in deltas if delta.refusal), ""):
        return "refused", refusal
    if not any(delta.is_end or delta.finish for delta in deltas):
        if exchange.ending in ("complete", "closed"):
            return "cut_off", exchange.detail or "no end mark"
        return exchange.ending, exchange.detail
    if not any(has_token(delta) for delta in deltas):
        return "empty", ""
    return "ok", ""


def trust(ask: Ask, reply: Reply) -> tuple[str, str]:
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


def has_token(delta: Delta) -> bool:
    return bool(delta.text or delta.reasoning or delta.has_tool_call)
