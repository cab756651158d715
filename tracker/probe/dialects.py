"""The four ways to ask for a completion and to read its stream: OpenAI chat and completions, Anthropic, Gemini.

A dialect turns an `Ask` into path, headers and body, and one streamed event into a `Delta`. Their words are mapped
here and nowhere else. Reasoning arrives as `reasoning` (OpenRouter, Together, vLLM >= 0.11), `reasoning_content`
(DeepSeek, older vLLM), `thinking_delta` (Anthropic) or a part with `thought: true` (Gemini).
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tracker.errors import UsageError

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """One request for text. `logprobs` is how many alternatives per token; `echo` returns the prompt's own too."""

    model: str
    prompt: str
    max_tokens: int
    temperature: float = 0.0
    system: str = ""
    seed: int | None = None
    logprobs: int = 0
    echo: bool = False
    stream: bool = True
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token, its log-probability (None for an echoed first token) and the alternatives that were returned."""

    token: str
    logprob: float | None
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """The seller's own count. `output_tokens` includes reasoning; unknown parts are None."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None


class CallPart(NamedTuple):
    """A piece of a tool call: its place among the calls (None: a whole call of its own), name and argument text."""

    place: int | None
    name: str
    arguments: str


class Delta(NamedTuple):
    """What one event brought. `usage` is cumulative where a seller sends it more than once."""

    text: str = ""
    reasoning: str = ""
    logprobs: tuple[TokenLogprob, ...] = ()
    usage: Usage | None = None
    finish: str = ""
    refusal: str = ""
    error: str = ""
    is_end: bool = False
    has_tool_call: bool = False
    calls: tuple[CallPart, ...] = ()


_decode = json.JSONDecoder().decode  # json.loads would guess the encoding of each event first
NOTHING = Delta()
NO_USAGE = Usage()


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one API family is spoken."""

    name: str
    path: Callable[[Ask], str]
    key_headers: Callable[[str], tuple[tuple[str, str], ...]]
    body: Callable[[Ask, str], Json]
    read: Callable[[Json, str], Delta]


def call_parts(dialect: Dialect, ask: Ask, max_tokens_field: str) -> tuple[str, bytes]:
    """Path below the base URL and the encoded body."""
    body = dialect.body(ask, max_tokens_field) | dict(ask.extra)
    return dialect.path(ask), json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def dialect_named(name: str) -> Dialect:
    try:
        return DIALECTS[name]
    except KeyError:
        raise UsageError(f"unknown dialect {name!r}: one of {', '.join(DIALECTS)}") from None


def read_event(dialect: Dialect, name: str, data: bytes) -> Delta:
    """One event's content. An unreadable event is an error of the stream, not of ours."""
    if data == b"[DONE]":
        return Delta(is_end=True)
    try:
        event = _decode(data.decode())
    except (ValueError, RecursionError):
        return Delta(error="an event that is not JSON")
    if not isinstance(event, dict):
        return Delta(error="an event that is not a JSON object")
    try:
        delta = dialect.read(event, name)
    except (AttributeError, KeyError, TypeError, IndexError, ValueError):
        return Delta(error="an event of unknown shape")
    return delta if _is_sound(delta) else Delta(error="an event of unknown shape")


def _is_sound(delta: Delta) -> bool:
    """Text where text belongs: a number or an object in its place would surface far from here."""
    texts = (delta.text, delta.reasoning, delta.finish, delta.refusal)
    return all(type(text) is str for text in texts) and all(
        type(part.name) is type(part.arguments) is str and isinstance(part.place, int | None) for part in delta.calls
    )


def error_text(event: Json) -> str:
    """The message of an error object, whatever its shape."""
    error = event.get("error") or event.get("detail") or event.get("message") or ""
    if isinstance(error, dict):
        code = error.get("code") or error.get("type") or error.get("status") or ""
        return f"{code}: {error.get('message', '')}".strip(": ")[:300]
    return str(error)[:300]


# --- OpenAI -----------------------------------------------------------------------------------------------------


def _bearer(key: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {key}"),)


def _openai_common(ask: Ask, max_tokens_field: str) -> Json:
    body: Json = {"model": ask.model, max_tokens_field: ask.max_tokens, "temperature": ask.temperature}
    if ask.seed is not None:
        body["seed"] = ask.seed
    if ask.stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return body


def _chat_body(ask: Ask, max_tokens_field: str) -> Json:
    messages = [{"role": "user", "content": ask.prompt}]
    if ask.system:
        messages.insert(0, {"role": "system", "content": ask.system})
    body = _openai_common(ask, max_tokens_field) | {"messages": messages}
    if ask.logprobs:
        body |= {"logprobs": True, "top_logprobs": ask.logprobs}
    return body


def _completions_body(ask: Ask, _max_tokens_field: str) -> Json:
    body = _openai_common(ask, "max_tokens") | {"prompt": ask.prompt}
    if ask.logprobs:
        body["logprobs"] = ask.logprobs
    if ask.echo:
        body["echo"] = True
    return body


def _read_openai(event: Json, _name: str) -> Delta:
    usage = _openai_usage(event.get("usage"))
    if event.get("error"):
        return Delta(error=error_text(event) or "error", usage=usage)
    choices = event.get("choices") or []
    if not choices:
        return Delta(usage=usage) if usage else NOTHING
    choice = choices[0]
    delta = choice.get("delta") or choice.get("message") or {}
    finish = choice.get("finish_reason") or ""
    if len(delta) == 1 and not finish and not usage and type(text := delta.get("content")) is str:
        return Delta(text, logprobs=_openai_logprobs(choice.get("logprobs")))  # what nearly every event is
    return Delta(
        text=_text(delta.get("content")) or choice.get("text") or "",
        reasoning=delta.get("reasoning_content") or delta.get("reasoning") or "",
        logprobs=_openai_logprobs(choice.get("logprobs")),
        usage=usage,
        finish=finish,
        refusal=delta.get("refusal") or ("content filter" if finish == "content_filter" else ""),
        error="the seller ended the stream with an error" if finish == "error" else "",
        has_tool_call=bool(delta.get("tool_calls")),
        calls=_openai_calls(delta["tool_calls"]) if delta.get("tool_calls") else (),
    )


def _openai_calls(given: list[Json]) -> tuple[CallPart, ...]:
    functions = [(part.get("index", at), part.get("function") or {}) for at, part in enumerate(given)]
    return tuple(CallPart(at, part.get("name") or "", part.get("arguments") or "") for at, part in functions)


def _text(content: Any) -> str:
    """Content is a string, or parts (Mistral sends `[{type: text, text: ...}]`)."""
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content)
    return str(content) if content else ""


def _openai_usage(usage: Any) -> Usage | None:
    if not isinstance(usage, dict):
        return None
    details = usage.get("completion_tokens_details") or {}
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens", usage.get("prompt_cache_hit_tokens"))
    return Usage(
        _count(usage.get("prompt_tokens")),
        _count(usage.get("completion_tokens")),
        _count(details.get("reasoning_tokens", usage.get("reasoning_tokens"))),
        _count(cached),
    )


def _count(value: Any) -> int | None:
    """A token count, or None: a negative, fractional, textual or astronomical count is no count."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else None


def _openai_logprobs(given: Any) -> tuple[TokenLogprob, ...]:
    """Chat: `content[]` of objects. Completions: parallel lists."""
    if not isinstance(given, dict):
        return ()
    if given.get("content"):
        return tuple(
            _token(
                entry["token"],
                entry["logprob"],
                [(option["token"], option["logprob"]) for option in entry.get("top_logprobs") or ()],
            )
            for entry in given["content"]
        )
    tokens, values = given.get("tokens") or [], given.get("token_logprobs") or []
    tops = given.get("top_logprobs") or [None] * len(tokens)
    return tuple(
        _token(token, value, list((top or {}).items())) for token, value, top in zip(tokens, values, tops, strict=True)
    )


def _token(token: Any, value: Any, top: list[tuple[Any, Any]]) -> TokenLogprob:
    """Checked: a name that is no text or a value that is no number is a ValueError."""
    if not all(type(name) is str for name, _ in [(token, value), *top]):
        raise ValueError("a token without a name")
    shown = tuple((name, _logprob(number)) for name, number in top)
    return TokenLogprob(token, None if value is None else _logprob(value), shown)


def _logprob(value: Any) -> float:
    """Minus infinity becomes the -9999 that servers which cannot say it send."""
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        raise ValueError("a log-probability that is no number")
    return max(float(value), -9999.0)


# --- Anthropic --------------------------------------------------------------------------------------------------


def _anthropic_headers(key: str) -> tuple[tuple[str, str], ...]:
    return (("x-api-key", key), ("anthropic-version", "2023-06-01"))


def _anthropic_body(ask: Ask, _max_tokens_field: str) -> Json:
    body: Json = {
        "model": ask.model,
        "max_tokens": ask.max_tokens,
        "temperature": min(ask.temperature, 1.0),  # 1 is the largest it takes
        "messages": [{"role": "user", "content": ask.prompt}],
        "stream": ask.stream,
    }
    return body | ({"system": ask.system} if ask.system else {})


def _read_anthropic(event: Json, name: str) -> Delta:
    kind = event.get("type") or name
    if kind == "error" or event.get("error"):
        return Delta(error=error_text(event) or "error")
    if kind == "message_start":
        return Delta(usage=_anthropic_usage(event["message"].get("usage")))
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
        usage = _anthropic_usage(event.get("usage"))
        return Delta(usage=usage, finish=reason, refusal="refusal" if reason == "refusal" else "")
    if kind == "message":
        text = "".join(part.get("text", "") for part in event.get("content", ()))
        reason = event.get("stop_reason") or ""
        used = [part for part in event.get("content", ()) if part.get("type") == "tool_use"]
        calls = tuple(CallPart(None, part["name"], json.dumps(part["input"])) for part in used)
        usage = _anthropic_usage(event.get("usage"))
        return Delta(text=text, usage=usage, finish=reason, is_end=True, has_tool_call=bool(calls), calls=calls)
    return Delta(is_end=True) if kind == "message_stop" else NOTHING


def _anthropic_usage(usage: Any) -> Usage | None:
    """`input_tokens` leaves cached and newly cached tokens out: they are added back."""
    if not isinstance(usage, dict):
        return None
    fresh, read = _count(usage.get("input_tokens")), _count(usage.get("cache_read_input_tokens"))
    written = _count(usage.get("cache_creation_input_tokens")) or 0
    total = None if fresh is None else fresh + (read or 0) + written
    return Usage(total, _count(usage.get("output_tokens")), None, read)


# --- Gemini -----------------------------------------------------------------------------------------------------


def _gemini_path(ask: Ask) -> str:
    method = "streamGenerateContent?alt=sse" if ask.stream else "generateContent"
    return f"models/{ask.model}:{method}"


def _gemini_body(ask: Ask, _max_tokens_field: str) -> Json:
    body: Json = {
        "contents": [{"role": "user", "parts": [{"text": ask.prompt}]}],
        "generationConfig": {"maxOutputTokens": ask.max_tokens, "temperature": ask.temperature},
    }
    return body | ({"systemInstruction": {"parts": [{"text": ask.system}]}} if ask.system else {})


def _read_gemini(event: Json, _name: str) -> Delta:
    if event.get("error"):
        return Delta(error=error_text(event) or "error")
    usage = _gemini_usage(event.get("usageMetadata"))
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
        refusal=finish if finish in GEMINI_REFUSALS else "",
        is_end=bool(finish),
        has_tool_call=bool(called := [part["functionCall"] for part in parts if "functionCall" in part]),
        calls=tuple(CallPart(None, call.get("name", ""), json.dumps(call.get("args") or {})) for call in called),
    )


def _gemini_usage(usage: Any) -> Usage | None:
    """`candidatesTokenCount` leaves thoughts out; the sum is what is billed as output."""
    if not isinstance(usage, dict):
        return None
    visible, thoughts = _count(usage.get("candidatesTokenCount")), _count(usage.get("thoughtsTokenCount"))
    output = None if visible is None and thoughts is None else (visible or 0) + (thoughts or 0)
    return Usage(_count(usage.get("promptTokenCount")), output, thoughts, _count(usage.get("cachedContentTokenCount")))


GEMINI_REFUSALS = frozenset(["SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"])
DIALECTS = {
    dialect.name: dialect
    for dialect in (
        Dialect("openai_chat", lambda _: "chat/completions", _bearer, _chat_body, _read_openai),
        Dialect("openai_completions", lambda _: "completions", _bearer, _completions_body, _read_openai),
        Dialect("anthropic", lambda _: "messages", _anthropic_headers, _anthropic_body, _read_anthropic),
        Dialect("gemini", _gemini_path, lambda key: (("x-goog-api-key", key),), _gemini_body, _read_gemini),
    )
}
