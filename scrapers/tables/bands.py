"""Prompt-token bands in the ways pages write them, as half-open integers."""

import re
from decimal import Decimal

from scrapers.tables.prices import ABSENT
from scrapers.tables.text import clean
from tracker.conditions import ALWAYS, Condition
from tracker.errors import ParseError

_COUNT = r"(\d+(?:\.\d+)?)\s*([kKmM]?)"
_INTERVAL = re.compile(rf"([\[(])\s*{_COUNT}\s*(?:,\s*(?:{_COUNT}|\+?∞)|\+)\s*([\])])")
_BELOW = re.compile(rf"(<=|≤|<)\s*{_COUNT}")
_ABOVE = re.compile(rf"(>=|≥|>)\s*{_COUNT}")
_FROM = re.compile(rf"{_COUNT}\s*(<=|≤|<)")
_PLUS = re.compile(rf"{_COUNT}\s*\+")


def _tokens(number: str, suffix: str, unit: int) -> int:
    factor = {"k": 1_000, "m": 1_000_000}.get(suffix.lower(), unit)
    return int(Decimal(number) * factor)


def token_band(text: str, unit: int = 1) -> tuple[int, int | None]:
    """`(32k, 128k]`, `[32+)`, `≤ 512k`, `0 < Token <= 32K`, `200k+` as half-open integers min <= tokens < max.

    `unit` multiplies numbers without a K or M of their own. A bare `32k+` starts above 32k: its sibling ends at `32k]`.
    """
    found = _INTERVAL.search(text)
    if found:
        low = _tokens(found[2], found[3], unit) + (found[1] == "(" and float(found[2]) > 0)
        return low, _tokens(found[4], found[5], unit) + (found[6] == "]") if found[4] else None
    above, below, start, plus = _ABOVE.search(text), _BELOW.search(text), _FROM.search(text), _PLUS.search(text)
    low, high = 0, None
    if above:
        low = _tokens(above[2], above[3], unit) + (above[1] == ">")
    elif start:
        low = _tokens(start[1], start[2], unit) + (start[3] == "<" and float(start[1]) > 0)
    elif plus and not below:
        low = _tokens(plus[1], plus[2], unit) + 1
    if below:
        high = _tokens(below[2], below[3], unit) + (below[1] != "<")
    if not (above or below or start or plus) or (high is not None and high <= low):
        raise ParseError(f"not a token band: {text[:60]!r}")
    return low, high


def band_condition(text: str, unit: int = 1) -> Condition:
    """The band as a condition; absent words mean always."""
    if text.lower() in ABSENT:
        return ALWAYS
    low, high = token_band(text, unit)
    return Condition(min_prompt_tokens=low, max_prompt_tokens=high)


def length_bands(text: str, unit: int = 1) -> tuple[Condition, str]:
    """Condition of an input-length band, and a variant tag where the output length is banded too.

    `[0, 32) ... 输出长度 [0, 0.2)`: two rows that differ in output length can both bill the same prompt, so they are
    two offers of one model, not two conditions.
    """
    prompt, word, output = text.partition("输出长度")
    variant = "output" + "".join(output.split()) if word else ""
    return band_condition(re.sub(r"输入长度|prompt length|且", "", prompt, flags=re.IGNORECASE).strip(), unit), variant


_BAND_NOTE = re.compile(r"\s*\(([^()]*\d\s*[kKmM]\b[^()]*)\)")


def split_band(name: str) -> tuple[str, Condition]:
    """`gpt-5.5 (<272K context length)` as the name and the condition its brackets state."""
    found = _BAND_NOTE.search(name)
    if not found or not re.search(r"[<>≤≥]", found[1]):
        return name, ALWAYS
    return clean(_BAND_NOTE.sub("", name, count=1)), band_condition(found[1])
