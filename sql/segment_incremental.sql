-- An incremental refresh gives what plain SQL gives, whatever changed, as time passes, and whatever type customers have.
SET search_path = public, customer_scoring;
SET timezone = 'UTC';
SET jit = off;

-- Plain SQL: what segment tables on orders (c, t, a, status) hold, and how many rows differ. Frozen breaks are kept by the test itself.
CREATE TABLE orders (id int GENERATED ALWAYS AS IDENTITY, c int, t timestamptz, a numeric(10,2), status text);
CREATE TABLE frozen (segment_table regclass PRIMARY KEY, r interval[], f bigint[], m numeric[]);
CREATE FUNCTION facts(as_of timestamptz, zone text, lookback interval, paid boolean)
RETURNS TABLE (c int, first timestamptz, previous timestamptz, last timestamptz, orders bigint, refunds bigint, revenue numeric) LANGUAGE sql AS $$
	SELECT c, min(t) FILTER (WHERE a > 0), (array_agg(t ORDER BY t DESC) FILTER (WHERE a > 0))[2], max(t) FILTER (WHERE a > 0),
	       count(*) FILTER (WHERE a > 0), count(*) FILTER (WHERE a < 0), sum(a)
	FROM orders
	WHERE c IS NOT NULL AND a IS NOT NULL AND t <= as_of AND (NOT paid OR status = 'paid')
	  AND (lookback IS NULL OR t > (as_of AT TIME ZONE zone - lookback) AT TIME ZONE zone) GROUP BY c
$$;
CREATE FUNCTION breaks(as_of timestamptz, zone text, lookback interval, paid boolean) RETURNS TABLE (r interval[], f bigint[], m numeric[]) LANGUAGE sql AS $$
	SELECT percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY as_of - last DESC), percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY orders),
	       percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY revenue)
	FROM facts(as_of, zone, lookback, paid) WHERE orders > 0
$$;
CREATE FUNCTION differences(segment_table regclass, as_of timestamptz, zone text, lookback interval, paid boolean) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	EXECUTE format($q$
		WITH b AS MATERIALIZED (SELECT r, f, m FROM frozen WHERE segment_table = $1
			UNION ALL SELECT r, f, m FROM breaks($2, $3, $4, $5) WHERE NOT EXISTS (SELECT FROM frozen WHERE segment_table = $1)),
		o AS (SELECT x.*, CASE WHEN orders > 0 THEN 1 + (SELECT count(*) FROM unnest(b.r) v WHERE v > $2 - x.last) END AS r,
		             CASE WHEN orders > 0 THEN 1 + (SELECT count(*) FROM unnest(b.f) v WHERE v < x.orders) END AS f,
		             CASE WHEN orders > 0 THEN 1 + (SELECT count(*) FROM unnest(b.m) v WHERE v < x.revenue) END AS m
		      FROM facts($2, $3, $4, $5) x, b)
		SELECT count(*) FROM o FULL JOIN %s s ON s.customer_id = o.c
		WHERE (s.customer_id, s.first_order_at, s.previous_order_at, s.last_order_at, s.orders, s.refunds, s.revenue, s.r, s.f, s.m, s.segment)
			IS DISTINCT FROM (o.c, o.first, o.previous, o.last, o.orders, o.refunds, o.revenue, o.r::smallint, o.f::smallint, o.m::smallint,
				coalesce(rfm_segment(o.r::int, o.f::int, o.m::int), 'prospect'))$q$, segment_table)
	INTO n USING segment_table, as_of, zone, lookback, paid;
	RETURN n;
END $$;

-- the segment tables: every option that changes what time does
CREATE TABLE kind (segment_table regclass, zone text, lookback interval, paid boolean, breaks text);
CREATE PROCEDURE make_all(first_as_of timestamptz) LANGUAGE plpgsql AS $$
DECLARE
	k record;
	s regclass;
BEGIN
	DELETE FROM kind;
	DELETE FROM frozen;
	FOR k IN SELECT 's' || row_number() OVER () AS name, v.* FROM (VALUES
			('UTC', NULL::interval, false, 'each_refresh'), ('Asia/Jakarta', NULL, true, 'frozen'),
			('America/New_York', '30 days', false, 'frozen'), ('Europe/Berlin', '1 month', true, 'each_refresh'),
			('Australia/Lord_Howe', '1 month 3 days', false, 'frozen'), ('America/New_York', '100 hours', false, 'frozen')) v (zone, lookback, paid, breaks) LOOP
		s := create_segment_table(k.name, 'orders', 'c', 't', 'a', CASE WHEN k.paid THEN '{"status": ["paid"]}'::jsonb END, k.lookback,
			time_zone => k.zone, breaks => k.breaks, with_data => false);
		PERFORM refresh_segment_table(s, first_as_of);
		INSERT INTO kind VALUES (s, k.zone, k.lookback, k.paid, k.breaks);
		IF k.breaks = 'frozen' THEN INSERT INTO frozen SELECT s, b.* FROM breaks(first_as_of, k.zone, k.lookback, k.paid) b; END IF;
	END LOOP;
END $$;
CREATE TABLE seen (segment_table regclass, as_of timestamptz, mode text, reason text, wrong bigint, unlike bigint, miscounted boolean);
CREATE PROCEDURE refresh_all(at timestamptz) LANGUAGE plpgsql AS $$
DECLARE
	k record;
	done record;
	counted bigint;
BEGIN
	FOR k IN SELECT * FROM kind LOOP
		SELECT * INTO done FROM refresh_segment_table(k.segment_table, at);
		EXECUTE format('SELECT count(*) FROM %s', k.segment_table) INTO counted;
		INSERT INTO seen SELECT k.segment_table, at, r.mode, r.reason, (SELECT count(*) FROM verify_segment_table(k.segment_table)),
			differences(k.segment_table, at, k.zone, k.lookback, k.paid), counted <> done.customers
		FROM customer_scoring_internal.segment_run r WHERE r.run_id = done.run_id;
	END LOOP;
END $$;
CREATE VIEW outcome AS SELECT k.zone, k.lookback, k.breaks, s.mode, s.reason, count(*) > 0 AS some, count(*) FILTER (WHERE wrong > 0) AS wrong,
	count(*) FILTER (WHERE unlike > 0) AS unlike, count(*) FILTER (WHERE miscounted) AS miscounted
	FROM seen s JOIN kind k USING (segment_table) GROUP BY 1, 2, 3, 4, 5;

-- random changes, also to the future and the past
INSERT INTO orders (c, t, a, status) SELECT (random() * random() * 300)::int, '2023-10-01'::timestamptz + random() * interval '250 days',
	round((random() * 100 - 10)::numeric, 2), (ARRAY['paid', 'open'])[1 + (random() * 1.4)::int % 2] FROM generate_series(1, 3000);
CALL make_all('2024-02-01');
DO $$
BEGIN
	FOR i IN 1..25 LOOP
		DELETE FROM orders WHERE random() < 0.005;
		UPDATE orders SET a = a + 1 WHERE random() < 0.004;
		UPDATE orders SET c = (random() * 320)::int WHERE random() < 0.003;
		UPDATE orders SET t = t + (random() - 0.5) * interval '60 days' WHERE random() < 0.003;
		UPDATE orders SET status = CASE status WHEN 'paid' THEN 'open' ELSE 'paid' END WHERE random() < 0.002;
		UPDATE orders SET a = NULL WHERE random() < 0.0003;
		INSERT INTO orders (c, t, a, status) SELECT (random() * 400)::int, '2024-02-01'::timestamptz + random() * interval '60 days', 5, 'paid' FROM generate_series(1, 5);
		CALL refresh_all('2024-02-01'::timestamptz + i * interval '7 hours 13 minutes');
		COMMIT;
	END LOOP;
END $$;
SELECT * FROM outcome WHERE mode = 'incremental' ORDER BY 1, 2, 3;
SELECT DISTINCT mode, reason FROM seen WHERE mode <> 'incremental' ORDER BY 2;
SELECT drop_segment_table(segment_table) FROM kind;

-- time alone: a year of days without a write, across changes of clocks and ends of months
TRUNCATE orders, seen;
INSERT INTO orders (c, t, a, status) SELECT i % 60, '2022-12-01'::timestamptz + i * interval '41 hours 17 minutes', 1 + i % 7, (ARRAY['paid', 'open'])[1 + i % 2] FROM generate_series(1, 300) i;
-- an order in each hour around the ends of February and March, of customers who have no other
INSERT INTO orders (c, t, a, status) SELECT 1000 + i, '2023-01-27'::timestamptz + i * interval '6 hours', 1, 'paid' FROM generate_series(1, 160) i;
CALL make_all('2023-02-01 09:00');
DO $$
BEGIN
	FOR i IN 1..365 LOOP
		CALL refresh_all('2023-02-01 09:00'::timestamptz + i * interval '1 day');
		COMMIT;
	END LOOP;
END $$;
SELECT zone, lookback, breaks, mode, reason, count(*), sum(wrong) AS wrong, sum(unlike) AS unlike, bool_or(miscounted) AS miscounted
FROM seen JOIN kind USING (segment_table) GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5;
-- all of it by time: what changed was due
SELECT sum(recomputed) > 1000 AS many, sum(recomputed) < sum(r.customers) / 3 AS not_all FROM customer_scoring_internal.segment_run r JOIN kind USING (segment_table) WHERE mode = 'incremental';
SELECT drop_segment_table(segment_table) FROM kind;
-- the same, hours apart, where months end: a lookback of a month may begin earlier than the day before
TRUNCATE seen;
CALL make_all('2023-03-20 00:30');
DO $$
BEGIN
	FOR i IN 1..40 LOOP
		CALL refresh_all('2023-03-20 00:30'::timestamptz + i * interval '11 hours');
		COMMIT;
	END LOOP;
END $$;
SELECT zone, lookback, breaks, mode, reason, count(*), sum(wrong) AS wrong, sum(unlike) AS unlike, bool_or(miscounted) AS miscounted
FROM seen JOIN kind USING (segment_table) GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5;

-- segment_due_at is never later than when a row leaves the lookback, and mostly exact
WITH lookbacks (l) AS (VALUES ('1 day'::interval), ('1 month'), ('1 month 3 days'), ('2 months 29 days'), ('1 year 1 month 30 days'), ('40 hours'), ('1 month 5 hours'), ('13 days 17 hours')),
rows AS (SELECT '2011-12-20'::timestamptz + i * interval '29 hours 10 minutes' AS oldest FROM generate_series(1, 450) i),
due AS (SELECT l, oldest, segment_due_at(oldest, NULL, oldest, l, 'UTC', NULL, NULL) AS due FROM lookbacks, rows)
SELECT count(*), count(*) FILTER (WHERE EXISTS (SELECT FROM generate_series(1, 96) h WHERE due - h * interval '1 hour' > oldest AND due - h * interval '1 hour' - l >= oldest)) AS too_late,
       count(*) FILTER (WHERE due - l >= oldest) > count(*) * 0.9 AS exact FROM due;
SELECT drop_segment_table(segment_table) FROM kind;

-- customers of every type, also where one customer is written in two ways
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy', 'new', 'moved', 'far');
CREATE DOMAIN code AS varchar(8) CHECK (VALUE <> '');
CREATE TYPE pair AS (a numeric, b text);
CREATE DOMAIN "Pair! of ""us""" AS pair;
SELECT EXISTS (SELECT FROM pg_collation WHERE collprovider = 'i') AS icu \gset
\if :icu
CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
\else
CREATE COLLATION loose FROM "C";
\endif
CREATE TABLE customer_type (type text, forms text[]);
-- kept, moved away, deleted, written in another way below, new, moved to, the fourth in another form
INSERT INTO customer_type VALUES
	('smallint', '{1,2,3,4,5,6,4}'), ('int', '{1,2,3,-4,5,6,-4}'), ('bigint', '{1,2,3,9223372036854775807,5,6,9223372036854775807}'), ('oid', '{1,2,3,4000000000,5,6,4000000000}'),
	('text', '{a,b,c,"",e,"f''\"\\","" }'), ('varchar(5)', '{a,b,c,d,e,f,d}'), ('char(5)', '{a,b,c,d,e,f,"d   "}'), ('"char"', '{a,b,c,d,e,f,d}'), ('name', '{a,b,c,d,e,f,d}'), ('bpchar', '{a,b,c,d,e,f,"d  "}'),
	('uuid', '{00000000-0000-0000-0000-000000000001,00000000-0000-0000-0000-000000000002,00000000-0000-0000-0000-000000000003,00000000-0000-0000-0000-00000000000a,00000000-0000-0000-0000-000000000005,00000000-0000-0000-0000-000000000006,00000000-0000-0000-0000-00000000000A}'),
	('numeric', '{1,2,NaN,1.0,5,6,1.000}'), ('numeric', '{1.5,Infinity,-Infinity,4,5,NaN,4.00}'), ('float4', '{1,2,3,0,5,6,-0}'), ('float8', '{0.1,NaN,Infinity,0,5,1e300,-0}'),
	('boolean', '{t,t,t,f,t,t,f}'), ('bytea', '{"\\x00","\\x01","\\x02","\\x0a0b","\\x","\\xff","\\x0A0B"}'),
	('date', '{2024-01-01,infinity,-infinity,2024-01-04,2024-01-05,0044-03-15 BC,2024-01-04}'), ('timestamp', '{2024-01-01,infinity,2024-01-03,2024-01-04 00:00:00.000001,2024-01-05,2024-01-06,2024-01-04 00:00:00.000001}'),
	('timestamptz', '{2024-01-01,2024-01-02,2024-01-03,2024-01-04 12:00+00,2024-01-05,2024-01-06,2024-01-04 19:00+07}'), ('timetz', '{10:00+00,11:00+00,12:00+00,13:00+00,14:00+00,15:00+00,13:00+00}'),
	('interval', '{1 day,2 days,3 days,1 month,5 days,6 days,30 days}'), ('jsonb', '{"1","\"2\"","[3]","{\"a\": 1.0}","null","{}","{\"a\": 1.00}"}'), ('inet', '{10.0.0.1,::1,10.0.0.3/8,10.0.0.4,10.0.0.5,10.0.0.6,10.0.0.4/32}'),
	('macaddr', '{08:00:2b:01:02:01,08:00:2b:01:02:02,08:00:2b:01:02:03,08:00:2b:01:02:0a,08:00:2b:01:02:05,08:00:2b:01:02:06,08-00-2b-01-02-0A}'),
	('mood', '{sad,ok,happy,new,moved,far,new}'), ('code', '{a,b,c,d,e,f,d}'), ('pair', '{"(1,a)","(2,)","(,b)","(1.0,x)","(5,\"\")","(NaN,\"q\"\"\")","(1.00,x)"}'), ('"Pair! of ""us"""', '{"(1,a)","(2,)","(,b)","(1.0,x)","(5,)","(6,f)","(1.00,x)"}'),
	('int[]', '{"{1}","{1,2}","{}","{4,NULL}","{{1,2},{3,4}}","[5:6]={1,2}","{4,NULL}"}'), ('text[]', '{"{a}","{NULL}","{\"\"}","{\"d,\\\"\"}","{e}","{f}","{\"d,\\\"\"}"}'), ('float8[]', '{"{0.1}","{0.30000000000000004}","{0.3}","{0}","{1e-300}","{NaN}","{-0}"}'),
	('timestamptz[]', '{"{2024-01-01}","{2024-07-01 12:00:00.123456+00}","{2024-01-03}","{2024-01-04 12:00+00}","{2024-01-05}","{infinity}","{2024-01-04 19:00+07}"}'), ('pair[]', '{"{\"(1,a)\"}","{\"(2,)\"}","{}","{\"(1.0,x)\"}","{\"(5,e)\"}","{NULL}","{\"(1.00,x)\"}"}'),
	('int4range', '{"[1,2)","[2,5)",empty,"[4,8)","(,5)","[6,)","[4,7]"}'), ('datemultirange', '{"{[2024-01-01,2024-01-02)}","{}","{[2024-01-03,2024-01-04)}","{[2024-01-04,2024-01-08)}","{(,)}","{[2025-01-01,)}","{[2024-01-04,2024-01-07]}"}'),
	('text COLLATE loose', '{a,b,c,Dee,e,f,dEE}'), ('varchar COLLATE "C"', '{a,B,C,d,E,f,d}'), ('pg_lsn', '{0/1,0/2,0/3,0/A,0/5,0/6,0/a}'), ('xid8', '{1,2,3,4,5,6,4}');
CREATE FUNCTION of_type(type text, forms text[], breaks text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	done record;
	why text;
	wrong bigint;
	unlike bigint;
BEGIN
	EXECUTE format('CREATE TABLE typed (customer_id %s, ordered_at timestamptz, amount int)', type);
	FOR i IN 1..4 LOOP EXECUTE 'INSERT INTO typed SELECT $1[$2]::text::' || split_part(type, ' COLLATE', 1) || ', ''2024-01-01''::timestamptz + j * interval ''1 day'', $2 FROM generate_series(1, $2) j' USING forms, i; END LOOP;
	PERFORM create_segment_table('typed_seg', 'typed', breaks => breaks);
	EXECUTE 'INSERT INTO typed SELECT v::text::' || split_part(type, ' COLLATE', 1) || ', ''2024-05-05''::timestamptz, 5 FROM unnest($1) v' USING forms[5:5] || forms[7:7];
	EXECUTE 'UPDATE typed SET customer_id = $1::text::' || split_part(type, ' COLLATE', 1) || ' WHERE amount = 2' USING forms[6];
	DELETE FROM typed WHERE amount = 3;
	DELETE FROM typed WHERE ctid IN (SELECT ctid FROM typed WHERE amount = 4 LIMIT 3);
	SELECT * INTO done FROM refresh_segment_table('typed_seg');
	SELECT reason INTO why FROM customer_scoring_internal.segment_run r WHERE r.run_id = done.run_id;
	SELECT count(*) INTO wrong FROM verify_segment_table('typed_seg');
	SELECT count(*) INTO unlike FROM (SELECT customer_id AS c, count(*) AS orders, sum(amount) AS revenue FROM typed GROUP BY 1) o
	FULL JOIN typed_seg s ON s.customer_id = o.c WHERE (s.orders, s.revenue) IS DISTINCT FROM (o.orders, o.revenue);
	-- once more, all of them in one other transaction's words, and hand edits of the segment table
	UPDATE typed SET amount = amount + 1;
	DELETE FROM typed_seg WHERE orders = 1;
	UPDATE typed_seg SET revenue = -1;
	PERFORM refresh_segment_table('typed_seg');
	SELECT wrong + count(*) INTO wrong FROM verify_segment_table('typed_seg');
	DELETE FROM typed;
	PERFORM refresh_segment_table('typed_seg');
	SELECT unlike + count(*) INTO unlike FROM typed_seg;
	SELECT wrong + count(*) INTO wrong FROM customer_scoring_internal.segment_run r WHERE r.run_id > done.run_id AND mode <> 'incremental';
	PERFORM drop_segment_table('typed_seg');
	DROP TABLE typed;
	RETURN done.mode || coalesce(' (' || why || ')', '') || CASE WHEN wrong > 0 THEN ' WRONG' ELSE '' END || CASE WHEN unlike > 0 THEN ' UNLIKE' ELSE '' END;
END $$;
SET extra_float_digits = 0;
SET datestyle = 'SQL, DMY';
SELECT type, of_type(type, forms, 'each_refresh'), of_type(type, forms, 'frozen') FROM customer_type;
RESET extra_float_digits;
RESET datestyle;
-- keys that are stored out of line, and by the thousand
CREATE TABLE long (customer_id text, ordered_at timestamptz, amount int);
ALTER TABLE long ALTER customer_id SET STORAGE EXTERNAL;
INSERT INTO long SELECT repeat(md5(i::text), 200) , '2024-01-01', i FROM generate_series(1, 20) i;
CREATE TABLE short AS SELECT i AS customer_id, '2024-01-01'::timestamptz AS ordered_at, i AS amount FROM generate_series(1, 30000) i;
SELECT create_segment_table('long_seg', 'long'), create_segment_table('short_seg', 'short', breaks => 'frozen');
UPDATE long SET amount = 5 WHERE amount % 2 = 0;
DELETE FROM long WHERE amount = 3;
UPDATE short SET amount = amount + 1 WHERE customer_id <= 10000;
SELECT mode, inserted, updated, deleted FROM refresh_segment_table('long_seg');
SELECT mode, inserted, updated, deleted FROM refresh_segment_table('short_seg');
SELECT (SELECT count(*) FROM verify_segment_table('long_seg')) + (SELECT count(*) FROM verify_segment_table('short_seg')) AS wrong;
SELECT drop_segment_table('long_seg'), drop_segment_table('short_seg');

-- customers who are to come: rows that wait in the log, until they are due, changed, or gone
CREATE TABLE later (customer_id text, ordered_at timestamptz, amount int);
INSERT INTO later VALUES ('now', '2024-01-01', 1), ('tomorrow', '2024-02-02', 1), ('both', '2024-01-01', 1), ('both', '2024-02-03', 1), ('never', 'infinity', 1), ('cancelled', '2024-02-02', 1);
SELECT create_segment_table('later_seg', 'later', with_data => false, breaks => 'frozen');
CREATE FUNCTION at(as_of timestamptz) RETURNS text LANGUAGE sql AS $$
	SELECT format('%s, skipped %s, wrong %s', r.mode, r.skipped, (SELECT count(*) FROM verify_segment_table('later_seg'))) FROM refresh_segment_table('later_seg', as_of) r
$$;
SELECT at('2024-02-01');
SELECT string_agg(customer_id || ' ' || orders, ', ' ORDER BY customer_id) FROM later_seg;
DELETE FROM later WHERE customer_id = 'cancelled';
INSERT INTO later VALUES ('new', '2024-02-02', 1), ('moved', '2024-02-02', 1);
SELECT at('2024-02-01 12:00');
UPDATE later SET ordered_at = '2024-02-10' WHERE customer_id = 'moved';
SELECT at('2024-02-01 23:59:59.999999');
SELECT string_agg(customer_id || ' ' || orders, ', ' ORDER BY customer_id) FROM later_seg;
SELECT at('2024-02-02');
SELECT string_agg(customer_id || ' ' || orders, ', ' ORDER BY customer_id) FROM later_seg;
SELECT at('2024-02-03');
SELECT string_agg(customer_id || ' ' || orders, ', ' ORDER BY customer_id) FROM later_seg;
SELECT at('2024-02-11');
SELECT string_agg(customer_id || ' ' || orders, ', ' ORDER BY customer_id) FROM later_seg;
SELECT drop_segment_table('later_seg');

-- against frozen breaks a customer who stays away sinks on the day, and nobody else is looked at
CREATE TABLE away AS SELECT i AS customer_id, '2024-01-01'::timestamptz + i * interval '1 day' AS ordered_at, i AS amount FROM generate_series(1, 100) i;
SELECT create_segment_table('away_seg', 'away', with_data => false, breaks => 'frozen');
SELECT mode FROM refresh_segment_table('away_seg', '2024-04-20');
SELECT r, count(*), min(due_at), max(due_at) FROM away_seg GROUP BY r ORDER BY r;
SELECT mode, updated FROM refresh_segment_table('away_seg', '2024-04-20 23:59:59.999999');
SELECT mode, updated FROM refresh_segment_table('away_seg', '2024-04-21');
SELECT recomputed FROM customer_scoring_internal.segment_run WHERE segment_table = 'away_seg'::regclass ORDER BY run_id DESC LIMIT 2;
SELECT r, count(*) FROM away_seg GROUP BY r ORDER BY r;
SELECT mode, updated FROM refresh_segment_table('away_seg', '2030-01-01');
SELECT r, count(*), max(due_at) FROM away_seg GROUP BY r ORDER BY r;
SELECT count(*) FROM verify_segment_table('away_seg');
SELECT drop_segment_table('away_seg');

DROP TABLE orders, frozen, kind, seen, customer_type, long, short, later, away CASCADE;
DROP FUNCTION facts, breaks, differences, of_type, at;
DROP PROCEDURE make_all, refresh_all;
DROP TYPE mood, pair CASCADE;
DROP DOMAIN code;
DROP COLLATION loose;
