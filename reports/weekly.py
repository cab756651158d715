"""The weekly report: the sections put together, the week in five sentences, and the files written.

Everything comes from public views of the published ledger as they stood at the end of the week (price history, as-of
macros, passes); nothing is computed that the ledger does not hold, and no clock is read.
"""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from reports import costs, economy, movers, render, watch
from reports.billed import billed_at
from reports.buying import cheapest_section, standing_of
from reports.comparison import comparison_section
from reports.conditions import conditions_section
from reports.evidence import citations_of
from reports.flags import flags_at, flags_section
from reports.ledger import Ledger, open_week
from reports.limits import limits_section
from reports.moves import moves_of
from reports.parts import Report, Section
from reports.paths import contested_section, most_contested, stepwise_table
from reports.quality import coverage_warnings, quality_section, source_rows
from reports.rents import rents_section
from reports.speed import speed_section
from reports.summary import summary_of
from reports.words import Words, words_of
from tracker.settings import Home


@dataclass(frozen=True, slots=True)
class ReportPaths:
    """Where a report was written."""

    html: Path
    markdown: Path
    data_dir: Path


def write_report(home: Home, week: str | None = None, lang: str = "en", compare: bool = False) -> ReportPaths:
    """Write the report of an ISO week (None: the week of the ledger's clock) and its figures; unchanged files stay.

    `compare` puts the week before beside it.
    """
    say = words_of(lang)
    with open_week(home.history, week) as ledger:
        report = build_report(ledger, say, compare)
    return write_files(report, home.reports)


def build_report(ledger: Ledger, say: Words, compare: bool = False) -> Report:
    """All sections of one week."""
    week = ledger.week
    before, after = billed_at(ledger, week.before_utc), billed_at(ledger, week.told_to_utc)
    moves = moves_of(ledger, before, after)
    sources, standing, flags = source_rows(ledger), standing_of(ledger), flags_at(ledger, after)
    trusted = {offer_id: side for offer_id, side in after.items() if side.offer not in flags.doubted}
    sections: tuple[Section, ...] = (
        economy.index_section(ledger, say),
        contested_section(ledger, moves, after, say),
        movers.movers_section(moves, stepwise_table(ledger, moves, say), say),
        movers.promos_section(moves, say),
        movers.zeros_section(moves, say),
        movers.wavering_section(moves, say),
        movers.listing_section(moves, before, say),
        conditions_section(moves, say),
        cheapest_section(trusted, len(after) - len(trusted), flags.copied, standing, say),
        costs.floor_section(ledger, trusted, flags.copied, say),
        economy.below_cost_section(ledger, flags, after, say),
        costs.falls_section(ledger, trusted, most_contested(moves), say),
        watch.quantization_section(ledger, flags, say),
        watch.teaser_section(flags, say),
        speed_section(ledger, trusted, standing, say),
        rents_section(ledger, say),
        limits_section(ledger, say),
        flags_section(ledger, flags, say),
        quality_section(ledger, sources, say),
    )
    if compare:
        sections = (comparison_section(ledger, moves, before, say), *sections)
    title = say("What inference sold for: week {week}", week=week.label)
    subtitle = say(
        "{first} to {last}, UTC. {offers} offers of {models} models from {sellers} sellers stood at the end.",
        first=week.first_day, last=week.last_day, offers=f"{len(after):,}",
        models=f"{len({side.model for side in after.values()}):,}", sellers=len({s.provider for s in after.values()}),
    )  # fmt: skip
    warnings = coverage_warnings(ledger, sources, say)
    report = Report(
        week.label,
        week.told_to_utc,
        say.lang,
        title,
        subtitle,
        warnings,
        summary_of(moves, sections, after, trusted, standing, flags, say),
        sections,
    )
    return replace(report, citations=citations_of(ledger, sections))


def stem_of(label: str, lang: str) -> str:
    return label if lang == "en" else f"{label}.{lang}"


def write_files(report: Report, folder: Path) -> ReportPaths:
    """One HTML, one Markdown, one folder of figures."""
    stem = stem_of(report.label, report.lang)
    paths = ReportPaths(folder / f"{stem}.html", folder / f"{stem}.md", folder / stem)
    write_changed(paths.html, render.html_of(report, stem).encode())
    write_changed(paths.markdown, render.markdown_of(report, stem).encode())
    write_changed(paths.data_dir / "report.json", render.json_of(report).encode())
    kept = {"report.json"}
    for table in report.tables():
        kept |= {f"{table.table_id}.csv", f"{table.table_id}.parquet"}
        write_changed(paths.data_dir / f"{table.table_id}.csv", render.csv_of(table))
        write_changed(paths.data_dir / f"{table.table_id}.parquet", render.parquet_of(table))
    for file in paths.data_dir.iterdir():  # figures of a table that an earlier program or ledger had
        if file.name not in kept:
            file.unlink()
    return paths


def write_changed(path: Path, content: bytes) -> bool:
    """Replace a file atomically, only when its bytes differ."""
    if path.is_file() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_bytes(content)
    beside.replace(path)
    return True
