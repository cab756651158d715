-- Measurements, rates and demand that a repaired parser no longer reads: kept, stamped, left out of every view.
ALTER TABLE core.metric ADD COLUMN superseded_at TIMESTAMP;
ALTER TABLE core.fx_rate ADD COLUMN superseded_at TIMESTAMP;
ALTER TABLE core.demand ADD COLUMN superseded_at TIMESTAMP;
