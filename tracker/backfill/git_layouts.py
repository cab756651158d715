"""Repositories whose answer is made up of many small files, put together as the published answer their parser reads.

Pure: the files of one commit in, one body out. What did not change between two commits is not put together again.

models.dev (https://github.com/anomalyco/models.dev): `providers/P/provider.toml` and `providers/P/models/**/M.toml`
become `{P: {..., models: {M: {...}}}}`, the shape of its api.json. A model may be a symbolic link to another, may say
`base_model = "lab/model"` (deep merge over `models/lab/model.toml`, less `base_model_omit`), or `[extends] from =
"provider/model"`. llm-prices: the vendors' files as they are, in one list.
"""

import json
import posixpath
import tomllib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from typing import Any, Protocol

from tracker.errors import ParseError

SYMLINK = "120000"
Table = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TreeFile:
    """One file of a commit."""

    mode: str
    body: bytes


class Tree(Protocol):
    """The files of a repository, moved from commit to commit."""

    def change(self, path: str, file: TreeFile | None) -> None: ...

    def body(self) -> bytes: ...


class VendorFiles:
    """llm-prices: the text of every vendor's file, untouched, in one list."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def change(self, path: str, file: TreeFile | None) -> None:
        self._texts.pop(path, None)
        if file:
            self._texts[path] = file.body.decode("utf-8", "replace")

    def body(self) -> bytes:
        """ParseError names a vendor's file that is not JSON."""
        for path, text in self._texts.items():
            try:
                json.loads(text)
            except ValueError as error:
                raise ParseError(f"{path} is not JSON: {error}") from error
        return ('{"vendors": [\n' + ",\n".join(text for _, text in sorted(self._texts.items())) + "\n]}").encode()


class ModelFiles:
    """models.dev: each provider's part of the answer is kept until one of its files changes."""

    def __init__(self) -> None:
        self._tables: dict[str, Table | str] = {}  # path -> table, or where a link points to
        self._broken: dict[str, str] = {}
        self._paths: defaultdict[str, set[str]] = defaultdict(set)
        self._parts: dict[str, str] = {}
        self._linked: set[str] = set()  # providers whose models lean on files elsewhere

    def change(self, path: str, file: TreeFile | None) -> None:
        owner, models = _owner(path), self._paths[_owner(path)]
        for known in (self._tables, self._broken):
            known.pop(path, None)
        models.discard(path)
        stale = {owner} | self._linked
        for provider in stale:
            self._parts.pop(provider, None)
        if file is None:
            return
        models.add(path)
        text = file.body.decode("utf-8", "replace")
        if file.mode == SYMLINK:
            self._tables[path] = posixpath.normpath(posixpath.join(posixpath.dirname(path), text.strip()))
            return
        try:
            self._tables[path] = tomllib.loads(text, parse_float=Decimal)
        except (ValueError, ArithmeticError, RecursionError) as error:
            self._broken[path] = str(error)

    def body(self) -> bytes:
        """ParseError names a file that is not TOML: the site could not be built from that commit either."""
        for path, problem in sorted(self._broken.items()):
            raise ParseError(f"{path} is not TOML: {problem}")
        for provider in self._paths:
            if provider and provider not in self._parts:
                self._parts[provider] = self._part(provider)
        rows = [f"{json.dumps(provider)}:{part}" for provider, part in sorted(self._parts.items()) if part]
        return ("{\n" + ",\n".join(rows) + "\n}").encode()

    def _part(self, provider: str) -> str:
        head = f"providers/{provider}/"
        about = self._tables.get(f"{head}provider.toml")
        prefix, models = f"{head}models/", {}
        for path in sorted(self._paths[provider]):
            if path.startswith(prefix):
                models[path.removeprefix(prefix).removesuffix(".toml")] = self._model(provider, path, 0)
        if not models:
            return ""
        return json_text((about if isinstance(about, dict) else {}) | {"id": provider, "models": models})

    def _model(self, provider: str, path: str, depth: int) -> Table:
        """A model's own words over those of what it points to; a target that is missing adds nothing."""
        table = self._tables.get(path, {})
        if isinstance(table, str):
            target, table = table, {}
        else:
            target = _base(table)
        if not target:
            return table
        self._linked.add(provider)
        base = self._model(provider, target, depth + 1) if depth < 4 else {}
        extends = table.get("extends")
        omitted = extends.get("omit", ()) if isinstance(extends, dict) else table.get("base_model_omit", ())
        return _without(_merged(base, table), omitted if isinstance(omitted, list) else ())


def _owner(path: str) -> str:
    """The provider a file belongs to; "" for what all may lean on."""
    steps = path.split("/")
    return steps[1] if steps[0] == "providers" and len(steps) > 2 else ""


def _base(table: Table) -> str:
    named, extends = table.get("base_model"), table.get("extends")
    if isinstance(named, str):
        return f"models/{named}.toml"
    where = extends.get("from") if isinstance(extends, dict) else None
    provider, _, model = str(where or "").partition("/")
    return f"providers/{provider}/models/{model}.toml" if model else ""


def _merged(base: Table, own: Table) -> Table:
    result = dict(base)
    for key, value in own.items():
        if key in ("base_model", "base_model_omit", "extends"):
            continue
        before = result.get(key)
        result[key] = _merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return result


def _without(table: Table, omitted: Iterable[object]) -> Table:
    for word in omitted:
        step, _, rest = str(word).partition(".")
        inner = table.get(step)
        if rest and isinstance(inner, dict):
            table = table | {step: _without(inner, (rest,))}
        elif not rest:
            table = {key: value for key, value in table.items() if key != step}
    return table


def json_text(value: Any) -> str:
    """JSON in which a figure stands as it was written (0.10 stays 0.10)."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{json_text(row)}" for key, row in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(json_text, value)) + "]"
    if isinstance(value, Decimal):
        return str(value) if value.is_finite() else "null"
    return json.dumps(value.isoformat() if isinstance(value, date | time) else value, ensure_ascii=False)


TREES: dict[str, type[ModelFiles] | type[VendorFiles]] = {"modelsdev": ModelFiles, "llm_prices": VendorFiles}
