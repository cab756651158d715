"""What is asked: prompts of a known size, each unlike any sent before, so that no prefix cache can answer for the GPU.

Sizes are in tokens: the prompts are of short common English words, one token each in every current tokenizer, give or
take a few percent; what was really billed is in the `usage` of each row.
"""

import random
from dataclasses import dataclass

_LIST = """
time year people way day man thing woman life child world school state family student group country problem hand
part place case week company system program question work night point home water room mother area money story
fact month lot right study book eye job word business issue side kind head house service friend father power hour
game line end member law car city name team minute idea body back parent face level office door health person art
war history party result change morning reason research girl guy moment air teacher force order paper music wind
bank boat bread bridge chair cloud coast cold corn dark desk dream dry east farm field fire fish floor forest fruit
garden glass gold grass green ground hair heart heat hill horse ice island king lake land leaf light milk moon north
"""
WORDS = _LIST.split()


@dataclass(frozen=True, slots=True)
class Workload:
    """Tokens in and out. `style`: prose; regular (repeats itself, temperature 0) or hard (random, temperature 2)."""

    name: str
    input_tokens: int
    output_tokens: int
    style: str = "prose"

    @property
    def temperature(self) -> float:
        return 2.0 if self.style == "hard" else 0.0


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("100/300", 100, 300),
        Workload("1k/1k", 1_000, 1_000),
        Workload("3.4k/500", 3_400, 500),
        Workload("10k/1.5k", 10_000, 1_500),
        Workload("100k/2k", 100_000, 2_000),
        Workload("regular", 200, 200, "regular"),
        Workload("hard", 200, 200, "hard"),
        Workload("hard-10k", 10_000, 100, "hard"),
        Workload("prefill-100", 100, 16),
        Workload("prefill-1k", 1_000, 16),
        Workload("prefill-3.4k", 3_400, 16),
        Workload("prefill-10k", 10_000, 16),
    )
}
_ASK = {
    "prose": "Write one long plain story with these words and do not stop early: ",
    "regular": "Go on repeating the same line of words without any change: ",
    "hard": "Write words picked at random, never one that fits: ",
}


def prompt(workload: Workload, nonce: int) -> str:
    """A prompt of the workload's size. The nonce comes first: a shared beginning is what prefix caches keep."""
    rng = random.Random(nonce)
    opening = " ".join(rng.choices(WORDS, k=8))
    count = max(8, workload.input_tokens - 24)
    if workload.style == "regular":
        line = rng.sample(WORDS, 12)
        words = (line * (count // len(line) + 1))[:count]
        words = words[: len(words) - len(words) % len(line)]
    else:
        words = rng.choices(WORDS, k=count)
    return f"{opening}. {_ASK[workload.style]}{' '.join(words)}"
