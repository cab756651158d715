"""Result files: how measurements travel. JSON lines, named by the SHA-256 of their content, written whole or not.

The first line says what the file is; each further line is one row of `core.probe`. Any vantage point may write them to
a folder; `tracker ingest` takes them wherever the warehouse is, and taking one twice changes nothing.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tracker.errors import ProbeError

KIND = {"kind": "tracker-probe", "version": 1}
SUFFIX = ".probe.jsonl"
LIMIT_BYTES = 256 * 1024 * 1024
Row = dict[str, Any]


def write_rows(folder: Path, rows: Sequence[Row]) -> Path:
    """Write the rows as one result file; it appears under its name only when it is complete."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(each, sort_keys=True, ensure_ascii=False) for each in (KIND, *rows)]
    data = ("\n".join(lines) + "\n").encode()
    path = folder / f"{hashlib.sha256(data).hexdigest()}{SUFFIX}"
    beside = folder / f".{path.name}.{os.getpid()}"
    with beside.open("wb") as handle:
        handle.write(data)
        handle.flush()
        os.fsync(handle.fileno())
    beside.replace(path)
    return path


def result_files(folder: Path) -> list[Path]:
    """The result files of an inbox, in a stable order."""
    return sorted(path for path in folder.iterdir() if path.name.endswith(SUFFIX) and path.name[0] != ".")


def read_rows(path: Path) -> tuple[str, list[Row]]:
    """The file's hash and rows; ProbeError when it is not exactly what was written."""
    if path.stat().st_size > LIMIT_BYTES:
        raise ProbeError(f"{path.name}: more than {LIMIT_BYTES} bytes")
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if not path.name.startswith(digest):
        raise ProbeError(f"{path.name}: its content does not match its name, copy it again")
    try:
        first, *rows = [json.loads(line) for line in data.decode().splitlines()]
    except ValueError as error:
        raise ProbeError(f"{path.name}: not JSON lines") from error
    if first != KIND or not all(isinstance(row, dict) for row in rows):
        raise ProbeError(f"{path.name}: not a probe result file of version {KIND['version']}")
    return digest, rows
