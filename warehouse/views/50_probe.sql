-- Our own probes. Speeds only on outcome ok; the sandbox is kept apart and never enters a market view.
CREATE OR REPLACE VIEW probes AS
SELECT probe_id, burst_id, offer, provider, listed_name, tier, region, variant, host, dialect, vantage,
       vantage_region, started_at, workload, temperature, max_tokens, concurrency, stream, outcome, detail, status,
       dns_ms, connect_ms, tls_ms, ttft_ms, ttft_content_ms, itl_ms, output_tok_s, e2e_ms, burst_tok_s, input_tokens,
       output_tokens, reasoning_tokens, cached_tokens, streamed_tokens, token_source, first_chunk_tokens, chunks,
       estimated_tokens, lag_ms, limits, cost_usd, file_hash, recorded_at
FROM core.probe WHERE NOT is_sandbox;
COMMENT ON VIEW probes IS 'Our own measurements of offers, one row per request.';
COMMENT ON COLUMN probes.probe_id IS 'Id of the request';
COMMENT ON COLUMN probes.burst_id IS 'Requests started together';
COMMENT ON COLUMN probes.offer IS 'The offer, as `provider/listed-name[:tier][@region][#tag]`';
COMMENT ON COLUMN probes.provider IS 'Who serves and bills';
COMMENT ON COLUMN probes.listed_name IS 'Name as listed';
COMMENT ON COLUMN probes.tier IS 'Service tier';
COMMENT ON COLUMN probes.region IS 'The offer''s region or market';
COMMENT ON COLUMN probes.variant IS 'Variant tag';
COMMENT ON COLUMN probes.host IS 'Host the requests went to';
COMMENT ON COLUMN probes.dialect IS 'openai_chat, openai_completions, anthropic or gemini';
COMMENT ON COLUMN probes.vantage IS 'Where the probe ran: its name';
COMMENT ON COLUMN probes.vantage_region IS 'Where the probe ran: its region';
COMMENT ON COLUMN probes.started_at IS 'When the burst began, UTC';
COMMENT ON COLUMN probes.workload IS 'Tokens in/out, or regular, hard, prefill-*';
COMMENT ON COLUMN probes.temperature IS 'Sampling temperature asked for';
COMMENT ON COLUMN probes.max_tokens IS 'Output tokens asked for';
COMMENT ON COLUMN probes.concurrency IS 'Streams of the burst';
COMMENT ON COLUMN probes.stream IS 'Number of the stream in its burst';
COMMENT ON COLUMN probes.outcome IS 'ok, or why there is no speed: rate_limited, cut_off, usage_disputed, distorted ...';
COMMENT ON COLUMN probes.detail IS 'The outcome in words';
COMMENT ON COLUMN probes.status IS 'HTTP status';
COMMENT ON COLUMN probes.dns_ms IS 'Name look-up; NULL when the host was an address';
COMMENT ON COLUMN probes.connect_ms IS 'TCP connect';
COMMENT ON COLUMN probes.tls_ms IS 'TLS handshake';
COMMENT ON COLUMN probes.ttft_ms IS 'Request sent to first token of any kind';
COMMENT ON COLUMN probes.ttft_content_ms IS 'Request sent to first visible text';
COMMENT ON COLUMN probes.itl_ms IS 'Time per output token after the first chunk';
COMMENT ON COLUMN probes.output_tok_s IS 'Streamed tokens per second, the first wait included';
COMMENT ON COLUMN probes.e2e_ms IS 'Request sent to the end';
COMMENT ON COLUMN probes.burst_tok_s IS 'Tokens per second of all streams of the burst';
COMMENT ON COLUMN probes.input_tokens IS 'Input tokens by the seller''s usage';
COMMENT ON COLUMN probes.output_tokens IS 'Output tokens by the seller''s usage, reasoning included';
COMMENT ON COLUMN probes.reasoning_tokens IS 'Reasoning tokens by the seller''s usage';
COMMENT ON COLUMN probes.cached_tokens IS 'Input tokens the seller read from its cache';
COMMENT ON COLUMN probes.streamed_tokens IS 'Tokens that arrived as text';
COMMENT ON COLUMN probes.token_source IS 'Who counted them: usage, logprobs or estimate';
COMMENT ON COLUMN probes.first_chunk_tokens IS 'Of these in the first chunk';
COMMENT ON COLUMN probes.chunks IS 'Chunks with text';
COMMENT ON COLUMN probes.estimated_tokens IS 'UTF-8 bytes / 4: our own count, never the seller''s';
COMMENT ON COLUMN probes.lag_ms IS 'Our own scheduling lag at the first and last token';
COMMENT ON COLUMN probes.limits IS 'Rate-limit headers, as JSON';
COMMENT ON COLUMN probes.cost_usd IS 'What it cost at the listed price, USD';
COMMENT ON COLUMN probes.file_hash IS 'Result file the row came in';
COMMENT ON COLUMN probes.recorded_at IS 'When it entered this ledger, UTC';

CREATE OR REPLACE VIEW sandbox_probes AS
SELECT probe_id, burst_id, offer, provider, listed_name, tier, region, variant, host, dialect, vantage,
       vantage_region, started_at, workload, temperature, max_tokens, concurrency, stream, outcome, detail, status,
       dns_ms, connect_ms, tls_ms, ttft_ms, ttft_content_ms, itl_ms, output_tok_s, e2e_ms, burst_tok_s, input_tokens,
       output_tokens, reasoning_tokens, cached_tokens, streamed_tokens, token_source, first_chunk_tokens, chunks,
       estimated_tokens, lag_ms, limits, cost_usd, file_hash, recorded_at
FROM core.probe WHERE is_sandbox;
COMMENT ON VIEW sandbox_probes IS 'The same measured on the local sandbox: for trying out, never the market.';
COMMENT ON COLUMN sandbox_probes.probe_id IS 'Id of the request';
COMMENT ON COLUMN sandbox_probes.burst_id IS 'Requests started together';
COMMENT ON COLUMN sandbox_probes.offer IS 'The offer, as `provider/listed-name[:tier][@region][#tag]`';
COMMENT ON COLUMN sandbox_probes.provider IS 'Who serves and bills';
COMMENT ON COLUMN sandbox_probes.listed_name IS 'Name as listed';
COMMENT ON COLUMN sandbox_probes.tier IS 'Service tier';
COMMENT ON COLUMN sandbox_probes.region IS 'The offer''s region or market';
COMMENT ON COLUMN sandbox_probes.variant IS 'Variant tag';
COMMENT ON COLUMN sandbox_probes.host IS 'Host the requests went to';
COMMENT ON COLUMN sandbox_probes.dialect IS 'openai_chat, openai_completions, anthropic or gemini';
COMMENT ON COLUMN sandbox_probes.vantage IS 'Where the probe ran: its name';
COMMENT ON COLUMN sandbox_probes.vantage_region IS 'Where the probe ran: its region';
COMMENT ON COLUMN sandbox_probes.started_at IS 'When the burst began, UTC';
COMMENT ON COLUMN sandbox_probes.workload IS 'Tokens in/out, or regular, hard, prefill-*';
COMMENT ON COLUMN sandbox_probes.temperature IS 'Sampling temperature asked for';
COMMENT ON COLUMN sandbox_probes.max_tokens IS 'Output tokens asked for';
COMMENT ON COLUMN sandbox_probes.concurrency IS 'Streams of the burst';
COMMENT ON COLUMN sandbox_probes.stream IS 'Number of the stream in its burst';
COMMENT ON COLUMN sandbox_probes.outcome IS 'ok, or why there is no speed: rate_limited, cut_off, usage_disputed, distorted ...';
COMMENT ON COLUMN sandbox_probes.detail IS 'The outcome in words';
COMMENT ON COLUMN sandbox_probes.status IS 'HTTP status';
COMMENT ON COLUMN sandbox_probes.dns_ms IS 'Name look-up; NULL when the host was an address';
COMMENT ON COLUMN sandbox_probes.connect_ms IS 'TCP connect';
COMMENT ON COLUMN sandbox_probes.tls_ms IS 'TLS handshake';
COMMENT ON COLUMN sandbox_probes.ttft_ms IS 'Request sent to first token of any kind';
COMMENT ON COLUMN sandbox_probes.ttft_content_ms IS 'Request sent to first visible text';
COMMENT ON COLUMN sandbox_probes.itl_ms IS 'Time per output token after the first chunk';
COMMENT ON COLUMN sandbox_probes.output_tok_s IS 'Streamed tokens per second, the first wait included';
COMMENT ON COLUMN sandbox_probes.e2e_ms IS 'Request sent to the end';
COMMENT ON COLUMN sandbox_probes.burst_tok_s IS 'Tokens per second of all streams of the burst';
COMMENT ON COLUMN sandbox_probes.input_tokens IS 'Input tokens by the seller''s usage';
COMMENT ON COLUMN sandbox_probes.output_tokens IS 'Output tokens by the seller''s usage, reasoning included';
COMMENT ON COLUMN sandbox_probes.reasoning_tokens IS 'Reasoning tokens by the seller''s usage';
COMMENT ON COLUMN sandbox_probes.cached_tokens IS 'Input tokens the seller read from its cache';
COMMENT ON COLUMN sandbox_probes.streamed_tokens IS 'Tokens that arrived as text';
COMMENT ON COLUMN sandbox_probes.token_source IS 'Who counted them: usage, logprobs or estimate';
COMMENT ON COLUMN sandbox_probes.first_chunk_tokens IS 'Of these in the first chunk';
COMMENT ON COLUMN sandbox_probes.chunks IS 'Chunks with text';
COMMENT ON COLUMN sandbox_probes.estimated_tokens IS 'UTF-8 bytes / 4: our own count, never the seller''s';
COMMENT ON COLUMN sandbox_probes.lag_ms IS 'Our own scheduling lag at the first and last token';
COMMENT ON COLUMN sandbox_probes.limits IS 'Rate-limit headers, as JSON';
COMMENT ON COLUMN sandbox_probes.cost_usd IS 'What it cost at the listed price, USD';
COMMENT ON COLUMN sandbox_probes.file_hash IS 'Result file the row came in';
COMMENT ON COLUMN sandbox_probes.recorded_at IS 'When it entered this ledger, UTC';
