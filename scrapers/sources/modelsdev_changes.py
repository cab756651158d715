"""Every cost field that moved in the models.dev repository, row by row, with the time of its commit.

A replay only: one row is one field of one model (`cost.input`, old, new), USD per million tokens. An empty `new` means
that the field was taken away, `removed` that the model's file was. Commit time is when it was seen, not when it held.
"""

from collections.abc import Iterator
from datetime import datetime

from scrapers.csv_text import by_commit_time, csv_rows
from scrapers.modelsdev_words import COSTS
from scrapers.providers import offer_named, provider_of
from scrapers.quoting import Money, quoted
from scrapers.source import Capture, Request, Source, anchor
from tracker.conditions import ALWAYS, Condition
from tracker.records import Declaration, Notice, Offer, Quote, Record
from tracker.units import PER_MTOK

SOURCE = Source(
    id="modelsdev_changes",
    title="models.dev repository history",
    kind="catalogue",
    requests=(Request("https://github.com/anomalyco/models.dev"),),
    every_hours=24 * 365,
    currency="USD",
    unit="USD per million tokens",
    min_rows=1,
    terms="MIT licence, cite anomalyco/models.dev",
    proof="recorded",
    proof_url="https://github.com/anomalyco/models.dev",
    anchors=(anchor("gpt-4o", "input", "1", "6"),),
    copies=("*", "modelsdev"),
    enabled=False,
    notice="replay only: a table of changes, never fetched; live rows come from modelsdev",
)


def recorded(body: bytes) -> Iterator[tuple[datetime, bytes]]:
    """The changes of each commit time."""
    yield from by_commit_time(body)


def parse(capture: Capture) -> Iterator[Record]:
    """The fields that were set or taken away."""
    unknown: set[str] = set()
    for locator, row in csv_rows(capture, "provider", "model", "field", "old", "new", "event"):
        provider = provider_of(row["provider"])
        if provider is None or not row["model"]:
            unknown.add(f"provider {row['provider'][:60]!r}")
        elif not provider.kind:
            offer = offer_named(provider.id, row["model"].strip(), provider.region)
            yield from _change(offer, row, locator, unknown)
    for word in sorted(unknown):
        yield Notice("unknown_word", f"{word} is not read")


def _change(offer: Offer, row: dict[str, str], locator: str, unknown: set[str]) -> Iterator[Record]:
    if row["event"] == "removed" and not row["field"]:
        yield Declaration(offer, "status", "removed", locator)
        return
    steps = row["field"].split(".")
    condition = Condition(min_prompt_tokens=200_000) if "context_over_200k" in steps else ALWAYS
    component = COSTS.get(steps[-1])
    if component is None:
        unknown.add(f"field {row['field'][:60]!r}")
    elif row["new"]:
        free = offer.tier == "free"
        yield from quoted(offer, component, row["new"], MONEY, locator, condition=condition, free=free)
    else:
        yield Quote(offer, component, None, "USD", "unknown", condition=condition, raw="taken away", locator=locator)


MONEY = Money("USD", PER_MTOK)
