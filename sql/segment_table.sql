-- A segment table from orders: one row a customer, exact after every refresh.
SET search_path = public, customer_scoring;
SET timezone = 'UTC';

CREATE TABLE orders (order_id int PRIMARY KEY, customer_id text, ordered_at timestamptz, amount numeric(12,2));
INSERT INTO orders VALUES
	(1, 'ann', '2024-01-05 10:00+00', 120.50), (2, 'ann', '2024-03-01 10:00+00', 80.00), (3, 'ann', '2024-05-20 23:30+00', 99.99),
	(4, 'bob', '2024-02-01 08:00+00', 15.00), (5, 'bob', '2024-02-03 08:00+00', -15.00),
	(6, 'cid', '2023-11-11 11:11+00', 500.00),
	(7, 'dee', '2024-04-30 12:00+00', 20.00), (8, 'dee', '2024-05-01 12:00+00', 20.00), (9, 'dee', '2024-05-02 12:00+00', 20.01),
	(10, 'eve', '2024-05-05 05:05+00', -7.25),
	(11, 'fay', '2024-05-06 06:06+00', 0);

-- made and filled by one call
SELECT create_segment_table('segments', 'orders', time_zone => 'Asia/Jakarta');
SELECT mode, customers, inserted, updated, deleted, skipped FROM refresh_segment_table('segments', '2024-05-31 20:00+00');
SELECT customer_id, first_order_at, previous_order_at, last_order_at, orders, refunds, revenue, average_order_value AS aov
FROM segments ORDER BY customer_id;
SELECT customer_id, r, f, m, rfm_cell, segment, segment_rank FROM segments ORDER BY customer_id;
SELECT customer_id, segment, as_of, recency_days, tenure_days FROM segments_current ORDER BY customer_id;
SELECT * FROM segments_overview ORDER BY segment_rank DESC;
SELECT * FROM verify_segment_table('segments');

-- types and comments, for people and their tools
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, col_description(c.oid, a.attnum)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.relname IN ('segments', 'segments_current', 'segments_overview') AND c.relkind IN ('r', 'v') ORDER BY c.relname, a.attnum;
SELECT relname, reloptions, obj_description(oid, 'pg_class') FROM pg_class WHERE relname ~ '^segments' ORDER BY relname;
-- the definition is found by the table's name: an oid would not survive dump and restore
SELECT relname, pg_get_viewdef(oid) LIKE '%''segments''::regclass%' AS by_name FROM pg_class WHERE relname ~ '^segments_' AND relkind = 'v' ORDER BY 1;

-- what a refresh says, and who else was touched
CREATE FUNCTION refresh(segment_table regclass, as_of timestamptz DEFAULT '2024-06-01 00:00+00')
RETURNS TABLE (customers bigint, inserted bigint, updated bigint, deleted bigint, skipped bigint, same_rows bigint, wrong bigint)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TEMP TABLE before AS SELECT ctid AS address, xmin AS by, * FROM %s', segment_table);
	SELECT r.customers, r.inserted, r.updated, r.deleted, r.skipped INTO customers, inserted, updated, deleted, skipped
	FROM refresh_segment_table(segment_table, as_of) r;
	EXECUTE format('SELECT count(*) FROM %s s JOIN before b ON s.customer_id = b.customer_id AND s.ctid = b.address AND s.xmin = b.by
		AND s.computed_at = b.computed_at AND s.run_id = b.run_id', segment_table) INTO same_rows;
	SELECT count(*) INTO wrong FROM verify_segment_table(segment_table);
	DROP TABLE before;
	RETURN NEXT;
END $$;

-- nothing changed, nothing written; as_of moves all the same
SELECT * FROM refresh('segments');
SELECT DISTINCT as_of FROM segments_current;
-- another amount, no score moves: one row
UPDATE orders SET amount = 20.02 WHERE order_id = 9;
SELECT * FROM refresh('segments');
-- a new customer, from no row to one; the scores of others may follow
INSERT INTO orders VALUES (12, 'gus', '2024-05-30 10:00+00', 1000);
SELECT * FROM refresh('segments');
-- an order moves to another customer, who is new; the one who had no other order vanishes
UPDATE orders SET customer_id = 'hal' WHERE order_id = 6;
SELECT * FROM refresh('segments');
SELECT count(*) FROM segments WHERE customer_id = 'cid';
-- a refund lowers revenue and nothing else
INSERT INTO orders VALUES (13, 'ann', '2024-05-30 10:00+00', -300.48);
SELECT * FROM refresh('segments');
SELECT orders, refunds, revenue, average_order_value, last_order_at FROM segments WHERE customer_id = 'ann';
-- rows go, customers go
DELETE FROM orders WHERE customer_id IN ('ann', 'bob');
SELECT * FROM refresh('segments');
-- an order in the future waits until it is due
INSERT INTO orders VALUES (14, 'ivy', '2024-07-01 00:00+00', 10), (15, 'ivy', 'infinity', 10), (16, 'gus', '2024-06-01 00:00:00.000001+00', 1);
SELECT * FROM refresh('segments');
SELECT * FROM refresh('segments', '2024-06-01 00:00:00.000001+00');
SELECT * FROM refresh('segments', '2024-07-01 00:00+00');
-- back in time is as good
SELECT * FROM refresh('segments', '2024-05-06 06:06+00');
SELECT * FROM refresh('segments', '2020-01-01');
SELECT * FROM refresh('segments');
-- rows without customer, time or amount, and what is not a number, are counted by kind
ALTER TABLE orders ALTER amount TYPE numeric;
SELECT alter_segment_table('segments', money_scale => 2);
INSERT INTO orders VALUES (20, NULL, NULL, NULL), (21, NULL, '2024-01-01', 'NaN'), (22, 'jan', NULL, 1), (23, 'jan', '2024-01-01', NULL),
	(24, 'jan', '2024-01-01', 'NaN'), (25, 'jan', '2024-01-01', 'Infinity'), (26, 'jan', '2024-01-01', '-Infinity'), (27, 'jan', '-infinity', 1);
SELECT * FROM refresh('segments');
SELECT cause, mode, reason, customers, inserted, updated, deleted, skipped_no_customer AS no_customer, skipped_no_time AS no_time,
       skipped_no_amount AS no_amount, skipped_not_finite AS not_finite, skipped_future AS future, error_code
FROM customer_scoring_internal.segment_run WHERE segment_table = 'segments'::regclass ORDER BY run_id DESC LIMIT 1;
-- no rows at all
TRUNCATE orders;
SELECT * FROM refresh('segments');
SELECT count(*) FROM segments_overview;
INSERT INTO orders VALUES (1, 'ann', '2024-01-05 10:00+00', 120.50), (2, 'bob', '2024-01-06 10:00+00', 20), (3, 'cid', '2024-01-07 10:00+00', -1);
SELECT * FROM refresh('segments');

-- verify sees every kind of corruption, and a refresh cures it, also when it escaped capture
ALTER TABLE segments DISABLE TRIGGER customer_scoring_capture;
UPDATE segments SET revenue = revenue + 0.01 WHERE customer_id = 'ann';
UPDATE segments SET last_order_at = NULL, segment = 'champion' WHERE customer_id = 'bob';
DELETE FROM segments WHERE customer_id = 'cid';
INSERT INTO segments (customer_id, orders, refunds, revenue, segment, segment_rank, computed_at, run_id) VALUES ('nobody', 1, 0, 1, 'x', 1, now(), 0);
SELECT * FROM verify_segment_table('segments') ORDER BY 1, 2;
SELECT * FROM refresh('segments', '2024-06-01 00:00:01+00');
SELECT reason FROM customer_scoring_internal.segment_run WHERE segment_table = 'segments'::regclass ORDER BY run_id DESC LIMIT 1;
DO $$
DECLARE
	c name;
	found bigint;
BEGIN
	FOR c IN SELECT attname FROM pg_attribute WHERE attrelid = 'segments'::regclass AND attnum > 1 AND attname NOT IN ('computed_at', 'run_id') LOOP
		EXECUTE format(CASE WHEN c ~ '_at$' THEN 'UPDATE segments SET %1$I = coalesce(%1$I, now()) + interval ''1 microsecond'' WHERE customer_id = ''ann'''
			WHEN c IN ('segment', 'rfm_cell') THEN 'UPDATE segments SET %1$I = ''x'' WHERE customer_id = ''ann'''
			ELSE 'UPDATE segments SET %1$I = 17 WHERE customer_id = ''ann''' END, c);
		SELECT count(*) INTO found FROM verify_segment_table('segments') v WHERE v.customer = 'ann' AND v.column_name = c AND v.problem = 'pending';
		IF found <> 1 THEN RAISE WARNING 'verify does not see a wrong %', c; END IF;
		PERFORM refresh_segment_table('segments');
		SELECT count(*) INTO found FROM verify_segment_table('segments');
		IF found <> 0 THEN RAISE WARNING 'refresh does not cure a wrong %', c; END IF;
	END LOOP;
END $$;

-- computed_at and run_id lead to the run that wrote the row
SELECT bool_and(s.computed_at BETWEEN r.started_at AND r.finished_at) AS in_run
FROM segments s JOIN customer_scoring_internal.segment_run r ON r.run_id = s.run_id AND r.segment_table = 'segments'::regclass;

-- without as_of it is about now, read after the rows: an order of this moment counts
INSERT INTO orders VALUES (4, 'new', clock_timestamp(), 5);
SELECT skipped FROM refresh_segment_table('segments');
SELECT s.last_order_at <= d.as_of AND d.as_of <= clock_timestamp() AS counted
FROM segments s, segment_table_definition d WHERE s.customer_id = 'new' AND d.segment_table = 'segments'::regclass;

-- a thousand customers against plain SQL, column by column
CREATE TABLE many (c int, t timestamptz, a numeric(10,3));
INSERT INTO many SELECT (random() * random() * 1000)::int, '2023-01-01'::timestamptz + random() * interval '500 days',
	round(((random() - 0.15) * 10 ^ (random() * 5)::int)::numeric, 3) FROM generate_series(1, 20000);
INSERT INTO many SELECT -i, '2024-01-01', -i FROM generate_series(1, 10) i;
SELECT create_segment_table('many_segments', 'many', 'c', 't', 'a');
SELECT updated > 0 AS scores_moved, deleted >= 0 AS ok FROM refresh_segment_table('many_segments', '2024-04-01');
CREATE FUNCTION oracle_differences(as_of timestamptz) RETURNS TABLE (missing bigint, wrong bigint) LANGUAGE sql AS $$
	WITH facts AS (
		SELECT c, min(t) FILTER (WHERE a > 0) AS first, max(t) FILTER (WHERE a > 0) AS last,
		       (array_agg(t ORDER BY t DESC) FILTER (WHERE a > 0))[2] AS previous,
		       count(*) FILTER (WHERE a > 0) AS orders, count(*) FILTER (WHERE a < 0) AS refunds, sum(a) AS revenue
		FROM many WHERE t <= as_of GROUP BY c),
	breaks AS (
		SELECT percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY last) AS r,
		       percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY orders) AS f,
		       percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY revenue) AS m
		FROM facts WHERE orders > 0),
	scored AS (
		SELECT x.*, CASE WHEN orders > 0 THEN 1 + (SELECT count(*) FROM unnest(b.r) v WHERE v < x.last) END AS r,
		       CASE WHEN orders > 0 THEN 1 + (SELECT count(*) FROM unnest(b.f) v WHERE v < x.orders) END AS f,
		       CASE WHEN orders > 0 THEN 1 + (SELECT count(*) FROM unnest(b.m) v WHERE v < x.revenue) END AS m
		FROM facts x, breaks b)
	SELECT count(*) FILTER (WHERE o.c IS NULL OR s.customer_id IS NULL),
	       count(*) FILTER (WHERE (s.first_order_at, s.previous_order_at, s.last_order_at, s.orders, s.refunds, s.revenue, s.average_order_value,
	                               s.r, s.f, s.m, s.rfm_cell, s.segment, s.segment_rank = 0)
	                        IS DISTINCT FROM (o.first, o.previous, o.last, o.orders, o.refunds, o.revenue, round(o.revenue / nullif(o.orders, 0), 5),
	                               o.r::smallint, o.f::smallint, o.m::smallint, o.r::text || o.f || o.m,
	                               coalesce(rfm_segment(o.r::int, o.f::int, o.m::int), 'prospect'), o.orders = 0))
	FROM scored o FULL JOIN many_segments s ON s.customer_id = o.c
$$;
SELECT * FROM oracle_differences('2024-04-01');
SELECT bool_and(customers > 0) AS counted, sum(customers) = (SELECT count(*) FROM many_segments) AS all_of_them,
       sum(revenue) = (SELECT sum(a) FROM many WHERE t <= '2024-04-01') AS exact, abs(sum(customer_share) - 1) < 0.001 AS shares
FROM many_segments_overview;
SELECT bool_and(recency_days = '2024-04-01'::date - (last_order_at AT TIME ZONE 'UTC')::date
                AND tenure_days = '2024-04-01'::date - (first_order_at AT TIME ZONE 'UTC')::date) AS days FROM many_segments_current WHERE orders > 0;
-- random changes, refreshed many times
DO $$
DECLARE
	n bigint;
	as_of timestamptz;
BEGIN
	FOR i IN 1..10 LOOP
		DELETE FROM many WHERE random() < 0.02;
		UPDATE many SET a = a + 1 WHERE random() < 0.01;
		UPDATE many SET c = (random() * 1000)::int WHERE random() < 0.01;
		UPDATE many SET t = t + interval '1 day' WHERE random() < 0.01;
		INSERT INTO many SELECT (random() * 1000)::int, '2024-03-01'::timestamptz + random() * interval '60 days', 5 FROM generate_series(1, 100);
		as_of := '2024-03-15'::timestamptz + i * interval '1 day';
		PERFORM refresh_segment_table('many_segments', as_of);
		SELECT missing + wrong INTO n FROM oracle_differences(as_of);
		IF n <> 0 THEN RAISE WARNING 'round %: % rows differ from plain SQL', i, n; END IF;
		SELECT count(*) INTO n FROM verify_segment_table('many_segments');
		IF n <> 0 THEN RAISE WARNING 'round %: verify finds % values', i, n; END IF;
	END LOOP;
END $$;
-- totals at the edge: twenty digits, and averages exact to the last
CREATE TABLE large (c int, t timestamptz, a numeric(24,2));
INSERT INTO large VALUES (1, '2024-01-01', 99999999999999999998.98), (1, '2024-01-02', 0.50), (1, '2024-01-03', 0.50), (2, '2024-01-01', -99999999999999999999.99);
SELECT create_segment_table('large_segments', 'large', 'c', 't', 'a');
SELECT customer_id, revenue, average_order_value FROM large_segments ORDER BY 1;
SELECT segment, revenue, average_order_value, average_revenue, revenue_share FROM large_segments_overview ORDER BY segment_rank;
SELECT count(*) FROM verify_segment_table('large_segments');
INSERT INTO large VALUES (1, '2024-01-04', 1);
SELECT refresh_segment_table('large_segments');
SELECT count(*) FROM verify_segment_table('large_segments');

-- never analysed, three hundred thousand rows: seconds, not minutes
CREATE TABLE big (customer_id int, ordered_at timestamptz, amount int) WITH (autovacuum_enabled = off);
SELECT create_segment_table('big_segments', 'big');
ALTER TABLE big_segments SET (autovacuum_enabled = off);
INSERT INTO big SELECT i % 100000, '2024-01-01'::timestamptz + i * interval '1 second', i % 1000 FROM generate_series(1, 300000) i;
SELECT inserted, duration < '60 seconds' AS fast FROM refresh_segment_table('big_segments', '2024-06-01');
UPDATE big SET amount = amount + 1 WHERE customer_id < 50000;
SELECT deleted, updated > 40000 AS many, duration < '60 seconds' AS fast FROM refresh_segment_table('big_segments', '2024-06-01');
SELECT count(*) FROM verify_segment_table('big_segments');

DROP FUNCTION refresh(regclass, timestamptz), oracle_differences(timestamptz);
SELECT drop_segment_table(s) FROM unnest('{segments,many_segments,large_segments,big_segments}'::regclass[]) s;
DROP TABLE orders, many, large, big;
