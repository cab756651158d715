-- What every offer listed at one moment, in the seller's currency: a range predicate, no ASOF JOIN.
SELECT offer, model_id, component, source_id, currency, amount, valid_from
FROM price_history
WHERE valid_from <= TIMESTAMP '2026-10-01 00:00:00' AND valid_to > TIMESTAMP '2026-10-01 00:00:00'
  AND basis = 'list' AND unit = 'mtok' AND min_prompt_tokens = 0 AND hours = ''
ORDER BY offer, component, source_id, valid_from, quote_id
