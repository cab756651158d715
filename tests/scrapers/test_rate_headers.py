"""Rate limits out of headers and 429 bodies: whose word means what."""

from decimal import Decimal

import pytest

from scrapers.rate_headers import duration_s, headroom, limits, quota_limits, retry_after_s
from tracker.records import Limit

OPENAI = {
    "x-ratelimit-limit-requests": "30000",
    "X-RateLimit-Limit-Tokens": "150000000",
    "x-ratelimit-remaining-requests": "29999",
    "x-ratelimit-reset-requests": "2ms",
    "x-ratelimit-limit-tokens_usage_based": "160000",
    "date": "Mon, 26 May 2025 05:00:04 GMT",
}
ANTHROPIC = {
    "anthropic-ratelimit-requests-limit": "50",
    "anthropic-ratelimit-input-tokens-limit": "30000",
    "anthropic-ratelimit-output-tokens-limit": "8000",
    "anthropic-ratelimit-requests-remaining": "49",
    "anthropic-ratelimit-requests-reset": "2026-01-01T00:00:00Z",
}


def measured(found: list[Limit]) -> set[tuple[str, str, Decimal | None, str]]:
    return {(row.measure, row.window, row.amount, row.status) for row in found}


def test_requests_per_minute_are_the_rule_and_per_day_at_groq() -> None:
    assert measured(list(limits("openai", "gpt-4o", OPENAI, "tier 5"))) == {
        ("requests", "minute", Decimal(30000), "number"),
        ("tokens", "minute", Decimal(150000000), "number"),
    }
    assert measured(list(limits("groq", "llama", OPENAI))) == {
        ("requests", "day", Decimal(30000), "number"),
        ("tokens", "minute", Decimal(150000000), "number"),
    }


def test_anthropic_counts_input_and_output_apart() -> None:
    found = list(limits("anthropic", "claude", ANTHROPIC, "tier 1"))
    assert measured(found) == {
        ("requests", "minute", Decimal(50), "number"),
        ("input_tokens", "minute", Decimal(30000), "number"),
        ("output_tokens", "minute", Decimal(8000), "number"),
    }
    assert {(row.learned_from, row.account_tier, row.listed_name) for row in found} == {("header", "tier 1", "claude")}


@pytest.mark.parametrize(
    ("value", "amount", "status"),
    [
        ("unlimited", None, "unlimited"),
        ("-1", None, "unlimited"),
        ("dynamic", None, "dynamic"),
        ("0", Decimal(0), "number"),
        ("soon", None, "unknown"),
        ("-7", None, "unknown"),
        ("NaN", None, "unknown"),
    ],
)
def test_unlimited_dynamic_and_unknown_are_three_things(value: str, amount: Decimal | None, status: str) -> None:
    (found,) = limits("cerebras", "m", {"x-ratelimit-limit-tokens-minute": value})
    assert (found.measure, found.window, found.amount, found.status) == ("tokens", "minute", amount, status)


def test_windows_in_the_name_win() -> None:
    headers = {"x-ratelimit-limit-requests-day": "14400", "x-ratelimit-limit-tokens-minute": "60000"}
    assert measured(list(limits("cerebras", "m", headers))) == {
        ("requests", "day", Decimal(14400), "number"),
        ("tokens", "minute", Decimal(60000), "number"),
    }
    assert not list(limits("x", "m", {"x-ratelimit-limit": "5", "x-ratelimit-limit-moons": "3"}))


def test_headroom_is_not_a_limit() -> None:
    (found,) = headroom(OPENAI)
    assert (found.measure, found.remaining, found.reset_s) == ("requests", Decimal(29999), 0.002)
    assert [row.remaining for row in headroom(ANTHROPIC)] == [Decimal(49)]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("6m0s", 360), ("1h2m", 3720), ("250ms", 0.25), ("59.7s", 59.7), ("17", 17), ("1d", 86400), ("1m30.5s", 90.5)],
)
def test_durations(text: str, seconds: float) -> None:
    assert duration_s(text) == pytest.approx(seconds)


def test_unreadable_durations_and_waits_are_none() -> None:
    assert duration_s("2026-01-01T00:00:00Z") is None and duration_s("") is None
    assert retry_after_s({"Retry-After": "20"}) == 20 and retry_after_s({"retry-after-ms": "1500"}) == 1.5
    assert retry_after_s({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) is None and retry_after_s({}) is None


def violation(quota_id: str, metric: str, **more: object) -> dict[str, object]:
    return {"quotaMetric": f"generativelanguage.googleapis.com/{metric}", "quotaId": quota_id, **more}


def test_geminis_429_names_the_limit() -> None:
    model = {"quotaDimensions": {"location": "global", "model": "gemini-2.5-flash"}}
    failures = [
        violation(
            "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
            "generate_content_free_tier_requests",
            quotaValue="20",
            **model,
        ),
        violation(
            "GenerateContentInputTokensPerModelPerMinute-FreeTier",
            "generate_content_free_tier_input_token_count",
            quotaValue="-1",
            **model,
        ),
        violation("GenerateRequestsPerMinutePerProjectPerModel", "generate_requests_per_model"),
        violation("SomethingElse", "odd"),
    ]
    body = {"error": {"code": 429, "details": [{"@type": "QuotaFailure", "violations": failures}, {"links": []}]}}
    found = list(quota_limits("google", body))
    assert [(row.measure, row.window, row.amount, row.status, row.account_tier) for row in found] == [
        ("requests", "day", Decimal(20), "number", "free"),
        ("input_tokens", "minute", None, "unlimited", "free"),
        ("requests", "minute", None, "unknown", ""),
    ]
    assert found[0].listed_name == "gemini-2.5-flash" and found[0].learned_from == "429"
    assert list(quota_limits("google", [body])) == found


@pytest.mark.parametrize("body", [None, [], "x", {"error": "x"}, {"error": {"details": [1, {"violations": [2]}]}}])
def test_odd_bodies_say_nothing(body: object) -> None:
    assert not list(quota_limits("google", body))
