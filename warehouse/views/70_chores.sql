CREATE OR REPLACE VIEW chores AS SELECT name, slot, started_at, ended_at, outcome, problem FROM core.chore;
COMMENT ON VIEW chores IS 'Scheduled work beside the sources: what ran, for which slot, and how it ended.';
COMMENT ON COLUMN chores.name IS 'assess, report, alerts; from tracker.toml: ingest, probe, audit OFFER, parquet, site';
COMMENT ON COLUMN chores.slot IS 'What it was for: a week, a day, a pass';
COMMENT ON COLUMN chores.started_at IS 'UTC';
COMMENT ON COLUMN chores.ended_at IS 'UTC';
COMMENT ON COLUMN chores.outcome IS 'good or failed';
COMMENT ON COLUMN chores.problem IS 'Why it failed';
