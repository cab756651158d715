"""Cerebras' model list: no prices, but the precision each model is served at and the vendor's own speed figure.

Precision is what makes an offer comparable: "FP16/FP8 (weights only)" is the vendor's word and kept as written.
"""

import re
from collections.abc import Iterator

from scrapers.source import Capture, Request, Source
from scrapers.tables import Table, html_tables, meanings, text_of
from tracker.errors import ParseError
from tracker.records import Declaration, Metric, Notice, Offer, Record

SOURCE = Source(
    id="cerebras_models",
    title="Cerebras inference models: precision and speed",
    kind="limits",
    requests=(Request("https://inference-docs.cerebras.ai/models/overview"),),
    every_hours=24,
    currency="USD",
    unit="no prices; tokens per second as the vendor states them",
    min_rows=6,
    terms="public documentation page",
    proof="recorded",
    proof_url="https://github.com/Xiechengqi/models/blob/5b8c57af1bd5/raw/cerebras.html",
    provider="cerebras",
    notice="precision and speed only; the price page is a source of its own",
)

_SPEED = re.compile(r"~(\d{2,6})")


def parse(capture: Capture) -> Iterator[Record]:
    records = [record for table in html_tables(text_of(capture.body)) for record in _table_records(table)]
    if not any(isinstance(record, Declaration) for record in records):
        raise ParseError("no precision could be read from Cerebras' model list")
    yield from records


def _table_records(table: Table) -> Iterator[Record]:
    words = {text.lower() for text in table.header}
    if not words >= {"model id", "speed (tokens/s)"} and not words >= {"model name", "precision"}:
        yield Notice("skipped", f"not read: table of {', '.join(table.header)}", table.place)
        return
    columns, notices = meanings(table, IDS if "model id" in words else NAMES)
    yield from notices
    for number, row in enumerate(table.rows):
        place = f"{table.place} row {number}"
        if len(row) != len(table.header):
            yield Notice("bad_row", f"{len(row)} cells for {len(table.header)} columns", place)
            continue
        cells = {meaning: row[index].text for index, meaning in columns.items()}
        yield from _row(Offer("cerebras", cells["model"]), cells, place)


def _row(offer: Offer, cells: dict[str, str], place: str) -> Iterator[Record]:
    if "precision" in cells:
        yield Declaration(offer, "precision", cells["precision"], place)
    speed = _SPEED.fullmatch(cells.get("speed", ""))
    if speed:
        yield Metric(offer, "claimed_output_tok_s", "last", "", float(speed[1]), None, place)
    elif "speed" in cells:
        yield Notice("bad_row", f"speed is not '~number': {cells['speed'][:40]!r}", place)


IDS = {"model name": "", "model id": "model", "parameters": "", "speed (tokens/s)": "speed"}
NAMES = {"model name": "model", "precision": "precision", "hugging face link": ""}
