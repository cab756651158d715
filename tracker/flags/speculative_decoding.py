"""speculative_decoding: the stream runs faster on text that a small model can guess.

Paired runs: greedy predictable text against temperature-2 text of the same length. Without a draft model the speed does
not depend on the text; Together's Mixtral of 2023-12 ran 170 tok/s on the first and 80 on the second, a ratio of 2.1.
The log-ratio is held against its own standard error and against 1.2, what batching noise alone was seen to do.
"""

import math
from dataclasses import dataclass

from tracker.flags.finding import Evidence, Figure, Finding, Rule, found

RULE = Rule(
    "speculative_decoding",
    version=1,
    open_at=0.7,
    close_at=0.5,
    quiet_days=7,
    calibrated=False,
    meaning="a draft model writes part of the answer",
)
NOISE_RATIO = 1.2
MIN_LOG_ERROR = 0.10  # one pair cannot say more than this


@dataclass(frozen=True, slots=True)
class PairedSpeed:
    """Median speeds on easy and on hard text, above zero, and the spread of their log-ratio over `pairs` pairs."""

    offer: str
    easy_tok_s: float
    hard_tok_s: float
    pairs: int
    log_ratio_sd: float
    evidence: tuple[Evidence, ...] = ()

    @property
    def ratio(self) -> float:
        return self.easy_tok_s / self.hard_tok_s

    @property
    def probability(self) -> float:
        """That the ratio is more than batching noise; at most 0.95."""
        error = max(self.log_ratio_sd / math.sqrt(self.pairs), MIN_LOG_ERROR)
        z = (math.log(self.ratio) - math.log(NOISE_RATIO)) / error
        return min(0.5 * (1 + math.erf(z / math.sqrt(2))), 0.95)


def draft_gain(paired: PairedSpeed | None, tok_s: float | None) -> float | None:
    """Tokens a step that the draft model brings on ordinary text, where one was plainly seen.

    Hard text keeps one token a step: what ordinary text streams faster (`tok_s`; else the easy text) is the draft's.
    """
    if paired is None or paired.probability < RULE.open_at:
        return None
    gain = (tok_s or paired.easy_tok_s) / paired.hard_tok_s
    return gain if gain > 1 else None


def judge(paired: PairedSpeed) -> Finding | None:
    if paired.probability < 0.1:
        return None
    return found(
        RULE,
        paired.offer,
        paired.probability,
        f"{paired.easy_tok_s:.0f} tok/s on predictable text against {paired.hard_tok_s:.0f} on hard text "
        f"({paired.pairs} pair{'s' if paired.pairs > 1 else ''}): {paired.ratio:.1f} times faster where a draft model "
        f"can guess. It lowers cost per token at small batches and is no loss of quality by itself.",
        f"A ratio below {NOISE_RATIO:.1f} over ten pairs.",
        figures=(
            Figure("easy", paired.easy_tok_s, "tok/s"),
            Figure("hard", paired.hard_tok_s, "tok/s"),
            Figure("ratio", paired.ratio, "x"),
        ),
        evidence=paired.evidence,
    )
