"""What rows say together: prefill apart from decode, speculation, pacing, limits."""

import json

import pytest

from tracker.probe.signs import limiting, pacing, prefill, signs, speculation, thresholds, typical

LIMITS = {"x-ratelimit-limit-requests": "20", "x-ratelimit-remaining-requests": "7"}


def row(workload: str = "100/300", **more: object) -> dict[str, object]:
    base: dict[str, object] = {
        "workload": workload, "concurrency": 1, "outcome": "ok", "ttft_ms": 100.0, "itl_ms": 10.0, "e2e_ms": 1000.0,
        "burst_tok_s": 90.0, "input_tokens": 100, "streamed_tokens": 200, "chunks": 200, "limits": "{}",
        "burst_id": "b",
    }  # fmt: skip
    return base | more


def test_prefill_rate_is_the_slope_over_prompt_lengths() -> None:
    rows = [row(input_tokens=n, ttft_ms=40 + n / 20) for n in (100, 1000, 3400, 10_000)]
    found = prefill(rows)
    assert found
    assert (found.tok_s, found.fixed_ms) == (pytest.approx(20_000), pytest.approx(40))
    assert prefill(rows[:2]) is None
    assert prefill([row(input_tokens=n, ttft_ms=40.0) for n in (90, 100, 110)]) is None


def test_typical_takes_only_what_was_measured() -> None:
    rows = [row(), row(ttft_ms=300.0), row(ttft_ms=200.0), row(outcome="stalled", ttft_ms=None, itl_ms=None)]
    (line,) = typical(rows)
    assert (line.requests, line.good, line.ttft_ms, line.outcomes) == (4, 3, 200.0, {"ok": 3, "stalled": 1})


def test_speculation_by_speed_or_by_chunks() -> None:
    honest = [row("regular", itl_ms=9.8), row("hard", itl_ms=10.1)]
    assert speculation(honest) is None
    fast = speculation([row("regular", itl_ms=1000 / 170), row("hard", itl_ms=1000 / 80)])
    assert fast
    assert fast.value == pytest.approx(170 / 80)
    capped = speculation([row("regular", chunks=60), row("hard")])
    assert capped
    assert "chunks 3.33 times" in capped.sentence
    assert speculation([row("regular")]) is None


def test_pacing_is_a_speed_that_context_does_not_move() -> None:
    assert pacing([row("hard", itl_ms=30.0), row("hard-10k", itl_ms=30.05)])
    assert pacing([row("hard", itl_ms=10.0), row("hard-10k", itl_ms=10.6)]) is None


def test_limits_seen() -> None:
    refused = row(outcome="rate_limited", limits=json.dumps(LIMITS))
    declared = limiting([row(), refused])
    assert declared
    assert (declared.kind, declared.sentence.split("limits: ")[1]) == ("rate_limited", "requests 20")
    silent = limiting([row(concurrency=8)] * 3 + [row(concurrency=8, outcome="rate_limited")] * 5)
    assert silent
    assert (silent.kind, silent.value) == ("concurrency_limited", 3)
    assert signs([row(), row()]) == []


def test_every_threshold_is_dated() -> None:
    assert set(thresholds()) == {"speculation_ratio", "chunk_ratio", "paced_rise", "border_p", "lossy_kl"}
