"""A report as a single HTML file, as Markdown, and its figures as CSV and Parquet. Text from outside stays text.

HTML goes through Jinja2 with autoescape and a Content-Security-Policy that forbids scripts and requests; the only
markup let through unescaped is the SVG our own charts drew. No clock is read here: equal input gives equal bytes.
"""

import csv
import io
import json
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reports import figures
from reports.parts import Citation, Column, Report, Row, Table
from reports.words import Words, words_of

_MARKDOWN = re.compile(r"([\\`*_\[\]|#~$])")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The one template environment: autoescape always on, an unknown name is an error."""
    env = Environment(
        loader=PackageLoader("reports"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, auto_reload=False
    )
    env.filters |= {
        "web_address": web_address,
        "direction": _direction,
        "written": lambda column, row: figures.cell_text(column.kind, column.key, row),
        "inline_svg": Markup,
        "money": figures.money,
        "when": figures.when,
    }
    return env


def web_address(url: object) -> str:
    """A link that leads to a web page or a page beside this one, or nothing."""
    text = str(url or "")
    parts = urlsplit(text)
    relative = not parts.scheme and not parts.netloc and not text.startswith(("/", "\\"))
    return text if parts.scheme == "https" or relative else ""


def _direction(value: object) -> str:
    ratio = round(float(str(value or 0)), 3)  # what is written as 0 % has none
    return " down" if ratio < 0 else " up" if ratio > 0 else ""


def page(template: str, lang: str, **values: object) -> str:
    """One page of any kind."""
    return environment().get_template(template).render(lang=_html_lang(lang), say=words_of(lang), **values)


def _html_lang(lang: str) -> str:
    return {"zh": "zh-Hans"}.get(lang, lang)


def html_of(report: Report, data_dir: str) -> str:
    return page("report.html.j2", report.lang, report=report, title=report.title, data_dir=data_dir)


def markdown_of(report: Report, data_dir: str) -> str:
    """The same report as Markdown; charts give their words and their data."""
    say = words_of(report.lang)
    lines = [f"# {escaped(report.title)}", "", escaped(report.subtitle), ""]
    lines += [f"> **{escaped(warning)}**\n" for warning in report.warnings]
    lines += [f"{n}. {escaped(sentence)}" for n, sentence in enumerate(report.summary, 1)]
    for section in report.sections:
        lines += ["", f"## {escaped(section.title)}", ""]
        lines += [f"{escaped(sentence)}\n" for sentence in section.sentences]
        for chart in section.charts:
            link = f"[CSV]({data_dir}/{chart.data.table_id}.csv)"
            lines += [f"### {escaped(chart.title)}", "", f"{escaped(chart.text)} {link}", ""]
        for table in section.filled:
            lines += _markdown_table(table, report.citations, data_dir, say)
    lines += ["", f"## {say('Evidence')}", "", *_markdown_citations(report, say), ""]
    return "\n".join(lines)


def escaped(text: object) -> str:
    """Outside text as Markdown text: no markup, no table cell, no line of its own, no HTML."""
    plain = " ".join(str(text).split())
    return _MARKDOWN.sub(r"\\\1", plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


def _markdown_table(table: Table, citations: Mapping[int, Citation], data_dir: str, say: Words) -> list[str]:
    head = " | ".join(escaped(column.title) for column in table.columns)
    lines = [f"### {escaped(table.title)}", "", f"| {head} |", "|" + " --- |" * len(table.columns)]
    for row in table.printed:
        cells = (_markdown_cell(column, row, citations) for column in table.columns)
        lines.append(f"| {' | '.join(cells)} |")
    rows = say("{shown} of {all} rows.", shown=len(table.printed), all=len(table.rows))
    return [*lines, "", f"{rows} {escaped(table.note)} [CSV]({data_dir}/{table.table_id}.csv)".replace("  ", " "), ""]


def _markdown_cell(column: Column, row: Row, citations: Mapping[int, Citation]) -> str:
    if column.kind == "evidence":
        ids = row.get(column.key)
        return " ".join(f"\\[{citations[i].number}\\]" for i in ids if i in citations) if isinstance(ids, tuple) else ""
    if column.kind == "link":
        link = row.get(column.key)
        return escaped(link[1]) if isinstance(link, tuple) else ""
    return escaped(figures.cell_text(column.kind, column.key, row))


def _markdown_citations(report: Report, say: Words) -> list[str]:
    lines = [
        say("Each printed quote as its source wrote it. `tracker evidence ID` shows the chain down to the raw bytes."),
        "",
    ]
    for citation in report.citations.values():
        row = citation.row
        price = f"{row['component']} {figures.money(row['amount'])} {row['currency']}"
        text = f"{row['offer']} {price}, {row['raw']}, {row['source_id']}, {figures.when(row['observed_at'])}"
        lines.append(f"- \\[{citation.number}\\] `tracker evidence {citation.quote_id}`: {escaped(text)}")
    return lines


def json_of(report: Report) -> str:
    """What the report says in words, for machines: title, span, warnings, the five sentences."""
    told = {
        "week": report.label, "lang": report.lang, "title": report.title, "subtitle": report.subtitle,
        "told_to": f"{report.told_to_utc:%Y-%m-%dT%H:%M:%SZ}", "warnings": report.warnings, "summary": report.summary,
    }  # fmt: skip
    return json.dumps(told, ensure_ascii=False, indent=1) + "\n"


def csv_of(table: Table) -> bytes:
    """All rows. A text that a spreadsheet would run as a formula gets an apostrophe; Parquet has it exact."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.fields)
    for row in table.rows:
        writer.writerow([_csv_value(row.get(name)) for name in table.fields])
    return out.getvalue().encode()


def _csv_value(value: object) -> object:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return f"{value.normalize():f}" if isinstance(value, Decimal) else value


def parquet_of(table: Table) -> bytes:
    """All rows, typed; amounts as doubles, quote ids as a list."""
    columns = {name: pa.array([_plain(row.get(name)) for row in table.rows]) for name in table.fields}
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, compression="zstd")
    return sink.getvalue()


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    return list(value) if isinstance(value, tuple) else value
