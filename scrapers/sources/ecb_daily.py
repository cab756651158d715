"""The ECB's euro reference rates of the last TARGET day (about 16:00 CET), as XML.

Unit: units of a currency per euro. The day is in the document: at a weekend it is Friday's.
"""

from collections.abc import Iterator
from xml.etree import ElementTree

from scrapers.reference_rates import KEPT, published_day, rate
from scrapers.source import Capture, Request, Source
from tracker.errors import ParseError
from tracker.records import FxRate

SOURCE = Source(
    id="ecb_daily",
    title="ECB euro reference rates, last day",
    kind="fx",
    requests=(Request("https://www.ecb.europa.eu/stats/eurofxref/eurofxref-daily.xml"),),
    every_hours=12,
    currency="EUR",
    unit="units of currency per EUR",
    min_rows=5,
    terms="ECB statistics: free reuse with the source named",
    proof="excerpt",
    proof_url="https://github.com/dialogplay/tool-directory/blob/main/integrations/ecb_exchange_rate/README.md",
)


def parse(capture: Capture) -> Iterator[FxRate]:
    try:
        root = ElementTree.fromstring(capture.body)
    except ElementTree.ParseError as error:
        raise ParseError("ECB daily rates are not XML") from error
    days = [cube for cube in root.iter() if _local(cube.tag) == "Cube" and "time" in cube.attrib]
    if not days:
        raise ParseError("ECB daily rates carry no <Cube time=...>")
    for day in days:
        published = published_day(day.attrib["time"])
        for cell in day:
            if cell.attrib.get("currency") in KEPT:
                yield rate(cell.attrib["currency"], published, cell.attrib.get("rate", ""))


def _local(tag: object) -> str:
    return str(tag).rpartition("}")[2]
