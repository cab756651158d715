"""Where the lab keeps trained weights and collected answers: outside the repository."""

import os
from pathlib import Path


def lab_home() -> Path:
    """AUDIT_LAB_HOME, else ~/.cache/inference-price-tracker/audit-lab (XDG_CACHE_HOME is respected)."""
    default = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "inference-price-tracker" / "audit-lab"
    folder = Path(os.environ.get("AUDIT_LAB_HOME", default))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
