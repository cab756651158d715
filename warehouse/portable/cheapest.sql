-- The three cheapest standard offers of each model at one moment, by output price.
SELECT model_id, offer, source_id, CAST(amount_usd AS DOUBLE) AS output_usd_per_mtok
FROM price_history
WHERE valid_from <= TIMESTAMP '2026-10-01 00:00:00' AND valid_to > TIMESTAMP '2026-10-01 00:00:00'
  AND component = 'output' AND basis = 'list' AND unit = 'mtok' AND tier = 'standard' AND status = 'known'
  AND min_prompt_tokens = 0 AND hours = '' AND model_id IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY model_id ORDER BY amount_usd, offer, source_id, quote_id) <= 3
ORDER BY model_id, output_usd_per_mtok, offer, source_id
