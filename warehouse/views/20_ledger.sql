-- How the data came to be: sources, passes, captures, holds, notices.
CREATE OR REPLACE VIEW captures AS
SELECT capture_id, source_id, recorder, url, label, media_type, sha256, bytes, observed_at FROM core.capture;
COMMENT ON VIEW captures IS 'The raw responses behind every row; the bytes lie in captures/ under their hash.';
COMMENT ON COLUMN captures.capture_id IS 'Id';
COMMENT ON COLUMN captures.source_id IS 'Which source';
COMMENT ON COLUMN captures.recorder IS 'Empty: fetched here; else which recording of the source it was replayed from';
COMMENT ON COLUMN captures.url IS 'Where it was fetched';
COMMENT ON COLUMN captures.label IS 'Which of the source''s shapes';
COMMENT ON COLUMN captures.media_type IS 'As the server said';
COMMENT ON COLUMN captures.sha256 IS 'Hash of the bytes';
COMMENT ON COLUMN captures.bytes IS 'Length';
COMMENT ON COLUMN captures.observed_at IS 'When these bytes were first seen, UTC';

CREATE OR REPLACE VIEW passes AS
SELECT pass_id, source_id, recorder, observed_at, recorded_at, outcome, row_count, opened, closed, held, pending, notices,
       problem, duration_ms
FROM core.pass;
COMMENT ON VIEW passes IS 'One row per fetch-parse-check-store run of a source.';
COMMENT ON COLUMN passes.pass_id IS 'Id';
COMMENT ON COLUMN passes.source_id IS 'Which source';
COMMENT ON COLUMN passes.recorder IS 'Empty: our own fetch; else the recording it was replayed from';
COMMENT ON COLUMN passes.observed_at IS 'When the source showed it, UTC';
COMMENT ON COLUMN passes.recorded_at IS 'When it entered the ledger, UTC';
COMMENT ON COLUMN passes.outcome IS 'good, shrunk (absence not counted) or failed';
COMMENT ON COLUMN passes.row_count IS 'Rows the source showed';
COMMENT ON COLUMN passes.opened IS 'Versions that began';
COMMENT ON COLUMN passes.closed IS 'Versions that ended';
COMMENT ON COLUMN passes.held IS 'Rows newly held';
COMMENT ON COLUMN passes.pending IS 'Rows still held or missing after this pass';
COMMENT ON COLUMN passes.notices IS 'Things the parser could not turn into a row';
COMMENT ON COLUMN passes.problem IS 'Why it failed or is doubtful';
COMMENT ON COLUMN passes.duration_ms IS 'Fetch to parsed';

CREATE OR REPLACE VIEW held AS
SELECT h.hold_id, o.offer, o.provider, o.listed_name, h.component, h.amount, h.currency, h.unit, h.reason, h.detail,
       h.state, h.agreed, h.source_id, h.raw, h.locator, h.capture_id, h.observed_at, h.decided_at, h.decided_by
FROM core.hold h JOIN core.offer o USING (offer_id);
COMMENT ON VIEW held IS 'Prices not believed at first sight: waiting for a second pass, an independent source or a person.';
COMMENT ON COLUMN held.hold_id IS 'Id; `tracker held --admit ID` or `--reject ID` settles it';
COMMENT ON COLUMN held.offer IS 'The offer';
COMMENT ON COLUMN held.provider IS 'Who serves and bills';
COMMENT ON COLUMN held.listed_name IS 'Name as listed';
COMMENT ON COLUMN held.component IS 'What is billed';
COMMENT ON COLUMN held.amount IS 'The doubted amount';
COMMENT ON COLUMN held.currency IS 'Currency';
COMMENT ON COLUMN held.unit IS 'Unit';
COMMENT ON COLUMN held.reason IS 'jump, power_of_ten, currency_factor, unit_suspect, beyond_range';
COMMENT ON COLUMN held.detail IS 'The comparison that raised the doubt';
COMMENT ON COLUMN held.state IS 'waiting, admitted, expired (it was a glitch) or rejected';
COMMENT ON COLUMN held.agreed IS 'Later passes that showed it again';
COMMENT ON COLUMN held.source_id IS 'Where it was read';
COMMENT ON COLUMN held.raw IS 'As the source wrote it';
COMMENT ON COLUMN held.locator IS 'Where in the capture';
COMMENT ON COLUMN held.capture_id IS 'The raw bytes behind it';
COMMENT ON COLUMN held.observed_at IS 'First seen, UTC';
COMMENT ON COLUMN held.decided_at IS 'When it was settled, UTC, on the ledger''s clock: the pass that settled it, or a person''s word';
COMMENT ON COLUMN held.decided_by IS 'What settled it';

CREATE OR REPLACE VIEW notices AS
SELECT source_id, kind, text, locator, observed_at, pass_id FROM core.notice;
COMMENT ON VIEW notices IS 'Words, rows and columns that a parser met and did not turn into data.';
COMMENT ON COLUMN notices.source_id IS 'Which source';
COMMENT ON COLUMN notices.kind IS 'unknown_word, bad_row, skipped, contradiction ...';
COMMENT ON COLUMN notices.text IS 'What';
COMMENT ON COLUMN notices.locator IS 'Where in the capture';
COMMENT ON COLUMN notices.observed_at IS 'When, UTC';
COMMENT ON COLUMN notices.pass_id IS 'In which pass';

CREATE OR REPLACE VIEW sources AS
WITH good AS (
    SELECT source_id, max(observed_at) AS last_good_at, arg_max(row_count, observed_at) AS row_count,
           count(*) AS good_passes, count(*) FILTER (opened + closed > 0) AS changed_passes,
           min(observed_at) AS first_good_at, arg_max(notices, observed_at) AS notices
    FROM core.pass WHERE outcome <> 'failed' GROUP BY source_id
), any_pass AS (
    SELECT source_id, max(observed_at) AS last_pass_at, arg_max(outcome, observed_at) AS last_outcome,
           arg_max(problem, observed_at) AS last_problem FROM core.pass GROUP BY source_id
), waiting AS (SELECT source_id, count(*) AS held FROM core.hold WHERE state = 'waiting' GROUP BY source_id)
SELECT s.source_id, s.title, s.kind, s.provider, s.standing, s.copies, s.proof, s.proof_url, s.enabled, s.every_hours,
       p.last_pass_at, p.last_outcome, p.last_problem, g.last_good_at, g.row_count, coalesce(w.held, 0) AS held,
       g.notices, g.good_passes, g.changed_passes, g.first_good_at,
       CASE WHEN g.changed_passes > 0
            THEN date_diff('hour', g.first_good_at, g.last_good_at) / g.changed_passes END AS usual_change_hours,
       date_diff('hour', g.last_good_at, (SELECT now_utc FROM clock)) AS age_hours,
       g.last_good_at IS NULL OR date_diff('hour', g.last_good_at, (SELECT now_utc FROM clock)) > 3 * s.every_hours
           AS stale,
       s.terms, s.notice, s.url
FROM ref.source s LEFT JOIN any_pass p USING (source_id) LEFT JOIN good g USING (source_id)
LEFT JOIN waiting w USING (source_id);
COMMENT ON VIEW sources IS 'Where we read, how it went last, and how old that is against the usual interval.';
COMMENT ON COLUMN sources.source_id IS 'Id';
COMMENT ON COLUMN sources.title IS 'Name for people';
COMMENT ON COLUMN sources.kind IS 'seller, host, market, catalogue, bundled, rental, fx, demand, limits';
COMMENT ON COLUMN sources.provider IS 'Set where one seller speaks for itself';
COMMENT ON COLUMN sources.standing IS 'Rank when sources disagree: 1 the seller itself, 2 a market that routes to it, 3 a catalogue, 4 bundled';
COMMENT ON COLUMN sources.copies IS 'Whose copy it is: a copy is never a second witness';
COMMENT ON COLUMN sources.proof IS 'What the parser was built against: recorded, excerpt, documented, none';
COMMENT ON COLUMN sources.proof_url IS 'Link to that';
COMMENT ON COLUMN sources.enabled IS 'Whether scheduled passes read it';
COMMENT ON COLUMN sources.every_hours IS 'Interval between passes';
COMMENT ON COLUMN sources.last_pass_at IS 'Last try, UTC';
COMMENT ON COLUMN sources.last_outcome IS 'How it ended';
COMMENT ON COLUMN sources.last_problem IS 'Why, when not good';
COMMENT ON COLUMN sources.last_good_at IS 'Last good pass, UTC';
COMMENT ON COLUMN sources.row_count IS 'Rows of the last good pass';
COMMENT ON COLUMN sources.held IS 'Rows waiting to be believed';
COMMENT ON COLUMN sources.notices IS 'Things not understood in the last good pass';
COMMENT ON COLUMN sources.good_passes IS 'How often it was read';
COMMENT ON COLUMN sources.changed_passes IS 'How often that changed something';
COMMENT ON COLUMN sources.first_good_at IS 'First good pass, UTC';
COMMENT ON COLUMN sources.usual_change_hours IS 'Mean hours between changes';
COMMENT ON COLUMN sources.age_hours IS 'Hours since the last good pass, by the ledger''s clock';
COMMENT ON COLUMN sources.stale IS 'Older than three intervals, or never read';
COMMENT ON COLUMN sources.terms IS 'Terms of use';
COMMENT ON COLUMN sources.notice IS 'What a reader must know';
COMMENT ON COLUMN sources.url IS 'Where';
