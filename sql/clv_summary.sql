-- clv_summary and clv_holdout: what models need of a customer, equal to plain SQL
-- whatever the zone, the unit, the order of rows and the plan.
SET search_path = public, customer_scoring;
SET timezone = 'UTC';
SELECT setseed(0.42);

-- the days of two customers: purchases of a day are one, recency is the age at the last, zero is a purchase
SELECT clv_summary(t::timestamptz, a, '2024-03-01', 'UTC') FROM (VALUES
	('2024-01-05 10:00', 20.00), ('2024-01-05 18:00', 5), ('2024-01-25 10:00', 30.5), ('2024-02-01 10:00', 0), ('2024-03-02', 100)) v(t, a);
SELECT frequency(s), recency(s), age(s), monetary(s), unit(s) FROM (SELECT clv_summary('2024-01-05 10:00'::timestamptz, 20, '2024-03-01', 'UTC') s) x;
-- refunds make no purchase; they lower the value of repeats if they come after the first purchase
SELECT clv_summary(t::timestamptz, a, '2024-03-01', 'UTC') FROM (VALUES
	('2024-01-01', -7), ('2024-01-05 10:00', 20.00), ('2024-01-05 18:00', -5), ('2024-01-25 10:00', 30.5), ('2024-02-20', -10.25)) v(t, a);
SELECT clv_summary(t::timestamptz, a, '2024-03-01', 'UTC') FROM (VALUES ('2024-01-05', 20.00), ('2024-02-20', -10.25)) v(t, a);
-- no purchase up to as_of, NULLs and no rows give NULL
SELECT clv_summary(t::timestamptz, a, '2024-03-01', 'UTC') IS NULL AS none
FROM (VALUES ('2024-03-01 00:00:00.000001', 5), ('2024-01-01', -5), (NULL, 5), ('2024-01-01', NULL)) v(t, a);
SELECT clv_summary(t::timestamptz, a, '2024-03-01', 'UTC') IS NULL AS none FROM (SELECT NULL, 1 WHERE false) v(t, a);
-- as_of itself still counts
SELECT clv_summary('2024-03-01'::timestamptz, 5, '2024-03-01', 'UTC');
-- units: ISO weeks, calendar months and quarters, hours of the clock
SELECT unit, clv_summary(t::timestamptz, 10, '2024-03-31', 'Europe/Berlin', unit)
FROM (VALUES ('2024-02-04 22:00+00'), ('2024-02-05 00:00+00'), ('2024-02-29 23:30+00'), ('2024-03-30 00:00+00')) v(t),
     unnest('{1 day, 7 days, 1 month, 3 months, 1 year, 1 hour, 00:15}'::interval[]) WITH ORDINALITY u(unit, i)
GROUP BY unit, i ORDER BY i;
-- a clock that is set back over midnight shows an order after as_of: it is of as_of's day
SELECT clv_summary(t::timestamptz, 10, '1990-10-28 02:50+00', 'America/St_Johns') FROM (VALUES ('1990-10-27 12:00+00'), ('1990-10-28 02:30:30+00')) v(t);

-- the plain-SQL oracle
CREATE FUNCTION period(moment timestamptz, zone text, unit interval) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN unit = '7 days' THEN (date_trunc('week', clock)::date - '1900-01-01') / 7
		WHEN extract(month FROM unit) + extract(year FROM unit) > 0
		THEN floor((extract(year FROM clock) * 12 + extract(month FROM clock) - 1) / (extract(year FROM unit) * 12 + extract(month FROM unit)))
		WHEN extract(day FROM unit) > 0 THEN floor((clock::date - '2000-01-01' + 2451545) / extract(day FROM unit))
		ELSE floor(extract(epoch FROM clock) / extract(epoch FROM unit)) END
	FROM (SELECT moment AT TIME ZONE zone) c(clock)
$$;
CREATE TABLE cases AS
SELECT c AS customer, zone, unit, as_of, as_of - random() * random() * interval '4000 days' AS calibration_end
FROM (SELECT c, (ARRAY['UTC', 'Asia/Jakarta', 'America/New_York', 'America/St_Johns', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'Pacific/Apia',
                       'America/Sao_Paulo', 'Africa/Casablanca', 'Europe/Dublin', 'Asia/Tehran', 'Pacific/Chatham', 'Antarctica/Troll'])[1 + c % 13] AS zone,
             (ARRAY['1 day', '1 day', '7 days', '1 month', '3 months', '1 year', '10 days', '1 hour', '06:00', '00:20']::interval[])[1 + c % 10] AS unit,
             CASE WHEN random() < 0.2 THEN timestamptz '1990-10-28 02:45+00' ELSE '1985-01-01'::timestamptz + random() * interval '14000 days' END AS as_of
      FROM generate_series(1, 1300) c) x;
-- orders gather around as_of, calibration_end and changes of clocks; some days have several, some moments too
CREATE TABLE orders AS
SELECT customer, CASE WHEN random() < 0.02 THEN NULL ELSE t END AS t,
       CASE WHEN random() < 0.02 THEN NULL WHEN random() < 0.05 THEN 0 WHEN random() < 0.01 THEN 1e15 + 0.000000000001
            ELSE round(((random() - 0.2) * 10 ^ (random() * 6))::numeric, (random() * 12)::int) END AS a
FROM (SELECT customer, CASE (random() * 5)::int
             WHEN 0 THEN as_of - random() * interval '2 days' + interval '12 hours'
             WHEN 1 THEN calibration_end - random() * interval '2 days' + interval '1 day'
             WHEN 2 THEN '1990-10-28 02:00+00'::timestamptz + (random() * 120)::int * interval '1 minute'
             WHEN 3 THEN date_trunc('day', as_of - random() * interval '3000 days')
             ELSE as_of - random() ^ 3 * interval '5000 days' END AS t
      FROM cases, generate_series(1, 40) i WHERE random() < (customer % 20) / 15.0) x;
CREATE TABLE days AS
SELECT customer, least(period(t, zone, unit), period(as_of, zone, unit)) AS period, bool_or(a >= 0) AS bought, sum(a) AS value
FROM orders JOIN cases USING (customer) WHERE t <= as_of AND a IS NOT NULL GROUP BY 1, 2;
CREATE VIEW firsts AS SELECT customer, min(period) AS first, max(period) AS last, count(*) - 1 AS frequency FROM days WHERE bought GROUP BY customer;
CREATE TABLE oracle AS
SELECT customer, frequency, (last - first)::float8 AS recency, (period(as_of, zone, unit) - first)::float8 AS age,
       (round(sum(value) FILTER (WHERE period > first), 40) / nullif(frequency, 0))::float8 AS monetary
FROM firsts JOIN cases USING (customer) JOIN days USING (customer) GROUP BY customer, frequency, last, first, as_of, zone, unit;
CREATE VIEW ours AS
SELECT customer, frequency(s), recency(s), age(s), monetary(s)
FROM (SELECT customer, clv_summary(t, a, as_of, zone, unit) s FROM orders JOIN cases USING (customer) GROUP BY customer) x WHERE s IS NOT NULL;
SELECT count(*) > 900 AS enough, count(*) FILTER (WHERE frequency > 0) > 700 AS repeats, count(*) FILTER (WHERE monetary < 0) > 5 AS refunds FROM oracle;
SELECT * FROM (TABLE oracle EXCEPT TABLE ours) x UNION ALL SELECT * FROM (TABLE ours EXCEPT TABLE oracle) y;

-- the same with the usual unit left out, and for every order of rows
SELECT count(*) FILTER (WHERE s::text IS DISTINCT FROM d::text) AS different, count(*) > 100 AS enough
FROM (SELECT customer, clv_summary(t, a, as_of, zone, unit ORDER BY t, a) s, clv_summary(t, a, as_of, zone ORDER BY t DESC, a) d
      FROM orders JOIN cases USING (customer) WHERE unit = '1 day' GROUP BY customer) x;

-- the holdout: rows after calibration_end, in periods of their own
CREATE TABLE after AS
SELECT customer, least(period(t, zone, unit), period(as_of, zone, unit)) AS period, bool_or(a >= 0) AS bought, sum(a) AS value
FROM orders JOIN cases USING (customer) WHERE t > calibration_end AND t <= as_of AND a IS NOT NULL GROUP BY 1, 2;
CREATE VIEW holdout_oracle AS
SELECT customer, s::text AS calibration, coalesce(purchases, 0) AS purchases, monetary,
       greatest(period(as_of, zone, unit) - period(calibration_end, zone, unit), 0)::float8 AS length
FROM cases JOIN (SELECT customer, clv_summary(t, a, calibration_end, zone, unit) s FROM orders JOIN cases USING (customer) GROUP BY customer) c USING (customer)
LEFT JOIN (SELECT customer, count(*) FILTER (WHERE bought) AS purchases, (round(sum(value), 40) / nullif(count(*) FILTER (WHERE bought), 0))::float8 AS monetary
           FROM after GROUP BY customer) a USING (customer)
WHERE s IS NOT NULL;
CREATE VIEW our_holdout AS
SELECT customer, (h).calibration::text AS calibration, (h).purchases, (h).monetary, (h).length
FROM (SELECT customer, clv_holdout(t, a, calibration_end, as_of, zone, unit) h FROM orders JOIN cases USING (customer) GROUP BY customer) x WHERE h IS DISTINCT FROM NULL;
SELECT count(*) > 500 AS enough, count(*) FILTER (WHERE purchases > 1) > 100 AS bought FROM holdout_oracle;
SELECT * FROM (TABLE holdout_oracle EXCEPT TABLE our_holdout) x UNION ALL SELECT * FROM (TABLE our_holdout EXCEPT TABLE holdout_oracle) y;
SELECT clv_holdout(t::timestamptz, a, '2024-01-31', '2024-03-01', 'UTC') AS two_and_refund, clv_holdout(t::timestamptz, a, '2024-01-04', '2024-03-01', 'UTC') AS not_yet,
       clv_holdout(t::timestamptz, a, '2024-03-01', '2024-03-01', 'UTC') AS nothing_after
FROM (VALUES ('2024-01-05', 20.00), ('2024-02-01', 30.5), ('2024-02-01', 10), ('2024-02-03', 1), ('2024-02-20', -10.25)) v(t, a);

-- split, through text or bytes, merged in any order: the whole
CREATE AGGREGATE part(timestamptz, numeric, timestamptz, text, interval) (SFUNC = customer_scoring_internal.clv_accum, STYPE = customer_scoring_internal.clv_orders);
CREATE AGGREGATE holdout_part(timestamptz, numeric, timestamptz, timestamptz, text, interval) (SFUNC = customer_scoring_internal.clv_holdout_accum, STYPE = customer_scoring_internal.clv_orders);
CREATE AGGREGATE merged(customer_scoring_internal.clv_orders) (SFUNC = customer_scoring_internal.clv_combine, STYPE = customer_scoring_internal.clv_orders,
	FINALFUNC = customer_scoring_internal.clv_summary_final);
CREATE AGGREGATE holdout_merged(customer_scoring_internal.clv_orders) (SFUNC = customer_scoring_internal.clv_combine, STYPE = customer_scoring_internal.clv_orders,
	FINALFUNC = customer_scoring_internal.clv_holdout_final);
CREATE TABLE parts AS
SELECT customer, piece, part(t, a, as_of, zone, unit) p, holdout_part(t, a, calibration_end, as_of, zone, unit) h
FROM (SELECT *, (random() * 4)::int AS piece FROM orders JOIN cases USING (customer)) o GROUP BY customer, piece;
SELECT part(t, a, '2024-03-01', 'asia/jakarta', '1 day'), holdout_part(t, a, '2024-01-06', '2024-03-01', 'UTC', '1 month')
FROM (VALUES ('2024-01-07 20:00'::timestamptz, 20.00), ('2024-01-05 20:00', 1), ('2024-01-06 10:00', 5.125), ('2024-01-08 10:00', -3)) v(t, a);
\getenv abs_builddir PG_ABS_BUILDDIR
\set file :abs_builddir '/results/clv_summary.bin'
COPY parts TO :'file' (FORMAT binary);
CREATE TABLE parts_back (LIKE parts);
COPY parts_back FROM :'file' (FORMAT binary);
SELECT count(*) AS different FROM parts JOIN parts_back b USING (customer, piece) WHERE parts.p::text IS DISTINCT FROM b.p::text OR parts.h::text IS DISTINCT FROM b.h::text;
SELECT count(*) FILTER (WHERE whole IS DISTINCT FROM by_text) AS by_text, count(*) FILTER (WHERE whole IS DISTINCT FROM by_bytes) AS by_bytes,
       count(*) FILTER (WHERE holdout IS DISTINCT FROM h_by_text) AS h_by_text, count(*) FILTER (WHERE holdout IS DISTINCT FROM h_by_bytes) AS h_by_bytes
FROM (SELECT customer, clv_summary(t, a, as_of, zone, unit)::text whole, clv_holdout(t, a, calibration_end, as_of, zone, unit)::text holdout
      FROM orders JOIN cases USING (customer) GROUP BY customer) w
JOIN (SELECT customer, merged(p::text::customer_scoring_internal.clv_orders ORDER BY random())::text by_text,
             holdout_merged(h::text::customer_scoring_internal.clv_orders ORDER BY random())::text h_by_text FROM parts GROUP BY customer) t USING (customer)
JOIN (SELECT customer, merged(p ORDER BY random())::text by_bytes, holdout_merged(h ORDER BY random())::text h_by_bytes FROM parts_back GROUP BY customer) b USING (customer);

-- parts of different questions cannot be merged
SELECT merged(p) FROM (SELECT part('2024-01-01', 1, as_of, zone, unit) p FROM (VALUES
	('2024-03-01'::timestamptz, 'UTC', '1 day'::interval), ('2024-03-02', 'UTC', '1 day')) v(as_of, zone, unit) GROUP BY as_of, zone, unit) x;
SELECT merged(p) FROM (SELECT part('2024-01-01', 1, as_of, zone, unit) p FROM (VALUES
	('2024-03-01'::timestamptz, 'UTC', '1 day'::interval), ('2024-03-01', 'Asia/Jakarta', '1 day')) v(as_of, zone, unit) GROUP BY as_of, zone, unit) x;
SELECT merged(p) FROM (SELECT part('2024-01-01', 1, as_of, zone, unit) p FROM (VALUES
	('2024-03-01'::timestamptz, 'UTC', '1 day'::interval), ('2024-03-01', 'UTC', '7 days')) v(as_of, zone, unit) GROUP BY as_of, zone, unit) x;
SELECT holdout_merged(p) FROM (SELECT holdout_part('2024-01-01', 1, c, '2024-03-01', 'UTC', '1 day') p FROM (VALUES
	('2024-02-01'::timestamptz), ('2024-02-02')) v(c) GROUP BY c) x;
-- ... nor rows; a zone has one name however it is written
SELECT clv_summary('2024-01-01'::timestamptz, 1, as_of, 'UTC') FROM (VALUES ('2024-03-01'::timestamptz), ('2024-03-02')) v(as_of);
SELECT clv_summary('2024-01-01'::timestamptz, 1, '2024-03-01', zone) FROM (VALUES ('UTC'), ('Asia/Jakarta')) v(zone);
SELECT clv_summary('2024-01-01'::timestamptz, 1, '2024-03-01', 'UTC', unit) FROM (VALUES ('1 day'::interval), ('1 month')) v(unit);
SELECT clv_holdout('2024-01-01'::timestamptz, 1, c, '2024-03-01', 'UTC') FROM (VALUES ('2024-02-01'::timestamptz), ('2024-02-02')) v(c);
SELECT clv_summary('2024-01-01'::timestamptz, 1, '2024-03-01', zone) FROM (VALUES ('Asia/Jakarta'), ('asia/JAKARTA')) v(zone);

-- parameters must be sound in every row, also in one that does not count
SELECT clv_summary(NULL::timestamptz, 1, NULL, 'UTC');
SELECT clv_summary(NULL::timestamptz, 1, '2024-03-01', NULL);
SELECT clv_summary(NULL::timestamptz, 1, '2024-03-01', 'UTC', NULL);
SELECT clv_holdout(NULL::timestamptz, 1, NULL, '2024-03-01', 'UTC');
SELECT clv_summary(NULL::timestamptz, 1, 'infinity', 'UTC');
SELECT clv_holdout(NULL::timestamptz, 1, '-infinity', '2024-03-01', 'UTC');
SELECT clv_holdout(NULL::timestamptz, 1, '2024-03-02', '2024-03-01', 'UTC');
SELECT clv_summary(NULL::timestamptz, 1, '2024-03-01', 'Mars/Olympus');
SELECT clv_summary(NULL::timestamptz, 1, '2024-03-01', '+7');
SELECT clv_summary(NULL::timestamptz, 1, '2024-03-01', '');
SELECT clv_summary(NULL::timestamptz, 1, '2024-03-01', repeat('x', 1000));
CREATE FUNCTION pg_temp.outcome(expression text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	type text;
BEGIN
	EXECUTE format('SELECT (%s)::text, pg_typeof(%1$s)', expression) INTO result, type;
	RETURN format('%s %s', type, coalesce(result, 'NULL'));
EXCEPTION WHEN others THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT unit, pg_temp.outcome(format('clv_summary(timestamptz ''2024-01-05 12:34:56'', 1, ''2024-03-01'', ''UTC'', %L)', unit)) AS outcome
FROM unnest(ARRAY['1 day', '1 week', '30 days', '1 month', '1 year', '24 months', '1 hour', '8 hours', '00:00:01', '00:00:00.001', '0', '-1 day', '-1 month', '24 hours', '25 hours', '5 hours',
                  '7 hours', '1 month 1 day', '1 day 1 hour', '1 month 1 hour', '1 day -1 hour', 'soon']) WITH ORDINALITY u(unit, i) ORDER BY i;
SELECT clv_summary('2024-01-05'::timestamptz, 1, '2024-03-01', 'UTC', '5 hours');
SELECT clv_summary('infinity'::timestamptz, 1, '2024-03-01', 'UTC');
SELECT clv_summary('2024-01-01'::timestamptz, 'NaN'::numeric, '2024-03-01', 'UTC');
SELECT clv_summary('2024-01-01'::timestamptz, '-Infinity'::float8, '2024-03-01', 'UTC');
SELECT clv_summary('2024-01-01'::timestamptz, 0.1234567890123, '2024-03-01', 'UTC');
-- what is after as_of is not looked at
SELECT clv_summary('2024-04-01'::timestamptz, 'NaN'::numeric, '2024-03-01', 'UTC') IS NULL AS none;

-- money is exact, beyond the range of a total while it is summed, and rounded once
SELECT monetary(clv_summary(t::timestamptz, a, '2024-03-01', 'UTC')) FROM (VALUES
	('2024-01-01', 1), ('2024-01-02', 99999999999999999999.0), ('2024-01-03', 99999999999999999999.0), ('2024-01-02', -99999999999999999999.0), ('2024-01-03', -99999999999999999998.9)) v(t, a);
SELECT monetary(clv_summary(t::timestamptz, a, '2024-03-01', 'UTC')) FROM (VALUES ('2024-01-01', 1), ('2024-01-02', 99999999999999999999.0), ('2024-01-03', 1.0)) v(t, a);
SELECT monetary(clv_summary(t::timestamptz, a, '2024-03-01', 'UTC')) = 0 AS zero FROM (VALUES ('2024-01-01', 1), ('2024-01-02', 5), ('2024-01-02', -5)) v(t, a);
SELECT a, monetary(clv_summary(t, b, '2024-03-01', 'UTC')) FROM unnest('{9007199254740993,9007199254740993.000000000001,-9007199254740993.000000000001}'::numeric[]) a,
	LATERAL (VALUES (timestamptz '2024-01-01', 1), ('2024-01-02', 0), ('2024-01-02', a)) v(t, b) GROUP BY a ORDER BY a;
-- sums of more than 128 bits, which rows reach by the million, in text and bytes
SELECT merged(s) IS NULL AS none FROM (VALUES (NULL::customer_scoring_internal.clv_orders)) v(s);
CREATE TABLE large AS SELECT s::customer_scoring_internal.clv_orders FROM (VALUES
	('{"v":1,"unit":"P1D","time_zone":"UTC","as_of":"2024-03-01T00:00:00+00:00","periods":[2460311,2460312],"kinds":[1,1],"amounts":[1,170141183460469231731687303.715884105727]}'),
	('{"v":1,"unit":"P1D","time_zone":"UTC","as_of":"2024-03-01T00:00:00+00:00","periods":[2460312],"kinds":[1],"amounts":[170141183460469231731687303.715884105727]}'),
	('{"v":1,"unit":"P1D","time_zone":"UTC","as_of":"2024-03-01T00:00:00+00:00","periods":[2460312],"kinds":[0],"amounts":[-170141183460469231731687303]}'),
	('{"v":1,"unit":"P1D","time_zone":"UTC","as_of":"2024-03-01T00:00:00+00:00","periods":[2460312],"kinds":[0],"amounts":[-170141183460469231731687303]}')) v(s);
SELECT monetary(merged(s)) FROM large;
SELECT monetary(merged(s)) FROM (SELECT s FROM large LIMIT 2) x;
CREATE AGGREGATE merged_state(customer_scoring_internal.clv_orders) (SFUNC = customer_scoring_internal.clv_combine, STYPE = customer_scoring_internal.clv_orders);
SELECT merged_state(s) AS carries, merged_state(s)::text::customer_scoring_internal.clv_orders::text = merged_state(s)::text AS reads_back FROM (SELECT s FROM large LIMIT 2) x;
SELECT monetary(merged(s)) FROM (SELECT merged_state(s)::text::customer_scoring_internal.clv_orders s FROM (SELECT s FROM large LIMIT 2) x UNION ALL (SELECT s FROM large OFFSET 2)) y;

-- a million orders of one customer on a thousand days
SELECT clv_summary('2020-01-01'::timestamptz + (i * 7919 % 1000) * interval '1 day' + i * interval '1 microsecond', 0.1, '2024-01-01', 'UTC') AS whole
FROM generate_series(1::bigint, 1000000) i;
SELECT length(part('2020-01-01'::timestamptz + (i * 7919 % 1000) * interval '1 day', 0.1, '2024-01-01', 'UTC', '1 day')::text) < 40000 AS small FROM generate_series(1, 100000) i;

-- a running window shows the state again and again without changing it; so does a moving one
CREATE TEMP TABLE numbered AS SELECT row_number() OVER (ORDER BY ctid) i, t, a FROM orders LIMIT 300;
SELECT count(*) FILTER (WHERE running IS DISTINCT FROM fresh) AS different, count(DISTINCT running) > 20 AS enough FROM (
	SELECT (clv_summary(t, a, '2024-03-01', 'UTC') OVER (ORDER BY i))::text running,
	       (SELECT clv_summary(q.t, q.a, '2024-03-01', 'UTC') FROM numbered q WHERE q.i <= p.i)::text fresh FROM numbered p) x;
SELECT count(*) FILTER (WHERE moving IS DISTINCT FROM fresh) AS different, count(DISTINCT moving) > 20 AS enough FROM (
	SELECT (clv_summary(t, a, '2024-03-01', 'UTC') OVER (ORDER BY i ROWS BETWEEN 5 PRECEDING AND 5 FOLLOWING))::text moving,
	       (SELECT clv_summary(q.t, q.a, '2024-03-01', 'UTC') FROM numbered q WHERE q.i BETWEEN p.i - 5 AND p.i + 5)::text fresh FROM numbered p) x;

-- the same bytes whatever the plan
CREATE TABLE plan_orders (customer int, t timestamptz, a numeric) PARTITION BY HASH (customer);
CREATE TABLE plan_orders_0 PARTITION OF plan_orders FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE plan_orders_1 PARTITION OF plan_orders FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO plan_orders SELECT (random() * random() * 500)::int, t, a FROM orders;
ANALYZE plan_orders;
\set whole 'SELECT md5(string_agg(customer || s, \'|\' ORDER BY customer)) AS whole FROM (SELECT customer, concat(encode(customer_scoring_internal.clv_summary_send(clv_summary(t, a, \'2010-01-01\', \'Asia/Jakarta\')), \'hex\'), clv_holdout(t, a, \'2005-01-01\', \'2010-01-01\', \'Asia/Jakarta\', \'1 month\')) AS s FROM plan_orders GROUP BY customer) x'
CREATE FUNCTION plan_kind() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	kinds text[] := '{}';
	kind text;
BEGIN
	FOR line IN EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF)
		SELECT customer, clv_summary(t, a, '2010-01-01', 'Asia/Jakarta') FROM plan_orders GROUP BY customer
	LOOP
		kind := CASE WHEN line ~ 'Partial HashAggregate' THEN 'partial hash' WHEN line ~ 'HashAggregate' THEN 'hash'
			WHEN line ~ 'Partial GroupAggregate' THEN 'partial sort' WHEN line ~ 'GroupAggregate' THEN 'sort'
			WHEN line ~ 'Workers Launched: [1-9]' THEN 'parallel' WHEN line ~ 'Disk Usage|external' THEN 'spilled' END;
		IF kind IS NOT NULL AND NOT kind = ANY (kinds) THEN kinds := kinds || kind; END IF;
	END LOOP;
	RETURN array_to_string(kinds, ', ');
END
$$;
SET max_parallel_workers_per_gather = 0;
CREATE TEMP TABLE answer AS :whole;
SET enable_sort = off;
SELECT plan_kind();
:whole \gset got_
SELECT :'got_whole' = whole AS same FROM answer;
SET work_mem = '64kB'; SET hash_mem_multiplier = 1;
SELECT plan_kind();
:whole \gset got_
SELECT :'got_whole' = whole AS same FROM answer;
RESET work_mem; RESET hash_mem_multiplier; RESET enable_sort; SET enable_hashagg = off;
SELECT plan_kind();
:whole \gset got_
SELECT :'got_whole' = whole AS same FROM answer;
RESET enable_hashagg; SET enable_sort = off;
SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
SELECT plan_kind();
:whole \gset got_
SELECT :'got_whole' = whole AS same FROM answer;
SET parallel_leader_participation = off;
SELECT plan_kind();
:whole \gset got_
SELECT :'got_whole' = whole AS same FROM answer;
RESET parallel_leader_participation;
SET enable_partitionwise_aggregate = on;
SELECT plan_kind();
:whole \gset got_
SELECT :'got_whole' = whole AS same FROM answer;
EXPLAIN (COSTS OFF) SELECT clv_summary(t, a, '2010-01-01', 'Asia/Jakarta') FROM plan_orders_0;
RESET ALL;
SET search_path = public, customer_scoring;
SET timezone = 'UTC';

-- figures from elsewhere: what is refused says why, once, for the constructor, for checks and for both forms
CREATE TEMP TABLE figures (frequency bigint, recency float8, age float8, monetary float8);
INSERT INTO figures VALUES (2, 30.43, 38.86, 22.35), (0, 0, 38.86, NULL), (0, 0, 0, 0), (0, -0.0, 5, -0.0), (1, 5, 5, -3.5), (1, 5, 5, 0), (2147483647, 5, 5, 1),
	(2147483648, 5, 5, 1), (-1, 5, 5, 1), (1, 'NaN', 5, 1), (1, 'Infinity', 5, 1), (1, 5, 'NaN', 1), (1, 5, 'Infinity', 1), (1, 5, 5, 'NaN'), (1, 5, 5, '-Infinity'), (0, 0, 5, 'NaN'),
	(1, -1, 5, 1), (0, 0, -1, NULL), (1, -3, -1, 1), (1, 6, 5, 1), (0, 3, 5, NULL), (1, 0, 5, 1), (0, 0, 5, 7), (1, 3, 5, NULL),
	(NULL, 3, 5, 1), (1, NULL, 5, 1), (1, 3, NULL, 1), (NULL, NULL, NULL, NULL);
SELECT *, check_clv_summary(frequency, recency, age, monetary) AS reason,
       pg_temp.outcome(format('clv_summary(%L::bigint, %L::float8, %L::float8, %L::float8)', frequency, recency, age, monetary)) AS outcome FROM figures;
SELECT check_clv_summary(frequency, recency, age, monetary) AS reason, count(*) FROM figures GROUP BY 1 ORDER BY 1;
SELECT count(*) AS taken, count(clv_summary(frequency, recency, age, monetary)) AS summaries FROM figures WHERE check_clv_summary(frequency, recency, age, monetary) IS NULL;
SELECT clv_summary(2, 40, 38.86, 22.35);
SELECT unit, pg_temp.outcome(format('clv_summary(2, 3, 5, 22.35, %L::interval)', unit)) AS outcome, pg_temp.outcome(format('unit(clv_summary(2, 3, 5, 22.35, %L::interval))', unit)) AS unit
FROM unnest(ARRAY['1 day', '7 days', '1 month', '1 year', '1 month -1 day', '36:00', '0', '-1 day', '200000 years', '178000000 years', NULL]) WITH ORDINALITY u(unit, i) ORDER BY i;
-- zero has one sign, and every value reads back to the same bits
SELECT customer_scoring_internal.clv_summary_send(clv_summary(0, '-0', '-0', NULL)) = customer_scoring_internal.clv_summary_send(clv_summary(0, 0, 0, NULL)) AS same,
       clv_summary(1, 3, 5, '-0');
CREATE TABLE kept AS SELECT i, clv_summary(n, CASE WHEN n > 0 THEN r END, r * (1 + random()), m, random() * interval '1 day' + interval '1 microsecond') s
FROM (SELECT i, (random() * 3)::int + 1 n, exp(random() * 60 - 30) r, (random() - 0.3) * exp(random() * 40) m FROM generate_series(1, 2000) i) x;
\set file :abs_builddir '/results/clv_summary.bin'
COPY kept TO :'file' (FORMAT binary);
CREATE TABLE kept_back (LIKE kept);
COPY kept_back FROM :'file' (FORMAT binary);
SELECT count(*), count(*) FILTER (WHERE customer_scoring_internal.clv_summary_send(k.s) <> customer_scoring_internal.clv_summary_send(k.s::text::clv_summary)) AS by_text,
       count(*) FILTER (WHERE customer_scoring_internal.clv_summary_send(k.s) <> customer_scoring_internal.clv_summary_send(b.s)) AS by_bytes FROM kept k JOIN kept_back b USING (i);

-- bad text
CREATE FUNCTION pg_temp.reads(type text, value text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	detail text;
BEGIN
	EXECUTE format('SELECT (%L::%s)::text', value, type) INTO result;
	RETURN result;
EXCEPTION WHEN others THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN SQLSTATE || ' ' || SQLERRM || ': ' || detail;
END $$;
SELECT value, pg_temp.reads('clv_summary', value) AS reads FROM unnest(ARRAY[
	'{"v":1,"unit":"P1D","frequency":2,"recency":3,"age":5,"monetary":1}', '{"age":5,"v":1,"monetary":1.0,"unit":"1 day","frequency":2,"recency":3e0}',
	'{"v":2,"unit":"P1D","frequency":2,"recency":3,"age":5,"monetary":1}', '{"v":1,"unit":"P1D","frequency":2,"recency":3,"age":5,"monetary":1,"x":1}', '{"v":1,"unit":"P1D","frequency":2,"recency":3,"age":5}',
	'{"v":1,"unit":"P1D","frequency":2,"recency":3,"monetary":1}', '{"v":1,"unit":"P1D","frequency":0,"recency":0,"age":5,"monetary":0}', '{"v":1,"unit":"P1D","frequency":-2,"recency":3,"age":5,"monetary":1}',
	'{"v":1,"unit":"P1D","frequency":2.5,"recency":3,"age":5,"monetary":1}', '{"v":1,"unit":"P1D","frequency":3000000000,"recency":3,"age":5,"monetary":1}', '{"v":1,"unit":"P1D","frequency":2,"recency":NaN,"age":5,"monetary":1}',
	'{"v":1,"unit":"P1D","frequency":2,"recency":3,"age":1e400,"monetary":1}', '{"v":1,"unit":"P1D","frequency":2,"recency":6,"age":5,"monetary":1}', '{"v":1,"unit":"PT0S","frequency":2,"recency":3,"age":5,"monetary":1}',
	'{"v":1,"unit":"P1M","frequency":2,"recency":3,"age":5,"monetary":1}', '{"v":1,"unit":"-P1D","frequency":2,"recency":3,"age":5,"monetary":1}', '{"v":1,"unit":"P200000000D","frequency":2,"recency":3,"age":5,"monetary":1}',
	'{"v":1,"unit":1,"frequency":2,"recency":3,"age":5,"monetary":1}', '[]', '']) WITH ORDINALITY t(value, i) ORDER BY i;
SELECT value, pg_temp.reads('customer_scoring_internal.clv_orders', format('{"v":1,"unit":"P1D","time_zone":"UTC","as_of":"2024-03-01T00:00:00+00:00",%s}', value)) AS reads FROM unnest(ARRAY[
	'"periods":[2460311,2460312],"kinds":[1,0],"amounts":[5.50,-1]', '"periods":[],"kinds":[],"amounts":[]', '"periods":[2460312,2460311],"kinds":[1,1],"amounts":[5,1]', '"periods":[2460312,2460312],"kinds":[1,1],"amounts":[5,1]',
	'"periods":[2460312],"kinds":[1,1],"amounts":[5]', '"periods":[2460312],"kinds":[1],"amounts":[5,1]', '"periods":[2460312],"kinds":[2],"amounts":[5]', '"periods":[2460312],"kinds":[4],"amounts":[5]', '"periods":[2460312],"kinds":[0],"amounts":[5]',
	'"periods":[2460312],"kinds":[0],"amounts":[0]', '"periods":[2460999],"kinds":[1],"amounts":[5]', '"periods":[99999999999],"kinds":[1],"amounts":[5]', '"periods":[2460312],"kinds":[1],"amounts":[0.1234567890123]', '"periods":[2460312],"kinds":[1],"amounts":[1e40]',
	'"periods":[2460312],"kinds":[1],"amounts":["5"]', '"periods":[2460312],"kinds":[1],"amounts":[5],"carries":[40000]', '"periods":[2460312],"kinds":[1],"amounts":[5],"carries":[1,2]', '"periods":[2460312],"kinds":[1],"amounts":[5],"x":1',
	'"periods":[2460312],"kinds":[3],"amounts":[5],"calibration_end":"2024-02-01T00:00:00+00:00"', '"periods":[2460312,2460312],"kinds":[1,3],"amounts":[5,6],"calibration_end":"2024-02-01T00:00:00+00:00"',
	'"periods":[2460362],"kinds":[1],"amounts":[5],"calibration_end":"2024-02-01T00:00:00+00:00"', '"periods":[2460312],"kinds":[1],"amounts":[5],"calibration_end":"2024-04-01T00:00:00+00:00"', '"kinds":[1],"amounts":[5]']) WITH ORDINALITY t(value, i) ORDER BY i;
SELECT value, pg_temp.reads('customer_scoring_internal.clv_orders', format('{%s,"periods":[],"kinds":[],"amounts":[]}', value)) AS reads FROM unnest(ARRAY[
	'"v":1,"unit":"P1M","time_zone":"Asia/Jakarta","as_of":"2024-03-01T00:00:00+00:00"', '"v":1,"unit":"PT6H","time_zone":"UTC","as_of":"2024-03-01T00:00:00+00:00"', '"v":2,"unit":"P1D","time_zone":"UTC","as_of":"2024-03-01T00:00:00+00:00"',
	'"v":1,"unit":"PT5H","time_zone":"UTC","as_of":"2024-03-01T00:00:00+00:00"', '"v":1,"unit":"P1M1D","time_zone":"UTC","as_of":"2024-03-01T00:00:00+00:00"', '"v":1,"unit":"x","time_zone":"UTC","as_of":"2024-03-01T00:00:00+00:00"',
	'"v":1,"unit":"P1D","time_zone":"utc","as_of":"2024-03-01T00:00:00+00:00"', '"v":1,"unit":"P1D","time_zone":"Mars","as_of":"2024-03-01T00:00:00+00:00"', '"v":1,"unit":"P1D","time_zone":"UTC","as_of":"infinity"',
	'"v":1,"unit":"P1D","time_zone":"UTC","as_of":"2024-03-01"', '"v":1,"unit":"P1D","time_zone":"UTC"', '"v":1,"unit":"P1D","as_of":"2024-03-01T00:00:00+00:00"']) WITH ORDINALITY t(value, i) ORDER BY i;

-- bad bytes: every byte of a valid value changed, cut short and prolonged; whatever is accepted reads and writes like any other value
CREATE FUNCTION pg_temp.receive(type text, bytes bytea, file text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	good boolean;
BEGIN
	EXECUTE format('COPY (SELECT %L::bytea) TO %L (FORMAT binary)', bytes, file);
	EXECUTE format('CREATE TEMP TABLE received (s %s) ON COMMIT DROP', type);
	BEGIN
		EXECUTE format('COPY received FROM %L (FORMAT binary)', file);
	EXCEPTION WHEN others THEN
		DROP TABLE received;
		RETURN SQLSTATE;
	END;
	EXECUTE format('SELECT s::text::%s::text = s::text FROM received', type) INTO good;
	DROP TABLE received;
	RETURN CASE WHEN good THEN 'accepted' ELSE 'accepted, but does not read back' END;
END $$;
\set file :abs_builddir '/results/clv_summary_bad.bin'
CREATE TEMP TABLE good AS
SELECT 'clv_summary' AS type, customer_scoring_internal.clv_summary_send(clv_summary(2, 30.43, 38.86, 22.35)) AS bytes
UNION ALL SELECT 'clv_summary', customer_scoring_internal.clv_summary_send(clv_summary(0, 0, 38.86, NULL))
UNION ALL SELECT 'customer_scoring_internal.clv_orders', customer_scoring_internal.clv_orders_send(holdout_part(t, a, '2024-02-01', '2024-03-01', 'UTC', '1 day'))
FROM (VALUES ('2024-01-05'::timestamptz, 20.00), ('2024-01-06', -3), ('2024-02-01', 1e17), ('2024-02-05', 1)) v(t, a);
SELECT type, length(bytes), pg_temp.receive(type, bytes, :'file') AS whole, pg_temp.receive(type, '', :'file') AS empty, pg_temp.receive(type, substr(bytes, 1, length(bytes) - 1), :'file') AS short,
       pg_temp.receive(type, bytes || '\x00', :'file') AS long, pg_temp.receive(type, set_byte(bytes, 1, 2), :'file') AS version_2
FROM good;
SELECT type, outcome, count(*) > 0 AS some
FROM (SELECT type, pg_temp.receive(type, set_byte(bytes, i, get_byte(bytes, i) # x), :'file') AS outcome
      FROM good, generate_series(0, length(bytes) - 1) i, unnest(ARRAY[1, 128]) x) m
GROUP BY type, outcome ORDER BY type, outcome;

-- support functions are no functions for queries
SELECT customer_scoring_internal.clv_accum(NULL, now(), 1, now(), 'UTC');
SELECT customer_scoring_internal.clv_combine(s, s) FROM large LIMIT 1;
SELECT customer_scoring_internal.clv_summary_final(s) FROM large LIMIT 1;
SELECT customer_scoring_internal.clv_holdout_final(s) FROM large LIMIT 1;
-- a summary of the segment tables with the age that a model asks for
SELECT segment_clv_summary(s, '2024-03-01', '2024-02-20', 'UTC')
FROM (SELECT clv_summary(t::timestamptz, 10, '2024-03-01', 'UTC') s FROM (VALUES ('2024-01-05'), ('2024-02-01')) v(t)) x;
SELECT segment_clv_summary(clv_summary(1, 27, 56, 10), '2024-03-01', '2024-02-01 10:00', 'UTC');
SELECT segment_clv_summary(clv_summary(1, 27, 56, 10), '2024-03-01', '2024-01-31', 'UTC');
SELECT segment_clv_summary(clv_summary(0, 0, 1, NULL), '2024-03-01', '2024-02-20', 'UTC');
SELECT segment_clv_summary(clv_summary(1, 27, 56, 10), '2024-03-01', '2024-03-02', 'UTC');
SELECT segment_clv_summary(clv_summary(1, 27, 56, 10, '7 days'), '2024-03-01', '2024-02-29', 'UTC');
SELECT segment_clv_summary(clv_summary(1, 27, 56, 10), 'infinity', '2024-02-29', 'UTC');
SELECT segment_clv_summary(clv_summary(1, 27, 56, 10), '2024-03-01', '-infinity', 'UTC');
SELECT segment_clv_summary(clv_summary(1, 27, 56, 10), '2024-03-01', '2024-02-29', 'Mars/Olympus');
-- it equals the summary made as of that moment from the same orders
SELECT count(*) FILTER (WHERE made IS DISTINCT FROM moved) AS different, count(*) > 50 AS enough
FROM (SELECT customer, clv_summary(t, a, calibration_end, zone)::text made,
             segment_clv_summary(clv_summary(t, a, as_of, zone) FILTER (WHERE t <= calibration_end), as_of, calibration_end, zone)::text moved
      FROM orders JOIN cases USING (customer) GROUP BY customer, as_of, calibration_end, zone) x WHERE made IS NOT NULL;

-- every type of amount and of time: an answer or an error, never a silent loss
SELECT argument, pg_temp.outcome(format('(SELECT monetary(clv_summary(t, %s, ''2024-03-01'', ''UTC'')) FROM generate_series(timestamptz ''2024-01-01'', ''2024-01-02'', ''1 day'') t)', argument)) AS monetary,
       pg_temp.outcome(format('(SELECT (clv_holdout(t, %s, ''2024-01-01'', ''2024-03-01'', ''UTC'', ''7 days'')).monetary FROM generate_series(timestamptz ''2024-01-01'', ''2024-01-02'', ''1 day'') t)', argument)) AS holdout
FROM unnest(ARRAY['5::smallint', '5', '5::bigint', '5.60', '5.6::real', '5.6::float8', '0.1::float8 + 0.2::float8', '''5.60''', '''x''', 'NULL', 'date ''2024-01-01''', 'true', '5::money', '''5''::text'])
     WITH ORDINALITY a(argument, j) ORDER BY j;
SELECT call, argument, pg_temp.outcome(format(call, argument)) AS outcome
FROM unnest(ARRAY['age(clv_summary(%s, 5, timestamptz ''2024-03-01'', ''UTC''))', 'age(clv_summary(timestamptz ''2023-01-01'', 5, %s, ''UTC''))']) WITH ORDINALITY c(call, i),
     unnest(ARRAY['timestamptz ''2024-02-03''', 'timestamp ''2024-02-03''', 'date ''2024-02-03''', '''2024-02-03''', '''soon''', 'NULL', '''2024-02-03''::text', '20240203', 'time ''10:00'''])
     WITH ORDINALITY a(argument, j) ORDER BY i, j;
SELECT call, pg_temp.outcome(call) AS outcome FROM unnest(ARRAY[
	'clv_summary(2, 3, 5, 22.35)', 'clv_summary(2::smallint, 3::real, 5::numeric, 22)', 'clv_summary(2.0, 3, 5, 22.35)', 'clv_summary(2::float8, 3, 5, 22.35)', 'clv_summary(''2'', ''3'', ''5'', ''22.35'')',
	'clv_summary(0, 0, 5, NULL)', 'clv_summary(NULL, 0, 5, NULL)', 'clv_summary(NULL, NULL, NULL, NULL)', 'clv_summary(2, 3, 5, 22.35, ''7 days'')', 'clv_summary(2, 3, 5, 22.35, NULL)', 'clv_summary(2, 3, 5, 22.35, unit => ''1 month'')',
	'clv_summary(frequency => 2, recency => 3, age => 5, monetary => 22.35)', 'clv_summary(2, 3, 5)', 'clv_summary(timestamptz ''2024-01-01'', 5, timestamptz ''2024-03-01'')', 'clv_summary(timestamptz ''2024-01-01'', 5, 5, ''UTC'')',
	'clv_summary(timestamptz ''2024-01-01'', 5, ''2024-03-01'', ''UTC'', 7)', 'frequency(clv_summary(2, 3, 5, 1))', 'recency(clv_summary(2, 3, 5, 1))', 'age(clv_summary(2, 3, 5, 1))', 'monetary(clv_summary(0, 0, 5, NULL))', 'unit(clv_summary(2, 3, 5, 1))',
	'frequency(NULL)', 'recency(NULL)', 'age(NULL::clv_summary)', 'monetary(NULL)', 'unit(NULL)', 'age(timestamp ''2024-01-01'', timestamp ''2023-01-01'')', 'check_clv_summary(2, 3, 5, 1)', 'check_clv_summary(2, 6, 5, 1)', 'check_clv_summary(2.5, 6, 5, 1)',
	'check_clv_summary(NULL, NULL, NULL, NULL)', 'segment_clv_summary(NULL, now(), now(), ''UTC'')', 'segment_clv_summary(clv_summary(2, 3, 5, 1), date ''2024-01-01'', date ''2024-01-01'', ''UTC'')']) WITH ORDINALITY c(call, i) ORDER BY i;

-- days and hours of every zone, also where its rules changed, twice in a week in some: what the server shows
CREATE TEMP TABLE zones AS SELECT name AS zone FROM pg_timezone_names WHERE name !~ '^(posix|right)/' AND name NOT IN (SELECT abbrev FROM pg_timezone_abbrevs);
CREATE TEMP TABLE changes AS
SELECT zone, d FROM (SELECT zone FROM zones ORDER BY zone IN ('Africa/Tunis', 'Africa/Freetown', 'America/Argentina/Tucuman', 'America/Boa_Vista', 'America/Catamarca') DESC, random() LIMIT 15) z, generate_series('1850-01-01'::timestamptz, '2100-01-01', '1 day') d
WHERE ((d + interval '1 day') AT TIME ZONE zone) - (d AT TIME ZONE zone) <> '1 day';
CREATE TEMP TABLE moments AS
SELECT zone, d + random() * interval '1 day' AS m FROM changes, generate_series(1, 4)
UNION ALL SELECT zone, d + (random() * 96)::int * interval '15 minutes' + (random() * 2)::int * interval '1 microsecond' - interval '1 microsecond' FROM changes, generate_series(1, 4)
UNION ALL SELECT zone, '1850-01-01'::timestamptz + random() * interval '250 years' FROM zones, generate_series(1, 40)
UNION ALL SELECT zone, m FROM zones, unnest('{4713-01-02 BC, 0001-01-01, 1500-06-01 12:34, 2400-03-31 01:30, 9999-12-31, 200000-07-01}'::timestamptz[]) m;
SELECT count(DISTINCT zone) > 400 AS zones, count(*) > 30000 AS enough,
       count(*) FILTER (WHERE tenure_days(s, m, zone) <> (m AT TIME ZONE zone)::date - (first_order_at(s) AT TIME ZONE zone)::date) AS different_days
FROM moments, (SELECT '{"v":1,"orders":1,"refunds":0,"revenue":1,"first":"4713-01-02T00:00:00+00:00 BC","last":"4713-01-02T00:00:00+00:00 BC"}'::purchase_summary s) x;
SELECT count(*) > 30000 AS enough, count(*) FILTER (WHERE age <> floor(extract(epoch FROM (m + interval '3000 hours') AT TIME ZONE zone) / 900) - floor(extract(epoch FROM m AT TIME ZONE zone) / 900)) AS different_quarters
FROM (SELECT zone, m, age(clv_summary(m, 1, m + interval '3000 hours', zone, '15 minutes')) FROM moments WHERE m BETWEEN '1850-01-01' AND '2101-01-01' GROUP BY zone, m) x;

DROP VIEW ours, firsts, our_holdout, holdout_oracle;
DROP TABLE oracle, days, after, cases, orders, parts, parts_back, large, kept, kept_back, plan_orders;
DROP AGGREGATE merged(customer_scoring_internal.clv_orders), holdout_merged(customer_scoring_internal.clv_orders), merged_state(customer_scoring_internal.clv_orders);
DROP AGGREGATE part(timestamptz, numeric, timestamptz, text, interval), holdout_part(timestamptz, numeric, timestamptz, timestamptz, text, interval);
DROP FUNCTION period, plan_kind;

-- a row type that somebody altered is refused, not misread
BEGIN;
ALTER TYPE clv_holdout DROP ATTRIBUTE length;
SELECT clv_holdout('2024-01-05'::timestamptz, 1, '2024-02-01', '2024-03-01', 'UTC');
ROLLBACK;
