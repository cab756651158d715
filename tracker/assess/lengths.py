"""How long a request of a model is, where a router counted requests, prompt tokens and output tokens."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tracker.names import load_aliases

ENOUGH = 30_000  # requests in four weeks; fewer say little of what a model is used for
COUNTER = "openrouter_endpoints"  # whose names the counter uses


class Lengths(NamedTuple):
    """Mean tokens of a request."""

    prompt_tokens: float
    output_tokens: float


def counted_models(names: Iterable[str]) -> dict[str, str]:
    """The model behind each name of the counter, where one is known."""
    aliases = load_aliases()
    told = {name: aliases.model_id(COUNTER, name, "openrouter") for name in names}
    return {name: model for name, model in told.items() if model is not None}


def lengths_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, Lengths]:
    """By model, over all names it is counted under: a free tier is served by somebody too."""
    model_of = counted_models(str(row["listed_name"]) for row in rows)
    sums: dict[str, list[int]] = {}
    for row in rows:
        if model := model_of.get(str(row["listed_name"])):
            parts = sums.setdefault(model, [0, 0, 0])
            for at, name in enumerate(("requests", "prompt_tokens", "output_tokens")):
                parts[at] += int(row[name])
    return {
        model: Lengths(prompt / requests, output / requests)
        for model, (requests, prompt, output) in sums.items()
        if requests >= ENOUGH and prompt > 0 and output > 0
    }
