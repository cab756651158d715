"""`<DocTable columns={[...]} rows={[...]} />` elements of MDX pages as tables."""

import json
import re
from collections.abc import Iterator

from scrapers.tables.grids import Cell, Table, table_of
from scrapers.tables.text import clean
from tracker.errors import ParseError

_TABLE = re.compile(r"<DocTable\s+columns=\{\[(?P<columns>.*?)\]\}\s+rows=\{\[(?P<rows>.*?)\]\}\s*/>", re.DOTALL)
_TITLE = re.compile(r"title:\s*\"([^\"]*)\"")
_SIGNED = re.compile(r"<>\{\"\$\"\}([\d.]+)</>")
_ROW = re.compile(r"^\s*(\[.*\]),?\s*$", re.MULTILINE)


def doc_tables(text: str) -> Iterator[Table]:
    """Every `DocTable` of a page; a dollar sign written as its own element joins its number."""
    for number, found in enumerate(_TABLE.finditer(text)):
        titles = [Cell(clean(title)) for title in _TITLE.findall(found["columns"])]
        rows = [_cells(row) for row in _ROW.findall(_SIGNED.sub(r'"$\1"', found["rows"]))]
        yield table_of(("pricing",), [titles], rows, number)


def _cells(row: str) -> tuple[Cell, ...]:
    try:
        return tuple(Cell(clean(str(value))) for value in json.loads(row))
    except (ValueError, RecursionError) as error:
        raise ParseError(f"a table row that is not a list of texts: {row[:60]!r}") from error
