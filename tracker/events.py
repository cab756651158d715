"""What happened, as events with stable ids, read from the published ledger; and the same as an Atom feed.

An id names the fact, not the telling: the same event has the same id in every rebuild. `evidence` is the id that
`tracker evidence` and the site's feed show for a price: of the output price where that moved, else of another part.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from xml.etree import ElementTree

from warehouse.history import History

KINDS = frozenset(("cut", "rise", "made_free", "new", "removed", "flag", "precision", "limit_cut", "broken"))


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, with a stable id: the same event is told once."""

    id: str
    kind: str
    at: str
    subject: str  # the offer, or the source
    model_id: str
    text: str
    change: float | None = None
    evidence: str = ""


def events_since(history: History, since: datetime) -> list[Event]:
    """What happened: prices, flags, precision, limits, broken sources. Oldest first."""
    found: list[Event] = []
    for sql in _QUERIES:
        for row in history.rows(sql, [since]):
            change = row["change"]
            found.append(
                Event(
                    id=str(row["id"]),
                    kind=str(row["kind"]),
                    at=str(row["at"])[:19],
                    subject=str(row["subject"]),
                    model_id=str(row["model_id"] or ""),
                    text=str(row["text"]),
                    change=float(str(change)) if change is not None else None,
                    evidence=str(row["evidence"] or ""),
                )
            )
    return sorted(found, key=lambda event: (event.at, event.id))


_QUERIES = (
    # one event per offer and moment, however many components moved; a reseller that moved often is told once a day.
    # What took effect before `since` is history that a source told late: a first pass would tell years of it
    """
    SELECT 'price/' || offer || '/' || CAST(CAST(observed_at AS DATE) AS VARCHAR) || '/' || kind AS id, kind,
           max(observed_at) AS at, offer AS subject, any_value(model_id) AS model_id,
           arg_max(change, abs(change)) AS change,
           string_agg(component || ' ' || coalesce(CAST(CAST(old_amount AS DOUBLE) AS VARCHAR), '-') || ' -> '
                      || coalesce(CAST(CAST(new_amount AS DOUBLE) AS VARCHAR), '-') || ' ' || currency, ', '
                      ORDER BY component, observed_at)
           || CASE WHEN max(changed_at) > any_value(now_utc) THEN ', from ' || strftime(max(changed_at), '%Y-%m-%d')
              ELSE '' END AS text,
           CAST(coalesce(max(coalesce(quote_id, old_quote_id)) FILTER (component = 'output'),
                         max(coalesce(quote_id, old_quote_id))) AS VARCHAR) AS evidence
    FROM price_changes CROSS JOIN clock
    WHERE observed_at >= $1 AND changed_at >= $1 AND observed_at <= now_utc
      AND kind IN ('cut', 'rise', 'made_free', 'new', 'removed')
    GROUP BY offer, kind, CAST(observed_at AS DATE)
    """,
    """
    SELECT 'flag/' || flag_id AS id, 'flag' AS kind, opened_at AS at, offer AS subject, model_id, NULL AS change,
           kind || ': ' || sentence AS text, CAST(flag_id AS VARCHAR) AS evidence
    FROM flags WHERE opened_at >= ?
    """,
    """
    SELECT 'precision/' || d.declaration_id AS id, 'precision' AS kind, d.observed_at AS at, d.offer AS subject,
           d.model_id, NULL AS change, 'precision ' || p.value || ' -> ' || d.value AS text,
           CAST(d.capture_id AS VARCHAR) AS evidence
    FROM declarations d JOIN declarations p ON p.offer_id = d.offer_id AND p.attribute = 'precision'
         AND p.source_id = d.source_id AND p.ended_at = d.observed_at AND p.value <> d.value
    WHERE d.attribute = 'precision' AND d.observed_at >= ?
    """,
    """
    SELECT 'limit/' || n.limit_id AS id, 'limit_cut' AS kind, n.observed_at AS at,
           n.provider || '/' || n.listed_name AS subject, '' AS model_id,
           CAST(n.amount AS DOUBLE) / CAST(o.amount AS DOUBLE) - 1 AS change,
           n.account_tier || ' ' || n.measure || '/' || n.per || ' '
           || CAST(CAST(o.amount AS DOUBLE) AS VARCHAR) || ' -> ' || CAST(CAST(n.amount AS DOUBLE) AS VARCHAR) AS text,
           CAST(n.capture_id AS VARCHAR) AS evidence
    FROM limits n JOIN limits o ON o.provider = n.provider AND o.listed_name = n.listed_name AND o.tier = n.tier
         AND o.region = n.region AND o.account_tier = n.account_tier AND o.measure = n.measure AND o.per = n.per
         AND o.source_id = n.source_id AND o.ended_at = n.observed_at
    WHERE n.amount < o.amount AND n.observed_at >= ?
    """,
    """
    SELECT 'broken/' || source_id || '/' || coalesce(CAST(last_good_at AS VARCHAR), '') AS id, 'broken' AS kind,
           last_pass_at AS at, source_id AS subject, '' AS model_id, NULL AS change,
           'no good pass for more than a day: ' || last_problem AS text, '' AS evidence
    FROM sources WHERE last_outcome = 'failed' AND last_good_at IS NOT NULL
      AND last_pass_at >= last_good_at + INTERVAL 1 DAY AND last_pass_at >= ?
    """,
)


def line_of(event: Event) -> str:
    text = "".join(letter if letter.isprintable() else " " for letter in event.text)
    return f"{event.at[:16]} {event.kind}: {event.subject}: {text[:400]}"


def atom(events: Iterable[Event]) -> str:
    """The events as an Atom feed, newest first."""
    newest_first = list(reversed(list(events)))
    feed = ElementTree.Element("feed", xmlns="http://www.w3.org/2005/Atom")
    _element(feed, "title", "Inference price tracker: events")
    _element(feed, "id", "urn:inference-price-tracker:events")
    _element(feed, "updated", _stamp(newest_first[0].at if newest_first else "1970-01-01 00:00:00"))
    _element(_element(feed, "author", ""), "name", "inference-price-tracker")
    for event in newest_first:
        entry = _element(feed, "entry", "")
        _element(entry, "id", f"urn:inference-price-tracker:event:{event.id}")
        _element(entry, "title", f"{event.kind}: {event.subject}")
        _element(entry, "updated", _stamp(event.at))
        _element(entry, "summary", line_of(event))
    return ElementTree.tostring(feed, encoding="unicode", xml_declaration=True)


def _element(parent: ElementTree.Element, name: str, text: str) -> ElementTree.Element:
    child = ElementTree.SubElement(parent, name)
    child.text = "".join(letter for letter in text if letter.isprintable()) or None
    return child


def _stamp(at: str) -> str:
    return at.replace(" ", "T") + "Z"
