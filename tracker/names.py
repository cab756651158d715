"""From a model's name as a source writes it to our canonical model id: explicit data, never a guess.

`data/model_ids.csv` lists the models (OpenRouter's spelling where it lists the model, lower case; `~author/slug` is a
moving name that points to whatever its seller decides). `data/aliases.csv` maps exact listed names; its `source` says
where an alias holds: `*` everywhere, `some_source`, `*@provider` or `some_source@provider`. `data/name_affixes.csv`
lists the route prefixes and the tier and precision suffixes that never change which weights answer. Letter case is
ignored, nothing else is: a name that is in no table has no model id and is reported by `tracker names`.
"""

import csv
import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from tracker.errors import DataFileError, UsageError

EVERYWHERE = "*"
KINDS = frozenset(["open", "closed", "moving", "unknown"])
_MAX_STRIPS = 6  # `openrouter/…:free`, `accounts/fireworks/models/…-fp8`: more layers than that is not a name


class Model(NamedTuple):
    """One line of model_ids.csv."""

    model_id: str
    name: str
    author: str
    hugging_face_id: str
    kind: str


class Alias(NamedTuple):
    """One line of aliases.csv."""

    source: str
    listed_name: str
    model_id: str
    precision: str = ""
    note: str = ""


class Affix(NamedTuple):
    """One line of name_affixes.csv: a prefix or suffix and what it declares (route, tier, precision, variant)."""

    position: str
    text: str
    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Match:
    """A resolved name, with what the name itself declares."""

    model_id: str
    precision: str = ""
    tier: str = ""


@dataclass(frozen=True, slots=True)
class Aliases:
    """The three tables as dictionaries; every lookup is a handful of dict reads."""

    models: dict[str, Model]
    scoped: dict[tuple[str, str], Alias]
    affixes: tuple[Affix, ...]  # longest first
    _by_hugging_face_id: dict[str, str] = field(default_factory=dict)

    def model_id(self, source_id: str, listed_name: str, provider: str = "") -> str | None:
        """Our id of the model that `source_id` lists under this name (sold by `provider`), or None."""
        match = self.match(source_id, listed_name, provider)
        return match.model_id if match else None

    def match(self, source_id: str, listed_name: str, provider: str = "") -> Match | None:
        """The model and what the listed name declares of precision and tier; None when no table knows the name."""
        for name, declared in _peeled(listed_name.strip().casefold(), self.affixes):
            found = self._exact(source_id, name, provider)
            if found:
                precision = found.precision or _last(declared, "precision")
                return Match(found.model_id, precision, _last(declared, "tier"))
        return None

    def _exact(self, source_id: str, name: str, provider: str) -> Alias | None:
        for scope in (f"{source_id}@{provider}", source_id, f"{EVERYWHERE}@{provider}", EVERYWHERE):
            if alias := self.scoped.get((scope, name)):
                return alias
        model_id = name if name in self.models else self._by_hugging_face_id.get(name)
        return Alias(EVERYWHERE, name, model_id) if model_id else None

    def suggestions(self, listed_name: str, limit: int = 5) -> list[tuple[str, float]]:
        """(model id, likeness 0..1), best first: for a person who decides, never for the ledger."""
        wanted = _words(listed_name)
        scored = [(model_id, _likeness(wanted, _words(model_id))) for model_id in self.models]
        return sorted(scored, key=lambda pair: (-pair[1], pair[0]))[:limit]


def _peeled(name: str, affixes: tuple[Affix, ...]) -> Iterator[tuple[str, tuple[Affix, ...]]]:
    """The name as written, then with one more listed prefix or suffix off each time."""
    declared: tuple[Affix, ...] = ()
    yield name, declared
    prefixes, suffixes = _texts(affixes)
    for _ in range(_MAX_STRIPS):
        if not name.startswith(prefixes) and not name.endswith(suffixes):
            return
        affix = next((affix for affix in affixes if _has(name, affix)), None)
        if affix is None:
            return
        name = name[len(affix.text) :] if affix.position == "prefix" else name[: -len(affix.text)]
        declared = (*declared, affix)
        yield name, declared


@lru_cache(maxsize=8)
def _texts(affixes: tuple[Affix, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    prefixes = tuple(affix.text for affix in affixes if affix.position == "prefix")
    return prefixes, tuple(affix.text for affix in affixes if affix.position == "suffix")


def _has(name: str, affix: Affix) -> bool:
    if len(name) <= len(affix.text):
        return False
    return name.startswith(affix.text) if affix.position == "prefix" else name.endswith(affix.text)


def _last(declared: tuple[Affix, ...], kind: str) -> str:
    return next((affix.value for affix in reversed(declared) if affix.kind == kind), "")


def _words(name: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[a-z]+|\d+(?:\.\d+)?", name.casefold()))


def _likeness(wanted: tuple[str, ...], known: tuple[str, ...]) -> float:
    """Shared words weigh most (a version number that differs is another model), then the order of letters."""
    shared = len(set(wanted) & set(known)) / max(len(set(wanted) | set(known)), 1)
    return round(0.7 * shared + 0.3 * difflib.SequenceMatcher(None, wanted, known).ratio(), 4)


def aliases_from(models: Iterable[Model], aliases: Iterable[Alias], affixes: Iterable[Affix]) -> Aliases:
    """Build the lookup; DataFileError for an alias to an unknown model or two aliases that contradict each other."""
    by_id = {model.model_id: model for model in models}
    if odd := next((model for model in by_id.values() if model.kind not in KINDS or "/" not in model.model_id), None):
        raise DataFileError(f"model_ids.csv: {odd.model_id!r} needs author/slug and a kind of {sorted(KINDS)}")
    scoped: dict[tuple[str, str], Alias] = {}
    for alias in aliases:
        key = (alias.source, alias.listed_name.casefold())
        if alias.model_id not in by_id:
            raise DataFileError(
                f"aliases.csv: {alias.listed_name!r} points to {alias.model_id!r}, not in model_ids.csv"
            )
        if key in scoped and scoped[key].model_id != alias.model_id:
            raise DataFileError(f"aliases.csv: {alias.listed_name!r} in {alias.source!r} has two model ids")
        scoped[key] = alias
    hugging_face = {
        model.hugging_face_id.casefold(): model.model_id for model in by_id.values() if model.hugging_face_id
    }
    return Aliases(by_id, scoped, tuple(sorted(affixes, key=lambda affix: -len(affix.text))), hugging_face)


@lru_cache(maxsize=1)
def load_aliases() -> Aliases:
    """The shipped tables, read once."""
    return aliases_from(
        (Model(*(row[name] for name in Model._fields)) for row in _rows("model_ids.csv")),
        (Alias(*(row[name] for name in Alias._fields)) for row in _rows("aliases.csv")),
        (Affix(*(row[name] for name in Affix._fields)) for row in _rows("name_affixes.csv")),
    )


def add_aliases(accepted: Iterable[Alias], path: Path | None = None) -> Path:
    """Append what a person accepted to aliases.csv; refused as a whole if the tables would contradict each other."""
    target = path or Path(str(files("tracker") / "data" / "aliases.csv"))
    known, rows = load_aliases(), list(accepted)
    for alias in rows:
        if alias.model_id not in known.models:
            near = ", ".join(model_id for model_id, _ in known.suggestions(alias.model_id, 3))
            raise UsageError(f"no model {alias.model_id!r} in model_ids.csv; near it: {near}")
        if (
            there := known.scoped.get((alias.source, alias.listed_name.casefold()))
        ) and there.model_id != alias.model_id:
            raise UsageError(f"{alias.listed_name!r} in {alias.source!r} is {there.model_id} already")
    aliases_from(known.models.values(), [*known.scoped.values(), *rows], known.affixes)
    with target.open("a", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    load_aliases.cache_clear()
    return target


def _rows(file_name: str) -> Iterator[dict[str, str]]:
    text = (files("tracker") / "data" / file_name).read_text(encoding="utf-8")
    yield from csv.DictReader(text.splitlines())
