-- Our own measurements, one row per request, and the result files they came in. Appended only; times are UTC.
CREATE TABLE core.probe_file (file_hash VARCHAR, row_count INTEGER, recorded_at TIMESTAMP);

CREATE TABLE core.probe (
    probe_id VARCHAR, burst_id VARCHAR, file_hash VARCHAR,
    offer VARCHAR, provider VARCHAR, listed_name VARCHAR, tier VARCHAR, region VARCHAR, variant VARCHAR,
    host VARCHAR, dialect VARCHAR, vantage VARCHAR, vantage_region VARCHAR, started_at TIMESTAMP,
    workload VARCHAR, temperature DOUBLE, max_tokens INTEGER, concurrency INTEGER, stream INTEGER,
    outcome VARCHAR, detail VARCHAR, status INTEGER,
    dns_ms DOUBLE, connect_ms DOUBLE, tls_ms DOUBLE, ttft_ms DOUBLE, ttft_content_ms DOUBLE, itl_ms DOUBLE,
    output_tok_s DOUBLE, e2e_ms DOUBLE, burst_tok_s DOUBLE,
    input_tokens BIGINT, output_tokens BIGINT, reasoning_tokens BIGINT, cached_tokens BIGINT,
    streamed_tokens BIGINT, token_source VARCHAR, first_chunk_tokens BIGINT, chunks BIGINT, estimated_tokens BIGINT,
    lag_ms DOUBLE, limits VARCHAR, cost_usd DECIMAL(24, 9), is_sandbox BOOLEAN, recorded_at TIMESTAMP
);
