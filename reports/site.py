"""The static site: reports, index, a page per model and per provider, an Atom feed and downloads, for any web server.

Incremental: a page whose data is the same as last time is neither drawn nor written; one whose subject is gone is
removed. `.site.json` in the folder remembers what each page was made of.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from importlib.resources import files
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

from reports import figures, render
from reports.feed import feed_of
from reports.ledger import clock_of, tune
from reports.pages import PageData, current_offers, links, page_data, sections_of
from reports.weekly import write_changed, write_report
from reports.words import Words, words_of
from tracker.settings import Home
from warehouse.history import History, open_history

DOWNLOADS = {
    "offers": "what every offer costs now",
    "price_history": "every price point with when it held",
    "price_changes": "cuts, rises, promotions, new and removed",
    "declarations": "precision, context and more, as declared",
    "limits": "rate limits per account tier",
    "rentals": "accelerator rents",
    "sources": "where it was read and how that went",
    "flags": "dated inferences about offers",
}
LANGUAGE_NAMES = {"en": "English", "zh": "中文"}
MANIFEST = ".site.json"
AT_ONCE = 48  # pages drawn per round


@dataclass(slots=True)
class SiteSummary:
    """What a build did."""

    index: Path
    pages: int = 0
    written: int = 0
    removed: int = 0


@dataclass(slots=True)
class _Build:
    """One build under way: where it goes, what was there, what is there now."""

    folder: Path
    known: Mapping[str, str]
    summary: SiteSummary
    now: dict[str, str] = field(default_factory=dict)

    def put(self, path: str, content: bytes) -> None:
        self.summary.written += write_changed(self.folder / path, content)

    def same(self, path: str, fingerprint: str) -> bool:
        """Remember what a page is made of; True when it lies there made of the same."""
        self.now[path] = fingerprint
        return self.known.get(path) == fingerprint and (self.folder / path).is_file()


def write_site(home: Home, folder: Path, base: str = "", lang: str = "en") -> SiteSummary:
    """Build or refresh the site in `folder`; `base` is the address it will have, for the feed."""
    say = words_of(lang)
    if not any(home.reports.glob("*-W*.html")):
        write_report(home, lang=lang)
    build = _Build(folder, _manifest(folder), SiteSummary(folder / "index.html"))
    reports = _copy_reports(home.reports, build)
    with open_history(home.history) as history:
        tune(history)
        now, offers = clock_of(history), current_offers(history)
        names = {kind: dict.fromkeys(sorted({row[key] for row in offers if row[key]})) for kind, key in KEYS.items()}
        with _drawers() as drawers:
            pages = page_data(history, offers, now)
            while some := list(islice(pages, AT_ONCE)):
                _write_pages(some, names, build, drawers, say)
        downloads = _write_downloads(history, home.history, build)
        build.put("feed.xml", feed_of(history, build.folder, now, base, say).encode())
    _write_index(build, now, reports, names, downloads, say)
    _forget(build)
    return build.summary


Names = Mapping[str, Mapping[str, None]]
KEYS = {"models": "model_id", "providers": "provider"}


def _style() -> str:
    """Changes when a template or this package does: every page is then made anew."""
    folders = (files("reports"), files("reports") / "templates")
    items = [item for folder in folders for item in folder.iterdir() if item.is_file()]
    texts = sorted((item.name, item.read_bytes()) for item in items)
    return hashlib.sha256(repr(texts).encode()).hexdigest()


def _manifest(folder: Path) -> Mapping[str, str]:
    try:
        kept = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError):
        return {}
    pages = kept.get("pages") if isinstance(kept, dict) and kept.get("style") == _style() else None
    return pages if isinstance(pages, dict) else {}


def _forget(build: _Build) -> None:
    """Remove pages whose subject is gone, then remember this build."""
    for path in sorted(set(build.known) - set(build.now)):
        (build.folder / path).unlink(missing_ok=True)
        build.summary.removed += 1
    kept = {"style": _style(), "pages": dict(sorted(build.now.items()))}
    write_changed(build.folder / MANIFEST, json.dumps(kept, indent=0).encode())


def _copy_reports(source: Path, build: _Build) -> list[str]:
    """All reports written so far, newest first, with their figures."""
    for file in sorted(path for path in source.rglob("*") if path.is_file() and not path.name.startswith(".")):
        build.put(f"reports/{file.relative_to(source).as_posix()}", file.read_bytes())
    return sorted((path.stem for path in source.glob("*-W*.html")), reverse=True)


@contextmanager
def _drawers() -> Iterator[ProcessPoolExecutor]:
    """Charts are drawn by as many processes as there are cores; they start with the first chart."""
    workers = max(1, min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield pool


def _write_pages(
    pages: Sequence[PageData], names: Names, build: _Build, drawers: ProcessPoolExecutor, say: Words
) -> None:
    build.summary.pages += len(pages)
    stale = [page for page in pages if not build.same(page.path, page.fingerprint)]
    drawn = [page for page in stale if page.lines]
    words = {page.path: path_words(page, say) for page in drawn}
    title = say("USD per million output tokens")
    jobs = [(page.lines, title, words[page.path]) for page in drawn]
    pictures = dict(zip([page.path for page in drawn], drawers.map(draw, jobs, chunksize=4), strict=True))
    for page in stale:
        subtitle = say("{count} offers today", count=len(page.offers))
        text = render.page(
            "page.html.j2", say.lang, root="../", title=page.name, subtitle=subtitle, words=words.get(page.path, ""),
            picture=pictures.get(page.path, ""), sections=sections_of(page, names, "../", say),
        )  # fmt: skip
        build.put(page.path, text.encode())


def draw(job: tuple[Sequence[Mapping[str, object]], str, str]) -> str:
    """One page's price path as SVG: in a process of its own."""
    from reports import charts

    rows, title, words = job
    return charts.svg_of("path", charts.lines(rows, "at", "output", "name", title, step=True), words)


def path_words(page: PageData, say: Words) -> str:
    """The chart in words: where each line ends."""
    ends = {row["name"]: row["output"] for row in page.lines}
    text = ", ".join(f"{name} ${figures.money(amount)}" for name, amount in ends.items())
    return say("Output price per million tokens over the last year. Now: {ends}.", ends=text)


def _write_downloads(history: History, published: Path, build: _Build) -> list[tuple[str, str]]:
    """The published file itself, and its main views as Parquet; left alone while the ledger is the same."""
    with published.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    folder = build.folder / "data"
    folder.mkdir(parents=True, exist_ok=True)
    if not build.same("data/history.duckdb", digest):
        _replace(folder / "history.duckdb", partial(shutil.copyfile, published))
        build.summary.written += 1
    views = {str(row["table_name"]) for row in history.rows("SELECT table_name FROM information_schema.tables")}
    found = [(f"{name}.parquet", about) for name, about in DOWNLOADS.items() if name in views]
    for name, _ in found:
        if not build.same(f"data/{name}", digest):
            _replace(folder / name, partial(_export, history, name.removesuffix(".parquet")))
            build.summary.written += 1
    return found


def _export(history: History, view: str, path: Path) -> None:
    target = str(path).replace("'", "''")
    rows = f"SELECT * FROM {view} ORDER BY ALL"
    history.connection.execute(f"COPY ({rows}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    write(beside)
    beside.replace(path)


def _weeks(folder: Path, stems: Sequence[str], lang: str) -> list[tuple[str, list[tuple[str, str]], str]]:
    """Per week: its label, its languages with their stems, and who cut, in the site's language where it is told."""
    found: dict[str, list[tuple[str, str]]] = {}
    for stem in sorted(stems):
        label, _, other = stem.partition(".")
        found.setdefault(label, []).append((other or "en", stem))
    weeks = []
    for label, told in sorted(found.items(), reverse=True):
        stem = dict(told).get(lang, told[0][1])
        figures_of = folder / stem / "report.json"
        sentence = json.loads(figures_of.read_text())["summary"][1] if figures_of.is_file() else ""
        weeks.append((label, [(LANGUAGE_NAMES.get(name, name), stem) for name, stem in told], sentence))
    return weeks


def _write_index(
    build: _Build, now: datetime, reports: Sequence[str], names: Names,
    downloads: Sequence[tuple[str, str]], say: Words,
) -> None:  # fmt: skip
    subtitle = say("What LLM inference sells for, with the evidence. The ledger stands at {at} UTC.",
                   at=figures.when(now))  # fmt: skip
    text = render.page(
        "index.html.j2", say.lang, title=say("Inference price tracker"), subtitle=subtitle,
        weeks=_weeks(build.folder / "reports", reports, say.lang),
        downloads=[(name, say(about)) for name, about in downloads], models=links(names["models"], "models"),
        providers=links(names["providers"], "providers"),
    )  # fmt: skip
    build.put("index.html", text.encode())
