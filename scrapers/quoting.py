"""From one figure of a source to one Quote, by the same rules everywhere.

Missing is no quote. Zero is `free` only with positive evidence, else `zero_claimed`. Where a
source has a figure that means "depends" (-1), it is `dynamic`; any other negative, NaN or out-of-range figure is a bad
row: a Notice, and the rest goes on.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from scrapers.json_text import Figure
from tracker.conditions import ALWAYS, Condition
from tracker.errors import ParseError
from tracker.records import Declaration, Notice, Offer, Quote
from tracker.units import amount_of, decimal_of

MAGNITUDE = 40  # powers of ten a figure may have before any factor: beyond it is a broken row, whatever the unit


@dataclass(frozen=True, slots=True)
class Money:
    """How a source writes money: currency, and the factor from its unit to ours (per million tokens unless said)."""

    currency: str
    factor: Decimal
    unit: str = "mtok"
    digits: int | None = None  # significant digits, where the source publishes binary-float noise
    dynamic: Decimal | None = None  # the figure by which a router says "depends on the request", usually -1


def quoted(
    offer: Offer,
    component: str,
    raw: Any,
    money: Money,
    locator: str,
    *,
    condition: Condition = ALWAYS,
    priority: int = 0,
    basis: str = "list",
    free: bool = False,
) -> Iterator[Quote | Notice]:
    """The quote of one figure, nothing where there is none, or a Notice(kind="bad_row")."""
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        return
    if not isinstance(raw, str):
        yield Notice("bad_row", f"{offer} {component}: not a figure: {str(raw)[:60]!r}", locator)
        return
    try:
        amount, status = _amount(raw, money, free)
    except ParseError as error:
        yield Notice("bad_row", f"{offer} {component}: {error}", locator)
        return
    text, unit = raw.strip(), money.unit
    yield Quote(offer, component, amount, money.currency, status, unit, basis, condition, priority, text, locator)


def _amount(raw: str, money: Money, free: bool) -> tuple[Decimal | None, str]:
    value = decimal_of(raw)
    if value and not -MAGNITUDE < value.adjusted() < MAGNITUDE:
        raise ParseError(f"no price has this magnitude: {raw[:60]!r}")
    if value == money.dynamic:
        return None, "dynamic"
    if value < 0:
        raise ParseError(f"a negative price: {raw[:60]!r}")
    if not value:
        return Decimal(0), "free" if free else "zero_claimed"
    return amount_of(raw, money.factor, money.digits), "known"


def before_discount(quote: Quote, discount: Decimal) -> Iterator[Quote]:
    """A discounted figure, and the list price beside it that the stated discount implies (0.25 = a quarter off)."""
    yield replace(quote, basis="discount")
    if quote.amount and 0 < discount < 1:
        amount = amount_of(quote.amount / (1 - discount), Decimal(1), digits=6)
        yield replace(quote, amount=amount, raw=f"{quote.raw} after a discount of {discount}")


def declared(offer: Offer, attribute: str, value: Any, locator: str) -> Iterator[Declaration]:
    """What a source says of an offer, where it says anything."""
    text = value.strip() if isinstance(value, str) else ""
    if text:
        yield Declaration(offer, attribute, text, locator)


def declared_tokens(offer: Offer, attribute: str, value: Any, locator: str) -> Iterator[Declaration]:
    """A token count as digits: `1.31072e+06` and `1310720` are the same declaration."""
    if not isinstance(value, str):
        return
    try:
        number = decimal_of(value)
    except ParseError:
        return
    if 0 < number < Decimal(10) ** 12:
        yield Declaration(offer, attribute, str(int(number)), locator)


__all__ = ["Figure", "Money", "before_discount", "declared", "declared_tokens", "quoted"]
