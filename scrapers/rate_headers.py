"""Rate limits as responses state them: headers of any answer, and the body of Gemini's 429.

Pure: (provider, model, headers or body) -> Limit records, `learned_from` header or 429. `remaining` and `reset` tell
of one account's moment and are returned apart. Words that mean no number keep their meaning: `unlimited` is unlimited,
-1 in Google's quotas is unlimited, an absent header says nothing.
Formats: OpenAI's `x-ratelimit-*` (copied by most hosts), Anthropic's `anthropic-ratelimit-*`, and two readings of the
former: at Groq requests are per day, tokens per minute (https://console.groq.com/docs/rate-limits); at Together both
are per second (recorded: a limit of 33333.33 tokens, which is 2 million a minute, refilled within 2 s).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tracker.errors import ParseError
from tracker.records import Limit
from tracker.units import decimal_of

_DURATION = re.compile(
    r"(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?"
)
_OPENAI = re.compile(r"x-ratelimit-limit(?:-([a-z0-9-]+))?")
_ANTHROPIC = re.compile(r"anthropic-ratelimit-([a-z-]+)-limit")
_QUOTA_WINDOW = re.compile(r"Per(Second|Minute|Hour|Day|Month)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Headroom:
    """What is left of one account's limit right now; `reset_s` counts from the response."""

    measure: str
    remaining: Decimal | None
    reset_s: float | None


def limits(provider: str, model: str, headers: Mapping[str, str], account_tier: str = "") -> Iterator[Limit]:
    """The limits a response's headers state, whoever's spelling they use."""
    for name, value in sorted(_lowered(headers).items()):
        measured = _measured(provider, name)
        if measured is None:
            continue
        measure, window = measured
        amount, status = _stated(value)
        yield Limit(
            provider, model, account_tier, measure, window, amount, status, learned_from="header", locator=name
        )  # fmt: skip


def headroom(headers: Mapping[str, str]) -> Iterator[Headroom]:
    """What is left and when it refills, for a probe that must stay under the limit."""
    lowered = _lowered(headers)
    for name, value in sorted(lowered.items()):
        match = re.fullmatch(r"(?:x-ratelimit-remaining-([a-z-]+)|anthropic-ratelimit-([a-z-]+)-remaining)", name)
        if not match:
            continue
        word = match[1] or match[2]
        reset = lowered.get(f"x-ratelimit-reset-{word}")
        measure = MEASURES.get(word, (word, ""))[0]
        yield Headroom(measure, _stated(value)[0], None if reset is None else duration_s(reset))


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """`retry-after` in seconds (or `retry-after-ms`); None when absent or a date, which needs a clock."""
    lowered = _lowered(headers)
    if (milliseconds := _number(lowered.get("retry-after-ms", ""))) is not None:
        return float(milliseconds) / 1000
    seconds = _number(lowered.get("retry-after", ""))
    return None if seconds is None else float(seconds)


def duration_s(text: str) -> float | None:
    """`6m0s`, `1h2m`, `250ms`, `59.7s`, `17` -> seconds; None for anything else."""
    plain = _number(text)
    if plain is not None:
        return float(plain)
    match = _DURATION.fullmatch(text.strip().lower())
    if not match or not any(match.groups()):
        return None
    days, hours, minutes, seconds, milliseconds = (float(part or 0) for part in match.groups())
    return days * 86_400 + hours * 3_600 + minutes * 60 + seconds + milliseconds / 1000


def quota_limits(provider: str, body: Any, account_tier: str = "") -> Iterator[Limit]:
    """The limit that a Gemini 429 says was exceeded: `error.details[].violations[]{quotaId, quotaValue, ...}`."""
    for violation in _violations(body):
        metric, quota_id = str(violation.get("quotaMetric", "")), str(violation.get("quotaId", ""))
        window = _QUOTA_WINDOW.search(quota_id)
        measure = next((ours for theirs, ours in QUOTA_WORDS if theirs in f"{metric} {quota_id}".lower()), "")
        if not window or not measure:
            continue
        amount, status = _stated(str(violation.get("quotaValue", "")))
        dimensions = violation.get("quotaDimensions")
        model = str(dimensions.get("model", "")) if isinstance(dimensions, dict) else ""
        tier = account_tier or ("free" if "freetier" in quota_id.lower() else "")
        yield Limit(
            provider, model, tier, measure, window[1].lower(), amount, status, learned_from="429", locator=quota_id
        )  # fmt: skip


def _violations(body: Any) -> Iterator[dict[str, Any]]:
    errors: Iterable[Any] = body if isinstance(body, list) else [body]
    for error in errors:
        details = error.get("error", {}) if isinstance(error, dict) else {}
        for detail in details.get("details", ()) if isinstance(details, dict) else ():
            found = detail.get("violations", ()) if isinstance(detail, dict) else ()
            yield from (violation for violation in found if isinstance(violation, dict))


def _measured(provider: str, header: str) -> tuple[str, str] | None:
    if match := _ANTHROPIC.fullmatch(header):
        return MEASURES.get(match[1])
    match = _OPENAI.fullmatch(header)
    if not match:
        return None
    word = match[1] or ""
    return SELLERS.get(provider, {}).get(word) or MEASURES.get(word)


def _stated(value: str) -> tuple[Decimal | None, str]:
    word = value.strip().lower()
    if word in WORDS:
        return None, WORDS[word]
    number = _number(word)
    return (number, "number") if number is not None and number >= 0 else (None, "unknown")


def _number(text: str) -> Decimal | None:
    try:
        return decimal_of(text)
    except ParseError:
        return None


def _lowered(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


WORDS = {"unlimited": "unlimited", "-1": "unlimited", "dynamic": "dynamic", "auto": "dynamic"}
MEASURES = {
    "requests": ("requests", "minute"),
    "tokens": ("tokens", "minute"),
    "input-tokens": ("input_tokens", "minute"),
    "output-tokens": ("output_tokens", "minute"),
    "images": ("images", "minute"),
    "requests-minute": ("requests", "minute"),
    "req-60-second": ("requests", "minute"),  # Mistral
    "requests-hour": ("requests", "hour"),
    "requests-day": ("requests", "day"),
    "requests-month": ("requests", "month"),
    "tokens-minute": ("tokens", "minute"),
    "tokens-hour": ("tokens", "hour"),
    "tokens-day": ("tokens", "day"),
    "tokens-month": ("tokens", "month"),
    "audio-seconds": ("audio_seconds", "hour"),
}
SELLERS = {
    "groq": {"requests": ("requests", "day"), "tokens": ("tokens", "minute")},
    "together": {"": ("requests", "second"), "tokens": ("tokens", "second")},
}
QUOTA_WORDS = (
    ("input_token", "input_tokens"),
    ("inputtoken", "input_tokens"),
    ("output_token", "output_tokens"),
    ("request", "requests"),
    ("token", "tokens"),
)
