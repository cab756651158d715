"""Sellers' units become currency per million tokens, exactly."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.errors import ParseError
from tracker.units import CENTS_PER_TOKEN, PER_1K_TOKENS, PER_MTOK, PER_TOKEN, amount_of

prices = st.decimals(min_value=Decimal("0.0001"), max_value=Decimal(5000), places=4)


@given(prices)
def test_every_unit_of_the_same_price_is_the_same_amount(price: Decimal) -> None:
    assert amount_of(str(price / PER_TOKEN), PER_TOKEN) == price
    assert amount_of(str(price / PER_1K_TOKENS), PER_1K_TOKENS) == price
    assert amount_of(str(price / CENTS_PER_TOKEN), CENTS_PER_TOKEN) == price
    assert amount_of(float(price), PER_MTOK) == price


@given(prices)
def test_the_text_of_an_amount_does_not_depend_on_how_it_was_written(price: Decimal) -> None:
    assert str(amount_of(f"{price:f}000", PER_MTOK)) == str(amount_of(price, PER_MTOK))


def test_binary_noise_is_rounded_where_a_source_publishes_it() -> None:
    assert amount_of(2.9999999999999997e-05, CENTS_PER_TOKEN, digits=4) == Decimal("0.3")
    assert amount_of("1,250.5", PER_MTOK) == Decimal("1250.5")


@pytest.mark.parametrize("raw", ["", "n/a", "NaN", float("inf"), None, True, "1e-400", "1e400", [], {}])
def test_what_is_not_an_amount_is_refused(raw: object) -> None:
    with pytest.raises(ParseError):
        amount_of(raw, PER_TOKEN)
