-- The observed facts, one view each. Views list their columns; COMMENT ON is the data dictionary (README is generated from it).
CREATE OR REPLACE VIEW clock AS
SELECT max(observed_at) AS now_utc FROM core.pass WHERE outcome <> 'failed';
COMMENT ON VIEW clock IS 'The ledger''s own present: when a source was last read. Views say "now" by this, not by your wall clock.';
COMMENT ON COLUMN clock.now_utc IS 'UTC time of the newest pass';

CREATE OR REPLACE VIEW names AS
SELECT o.offer_id, o.offer, o.provider, o.listed_name, o.tier, o.region, o.variant, m.model_id, m.precision
FROM core.offer o LEFT JOIN calc.offer_model m USING (offer_id);
COMMENT ON VIEW names IS 'Every offer ever listed and the model it is, by the alias table; NULL model_id where nobody has said.';
COMMENT ON COLUMN names.offer_id IS 'Stable id of the offer';
COMMENT ON COLUMN names.offer IS 'provider/listed-name[:tier][@region][#tag]';
COMMENT ON COLUMN names.provider IS 'Who serves and bills';
COMMENT ON COLUMN names.listed_name IS 'The model name exactly as the source writes it';
COMMENT ON COLUMN names.tier IS 'standard, batch, flex, priority, fast or free';
COMMENT ON COLUMN names.region IS 'Region or market, empty where the seller has one';
COMMENT ON COLUMN names.variant IS 'Variant tag where one host sells the same name twice';
COMMENT ON COLUMN names.model_id IS 'Canonical author/slug, from the alias table only';
COMMENT ON COLUMN names.precision IS 'Precision that the listed name itself declares (fp8, int4 ...)';

CREATE OR REPLACE VIEW quotes AS
SELECT q.version_id AS quote_id, o.offer, o.provider, o.listed_name, o.tier, o.region, o.variant, m.model_id,
       q.component, q.basis, q.amount, q.currency, q.unit, q.status, q.min_prompt_tokens, q.max_prompt_tokens,
       q.hours, q.priority, q.effective_from, q.effective_until, q.source_id, q.raw, q.locator, q.capture_id,
       q.observed_at, q.recorded_at, q.missing_since, q.offer_id
FROM core.quote_now q JOIN core.offer o USING (offer_id) LEFT JOIN calc.offer_model m USING (offer_id);
COMMENT ON VIEW quotes IS 'Every price point that stands today, from every source, in the seller''s currency.';
COMMENT ON COLUMN quotes.quote_id IS 'Id of this version of the price; `tracker evidence ID` shows where it was read';
COMMENT ON COLUMN quotes.offer IS 'provider/listed-name[:tier][@region][#tag]';
COMMENT ON COLUMN quotes.provider IS 'Who serves and bills';
COMMENT ON COLUMN quotes.listed_name IS 'The model name exactly as the source writes it';
COMMENT ON COLUMN quotes.tier IS 'standard, batch, flex, priority, fast or free';
COMMENT ON COLUMN quotes.region IS 'Region or market';
COMMENT ON COLUMN quotes.variant IS 'Variant tag';
COMMENT ON COLUMN quotes.model_id IS 'Canonical author/slug, NULL where unmatched';
COMMENT ON COLUMN quotes.component IS 'What is billed: input, output, cache_read, cache_write, image_in, request ...';
COMMENT ON COLUMN quotes.basis IS 'list, discount (a promotion beside its list price) or effective (transacted)';
COMMENT ON COLUMN quotes.amount IS 'Price per unit in `currency`; NULL is unknown or dynamic, 0 is free or claimed so (see status)';
COMMENT ON COLUMN quotes.currency IS 'The seller''s currency';
COMMENT ON COLUMN quotes.unit IS 'mtok (per million tokens), image, request, second ...';
COMMENT ON COLUMN quotes.status IS 'known; free (zero with positive evidence); zero_claimed (a bare 0); dynamic; unknown';
COMMENT ON COLUMN quotes.min_prompt_tokens IS 'Holds from this many prompt tokens';
COMMENT ON COLUMN quotes.max_prompt_tokens IS 'Holds below this many prompt tokens; NULL without bound';
COMMENT ON COLUMN quotes.hours IS 'Time band on the vendor''s calendar, e.g. Mon-Fri 00:30-08:30 Asia/Shanghai; empty always';
COMMENT ON COLUMN quotes.priority IS 'The source''s own precedence when several conditions match';
COMMENT ON COLUMN quotes.effective_from IS 'From when the seller says it holds, UTC; NULL not said';
COMMENT ON COLUMN quotes.effective_until IS 'Until when the seller says it holds, UTC';
COMMENT ON COLUMN quotes.source_id IS 'Where it was read';
COMMENT ON COLUMN quotes.raw IS 'The amount as the source wrote it';
COMMENT ON COLUMN quotes.locator IS 'Where in the capture';
COMMENT ON COLUMN quotes.capture_id IS 'The raw bytes behind it';
COMMENT ON COLUMN quotes.observed_at IS 'When the source first showed it, UTC';
COMMENT ON COLUMN quotes.recorded_at IS 'When it entered this ledger, UTC';
COMMENT ON COLUMN quotes.missing_since IS 'Since when good passes no longer show it (three close it)';
COMMENT ON COLUMN quotes.offer_id IS 'Stable id of the offer';

CREATE OR REPLACE VIEW declarations AS
SELECT d.version_id AS declaration_id, o.offer, o.provider, o.listed_name, m.model_id, d.attribute, d.declared AS value,
       d.source_id, d.observed_at, NULL::TIMESTAMP AS ended_at, d.capture_id, d.offer_id
FROM core.declaration_now d JOIN core.offer o USING (offer_id) LEFT JOIN calc.offer_model m USING (offer_id)
UNION ALL
SELECT d.version_id, o.offer, o.provider, o.listed_name, m.model_id, d.attribute, d.declared,
       d.source_id, d.observed_at, d.ended_at, d.capture_id, d.offer_id
FROM core.declaration_past d JOIN core.offer o USING (offer_id) LEFT JOIN calc.offer_model m USING (offer_id)
WHERE d.superseded_at IS NULL;
COMMENT ON VIEW declarations IS 'What sellers say of their offers (precision, context length ...), with the time each was said.';
COMMENT ON COLUMN declarations.declaration_id IS 'Id of this version';
COMMENT ON COLUMN declarations.offer IS 'The offer';
COMMENT ON COLUMN declarations.provider IS 'Who serves and bills';
COMMENT ON COLUMN declarations.listed_name IS 'Name as listed';
COMMENT ON COLUMN declarations.model_id IS 'Canonical author/slug';
COMMENT ON COLUMN declarations.attribute IS 'precision, context_tokens, max_output_tokens, hugging_face_id, status ...';
COMMENT ON COLUMN declarations.value IS 'As declared';
COMMENT ON COLUMN declarations.source_id IS 'Where it was read';
COMMENT ON COLUMN declarations.observed_at IS 'First seen, UTC';
COMMENT ON COLUMN declarations.ended_at IS 'No longer shown from, UTC; NULL while it stands';
COMMENT ON COLUMN declarations.capture_id IS 'The raw bytes behind it';
COMMENT ON COLUMN declarations.offer_id IS 'Stable id of the offer';

CREATE OR REPLACE VIEW limits AS
SELECT version_id AS limit_id, provider, listed_name, tier, region, account_tier, measure, per, amount, status,
       learned_from, source_id, locator, observed_at, NULL::TIMESTAMP AS ended_at, capture_id
FROM core.limit_now
UNION ALL
SELECT version_id, provider, listed_name, tier, region, account_tier, measure, per, amount, status,
       learned_from, source_id, locator, observed_at, ended_at, capture_id
FROM core.limit_past WHERE superseded_at IS NULL;
COMMENT ON VIEW limits IS 'How much one account may use, per account tier, dated. ended_at IS NULL: it stands today.';
COMMENT ON COLUMN limits.limit_id IS 'Id of this version';
COMMENT ON COLUMN limits.provider IS 'Who limits';
COMMENT ON COLUMN limits.listed_name IS 'Which model; empty: the whole account';
COMMENT ON COLUMN limits.tier IS 'Service tier';
COMMENT ON COLUMN limits.region IS 'Region or market';
COMMENT ON COLUMN limits.account_tier IS 'The seller''s own word for the account: free, tier 1, build ...';
COMMENT ON COLUMN limits.measure IS 'requests, inputs (texts to embed: one request may hold many), tokens, input_tokens, output_tokens, images, concurrency, audio_seconds';
COMMENT ON COLUMN limits.per IS 'second, minute, hour, day, month; instant for concurrency';
COMMENT ON COLUMN limits.amount IS 'How many; NULL unless status is number';
COMMENT ON COLUMN limits.status IS 'number, unlimited, dynamic or unknown: three different kinds of not having a number';
COMMENT ON COLUMN limits.learned_from IS 'page, api, header, 429, console or article';
COMMENT ON COLUMN limits.source_id IS 'Where it was read';
COMMENT ON COLUMN limits.locator IS 'Where in the capture';
COMMENT ON COLUMN limits.observed_at IS 'First seen, UTC';
COMMENT ON COLUMN limits.ended_at IS 'No longer shown from, UTC';
COMMENT ON COLUMN limits.capture_id IS 'The raw bytes behind it';

CREATE OR REPLACE VIEW metrics AS
SELECT o.offer, o.provider, o.listed_name, m.model_id, t.name, t.statistic, t.per, t.value,
       coalesce(t.measured_at, t.observed_at) AS measured_at, t.observed_at, t.source_id, t.capture_id, t.offer_id
FROM core.metric t JOIN core.offer o USING (offer_id) LEFT JOIN calc.offer_model m USING (offer_id)
WHERE t.superseded_at IS NULL;
COMMENT ON VIEW metrics IS 'Measurements made by others (throughput, first token, uptime). Our own are in the view probes.';
COMMENT ON COLUMN metrics.offer IS 'The offer';
COMMENT ON COLUMN metrics.provider IS 'Who serves and bills';
COMMENT ON COLUMN metrics.listed_name IS 'Name as listed';
COMMENT ON COLUMN metrics.model_id IS 'Canonical author/slug';
COMMENT ON COLUMN metrics.name IS 'What, with its unit: throughput_tok_s, ttft_ms, uptime_pct ...';
COMMENT ON COLUMN metrics.statistic IS 'p50, p75, p90, p99, mean, last';
COMMENT ON COLUMN metrics.per IS 'Window of the statistic: 30m, 1d, 72h';
COMMENT ON COLUMN metrics.value IS 'The figure, in the unit its name carries';
COMMENT ON COLUMN metrics.measured_at IS 'When it was measured, UTC (when shown, if not said)';
COMMENT ON COLUMN metrics.observed_at IS 'When the source showed it, UTC';
COMMENT ON COLUMN metrics.source_id IS 'Whose measurement';
COMMENT ON COLUMN metrics.capture_id IS 'The raw bytes behind it';
COMMENT ON COLUMN metrics.offer_id IS 'Stable id of the offer';

CREATE OR REPLACE VIEW fx AS
SELECT currency, day, published_date, usd_per_unit FROM calc.fx_daily;
COMMENT ON VIEW fx IS 'US dollars per unit of each currency and day; days without a publication carry the last one.';
COMMENT ON COLUMN fx.currency IS 'ISO code';
COMMENT ON COLUMN fx.day IS 'Calendar day';
COMMENT ON COLUMN fx.published_date IS 'The day the rate was published for';
COMMENT ON COLUMN fx.usd_per_unit IS 'US dollars per unit';

CREATE OR REPLACE VIEW demand AS
SELECT source_id, listed_name, day, scope, arg_max(tokens, recorded_at) AS tokens,
       arg_max(prompt_tokens, recorded_at) AS prompt_tokens, arg_max(requests, recorded_at) AS requests
FROM core.demand WHERE superseded_at IS NULL GROUP BY source_id, listed_name, day, scope;
COMMENT ON VIEW demand IS 'Tokens of a model that passed a router on a day. OpenRouter rankings: CC BY 4.0, cite OpenRouter.';
COMMENT ON COLUMN demand.source_id IS 'Whose counter';
COMMENT ON COLUMN demand.listed_name IS 'Model as the counter names it';
COMMENT ON COLUMN demand.day IS 'Day, UTC';
COMMENT ON COLUMN demand.scope IS 'What the counter covers';
COMMENT ON COLUMN demand.tokens IS 'Tokens';
COMMENT ON COLUMN demand.prompt_tokens IS 'Prompt tokens among them; NULL where the counter does not tell them apart';
COMMENT ON COLUMN demand.requests IS 'Requests they came in; NULL where not counted';
