"""Telling people: what happened in the ledger, matched with their subscriptions, once, in digests, outside quiet hours.

Subscriptions stand in `tracker.toml` in the home:

    [[alerts]]
    to = ["env:TEAM_WEBHOOK"]            # Apprise URLs, or env:NAME for one that holds a secret
    kinds = ["cut", "rise", "flag", "precision", "limit_cut", "broken", "removed"]
    models = ["deepseek/*", "qwen/*"]    # shell patterns on model id or offer; all when left out
    min_change = 0.10
    quiet = "22:00-07:00 Europe/Berlin"  # held back until it ends
    digest_hours = 24                    # at most one message in so many hours of the clock; 0 sends at once

Every event is also appended once to `events.jsonl`, and the newest stand in `events.atom` under the same ids, whoever
subscribes. Each address is told on its own: one that cannot be reached is tried again and repeats nothing elsewhere.
"""

import fnmatch
import hashlib
import json
import logging
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from tracker.conditions import parse_band
from tracker.config import read_config
from tracker.errors import ParseError, StoreError, TrackerError, UsageError
from tracker.events import KINDS, Event, atom, events_since, line_of
from tracker.settings import Home
from warehouse.history import open_history
from warehouse.store import utc_now

LOOK_BACK = timedelta(days=14)
SHOWN = 60  # lines of one message; the rest is named by its number
FEED = 200  # entries of the Atom feed
WORDS = frozenset(("to", "kinds", "models", "min_change", "quiet", "digest_hours"))


@dataclass(frozen=True, slots=True)
class Subscription:
    """What one address wants to hear."""

    to: str
    kinds: frozenset[str] = KINDS
    models: tuple[str, ...] = ("*",)
    min_change: float = 0.0
    quiet: str = ""
    digest_hours: float = 0.0

    @property
    def name(self) -> str:
        """Stable and free of secrets: a hash of where it sends and what it listens to."""
        listens = [self.to, sorted(self.kinds), self.models, self.min_change]
        return hashlib.sha256(json.dumps(listens).encode()).hexdigest()[:16]

    @property
    def shown_to(self) -> str:
        """The address as it may be shown: a URL can hold a token, so only its kind is."""
        return self.to if self.to.startswith("env:") else self.to.partition("://")[0] + "://..."

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
    """The subscriptions of tracker.toml, one per address; UsageError names the word that does not fit."""
    return [one for entry in read_config(home).get("alerts", []) for one in _subscribed(entry, str(home.config))]


def _subscribed(entry: dict[str, object], place: str) -> list[Subscription]:
    if unknown := set(entry) - WORDS:
        raise UsageError(f"{place}: unknown word {min(unknown)!r} in [[alerts]]")
    lists = {
        name: entry.get(name, default) for name, default in (("to", []), ("kinds", list(KINDS)), ("models", ["*"]))
    }
    for name, value in lists.items():
        if not isinstance(value, list):
            raise UsageError(f"{place}: {name} in [[alerts]] is a list, like {name} = [...]")
    if odd := set(lists["kinds"]) - KINDS:  # type: ignore[call-overload]
        raise UsageError(f"{place}: unknown kind {min(odd)!r}; one of {', '.join(sorted(KINDS))}")
    quiet = str(entry.get("quiet", ""))
    try:
        if quiet:
            parse_band(quiet)
        numbers = [float(str(entry.get(name, 0.0))) for name in ("min_change", "digest_hours")]
    except (ParseError, ValueError) as error:
        raise UsageError(f"{place}: [[alerts]]: {error}") from error
    kinds, models = frozenset(map(str, lists["kinds"])), tuple(map(str, lists["models"]))  # type: ignore[call-overload]
    return [Subscription(str(to), kinds, models, numbers[0], quiet, numbers[1]) for to in lists["to"]]  # type: ignore[attr-defined]


def send_alerts(home: Home, dry_run: bool = False, now: datetime | None = None) -> list[str]:
    """Log new events, send what is wanted and not yet told; returns one line per message (to be) sent.

    TrackerError when an address could not be reached, after all others were told.
    """
    moment = now or utc_now()
    wanted = subscriptions(home)
    with open_history(home.history) as history:
        clock = history.rows("SELECT now_utc FROM clock")[0]["now_utc"]
        events = events_since(history, (clock if isinstance(clock, datetime) else moment) - LOOK_BACK)
    outbox = _read(home)
    if not dry_run:
        _log(home, outbox, events)
    lines, problems = [], []
    for subscription in wanted:
        told = set(outbox.told.get(subscription.name, ()))
        fresh = [event for event in events if subscription.wants(event) and event.id not in told]
        if not fresh or not _may_send(subscription, outbox, moment):
            continue
        lines.append(f"{len(fresh)} events to {subscription.shown_to}: {message(fresh).splitlines()[0][:160]}")
        if dry_run:
            continue
        if problem := _send(subscription, fresh):
            problems.append(problem)
            continue
        outbox.told[subscription.name] = [*outbox.told.get(subscription.name, ()), *(e.id for e in fresh)][-20_000:]
        outbox.sent_at[subscription.name] = moment.isoformat()
        _write(home, outbox)
    if problems:
        raise TrackerError("; ".join(problems))
    return lines


def _may_send(subscription: Subscription, outbox: Outbox, now: datetime) -> bool:
    if subscription.quiet and parse_band(subscription.quiet).holds_at(now):
        return False
    last = datetime.fromisoformat(outbox.sent_at.get(subscription.name, "1970-01-01"))
    # by the clock's hours: ticks come at 07:00:05 and 07:00:02, and a daily digest must not creep through the day
    waited = now.replace(minute=0, second=0, microsecond=0) - last.replace(minute=0, second=0, microsecond=0)
    return last > now or waited >= timedelta(hours=subscription.digest_hours)


def _send(subscription: Subscription, events: Sequence[Event]) -> str:
    """Deliver one message; returns the problem, which never shows the address."""
    import apprise

    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # its complaints quote hosts, paths and tokens
    to = subscription.to
    url = os.environ.get(to.removeprefix("env:"), "") if to.startswith("env:") else to
    channel = apprise.Apprise()
    if not url or not channel.add(url):
        return f"an alert address is not usable: {subscription.shown_to}"
    title = f"{len(events)} changes in LLM prices" if len(events) > 1 else f"{events[0].kind}: {events[0].subject}"
    if not channel.notify(title=title, body=message(events), body_format=apprise.NotifyFormat.TEXT):
        return f"an alert to {subscription.shown_to} could not be delivered; it will be tried again"
    return ""


def message(events: Sequence[Event]) -> str:
    """The text of a digest: one line per event, newest last; a long one is cut at its old end, and says so."""
    left_out = len(events) - SHOWN
    head = [f"... and {left_out} earlier ones, see events.jsonl"] if left_out > 0 else []
    return "\n".join((*head, *(line_of(event) for event in events[-SHOWN:])))


def _log(home: Home, outbox: Outbox, events: Sequence[Event]) -> None:
    known = set(outbox.logged)
    fresh = [event for event in events if event.id not in known]
    if fresh or not (home.root / "events.atom").exists():
        with (home.root / "events.jsonl").open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(asdict(event), ensure_ascii=False) + "\n" for event in fresh)
        _replace(home.root / "events.atom", atom(events[-FEED:]))
        outbox.logged = [*outbox.logged, *(event.id for event in fresh)][-50_000:]
        _write(home, outbox)


def _path(home: Home) -> Path:
    return home.root / "alerts.json"


def _read(home: Home) -> Outbox:
    try:
        return Outbox(**json.loads(_path(home).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Outbox()
    except (ValueError, TypeError) as error:
        raise StoreError(f"{_path(home)} is damaged: move it away; what it remembers is told again") from error


def _write(home: Home, outbox: Outbox) -> None:
    _replace(_path(home), json.dumps(asdict(outbox)))


def _replace(path: Path, text: str) -> None:
    beside = path.with_suffix(".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
