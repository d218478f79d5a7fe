-- What BI tools read: types they know, comments, views that keep to their reader's rights, and no value that stops a driver.
SET search_path = public, customer_scoring;
SET timezone = 'UTC';
SET client_min_messages = warning;

-- edge cases: refunds only, zeros, amounts that cancel out, gaps, not finite ones, the future, the ends of time
CREATE SCHEMA bi;
CREATE TABLE edges (customer int, name text, key uuid, ordered_at timestamptz, amount numeric);
INSERT INTO edges (customer, name, ordered_at, amount) VALUES
	(1, 'often', '2024-01-01', 10), (1, 'often', '2024-02-01', 20.5), (1, 'often', '2024-03-01', 30.25), (1, 'often', '2024-03-02', -5),
	(2, 'refund only', '2024-04-01', -10), (3, 'zero only', '2024-04-02', 0), (4, 'cancelled', '2024-04-03', 7), (4, 'cancelled', '2024-04-04', -7),
	(5, 'below zero', '2024-04-05', 1), (5, 'below zero', '2024-04-06', -100), (6, 'no time', NULL, 1), (7, 'no amount', '2024-04-07', NULL),
	(NULL, NULL, '2024-04-08', 1), (8, 'not a number', '2024-04-09', 'NaN'), (9, 'endless', '2024-04-10', 'Infinity'), (10, 'always', '-infinity', 1),
	(11, 'never', 'infinity', 1), (12, 'later', '2999-01-01', 1), (13, 'Caesar', '0044-03-15 BC', 1), (14, 'large', '2024-05-01', 123456789012345678.99),
	(15, '', '2024-05-02', 0.01), (16, '“Ä” ''b'' "c"', '2024-05-03', 0.01);
UPDATE edges SET key = md5(customer::text)::uuid;
CREATE VIEW one AS SELECT * FROM edges WHERE customer = 1;
CREATE VIEW refund AS SELECT * FROM edges WHERE customer IN (2, 3);
CREATE VIEW cancelled AS SELECT * FROM edges WHERE customer IN (2, 4);
CREATE VIEW nobody AS SELECT * FROM edges WHERE false;
CREATE VIEW ages (customer, ordered_at, amount) AS
VALUES (1, timestamptz '4714-11-24 00:00:00+00 BC', 1), (2, '294276-12-31 23:59:59.999999+00', 2);

-- Tables and views that people read with BI tools: whatever making segment
-- tables adds, but what is hidden in the schema without grants, and the views of
-- the extension. By discovery, so that those to come are looked at as well.
CREATE SCHEMA lint;
CREATE TABLE lint.known AS SELECT oid FROM pg_class;
CREATE VIEW lint.for_people AS
SELECT c.oid AS relation, c.relkind AS kind, c.reloptions AS options, n.nspname = 'customer_scoring' AS of_extension
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname NOT IN ('customer_scoring_internal', 'lint') AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND (c.oid NOT IN (SELECT k.oid FROM lint.known k) OR n.nspname = 'customer_scoring' AND c.relkind IN ('v', 'm'));

-- The type of a column when it is none for BI: unknown to some client, or without digits. A customer has the type of the source.
CREATE FUNCTION lint.odd_type(a pg_attribute) RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN a.atttypid = ANY ('{bigint, integer, smallint, text, boolean, date, timestamptz, float8}'::regtype[]) THEN NULL
	            WHEN a.atttypid = 'numeric'::regtype AND a.atttypmod >= 0 AND (a.atttypmod - 4) >> 16 & 65535 <= 28 THEN NULL
	            WHEN a.attname = 'customer_id' AND a.atttypid = ANY ('{integer, text, uuid}'::regtype[]) THEN NULL
	            ELSE format_type(a.atttypid, a.atttypmod) END
$$;

-- How many values of a column stop some client. Reads them all.
CREATE FUNCTION lint.odd_values(relation oid, "column" name) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	result bigint;
BEGIN
	EXECUTE format('SELECT count(*) FROM %s WHERE lower(%I::text) IN (''nan'', ''infinity'', ''-infinity'')', relation::regclass, "column") INTO result;
	RETURN result;
END $$;

CREATE VIEW lint.problem AS
SELECT p.relation::regclass::text COLLATE "C" AS relation, a.attname AS column_name, c.problem
FROM lint.for_people p
JOIN pg_attribute a ON a.attrelid = p.relation AND a.attnum > 0 AND NOT a.attisdropped
CROSS JOIN LATERAL (VALUES
	('type ' || lint.odd_type(a)),
	(CASE WHEN coalesce(col_description(a.attrelid, a.attnum), '') = '' THEN 'no comment' END),
	(CASE WHEN a.attname = 'segment' AND NOT EXISTS (SELECT FROM pg_attribute b WHERE b.attrelid = a.attrelid AND b.attname = 'segment_rank'
	                                                 AND b.atttypid = 'smallint'::regtype) THEN 'a label without a rank to sort by' END),
	(CASE WHEN a.attname <> 'customer_id' THEN nullif(lint.odd_values(a.attrelid, a.attname), 0) || ' not finite' END)) c (problem)
WHERE c.problem IS NOT NULL
UNION ALL
SELECT p.relation::regclass::text, NULL, c.problem
FROM lint.for_people p
CROSS JOIN LATERAL (VALUES
	(CASE WHEN p.kind NOT IN ('r', 'v') THEN 'neither table nor view: some clients do not see it' END),
	(CASE WHEN p.kind = 'v' AND NOT p.of_extension AND p.options @> '{security_invoker=true}' IS NOT TRUE THEN 'not security_invoker' END),
	(CASE WHEN coalesce(obj_description(p.relation, 'pg_class'), '') = '' THEN 'no comment' END)) c (problem)
WHERE c.problem IS NOT NULL;

-- before anything is there
SELECT * FROM lint.problem ORDER BY 1, 2, 3;

SELECT count(create_segment_table(t, s, customer => c, money_scale => 2, history => true, clv => 'true')) AS made
FROM (VALUES ('bi.by_number', 'edges', 'customer'), ('bi.by_name', 'edges', 'name'), ('bi."by ""key"" – größer"', 'edges', 'key'), ('bi.one', 'one', 'customer'),
             ('bi.refund', 'refund', 'customer'), ('bi.cancelled', 'cancelled', 'customer'), ('bi.nobody', 'nobody', 'customer')) v (t, s, c);
SELECT customers FROM refresh_segment_table('bi.by_number', '2024-06-01');
SELECT customers FROM refresh_segment_table('bi.by_name', '2024-06-01');
SELECT customers FROM refresh_segment_table('bi.one', '2024-03-02');
-- at the ends of time
SELECT create_segment_table('bi.ages', 'ages', customer => 'customer', time_zone => 'UTC', breaks => 'frozen');
SELECT customers FROM refresh_segment_table('bi.ages', '294276-12-31 23:59:59.999999+00');
-- never refreshed, scheduled and asked for
SELECT create_segment_table('bi.waiting', 'edges', customer => 'customer', money_scale => 0, with_data => false,
	refresh_every => '1 day', next_refresh_at => '2999-01-01');
SELECT create_segment_table('bi.precise', 'edges', customer => 'customer', money_scale => 12, with_data => false);
BEGIN;
SELECT request_segment_refresh('bi.waiting') > 0 AS asked;
SELECT * FROM lint.problem ORDER BY 1, 2, 3;
ROLLBACK;

-- who is looked at, and that there is something to see
SELECT count(*) FILTER (WHERE NOT of_extension) >= 3 * (SELECT count(*) FROM segment_table_definition WHERE segment_table::text ~ '^bi\.') AS three_each,
       count(*) FILTER (WHERE relation IN ('segment_table_status'::regclass, 'segment_table_run'::regclass)) AS of_extension
FROM lint.for_people;
SELECT customers > 0 AS rows FROM bi.by_number_overview WHERE segment = 'prospect';
-- a customer has one type and name in all relations of a segment table
SELECT v.oid::regclass AS another_customer
FROM segment_table_definition d
JOIN pg_class t ON t.oid = d.segment_table
JOIN pg_class v ON v.relnamespace = t.relnamespace AND starts_with(v.relname, t.relname || '_')
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = 'customer_id'
JOIN pg_attribute b ON b.attrelid = v.oid AND b.attname = 'customer_id' AND v.relkind IN ('r', 'v')
WHERE (a.atttypid, a.atttypmod, a.attcollation) IS DISTINCT FROM (b.atttypid, b.atttypmod, b.attcollation);

-- that each kind of problem is seen
BEGIN;
CREATE TYPE tier AS ENUM ('gold');
CREATE DOMAIN small AS smallint;
CREATE VIEW bi.bad AS SELECT 1.5 AS bare, 1.5::numeric(29, 2) AS long, 'NaN'::float8 AS nan, 'NaN'::numeric(5, 2) AS no_number, '-infinity'::timestamptz AS ever,
	'infinity'::date AS day, '1 day'::interval AS span, 'gold'::tier AS tier, 1::small AS small, 'x'::varchar(3) AS word, 'bi.one'::regclass AS relation,
	ARRAY[1] AS list, 'x'::name AS name, now()::timestamp AS local, gen_random_uuid() AS id, 'champions' AS segment, 1.5::float4 AS customer_id;
CREATE MATERIALIZED VIEW bi.bad_too AS SELECT 'x' AS fine, 1 AS segment_rank, 'x' AS segment;
CREATE VIEW customer_scoring.bad_three AS SELECT 'x' AS fine;
COMMENT ON COLUMN customer_scoring.bad_three.fine IS 'A comment';
ALTER VIEW bi.one_current SET (security_invoker = false);
ALTER VIEW bi.one_overview RESET (security_invoker);
COMMENT ON COLUMN bi.one.revenue IS NULL;
COMMENT ON TABLE bi.one IS NULL;
UPDATE bi.one SET computed_at = 'infinity';
SELECT * FROM lint.problem WHERE relation <> 'bi.bad' OR problem <> 'no comment' OR column_name IN ('bare', 'fine') ORDER BY 1, 2, 3;
ROLLBACK;

SELECT count(drop_segment_table(segment_table)) AS dropped FROM segment_table_definition WHERE segment_table::text ~ '^bi\.';
SELECT relation::regclass AS left_behind FROM lint.for_people WHERE NOT of_extension;
DROP SCHEMA lint CASCADE;
DROP VIEW one, refund, cancelled, nobody, ages;
DROP TABLE edges;
DROP SCHEMA bi;
