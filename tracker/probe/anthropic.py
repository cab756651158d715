"""Anthropic's Messages. Reasoning arrives as `thinking_delta`."""

import json
from typing import Any

from tracker.probe.messages import NOTHING, Ask, CallPart, Delta, Dialect, Json, Usage, count, error_text


def _headers(key: str) -> tuple[tuple[str, str], ...]:
    return (("x-api-key", key), ("anthropic-version", "2023-06-01"))


def _body(ask: Ask, _max_tokens_field: str) -> Json:
    body: Json = {
        "model": ask.model,
        "max_tokens": ask.max_tokens,
        "temperature": min(ask.temperature, 1.0),  # 1 is the largest it takes
        "messages": [{"role": "user", "content": ask.prompt}],
        "stream": ask.stream,
    }
    return body | ({"system": ask.system} if ask.system else {})


def _read(event: Json, name: str) -> Delta:
    kind = event.get("type") or name
    if kind == "error" or event.get("error"):
        return Delta(error=error_text(event) or "error")
    if kind == "message_start":
        return Delta(usage=_usage(event["message"].get("usage")))
    if kind == "content_block_delta":
        delta = event["delta"]
        return Delta(
            text=delta.get("text", ""),
            reasoning=delta.get("thinking", ""),
            has_tool_call=bool(delta.get("partial_json")),
            calls=(CallPart(event.get("index", 0), "", delta["partial_json"]),) if delta.get("partial_json") else (),
        )
    if kind == "content_block_start" and (begun := event.get("content_block") or {}).get("type") == "tool_use":
        return Delta(calls=(CallPart(event.get("index", 0), begun.get("name", ""), ""),))
    if kind == "message_delta":
        reason = event["delta"].get("stop_reason") or ""
        usage = _usage(event.get("usage"))
        return Delta(usage=usage, finish=reason, refusal="refusal" if reason == "refusal" else "")
    if kind == "message":
        text = "".join(part.get("text", "") for part in event.get("content", ()))
        reason = event.get("stop_reason") or ""
        used = [part for part in event.get("content", ()) if part.get("type") == "tool_use"]
        calls = tuple(CallPart(None, part["name"], json.dumps(part["input"])) for part in used)
        usage = _usage(event.get("usage"))
        return Delta(text=text, usage=usage, finish=reason, is_end=True, has_tool_call=bool(calls), calls=calls)
    return Delta(is_end=True) if kind == "message_stop" else NOTHING


def _usage(usage: Any) -> Usage | None:
    """`input_tokens` leaves cached and newly cached tokens out: they are added back."""
    if not isinstance(usage, dict):
        return None
    fresh, read = count(usage.get("input_tokens")), count(usage.get("cache_read_input_tokens"))
    written = count(usage.get("cache_creation_input_tokens")) or 0
    total = None if fresh is None else fresh + (read or 0) + written
    return Usage(total, count(usage.get("output_tokens")), None, read)


MESSAGES = Dialect("anthropic", lambda _: "messages", _headers, _body, _read)
