"""The site's pages of models and providers as sections, read from the published history in batches.

A page shows who sells a model (or what a seller sells) now, the prices' path, and the latest changes with their quotes.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from reports.ledger import Rows
from reports.parts import Column, Section, Table
from reports.paths import billed_path
from reports.words import Words
from warehouse.history import History

OFFERS = """
SELECT offer_id, offer, provider, listed_name, tier, model_id, precision, currency, input, output, cache_read,
       input_usd_per_mtok, output_usd_per_mtok, blended_usd_per_mtok, input_status, output_status, discounted,
       context_tokens, source_id, changed_at, input_quote_id, output_quote_id
FROM offers
ORDER BY 'zero_claimed' IN (input_status, output_status) NULLS FIRST, blended_usd_per_mtok NULLS LAST, offer, offer_id
"""
# One pass over all changes; pages then look their own up.
RECENT = """
CREATE OR REPLACE TEMP TABLE recent_change AS
SELECT changed_at, offer, provider, model_id, component, basis, kind, old_amount, new_amount, currency, change,
       source_id, quote_id, old_quote_id
FROM price_changes WHERE kind <> 'unknown' AND component IN ('input', 'output') AND changed_at > ?
"""
CHANGES = """
SELECT changed_at, offer, provider, model_id, component, basis, kind, old_amount AS price_old, new_amount AS price_new,
       currency, change, source_id, quote_id, old_quote_id
FROM recent_change WHERE {key} IN (SELECT unnest(?::VARCHAR[]))
QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY changed_at DESC, offer, component, quote_id) <= 40
ORDER BY {key}, changed_at DESC, offer, component, quote_id, old_quote_id
"""
MOVED = "SELECT DISTINCT offer FROM recent_change WHERE kind NOT IN ('new', 'removed')"
PATHS = """
SELECT offer_id, basis, amount, valid_from, valid_to, quote_id, source_id FROM price_history
WHERE offer_id IN (SELECT unnest(?::BIGINT[])) AND component = 'output' AND min_prompt_tokens = 0 AND hours = ''
  AND basis <> 'effective' AND unit = 'mtok' AND status <> 'zero_claimed' AND valid_to > ?
ORDER BY offer_id, valid_from, basis, quote_id
"""
BATCH = 150  # pages per round of queries: bounds memory on a large ledger
LINES = 8
YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class PageData:
    """Everything one page is made of, before anything is drawn: equal data gives an equal page."""

    kind: str  # models or providers
    name: str
    offers: Rows
    changes: Rows
    lines: Rows

    @property
    def path(self) -> str:
        return f"{self.kind}/{slug(self.name)}.html"

    @property
    def fingerprint(self) -> str:
        text = repr((self.kind, self.name, self.offers, self.changes, self.lines))
        return hashlib.sha256(text.encode()).hexdigest()


def slug(name: str) -> str:
    """A file name that is safe anywhere; names it had to change get a hash, so that two never share one."""
    plain = name.replace("/", "--")
    safe = re.sub(r"[^a-z0-9._-]+", "-", plain.lower()).strip(".-")[:80]
    return safe if safe == plain else f"{safe}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def current_offers(history: History) -> Rows:
    return history.rows(OFFERS)


def page_data(history: History, offers: Rows, now: datetime) -> Iterator[PageData]:
    """Models, then providers, each in order of name."""
    history.connection.execute(RECENT, [now - YEAR])
    moved = frozenset(row["offer"] for row in history.rows(MOVED))
    for kind, key in (("models", "model_id"), ("providers", "provider")):
        groups: defaultdict[str, Rows] = defaultdict(list)
        for row in offers:
            if row[key]:
                groups[row[key]].append(row)
        names = sorted(groups)
        for start in range(0, len(names), BATCH):
            some = {name: groups[name] for name in names[start : start + BATCH]}
            yield from _batch(history, kind, key, some, moved, now)


def _batch(
    history: History, kind: str, key: str, groups: Mapping[str, Rows], moved: Collection[object], now: datetime
) -> Iterator[PageData]:
    changes: defaultdict[str, Rows] = defaultdict(list)
    found: Rows = history.rows(CHANGES.format(key=key), [list(groups)])
    for row in found:
        changes[row[key]].append(row)
    chosen = {name: _charted(rows, moved) for name, rows in groups.items()}
    ids = [row["offer_id"] for rows in chosen.values() for row in rows]
    versions: defaultdict[int, Rows] = defaultdict(list)
    source = {row["offer_id"]: row["source_id"] for rows in chosen.values() for row in rows}
    stored: Rows = history.rows(PATHS, [ids, now - YEAR])
    for row in stored:
        if row["source_id"] == source[row["offer_id"]]:
            versions[row["offer_id"]].append(row)
    for name, rows in groups.items():
        lines = [point for row in chosen[name] for point in _points(kind, row, versions[row["offer_id"]], now)]
        yield PageData(kind, name, rows, changes[name], lines)


def _charted(offers: Rows, moved: Collection[object]) -> Rows:
    """Offers in dollars whose price moved in the year: a flat line says nothing. The cheapest few."""
    return [row for row in offers if row["offer"] in moved and row["currency"] == "USD" and row["output"]][:LINES]


def _points(kind: str, offer: Mapping[str, Any], versions: Rows, now: datetime) -> Rows:
    found = [(at, amount) for at, amount in billed_path(versions, now) if amount is not None]
    name = offer["offer"] if kind == "models" else offer["listed_name"]
    since = now - YEAR
    inside = [(max(at, since), amount) for at, amount in found]
    inside += [(now, inside[-1][1])] if inside else []
    return [{"at": at, "name": name[:60], "output": amount} for at, amount in inside]


def sections_of(page: PageData, known: Mapping[str, Collection[str]], root: str, say: Words) -> tuple[Section, ...]:
    """The page's tables; its chart is drawn apart."""
    other = "providers" if page.kind == "models" else "models"
    key = "provider" if page.kind == "models" else "model_id"
    offers = tuple({**row, "link": _link(other, row[key], known, root), **_quotes(row, say)} for row in page.offers)
    changes = tuple({**row, "link": _link(other, row[key], known, root)} for row in page.changes)
    title = say("Provider") if page.kind == "models" else say("Model")
    now = (
        Column("link", title, "link"),
        Column("input", say("Input / M"), "money"),
        Column("output", say("Output / M"), "money"),
        Column("cache_read", say("Cached"), "money"),
        Column("currency", say("Currency")),
        Column("blended_usd_per_mtok", say("3:1 blend $/M"), "money"),
        Column("precision", say("Declared"), "code"),
        Column("status", say("Note")),
        Column("offer", say("Offer"), "code"),
        Column("changed_at", say("Since (UTC)"), "when"),
        Column("source_id", say("Source"), "code"),
        Column("quote", say("Quote ID"), "code"),
    )
    past = (
        Column("changed_at", say("When (UTC)"), "when"),
        Column("link", title, "link"),
        Column("offer", say("Offer"), "code"),
        Column("component", say("Component"), "code"),
        Column("kind", say("Kind"), "code"),
        Column("price", say("Price"), "step"),
        Column("currency", say("Currency")),
        Column("change", say("Change"), "change"),
        Column("source_id", say("Source"), "code"),
        Column("quote_id", say("Quote ID"), "code"),
    )
    return (
        Section("offers", say("Offers today"), (), (), (Table("offers", say("Cheapest first"), now, offers, 400),)),
        Section("changes", say("Latest changes"), () if changes else (say("No change in the last year."),), (),
                (Table("changes", say("Newest first"), past, changes, 40),)),
    )  # fmt: skip


def _link(kind: str, name: object, known: Mapping[str, Collection[str]], root: str) -> tuple[str, str] | None:
    """Address and name; without an address where nothing stands today, so there is no page."""
    if not name:
        return None
    return (f"{root}{kind}/{slug(str(name))}.html" if name in known[kind] else "", str(name))


def _quotes(row: Mapping[str, Any], say: Words) -> dict[str, object]:
    zero = "zero_claimed" in (row["input_status"], row["output_status"])
    free = say("free tier") if row["tier"] == "free" else ""
    note = say("zero not proven") if zero else say("promotion") if row["discounted"] else free
    return {"quote": row["output_quote_id"] or row["input_quote_id"], "status": note}


def links(names: Iterable[str], kind: str) -> list[tuple[str, str]]:
    return [(f"{kind}/{slug(name)}.html", name) for name in names]
