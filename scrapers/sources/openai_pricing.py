"""OpenAI's price page: its Markdown twin, or the HTML page with one table per service tier.

Prices per 1M tokens by prose. "Long context" columns hold above the number of input tokens the page names; where it
names none they become the variant `long-context`. The HTML page shows the newest rows only, the rest is in its script.
"""

import html
import json
import re
from collections.abc import Iterator
from dataclasses import replace

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import (
    Grid,
    Money,
    Reading,
    Table,
    all_readings,
    headed,
    html_grids,
    loud,
    markdown_tables,
    refuse,
    require,
    soup_of,
    split_band,
    text_of,
    visible,
)
from tracker.conditions import ALWAYS, Condition
from tracker.records import Notice, Offer, Record

SOURCE = Source(
    id="openai_pricing",
    title="OpenAI API pricing page",
    kind="seller",
    requests=(Request("https://developers.openai.com/api/docs/pricing.md"),),
    every_hours=6,
    currency="USD",
    unit="USD per 1M tokens",
    min_rows=20,
    terms="public documentation page",
    proof="recorded",
    proof_url="https://github.com/lzc0403/token-pricing-scraper/blob/44953e81ecaa/data/openai_pricing_raw.html",
    provider="openai",
    anchors=(anchor("gpt-5.6-sol", "output", "3", "150"), anchor("gpt-5.4-mini", "input", "0.05", "10")),
    notice="the recording is the HTML page; its Markdown twin was seen as an excerpt only",
)

DOLLARS = Money("USD", before="$")
_THRESHOLD = re.compile(r">\s*(\d+)K input tokens", re.IGNORECASE)


def parse(capture: Capture) -> Iterator[Record]:
    text = text_of(capture.body)
    if text.lstrip()[:1] == "<" and "<table" in text:
        soup = soup_of(text)
        tables = [table for grid in html_grids(soup) if (table := headed(grid, _island_tier(grid) or _pane_tier(grid)))]
        words = visible(soup)
    else:
        tables, words = [replace(table, mark=_heading_tier(table)) for table in markdown_tables(text)], text
    require(words, r"per 1M tokens")
    refuse(words, r"per 1K tokens")
    found = _THRESHOLD.search(html.unescape(text))
    yield from loud(_records(tables, int(found[1]) * 1_000 if found else None))


def _island_tier(grid: Grid) -> str:
    """The tier in the properties of the page island a table belongs to, "" where it has none."""
    island = grid.tag.find_parent("astro-island")
    try:
        properties = json.loads(str(island["props"])) if island else {}
        return str(properties.get("tier", [0, ""])[1])
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        return ""


def _pane_tier(grid: Grid) -> str:
    """The tier of the switcher's pane a table stands in, "" where it stands in none."""
    pane = grid.tag.find_parent(attrs={"data-content-switcher-pane": True})
    return str(pane.get("data-value", "")) if pane else ""


def _heading_tier(table: Table) -> str:
    """The first word of the heading right above; a table under any other heading is not read."""
    return table.headings[-1].split(" ")[0].lower() if table.headings and table.headings[-1] else ""


def _records(tables: list[Table], threshold: int | None) -> Iterator[Record]:
    for table in tables:
        if table.mark not in TIERS:
            yield Notice("skipped", f"no known service tier above a table of {table.header[:4]}", table.place)
        elif "training" in (text.lower() for text in table.header):  # prices of fine-tuned models, not of these
            yield Notice("skipped", f"not read: table of {', '.join(table.header)[:160]}", table.place)
    tiered = [t for t in tables if t.mark in TIERS and "training" not in (text.lower() for text in t.header)]
    for found in all_readings(tiered, WORDS, DOLLARS, ("model", "input", "output"), fill="model"):
        if isinstance(found, Notice):
            yield found
        else:
            yield from _quotes(found[1], TIERS[found[0].mark], threshold)


def _quotes(reading: Reading, tier: str, threshold: int | None) -> Iterator[Record]:
    name, condition = split_band(reading.facts["model"])
    modality = reading.facts.get("modality", "Text")
    component = MODALITIES.get((modality.lower(), reading.component))
    if component is None:
        yield Notice("unknown_word", f"modality {modality!r} is not known", reading.locator)
        return
    variant = ""
    if reading.mark == "long":
        above = condition.max_prompt_tokens or (threshold + 1 if threshold else 0)
        condition = Condition(min_prompt_tokens=above) if above else ALWAYS
        variant = "" if above else "long-context"
    yield from replace(reading, component=component).quotes(Offer("openai", name, tier, "", variant), condition)


TIERS = {"standard": "standard", "batch": "batch", "flex": "flex", "priority": "priority", "fast": "priority"}
MODALITIES = {
    ("text", "input"): "input",
    ("text", "output"): "output",
    ("text", "cache_read"): "cache_read",
    ("text", "cache_write"): "cache_write",
    ("audio", "input"): "audio_in",
    ("audio", "output"): "audio_out",
    ("audio", "cache_read"): "audio_cache_read",
    ("image", "input"): "image_in",
    ("image", "output"): "image_out",
}
WORDS = {
    "model": "model",
    "modality": "modality",
    "category": "",
    "input": "input",
    "cached input": "cache_read",
    "cache writes": "cache_write",
    "output": "output",
    "short context / input": "input",
    "short context / cached input": "cache_read",
    "short context / cache writes": "cache_write",
    "short context / output": "output",
    "long context / input": "input long",
    "long context / cached input": "cache_read long",
    "long context / cache writes": "cache_write long",
    "long context / output": "output long",
    "short context input": "input",
    "short context cached input": "cache_read",
    "short context cache writes": "cache_write",
    "short context output": "output",
    "long context input": "input long",
    "long context cached input": "cache_read long",
    "long context cache writes": "cache_write long",
    "long context output": "output long",
}
