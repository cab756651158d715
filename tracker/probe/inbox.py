"""Result files: how measurements travel. JSON lines, named by the SHA-256 of their content, written whole or not.

The first line says what the file is; each further line is one row of `core.probe`. Any vantage point may write them to
a folder; `tracker ingest` takes them wherever the warehouse is, and taking one twice changes nothing.
"""

import hashlib
import json
import os
import stat
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from tracker.errors import ProbeError
from tracker.probe.reply import OUTCOMES
from tracker.records import Offer

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


def read_rows(path: Path, now_utc: datetime) -> tuple[str, list[Row]]:
    """The file's hash and rows; ProbeError when it is not what a probe writes. Anybody may have put it there."""
    about = path.lstat()
    if not stat.S_ISREG(about.st_mode):  # a link or a pipe leads elsewhere, or never ends
        raise ProbeError(f"{path.name}: not a regular file")
    if about.st_size > LIMIT_BYTES:
        raise ProbeError(f"{path.name}: more than {LIMIT_BYTES} bytes")
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if not path.name.startswith(digest):
        raise ProbeError(f"{path.name}: its content does not match its name, copy it again")
    try:
        first, *rows = [json.loads(line) for line in data.decode().splitlines()]
    except (ValueError, RecursionError) as error:
        raise ProbeError(f"{path.name}: not JSON lines") from error
    if first != KIND or not all(isinstance(row, dict) for row in rows):
        raise ProbeError(f"{path.name}: not a probe result file of version {KIND['version']}")
    for number, row in enumerate(rows, start=1):
        if problem := row_problem(row, now_utc):
            raise ProbeError(f"{path.name}: row {number}: {problem}")
    return digest, rows


def row_problem(row: Row, now_utc: datetime) -> str:
    """Why a row cannot be a measurement, "" if it can. Columns and their types are the warehouse's to check."""
    for name, value in row.items():
        if isinstance(value, int | float) and not 0 <= value < LARGEST:  # NaN fails both
            return f"{name} is {value}"
    if row.get("outcome") not in OUTCOMES:
        return f"unknown outcome {str(row.get('outcome'))[:40]!r}"
    if row["outcome"] != "ok" and any(row.get(name) is not None for name in SPEEDS):
        return f"a speed on outcome {row['outcome']}"
    if missing := [name for name in ("probe_id", "provider", "listed_name") if not row.get(name)]:
        return f"no {missing[0]}"
    if row.get("offer") != str(Offer(*(str(row.get(name)) for name in _OFFER))):
        return "its offer is not that of its provider and name"
    if not _is_cost(row.get("cost_usd")):
        return "cost_usd is no amount of money"
    if not _is_limits(row.get("limits")):
        return "limits are not a JSON object of texts"
    return "" if _is_past(row.get("started_at"), now_utc) else "started_at is not a past time in UTC"


def _is_cost(text: Any) -> bool:
    try:
        cost = Decimal(text)
    except (TypeError, ValueError, ArithmeticError):
        return False
    return cost.is_finite() and 0 <= cost < 1_000_000_000


def _is_limits(text: Any) -> bool:
    try:
        limits = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return False
    return isinstance(limits, dict) and all(isinstance(value, str) for value in limits.values())


def _is_past(text: Any, now_utc: datetime) -> bool:
    """A vantage point's clock may be an hour ahead; a day of next year would hide all that follows."""
    try:
        return datetime.fromisoformat(text) <= now_utc + timedelta(hours=1)
    except (TypeError, ValueError):
        return False


LARGEST = 2.0**31
SPEEDS = ("ttft_ms", "ttft_content_ms", "itl_ms", "output_tok_s", "e2e_ms")
_OFFER = ("provider", "listed_name", "tier", "region", "variant")
