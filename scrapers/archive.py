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
            file.write(
                zstandard.ZstdCompressor(level=6 if durable else 3).compress(body)
            )  # thousands at once: 3x faster
            if durable:
                file.flush()
                os.fsync(file.fileno())
        beside.replace(target)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    return sha256


def read(folder: Path, sha256: str) -> bytes:
    """The body again; StoreError when it is gone or does not hash to its name."""
    target = path_of(folder, sha256)
    try:
        body = zstandard.ZstdDecompressor().decompress(target.read_bytes())
    except FileNotFoundError as error:
        raise StoreError(f"capture {sha256[:12]} is not in {folder}: restore the captures folder") from error
    except zstandard.ZstdError as error:
        raise StoreError(f"capture {target} is damaged: {error}") from error
    if digest_of(body) != sha256:
        raise StoreError(f"capture {target} does not hash to its name")
    return body
