"""The rows behind a note down to the captures they were read from, and an offer's price and speed over time."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from scrapers import archive
from tracker.errors import StoreError
from tracker.explain import sketches
from tracker.explain.evidence import chains
from tracker.settings import Home
from warehouse.flag_facts import ARTICLE_DAYS
from warehouse.history import History

Row = Mapping[str, object]
DAYS = 120  # of price history in a chart
_DECLARED = """
SELECT 'declaration ' || d.declaration_id || ': ' || d.offer || ' ' || d.attribute || ' = ' || d.value AS told,
       d.source_id, d.observed_at, c.url, c.sha256, c.bytes
FROM declarations d LEFT JOIN captures c USING (capture_id) WHERE CAST(d.declaration_id AS VARCHAR) = $1
"""
_LIMITED = """
SELECT 'limit ' || l.limit_id || ': ' || l.provider || ' ' || l.account_tier || ' ' ||
       coalesce(CAST(CAST(l.amount AS DOUBLE) AS VARCHAR), l.status) || ' ' || l.measure || ' per ' || l.per AS told,
       l.source_id, l.observed_at, c.url, c.sha256, c.bytes
FROM limits l LEFT JOIN captures c USING (capture_id) WHERE CAST(l.limit_id AS VARCHAR) = $1 LIMIT 1
"""
_PROBED = """
SELECT 'probes ' || $1 || ': ' || count(*) || if(count(*) = 1, ' single stream', ' single streams') ||
       ' of ' || workload || ' from ' ||
       strftime(min(started_at), '%Y-%m-%d') || ' to ' || strftime(max(started_at), '%Y-%m-%d') || ', median ' ||
       round(median(1000 / itl_ms), 1) || ' tok/s, first token ' || round(median(ttft_ms)) || ' ms; the newest in file '
       || arg_max(file_hash, started_at)[:16] AS told,
       'vantage ' || arg_max(vantage, started_at) AS source_id, max(started_at) AS observed_at, NULL AS sha256
FROM probes
WHERE offer = $1 AND outcome = 'ok' AND concurrency = 1 AND itl_ms > 0 AND started_at <= $2
  AND started_at > CAST($2 AS TIMESTAMP) - INTERVAL 30 DAY
GROUP BY workload ORDER BY workload
"""
_MEASURED = """
SELECT 'metrics ' || $1 || ': ' || count(*) || if(count(*) = 1, ' reading', ' readings') || ' of ' || name || ' (' ||
       any_value(statistic) || ') from ' ||
       strftime(min(measured_at), '%Y-%m-%d') || ' to ' || strftime(max(measured_at), '%Y-%m-%d') || ', median ' ||
       round(median(value), 3) || if(s.kind = 'article', ' at ' || any_value(m.per), '') ||
       '; the newest:' AS told,
       any_value(m.source_id) AS source_id, max(m.observed_at) AS observed_at,
       arg_max(c.url, m.observed_at) AS url, arg_max(c.sha256, m.observed_at) AS sha256,
       arg_max(c.bytes, m.observed_at) AS bytes
FROM metrics m JOIN sources s USING (source_id) LEFT JOIN captures c USING (capture_id)
WHERE m.offer = $1 AND m.name IN ('throughput_tok_s', 'ttft_ms', 'prefill_s', 'decode_s', 'cache_hit_pct')
  AND m.statistic IN ('p50', 'mean', 'last', 'measured')
  AND m.measured_at <= $2 AND m.measured_at > CAST($2 AS TIMESTAMP)
      - INTERVAL 1 DAY * CASE s.kind WHEN 'article' THEN {article_days} ELSE 7 END
GROUP BY name, s.kind, if(s.kind = 'article', m.per, '') ORDER BY name, told
"""
_AUDITED = """
SELECT 'audit ' || audit_id || ': ' || offer || ' against ' || reference || ', ' || queries || ' questions: ' ||
       verdict || coalesce(', p ' || printf('%.2g', p_value), '') AS told,
       'vantage ' || vantage AS source_id, started_at AS observed_at, NULL AS sha256
FROM audits WHERE audit_id = $1 AND method = 'verdict'
"""
CHAINS = {"declarations": _DECLARED, "limits": _LIMITED, "audits": _AUDITED}
MEASURED = {"metrics": _MEASURED.format(article_days=ARTICLE_DAYS), "probes": _PROBED}


def captured_lines(home: Home, history: History, evidence: Sequence[Row], at: datetime) -> Iterator[str]:
    """Each row of the evidence with the response it was read from. Quotes also with the lines around them."""
    told: list[str] = []
    for row in evidence:
        view, ref = str(row["view"]), str(row["ref"])
        if view == "quotes" and ref.isdigit():
            told += chains(home, ref, context_lines=2)
        elif view in CHAINS:
            told += (_chain(home, found) for found in history.rows(CHAINS[view], [ref]))
        elif view in MEASURED:
            told += (_chain(home, found) for found in history.rows(MEASURED[view], [ref, at]))
    if told:
        yield ""
        yield "Where it was read"
        yield from (textwrap.indent(text, "  ") for text in dict.fromkeys(told))


def _chain(home: Home, row: Row) -> str:
    """One row down to its bytes, in the shape of `tracker evidence`."""
    lines = [str(row["told"]), f"  source    {row['source_id']}, {row['observed_at']:%Y-%m-%d %H:%M} UTC"]
    if row["sha256"]:
        lines += [f"  url       {row['url']}", f"  capture   sha256 {row['sha256']}, {row['bytes']:,} bytes"]
        try:
            archive.read(home.captures, str(row["sha256"]))
        except StoreError as error:
            lines.append(f"  bytes     {error}")
        else:
            lines.append(f"  bytes     {archive.path_of(home.captures, str(row['sha256']))} (hash verified)")
    return "\n".join(lines)


_PRICES = """
SELECT valid_from AS at, CAST(amount AS DOUBLE) AS value, currency FROM price_history
WHERE offer = $1 AND source_id = $2 AND component = 'output' AND basis IN ('list', 'discount') AND unit = 'mtok'
  AND hours = '' AND min_prompt_tokens = 0 AND amount IS NOT NULL AND valid_from <= $3
  AND valid_to > CAST($3 AS TIMESTAMP) - INTERVAL {days} DAY
QUALIFY row_number() OVER (PARTITION BY valid_from ORDER BY basis, amount DESC) = 1
ORDER BY valid_from
"""
_SPEEDS = """
SELECT CAST(date_trunc('day', measured_at) AS TIMESTAMP) AS at, median(value) AS value FROM metrics
WHERE offer = $1 AND name = $2 AND statistic = 'p50' AND value > 0 AND measured_at <= $3
  AND measured_at > CAST($3 AS TIMESTAMP) - INTERVAL 28 DAY
GROUP BY 1 ORDER BY 1
"""


def charts(history: History, offer: str, source_id: str, at: datetime) -> Iterator[str]:
    """The output price and the daily medians of speed and first token, where they moved."""
    prices = history.rows(_PRICES.format(days=DAYS), [offer, source_id, at])
    currency = str(prices[0]["currency"]) if prices else ""
    yield from _chart("Output price over time", prices, at, f"{currency} per million")
    for name, title, unit in (("throughput_tok_s", "Speed", "tok/s"), ("ttft_ms", "First token", "ms")):
        yield from _chart(f"{title}, daily medians", history.rows(_SPEEDS, [offer, name, at]), at, unit)


def _chart(title: str, rows: Sequence[Row], at: datetime, unit: str) -> Iterator[str]:
    points = [(row["at"], float(str(row["value"]))) for row in rows if isinstance(row["at"], datetime)]
    if drawn := sketches.over_time(
        [(moment, value) for moment, value in points if isinstance(moment, datetime)], at, unit
    ):
        yield ""
        yield title
        yield from (f"  {line}" for line in drawn)
