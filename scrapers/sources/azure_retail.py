"""Azure's retail price API: language-model meters of "Foundry Models", per region, with real effective dates.

A meter's name is free text ("5.4 cd inp Gl"): the words for direction, cache, deployment scope and tier are known,
every other word stays part of the listed name, so that no two meters are mistaken for one. Units are 1K or 1M tokens.
"""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import loud, text_of
from tracker.conditions import Condition
from tracker.errors import ParseError
from tracker.records import Notice, Offer, Quote, Record
from tracker.units import PER_1K_TOKENS, PER_MTOK, amount_of

_API = "https://prices.azure.com/api/retail/prices"
_FILTER = "?$filter=serviceName%20eq%20%27Foundry%20Models%27%20and%20armRegionName%20eq%20%27{region}%27"

SOURCE = Source(
    id="azure_retail",
    title="Azure retail prices, Foundry Models",
    kind="host",
    requests=tuple(Request(_API + _FILTER.format(region=region)) for region in ("eastus", "swedencentral")),
    every_hours=24,
    currency="USD",
    unit="USD per 1K or 1M tokens, stated with each meter",
    min_rows=3,
    terms="public API",
    proof="excerpt",
    proof_url="https://github.com/yogenpro/token3/blob/26df0f20dd19/tests/fixtures/azure.json",
    provider="azure",
    anchors=(anchor("Azure OpenAI GPT5 5.4", "input", "0.3", "15"),),
)

_UNITS = {"1K": PER_1K_TOKENS, "1M": PER_MTOK}
_METER_UNIT = re.compile(r"\b(1[KM]) Tokens$")


def parse(capture: Capture) -> Iterator[Record]:
    yield from loud(
        record for index, item in enumerate(_page(capture)["Items"]) for record in _item(item, f"/Items/{index}")
    )


def more(capture: Capture) -> Iterable[Request]:
    """The next page, if there is one and it is Azure's."""
    try:
        link = _page(capture).get("NextPageLink")
    except ParseError:
        return ()
    return (Request(link),) if isinstance(link, str) and link.startswith(_API) else ()


def _page(capture: Capture) -> dict[str, Any]:
    try:
        page = json.loads(text_of(capture.body))
    except (ValueError, RecursionError) as error:
        raise ParseError("Azure's retail prices are not JSON") from error
    if not isinstance(page, dict) or not isinstance(page.get("Items"), list):
        raise ParseError("Azure's retail prices carry no Items")
    return page


def _item(item: Any, place: str) -> Iterator[Record]:
    if not isinstance(item, dict):
        yield Notice("bad_row", "an item that is no object", place)
        return
    meter, unit = str(item.get("meterName")), str(item.get("unitOfMeasure"))
    stated = _METER_UNIT.search(meter)
    fit = item.get("type") == "Consumption" and item.get("currencyCode") == "USD" and not item.get("tierMinimumUnits")
    if unit not in _UNITS or not fit or (stated and stated[1] != unit):
        yield Notice("unknown_word", f"meter {meter!r} per {unit!r}: unit, type, currency or step is not read", place)
        return
    sold = _sold(str(item.get("skuName")), str(item.get("productName")), str(item.get("armRegionName")))
    if not sold:
        yield Notice("unknown_word", f"meter {meter!r} names no direction", place)
        return
    offer, component = sold
    amount = amount_of(item.get("retailPrice"), _UNITS[unit])
    if amount < 0:
        yield Notice("bad_row", f"meter {meter!r}: a negative price: {amount}", place)
        return
    condition = Condition(effective_from=_instant(str(item.get("effectiveStartDate"))))
    status = "known" if amount else "zero_claimed"
    yield Quote(
        offer, component, amount, "USD", status, condition=condition,
        raw=f"{item.get('retailPrice')} USD per {unit}", locator=f"{place} {meter}",
    )  # fmt: skip


def _sold(sku: str, product: str, region: str) -> tuple[Offer, str] | None:
    """The words of a SKU as offer and component; words that are not known stay in the name."""
    known = [WORDS.get(word.lower(), "") for word in sku.split()]
    ways = [word for word in known if word in ("input", "output")]
    if len(ways) != 1:
        return None
    scopes = [word for word in known if word in ("global", "datazone", "regional")]
    name = " ".join([product, *(word for word, meaning in zip(sku.split(), known, strict=True) if not meaning)])
    tier = "batch" if "batch" in known else "priority" if "priority" in known else "standard"
    component = "cache_read" if "cached" in known and ways == ["input"] else ways[0]
    return Offer("azure", name, tier, region, ",".join(scopes)), component


def _instant(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007 - naive UTC
    except ValueError as error:
        raise ParseError(f"not an effective date: {text[:40]!r}") from error


WORDS = {
    "inp": "input",
    "inpt": "input",
    "input": "input",
    "opt": "output",
    "outp": "output",
    "outpt": "output",
    "output": "output",
    "cd": "cached",
    "cchd": "cached",
    "cached": "cached",
    "gl": "global",
    "glbl": "global",
    "global": "global",
    "dz": "datazone",
    "dzone": "datazone",
    "datazone": "datazone",
    "regnl": "regional",
    "rgnl": "regional",
    "batch": "batch",
    "pp": "priority",
    "priority": "priority",
    "1m": "unit",
    "1k": "unit",
    "tokens": "unit",
}
