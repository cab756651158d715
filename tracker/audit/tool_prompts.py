"""Questions that need a tool, and some that need none, with the tools they may call: what a live tool-call audit asks.

Schemas use the constraints hosts without guided decoding break first: enums, integers, patterns, required fields.
"""

import random
from collections.abc import Mapping
from typing import Any

CODE, DAY = "^[A-Z]{3}$", r"^\d{4}-\d{2}-\d{2}$"
CITIES = (
    "Lisbon",
    "Oslo",
    "Cairo",
    "Lima",
    "Kyoto",
    "Austin",
    "Nairobi",
    "Vienna",
    "Perth",
    "Quebec",
    "Seoul",
    "Dublin",
)
AIRPORTS = ("LIS", "OSL", "CAI", "LIM", "KIX", "AUS", "NBO", "VIE", "PER", "YQB", "ICN", "DUB")


def _tool(required: str, **properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


SCHEMAS: Mapping[str, dict[str, Any]] = {
    "get_weather": _tool("city unit", city={"type": "string"}, unit={"type": "string", "enum": ["celsius", "kelvin"]}),
    "set_timer": _tool("minutes", minutes={"type": "integer"}, label={"type": "string"}),
    "convert_money": _tool(
        "amount source target",
        amount={"type": "number"},
        source={"type": "string", "pattern": CODE},
        target={"type": "string", "pattern": CODE},
    ),
    "find_flights": _tool(
        "origin destination day stops",
        origin={"type": "string", "pattern": CODE},
        destination={"type": "string", "pattern": CODE},
        day={"type": "string", "pattern": DAY},
        stops={"type": "array", "items": {"type": "string", "pattern": CODE}},
    ),
}


def tools() -> list[dict[str, Any]]:
    """The tools as OpenAI's chat API takes them."""
    return [
        {"type": "function", "function": {"name": name, "description": name.replace("_", " "), "parameters": schema}}
        for name, schema in SCHEMAS.items()
    ]


def tool_questions(count: int, seed: int) -> list[str]:
    """Four of six need a tool, one is answered from memory, one only sounds like a tool's business."""
    rng = random.Random(seed)
    return [_question(number % 6, rng) for number in range(count)]


def _question(kind: int, rng: random.Random) -> str:
    city, other = rng.sample(CITIES, 2)
    start, end = rng.sample(AIRPORTS, 2)
    amount, month, day = rng.randint(2, 900), rng.randint(1, 12), rng.randint(1, 28)
    return (
        f"What is the weather in {city} right now, in {rng.choice(('celsius', 'kelvin'))}?",
        f"Set a timer of {rng.randint(2, 90)} minutes and call it {rng.choice(('bread', 'laundry', 'tea'))}.",
        f"How much are {amount} euros in Japanese yen today?",
        f"Find flights from {start} to {end} on 2027-{month:02d}-{day:02d} with a stop in {rng.choice(AIRPORTS)}.",
        f"In which country is {city}, and in which is {other}? Answer from memory.",
        f"Write one sentence about the rain in {city}; do not look anything up.",
    )[kind]
