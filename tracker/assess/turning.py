"""What a below-cost verdict turns on: one assumption at a time moved to its ends, everything else as it was."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tracker.assess.costs import WORDS, Rented, answer
from tracker.cost import Question
from tracker.cost.market import assumptions_of
from tracker.flags.finding import Finding, plain, with_words

MOVED = ("utilisation", "load_batch", "prompt", "output", "cache_hit", "rent")
DRAFT = "its draft model"
ALWAYS = (WORDS["at_hand"], DRAFT)  # told wherever they are known to differ, however little they move
SHOWN = 2
LEAST = 0.05  # a smaller move decides nothing


@dataclass(frozen=True, slots=True)
class Turn:
    """One assumption and P(below cost) where it is taken for known, by what it is taken for."""

    name: str
    chances: tuple[tuple[str, float], ...]

    @property
    def spread(self) -> float:
        told = [chance for _, chance in self.chances]
        return max(told) - min(told)

    def __str__(self) -> str:
        return f"{self.name} ({', '.join(f'{chance:.2f} {where}' for where, chance in self.chances)})"


def turns_of(questions: Sequence[Question], rents: Rented) -> list[list[Turn]]:
    """For each priced question its assumptions, the one that moves the verdict most first."""
    asked = [list(_variants(q)) for q in questions]
    found = answer({moved for variants in asked for _, _, moved in variants}, rents)
    return [_sorted([(name, where, found[moved].probability_below) for name, where, moved in own]) for own in asked]


def _sorted(told: Sequence[tuple[str, str, float | None]]) -> list[Turn]:
    by_name: dict[str, list[tuple[str, float]]] = {}
    for name, where, chance in told:
        if chance is not None:
            by_name.setdefault(name, []).append((where, chance))
    turns = [Turn(name, tuple(chances)) for name, chances in by_name.items() if len(chances) > 1]
    return sorted((turn for turn in turns if turn.spread >= LEAST), key=lambda turn: (-turn.spread, turn.name))


def _variants(q: Question) -> Iterator[tuple[str, str, Question]]:
    scenario, known = assumptions_of(q), dict(q.known)
    for name in MOVED:
        low, _, high = getattr(scenario, name)
        if name in known or low == high:
            continue
        for value in (low, high):
            yield WORDS[name], f"at {_told(name, value)}", replace(q, known=(*q.known, (name, value)))
    if len(scenario.hardware) > 1:
        for chip, _ in scenario.hardware:
            yield WORDS["at_hand"], f"on {chip} alone", replace(q, hardware=(chip,))
    if q.draft_gain is not None:
        yield DRAFT, "with it", q
        yield DRAFT, "without", replace(q, draft_gain=None)


def _told(name: str, value: float) -> str:
    return f"{value:.0%}" if name in ("utilisation", "cache_hit") else plain(value)


def with_turns(finding: Finding, turns: Sequence[Turn]) -> Finding:
    """The finding with what moves it most in its sentence."""
    told = [str(turn) for place, turn in enumerate(turns) if place < SHOWN or turn.name in ALWAYS]
    what = f"It turns on {'; '.join(told)}." if told else "No assumption turns it within its range."
    return with_words(finding, what)
