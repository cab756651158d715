"""API keys: read from an environment variable or a 0600 file, shown nowhere, cut out of everything kept."""

import json
import os
import stat
from pathlib import Path
from urllib.parse import quote

from tracker.errors import UsageError

HIDDEN = "[key]"


class Key:
    """Holds a key so that printing, formatting or pickling an object that contains it cannot show it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The key itself: for the request's header, nothing else."""
        return self._text

    def scrub(self, text: str) -> str:
        """`text` without the key, however a server may have echoed it."""
        if self._text:
            for form in {self._text, quote(self._text, safe=""), json.dumps(self._text)[1:-1]}:
                text = text.replace(form, HIDDEN)
        return text

    def __repr__(self) -> str:
        return f"Key({HIDDEN})"

    def __reduce__(self) -> str:
        raise TypeError("a key is never serialised")


NO_KEY = Key("")


def read_key(variable: str, key_file: Path | None = None) -> Key:
    """The key from `key_file` (readable by its owner alone) or from the environment variable."""
    if key_file is not None:
        return _read_key_file(key_file)
    if not variable:
        raise UsageError("no key: name its environment variable with --key-env, or a file with --key-file")
    text = os.environ.get(variable, "").strip()
    if not text:
        raise UsageError(f"no key: the environment variable {variable} is not set")
    return _checked(text, variable)


def _read_key_file(path: Path) -> Key:
    try:
        with path.open(encoding="utf-8") as handle:
            mode = stat.S_IMODE(os.fstat(handle.fileno()).st_mode)
            if os.name == "posix" and mode & 0o077:
                raise UsageError(f"{path.name} is readable by others (mode {mode:04o}): chmod 600 it")
            return _checked(handle.read().strip(), path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the key file {path.name}: {type(error).__name__}") from None


def _checked(text: str, where: str) -> Key:
    if len(text) < 8 or not text.isascii() or not text.isprintable() or " " in text:
        raise UsageError(f"{where} does not hold a key (8 or more printable characters, one line)")
    return Key(text)
