"""The evidence list at the foot of a report: each printed quote, as the source wrote it, and the bytes behind it."""

from collections.abc import Iterable

from reports.ledger import Ledger
from reports.parts import Citation, Section

QUOTES = """
SELECT h.quote_id, h.offer, h.component, h.basis, h.amount, h.currency, h.unit, h.raw, h.source_id, h.observed_at,
       h.effective_from, c.url, c.sha256, c.recorder
FROM price_history h LEFT JOIN captures c ON c.capture_id = h.capture_id
WHERE h.quote_id IN (SELECT unnest(?::BIGINT[]))
"""


def cited_ids(sections: Iterable[Section]) -> list[int]:
    """The quote ids that the printed rows name, in reading order."""
    found: dict[int, None] = {}
    for section in sections:
        for table in section.tables:
            keys = [column.key for column in table.columns if column.kind == "evidence"]
            for row in table.printed:
                for key in keys:
                    ids = row.get(key)
                    found |= dict.fromkeys(ids if isinstance(ids, tuple) else ())
    return list(found)


def citations_of(ledger: Ledger, sections: Iterable[Section]) -> dict[int, Citation]:
    ids = cited_ids(sections)
    rows = {row["quote_id"]: row for row in ledger.rows(QUOTES, ids)} if ids else {}
    known = [quote_id for quote_id in ids if quote_id in rows]
    return {quote_id: Citation(n, quote_id, rows[quote_id]) for n, quote_id in enumerate(known, 1)}
