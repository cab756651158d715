"""Rows as a person or a program reads them."""

import io
import json
from datetime import datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from tracker.errors import UsageError
from tracker.tables import cell, print_rows, write_table

ROW = {"offer": "p/m", "usd": Decimal("0.100000000"), "day": datetime(2026, 8, 1), "free": True}  # noqa: DTZ001
TABLE = pa.Table.from_pylist([ROW, ROW | {"offer": "p/a|b", "usd": None, "free": False}])


Stdout = pytest.CaptureFixture[bytes]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""), (True, "yes"), (False, ""), (Decimal("1E+2"), "100"), (Decimal("0E-9"), "0"), (0.30000001, "0.3"),
        (datetime(2026, 8, 1), "2026-08-01"), (datetime(2026, 8, 1, 9, 5), "2026-08-01 09:05"), (7, "7"),  # noqa: DTZ001
    ],
)  # fmt: skip
def test_a_cell_reads_as_a_person_writes_it(value: object, text: str) -> None:
    assert cell(value) == text


def test_csv_and_parquet_give_every_value_back(capsysbinary: Stdout) -> None:
    write_table(TABLE, "csv")
    assert pyarrow.csv.read_csv(io.BytesIO(capsysbinary.readouterr().out)).column("offer").to_pylist() == [
        "p/m",
        "p/a|b",
    ]
    write_table(TABLE, "parquet")
    assert pyarrow.parquet.read_table(io.BytesIO(capsysbinary.readouterr().out)).equals(TABLE)


def test_json_has_numbers_dates_and_no_nan(capsysbinary: Stdout) -> None:
    odd = pa.table({"x": [float("nan"), 1.5], "y": [[float("inf")], [2.0]], "raw": [b"\xff", b""]})
    write_table(pa.Table.from_pylist([ROW]), "json")
    write_table(odd, "json")
    first, second = capsysbinary.readouterr().out.decode().split("]\n[", 1)
    assert json.loads(first + "]") == [{"offer": "p/m", "usd": 0.1, "day": "2026-08-01T00:00:00", "free": True}]
    assert json.loads("[" + second, parse_constant=pytest.fail) == [
        {"x": None, "y": [None], "raw": "ff"},
        {"x": 1.5, "y": [2.0], "raw": ""},
    ]


def test_markdown_keeps_a_pipe_inside_its_cell(capsysbinary: Stdout) -> None:
    write_table(TABLE, "markdown")
    lines = capsysbinary.readouterr().out.decode().splitlines()
    assert lines[0] == "| offer | usd | day | free |" and len(lines) == 4
    assert "p/a\\|b" in lines[3]


def test_a_table_off_a_terminal_cuts_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    long = "provider/" + "x" * 300
    print_rows([{"offer": long, "usd": Decimal(1)}], "offers", limit=1)
    told = capsys.readouterr().out
    assert long in told and told.startswith("offers\n") and "--limit shows more" in told
    print_rows([], "offers")
    assert capsys.readouterr().out == "offers: nothing\n"


def test_too_many_rows_for_a_person_go_to_files_only(capsysbinary: Stdout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.tables.MOST_ROWS", 1)
    for form in ("table", "json", "markdown"):
        with pytest.raises(UsageError, match="add LIMIT"):
            write_table(TABLE, form)
    write_table(TABLE, "csv")
    assert len(capsysbinary.readouterr().out.splitlines()) == 3
