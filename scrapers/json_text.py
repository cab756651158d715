"""JSON bodies read without losing the source's own figures.

A number stays the text the source wrote (`Figure`), so `2.9999e-05` can be shown as evidence and turned into Decimal
without passing through binary floating point. Every accessor below tolerates rows of the wrong type: one odd row must
not cost the others. Only a body of the wrong shape raises.
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from scrapers.source import Capture
from tracker.errors import ParseError
from tracker.units import decimal_of

JsonObject = dict[str, Any]


class Figure(str):
    """A JSON number, as written."""

    __slots__ = ()


def json_body(capture: Capture) -> Any:
    """The decoded body; ParseError when it is not JSON at all."""
    try:
        text = capture.body.decode("utf-8-sig")
        return json.loads(text, parse_float=Figure, parse_int=Figure, parse_constant=Figure)
    except (ValueError, RecursionError) as error:
        start = capture.body[:40].decode("utf-8", "replace")
        where = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else type(error).__name__
        raise ParseError(f"{capture.source_id}: not JSON ({where}), starts with {start!r}") from error


def pointer(*parts: object) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def as_object(value: Any) -> JsonObject:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def as_text(value: Any) -> str:
    """The value if it is a string (not a figure), stripped, else ""."""
    return value.strip() if isinstance(value, str) and not isinstance(value, Figure) else ""


def as_count(value: Any) -> int | None:
    """A non-negative whole number, from a figure or digits in a string; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        number = decimal_of(value)
    except ParseError:
        return None
    return int(number) if 0 <= number < Decimal(10) ** 15 and number == int(number) else None


def as_number(value: Any) -> float | None:
    """A finite non-negative number as a float, for measurements; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        number = decimal_of(value)
    except ParseError:
        return None
    return float(number) if 0 <= number < Decimal(10) ** 15 else None


def rows_at(body: Any, *path: str) -> Iterator[tuple[str, JsonObject]]:
    """(pointer, row) of the list at `path` ("" steps are skipped when the body is already the list).

    ParseError when there is no such list or when nothing in it is an object: an empty catalogue is a broken one.
    """
    value = body
    for step in path:
        if not isinstance(value, dict) or step not in value:
            raise ParseError(f"expected a list at {pointer(*path)!r}, found {_shape(value)} without {step!r}")
        value = value[step]
    if not isinstance(value, list):
        raise ParseError(f"expected a list at {pointer(*path)!r}, found {_shape(value)}")
    if not any(isinstance(row, dict) for row in value):
        raise ParseError(f"the list at {pointer(*path)!r} has no rows")
    for index, row in enumerate(value):
        if isinstance(row, dict):
            yield pointer(*path, index), row


def members(value: Any, what: str) -> Iterator[tuple[str, JsonObject]]:
    """(key, object) of an object of objects; ParseError when there is none."""
    if not isinstance(value, dict) or not any(isinstance(row, dict) for row in value.values()):
        raise ParseError(f"expected an object of {what}, found {_shape(value)}")
    for key, row in value.items():
        if isinstance(row, dict):
            yield key, row


def _shape(value: Any) -> str:
    if isinstance(value, dict):
        return f"an object with {', '.join(map(repr, list(value)[:4])) or 'nothing'}"
    return f"a list of {len(value)}" if isinstance(value, list) else type(value).__name__
