"""Raw bytes, kept before anything reads them: one zstd file per distinct body, named by the SHA-256 of the body."""

import hashlib
import os
from pathlib import Path

import zstandard

from tracker.errors import StoreError


def digest_of(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def path_of(folder: Path, sha256: str) -> Path:
    return folder / sha256[:2] / f"{sha256}.zst"


def keep(folder: Path, body: bytes, durable: bool = True) -> str:
    """Store a body and return its hash. Written beside, synced and renamed: a crash leaves the whole file or none."""
    sha256 = digest_of(body)
    target = path_of(folder, sha256)
    if target.exists():
        return sha256
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{sha256}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            level = 6 if durable else 1  # thousands at once
            file.write(zstandard.ZstdCompressor(level=level, write_checksum=True).compress(body))
            if durable:
                file.flush()
                os.fsync(file.fileno())
        beside.replace(target)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    return sha256


def read(folder: Path, sha256: str, proven: bool = True) -> bytes:
    """The body again; StoreError when it is gone or does not hash to its name.

    Not `proven`: bytes just kept are read back by the frame's own checksum, where it has one.
    """
    target = path_of(folder, sha256)
    try:
        packed = target.read_bytes()
        body = zstandard.ZstdDecompressor().decompress(packed)
    except FileNotFoundError as error:
        raise StoreError(f"capture {sha256[:12]} is not in {folder}: restore the captures folder") from error
    except zstandard.ZstdError as error:
        raise StoreError(f"capture {target} is damaged: {error}") from error
    checked = not proven and zstandard.get_frame_parameters(packed).has_checksum
    if not checked and digest_of(body) != sha256:
        raise StoreError(f"capture {target} does not hash to its name")
    return body
