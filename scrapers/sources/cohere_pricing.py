"""Cohere's price page: model objects in the data the page embeds for its own script, the unit in `per`.

`per` is "1M tokens" or "Free"; any other unit is reported. A zero is free only where `per` says so.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from scrapers.source import Capture, Request, Source, anchor
from scrapers.tables import loud, text_of
from tracker.records import Notice, Offer, Quote, Record
from tracker.units import PER_MTOK, amount_of

SOURCE = Source(
    id="cohere_pricing",
    title="Cohere pricing page",
    kind="seller",
    requests=(Request("https://cohere.com/pricing"),),
    every_hours=24,
    currency="USD",
    unit="USD per 1M tokens, stated beside each model",
    min_rows=2,
    terms="public documentation page",
    proof="excerpt",
    proof_url="https://github.com/wakamex/model-prices/blob/main/tests/fixtures/cohere.html",
    provider="cohere",
    anchors=(anchor("Command R", "output", "0.1", "6"),),
)

_PUSH = re.compile(r"self\.__next_f\.push\((\[1,\"(?:[^\"\\]|\\.)*\"\])\)")
_MODEL = re.compile(r"\{\"_key\":\"[^\"]*\",\"_type\":\"model\"")
_LABELS = {("inputLabel", "inputPrice"): ("Input", "input"), ("outputLabel", "outputPrice"): ("Output", "output")}


def parse(capture: Capture) -> Iterator[Record]:
    yield from loud(_records(text_of(capture.body)))


def _records(text: str) -> Iterator[Record]:
    for found in _PUSH.finditer(text):
        try:
            data = str(json.loads(found[1])[1])
        except (ValueError, RecursionError):
            yield Notice("bad_row", "a piece of the page's data is not JSON", f"script at {found.start()}")
            continue
        for start in _MODEL.finditer(data):
            try:
                model, _ = json.JSONDecoder().raw_decode(data, start.start())
            except (ValueError, RecursionError):
                yield Notice("bad_row", f"a model object breaks off: {data[start.start() :][:60]!r}", "page data")
                continue
            yield from _model(model)


def _model(model: Any) -> Iterator[Record]:
    name, per, pricings = model.get("modelName"), model.get("per"), model.get("pricings")
    place = f"model {name!r}"
    if (
        not isinstance(name, str)
        or not name.strip()
        or not isinstance(pricings, list)
        or per not in ("1M tokens", "Free")
    ):
        yield Notice("unknown_word", f"priced per {per!r}: not read", place)
        return
    for pricing in pricings:
        for (label, key), (word, component) in _LABELS.items():
            if not isinstance(pricing, dict) or pricing.get(label) != word:
                yield Notice("unknown_word", f"label {str(pricing)[:60]!r} is not known", place)
                continue
            amount = amount_of(pricing.get(key), PER_MTOK)
            if amount < 0 or (per == "Free") == bool(amount):
                yield Notice("bad_row", f"{amount} per {per!r}", place)
                continue
            status = "known" if amount else "free"
            yield Quote(
                Offer("cohere", name.strip()),
                component,
                amount,
                "USD",
                status,
                raw=f"{pricing[key]} per {per}",
                locator=place,
            )
