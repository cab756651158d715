-- What was observed, as it was observed. Times are UTC. Rows of *_past and of the series tables are only ever appended;
-- the one later stamp is superseded_at, set when a corrected parser or an older recording retells a source's history.
-- No keys, indexes or foreign keys: DuckDB's ART indexes have been corrupted by updates (1.4-1.5).
CREATE SCHEMA IF NOT EXISTS core;
CREATE SCHEMA ref;
CREATE SCHEMA calc;

CREATE TABLE core.capture (
    capture_id BIGINT, source_id VARCHAR, recorder VARCHAR, url VARCHAR, label VARCHAR,
    media_type VARCHAR, sha256 VARCHAR, bytes BIGINT, observed_at TIMESTAMP
);

CREATE TABLE core.pass (
    pass_id BIGINT, source_id VARCHAR, recorder VARCHAR, observed_at TIMESTAMP, recorded_at TIMESTAMP,
    outcome VARCHAR,        -- good, shrunk or partial (absence not counted), failed
    row_count INTEGER, opened INTEGER, closed INTEGER, held INTEGER, pending INTEGER, notices INTEGER,
    content_hash VARCHAR, problem VARCHAR, duration_ms DOUBLE, capture_ids BIGINT[]
);

CREATE TABLE core.offer (
    offer_id BIGINT, offer VARCHAR, provider VARCHAR, listed_name VARCHAR, tier VARCHAR, region VARCHAR, variant VARCHAR
);

CREATE TABLE core.quote_now (
    version_id BIGINT, source_id VARCHAR,
    offer_id BIGINT, component VARCHAR, basis VARCHAR, min_prompt_tokens INTEGER, max_prompt_tokens INTEGER,
    hours VARCHAR, effective_from TIMESTAMP,
    amount DECIMAL(24, 9), currency VARCHAR, unit VARCHAR, status VARCHAR, priority INTEGER, effective_until TIMESTAMP,
    raw VARCHAR, locator VARCHAR, capture_id BIGINT, pass_id BIGINT, recorder VARCHAR,
    observed_at TIMESTAMP, recorded_at TIMESTAMP, misses INTEGER, missing_since TIMESTAMP
);
CREATE TABLE core.quote_past (
    version_id BIGINT, source_id VARCHAR,
    offer_id BIGINT, component VARCHAR, basis VARCHAR, min_prompt_tokens INTEGER, max_prompt_tokens INTEGER,
    hours VARCHAR, effective_from TIMESTAMP,
    amount DECIMAL(24, 9), currency VARCHAR, unit VARCHAR, status VARCHAR, priority INTEGER, effective_until TIMESTAMP,
    raw VARCHAR, locator VARCHAR, capture_id BIGINT, pass_id BIGINT, recorder VARCHAR,
    observed_at TIMESTAMP, recorded_at TIMESTAMP,
    ended_at TIMESTAMP, ended_recorded_at TIMESTAMP, end_reason VARCHAR, superseded_at TIMESTAMP,
    valid_from TIMESTAMP, valid_to TIMESTAMP
);

CREATE TABLE core.declaration_now (
    version_id BIGINT, source_id VARCHAR, offer_id BIGINT, attribute VARCHAR, declared VARCHAR,
    locator VARCHAR, capture_id BIGINT, pass_id BIGINT, recorder VARCHAR,
    observed_at TIMESTAMP, recorded_at TIMESTAMP, misses INTEGER, missing_since TIMESTAMP
);
CREATE TABLE core.declaration_past (
    version_id BIGINT, source_id VARCHAR, offer_id BIGINT, attribute VARCHAR, declared VARCHAR,
    locator VARCHAR, capture_id BIGINT, pass_id BIGINT, recorder VARCHAR,
    observed_at TIMESTAMP, recorded_at TIMESTAMP,
    ended_at TIMESTAMP, ended_recorded_at TIMESTAMP, end_reason VARCHAR, superseded_at TIMESTAMP,
    valid_from TIMESTAMP, valid_to TIMESTAMP
);

CREATE TABLE core.limit_now (
    version_id BIGINT, source_id VARCHAR, provider VARCHAR, listed_name VARCHAR, tier VARCHAR, region VARCHAR,
    account_tier VARCHAR, measure VARCHAR, per VARCHAR, amount DECIMAL(24, 9), status VARCHAR, learned_from VARCHAR,
    locator VARCHAR, capture_id BIGINT, pass_id BIGINT, recorder VARCHAR,
    observed_at TIMESTAMP, recorded_at TIMESTAMP, misses INTEGER, missing_since TIMESTAMP
);
CREATE TABLE core.limit_past (
    version_id BIGINT, source_id VARCHAR, provider VARCHAR, listed_name VARCHAR, tier VARCHAR, region VARCHAR,
    account_tier VARCHAR, measure VARCHAR, per VARCHAR, amount DECIMAL(24, 9), status VARCHAR, learned_from VARCHAR,
    locator VARCHAR, capture_id BIGINT, pass_id BIGINT, recorder VARCHAR,
    observed_at TIMESTAMP, recorded_at TIMESTAMP,
    ended_at TIMESTAMP, ended_recorded_at TIMESTAMP, end_reason VARCHAR, superseded_at TIMESTAMP,
    valid_from TIMESTAMP, valid_to TIMESTAMP
);

CREATE TABLE core.rental_now (
    version_id BIGINT, source_id VARCHAR, lessor VARCHAR, listed_name VARCHAR, region VARCHAR, commitment VARCHAR,
    gpu_count INTEGER, form VARCHAR, effective_from TIMESTAMP,
    accelerator VARCHAR, memory_gb DOUBLE, amount DECIMAL(24, 9), currency VARCHAR,
    locator VARCHAR, capture_id BIGINT, pass_id BIGINT, recorder VARCHAR,
    observed_at TIMESTAMP, recorded_at TIMESTAMP, misses INTEGER, missing_since TIMESTAMP
);
CREATE TABLE core.rental_past (
    version_id BIGINT, source_id VARCHAR, lessor VARCHAR, listed_name VARCHAR, region VARCHAR, commitment VARCHAR,
    gpu_count INTEGER, form VARCHAR, effective_from TIMESTAMP,
    accelerator VARCHAR, memory_gb DOUBLE, amount DECIMAL(24, 9), currency VARCHAR,
    locator VARCHAR, capture_id BIGINT, pass_id BIGINT, recorder VARCHAR,
    observed_at TIMESTAMP, recorded_at TIMESTAMP,
    ended_at TIMESTAMP, ended_recorded_at TIMESTAMP, end_reason VARCHAR, superseded_at TIMESTAMP,
    valid_from TIMESTAMP, valid_to TIMESTAMP
);

CREATE TABLE core.metric (
    source_id VARCHAR, offer_id BIGINT, name VARCHAR, statistic VARCHAR, per VARCHAR, value DOUBLE,
    measured_at TIMESTAMP, observed_at TIMESTAMP, recorded_at TIMESTAMP, capture_id BIGINT, pass_id BIGINT
);
CREATE TABLE core.fx_rate (
    source_id VARCHAR, base_currency VARCHAR, quote_currency VARCHAR, published_date DATE, rate DECIMAL(24, 9),
    observed_at TIMESTAMP, recorded_at TIMESTAMP, capture_id BIGINT, pass_id BIGINT
);
CREATE TABLE core.demand (
    source_id VARCHAR, listed_name VARCHAR, day DATE, scope VARCHAR, tokens BIGINT,
    observed_at TIMESTAMP, recorded_at TIMESTAMP, capture_id BIGINT, pass_id BIGINT
);
CREATE TABLE core.notice (
    source_id VARCHAR, kind VARCHAR, text VARCHAR, locator VARCHAR, observed_at TIMESTAMP, recorded_at TIMESTAMP,
    pass_id BIGINT
);
CREATE TABLE core.hold (
    hold_id BIGINT, source_id VARCHAR, offer_id BIGINT, component VARCHAR, basis VARCHAR, min_prompt_tokens INTEGER,
    max_prompt_tokens INTEGER, hours VARCHAR, effective_from TIMESTAMP,
    amount DECIMAL(24, 9), currency VARCHAR, unit VARCHAR, status VARCHAR, priority INTEGER, effective_until TIMESTAMP,
    raw VARCHAR, locator VARCHAR, capture_id BIGINT, pass_id BIGINT, recorder VARCHAR,
    reason VARCHAR, detail VARCHAR, state VARCHAR,   -- waiting, admitted, expired, rejected
    agreed INTEGER, observed_at TIMESTAMP, recorded_at TIMESTAMP, decided_at TIMESTAMP, decided_by VARCHAR
);

CREATE TABLE ref.source (
    source_id VARCHAR, title VARCHAR, kind VARCHAR, provider VARCHAR, currency VARCHAR, unit VARCHAR, every_hours DOUBLE,
    copies VARCHAR, proof VARCHAR, proof_url VARCHAR, terms VARCHAR, notice VARCHAR, url VARCHAR, enabled BOOLEAN,
    standing INTEGER
);
CREATE TABLE calc.offer_model (offer_id BIGINT, model_id VARCHAR, precision VARCHAR);
CREATE TABLE ref.shipped (name VARCHAR, fingerprint VARCHAR);

-- USD per unit of each currency for every calendar day, carried over days without a publication; rebuilt from core.fx_rate.
CREATE TABLE calc.fx_daily (currency VARCHAR, day DATE, published_date DATE, usd_per_unit DOUBLE);
