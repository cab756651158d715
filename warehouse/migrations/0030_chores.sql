-- Scheduled work that is not a pass of a source: assess, report, alerts. One row per try.
CREATE TABLE core.chore (
    name VARCHAR, slot VARCHAR, started_at TIMESTAMP, ended_at TIMESTAMP, outcome VARCHAR, problem VARCHAR
);
