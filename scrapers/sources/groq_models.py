"""Groq's model list (Markdown twin of the docs page): price, own speed figure, context, per model, USD per 1M tokens.

The price page itself became a script; this table is the surviving static source. "Contact Sales" is an offer whose
price is not published. Speech models are priced per hour or per million characters.
"""

import re
from collections.abc import Iterator

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import loud, markdown_tables, meanings, priced, text_of
from tracker.records import Declaration, Metric, Notice, Offer, Quote, Record
from tracker.units import PER_MTOK, amount_of

SOURCE = Source(
    id="groq_models",
    title="Groq supported models with prices",
    kind="host",
    requests=(Request("https://console.groq.com/docs/models.md"),),
    every_hours=12,
    currency="USD",
    unit="USD per 1M tokens, stated in the header; other units beside the number",
    min_rows=8,
    terms="public documentation page",
    proof="excerpt",
    proof_url="https://console.groq.com/docs/models.md",
    provider="groq",
    anchors=(anchor("openai/gpt-oss-120b", "output", "0.1", "5"),),
)

_LINK = re.compile(r"\[(?:[^\[\]]|\[[^\[\]]*\]\([^()]*\))*\]\(/docs/model/([\w./-]+)\)")
_TOKENS = re.compile(r"\$(?P<input>[\d.]+) input ?\$(?P<output>[\d.]+) output")
_OTHER = re.compile(r"\$(?P<n>[\d.]+) per (?P<unit>1M characters|hour(?: transcribed)?)")


def parse(capture: Capture) -> Iterator[Record]:
    yield from loud(_records(_LINK.sub(r"\1 ", text_of(capture.body))))


def _records(text: str) -> Iterator[Record]:
    for table in priced(markdown_tables(text), WORDS, ("model", "price")):
        if isinstance(table, Notice):
            yield table
            continue
        columns, notices = meanings(table, WORDS)
        yield from notices
        for number, row in enumerate(table.rows):
            place = f"{table.place} row {number}"
            cells = {meaning: row[index].text for index, meaning in columns.items() if index < len(row)}
            names = cells.get("model", "").split(" ")
            if len(row) != len(table.header) or len(set(names)) != 1 or not names[0]:
                yield Notice("bad_row", f"cells do not fit the header, or link and id differ: {names[:3]}", place)
            else:
                yield from _row(Offer("groq", names[0]), cells, place)


def _row(offer: Offer, cells: dict[str, str], place: str) -> Iterator[Record]:
    price = cells["price"]
    tokens, other = _TOKENS.fullmatch(price), _OTHER.fullmatch(price)
    if tokens:
        for component in ("input", "output"):
            yield Quote(offer, component, amount_of(tokens[component], PER_MTOK), "USD", raw=price, locator=place)
    elif other:
        component, unit = ("audio_out", "mchar") if "characters" in other["unit"] else ("audio_in", "hour")
        yield Quote(offer, component, amount_of(other["n"], PER_MTOK), "USD", unit=unit, raw=price, locator=place)
    elif price == "Contact Sales":
        for component in ("input", "output"):
            yield Quote(offer, component, None, "USD", "unknown", raw=price, locator=place)
    else:
        yield Notice("bad_row", f"not a price: {price[:60]!r}", place)
    if cells.get("context", "").replace(",", "").isdigit():
        yield Declaration(offer, "context_tokens", cells["context"].replace(",", ""), place)
    if cells.get("speed", "").replace(",", "").isdigit():
        yield Metric(offer, "claimed_output_tok_s", "last", "", float(cells["speed"].replace(",", "")), None, place)


WORDS = {
    "model id": "model",
    "speed (t/sec)": "speed",
    "price per 1m tokens": "price",
    "rate limits (developer plan)": "",
    "context window (tokens)": "context",
    "max completion tokens": "",
    "max file size": "",
}
