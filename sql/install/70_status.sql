-- segment/ and worker/: what people see of both. These views read tables that
-- only the extension's owner may read, and therefore show errors and pids to
-- those only who act as the owner of the segment table.

CREATE VIEW customer_scoring.segment_table_run AS
SELECT r.run_id,
       r.segment_table,
       r.cause,
       CASE WHEN r.error_code IS NOT NULL THEN 'failed'
            WHEN r.finished_at IS NOT NULL THEN 'succeeded'
            WHEN r.started_at IS NULL THEN 'requested'
            WHEN EXISTS (SELECT FROM pg_catalog.pg_locks l
                         WHERE l.locktype = 'advisory' AND l.objsubid = 3 AND l.granted
                           AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
                           AND l.classid = 'customer_scoring_internal.segment_run'::pg_catalog.regclass
                           AND l.objid::pg_catalog.int8 = r.run_id & 4294967295) THEN 'running'
            ELSE 'interrupted' END AS state,
       r.mode,
       r.reason,
       r.requested_at,
       r.started_at,
       r.finished_at,
       r.as_of,
       r.customers,
       r.inserted,
       r.updated,
       r.deleted,
       r.skipped_no_customer,
       r.skipped_no_time,
       r.skipped_no_amount,
       r.skipped_not_finite,
       r.skipped_future,
       CASE WHEN o.visible THEN r.pid END AS pid,
       r.error_code,
       CASE WHEN o.visible THEN r.error_message END AS error_message,
       CASE WHEN o.visible THEN r.error_detail END AS error_detail,
       CASE WHEN o.visible THEN r.error_hint END AS error_hint
FROM customer_scoring_internal.segment_run r
JOIN pg_catalog.pg_class c ON c.oid = r.segment_table
CROSS JOIN LATERAL (SELECT pg_catalog.pg_has_role(c.relowner, 'USAGE') AS visible) o;
COMMENT ON VIEW customer_scoring.segment_table_run IS 'Refreshes of segment tables: one row a run; kept for 30 days';
COMMENT ON COLUMN customer_scoring.segment_table_run.run_id IS 'Number of the run, as in the column run_id of segment tables';
COMMENT ON COLUMN customer_scoring.segment_table_run.segment_table IS 'The segment table';
COMMENT ON COLUMN customer_scoring.segment_table_run.cause IS 'create, manual, requested or scheduled';
COMMENT ON COLUMN customer_scoring.segment_table_run.state IS 'requested, running, succeeded, failed, or interrupted by a crash or shutdown';
COMMENT ON COLUMN customer_scoring.segment_table_run.mode IS 'full: all customers were recomputed';
COMMENT ON COLUMN customer_scoring.segment_table_run.reason IS 'Why that mode';
COMMENT ON COLUMN customer_scoring.segment_table_run.requested_at IS 'When it was asked for; NULL for other causes';
COMMENT ON COLUMN customer_scoring.segment_table_run.started_at IS 'When it started';
COMMENT ON COLUMN customer_scoring.segment_table_run.finished_at IS 'When it ended';
COMMENT ON COLUMN customer_scoring.segment_table_run.as_of IS 'Moment the figures are about';
COMMENT ON COLUMN customer_scoring.segment_table_run.customers IS 'Customers in the segment table afterwards';
COMMENT ON COLUMN customer_scoring.segment_table_run.inserted IS 'Customers that came in';
COMMENT ON COLUMN customer_scoring.segment_table_run.updated IS 'Customers with a value that changed';
COMMENT ON COLUMN customer_scoring.segment_table_run.deleted IS 'Customers that went out';
COMMENT ON COLUMN customer_scoring.segment_table_run.skipped_no_customer IS 'Rows left out: customer is null';
COMMENT ON COLUMN customer_scoring.segment_table_run.skipped_no_time IS 'Rows left out: time is null';
COMMENT ON COLUMN customer_scoring.segment_table_run.skipped_no_amount IS 'Rows left out: amount is null';
COMMENT ON COLUMN customer_scoring.segment_table_run.skipped_not_finite IS 'Rows left out: amount is NaN or infinite, or time is -infinity';
COMMENT ON COLUMN customer_scoring.segment_table_run.skipped_future IS 'Rows left out for now: later than as_of';
COMMENT ON COLUMN customer_scoring.segment_table_run.pid IS 'Process of the run, for the table''s owner';
COMMENT ON COLUMN customer_scoring.segment_table_run.error_code IS 'SQLSTATE of the error; NULL when there was none';
COMMENT ON COLUMN customer_scoring.segment_table_run.error_message IS 'Message of the error, for the table''s owner';
COMMENT ON COLUMN customer_scoring.segment_table_run.error_detail IS 'Detail of the error, for the table''s owner';
COMMENT ON COLUMN customer_scoring.segment_table_run.error_hint IS 'Hint of the error, for the table''s owner';
GRANT SELECT ON customer_scoring.segment_table_run TO PUBLIC;

CREATE VIEW customer_scoring.segment_table_status AS
SELECT d.segment_table,
       pg_catalog.pg_get_userbyid(c.relowner)::pg_catalog.text AS owner,
       pg_catalog.format('%I.%I', d.source_schema, d.source_name) AS source,
       x.state,
       CASE x.state
           WHEN 'broken' THEN CASE WHEN pg_catalog.pg_has_role(c.relowner, 'USAGE') THEN s.broken END
           WHEN 'owner cannot log in' THEN pg_catalog.format('No worker can act for the owner: ALTER ROLE %I LOGIN', pg_catalog.pg_get_userbyid(c.relowner))
           WHEN 'no scheduler' THEN 'The schedule needs customer_scoring in shared_preload_libraries, and customer_scoring.scheduler on'
           WHEN 'failing' THEN CASE WHEN pg_catalog.pg_has_role(c.relowner, 'USAGE') THEN r.error_message END
       END AS reason,
       d.as_of,
       s.refreshed_at,
       d.refresh_every::pg_catalog.text AS refresh_every,
       CASE WHEN d.refresh_every IS NOT NULL OR s.requested_run_id IS NOT NULL THEN s.due_at END AS next_refresh_at,
       d.time_zone,
       s.last_run_id,
       coalesce(s.failures, 0) AS failures
FROM customer_scoring.segment_table_definition d
JOIN pg_catalog.pg_class c ON c.oid = d.segment_table
LEFT JOIN customer_scoring_internal.segment_state s ON s.segment_table = d.segment_table
LEFT JOIN customer_scoring.segment_table_run r ON r.run_id = s.last_run_id
CROSS JOIN LATERAL (SELECT CASE
           WHEN r.state = 'running' THEN 'running'
           WHEN s.broken IS NOT NULL THEN 'broken'
           WHEN s.requested_run_id IS NOT NULL THEN 'requested'
           WHEN s.failures > 0 THEN 'failing'
           WHEN d.refresh_every IS NULL THEN 'by hand'
           WHEN NOT customer_scoring.scheduler_running() THEN 'no scheduler'
           WHEN pg_catalog.current_setting('server_version_num')::pg_catalog.int4 < 170000
                AND NOT (SELECT o.rolcanlogin FROM pg_catalog.pg_roles o WHERE o.oid = c.relowner) THEN 'owner cannot log in'
           ELSE 'scheduled' END AS state) x;
COMMENT ON VIEW customer_scoring.segment_table_status IS 'Segment tables: one row a table, how fresh it is and what comes next';
COMMENT ON COLUMN customer_scoring.segment_table_status.segment_table IS 'The segment table';
COMMENT ON COLUMN customer_scoring.segment_table_status.owner IS 'Its owner, as whom it is refreshed';
COMMENT ON COLUMN customer_scoring.segment_table_status.source IS 'Table or view of orders it is bound to by name';
COMMENT ON COLUMN customer_scoring.segment_table_status.state IS
	'scheduled, by hand, requested, running, failing, broken, no scheduler, or owner cannot log in';
COMMENT ON COLUMN customer_scoring.segment_table_status.reason IS 'What is wrong and how to cure it, errors for the table''s owner only; NULL when nothing is';
COMMENT ON COLUMN customer_scoring.segment_table_status.as_of IS 'Moment the figures are about; NULL before the first refresh';
COMMENT ON COLUMN customer_scoring.segment_table_status.refreshed_at IS 'End of the last successful refresh';
COMMENT ON COLUMN customer_scoring.segment_table_status.refresh_every IS 'Time between refreshes; NULL for by hand';
COMMENT ON COLUMN customer_scoring.segment_table_status.next_refresh_at IS 'When a worker refreshes it next; NULL for not';
COMMENT ON COLUMN customer_scoring.segment_table_status.time_zone IS 'Zone in which days are counted and the schedule runs';
COMMENT ON COLUMN customer_scoring.segment_table_status.last_run_id IS 'Last run, see segment_table_run';
COMMENT ON COLUMN customer_scoring.segment_table_status.failures IS 'Runs since the last success';
GRANT SELECT ON customer_scoring.segment_table_status TO PUBLIC;

