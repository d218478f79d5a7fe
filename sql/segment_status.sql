-- What is told about segment tables and their runs, and to whom.
SET search_path = public, customer_scoring;
SET timezone = 'UTC';
CREATE ROLE regress_cs_owner LOGIN;
CREATE ROLE regress_cs_member;
CREATE ROLE regress_cs_other;
GRANT regress_cs_owner TO regress_cs_member;
GRANT CREATE, USAGE ON SCHEMA public TO regress_cs_owner;

SET ROLE regress_cs_owner;
CREATE TABLE told (customer_id int, ordered_at timestamptz, amount numeric(10, 2));
INSERT INTO told VALUES (1, '2024-01-01', 10), (NULL, '2024-01-01', 1), (2, NULL, 1), (2, NULL, 2), (3, '2024-01-01', NULL),
	(4, '2024-01-01', 'NaN'), (4, '-infinity', 1), (5, '2999-01-01', 1), (5, '2999-01-01', 1), (5, 'infinity', 1);
SELECT create_segment_table('told_segments', 'told');
SELECT refresh_segment_table('told_segments', '2024-06-01') IS NOT NULL AS refreshed;

-- one row a run, counted by kind
SELECT cause, state, mode, reason, requested_at IS NULL AS not_requested, started_at < finished_at AS in_order, as_of = '2024-06-01' AS given, customers,
       inserted, updated, deleted, skipped_no_customer AS no_customer, skipped_no_time AS no_time, skipped_no_amount AS no_amount,
       skipped_not_finite AS not_finite, skipped_future AS future, error_code
FROM segment_table_run WHERE segment_table = 'public.told_segments' ORDER BY run_id;
SELECT owner, source, state, reason, as_of, refreshed_at <= now() + '1 minute' AS refreshed, refresh_every, next_refresh_at, time_zone, failures,
       last_run_id = (SELECT max(run_id) FROM segment_table_run) AS last
FROM segment_table_status WHERE segment_table = 'public.told_segments';

-- a schedule; the server of these tests has no scheduler
SELECT alter_segment_table('told_segments', refresh_every => '1 day', next_refresh_at => '2999-12-31 02:00+07', time_zone => 'Asia/Jakarta');
SELECT state, reason, refresh_every, next_refresh_at, time_zone FROM segment_table_status WHERE segment_table = 'public.told_segments';
-- a request, taken back before a worker can see it
BEGIN;
SELECT request_segment_refresh('told_segments') = request_segment_refresh('told_segments') AS one_run;
SELECT state, next_refresh_at <= clock_timestamp() AS due FROM segment_table_status WHERE segment_table = 'public.told_segments';
SELECT cause, state, requested_at IS NOT NULL AS requested, started_at, pid FROM segment_table_run ORDER BY run_id DESC LIMIT 1;
ROLLBACK;
SELECT state FROM segment_table_status WHERE segment_table = 'public.told_segments';

-- a failure, as a worker records it: members of the owner see what others do not
RESET ROLE;
INSERT INTO customer_scoring_internal.segment_run (segment_table, cause, requested_at, started_at, finished_at, pid, error_code, error_message, error_detail, error_hint)
VALUES ('told_segments', 'scheduled', now(), now(), now(), 42, '22003', 'revenue of customer 7 is secret', 'secret', 'secret'), ('told_segments', 'scheduled', now(), now(), NULL, 42, NULL, NULL, NULL, NULL);
UPDATE customer_scoring_internal.segment_state SET failures = 3, last_run_id = (SELECT max(run_id) - 1 FROM customer_scoring_internal.segment_run);
\set told 'SELECT current_user, state, pid, error_code, error_message, error_detail, error_hint FROM segment_table_run ORDER BY run_id DESC LIMIT 2; SELECT state, reason, failures FROM segment_table_status'
SET ROLE regress_cs_member;
:told;
SET ROLE regress_cs_other;
:told;
RESET ROLE;
UPDATE customer_scoring_internal.segment_state SET broken = 'column "amount" does not exist';
SELECT state, reason FROM segment_table_status;
SET ROLE regress_cs_other;
SELECT state, reason FROM segment_table_status;
RESET ROLE;
UPDATE customer_scoring_internal.segment_state SET broken = NULL, failures = 0;

-- a broken source: its schedule can be changed all the same
SET ROLE regress_cs_owner;
ALTER TABLE told RENAME amount TO total;
SELECT alter_segment_table('told_segments', lookback => '1 year');
SELECT alter_segment_table('told_segments', refresh_every => '0');
SELECT state, next_refresh_at FROM segment_table_status;
SELECT alter_segment_table('told_segments', amount => 'total');
SELECT customers FROM refresh_segment_table('told_segments', '2024-06-01');

-- a table that is gone is not mentioned
DROP TABLE told_segments CASCADE;
SELECT count(*) AS status FROM segment_table_status;
SELECT count(*) AS runs FROM segment_table_run;
DROP TABLE told;
RESET ROLE;
DROP OWNED BY regress_cs_owner;
DROP ROLE regress_cs_owner, regress_cs_member, regress_cs_other;
