"""Gemini's `streamGenerateContent`. Reasoning arrives as a part with `thought: true`."""

import json
from typing import Any

from tracker.probe.messages import Ask, CallPart, Delta, Dialect, Json, Usage, count, error_text


def _path(ask: Ask) -> str:
    method = "streamGenerateContent?alt=sse" if ask.stream else "generateContent"
    return f"models/{ask.model}:{method}"


def _body(ask: Ask, _max_tokens_field: str) -> Json:
    body: Json = {
        "contents": [{"role": "user", "parts": [{"text": ask.prompt}]}],
        "generationConfig": {"maxOutputTokens": ask.max_tokens, "temperature": ask.temperature},
    }
    return body | ({"systemInstruction": {"parts": [{"text": ask.system}]}} if ask.system else {})


def _read(event: Json, _name: str) -> Delta:
    if event.get("error"):
        return Delta(error=error_text(event) or "error")
    usage = _usage(event.get("usageMetadata"))
    if blocked := (event.get("promptFeedback") or {}).get("blockReason"):
        return Delta(usage=usage, refusal=str(blocked), is_end=True)
    candidates = event.get("candidates") or []
    if not candidates:
        return Delta(usage=usage)
    candidate = candidates[0]
    parts = (candidate.get("content") or {}).get("parts") or []
    finish = candidate.get("finishReason") or ""
    return Delta(
        text="".join(part.get("text", "") for part in parts if not part.get("thought")),
        reasoning="".join(part.get("text", "") for part in parts if part.get("thought")),
        usage=usage,
        finish=finish,
        refusal=finish if finish in REFUSALS else "",
        is_end=bool(finish),
        has_tool_call=bool(called := [part["functionCall"] for part in parts if "functionCall" in part]),
        calls=tuple(CallPart(None, call.get("name", ""), json.dumps(call.get("args") or {})) for call in called),
    )


def _usage(usage: Any) -> Usage | None:
    """`candidatesTokenCount` leaves thoughts out; the sum is what is billed as output."""
    if not isinstance(usage, dict):
        return None
    visible, thoughts = count(usage.get("candidatesTokenCount")), count(usage.get("thoughtsTokenCount"))
    output = None if visible is None and thoughts is None else (visible or 0) + (thoughts or 0)
    return Usage(count(usage.get("promptTokenCount")), output, thoughts, count(usage.get("cachedContentTokenCount")))


REFUSALS = frozenset(["SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"])


GENERATE = Dialect("gemini", _path, lambda key: (("x-goog-api-key", key),), _body, _read)
