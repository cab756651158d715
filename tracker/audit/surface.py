"""What must be ruled out first: formatting, templates, system prompts and tokenizers.

A stripped leading space alone gave the sampled-text test power 1. Differences found here are named in the verdict and
removed where they can be (`plain`); where they cannot (a hidden system prompt), the statistics that follow mean nothing
about weights, and the verdict says so.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import fisher_exact

from tracker.errors import ProbeError


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference of form. `removable` says whether `plain` takes it away."""

    name: str
    reference_share: float
    suspect_share: float
    p_value: float
    removable: bool


@dataclass(frozen=True, slots=True)
class PromptTokens:
    """What the two hosts' prompt-token counts say of template and tokenizer."""

    verdict: str  # same, offset, other
    offset: int
    sentence: str


def _starts_with_blank(text: str) -> bool:
    return text[:1].isspace()


def _ends_with_blank(text: str) -> bool:
    return text[-1:].isspace()


def _role_echo(text: str) -> bool:
    return re.match(r"\s*(assistant|ai|model|<\|)[^\w]{1,3}", text, re.IGNORECASE) is not None


def _think_block(text: str) -> bool:
    return "<think>" in text or "</think>" in text


def _code_fence(text: str) -> bool:
    return "```" in text


def _denormal(text: str) -> bool:
    return text != unicodedata.normalize("NFC", text) or "\ufeff" in text or "\u00a0" in text or "\r" in text


FEATURES: tuple[tuple[str, Callable[[str], bool], bool], ...] = (
    ("leading blank", _starts_with_blank, True),
    ("trailing blank", _ends_with_blank, True),
    ("role name before the answer", _role_echo, False),
    ("thinking block in the text", _think_block, False),
    ("code fence", _code_fence, False),
    ("unusual code points", _denormal, True),
    ("empty answer", lambda text: not text, False),
)


def differences(reference: Sequence[str], suspect: Sequence[str], alpha: float = 0.01) -> list[Difference]:
    """Features of form whose share differs (Fisher, Bonferroni over the features)."""
    if not reference or not suspect:
        raise ProbeError("no texts to compare")
    found = []
    for name, feature, removable in FEATURES:
        ours, theirs = sum(map(feature, reference)), sum(map(feature, suspect))
        table = [[ours, len(reference) - ours], [theirs, len(suspect) - theirs]]
        p_value = float(fisher_exact(table).pvalue)
        if p_value <= alpha / len(FEATURES):
            found.append(Difference(name, ours / len(reference), theirs / len(suspect), p_value, removable))
    return found


def plain(text: str) -> str:
    """The text without what hosts add or strip: outer blanks, code-point variants, carriage returns."""
    text = unicodedata.normalize("NFC", text.replace("\ufeff", "").replace("\u00a0", " ").replace("\r\n", "\n"))
    return text.strip()


def prompt_tokens(reference: Sequence[int], suspect: Sequence[int]) -> PromptTokens:
    """Compare `usage.prompt_tokens` of the same prompts: equal, a constant offset (template), or another tokenizer."""
    if len(reference) != len(suspect) or not reference:
        raise ProbeError("prompt-token counts of the same prompts on both hosts are needed")
    gaps = np.array(suspect) - np.array(reference)
    if not gaps.any():
        return PromptTokens("same", 0, "the same prompt-token counts as the reference")
    if (gaps == gaps[0]).all():
        offset = int(gaps[0])
        if len(set(reference)) == 1:
            return PromptTokens(
                "offset", offset, f"{offset:+d} prompt tokens on prompts of one length: template or tokenizer"
            )
        what = "a hidden system prompt or another template" if offset > 0 else "a shorter template"
        return PromptTokens("offset", offset, f"{offset:+d} prompt tokens on every prompt: {what}")
    ratio = float(np.sum(suspect) / max(1, np.sum(reference)))
    return PromptTokens("other", 0, f"prompt tokens {ratio:.2f} times the reference's, unevenly: another tokenizer")


def needle(tokens: int, seed: int = 0) -> tuple[str, str]:
    """A prompt of about `tokens` tokens whose first line holds a word the last line asks for, and that word."""
    draw = np.random.default_rng(seed)
    word = "".join(chr(97 + int(letter)) for letter in draw.integers(0, 26, 8))
    lines = [f"Item {number}: box {int(draw.integers(100, 999))} is stored." for number in range(max(0, tokens // 12))]
    return "\n".join((f"The code word is {word}.", *lines, "The code word on the first line is")), word


def context_held(word: str, answer: str, sent_tokens: int, counted_tokens: int | None) -> str:
    """held, truncated or forgotten: whether a host that accepted a long prompt read all of it."""
    if word in answer:
        return "held"
    if counted_tokens is not None and counted_tokens < 0.8 * sent_tokens:
        return "truncated"
    return "forgotten"
