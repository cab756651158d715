-- What audits found: one row per method and one (method 'verdict') for the sentence. Appended only; times are UTC.
CREATE TABLE core.audit (
    audit_id VARCHAR, started_at TIMESTAMP, offer VARCHAR, provider VARCHAR, listed_name VARCHAR, host VARCHAR,
    reference VARCHAR, controls VARCHAR, vantage VARCHAR,
    method VARCHAR,          -- border prompts, greedy divergence, teacher-forced margin, sampled text, verdict ...
    queries INTEGER, output_tokens BIGINT, statistic DOUBLE, p_value DOUBLE, e_value DOUBLE,
    kl_low DOUBLE, kl_mid DOUBLE, kl_high DOUBLE, detectable_kl DOUBLE, power DOUBLE,
    verdict VARCHAR, sentence VARCHAR, cost_usd DOUBLE, is_sandbox BOOLEAN, recorded_at TIMESTAMP
);
