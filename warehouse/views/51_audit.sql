-- Our own audits. The sandbox is kept apart.
CREATE OR REPLACE VIEW audits AS
SELECT audit_id, started_at, offer, provider, listed_name, host, reference, controls, vantage, method, queries,
       output_tokens, statistic, p_value, e_value, kl_low, kl_mid, kl_high,
       -- a verdict could see as much as the best of its methods
       if(method = 'verdict', min(detectable_kl) OVER same, detectable_kl) AS detectable_kl,
       if(method = 'verdict', arg_min(power, detectable_kl) OVER same, power) AS power, verdict, sentence,
       cost_usd, recorded_at
FROM core.audit WHERE NOT is_sandbox
WINDOW same AS (PARTITION BY audit_id);
COMMENT ON VIEW audits IS 'What our audits found: whether a host''s outputs differ from a reference beyond what honest hosts do, and by how much. One row per method and one for the verdict.';
COMMENT ON COLUMN audits.audit_id IS 'Id of the audit; its rows belong together';
COMMENT ON COLUMN audits.started_at IS 'When the audit began, UTC';
COMMENT ON COLUMN audits.offer IS 'The offer under audit, as `provider/listed-name[:tier][@region][#tag]`';
COMMENT ON COLUMN audits.provider IS 'Who serves and bills';
COMMENT ON COLUMN audits.listed_name IS 'Name as listed';
COMMENT ON COLUMN audits.host IS 'Host the requests went to';
COMMENT ON COLUMN audits.reference IS 'What it was compared with';
COMMENT ON COLUMN audits.controls IS 'Honest hosts that showed what may differ, separated by commas';
COMMENT ON COLUMN audits.vantage IS 'Where the audit ran';
COMMENT ON COLUMN audits.method IS 'border prompts, greedy divergence, teacher-forced margin, sampled text, or verdict';
COMMENT ON COLUMN audits.queries IS 'Questions of the host that counted';
COMMENT ON COLUMN audits.output_tokens IS 'Tokens of the host that counted';
COMMENT ON COLUMN audits.statistic IS 'The method''s statistic: flips, share of texts that parted, nats per token, MMD';
COMMENT ON COLUMN audits.p_value IS 'Chance of at least this under honest noise; the verdict''s is corrected for the number of methods';
COMMENT ON COLUMN audits.e_value IS 'Evidence of a watch that is looked at again and again: 20 and more is an alarm at 5 %';
COMMENT ON COLUMN audits.kl_low IS 'Distance from the reference in nats per token: lower end of its 95 % interval';
COMMENT ON COLUMN audits.kl_mid IS 'Distance from the reference in nats per token, estimated';
COMMENT ON COLUMN audits.kl_high IS 'Distance from the reference in nats per token: upper end; NULL has no bound';
COMMENT ON COLUMN audits.detectable_kl IS 'Distance that would have been found with the probability in `power`; the verdict''s is the best of its methods';
COMMENT ON COLUMN audits.power IS 'Probability of finding `detectable_kl`';
COMMENT ON COLUMN audits.verdict IS 'differs, another_model, not_detectable, confounded or undecided; on the verdict row only';
COMMENT ON COLUMN audits.sentence IS 'The verdict, or the method''s note, in words';
COMMENT ON COLUMN audits.cost_usd IS 'What the audit cost by reported usage; on the verdict row only';
COMMENT ON COLUMN audits.recorded_at IS 'When the row entered the warehouse, UTC';
