"""Money per million tokens: the one place where a seller's unit becomes ours.

Every source multiplies differently (USD per token, US cents per token, 1e-4 USD per million ...); the factor is
declared in its `SOURCE` and applied here, in Decimal, so that 2.9999e-05 and 0.30 do not drift apart.
"""

import re
from decimal import Decimal, InvalidOperation

from tracker.errors import ParseError

PER_TOKEN = Decimal(1_000_000)  # currency per token -> per million tokens
PER_1K_TOKENS = Decimal(1_000)
PER_MTOK = Decimal(1)
CENTS_PER_TOKEN = Decimal(10_000)

# Amounts are stored as DECIMAL(24, 9): one billionth of a currency unit per million tokens.
AMOUNT_QUANTUM = Decimal("0.000000001")
AMOUNT_CEILING = Decimal(10) ** 14
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")


def decimal_of(raw: object) -> Decimal:
    """The exact decimal a source wrote (a float by its shortest text). NaN and infinity are refused."""
    if isinstance(raw, bool) or raw is None:
        raise ParseError(f"not a number: {raw!r}")
    text = str(raw).strip()
    if "," in text and not _GROUPED.fullmatch(text):
        raise ParseError(f"not a number: {text[:60]!r}")  # "0,25" is no 25
    try:
        value = Decimal(text.replace(",", ""))
    except InvalidOperation as error:
        raise ParseError(f"not a number: {str(raw)[:60]!r}") from error
    if not value.is_finite():
        raise ParseError(f"not a finite number: {str(raw)[:60]!r}")
    return value


def amount_of(raw: object, factor: Decimal, digits: int | None = None) -> Decimal:
    """`raw` times `factor`, on the storage grid of 1e-9; `digits` rounds to significant digits first.

    `digits` is for sources that publish binary-float noise (2.9999e-05 cents is 0.30 USD per million).
    """
    value = decimal_of(raw) * factor
    if digits is not None and value:
        value = round(value, digits - 1 - value.adjusted())
    if abs(value) >= AMOUNT_CEILING:
        raise ParseError(f"an amount of {value:.3E} is beyond any price")
    amount = value.quantize(AMOUNT_QUANTUM)
    if value and not amount:
        raise ParseError(f"an amount of {value:.3E} is below one billionth per million tokens")
    return amount.normalize() + 0 if amount else Decimal(0)
