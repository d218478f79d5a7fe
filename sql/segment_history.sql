-- The history of a segment table: who moved where, when and why; what each day looked like; and a message a refresh.
SET search_path = public, customer_scoring;
SET timezone = 'UTC';
SET datestyle = 'ISO';
CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	hint text;
BEGIN
	EXECUTE statement;
	RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN SQLSTATE || ': ' || SQLERRM || coalesce(E'\nHINT: ' || nullif(hint, ''), '');
END $$;
CREATE TABLE orders (customer_id varchar(10) COLLATE "C", ordered_at timestamptz, amount numeric(12,2));
INSERT INTO orders SELECT 'c' || c, '2024-01-01'::timestamptz + c * interval '1 day', c * 10 FROM generate_series(1, 10) c;

-- what is made, for people and their tools
SELECT create_segment_table('segments', 'orders', time_zone => 'Asia/Jakarta', history => true, with_data => false);
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, col_description(c.oid, a.attnum)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.relname IN ('segments_history', 'segments_snapshot', 'segments_migration') ORDER BY c.relname, a.attnum;
SELECT relname, reloptions, obj_description(oid, 'pg_class') FROM pg_class WHERE relname ~ '^segments_(history|snapshot|migration)$' ORDER BY relname;
SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid IN ('segments_history'::regclass, 'segments_snapshot'::regclass) ORDER BY indexrelid;
SELECT collation_name FROM information_schema.columns WHERE table_name = 'segments_history' AND column_name = 'customer_id';
SELECT history, keep_history, history_table, snapshot_table, migration_view FROM segment_table_definition;

-- the first fill is where the history starts: a snapshot, no moves
SELECT inserted FROM refresh_segment_table('segments', '2024-02-01 00:00+07');
SELECT count(*) FROM segments_history;
SELECT day, segment, segment_rank, customers, orders, revenue, as_of FROM segments_snapshot ORDER BY day, segment_rank DESC, segment;
CREATE VIEW moves AS SELECT customer_id, from_segment, to_segment, from_rank, to_rank, moved_at, cause FROM segments_history;

-- nothing changed: nothing written
SELECT refresh_segment_table('segments', '2024-02-01 12:00+07') IS NOT NULL AS refreshed;
SELECT (SELECT count(*) FROM segments_history) AS moves, (SELECT count(DISTINCT day) FROM segments_snapshot) AS days;
-- behaviour of one, who moves the breaks of others; the day has its snapshot already
INSERT INTO orders VALUES ('c1', '2024-02-01 13:00+07', 500), ('c1', '2024-02-01 14:00+07', 500);
SELECT inserted, updated, deleted FROM refresh_segment_table('segments', '2024-02-01 23:59:59.999999+07');
SELECT * FROM moves ORDER BY customer_id;
SELECT DISTINCT as_of FROM segments_snapshot;
-- one comes in, one goes out, on another local day
TRUNCATE segments_history;
INSERT INTO orders VALUES ('new', '2024-01-20', -1);
DELETE FROM orders WHERE customer_id = 'c2';
SELECT inserted, deleted FROM refresh_segment_table('segments', '2024-02-02 00:00+07');
SELECT * FROM moves WHERE from_segment IS NULL OR to_segment IS NULL ORDER BY customer_id;
SELECT day, count(*), sum(customers) AS customers, sum(orders) AS orders, sum(revenue) AS revenue, min(as_of) AS as_of FROM segments_snapshot GROUP BY 1 ORDER BY 1;
-- the map: scores stay, segments change
TRUNCATE segments_history;
SELECT alter_segment_table('segments', segment_map => 'rf10');
SELECT refresh_segment_table('segments', '2024-02-02 01:00+07') IS NOT NULL AS refreshed;
SELECT cause, count(*) > 0 AS moves FROM moves GROUP BY cause;
-- a customer whose scores and map changed for no doing of his
TRUNCATE segments_history;
SELECT alter_segment_table('segments', segment_map => 'rfm11');
UPDATE orders SET amount = 5000 WHERE customer_id = 'c3';
SELECT refresh_segment_table('segments', '2024-02-02 02:00+07') IS NOT NULL AS refreshed;
SELECT cause, count(*) > 0 AS moves, bool_or(customer_id = 'c3') AS c3 FROM moves GROUP BY cause ORDER BY cause;
SELECT refresh_segment_table('segments', '2024-02-02 03:00+07') IS NOT NULL AS refreshed;
UPDATE orders SET amount = 1 WHERE customer_id = 'c10';
TRUNCATE segments_history;
SELECT refresh_segment_table('segments', '2024-02-02 04:00+07') IS NOT NULL AS refreshed;
SELECT cause, count(*) > 0 AS moves, bool_or(customer_id = 'c10') AS c10 FROM moves GROUP BY cause ORDER BY cause;
-- time: an order leaves the window; a new one is behaviour all the same
SELECT alter_segment_table('segments', lookback => '20 days');
INSERT INTO orders VALUES ('idle', '2024-01-31', 50), ('active', '2024-01-31', 51);
DELETE FROM orders WHERE customer_id = 'new';
SELECT refresh_segment_table('segments', '2024-02-02 05:00+07') IS NOT NULL AS refreshed;
TRUNCATE segments_history;
INSERT INTO orders VALUES ('active', '2024-02-20', 52);
DELETE FROM orders WHERE customer_id = 'c1';
SELECT refresh_segment_table('segments', '2024-02-20 12:00+00') IS NOT NULL AS refreshed;
SELECT * FROM moves WHERE cause <> 'breaks' ORDER BY customer_id;
TRUNCATE segments_history;
SELECT refresh_segment_table('segments', '2024-02-20 17:00+00') IS NOT NULL AS refreshed;
SELECT * FROM moves ORDER BY customer_id;
SELECT refresh_segment_table('segments', '2024-02-21') IS NOT NULL AS refreshed;
SELECT alter_segment_table('segments', lookback => '0');
SELECT refresh_segment_table('segments', '2024-02-21') IS NOT NULL AS refreshed;

-- moves of a period, day by day and added up, and the stays of a customer
TRUNCATE segments_history;
INSERT INTO orders VALUES ('c4', '2024-03-01 10:00+07', 99), ('zoe', '2024-03-01 11:00+07', -1), ('zac', '2024-03-01 11:00+07', -1);
SELECT refresh_segment_table('segments', '2024-03-01 16:59:59+00') IS NOT NULL AS refreshed;
INSERT INTO orders VALUES ('zoe', '2024-03-02 01:00+07', 800);
SELECT refresh_segment_table('segments', '2024-03-01 18:00+00') IS NOT NULL AS refreshed;
DELETE FROM orders WHERE customer_id = 'zoe';
SELECT refresh_segment_table('segments', '2024-03-02 18:00+00') IS NOT NULL AS refreshed;
SELECT * FROM segments_migration WHERE period BETWEEN '2024-03-01' AND '2024-03-02' AND cause = 'behaviour' AND (from_segment IS NULL OR from_segment = 'prospect') ORDER BY 1, 2, 3;
SELECT (SELECT sum(customers) FROM segments_migration) = (SELECT count(*) FROM segments_history) AS all_moves;
SELECT to_segment AS segment, moved_at AS entered_at, lead(moved_at) OVER w AS left_at, lead(cause) OVER w AS left_by
FROM segments_history WHERE customer_id = 'zoe' WINDOW w AS (PARTITION BY customer_id ORDER BY move_id) ORDER BY move_id;
-- days follow the zone of the table
SELECT string_agg(DISTINCT period::text, ' ') FROM segments_migration;
SELECT alter_segment_table('segments', time_zone => 'UTC');
SELECT string_agg(DISTINCT period::text, ' ') FROM segments_migration;
SELECT alter_segment_table('segments', time_zone => 'Asia/Jakarta');

-- going back in time: the moves of that, in the order in which they were written; a day without snapshot gets one
SELECT refresh_segment_table('segments', '2024-01-04 00:00+07') IS NOT NULL AS refreshed;
SELECT refresh_segment_table('segments', '2024-03-03 18:00+00') IS NOT NULL AS refreshed;
SELECT bool_and(from_segment IS NOT DISTINCT FROM before) AS connected FROM (
	SELECT from_segment, lag(to_segment, 1, from_segment) OVER (PARTITION BY customer_id ORDER BY move_id) AS before FROM segments_history) x;
SELECT day, sum(customers) AS customers FROM segments_snapshot GROUP BY day ORDER BY day;

-- the spelling is that of the segment table
CREATE COLLATION no_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE mails (customer_id text COLLATE no_case, ordered_at timestamptz, amount int);
INSERT INTO mails VALUES ('Ann', '2024-01-01', -1), ('Bob', '2024-01-01', 5);
SELECT create_segment_table('mail_segments', 'mails', history => true);
UPDATE mails SET customer_id = 'ANN', amount = 5 WHERE customer_id = 'ann';
DELETE FROM mails WHERE customer_id = 'BOB';
SELECT refresh_segment_table('mail_segments') IS NOT NULL AS refreshed;
SELECT customer_id, from_segment = 'prospect' AS from_prospect, to_segment IS NULL AS out FROM mail_segments_history ORDER BY customer_id;
SELECT drop_segment_table('mail_segments');
DROP TABLE mails;
DROP COLLATION no_case;

-- old rows go, once a day, reckoned from as_of
SELECT try(statement) FROM unnest(ARRAY[
	$$SELECT alter_segment_table('segments', keep_history => '-1 day')$$,
	$$SELECT alter_segment_table('segments', history => false, keep_history => '1 day')$$,
	$$SELECT create_segment_table('x', 'orders', keep_history => '1 day')$$,
	$$SELECT create_segment_table('x', 'orders', history => NULL)$$]) statement;
SELECT alter_segment_table('segments', keep_history => '2 days');
SELECT min(moved_at) AS oldest, (SELECT min(day) FROM segments_snapshot) AS first_day FROM segments_history;
SELECT refresh_segment_table('segments', '2024-03-03 19:00+00') IS NOT NULL AS refreshed;
SELECT min(moved_at) AS oldest, (SELECT min(day) FROM segments_snapshot) AS first_day FROM segments_history;
SELECT refresh_segment_table('segments', '2024-03-04 18:00+00') IS NOT NULL AS refreshed;
SELECT min(moved_at) AS oldest, (SELECT min(day) FROM segments_snapshot) AS first_day FROM segments_history;
SELECT alter_segment_table('segments', keep_history => '0');
SELECT keep_history FROM segment_table_definition;
-- an as_of far ahead takes nothing away
SELECT alter_segment_table('segments', keep_history => '500 years');
SELECT refresh_segment_table('segments', '2999-01-01') IS NOT NULL AS refreshed;
SELECT min(moved_at) AS oldest, (SELECT min(day) FROM segments_snapshot) AS first_day FROM segments_history;
SELECT alter_segment_table('segments', keep_history => '0');
SELECT refresh_segment_table('segments', '2024-03-05') IS NOT NULL AS refreshed;

-- switched off, the tables stay; switched on, they are used again
CREATE TEMP TABLE before AS SELECT count(*) AS moves, (SELECT count(*) FROM segments_snapshot) AS rows FROM segments_history;
SELECT alter_segment_table('segments', history => false);
INSERT INTO orders VALUES ('yes', '2024-03-05', 1);
SELECT inserted FROM refresh_segment_table('segments', '2024-03-06');
SELECT b.*, (SELECT count(*) FROM segments_history) = moves AS same_moves, (SELECT count(*) FROM segments_snapshot) = rows AS same_rows FROM before b;
SELECT history, history_table, snapshot_table, migration_view FROM segment_table_definition;
SELECT alter_segment_table('segments', history => true);
INSERT INTO orders VALUES ('too', '2024-03-05', 1);
SELECT inserted FROM refresh_segment_table('segments', '2024-03-07');
SELECT (SELECT count(*) FROM segments_history) > moves AS more_moves, (SELECT count(*) FROM segments_snapshot) > rows AS more_rows FROM before b;
DROP TABLE before;
-- and while the source is broken
ALTER TABLE orders RENAME TO elsewhere;
SELECT alter_segment_table('segments', history => false);
SELECT alter_segment_table('segments', history => true, keep_history => '1 year');
ALTER TABLE elsewhere RENAME TO orders;

-- renamed and moved, they are found
CREATE SCHEMA archive;
ALTER TABLE segments_history SET SCHEMA archive;
ALTER TABLE segments_snapshot RENAME TO days;
ALTER TABLE segments RENAME TO seg;
INSERT INTO orders VALUES ('moved', '2024-03-05', 1);
SELECT inserted FROM refresh_segment_table('seg', '2024-03-08');
SELECT (SELECT count(*) FROM archive.segments_history WHERE customer_id = 'moved') AS moves, (SELECT sum(customers) FROM segments_migration WHERE period = '2024-03-08') > 0 AS in_view,
       (SELECT count(*) > 0 FROM days WHERE day = '2024-03-08') AS has_day;
ALTER TABLE seg RENAME TO segments;
ALTER TABLE archive.segments_history SET SCHEMA public;
ALTER TABLE days RENAME TO segments_snapshot;
DROP SCHEMA archive;
-- columns, indexes and policies of the owner are left alone; a column of ours must stay what it is
ALTER TABLE segments_history ADD note text DEFAULT 'mine';
CREATE TABLE old AS SELECT 1;
SELECT statement, try(statement), try('SELECT refresh_segment_table(''segments'', ''2024-03-08'')'), try(undo) FROM (VALUES
	('ALTER TABLE segments_history RENAME cause TO why', 'ALTER TABLE segments_history RENAME why TO cause'),
	('DROP VIEW segments_migration, moves; ALTER TABLE segments_history ALTER from_rank TYPE int', 'ALTER TABLE segments_history ALTER from_rank TYPE int2'),
	('ALTER TABLE segments_snapshot ALTER revenue TYPE numeric(28,0)', 'ALTER TABLE segments_snapshot ALTER revenue TYPE numeric(28,2)')) s (statement, undo);
ALTER TABLE segments_history ALTER to_rank TYPE int;
SELECT try($$SELECT alter_segment_table('segments', history => true)$$);
ALTER TABLE segments_history ALTER to_rank TYPE int2;
-- a view that was dropped comes back when history is switched on
SELECT alter_segment_table('segments', history => true);
SELECT count(*) > 0 AS there FROM segments_migration;

-- money with other decimals: snapshots get more, and keep what they have
SELECT alter_segment_table('segments', amount => 'amount');
ALTER TABLE orders ALTER amount TYPE numeric(14,4);
SELECT alter_segment_table('segments');
INSERT INTO orders VALUES ('fine', '2024-03-09', 1.2345);
SELECT inserted FROM refresh_segment_table('segments', '2024-03-09');
SELECT sum(revenue) = (SELECT sum(revenue) FROM segments) AS exact, format_type(atttypid, atttypmod) FROM segments_snapshot, pg_attribute
WHERE day = '2024-03-09' AND attrelid = 'segments_snapshot'::regclass AND attname = 'revenue' GROUP BY atttypid, atttypmod;
UPDATE orders SET amount = round(amount);
SELECT refresh_segment_table('segments', '2024-03-09') IS NOT NULL AS refreshed;
ALTER TABLE orders ALTER amount TYPE numeric(14,0);
SELECT alter_segment_table('segments');
SELECT refresh_segment_table('segments', '2024-03-10') IS NOT NULL AS refreshed;
SELECT day, sum(revenue) = (SELECT sum(revenue) FROM segments) AS like_now FROM segments_snapshot WHERE day >= '2024-03-09' GROUP BY day ORDER BY day;

-- dropped by the owner: the refresh goes on, says so once, and forgets them
DROP TABLE segments_snapshot;
SELECT refresh_segment_table('segments', '2024-03-11') IS NOT NULL AS refreshed;
SELECT refresh_segment_table('segments', '2024-03-12') IS NOT NULL AS refreshed;
SELECT history, history_table, snapshot_table FROM segment_table_definition;
DROP TABLE segments_history CASCADE;
SELECT refresh_segment_table('segments', '2024-03-12') IS NOT NULL AS refreshed;
SELECT history, history_table, snapshot_table FROM segment_table_definition;
SELECT refresh_segment_table('segments', '2024-03-12') IS NOT NULL AS refreshed;
SELECT alter_segment_table('segments', history => true);
SELECT refresh_segment_table('segments', '2024-03-13') IS NOT NULL AS refreshed;
SELECT (SELECT count(*) FROM segments_history) AS moves, (SELECT count(*) > 0 FROM segments_snapshot) AS days, (SELECT count(*) FROM segments_migration) AS migrations;
-- an error after the history was written takes it back
INSERT INTO orders VALUES ('gone', '2024-03-09', 1);
BEGIN;
SELECT inserted FROM refresh_segment_table('segments', '2024-03-14');
ROLLBACK;
SELECT (SELECT count(*) FROM segments_history) AS moves, (SELECT max(day) FROM segments_snapshot) AS last_day;

-- names: free, and not too long
CREATE VIEW taken_migration AS SELECT 1;
SELECT try($$SELECT create_segment_table('taken', 'orders', history => true)$$);
SELECT create_segment_table('taken', 'orders');
SELECT try($$SELECT alter_segment_table('taken', history => true)$$);
SELECT to_regclass('taken_history') IS NULL AS nothing_left;
ALTER TABLE taken RENAME TO a234567890b234567890c234567890d234567890e234567890f234;
SELECT try($$SELECT alter_segment_table('a234567890b234567890c234567890d234567890e234567890f234', history => true)$$);
ALTER TABLE a234567890b234567890c234567890d234567890e234567890f234 RENAME TO a234567890b234567890c234567890d234567890e234567890f23;
SELECT alter_segment_table('a234567890b234567890c234567890d234567890e234567890f23', history => true);
SELECT drop_segment_table('a234567890b234567890c234567890d234567890e234567890f23');
DROP VIEW taken_migration;

-- whoever owns the segment table owns its history, and others see what they were granted
CREATE ROLE regress_cs_history_owner;
CREATE ROLE regress_cs_history_reader;
GRANT USAGE, CREATE ON SCHEMA public TO regress_cs_history_owner;
GRANT SELECT ON orders TO regress_cs_history_owner;
SET ROLE regress_cs_history_owner;
SELECT create_segment_table('owned', 'orders', history => true);
GRANT SELECT ON owned_migration TO regress_cs_history_reader;
RESET ROLE;
SELECT relname, relowner::regrole FROM pg_class WHERE relname ~ '^owned_(history|snapshot|migration)$' ORDER BY 1;
SET ROLE regress_cs_history_reader;
SELECT try('SELECT * FROM owned_migration'), try('SELECT alter_segment_table(''owned'', history => false)');
RESET ROLE;
DELETE FROM orders WHERE customer_id = 'c5';
SELECT deleted FROM refresh_segment_table('owned');
SELECT count(*) FROM owned_history WHERE to_segment IS NULL;
ALTER TABLE owned_history OWNER TO regress_cs_history_reader;
SELECT try('SELECT refresh_segment_table(''owned'')');
ALTER TABLE owned_history OWNER TO regress_cs_history_owner;
ALTER TABLE owned_snapshot ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
SELECT try('SELECT refresh_segment_table(''owned'')');
ALTER TABLE owned_snapshot NO FORCE ROW LEVEL SECURITY;
SELECT try('SELECT refresh_segment_table(''owned'')');
SELECT drop_segment_table('owned');
REVOKE ALL ON SCHEMA public FROM regress_cs_history_owner;
REVOKE ALL ON orders FROM regress_cs_history_owner;
DROP ROLE regress_cs_history_owner, regress_cs_history_reader;

-- random changes, maps and moments: moves turn the table as it was into the table as it is, for a cause plain SQL agrees with
CREATE TABLE many (c int, t timestamptz, a numeric(12,3));
INSERT INTO many SELECT (random() * 300)::int, '2024-01-01'::timestamptz + random() * interval '60 days', (random() * 1200 - 200)::numeric(12,3) FROM generate_series(1, 1500);
SELECT create_segment_table('many_segments', 'many', 'c', 't', 'a', history => true, keep_history => '10 years', time_zone => 'Asia/Jakarta', with_data => false);
SELECT inserted > 0 AS filled FROM refresh_segment_table('many_segments', '2024-02-01');
CREATE TABLE start AS SELECT customer_id, segment FROM many_segments;
DO $$
DECLARE
	maps rfm_map[] := ARRAY['rfm11', 'rf10'];
	altered bool;
	new_day bool;
	at timestamptz := '2024-02-01';
	r record;
	n bigint;
	days bigint;
BEGIN
	FOR i IN 1..25 LOOP
		CREATE TEMP TABLE before AS SELECT * FROM many_segments;
		DELETE FROM many WHERE random() < 0.01;
		UPDATE many SET a = a + 1 WHERE random() < 0.01;
		UPDATE many SET c = (random() * 320)::int WHERE random() < 0.01;
		INSERT INTO many SELECT (random() * 320)::int, at + (random() - 0.5) * interval '10 days', (random() * 500)::int FROM generate_series(1, 15);
		altered := i % 4 = 0;
		IF altered THEN
			PERFORM alter_segment_table('many_segments', segment_map => (SELECT m FROM unnest(maps) m
				WHERE m::text <> (SELECT segment_map::text FROM segment_table_definition WHERE segment_table = 'many_segments'::regclass) LIMIT 1));
		END IF;
		at := at + random() * interval '2 days' - CASE WHEN random() < 0.1 THEN interval '5 days' ELSE '0' END;
		new_day := NOT EXISTS (SELECT FROM many_segments_snapshot WHERE day = (at AT TIME ZONE 'Asia/Jakarta')::date);
		SELECT count(DISTINCT day) INTO days FROM many_segments_snapshot;
		SELECT * INTO r FROM refresh_segment_table('many_segments', at);

		-- the moves of this run against both states of the table
		SELECT count(*) INTO n FROM (
			SELECT coalesce(b.customer_id, s.customer_id) AS customer_id, b.segment AS was, s.segment AS now, b.segment_rank AS was_rank, s.segment_rank AS now_rank,
			       CASE WHEN b.customer_id IS NULL THEN 'behaviour'
			            WHEN b.due_at <= at AND coalesce(s.orders <= b.orders AND s.refunds <= b.refunds AND (s.last_order_at > b.last_order_at) IS NOT TRUE, true) THEN 'time'
			            WHEN s.customer_id IS NULL THEN 'behaviour'
			            WHEN (b.rfm_cell) IS NOT DISTINCT FROM (s.rfm_cell) THEN 'map'
			            WHEN (b.first_order_at, b.previous_order_at, b.last_order_at, b.orders, b.refunds, b.revenue)
			                 IS DISTINCT FROM (s.first_order_at, s.previous_order_at, s.last_order_at, s.orders, s.refunds, s.revenue) THEN 'behaviour'
			            WHEN altered THEN 'map' ELSE 'breaks' END AS why
			FROM before b FULL JOIN many_segments s USING (customer_id)
			WHERE b.segment IS DISTINCT FROM s.segment) x
		FULL JOIN (SELECT * FROM many_segments_history h WHERE h.run_id = r.run_id) h ON h.customer_id = x.customer_id
		WHERE (h.customer_id, h.from_segment, h.to_segment, h.from_rank, h.to_rank, h.cause, h.moved_at) IS DISTINCT FROM (x.customer_id, x.was, x.now, x.was_rank, x.now_rank, x.why, at);
		IF n <> 0 THEN RAISE WARNING 'round %: % moves differ from plain SQL', i, n; END IF;

		-- all moves replayed from the start
		SELECT count(*) INTO n FROM (
			SELECT coalesce(s.customer_id, m.customer_id) AS customer_id, CASE WHEN m.customer_id IS NULL THEN s.segment ELSE m.to_segment END AS segment
			FROM start s FULL JOIN (SELECT DISTINCT ON (customer_id) customer_id, to_segment FROM many_segments_history ORDER BY customer_id, move_id DESC) m USING (customer_id)) x
		FULL JOIN many_segments t ON t.customer_id = x.customer_id WHERE x.segment IS DISTINCT FROM t.segment;
		IF n <> 0 THEN RAISE WARNING 'round %: % customers are elsewhere after a replay', i, n; END IF;

		-- a day has the snapshot of its first refresh
		SELECT count(DISTINCT day) - days - new_day::int INTO n FROM many_segments_snapshot;
		IF n <> 0 THEN RAISE WARNING 'round %: wrong number of days', i; END IF;
		IF new_day THEN
			SELECT count(*) INTO n FROM (SELECT segment, segment_rank, customers, orders, revenue, as_of FROM many_segments_overview) o
			FULL JOIN (SELECT * FROM many_segments_snapshot WHERE run_id = r.run_id) s ON s.segment = o.segment
			WHERE (o.segment, o.segment_rank, o.customers, o.orders, o.revenue, o.as_of) IS DISTINCT FROM (s.segment, s.segment_rank, s.customers, s.orders, s.revenue, s.as_of);
			IF n <> 0 THEN RAISE WARNING 'round %: % segments of the snapshot differ from the overview', i, n; END IF;
		END IF;
		DROP TABLE before;
	END LOOP;
END $$;
SELECT bool_and(n > 0) AS all_causes, count(*) >= 3 AS several FROM (SELECT cause, count(*) AS n FROM many_segments_history GROUP BY cause) c;
SELECT (SELECT sum(customers) FROM many_segments_migration) = (SELECT count(*) FROM many_segments_history) AS added_up,
       count(*) FILTER (WHERE from_segment IS NULL) > 0 AS entered, count(*) FILTER (WHERE to_segment IS NULL) > 0 AS gone FROM many_segments_history;

-- nothing stays behind
SELECT drop_segment_table(s) FROM unnest('{segments,many_segments}'::regclass[]) s;
DROP TABLE orders, many, start, old;
DROP FUNCTION try(text);
SELECT relname FROM pg_class WHERE relname ~ 'segments';
