"""The four ways to ask for a completion and to read its stream: OpenAI chat and completions, Anthropic, Gemini.

A dialect turns an `Ask` into path, headers and body, and one streamed event into a `Delta`. Each family's words are
mapped in its own module and nowhere else.
"""

import json

from tracker.errors import UsageError
from tracker.probe.anthropic import MESSAGES
from tracker.probe.gemini import GENERATE
from tracker.probe.messages import Ask, Delta, Dialect
from tracker.probe.openai import CHAT, COMPLETIONS

_decode = json.JSONDecoder().decode  # json.loads would guess the encoding of each event first


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


DIALECTS = {dialect.name: dialect for dialect in (CHAT, COMPLETIONS, MESSAGES, GENERATE)}
