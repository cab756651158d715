"""Strict reading of the shipped CSV facts: a missing or wrong value is an error that names file, row and field."""

import csv
import math
from collections.abc import Iterator
from dataclasses import fields
from datetime import date
from importlib.resources import files
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from tracker.errors import DataFileError

Row = TypeVar("Row")


def data_text(name: str, folder: Path | None = None) -> str:
    """The text of a shipped data file; `folder` reads another copy (tests, a user's own facts)."""
    path = (folder or files("tracker") / "data") / name
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataFileError(f"data file {name} cannot be read: {error}") from error


def convert(raw: str | None, kind: Any, where: str) -> Any:
    """One cell as str, int, float, date, bool or tuple of names; refuses empty numbers, NaN and infinities."""
    if raw is None:
        raise DataFileError(f"{where} is missing")
    text = raw.strip()
    if kind is str:
        return text
    if kind == tuple[str, ...]:
        return tuple(part.strip() for part in text.split(";") if part.strip())
    if not text:
        raise DataFileError(f"{where} is empty")
    try:
        if kind is date:
            return date.fromisoformat(text)
        if kind is bool:
            return bool(int(text))
        number = kind(text)
    except ValueError as error:
        raise DataFileError(f"{where} is {text!r}, not a {kind.__name__}") from error
    if not math.isfinite(number):
        raise DataFileError(f"{where} is {text!r}, not a finite number")
    return number


def read_rows(name: str, row_type: type[Row], folder: Path | None = None) -> Iterator[Row]:
    """Every row of a data file as `row_type`, whose fields are the required columns."""
    reader = csv.DictReader(StringIO(data_text(name, folder)))
    hints = get_type_hints(row_type)
    names = [field.name for field in fields(row_type)]  # type: ignore[arg-type]
    for column in names:
        if column not in (reader.fieldnames or ()):
            raise DataFileError(f"{name}: column {column!r} is missing")
    for line, row in enumerate(reader, start=2):
        key = next(iter(row.values()))
        values = {c: convert(row[c], hints[c], f"{name} line {line} ({key}): field {c!r}") for c in names}
        yield row_type(**values)
