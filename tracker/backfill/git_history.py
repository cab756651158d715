"""The history of a source that keeps itself in git: every commit that changed its files, as the answer of that moment.

One `git log` says which blobs each commit of the first-parent line changed, one `git cat-file --batch` hands them out;
nothing is checked out and no blob is read twice. The time of a commit is when the source showed something
(`observed_at`), never when a price took effect. `data/git_histories.csv` says which repository and which paths record
which source, and whether one file is the whole answer (`file`) or many make it up (`tree`, `git_layouts`).
"""

import csv
import io
import os
import subprocess
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import IO, Self, cast

from tracker.backfill.git_layouts import TREES, TreeFile
from tracker.errors import DataFileError, FetchError, ParseError, StoreError, UsageError

SUBMODULE = "160000"
LAYOUTS = frozenset(("file", "tree"))
QUIET = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}


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
class Change:
    """One file as a commit left it; no blob where it was removed."""

    path: str
    mode: str
    blob: str


@dataclass(frozen=True, slots=True)
class Commit:
    """One step of the line, with what it changed among the paths asked for."""

    sha: str
    committed_at: datetime  # naive UTC
    changes: tuple[Change, ...]


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


def commits_of(clone: Path, paths: Sequence[str]) -> list[Commit]:
    """The first-parent line, oldest first, as far as it touched the paths. Times never run backwards along it."""
    done = _git(
        clone, "log", "--first-parent", "--reverse", "-m", "--raw", "-z", "--no-abbrev", "--no-renames",
        "--format=%x01%H %ct", "--", *(f":(glob){path}" for path in paths),
    )  # fmt: skip
    if done.returncode:
        raise UsageError(f"{clone}: git cannot read a history there: {_last_line(done.stderr)}")
    commits: list[Commit] = []
    latest = datetime.min  # noqa: DTZ901
    for block in done.stdout.split(b"\x01")[1:]:
        head, *rest = (token.lstrip(b"\n") for token in block.split(b"\0"))
        sha, seconds = head.decode().split()
        moment = datetime.fromtimestamp(int(seconds), UTC).replace(tzinfo=None)
        latest = max(latest, moment)  # a clock that lagged: nothing was shown before what it followed
        commits.append(Commit(sha, latest, tuple(_changes(rest))))
    return _one_per_second(commits)


def _changes(tokens: Sequence[bytes]) -> Iterator[Change]:
    """`:100644 100644 old new M`, then the path."""
    for index, token in enumerate(tokens):
        if token.startswith(b":"):
            _, mode, _, blob, _ = token.decode().split(" ")
            blob = blob if blob.strip("0") and mode != SUBMODULE else ""
            yield Change(tokens[index + 1].decode("utf-8", "surrogateescape"), mode, blob)


def _one_per_second(commits: Sequence[Commit]) -> list[Commit]:
    """Commits of one second are one look: what the last of them left."""
    result: list[Commit] = []
    for commit in commits:
        if result and result[-1].committed_at == commit.committed_at:
            changes = result.pop().changes + commit.changes
            commit = Commit(commit.sha, commit.committed_at, changes)
        result.append(commit)
    return result


class Blobs:
    """One `git cat-file --batch` for a whole walk."""

    def __init__(self, clone: Path) -> None:
        self._process = subprocess.Popen(
            ["git", "-C", str(clone), "cat-file", "--batch"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_environment(),
        )  # fmt: skip
        self._ask, self._answer = cast(IO[bytes], self._process.stdin), cast(IO[bytes], self._process.stdout)

    def read(self, blobs: Sequence[str]) -> list[bytes]:
        """The bytes of some blobs, in order; StoreError when the clone lacks one."""
        found: list[bytes] = []
        for start in range(0, len(blobs), 256):  # a pipe holds so many questions without anybody reading answers
            batch = blobs[start : start + 256]
            self._ask.write("".join(f"{blob}\n" for blob in batch).encode())
            self._ask.flush()
            found.extend(self._one(blob) for blob in batch)
        return found

    def _one(self, blob: str) -> bytes:
        head = self._answer.readline().split()
        if len(head) != 3:
            raise StoreError(f"the clone lacks blob {blob[:12]}: fetch it again, without --depth or --filter")
        body = self._answer.read(int(head[2]))
        self._answer.read(1)
        return body

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ask.close()
        self._answer.close()
        self._process.wait()


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
    branch = _git(clone, "symbolic-ref", "--short", "HEAD").stdout.decode().strip()
    fetch = ["-C", str(clone), "fetch", "--quiet", "--no-tags", "--filter=blob:none"]
    _network(history, [*fetch, "origin", f"+{branch}:{branch}"])
    shown = {change.blob for commit in commits_of(clone, history.paths) for change in commit.changes if change.blob}
    have = _git(clone, "cat-file", "--batch-all-objects", "--unordered", "--batch-check=%(objectname)").stdout
    lacking = shown.difference(have.decode().split())
    if lacking:  # all in one request: git would ask for them one by one
        blobs = "".join(f"{blob}\n" for blob in sorted(lacking)).encode()
        noop = ["-c", "fetch.negotiationAlgorithm=noop"]
        _network(history, [*noop, *fetch, "--no-write-fetch-head", "origin", "--stdin"], blobs)
    return clone


def _git(clone: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", "-C", str(clone), *words], capture_output=True, check=False, env=_environment())


def _network(history: GitHistory, words: Sequence[str], given: bytes = b"") -> None:
    done = subprocess.run(["git", *words], input=given, capture_output=True, check=False, env=_environment())
    if done.returncode:
        raise FetchError(
            f"{history.source_id}: {history.repository} cannot be cloned ({_last_line(done.stderr)}); clone it where "
            f"there is a network, then: tracker backfill {history.source_id} --git CLONE"
        )


def _last_line(errors: bytes) -> str:
    lines = errors.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:200] if lines else "git says nothing"


def _environment() -> dict[str, str]:
    return os.environ | QUIET
