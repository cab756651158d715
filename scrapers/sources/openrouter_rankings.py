"""OpenRouter's rankings: tokens per model and day that passed the router. CC BY 4.0: name OpenRouter where it is shown.

Unit: tokens, prompt plus completion. The dataset API gives `{data: [{date, model_permaslug, total_tokens}]}`, a day
each. The page's own endpoint, recorded in 2026, gives a list with prompt, completion and requests apart and a variant
(`free`) per row, whose totals are of the 30 days up to `date`: told as their average day.
"""

from collections.abc import Iterator
from datetime import date

from scrapers.json_text import JsonObject, as_count, as_text, json_body, rows_at
from scrapers.source import Capture, Request, Source
from tracker.records import Demand, Notice, Record

SOURCE = Source(
    id="openrouter_rankings",
    title="OpenRouter rankings, tokens per day",
    kind="demand",
    requests=(Request("https://openrouter.ai/api/v1/datasets/rankings-daily"),),
    every_hours=24,
    currency="USD",
    unit="tokens per model and day",
    min_rows=20,
    terms="CC BY 4.0, source: OpenRouter (https://openrouter.ai/rankings)",
    proof="recorded",
    proof_url="https://github.com/sui414/openrouter-pricing-data/tree/main/data/raw",
    key_env="OPENROUTER_API_KEY",
    key_required=True,
)


# Not stated by the page. The recorded totals drift by one or two percent a day, weekends too, and hold 30 to 50 times
# the requests that the same router's endpoints counted for the same model in a day of those weeks.
LIST_DAYS = 30


def parse(capture: Capture) -> Iterator[Record]:
    body = json_body(capture)
    for locator, row in rows_at(body, *(() if isinstance(body, list) else ("data",))):
        yield from _row(row, locator)


def _row(row: JsonObject, locator: str) -> Iterator[Record]:
    name = as_text(row.get("variant_permaslug")) or as_text(row.get("model_permaslug"))
    day = as_text(row.get("date"))[:10]
    tokens, prompt_tokens, requests = _counts(row)
    try:
        when = date.fromisoformat(day)
    except ValueError:
        when = None
    if not name or name == "other" or tokens is None or when is None:
        yield Notice("skipped", f"{name[:60] or 'a row without a model'} on {day[:20]!r}: {tokens} tokens", locator)
        return
    yield Demand(name, when, tokens, locator=locator, prompt_tokens=prompt_tokens, requests=requests)


def _counts(row: JsonObject) -> tuple[int | None, int | None, int | None]:
    """Tokens, prompt tokens among them, requests: the day's total, else the average day (reasoning is output)."""
    total = as_count(row.get("total_tokens"))
    if total is not None:
        return total, None, None
    prompt, completion = as_count(row.get("total_prompt_tokens")), as_count(row.get("total_completion_tokens"))
    if prompt is None or completion is None:
        return None, None, None
    requests = as_count(row.get("count"))
    return (prompt + completion) // LIST_DAYS, prompt // LIST_DAYS, requests // LIST_DAYS if requests else None
