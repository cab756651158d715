"""HTML and Markdown tables as rows under their header text, with spans filled in and the headings that stand above."""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bs4 import BeautifulSoup, Comment, Tag

from scrapers.tables.text import clean
from tracker.errors import ParseError

_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*$")
_HEADING_CLASS = re.compile(r"\bheading-h([1-6])\b")
MAX_CELLS = 200_000  # a page beyond this is not a price page


@dataclass(frozen=True, slots=True)
class Cell:
    """The text of one cell; `merged` when it stretches over several columns: it may not speak for one of them."""

    text: str
    merged: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its header. `headings` are the headings (and tab titles) above it, outermost first."""

    headings: tuple[str, ...]
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    number: int = 0
    mark: str = ""  # what the source's own `mark` function read off the surroundings

    @property
    def place(self) -> str:
        return " > ".join((*self.headings[-2:], f"table {self.number}"))


def soup_of(text: str) -> BeautifulSoup:
    """Parsed HTML with struck-out prices marked `~~`, footnotes and comments gone."""
    soup = BeautifulSoup(text, "lxml")
    for comment in soup.find_all(string=lambda string: isinstance(string, Comment)):
        comment.extract()
    for tag in soup.find_all(("script", "style", "sup")):
        tag.decompose()
    struck = soup.find_all(
        lambda tag: tag.name in ("del", "s", "strike") or "line-through" in str(tag.get("class", ""))
    )
    for tag in struck:
        tag.insert(0, "~~")
        tag.append("~~")
    soup.smooth()
    return soup


def visible(soup: BeautifulSoup) -> str:
    """All text of a page, for the unit and currency words that stand outside the tables."""
    return clean(soup.get_text(" "))


def html_tables(page: BeautifulSoup | str, headings: tuple[str, ...] = ()) -> list[Table]:
    """Every table of a page with its header: `thead`/`th` rows where there are any, else the first row."""
    soup = soup_of(page) if isinstance(page, str) else page
    return [table for grid in html_grids(soup, headings) if (table := headed(grid))]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table before its header is known: all rows, and how many of them the page marks as header."""

    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    header_rows: int
    number: int
    tag: Tag


def html_grids(soup: BeautifulSoup, headings: tuple[str, ...] = ()) -> list[Grid]:
    """All tables in document order, spans filled in, under the headings that stand above them."""
    grids: list[Grid] = []
    stack: list[tuple[int, str]] = []
    for tag in soup.find_all(lambda tag: tag.name == "table" or _level(tag) > 0):
        if tag.find_parent("table"):
            continue
        level = _level(tag)
        if level:
            stack = [entry for entry in stack if entry[0] < level]
            stack.append((level, clean(tag.get_text(" "))))
        else:
            above = (*headings, *(title for _, title in stack))
            rows = [row for row in tag.find_all("tr") if row.find_parent("table") is tag]
            grids.append(Grid(above, _filled(rows), _header_rows(rows), len(grids), tag))
    return grids


def _level(tag: Tag) -> int:
    """1-6 for a heading, by tag or by the class some editors write instead; 0 for anything else."""
    if len(tag.name) == 2 and tag.name[0] == "h" and tag.name[1] in "123456":
        return int(tag.name[1])
    found = _HEADING_CLASS.search(str(tag.get("class", ""))) if tag.name == "div" else None
    return int(found[1]) if found else 0


def _header_rows(rows: Sequence[Tag]) -> int:
    count = 0
    for row in rows:
        cells = row.find_all(("td", "th"), recursive=False)
        if not (row.find_parent("thead") or (cells and all(cell.name == "th" for cell in cells))):
            break
        count += 1
    return count


def _span(cell: Tag, name: str) -> int:
    raw = str(cell.get(name, "1")).strip(" {}")  # JSX writes rowSpan={2}
    return int(raw) if raw.isdigit() and len(raw) < 4 else 1


def _filled(rows: Sequence[Tag]) -> tuple[tuple[Cell, ...], ...]:
    """Rows with row and column spans written out. Blank cells of span 0 are editors' placeholders under a merge."""
    below: dict[int, tuple[int, Cell]] = {}
    filled: list[tuple[Cell, ...]] = []
    total = 0
    for row in rows:
        line: list[Cell] = []
        for tag in row.find_all(("td", "th"), recursive=False):
            across, down = _span(tag, "colspan"), _span(tag, "rowspan")
            text = clean(tag.get_text(" "))
            if (across == 0 or down == 0) and not text:
                continue
            _take_from_above(line, below)
            cell = Cell(text, across > 1)
            for _ in range(max(across, 1)):
                if down > 1:
                    below[len(line)] = (down - 1, cell)
                line.append(cell)
        _take_from_above(line, below)
        total += len(line)
        if total > MAX_CELLS:
            raise ParseError(f"a table of more than {MAX_CELLS} cells is no price table")
        filled.append(tuple(line))
    return tuple(filled)


def _take_from_above(line: list[Cell], below: dict[int, tuple[int, Cell]]) -> None:
    while len(line) in below:
        left, cell = below.pop(len(line))
        if left > 1:
            below[len(line)] = (left - 1, cell)
        line.append(cell)


def headed(grid: Grid, mark: str = "") -> Table | None:
    """Header rows joined per column with ` / ` (group first); without `th` the first row, two if that one merges."""
    if not grid.rows:
        return None
    count = grid.header_rows or 1
    if not grid.header_rows and any(cell.merged for cell in grid.rows[0]) and len(grid.rows) > 1:
        count = 2
    return table_of(grid.headings, grid.rows[:count], grid.rows[count:], grid.number, mark)


def table_of(
    headings: tuple[str, ...],
    top: Sequence[Sequence[Cell]],
    rows: Sequence[tuple[Cell, ...]],
    number: int,
    mark: str = "",
) -> Table:
    """A table from its header rows and its body."""
    width = max((len(line) for line in top), default=0)
    names = [[line[index].text for line in top if index < len(line)] for index in range(width)]
    header = tuple(" / ".join(dict.fromkeys(part for part in parts if part)) for parts in names)
    return Table(headings, header, tuple(rows), number, mark)


def plain(markdown: str) -> str:
    """A Markdown or MDX cell as text; `~~struck~~` stays."""
    text = re.sub(r"<sup>.*?</sup>|\^(?:\\?\*)+\^|<!--.*?-->", "", markdown)
    text = re.sub(r"<br\s*/?>|</?[a-zA-Z][^<>]*>", " ", text)
    text = re.sub(r"\[([^\[\]]*)\]\([^()]*\)", r"\1", text)
    text = re.sub(r"\\([\\$|<>~*_`#\-\[\]()])", r"\1", text)
    return clean(html.unescape(re.sub(r"\*\*|`", "", text)))


def models_across(grid: Grid, first: frozenset[str]) -> Iterator[tuple[str, list[tuple[str, Cell]]]]:
    """(label, (model, cell) ...) per row of a table whose columns are models: the row that starts with one of `first`
    names them. Label cells are joined; a row is read from its right edge because label cells vary in number.
    """
    models: list[str] = []
    for row in grid.rows:
        if row and row[0].text.lower() in first:
            models = [cell.text for cell in row if cell.text.lower() not in first]
        elif models and len(row) > len(models):
            label = " ".join(dict.fromkeys(cell.text for cell in row[: -len(models)] if cell.text))
            yield label, list(zip(models, row[-len(models) :], strict=True))


def markdown_tables(text: str) -> list[Table]:
    """Pipe tables and inline HTML tables, under their `#` headings and `<Tab title=...>` names."""
    tables: list[Table] = []
    heads: list[tuple[int, str]] = []
    lines = text.splitlines()
    index = 0
    while index < len(lines):
        line = lines[index].strip()
        heads = _heads_after(heads, line)
        above = tuple(title for _, title in heads)
        if "<table" in line:
            end = next((at for at in range(index, len(lines)) if "</table>" in lines[at]), len(lines) - 1)
            block = re.sub(r"\*\*|`", "", "\n".join(lines[index : end + 1]))
            block = block.replace("\\<", "&lt;").replace("\\>", "&gt;").replace("\\$", "$")
            tables += [replace(table, number=len(tables)) for table in html_tables(block, above)]
            index = end + 1
        elif "|" in line and index + 1 < len(lines) and _is_rule(lines[index + 1]):
            end = index + 2
            while end < len(lines) and "|" in lines[end]:
                end += 1
            rows = [tuple(Cell(plain(cell)) for cell in _split(row)) for row in lines[index + 2 : end]]
            tables.append(Table(above, tuple(plain(cell) for cell in _split(line)), tuple(rows), len(tables)))
            index = end
        else:
            index += 1
    return tables


def _heads_after(heads: list[tuple[int, str]], line: str) -> list[tuple[int, str]]:
    """The stack of open headings after a line; a tab counts as a level below all headings."""
    tab = re.match(r"<Tab\s[^<>]*title=\"([^\"]*)\"", line)
    if tab:
        return [entry for entry in heads if entry[0] < 7] + [(7, plain(tab.group(1)))]
    if line.startswith("</Tab"):
        return [entry for entry in heads if entry[0] < 7]
    found = _HEADING.match(line)
    if not found:
        return heads
    level = len(found.group(1))
    return [entry for entry in heads if entry[0] < level] + [(level, plain(found.group(2)))]


def _is_rule(line: str) -> bool:
    return "-" in line and "|" in line and not line.strip(" |:-\t")


def _split(line: str) -> list[str]:
    cells = re.split(r"(?<!\\)\|", line.strip())
    return cells[1 if not cells[0].strip() and len(cells) > 1 else 0 : -1 if not cells[-1].strip() else None]
