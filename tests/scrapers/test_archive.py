"""Kept bodies come back as they were, or not at all."""

from pathlib import Path

import pytest
import zstandard

from scrapers import archive
from tracker.errors import StoreError

BODY = b"a page that is kept " * 500


@pytest.mark.parametrize("proven", [True, False])
@pytest.mark.parametrize("durable", [True, False])
def test_a_damaged_body_is_never_read(durable: bool, proven: bool, tmp_path: Path) -> None:
    sha256 = archive.keep(tmp_path, BODY, durable)
    assert archive.read(tmp_path, sha256, proven) == BODY
    target = archive.path_of(tmp_path, sha256)
    packed = target.read_bytes()
    for at in range(0, len(packed), 7):
        target.write_bytes(packed[:at] + bytes([packed[at] ^ 0x40]) + packed[at + 1 :])
        try:
            found = archive.read(tmp_path, sha256, proven)
        except StoreError:
            continue
        assert found == BODY, f"byte {at}"


def test_a_frame_without_a_checksum_is_held_to_its_name(tmp_path: Path) -> None:
    sha256 = archive.keep(tmp_path, BODY)
    other = zstandard.ZstdCompressor(write_checksum=False).compress(b"another page")
    archive.path_of(tmp_path, sha256).write_bytes(other)
    with pytest.raises(StoreError, match="does not hash to its name"):
        archive.read(tmp_path, sha256, proven=False)
    with pytest.raises(StoreError, match="is not in"):
        archive.read(tmp_path, archive.digest_of(b"never kept"), proven=False)
