"""The history of a source that keeps itself in git: every commit that changed its files, as the answer of that moment.

No blob is read twice. The time of a commit is when the source showed something (`observed_at`), never when a price took
effect. `data/git_histories.csv` says which repository and which paths record
which source, and whether one file is the whole answer (`file`) or many make it up (`tree`, `git_layouts`).
"""

import csv
import io
import os
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Self

from tracker.backfill.clones import Blobs, Change, Commit, commits_of, git, last_line
from tracker.backfill.git_layouts import TREES, TreeFile
from tracker.errors import DataFileError, FetchError, ParseError, UsageError

LAYOUTS = frozenset(("file", "tree"))


@dataclass(frozen=True, slots=True)
class GitHistory:
    """Where a source keeps itself."""

    source_id: str
    repository: str
    paths: tuple[str, ...]
    layout: str

    def permalink(self, commit: str, path: str) -> str:
        return f"{self.repository}/blob/{commit}/{path}" if path else f"{self.repository}/tree/{commit}"


@dataclass(frozen=True, slots=True)
class Version:
    """The whole answer as one commit left it: a body, or why there is none."""

    commit: str
    observed_at: datetime
    path: str
    body: bytes = b""
    problem: str = ""


def known_histories() -> dict[str, GitHistory]:
    """Every source with a history in git, by id."""
    text = (files("tracker") / "data" / "git_histories.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(io.StringIO(text))
    found = [
        GitHistory(row["source_id"], row["repository"], tuple(row["paths"].split()), row["layout"]) for row in rows
    ]
    for history in found:
        if history.layout not in LAYOUTS or (history.layout == "tree" and history.source_id not in TREES):
            raise DataFileError(f"git_histories.csv: {history.source_id}: nobody reads the layout {history.layout!r}")
    return {history.source_id: history for history in found}


def history_of(source_id: str) -> GitHistory:
    histories = known_histories()
    if source_id not in histories:
        raise UsageError(f"{source_id!r} keeps no history in git that is known; these do: {', '.join(histories)}")
    return histories[source_id]


class _OneFile:
    """The whole answer is one file: the first of the paths that a commit holds."""

    def __init__(self, history: GitHistory, blobs: Blobs) -> None:
        self._history, self._blobs = history, blobs
        self._present: dict[str, str] = {}
        self._told = ""

    def step(self, commit: Commit, wanted: bool) -> Version | None:
        for change in commit.changes:
            self._present[change.path] = change.blob
        path = next((path for path in self._history.paths if self._present.get(path)), "")
        blob = self._present.get(path, "")
        if not blob or blob == self._told:
            return None
        self._told = blob
        if not wanted:
            return None
        return Version(commit.sha, commit.committed_at, path, self._blobs.read([blob])[0])


class _ManyFiles:
    """Many files make up the answer; only those that changed since the last wanted commit are read."""

    def __init__(self, history: GitHistory, blobs: Blobs) -> None:
        self._blobs, self._tree = blobs, TREES[history.source_id]()
        self._pending: dict[str, Change] = {}

    def step(self, commit: Commit, wanted: bool) -> Version | None:
        self._pending |= {change.path: change for change in commit.changes}
        if not wanted:
            return None
        changes = list(self._pending.values())
        bodies = iter(self._blobs.read([change.blob for change in changes if change.blob]))
        for change in changes:
            self._tree.change(change.path, TreeFile(change.mode, next(bodies)) if change.blob else None)
        self._pending.clear()
        try:
            return Version(commit.sha, commit.committed_at, "", self._tree.body())
        except ParseError as error:
            return Version(commit.sha, commit.committed_at, "", problem=str(error))


@dataclass(frozen=True, slots=True)
class Kept:
    """Where the answer of a commit lies among the captures, or why there is none."""

    sha256: str
    bytes: int
    path: str
    problem: str = ""


class Journal:
    """Which commits' answers are kept already: a walk that was interrupted goes on where it was."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True) if file.exists() else []
        whole = [line for line in lines if line.endswith("\n") and line.count("\t") == 4]  # the last may be torn
        self.kept: dict[str, Kept] = {}
        for line in whole:
            commit, sha256, size, path, problem = line.rstrip("\n").split("\t")
            self.kept[commit] = Kept(sha256, int(size), path, problem)
        if len(whole) != len(lines):
            file.write_text("".join(whole), encoding="utf-8")
        self._file = file.open("a", encoding="utf-8", buffering=1)

    def add(self, commit: str, kept: Kept) -> None:
        problem = " ".join(kept.problem.split())
        self._file.write(f"{commit}\t{kept.sha256}\t{kept.bytes}\t{kept.path}\t{problem}\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def versions_of(
    history: GitHistory, clone: Path, commits: Sequence[Commit], known: Container[str]
) -> Iterator[tuple[int, Version | None]]:
    """(place in the line, answer) of each commit that is not known yet; None where the answer stayed the same."""
    with Blobs(clone) as blobs:
        walk = _OneFile(history, blobs) if history.layout == "file" else _ManyFiles(history, blobs)
        for index, commit in enumerate(commits):
            yield index, walk.step(commit, commit.sha not in known)


def bring_clone(history: GitHistory, folder: Path) -> Path:
    """A clone of a source's repository, made or brought up to date: commits, trees, and the blobs of its paths."""
    clone = folder / history.source_id
    if not clone.exists():
        folder.mkdir(parents=True, exist_ok=True)
        beside = folder / f".{history.source_id}.{os.getpid()}"
        clone_bare = ["clone", "--quiet", "--bare", "--single-branch", "--no-tags", "--filter=blob:none"]
        _network(history, [*clone_bare, history.repository, str(beside)])
        beside.rename(clone)
    branch = git("-C", str(clone), "symbolic-ref", "--short", "HEAD").stdout.decode().strip()
    fetch = ["-C", str(clone), "fetch", "--quiet", "--no-tags", "--filter=blob:none"]
    _network(history, [*fetch, "origin", f"+{branch}:{branch}"])
    shown = {change.blob for commit in commits_of(clone, history.paths) for change in commit.changes if change.blob}
    have = git("-C", str(clone), "cat-file", "--batch-all-objects", "--unordered", "--batch-check=%(objectname)").stdout
    lacking = shown.difference(have.decode().split())
    if lacking:  # all in one request: git would ask for them one by one
        blobs = "".join(f"{blob}\n" for blob in sorted(lacking)).encode()
        noop = ["-c", "fetch.negotiationAlgorithm=noop"]
        _network(history, [*noop, *fetch, "--no-write-fetch-head", "origin", "--stdin"], blobs)
    return clone


def _network(history: GitHistory, words: Sequence[str], given: bytes = b"") -> None:
    done = git(*words, given=given)
    if done.returncode:
        raise FetchError(
            f"{history.source_id}: {history.repository} cannot be cloned ({last_line(done.stderr)}); clone it where "
            f"there is a network, then: tracker backfill {history.source_id} --git CLONE"
        )
