"""What happens to price pages in life: columns move, headers are renamed, units and currencies change, pages vanish.

Each mutation is a changed text of a page under the name of its class; what may come of it is judged in test_mutations.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Change = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Mutation:
    """One way a page changes. `name` is its class in the outcome table."""

    name: str
    text: str


LOGIN = "<!doctype html><html><head><title>Sign in</title></head><body><form><input name=user></form></body></html>"
_TABLE = re.compile(r"<table\b.*?</table>", re.DOTALL)
_ROW = re.compile(r"<tr\b.*?</tr>", re.DOTALL)
_CELL = re.compile(r"<(t[hd])\b([^>]*)>(.*?)</\1>", re.DOTALL)
_RULE = re.compile(r"^\s*\|?[\s:|-]+\|[\s:|-]*$")


def mutations(page: str) -> Iterator[Mutation]:
    """Every mutation that changes the page."""
    yield Mutation("login page", LOGIN)
    yield Mutation("emptied", _emptied(page))
    for name, change in {**WORDS, **FIGURES, **_columns(), **_rows()}.items():
        changed = change(page)
        if changed.rstrip() != page.rstrip():
            yield Mutation(name, changed)


def _emptied(page: str) -> str:
    page = _TABLE.sub(lambda table: _rows_kept(table.group(), 1), page)
    lines = page.splitlines()
    rules = [index for index, line in enumerate(lines) if _RULE.match(line)]
    body = {index for rule in rules for index in _body(lines, rule)}
    return "\n".join(line for index, line in enumerate(lines) if index not in body)


def _body(lines: list[str], rule: int) -> Iterator[int]:
    index = rule + 1
    while index < len(lines) and "|" in lines[index]:
        yield index
        index += 1


def _rows_kept(table: str, count: int) -> str:
    seen = iter(range(10_000))
    return _ROW.sub(lambda row: row.group() if next(seen) < count else "", table)


# --- words of unit and currency ---------------------------------------------------------------------------------------


def _unit_to_thousand(page: str) -> str:
    for pattern, replacement in (
        (r"百万", "千"), (r"\b1M\b(?= *[Tt]oken| *input| *output| *TOKEN)", "1K"), (r"MTok", "KTok"), (r"Mtok", "Ktok"),
        (r"/\s?M tokens", "/ K tokens"), (r"/M Tokens", "/K Tokens"), (r"1 million tokens", "1 thousand tokens"),
        (r"1M INPUT", "1K INPUT"), (r"1M OUTPUT", "1K OUTPUT"), (r"\(1M Tokens\)", "(1K Tokens)"), (r"/1M\)", "/1K)"),
        (r"per million tokens", "per thousand tokens"), (r"\$/1M", "$/1K"), (r"/ M (?=输)", "/ K "),
        (r"1M tokens", "1K tokens"), (r"\\\"per\\\":\\\"1M", r"\\\"per\\\":\\\"1K"),
        (r"1M Tokens", "1K Tokens"), (r"USD / M", "USD / K"), (r"/1M", "/1K"),
    ):  # fmt: skip
        page = re.sub(pattern, replacement, page)
    return page


def _currency_swapped(page: str) -> str:
    if re.search(r"(?<![({])\$(?!\{)\s?(?:<!-- -->)?\d", page) or '{"$"}' in page:
        return re.sub(r"\$(?=\s?(?:<!-- -->)?\d)", "€", page).replace('{"$"}', '{"€"}')
    swapped = page.replace("¥", "$").replace("元", "美元")
    return swapped if swapped != page else page.replace("USD", "EUR").replace("美元", "欧元")


def _figures(template: str) -> Change:
    """Every figure behind a dollar sign written another way; `{}` stands for it."""
    return lambda page: re.sub(
        r"(?<![({\\])(\\?)\$\s?(\d+(?:\.\d+)?)", lambda found: found[1] + template.format(found[2]), page
    )


# After each of these the page says no price in dollars per million tokens where it said one.
FIGURES: dict[str, Change] = {
    "figure a range": _figures("${} - $777"),
    "figure a lower bound": _figures("from ${}"),
    "figure per 1K tokens": _figures("${} / 1K tokens"),
    "figure per hour": _figures("${}/hour"),
    "figure in cents": _figures("{}¢"),
    "figure in thousands": _figures("${}k"),
    "figure in another dollar": _figures("A${}"),
    "figure beside a former one": _figures("$0.007 (was ${})"),
    "currency named in prose": lambda page: page.replace("USD", "CAD").replace("US dollars", "Canadian dollars"),
}


def _once(page: str, pattern: str, replacement: str) -> str:
    return re.sub(pattern, replacement, page, count=1)


WORDS: dict[str, Change] = {
    "unit 1M -> 1K": _unit_to_thousand,
    "currency sign swapped": _currency_swapped,
    "decimal comma": lambda page: re.sub(r"(?<=[$¥]\d)\.(?=\d)", ",", page),
    "currency sign in one cell": lambda page: _once(page, r"([>|~ ])(\\?)\$(?=\d)", r"\1€"),
}


# --- columns ----------------------------------------------------------------------------------------------------------


def _columns() -> dict[str, Change]:
    return {
        "columns reversed": lambda page: _each_row(page, lambda cells: cells[:1] + cells[:0:-1]),
        "second column dropped": lambda page: _each_row(page, lambda cells: cells[:1] + cells[2:]),
        "last column dropped": lambda page: _each_row(page, lambda cells: cells[:-1]),
        "header renamed": _header_renamed,
        "headers swapped": _headers_swapped,
        "promo column added": _promo_added,
        "cells merged": _merged,
        "header cell lost": _header_lost,
        "price cell dropped": lambda page: _priced_rows(page, lambda cells: cells[:-1]),
        "price cell appended": lambda page: _priced_rows(page, lambda cells: [*cells, cells[-1].replace("0", "7")]),
    }


def _each_row(page: str, change: Callable[[list[str]], list[str]], only_header: bool = False) -> str:
    """`change` applied to the cells of every row (or only header rows) of every table, HTML and Markdown."""

    def html_row(row: re.Match[str]) -> str:
        cells = [found.group() for found in _CELL.finditer(row.group())]
        plain = len(cells) > 2 and "span=" not in row.group().lower()
        header = "<th" in row.group()
        if not plain or (only_header and not header):
            return row.group()
        return "<tr>" + "".join(change(cells)) + "</tr>"

    def html_table(table: re.Match[str]) -> str:
        text = table.group()
        headless = "<th" in text and "<td" not in text  # the body is another table and would not move along
        return text if "span=" in text.lower() or headless else _ROW.sub(html_row, text)

    page = _TABLE.sub(html_table, page)
    lines = page.splitlines()
    rules = [index for index, line in enumerate(lines) if _RULE.match(line) and index]
    for rule in rules:
        rows = [rule - 1] if only_header else [rule - 1, rule, *_body(lines, rule)]
        for index in rows:
            cells = [
                cell.strip()
                for cell in re.split(r"(?<!\\)\|", lines[index].strip().removeprefix("|").removesuffix("|"))
            ]
            if len(cells) > 2:
                lines[index] = "| " + " | ".join(change(cells)) + " |"
    return "\n".join(lines)


def _header_renamed(page: str) -> str:
    def rename(cells: list[str]) -> list[str]:
        return [
            *cells[:-1],
            re.sub(r"[A-Za-z\u4e00-\u9fff]+", "Wombat", cells[-1], count=1)
            if "<" not in cells[-1]
            else _inner(cells[-1]),
        ]

    return _each_row(page, rename, only_header=True)


def _inner(cell: str) -> str:
    return re.sub(r">([^<]+)<", ">Wombat<", cell, count=1)


def _headers_swapped(page: str) -> str:
    """The header row says the columns in another order than the rows do: the page now states other prices."""
    return _each_row(page, lambda cells: [*cells[:-2], cells[-1], cells[-2]], only_header=True)


def _promo_added(page: str) -> str:
    def widen(cells: list[str]) -> list[str]:
        new = re.sub(r">[^<]*<", ">Black Friday<", cells[0], count=1) if cells[0].startswith("<th") else ""
        if cells[0].startswith("<td"):
            new = "<td>$0.01</td>"
        if not new:
            new = (
                "---"
                if set(cells[0]) <= set(":-")
                else "Black Friday"
                if not re.search(r"\d", "".join(cells[1:]))
                else "$0.01"
            )
        return [cells[0], new, *cells[1:]]

    return _each_row(page, widen)


def _priced_rows(page: str, change: Callable[[list[str]], list[str]]) -> str:
    """`change` applied to the cells of every row but the first that ends in a number; spans stay."""

    def row(found: re.Match[str]) -> str:
        cells = [cell.group() for cell in _CELL.finditer(found.group())]
        if len(cells) < 2 or "<td" not in cells[-1] or not re.search(r"\d", re.sub(r"<[^>]*>", "", cells[-1])):
            return found.group()
        return "<tr>" + "".join(change(cells)) + "</tr>"

    def table(found: re.Match[str]) -> str:
        head, tag, body = found.group().partition("</tr>")
        return head + tag + _ROW.sub(row, body)

    return _TABLE.sub(table, page)


def _header_lost(page: str) -> str:
    """Pages without tables: the words over one column of a grid, list or data object disappear."""
    for pattern in (
        r"\{ title: \"[^\"]*Input[^\"]*\".*\n", r"<span>(?:Mtok input|Input \(Mtok\))</span>",
        r"\\\"inputLabel\\\":\\\"Input\\\",",
        r"<div><span>输出价格</span><span>百万 tokens</span></div>",
    ):  # fmt: skip
        page = re.sub(pattern, "", page, count=1)
    return page


def _merged(page: str) -> str:
    """The last two cells of the first body row become one over two columns; in Markdown a separator is lost."""

    def merge(row: re.Match[str]) -> str:
        cells = list(_CELL.finditer(row.group()))
        if len(cells) < 3 or "<td" not in row.group() or not re.search(r"\d", cells[-1].group()):
            return row.group()
        kept = "".join(cell.group() for cell in cells[:-2])
        return f'<tr>{kept}<td colspan="2">{cells[-2][3]}</td></tr>'

    done = [False]

    def once(row: re.Match[str]) -> str:
        changed = row.group() if done[0] else merge(row)
        done[0] = done[0] or changed != row.group()
        return changed

    page = _ROW.sub(once, page)
    lines = page.splitlines()
    for index, line in enumerate(lines):
        if _RULE.match(line) and index + 1 < len(lines) and lines[index + 1].count("|") > 3:
            head, _, tail = lines[index + 1].rstrip().removesuffix("|").rpartition("|")
            lines[index + 1] = f"{head} {tail} |"
            break
    return "\n".join(lines)


# --- rows -------------------------------------------------------------------------------------------------------------


def _rows() -> dict[str, Change]:
    return {
        "blank rows inserted": lambda page: _inserted(page, lambda width: [""] * width),
        "advertisement rows inserted": lambda page: _inserted(
            page, lambda width: ["New!", *["Try it today"] * (width - 1)]
        ),
        "last row dropped": _last_row_dropped,
    }


def _inserted(page: str, row: Callable[[int], list[str]]) -> str:
    def table(found: re.Match[str]) -> str:
        rows = _ROW.findall(found.group())
        width = max((len(_CELL.findall(text)) for text in rows), default=0)
        new = "<tr>" + "".join(f"<td>{text}</td>" for text in row(width)) + "</tr>"
        head, last, tail = found.group().rpartition("<tr")
        return head + new + last + tail if len(rows) > 2 and "rowspan" not in found.group().lower() else found.group()

    page = _TABLE.sub(table, page)
    out: list[str] = []
    for line in page.splitlines():
        out.append(line)
        if _RULE.match(line):
            out.append("| " + " | ".join(row(line.strip().strip("|").count("|") + 1)) + " |")
    return "\n".join(out)


def _last_row_dropped(page: str) -> str:
    def table(found: re.Match[str]) -> str:
        count = len(_ROW.findall(found.group()))
        return (
            _rows_kept(found.group(), count - 1)
            if count > 2 and "rowspan" not in found.group().lower()
            else found.group()
        )

    page = _TABLE.sub(table, page)
    lines = page.splitlines()
    dropped = {
        body[-1] for index, line in enumerate(lines) if _RULE.match(line) and len(body := list(_body(lines, index))) > 1
    }
    return "\n".join(line for index, line in enumerate(lines) if index not in dropped)
