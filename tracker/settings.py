"""Where things live: the home directory, its files, and the one identity we fetch with."""

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

USER_AGENT = "inference-price-tracker/0.1 (+https://github.com/inference-price-tracker/inference-price-tracker)"


@dataclass(frozen=True, slots=True)
class Home:
    """The paths of one installation's data."""

    root: Path

    @property
    def warehouse(self) -> Path:
        """The private file: one writer at a time, nobody else opens it."""
        return self.root / "warehouse.duckdb"

    @property
    def history(self) -> Path:
        """The published file: everybody reads this one."""
        return self.root / "history.duckdb"

    @property
    def captures(self) -> Path:
        return self.root / "captures"

    @property
    def spool(self) -> Path:
        return self.root / "spool"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def write_lock(self) -> Path:
        return self.root / "warehouse.lock"

    @property
    def config(self) -> Path:
        return self.root / "tracker.toml"


def find_home(given: Path | None = None) -> Home:
    """`--home`, else TRACKER_HOME, else ./var inside a checkout, else the user's data directory."""
    if given is not None:
        return Home(given.expanduser().absolute())
    if named := os.environ.get("TRACKER_HOME"):
        return Home(Path(named).expanduser().absolute())
    checkout = Path(__file__).resolve().parent.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / "Makefile").is_file():
        return Home(checkout / "var")
    return Home(Path(platformdirs.user_data_dir("inference-price-tracker")))
