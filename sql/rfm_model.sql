-- rfm_fit and rfm(model, ...): frozen breaks equal the window function at their own moment, whatever the plan.
SET search_path = public, customer_scoring;
SET timezone = 'UTC';
SET intervalstyle = 'postgres';

-- a model is made for reading; ages are exact
SELECT rfm_fit('2024-01-01'::timestamptz + i * interval '1 day 00:00:00.000001', i, i * 1.50, '2024-02-01') FROM generate_series(1, 20) i;
SELECT rfm_fit('2024-01-01'::timestamptz + i * interval '1 day', i, sqrt(i::float8) - 2, '2024-02-01', 3) FROM generate_series(1, 20) i;
SELECT rfm_fit(s, '2024-02-01', 2) FROM (
	SELECT purchase_summary('2024-01-01'::timestamptz + i * interval '90 minutes', i::numeric(10,2)) AS s FROM generate_series(1, 20) i GROUP BY i) x;
SELECT rfm_fit('2024-02-01', 1, -0.5, '2024-02-01') AS one_customer;

-- random customers with heavy ties, NULLs, refunds, in partitions
CREATE TABLE customers (id int, g int, last timestamptz, orders bigint, revenue numeric) PARTITION BY HASH (g);
CREATE TABLE customers_0 PARTITION OF customers FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE customers_1 PARTITION OF customers FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE customers_2 PARTITION OF customers FOR VALUES WITH (MODULUS 3, REMAINDER 2);
INSERT INTO customers
SELECT i, i % 20,
       CASE WHEN random() < 0.05 THEN NULL ELSE '2024-01-01'::timestamptz + (random() * 40)::int * interval '1 day 01:02:03.456' END,
       CASE WHEN random() < 0.05 THEN NULL ELSE 1 + (random() ^ 4 * 20)::bigint END,
       CASE WHEN random() < 0.05 THEN NULL ELSE round((exp(random() * 12) - 10)::numeric / 10, (random() * 3)::int) END
FROM generate_series(1, 8000) i;
ANALYZE customers;

-- at its own moment a model scores as the window function does, for every kind of revenue
SELECT count(*) AS customers, count(*) FILTER (WHERE rfm(m, last, orders, revenue, '2024-06-01') IS DISTINCT FROM s) AS different
FROM (SELECT last, orders, revenue, rfm(last, orders, revenue) OVER () AS s FROM customers) w,
     (SELECT rfm_fit(last, orders, revenue, '2024-06-01') AS m FROM customers) f;
SELECT count(*) AS customers, count(*) FILTER (WHERE rfm(m, last, orders, revenue, '2024-06-01') IS DISTINCT FROM s) AS different
FROM (SELECT g, last, orders, revenue, rfm(last, orders, revenue, 10) OVER (PARTITION BY g) AS s FROM customers) w
     JOIN (SELECT g, rfm_fit(last, orders, revenue, '2024-06-01', 10) AS m FROM customers GROUP BY g) f USING (g);
SELECT count(*) FILTER (WHERE rfm(m, last, orders, revenue::float8, '2024-06-01') IS DISTINCT FROM s) AS float8
FROM (SELECT last, orders, revenue, rfm(last, orders, revenue::float8, 100) OVER () AS s FROM customers) w,
     (SELECT rfm_fit(last, orders, revenue::float8, '2024-06-01', 100) AS m FROM customers) f;
SELECT count(*) FILTER (WHERE rfm(m, last, orders, revenue * 1e13, '2024-06-01') IS DISTINCT FROM s) AS wide
FROM (SELECT last, orders, revenue, rfm(last, orders, revenue * 1e13, 7) OVER () AS s FROM customers) w,
     (SELECT rfm_fit(last, orders, revenue * 1e13, '2024-06-01', 7) AS m FROM customers) f;
SELECT count(*) FILTER (WHERE rfm(m, s, '2024-06-01') IS DISTINCT FROM score) AS summaries,
       count(*) FILTER (WHERE orders(s) = 0 AND rfm(m, s, '2024-06-01') IS NULL) > 0 AS without_orders
FROM (SELECT s, rfm(s) OVER () AS score FROM (
		SELECT purchase_summary(last, revenue) AS s FROM customers WHERE last IS NOT NULL AND revenue IS NOT NULL GROUP BY id % 1000
		UNION ALL SELECT purchase_summary(now(), -1)) x) w,
     (SELECT rfm_fit(s, '2024-06-01') AS m FROM (
		SELECT purchase_summary(last, revenue) AS s FROM customers WHERE last IS NOT NULL AND revenue IS NOT NULL GROUP BY id % 1000) x) f;
-- ... and its breaks are those of percentile_disc
SELECT (m->>'revenue')::text = '[' || array_to_string(r, ', ') || ']' AS revenue, (m->'orders')::text = '[' || array_to_string(o, ', ') || ']' AS orders,
       ARRAY(SELECT '2024-06-01'::timestamptz - a::interval FROM jsonb_array_elements_text(m->'recency') WITH ORDINALITY e(a, i) ORDER BY i) = l AS recency
FROM (SELECT rfm_fit(last, orders, revenue::numeric(20,3), '2024-06-01')::text::jsonb AS m,
             percentile_disc(ARRAY[0.2,0.4,0.6,0.8]) WITHIN GROUP (ORDER BY revenue::numeric(20,3)) AS r,
             percentile_disc(ARRAY[0.2,0.4,0.6,0.8]) WITHIN GROUP (ORDER BY orders) AS o,
             percentile_disc(ARRAY[0.2,0.4,0.6,0.8]) WITHIN GROUP (ORDER BY last) AS l
      FROM customers WHERE last IS NOT NULL AND orders IS NOT NULL AND revenue IS NOT NULL) x;

-- later, who stays away sinks and who orders rises; the breaks stand still; an earlier moment is allowed
CREATE TEMP TABLE model AS
SELECT rfm_fit('2024-01-01'::timestamptz + i * interval '10 days', i, i * 10.00, '2024-04-30') AS m FROM generate_series(1, 10) i;
SELECT as_of, rfm(m, '2024-04-10', 5, 50.00, as_of) AS stays_away,
       rfm(m, as_of - interval '1 day', 5 + n, 50.00 + 20 * n, as_of) AS orders_again
FROM model, (VALUES (0, '2024-04-30'::timestamptz), (1, '2024-05-10'), (3, '2024-06-10'), (5, '2024-12-31')) v(n, as_of) ORDER BY as_of;
SELECT rfm(m, '2023-12-15', 5, 50.00, '2024-01-01') AS earlier FROM model;
-- the whole range of timestamps is one age apart
SELECT rfm(rfm_fit('4714-11-24 00:00:00+00 BC', 1, 1.0, '294276-12-31 23:59:59.999999+00'), '294276-12-31 23:59:59.999999+00', 2, 2.0, '294276-12-31 23:59:59.999999+00') AS latest,
       rfm(rfm_fit('4714-11-24 00:00:00+00 BC', 1, 1.0, '294276-12-31 23:59:59.999999+00'), '4714-11-24 00:00:00+00 BC', 1, 1.0, '294276-12-31 23:59:59.999999+00') AS earliest;
SELECT rfm_fit('4714-11-24 00:00:00+00 BC', 1, 1.0, '294276-12-31 23:59:59.999999+00', 2)::text::rfm_model;

-- NULL in, NULL out; rows with a NULL are no part of the population; no rows give no model
SELECT rfm(NULL::rfm_model, now(), 1, 1.0, now()) IS NULL AND rfm(m, NULL, 1, 1.0, now()) IS NULL AND rfm(m, now(), NULL, 1.0, now()) IS NULL
       AND rfm(m, now(), 1, NULL::numeric, now()) IS NULL AND rfm(m, now(), 1, 1.0, NULL) IS NULL AND rfm(m, NULL::purchase_summary, now()) IS NULL AS all_null FROM model;
SELECT rfm(m, s, '2024-05-01') IS NULL AS refunds_only FROM model, (SELECT purchase_summary('2024-01-01'::timestamptz, -5) AS s) x;
SELECT rfm_fit(last, 1, 1.0, '2024-01-01') IS NULL AS none FROM customers WHERE false;
SELECT rfm_fit(l, o, r, '2024-02-01')::text = rfm_fit(l, o, r, '2024-02-01') FILTER (WHERE l IS NOT NULL AND o = 1)::text AS same
FROM (VALUES ('2024-01-01'::timestamptz, 1::bigint, 1.0), (NULL, 2, 2.0), ('2024-01-09', NULL, 9.0), ('2024-01-08', 1, NULL)) v(l, o, r);
SELECT rfm_fit(NULL::purchase_summary, '2024-01-01') IS NULL AS null_summary, rfm_fit(NULL, NULL, NULL::numeric, '2024-01-01') IS NULL AS nulls;

-- mistakes
SELECT rfm_fit('2024-02-02', 1, 1.0, '2024-02-01');
SELECT rfm_fit('infinity', 1, 1.0, '2024-02-01');
SELECT rfm_fit('2024-01-01', 1, 1.0, 'infinity');
SELECT rfm_fit('2024-01-01', 1, 1.0, NULL);
SELECT rfm_fit(NULL, 1, 1.0, NULL::timestamptz);
SELECT rfm_fit('2024-01-01', 1, 1.0, '2024-02-01', NULL);
SELECT rfm_fit('2024-01-01', 1, 1.0, '2024-02-01', 1);
SELECT rfm_fit('2024-01-01', 1, 1.0, '2024-02-01', 101);
SELECT rfm_fit('2024-01-01', -1, 1.0, '2024-02-01');
SELECT rfm_fit('2024-01-01', 1, 'NaN'::numeric, '2024-02-01');
SELECT rfm_fit('2024-01-01', 1, 'NaN'::float8, '2024-02-01');
SELECT rfm_fit('2024-01-01', 1, 'Infinity'::real, '2024-02-01');
SELECT rfm_fit('2024-01-01', 1, 1.0, '2024-02-01'::timestamptz + i * interval '1 day') FROM generate_series(1, 2) i;
SELECT rfm_fit('2024-01-01', 1, 1.0, '2024-02-01', 3 + i) FROM generate_series(1, 2) i;
SELECT rfm(m, '2024-05-01', 1, 1.0, '2024-04-30') FROM model;
SELECT rfm(m, 'infinity', 1, 1.0, '2024-04-30') FROM model;
SELECT rfm(m, '2024-01-01', 1, 1.0, 'infinity') FROM model;
SELECT rfm(m, '2024-01-01', -1, 1.0, '2024-04-30') FROM model;
SELECT rfm(m, '2024-01-01', 1, 1.0::float8, '2024-04-30') FROM model;
SELECT rfm(m, '2024-01-01', 1, 1.0, '2024-04-30') FROM (SELECT rfm_fit('2024-01-01', 1, 1.0::float8, '2024-04-30') AS m) x;

-- which function a call means: exact types give an exact model, unknown literals and real a double precision one
SELECT rfm_fit(now(), 1, 1::smallint, now())::text::jsonb->>'revenue_type' AS smallint, rfm_fit(now(), 1, 1, now())::text::jsonb->>'revenue_type' AS integer,
       rfm_fit(now(), 1, 1::bigint, now())::text::jsonb->>'revenue_type' AS bigint, rfm_fit(now(), 1, 1.0, now())::text::jsonb->>'revenue_type' AS numeric,
       rfm_fit(now(), 1, 1::real, now())::text::jsonb->>'revenue_type' AS real, rfm_fit(now(), 1, '1', now())::text::jsonb->>'revenue_type' AS unknown;
SELECT rfm(m, '2024-01-20'::date, 1::smallint, 1::smallint, '2024-05-01'::date) AS smallint, rfm(m, '2024-01-20'::timestamp, 1, 1, '2024-05-01'::timestamp) AS integer,
       rfm(m, '2024-01-20', 1, 1::bigint, '2024-05-01') AS bigint FROM model;
SELECT rfm(m, '2024-01-20', 1, 1::real, '2024-05-01') FROM model;
SELECT rfm(m, '2024-01-20', 1, '1', '2024-05-01') FROM model;
SELECT rfm_fit('2024-01-01', 1, 1::money, '2024-02-01');

-- one answer whatever the plan: serial, parallel, by partition, sorted, hashed, with and without the leader
CREATE TEMP TABLE whole AS SELECT g, rfm_fit(last, orders, revenue, '2024-06-01')::text AS m FROM customers GROUP BY g
	UNION ALL SELECT -1, rfm_fit(last, orders, revenue, '2024-06-01')::text FROM customers
	UNION ALL SELECT -2, rfm_fit(last, orders, revenue::float8, '2024-06-01')::text FROM customers
	UNION ALL SELECT -3, rfm_fit(last, orders, CASE WHEN g < 3 THEN revenue * 1e14 ELSE revenue END, '2024-06-01')::text FROM customers;
CREATE FUNCTION again() RETURNS TABLE (partial bool, groups bigint, different bigint) LANGUAGE plpgsql AS $$
DECLARE line text; sees_partial bool := false;
BEGIN
	FOR line IN EXPLAIN SELECT g, rfm_fit(last, orders, revenue, '2024-06-01')::text AS m FROM customers GROUP BY g LOOP
		sees_partial := sees_partial OR line ~ 'Partial';
	END LOOP;
	RETURN QUERY SELECT sees_partial, count(*), count(*) FILTER (WHERE w.m IS DISTINCT FROM a.m) FROM whole w FULL JOIN (
		SELECT c.g, rfm_fit(last, orders, revenue, '2024-06-01')::text AS m FROM customers c GROUP BY c.g
		UNION ALL SELECT -1, rfm_fit(last, orders, revenue, '2024-06-01')::text FROM customers
		UNION ALL SELECT -2, rfm_fit(last, orders, revenue::float8, '2024-06-01')::text FROM customers
		UNION ALL SELECT -3, rfm_fit(last, orders, CASE WHEN c.g < 3 THEN revenue * 1e14 ELSE revenue END, '2024-06-01')::text FROM customers c) a USING (g);
END $$;
SELECT * FROM again();
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;
SELECT * FROM again();
SET parallel_leader_participation = off;
SELECT * FROM again();
SET enable_hashagg = off;
SELECT * FROM again();
RESET parallel_leader_participation; RESET enable_hashagg;
SET enable_partitionwise_aggregate = on;
SELECT * FROM again();
SET max_parallel_workers_per_gather = 0;
SELECT * FROM again();
SET enable_hashagg = off;
SELECT * FROM again();
RESET enable_hashagg; RESET enable_partitionwise_aggregate;
SET work_mem = '64kB';
SELECT * FROM again();
RESET ALL;
SET search_path = public, customer_scoring;
SET timezone = 'UTC';
-- a running window shows model after model without changing the state
SELECT count(*) FILTER (WHERE running <> fresh) AS different FROM (
	SELECT rfm_fit(last, orders, revenue, '2024-06-01') OVER (ORDER BY id)::text AS running,
	       (SELECT rfm_fit(last, orders, revenue, '2024-06-01')::text FROM customers q WHERE q.id <= p.id) AS fresh
	FROM customers p WHERE id <= 100) x;

-- split, pass the states on as text or in binary, merge in any order: the whole
CREATE AGGREGATE population(timestamptz, bigint, numeric, timestamptz)
	(SFUNC = customer_scoring_internal.rfm_fit_accum, STYPE = customer_scoring_internal.rfm_population);
CREATE AGGREGATE population(timestamptz, bigint, float8, timestamptz)
	(SFUNC = customer_scoring_internal.rfm_fit_accum, STYPE = customer_scoring_internal.rfm_population);
CREATE AGGREGATE population(timestamptz, bigint, float8, timestamptz, integer)
	(SFUNC = customer_scoring_internal.rfm_fit_accum, STYPE = customer_scoring_internal.rfm_population);
CREATE AGGREGATE merge(customer_scoring_internal.rfm_population)
	(SFUNC = customer_scoring_internal.rfm_fit_combine, STYPE = customer_scoring_internal.rfm_population, FINALFUNC = customer_scoring_internal.rfm_fit_final);
CREATE TEMP TABLE parts AS
	SELECT -1 AS g, population(last, orders, revenue, '2024-06-01') AS p FROM customers GROUP BY (random() * 7)::int
	UNION ALL SELECT -2, population(last, orders, revenue::float8, '2024-06-01') FROM customers GROUP BY (random() * 7)::int
	UNION ALL SELECT -3, population(last, orders, CASE WHEN g < 3 THEN revenue * 1e14 ELSE revenue END, '2024-06-01') FROM customers GROUP BY g;
SELECT g, bool_and(merged = m) AS equal, bool_and(through_text = m) AS text_equal FROM whole JOIN (
	SELECT g, merge(p ORDER BY random())::text AS merged, merge(p::text::customer_scoring_internal.rfm_population ORDER BY random())::text AS through_text
	FROM parts GROUP BY g) x USING (g) GROUP BY g ORDER BY g DESC;
\getenv abs_builddir PG_ABS_BUILDDIR
\set file :abs_builddir '/results/rfm_model.bin'
COPY parts TO :'file' (FORMAT binary);
CREATE TEMP TABLE parts_back (g int, p customer_scoring_internal.rfm_population);
COPY parts_back FROM :'file' (FORMAT binary);
SELECT g, merge(p)::text = m AS equal FROM parts_back JOIN whole USING (g) GROUP BY g, m ORDER BY g DESC;
-- ... also when the parts count money in other decimals
SELECT merge(p ORDER BY i)::text = w.m AS rising, merge(p ORDER BY -i)::text = w.m AS falling FROM whole w, (
	SELECT coalesce(scale(revenue), 0) AS i, population(last, orders, revenue, '2024-06-01') AS p FROM customers GROUP BY 1) x
WHERE w.g = -1 GROUP BY w.m;
-- the state as text
SELECT population('2024-01-01'::timestamptz + i * interval '1 day', i, i * 0.5, '2024-02-01') FROM generate_series(1, 3) i;
SELECT population('2024-01-31 23:59:59.999999', 1, i * 1.5::float8, '2024-02-01', 3) FROM generate_series(-1, 1) i;
SELECT population('2024-01-01', 1, 99999999999999999999.5, '2024-02-01');
SELECT merge(p) FROM (SELECT population('2024-01-01', 1, 1.0, '2024-02-01') AS p UNION ALL SELECT population('2024-01-01', 1, 1.0, '2024-02-02')) x;
SELECT merge(p) FROM (SELECT population('2024-01-01', 1, 1.0, '2024-02-01') AS p UNION ALL SELECT population('2024-01-01', 1, 1.0::float8, '2024-02-01')) x;
SELECT merge(p) FROM (SELECT population('2024-01-01', 1, 1.0::float8, '2024-02-01') AS p UNION ALL SELECT population('2024-01-01', 1, 1.0::float8, '2024-02-01', 3)) x;
SELECT merge(NULL) IS NULL AS none;

-- models through text and in binary
CREATE TEMP TABLE kept AS
	SELECT g, m::rfm_model AS m FROM whole
	UNION ALL SELECT 100 + b, rfm_fit(last, orders, revenue, '2024-06-01', b) FROM customers, generate_series(2, 100) b GROUP BY b
	UNION ALL SELECT 300, rfm_fit('2024-01-01', 1, v, '2024-02-01', 10) FROM (VALUES ('-1.7976931348623157e308'::float8), (-1e-5), ('-5e-324'), ('-0'), ('5e-324'), (0.1), (1e22), (1.7976931348623157e308)) w(v);
SELECT m FROM kept WHERE g = 300;
SELECT count(*) AS models, count(*) FILTER (WHERE m::text::rfm_model::text <> m::text) AS different FROM kept;
COPY kept TO :'file' (FORMAT binary);
CREATE TEMP TABLE kept_back (g int, m rfm_model);
COPY kept_back FROM :'file' (FORMAT binary);
SELECT count(*) AS models, count(*) FILTER (WHERE a.m::text IS DISTINCT FROM b.m::text) AS different FROM kept a FULL JOIN kept_back b USING (g);
-- ... whatever the session's styles are
SET intervalstyle = 'sql_standard'; SET datestyle = 'sql, dmy'; SET timezone = 'Asia/Jakarta'; SET extra_float_digits = 0;
SELECT count(*) FILTER (WHERE a.m::text IS DISTINCT FROM w.m) AS different FROM kept a JOIN whole w USING (g);
SELECT count(*) FILTER (WHERE w.m::rfm_model::text IS DISTINCT FROM w.m) AS different FROM whole w;
RESET intervalstyle; RESET datestyle; RESET extra_float_digits;
SET timezone = 'UTC';
-- a hand-written model: the decimals may differ, days may be hours
SELECT '{"v":1,"as_of":"2024-01-01T00:00:00+00:00","bins":3,"customers":10,"recency":["60 days","P1DT12H"],"orders":[1,2],"revenue_type":"numeric","revenue":[10,20.55]}'::rfm_model;

-- bad models
CREATE FUNCTION bad(change jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text;
BEGIN
	RETURN ('{"v":1,"as_of":"2024-01-01T00:00:00+00:00","bins":3,"customers":10,"recency":["P60D","P30D"],"orders":[1,2],"revenue_type":"numeric","revenue":[10,20]}'::jsonb || change)::text::rfm_model;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN SQLSTATE || ' ' || SQLERRM || ' ' || detail;
END $$;
SELECT bad(c::jsonb) FROM (VALUES ('{"v":2}'), ('{"bins":4}'), ('{"bins":1}'), ('{"bins":101}'), ('{"as_of":"infinity"}'), ('{"as_of":null}'), ('{"customers":0}'),
	('{"recency":["P30D","P60D"]}'), ('{"recency":["-1 day","-2 days"]}'), ('{"recency":["1 month","P1D"]}'), ('{"recency":["P99999999D","P1D"]}'), ('{"recency":[60,30]}'), ('{"recency":"P1D"}'),
	('{"orders":[2,1]}'), ('{"orders":[-1,1]}'), ('{"orders":[1.5,2]}'), ('{"orders":[1]}'), ('{"orders":{"a":1,"b":2}}'),
	('{"revenue":[20,10]}'), ('{"revenue":["10","20"]}'), ('{"revenue":[10,1e20]}'), ('{"revenue":[0.0000000000001,1]}'), ('{"revenue":[10,20,30]}'),
	('{"revenue_type":"text"}'), ('{"revenue_type":"double precision","revenue":[1,1e309]}'), ('{"extra":1}')) v(c);
SELECT '{"v":1}'::rfm_model;
SELECT '[]'::rfm_model;
SELECT ''::rfm_model;

-- bad states
CREATE FUNCTION bad_state(change jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text;
BEGIN
	RETURN ('{"v":1,"as_of":"2024-01-01T00:00:00+00:00","bins":3,"revenue_type":"numeric","decimals":1,"customers":"60 1 1.5,0 2 -2.0"}'::jsonb || change)::text::customer_scoring_internal.rfm_population;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN SQLSTATE || ' ' || SQLERRM || ' ' || detail;
END $$;
SELECT bad_state(c::jsonb) FROM (VALUES ('{}'), ('{"v":2}'), ('{"bins":1}'), ('{"as_of":"-infinity"}'), ('{"decimals":13}'), ('{"decimals":2}'), ('{"decimals":0}'), ('{"revenue_type":"float"}'),
	('{"customers":""}'), ('{"customers":"60 1 1.5,"}'), ('{"customers":"60 1 1.5;"}'), ('{"customers":"-1 1 1.5"}'), ('{"customers":"60 -1 1.5"}'), ('{"customers":"60 1"}'), ('{"customers":"60 1 "}'),
	('{"customers":"999999999999999999999 1 1.5"}'), ('{"customers":"60 9223372036854775808 1.5"}'), ('{"customers":"60 1 100000000000000000000.0"}'), ('{"customers":"60 1 1.55"}'), ('{"customers":"60 1 NaN"}'),
	('{"customers":"99999999999999999999999999999999999999999999 1 1.5"}'),
	('{"revenue_type":"double precision"}'), ('{"revenue_type":"double precision","decimals":0}'), ('{"revenue_type":"double precision","decimals":0,"customers":"1 1 1e999"}'),
	('{"revenue_type":"double precision","decimals":0,"customers":"1 1 nan"}'), ('{"revenue_type":"double precision","decimals":0,"customers":"1 1 0x1p3"}'), ('{"more":1}')) v(c);

-- bad binary values: a good one with any byte damaged, or cut short, is refused or makes sense
CREATE FUNCTION through_recv(kind text, b bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE r text; lo oid; file text := current_setting('cs.dir') || '/results/rfm_damaged.bin';
BEGIN
	lo := lo_from_bytea(0, '\x5047434f50590aff0d0a0000000000000000000001'::bytea || int4send(length(b)) || b || '\xffff'::bytea);
	PERFORM lo_export(lo, file);
	PERFORM lo_unlink(lo);
	IF kind = 'model' THEN
		EXECUTE format('COPY one_model FROM %L (FORMAT binary)', file);
		DELETE FROM one_model RETURNING v::text INTO r;
		RETURN CASE WHEN r::rfm_model::text = r THEN 'sound' ELSE r END;
	END IF;
	EXECUTE format('COPY one_population FROM %L (FORMAT binary)', file);
	DELETE FROM one_population RETURNING v::text INTO r;
	RETURN CASE WHEN r::customer_scoring_internal.rfm_population::text = r THEN 'sound' ELSE r END;
EXCEPTION WHEN invalid_binary_representation OR feature_not_supported OR protocol_violation THEN
	RETURN 'refused';
END $$;
CREATE TEMP TABLE one_model (v rfm_model);
CREATE TEMP TABLE one_population (v customer_scoring_internal.rfm_population);
SELECT set_config('cs.dir', :'abs_builddir', false) IS NOT NULL AS set;
CREATE TEMP TABLE sample AS
	SELECT 'model' AS kind, customer_scoring_internal.rfm_model_send(m) AS b FROM kept WHERE g IN (102, 300)
	UNION ALL SELECT 'population', customer_scoring_internal.rfm_population_send(population('2024-01-01'::timestamptz + i * interval '1 day', i, i * 0.5, '2024-02-01'))
	FROM generate_series(1, 2) i;
SELECT kind, what, count(*) FILTER (WHERE r = 'refused') > 0 AS some_refused, count(*) FILTER (WHERE r = 'sound') > 0 AS some_sound,
       count(*) FILTER (WHERE r NOT IN ('refused', 'sound')) AS unsound
FROM (
	SELECT kind, 'damaged' AS what, through_recv(kind, set_byte(b, i, (get_byte(b, i) + d) % 256)) AS r FROM sample, generate_series(0, length(b) - 1) i, (VALUES (1), (128)) w(d)
	UNION ALL SELECT kind, 'short', through_recv(kind, substr(b, 1, i)) FROM sample, generate_series(0, length(b) - 1, 7) i) x
GROUP BY kind, what ORDER BY kind, what;

-- an ordinary role needs no right on the internals
CREATE ROLE regress_cs_scorer;
GRANT SELECT ON customers TO regress_cs_scorer;
SET ROLE regress_cs_scorer;
SELECT rfm_fit(last, orders, revenue, '2024-06-01') IS NOT NULL AS fitted FROM customers;
SELECT count(s) > 0 AS scored FROM (SELECT rfm(last, orders, revenue) OVER () AS s FROM customers) x;
RESET ROLE;
DROP OWNED BY regress_cs_scorer;
DROP ROLE regress_cs_scorer;

CREATE FUNCTION pg_temp.refused(moment text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	PERFORM format('{"v":1,"orders":1,"refunds":0,"revenue":1,"first":"%1$s","last":"%1$s"}', moment)::purchase_summary;
	RETURN false;
EXCEPTION WHEN invalid_text_representation OR invalid_datetime_format OR datetime_field_overflow THEN
	RETURN true;
END $$;
-- a text reads the same in every session: no spelling of a moment that depends on zone, style or clock
SELECT count(*) AS moments, count(*) FILTER (WHERE pg_temp.refused(moment)) AS refused
FROM unnest('{now, today, 2024-01-01, 2024-01-01T00:00:00, 2024-01-01T00:00:00Z, 2024-01-01T07:00:00+07:00, 01/02/2024 00:00:00+00, infinity, ""}'::text[]) moment;
SELECT pg_temp.refused('2024-01-01T00:00:00+00:00') AS refused;
CREATE TABLE written (t text, model rfm_model GENERATED ALWAYS AS (t::rfm_model) STORED, summary purchase_summary GENERATED ALWAYS AS (t::purchase_summary) STORED,
	answers rating_summary GENERATED ALWAYS AS (t::rating_summary) STORED);
DROP TABLE written;

-- somebody changed the type of a score
BEGIN;
ALTER TYPE rfm_score ADD ATTRIBUTE extra int;
SELECT rfm(m, '2024-01-20', 1, 1, '2024-05-01') FROM model;
ROLLBACK;

-- support functions are no functions for queries
SELECT customer_scoring_internal.rfm_fit_accum(NULL, now(), 1, 1.0, now());
SELECT customer_scoring_internal.rfm_fit_accum(p, NULL::purchase_summary, now()) FROM parts LIMIT 1;
SELECT customer_scoring_internal.rfm_fit_combine(p, p) FROM parts LIMIT 1;
SELECT customer_scoring_internal.rfm_fit_combine(NULL, NULL);
SELECT customer_scoring_internal.rfm_fit_final(p) FROM parts LIMIT 1;

DROP AGGREGATE population(timestamptz, bigint, numeric, timestamptz), population(timestamptz, bigint, float8, timestamptz), population(timestamptz, bigint, float8, timestamptz, integer),
	merge(customer_scoring_internal.rfm_population);
DROP FUNCTION again, bad, bad_state, through_recv;
DROP TABLE customers;
