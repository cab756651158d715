"""A person's word on a held price."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.shop import Shop, open_shop, register, source, stock
from tracker.collect.run import collect
from tracker.collect.settle import settle
from tracker.errors import UsageError
from tracker.settings import Home
from warehouse.history import open_history


@pytest.fixture
def held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Home, Shop, int]]:
    """A thousand-fold rise that only a person can settle."""
    home = Home(tmp_path / "home")
    with open_shop() as shop:
        register(monkeypatch, source("a", shop.url("a")))
        for price in ("1", "1000"):
            shop.put("a", stock(fast=(price, "2")))
            collect(home, loopback=True)
        [(hold,)] = ask(home, "SELECT hold_id FROM held WHERE state = 'waiting'")
        yield home, shop, int(str(hold))


def ask(home: Home, sql: str) -> list[tuple[object, ...]]:
    with open_history(home.history) as history:
        return [tuple(row.values()) for row in history.rows(sql)]


PRICES = "SELECT amount FROM price_history WHERE listed_name = 'fast' AND component = 'input' ORDER BY valid_from"


def test_an_admitted_price_holds_from_its_first_sight(held: tuple[Home, Shop, int]) -> None:
    home, _, hold = held
    collect(home, loopback=True)  # shown again: a power of ten waits on
    assert ask(home, PRICES) == [(Decimal(1),)]
    settle(home, hold, believed=True)
    assert ask(home, PRICES) == [(Decimal(1),), (Decimal(1000),)]
    since = "SELECT observed_at = (SELECT observed_at FROM passes ORDER BY 1 LIMIT 1 OFFSET 1) FROM price_history"
    assert ask(home, f"{since} WHERE amount = 1000") == [(True,)]
    assert ask(home, "SELECT state, decided_by FROM held") == [("admitted", "a person")]


def test_a_rejected_price_never_enters_however_often_it_is_shown(held: tuple[Home, Shop, int]) -> None:
    home, shop, hold = held
    settle(home, hold, believed=False)
    for output in ("2", "3"):
        shop.put("a", stock(fast=("1000", output)))
        collect(home, loopback=True)
    assert ask(home, PRICES) == [(Decimal(1),)]
    assert ask(home, "SELECT state, decided_by FROM held") == [("rejected", "a person")]


def test_what_is_settled_or_unknown_cannot_be_settled(held: tuple[Home, Shop, int]) -> None:
    home, _, hold = held
    settle(home, hold, believed=False)
    for ident in (hold, 12):
        with pytest.raises(UsageError, match="no waiting hold"):
            settle(home, ident, believed=True)
