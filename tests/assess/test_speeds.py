"""Which speed a cost has to keep: our own probes before others', ordinary text before easy text, and a draft's part."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.assess.test_run import CHEAP, START, home
from tracker.assess.inputs import Situation
from tracker.assess.run import explain_offer
from tracker.collect.run import collect
from tracker.explain.offer import offer_note
from tracker.settings import Home
from warehouse.history import publish
from warehouse.probes import COLUMNS, store_file
from warehouse.store import writing

__all__ = ["home"]
OFFER = f"a/{CHEAP}"


def probed(home: Home, workload: str, tok_s: float, input_tokens: int = 100, ttft_ms: float = 200.0) -> None:
    """One single stream of our own, measured at the start of the ledger."""
    row = {
        **dict.fromkeys(COLUMNS), "probe_id": f"p-{workload}", "burst_id": workload, "offer": OFFER,
        "provider": "a", "listed_name": CHEAP, "workload": workload,
        "outcome": "ok", "concurrency": 1, "itl_ms": 1000 / tok_s, "ttft_ms": ttft_ms, "input_tokens": input_tokens,
        "started_at": START.isoformat(), "vantage": "home", "limits": "{}", "is_sandbox": False,
    }  # fmt: skip
    with writing(home.warehouse, home.write_lock) as connection:
        store_file(connection, f"file of {workload}", [row])
    publish(home.warehouse, home.history, home.write_lock)


def measured_elsewhere(home: Home, tok_s: float) -> None:
    with writing(home.warehouse, home.write_lock) as connection:
        connection.execute(
            "INSERT INTO core.metric SELECT 'a', offer_id, 'throughput_tok_s', 'p50', '30m', $1, $2, $2, $2, 0, 0, "
            "NULL FROM core.offer WHERE offer = $3",
            [tok_s, START, OFFER],
        )
    publish(home.warehouse, home.history, home.write_lock)


def now(home: Home) -> Situation:
    return explain_offer(home, OFFER)[0]


def test_our_own_probes_come_before_what_others_measured(home: Home) -> None:
    measured_elsewhere(home, 30.0)
    assert (now(home).tok_s_seen, now(home).speed_sources) == (30.0, ("a",))
    probed(home, "regular", 100.0)
    assert (now(home).tok_s_seen, now(home).speed_sources) == (pytest.approx(100.0), ("own probes",))
    probed(home, "3.4k/500", 60.0, input_tokens=3400, ttft_ms=700.0)
    assert (now(home).tok_s_seen, now(home).ttft_s_seen) == (pytest.approx(60.0), 0.7)


def test_a_short_prompts_first_token_and_hard_text_set_no_pace(home: Home) -> None:
    probed(home, "regular", 100.0, ttft_ms=20.0)
    probed(home, "hard", 50.0)
    probed(home, "hard-10k", 40.0, input_tokens=12_000)
    one = now(home)
    assert one.tok_s_seen == pytest.approx(100.0) and one.ttft_s_seen is None


def test_a_draft_model_is_counted_as_far_as_ordinary_text_shows_it(home: Home) -> None:
    probed(home, "regular", 100.0)
    assert now(home).draft_gain is None  # no pair
    probed(home, "hard", 50.0)
    assert now(home).draft_gain == pytest.approx(2.0, rel=0.05)
    probed(home, "3.4k/500", 75.0, input_tokens=3400, ttft_ms=9000.0)
    assert now(home).draft_gain == pytest.approx(1.5, rel=0.05)
    note = " ".join(offer_note(home, OFFER).split())
    assert "with a draft model that brings 1.5 tokens a step" in note
    assert f"probes {OFFER}: 1 single stream of hard from 2026-08-03 to 2026-08-03, median 50.0 tok/s" in note


def test_no_draft_is_assumed_where_the_pair_shows_none(home: Home) -> None:
    probed(home, "regular", 52.0)
    probed(home, "hard", 50.0)
    assert now(home).draft_gain is None and now(home).pair is not None


def test_an_articles_pair_counts_for_as_long_as_its_price(tmp_path: Path) -> None:
    """The 2023 essay: Together at 170 tokens/s on regular text and 80 on hard text."""
    home = Home(tmp_path)
    collect(home, ["price_war"])
    for days, seen in ((0, True), (59, True), (61, False)):
        at = START.replace(year=2023, month=12, day=15, hour=12) + timedelta(days=days)
        if not seen:
            with pytest.raises(Exception, match="no offer"):
                explain_offer(home, "together/mixtral-8x7b-instruct", at)
            continue
        one, judged = explain_offer(home, "together/mixtral-8x7b-instruct", at)
        assert (one.tok_s_seen, one.draft_gain) == (170.0, pytest.approx(2.125, rel=0.05))
        kinds = {kind: finding.probability for (_, kind), finding in judged.findings.items()}
        assert 0.3 <= kinds["below_cost"] < 0.7 and kinds["speculative_decoding"] == 0.95


def test_a_claim_is_no_measurement(tmp_path: Path) -> None:
    """Groq in 2024-05: 794 tokens/s measured beside 800 claimed for one model, only claims for another."""
    home = Home(tmp_path)
    collect(home, ["price_war"])
    at = START.replace(year=2024, month=5, day=21, hour=12)
    measured, judged = explain_offer(home, "groq/llama3-8b", at)
    assert (measured.tok_s_seen, measured.ttft_s_seen) == (794.0, 1.62)
    [claim] = [finding for (_, kind), finding in judged.findings.items() if kind == "speed_claim"]
    assert "with 516 tokens out, 3,400 in" in claim.sentence and "end to end it is 227 tok/s" in claim.sentence
    note = offer_note(home, "groq/llama3-8b", at)
    assert "1 reading of prefill_s (last) from 2024-05-21 to 2024-05-21, median 1.62 at prompt_tokens=3400" in note
