-- purchase_summary: exact, mergeable, and strict about what it takes in.
SET search_path = public, customer_scoring;
SET timezone = 'UTC';

-- an order is above zero, a refund below, zero counts as neither
SELECT purchase_summary(t::timestamptz, a) FROM (VALUES
	('2024-01-05 10:00+00', 20.00), ('2024-02-01 10:00+00', 30.5), ('2024-03-01 10:00+00', -10.25),
	('2024-04-01 10:00+00', 0)) v(t, a);
SELECT first_order_at(s), previous_order_at(s), last_order_at(s), orders(s), refunds(s), revenue(s),
       average_order_value(s), recency_days(s, '2024-02-11', 'UTC'), tenure_days(s, '2024-02-11', 'UTC')
FROM (SELECT purchase_summary(t::timestamptz, a) s FROM (VALUES
	('2024-01-05 10:00+00', 20.00), ('2024-02-01 10:00+00', 30.5), ('2024-03-01 10:00+00', -10.25)) v(t, a)) x;

-- no rows and rows with NULL give NULL; refunds only give no order
SELECT purchase_summary(t, a) IS NULL AS none FROM (SELECT now(), 1 WHERE false) v(t, a);
SELECT purchase_summary(t, a) IS NULL AS only_nulls FROM (VALUES (NULL::timestamptz, 1), (now(), NULL)) v(t, a);
SELECT orders(s), refunds(s), revenue(s), first_order_at(s), last_order_at(s), average_order_value(s), recency_days(s, now())
FROM (SELECT purchase_summary('2024-01-01'::timestamptz, -5::numeric(10,2)) s) x;

-- previous is the last but one, equal to the last in a tie
SELECT previous_order_at(purchase_summary(t::timestamptz, 1)) FROM (VALUES ('2024-01-03'), ('2024-01-01'), ('2024-01-02')) v(t);
SELECT previous_order_at(purchase_summary(t::timestamptz, 1)) FROM (VALUES ('2024-01-03'), ('2024-01-01'), ('2024-01-03')) v(t);

-- days are calendar days of the zone
SELECT recency_days(s, '2024-11-21 00:10+00', 'UTC'), recency_days(s, '2024-11-21 00:10+00', 'Asia/Jakarta')
FROM (SELECT purchase_summary('2024-11-20 23:30+00'::timestamptz, 1) s) x;

-- as_of before an order, infinite moments, an unknown zone
SELECT recency_days(purchase_summary('2024-11-20'::timestamptz, 1), '2024-11-19');
SELECT recency_days(purchase_summary('2024-11-20'::timestamptz, 1), 'infinity');
SELECT recency_days(purchase_summary('2024-11-20'::timestamptz, 1), '2024-11-21', 'Mars/Olympus');
SELECT purchase_summary('infinity'::timestamptz, 1);
SELECT purchase_summary('-infinity'::timestamptz, 1);

-- amounts: what cannot be exact is refused
SELECT purchase_summary(now(), 'NaN'::numeric);
SELECT purchase_summary(now(), 'Infinity'::numeric);
SELECT purchase_summary(now(), 'NaN'::float8);
SELECT purchase_summary(now(), '-Infinity'::real);
SELECT purchase_summary(now(), 0.1234567890123::numeric);
SELECT purchase_summary(now(), 1e20::numeric);
SELECT purchase_summary(now(), -1e300::float8);
SELECT revenue(purchase_summary(now(), a)) FROM (VALUES (99999999999999999999.999999999999), (-99999999999999999999.999999999998)) v(a);
SELECT revenue(purchase_summary(now(), a)) FROM (VALUES (99999999999999999999.0), (1.0)) v(a);
-- ... when the total is read out, so that the order of rows does not matter
SELECT revenue(purchase_summary(now(), a)) FROM (VALUES (99999999999999999999.0), (1.0), (-2.0)) v(a);

-- floats are taken as the decimal they show
SELECT revenue(purchase_summary(now(), a)) FROM (VALUES (0.1::float8), (0.2), (1e15)) v(a);
SELECT revenue(purchase_summary(now(), a)) FROM (VALUES (0.1::real), (16777216::real)) v(a);

-- revenue equals sum(amount) and shows the largest scale, also for wide scales and extreme values
SELECT revenue(purchase_summary(now(), a)), sum(a) FROM (VALUES (1.5), (2.250), (-0.75)) v(a);
SELECT revenue(purchase_summary(now(), a)), sum(a) FROM (VALUES (1.50000000000000000000), (2.25)) v(a);
SELECT revenue(purchase_summary(now(), a)), sum(a) FROM (VALUES (9223372036854775807), (9223372036854775807)) v(a);

-- random amounts against sum(): every integer width, scale and sign
SELECT count(*) AS groups, bool_and(revenue(s) = total AND scale(revenue(s)) = shown) AS equal
FROM (SELECT purchase_summary(now(), a) s, sum(a) total, max(scale(a)) shown
      FROM (SELECT i % 200 g,
                   round(((random() - 0.4) * 10 ^ (random() * 18 - 2)::int)::numeric, (random() * 12)::int) a
            FROM generate_series(1, 20000) i) r
      GROUP BY g) x;

-- the overloads: every type of amount gives the same exact answer
SELECT revenue(purchase_summary(now(), 7::smallint)), revenue(purchase_summary(now(), 7)), revenue(purchase_summary(now(), 7::bigint)),
       revenue(purchase_summary(now(), 7::numeric)), revenue(purchase_summary(now(), 7::real)), revenue(purchase_summary(now(), 7::float8));

-- text and binary round trips, out-of-range totals included
CREATE TEMP TABLE kept AS
SELECT g, purchase_summary(t, a) s FROM (
	SELECT i % 300 g, '2020-01-01'::timestamptz + i * interval '1 minute' t,
	       (CASE WHEN i % 300 = 7 THEN 9e19 ELSE 1 END * round((random() - 0.3)::numeric, i % 13)) a
	FROM generate_series(1, 3000) i) x GROUP BY g;
INSERT INTO kept SELECT 1000, '{"v":1,"orders":9,"refunds":0,"revenue":12.5,"scale":2,"carry":3,"first":"0044-03-15T00:00:00+00:00 BC","previous":"12024-01-01T00:00:00+00:00","last":"12024-01-01T00:00:00.000001+00:00"}';
SELECT s FROM kept WHERE g = 1000;
SELECT revenue(s) FROM kept WHERE g = 1000;
SELECT count(*) FROM kept WHERE s::text::purchase_summary::text IS DISTINCT FROM s::text;
\getenv abs_builddir PG_ABS_BUILDDIR
\set file :abs_builddir '/results/purchase_summary.bin'
COPY kept TO :'file' (FORMAT binary);
CREATE TEMP TABLE back (g int, s purchase_summary);
COPY back FROM :'file' (FORMAT binary);
SELECT count(*), count(*) FILTER (WHERE k.s::text IS DISTINCT FROM b.s::text) AS different FROM kept k FULL JOIN back b USING (g);

-- merging: any split gives the whole, in any order, through text
CREATE TEMP TABLE purchases AS
SELECT i, i % 50 AS customer, '2020-01-01'::timestamptz + random() * interval '1000 days' AS t,
       round(((random() - 0.2) * 1000)::numeric, (random() * 4)::int) AS a
FROM generate_series(1, 5000) i;
SELECT count(*) AS customers, bool_and(whole = merged) AS equal FROM
	(SELECT customer, purchase_summary(t, a)::text whole FROM purchases GROUP BY customer) w
	JOIN (SELECT customer, rollup(part::text::purchase_summary ORDER BY random())::text merged
	      FROM (SELECT customer, purchase_summary(t, a) part FROM purchases GROUP BY customer, (random() * 5)::int) p
	      GROUP BY customer) m USING (customer);
SELECT rollup(s)::text = (SELECT purchase_summary(t, a)::text FROM purchases) AS whole_table
FROM (SELECT purchase_summary(t, a) s FROM purchases GROUP BY customer) x;
SELECT rollup(s) IS NULL AS none FROM (SELECT NULL::purchase_summary s) x;

-- a running window shows the state again and again without changing it
SELECT bool_and(running = fresh) FROM (
	SELECT (purchase_summary(t, a) OVER (ORDER BY i))::text running,
	       (SELECT purchase_summary(q.t, q.a) FROM purchases q WHERE q.i <= p.i)::text fresh
	FROM purchases p WHERE i <= 200) x;

-- bad input
SELECT '{"v":2,"orders":0,"refunds":0,"revenue":0}'::purchase_summary;
SELECT '{"v":1,"orders":0,"refunds":0}'::purchase_summary;
SELECT '{"v":1,"orders":0,"refunds":0,"revenue":0,"extra":1}'::purchase_summary;
SELECT '{"v":1,"orders":0,"refunds":0,"revenue":"0"}'::purchase_summary;
SELECT '{"v":1,"orders":0,"refunds":0,"revenue":NaN}'::purchase_summary;
SELECT '{"v":1,"orders":-1,"refunds":0,"revenue":0}'::purchase_summary;
SELECT '{"v":1,"orders":1.5,"refunds":0,"revenue":0}'::purchase_summary;
SELECT '{"v":1,"orders":99999999999999999999,"refunds":0,"revenue":0}'::purchase_summary;
SELECT '{"v":1,"orders":1,"refunds":0,"revenue":1}'::purchase_summary;
SELECT '{"v":1,"orders":1,"refunds":0,"revenue":1,"first":"infinity","last":"infinity"}'::purchase_summary;
SELECT '{"v":1,"orders":1,"refunds":0,"revenue":1,"first":"2024-01-02T00:00:00+00:00","last":"2024-01-01T00:00:00+00:00"}'::purchase_summary;
SELECT '{"v":1,"orders":1,"refunds":0,"revenue":-1,"first":"2024-01-01T00:00:00+00:00","last":"2024-01-01T00:00:00+00:00"}'::purchase_summary;
SELECT '{"v":1,"orders":0,"refunds":0,"revenue":1e60}'::purchase_summary;
SELECT '[1]'::purchase_summary;
SELECT ''::purchase_summary;

-- counts do not wrap
SELECT rollup(s::purchase_summary) FROM (VALUES
	('{"v":1,"orders":9223372036854775807,"refunds":0,"revenue":1,"first":"2024-01-01T00:00:00+00:00","previous":"2024-01-01T00:00:00+00:00","last":"2024-01-01T00:00:00+00:00"}'),
	('{"v":1,"orders":1,"refunds":0,"revenue":1,"first":"2024-01-01T00:00:00+00:00","last":"2024-01-01T00:00:00+00:00"}')) v(s);

-- support functions are no functions for queries
SELECT customer_scoring_internal.purchase_accum(NULL, now(), 1);
SELECT customer_scoring_internal.purchase_combine(s, s) FROM kept LIMIT 1;

-- binary input from outside: a valid value, then every byte of it changed, cut
-- short and prolonged. Whatever is accepted reads and writes like any other value.
CREATE FUNCTION pg_temp.receive(bytes bytea, file text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	got purchase_summary;
BEGIN
	EXECUTE format('COPY (SELECT %L::bytea) TO %L (FORMAT binary)', bytes, file);
	CREATE TEMP TABLE received (s purchase_summary) ON COMMIT DROP;
	BEGIN
		EXECUTE format('COPY received FROM %L (FORMAT binary)', file);
	EXCEPTION WHEN others THEN
		DROP TABLE received;
		RETURN SQLSTATE;
	END;
	SELECT s INTO got FROM received;
	DROP TABLE received;
	RETURN CASE WHEN got::text::purchase_summary::text = got::text THEN 'accepted' ELSE 'accepted, but does not read back' END;
END $$;
\set file :abs_builddir '/results/purchase_summary_bad.bin'
CREATE TEMP TABLE good AS
SELECT customer_scoring_internal.purchase_summary_send(purchase_summary(t::timestamptz, a)) AS bytes
FROM (VALUES ('2024-01-05', 20.00), ('2024-02-01', 30.5), ('2024-03-01', -10.25), ('2024-04-01', 1)) v(t, a);
SELECT pg_temp.receive(bytes, :'file') AS whole, pg_temp.receive('', :'file') AS empty, pg_temp.receive(substr(bytes, 1, 63), :'file') AS short,
       pg_temp.receive(bytes || '\x00', :'file') AS long, pg_temp.receive(set_byte(bytes, 1, 2), :'file') AS version_2,
       pg_temp.receive(set_byte(bytes, 56, 255), :'file') AS negative_orders
FROM good;
SELECT outcome, count(*) > 0 AS some
FROM (SELECT pg_temp.receive(set_byte(bytes, i, get_byte(bytes, i) # x), :'file') AS outcome
      FROM good, generate_series(0, 63) i, unnest(ARRAY[1, 128, 255]) x) m
GROUP BY outcome ORDER BY outcome;
