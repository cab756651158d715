-- What accelerators rent for.
CREATE OR REPLACE VIEW rentals AS
WITH versions AS (
    SELECT version_id, source_id, lessor, listed_name, accelerator, form, memory_gb, region, commitment, gpu_count, amount,
           currency, effective_from, observed_at, CAST(NULL AS TIMESTAMP) AS ended_at, capture_id,
           coalesce(effective_from, observed_at) AS valid_from, TIMESTAMP '9999-12-31 00:00:00' AS valid_to
    FROM core.rental_now
    UNION ALL
    SELECT version_id, source_id, lessor, listed_name, accelerator, form, memory_gb, region, commitment, gpu_count, amount,
           currency, effective_from, observed_at, ended_at, capture_id, valid_from, valid_to
    FROM core.rental_past WHERE superseded_at IS NULL
), told AS (
    -- a lessor's dated prices follow each other: the next one ends the one before
    SELECT *, CASE WHEN effective_from IS NULL THEN valid_to ELSE least(valid_to, coalesce(lead(valid_from) OVER (
               PARTITION BY source_id, lessor, listed_name, region, commitment, gpu_count, form, effective_from IS NULL
               ORDER BY valid_from, observed_at), valid_to)) END AS held_to
    FROM versions
), last_rate AS (SELECT max(day) AS day FROM calc.fx_daily)
SELECT v.version_id AS rental_id, v.lessor, v.accelerator, v.listed_name, v.form, v.memory_gb, v.region, v.commitment,
       v.gpu_count, v.amount, v.currency,
       CASE WHEN v.currency = 'USD' THEN CAST(v.amount AS DOUBLE) ELSE v.amount * f.usd_per_unit END AS usd_per_gpu_hour,
       v.source_id, v.valid_from, v.held_to AS valid_to, v.observed_at, v.ended_at, v.capture_id
FROM told v CROSS JOIN last_rate
LEFT JOIN calc.fx_daily f ON f.currency = v.currency AND f.day = least(CAST(v.valid_from AS DATE), last_rate.day);
COMMENT ON VIEW rentals IS 'The price of one accelerator for one hour at a lessor, every version. valid_to 9999-12-31: it stands.';
COMMENT ON COLUMN rentals.rental_id IS 'Id of this version';
COMMENT ON COLUMN rentals.lessor IS 'Who rents it out';
COMMENT ON COLUMN rentals.accelerator IS 'Accelerator as the cost engine names it';
COMMENT ON COLUMN rentals.listed_name IS 'As the lessor writes it';
COMMENT ON COLUMN rentals.form IS 'SXM, PCIe, NVL; never mixed';
COMMENT ON COLUMN rentals.memory_gb IS 'Memory of one';
COMMENT ON COLUMN rentals.region IS 'Region';
COMMENT ON COLUMN rentals.commitment IS 'on_demand, spot, reserved_1m ... reserved_3y; never mixed';
COMMENT ON COLUMN rentals.gpu_count IS 'How many in the instance the price was divided from';
COMMENT ON COLUMN rentals.amount IS 'Per accelerator and hour, lessor''s currency';
COMMENT ON COLUMN rentals.currency IS 'Currency';
COMMENT ON COLUMN rentals.usd_per_gpu_hour IS 'The same in US dollars at that day''s rate';
COMMENT ON COLUMN rentals.source_id IS 'Where it was read';
COMMENT ON COLUMN rentals.valid_from IS 'From when, UTC';
COMMENT ON COLUMN rentals.valid_to IS 'Until when, UTC';
COMMENT ON COLUMN rentals.observed_at IS 'First seen, UTC';
COMMENT ON COLUMN rentals.ended_at IS 'No longer shown from, UTC';
COMMENT ON COLUMN rentals.capture_id IS 'The raw bytes behind it';

CREATE OR REPLACE VIEW rent_quartiles AS
SELECT accelerator, form, commitment, region, count(*) AS offers, min(usd_per_gpu_hour) AS low_usd,
       quantile_cont(usd_per_gpu_hour, 0.25) AS lower_quartile_usd, median(usd_per_gpu_hour) AS median_usd,
       quantile_cont(usd_per_gpu_hour, 0.75) AS upper_quartile_usd, max(usd_per_gpu_hour) AS high_usd
FROM rentals CROSS JOIN clock
WHERE lessor NOT LIKE 'median-%' AND lessor NOT LIKE '%-index' AND valid_from <= clock.now_utc AND valid_to > clock.now_utc
GROUP BY accelerator, form, commitment, region;
COMMENT ON VIEW rent_quartiles IS 'Rents that stand today, in quartiles per accelerator, form, commitment and region; indices and medians of others left out.';
COMMENT ON COLUMN rent_quartiles.accelerator IS 'Accelerator';
COMMENT ON COLUMN rent_quartiles.form IS 'SXM, PCIe, NVL';
COMMENT ON COLUMN rent_quartiles.commitment IS 'on_demand, spot, reserved_*';
COMMENT ON COLUMN rent_quartiles.region IS 'Region';
COMMENT ON COLUMN rent_quartiles.offers IS 'How many prices';
COMMENT ON COLUMN rent_quartiles.low_usd IS 'Cheapest, USD per accelerator and hour';
COMMENT ON COLUMN rent_quartiles.lower_quartile_usd IS 'First quartile';
COMMENT ON COLUMN rent_quartiles.median_usd IS 'Median';
COMMENT ON COLUMN rent_quartiles.upper_quartile_usd IS 'Third quartile';
COMMENT ON COLUMN rent_quartiles.high_usd IS 'Dearest';
