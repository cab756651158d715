"""Measurements, rates and demand: appended as shown, told again where a repaired parser reads them otherwise."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from warehouse.passes import PassFacts
from warehouse.shapes import offer_id
from warehouse.store import Connection, insert

SHOWN = ("observed_at", "recorded_at", "capture_id", "pass_id")


@dataclass(frozen=True, slots=True)
class Series:
    """One table of a series. `identity`: rows alike in these columns are one fact; a metric is one per pass."""

    table: str
    identity: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.identity, *SHOWN)))


METRIC = Series(
    "metric",
    (
        "source_id",
        "offer_id",
        "name",
        "statistic",
        "per",
        "value",
        "measured_at",
        "observed_at",
        "capture_id",
        "pass_id",
    ),
)
FX_RATE = Series("fx_rate", ("source_id", "base_currency", "quote_currency", "published_date", "rate"))
DEMAND = Series("demand", ("source_id", "listed_name", "day", "scope", "tokens", "prompt_tokens", "requests"))
Rows = list[tuple[object, ...]]


def rows_of(passes: Sequence[PassFacts]) -> Iterator[tuple[Series, Rows]]:
    """The rows that passes show, table by table."""
    yield METRIC, [
        (f.source_id, offer_id(m.offer), m.name, m.statistic, m.window, m.value, m.measured_at, f.observed_at,
         capture, f.pass_id, f.recorded_at)
        for f in passes for m, capture in f.metrics
    ]  # fmt: skip
    yield FX_RATE, [
        (f.source_id, r.base_currency, r.quote_currency, r.published_date, r.rate, f.observed_at, f.recorded_at,
         capture, f.pass_id)
        for f in passes for r, capture in f.fx_rates
    ]  # fmt: skip
    yield DEMAND, [
        (f.source_id, d.listed_name, d.day, d.scope, d.tokens, d.prompt_tokens, d.requests, f.observed_at,
         f.recorded_at, capture, f.pass_id)
        for f in passes for d, capture in f.demand
    ]  # fmt: skip


def append_series(connection: Connection, passes: Sequence[PassFacts]) -> None:
    """Append what passes show; a rate or a count that stands there already is not written twice."""
    for series, rows in rows_of(passes):
        if not rows:
            continue
        if series is METRIC:
            insert(connection, "core.metric", series.columns, rows)
            continue
        _stage(connection, series, rows, "fresh")
        _insert_new(connection, series, "fresh", "recorded_at", [])
        connection.execute("DROP TABLE fresh")
        if series is FX_RATE:
            refresh_fx_daily(connection)


def passes_with_series(connection: Connection, source_id: str) -> set[int]:
    """The passes of a source that the series name."""
    tables = " UNION ".join(
        f"SELECT pass_id FROM core.{s.table} WHERE source_id = $1" for s in (METRIC, FX_RATE, DEMAND)
    )
    return {pass_id for (pass_id,) in connection.execute(tables, [source_id]).fetchall()}


def stage_again(connection: Connection, facts: PassFacts) -> None:
    """Put aside what a pass stored before shows to today's parser."""
    for series, rows in rows_of([facts]):
        if rows:
            _stage(connection, series, rows, f"again_{series.table}")


def settle_again(connection: Connection, source_id: str, pass_ids: Sequence[int], told_at: datetime) -> None:
    """Make the series of the passes told again hold exactly what was put aside; the rest is stamped `superseded_at`."""
    if not pass_ids:
        return  # a source of prices alone
    for series in (METRIC, FX_RATE, DEMAND):
        aside = f"again_{series.table}"
        connection.execute(f"CREATE TEMP TABLE IF NOT EXISTS {aside} AS SELECT * FROM core.{series.table} LIMIT 0")
        connection.execute(
            f"UPDATE core.{series.table} AS known SET superseded_at = ? WHERE source_id = ? AND superseded_at IS NULL "
            f"AND pass_id IN (SELECT unnest(?)) AND NOT EXISTS (SELECT 1 FROM {aside} fresh WHERE {_alike(series)})",
            [told_at, source_id, list(pass_ids)],
        )
        _insert_new(connection, series, aside, "?", [told_at])
        connection.execute(f"DROP TABLE {aside}")
    refresh_fx_daily(connection)


def _stage(connection: Connection, series: Series, rows: Rows, table: str) -> None:
    unique = {row[: len(series.identity)]: row for row in reversed(rows)}
    connection.execute(f"CREATE TEMP TABLE IF NOT EXISTS {table} AS SELECT * FROM core.{series.table} LIMIT 0")
    insert(connection, table, series.columns, list(unique.values()))


def _alike(series: Series) -> str:
    return " AND ".join(f"known.{name} IS NOT DISTINCT FROM fresh.{name}" for name in series.identity)


def _insert_new(
    connection: Connection, series: Series, table: str, recorded_at: str, parameters: Sequence[object]
) -> None:
    """Insert the staged rows that do not stand there yet, each once, as the first pass showed it."""
    names = ", ".join(series.columns)
    picked = ", ".join(f"{recorded_at} AS recorded_at" if n == "recorded_at" else f"fresh.{n}" for n in series.columns)
    connection.execute(
        f"INSERT INTO core.{series.table} ({names}) SELECT {picked} FROM {table} fresh WHERE NOT EXISTS "
        f"(SELECT 1 FROM core.{series.table} known WHERE known.superseded_at IS NULL AND {_alike(series)}) "
        f"QUALIFY row_number() OVER (PARTITION BY {', '.join(f'fresh.{n}' for n in series.identity)} "
        "ORDER BY fresh.observed_at, fresh.pass_id) = 1",
        list(parameters),
    )


def refresh_fx_daily(connection: Connection) -> None:
    """USD per unit of each currency for each day, carried over weekends and holidays; ECB's base is the euro."""
    connection.execute("DELETE FROM calc.fx_daily")
    connection.execute(
        """
        INSERT INTO calc.fx_daily
        WITH euro AS (
            SELECT quote_currency AS currency, published_date, arg_max(rate, recorded_at)::DOUBLE AS rate
            FROM core.fx_rate WHERE base_currency = 'EUR' AND superseded_at IS NULL GROUP BY ALL
        ), dollar AS (SELECT published_date, rate FROM euro WHERE currency = 'USD'),
        published AS (
            SELECT e.currency, e.published_date, d.rate / e.rate AS usd FROM euro e JOIN dollar d USING (published_date)
            UNION ALL SELECT 'EUR', published_date, rate FROM dollar
        ), spans AS (
            SELECT *, coalesce(lead(published_date) OVER (PARTITION BY currency ORDER BY published_date),
                               published_date + 1) AS next_date FROM published
        )
        SELECT currency, unnest(generate_series(published_date, next_date - 1, INTERVAL 1 DAY))::DATE,
               published_date, usd FROM spans
        """
    )
