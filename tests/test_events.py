"""Real events of the price war, found in the replayed recordings on the day a source first showed them.

Each event is replayed from the versions around it, through the same parse, checks and history as everything else.
`bench.replay` does the same with every version of every recording.
"""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.scrapers.corpus import CORPUS, marks
from tracker.backfill.recordings import find_recordings
from tracker.backfill.run import backfill_files, plan
from tracker.backfill.telling import PlannedPass, retell_sources, silent
from tracker.settings import Home
from warehouse.history import History, open_history, publish

# file, offer, seen first at, input, output (None: not stated), status
EVENTS = [
    ("series/litellm_tokencost.jsonl.zst", "mistral/mistral-small", "2024-01-31", "0.66", "1.97"),
    ("series/oneapi_cn_ratio_history.csv", "deepseek/deepseek-chat@cn", "2024-04-25", "1.0", None),
    ("series/isaced_may2024_price_war.jsonl.zst", "alibaba/qwen-long@cn", "2024-05-21", "0.5", "2"),
    ("series/litellm_tokencost.jsonl.zst", "mistral/mistral-large-latest", "2024-06-06", "4", "12"),
    ("series/litellm_tokencost.jsonl.zst", "deepseek/deepseek-chat", "2025-02-11", "0.27", "1.10"),
    ("series/litellm_rocry.jsonl.zst", "anthropic/claude-3-5-haiku-20241022", "2025-03-02", "0.8", "4"),
    ("series/litellm_rocry.jsonl.zst", "google/gemini-2.5-flash", "2025-06-20", "0.3", "2.5"),
    ("series/modelsdev_cost_changes.csv", "mistral/mistral-large-latest", "2025-12-08", "0.5", "1.5"),
    ("series/openrouter_models_skissue.jsonl.zst", "openrouter/moonshotai/kimi-k2.5", "2026-04-18", "0", "0"),
    ("series/modelsdev_cost_changes.csv", "minimax/MiniMax-M3", "2026-06-02", "0.6", "2.4"),
    ("series/modelsdev_cost_changes.csv", "minimax/MiniMax-M3", "2026-06-25", "0.3", "1.2"),
    ("openrouter_sui414/perf_hourly.parquet", "openai/openai/gpt-5.6-luna#openrouter", "2026-07-27", "0.5", "3.0"),
]


def around(passes: list[PlannedPass], day: datetime, before: int, after: int) -> list[PlannedPass]:
    """The passes of a day with some before and after it: enough to hold a jump and to see it confirmed."""
    ordered = sorted(passes, key=lambda planned: planned.observed_at)
    first = next(i for i, planned in enumerate(ordered) if planned.observed_at >= day)
    last = next(
        (i for i, planned in enumerate(ordered) if planned.observed_at >= day + timedelta(days=1)), len(ordered)
    )
    return ordered[max(0, first - before) : last + after]


def first_shown(history: History, offer: str, day: str) -> list[dict[str, object]]:
    """The prices of an offer that a source first showed on a day, in the order they were shown."""
    return history.rows(
        "SELECT component, amount, status, effective_from, observed_at FROM price_history "
        "WHERE offer = $1 AND basis <> 'effective' AND CAST(observed_at AS DATE) = $2 AND min_prompt_tokens = 0 "
        "AND hours = '' ORDER BY observed_at, effective_from NULLS FIRST",
        [offer, datetime.fromisoformat(day).date()],
    )


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    yield Home(tmp_path)


@pytest.mark.parametrize(
    ("name", "offer", "day", "price_in", "price_out"),
    [pytest.param(*event, marks=marks(event[0]), id=f"{event[1]}-{event[2]}") for event in EVENTS],
)
def test_a_real_event_is_found_when_it_was_first_seen(
    name: str, offer: str, day: str, price_in: str, price_out: str | None, home: Home
) -> None:
    [recording], _ = find_recordings(CORPUS / name)
    passes = around(plan(home, recording), datetime.fromisoformat(day), 1, 2)
    retell_sources(home, {recording.source_id: passes}, silent)
    publish(home.warehouse, home.history, home.write_lock)
    with open_history(home.history) as history:
        rows = first_shown(history, offer, day)
    told = {str(row["component"]): row["amount"] for row in rows}
    assert told["input"] == Decimal(price_in), json.dumps(told, default=str)
    if price_out is not None:
        assert told["output"] == Decimal(price_out)
    assert {row["effective_from"] for row in rows} == {None}, "a recording's time is when it was seen"
    if price_in == "0":
        assert {row["status"] for row in rows} == {"zero_claimed"}


ANNOUNCED = "snapshots/genai_prices_0.2.3.json.zst"


@pytest.mark.parametrize("name", [pytest.param(ANNOUNCED, marks=marks(ANNOUNCED), id="deepseek-v4-flash")])
def test_the_day_a_price_was_said_to_hold_from_is_not_the_day_it_was_seen(name: str, home: Home) -> None:
    backfill_files(home, CORPUS / name)
    publish(home.warehouse, home.history, home.write_lock)
    with open_history(home.history) as history:
        rows = first_shown(history, "deepseek/deepseek-v4-flash", "2026-11-20")
    latest = {row["component"]: (row["amount"], row["effective_from"]) for row in rows}
    since = datetime(2026, 9, 10)  # noqa: DTZ001
    assert latest["input"] == (Decimal("0.15"), since) and latest["output"] == (Decimal("0.60"), since)


TORN = "series/litellm_tokencost.jsonl.zst"


@pytest.mark.parametrize("name", [pytest.param(TORN, marks=marks(TORN), id="litellm_tokencost")])
def test_a_recorded_version_that_was_never_valid_is_one_failed_pass(name: str, home: Home) -> None:
    """Its first version was committed with a broken bracket; the next one, some hours later, reads."""
    [recording], _ = find_recordings(CORPUS / name)
    passes = sorted(plan(home, recording), key=lambda planned: planned.observed_at)[:3]
    retell_sources(home, {recording.source_id: passes}, silent)
    publish(home.warehouse, home.history, home.write_lock)
    with open_history(home.history) as history:
        told = history.rows("SELECT outcome, problem, row_count FROM passes ORDER BY observed_at")
    assert [row["outcome"] for row in told] == ["failed", "good", "good"]
    assert "line 166" in str(told[0]["problem"]) and told[0]["row_count"] == 0
    assert int(str(told[1]["row_count"])) > 100


TWICE = [
    "series/isaced_may2024_price_war.jsonl.zst",
    "series/slipstreamm_or.jsonl.zst",
    "series/portkey_together.jsonl.zst",
]


@pytest.mark.parametrize("order", [TWICE, TWICE[::-1]], ids=["as listed", "backwards"])
@pytest.mark.needs_shared
@pytest.mark.skipif(not all((CORPUS / name).exists() for name in TWICE), reason="needs ../shared/corpus/series")
def test_replaying_twice_or_in_another_order_tells_the_same_history(order: list[str], home: Home) -> None:
    def content() -> dict[str, object]:
        publish(home.warehouse, home.history, home.write_lock)
        with open_history(home.history) as history:
            views = ("price_history", "price_changes", "declarations", "held", "notices", "captures", "passes")
            return {view: history.rows(f"SELECT * FROM {view} ORDER BY ALL") for view in views}

    for name in order:
        backfill_files(home, CORPUS / name)
    first = content()
    for name in reversed(order):
        backfill_files(home, CORPUS / name)
    assert content() == first
    assert first["price_history"]
