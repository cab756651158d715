"""Google's Gemini API price page (Markdown twin), USD per 1M tokens by the column's own header.

One cell holds several prices with their conditions in words: modality, prompt length, dates, storage per hour, and the
same price told in another unit (per minute, per image), which is not read twice. An unknown word drops the cell loudly.
Dates are taken as UTC midnights: the page names no time zone.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import Cell, Table, clean, loud, markdown_tables, require, text_of, token_band
from tracker.conditions import Condition
from tracker.errors import ParseError
from tracker.records import Notice, Offer, Quote, Record
from tracker.units import PER_MTOK, amount_of

SOURCE = Source(
    id="google_pricing",
    title="Gemini API pricing page",
    kind="seller",
    requests=(Request("https://ai.google.dev/gemini-api/docs/pricing.md.txt"),),
    every_hours=6,
    currency="USD",
    unit="USD per 1M tokens, stated in the header of each table",
    min_rows=20,
    terms="public documentation page",
    proof="excerpt",
    proof_url="https://github.com/wakamex/model-prices/blob/main/tests/fixtures/google.md",
    provider="google",
    anchors=(anchor("gemini-2.5-flash", "output", "0.3", "15"), anchor("gemini-2.5-pro", "input", "0.2", "8")),
)

PAID, FREE = "paid tier, per 1m tokens in usd", "free tier"
_IDS = re.compile(r"`([a-z0-9][\w.-]*)`")
_PRICE = re.compile(r"(?P<before>[^$]*)\$(?P<n>\d+(?:\.\d+)?)(?P<after>[^$]*)")
_PER_MINUTE = re.compile(r" or \$[\d.]+/min")
_RETOLD = re.compile(r"\$[\d.]+ per [\d.]+[sK]? ?(?:audio|image)")
_STORAGE = re.compile(r"/ 1,000,000 tokens per hour \(storage price\)")
_MODALITY = re.compile(r"\(([a-z /]+)\)")
_BAND = re.compile(r",? ?prompts (?:<=|>|≤) ?\d+k(?: tokens)?", re.IGNORECASE)
_UNTIL = re.compile(r"through ([A-Z][a-z]+ \d{1,2}, \d{4})")
_FROM = re.compile(r"starting ([A-Z][a-z]+ \d{1,2}, \d{4})")


@dataclass(frozen=True, slots=True)
class _Price:
    component: str
    raw: str
    amount: str
    condition: Condition


def parse(capture: Capture) -> Iterator[Record]:
    text = text_of(capture.body)
    require(text, r"per 1M tokens in USD")
    yield from loud(_records(text))


def _records(text: str) -> Iterator[Record]:
    names = _ids_by_heading(text)
    for table in markdown_tables(text):
        columns = [header.lower() for header in table.header]
        models = names.get(table.headings[-2] if len(table.headings) > 1 else "", ())
        tier = TIERS.get(table.headings[-1].lower() if table.headings else "")
        if columns != ["", FREE, PAID] or not models or not tier:
            yield Notice("skipped", f"not read: table of {', '.join(table.header)[:120]} for {models}", table.place)
            continue
        yield from _table_records(table, models, tier)


def _ids_by_heading(text: str) -> dict[str, tuple[str, ...]]:
    """Model ids in the italic lines under each second-level heading."""
    found: dict[str, tuple[str, ...]] = {}
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        heading, _, rest = section.partition("\n")
        lines = (line for line in rest.splitlines() if line.startswith(("*`", "*[`")))
        found[clean(heading)] = tuple(dict.fromkeys(name for line in lines for name in _IDS.findall(line)))
    return found


def _table_records(table: Table, models: tuple[str, ...], tier: str) -> Iterator[Record]:
    for number, row in enumerate(table.rows):
        label = row[0].text.lower() if row else ""
        place = f"{table.place} row {number} {label!r}"
        kind = ROWS.get(label)
        if kind is None or len(row) != 3:
            yield Notice("unknown_word", f"row {label!r} of {len(row)} cells is not known", place)
        elif kind:
            for model in models:
                yield from _free(model, kind, row[1], place)
                yield from _paid(Offer("google", model, tier), kind, row[2].text, place)


def _free(model: str, kind: str, cell: Cell, place: str) -> Iterator[Record]:
    if cell.text.lower() == "free of charge":
        yield Quote(
            Offer("google", model, "free"), kind, amount_of(0, PER_MTOK), "USD", "free", raw=cell.text, locator=place
        )
    elif cell.text.lower() != "not available":
        yield Notice("unknown_word", f"free tier says {cell.text[:60]!r}", place)


def _paid(offer: Offer, kind: str, text: str, place: str) -> Iterator[Record]:
    if text.lower() in ("not available", "-"):
        return
    try:
        prices = list(_prices(kind, text))
    except ParseError as error:
        yield Notice("bad_row", str(error), place)
        return
    for price in prices:
        unit = "mtok_hour" if price.component == "cache_storage_hour" else "mtok"
        amount = amount_of(price.amount, PER_MTOK)
        yield Quote(
            offer, price.component, amount, "USD", unit=unit, condition=price.condition, raw=price.raw, locator=place
        )


def _prices(kind: str, text: str) -> Iterator[_Price]:
    """The prices of one cell; raises ParseError when any word around a number is not understood."""
    tokens, _, retold = _PER_MINUTE.sub("", text).partition("Equivalent to")
    if len(_RETOLD.findall(retold)) != retold.count("$"):
        raise ParseError(f"a unit that is not known after 'Equivalent to': {retold[:60]!r}")
    found = list(_PRICE.finditer(tokens))
    if not found or tokens[: found[0].start()].strip() or found[0]["before"].strip():
        raise ParseError(f"no price in {text[:60]!r}")
    for price in found:
        yield from _one(kind, price["n"], price["after"], price.group().strip())


def _one(kind: str, number: str, words: str, raw: str) -> Iterator[_Price]:
    storage = _STORAGE.search(words)
    words = _STORAGE.sub("", words)
    modality, band = _MODALITY.search(words), _BAND.search(words)
    until, since = _UNTIL.search(words), _FROM.search(words)
    rest = words
    for part in (modality, band, until, since):
        rest = rest.replace(part.group(), "", 1) if part else rest
    if rest.strip(" .,"):
        raise ParseError(f"words that are not known: {rest.strip()[:60]!r}")
    low, high = token_band(band.group()) if band else (0, None)
    condition = Condition(
        low, high, "", _day(since[1]) if since else None, _day(until[1]) + timedelta(days=1) if until else None
    )
    for component in ["cache_storage_hour"] if storage else _components(kind, modality[1] if modality else ""):
        yield _Price(component, raw, number, condition)


def _components(kind: str, modality: str) -> list[str]:
    words = [word.strip() for word in re.split(r"/| and ", modality) if word.strip()] or ["text"]
    found = [MODALITIES.get((kind, word)) for word in words]
    if None in found:
        raise ParseError(f"modality {modality!r} of {kind} is not known")
    known = list(dict.fromkeys(component for component in found if component))
    return known[:1] if known[0] == kind else known  # text and what is billed with it is one price


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%B %d, %Y")  # noqa: DTZ007 - all times here are naive UTC
    except ValueError as error:
        raise ParseError(f"not a date: {text!r}") from error


TIERS = {"standard": "standard", "batch": "batch", "flex": "flex", "priority": "priority"}
ROWS = {
    "input price": "input",
    "output price (including thinking tokens)": "output",
    "output price": "output",
    "context caching price": "cache_read",
    "grounding with google search": "",
    "grounding with google maps": "",
    "grounding with google web and image search": "",
    "used to improve our products": "",
}
MODALITIES = {
    ("input", "text"): "input",
    ("input", "image"): "image_in",
    ("input", "video"): "video_in",
    ("input", "audio"): "audio_in",
    ("output", "text"): "output",
    ("output", "thinking"): "output",
    ("output", "audio"): "audio_out",
    ("output", "image"): "image_out",
    ("output", "images"): "image_out",
    ("output", "video"): "video_out",
    ("cache_read", "text"): "cache_read",
    ("cache_read", "image"): "cache_read",
    ("cache_read", "video"): "cache_read",
    ("cache_read", "audio"): "audio_cache_read",
}
