-- How far the hosts of one model lie apart now (a version that still holds ends in 9999): cheapest, median and dearest output price, and how many sell it.
SELECT model_id, count(DISTINCT provider) AS providers, min(amount_usd) AS cheapest_usd_per_mtok,
       median(amount_usd) AS median_usd_per_mtok, max(amount_usd) AS dearest_usd_per_mtok
FROM price_history
WHERE valid_to = TIMESTAMP '9999-12-31 00:00:00' AND component = 'output' AND basis = 'list' AND unit = 'mtok' AND tier = 'standard'
  AND status = 'known' AND min_prompt_tokens = 0 AND hours = '' AND model_id IS NOT NULL
GROUP BY model_id
HAVING count(DISTINCT provider) > 1
ORDER BY providers DESC, model_id
