"""The recorded hourly prices, asked at every move: one flag per flickering offer, and no flip without a new row."""

from datetime import datetime
from pathlib import Path

import pytest

from bench.flags import CORPUS
from bench.flags_stability import flips_of, generated_moves, hourly_series, uncaused
from tracker.flags.sudden_change import Series

TABLE: Path = CORPUS / "perf_hourly.parquet"


def test_134_moves_in_9_days_flip_once() -> None:
    moves = generated_moves(datetime.fromisoformat("2026-07-01"))
    flips = flips_of(Series("generated", "price", "USD/Mtok", True, moves, "quotes"))
    assert [step.action for step in flips] == ["opened"]


@pytest.mark.skipif(not TABLE.is_file(), reason="no recorded hourly table beside the checkout")
def test_no_recorded_price_flips_within_a_week_without_a_new_row() -> None:
    moving = [one for one in hourly_series(TABLE) if len(one.moves) > 1]
    flips = [flips_of(one) for one in moving]
    assert len(moving) > 50 and sum(map(uncaused, flips)) == 0
    flickering = [told for one, told in zip(moving, flips, strict=True) if len(one.moves) > 10]
    assert flickering and all([step.action for step in told] == ["opened"] for told in flickering)
