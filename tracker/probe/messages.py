"""What is asked and what an answer's events bring, whichever API family is spoken."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

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


def error_text(event: Json) -> str:
    """The message of an error object, whatever its shape."""
    error = event.get("error") or event.get("detail") or event.get("message") or ""
    if isinstance(error, dict):
        code = error.get("code") or error.get("type") or error.get("status") or ""
        return f"{code}: {error.get('message', '')}".strip(": ")[:300]
    return str(error)[:300]


def count(value: Any) -> int | None:
    """A token count, or None: a negative, fractional, textual or astronomical count is no count."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else None
