"""Charts in text: every figure stands where the axis says, and a column shows what held at its time."""

from datetime import datetime, timedelta

from tracker.explain.sketches import LEVELS, WIDTH, over_time, ranges

DAY = datetime.fromisoformat("2026-08-01")


def test_ranges_share_one_axis_and_the_price_stands_on_it() -> None:
    wide, narrow, price, axis = ranges([("bf16", 0.1, 1.0, 10.0), ("fp8", 0.1, 0.3, 1.0)], 1.0)
    assert wide.index("├") == narrow.index("├") < narrow.index("●") < wide.index("●")
    assert wide.index("●") == price.index("▲") == narrow.index("┤")
    assert price.endswith("▲ 1") and axis.split() == ["0.1", "10"] and len(axis) == len("price  ") + WIDTH


def test_a_free_price_has_no_mark_and_nothing_known_draws_nothing() -> None:
    assert not any("▲" in line for line in ranges([("bf16", 0.1, 1.0, 10.0)], 0.0))
    assert ranges([], 1.0) == [] and ranges([("bf16", 0.0, 0.0, 0.0)], 1.0) == []


def test_a_quantity_over_time_holds_until_its_next_value() -> None:
    columns, axis = over_time([(DAY, 4.0), (DAY + timedelta(days=5), 1.0)], DAY + timedelta(days=10), "USD")
    assert columns.startswith(LEVELS[-1] * (WIDTH // 2) + LEVELS[0] * (WIDTH // 2))
    assert columns.endswith("1 to 4 USD") and axis.split() == ["2026-08-01", "2026-08-11"]
    assert over_time([(DAY, 4.0)], DAY + timedelta(days=1), "USD") == []
