"""One thing in a saved JSON answer becomes nonsense: the parser may lose it, say so, or fail, but invent no price.

A price that is still shown for an offer, component and condition must be the price of the unchanged answer.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scrapers.source import source_modules
from tests.scrapers.conformance import faults_of_record
from tests.scrapers.golden_pages import capture_of, pages
from tracker.errors import TrackerError
from tracker.records import Quote, Record

# null is left out: it means "not given" wherever it is allowed
JUNK: tuple[Any, ...] = (True, [], {}, "junk", "NaN", -5, "-0.5", [1, 2], {"a": 1}, "\0", 1e308)
TRIALS = 100


def json_pages() -> list[Path]:
    return [page for page in pages() if page.suffix == ".json" and _is_json(page)]


def _is_json(page: Path) -> bool:
    try:
        return isinstance(json.loads(page.read_bytes()), dict | list)
    except ValueError:
        return False


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of everything inside a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


def spoiled(body: Any, path: tuple[Any, ...], junk: Any) -> Any:
    copy = json.loads(json.dumps(body))
    inner = copy
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = junk
    return copy


def prices(records: list[Record]) -> dict[tuple[Any, ...], set[Any]]:
    found: dict[tuple[Any, ...], set[Any]] = {}
    for record in records:
        if isinstance(record, Quote) and record.status == "known":
            key = (record.offer, record.component, record.condition, record.basis, record.unit, record.currency)
            found.setdefault(key, set()).add(record.amount)
    return found


@pytest.mark.parametrize("page", json_pages(), ids=lambda page: page.name)
def test_nonsense_in_an_answer_never_becomes_a_price(page: Path) -> None:
    capture = capture_of(page)
    module = source_modules()[capture.source_id]
    truth = prices(list(module.parse(capture)))
    body = json.loads(capture.body)
    every = sorted(places(body), key=str)
    dice = random.Random(page.name)
    for _ in range(TRIALS):
        path, junk = dice.choice(every), dice.choice(JUNK)
        changed = replace(capture, body=json.dumps(spoiled(body, path, junk)).encode())
        try:
            records = list(module.parse(changed))
        except TrackerError:
            continue
        assert not [fault for record in records for fault in faults_of_record(record)], (path, junk)
        for key, amounts in prices(records).items():
            if key in truth:
                assert amounts <= truth[key], (path, junk, key, amounts, truth[key])
