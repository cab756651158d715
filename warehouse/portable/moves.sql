-- Cuts and rises of list prices month by month, and the median move: each version beside the one before it.
WITH step AS (
    SELECT valid_from, CAST(amount AS DOUBLE) AS price,
           lag(CAST(amount AS DOUBLE)) OVER (
               PARTITION BY source_id, offer, component, currency, min_prompt_tokens, hours ORDER BY valid_from, quote_id
           ) AS price_before
    FROM price_history
    WHERE basis = 'list' AND unit = 'mtok' AND status = 'known'
)
SELECT year(valid_from) AS year, month(valid_from) AS month,
       count(CASE WHEN price < price_before THEN 1 END) AS cuts,
       count(CASE WHEN price > price_before THEN 1 END) AS rises,
       median(price / price_before - 1) AS median_move
FROM step
WHERE price_before > 0 AND price <> price_before
GROUP BY year(valid_from), month(valid_from)
ORDER BY year, month
