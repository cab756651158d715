"""Benchmark tables live in the docs between two marks; `--write` puts the newest figures there."""

import re
from pathlib import Path

from tracker.errors import UsageError

ROOT = Path(__file__).resolve().parent.parent


def refresh(document: str, name: str, text: str) -> None:
    """Replace the block `<!-- bench:name -->` ... `<!-- /bench:name -->` of a document with `text`."""
    path = ROOT / document
    marks = re.compile(rf"(<!-- bench:{re.escape(name)} -->\n).*?(<!-- /bench:{re.escape(name)} -->)", re.DOTALL)
    before = path.read_text(encoding="utf-8")
    if not marks.search(before):
        raise UsageError(f"{document} has no block bench:{name}")
    path.write_text(marks.sub(lambda found: f"{found[1]}{text.strip()}\n{found[2]}", before), encoding="utf-8")
