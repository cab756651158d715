"""What was fetched and is not stored yet: one small file per pass, the bytes already in captures/."""

import contextlib
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tracker.settings import Home


@dataclass(slots=True)
class Spooled:
    """One fetched pass waiting for the writer."""

    source_id: str
    observed_at: str
    captures: list[dict[str, object]] = field(default_factory=list)
    problem: str = ""
    failed: bool = False
    duration_ms: float = 0.0
    recorder: str = ""

    def write(self, folder: Path) -> None:
        """Durable before it counts: written beside, synced, renamed."""
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{self.observed_at.replace(':', '')}-{self.source_id}.json"
        beside = folder / f".{name}.{os.getpid()}"
        try:
            with beside.open("w", encoding="utf-8") as file:
                json.dump(asdict(self), file)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(folder / name)
        except OSError:
            beside.unlink(missing_ok=True)
            raise


def spool_files(home: Home) -> list[Path]:
    """Waiting passes, oldest first."""
    return sorted(home.spool.glob("[!.]*.json")) if home.spool.is_dir() else []


def waiting(home: Home) -> list[Spooled]:
    """What the spool holds, oldest first; entries that cannot be read are left to `ingest_spool`."""
    found = []
    for path in spool_files(home):
        with contextlib.suppress(OSError, ValueError, TypeError):
            found.append(Spooled(**json.loads(path.read_text(encoding="utf-8"))))
    return found


def tries_file(path: Path) -> Path:
    """Counts the tries to read an entry; gone when one of them finished."""
    return path.with_name(f".{path.name}.tries")


def count_try(path: Path) -> int:
    """How often this pass was begun to be read and never finished; one more now."""
    tries = tries_file(path)
    before = 0
    with contextlib.suppress(OSError, ValueError):
        before = int(tries.read_text(encoding="ascii"))
    with contextlib.suppress(OSError):
        tries.write_text(str(before + 1), encoding="ascii")
    return before


def set_aside(path: Path) -> Path:
    """An entry that cannot be read goes where it stops nobody, and is kept."""
    folder = path.parent / "unreadable"
    folder.mkdir(exist_ok=True)
    tries_file(path).unlink(missing_ok=True)
    return path.replace(folder / path.name)
