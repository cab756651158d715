"""Recorded OpenRouter tables (Parquet, one row per endpoint and look) as the records their source would have given.

Each look is rebuilt as the JSON the endpoints source reads and goes through that source's own parser, so a replayed
offer is the same offer as a live one. Three tables, told apart by their columns:
  endpoints_daily          prices, discount, precision, context, speed, limits: one look a day
  perf_hourly              prices and speed, about hourly; region and precision come from endpoints_daily beside it
  effective_pricing_daily  what was really paid per million tokens, cache hits and tokens per host and day
Units there: USD per token (effective prices: USD per million), tokens/s, ms. Rows of `~` aliases repeat the rows of the
model they point to and are left out, like hidden and disabled endpoints.
"""

import json
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as parquet

from scrapers.source import Capture, SourceModule, source_module
from tracker.errors import ParseError, UsageError
from tracker.records import Demand, Limit, Metric, Notice, Quote, Record
from tracker.units import decimal_of

SOURCE_ID = "openrouter_endpoints"
URL = "https://openrouter.ai/api/v1/models"
PRICES = {
    "prompt": "price_prompt",
    "completion": "price_completion",
    "input_cache_read": "price_cache_read",
    "input_cache_write": "price_cache_write",
    "image": "price_image",
    "request": "price_request",
    "web_search": "price_web_search",
    "internal_reasoning": "price_internal_reasoning",
    "discount": "discount",
}
TOKENS = ("context_length", "max_completion_tokens", "max_prompt_tokens")
DAILY_PERCENTILES = ("p50", "p75", "p90", "p95", "p99")
HOURLY_PERCENTILES = ("p50", "p90")  # the rest of 136,762 rows x 10 figures says nothing the daily table does not
LIMITS = (
    ("limit_rpm", "requests", "minute"),
    ("limit_rpd", "requests", "day"),
    ("capacity_tpm", "tokens", "minute"),
)
COUNTS = {"requests": "request_count", "rate_limited_requests": "rate_limited_count"}
_PER_MTOK = Decimal(1_000_000)
Row = dict[str, Any]


def look_times(path: Path) -> list[datetime]:
    """When each look was taken, oldest first."""
    return sorted({_utc(moment) for moment in _column(path, "scraped_at")})


def records_by_time(path: Path, wanted: Container[datetime] | None = None) -> Iterator[tuple[datetime, list[Record]]]:
    """(observed_at, records) of each wanted look (all by default), oldest first; only wanted ones are built."""
    table = _table(path)
    kind = _kind(table.column_names)
    beside = _known_endpoints(path.with_name("endpoints_daily.parquet")) if kind is _hourly else {}
    for moment in table.column("scraped_at").unique().to_pylist():
        observed_at = _utc(moment)
        if wanted is not None and observed_at not in wanted:
            continue
        rows: list[Row] = table.filter(pc.equal(table.column("scraped_at"), moment)).to_pylist()
        if kind is _hourly:
            rows = [row | beside.get(row["endpoint_id"], _UNKNOWN_ENDPOINT) for row in rows]
        yield observed_at, list(kind(rows, observed_at))


def _utc(moment: str) -> datetime:
    return datetime.fromisoformat(moment).astimezone(UTC).replace(tzinfo=None)


def _table(path: Path) -> pa.Table:
    table = parquet.read_table(path)
    return table.sort_by("scraped_at") if "scraped_at" in table.column_names else table


def _column(path: Path, name: str) -> list[str]:
    found: list[str] = parquet.read_table(path, columns=[name]).column(name).unique().to_pylist()
    return found


def _known_endpoints(daily: Path) -> dict[str, Row]:
    """Region and precision of each endpoint, as the daily table last knew them: hourly rows lack them."""
    if not daily.exists():
        return {}
    columns = ["endpoint_id", "provider_region", "quantization", "scraped_at"]
    rows = parquet.read_table(daily, columns=columns).sort_by("scraped_at").drop_columns("scraped_at").to_pylist()
    return {row.pop("endpoint_id"): row for row in rows}


_UNKNOWN_ENDPOINT: Row = {"provider_region": None, "quantization": None}


def _kind(columns: Sequence[str]) -> Any:
    for column, kind in (("effective_input_price", _effective), ("endpoint_name", _daily), ("p50_throughput", _hourly)):
        if column in columns:
            return kind
    raise UsageError(f"no recorded OpenRouter table: columns are {', '.join(columns[:6]) or 'none'}")


def _daily(rows: list[Row], observed_at: datetime) -> Iterator[Record]:
    live = [row for row in rows if not _left_out(row)]
    yield from _aliases_notice(rows)
    for model, endpoints in _by_model(live):
        yield from _parsed(model, [_endpoint(row, DAILY_PERCENTILES) for row in endpoints], observed_at)
        for row in endpoints:
            yield from _limits_and_counts(model, row, observed_at)


def _hourly(rows: list[Row], observed_at: datetime) -> Iterator[Record]:
    for model, endpoints in _by_model([row for row in rows if not _left_out(row)]):
        yield from _parsed(model, [_endpoint(row, HOURLY_PERCENTILES) for row in endpoints], observed_at)


def _effective(rows: list[Row], observed_at: datetime) -> Iterator[Record]:
    """Paid prices: the same offers with basis `effective`, cache hits as a metric, tokens as demand per host."""
    for model, hosts in _by_model([row for row in rows if not _left_out(row)]):
        for row in hosts:
            pricing = {
                "prompt": _per_token(row["effective_input_price"]),
                "completion": _per_token(row["effective_output_price"]),
            }
            endpoint = {"tag": row["provider_slug"], "pricing": {key: price for key, price in pricing.items() if price}}
            for record in _parsed(model, [endpoint], observed_at):
                if not isinstance(record, Quote):
                    continue
                yield replace(record, basis="effective")
                if record.component == "input":
                    yield from _hits_and_tokens(record, row)


def _hits_and_tokens(quote: Quote, row: Row) -> Iterator[Record]:
    if row["cache_hit_rate"] is not None:
        hits_pct = float(decimal_of(row["cache_hit_rate"]) * 100)
        if 0 <= hits_pct <= 100:
            yield Metric(quote.offer, "cache_hit_pct", "mean", "1d", hits_pct, locator="cache_hit_rate")
    if row["total_tokens"] is not None:
        day = date.fromisoformat(str(row["scrape_date"]))
        tokens = int(decimal_of(row["total_tokens"]))
        yield Demand(quote.offer.listed_name, day, tokens, f"host {row['provider_slug']}", "total_tokens")


def _per_token(usd_per_mtok: str | None) -> str:
    return "" if usd_per_mtok is None else f"{decimal_of(usd_per_mtok) / _PER_MTOK:f}"


def _left_out(row: Row) -> bool:
    flags = ("is_hidden", "is_disabled", "is_byok")
    return str(row["model_slug"]).startswith("~") or any(row.get(flag) == "True" for flag in flags)


def _aliases_notice(rows: Iterable[Row]) -> Iterator[Notice]:
    aliases = sorted({str(row["model_slug"]) for row in rows if str(row["model_slug"]).startswith("~")})
    if aliases:
        yield Notice("skipped", f"{len(aliases)} moving aliases repeat other rows: {', '.join(aliases)}", "model_slug")


def _by_model(rows: Iterable[Row]) -> Iterator[tuple[str, list[Row]]]:
    """(model id with its variant, rows): `thinking` and `free` are part of the callable name, `standard` is not."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        variant = row["variant"] or "standard"
        found[row["model_slug"] if variant == "standard" else f"{row['model_slug']}:{variant}"].append(row)
    yield from found.items()


def _endpoint(row: Row, percentiles: tuple[str, ...]) -> dict[str, Any]:
    """One row in the shape of the endpoints answer; every figure stays the text it was."""
    endpoint: dict[str, Any] = {
        "tag": _tag(row),
        "quantization": row.get("quantization"),
        "pricing": {key: row[column] for key, column in PRICES.items() if row.get(column) is not None},
        "throughput_last_30m": {name: row[f"{name}_throughput"] for name in percentiles},
        "latency_last_30m": {name: row[f"{name}_latency"] for name in percentiles},
    }
    return endpoint | {key: row[key] for key in TOKENS if row.get(key) is not None}


def _tag(row: Row) -> str:
    """Today's tags carry the region (`google-vertex/global`); the recorded slug does so only for some hosts."""
    slug, region = str(row["provider_slug"]), row.get("provider_region")
    return slug if "/" in slug or not region else f"{slug}/{region}"


def _parsed(model: str, endpoints: list[dict[str, Any]], observed_at: datetime) -> Iterator[Record]:
    body = json.dumps({"data": {"id": model, "endpoints": endpoints}}).encode()
    capture = Capture(SOURCE_ID, f"{URL}/{model}/endpoints", body, observed_at, "endpoints", recorder="sui414")
    yield from _source().parse(capture)


@lru_cache(maxsize=1)
def _source() -> SourceModule:
    return source_module(SOURCE_ID)


def _limits_and_counts(model: str, row: Row, observed_at: datetime) -> Iterator[Record]:
    """What the router grants through this host, and how often it was asked and refused in the window."""
    stated = [(column, row.get(column)) for column in (*(name for name, *_ in LIMITS), *COUNTS.values())]
    if all(value is None for _, value in stated):
        return
    records = list(_parsed(model, [{"tag": _tag(row), "pricing": {"prompt": "1"}}], observed_at))
    offer = next((record.offer for record in records if isinstance(record, Quote)), None)
    if offer is None:
        return
    for column, measure, window in LIMITS:
        amount = _positive(row.get(column))
        if amount is not None:
            yield Limit(
                offer.provider, offer.listed_name, "openrouter", measure, window, amount,
                learned_from="api", tier=offer.tier, region=offer.region, locator=column,
            )  # fmt: skip
    window = f"{row.get('stats_window_minutes') or 30}m"
    for name, column in COUNTS.items():
        if row.get(column) is not None:
            yield Metric(offer, name, "sum", window, float(decimal_of(row[column])), locator=column)


def _positive(raw: str | None) -> Decimal | None:
    """A limit; 0 is how a switched-off endpoint is written and limits nothing."""
    try:
        amount = decimal_of(raw)
    except ParseError:
        return None
    return amount if amount > 0 else None
