"""Limits that sellers told our probes, from the rows of core.probe into the ledger: dated and change-only.

One pass of the source `probe_headers` per result file, at the file's newest request. Its capture is a document with
the newest value of each header per offer within thirty days, so a limit that answers stopped stating ends in time.
The sandbox's rows never enter. A file older than the last pass adds to what the next one says; it rewrites nothing.
"""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta

from scrapers import archive
from scrapers.source import Capture, source_module
from tracker.checks import CALM
from tracker.collect.parsing import judge_of, parse_pass
from tracker.reference import refresh_reference
from tracker.settings import Home
from warehouse.ledger import append_pass
from warehouse.passes import CaptureRow, PassFacts, Summary
from warehouse.probes import Stated, moments_with_limits, stated_limits
from warehouse.store import Connection, utc_now
from warehouse.versions import identity

SOURCE_ID, URL = "probe_headers", "probe:limits"
STANDS = timedelta(days=30)


def store_learned(connection: Connection, home: Home) -> list[Summary]:
    """Tell the ledger what the limits were at each result file that it has not been told of; oldest first."""
    moments = moments_with_limits(connection, SOURCE_ID)
    if moments:
        refresh_reference(connection)
    return [_store(connection, home, moment) for moment in moments]


def _store(connection: Connection, home: Home, moment: datetime) -> Summary:
    body = document(stated_limits(connection, moment - STANDS, moment))
    sha256 = archive.keep(home.captures, body)
    row = CaptureRow(identity(SOURCE_ID, URL, sha256), URL, "", "application/json", sha256, len(body))
    facts = PassFacts(SOURCE_ID, "", moment, utc_now())
    parse_pass(source_module(SOURCE_ID), facts, [(Capture(SOURCE_ID, URL, body, moment), row)])
    return append_pass(connection, facts, judge_of, CALM)


def document(stated: Iterable[Stated]) -> bytes:
    """The capture: one object per offer. The same limits give the same bytes, whenever they were stated."""
    offers: dict[tuple[str, str, str, str], dict[str, str]] = {}
    for *offer, header, value in stated:
        provider, listed_name, tier, region = offer
        offers.setdefault((provider, listed_name, tier, region), {})[header] = value
    told = [{"offer": list(offer), "headers": headers} for offer, headers in sorted(offers.items())]
    return (json.dumps(told, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
