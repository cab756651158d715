"""What the ledger needs to know beside the facts: its sources, and which model each listed name is.

Both follow from data in this package (SOURCE records, the alias table), so they are rebuilt whenever that data or the
set of offers changed; nothing observed depends on them.
"""

import hashlib
from functools import lru_cache
from importlib.resources import files

from scrapers.source import Source, source_modules
from tracker.names import load_aliases
from warehouse.store import Connection, insert, replace_table, transaction

# Whom to believe when sources disagree: the seller itself, a market that routes to it, a catalogue, a shipped copy.
# 9: history only, never today's price.
STANDING = {"seller": 1, "host": 1, "market": 2, "catalogue": 3, "bundled": 4, "article": 9}


ALIAS_FILES = ("aliases.csv", "model_ids.csv", "name_affixes.csv")


def standing_of(source: Source) -> int:
    return STANDING.get(source.kind, 1) if source.enabled else 9


def refresh_reference(connection: Connection) -> None:
    """Bring ref.source and calc.offer_model up to date, where their data or the set of offers changed."""
    sources = [_source_row(module.SOURCE) for module in source_modules().values()]
    fingerprint = hashlib.sha256(repr(sources).encode()).hexdigest()
    with transaction(connection):
        if _moved(connection, "sources", fingerprint):
            replace_table(connection, "ref.source", sources)
        if _moved(connection, "aliases", _alias_hash()):
            connection.execute("DELETE FROM calc.offer_model")
        _match_new_offers(connection)


def _moved(connection: Connection, name: str, fingerprint: str) -> bool:
    """Whether shipped data differs from what the ledger was last built with; remembers it."""
    known = connection.execute("SELECT fingerprint FROM ref.shipped WHERE name = ?", [name]).fetchone()
    if known == (fingerprint,):
        return False
    connection.execute("DELETE FROM ref.shipped WHERE name = ?", [name])
    connection.execute("INSERT INTO ref.shipped VALUES (?, ?)", [name, fingerprint])
    return True


def _source_row(source: Source) -> dict[str, object]:
    return {
        "source_id": source.id,
        "title": source.title,
        "kind": source.kind,
        "provider": source.provider,
        "currency": source.currency,
        "unit": source.unit,
        "every_hours": float(source.every_hours),
        "copies": " ".join(source.copies),
        "proof": source.proof,
        "proof_url": source.proof_url,
        "terms": source.terms,
        "notice": source.notice,
        "url": source.requests[0].url if source.requests else "",
        "enabled": source.enabled,
        "standing": standing_of(source),
    }


@lru_cache(maxsize=1)
def _alias_hash() -> str:
    data = files("tracker") / "data"
    return hashlib.sha256(b"".join((data / name).read_bytes() for name in ALIAS_FILES)).hexdigest()


def _match_new_offers(connection: Connection) -> None:
    """Look up the offers that have not been looked up yet."""
    fresh = connection.execute(
        "WITH fresh AS (SELECT * FROM core.offer WHERE offer_id NOT IN (SELECT offer_id FROM calc.offer_model)) "
        "SELECT DISTINCT f.offer_id, f.provider, f.listed_name, q.source_id FROM fresh f LEFT JOIN ("
        "SELECT offer_id, source_id FROM core.quote_now UNION ALL SELECT offer_id, source_id FROM core.quote_past "
        "WHERE offer_id IN (SELECT offer_id FROM fresh)) q USING (offer_id) ORDER BY ALL"
    ).fetchall()
    if not fresh:
        return
    aliases = load_aliases()
    matched: dict[int, tuple[str, str | None]] = {}
    for offer_id, provider, listed_name, source_id in fresh:
        match = aliases.match(source_id or "", listed_name, provider)
        if match and offer_id not in matched:
            matched[offer_id] = match.model_id, match.precision or None
    rows = [(offer_id, *matched.get(offer_id, (None, None))) for offer_id in {row[0] for row in fresh}]
    insert(connection, "calc.offer_model", ("offer_id", "model_id", "precision"), rows)
