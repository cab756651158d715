"""What answers say of limits becomes dated facts: change-only, with their evidence, never from the sandbox."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.probe.servers import plain, serving
from tests.probe.test_desk import rows
from tracker.backfill.telling import reparse
from tracker.probe.desk import ingest_folder
from tracker.probe.inbox import write_rows
from tracker.probe.reply import Reply
from tracker.settings import Home

DAY = datetime.fromisoformat("2026-03-01")
GROQ = {"x-ratelimit-limit-requests": "14400", "x-ratelimit-limit-tokens": "6000", "x-ratelimit-remaining-tokens": "5"}
VIOLATION = {
    "quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests",
    "quotaId": "GenerateRequestsPerMinutePerProjectPerModel-FreeTier",
    "quotaValue": "15",
    "quotaDimensions": {"location": "global", "model": "gemini-2.5-flash"},
}


def take(home: Path, day: int, headers: dict[str, str], provider: str = "groq", **more: object) -> None:
    """One result file of one answer on that day."""
    offer = {"offer": f"{provider}/llama", "provider": provider, "listed_name": "llama", "ttft_ms": None}
    at = {"started_at": (DAY + timedelta(days=day)).isoformat(), "limits": json.dumps(headers), "probe_id": str(day)}
    inbox = home / f"inbox{day}{provider}"
    write_rows(inbox, [rows(1)[0] | offer | at | more])
    assert ingest_folder(inbox, Home(home))[2] == []


def limits(home: Path) -> list[tuple[object, ...]]:
    query = """SELECT provider, listed_name, account_tier, measure, per, amount::INTEGER, learned_from,
               date_diff('day', TIMESTAMP '2026-03-01', observed_at), date_diff('day', TIMESTAMP '2026-03-01', ended_at)
               FROM limits WHERE source_id = 'probe_headers' ORDER BY ALL"""
    with duckdb.connect(str(home / "history.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_headers_become_dated_limits_and_only_changes_cost(tmp_path: Path) -> None:
    take(tmp_path, 0, GROQ)
    take(tmp_path, 1, GROQ | {"x-ratelimit-remaining-tokens": "4"})
    take(tmp_path, 2, GROQ | {"x-ratelimit-limit-tokens": "12000"})
    key = "groq", "llama", "probe key"
    told = [
        (*key, "requests", "day", 14400, "header", 0, None),
        (*key, "tokens", "minute", 6000, "header", 0, 2),
        (*key, "tokens", "minute", 12000, "header", 2, None),
    ]
    assert limits(tmp_path) == told
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        captures = connection.execute("SELECT count(*) FROM core.capture").fetchone()
        standing = connection.execute("SELECT kind, enabled FROM ref.source WHERE source_id = 'probe_headers'")
        assert (captures, standing.fetchone()) == ((2,), ("limits", False))
    reparse(Home(tmp_path), ["probe_headers"])
    assert limits(tmp_path) == told  # the captures hold all that was told


def test_an_offer_that_was_not_asked_keeps_its_limit(tmp_path: Path) -> None:
    take(tmp_path, 0, GROQ)
    for day in range(1, 6):
        take(tmp_path, day, {"anthropic-ratelimit-requests-limit": "50"}, "anthropic")
    assert [row[-1] for row in limits(tmp_path)] == [None, None, None]


def test_a_limit_nobody_states_for_a_month_ends(tmp_path: Path) -> None:
    take(tmp_path, 0, GROQ)
    for day in range(31, 36):
        take(tmp_path, day, {"anthropic-ratelimit-requests-limit": "50"}, "anthropic")
    assert [(row[0], row[-1] is None) for row in limits(tmp_path)] == [
        ("anthropic", True), ("groq", False), ("groq", False),
    ]  # fmt: skip


def test_the_sandbox_teaches_nothing(tmp_path: Path) -> None:
    take(tmp_path, 0, GROQ, is_sandbox=True)
    assert limits(tmp_path) == []
    take(tmp_path, 1, {"retry-after": "2"})
    assert limits(tmp_path) == []


def test_files_that_come_together_are_told_in_the_order_of_their_requests(tmp_path: Path) -> None:
    offer = {"offer": "groq/llama", "provider": "groq", "listed_name": "llama", "tier": "standard", "region": ""}
    for day, amount in enumerate(("30", "20", "10")):
        at = {"started_at": (DAY + timedelta(days=day)).isoformat(), "probe_id": amount}
        stated = {"limits": json.dumps({"x-ratelimit-limit-tokens": amount})}
        write_rows(tmp_path / "inbox", [rows(1)[0] | offer | at | stated])
    ingest_folder(tmp_path / "inbox", Home(tmp_path))
    assert [row[5:] for row in limits(tmp_path)] == [
        (10, "header", 2, None), (20, "header", 1, 2), (30, "header", 0, 1),
    ]  # fmt: skip


@pytest.mark.parametrize("as_list", [False, True])
def test_a_429_body_is_kept_and_becomes_a_limit(send_to: Callable[..., Reply], tmp_path: Path, as_list: bool) -> None:
    error = {"error": {"code": 429, "message": "Quota exceeded", "details": [{"violations": [VIOLATION]}]}}
    body = json.dumps([error] if as_list else error, indent=2).encode()
    with serving(plain("429 Too Many", body, "content-type: application/json")) as server:
        reply = send_to(server, "gemini")
    assert reply.outcome == "rate_limited"
    take(tmp_path, 0, dict(reply.limits), "google", outcome="rate_limited")
    assert limits(tmp_path) == [("google", "gemini-2.5-flash", "probe key", "requests", "minute", 15, "429", 0, None)]


@pytest.mark.parametrize("body", [b"slow down", b'{"error": "x"}', b'{"error": {"details": [{"violations": [2]}]}}'])
def test_a_429_with_another_body_says_no_limit(send_to: Callable[..., Reply], body: bytes) -> None:
    with serving(plain("429 Too Many", body, "retry-after: 1")) as server:
        reply = send_to(server)
    assert (reply.outcome, dict(reply.limits)) == ("rate_limited", {"retry-after": "1"})
