-- rfm() OVER (...): exact breaks, ties never split, whatever the order, the unit and the frame.
SET search_path = public, customer_scoring;
SET timezone = 'UTC';

-- the rule in plain SQL: a score is one more than the number of breaks below
CREATE FUNCTION expected_score(v anyelement, breaks anyarray) RETURNS int LANGUAGE sql IMMUTABLE
	AS 'SELECT 1 + count(*)::int FROM unnest(breaks) b WHERE b < v';
-- a population with heavy ties: g partitions, NULLs among the figures
CREATE TABLE customers AS
SELECT i AS id, i % 40 AS g,
       CASE WHEN random() < 0.05 THEN NULL ELSE '2024-01-01'::timestamptz + (random() * 40)::int * interval '1 day' END AS last,
       CASE WHEN random() < 0.05 THEN NULL ELSE 1 + (random() ^ 4 * 20)::bigint END AS orders,
       CASE WHEN random() < 0.05 THEN NULL ELSE round((exp(random() * 12) - 10)::numeric / 10, (random() * 3)::int) END AS revenue
FROM generate_series(1, 4000) i;

CREATE VIEW oracle AS
WITH breaks AS (
	SELECT g, percentile_disc(p) WITHIN GROUP (ORDER BY last) AS rb, percentile_disc(p) WITHIN GROUP (ORDER BY orders) AS fb,
	       percentile_disc(p) WITHIN GROUP (ORDER BY revenue) AS mb
	FROM customers, (VALUES (ARRAY[0.2, 0.4, 0.6, 0.8])) v(p)
	WHERE last IS NOT NULL AND orders IS NOT NULL AND revenue IS NOT NULL
	GROUP BY g, p)
SELECT id, g, CASE WHEN last IS NOT NULL AND orders IS NOT NULL AND revenue IS NOT NULL
	THEN ROW(expected_score(last, rb), expected_score(orders, fb), expected_score(revenue, mb), 5)::rfm_score END AS score
FROM customers JOIN breaks USING (g);

SELECT count(*) AS customers, count(*) FILTER (WHERE s.score IS NULL) > 0 AS some_null,
       count(*) FILTER (WHERE s.score IS DISTINCT FROM o.score) AS different
FROM (SELECT id, rfm(last, orders, revenue) OVER (PARTITION BY g) AS score FROM customers) s JOIN oracle o USING (id);
-- ... with the same rule from the other side: 1 + bins (rank - 1) / N, for other bins, over all rows
CREATE FUNCTION count_different(bins int) RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FILTER (WHERE score IS DISTINCT FROM ROW(rs, fs, ms, bins)::rfm_score) FROM (
		SELECT rfm(last, orders, revenue, bins) OVER () AS score,
		       1 + bins * (rank() OVER (ORDER BY last) - 1) / count(*) OVER () AS rs,
		       1 + bins * (rank() OVER (ORDER BY orders) - 1) / count(*) OVER () AS fs,
		       1 + bins * (rank() OVER (ORDER BY revenue) - 1) / count(*) OVER () AS ms
		FROM customers WHERE last IS NOT NULL AND orders IS NOT NULL AND revenue IS NOT NULL) x $$;
SELECT bins, count_different(bins) AS different FROM (VALUES (2), (3), (5), (7), (10), (99), (100)) b(bins);

-- few customers, and how many of each score
SELECT n, array_agg((s).r ORDER BY i) AS scores
FROM (VALUES (1), (2), (3), (4), (5), (6), (10)) v(n), LATERAL (
	SELECT i, rfm('2024-01-01'::timestamptz + i * interval '1 day', i, i::numeric) OVER () AS s FROM generate_series(1, n) i) x
GROUP BY n ORDER BY n;
-- 620, 200 and 180 of 1000 customers tied
SELECT (s).f AS f, (s).m AS m, count(*) FROM (
	SELECT rfm('2024-01-01', v, v * 9.99) OVER () AS s
	FROM (SELECT CASE WHEN i <= 620 THEN 1 WHEN i <= 820 THEN 2 ELSE 3 END AS v FROM generate_series(1, 1000) i) x) y
GROUP BY 1, 2 ORDER BY 1;
-- all equal: nobody is above anybody
SELECT DISTINCT rfm('2024-01-01', 3, 10.00) OVER () FROM generate_series(1, 50);
SELECT rfm('2024-01-01', 1, 1.0) OVER () FROM generate_series(1, 10) WHERE false;

-- higher is better: the latest order, most orders, most revenue
SELECT customer, rfm(last, orders, revenue) OVER () AS score FROM (VALUES
	('best', '2024-12-01'::timestamptz, 50, 5000.0), ('worst', '2020-01-01', 1, 5.0), ('late', '2024-11-30', 2, 10.0),
	('often', '2022-01-01', 40, 100.0), ('rich', '2023-01-01', 3, 4000.0)) v(customer, last, orders, revenue)
ORDER BY customer;

-- the order of rows, an ORDER BY and a frame make no difference; neither does the unit of money
SELECT count(*) FILTER (WHERE a IS DISTINCT FROM b) AS by_order, count(*) FILTER (WHERE a IS DISTINCT FROM c) AS by_frame,
       count(*) FILTER (WHERE a IS DISTINCT FROM d) AS by_unit, count(*) FILTER (WHERE a IS DISTINCT FROM e) AS by_big_unit,
       count(*) FILTER (WHERE a IS DISTINCT FROM f) AS as_float, count(*) FILTER (WHERE a IS DISTINCT FROM h) AS as_whole
FROM (
	SELECT rfm(last, orders, revenue) OVER (PARTITION BY g) AS a,
	       rfm(last, orders, revenue) OVER (PARTITION BY g ORDER BY random()) AS b,
	       rfm(last, orders, revenue) OVER (PARTITION BY g ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS c,
	       rfm(last, orders, revenue / 1000) OVER (PARTITION BY g) AS d,
	       rfm(last, orders, revenue * 1e13) OVER (PARTITION BY g) AS e,
	       rfm(last, orders, revenue::float8) OVER (PARTITION BY g) AS f,
	       rfm(last, orders, (revenue * 1000)::bigint) OVER (PARTITION BY g) AS h
	FROM (SELECT * FROM customers ORDER BY random()) r) x;

-- summaries give what their figures give; a customer without orders is no part of the population
CREATE TABLE purchases AS
SELECT (random() * 300)::int AS id, '2024-01-01'::timestamptz + (random() * 100)::int * interval '1 day' AS t,
       round(((random() - 0.2) * 100)::numeric, 2) AS amount FROM generate_series(1, 2000);
INSERT INTO purchases SELECT i, '2024-05-01', -5 FROM generate_series(1001, 1050) i;
SELECT count(*) FILTER (WHERE (a IS NULL) <> (orders = 0)) AS wrong_null, count(*) FILTER (WHERE a IS DISTINCT FROM b) AS different,
       count(*) FILTER (WHERE a IS NULL) >= 50 AS refunds_only
FROM (SELECT orders(s), rfm(s) OVER () AS a, rfm(last_order_at(s), orders(s), revenue(s)) OVER () AS b
      FROM (SELECT purchase_summary(t, amount) AS s FROM purchases GROUP BY id) x) y;
SELECT rfm(s) OVER () FROM (VALUES (NULL::purchase_summary)) v(s);
SELECT rfm(purchase_summary(t, a)) OVER () FROM (VALUES (now(), -1)) v(t, a);

-- NULL figures: no part of the population, no score
SELECT last, orders, revenue, rfm(last, orders, revenue) OVER () FROM (VALUES
	('2024-01-01'::timestamptz, 1::bigint, 1.0), (NULL, 9, 9.0), ('2024-01-02', NULL, 9.0), ('2024-01-03', 9, NULL), ('2024-01-04', 2, 2.0))
	v(last, orders, revenue) ORDER BY last;
SELECT rfm(NULL::timestamptz, NULL::bigint, NULL::numeric) OVER ();

-- revenue of every size keeps its order to the last decimal
SELECT i, (rfm('2024-01-01', 1, v, 10) OVER ()).m FROM (VALUES
	(1, -99999999999999999999.999999999999), (2, -99999999999999999999.999999999998), (3, -0.000000000001), (4, 0), (5, 0.000000000001),
	(6, 0.1), (7, 9223372036854775807), (8, 9223372036854775808), (9, 99999999999999999999.999999999998),
	(10, 99999999999999999999.999999999999)) w(i, v) ORDER BY i;
SELECT count(*) FILTER (WHERE (s).m <> 1 + bins * (k - 1) / n) AS different, count(*) AS customers FROM (
	SELECT bins, rfm('2024-01-01', 1, v, 7) OVER () AS s, rank() OVER (ORDER BY v) AS k, count(*) OVER () AS n
	FROM (SELECT 7 AS bins, round(((random() - 0.5) * 10 ^ (random() * 32 - 12)::int)::numeric, 12) AS v FROM generate_series(1, 3000)) x) y;
-- few upper halves of 128 bits, many lower ones
SELECT count(*) FILTER (WHERE (s).m <> 1 + 100 * (k - 1) / n) AS different FROM (
	SELECT rfm('2024-01-01', 1, v, 100) OVER () AS s, rank() OVER (ORDER BY v) AS k, count(*) OVER () AS n
	FROM (SELECT 1e19 * (random() * 2)::int + round((random() * 1000)::numeric, 12) AS v FROM generate_series(1, 3000)) x) y;
-- the decimals may grow on the way
SELECT count(*) FILTER (WHERE (s).m <> 1 + 5 * (k - 1) / n) AS different FROM (
	SELECT rfm('2024-01-01', 1, v) OVER () AS s, rank() OVER (ORDER BY v) AS k, count(*) OVER () AS n
	FROM (SELECT round((random() * 1e7)::numeric, i / 200) AS v FROM generate_series(1, 2400) i) x) y;

-- floats order as floats, minus zero is zero, the smallest and the largest are apart
SELECT i, v, (rfm('2024-01-01', 1, v, 8) OVER ()).m FROM (VALUES
	(1, '-1.7976931348623157e308'::float8), (2, -1), (3, '-5e-324'), (4, '-0'), (5, '0'), (6, '5e-324'), (7, 1), (8, '1.7976931348623157e308'))
	w(i, v) ORDER BY i;
SELECT count(*) FILTER (WHERE (s).m <> 1 + 5 * (k - 1) / n) AS different FROM (
	SELECT rfm('2024-01-01', 1, v) OVER () AS s, rank() OVER (ORDER BY v) AS k, count(*) OVER () AS n
	FROM (SELECT (random() - 0.5) * 10 ^ (random() * 600 - 300)::int AS v FROM generate_series(1, 3000)) x) y;

-- what cannot be ordered or was not meant is refused
SELECT rfm(now(), 1, 'NaN'::float8) OVER ();
SELECT rfm(now(), 1, '-Infinity'::float8) OVER ();
SELECT rfm(now(), 1, 'NaN'::numeric) OVER ();
SELECT rfm(now(), 1, 'Infinity'::numeric) OVER ();
SELECT rfm(now(), 1, 0.0000000000001) OVER ();
SELECT rfm(now(), 1, 1e20) OVER ();
SELECT rfm('infinity', 1, 1.0) OVER ();
SELECT rfm('-infinity', 1, 1.0) OVER ();
SELECT rfm(now(), -1, 1.0) OVER ();
SELECT rfm('infinity', NULL, 1.0) OVER ();
SELECT rfm(now(), 1, 1.0, 1) OVER ();
SELECT rfm(now(), 1, 1.0, 101) OVER ();
SELECT rfm(now(), 1, 1.0, NULL) OVER ();
SELECT rfm(now(), 1, 1.0, i) OVER () FROM generate_series(5, 6) i;
SELECT i, rfm('2024-01-01', 1, 1.0, i) OVER (PARTITION BY i) FROM generate_series(5, 6) i;
SELECT rfm(now(), 1, 1.0);

-- which function a call means: exact types stay exact, unknown literals and real are double precision
SELECT pg_typeof(v) AS type, d AS distinct_scores FROM (
	SELECT max(v) AS v, count(DISTINCT m) AS d FROM (SELECT v, (rfm(now(), 1, v) OVER ()).m FROM (VALUES (1::smallint), (2::smallint)) w(v)) x) y;
SELECT count(DISTINCT m) AS integers FROM (SELECT (rfm(now(), 1, v) OVER ()).m FROM (VALUES (2147483646), (2147483647)) w(v)) x;
SELECT count(DISTINCT m) AS bigints FROM (SELECT (rfm(now(), 1, v) OVER ()).m FROM (VALUES (9223372036854775806), (9223372036854775807)) w(v)) x;
SELECT count(DISTINCT m) AS numerics FROM (SELECT (rfm(now(), 1, v) OVER ()).m FROM (VALUES (9007199254740993.1), (9007199254740993.2)) w(v)) x;
SELECT count(DISTINCT m) AS reals FROM (SELECT (rfm(now(), 1, v) OVER ()).m FROM (VALUES (0.1::real), (0.2::real)) w(v)) x;
SELECT rfm('2024-01-01', '1', '2') OVER () AS unknown_literals;
SELECT rfm('2024-01-01'::date, 1::smallint, 2) OVER () AS date, rfm('2024-01-01'::timestamp, 1, 2) OVER () AS timestamp;
SELECT rfm(NULL, NULL, NULL) OVER () AS nulls;
SELECT rfm(NULL) OVER () AS one_null;
SELECT rfm(now(), 1.5, 1.0) OVER ();
SELECT rfm(now(), 1, 1::money) OVER ();

-- beside other window functions, in subqueries, and spilled to disk
SET work_mem = '64kB';
SELECT count_different(5) AS different;
SELECT count(*) FILTER (WHERE a IS DISTINCT FROM b) AS different FROM (
	SELECT rfm(last, orders, revenue) OVER w AS a, row_number() OVER w AS n, rfm(last, orders, revenue) OVER (PARTITION BY g ORDER BY last DESC) AS b
	FROM customers WINDOW w AS (PARTITION BY g ORDER BY id)) x;
SELECT count(*) FILTER (WHERE s IS NOT NULL) = count(*) FILTER (WHERE last + revenue * interval '1 second' + orders * interval '1 second' IS NOT NULL) AS all_scored
FROM (SELECT *, rfm(last, orders, revenue) OVER () AS s FROM customers) x;
RESET work_mem;

DROP VIEW oracle;
DROP FUNCTION count_different, expected_score;
DROP TABLE customers, purchases;
