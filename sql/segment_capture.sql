-- Whatever changes the rows of a customer is captured: the next refresh is incremental, recomputes that customer, and is exact.
SET search_path = public, customer_scoring;
SET timezone = 'UTC';

-- one refresh: its mode and reason, customers recomputed, rows written, values that verify finds, and whether the count is right
CREATE FUNCTION refreshed(segment_table regclass, as_of timestamptz DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	done record;
	run record;
	wrong bigint;
	counted bigint;
BEGIN
	SELECT * INTO done FROM refresh_segment_table(segment_table, as_of);
	SELECT * INTO run FROM customer_scoring_internal.segment_run r WHERE r.run_id = done.run_id;
	SELECT count(*) INTO wrong FROM verify_segment_table(segment_table);
	EXECUTE format('SELECT count(*) FROM ONLY %s', segment_table) INTO counted;
	RETURN format('%s%s: %s of %s recomputed, +%s ~%s -%s%s%s', run.mode, ' (' || run.reason || ')', run.recomputed, run.customers, run.inserted, run.updated,
		run.deleted, CASE WHEN wrong > 0 THEN format(', %s WRONG', wrong) END, CASE WHEN counted <> run.customers THEN format(', COUNT IS %s', counted) END);
END $$;

-- the statements of SQL
CREATE TABLE orders (order_id int PRIMARY KEY, customer_id text, ordered_at timestamptz, amount numeric(12,2));
INSERT INTO orders SELECT i, 'c' || i % 20, '2024-01-01'::timestamptz + i * interval '1 day', i FROM generate_series(1, 100) i;
SELECT create_segment_table('seg', 'orders', breaks => 'frozen');
SELECT refreshed('seg');
INSERT INTO orders VALUES (101, 'c1', '2024-01-01', 1);
SELECT refreshed('seg');
INSERT INTO orders VALUES (102, 'new', '2024-01-01', 1), (103, 'new', '2024-01-02', 1), (104, 'c2', '2024-01-01', 1);
SELECT refreshed('seg');
UPDATE orders SET amount = amount + 1 WHERE customer_id = 'c3';
SELECT refreshed('seg');
-- a row that moves changes both customers
UPDATE orders SET customer_id = 'c5' WHERE order_id = 4;
SELECT refreshed('seg');
DELETE FROM orders WHERE customer_id = 'new';
SELECT refreshed('seg');
-- no row, no customer, no work
UPDATE orders SET amount = 0 WHERE false;
DELETE FROM orders WHERE false;
INSERT INTO orders VALUES (105, NULL, '2024-01-01', 1);
DELETE FROM orders WHERE order_id = 105;
SELECT refreshed('seg');
INSERT INTO orders VALUES (101, 'c6', '2024-01-01', 1), (106, 'c6', '2024-01-01', 1) ON CONFLICT (order_id) DO NOTHING;
SELECT refreshed('seg');
INSERT INTO orders VALUES (101, 'c7', '2024-01-01', 1), (107, 'c8', '2024-01-01', 1) ON CONFLICT (order_id) DO UPDATE SET customer_id = 'c9';
SELECT refreshed('seg');
MERGE INTO orders o USING (VALUES (10, 'delete'), (11, 'update'), (108, 'insert')) v (id, what) ON o.order_id = v.id
	WHEN MATCHED AND what = 'delete' THEN DELETE
	WHEN MATCHED THEN UPDATE SET amount = 1000
	WHEN NOT MATCHED THEN INSERT VALUES (108, 'merged', '2024-01-01', 1);
SELECT refreshed('seg');
COPY orders FROM stdin;
109	copied	2024-01-01	1
110	c12	2024-01-01	1
\.
SELECT refreshed('seg');
WITH gone AS (DELETE FROM orders WHERE order_id = 13 RETURNING *) INSERT INTO orders SELECT order_id, 'by query', ordered_at, amount FROM gone;
SELECT refreshed('seg');
TRUNCATE orders;
SELECT refreshed('seg');
INSERT INTO orders SELECT i, 'c' || i % 20, '2024-01-01'::timestamptz + i * interval '1 day', i FROM generate_series(1, 100) i;
SELECT refreshed('seg');

-- what other tables and other triggers do
CREATE TABLE customers (customer_id text PRIMARY KEY);
INSERT INTO customers SELECT DISTINCT customer_id FROM orders;
ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers ON DELETE CASCADE ON UPDATE CASCADE;
DELETE FROM customers WHERE customer_id = 'c1';
SELECT refreshed('seg');
UPDATE customers SET customer_id = 'renamed' WHERE customer_id = 'c2';
SELECT refreshed('seg');
TRUNCATE customers CASCADE;
SELECT refreshed('seg');
ALTER TABLE orders DROP CONSTRAINT orders_customer_id_fkey;
INSERT INTO orders SELECT i, 'c' || i % 20, '2024-01-01'::timestamptz + i * interval '1 day', i FROM generate_series(1, 100) i;
SELECT refreshed('seg');
CREATE FUNCTION other_customer() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.customer_id := 'by trigger'; RETURN NEW; END $$;
CREATE TRIGGER zz BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION other_customer();
INSERT INTO orders VALUES (111, 'c1', '2024-01-01', 1);
SELECT refreshed('seg');
DROP TRIGGER zz ON orders;
CREATE FUNCTION one_more() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO orders VALUES (1000 + NEW.order_id, 'at commit', '2024-01-01', 1); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER aa AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.order_id < 1000) EXECUTE FUNCTION one_more();
INSERT INTO orders VALUES (112, 'c1', '2024-01-01', 1);
SELECT refreshed('seg');
DROP TRIGGER aa ON orders;
-- as a logical replica applies changes
SET session_replication_role = replica;
INSERT INTO orders VALUES (113, 'c2', '2024-01-01', 1);
UPDATE orders SET amount = 7 WHERE order_id = 3;
DELETE FROM orders WHERE order_id = 4;
RESET session_replication_role;
SELECT refreshed('seg');

-- transactions: what was rolled back costs a look, and nothing is lost
BEGIN;
INSERT INTO orders VALUES (120, 'c1', '2024-01-01', 1);
ROLLBACK;
SELECT refreshed('seg');
BEGIN;
INSERT INTO orders VALUES (120, 'c1', '2024-01-01', 1);
SAVEPOINT a;
INSERT INTO orders VALUES (121, 'c2', '2024-01-01', 1);
ROLLBACK TO a;
INSERT INTO orders VALUES (122, 'c3', '2024-01-01', 1);
COMMIT;
SELECT refreshed('seg');
-- the first key belongs to what was rolled back
BEGIN;
SAVEPOINT a;
INSERT INTO orders VALUES (123, 'c2', '2024-01-01', 1);
ROLLBACK TO a;
INSERT INTO orders VALUES (124, 'c4', '2024-01-01', 1);
-- and so did the lock on the log, so that the writer would wait at its end
SELECT count(*) FROM pg_locks WHERE relation = format('customer_scoring_internal.change_log_%s', 'seg'::regclass::oid)::regclass AND pid = pg_backend_pid() AND mode = 'RowExclusiveLock';
COMMIT;
SELECT refreshed('seg');
DO $$
BEGIN
	BEGIN
		INSERT INTO orders VALUES (125, 'c5', '2024-01-01', 1);
		RAISE division_by_zero;
	EXCEPTION WHEN division_by_zero THEN
		INSERT INTO orders VALUES (126, 'c6', '2024-01-01', 1);
	END;
END $$;
SELECT refreshed('seg');
-- after a write a transaction may become read only
BEGIN;
INSERT INTO orders VALUES (127, 'c7', '2024-01-01', 1);
SET TRANSACTION READ ONLY;
COMMIT;
SELECT refreshed('seg');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) > 0 AS some FROM orders;
INSERT INTO orders VALUES (128, 'c8', '2024-01-01', 1);
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
INSERT INTO orders VALUES (129, 'c9', '2024-01-01', 1);
COMMIT;
SELECT refreshed('seg');
-- a prepared transaction, left open across a refresh
BEGIN;
INSERT INTO orders VALUES (130, 'c10', '2024-01-01', 1);
UPDATE orders SET customer_id = 'prepared' WHERE order_id = 11;
PREPARE TRANSACTION 'customer_scoring';
SELECT refreshed('seg');
COMMIT PREPARED 'customer_scoring';
SELECT refreshed('seg');
BEGIN;
INSERT INTO orders VALUES (131, 'c11', '2024-01-01', 1);
PREPARE TRANSACTION 'customer_scoring';
ROLLBACK PREPARED 'customer_scoring';
SELECT refreshed('seg');
-- writes and refresh in one transaction, and what comes after the refresh
BEGIN;
INSERT INTO orders VALUES (132, 'c12', '2024-01-01', 1);
SELECT refreshed('seg');
INSERT INTO orders VALUES (133, 'c13', '2024-01-01', 1);
COMMIT;
SELECT customer, column_name, problem FROM verify_segment_table('seg') WHERE column_name = 'orders';
SELECT refreshed('seg');
-- a refresh that is rolled back by itself
BEGIN;
INSERT INTO orders VALUES (134, 'c14', '2024-01-01', 1);
SAVEPOINT a;
SELECT refreshed('seg');
ROLLBACK TO a;
COMMIT;
SELECT refreshed('seg');
DO $$
BEGIN
	INSERT INTO orders VALUES (135, 'c15', '2024-01-01', 1);
	BEGIN
		PERFORM refresh_segment_table('seg');
		RAISE division_by_zero;
	EXCEPTION WHEN division_by_zero THEN NULL;
	END;
END $$;
SELECT refreshed('seg');
BEGIN;
INSERT INTO orders VALUES (136, 'c16', '2024-01-01', 1);
TRUNCATE orders;
INSERT INTO orders VALUES (137, 'c17', '2024-01-01', 1);
SELECT refreshed('seg');
ROLLBACK;
SELECT refreshed('seg');
-- a second TRUNCATE in one transaction keeps the file that the refresh has seen
BEGIN;
TRUNCATE orders;
INSERT INTO orders VALUES (137, 'c17', '2024-01-01', 1);
SELECT refreshed('seg');
TRUNCATE orders;
COMMIT;
SELECT refreshed('seg');
INSERT INTO orders SELECT i, 'c' || i % 20, '2024-01-01'::timestamptz + i * interval '1 day', i FROM generate_series(1, 100) i;
-- a refresh from a trigger on the source, before and after the row was captured
CREATE FUNCTION refresh_now() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM refresh_segment_table('seg'); RETURN NULL; END $$;
CREATE TRIGGER aa AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION refresh_now();
CREATE TRIGGER zz AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION refresh_now();
INSERT INTO orders VALUES (138, 'c18', '2024-01-01', 1), (139, 'nested', '2024-01-01', 1);
SELECT count(*) FROM verify_segment_table('seg') WHERE problem <> 'pending';
DROP TRIGGER aa ON orders;
DROP TRIGGER zz ON orders;
SELECT refreshed('seg');

-- a writer needs no right on anything of the extension
CREATE ROLE segment_writer;
GRANT INSERT, SELECT, UPDATE, DELETE ON orders TO segment_writer;
SET ROLE segment_writer;
INSERT INTO orders VALUES (140, 'c1', '2024-01-01', 1);
UPDATE orders SET amount = 9 WHERE order_id = 22;
DELETE FROM orders WHERE order_id = 23;
RESET ROLE;
SELECT refreshed('seg');

-- the segment table itself: what others write to it is put right
UPDATE seg SET revenue = 0 WHERE customer_id = 'c1';
DELETE FROM seg WHERE customer_id = 'c2';
INSERT INTO seg (customer_id, orders, refunds, revenue, segment, segment_rank, computed_at, run_id) VALUES ('nobody', 1, 0, 1, 'x', 1, now(), 0);
UPDATE seg SET customer_id = 'somebody' WHERE customer_id = 'c3';
SELECT count(DISTINCT customer), string_agg(DISTINCT problem, ' ') FROM verify_segment_table('seg');
SELECT refreshed('seg');
TRUNCATE seg;
SELECT refreshed('seg');

-- partitions: rows into a leaf, between leaves, TRUNCATE of one, and one whose columns have other numbers
CREATE TABLE parts (dropped int, ordered_at timestamptz, customer_id int, amount int) PARTITION BY RANGE (ordered_at);
ALTER TABLE parts DROP COLUMN dropped;
CREATE TABLE parts_2023 PARTITION OF parts FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE parts_2024 (amount int, gone text, gone2 text, customer_id int, ordered_at timestamptz);
ALTER TABLE parts_2024 DROP COLUMN gone, DROP COLUMN gone2;
ALTER TABLE parts ATTACH PARTITION parts_2024 FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE parts_2025 PARTITION OF parts FOR VALUES FROM ('2025-01-01') TO ('2026-01-01') PARTITION BY LIST (customer_id);
CREATE TABLE parts_2025_1 PARTITION OF parts_2025 FOR VALUES IN (1);
CREATE TABLE parts_2025_rest PARTITION OF parts_2025 DEFAULT;
INSERT INTO parts SELECT '2023-01-01'::timestamptz + i * interval '20 days', i % 10, i FROM generate_series(1, 50) i;
SELECT create_segment_table('parts_seg', 'parts', breaks => 'frozen');
SELECT refreshed('parts_seg');
INSERT INTO parts VALUES ('2023-05-05', 1, 1), ('2024-05-05', 2, 1), ('2025-05-05', 3, 1);
SELECT refreshed('parts_seg');
INSERT INTO parts_2024 (amount, customer_id, ordered_at) VALUES (5, 4, '2024-06-06');
SELECT refreshed('parts_seg');
INSERT INTO parts_2025_rest VALUES ('2025-05-05', 5, 1);
UPDATE parts_2025_rest SET amount = 2 WHERE customer_id = 6;
SELECT refreshed('parts_seg');
UPDATE parts SET ordered_at = '2024-07-07' WHERE customer_id = 7;
SELECT refreshed('parts_seg');
UPDATE parts SET customer_id = 1 WHERE customer_id = 8 AND ordered_at >= '2025-01-01';
SELECT refreshed('parts_seg');
COPY parts FROM stdin;
2024-03-03	9	5
2025-03-03	1	5
\.
SELECT refreshed('parts_seg');
TRUNCATE parts_2024;
SELECT refreshed('parts_seg');
TRUNCATE parts_2025;
SELECT refreshed('parts_seg');
TRUNCATE parts;
SELECT refreshed('parts_seg');

-- children by inheritance, also below each other
CREATE TABLE base (customer_id int, ordered_at timestamptz, amount int);
CREATE TABLE child (extra text) INHERITS (base);
CREATE TABLE grandchild () INHERITS (child);
INSERT INTO base VALUES (1, '2024-01-01', 1);
INSERT INTO child VALUES (2, '2024-01-01', 1);
INSERT INTO grandchild VALUES (3, '2024-01-01', 1);
SELECT create_segment_table('base_seg', 'base', breaks => 'frozen');
INSERT INTO child VALUES (4, '2024-01-01', 1);
INSERT INTO grandchild VALUES (5, '2024-01-01', 1);
SELECT refreshed('base_seg');
UPDATE base SET amount = 2 WHERE customer_id = 3;
SELECT refreshed('base_seg');
TRUNCATE ONLY base;
SELECT refreshed('base_seg');
TRUNCATE grandchild;
SELECT refreshed('base_seg');

-- two segment tables on one source, and one on a partition of another's: each has its own log
SELECT create_segment_table('seg2', 'orders', "only" => '{"order_id": [1, 2, 3]}');
SELECT create_segment_table('leaf_seg', 'parts_2024', breaks => 'frozen');
INSERT INTO orders VALUES (150, 'c2', '2024-01-01', 1);
INSERT INTO parts VALUES ('2024-05-05', 2, 1), ('2023-05-05', 2, 1);
SELECT refreshed('seg'), refreshed('seg2'), refreshed('parts_seg'), refreshed('leaf_seg');
SELECT drop_segment_table('seg2'), drop_segment_table('leaf_seg');
INSERT INTO orders VALUES (151, 'c3', '2024-01-01', 1);
INSERT INTO parts_2024 VALUES (1, 3, '2024-05-05');
SELECT refreshed('seg'), refreshed('parts_seg');
SELECT create_segment_table('leaf_seg', 'parts_2024', breaks => 'frozen');
SELECT drop_segment_table('parts_seg');
SELECT refreshed('leaf_seg');
-- the leaf first, then its parent
SELECT create_segment_table('parts_seg', 'parts', breaks => 'frozen');
INSERT INTO parts VALUES ('2024-05-05', 4, 1);
SELECT refreshed('parts_seg'), refreshed('leaf_seg');
-- a segment table of a segment table
SELECT create_segment_table('seg_seg', 'seg', ordered_at => 'last_order_at', amount => 'revenue', breaks => 'frozen');
INSERT INTO orders VALUES (170, 'c4', '2024-01-01', 1), (171, 'seg of seg', '2024-01-01', 1);
SELECT refreshed('seg'), refreshed('seg_seg');
UPDATE orders SET amount = 2 WHERE order_id = 170;
SELECT refreshed('seg');
SELECT refreshed('seg_seg');
DELETE FROM seg WHERE customer_id = 'c4';
SELECT refreshed('seg_seg'), refreshed('seg');
SELECT refreshed('seg_seg'), refreshed('seg');
SELECT drop_segment_table('seg_seg');
INSERT INTO orders VALUES (172, 'c5', '2024-01-01', 1);
SELECT refreshed('seg');
-- triggers of users on a segment table: one that refreshes, one that writes to the source, one that writes to the table itself
CREATE FUNCTION on_segment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_ARGV[0] = 'refresh' AND pg_trigger_depth() < 3 THEN PERFORM customer_scoring.refresh_segment_table('public.seg');
	ELSIF TG_ARGV[0] = 'source' THEN INSERT INTO public.orders SELECT max(order_id) + 1, 'c1', '2024-01-01', 1 FROM public.orders;
	ELSIF TG_ARGV[0] = 'itself' AND pg_trigger_depth() = 1 THEN UPDATE public.seg SET revenue = 0 WHERE customer_id = 'c2';
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER mine AFTER UPDATE ON seg FOR EACH STATEMENT EXECUTE FUNCTION on_segment('refresh');
UPDATE orders SET amount = 3 WHERE customer_id = 'c3';
SELECT refreshed('seg');
CREATE OR REPLACE TRIGGER mine AFTER UPDATE ON seg FOR EACH STATEMENT EXECUTE FUNCTION on_segment('source');
UPDATE orders SET amount = 4 WHERE customer_id = 'c3';
SELECT mode FROM refresh_segment_table('seg');
SELECT count(*) FILTER (WHERE problem <> 'pending') AS wrong FROM verify_segment_table('seg');
CREATE OR REPLACE TRIGGER mine AFTER UPDATE ON seg FOR EACH STATEMENT EXECUTE FUNCTION on_segment('itself');
UPDATE orders SET amount = 5 WHERE customer_id = 'c3';
SELECT mode FROM refresh_segment_table('seg');
SELECT customer, column_name, problem FROM verify_segment_table('seg') WHERE column_name = 'revenue';
DROP TRIGGER mine ON seg;
SELECT refreshed('seg');
-- nothing stays behind
SELECT drop_segment_table('leaf_seg'), drop_segment_table('parts_seg'), drop_segment_table('base_seg'), drop_segment_table('seg');
SELECT count(*) FROM pg_trigger WHERE tgfoid = 'capture_changes'::regproc AND tgrelid NOT IN (SELECT oid FROM pg_class WHERE relnamespace = 'customer_scoring'::regnamespace);
SELECT count(*) FROM pg_class WHERE relname ~ '^change_log_[0-9]';
SELECT count(*) FROM customer_scoring_internal.segment_capture;

-- DROP TABLE of a segment table: writers go on, and the next call cleans up
SELECT create_segment_table('seg', 'orders');
SELECT create_segment_table('seg2', 'parts');
DROP TABLE seg CASCADE;
INSERT INTO orders VALUES (160, 'c2', '2024-01-01', 1);
UPDATE orders SET amount = 2 WHERE order_id = 160;
TRUNCATE orders;
SELECT drop_segment_table('seg2');
SELECT count(*) FROM pg_trigger WHERE tgfoid = 'capture_changes'::regproc AND tgrelid NOT IN (SELECT oid FROM pg_class WHERE relnamespace = 'customer_scoring'::regnamespace);
SELECT count(*) FROM pg_class WHERE relname ~ '^change_log_[0-9]';

-- the trigger function where nobody follows, called by hand, and in other places than its own
SELECT capture_changes();
CREATE TRIGGER mine BEFORE INSERT OR UPDATE OR DELETE ON orders FOR EACH ROW EXECUTE FUNCTION capture_changes();
CREATE TRIGGER mine2 AFTER INSERT OR TRUNCATE ON orders FOR EACH STATEMENT EXECUTE FUNCTION capture_changes();
INSERT INTO orders VALUES (1, 'a', '2024-01-01', 1), (2, 'b', '2024-01-01', 1);
UPDATE orders SET amount = 5 WHERE order_id = 1;
DELETE FROM orders WHERE order_id = 2;
SELECT order_id, amount FROM orders;
CREATE VIEW orders_view AS SELECT * FROM orders;
CREATE TRIGGER instead INSTEAD OF INSERT ON orders_view FOR EACH ROW EXECUTE FUNCTION capture_changes();
INSERT INTO orders_view VALUES (3, 'c', '2024-01-01', 1);
TRUNCATE orders;
INSERT INTO orders VALUES (1, 'a', '2024-01-01', 1), (2, 'b', '2024-01-01', 1);
-- a trigger that somebody made before, on a table that is followed then
DROP TRIGGER mine2 ON orders;
SELECT create_segment_table('seg', 'orders', breaks => 'frozen');
INSERT INTO orders VALUES (4, 'd', '2024-01-01', 1);
UPDATE orders SET amount = 6 WHERE order_id = 1;
SELECT refreshed('seg');
SELECT tgname, tgenabled, tgtype FROM pg_trigger WHERE tgrelid = 'orders'::regclass AND tgfoid = 'capture_changes'::regproc ORDER BY 1;
SELECT drop_segment_table('seg');

DROP VIEW orders_view;
DROP TABLE orders, customers, parts, base CASCADE;
DROP FUNCTION refreshed, other_customer, one_more, refresh_now, on_segment;
DROP ROLE segment_writer;
