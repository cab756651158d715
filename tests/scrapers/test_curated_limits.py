"""Limits entered by hand: every row is shown by its words, and a row does not outlive its witness."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path

from scrapers.source import Capture
from scrapers.sources.curated_limits import parse, recorded
from tracker.records import Limit, Record

BODY = Path("tracker/data/curated_limits.csv").read_bytes()


def at(day: str, body: bytes = BODY) -> list[Record]:
    return list(parse(Capture("curated_limits", "", body, datetime.fromisoformat(day))))


def limits(records: list[Record]) -> dict[tuple[str, str, str], tuple[Decimal | None, str]]:
    found = [record for record in records if isinstance(record, Limit)]
    return {(one.provider, one.listed_name, one.measure): (one.amount, one.status) for one in found}


def test_every_row_is_shown_by_its_words() -> None:
    days = [day for day, _ in recorded(BODY)]
    assert days == sorted(days)
    assert days
    assert all(isinstance(record, Limit) for day in days for record in at(day.isoformat()))


def test_the_price_wars_limits() -> None:
    then = limits(at("2024-06-01"))
    assert then["bytedance", "doubao-pro-32k", "requests"] == (Decimal(10_000), "number")
    assert then["bytedance", "doubao-pro-32k", "tokens"] == (Decimal(800_000), "number")
    assert then["bytedance", "doubao-pro-128k", "tokens"] == (Decimal(400_000), "number")
    assert limits(at("2024-01-01")) == {("google", "gemini-pro", "requests"): (Decimal(60), "number")}


def test_a_row_does_not_outlive_its_witness() -> None:
    assert ("bytedance", "doubao-pro-32k", "requests") not in limits(at("2026-11-20"))
    assert ("deepseek", "", "requests") not in limits(at("2026-11-20"))


def test_unlimited_dynamic_and_unknown_have_no_amount() -> None:
    assert limits(at("2025-03-01"))["deepseek", "", "requests"] == (None, "unlimited")
    now = limits(at("2026-11-20"))
    assert now["together", "", "requests"] == (None, "dynamic")
    assert now["google", "", "requests"] == (None, "unknown")


def test_a_row_its_words_do_not_show_is_refused() -> None:
    (record,) = at("2024-01-01", BODY.replace(b"60 free requests", b"50 free requests"))
    assert not isinstance(record, Limit)
