-- segment/ and worker/: what people see of both. These views read tables that
-- only the extension's owner may read, and therefore show errors and pids to
-- those only who act as the owner of the segment table. They wait for nobody.

CREATE FUNCTION customer_scoring_internal.change_log_count(segment_table oid, OUT customers bigint, OUT oldest_at timestamptz, OUT gap text)
	LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_change_log_count';
CREATE FUNCTION customer_scoring_internal.run_has_ended(run_id bigint) RETURNS boolean
	LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_run_has_ended';
COMMENT ON FUNCTION customer_scoring_internal.run_has_ended(bigint) IS 'Whether a run has told its outcome by now';
CREATE FUNCTION customer_scoring_internal.local_time(moment timestamptz, time_zone text) RETURNS text
	LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_local_time';

-- Runs that go on, told by the locks their processes hold: those of workers by
-- the number of the run (class 3), those by hand by table and number (class 4).
CREATE VIEW customer_scoring_internal.running AS
SELECT l.objid::pg_catalog.int8 AS run_id, CASE WHEN l.objsubid = 4 THEN l.classid END AS by_hand, l.pid
FROM pg_catalog.pg_locks l
WHERE l.locktype = 'advisory' AND l.granted
  AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
  AND (l.objsubid = 4 OR l.objsubid = 3 AND l.classid = 'customer_scoring_internal.segment_run'::pg_catalog.regclass);
COMMENT ON VIEW customer_scoring_internal.running IS 'Runs that go on: lower half of the number, and the table if it is by hand';

CREATE VIEW customer_scoring.segment_table_run AS
WITH running AS MATERIALIZED (SELECT * FROM customer_scoring_internal.running)
SELECT r.run_id,
       pg_catalog.format('%I.%I', n.nspname, c.relname) AS segment_table,
       pg_catalog.pg_get_userbyid(c.relowner)::pg_catalog.text AS owner,
       r.cause,
       CASE WHEN r.error_code IS NOT NULL THEN 'failed'
            WHEN r.finished_at IS NOT NULL THEN 'succeeded'
            WHEN r.started_at IS NULL THEN 'requested'
            WHEN EXISTS (SELECT FROM running g WHERE g.by_hand IS NULL AND g.run_id = r.run_id & 4294967295) THEN 'running'
            WHEN customer_scoring_internal.run_has_ended(r.run_id) THEN 'running'
            ELSE 'interrupted' END AS state,
       r.mode,
       r.reason,
       r.requested_at,
       r.started_at,
       r.finished_at,
       r.as_of,
       r.customers,
       r.recomputed,
       r.inserted,
       r.updated,
       r.deleted,
       r.skipped_no_customer,
       r.skipped_no_time,
       r.skipped_no_amount,
       r.skipped_not_finite,
       r.skipped_future,
       r.skipped_opted_out,
       r.batches,
       r.changes_left,
       CASE WHEN o.visible THEN r.pid END AS pid,
       r.error_code,
       CASE WHEN o.visible THEN r.error_message END AS error_message,
       CASE WHEN o.visible THEN r.error_detail END AS error_detail,
       CASE WHEN o.visible THEN r.error_hint END AS error_hint,
       CASE WHEN o.visible THEN r.clv_report END AS clv_report,
       CASE WHEN o.visible THEN r.key_account_report END AS key_account_report
FROM customer_scoring_internal.segment_run r
JOIN pg_catalog.pg_class c ON c.oid = r.segment_table
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (SELECT pg_catalog.pg_has_role(c.relowner, 'USAGE') AS visible) o
UNION ALL
-- by hand: not committed yet, so known by its lock only
SELECT g.run_id, pg_catalog.format('%I.%I', n.nspname, c.relname), pg_catalog.pg_get_userbyid(c.relowner)::pg_catalog.text,
       'manual', 'running', NULL, NULL, NULL, a.query_start, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
       CASE WHEN pg_catalog.pg_has_role(c.relowner, 'USAGE') THEN g.pid END, NULL, NULL, NULL, NULL, NULL, NULL
FROM running g
JOIN customer_scoring.segment_table_definition d ON d.segment_table = g.by_hand
JOIN pg_catalog.pg_class c ON c.oid = d.segment_table
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN LATERAL pg_catalog.pg_stat_get_activity(coalesce(g.pid, 0)) a ON true
WHERE NOT EXISTS (SELECT FROM customer_scoring_internal.segment_run r WHERE r.segment_table = g.by_hand AND r.run_id & 4294967295 = g.run_id);
COMMENT ON VIEW customer_scoring.segment_table_run IS 'Refreshes of segment tables: one row a run; kept for 30 days';
COMMENT ON COLUMN customer_scoring.segment_table_run.run_id IS 'Number of the run, as in the column run_id of segment tables';
COMMENT ON COLUMN customer_scoring.segment_table_run.segment_table IS 'The segment table with its schema';
COMMENT ON COLUMN customer_scoring.segment_table_run.owner IS 'Owner of the segment table, with whose rights it is refreshed';
COMMENT ON COLUMN customer_scoring.segment_table_run.cause IS 'create, manual, requested or scheduled';
COMMENT ON COLUMN customer_scoring.segment_table_run.state IS 'requested, running, succeeded, failed, or interrupted by a crash or shutdown';
COMMENT ON COLUMN customer_scoring.segment_table_run.mode IS 'full: all customers were recomputed; incremental: those who had changed or were due; NULL before success';
COMMENT ON COLUMN customer_scoring.segment_table_run.reason IS 'Why that mode';
COMMENT ON COLUMN customer_scoring.segment_table_run.requested_at IS 'When it was asked for; NULL for other causes';
COMMENT ON COLUMN customer_scoring.segment_table_run.started_at IS 'When it started; of a running one by hand when its statement did, for those who may see that in pg_stat_activity';
COMMENT ON COLUMN customer_scoring.segment_table_run.finished_at IS 'When it ended';
COMMENT ON COLUMN customer_scoring.segment_table_run.as_of IS 'Moment the figures are about';
COMMENT ON COLUMN customer_scoring.segment_table_run.customers IS 'Customers in the segment table afterwards';
COMMENT ON COLUMN customer_scoring.segment_table_run.recomputed IS 'Customers that were recomputed, so far while it runs';
COMMENT ON COLUMN customer_scoring.segment_table_run.inserted IS 'Customers that came in';
COMMENT ON COLUMN customer_scoring.segment_table_run.updated IS 'Customers with a value that changed';
COMMENT ON COLUMN customer_scoring.segment_table_run.deleted IS 'Customers that went out';
COMMENT ON COLUMN customer_scoring.segment_table_run.skipped_no_customer IS 'Rows left out, of any source: customer is null';
COMMENT ON COLUMN customer_scoring.segment_table_run.skipped_no_time IS 'Rows left out: time is null';
COMMENT ON COLUMN customer_scoring.segment_table_run.skipped_no_amount IS 'Rows left out: amount, or score, is null';
COMMENT ON COLUMN customer_scoring.segment_table_run.skipped_not_finite IS 'Rows left out: amount is NaN or infinite, or time is -infinity';
COMMENT ON COLUMN customer_scoring.segment_table_run.skipped_future IS 'Rows left out for now: later than as_of';
COMMENT ON COLUMN customer_scoring.segment_table_run.skipped_opted_out IS 'Orders left out: the customer has opted out of profiling, or was erased';
COMMENT ON COLUMN customer_scoring.segment_table_run.batches IS 'Batches that a worker has committed; NULL for a refresh in one transaction';
COMMENT ON COLUMN customer_scoring.segment_table_run.changes_left IS 'Changes that waited when the last of these batches was committed';
COMMENT ON COLUMN customer_scoring.segment_table_run.pid IS 'Process of the run, for the table''s owner';
COMMENT ON COLUMN customer_scoring.segment_table_run.error_code IS 'SQLSTATE of the error; NULL when there was none';
COMMENT ON COLUMN customer_scoring.segment_table_run.error_message IS 'Message of the error, for the table''s owner';
COMMENT ON COLUMN customer_scoring.segment_table_run.error_detail IS 'Detail of the error, for the table''s owner';
COMMENT ON COLUMN customer_scoring.segment_table_run.error_hint IS 'Hint of the error, for the table''s owner';
COMMENT ON COLUMN customer_scoring.segment_table_run.clv_report IS 'With which model customer lifetime values of everybody were scored, and what is to be known of it, for the table''s owner; NULL when they were not';
COMMENT ON COLUMN customer_scoring.segment_table_run.key_account_report IS 'What an assessment of key accounts did after it, or why there was none though a policy has it, for the table''s owner; NULL when it was not time';
GRANT SELECT ON customer_scoring.segment_table_run TO PUBLIC;

CREATE VIEW customer_scoring.segment_table_status AS
WITH running AS MATERIALIZED (SELECT * FROM customer_scoring_internal.running)
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS segment_table,
       pg_catalog.pg_get_userbyid(c.relowner)::pg_catalog.text AS owner,
       pg_catalog.format('%I.%I', d.source_schema, d.source_name) AS source,
       x.state,
       CASE x.state
           WHEN 'broken' THEN CASE WHEN o.visible THEN s.broken END
           WHEN 'owner cannot log in' THEN pg_catalog.format('No worker can act for the owner: ALTER ROLE %I LOGIN', pg_catalog.pg_get_userbyid(c.relowner))
           WHEN 'no scheduler' THEN 'The schedule needs customer_scoring in shared_preload_libraries, and customer_scoring.scheduler on'
           WHEN 'failing' THEN CASE WHEN o.visible THEN coalesce(w.error_message, 'The process of the last run ended before it could tell why') END
       END AS reason,
       d.as_of,
       s.refreshed_at,
       d.refresh_every::pg_catalog.text AS refresh_every,
       e.next_refresh_at,
       customer_scoring_internal.local_time(e.next_refresh_at, d.time_zone) AS next_refresh_local,
       d.time_zone,
       l.customers AS dirty_customers,
       l.oldest_at AS oldest_change_at,
       CASE WHEN s.refreshed_at IS NULL THEN 'first refresh'
            WHEN src.oid IS NULL THEN 'the source is not there'
            WHEN src.oid <> s.source THEN 'the source is another relation than before'
            WHEN s.full_reason IS NOT NULL THEN s.full_reason
            WHEN d.clv IS NOT NULL AND (s.clv_as_of <= pg_catalog.clock_timestamp() AND pg_catalog.clock_timestamp() < s.clv_due_at) IS NOT TRUE
            THEN 'customer lifetime values are due'
            WHEN s.coverage IS NULL THEN 'changes were not captured before'
            WHEN l.gap IS NOT NULL THEN l.gap
            WHEN (SELECT pg_catalog.count(*) FROM pg_catalog.pg_trigger t
                  WHERE t.tgrelid = src.oid AND t.tgfoid = 'customer_scoring.capture_changes()'::pg_catalog.regprocedure AND t.tgenabled = 'A') < 2
                 AND src.relkind IN ('r', 'p')
            THEN 'a trigger that captures changes of the source is missing or disabled'
       END AS full_reason,
       CASE WHEN src.relkind IN ('r', 'p') AND NOT EXISTS (
                SELECT FROM pg_catalog.pg_index i
                JOIN pg_catalog.pg_attribute k ON k.attrelid = i.indrelid AND k.attnum = i.indkey[0]
                WHERE i.indrelid = src.oid AND i.indisvalid AND i.indisready AND i.indpred IS NULL AND k.attname = d.customer)
            THEN pg_catalog.format('Without an index on the customer an incremental refresh reads all %sof the source: CREATE INDEX ON %I.%I (%I)',
                     CASE WHEN src.reltuples > 0 THEN pg_catalog.format('%s rows ', src.reltuples::pg_catalog.int8) END,
                     d.source_schema, d.source_name, d.customer)
       END AS cost_note,
       g.run_id AS running_run_id,
       CASE WHEN g.run_id IS NULL THEN NULL
            WHEN g.by_hand IS NOT NULL THEN 'by hand, in one transaction'
            WHEN w.batches IS NULL THEN 'no batch committed yet'
            ELSE pg_catalog.format('batch %s: %s customers recomputed, %s changes left', w.batches, w.recomputed, w.changes_left) END AS progress,
       r.run_id AS last_run_id,
       r.cause AS last_cause,
       CASE WHEN r.error_code IS NOT NULL THEN 'failed' WHEN r.run_id IS NOT NULL THEN 'succeeded' END AS last_state,
       r.error_code,
       CASE WHEN o.visible THEN r.error_message END AS error_message,
       CASE WHEN o.visible THEN r.error_hint END AS error_hint,
       coalesce(s.failures, 0) AS failures,
       s.clv_as_of,
       s.clv_due_at
FROM customer_scoring.segment_table_definition d
JOIN pg_catalog.pg_class c ON c.oid = d.segment_table
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (SELECT pg_catalog.pg_has_role(c.relowner, 'USAGE') AS visible) o
LEFT JOIN customer_scoring_internal.segment_state s ON s.segment_table = d.segment_table
LEFT JOIN customer_scoring_internal.segment_run w ON w.run_id = s.last_run_id
LEFT JOIN LATERAL (SELECT p.oid, p.relkind, p.reltuples FROM pg_catalog.pg_class p JOIN pg_catalog.pg_namespace q ON q.oid = p.relnamespace
                   WHERE q.nspname = d.source_schema AND p.relname = d.source_name) src ON true
LEFT JOIN LATERAL (SELECT q.run_id, q.by_hand FROM running q
                   WHERE q.by_hand = d.segment_table
                      OR q.by_hand IS NULL AND q.run_id = w.run_id & 4294967295 AND w.finished_at IS NULL
                   ORDER BY q.by_hand NULLS LAST LIMIT 1) g ON true
LEFT JOIN LATERAL (SELECT f.run_id, f.cause, f.error_code, f.error_message, f.error_hint FROM customer_scoring_internal.segment_run f
                   WHERE f.segment_table = d.segment_table AND f.finished_at IS NOT NULL
                   ORDER BY f.run_id DESC LIMIT 1) r ON true
CROSS JOIN LATERAL (SELECT CASE WHEN d.refresh_every IS NOT NULL OR s.requested_run_id IS NOT NULL THEN s.due_at END AS next_refresh_at) e
CROSS JOIN LATERAL customer_scoring_internal.change_log_count(d.segment_table) l
CROSS JOIN LATERAL (SELECT CASE
           WHEN g.run_id IS NOT NULL OR w.finished_at IS NULL AND customer_scoring_internal.run_has_ended(w.run_id) THEN 'running'
           WHEN s.broken IS NOT NULL THEN 'broken'
           WHEN s.requested_run_id IS NOT NULL THEN 'requested'
           WHEN s.failures > 0 THEN 'failing'
           WHEN d.refresh_every IS NULL THEN 'by hand'
           WHEN NOT customer_scoring.scheduler_running() THEN 'no scheduler'
           WHEN pg_catalog.current_setting('server_version_num')::pg_catalog.int4 < 170000
                AND NOT (SELECT u.rolcanlogin FROM pg_catalog.pg_roles u WHERE u.oid = c.relowner) THEN 'owner cannot log in'
           ELSE 'scheduled' END AS state) x;
COMMENT ON VIEW customer_scoring.segment_table_status IS 'Segment tables: one row a table, how fresh it is and what comes next';
COMMENT ON COLUMN customer_scoring.segment_table_status.segment_table IS 'The segment table with its schema';
COMMENT ON COLUMN customer_scoring.segment_table_status.owner IS 'Its owner, as whom it is refreshed';
COMMENT ON COLUMN customer_scoring.segment_table_status.source IS 'Table or view of orders it is bound to by name';
COMMENT ON COLUMN customer_scoring.segment_table_status.state IS
	'scheduled, by hand, requested, running, failing, broken, no scheduler, or owner cannot log in';
COMMENT ON COLUMN customer_scoring.segment_table_status.reason IS 'What is wrong and how to cure it, errors for the table''s owner only; NULL when nothing is';
COMMENT ON COLUMN customer_scoring.segment_table_status.as_of IS 'Moment the figures are about; NULL before the first refresh';
COMMENT ON COLUMN customer_scoring.segment_table_status.refreshed_at IS 'End of the last successful refresh';
COMMENT ON COLUMN customer_scoring.segment_table_status.refresh_every IS 'Time between refreshes; NULL for by hand';
COMMENT ON COLUMN customer_scoring.segment_table_status.next_refresh_at IS 'When a worker refreshes it next; NULL for not';
COMMENT ON COLUMN customer_scoring.segment_table_status.next_refresh_local IS 'The same on the clocks of its time zone';
COMMENT ON COLUMN customer_scoring.segment_table_status.time_zone IS 'Zone in which days are counted and the schedule runs';
COMMENT ON COLUMN customer_scoring.segment_table_status.dirty_customers IS
	'Customers whose changes wait for a refresh; NULL when changes are not captured, or more have changed than are told apart';
COMMENT ON COLUMN customer_scoring.segment_table_status.oldest_change_at IS 'When the oldest of these changes was captured; NULL when none waits';
COMMENT ON COLUMN customer_scoring.segment_table_status.full_reason IS 'Why the next refresh recomputes all customers; NULL when it is incremental';
COMMENT ON COLUMN customer_scoring.segment_table_status.cost_note IS 'What makes incremental refreshes costly, and its cure; NULL when nothing does';
COMMENT ON COLUMN customer_scoring.segment_table_status.running_run_id IS 'Run that goes on, see segment_table_run';
COMMENT ON COLUMN customer_scoring.segment_table_status.progress IS 'How far that run is; NULL when none goes on';
COMMENT ON COLUMN customer_scoring.segment_table_status.last_run_id IS 'Last run that ended, see segment_table_run';
COMMENT ON COLUMN customer_scoring.segment_table_status.last_cause IS 'Its cause: create, manual, requested or scheduled';
COMMENT ON COLUMN customer_scoring.segment_table_status.last_state IS 'How it ended: succeeded or failed';
COMMENT ON COLUMN customer_scoring.segment_table_status.error_code IS 'SQLSTATE of its error; NULL when there was none';
COMMENT ON COLUMN customer_scoring.segment_table_status.error_message IS 'Message of its error, for the table''s owner';
COMMENT ON COLUMN customer_scoring.segment_table_status.error_hint IS 'Hint of its error, for the table''s owner';
COMMENT ON COLUMN customer_scoring.segment_table_status.failures IS 'Runs of workers since the last success';
COMMENT ON COLUMN customer_scoring.segment_table_status.clv_as_of IS 'Moment at which customer lifetime values of everybody were scored last; NULL without them';
COMMENT ON COLUMN customer_scoring.segment_table_status.clv_due_at IS 'From when on a refresh scores everybody again; NULL for the next one, or without lifetime values';
GRANT SELECT ON customer_scoring.segment_table_status TO PUBLIC;
