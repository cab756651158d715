"""Recordings are recognised by name, dated by what says so, and refused in one line where nothing does."""

import json
from datetime import datetime
from pathlib import Path

import pytest
import zstandard

from tracker.backfill.recordings import Recording, captures_in, find_recordings, utc
from tracker.errors import DataFileError, UsageError


def packed(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(zstandard.compress(text.encode()))
    return path


def test_a_folder_is_sorted_into_known_and_unknown(tmp_path: Path) -> None:
    known = packed(tmp_path / "series" / "litellm_rocry.jsonl.zst", "")
    other = tmp_path / "notes.txt"
    other.write_text("x")
    found, unknown = find_recordings(tmp_path)
    assert [(item.path, item.source_id, item.recorder) for item in found] == [
        (known, "litellm_catalogue", "litellm_rocry")
    ]
    assert unknown == [other]
    with pytest.raises(UsageError, match="does not exist"):
        find_recordings(tmp_path / "nowhere")


def test_lines_give_versions_in_utc_and_in_order(tmp_path: Path) -> None:
    lines = [
        {"observed_at": "2026-01-02T03:00:00+08:00", "body": "[1]"},
        {"observed_at": "2026-01-03", "body": {"a": "é"}},
        {"observed_at": "2026-01-04T00:00:00Z", "a": 2},
    ]
    path = packed(tmp_path / "x.jsonl.zst", "\n".join(json.dumps(line) for line in lines))
    told = list(captures_in(Recording(path, "s", "", "snapshots")))
    assert [when for when, _ in told] == [datetime(2026, 1, day, 19 if day == 1 else 0) for day in (1, 3, 4)]  # noqa: DTZ001
    assert [json.loads(body) for _, body in told] == [[1], {"a": "é"}, {"observed_at": "2026-01-04T00:00:00Z", "a": 2}]


def test_a_snapshot_is_dated_by_its_manifest_then_by_its_name_or_not_at_all(tmp_path: Path) -> None:
    body = packed(tmp_path / "snapshots" / "one.json.zst", "[]")
    (tmp_path / "MANIFEST.csv").write_text(
        "path,as_of\nsnapshots/two.json.zst,2020-01-01\nsnapshots/one.json.zst,seen 2026-02-03T04:05:06Z by hand\n"
    )
    assert list(captures_in(Recording(body, "s", "", "snapshot"))) == [(datetime(2026, 2, 3, 4, 5, 6), b"[]")]  # noqa: DTZ001
    named = tmp_path / "prices-2026-05-06.json"
    named.write_bytes(b"{}")
    assert list(captures_in(Recording(named, "s", "", "part"))) == [(datetime(2026, 5, 6), b"{}")]  # noqa: DTZ001
    bare = tmp_path / "prices.json"
    bare.write_bytes(b"{}")
    with pytest.raises(UsageError, match="put the date into its name"):
        list(captures_in(Recording(bare, "s", "", "snapshot")))


def test_a_layout_the_source_cannot_read_names_the_table_to_mend(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a\n")
    with pytest.raises(DataFileError, match=r"cannot cut x\.csv by date"):
        list(captures_in(Recording(path, "litellm_catalogue", "", "changes")))
    with pytest.raises(DataFileError, match="unknown kind 'odd'"):
        list(captures_in(Recording(path, "litellm_catalogue", "", "odd")))


def test_a_time_without_a_zone_is_utc() -> None:
    assert utc("2026-01-01") == datetime(2026, 1, 1)  # noqa: DTZ001
    assert utc("2026-01-01T01:30:00+01:30") == datetime(2026, 1, 1)  # noqa: DTZ001
