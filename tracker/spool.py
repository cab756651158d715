"""What was fetched and is not stored yet: one small file per pass, the bytes already in captures/."""

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
        with beside.open("w", encoding="utf-8") as file:
            json.dump(asdict(self), file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(folder / name)


def spool_files(home: Home) -> list[Path]:
    """Waiting passes, oldest first."""
    return sorted(home.spool.glob("[!.]*.json")) if home.spool.is_dir() else []
