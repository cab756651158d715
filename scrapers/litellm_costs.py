"""LiteLLM's cost keys: `input_cost_per_token`, with the tier and the prompt length in suffixes.

`_batches`, `_flex` and `_priority` name a tier, `_above_200k_tokens` a length; USD per token unless the key says else.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from scrapers.quoting import Money
from tracker.units import PER_TOKEN


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a cost key prices, how it writes money, and what must hold."""

    component: str
    money: Money
    tier: str = "standard"
    min_prompt_tokens: int = 0


@lru_cache(maxsize=1024)
def meaning_of(name: str, mode: str) -> Meaning | None:
    """What a cost key says of a model that does `mode`; None for a key no table knows."""
    match = _KEY.fullmatch(name)
    if not match:
        return None
    found = MODE_COSTS.get((match["base"], mode)) or COSTS.get(match["base"])
    if not found:
        return None
    tier = TIERS.get(match["tier"] or "", "standard")
    return Meaning(*found, tier, int(match["thousands"] or 0) * 1000)


_KEY = re.compile(
    r"(?P<base>.+?)(?:_above_(?P<thousands>\d{1,6})k_tokens)?(?:_(?P<tier>batches|batch_requests|flex|priority))?"
)
CACHE_HIT, CACHE_READ = "input_cost_per_token_cache_hit", "cache_read_input_token_cost"
SEARCH_KEY = "search_context_cost_per_query"

_TOKEN = Money("USD", PER_TOKEN)
_IMAGE = Money("USD", Decimal(1), "image")
_SECOND = Money("USD", Decimal(1), "second")
_REQUEST = Money("USD", Decimal(1), "request")
_MCHAR = Money("USD", PER_TOKEN, "mchar")
TIERS = {"batches": "batch", "batch_requests": "batch", "flex": "flex", "priority": "priority"}
COSTS = {
    "input_cost_per_token": ("input", _TOKEN),
    "output_cost_per_token": ("output", _TOKEN),
    "output_cost_per_reasoning_token": ("reasoning", _TOKEN),
    "cache_read_input_token_cost": ("cache_read", _TOKEN),
    "input_cost_per_token_cache_hit": ("cache_read", _TOKEN),
    "cache_creation_input_token_cost": ("cache_write", _TOKEN),
    "cache_creation_input_token_cost_above_1hr": ("cache_write_1h", _TOKEN),
    "input_cost_per_audio_token": ("audio_in", _TOKEN),
    "output_cost_per_audio_token": ("audio_out", _TOKEN),
    "cache_read_input_audio_token_cost": ("audio_cache_read", _TOKEN),
    "cache_read_input_token_cost_per_audio_token": ("audio_cache_read", _TOKEN),
    "input_cost_per_image_token": ("image_in", _TOKEN),
    "output_cost_per_image_token": ("image_out", _TOKEN),
    "output_cost_per_video_token": ("video_out", _TOKEN),
    "input_cost_per_image": ("image_in", _IMAGE),
    "output_cost_per_image": ("image_out", _IMAGE),
    "input_cost_per_audio_per_second": ("audio_in", _SECOND),
    "output_cost_per_audio_per_second": ("audio_out", _SECOND),
    "input_cost_per_video_per_second": ("video_in", _SECOND),
    "output_cost_per_video_per_second": ("video_out", _SECOND),
    "input_cost_per_character": ("input", _MCHAR),
    "output_cost_per_character": ("output", _MCHAR),
    "input_cost_per_request": ("request", _REQUEST),
    "ocr_cost_per_page": ("input", Money("USD", Decimal(1), "page")),
    SEARCH_KEY: ("search", _REQUEST),
}
MODE_COSTS = {  # keys whose meaning depends on what the model does
    ("input_cost_per_second", "audio_transcription"): ("audio_in", _SECOND),
    ("output_cost_per_second", "video_generation"): ("video_out", _SECOND),
    ("input_cost_per_query", "rerank"): ("rerank", _REQUEST),
    ("input_cost_per_query", "search"): ("search", _REQUEST),
}
