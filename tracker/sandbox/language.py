"""A toy language model with a real distribution over tokens, and real rounding of its weights to a precision.

Architecture: the last CONTEXT tokens are embedded, weighted by position, summed and passed through two tanh layers and
an output matrix. Where the current pair of tokens occurred before, the other logits shrink to COPY_REST of their size
and the token that followed then gains COPY_LOGIT (as attention heads that copy do: https://arxiv.org/abs/2209.11895).
Repeated text is therefore predictable at temperature 0 and hardly at 2; random text never is. Weights are drawn from a
seed: another seed is another checkpoint, a small difference a fine-tune.

Precisions are round-to-nearest on the weight matrices, as quantizers do it: bf16 mantissa; fp8 e4m3 with one scale per
row; int8 per row; int4 and int2 in groups of 32. Three thin layers average far fewer errors than a model of billions of
weights, so only ROUNDING_SHARE of each error is kept: set once so that int4 diverges by about 0.02 nats per token, as
published for 4-bit files of an 8B model. That is the one synthetic choice; `divergence` measures the result.
"""

import re
import zlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tracker.errors import UsageError

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

VOCABULARY, WIDTH, CONTEXT = 1024, 96, 12
LOGIT_SCALE, COPY_LOGIT, COPY_REST = 3.2, 9.0, 0.3
GROUP = 32
ROUNDING_SHARE = 0.18
PRECISIONS = ("fp32", "bf16", "fp8", "int8", "int4", "int2")
_ONSETS = ["b", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "z"]
_VOWELS = ["a", "e", "i", "o"]
_CODAS = ("", "n", "r", "s", "l", "t", "m", "k", "nd", "st", "rt", "ck", "sh", "lm", "rn", "x")
_PIECE = re.compile(r"\s*\S+")


def words() -> tuple[str, ...]:
    """The vocabulary: 1,024 short syllables, each a token with its leading space."""
    return tuple(f" {a}{b}{c}" for a in _ONSETS for b in _VOWELS for c in _CODAS)


WORDS = words()
_NUMBERS = {word.strip(): number for number, word in enumerate(WORDS)}


def encode(text: str) -> list[int]:
    """One token per word; a word outside the vocabulary gets the token its checksum names."""
    return [_token(piece.strip()) for piece in _PIECE.findall(text)]


@lru_cache(maxsize=65536)
def _token(word: str) -> int:
    number = _NUMBERS.get(word)
    return zlib.crc32(word.encode()) % VOCABULARY if number is None else number


def decode(tokens: Sequence[int]) -> str:
    return "".join(WORDS[token] for token in tokens)


class ToyModel:
    """Weights of one checkpoint at one precision. `drift` mixes in other weights: 0.05 is a light fine-tune."""

    def __init__(self, seed: int = 0, precision: str = "fp32", drift: float = 0.0) -> None:
        if precision not in PRECISIONS:
            raise UsageError(f"unknown precision {precision!r}: one of {', '.join(PRECISIONS)}")
        self.seed, self.precision, self.drift = seed, precision, drift
        plain, other = _weights(seed), _weights(seed + 1_000_003)
        mixed = [(1 - drift) * one + drift * two for one, two in zip(plain, other, strict=True)]
        self.embedding, self.first, self.second, self.output = (rounded(one, precision) for one in mixed)
        decay = 0.8 ** np.arange(CONTEXT, dtype=np.float32)[::-1]
        turns = np.random.default_rng(7).choice([-1.0, 1.0], size=(CONTEXT, WIDTH))
        self._position = (decay[:, None] * turns).astype(np.float32)

    def logits(self, contexts: Ints) -> Floats:
        """Next-token logits for rows of CONTEXT tokens, without the copy term."""
        mixed = (self.embedding[contexts] * self._position).sum(axis=1)
        hidden = np.tanh(mixed @ self.first)
        hidden = hidden + np.tanh(hidden @ self.second)
        return np.asarray(hidden @ self.output.T * np.float32(LOGIT_SCALE), dtype=np.float32)


def _weights(seed: int) -> tuple[Floats, Floats, Floats, Floats]:
    rng = np.random.default_rng(seed)

    def matrix(rows: int, columns: int) -> Floats:
        # heavy tails as in trained weights: a few large values per group are what makes int4 rounding hurt
        return np.asarray(rng.standard_t(5, size=(rows, columns)) / np.sqrt(columns), dtype=np.float32)

    return (
        matrix(VOCABULARY, WIDTH) * np.float32(np.sqrt(WIDTH)),
        matrix(WIDTH, WIDTH),
        matrix(WIDTH, WIDTH) * np.float32(1.5),
        matrix(VOCABULARY, WIDTH),
    )


def rounded(weights: Floats, precision: str) -> Floats:
    """The weights with their share of a precision's rounding error."""
    if precision == "fp32":
        return weights
    return weights + np.float32(ROUNDING_SHARE) * (_nearest(weights, precision) - weights)


def _nearest(weights: Floats, precision: str) -> Floats:
    if precision == "bf16":
        bits = weights.view(np.uint32)
        return ((bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)).view(np.float32)
    if precision == "fp8":
        return _fp8(weights)
    levels, group = {"int8": (127, weights.shape[1]), "int4": (7, GROUP), "int2": (1, GROUP)}[precision]
    grouped = weights.reshape(-1, group)
    scale = np.abs(grouped).max(axis=1, keepdims=True) / levels
    nearest = np.clip(np.round(grouped / scale), -levels, levels) * scale
    return np.asarray(nearest.reshape(weights.shape), dtype=np.float32)


def _fp8(weights: Floats) -> Floats:
    """e4m3: 3 mantissa bits, largest value 448, subnormal step 2^-9; one scale per row."""
    scale = np.abs(weights).max(axis=1, keepdims=True) / 448.0
    scaled = weights / scale
    exponent = np.maximum(np.floor(np.log2(np.maximum(np.abs(scaled), 1e-12))), -6)
    step = 2.0 ** (exponent - 3)
    return np.asarray(np.round(scaled / step) * step * scale, dtype=np.float32)


@lru_cache(maxsize=64)
def toy_model(seed: int, precision: str, drift: float = 0.0) -> ToyModel:
    return ToyModel(seed, precision, drift)


class Text:
    """One sequence: its tokens and, for the copy term, what last followed each pair."""

    __slots__ = ("after", "tokens")

    def __init__(self, tokens: Sequence[int]) -> None:
        self.tokens = [0] * CONTEXT
        self.after: dict[tuple[int, int], int] = {}
        for token in tokens[-4096:]:
            self.append(token)

    def append(self, token: int) -> None:
        pair = (self.tokens[-2], self.tokens[-1])
        if len(self.tokens) >= CONTEXT + 2:
            self.after[pair] = token
        self.tokens.append(token)

    def copied(self) -> int | None:
        """The token the copy term favours."""
        return self.after.get((self.tokens[-2], self.tokens[-1]))


def next_logits(model: ToyModel, texts: Sequence[Text]) -> Floats:
    """Logits of the next token of several sequences at once, copy term included."""
    logits = model.logits(np.array([text.tokens[-CONTEXT:] for text in texts]))
    for row, text in enumerate(texts):
        token = text.copied()
        if token is not None:
            logits[row] *= COPY_REST
            logits[row, token] += COPY_LOGIT
    return logits


def log_softmax(logits: Floats) -> Floats:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)), dtype=np.float32)


def divergence(model: ToyModel, other: ToyModel, contexts: int = 400) -> float:
    """Mean KL in nats per token between two models on random contexts."""
    rows = np.random.default_rng(1).integers(0, VOCABULARY, size=(contexts, CONTEXT))
    one, two = log_softmax(model.logits(rows)), log_softmax(other.logits(rows))
    return float((np.exp(one) * (one - two)).sum(axis=1).mean())
