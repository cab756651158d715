"""One CSV inside a zip, with its unpacked size capped before a byte is unpacked."""

import io
import zipfile
import zlib

from tracker.errors import ParseError

_ZIP_FAULTS = (
    zipfile.BadZipFile,
    StopIteration,
    zlib.error,
    NotImplementedError,
    RuntimeError,
    EOFError,
    ValueError,  # offsets that point before the file
)


def zipped_csv(body: bytes, max_bytes: int, what: str) -> str:
    """The text of the first `.csv` entry; ParseError for anything that is not such a zip."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            entry = next(info for info in archive.infolist() if info.filename.endswith(".csv"))
            if entry.file_size > max_bytes:
                raise ParseError(f"{what}: {entry.filename} would unpack to {entry.file_size} bytes")
            with archive.open(entry) as file:
                return file.read(max_bytes + 1).decode("utf-8-sig")
    except _ZIP_FAULTS as error:
        raise ParseError(f"{what}: not a zip with one CSV inside") from error
