"""Telling people: what happened in the ledger, matched with their subscriptions, once, in digests, outside quiet hours.

Subscriptions stand in `tracker.toml` in the home:

    [[alerts]]
    to = ["env:TEAM_WEBHOOK"]            # Apprise URLs, or env:NAME for one that holds a secret
    kinds = ["cut", "rise", "flag", "precision", "limit_cut", "broken", "removed"]
    models = ["deepseek/*", "qwen/*"]    # shell patterns on model id or offer; all when left out
    min_change = 0.10
    quiet = "22:00-07:00 Europe/Berlin"  # held back until it ends
    digest_hours = 24                    # at most one message in so many hours; 0 sends at once

Every event is also appended once to `events.jsonl`, whoever subscribes.
"""

import fnmatch
import json
import os
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from tracker.conditions import parse_band
from tracker.errors import TrackerError, UsageError
from tracker.settings import Home
from warehouse.history import History, open_history
from warehouse.store import utc_now

LOOK_BACK = timedelta(days=14)
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


@dataclass(frozen=True, slots=True)
class Subscription:
    """Who wants to hear what."""

    to: tuple[str, ...]
    kinds: frozenset[str] = KINDS
    models: tuple[str, ...] = ("*",)
    min_change: float = 0.0
    quiet: str = ""
    digest_hours: float = 0.0

    @property
    def name(self) -> str:
        """Stable and free of secrets: what it listens to, not where it sends."""
        return json.dumps([sorted(self.kinds), self.models, self.min_change, self.digest_hours, len(self.to)])

    def wants(self, event: Event) -> bool:
        if event.kind not in self.kinds:
            return False
        if event.change is not None and abs(event.change) < self.min_change:
            return False
        return any(
            fnmatch.fnmatch(name, pattern) for pattern in self.models for name in (event.model_id, event.subject)
        )


@dataclass(slots=True)
class Outbox:
    """What each subscription has been told, and when; kept in alerts.json."""

    told: dict[str, list[str]] = field(default_factory=dict)
    sent_at: dict[str, str] = field(default_factory=dict)
    logged: list[str] = field(default_factory=list)


def subscriptions(home: Home) -> list[Subscription]:
    """The subscriptions of tracker.toml; UsageError names the word that does not fit."""
    if not home.config.is_file():
        return []
    try:
        entries = tomllib.loads(home.config.read_text(encoding="utf-8")).get("alerts", [])
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{home.config}: {error}") from error
    found = []
    for entry in entries:
        if unknown := set(entry) - {"to", "kinds", "models", "min_change", "quiet", "digest_hours"}:
            raise UsageError(f"{home.config}: unknown word {sorted(unknown)[0]!r} in [[alerts]]")
        if odd := set(entry.get("kinds", ())) - KINDS:
            raise UsageError(f"{home.config}: unknown kind {sorted(odd)[0]!r}; one of {', '.join(sorted(KINDS))}")
        if entry.get("quiet"):
            parse_band(entry["quiet"])
        found.append(
            Subscription(
                tuple(entry.get("to", ())),
                frozenset(entry.get("kinds", KINDS)),
                tuple(entry.get("models", ("*",))),
                float(entry.get("min_change", 0.0)),
                str(entry.get("quiet", "")),
                float(entry.get("digest_hours", 0.0)),
            )
        )
    return found


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
    # one event per offer and moment, however many components moved; a reseller that moved often is told once a day
    """
    SELECT 'price/' || offer || '/' || CAST(CAST(observed_at AS DATE) AS VARCHAR) || '/' || kind AS id, kind,
           max(observed_at) AS at, offer AS subject, any_value(model_id) AS model_id,
           arg_max(change, abs(change)) AS change,
           string_agg(component || ' ' || coalesce(CAST(CAST(old_amount AS DOUBLE) AS VARCHAR), '-') || ' -> '
                      || coalesce(CAST(CAST(new_amount AS DOUBLE) AS VARCHAR), '-') || ' ' || currency, ', '
                      ORDER BY component, observed_at) AS text,
           CAST(max(coalesce(quote_id, old_quote_id)) AS VARCHAR) AS evidence
    FROM price_changes CROSS JOIN clock
    WHERE observed_at >= ? AND observed_at <= now_utc AND kind IN ('cut', 'rise', 'made_free', 'new', 'removed')
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


def send_alerts(home: Home, dry_run: bool = False, now: datetime | None = None) -> list[str]:
    """Log new events, send what is wanted and not yet told; returns one line per message (to be) sent."""
    moment = now or utc_now()
    with open_history(home.history) as history:
        clock = history.rows("SELECT now_utc FROM clock")[0]["now_utc"]
        since = (clock if isinstance(clock, datetime) else moment) - LOOK_BACK
        events = events_since(history, since)
    outbox = _read(home)
    lines = []
    if not dry_run:
        _log(home, outbox, events)
    for subscription in subscriptions(home):
        waiting = [event for event in events if subscription.wants(event)]
        told = set(outbox.told.get(subscription.name, ()))
        fresh = [event for event in waiting if event.id not in told]
        if not fresh or not _may_send(subscription, outbox, moment):
            continue
        lines.append(f"{len(fresh)} events to {len(subscription.to)} addresses: {fresh[0].text[:80]}")
        if not dry_run:
            _send(subscription, fresh)
            outbox.told[subscription.name] = sorted(told | {event.id for event in fresh})[-5000:]
            outbox.sent_at[subscription.name] = moment.isoformat()
            _write(home, outbox)
    return lines


def _may_send(subscription: Subscription, outbox: Outbox, now: datetime) -> bool:
    if subscription.quiet and parse_band(subscription.quiet).holds_at(now):
        return False
    last = outbox.sent_at.get(subscription.name)
    return not last or now - datetime.fromisoformat(last) >= timedelta(hours=subscription.digest_hours)


def _send(subscription: Subscription, events: Sequence[Event]) -> None:
    import apprise

    channel = apprise.Apprise()
    for address in subscription.to:
        url = os.environ.get(address.removeprefix("env:"), "") if address.startswith("env:") else address
        if not url or not channel.add(url):
            raise TrackerError(
                f"an alert address is not usable: {address if address.startswith('env:') else 'see to ='}"
            )
    title = f"{len(events)} changes in LLM prices" if len(events) > 1 else f"{events[0].kind}: {events[0].subject}"
    if not channel.notify(title=title, body=message(events)):
        raise TrackerError("an alert could not be delivered; it will be tried again")


def message(events: Iterable[Event]) -> str:
    """The text of a digest: one line per event, newest last."""
    return "\n".join(f"{event.at[:16]} {event.kind}: {event.subject}: {event.text}" for event in events)


def _log(home: Home, outbox: Outbox, events: Sequence[Event]) -> None:
    known = set(outbox.logged)
    fresh = [event for event in events if event.id not in known]
    if fresh:
        with (home.root / "events.jsonl").open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(asdict(event), ensure_ascii=False) + "\n" for event in fresh)
        outbox.logged = [*outbox.logged, *(event.id for event in fresh)][-50_000:]
        _write(home, outbox)


def _path(home: Home) -> Path:
    return home.root / "alerts.json"


def _read(home: Home) -> Outbox:
    if not _path(home).is_file():
        return Outbox()
    return Outbox(**json.loads(_path(home).read_text(encoding="utf-8")))


def _write(home: Home, outbox: Outbox) -> None:
    beside = _path(home).with_suffix(".new")
    beside.write_text(json.dumps(asdict(outbox)), encoding="utf-8")
    beside.replace(_path(home))
