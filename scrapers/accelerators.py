"""Which accelerator a lessor means: its spelling -> our name, form and memory, from tracker/data/accelerator_names.csv.

SXM, PCIe and NVL parts of one chip differ by half in price and speed, so they are never merged: where a lessor says
neither form nor memory ("H100", "A100") and the name alone does not settle it, the row keeps the lessor's own word.
"""

import csv
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

_MEMORY_TOLERANCE = 0.12  # 80 GB is written 79.6, 80, 81.9 or 81,559 MB / 1024
_FORM_WORDS = (("sxm", "SXM"), ("oam", "OAM"), ("nvl", "NVL"), ("pcie", "PCIe"))


@dataclass(frozen=True, slots=True)
class Accelerator:
    """Our name (that of the accelerator facts where they know the part), form "" and memory None where unknown."""

    name: str
    form: str = ""
    memory_gb: float | None = None


def folded(spelled: str) -> str:
    """`H100 SXM5`, `h100-sxm5` and `H100_SXM5` are one spelling."""
    return re.sub(r"[^a-z0-9.]+", "", spelled.casefold())


@lru_cache(maxsize=1)
def _spellings() -> dict[str, tuple[Accelerator, ...]]:
    text = (resources.files("tracker") / "data" / "accelerator_names.csv").read_text(encoding="utf-8")
    table: dict[str, list[Accelerator]] = defaultdict(list)
    for row in csv.DictReader(text.splitlines()):
        memory_gb = float(row["memory_gb"]) if row["memory_gb"] else None
        table[folded(row["spelled"])].append(Accelerator(row["accelerator"], row["form"], memory_gb))
    return {spelled: tuple(dict.fromkeys(found)) for spelled, found in table.items()}


def known(spelled: str, memory_gb: float | None = None, form: str = "") -> Accelerator | None:
    """The one part that fits the spelling, the memory and the form; None when none or several do."""
    parts = _spellings().get(folded(spelled), ())
    if memory_gb:
        parts = tuple(part for part in parts if part.memory_gb is None or _close(part.memory_gb, memory_gb))
    if form:
        parts = tuple(part for part in parts if part.form in ("", form))
    return parts[0] if len(parts) == 1 else None


def accelerator(spelled: str, memory_gb: float | None = None, form: str = "") -> Accelerator:
    """`known`, else the lessor's own words, whose form and memory are whatever it said."""
    return known(spelled, memory_gb, form) or Accelerator(spelled.strip(), form, memory_gb)


def form_in(text: str) -> str:
    """The form a lessor's instance name states (`gpu_8x_h100_sxm5`), "" where it states none."""
    lowered = text.casefold()
    return next((form for word, form in _FORM_WORDS if word in lowered), "")


def _close(known_gb: float, stated_gb: float) -> bool:
    return abs(known_gb - stated_gb) <= _MEMORY_TOLERANCE * known_gb
