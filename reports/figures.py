"""How values are written: prices with the digits they need, times in UTC, unknown as a dash. Pure text, no markup."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

DASH = "–"


def money(value: object) -> str:
    """At least cents, at most four significant digits below one: 3.00, 0.435, 0.02999 -> 0.03, 0.0000125."""
    if value is None:
        return DASH
    amount = Decimal(str(value))
    if not amount:
        return "0"
    if abs(amount) >= 1000 and amount == amount.to_integral_value():
        return f"{amount:,.0f}"
    digits = max(2, 3 - amount.adjusted()) if abs(amount) < 1 else 3 if abs(amount) < 10 else 2
    text = f"{amount:,.{digits}f}"
    whole, _, cents = text.partition(".")
    return f"{whole}.{cents.rstrip('0').ljust(2, '0')}"


def change(value: object) -> str:
    """-0.5 -> −50 %; small moves keep a decimal; above threefold as a factor."""
    if value is None:
        return DASH
    ratio = float(str(value))
    if ratio > 2:
        return f"×{ratio + 1:,.1f}"
    percent = round(ratio * 100, 1)
    if not percent:
        return "0 %"
    text = f"{percent:+.1f}" if abs(percent) < 10 else f"{percent:+.0f}"
    return text.replace("-", "−") + " %"


def when(value: object) -> str:
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else DASH


def day(value: object) -> str:
    return f"{value:%Y-%m-%d}" if isinstance(value, date) else DASH


def plain(value: object, digits: int) -> str:
    return DASH if value is None else f"{float(str(value)):,.{digits}f}"


def text_of(kind: str, value: object) -> str:
    """One value as text."""
    if kind in ("money", "change", "when", "day"):
        return {"money": money, "change": change, "when": when, "day": day}[kind](value)
    if kind in ("count", "ms", "tok_s", "hours"):
        return plain(value, 0)
    if kind in ("percent", "tenths"):
        return plain(value, 1)
    if kind == "factor":
        return DASH if value is None else f"×{float(str(value)):,.3g}"
    if kind == "probability":
        return DASH if value is None else f"{float(str(value)):.2f}"
    return DASH if value is None or value == "" else str(value)


def cell_text(kind: str, key: str, row: Mapping[str, object]) -> str:
    """A cell as text; evidence is worded by the renderer, which numbers it."""
    if kind == "step":
        old, new = row.get(f"{key}_old"), row.get(f"{key}_new")
        return money(new) if old == new else f"{money(old)} → {money(new)}"
    return text_of(kind, row.get(key))
