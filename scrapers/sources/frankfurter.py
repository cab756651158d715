"""Frankfurter: the ECB's reference rates as JSON, the fallback when the ECB's own files cannot be reached.

Unit: units of a currency per unit of `base`. `date` is the day of publication, Friday's at a weekend.
"""

from collections.abc import Iterator

from scrapers.json_text import as_object, as_text, json_body
from scrapers.reference_rates import KEPT, published_day, rate
from scrapers.source import Capture, Request, Source
from tracker.errors import ParseError
from tracker.records import FxRate

SOURCE = Source(
    id="frankfurter",
    title="Frankfurter exchange rates",
    kind="fx",
    requests=(Request("https://api.frankfurter.dev/v1/latest?base=EUR"),),
    every_hours=24,
    currency="EUR",
    unit="units of currency per EUR",
    min_rows=5,
    terms="MIT, keyless; rates are the ECB's",
    proof="excerpt",
    proof_url="https://github.com/droderiquesit/quantum-ai-platform/blob/3acb5c86c1b6/docs/ops/live-source-frankfurter-2026-09-06.md",
    copies=("ecb_history",),
)


def parse(capture: Capture) -> Iterator[FxRate]:
    """Latest and single-day answers hold one day, range answers a day-keyed object."""
    answer = as_object(json_body(capture))
    if as_text(answer.get("base")) != "EUR":
        raise ParseError(f"not a Frankfurter answer for base EUR: base is {answer.get('base')!r}")
    rates = as_object(answer.get("rates"))
    days = rates if "start_date" in answer else {as_text(answer.get("date")): rates}
    for day, quoted in days.items():
        for currency in sorted(KEPT & set(as_object(quoted))):
            yield rate(currency, published_day(day), str(quoted[currency]))
