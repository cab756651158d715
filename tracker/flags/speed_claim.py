"""speed_claim: a fast decode figure while the first token takes most of the wait.

End to end = output tokens / (first-token time + output tokens / decode speed). The model case: Groq's Llama 3 8B of
2024-05 decoded at 794 tok/s for 0.65 s, but a 3,400-token prompt waited 1.62 s of 2.27 s for the first token: 227 end
to end.
"""

from dataclasses import dataclass

from tracker.flags.finding import Evidence, Figure, Finding, Rule, found
from tracker.flags.odds import ramp

RULE = Rule(
    "speed_claim",
    version=1,
    open_at=0.6,
    close_at=0.45,
    quiet_days=7,
    calibrated=False,
    meaning="the decode figure misleads a buyer of short answers",
)
FAST_TOK_S = 100.0  # below that nobody advertises the speed


@dataclass(frozen=True, slots=True)
class Pace:
    """A decode speed and a first-token time that belong together."""

    offer: str
    decode_tok_s: float
    ttft_s: float
    output_tokens: float
    prompt_tokens: int | None  # None: the measurer does not say
    evidence: tuple[Evidence, ...] = ()

    @property
    def wait_s(self) -> float:
        return self.ttft_s + self.output_tokens / self.decode_tok_s

    @property
    def end_to_end_tok_s(self) -> float:
        return self.output_tokens / self.wait_s

    @property
    def first_token_share(self) -> float:
        return self.ttft_s / self.wait_s


def judge(pace: Pace) -> Finding | None:
    """None where the decode speed is nothing to boast of or the first token is a small part of the wait."""
    if pace.decode_tok_s < FAST_TOK_S:
        return None
    probability = ramp(pace.first_token_share, 0.4, 0.7)
    if probability <= 0:
        return None
    lengths = f"{pace.output_tokens:.0f} tokens out"
    lengths += f", {pace.prompt_tokens:,} in" if pace.prompt_tokens else ", prompt length not stated by the measurer"
    return found(
        RULE,
        pace.offer,
        probability,
        f"{pace.decode_tok_s:.0f} tok/s is decoding alone: with {lengths} the first token takes {pace.ttft_s:.2f} s, "
        f"{pace.first_token_share:.0%} of a wait of {pace.wait_s:.2f} s, so end to end it is "
        f"{pace.end_to_end_tok_s:.0f} tok/s.",
        f"A first token within {0.4 / 0.6 * pace.output_tokens / pace.decode_tok_s:.2f} s at this length and speed.",
        scenario="as-measured" if pace.prompt_tokens else "answer-500",
        figures=(
            Figure("decode", pace.decode_tok_s, "tok/s"),
            Figure("first_token", pace.ttft_s, "s"),
            Figure("wait", pace.wait_s, "s"),
            Figure("end_to_end", pace.end_to_end_tok_s, "tok/s"),
            Figure("first_token_share", pace.first_token_share, ""),
        ),
        evidence=pace.evidence,
    )
