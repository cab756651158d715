"""Recorded OpenRouter tables become the records their live source gives."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet as parquet
import pytest

from tracker.backfill.replay_parquet import records_by_time
from tracker.errors import UsageError
from tracker.records import Declaration, Demand, Limit, Metric, Notice, Offer, Quote, Record

SHARED = Path(__file__).parents[3] / "shared" / "corpus" / "openrouter_sui414"
ENDPOINT: dict[str, Any] = {
    "scrape_date": "2026-07-28",
    "scraped_at": "2026-07-28T16:28:03+00:00",
    "model_slug": "openai/gpt-oss-120b",
    "variant": "standard",
    "endpoint_id": "e1",
    "endpoint_name": "DeepInfra | openai/gpt-oss-120b",
    "provider_slug": "deepinfra",
    "provider_region": None,
    "quantization": "bf16",
    "context_length": "131072",
    "max_completion_tokens": None,
    "max_prompt_tokens": None,
    "price_prompt": "0.0000005",
    "price_completion": "0.000003",
    **dict.fromkeys(("price_cache_read", "price_cache_write", "price_image", "price_request", "price_web_search")),
    "price_internal_reasoning": None,
    "discount": "0.5",
    "is_byok": "False",
    "is_hidden": "False",
    "is_disabled": "False",
    **{f"{name}_throughput": "57" for name in ("p50", "p75", "p90", "p95", "p99")},
    **{f"{name}_latency": "410" for name in ("p50", "p75", "p90", "p95", "p99")},
    "request_count": "4223",
    "rate_limited_count": "3",
    "stats_window_minutes": "30",
    "limit_rpm": "150",
    "limit_rpd": None,
    "capacity_tpm": None,
}


def looks(tmp_path: Path, *rows: dict[str, Any], name: str = "endpoints_daily") -> list[tuple[datetime, list[Record]]]:
    path = tmp_path / f"{name}.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(list(rows)), path)
    return list(records_by_time(path))


def of_type(records: list[Record], kind: type) -> list[Any]:
    return [record for record in records if isinstance(record, kind)]


def test_a_row_gives_list_and_discounted_prices_precision_speed_and_limits(tmp_path: Path) -> None:
    ((moment, records),) = looks(tmp_path, ENDPOINT)
    offer = Offer("deepinfra", "openai/gpt-oss-120b", variant="openrouter")
    assert moment == datetime(2026, 7, 28, 16, 28, 3)  # noqa: DTZ001
    quotes = {(quote.component, quote.basis): quote.amount for quote in of_type(records, Quote)}
    assert quotes == {
        ("input", "discount"): Decimal("0.5"),
        ("input", "list"): Decimal(1),
        ("output", "discount"): Decimal(3),
        ("output", "list"): Decimal(6),
    }
    assert {record.offer for record in records if isinstance(record, Quote | Declaration | Metric)} == {offer}
    assert ("precision", "bf16") in {(row.attribute, row.value) for row in of_type(records, Declaration)}
    metrics = {(row.name, row.statistic): row.value for row in of_type(records, Metric)}
    assert metrics[("throughput_tok_s", "p50")] == 57 and metrics[("ttft_ms", "p99")] == 410
    assert metrics[("rate_limited_requests", "sum")] == 3
    (limit,) = of_type(records, Limit)
    assert (limit.measure, limit.window, limit.amount, limit.learned_from) == ("requests", "minute", 150, "api")


def test_aliases_hidden_and_byok_rows_are_left_out(tmp_path: Path) -> None:
    rows = [
        ENDPOINT | {"model_slug": "~openai/gpt-latest"},
        ENDPOINT | {"is_hidden": "True"},
        ENDPOINT | {"is_byok": "True"},
    ]
    ((_, records),) = looks(tmp_path, *rows)
    assert [type(record) for record in records] == [Notice]


def test_regions_and_variants_are_other_offers(tmp_path: Path) -> None:
    vertex = ENDPOINT | {"provider_slug": "google-vertex", "provider_region": "global", "endpoint_id": "e2"}
    free = ENDPOINT | {"variant": "free", "price_prompt": "0", "price_completion": "0", "discount": "0"}
    ((_, records),) = looks(tmp_path, ENDPOINT, vertex, free)
    offers = {(quote.offer.provider, quote.offer.tier, quote.offer.region) for quote in of_type(records, Quote)}
    assert offers == {("deepinfra", "standard", ""), ("vertex", "standard", "global"), ("deepinfra", "free", "")}


def test_looks_come_oldest_first_and_hourly_rows_borrow_the_region(tmp_path: Path) -> None:
    looks(tmp_path, ENDPOINT | {"provider_slug": "google-vertex", "provider_region": "global"})
    columns = ("model_slug", "variant", "endpoint_id", "price_prompt", "price_completion", "discount")
    speeds = tuple(key for key in ENDPOINT if key.startswith("p") and key.endswith(("_throughput", "_latency")))
    hourly = {key: ENDPOINT[key] for key in (*columns, *speeds)} | {"provider_slug": "google-vertex"}
    late, early = (
        hourly | {"scraped_at": "2026-07-28T18:00:00+00:00"},
        hourly | {"scraped_at": "2026-07-28T02:00:00+00:00"},
    )
    found = looks(tmp_path, late, early, name="perf_hourly")
    assert [moment.hour for moment, _ in found] == [2, 18]
    assert {quote.offer.region for _, records in found for quote in of_type(records, Quote)} == {"global"}


def test_paid_prices_are_effective_and_carry_cache_hits_and_tokens(tmp_path: Path) -> None:
    row = {
        "scrape_date": "2026-07-19",
        "scraped_at": "2026-07-19T15:59:04+00:00",
        "model_slug": "minimax/minimax-m2.7",
        "variant": "standard",
        "provider_slug": "atlas-cloud",
        "effective_input_price": "0.1177",
        "effective_output_price": "1.2",
        "cache_hit_rate": "0.75",
        "total_tokens": "43453255",
    }
    ((_, records),) = looks(tmp_path, row, name="effective_pricing_daily")
    assert {(quote.component, quote.basis, quote.amount) for quote in of_type(records, Quote)} == {
        ("input", "effective", Decimal("0.1177")),
        ("output", "effective", Decimal("1.2")),
    }
    assert [metric.value for metric in of_type(records, Metric)] == [75.0]
    assert [demand.tokens for demand in of_type(records, Demand)] == [43453255]


def test_another_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="columns are a, b"):
        looks(tmp_path, {"a": 1, "b": 2})


@pytest.mark.needs_shared
def test_the_first_recorded_day_keeps_nearly_every_row() -> None:
    path = SHARED / "endpoints_daily.parquet"
    if not path.exists():
        pytest.skip(f"{path.name} is not here")
    _, records = next(records_by_time(path))
    offers = {record.offer for record in records if isinstance(record, Quote)}
    rows = [row for row in parquet.read_table(path).to_pylist() if row["scrape_date"] == "2026-07-17"]
    wanted = [
        row for row in rows if row["model_slug"][0] != "~" and row["is_hidden"] == "False" and row["price_prompt"]
    ]
    assert len(offers) >= 0.95 * len(wanted)
