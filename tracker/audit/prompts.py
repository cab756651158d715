"""Prompts of an audit: plain, short, in endless supply, and unlike each other so that no cache helps.

Beginnings of ordinary sentences that many words may follow: about one in thirty lies on the border of a given model.
"""

from itertools import islice, product

import numpy as np

SUBJECTS = (
    "The old harbour",
    "My neighbour's dog",
    "The second committee",
    "A small company in the north",
    "The river",
    "Our teacher",
    "The new minister",
    "An honest report",
    "The machine in the cellar",
    "Her first novel",
    "The price of bread",
    "A late train",
    "The engineer",
    "This library",
    "The winter market",
    "Their youngest brother",
)
VERBS = (
    "was known for its",
    "had always been a little",
    "could not explain the",
    "returned from the",
    "is made of",
    "depends mostly on the",
    "was named after a",
    "will probably need more",
    "began with a",
    "looked like a",
    "reminded everyone of the",
    "had nothing to do with",
)
PLACES = (
    "In spring",
    "After the meeting",
    "Near the border",
    "At night",
    "On the last page",
    "During the strike",
    "In the other room",
    "Before noon",
    "As far as we know",
    "For many years",
    "According to the map",
    "In a letter from 1907",
)


def candidates(count: int, seed: int = 0) -> list[str]:
    """Up to `count` different unfinished sentences (2,304 opening pairs, then numbered ones) in a seeded order."""
    grid = [
        f"{place}, {subject[0].lower() + subject[1:]} {verb}"
        for place, subject, verb in product(PLACES, SUBJECTS, VERBS)
    ]
    order = np.random.default_rng(seed).permutation(len(grid))
    rounds = (
        f"Note {turn}. {grid[at]}" if turn else grid[at] for turn in range(count // len(grid) + 1) for at in order
    )
    return list(islice(rounds, count))
