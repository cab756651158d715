"""models.dev's words for prices, then and now, and which component each means.

`inputCached` and `outputCached` of the first weeks (June 2025) are left unread: with Claude Sonnet 4 they held the
write and the read price (3.75 and 0.3), with OpenAI's models the read price and zero.
"""

COSTS = {
    "input": "input",
    "output": "output",
    "reasoning": "reasoning",
    "cache_read": "cache_read",
    "cache_write": "cache_write",
    "cached_input": "cache_read",
    "cache_input": "cache_read",
    "cached_read": "cache_read",
    "cached_write": "cache_write",
    "input_audio": "audio_in",
    "output_audio": "audio_out",
}
