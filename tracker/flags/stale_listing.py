"""stale_listing: a price whose source is no longer read, or that its source no longer shows.

The readings have stopped, rather than failed now and then, with one minus the chance that so many failed in a row. That
says nothing of the price, so the sentence tells how many of the source's prices have moved in such a time before.
Recorded and article sources are history by nature and never stale. Three missed reads are the house's word for absence.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from tracker.flags.finding import Evidence, Figure, Finding, Rule, day, found
from tracker.flags.odds import ramp

RULE = Rule(
    "stale_listing",
    version=3,  # since 2: readings are counted at the interval at which the source was read lately; 3: failed_share
    open_at=0.5,
    close_at=0.5,
    quiet_days=0,
    calibrated=False,
    meaning="nobody shows or reads this price any more",
)
MIN_AGE = timedelta(days=2)
MOST = 0.95
PATIENCE = 3  # missed readings


@dataclass(frozen=True, slots=True)
class Listing:
    """When the source behind an offer was last read well, and whether better-placed sources still show the offer."""

    offer: str
    source_id: str
    is_live: bool  # False for articles and bundled data: history, not a listing
    every_hours: float
    last_good_at: datetime
    missing_since: datetime | None
    quote_id: str
    failed_share: float  # of the source's readings while it was read; never quite 0
    moved_a_day: float | None  # share of the source's rows that moved in a day; None where it was read once


def _gone(listing: Listing, at: datetime) -> float:
    """One good reading without the offer proves little; the third closes the offer itself."""
    if listing.missing_since is None:
        return 0.0
    return ramp((at - listing.missing_since) / timedelta(hours=max(listing.every_hours, 1.0)), 0.5, 2.0, top=0.8)


def _moved(listing: Listing, age: timedelta) -> str:
    if listing.moved_a_day is None:
        return ""
    share = 1 - math.exp(-listing.moved_a_day * (age / timedelta(days=1)))
    return f" At the pace of before, {share:.1%} of its prices have moved since."


def judge(listing: Listing, at: datetime) -> Finding | None:
    if not listing.is_live:
        return None
    age = at - listing.last_good_at
    missed = age / timedelta(hours=max(listing.every_hours, 1.0))
    stale = min(1 - listing.failed_share**missed, MOST) if age >= MIN_AGE and missed > PATIENCE else 0.0
    gone = _gone(listing, at)
    if (probability := max(stale, gone)) <= 0:
        return None
    if gone >= stale:
        what = f"{listing.source_id} was read well and no longer shows it since {day(listing.missing_since or at)}."
    else:
        what = (
            f"{listing.source_id} was last read on {day(listing.last_good_at)}, {missed:.0f} readings ago."
            f"{_moved(listing, age)}"
        )
    return found(
        RULE,
        listing.offer,
        probability,
        what,
        f"One good reading of {listing.source_id} that shows the offer.",
        figures=(Figure("age", age / timedelta(days=1), "days"), Figure("readings_missed", missed, "")),
        evidence=(
            Evidence("quotes", listing.quote_id, f"shown by {listing.source_id}"),
            Evidence("sources", listing.source_id, f"last good reading {listing.last_good_at:%Y-%m-%d %H:%M} UTC"),
        ),
    )
