"""stale_listing: a price whose source is no longer read, or that its source no longer shows.

The longer a silence, the likelier that it does not end: LASTING counts how those of the recorded histories went. That
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
    version=3,  # since 2: readings are counted at the interval at which the source was read lately; 3: LASTING
    open_at=0.5,
    close_at=0.5,
    quiet_days=0,
    calibrated=False,
    meaning="nobody shows or reads this price any more",
)
MIN_AGE = timedelta(days=2)
PATIENCE = 3  # missed readings
# Missed readings after which as many silences last as end. In the recordings that `tracker backfill` replays, up to
# 2026-08, 7 of the 89 silences of more than 3 readings never ended, 6 of 25 of more than 8, 5 of 10 of more than 20.
LASTING = 20.0


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
    stale = missed / (missed + LASTING) if age >= MIN_AGE and missed > PATIENCE else 0.0
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
