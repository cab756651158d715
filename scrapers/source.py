"""The contract of a source: a declarative record on top of a file, and one pure `parse` below it.

A source module has `SOURCE` and `parse(capture)`; it may have `more(capture)` for pages that lead to further requests.
It never touches the network, the database, the clock or the log (tests/test_architecture.py).
"""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol, cast

from tracker.errors import UsageError
from tracker.records import Record

KINDS = frozenset(
    ("seller", "host", "market", "catalogue", "bundled", "article", "rental", "fx", "demand", "limits", "metrics")
)
PROOFS = frozenset(("recorded", "excerpt", "documented", "none"))


@dataclass(frozen=True, slots=True)
class Request:
    """One thing to fetch: `https:` over the network; `pkg:module/path` is a data file of an installed package."""

    url: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    label: str = ""  # tells `parse` which of several shapes this is


@dataclass(frozen=True, slots=True)
class Capture:
    """The bytes of one response and when the source showed them."""

    source_id: str
    url: str
    body: bytes
    observed_at: datetime  # naive UTC
    label: str = ""
    media_type: str = ""
    recorder: str = ""  # "" = fetched here; else which recording of the source this was replayed from


@dataclass(frozen=True, slots=True)
class Anchor:
    """A row that proves the unit: if `listed_name` is present, its price per unit lies in [low, high]."""

    listed_name: str
    component: str
    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class Source:
    """Everything about a source that is not parsing. `unit` is what the source writes, in words a reader can check."""

    id: str
    title: str
    kind: str
    requests: tuple[Request, ...]
    every_hours: float
    currency: str
    unit: str
    min_rows: int
    terms: str
    proof: str
    proof_url: str
    provider: str = ""  # set where one seller speaks for itself
    anchors: tuple[Anchor, ...] = ()
    copies: tuple[str, ...] = ()  # source ids, provider ids or "*": a copy is never a second witness
    key_env: str = ""  # environment variable of an API key, sent as `key_header`
    key_header: str = "Authorization: Bearer {key}"
    key_required: bool = False
    enabled: bool = True
    notice: str = ""  # what a reader must know: shell page, closed seller, known gap


class SourceModule(Protocol):
    """What a file in scrapers/sources provides."""

    SOURCE: Source

    def parse(self, capture: Capture) -> Iterator[Record]: ...


def anchor(listed_name: str, component: str, low: str, high: str) -> Anchor:
    """An anchor from readable figures."""
    return Anchor(listed_name, component, Decimal(low), Decimal(high))


def source_modules() -> dict[str, SourceModule]:
    """Every source, by id, found by walking scrapers/sources: there is no list to forget."""
    package = importlib.import_module("scrapers.sources")
    modules: dict[str, SourceModule] = {}
    for info in pkgutil.iter_modules(package.__path__):
        module = cast(SourceModule, importlib.import_module(f"scrapers.sources.{info.name}"))
        modules[module.SOURCE.id] = module
    return modules


def source_module(source_id: str) -> SourceModule:
    """One source by id; UsageError names the near misses."""
    modules = source_modules()
    if source_id not in modules:
        near = [known for known in sorted(modules) if source_id.split("_")[0] in known][:5]
        raise UsageError(
            f"no source {source_id!r}; " + (f"did you mean {', '.join(near)}?" if near else "see `tracker sources`")
        )
    return modules[source_id]


def further_requests(module: SourceModule, capture: Capture) -> Iterable[Request]:
    """The requests a capture leads to (paging, details); most sources have none."""
    more = getattr(module, "more", None)
    return tuple(more(capture)) if more else ()
