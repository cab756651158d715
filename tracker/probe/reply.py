"""What a request came to: its outcome by name, its text, its counts and its times."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tracker.probe.messages import NO_USAGE, TokenLogprob, Usage

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
