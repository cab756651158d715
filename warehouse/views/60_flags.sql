-- Flags and what they rest on: margins, floors, the index, burn. A row of calc.* holds until the next one of its key.
CREATE OR REPLACE VIEW flags AS
SELECT flag_id, kind, rule_version, offer, provider, model_id, probability, calibrated, sentence, clearing, scenario,
       opened_at, closed_at, cause, evidence, figures, offer_id
FROM calc.flag;
COMMENT ON VIEW flags IS 'Dated, versioned inferences about offers. closed_at IS NULL: it stands. `tracker explain FLAG_ID` reads it out.';
COMMENT ON COLUMN flags.flag_id IS 'Id; one open flag per offer and kind';
COMMENT ON COLUMN flags.kind IS 'below_cost, likely_quantized, precision_changed, teaser_price, speed_claim, speculative_decoding, stale_listing, source_conflict, sudden_change, unit_suspect';
COMMENT ON COLUMN flags.rule_version IS 'Version of the rule that last judged it';
COMMENT ON COLUMN flags.offer IS 'provider/listed-name[:tier][@region][#tag]';
COMMENT ON COLUMN flags.provider IS 'Who serves and bills';
COMMENT ON COLUMN flags.model_id IS 'Canonical author/slug, NULL where unmatched';
COMMENT ON COLUMN flags.probability IS 'Of what the sentence says';
COMMENT ON COLUMN flags.calibrated IS 'True where a published table shows how often such a probability was right';
COMMENT ON COLUMN flags.sentence IS 'The inference in words, with its figures';
COMMENT ON COLUMN flags.clearing IS 'What would clear it';
COMMENT ON COLUMN flags.scenario IS 'The named assumptions it was computed under; empty where it needs none';
COMMENT ON COLUMN flags.opened_at IS 'When it opened, UTC, on the ledger''s clock';
COMMENT ON COLUMN flags.closed_at IS 'When it closed, UTC; NULL while it stands';
COMMENT ON COLUMN flags.cause IS 'Why it opened, changed or closed last';
COMMENT ON COLUMN flags.evidence IS 'JSON list of {view, ref, says}: the rows behind it';
COMMENT ON COLUMN flags.figures IS 'JSON list of {name, value, unit}: the sum in figures';
COMMENT ON COLUMN flags.offer_id IS 'Stable id of the offer';

CREATE OR REPLACE VIEW flag_events AS
SELECT flag_id, event, kind, offer, rule_version, probability, sentence, evidence, cause, occurred_at, recorded_at
FROM calc.flag_event;
COMMENT ON VIEW flag_events IS 'The life of every flag, appended only: opened, kept (its probability or rule changed), closed.';
COMMENT ON COLUMN flag_events.flag_id IS 'Which flag';
COMMENT ON COLUMN flag_events.event IS 'opened, kept or closed';
COMMENT ON COLUMN flag_events.kind IS 'Kind of flag';
COMMENT ON COLUMN flag_events.offer IS 'The offer';
COMMENT ON COLUMN flag_events.rule_version IS 'Version of the rule that judged';
COMMENT ON COLUMN flag_events.probability IS 'Probability after the event';
COMMENT ON COLUMN flag_events.sentence IS 'The sentence at that time';
COMMENT ON COLUMN flag_events.evidence IS 'JSON list of the rows behind it at that time';
COMMENT ON COLUMN flag_events.cause IS 'What brought it about';
COMMENT ON COLUMN flag_events.occurred_at IS 'When, UTC, on the ledger''s clock';
COMMENT ON COLUMN flag_events.recorded_at IS 'When it was written, UTC';

CREATE OR REPLACE VIEW flag_rates AS
WITH span AS (
    SELECT min(day) AS first_day, greatest(max(day) - min(day), 1) / 7.0 AS weeks FROM calc.assessed_day
), opened AS (
    SELECT e.kind, count(*) / any_value(s.weeks) AS per_week, sum(1 - e.probability) / any_value(s.weeks) AS false_per_week
    FROM calc.flag_event e CROSS JOIN span s
    WHERE e.event = 'opened' AND CAST(e.occurred_at AS DATE) > s.first_day GROUP BY e.kind
), standing AS (
    SELECT kind, count(*) FILTER (WHERE closed_at IS NULL) AS flags,
           coalesce(sum(1 - probability) FILTER (WHERE closed_at IS NULL), 0) AS wrong
    FROM calc.flag GROUP BY kind
)
SELECT s.kind, s.flags AS standing, s.wrong AS expected_false_standing, coalesce(o.per_week, 0) AS opened_per_week,
       coalesce(o.false_per_week, 0) AS expected_false_per_week
FROM standing s LEFT JOIN opened o ON o.kind = s.kind;
COMMENT ON VIEW flag_rates IS 'How many flags of a kind stand and open a week, and how many of them are false if their probabilities are right. The first assessed day, which opens everything at once, is no rate.';
COMMENT ON COLUMN flag_rates.kind IS 'Kind of flag';
COMMENT ON COLUMN flag_rates.standing IS 'Flags that stand';
COMMENT ON COLUMN flag_rates.expected_false_standing IS 'Sum of one minus their probability';
COMMENT ON COLUMN flag_rates.opened_per_week IS 'Opened a week since the first assessed day';
COMMENT ON COLUMN flag_rates.expected_false_per_week IS 'Sum of one minus their probability when they opened, a week';

CREATE OR REPLACE VIEW cost_bands AS
SELECT band_id, model_id, precision, scenario, tok_s, ttft_s, day, input_low AS input_low_usd_per_mtok,
       input_mid AS input_mid_usd_per_mtok, input_high AS input_high_usd_per_mtok,
       output_low AS output_low_usd_per_mtok, output_mid AS output_mid_usd_per_mtok,
       output_high AS output_high_usd_per_mtok, blended_low AS blended_low_usd_per_mtok,
       blended_mid AS blended_mid_usd_per_mtok, blended_high AS blended_high_usd_per_mtok, prompt_tokens, output_tokens, deployment, hardware, trace, feasible_share,
       engine
FROM calc.cost_band;
COMMENT ON VIEW cost_bands IS 'What serving a model costs at a precision, a speed and a date under a scenario: low, mid and high of the draws.';
COMMENT ON COLUMN cost_bands.band_id IS 'Hash of the inputs';
COMMENT ON COLUMN cost_bands.model_id IS 'Canonical author/slug';
COMMENT ON COLUMN cost_bands.precision IS 'Weights as served';
COMMENT ON COLUMN cost_bands.scenario IS 'Named assumptions';
COMMENT ON COLUMN cost_bands.tok_s IS 'Tokens per second and user the deployment must deliver; NULL: any speed';
COMMENT ON COLUMN cost_bands.ttft_s IS 'Seconds to the first token it must keep; NULL: any';
COMMENT ON COLUMN cost_bands.day IS 'Rents as of this day (Monday of the week rated)';
COMMENT ON COLUMN cost_bands.input_low_usd_per_mtok IS 'Cost of input, low, USD per million tokens';
COMMENT ON COLUMN cost_bands.input_mid_usd_per_mtok IS 'Cost of input, middle';
COMMENT ON COLUMN cost_bands.input_high_usd_per_mtok IS 'Cost of input, high';
COMMENT ON COLUMN cost_bands.output_low_usd_per_mtok IS 'Cost of output, low, USD per million tokens';
COMMENT ON COLUMN cost_bands.output_mid_usd_per_mtok IS 'Cost of output, middle';
COMMENT ON COLUMN cost_bands.output_high_usd_per_mtok IS 'Cost of output, high';
COMMENT ON COLUMN cost_bands.blended_low_usd_per_mtok IS 'Cost of a token of the scenario''s mix of input and output, low';
COMMENT ON COLUMN cost_bands.blended_mid_usd_per_mtok IS 'The same, middle';
COMMENT ON COLUMN cost_bands.blended_high_usd_per_mtok IS 'The same, high';
COMMENT ON COLUMN cost_bands.prompt_tokens IS 'Input tokens of the scenario''s middle request';
COMMENT ON COLUMN cost_bands.output_tokens IS 'Output tokens of it';
COMMENT ON COLUMN cost_bands.deployment IS 'The cheapest deployment that keeps the speed';
COMMENT ON COLUMN cost_bands.hardware IS 'Its accelerator';
COMMENT ON COLUMN cost_bands.trace IS 'What bounds it';
COMMENT ON COLUMN cost_bands.feasible_share IS 'Share of the draws in which any deployment keeps the speed';
COMMENT ON COLUMN cost_bands.engine IS 'Version of the cost engine';

CREATE OR REPLACE VIEW margins AS
WITH spans AS (
    SELECT offer_id, offer, provider, model_id, basis, day, ended, input_usd, output_usd, blended_usd, band_id, p_below_cost,
           lead(day) OVER (PARTITION BY offer_id, basis ORDER BY day, recorded_at) AS next_day
    FROM calc.margin
)
SELECT s.offer, s.provider, s.model_id, d.day, s.basis, s.input_usd AS price_input_usd_per_mtok,
       s.output_usd AS price_output_usd_per_mtok, b.input_low AS cost_input_low_usd_per_mtok,
       b.input_mid AS cost_input_mid_usd_per_mtok, b.input_high AS cost_input_high_usd_per_mtok,
       b.output_low AS cost_output_low_usd_per_mtok, b.output_mid AS cost_output_mid_usd_per_mtok,
       b.output_high AS cost_output_high_usd_per_mtok,
       CASE WHEN s.input_usd > 0 THEN s.output_usd / s.input_usd END AS price_ratio,
       CASE WHEN b.input_mid > 0 THEN b.output_mid / b.input_mid END AS cost_ratio,
       b.blended_low AS cost_blended_low_usd_per_mtok, b.blended_mid AS cost_blended_mid_usd_per_mtok,
       b.blended_high AS cost_blended_high_usd_per_mtok,
       s.blended_usd AS price_blended_usd_per_mtok,
       s.p_below_cost, b.precision, b.deployment, b.hardware, b.scenario, s.band_id, s.offer_id
FROM spans s JOIN calc.assessed_day d ON d.day >= s.day AND (s.next_day IS NULL OR d.day < s.next_day)
JOIN calc.cost_band b ON b.band_id = s.band_id
WHERE NOT s.ended;
COMMENT ON VIEW margins IS 'Price beside cost per offer and assessed day, input and output apart. Open models only: a closed model has no known cost.';
COMMENT ON COLUMN margins.offer IS 'The offer';
COMMENT ON COLUMN margins.provider IS 'Who serves and bills';
COMMENT ON COLUMN margins.model_id IS 'Canonical author/slug';
COMMENT ON COLUMN margins.day IS 'Day of the assessment, UTC';
COMMENT ON COLUMN margins.basis IS 'standing (what one pays, promotion included; its mean of seven days where it flip-flops), list (without the promotion), effective (transacted)';
COMMENT ON COLUMN margins.price_input_usd_per_mtok IS 'Price of input, USD per million tokens; NULL not published';
COMMENT ON COLUMN margins.price_output_usd_per_mtok IS 'Price of output';
COMMENT ON COLUMN margins.cost_input_low_usd_per_mtok IS 'Cost of input, low';
COMMENT ON COLUMN margins.cost_input_mid_usd_per_mtok IS 'Cost of input, middle';
COMMENT ON COLUMN margins.cost_input_high_usd_per_mtok IS 'Cost of input, high';
COMMENT ON COLUMN margins.cost_output_low_usd_per_mtok IS 'Cost of output, low';
COMMENT ON COLUMN margins.cost_output_mid_usd_per_mtok IS 'Cost of output, middle';
COMMENT ON COLUMN margins.cost_output_high_usd_per_mtok IS 'Cost of output, high';
COMMENT ON COLUMN margins.price_ratio IS 'Price of output over price of input';
COMMENT ON COLUMN margins.cost_ratio IS 'Cost of output over cost of input: far from price_ratio, one side pays for the other';
COMMENT ON COLUMN margins.cost_blended_low_usd_per_mtok IS 'Cost of a token of the scenario''s mix, low';
COMMENT ON COLUMN margins.cost_blended_mid_usd_per_mtok IS 'The same, middle';
COMMENT ON COLUMN margins.cost_blended_high_usd_per_mtok IS 'The same, high';
COMMENT ON COLUMN margins.price_blended_usd_per_mtok IS 'Price of a token of the same mix, cache discount included; NULL where a side is not published';
COMMENT ON COLUMN margins.p_below_cost IS 'Share of the draws in which a request costs more than it earns';
COMMENT ON COLUMN margins.precision IS 'Precision the cost is for: declared, else native';
COMMENT ON COLUMN margins.deployment IS 'The cheapest deployment that keeps the observed speed';
COMMENT ON COLUMN margins.hardware IS 'Its accelerator';
COMMENT ON COLUMN margins.scenario IS 'Named assumptions';
COMMENT ON COLUMN margins.band_id IS 'The row of cost_bands';
COMMENT ON COLUMN margins.offer_id IS 'Stable id of the offer';

CREATE OR REPLACE VIEW price_floor AS
WITH spans AS (
    SELECT model_id, day, ended, list_usd, list_offer, effective_usd, effective_offer, band_id,
           lead(day) OVER (PARTITION BY model_id ORDER BY day, recorded_at) AS next_day
    FROM calc.price_floor
)
SELECT s.model_id, d.day, s.list_usd AS cheapest_list_usd_per_mtok, s.list_offer AS cheapest_list_offer,
       s.effective_usd AS cheapest_effective_usd_per_mtok, s.effective_offer AS cheapest_effective_offer,
       (3 * b.input_low + b.output_low) / 4 AS cost_floor_low_usd_per_mtok,
       (3 * b.input_mid + b.output_mid) / 4 AS cost_floor_mid_usd_per_mtok,
       (3 * b.input_high + b.output_high) / 4 AS cost_floor_high_usd_per_mtok, b.hardware AS cost_floor_hardware,
       b.precision AS cost_floor_precision, b.scenario
FROM spans s JOIN calc.assessed_day d ON d.day >= s.day AND (s.next_day IS NULL OR d.day < s.next_day)
LEFT JOIN calc.cost_band b ON b.band_id = s.band_id
WHERE NOT s.ended;
COMMENT ON VIEW price_floor IS 'Per model that writes text and assessed day: the cheapest price on sale, the cheapest transacted price, and the cheapest cost. Blended: three parts input, one part output. Free offers are left out, and prices that only a copied list or a router''s headline states or whose unit an open flag doubts.';
COMMENT ON COLUMN price_floor.model_id IS 'Canonical author/slug';
COMMENT ON COLUMN price_floor.day IS 'Day of the assessment, UTC';
COMMENT ON COLUMN price_floor.cheapest_list_usd_per_mtok IS 'Cheapest standing price, promotion included, USD per million tokens, blended; NULL where nobody who serves the model states one';
COMMENT ON COLUMN price_floor.cheapest_list_offer IS 'Who asks it';
COMMENT ON COLUMN price_floor.cheapest_effective_usd_per_mtok IS 'Cheapest transacted price, blended; NULL where nobody publishes any';
COMMENT ON COLUMN price_floor.cheapest_effective_offer IS 'Whose it is';
COMMENT ON COLUMN price_floor.cost_floor_low_usd_per_mtok IS 'Cost at any speed on the cheapest deployment, low, blended';
COMMENT ON COLUMN price_floor.cost_floor_mid_usd_per_mtok IS 'The same, middle; NULL for closed models';
COMMENT ON COLUMN price_floor.cost_floor_high_usd_per_mtok IS 'The same, high';
COMMENT ON COLUMN price_floor.cost_floor_hardware IS 'The accelerator of that deployment; other hardware in cost_by_hardware';
COMMENT ON COLUMN price_floor.cost_floor_precision IS 'Native precision of the model';
COMMENT ON COLUMN price_floor.scenario IS 'Named assumptions';

CREATE OR REPLACE VIEW price_index AS
SELECT class, day, index_value, link, goods, weighted_share FROM calc.price_index;
COMMENT ON VIEW price_index IS 'Chained Fisher index of standing prices per class; 100 on the class''s first day with three models priced. Entries and departures do not move it. Weights: OpenRouter demand where known, else every model alike.';
COMMENT ON COLUMN price_index.class IS 'frontier, open_large, open_small or chinese (a model can be in two)';
COMMENT ON COLUMN price_index.day IS 'Day, UTC';
COMMENT ON COLUMN price_index.index_value IS '100 on the base day';
COMMENT ON COLUMN price_index.link IS 'This day over the day before';
COMMENT ON COLUMN price_index.goods IS 'Prices compared for the link (input and output of an offer are two)';
COMMENT ON COLUMN price_index.weighted_share IS 'Share of the members whose weight is measured demand, 0 to 1';

CREATE OR REPLACE VIEW price_classes AS
SELECT model_id, class, source, as_of FROM calc.price_class;
COMMENT ON VIEW price_classes IS 'Which models the price index counts in which class, and why.';
COMMENT ON COLUMN price_classes.model_id IS 'Canonical author/slug';
COMMENT ON COLUMN price_classes.class IS 'frontier, open_large, open_small or chinese';
COMMENT ON COLUMN price_classes.source IS 'What puts it there';
COMMENT ON COLUMN price_classes.as_of IS 'When that was decided';

CREATE OR REPLACE VIEW burn AS
SELECT source_id, listed_name, model_id, day, tokens, offer, burn_low AS burn_low_usd, burn_mid AS burn_mid_usd,
       burn_high AS burn_high_usd, input_share, band_id
FROM calc.burn;
COMMENT ON VIEW burn IS 'What one router''s traffic of a model loses per day if it is served at the cheapest price and that price is below cost. A band; a lower bound of volume, since one router is not the market. Counters of one router count the same traffic: take one source_id, never their sum.';
COMMENT ON COLUMN burn.source_id IS 'Whose counter';
COMMENT ON COLUMN burn.listed_name IS 'Model as the counter names it';
COMMENT ON COLUMN burn.model_id IS 'Canonical author/slug';
COMMENT ON COLUMN burn.day IS 'Day of the traffic, UTC';
COMMENT ON COLUMN burn.tokens IS 'Tokens, input and output together';
COMMENT ON COLUMN burn.offer IS 'The offer whose price that traffic paid: the named host''s, else the cheapest; no hearsay, no price with an unknown side';
COMMENT ON COLUMN burn.burn_low_usd IS 'USD lost that day at the low cost; 0 where it earns';
COMMENT ON COLUMN burn.burn_mid_usd IS 'At the middle cost';
COMMENT ON COLUMN burn.burn_high_usd IS 'At the high cost';
COMMENT ON COLUMN burn.input_share IS 'Share of the tokens taken as input: the counter does not tell';
COMMENT ON COLUMN burn.band_id IS 'The row of cost_bands';

CREATE OR REPLACE VIEW cost_by_hardware AS
SELECT model_id, day, hardware, (3 * input_mid + output_mid) / 4 AS cost_usd_per_mtok, input_mid AS input_usd_per_mtok,
       output_mid AS output_usd_per_mtok, precision, scenario, deployment
FROM calc.cost_by_hardware;
COMMENT ON VIEW cost_by_hardware IS 'What serving a model costs on each accelerator, per assessed week: its cheapest deployment at the middle of the scenario, any speed.';
COMMENT ON COLUMN cost_by_hardware.model_id IS 'Canonical author/slug; open models only';
COMMENT ON COLUMN cost_by_hardware.day IS 'Rents as of this day (Monday of the week)';
COMMENT ON COLUMN cost_by_hardware.hardware IS 'The accelerator';
COMMENT ON COLUMN cost_by_hardware.cost_usd_per_mtok IS 'USD per million tokens, blended: three parts input, one part output';
COMMENT ON COLUMN cost_by_hardware.input_usd_per_mtok IS 'Cost of input';
COMMENT ON COLUMN cost_by_hardware.output_usd_per_mtok IS 'Cost of output';
COMMENT ON COLUMN cost_by_hardware.precision IS 'Native precision of the model';
COMMENT ON COLUMN cost_by_hardware.scenario IS 'Named assumptions';
COMMENT ON COLUMN cost_by_hardware.deployment IS 'How many of it, and how the model is split over them';

CREATE OR REPLACE VIEW cost_falls AS
SELECT model_id, first_day, day, position, cause, usd_per_mtok, factor, deployment, scenario FROM calc.cost_fall;
COMMENT ON VIEW cost_falls IS 'What made serving a model cheaper since first_day, one change at a time: a factor is what a change brings after those before it. Begins with what would have been served then, a dense model.';
COMMENT ON COLUMN cost_falls.model_id IS 'Canonical author/slug; open models only';
COMMENT ON COLUMN cost_falls.first_day IS 'The day it is told from';
COMMENT ON COLUMN cost_falls.day IS 'The day it is told to (Monday of an assessed week)';
COMMENT ON COLUMN cost_falls.position IS '0 is the start, then the changes in order';
COMMENT ON COLUMN cost_falls.cause IS 'The change';
COMMENT ON COLUMN cost_falls.usd_per_mtok IS 'Cost after it, USD per million tokens of the scenario''s mix';
COMMENT ON COLUMN cost_falls.factor IS 'Cost before it over cost after it';
COMMENT ON COLUMN cost_falls.deployment IS 'The cheapest deployment after it';
COMMENT ON COLUMN cost_falls.scenario IS 'Named assumptions';
