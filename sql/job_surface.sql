-- What is told of refreshes: what goes on, what failed, what waits, what comes next; and what is forgotten.
SET search_path = public, customer_scoring;
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET client_min_messages = warning;
CREATE ROLE regress_cs_owner LOGIN;
CREATE ROLE regress_cs_member IN ROLE regress_cs_owner;
CREATE ROLE regress_cs_other;
GRANT CREATE, USAGE ON SCHEMA public TO regress_cs_owner;

-- only types that every BI tool takes
SELECT attrelid::regclass AS view, attname, format_type(atttypid, atttypmod)
FROM pg_attribute WHERE attrelid IN ('segment_table_status'::regclass, 'segment_table_run'::regclass) AND attnum > 0
  AND format_type(atttypid, -1) <> ALL ('{bigint,integer,smallint,text,boolean,date,timestamp with time zone}');

SET ROLE regress_cs_owner;
CREATE TABLE sold (customer_id text, ordered_at timestamptz, amount numeric(10, 2), worth numeric);
INSERT INTO sold VALUES ('ann', '2024-01-01', 10, 1), ('bob', '2024-01-02', 5, 1), ('cyd', '2024-01-02', 5, 1);
CREATE VIEW worth AS SELECT customer_id, ordered_at, amount / worth AS amount FROM sold;
SELECT create_segment_table('worth_segments', 'worth');
UPDATE sold SET worth = 0 WHERE customer_id = 'bob';

-- a refresh by hand that fails: the error comes as it is, and is recorded
SELECT refresh_segment_table('worth_segments');
SELECT run_id - lag(run_id) OVER (ORDER BY run_id) AS numbered, segment_table, owner, cause, state, mode, started_at <= finished_at AS in_order, pid = pg_backend_pid() AS own_pid,
       error_code, error_message, error_detail, error_hint FROM segment_table_run ORDER BY run_id;
SELECT state, reason, running_run_id, progress, last_run_id = (SELECT max(run_id) FROM segment_table_run) AS last, last_cause, last_state, error_code, error_message, error_hint, failures
FROM segment_table_status;
-- also when the caller catches it, and in a savepoint; what he did before stays
CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	message text;
	detail text;
	hint text;
BEGIN
	EXECUTE statement INTO result;
	RETURN coalesce(result, 'nothing');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', SQLSTATE, message, nullif(detail, ''), nullif(hint, ''));
END $$;
BEGIN;
INSERT INTO sold VALUES ('dan', '2024-01-02', 5, 1);
SELECT try('SELECT refresh_segment_table(''worth_segments'')');
SAVEPOINT s;
SELECT refresh_segment_table('worth_segments');
ROLLBACK TO s;
COMMIT;
SELECT count(*) FROM sold WHERE customer_id = 'dan';
SELECT cause, state, error_code, count(*) FROM segment_table_run GROUP BY 1, 2, 3 ORDER BY 1;
-- a source that is not there, a lock, a timeout: with the hint
ALTER TABLE sold RENAME worth TO value;
CREATE OR REPLACE VIEW worth AS SELECT customer_id, ordered_at, 1.0 / (amount - amount) AS amount FROM sold LIMIT 0;
DROP VIEW worth;
SELECT try('SELECT refresh_segment_table(''worth_segments'')');
CREATE VIEW worth AS SELECT customer_id, ordered_at, amount FROM sold, LATERAL (SELECT pg_sleep(60 + 0 * amount) OFFSET 0) s;
SET statement_timeout = '200ms';
SELECT refresh_segment_table('worth_segments');
RESET statement_timeout;
SELECT error_code, error_message, error_detail, error_hint FROM segment_table_run ORDER BY run_id DESC LIMIT 2;
DROP VIEW worth;
-- a text longer than is recorded is cut between characters
CREATE FUNCTION complain() RETURNS numeric LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION USING MESSAGE = repeat('é', 10000), DETAIL = repeat('€', 10000), HINT = 'Ask.', ERRCODE = 'KA001'; END $$;
CREATE VIEW worth AS SELECT customer_id, ordered_at, complain() AS amount FROM sold;
SELECT length(try('SELECT refresh_segment_table(''worth_segments'')'));
SELECT error_code, octet_length(error_message), octet_length(error_detail), error_hint FROM segment_table_run ORDER BY run_id DESC LIMIT 1;

-- what is wrong with the call itself is no run
SELECT count(*) AS runs FROM segment_table_run \gset
SELECT statement, try(statement) FROM unnest(ARRAY['SELECT refresh_segment_table(''sold'')', 'SELECT refresh_segment_table(''worth_segments'', ''infinity'')']) statement;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT try('SELECT refresh_segment_table(''worth_segments'')');
COMMIT;
BEGIN READ ONLY;
SELECT try('SELECT refresh_segment_table(''worth_segments'')');
COMMIT;
SET ROLE regress_cs_other;
SELECT try('SELECT refresh_segment_table(''worth_segments'')');
SELECT count(*) - :runs AS more FROM segment_table_run;

-- others see that it failed and how, not the texts
SELECT state, cause, owner, pid, error_code, error_message, error_detail, error_hint FROM segment_table_run ORDER BY run_id DESC LIMIT 1;
SELECT state, owner, source, reason, last_state, error_code, error_message, error_hint FROM segment_table_status;
SELECT try('SELECT * FROM customer_scoring_internal.running');
SELECT try('SELECT customer_scoring_internal.change_log_count(1)');
-- members do
SET ROLE regress_cs_member;
SELECT state, pid IS NOT NULL AS pid, error_code, error_message IS NOT NULL AS message, error_detail IS NOT NULL AS detail, error_hint FROM segment_table_run ORDER BY run_id DESC LIMIT 1;
-- and may fail for the owner; the record is the owner's
SELECT try('SELECT refresh_segment_table(''worth_segments'')') IS NOT NULL AS failed;
SELECT count(*) - :runs AS more FROM segment_table_run;
RESET ROLE;

-- old runs go, whatever became of them, also when nothing but failures happens
INSERT INTO customer_scoring_internal.segment_run (segment_table, cause, requested_at, started_at, finished_at, error_code)
SELECT 'worth_segments', cause, at, at, finished, code
FROM (SELECT now() - interval '31 days' AS at) a, (VALUES ('requested', NULL), ('scheduled', '22012')) c(cause, code), LATERAL (VALUES (at), (NULL)) f(finished);
-- a wrong clock does not keep them
INSERT INTO customer_scoring_internal.segment_run (segment_table, cause, started_at, finished_at) VALUES ('worth_segments', 'scheduled', now() - interval '31 days', '2999-01-01');
UPDATE customer_scoring_internal.segment_run SET run_id = DEFAULT WHERE started_at > now() - interval '30 days';
SELECT count(*) FILTER (WHERE started_at < now() - interval '30 days') AS old, count(*) FILTER (WHERE started_at >= now() - interval '30 days') AS young FROM segment_table_run;
SELECT try('SELECT refresh_segment_table(''worth_segments'')') IS NOT NULL AS failed;
SELECT count(*) FILTER (WHERE started_at < now() - interval '30 days') AS old, count(*) FILTER (WHERE started_at >= now() - interval '30 days') AS young FROM segment_table_run;
-- the last one stays, and a request that still waits
UPDATE customer_scoring_internal.segment_run SET requested_at = requested_at - interval '1 year', started_at = started_at - interval '1 year', finished_at = finished_at - interval '1 year';
INSERT INTO customer_scoring_internal.segment_run (segment_table, cause, requested_at) VALUES ('worth_segments', 'requested', now() - interval '1 year') RETURNING run_id AS waiting \gset
UPDATE customer_scoring_internal.segment_state SET requested_run_id = :waiting, last_run_id = NULL;
INSERT INTO customer_scoring_internal.segment_run (segment_table, cause, started_at) VALUES ('worth_segments', 'scheduled', now() - interval '1 year') RETURNING run_id AS last \gset
CREATE OR REPLACE VIEW worth AS SELECT customer_id, ordered_at, amount::numeric FROM sold;
SELECT customers FROM refresh_segment_table('worth_segments');
SELECT run_id = :waiting AS waiting, run_id = :last AS last_before, cause, state FROM segment_table_run ORDER BY run_id;
SELECT drop_segment_table('worth_segments');

-- what waits: customers once each, those due later not yet
SET ROLE regress_cs_owner;
SELECT create_segment_table('sold_segments', 'sold');
SELECT full_reason, dirty_customers, oldest_change_at, cost_note FROM segment_table_status;
CREATE INDEX on_lower ON sold (lower(customer_id));
CREATE INDEX on_two ON sold (ordered_at, customer_id);
CREATE INDEX on_some ON sold (customer_id) WHERE amount > 0;
SELECT cost_note IS NOT NULL AS costly FROM segment_table_status;
CREATE INDEX on_customer ON sold (customer_id, ordered_at);
SELECT cost_note IS NOT NULL AS costly FROM segment_table_status;
DROP INDEX on_customer;
ANALYZE sold;
SELECT cost_note FROM segment_table_status;
RESET ROLE;
DO $$ BEGIN EXECUTE format('CREATE VIEW log AS SELECT * FROM customer_scoring_internal.change_log_%s', 'sold_segments'::regclass::oid); END $$;
\set waits 'SELECT dirty_customers, oldest_change_at, full_reason FROM segment_table_status'
DELETE FROM log;
:waits;
INSERT INTO log VALUES (NULL, false, '2024-01-01');
:waits;
INSERT INTO log VALUES ('ann', false, '2024-01-03'), ('ann', false, '2024-01-04'), ('bob', false, '2024-01-02 12:00'), (repeat('x', 5000), false, '2024-01-05');
INSERT INTO log VALUES ('cyd', false, '2024-01-01', '2999-01-01'), ('dan', false, '2024-01-01', '2024-01-02');
SET ROLE regress_cs_other;
:waits;
BEGIN ISOLATION LEVEL SERIALIZABLE;
:waits;
SELECT count(*) AS locks_kept FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE l.pid = pg_backend_pid() AND c.relname LIKE 'change\_log\_%';
COMMIT;
RESET ROLE;
-- a change this transaction has made is there, one that was rolled back is not
BEGIN;
INSERT INTO log VALUES ('eve', false, '2024-01-09');
:waits;
ROLLBACK;
:waits;
INSERT INTO log SELECT 'customer ' || i % 5000, false, '2024-01-06' FROM generate_series(1, 20000) i;
:waits;
-- more than can be told
INSERT INTO log VALUES (NULL, true, '2024-01-07');
:waits;
DELETE FROM log WHERE everything;
-- a trigger by another name
ALTER TRIGGER customer_scoring_capture ON sold RENAME TO renamed;
:waits;
ALTER TRIGGER renamed ON sold RENAME TO customer_scoring_capture;
-- a trigger that is off
ALTER TABLE sold ENABLE TRIGGER customer_scoring_capture;
:waits;
ALTER TABLE sold ENABLE ALWAYS TRIGGER customer_scoring_capture, DISABLE TRIGGER customer_scoring_truncate;
:waits;
ALTER TABLE sold ENABLE ALWAYS TRIGGER customer_scoring_truncate;
-- another source, a view, none
ALTER TABLE sold RENAME TO sold_before;
:waits;
CREATE VIEW sold AS SELECT * FROM sold_before;
:waits;
UPDATE customer_scoring_internal.segment_state SET source = 'sold', full_reason = 'the segment table was altered';
:waits;
UPDATE customer_scoring_internal.segment_state SET full_reason = NULL, coverage = NULL;
:waits;
UPDATE customer_scoring_internal.segment_state SET refreshed_at = NULL;
:waits;
DROP VIEW sold, log;
ALTER TABLE sold_before RENAME TO sold;

-- the next refresh: local times of the table's zone, on ordinary days and when clocks change
CREATE FUNCTION changes(zone text) RETURNS SETOF date LANGUAGE sql AS $$
	SELECT d::date FROM generate_series(current_date + 3, current_date + 380, interval '1 day') d
	WHERE ((d::date + time '12:00') AT TIME ZONE zone) - ((d::date - 1 + time '12:00') AT TIME ZONE zone) <> interval '24 hours'
$$;
CREATE TABLE nights (zone text, night timestamp, next timestamptz, local text);
DO $$
DECLARE
	n record;
BEGIN
	FOR n IN SELECT zone, day + shift + clock AS night
	         FROM unnest('{Europe/Berlin,America/New_York,Australia/Lord_Howe}'::text[]) zone, changes(zone) day, generate_series(-1, 1) shift,
	              unnest('{00:00,01:30,02:00,02:30,03:00,23:59:59}'::time[]) clock
	         UNION ALL SELECT 'Asia/Jakarta', current_date + 30 + time '02:00'
	LOOP
		PERFORM alter_segment_table('sold_segments', refresh_every => '500 days', next_refresh_at => (n.night - interval '1500 days') AT TIME ZONE n.zone, time_zone => n.zone);
		INSERT INTO nights SELECT n.zone, n.night, next_refresh_at, next_refresh_local FROM segment_table_status;
	END LOOP;
END $$;
SELECT zone, count(*) > 0 AS nights, bool_and(next = night AT TIME ZONE zone) AS at_that_moment, bool_and(local = to_char(next AT TIME ZONE zone, 'YYYY-MM-DD HH24:MI:SS ') || zone) AS shown,
       bool_or(next AT TIME ZONE zone <> night) AS some_never_shown, bool_and(local::timestamptz AT TIME ZONE zone = next AT TIME ZONE zone) AS castable
FROM nights GROUP BY zone ORDER BY zone;
SELECT alter_segment_table('sold_segments', refresh_every => '1 day', next_refresh_at => '2999-11-22 02:00 Asia/Jakarta', time_zone => 'Asia/Jakarta');
SELECT next_refresh_at, next_refresh_local, time_zone FROM segment_table_status;
-- whatever the reader's settings are
SET timezone = 'America/New_York'; SET datestyle = 'German';
SELECT next_refresh_at, next_refresh_local FROM segment_table_status;
SET timezone = 'UTC'; SET datestyle = 'ISO';
-- a zone that is summer time to the schedule and an abbreviation to SQL; one that the server knows no more
SELECT alter_segment_table('sold_segments', next_refresh_at => '2999-07-01 02:00+02', time_zone => 'CET');
SELECT next_refresh_local FROM segment_table_status;
UPDATE segment_table_definition SET time_zone = 'Mars/Olympus';
SELECT next_refresh_at, next_refresh_local, time_zone FROM segment_table_status;
UPDATE segment_table_definition SET time_zone = 'UTC';
SELECT alter_segment_table('sold_segments', refresh_every => '0');
SELECT next_refresh_at, next_refresh_local FROM segment_table_status;

SELECT drop_segment_table('sold_segments');
SELECT count(*) AS status FROM segment_table_status;
SELECT count(*) AS runs FROM segment_table_run;
DROP TABLE nights;
DROP FUNCTION changes;
DROP OWNED BY regress_cs_owner CASCADE;
DROP ROLE regress_cs_owner, regress_cs_member, regress_cs_other;
