"""Prices and speed claims of the 2023-2024 price war, typed from dated articles into tracker/data.

Prices are per million tokens in the currency the article quotes. A zero is free where `zero_means` holds the article's
own word for it. Speeds are in seconds and tokens per second; a claim and a measurement are kept apart by `statistic`.
Both files name an offer alike (what an article calls Mixtral is the instruct model a host served), so that its speed
meets its price.
"""

from collections.abc import Iterator
from datetime import datetime

from scrapers.csv_text import csv_rows
from scrapers.json_text import as_number
from scrapers.quoting import Money, declared, quoted
from scrapers.source import Capture, Request, Source, anchor
from tracker.conditions import Condition
from tracker.errors import ParseError
from tracker.records import Declaration, Metric, Notice, Offer, Quote, Record
from tracker.units import PER_MTOK

SOURCE = Source(
    id="price_war",
    title="The 2023-2024 price war, from dated articles",
    kind="article",
    requests=(
        Request("pkg:tracker/data/price_war.csv", label="prices"),
        Request("pkg:tracker/data/speed_claims.csv", label="speeds"),
    ),
    every_hours=24 * 7,
    currency="USD",
    unit="per million tokens, in the row's currency",
    min_rows=8,
    terms="facts from articles, cited row by row",
    proof="excerpt",
    proof_url="https://semianalysis.substack.com/p/inference-race-to-the-bottom-make",
    anchors=(
        anchor("doubao-pro-32k", "input", "0.8", "0.81"),
        anchor("gpt-3.5-turbo", "output", "1.99", "2.01"),
    ),
    notice="history only: typed by hand, never refreshed",
)


def parse(capture: Capture) -> Iterator[Record]:
    """Both files, told apart by their label."""
    read = _speeds if capture.label == "speeds" else _prices
    yield from read(capture)


def _prices(capture: Capture) -> Iterator[Record]:
    for locator, row in csv_rows(capture, "date", "provider", "model", "input_per_mtok", "output_per_mtok", "currency"):
        offer = Offer(row["provider"], row["model"], row.get("tier") or "standard", row.get("region", ""))
        try:
            since = datetime.fromisoformat(row["date"])
        except ValueError:
            yield Notice("bad_row", f"{offer}: not a date: {row['date'][:40]!r}", locator)
            continue
        yield from _price_records(offer, row, since, locator)


def _price_records(offer: Offer, row: dict[str, str], since: datetime, locator: str) -> Iterator[Record]:
    money = Money(row["currency"], PER_MTOK)
    condition, free = Condition(effective_from=since), bool(row.get("zero_means"))
    found: list[Record] = []
    for component in ("input", "output"):
        raw = row[f"{component}_per_mtok"]
        if raw:
            found += quoted(offer, component, raw, money, locator, condition=condition, free=free)
        else:
            found.append(Quote(offer, component, None, money.currency, "unknown", raw="not stated", locator=locator))
    yield from found
    yield from declared(offer, "date_precision", row.get("date_precision"), locator)
    yield from declared(offer, "note", row.get("note"), locator)
    yield from declared(offer, "article", row.get("source"), locator)


def _speeds(capture: Capture) -> Iterator[Record]:
    for locator, row in csv_rows(capture, "date", "provider", "model", "kind", "prefill_s", "output_tok_s"):
        offer = Offer(row["provider"], row["model"])
        try:
            measured_at = datetime.fromisoformat(row["date"])
            yield from _metrics(offer, row, measured_at, locator)
        except (ValueError, ParseError):
            yield Notice("bad_row", f"{offer}: not a date: {row['date'][:40]!r}", locator)


def _metrics(offer: Offer, row: dict[str, str], measured_at: datetime, locator: str) -> Iterator[Record]:
    setting = row.get("setting", "")
    if row.get("prompt_tokens"):
        setting = f"prompt_tokens={row['prompt_tokens']}"
    statistic = "claim" if row["kind"] == "claim" else "last"
    for column, name in SPEEDS.items():
        value = as_number(row.get(column) or None)
        if value is not None:
            yield Metric(offer, name, statistic, setting, value, measured_at, locator)
    if row.get("note"):
        attribute = f"speed_note {setting}".strip()
        yield Declaration(offer, attribute, row["note"], locator)


SPEEDS = {
    "prefill_s": "prefill_s",
    "decode_s": "decode_s",
    "total_s": "total_s",
    "output_tok_s": "throughput_tok_s",
}
