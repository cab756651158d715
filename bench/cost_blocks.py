"""Rewrites the marked block of a document that quotes a benchmark's figures."""

import re
from collections.abc import Sequence
from pathlib import Path


def replace_block(path: Path, name: str, lines: Sequence[str]) -> None:
    """Puts `lines` between the block's markers; a document without the block is an error."""
    text = path.read_text(encoding="utf-8")
    pattern = re.compile(rf"(<!-- bench:{name} -->\n).*?(<!-- /bench:{name} -->)", re.DOTALL)
    if not pattern.search(text):
        raise SystemExit(f"{path.name} has no block bench:{name}")
    body = "\n".join(lines)
    path.write_text(pattern.sub(lambda m: f"{m[1]}{body}\n{m[2]}", text), encoding="utf-8")
