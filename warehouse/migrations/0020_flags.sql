-- What the analysis pass concludes. calc.flag holds the state of each flag; calc.flag_event is only ever appended, as are
-- cost bands, margins, floors and index points: a row holds until the next one of the same key, `ended` closes a key.
CREATE TABLE calc.flag (
    flag_id BIGINT, kind VARCHAR, rule_version INTEGER, offer_id BIGINT, offer VARCHAR, provider VARCHAR, model_id VARCHAR,
    probability DOUBLE, calibrated BOOLEAN, sentence VARCHAR, clearing VARCHAR, scenario VARCHAR, figures VARCHAR,
    evidence VARCHAR, opened_at TIMESTAMP, cooling_since TIMESTAMP, expires_at TIMESTAMP, closed_at TIMESTAMP,
    cause VARCHAR, recorded_at TIMESTAMP
);
CREATE TABLE calc.flag_event (
    flag_id BIGINT, event VARCHAR, kind VARCHAR, offer VARCHAR, rule_version INTEGER, probability DOUBLE, sentence VARCHAR,
    evidence VARCHAR, cause VARCHAR, occurred_at TIMESTAMP, recorded_at TIMESTAMP
);
-- The last inputs each offer was rated on: an unchanged hash is not rated again.
CREATE TABLE calc.rating (offer_id BIGINT, inputs_hash VARCHAR, rated_at TIMESTAMP);
CREATE TABLE calc.assessed_day (day DATE, rules VARCHAR, recorded_at TIMESTAMP);

CREATE TABLE calc.cost_band (
    band_id VARCHAR, model_id VARCHAR, precision VARCHAR, scenario VARCHAR, tok_s DOUBLE, ttft_s DOUBLE, day DATE,
    input_low DOUBLE, input_mid DOUBLE, input_high DOUBLE, output_low DOUBLE, output_mid DOUBLE, output_high DOUBLE,
    blended_low DOUBLE, blended_mid DOUBLE, blended_high DOUBLE, prompt_tokens INTEGER, output_tokens INTEGER,
    deployment VARCHAR, hardware VARCHAR, trace VARCHAR, feasible_share DOUBLE, engine VARCHAR,
    recorded_at TIMESTAMP
);
CREATE TABLE calc.margin (
    offer_id BIGINT, offer VARCHAR, provider VARCHAR, model_id VARCHAR, basis VARCHAR, day DATE, ended BOOLEAN,
    input_usd DOUBLE, output_usd DOUBLE, blended_usd DOUBLE, band_id VARCHAR, p_below_cost DOUBLE, recorded_at TIMESTAMP
);
CREATE TABLE calc.price_floor (
    model_id VARCHAR, day DATE, ended BOOLEAN, list_usd DOUBLE, list_offer VARCHAR, effective_usd DOUBLE,
    effective_offer VARCHAR, band_id VARCHAR, recorded_at TIMESTAMP
);
CREATE TABLE calc.price_index (
    class VARCHAR, day DATE, index_value DOUBLE, link DOUBLE, goods INTEGER, weighted_share DOUBLE, recorded_at TIMESTAMP
);
CREATE TABLE calc.price_class (model_id VARCHAR, class VARCHAR, source VARCHAR, as_of DATE);
CREATE TABLE calc.burn (
    source_id VARCHAR, listed_name VARCHAR, model_id VARCHAR, day DATE, tokens BIGINT, offer VARCHAR, band_id VARCHAR,
    input_share DOUBLE, burn_low DOUBLE, burn_mid DOUBLE, burn_high DOUBLE, recorded_at TIMESTAMP
);
