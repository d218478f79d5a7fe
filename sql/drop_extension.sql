-- The extension goes: plainly only when nothing depends on it, by CASCADE without taking the data of users along. And
-- what it leaves in columns survives an upgrade of the server.
SET search_path = public, customer_scoring;
SET timezone = 'UTC';
SET client_min_messages = warning;
CREATE ROLE regress_cs_shop;
CREATE SCHEMA shop AUTHORIZATION regress_cs_shop;
SET ROLE regress_cs_shop;
CREATE TABLE shop.orders (customer_id text, ordered_at timestamptz, amount numeric(12,2), status text);
CREATE TABLE shop.parted (customer_id int, ordered_at timestamptz, amount int) PARTITION BY HASH (customer_id);
CREATE TABLE shop.parted_0 PARTITION OF shop.parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE shop.parted_1 PARTITION OF shop.parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO shop.orders SELECT 'c' || i % 5, '2024-01-01'::timestamptz + i * interval '1 day', i, 'paid' FROM generate_series(1, 20) i;
INSERT INTO shop.parted SELECT i % 5, '2024-01-01'::timestamptz + i * interval '1 day', i FROM generate_series(1, 20) i;
SELECT create_segment_table('shop.segments', 'shop.orders', "only" => '{"status": ["paid"]}', refresh_every => '1 day', next_refresh_at => '2124-01-01');
SELECT create_segment_table('shop.parted_segments', 'shop.parted');
-- what users build on both
CREATE TABLE shop.models AS SELECT rfm_fit(purchase_summary, '2024-02-01'::timestamptz) AS model FROM (SELECT purchase_summary(ordered_at, amount) FROM shop.orders GROUP BY customer_id) s;
CREATE VIEW shop.best AS SELECT customer_id FROM shop.segments_current WHERE segment = 'champions';
CREATE VIEW shop.plain AS SELECT customer_id, segment FROM shop.segments;
RESET ROLE;
SELECT count(*) AS customers FROM shop.segments \gset

-- column types: pg_upgrade refuses reg* types other than these three, types of the system's own rows, and types it
-- knows to have changed; domains, arrays, ranges and rows are looked into, as it does
CREATE VIEW columns AS
WITH RECURSIVE columns AS (
	SELECT c.oid::regclass AS relation, a.attname, a.atttypid AS type
	FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
	WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relnamespace IN ('shop'::regnamespace, 'customer_scoring'::regnamespace, 'customer_scoring_internal'::regnamespace)
	UNION
	SELECT x.relation, x.attname, i.type FROM columns x JOIN pg_type t ON t.oid = x.type CROSS JOIN LATERAL (
		SELECT t.typbasetype AS type WHERE t.typtype = 'd'
		UNION ALL SELECT t.typelem WHERE t.typelem <> 0
		UNION ALL SELECT rngsubtype FROM pg_range WHERE rngtypid = t.oid OR rngmultitypid = t.oid
		UNION ALL SELECT a.atttypid FROM pg_attribute a WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) i)
SELECT * FROM columns;
SELECT relation, attname, format_type(type, NULL) FROM columns
WHERE (type::regtype::text ~ '^reg' AND type NOT IN ('regclass'::regtype, 'regtype'::regtype, 'regrole'::regtype))
   OR type IN (SELECT oid FROM pg_type WHERE typtype = 'c' AND (oid < 16384 OR typnamespace = 'information_schema'::regnamespace))
   OR type::regtype::text IN ('unknown', 'aclitem', 'abstime', 'reltime', 'tinterval', 'information_schema.sql_identifier', 'pg_node_tree', 'pg_ndistinct', 'pg_dependencies', 'pg_mcv_list');
-- those that are used: built-in ones, and ours, whose text and bytes carry a version
SELECT string_agg(DISTINCT format_type(type, NULL), ', ' ORDER BY format_type(type, NULL)) AS built_in FROM columns WHERE type < 16384;
SELECT relation, attname, format_type(type, NULL) AS own FROM columns WHERE type >= 16384 GROUP BY 1, 2, 3 ORDER BY relation::text COLLATE "C", attname COLLATE "C";
DROP VIEW columns;

-- what stands in the way of a plain DROP is named, and nothing else does
\set VERBOSITY terse
DROP EXTENSION customer_scoring;
\set VERBOSITY default
CREATE FUNCTION refused() RETURNS TABLE (code text, message text, hint text, depends text) LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	DROP EXTENSION customer_scoring;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	code := SQLSTATE;
	FOR depends IN SELECT line FROM regexp_split_to_table(detail, E'\n') line ORDER BY line COLLATE "C" LOOP RETURN NEXT; END LOOP;
END $$;
\pset format unaligned
SELECT DISTINCT code, message, hint FROM refused();
SELECT depends FROM refused();
\pset format aligned
DROP FUNCTION refused();
SELECT count(*) FROM verify_segment_table('shop.segments');

-- CASCADE: the tables of users stay, with their rows; they are written, altered and dropped as before
DROP EXTENSION customer_scoring CASCADE;
SELECT c.oid::regclass AS stays, c.relkind FROM pg_class c WHERE relnamespace = 'shop'::regnamespace AND relkind IN ('r', 'v', 'p') ORDER BY c.oid::regclass::text COLLATE "C";
SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE NOT tgisinternal;
SELECT nspname FROM pg_namespace WHERE nspname ~ 'customer_scoring';
SELECT count(*) = :customers AS all_rows FROM shop.segments;
SELECT attname FROM pg_attribute WHERE attrelid = 'shop.models'::regclass AND attnum > 0 AND NOT attisdropped;
SET ROLE regress_cs_shop;
INSERT INTO shop.orders VALUES ('new', '2024-03-01', 5, 'paid');
UPDATE shop.orders SET customer_id = 'renamed', amount = amount + 1 WHERE customer_id = 'c1';
DELETE FROM shop.orders WHERE customer_id = 'c2';
INSERT INTO shop.orders VALUES ('new', '2024-03-01', 5, 'paid');
BEGIN;
TRUNCATE shop.orders;
ROLLBACK;
INSERT INTO shop.parted VALUES (7, '2024-03-01', 5), (8, '2024-03-01', 5);
UPDATE shop.parted SET customer_id = customer_id + 1;
DELETE FROM shop.parted WHERE customer_id = 1;
TRUNCATE shop.parted_0;
TRUNCATE shop.parted;
UPDATE shop.segments SET segment = 'mine' WHERE customer_id = 'c1';
INSERT INTO shop.segments (customer_id, orders, refunds, revenue, segment, segment_rank, computed_at, run_id) VALUES ('mine', 1, 0, 1, 'mine', 1, now(), 0);
DELETE FROM shop.segments WHERE customer_id = 'c3';
ALTER TABLE shop.segments ADD mine text;
SELECT segment, count(*) FROM shop.plain WHERE segment = 'mine' GROUP BY 1;
DROP TABLE shop.parted, shop.parted_segments;
RESET ROLE;

-- installed again: what was left is an ordinary table in the way, under another name all is well
CREATE EXTENSION customer_scoring;
SELECT count(*) AS known FROM segment_table_definition;
SET ROLE regress_cs_shop;
SELECT create_segment_table('shop.segments', 'shop.orders');
SELECT refresh_segment_table('shop.segments');
SELECT drop_segment_table('shop.segments');
SELECT create_segment_table('shop.segments2', 'shop.orders');
INSERT INTO shop.orders VALUES ('again', '2024-03-02', 5, 'paid');
SELECT inserted FROM refresh_segment_table('shop.segments2');
SELECT count(*) FROM verify_segment_table('shop.segments2');
SELECT count(*) > 0 AS readable FROM shop.segments2_current WHERE as_of IS NOT NULL;
-- ... and under the old one, when the leftover is dropped
DROP TABLE shop.segments CASCADE;
SELECT create_segment_table('shop.segments', 'shop.orders');
SELECT count(*) FROM verify_segment_table('shop.segments');
SELECT drop_segment_table(s) FROM unnest('{shop.segments,shop.segments2}'::regclass[]) s;
RESET ROLE;

-- with no segment table it goes without CASCADE, over and over
DROP EXTENSION customer_scoring;
CREATE EXTENSION customer_scoring;
-- gone and back in one transaction, with writes to a former source before, between and after
SET ROLE regress_cs_shop;
SELECT create_segment_table('shop.segments', 'shop.orders');
RESET ROLE;
BEGIN;
UPDATE shop.orders SET amount = amount + 1;
DROP EXTENSION customer_scoring CASCADE;
UPDATE shop.orders SET amount = amount + 1;
CREATE EXTENSION customer_scoring;
UPDATE shop.orders SET amount = amount + 1;
COMMIT;
-- ... and the drop undone: the segment table is what it was
DROP TABLE shop.segments;
SET ROLE regress_cs_shop;
SELECT create_segment_table('shop.segments', 'shop.orders');
RESET ROLE;
BEGIN;
UPDATE shop.orders SET amount = amount + 1;
SAVEPOINT s;
DROP EXTENSION customer_scoring CASCADE;
UPDATE shop.orders SET amount = amount + 1;
ROLLBACK TO s;
UPDATE shop.orders SET amount = amount + 1;
COMMIT;
SELECT updated > 0 AS updated FROM refresh_segment_table('shop.segments');
SELECT count(*) FROM verify_segment_table('shop.segments');
SELECT drop_segment_table('shop.segments');
DROP SCHEMA shop CASCADE;
DROP ROLE regress_cs_shop;
