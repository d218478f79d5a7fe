-- sentiment_summary: counts and an exact sum of sentiments; mergeable, and the same bytes whatever the plan.
SET search_path = public, customer_scoring;

SELECT sentiment_summary(s) FROM (VALUES (0.5), (-0.25), (0.1), (-0.1), (0.0999), (0), (NULL), (1), (-1)) v(s);
SELECT comments(x), average_sentiment(x), positive(x), neutral(x), negative(x) FROM (SELECT sentiment_summary(s) x FROM (VALUES (0.5), (-0.25), (0.0)) v(s)) y;
SELECT sentiment_summary(sentiment(c)) FROM (VALUES ('bagus'), ('jelek sekali'), ('pesan dua'), (NULL)) v(c);
-- without comments: NULL, and NULL for a mean of none
SELECT sentiment_summary(s) IS NULL AS no_rows FROM (SELECT 1.0::float8 WHERE false) v(s);
SELECT sentiment_summary(NULL) IS NULL AS only_null;
SELECT comments(x), average_sentiment(x), positive(x) FROM (SELECT '{"v":1,"negative":0,"neutral":0,"positive":0,"sum":0}'::sentiment_summary x) y;
SELECT comments(NULL::sentiment_summary), average_sentiment(NULL::sentiment_summary), positive(NULL), neutral(NULL), negative(NULL);
-- other types are cast, and the buckets are those of one sentiment
SELECT sentiment_summary(1::numeric), sentiment_summary(1::bigint), sentiment_summary(0.5::real);
SELECT s, sentiment_bucket(s) FROM unnest('{-1,-0.1,-0.0999999999,-0,0,0.0999999999,0.1,1,NULL}'::float8[]) s;
-- how names resolve for arguments of every type: an answer or an error
CREATE FUNCTION pg_temp.outcome(expression text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE format('SELECT (%s)::text', expression) INTO result;
	RETURN coalesce(result, 'NULL');
EXCEPTION WHEN others THEN
	RETURN SQLSTATE;
END $$;
SELECT call, string_agg(argument || ' -> ' || pg_temp.outcome(format(call, argument)), ', ' ORDER BY j) AS outcomes
FROM unnest(ARRAY['sentiment_bucket(%s)', 'comments(sentiment_summary(%s))', 'comments(%s)', 'sentiment(%s)', 'cardinality(feedback_tokens(%s))', 'complaint_categories(%s)']) WITH ORDINALITY c(call, i),
     unnest(ARRAY['1::smallint', '0', '-1::bigint', '0.5', '0.5::real', '0.5::float8', '''0.5''', '''x''', '''bagus''::varchar', '''bagus''::name', 'NULL', 'true', 'date ''2024-01-01''', '5::money', '''[]''::jsonb'])
     WITH ORDINALITY a(argument, j) GROUP BY call, i ORDER BY i;
-- outside of the scale
SELECT sentiment_summary(1.0000001);
\echo :LAST_ERROR_SQLSTATE
SELECT sentiment_summary('NaN'::float8);
SELECT sentiment_summary('-Infinity'::float8);
SELECT sentiment_bucket('NaN');
\echo :LAST_ERROR_SQLSTATE
SELECT sentiment_bucket(-1.5);
-- each is rounded to a millionth, half to even
SELECT sentiment_summary(s) FROM (VALUES (0.0000005), (0.0000015), (0.0000004999), (-0.0000005)) v(s);

-- rollup, and counts that do not wrap
SELECT rollup(s) FROM (VALUES ('{"v":1,"negative":1,"neutral":2,"positive":3,"sum":1500000}'::sentiment_summary), (NULL), ('{"v":1,"negative":10,"neutral":20,"positive":30,"sum":-7}')) v(s);
SELECT rollup(s) IS NULL AS none FROM (SELECT NULL::sentiment_summary s) x;
WITH RECURSIVE doubled(i, s) AS (
	SELECT 0, sentiment_summary(-1) UNION ALL
	SELECT i + 1, (SELECT rollup(t) FROM (VALUES (s), (s)) v(t)) FROM doubled WHERE i < 43)
SELECT s, average_sentiment(s) FROM doubled WHERE i = 42;
SELECT rollup(s) FROM (VALUES ('{"v":1,"negative":9000000000000,"neutral":0,"positive":0,"sum":-9000000000000000000}'::sentiment_summary), ('{"v":1,"negative":0,"neutral":0,"positive":1,"sum":1000000}')) v(s);
\echo :LAST_ERROR_SQLSTATE
SELECT rollup(s) FROM (VALUES ('{"v":1,"negative":0,"neutral":0,"positive":1,"sum":1000000}'::sentiment_summary), ('{"v":1,"negative":9000000000000,"neutral":0,"positive":0,"sum":-9000000000000000000}')) v(s);
SELECT average_sentiment('{"v":1,"negative":9000000000000,"neutral":0,"positive":0,"sum":-9000000000000000000}');

-- texts that are no summary
\set VERBOSITY terse
SELECT '{"v":2,"negative":0,"neutral":0,"positive":0,"sum":0}'::sentiment_summary;
\echo :LAST_ERROR_SQLSTATE
SELECT '{"v":1,"negative":-1,"neutral":0,"positive":0,"sum":0}'::sentiment_summary;
SELECT '{"v":1,"negative":0,"neutral":0,"positive":1,"sum":1000001}'::sentiment_summary;
\echo :LAST_ERROR_SQLSTATE
SELECT '{"v":1,"negative":0,"neutral":0,"positive":1,"sum":99999}'::sentiment_summary;
SELECT '{"v":1,"negative":0,"neutral":1,"positive":0,"sum":100001}'::sentiment_summary;
SELECT '{"v":1,"negative":9223372036854775807,"neutral":1,"positive":0,"sum":0}'::sentiment_summary;
SELECT '{"v":1,"negative":3000000000000,"neutral":3000000000001,"positive":3000000000000,"sum":0}'::sentiment_summary;
SELECT '{"v":1,"negative":0,"neutral":0,"positive":0}'::sentiment_summary;
SELECT '{"v":1,"negative":0,"neutral":0,"positive":0,"sum":0,"more":1}'::sentiment_summary;
SELECT '{"v":1,"negative":0.5,"neutral":0,"positive":0,"sum":0}'::sentiment_summary;
SELECT ''::sentiment_summary;
SELECT '[]'::sentiment_summary;
\set VERBOSITY default

-- one row a comment, all in one way: split, merged, serialised, parallel, partition-wise, sorted, spilled
CREATE TABLE regress_cs_sentiments (p int, g int, many int, s double precision) PARTITION BY LIST (p);
CREATE TABLE regress_cs_sentiments_0 PARTITION OF regress_cs_sentiments FOR VALUES IN (0);
CREATE TABLE regress_cs_sentiments_1 PARTITION OF regress_cs_sentiments FOR VALUES IN (1);
CREATE TABLE regress_cs_sentiments_2 PARTITION OF regress_cs_sentiments FOR VALUES IN (2);
INSERT INTO regress_cs_sentiments SELECT random() * 2, random() * 20, random() * 600, CASE WHEN random() < 0.9 THEN sin(i) * random() END FROM generate_series(1, 20000) i;
ANALYZE regress_cs_sentiments;
-- the oracle, in exact numbers
SELECT count(*) AS groups, count(*) FILTER (WHERE x::text IS DISTINCT FROM format('{"v":1,"negative":%s,"neutral":%s,"positive":%s,"sum":%s}', negative, neutral, positive, sum)) AS wrong
FROM (SELECT g, sentiment_summary(s) x, count(*) FILTER (WHERE s <= -0.1) negative, count(*) FILTER (WHERE s > -0.1 AND s < 0.1) neutral, count(*) FILTER (WHERE s >= 0.1) positive,
	sum(round(s * 1e6)::bigint) sum FROM regress_cs_sentiments GROUP BY g) y;
-- split at random, serialised in text and binary, merged: the same as the whole
CREATE TEMP TABLE parts AS SELECT g, sentiment_summary(s)::text t, sentiment_summary(s) x FROM regress_cs_sentiments GROUP BY g, many;
SELECT count(*) AS groups, bool_and(w.x::text = m.x::text AND w.x::text = m.t::text) AS equal
FROM (SELECT g, sentiment_summary(s) x FROM regress_cs_sentiments GROUP BY g) w JOIN (SELECT g, rollup(x ORDER BY random()) x, rollup(t::sentiment_summary ORDER BY random()) t FROM parts GROUP BY g) m USING (g);
SELECT (SELECT rollup(x)::text FROM (SELECT rollup(x) x FROM parts GROUP BY g) y) = (SELECT sentiment_summary(s)::text FROM regress_cs_sentiments) AS rollup_of_rollups;
COPY parts (g, x) TO PROGRAM 'cat > /dev/null' (FORMAT binary);
SELECT count(*) > 5000 AS many, bool_and(x::text::sentiment_summary::text = x::text) AS equal FROM parts WHERE x IS NOT NULL;

CREATE FUNCTION pg_temp.bytes(settings jsonb, OUT bytes text, OUT plan text) LANGUAGE plpgsql AS $$
DECLARE
	setting record;
	line text;
	query CONSTANT text := 'SELECT md5(string_agg(x::text, ''|'' ORDER BY g)) FROM (SELECT g, sentiment_summary(s) x FROM regress_cs_sentiments GROUP BY g UNION ALL SELECT -1 - many, sentiment_summary(s) FROM regress_cs_sentiments GROUP BY many OFFSET 0) y';
BEGIN
	FOR setting IN SELECT * FROM jsonb_each_text('{"max_parallel_workers_per_gather": "0", "parallel_setup_cost": "0", "parallel_tuple_cost": "0", "min_parallel_table_scan_size": "0",
		"enable_hashagg": "on", "enable_sort": "on", "enable_partitionwise_aggregate": "off", "work_mem": "64MB"}'::jsonb || settings) LOOP
		PERFORM set_config(setting.key, setting.value, true);
	END LOOP;
	EXECUTE query INTO bytes;
	plan := '';
	FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
		plan := plan || line || E'\n';
	END LOOP;
END $$;
SELECT way, (b).bytes = first_value((b).bytes) OVER (ORDER BY n) AS equal, (b).plan ~ evidence AS evidence
FROM (SELECT *, pg_temp.bytes(settings) b FROM (VALUES
	(1, 'serial, hashed', '{"enable_sort": "off"}'::jsonb, '^(?!.*(Partial|Gather))'), (2, 'serial, sorted', '{"enable_hashagg": "off"}', '^(?!.*(Partial|Gather|Hash))'),
	(3, 'parallel', '{"max_parallel_workers_per_gather": "3"}', 'Finalize.*Workers Launched: [1-9].*Partial'),
	(4, 'partition-wise', '{"enable_partitionwise_aggregate": "on"}', 'Append.*Partial.*Partial'),
	(5, 'spilled', '{"work_mem": "64kB", "enable_sort": "off"}', 'Disk Usage: [1-9]')) v(n, way, settings, evidence) OFFSET 0) x ORDER BY n;
-- windows: the state stays when a value has been read from it
CREATE TEMP TABLE windowed AS SELECT row_number() OVER (ORDER BY many, s, p) AS n, s FROM regress_cs_sentiments WHERE g = 3;
SELECT count(*) > 100 AS many, count(*) FILTER (WHERE x::text IS DISTINCT FROM (SELECT sentiment_summary(v.s)::text FROM windowed v WHERE v.n <= w.n)) AS wrong
FROM (SELECT n, sentiment_summary(s) OVER (ORDER BY n) x FROM windowed) w;
DROP TABLE regress_cs_sentiments;

-- bytes that are no summary
CREATE TEMP TABLE got (s sentiment_summary);
\getenv abs_builddir PG_ABS_BUILDDIR
\set bad :abs_builddir '/results/sentiment_summary_bad.bin'
CREATE FUNCTION pg_temp.try_bytes(file text, field bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	lob oid := lo_from_bytea(0, '\x5047434f50590aff0d0a00'::bytea || '\x0000000000000000'::bytea || int2send(1::int2) ||
	                            int4send(length(field)) || field || '\xffff'::bytea);
BEGIN
	PERFORM lo_export(lob, file), lo_unlink(lob);
	EXECUTE format('COPY got FROM %L (FORMAT binary)', file);
	RETURN 'taken';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ': ' || SQLERRM;
END $$;
SELECT what, pg_temp.try_bytes(:'bad', b) FROM (SELECT what, customer_scoring_internal.sentiment_summary_send('{"v":1,"negative":1,"neutral":1,"positive":1,"sum":0}') AS g, how FROM (VALUES ('whole', 0), ('short', 1), ('long', 2), ('version', 3), ('negative count', 4), ('sum', 5)) v(what, how)) x,
	LATERAL (SELECT CASE how WHEN 0 THEN g WHEN 1 THEN substr(g, 1, 33) WHEN 2 THEN g || '\x00' WHEN 3 THEN set_byte(g, 1, 2) WHEN 4 THEN set_byte(g, 2, 255) ELSE set_byte(g, 27, 1) END b) y;
SELECT s FROM got;
-- support functions are no functions for queries
SELECT customer_scoring_internal.sentiment_accum(s, 0.5) FROM got;
SELECT customer_scoring_internal.sentiment_accum(NULL, 0.5);
SELECT customer_scoring_internal.sentiment_accum(NULL, NULL);
SELECT customer_scoring_internal.sentiment_combine(s, s) FROM got;
SELECT customer_scoring_internal.sentiment_combine(NULL, NULL);
