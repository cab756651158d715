-- Prices over time and now. Amounts stay in the seller's currency; *_usd_* columns convert with that day's rate.
CREATE OR REPLACE VIEW price_history AS
WITH versions AS (
    SELECT version_id, source_id, offer_id, component, basis, min_prompt_tokens, max_prompt_tokens, hours, effective_from,
           amount, currency, unit, status, priority, raw, capture_id, observed_at, recorded_at,
           CAST(NULL AS TIMESTAMP) AS ended_at, CAST(NULL AS VARCHAR) AS end_reason,
           coalesce(effective_from, least(observed_at, coalesce(effective_until, observed_at))) AS valid_from,
           coalesce(effective_until, TIMESTAMP '9999-12-31 00:00:00') AS valid_to
    FROM core.quote_now
    UNION ALL
    SELECT version_id, source_id, offer_id, component, basis, min_prompt_tokens, max_prompt_tokens, hours, effective_from,
           amount, currency, unit, status, priority, raw, capture_id, observed_at, recorded_at,
           ended_at, end_reason, valid_from, valid_to
    FROM core.quote_past WHERE superseded_at IS NULL
), last_rate AS (SELECT max(day) AS day FROM calc.fx_daily)
SELECT v.version_id AS quote_id, o.offer, o.provider, o.listed_name, o.tier, o.region, o.variant, m.model_id, v.component,
       v.basis, v.amount, v.currency, v.unit, v.status,
       CASE WHEN v.currency = 'USD' THEN CAST(v.amount AS DOUBLE) ELSE v.amount * f.usd_per_unit END AS amount_usd,
       v.min_prompt_tokens, v.max_prompt_tokens, v.hours, v.priority, v.effective_from, v.valid_from, v.valid_to,
       v.observed_at, v.recorded_at, v.ended_at, v.end_reason, v.source_id, v.raw, v.capture_id, v.offer_id
FROM versions v JOIN core.offer o USING (offer_id) LEFT JOIN calc.offer_model m USING (offer_id)
CROSS JOIN last_rate
LEFT JOIN calc.fx_daily f ON f.currency = v.currency AND f.day = least(CAST(v.valid_from AS DATE), last_rate.day);
COMMENT ON VIEW price_history IS 'Every version of every price: what held from valid_from until valid_to, as the ledger knows it today.';
COMMENT ON COLUMN price_history.quote_id IS 'Id of this version; `tracker evidence ID`';
COMMENT ON COLUMN price_history.offer IS 'The offer';
COMMENT ON COLUMN price_history.provider IS 'Who serves and bills';
COMMENT ON COLUMN price_history.listed_name IS 'Name as listed';
COMMENT ON COLUMN price_history.tier IS 'Service tier';
COMMENT ON COLUMN price_history.region IS 'Region or market';
COMMENT ON COLUMN price_history.variant IS 'Variant tag';
COMMENT ON COLUMN price_history.model_id IS 'Canonical author/slug';
COMMENT ON COLUMN price_history.component IS 'What is billed';
COMMENT ON COLUMN price_history.basis IS 'list, discount or effective';
COMMENT ON COLUMN price_history.amount IS 'Price per unit in the seller''s currency';
COMMENT ON COLUMN price_history.currency IS 'The seller''s currency';
COMMENT ON COLUMN price_history.unit IS 'Unit';
COMMENT ON COLUMN price_history.status IS 'known, free, zero_claimed, dynamic, unknown';
COMMENT ON COLUMN price_history.amount_usd IS 'The same in US dollars at the rate of valid_from''s day';
COMMENT ON COLUMN price_history.min_prompt_tokens IS 'Holds from this many prompt tokens';
COMMENT ON COLUMN price_history.max_prompt_tokens IS 'Holds below this many prompt tokens';
COMMENT ON COLUMN price_history.hours IS 'Time band on the vendor''s calendar';
COMMENT ON COLUMN price_history.priority IS 'The source''s own precedence';
COMMENT ON COLUMN price_history.effective_from IS 'From when the seller says it holds; NULL not said';
COMMENT ON COLUMN price_history.valid_from IS 'effective_from where said, else when first seen, UTC; equal to valid_to where only the end is known';
COMMENT ON COLUMN price_history.valid_to IS 'Until when it held; 9999-12-31 while it stands';
COMMENT ON COLUMN price_history.observed_at IS 'When the source first showed it, UTC';
COMMENT ON COLUMN price_history.recorded_at IS 'When it entered this ledger, UTC';
COMMENT ON COLUMN price_history.ended_at IS 'When the source no longer showed it, UTC';
COMMENT ON COLUMN price_history.end_reason IS 'changed or removed';
COMMENT ON COLUMN price_history.source_id IS 'Where it was read';
COMMENT ON COLUMN price_history.raw IS 'As the source wrote it';
COMMENT ON COLUMN price_history.capture_id IS 'The raw bytes behind it';
COMMENT ON COLUMN price_history.offer_id IS 'Stable id of the offer';

CREATE OR REPLACE VIEW price_changes AS
WITH steps AS (
    SELECT *,
           lag(quote_id) OVER path AS old_quote_id, lag(amount) OVER path AS old_amount,
           lag(currency) OVER path AS old_currency, lag(unit) OVER path AS old_unit, lag(status) OVER path AS old_status,
           lag(valid_to) OVER path AS old_valid_to,
           nullif(lag(amount, 2) OVER same_unit, 0) AS older_amount, nullif(lead(amount) OVER same_unit, 0) AS next_amount
    FROM price_history WHERE basis <> 'effective'
    WINDOW path AS (PARTITION BY source_id, offer_id, component, basis, min_prompt_tokens, max_prompt_tokens, hours
                    ORDER BY valid_from, valid_to, recorded_at),
           same_unit AS (PARTITION BY source_id, offer_id, component, basis, min_prompt_tokens, max_prompt_tokens, hours,
                                      currency, unit ORDER BY valid_from, valid_to, recorded_at)
),
copied AS (SELECT source_id FROM ref.source WHERE copies <> ''),
routers AS (SELECT DISTINCT provider FROM ref.source WHERE kind = 'market' AND provider <> ''),
begun AS (SELECT source_id, recorder, min(observed_at) AS begun_at FROM core.pass WHERE outcome <> 'failed' GROUP BY ALL),
first_pass AS (SELECT source_id, min(begun_at) AS begun_at FROM begun GROUP BY source_id),
joined_late AS (SELECT DISTINCT source_id, begun_at FROM begun),
ends AS (
    SELECT source_id, offer_id, component, ended_at, count(*) AS pieces FROM price_history
    WHERE end_reason = 'removed' GROUP BY ALL
), starts AS (
    SELECT source_id, offer_id, component, observed_at, count(*) AS pieces FROM price_history
    WHERE effective_from IS NULL GROUP BY ALL
), standing AS (SELECT DISTINCT offer_id, source_id FROM core.quote_now),
opened AS (
    SELECT s.*, CASE
        WHEN s.old_quote_id IS NULL OR (s.old_valid_to < s.valid_from AND s.effective_from IS NULL) THEN
            CASE WHEN s.basis = 'discount' THEN 'promo_start'
                 WHEN e.pieces IS NOT NULL THEN 'repack' ELSE 'new' END
        WHEN s.currency <> s.old_currency OR s.unit <> s.old_unit THEN 'repack'
        WHEN s.status = 'free' AND s.old_status <> 'free' THEN 'made_free'
        WHEN s.old_status = 'free' AND s.status <> 'free' THEN 'free_ended'
        WHEN s.status = 'zero_claimed' THEN 'zero_claimed'
        WHEN s.old_status = 'zero_claimed' THEN 'zero_ended'
        WHEN s.amount IS NULL OR s.old_amount IS NULL THEN 'unknown'
        -- the widest real move was forty-fold (qwen-long, May 2024); beyond that somebody repaired a unit, or broke one
        WHEN s.amount > 0 AND s.old_amount > 0 AND (
             greatest(s.amount / s.old_amount, s.old_amount / s.amount) >= 50
             OR (s.old_amount > 100 AND s.amount < 100 AND abs(s.old_amount / s.amount - 10) < 0.01)) THEN 'correction'
        -- a copy that leaves a price five-fold and comes back five-fold had an error in between: sellers do not do that,
        -- but a router does as hosts come and go, and a date given with the price says that it was meant
        WHEN c.source_id IS NOT NULL AND m.provider IS NULL AND s.effective_from IS NULL AND (
             (s.amount >= 5 * s.old_amount AND (s.next_amount <= s.amount / 5 OR s.old_amount <= s.older_amount / 5))
             OR (s.amount <= s.old_amount / 5 AND (s.next_amount >= 5 * s.amount OR s.old_amount >= 5 * s.older_amount))
             ) THEN 'correction'
        WHEN s.amount < s.old_amount THEN 'cut'
        WHEN s.amount > s.old_amount THEN 'rise' END AS move
    FROM steps s LEFT JOIN copied c ON c.source_id = s.source_id LEFT JOIN routers m ON m.provider = s.provider
    LEFT JOIN ends e
      ON e.source_id = s.source_id AND e.offer_id = s.offer_id AND e.component = s.component AND e.ended_at = s.observed_at
), named AS (
    -- a unit belongs to the row: what moves five-fold the same way beside a repaired price is the same repair
    SELECT *, CASE WHEN move IN ('cut', 'rise') AND (amount >= 5 * old_amount OR amount <= old_amount / 5)
                    AND bool_or(move = 'correction') OVER row_moves THEN 'correction'
                   ELSE move END AS kind
    FROM opened
    WINDOW row_moves AS (PARTITION BY source_id, offer_id, observed_at, amount > old_amount)
), removed AS (
    SELECT h.*, CASE
        WHEN h.basis = 'discount' THEN 'promo_end'
        WHEN st.pieces IS NOT NULL THEN 'repack'
        WHEN o.offer_id IS NOT NULL THEN 'source_switch' ELSE 'removed' END AS kind
    FROM price_history h
    LEFT JOIN starts st ON st.source_id = h.source_id AND st.offer_id = h.offer_id AND st.component = h.component
                       AND st.observed_at = h.ended_at
    LEFT JOIN (SELECT offer_id, min(source_id) AS source_id FROM standing GROUP BY offer_id) o
      ON o.offer_id = h.offer_id AND o.source_id <> h.source_id
    WHERE h.end_reason = 'removed' AND h.basis <> 'effective'
)
SELECT o.valid_from AS changed_at, o.observed_at, o.effective_from AS effective_at, o.offer, o.provider, o.listed_name,
       o.tier, o.region, o.model_id, o.component, o.basis, o.min_prompt_tokens, o.hours, o.kind, o.old_amount,
       o.amount AS new_amount, o.currency,
       CASE WHEN o.old_amount > 0 AND o.currency = o.old_currency THEN CAST(o.amount / o.old_amount - 1 AS DOUBLE) END AS change,
       o.source_id, o.old_quote_id, o.quote_id, o.offer_id
FROM named o JOIN first_pass b USING (source_id)
WHERE o.kind IS NOT NULL
  AND NOT (o.kind IN ('new', 'promo_start') AND (o.effective_from IS NULL AND EXISTS (
        SELECT 1 FROM joined_late j WHERE j.source_id = o.source_id AND j.begun_at = o.observed_at)))
UNION ALL
SELECT ended_at, ended_at, CAST(NULL AS TIMESTAMP), offer, provider, listed_name, tier, region, model_id, component, basis,
       min_prompt_tokens, hours, kind, amount, CAST(NULL AS DECIMAL(24, 9)), currency, CAST(NULL AS DOUBLE), source_id,
       quote_id, CAST(NULL AS BIGINT), offer_id
FROM removed;
COMMENT ON VIEW price_changes IS 'What changed, when and of what kind. In the seller''s currency: a currency move is not a price change.';
COMMENT ON COLUMN price_changes.changed_at IS 'effective_at where the seller said it, else when it was first seen, UTC';
COMMENT ON COLUMN price_changes.observed_at IS 'When the source showed it, UTC';
COMMENT ON COLUMN price_changes.effective_at IS 'From when the seller says it holds; NULL not said';
COMMENT ON COLUMN price_changes.offer IS 'The offer';
COMMENT ON COLUMN price_changes.provider IS 'Who serves and bills';
COMMENT ON COLUMN price_changes.listed_name IS 'Name as listed';
COMMENT ON COLUMN price_changes.tier IS 'Service tier';
COMMENT ON COLUMN price_changes.region IS 'Region or market';
COMMENT ON COLUMN price_changes.model_id IS 'Canonical author/slug';
COMMENT ON COLUMN price_changes.component IS 'What is billed';
COMMENT ON COLUMN price_changes.basis IS 'list or discount';
COMMENT ON COLUMN price_changes.min_prompt_tokens IS 'Prompt-token band';
COMMENT ON COLUMN price_changes.hours IS 'Time band';
COMMENT ON COLUMN price_changes.kind IS 'cut, rise, new, removed, promo_start, promo_end, made_free, free_ended, zero_claimed, zero_ended, correction (a unit or a figure was repaired or broken: 50x or more, a clean 10x from above 100, a copy that left five-fold and came back, or five-fold in the same row as one of these), repack (unit, currency or bands changed), source_switch (gone here, still listed elsewhere), unknown';
COMMENT ON COLUMN price_changes.old_amount IS 'Before, per unit';
COMMENT ON COLUMN price_changes.new_amount IS 'After, per unit';
COMMENT ON COLUMN price_changes.currency IS 'The seller''s currency';
COMMENT ON COLUMN price_changes.change IS 'new / old - 1';
COMMENT ON COLUMN price_changes.source_id IS 'Where it was read';
COMMENT ON COLUMN price_changes.old_quote_id IS 'Version before';
COMMENT ON COLUMN price_changes.quote_id IS 'Version after; `tracker evidence ID`';
COMMENT ON COLUMN price_changes.offer_id IS 'Stable id of the offer';

CREATE OR REPLACE VIEW offers AS
WITH rate AS (
    SELECT currency, arg_max(usd_per_unit, day) AS usd_per_unit FROM calc.fx_daily GROUP BY currency
), read_at AS (
    SELECT source_id, max(observed_at) AS last_seen_at FROM core.pass WHERE outcome <> 'failed' GROUP BY source_id
), trusted AS (
    SELECT s.source_id, s.standing, r.last_seen_at,
           date_diff('hour', r.last_seen_at, clock.now_utc) > greatest(72, 3 * s.every_hours) AS stale
    FROM ref.source s JOIN read_at r USING (source_id) CROSS JOIN clock
), standing_quotes AS (
    SELECT q.*, s.standing, s.stale, s.last_seen_at, CASE WHEN q.currency = 'USD' THEN 1.0 ELSE r.usd_per_unit END AS usd
    FROM core.quote_now q JOIN trusted s USING (source_id) LEFT JOIN rate r ON r.currency = q.currency
    CROSS JOIN clock
    WHERE q.unit = 'mtok' AND q.basis <> 'effective' AND s.standing < 9
      AND coalesce(q.effective_from, q.observed_at) <= clock.now_utc
      AND (q.effective_until IS NULL OR q.effective_until > clock.now_utc)
), source_of AS (
    SELECT offer_id, source_id, min(standing) AS standing, max(observed_at) AS changed_at, bool_or(stale) AS stale,
           max(last_seen_at) AS last_seen_at
    FROM standing_quotes GROUP BY offer_id, source_id
), best AS (
    SELECT * FROM source_of
    QUALIFY row_number() OVER (PARTITION BY offer_id ORDER BY stale, standing, changed_at DESC, source_id) = 1
), billed AS (
    SELECT q.* FROM standing_quotes q JOIN best b USING (offer_id, source_id)
    QUALIFY row_number() OVER (
        PARTITION BY q.offer_id, q.component
        ORDER BY CASE q.basis WHEN 'discount' THEN 0 ELSE 1 END, q.min_prompt_tokens,
                 q.effective_from DESC NULLS LAST, q.amount DESC, q.version_id) = 1
), listed AS (
    SELECT q.* FROM standing_quotes q JOIN best b USING (offer_id, source_id) WHERE q.basis = 'list'
    QUALIFY row_number() OVER (
        PARTITION BY q.offer_id, q.component
        ORDER BY q.min_prompt_tokens, q.effective_from DESC NULLS LAST,
                 q.amount DESC, q.version_id) = 1
), wide AS (
    SELECT offer_id, min(currency) AS currency,
           max(CASE WHEN component = 'input' THEN amount END) AS input,
           max(CASE WHEN component = 'output' THEN amount END) AS output,
           max(CASE WHEN component = 'cache_read' THEN amount END) AS cache_read,
           max(CASE WHEN component = 'cache_write' THEN amount END) AS cache_write,
           max(CASE WHEN component = 'input' THEN amount * usd END) AS input_usd_per_mtok,
           max(CASE WHEN component = 'output' THEN amount * usd END) AS output_usd_per_mtok,
           max(CASE WHEN component = 'cache_read' THEN amount * usd END) AS cache_read_usd_per_mtok,
           max(CASE WHEN component = 'input' THEN status END) AS input_status,
           max(CASE WHEN component = 'output' THEN status END) AS output_status,
           max(CASE WHEN basis = 'discount' THEN 1 ELSE 0 END) = 1 AS discounted,
           max(CASE WHEN component = 'input' THEN version_id END) AS input_quote_id,
           max(CASE WHEN component = 'output' THEN version_id END) AS output_quote_id
    FROM billed GROUP BY offer_id
), wide_list AS (
    SELECT offer_id, max(CASE WHEN component = 'input' THEN amount * usd END) AS input_list_usd_per_mtok,
           max(CASE WHEN component = 'output' THEN amount * usd END) AS output_list_usd_per_mtok
    FROM listed GROUP BY offer_id
), shape AS (
    SELECT offer_id, count(DISTINCT source_id) AS source_count, max(CASE WHEN hours <> '' THEN 1 ELSE 0 END) = 1 AS has_hours,
           max(CASE WHEN min_prompt_tokens > 0 OR max_prompt_tokens IS NOT NULL THEN 1 ELSE 0 END) = 1 AS has_bands
    FROM standing_quotes GROUP BY offer_id
), said AS (
    SELECT d.offer_id, arg_min(d.declared, s.standing) FILTER (d.attribute = 'precision') AS precision,
           max(CASE WHEN d.attribute = 'context_tokens' THEN TRY_CAST(d.declared AS BIGINT) END) AS context_tokens
    FROM core.declaration_now d JOIN ref.source s USING (source_id) GROUP BY d.offer_id
)
SELECT o.offer, o.provider, o.listed_name, o.tier, o.region, o.variant, m.model_id,
       coalesce(said.precision, m.precision) AS precision, w.currency, w.input, w.output, w.cache_read, w.cache_write,
       w.input_usd_per_mtok, w.output_usd_per_mtok, w.cache_read_usd_per_mtok,
       (3 * w.input_usd_per_mtok + w.output_usd_per_mtok) / 4 AS blended_usd_per_mtok,
       l.input_list_usd_per_mtok, l.output_list_usd_per_mtok, w.input_status, w.output_status, w.discounted,
       s.has_bands, s.has_hours, said.context_tokens, b.source_id, b.standing, s.source_count, b.changed_at,
       b.last_seen_at, b.stale, w.input_quote_id, w.output_quote_id, o.offer_id
FROM wide w JOIN best b USING (offer_id) JOIN core.offer o USING (offer_id) JOIN shape s USING (offer_id)
LEFT JOIN wide_list l USING (offer_id) LEFT JOIN calc.offer_model m USING (offer_id) LEFT JOIN said USING (offer_id);
COMMENT ON VIEW offers IS 'What one can buy today: one row per offer, from its best-standing source. Headline prices: shortest prompts, dearest hour, promotion included.';
COMMENT ON COLUMN offers.offer IS 'provider/listed-name[:tier][@region][#tag]';
COMMENT ON COLUMN offers.provider IS 'Who serves and bills';
COMMENT ON COLUMN offers.listed_name IS 'Name as listed';
COMMENT ON COLUMN offers.tier IS 'standard, batch, flex, priority, fast, free';
COMMENT ON COLUMN offers.region IS 'Region or market';
COMMENT ON COLUMN offers.variant IS 'Variant tag';
COMMENT ON COLUMN offers.model_id IS 'Canonical author/slug, NULL where unmatched';
COMMENT ON COLUMN offers.precision IS 'As declared by the best-standing source, else by the name itself; NULL: nobody said';
COMMENT ON COLUMN offers.currency IS 'The seller''s currency';
COMMENT ON COLUMN offers.input IS 'Input price per million tokens, seller''s currency';
COMMENT ON COLUMN offers.output IS 'Output price per million tokens, seller''s currency';
COMMENT ON COLUMN offers.cache_read IS 'Cached input, seller''s currency';
COMMENT ON COLUMN offers.cache_write IS 'Cache write, seller''s currency';
COMMENT ON COLUMN offers.input_usd_per_mtok IS 'Input, USD per million tokens at the latest rate';
COMMENT ON COLUMN offers.output_usd_per_mtok IS 'Output, USD per million tokens at the latest rate';
COMMENT ON COLUMN offers.cache_read_usd_per_mtok IS 'Cached input, USD per million tokens';
COMMENT ON COLUMN offers.blended_usd_per_mtok IS 'Three parts input, one part output';
COMMENT ON COLUMN offers.input_list_usd_per_mtok IS 'Input without promotion';
COMMENT ON COLUMN offers.output_list_usd_per_mtok IS 'Output without promotion';
COMMENT ON COLUMN offers.input_status IS 'known, free, zero_claimed, dynamic, unknown';
COMMENT ON COLUMN offers.output_status IS 'known, free, zero_claimed, dynamic, unknown';
COMMENT ON COLUMN offers.discounted IS 'A promotion is part of the headline';
COMMENT ON COLUMN offers.has_bands IS 'The price depends on prompt length: see quotes';
COMMENT ON COLUMN offers.has_hours IS 'The price depends on the hour: see quotes';
COMMENT ON COLUMN offers.context_tokens IS 'Largest context declared';
COMMENT ON COLUMN offers.source_id IS 'The source shown';
COMMENT ON COLUMN offers.standing IS 'Its rank: 1 the seller itself';
COMMENT ON COLUMN offers.source_count IS 'How many sources list the offer';
COMMENT ON COLUMN offers.changed_at IS 'When one of its prices last changed, UTC';
COMMENT ON COLUMN offers.last_seen_at IS 'Last good pass of that source, UTC';
COMMENT ON COLUMN offers.stale IS 'That source has not been read for three of its intervals (and three days): the price may be gone';
COMMENT ON COLUMN offers.input_quote_id IS 'For `tracker evidence`';
COMMENT ON COLUMN offers.output_quote_id IS 'For `tracker evidence`';
COMMENT ON COLUMN offers.offer_id IS 'Stable id of the offer';

CREATE OR REPLACE VIEW unmatched_names AS
SELECT o.provider, o.listed_name, min(q.source_id) AS source_id, count(DISTINCT q.source_id) AS source_count,
       count(*) AS quote_count
FROM core.quote_now q JOIN core.offer o USING (offer_id) LEFT JOIN calc.offer_model m USING (offer_id)
WHERE m.model_id IS NULL GROUP BY o.provider, o.listed_name;
COMMENT ON VIEW unmatched_names IS 'Listed names that the alias table does not know; `tracker names` suggests, a person decides.';
COMMENT ON COLUMN unmatched_names.provider IS 'Who lists it';
COMMENT ON COLUMN unmatched_names.listed_name IS 'The name';
COMMENT ON COLUMN unmatched_names.source_id IS 'A source that shows it';
COMMENT ON COLUMN unmatched_names.source_count IS 'How many sources show it';
COMMENT ON COLUMN unmatched_names.quote_count IS 'How many standing prices hang on it';

CREATE OR REPLACE VIEW conflicts AS
WITH said AS (
    SELECT q.offer_id, q.component, q.source_id, s.standing, s.copies, q.currency, q.unit, q.version_id,
           min(q.amount) AS low, max(q.amount) AS high
    FROM core.quote_now q JOIN ref.source s USING (source_id) CROSS JOIN clock
    WHERE s.standing < 9 AND q.basis = 'list' AND q.status = 'known' AND q.hours = '' AND q.min_prompt_tokens = 0
      AND coalesce(q.effective_from, q.observed_at) <= clock.now_utc
      AND (q.effective_until IS NULL OR q.effective_until > clock.now_utc)
    GROUP BY ALL
)
SELECT o.offer, o.provider, o.listed_name, m.model_id, a.component, a.source_id, a.high AS amount, b.source_id AS other_source_id,
       b.high AS other_amount, a.currency, a.unit, CAST(b.high / a.high AS DOUBLE) AS ratio, b.copies AS other_copies,
       a.version_id AS quote_id, b.version_id AS other_quote_id
FROM said a JOIN said b ON a.offer_id = b.offer_id AND a.component = b.component AND a.currency = b.currency
     AND a.unit = b.unit AND (a.standing < b.standing OR (a.standing = b.standing AND a.source_id < b.source_id))
JOIN core.offer o ON o.offer_id = a.offer_id LEFT JOIN calc.offer_model m ON m.offer_id = a.offer_id
WHERE a.low > 0 AND b.low > 0 AND abs(b.high / a.high - 1) > 0.005;
COMMENT ON VIEW conflicts IS 'Two sources that state different list prices for one offer today. The first has the better standing; other_copies says whose copy the second is.';
COMMENT ON COLUMN conflicts.offer IS 'The offer';
COMMENT ON COLUMN conflicts.provider IS 'Who serves and bills';
COMMENT ON COLUMN conflicts.listed_name IS 'Name as listed';
COMMENT ON COLUMN conflicts.model_id IS 'Canonical author/slug';
COMMENT ON COLUMN conflicts.component IS 'What is billed';
COMMENT ON COLUMN conflicts.source_id IS 'The source with the better standing';
COMMENT ON COLUMN conflicts.amount IS 'What it says';
COMMENT ON COLUMN conflicts.other_source_id IS 'The other source';
COMMENT ON COLUMN conflicts.other_amount IS 'What that one says';
COMMENT ON COLUMN conflicts.currency IS 'Currency of both';
COMMENT ON COLUMN conflicts.unit IS 'Unit of both';
COMMENT ON COLUMN conflicts.ratio IS 'other / first';
COMMENT ON COLUMN conflicts.other_copies IS 'Whose copy the other source is; * everybody''s';
COMMENT ON COLUMN conflicts.quote_id IS 'For `tracker evidence`';
COMMENT ON COLUMN conflicts.other_quote_id IS 'For `tracker evidence`';

CREATE OR REPLACE MACRO quotes_asof(ts, known_at := TIMESTAMP '9999-12-31') AS TABLE
SELECT q.version_id AS quote_id, o.offer, o.provider, o.listed_name, o.tier, o.region, o.variant, m.model_id, q.component,
       q.basis, q.amount, q.currency, q.unit, q.status, q.min_prompt_tokens, q.max_prompt_tokens, q.hours, q.priority,
       q.effective_from, q.source_id, q.observed_at, q.recorded_at, q.offer_id
FROM (
    SELECT version_id, offer_id, component, basis, amount, currency, unit, status, min_prompt_tokens, max_prompt_tokens, hours,
           priority, effective_from, source_id, observed_at, recorded_at
    FROM core.quote_now
    WHERE coalesce(effective_from, observed_at) <= ts AND (effective_until IS NULL OR effective_until > ts)
      AND recorded_at <= known_at
    UNION ALL
    SELECT version_id, offer_id, component, basis, amount, currency, unit, status, min_prompt_tokens, max_prompt_tokens, hours,
           priority, effective_from, source_id, observed_at, recorded_at
    FROM core.quote_past
    WHERE valid_from <= ts AND valid_to > ts
      AND recorded_at <= known_at AND (superseded_at IS NULL OR superseded_at > known_at)
    UNION ALL
    -- what had ended by then, but was not yet known to have; apart, so that the ranges above can skip row groups
    SELECT version_id, offer_id, component, basis, amount, currency, unit, status, min_prompt_tokens, max_prompt_tokens, hours,
           priority, effective_from, source_id, observed_at, recorded_at
    FROM core.quote_past
    WHERE ended_recorded_at > known_at AND valid_from <= ts AND valid_to <= ts
      AND (effective_until IS NULL OR effective_until > ts)
      AND recorded_at <= known_at AND (superseded_at IS NULL OR superseded_at > known_at)
) q JOIN core.offer o USING (offer_id) LEFT JOIN calc.offer_model m USING (offer_id);

CREATE OR REPLACE MACRO offers_asof(ts, known_at := TIMESTAMP '9999-12-31') AS TABLE
WITH at_time AS (
    SELECT q.*, s.standing FROM quotes_asof(ts, known_at := known_at) q JOIN ref.source s USING (source_id)
    WHERE q.unit = 'mtok' AND q.basis <> 'effective'
), best AS (
    SELECT offer_id, source_id FROM at_time GROUP BY offer_id, source_id
    QUALIFY row_number() OVER (PARTITION BY offer_id ORDER BY min(standing), max(observed_at) DESC, source_id) = 1
), billed AS (
    SELECT a.* FROM at_time a JOIN best USING (offer_id, source_id)
    QUALIFY row_number() OVER (
        PARTITION BY a.offer_id, a.component
        ORDER BY CASE a.basis WHEN 'discount' THEN 0 ELSE 1 END, a.min_prompt_tokens,
                 a.effective_from DESC NULLS LAST, a.amount DESC, a.quote_id) = 1
), rate AS (
    SELECT currency, usd_per_unit FROM calc.fx_daily
    WHERE day = least(CAST(ts AS DATE), (SELECT max(day) FROM calc.fx_daily))
)
SELECT b.offer, b.provider, b.listed_name, b.tier, b.region, b.variant, b.model_id, b.currency,
       max(CASE WHEN component = 'input' THEN amount END) AS input,
       max(CASE WHEN component = 'output' THEN amount END) AS output,
       max(CASE WHEN component = 'cache_read' THEN amount END) AS cache_read,
       max(CASE WHEN component = 'input' THEN amount * CASE WHEN b.currency = 'USD' THEN 1.0 ELSE r.usd_per_unit END END)
           AS input_usd_per_mtok,
       max(CASE WHEN component = 'output' THEN amount * CASE WHEN b.currency = 'USD' THEN 1.0 ELSE r.usd_per_unit END END)
           AS output_usd_per_mtok,
       max(CASE WHEN component = 'input' THEN status END) AS input_status,
       max(CASE WHEN component = 'output' THEN status END) AS output_status,
       b.source_id, b.offer_id
FROM billed b LEFT JOIN rate r ON r.currency = b.currency
GROUP BY b.offer, b.provider, b.listed_name, b.tier, b.region, b.variant, b.model_id, b.currency, b.source_id, b.offer_id;
