"""A changed page may give the same prices or fail loudly; a wrong number in silence is the one thing that may not be.

Truth is what the unchanged page says: a price that the original does not have, under the same offer, component and
condition, is wrong unless the mutation made the page itself say it ("headers swapped" does, and a header that names a
model or an account tier says another name when it is renamed). Limits are judged as prices are.
"""

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from scrapers.source import Capture, SourceModule, source_modules
from tests.scrapers.golden_pages import OBSERVED_AT, label_of, pages, source_id_of
from tests.scrapers.mutations import FIGURES, WORDS, mutations
from tracker.errors import TrackerError
from tracker.records import Limit, Notice, Quote, Record

MODULES = source_modules()
PAGES = [
    page
    for page in pages()
    if page.suffix in (".html", ".md") and MODULES[source_id_of(page)].SOURCE.kind in ("seller", "host", "limits")
]
Price = tuple[object, ...]
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def read(module: SourceModule, page: Path, text: str) -> list[Record]:
    request = next(
        (found for found in module.SOURCE.requests if found.label == label_of(page)), module.SOURCE.requests[0]
    )
    return list(module.parse(Capture(module.SOURCE.id, request.url, text.encode(), OBSERVED_AT, label_of(page))))


def prices(records: list[Record]) -> dict[Price, object]:
    """Every number that would be stored: prices, and the limits of the pages that tell those."""
    quotes = {
        (found.offer, found.component, found.condition, found.basis, found.unit, found.currency): found.amount
        for found in records
        if isinstance(found, Quote)
    }
    limits = {
        (found.provider, found.listed_name, found.region, found.account_tier, found.measure, found.window): found.amount
        for found in records
        if isinstance(found, Limit)
    }
    return quotes | limits


def notices(records: list[Record]) -> Counter[str]:
    return Counter(found.text for found in records if isinstance(found, Notice))


def outcome(module: SourceModule, page: Path, text: str, name: str, before: list[Record]) -> str:
    """What became of the page: same, fewer, failed, noticed, restated (the page itself says so) or silently wrong."""
    try:
        after = read(module, page, text)
    except TrackerError:
        return "failed"
    old, new = prices(before), prices(after)
    wrong = {point for point, amount in new.items() if old.get(point, "absent") != amount}
    loud = bool(notices(after) - notices(before))
    if wrong:
        renamed = name == "header renamed" and all("wombat" in str(point).lower() for point in wrong)
        return "restated" if name == "headers swapped" or renamed else "SILENTLY WRONG"
    if name in ("unit 1M -> 1K", "currency sign swapped", "login page") and new:
        return "noticed" if loud and len(new) < len(old) else "SILENTLY WRONG"
    if name in FIGURES and any(amount and point[-1] == "USD" for point, amount in new.items()):
        return "SILENTLY WRONG"
    if loud:
        return "noticed"
    return "same" if len(new) == len(old) else "fewer"


@cache
def outcomes(page: Path) -> list[tuple[str, str]]:
    """(mutation, outcome) for one page."""
    module, text = MODULES[source_id_of(page)], page.read_text(encoding="utf-8")
    before = read(module, page, text)
    moneyless = {*WORDS, *FIGURES} if module.SOURCE.kind == "limits" else ()  # there money names an account tier
    return [
        (found.name, outcome(module, page, found.text, found.name, before))
        for found in mutations(text)
        if found.name not in moneyless
    ]


@every_page
def test_no_mutation_gives_a_wrong_price_in_silence(page: Path) -> None:
    found = outcomes(page)
    assert len(found) >= 3
    assert not [pair for pair in found if pair[1] == "SILENTLY WRONG"]


@every_page
def test_a_page_without_prices_fails(page: Path) -> None:
    found = dict(outcomes(page))
    assert found["login page"] == "failed"


def test_a_lost_column_is_never_mistaken_for_another() -> None:
    table = Counter(pair for page in PAGES for pair in outcomes(page))
    lost = Counter({pair: count for pair, count in table.items() if pair[0].endswith("column dropped")})
    assert lost and all(result in ("failed", "noticed", "fewer", "same") for _, result in lost)


def main() -> None:
    """Print the outcome table: `python -m tests.scrapers.test_mutations`."""
    table = Counter(pair for page in PAGES for pair in outcomes(page))
    kinds = ("same", "fewer", "restated", "noticed", "failed", "SILENTLY WRONG")
    print(f"{'mutation':30}" + "".join(f"{kind:>16}" for kind in kinds))
    for name in dict.fromkeys(name for name, _ in table):
        print(f"{name:30}" + "".join(f"{table[name, kind]:>16}" for kind in kinds))
    print(f"{len(PAGES)} pages, {sum(table.values())} mutated pages")


if __name__ == "__main__":
    main()
