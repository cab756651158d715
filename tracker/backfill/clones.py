"""Reading a git clone: its first-parent line of commits and the blobs they changed.

One `git log` says which blobs each commit changed, one `git cat-file --batch` hands them out; nothing is checked out.
"""

import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Self, cast

from tracker.errors import StoreError, UsageError

SUBMODULE = "160000"
QUIET = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}


def git(*words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """One git command that asks nobody anything; its exit code is the caller's to judge."""
    return subprocess.run(["git", *words], input=given, capture_output=True, check=False, env=os.environ | QUIET)


def last_line(errors: bytes) -> str:
    """What git said last, for an error of one line."""
    lines = errors.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:200] if lines else "git says nothing"


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


def commits_of(clone: Path, paths: Sequence[str]) -> list[Commit]:
    """The first-parent line, oldest first, as far as it touched the paths. Times never run backwards along it."""
    done = git(
        "-C", str(clone), "log", "--first-parent", "--reverse", "-m", "--raw", "-z", "--no-abbrev", "--no-renames",
        "--format=%x01%H %ct", "--", *(f":(glob){path}" for path in paths),
    )  # fmt: skip
    if done.returncode:
        raise UsageError(f"{clone}: git cannot read a history there: {last_line(done.stderr)}")
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
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=os.environ | QUIET,
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
