"""The JSON sources read years of recorded answers: row counts, known events, and the versions that are broken."""

from decimal import Decimal

import pytest

from scrapers.source import source_module
from tests.scrapers.conformance import faults_of_record
from tests.scrapers.corpus import capture, marks, needs, read_corpus, versions
from tracker.checks import prove
from tracker.errors import ParseError
from tracker.records import Offer, Quote, Record


def parsed(source_id: str, body: bytes, observed_at: str = "2026-01-01", label: str = "") -> list[Record]:
    return list(source_module(source_id).parse(capture(source_id, body, observed_at, label)))


def amounts(records: list[Record], provider: str, name: str, tier: str = "standard") -> dict[str, Decimal | None]:
    """The plain list prices of one offer."""
    return {
        record.component: record.amount
        for record in records
        if isinstance(record, Quote)
        and (record.offer.provider, record.offer.listed_name, record.offer.tier) == (provider, name, tier)
        and not (record.condition.min_prompt_tokens or record.condition.hours)
    }


def offers(records: list[Record]) -> set[Offer]:
    return {record.offer for record in records if isinstance(record, Quote)}


SERIES = [  # source, file, label, every n-th version, versions read, quotes in them, broken versions
    ("litellm_catalogue", "litellm_tokencost", "", 10, 13, 24_000, {"2024-01-31T04:13:58Z"}),
    ("litellm_catalogue", "litellm_rocry", "", 20, 11, 40_000, set()),
    ("openrouter_models", "openrouter_models_skissue", "", 8, 10, 9_000, set()),
    ("openrouter_models", "openrouter_models_lzc0403", "", 6, 10, 14_000, set()),
    ("openrouter_models", "slipstreamm_or", "", 1, 2, 1_500, set()),
    ("genai_prices", "genai_prices_data", "", 15, 14, 28_000, set()),
    ("modelsdev", "modelsdev_weekly_snapshots", "weekly", 8, 9, 28_000, set()),
    ("portkey", "portkey_openai", "openai", 10, 8, 4_000, set()),
    ("portkey", "portkey_openrouter", "openrouter", 12, 10, 8_000, set()),
]


@pytest.mark.parametrize(
    ("source_id", "series", "label", "every", "count", "quotes", "broken"),
    [pytest.param(*row, marks=marks(f"series/{row[1]}.jsonl.zst"), id=f"{row[0]}-{row[1]}") for row in SERIES],
)
def test_recorded_series(
    source_id: str, series: str, label: str, every: int, count: int, quotes: int, broken: set[str]
) -> None:
    read, found, failed = 0, 0, set()
    for observed_at, body in versions(f"series/{series}.jsonl.zst", every):
        read += 1
        try:
            records = parsed(source_id, body, observed_at, label)
        except ParseError:
            failed.add(observed_at)
            continue
        prove(source_module(source_id).SOURCE, records)
        assert not [fault for record in records for fault in faults_of_record(record)], observed_at
        found += sum(isinstance(record, Quote) for record in records)
    assert failed == broken
    assert read == count
    assert found >= quotes


SNAPSHOTS = [
    ("litellm_catalogue", "snapshots/litellm_2026-08.json.zst", 7_800),
    ("modelsdev", "snapshots/modelsdev_api.json.zst", 16_800),
    ("genai_prices", "snapshots/genai_prices_v2_head.json.zst", 3_300),
    ("portkey", "snapshots/portkey_pricing_all.json.zst", 11_000),
    ("llm_prices", "snapshots/simonw_llm_prices/openai.json", 100),
]


@pytest.mark.parametrize(
    ("source_id", "name", "quotes"), [pytest.param(*row, marks=marks(row[1]), id=row[0]) for row in SNAPSHOTS]
)
def test_recorded_snapshot(source_id: str, name: str, quotes: int) -> None:
    records = parsed(source_id, read_corpus(name))
    assert not [fault for record in records for fault in faults_of_record(record)]
    assert sum(isinstance(record, Quote) for record in records) >= quotes


LITELLM_EVENTS = [  # labels/events_sample.csv: (version, offer, input, output)
    ("2024-01-31T05:24:04Z", ("mistral", "mistral-small"), "0.66", "1.97"),
    ("2024-06-06T01:23:52Z", ("mistral", "mistral-large-latest"), "4", "12"),
]


@pytest.mark.parametrize(("observed_at", "offer", "price_in", "price_out"), LITELLM_EVENTS)
@needs("series/litellm_tokencost.jsonl.zst")
def test_litellm_events(observed_at: str, offer: tuple[str, str], price_in: str, price_out: str) -> None:
    name = "series/litellm_tokencost.jsonl.zst"
    body = next(body for moment, body in versions(name) if moment == observed_at)
    found = amounts(parsed("litellm_catalogue", body, observed_at), *offer)
    assert (found["input"], found["output"]) == (Decimal(price_in), Decimal(price_out))


@needs("series/litellm_tokencost.jsonl.zst")
def test_early_litellm_keys_name_the_providers_that_later_rows_state() -> None:
    """Until March 2024 rows had no litellm_provider; the key must lead to what the row says two months later."""
    named = dict(versions("series/litellm_tokencost.jsonl.zst"))
    before = offers(parsed("litellm_catalogue", named["2024-02-06T01:31:11Z"]))
    after = offers(parsed("litellm_catalogue", named["2024-03-25T19:34:55Z"]))
    sellers = {offer.listed_name: set[str]() for offer in after}
    for offer in after:
        sellers[offer.listed_name].add(offer.provider)
    assert len(before & after) > 120
    assert not {offer for offer in before if offer.provider not in sellers.get(offer.listed_name, {offer.provider})}


@needs("series/openrouter_models_skissue.jsonl.zst")
def test_a_zero_for_one_day_is_claimed_and_not_free() -> None:
    series = dict(versions("series/openrouter_models_skissue.jsonl.zst"))
    day = next(moment for moment in series if moment.startswith("2026-04-18"))
    zeros = [
        record.status
        for record in parsed("openrouter_models", series[day], day)
        if isinstance(record, Quote) and str(record.offer) == "openrouter/moonshotai/kimi-k2.5" and not record.amount
    ]
    assert zeros == ["zero_claimed", "zero_claimed"]


@needs("series/modelsdev_cost_changes.csv")
def test_modelsdev_changes_cut_by_commit() -> None:
    module = source_module("modelsdev_changes")
    parts = dict(module.recorded(read_corpus("series/modelsdev_cost_changes.csv")))  # type: ignore[attr-defined]
    assert len(parts) > 1_400
    large_3 = next(body for moment, body in parts.items() if moment.isoformat() == "2025-12-08T16:32:37")
    found = amounts(parsed("modelsdev_changes", large_3), "mistral", "mistral-large-latest")
    assert (found["input"], found["output"]) == (Decimal("0.5"), Decimal("1.5"))


@needs("series/oneapi_cn_ratio_history.csv")
def test_oneapi_ratios_cut_by_commit() -> None:
    module = source_module("oneapi_ratios")
    parts = dict(module.recorded(read_corpus("series/oneapi_cn_ratio_history.csv")))  # type: ignore[attr-defined]
    first_deepseek = next(body for moment, body in parts.items() if moment.isoformat() == "2024-04-25T16:48:53")
    records = parsed("oneapi_ratios", first_deepseek)
    quote = next(r for r in records if isinstance(r, Quote) and r.offer.listed_name == "deepseek-chat")
    assert (quote.amount, quote.currency, quote.offer.region) == (Decimal(1), "CNY", "cn")


@needs("series/isaced_may2024_price_war.jsonl.zst")
def test_qwen_long_after_the_cut() -> None:
    body = next(body for _, body in versions("series/isaced_may2024_price_war.jsonl.zst"))
    found = amounts(parsed("price_war_2024_cn", body), "alibaba", "qwen-long")
    assert found == {"input": Decimal("0.5"), "output": Decimal(2)}
