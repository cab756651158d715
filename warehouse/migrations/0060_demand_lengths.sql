-- How long the requests are that a counter saw; NULL where it states one total.
ALTER TABLE core.demand ADD COLUMN prompt_tokens BIGINT;
ALTER TABLE core.demand ADD COLUMN requests BIGINT;
