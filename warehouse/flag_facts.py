"""What the rules look at, read as of one moment: the same statements serve today's pass and a replay of past days.

They run on any open connection, the published file's too.
"""

from collections.abc import Sequence
from datetime import datetime, time, timedelta

from warehouse.store import Connection

Rows = list[dict[str, object]]
LIVE_KINDS = ("seller", "host", "market", "catalogue")  # read again and again; the others are history by nature
ARTICLE_DAYS = 60  # an article's price is judged for two months after its date: it says nothing of later ones
EASY_TEXT, HARD_TEXT = "temperature=0", "temperature=2"  # settings of an article's measurement
OWN_PROBES = "own probes"  # in place of a source
UNREAD_DAYS = 30  # a price whose source nobody has read for so long stays in the history and is not judged
AUDIT_DAYS = 180  # an audit says how an offer was served then

_UNREAD = """WITH unread AS (
    SELECT p.source_id FROM core.pass p JOIN ref.source s USING (source_id)
    WHERE p.outcome <> 'failed' AND p.observed_at <= {at} AND s.kind IN {live_kinds}
    GROUP BY p.source_id HAVING max(p.observed_at) <= {at} - INTERVAL {unread_days} DAY
)"""
# One row per offer: the standing price (promotion included), the list price, the transacted one; best-standing source.
_OFFERS = (
    _UNREAD
    + """, told AS (
    SELECT q.quote_id, q.offer_id, q.offer, q.provider, q.listed_name, q.tier, q.model_id, q.component, q.basis,
        q.amount,
           q.currency, q.status, q.min_prompt_tokens, q.hours, q.source_id, q.observed_at, q.effective_from,
           s.standing, s.kind AS source_kind, s.every_hours,
           s.kind IN ('catalogue', 'bundled') AS is_copy,
           s.kind = 'market' AND q.provider = s.provider AS is_headline
    FROM quotes_asof({at}) q JOIN ref.source s USING (source_id)
    WHERE q.unit = 'mtok' AND q.component IN ('input', 'output', 'cache_read', 'image_out', 'audio_out', 'video_out')
      AND (s.standing < 9 OR coalesce(q.effective_from, q.observed_at) > {at} - INTERVAL {article_days} DAY)
      AND q.source_id NOT IN (FROM unread)
), best AS (
    SELECT offer_id, source_id FROM told WHERE basis <> 'effective' GROUP BY offer_id, source_id
    QUALIFY row_number() OVER (PARTITION BY offer_id ORDER BY min(standing), max(observed_at) DESC, source_id) = 1
), billed AS (
    SELECT t.* FROM told t JOIN best USING (offer_id, source_id) WHERE t.basis <> 'effective'
    QUALIFY row_number() OVER (PARTITION BY t.offer_id, t.component ORDER BY
        CASE t.basis WHEN 'discount' THEN 0 ELSE 1 END, t.min_prompt_tokens, CASE t.hours WHEN '' THEN 0 ELSE 1 END,
        t.effective_from DESC NULLS LAST, t.amount DESC, t.quote_id) = 1
), listed AS (
    SELECT t.* FROM told t JOIN best USING (offer_id, source_id) WHERE t.basis = 'list'
    QUALIFY row_number() OVER (PARTITION BY t.offer_id, t.component ORDER BY t.min_prompt_tokens,
        CASE t.hours WHEN '' THEN 0 ELSE 1 END, t.effective_from DESC NULLS LAST, t.amount DESC, t.quote_id) = 1
), transacted AS (
    SELECT * FROM told WHERE basis = 'effective'
    QUALIFY row_number() OVER (PARTITION BY offer_id, component ORDER BY observed_at DESC, quote_id) = 1
), rate AS (
    SELECT currency, arg_max(usd_per_unit,
        day) AS usd FROM calc.fx_daily WHERE day <= CAST({at} AS DATE) GROUP BY currency
), wide AS (
    SELECT offer_id, min(offer) AS offer, min(provider) AS provider, min(listed_name) AS listed_name, min(tier) AS tier,
           min(model_id) AS model_id, min(source_id) AS source_id, min(source_kind) AS source_kind,
           min(standing) AS standing, min(every_hours) AS every_hours, bool_or(is_copy) AS is_copy,
           bool_or(is_headline) AS is_headline,
           min(currency) AS currency,
           max(amount) FILTER (component = 'input') AS input, max(amount) FILTER (component = 'output') AS output,
           max(status) FILTER (component = 'input') AS input_status,
           max(status) FILTER (component = 'output') AS output_status,
           max(quote_id) FILTER (component = 'input') AS input_quote_id,
           max(quote_id) FILTER (component = 'output') AS output_quote_id,
           max(amount) FILTER (component = 'cache_read') AS cache_read,
           count(*) FILTER (ends_with(component, '_out')) = 0
               AND max(amount) FILTER (component = 'output') > 0 AS is_text,
           min(coalesce(effective_from, observed_at)) AS since
    FROM billed GROUP BY offer_id
), wide_list AS (
    SELECT offer_id, max(amount) FILTER (component = 'input') AS input,
        max(amount) FILTER (component = 'output') AS output
    FROM listed GROUP BY offer_id
), wide_paid AS (
    SELECT offer_id, max(amount) FILTER (component = 'input') AS input,
        max(amount) FILTER (component = 'output') AS output,
           max(quote_id) AS quote_id, any_value(currency) AS currency
    FROM transacted GROUP BY offer_id
)
SELECT w.offer_id, w.offer, w.provider, w.listed_name, w.tier, coalesce(w.is_text, FALSE) AS is_text, w.model_id,
    w.source_id, w.source_kind, w.is_copy, w.is_headline, w.standing,
       w.every_hours, w.currency, CASE WHEN w.currency = 'USD' THEN 1.0 ELSE r.usd END AS usd_per_unit,
       CAST(w.input AS DOUBLE) AS input, CAST(w.output AS DOUBLE) AS output, w.input_status, w.output_status,
       CAST(w.cache_read AS DOUBLE) AS cache_read, w.input_quote_id, w.output_quote_id, w.since,
           CAST(l.input AS DOUBLE) AS input_list,
       CAST(l.output AS DOUBLE) AS output_list,
       CAST(p.input AS DOUBLE) * CASE WHEN p.currency = 'USD' THEN 1.0 END AS input_paid_usd,
       CAST(p.output AS DOUBLE) * CASE WHEN p.currency = 'USD' THEN 1.0 END AS output_paid_usd,
           p.quote_id AS paid_quote_id,
       m.precision AS named_precision
FROM wide w LEFT JOIN rate r ON r.currency = w.currency LEFT JOIN wide_list l USING (offer_id)
LEFT JOIN wide_paid p USING (offer_id) LEFT JOIN calc.offer_model m USING (offer_id)
ORDER BY w.offer
"""
)
# A label is withdrawn where it goes and its source still shows the offer's price; else it went with the offer.
_LABELS = """
WITH said AS (
    SELECT d.version_id, d.offer_id, d.attribute, d.declared, d.source_id, d.observed_at,
        CAST(NULL AS TIMESTAMP) AS ended_at
    FROM core.declaration_now d
    UNION ALL
    SELECT d.version_id, d.offer_id, d.attribute, d.declared, d.source_id, d.observed_at, d.ended_at
    FROM core.declaration_past d WHERE d.superseded_at IS NULL
)
SELECT d.version_id AS declaration_id, d.offer_id, d.attribute, d.declared AS value, d.source_id, d.observed_at,
    CASE WHEN d.ended_at <= {at} THEN d.ended_at END AS ended_at, s.standing, d.ended_at <= {at} AND EXISTS (
        FROM price_history h WHERE h.offer_id = d.offer_id AND h.source_id = d.source_id AND h.basis <> 'effective'
        AND h.component IN ('input', 'output') AND h.valid_from <= d.ended_at AND h.valid_to > d.ended_at
    ) AS is_withdrawn
FROM said d JOIN ref.source s USING (source_id)
WHERE d.attribute IN ('precision', 'context_tokens') AND d.observed_at <= {at}
ORDER BY d.offer_id, s.standing, d.observed_at, d.version_id
"""
# Our own probes before what others measured: single streams, of ordinary text if there are any, and first tokens of
# prompts of ordinary length. Neither a claim nor text made to defeat a draft model is what a user sees.
_SPEEDS = """
WITH told AS (
    SELECT m.offer_id, m.name, m.value, m.source_id, 2 AS distance,
           TRY_CAST(regexp_extract(m.per, 'prompt_tokens=([0-9]+)', 1) AS INTEGER) AS prompt_tokens
    FROM core.metric m JOIN ref.source s USING (source_id)
    WHERE m.superseded_at IS NULL
      AND m.name IN ('throughput_tok_s', 'ttft_ms', 'prefill_s', 'decode_s', 'cache_hit_pct')
      AND (m.value > 0 OR m.name = 'cache_hit_pct') AND m.statistic IN ('p50', 'mean', 'last', 'measured')
      AND m.per <> '{hard}' AND coalesce(m.measured_at, m.observed_at) <= {at}
      AND coalesce(m.measured_at, m.observed_at) > {at}
          - INTERVAL 1 DAY * CASE s.kind WHEN 'article' THEN {article_days} ELSE {days} END
    UNION ALL
    SELECT o.offer_id, 'throughput_tok_s', 1000 / p.itl_ms, '{own}', CASE p.workload WHEN 'regular' THEN 1 ELSE 0 END,
           p.input_tokens
    FROM probes p JOIN core.offer o USING (offer)
    WHERE p.outcome = 'ok' AND p.concurrency = 1 AND p.itl_ms > 0 AND NOT starts_with(p.workload, 'hard')
      AND p.started_at <= {at} AND p.started_at > {at} - INTERVAL {days} DAY
    UNION ALL
    SELECT o.offer_id, 'ttft_ms', p.ttft_ms, '{own}', 0, p.input_tokens
    FROM probes p JOIN core.offer o USING (offer)
    WHERE p.outcome = 'ok' AND p.concurrency = 1 AND p.ttft_ms > 0 AND p.input_tokens BETWEEN 1000 AND 10000
      AND p.started_at <= {at} AND p.started_at > {at} - INTERVAL {days} DAY
), best AS (
    FROM told QUALIFY dense_rank() OVER (PARTITION BY offer_id, name ORDER BY distance) = 1
)
SELECT offer_id, name, median(value) AS value, min(source_id) AS source_id, median(prompt_tokens) AS prompt_tokens
FROM best GROUP BY offer_id, name ORDER BY offer_id, name
"""
_SPEED_DAYS = """
WITH daily AS (
    SELECT offer_id, name, CAST(coalesce(measured_at, observed_at) AS DATE) AS day, median(value) AS value
    FROM core.metric
    WHERE superseded_at IS NULL AND name IN ('throughput_tok_s', 'ttft_ms') AND statistic = 'p50' AND value > 0
      AND coalesce(measured_at, observed_at) <= {at} AND coalesce(measured_at, observed_at) > {at} - INTERVAL 28 DAY
    GROUP BY ALL
)
SELECT offer_id, name, list(day ORDER BY day) AS days, list(value ORDER BY day) AS values
FROM daily GROUP BY offer_id, name HAVING count(*) >= 8 ORDER BY offer_id, name
"""
# Versions that touch the last four weeks, of components that moved in them.
_MOVES = """
WITH touched AS (
    SELECT offer_id, source_id, component, basis, CAST(amount AS DOUBLE) AS amount, currency, valid_from,
        CASE WHEN valid_to <= {at} THEN valid_to ELSE TIMESTAMP '9999-12-31' END AS valid_to, quote_id
    FROM price_history
    WHERE component IN ('input', 'output', 'cache_read') AND basis <> 'effective' AND unit = 'mtok'
      AND amount IS NOT NULL AND hours = '' AND min_prompt_tokens = 0
      AND valid_from <= {at} AND valid_to > {at} - INTERVAL 28 DAY
), moved AS (
    SELECT DISTINCT offer_id, source_id, component FROM touched
    WHERE valid_from > {at} - INTERVAL 28 DAY OR valid_to <= {at}
)
SELECT t.offer_id, t.source_id, t.component, t.basis, t.amount, t.currency, t.valid_from, t.valid_to, t.quote_id
FROM touched t JOIN moved USING (offer_id, source_id, component) ORDER BY t.offer_id, t.valid_from, t.quote_id
"""
_CONFLICTS = (
    _UNREAD
    + """, said AS (
    SELECT q.offer_id, q.component, q.source_id, s.standing, s.copies, s.kind, q.currency, arg_max(q.quote_id,
        q.amount) AS quote_id,
           CAST(max(q.amount) AS DOUBLE) AS amount
    FROM quotes_asof({at}) q JOIN ref.source s USING (source_id)
    WHERE q.basis = 'list' AND q.status = 'known' AND q.unit = 'mtok' AND q.hours = '' AND q.min_prompt_tokens = 0
      AND s.standing < 9 AND q.component IN ('input', 'output') AND q.amount > 0 AND q.source_id NOT IN (FROM unread)
    GROUP BY q.offer_id, q.component, q.source_id, s.standing, s.copies, s.kind, q.currency
)
SELECT a.offer_id, a.component, a.source_id, a.standing, a.amount, b.source_id AS other_source_id,
    b.amount AS other_amount,
       (b.copies = '*' OR b.kind IN ('catalogue', 'bundled') OR list_contains(string_split(b.copies, ' '), a.source_id))
           AS other_is_copy, a.currency, a.quote_id, b.quote_id AS other_quote_id
FROM said a JOIN said b ON a.offer_id = b.offer_id AND a.component = b.component AND a.currency = b.currency
     AND (a.standing < b.standing OR (a.standing = b.standing AND a.source_id < b.source_id))
WHERE abs(b.amount / a.amount - 1) > 0.005
ORDER BY a.offer_id, a.component, a.source_id, b.source_id
"""
)
_LIMITS = """
SELECT l.limit_id, l.provider, l.listed_name, l.tier, l.account_tier, l.measure, l.per,
       CAST(l.amount AS DOUBLE) AS amount,
       l.status, l.source_id, l.observed_at
FROM limits l
WHERE l.observed_at <= {at} AND (l.ended_at IS NULL OR l.ended_at > {at})
  AND l.status IN ('number', 'unlimited')
  AND l.measure IN ('requests', 'tokens', 'input_tokens', 'output_tokens', 'concurrency')
ORDER BY l.provider, l.listed_name, l.account_tier, l.measure, l.per, l.limit_id
"""
# Versions of the limits of single models that moved in the last four weeks; an account's own limit is no offer's.
_LIMIT_MOVES = """
SELECT provider, listed_name, tier, account_tier, measure, per, source_id,
       list({{'at': observed_at, 'amount': CAST(amount AS DOUBLE), 'limit_id': limit_id}} ORDER BY observed_at) AS moves
FROM limits
WHERE status = 'number' AND listed_name <> '' AND observed_at <= {at}
GROUP BY provider, listed_name, tier, account_tier, measure, per, source_id
HAVING count(*) > 1 AND max(observed_at) > {at} - INTERVAL 28 DAY
ORDER BY provider, listed_name, tier, account_tier, measure, per, source_id
"""
# What was waiting then, whatever became of it since.
_HELD = """
SELECT h.hold_id, h.offer_id, h.component, CAST(h.amount AS DOUBLE) AS amount, h.currency, h.reason, h.detail
FROM core.hold h
WHERE h.observed_at <= {at} AND (h.decided_at IS NULL OR h.decided_at > {at}) AND h.reason <> 'jump' ORDER BY h.hold_id
"""
# How a source was read: when last, how often, and how fast its rows move (first reading apart).
_READ = """
WITH good AS (
    SELECT source_id, observed_at, opened, row_count,
           row_number() OVER (PARTITION BY source_id ORDER BY observed_at) AS place,
           date_diff('minute', lag(observed_at) OVER (PARTITION BY source_id ORDER BY observed_at), observed_at) / 60
               AS gap_hours
    FROM core.pass WHERE outcome <> 'failed' AND observed_at <= {at} AND observed_at > {at} - INTERVAL 90 DAY
), latest AS (
    FROM good QUALIFY row_number() OVER (PARTITION BY source_id ORDER BY observed_at DESC) <= 8
), usual AS (
    SELECT source_id, median(gap_hours) AS usual_hours FROM latest GROUP BY source_id
)
SELECT source_id, max(observed_at) AS last_good_at, any_value(usual_hours) AS usual_hours,
       sum(opened) FILTER (place > 1) / nullif(median(row_count), 0)
           / nullif(date_diff('hour', min(observed_at), max(observed_at)) / 24, 0) AS moved_a_day
FROM good JOIN usual USING (source_id) GROUP BY source_id ORDER BY source_id
"""
_MISSING = """
SELECT offer_id, source_id, min(missing_since) AS missing_since FROM core.quote_now
WHERE missing_since <= {at} GROUP BY offer_id, source_id ORDER BY offer_id, source_id
"""
# One price per lessor (the median of its regions and sizes), quartiles over lessors; as of the Monday of the week.
_RENTS = """
WITH asked AS (
    SELECT accelerator, lessor, median(usd_per_gpu_hour) AS usd FROM rentals JOIN ref.source s USING (source_id)
    WHERE commitment = 'on_demand' AND accelerator <> '' AND usd_per_gpu_hour > 0 AND s.kind = 'rental'
      AND valid_from <= {week} AND valid_to > {week}
    GROUP BY accelerator, lessor
)
SELECT accelerator, quantile_cont(usd, 0.25) AS p25, median(usd) AS p50, quantile_cont(usd, 0.75) AS p75
FROM asked GROUP BY accelerator HAVING count(*) >= 3 ORDER BY accelerator
"""
# Verdicts that say something of the weights. A look of a watch has an e-value: its alarm is a finding at 1/e, its
# silence is no clean bill.
_AUDITS = """
SELECT offer, audit_id, started_at, reference, verdict, coalesce(p_value, 1 / greatest(e_value, 1)) AS p_value, kl_mid,
       detectable_kl, power, sentence
FROM audits
WHERE method = 'verdict' AND started_at <= {at} AND started_at > {at} - INTERVAL {audit_days} DAY
  AND (verdict IN ('differs', 'another_model') OR (verdict = 'not_detectable' AND e_value IS NULL))
ORDER BY offer, started_at, audit_id
"""
# Our own pairs, else those an article measured.
_SPEED_PAIRS = """
WITH pairs AS (
    SELECT o.offer_id, median(1000 / p.itl_ms) FILTER (p.workload = 'regular') AS easy,
           median(1000 / p.itl_ms) FILTER (p.workload = 'hard') AS hard,
           least(count(*) FILTER (p.workload = 'regular'), count(*) FILTER (p.workload = 'hard')) AS pairs,
           sqrt(coalesce(var_samp(ln(p.itl_ms)) FILTER (p.workload = 'regular'), 0)
                + coalesce(var_samp(ln(p.itl_ms)) FILTER (p.workload = 'hard'), 0)) AS spread,
           'probes' AS view, any_value(o.offer) AS ref
    FROM probes p JOIN core.offer o USING (offer)
    WHERE p.outcome = 'ok' AND p.workload IN ('regular', 'hard') AND p.concurrency = 1 AND p.itl_ms > 0
      AND p.started_at <= {at} AND p.started_at > {at} - INTERVAL 30 DAY
    GROUP BY o.offer_id
    UNION ALL
    SELECT o.offer_id, median(m.value) FILTER (m.per = '{easy}'), median(m.value) FILTER (m.per = '{hard}'),
           least(count(*) FILTER (m.per = '{easy}'), count(*) FILTER (m.per = '{hard}')), 0, 'metrics', o.offer
    FROM core.metric m JOIN core.offer o USING (offer_id) JOIN ref.source s USING (source_id)
    WHERE m.superseded_at IS NULL AND s.kind = 'article' AND m.name = 'throughput_tok_s' AND m.statistic <> 'claim'
      AND m.measured_at <= {at} AND m.measured_at > {at} - INTERVAL {article_days} DAY
    GROUP BY o.offer_id, o.offer
)
FROM pairs WHERE easy IS NOT NULL AND hard IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY offer_id ORDER BY view = 'metrics') = 1 ORDER BY offer_id
"""
# What a request of a model looks like on a router, over the four weeks before.
_LENGTHS = """
SELECT listed_name, sum(requests) AS requests, sum(prompt_tokens) AS prompt_tokens,
       sum(tokens) - sum(prompt_tokens) AS output_tokens
FROM demand
WHERE scope = '' AND requests > 0 AND prompt_tokens IS NOT NULL
  AND day <= CAST({at} AS DATE) AND day > CAST({at} AS DATE) - 28
GROUP BY listed_name ORDER BY listed_name
"""
_TELLERS = "SELECT source_id, title, provider FROM ref.source ORDER BY source_id"
READS = {
    "offers": _OFFERS,
    "labels": _LABELS,
    "tellers": _TELLERS,
    "speeds": _SPEEDS,
    "speed_days": _SPEED_DAYS,
    "moves": _MOVES,
    "conflicts": _CONFLICTS,
    "limits": _LIMITS,
    "limit_moves": _LIMIT_MOVES,
    "held": _HELD,
    "read": _READ,
    "missing": _MISSING,
    "audits": _AUDITS,
    "rents": _RENTS,
    "speed_pairs": _SPEED_PAIRS,
    "lengths": _LENGTHS,
}


def read_facts(connection: Connection, at: datetime, speed_days: int = 7) -> dict[str, Rows]:
    """Everything the rules look at, as of `at`, by name of READS."""
    return {
        name: rows(
            connection,
            sql.format(
                at=_literal(at),
                week=_literal(_monday(at)),
                days=speed_days,
                article_days=ARTICLE_DAYS,
                unread_days=UNREAD_DAYS,
                audit_days=AUDIT_DAYS,
                live_kinds=LIVE_KINDS,
                easy=EASY_TEXT,
                hard=HARD_TEXT,
                own=OWN_PROBES,
            ),
        )
        for name, sql in READS.items()
    }


def read_rents(connection: Connection, week: datetime) -> Rows:
    """Quartiles of what at least three lessors asked at the start of a week."""
    return rows(connection, _RENTS.format(week=_literal(week)))


def _monday(at: datetime) -> datetime:
    return datetime.combine((at - timedelta(days=at.weekday())).date(), time())


def _literal(at: datetime) -> str:
    """Macros take constants only."""
    return f"TIMESTAMP '{at.isoformat(sep=' ')}'"


def rows(connection: Connection, sql: str, params: Sequence[object] = ()) -> Rows:
    """All rows of a statement as dicts."""
    cursor = connection.execute(sql, list(params))
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def now_of(connection: Connection) -> datetime | None:
    """The ledger's own present; None while it is empty."""
    found = connection.execute("SELECT now_utc FROM clock").fetchone()
    return found[0] if found else None


_DAILY_PRICES = """
WITH own AS (
    SELECT h.model_id, h.offer_id, h.component, h.basis, h.amount_usd, h.valid_from, h.valid_to, h.quote_id, s.standing
    FROM price_history h JOIN ref.source s USING (source_id)
    WHERE h.component IN ('input', 'output') AND h.basis <> 'effective' AND h.unit = 'mtok' AND h.tier = 'standard'
      AND h.hours = '' AND h.min_prompt_tokens = 0 AND s.standing < 9 AND h.amount_usd > 0 AND h.valid_from <= {at}
      AND list_contains(?, h.model_id)
), days AS (
    SELECT CAST(unnest(generate_series(
        (SELECT CAST(min(valid_from) AS DATE) FROM own), CAST({at} AS DATE), INTERVAL 1 DAY)) AS DATE) AS day
)
SELECT o.model_id, o.offer_id, o.component, d.day, o.amount_usd AS usd
FROM own o JOIN days d ON o.valid_from < d.day + 1 AND o.valid_to >= d.day + 1
QUALIFY row_number() OVER (PARTITION BY o.offer_id, o.component, d.day
                           ORDER BY o.standing, o.basis, o.amount_usd DESC, o.quote_id) = 1
ORDER BY o.model_id, o.offer_id, o.component, d.day
"""


def daily_prices(connection: Connection, at: datetime, model_ids: Sequence[str]) -> Rows:
    """Standing USD prices at each day's end of these models' paid standard offers; a currency move is no change."""
    return rows(connection, _DAILY_PRICES.format(at=_literal(at)), [list(model_ids)])


def demand_rows(connection: Connection, at: datetime) -> Rows:
    """What counters saw, up to the day of `at`."""
    return rows(
        connection,
        "SELECT source_id, listed_name, day, scope, tokens FROM demand WHERE day <= CAST(? AS DATE) AND tokens > 0 "
        "ORDER BY source_id, listed_name, scope, day",
        [at],
    )
