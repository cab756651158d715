"""The week the report tests look at: one contested model, one hostile seller, a zero, a waverer, a newcomer."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.reports.ledgers import MONDAY, Typed, price
from tracker.records import Declaration, Limit, Metric, Offer
from tracker.settings import Home

ALFA, BETA, GAMMA = (Offer(name, "glm-x") for name in ("alfa", "beta", "gamma"))
LUNA = Offer("openai", "luna")
ZERO = Offer("kappa", "kimi-x")
WAVER = Offer("relay", "glm-x")
HOSTILE = Offer("{{7*7}}", "<script>alert(1)</script>|=1+1")
FRESH, GONE = Offer("alfa", "fresh-1"), Offer("alfa", "gone-1")
MODELS = {
    **dict.fromkeys((ALFA, BETA, GAMMA, WAVER), "zed/glm-x"),
    LUNA: "openai/luna",
    ZERO: "moon/kimi-x",
    HOSTILE: "<script>alert(2)</script>",
    FRESH: "alfa/fresh",
    GONE: "alfa/gone",
}


def typed_week() -> Typed:
    ledger = Typed(models=dict(MODELS))
    hostile = [*price(HOSTILE, "9", "9"), Declaration(HOSTILE, "precision", "<b>fp8</b>")]
    always = [*price(ALFA, "1", "4"), Declaration(ALFA, "precision", "bf16"), *hostile]
    steady = [*always, *price(GAMMA, "2", "5")]
    before = [*steady, *price(BETA, "1", "4"), *price(LUNA, "1", "6"), *price(ZERO, "0.4", "1.7")]
    before += [*price(WAVER, "1", "4"), *price(GONE, "3", "3")]
    ledger.daily(range(-7, 0), before)
    for day in range(7):
        waver = ("0.98", "3.9") if day == 6 else ("1", "4") if day % 2 else ("0.9", "3.6")
        rows = [*steady[:-2], *price(GAMMA, "1.5", "4"), *price(WAVER, *waver), *price(FRESH, "0.2", "0.8")]
        rows += [*price(BETA, "1", "4"), *price(BETA, "0.5", "2", basis="discount")]
        rows += [*price(LUNA, "0.5", "3"), Metric(ALFA, "throughput_tok_s", "p50", "30m", 80.0 + day)]
        rows += [Metric(ALFA, "ttft_ms", "p50", "30m", 400.0), Metric(ALFA, "uptime_pct", "last", "30m", 99.5)]
        rows += price(ZERO, "0", "0", status="zero_claimed") if day == 2 else price(ZERO, "0.4", "1.7")
        rows += [Limit("alfa", "glm-x", "free", "requests", "minute", None, "unlimited")]
        ledger.show(MONDAY + timedelta(days=day, hours=12), rows)
    return ledger


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    root: Path = tmp_path_factory.mktemp("home")
    return typed_week().publish(root)
