"""Recordings: histories of a source that somebody else kept, read as the captures they are.

`data/recordings.csv` says which file records which source and how it is laid out:
- `snapshots`, `partial`: JSON lines {observed_at, body}; a body is the whole answer of the source (or a part of it);
- `snapshot`: one answer, observed when the folder's MANIFEST.csv says; `part`: one part of an answer, likewise;
- `changes`: one file with many dated rows, cut into one capture per date by the source's `recorded(body)`;
- `rows`: Parquet, cut into one list of records per time by `tracker.backfill.replay_parquet`.
"""

import csv
import fnmatch
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import cast

import zstandard

from scrapers.source import source_module
from tracker.errors import DataFileError, UsageError

WINDOW = 2**27  # recordings are compressed with --long=27


@dataclass(frozen=True, slots=True)
class Recording:
    """One recorded file of one source."""

    path: Path
    source_id: str
    label: str
    kind: str

    @property
    def recorder(self) -> str:
        """The stream this file belongs to: its name without endings."""
        return self.path.name.split(".", 1)[0]

    @property
    def partial(self) -> bool:
        """Whether a capture shows only a part, so that absence says nothing."""
        return self.kind in ("partial", "part", "changes")


def known_layouts() -> list[dict[str, str]]:
    text = (files("tracker") / "data" / "recordings.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text)))


def find_recordings(place: Path) -> tuple[list[Recording], list[Path]]:
    """Recordings in a file or folder, and the files nobody knows how to read."""
    if not place.exists():
        raise UsageError(f"{place} does not exist")
    layouts = known_layouts()
    found, unknown = [], []
    for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
        if not path.is_file():
            continue
        layout = next((row for row in layouts if fnmatch.fnmatch(f"/{path.as_posix()}", f"*/{row['file']}")), None)
        if layout:
            found.append(Recording(path, layout["source_id"], layout["label"], layout["kind"]))
        else:
            unknown.append(path)
    return found, unknown


def captures_in(recording: Recording) -> Iterator[tuple[datetime, bytes]]:
    """(observed_at in UTC, body) of every version, in the order of the file."""
    if recording.kind in ("snapshots", "partial"):
        yield from _lines(recording.path)
    elif recording.kind in ("snapshot", "part"):
        yield _dated_by_manifest(recording.path), read_file(recording.path)
    elif recording.kind == "changes":
        cut = getattr(source_module(recording.source_id), "recorded", None)
        if cut is None:
            raise DataFileError(f"recordings.csv: {recording.source_id} cannot cut {recording.path.name} by date")
        yield from cast(Callable[[bytes], Iterator[tuple[datetime, bytes]]], cut)(read_file(recording.path))
    else:
        raise DataFileError(f"recordings.csv: unknown kind {recording.kind!r}")


def read_file(path: Path) -> bytes:
    """The bytes of a file, decompressed where it ends in .zst."""
    if path.suffix != ".zst":
        return path.read_bytes()
    with path.open("rb") as file:
        return zstandard.ZstdDecompressor(max_window_size=WINDOW).stream_reader(file).read()


def _lines(path: Path) -> Iterator[tuple[datetime, bytes]]:
    with path.open("rb") as file:
        plain = zstandard.ZstdDecompressor(max_window_size=WINDOW).stream_reader(file)
        for line in io.TextIOWrapper(plain, encoding="utf-8", newline="\n"):
            version = json.loads(line)
            body = version.get("body", version)  # some recordings hold the answer in the line itself
            if not isinstance(body, str):
                body = json.dumps(body, ensure_ascii=False)
            yield utc(version["observed_at"]), body.encode("utf-8", errors="surrogatepass")


def utc(text: str) -> datetime:
    """A time as written (date, or ISO with or without zone), as naive UTC."""
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _dated_by_manifest(path: Path) -> datetime:
    for folder in path.parents:
        manifest = folder / "MANIFEST.csv"
        if manifest.is_file():
            wanted = path.relative_to(folder).as_posix()
            with manifest.open(encoding="utf-8") as file:
                for row in csv.DictReader(file):
                    if row["path"] == wanted and (date := re.search(r"\d{4}-\d\d-\d\d(T[\d:+-]+Z?)?", row["as_of"])):
                        return utc(date.group())
    if date := re.search(r"\d{4}-\d\d-\d\d", path.name):
        return utc(date.group())
    raise UsageError(
        f"{path}: nothing says when it was recorded; put the date into its name (2026-08-12) or a MANIFEST.csv"
    )
