"""Two-sample test on sampled texts: maximum mean discrepancy with the Hamming kernel of Gao et al. (2024).

k((x, y), (x', y')) = 1[x = x'] * share of positions where y and y' agree, texts cut or padded to one length L; the
statistic is the unbiased estimate over same-prompt pairs. https://arxiv.org/abs/2410.20247, section 3.
Permutations are stratified: labels move only inside a prompt, so prompts with different answers cannot leak into p.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracker.audit.permutation import Floats, permutation_p, random_halves
from tracker.errors import ProbeError

Text = str | Sequence[int]
PAD = -1


@dataclass(frozen=True, slots=True)
class TwoSample:
    """Result of the test: the statistic and its permutation p."""

    statistic: float
    p_value: float
    prompts: int
    samples: int


def encode(texts: Sequence[Text], length: int) -> NDArray[np.int32]:
    """Texts (code points) or token ids as rows of equal length, cut at `length` and padded with -1."""
    rows = np.full((len(texts), length), PAD, dtype=np.int32)
    for row, text in zip(rows, texts, strict=True):
        codes = [ord(sign) for sign in text[:length]] if isinstance(text, str) else list(text[:length])
        row[: len(codes)] = codes
    return rows


def kernel_block(rows: NDArray[np.int32]) -> Floats:
    """Positions that agree, for each pair of rows; the diagonal is 0 because a text is not its own witness."""
    block: Floats = (rows[:, None, :] == rows[None, :, :]).sum(axis=-1, dtype=np.float64)
    np.fill_diagonal(block, 0.0)
    return block


def hamming_mmd(
    reference: Sequence[Sequence[Text]],
    suspect: Sequence[Sequence[Text]],
    length: int = 50,
    permutations: int = 1000,
    seed: int = 0,
) -> TwoSample:
    """Compare samples per prompt, `reference[i]` and `suspect[i]` answering the same prompt i.

    All sums are whole numbers below 2**53, so equal arrangements tie exactly and p is exact.
    """
    _refuse_thin(reference, suspect, length)
    observed = np.zeros(3)
    permuted = np.zeros((permutations, 3))
    for (first, second), prompts in _by_size(reference, suspect).items():
        blocks = np.stack([kernel_block(encode([*reference[at], *suspect[at]], length)) for at in prompts])
        given = np.zeros((len(prompts), 1, first + second), dtype=bool)
        given[..., :first] = True
        observed += _pair_sums(blocks, given)[0]
        permuted += _pair_sums(blocks, random_halves(len(prompts), first, second, permutations, seed + first + second))
    weights = _weights(reference, suspect, length)
    return TwoSample(
        float(observed @ weights),
        permutation_p(float(observed @ weights), permuted @ weights),
        len(reference),
        sum(len(samples) for samples in (*reference, *suspect)),
    )


def _refuse_thin(reference: Sequence[Sequence[Text]], suspect: Sequence[Sequence[Text]], length: int) -> None:
    if not reference or len(reference) != len(suspect):
        raise ProbeError(f"MMD needs the same prompts on both sides: {len(reference)} against {len(suspect)}")
    if min(len(samples) for samples in (*reference, *suspect)) < 1 or length < 1:
        raise ProbeError("MMD needs at least one sample per prompt and side, and a length of at least 1")
    if max(map(len, reference)) < 2 or max(map(len, suspect)) < 2:
        raise ProbeError("MMD needs two samples of at least one prompt on each side: one text has no spread")


def _by_size(
    reference: Sequence[Sequence[Text]], suspect: Sequence[Sequence[Text]]
) -> dict[tuple[int, int], list[int]]:
    groups: dict[tuple[int, int], list[int]] = {}
    for at, (left, right) in enumerate(zip(reference, suspect, strict=True)):
        groups.setdefault((len(left), len(right)), []).append(at)
    return groups


def _pair_sums(blocks: Floats, labels: NDArray[np.bool_]) -> Floats:
    """Kernel sums (within reference, within suspect, across) per relabelling; O(relabellings * prompts * n^2)."""
    wide = labels.astype(np.float64)
    within = ((wide @ blocks) * wide).sum(axis=(0, 2))
    touching = (wide @ blocks.sum(axis=-1)[..., None]).sum(axis=(0, 2))
    across = touching - within
    return np.stack((within, blocks.sum() - within - 2.0 * across, across), axis=-1)


def _weights(reference: Sequence[Sequence[Text]], suspect: Sequence[Sequence[Text]], length: int) -> Floats:
    """Turns the three sums into mean(within) + mean(within) - 2 mean(across), each kernel value over L."""
    own = sum(len(samples) * (len(samples) - 1) for samples in reference)
    theirs = sum(len(samples) * (len(samples) - 1) for samples in suspect)
    across = sum(len(a) * len(b) for a, b in zip(reference, suspect, strict=True))
    return np.array([1.0 / own, 1.0 / theirs, -2.0 / across]) / length
