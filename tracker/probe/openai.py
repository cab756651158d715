"""OpenAI's chat and completions, as some sixty sellers speak them.

Reasoning arrives as `reasoning` (OpenRouter, Together, vLLM >= 0.11) or `reasoning_content` (DeepSeek, older vLLM).
"""

import math
from typing import Any

from tracker.probe.messages import NOTHING, Ask, CallPart, Delta, Dialect, Json, TokenLogprob, Usage, count, error_text


def _bearer(key: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {key}"),)


def _common(ask: Ask, max_tokens_field: str) -> Json:
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
    body = _common(ask, max_tokens_field) | {"messages": messages}
    if ask.logprobs:
        body |= {"logprobs": True, "top_logprobs": ask.logprobs}
    return body


def _completions_body(ask: Ask, _max_tokens_field: str) -> Json:
    body = _common(ask, "max_tokens") | {"prompt": ask.prompt}
    if ask.logprobs:
        body["logprobs"] = ask.logprobs
    if ask.echo:
        body["echo"] = True
    return body


def _read(event: Json, _name: str) -> Delta:
    usage = _usage(event.get("usage"))
    if event.get("error"):
        return Delta(error=error_text(event) or "error", usage=usage)
    choices = event.get("choices") or []
    if not choices:
        return Delta(usage=usage) if usage else NOTHING
    choice = choices[0]
    delta = choice.get("delta") or choice.get("message") or {}
    finish = choice.get("finish_reason") or ""
    if len(delta) == 1 and not finish and not usage and type(text := delta.get("content")) is str:
        return Delta(text, logprobs=_logprobs(choice.get("logprobs")))  # what nearly every event is
    return Delta(
        text=_text(delta.get("content")) or choice.get("text") or "",
        reasoning=delta.get("reasoning_content") or delta.get("reasoning") or "",
        logprobs=_logprobs(choice.get("logprobs")),
        usage=usage,
        finish=finish,
        refusal=delta.get("refusal") or ("content filter" if finish == "content_filter" else ""),
        error="the seller ended the stream with an error" if finish == "error" else "",
        has_tool_call=bool(delta.get("tool_calls")),
        calls=_calls(delta["tool_calls"]) if delta.get("tool_calls") else (),
    )


def _calls(given: list[Json]) -> tuple[CallPart, ...]:
    functions = [(part.get("index", at), part.get("function") or {}) for at, part in enumerate(given)]
    return tuple(CallPart(at, part.get("name") or "", part.get("arguments") or "") for at, part in functions)


def _text(content: Any) -> str:
    """Content is a string, or parts (Mistral sends `[{type: text, text: ...}]`)."""
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content)
    return str(content) if content else ""


def _usage(usage: Any) -> Usage | None:
    if not isinstance(usage, dict):
        return None
    details = usage.get("completion_tokens_details") or {}
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens", usage.get("prompt_cache_hit_tokens"))
    return Usage(
        count(usage.get("prompt_tokens")),
        count(usage.get("completion_tokens")),
        count(details.get("reasoning_tokens", usage.get("reasoning_tokens"))),
        count(cached),
    )


def _logprobs(given: Any) -> tuple[TokenLogprob, ...]:
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


CHAT = Dialect("openai_chat", lambda _: "chat/completions", _bearer, _chat_body, _read)
COMPLETIONS = Dialect("openai_completions", lambda _: "completions", _bearer, _completions_body, _read)
