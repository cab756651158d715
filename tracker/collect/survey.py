"""The sources as a table, and the first thing to run with a network: hold each live page to what is stored."""

import asyncio
import csv
import tempfile
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import cast

from scrapers.source import Source, source_modules
from tracker.collect.fetching import Report, fetch_all, quiet
from tracker.collect.run import has_key, read_spooled
from tracker.collect.spool import spool_files
from tracker.settings import Home
from tracker.tables import cell
from warehouse.history import open_history
from warehouse.ledger import load_state
from warehouse.passes import PassFacts
from warehouse.shapes import SHAPES, offer_id
from warehouse.versions import Key, Value

BLANK_PAGE: dict[str, object] = dict.fromkeys(("page", "stored", "same", "changed", "new", "gone", "notices"))
BLANK: dict[str, object] = dict.fromkeys(("last_outcome", "last_problem"), "") | dict.fromkeys(
    ("last_good_at", "row_count", "held")
)


def listing(home: Home, kind: str = "") -> list[dict[str, object]]:
    """One row per source: what it is, what its parser was built against, how it went last."""
    state: dict[object, dict[str, object]] = {}
    if home.history.is_file():
        with open_history(home.history) as history:
            query = "SELECT source_id, last_outcome, last_good_at, row_count, held, last_problem FROM sources"
            state = {row.pop("source_id"): row for row in history.rows(query)}
    found = [module.SOURCE for module in source_modules().values() if kind in ("", module.SOURCE.kind)]
    rows = []
    for source in sorted(found, key=lambda source: (source.kind, source.id)):
        now = state.get(source.id, BLANK)
        rows.append(
            {
                "source": source.id,
                "kind": source.kind,
                "proof": source.proof,
                "every_h": float(source.every_hours),
                "state": now["last_outcome"] or ("never read" if source.enabled else "off"),
                "last_good": now["last_good_at"],
                "rows": now["row_count"],
                "held": now["held"] or None,
                "key": source.key_env,
                "note": str(now["last_problem"] or source.notice)[:60],
            }
        )
    return rows


def gaps() -> list[dict[str, object]]:
    """Sellers that have no source of their own, why, and what covers them."""
    text = (files("tracker") / "data" / "sellers_without_source.csv").read_text("utf-8")
    return [{name: row[name] for name in ("title", "why", "covered_by")} for row in csv.DictReader(text.splitlines())]


def check(home: Home, kind: str = "", report: Report = quiet, loopback: bool = False) -> list[dict[str, object]]:
    """Fetch and parse every live source and compare it with the stored state; nothing is stored.

    A source that needs a key nobody gave is not asked: its row says so.
    """
    wanted = [module for module in source_modules().values() if kind in ("", module.SOURCE.kind)]
    live = [module for module in wanted if module.SOURCE.requests]
    with tempfile.TemporaryDirectory() as folder:
        aside = Home(Path(folder))
        asyncio.run(fetch_all(aside, [module for module in live if has_key(module.SOURCE)], report, loopback))
        parsed = {facts.source_id: facts for facts in (read_spooled(aside, path) for path in spool_files(aside))}
    return [_compared(home, module.SOURCE, parsed.get(module.SOURCE.id)) for module in live]


def _compared(home: Home, source: Source, facts: PassFacts | None) -> dict[str, object]:
    row: dict[str, object] = {"source": source.id, "proof": source.proof} | BLANK_PAGE
    if facts is None:
        return row | {"page": "not asked", "remark": f"set {source.key_env} to check it"}
    known = _stored(home, facts.source_id)
    if facts.outcome == "failed":
        return row | {"page": "failed", "stored": len(known) or None, "remark": facts.problem}
    shown = {(kind, key): row.value for kind, rows in facts.rows.items() for key, row in rows.items()}
    moved = [key for key, value in shown.items() if known.get(key, value) != value]
    return row | {
        "page": f"{facts.row_count:,} rows",
        "stored": len(known) or None,
        "same": sum(known.get(key) == value for key, value in shown.items()) or None,
        "changed": len(moved) or None,
        "new": sum(key not in known for key in shown) or None,
        "gone": sum(key not in shown for key in known) or None,
        "notices": len(facts.notices) or None,
        "remark": facts.problem or (_told(facts, moved[0], known[moved[0]], shown[moved[0]]) if moved else ""),
    }


def _told(facts: PassFacts, place: tuple[str, Key], old: Value, new: Value) -> str:
    """One change in words, for a reader to hold against the page."""
    kind, key = place
    names = {offer_id(offer): str(offer) for offer in facts.offers}
    what = " ".join(str(names.get(cast(int, part), part)) for part in key if part not in (None, "", 0, "list"))
    before, after = (" ".join(cell(part) for part in value[:2] if part is not None) for value in (old, new))
    return f"{what}: {before} -> {after}" if kind == "quote" else f"{kind} {what}: {before} -> {after}"


def outcome(rows: Sequence[dict[str, object]]) -> str:
    """What a check of all pages found, in one line."""
    failed, unasked = (sum(row["page"] == word for row in rows) for word in ("failed", "not asked"))
    moved = sum(bool(row["stored"] and (row["changed"] or row["new"] or row["gone"])) for row in rows)
    parts = f"{len(rows) - failed - unasked} pages read, {moved} of them unlike what is stored; {failed} failed"
    return parts + (f"; {unasked} not asked for want of a key" if unasked else "")


def _stored(home: Home, source_id: str) -> dict[tuple[str, Key], Value]:
    if not home.history.is_file():
        return {}
    with open_history(home.history) as history:
        return {
            (shape.kind, key): version.value
            for shape in SHAPES
            for key, version in load_state(history.connection, shape, source_id).open.items()
        }


def proofs(rows: Sequence[dict[str, object]]) -> str:
    """How many sources rest on what."""
    words = ("recorded", "excerpt", "documented", "none")
    return ", ".join(f"{sum(row['proof'] == word for row in rows)} {word}" for word in words)
