"""What a price change is called: a repaired unit is no cut, and a real cut is no repair, however deep."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from tests.warehouse.test_moves import facts_of, ledger
from tracker.records import Offer, Quote
from warehouse.ledger import append_pass

KINDS = [
    ("20", "0.5", "cut", "qwen-long, 2024-05-21: forty-fold and real"),
    ("2", "1.9", "cut", ""),
    ("10", "1", "cut", "ten-fold among plausible prices"),
    ("1", "3", "rise", ""),
    ("150", "15", "correction", "a clean ten-fold out of the implausible"),
    ("2000", "1.4", "correction", "per million read as per thousand, and the price moved meanwhile"),
    ("560", "0.07", "correction", "eight-thousand-fold"),
    ("0.5", "0.0005", "correction", "a unit that broke"),
    ("0.5", "0", "zero_claimed", ""),
    ("0", "0.5", "zero_ended", ""),
]


@pytest.mark.parametrize(("old", "new", "kind"), [pytest.param(*row[:3], id=f"{row[0]} to {row[1]}") for row in KINDS])
def test_a_change_is_called_what_it_is(old: str, new: str, kind: str) -> None:
    def shelf(price: str) -> list[Quote]:
        amount = Decimal(price)
        return [Quote(Offer("p", "m"), "output", amount, "USD", "known" if amount else "zero_claimed")]

    with ledger() as connection:
        append_pass(connection, facts_of(shelf(old), 0))
        append_pass(connection, facts_of(shelf(new), 1))
        told = connection.execute("SELECT kind, old_amount, new_amount FROM price_changes").fetchall()
    assert told == [(kind, Decimal(old), Decimal(new))]


def test_a_repriced_unit_or_currency_is_a_repack_and_a_vanished_price_is_removed() -> None:
    offer, gone = Offer("p", "m"), Quote(Offer("p", "gone"), "output", Decimal(1), "USD")
    with ledger() as connection:
        append_pass(connection, facts_of([Quote(offer, "output", Decimal(1), "USD"), gone], 0))
        for number in range(1, 4):
            append_pass(connection, facts_of([Quote(offer, "output", Decimal(7), "CNY")], number))
        told = connection.execute("SELECT kind, listed_name, changed_at FROM price_changes ORDER BY ALL").fetchall()
    first_without = datetime(2026, 1, 1) + timedelta(hours=13)  # noqa: DTZ001
    assert told == [("removed", "gone", first_without), ("repack", "m", first_without)]


def steps(*shelves: dict[str, str], copies: str = "*", provider: str = "p") -> list[tuple[object, ...]]:
    """The changes a source of one offer tells, oldest first: component, old, new, kind."""
    with ledger() as connection:
        connection.execute("INSERT INTO ref.source (source_id, copies) VALUES ('s', ?)", [copies])
        connection.execute("INSERT INTO ref.source (source_id, kind, provider) VALUES ('r', 'market', 'router')")
        for number, shelf in enumerate(shelves):
            quotes = [
                Quote(Offer(provider, "m"), component, Decimal(price), "USD") for component, price in shelf.items()
            ]
            append_pass(connection, facts_of(quotes, number))
        query = "SELECT component, old_amount, new_amount, kind FROM price_changes ORDER BY changed_at, component"
        told = connection.execute(query).fetchall()
        connection.execute("DELETE FROM ref.source")
    return [(component, float(old), float(new), kind) for component, old, new, kind in told]


def test_what_moves_beside_a_repaired_price_in_the_same_row_is_the_same_repair() -> None:
    """A catalogue took prices per character for prices per token: input fell 64-fold, output 48-fold, cached 2-fold."""
    told = steps(
        {"input": "5", "output": "15", "cache_read": "1"},
        {"input": "0.078125", "output": "0.3125", "cache_read": "0.5"},
        copies="",
    )
    assert told == [
        ("cache_read", 1, 0.5, "cut"),
        ("input", 5, 0.078125, "correction"),
        ("output", 15, 0.3125, "correction"),
    ]


def test_a_move_the_other_way_beside_a_repaired_price_is_its_own() -> None:
    told = steps({"input": "500", "output": "1"}, {"input": "5", "output": "6"}, copies="")
    assert told == [("input", 500, 5, "correction"), ("output", 1, 6, "rise")]


def test_a_copy_that_leaves_five_fold_and_comes_back_was_in_error_between() -> None:
    there_and_back = [{"input": price} for price in ("3", "33", "3.3", "3")]
    assert [kind for *_, kind in steps(*there_and_back)] == ["correction", "correction", "cut"]
    assert [kind for *_, kind in steps(*there_and_back, copies="")] == ["rise", "cut", "cut"], "a seller's own word"
    assert [kind for *_, kind in steps(*there_and_back, provider="router")] == ["rise", "cut", "cut"]
    assert [kind for *_, kind in steps({"input": "20"}, {"input": "0.5"}, {"input": "0.4"})] == ["cut", "cut"]
    assert [kind for *_, kind in steps({"input": "2"}, {"input": "10"}, {"input": "9"})] == ["rise", "cut"]
