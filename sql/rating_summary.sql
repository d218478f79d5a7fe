-- rating_summary: counts per answer, mergeable, and strict about what it takes in.
SET search_path = public, customer_scoring;

-- counts of each answer, and the scale; NULL is no answer
SELECT rating_summary(a, 0, 10) FROM (VALUES (0), (10), (10), (NULL), (7)) v(a);
SELECT rating_summary(a, -2, 2) FROM (VALUES (-2), (0), (2)) v(a);
SELECT rating_summary(a, 2147483640, 2147483647) FROM (VALUES (2147483647), (2147483640)) v(a);
SELECT rating_summary(a, -2147483648, -2147483640) FROM (VALUES (-2147483648), (-2147483640)) v(a);
SELECT responses(rating_summary(a, 0, 100)), average(rating_summary(a, 0, 100)) FROM generate_series(0, 100) a;
SELECT responses(s), average(s) FROM (SELECT rating_summary(a, 1, 5) s FROM (VALUES (1), (2), (2)) v(a)) x;

-- no answers: NULL from the aggregate, NULL scores from an empty summary
SELECT rating_summary(a, 0, 10) IS NULL AS no_rows FROM (SELECT 1 WHERE false) v(a);
SELECT rating_summary(a, 0, 10) IS NULL AS only_nulls FROM (VALUES (NULL::int), (NULL)) v(a);
SELECT responses(s), average(s) FROM (SELECT '{"v":1,"lowest":1,"highest":5,"counts":[0,0,0,0,0]}'::rating_summary s) x;
SELECT responses(NULL::rating_summary), average(NULL::rating_summary);

-- the scale is two numbers, the lower first, at most 101 answers apart, and never NULL where there is an answer
SELECT rating_summary(1, 5, 1);
\echo :LAST_ERROR_SQLSTATE
SELECT rating_summary(1, 1, 1);
\echo :LAST_ERROR_SQLSTATE
SELECT rating_summary(1, 0, 101);
SELECT rating_summary(1, -2147483648, 2147483647);
SELECT rating_summary(1, NULL, 5);
\echo :LAST_ERROR_SQLSTATE
SELECT rating_summary(1, 1, NULL);
SELECT rating_summary(NULL::int, NULL, NULL) IS NULL AS no_answer_no_scale;

-- answers outside the scale or not whole are errors, never clamped
SELECT rating_summary(11, 0, 10);
\echo :LAST_ERROR_SQLSTATE
SELECT rating_summary(7.5, 0, 10);
\echo :LAST_ERROR_SQLSTATE
SELECT rating_summary(-1, 0, 10);
SELECT rating_summary(0::smallint, 1, 5);
SELECT rating_summary(9223372036854775807, 0, 10);
SELECT rating_summary(-9223372036854775808, 0, 10);
SELECT rating_summary(-9223372036854775808, 1, 10);
SELECT rating_summary(4294967296, 0, 10);
SELECT rating_summary(-0.000000000001, 0, 10);
SELECT rating_summary(10.0000000000001, 0, 10);
SELECT rating_summary(10.5, 0, 10);
SELECT rating_summary(99999999999999999999999999999999999999999999::numeric, 0, 10);
SELECT rating_summary(-10000000.0, 0, 10);
SELECT rating_summary('NaN'::numeric, 0, 10);
SELECT rating_summary('Infinity'::numeric, 0, 10);
SELECT rating_summary('-Infinity'::numeric, 0, 10);
SELECT rating_summary(a, 0, 10) FROM (VALUES (7.0), (7.000000000000000000000), (-0.0), (10), (round(7, 1500))) v(a);
SELECT rating_summary(a, 2147483600, 2147483647) IS NOT NULL AS large FROM (VALUES (2147483647.0)) v(a);
-- … also when the number is stored with a short header
CREATE TEMP TABLE stored (a numeric);
INSERT INTO stored VALUES (7.0), (10), (0), (NULL), (3);
SELECT rating_summary(a, 0, 10) FROM stored;
INSERT INTO stored VALUES ('NaN');
SELECT rating_summary(a, 0, 10) FROM stored;
UPDATE stored SET a = 2.25 WHERE a = 'NaN';
SELECT rating_summary(a, 0, 10) FROM stored;

-- scales cannot be mixed, in rows and in rollup
SELECT rating_summary(1, lowest, 5) FROM (VALUES (0), (1)) v(lowest);
\echo :LAST_ERROR_SQLSTATE
SELECT rating_summary(1, 1, highest) FROM (VALUES (5), (7)) v(highest);
SELECT rating_summary(1, lowest, 5) FROM (VALUES (1), (NULL)) v(lowest);
SELECT rating_summary(a, lowest, 5) FROM (VALUES (1, 1), (NULL, 0), (2, 1), (NULL, NULL)) v(a, lowest);
SELECT rollup(s) FROM (SELECT rating_summary(1, 1, 5) s UNION ALL SELECT rating_summary(1, 1, 7)) x;
SELECT rollup(s) FROM (VALUES ('{"v":1,"lowest":1,"highest":3,"counts":[1,2,3]}'::rating_summary), ('{"v":1,"lowest":1,"highest":3,"top_from":3,"counts":[1,2,3]}')) x(s);
SELECT rollup(s) FROM (VALUES ('{"v":1,"lowest":1,"highest":3,"top_from":2,"counts":[1,2,3]}'::rating_summary), ('{"v":1,"lowest":1,"highest":3,"top_from":3,"counts":[1,2,3]}')) x(s);
SELECT rollup(s) FROM (VALUES ('{"v":1,"lowest":1,"highest":3,"top_from":2,"counts":[1,2,3]}'::rating_summary), (NULL), ('{"v":1,"lowest":1,"highest":3,"top_from":2,"counts":[10,20,30]}')) x(s);
SELECT rollup(s) IS NULL AS none FROM (SELECT NULL::rating_summary s) x;

-- counts do not wrap: neither one answer's nor their total
SELECT rollup(s) FROM (VALUES ('{"v":1,"lowest":0,"highest":1,"counts":[9223372036854775807,0]}'::rating_summary), ('{"v":1,"lowest":0,"highest":1,"counts":[1,0]}')) x(s);
\echo :LAST_ERROR_SQLSTATE
SELECT responses('{"v":1,"lowest":0,"highest":1,"counts":[9223372036854775807,1]}');
SELECT average('{"v":1,"lowest":0,"highest":1,"counts":[9223372036854775807,1]}');
-- … at the very end of the integers
SELECT responses(s), average(s) FROM (SELECT '{"v":1,"lowest":2147483646,"highest":2147483647,"counts":[0,9223372036854775807]}'::rating_summary s) x;
-- … far beyond 32 bits
WITH RECURSIVE doubled(i, s) AS (
	SELECT 0, rating_summary(1, 0, 1) UNION ALL
	SELECT i + 1, (SELECT rollup(t) FROM (VALUES (s), (s)) v(t)) FROM doubled WHERE i < 40)
SELECT s FROM doubled WHERE i = 40;

-- text and binary round trips, of the longest scale and of a cut too
CREATE TEMP TABLE kept AS
SELECT g, rating_summary(a, 0, h) s FROM (
	SELECT i % 100 g, (random() * (i % 100 + 1))::int a, i % 100 + 1 h FROM generate_series(1, 5000) i) x GROUP BY g, h;
INSERT INTO kept VALUES (1000, '{"v":1,"lowest":-3,"highest":-1,"top_from":-2,"counts":[0,9223372036854775807,5]}');
SELECT s FROM kept WHERE g = 1000;
SELECT count(*), count(*) FILTER (WHERE s::text::rating_summary::text IS DISTINCT FROM s::text) AS different FROM kept;
\getenv abs_builddir PG_ABS_BUILDDIR
\set file :abs_builddir '/results/rating_summary.bin'
COPY kept TO :'file' (FORMAT binary);
CREATE TEMP TABLE back (g int, s rating_summary);
COPY back FROM :'file' (FORMAT binary);
SELECT count(*), count(*) FILTER (WHERE k.s::text IS DISTINCT FROM b.s::text) AS different FROM kept k FULL JOIN back b USING (g);

-- … stored as it is, never compressed or with a short header
SELECT count(*) FILTER (WHERE pg_column_size(s) <> 16 + 8 * (g + 2)) AS other_size FROM kept WHERE g < 100;

-- merging: any split of the answers gives the whole, in any order, through text and through binary
CREATE TEMP TABLE answers AS
SELECT i, i % 50 AS customer, nullif((random() * 12)::int, 12) % 11 AS a FROM generate_series(1, 5000) i;
CREATE TEMP TABLE whole AS SELECT customer, rating_summary(a, 0, 10) s FROM answers GROUP BY customer;
SELECT count(*) AS customers, bool_and(w.s::text = m.s::text) AS equal FROM whole w
	JOIN (SELECT customer, rollup(part::text::rating_summary ORDER BY random()) s
	      FROM (SELECT customer, rating_summary(a, 0, 10) part FROM answers GROUP BY customer, (random() * 5)::int) p
	      GROUP BY customer) m USING (customer);
CREATE TEMP TABLE part AS SELECT customer, rating_summary(a, 0, 10) s FROM answers GROUP BY customer, (random() * 5)::int;
COPY part TO :'file' (FORMAT binary);
TRUNCATE part;
COPY part FROM :'file' (FORMAT binary);
SELECT count(*) AS customers, bool_and(w.s::text = m.s::text) AS equal FROM whole w
	JOIN (SELECT customer, rollup(s ORDER BY random()) s FROM part GROUP BY customer) m USING (customer);
SELECT rollup(s)::text = (SELECT rating_summary(a, 0, 10)::text FROM answers) AS whole_table FROM whole;
-- … counted by plain SQL
SELECT bool_and(s::text = '{"v":1,"lowest":0,"highest":10,"counts":[' || counts || ']}') AS equal
FROM whole JOIN (SELECT customer, string_agg(n::text, ',' ORDER BY a) counts
                 FROM (SELECT customer, g.a, count(x.a) n FROM generate_series(0, 49) customer
                       CROSS JOIN generate_series(0, 10) g(a) LEFT JOIN answers x USING (customer, a) GROUP BY 1, 2) c
                 GROUP BY customer) o USING (customer);

-- a running window shows the state again and again without changing it
SELECT bool_and(running IS NOT DISTINCT FROM fresh) FROM (
	SELECT (rating_summary(a, 0, 10) OVER (ORDER BY i))::text running,
	       (SELECT rating_summary(q.a, 0, 10) FROM answers q WHERE q.i <= p.i)::text fresh
	FROM answers p WHERE i <= 200) x;
SELECT bool_and(running IS NOT DISTINCT FROM fresh) FROM (
	SELECT (rollup(s) OVER (ORDER BY customer))::text running,
	       (SELECT rollup(q.s) FROM whole q WHERE q.customer <= p.customer)::text fresh
	FROM whole p) x;

-- summaries live in arrays, rows and domains, and an aggregate never changes what it reads
CREATE DOMAIN regress_cs_five AS rating_summary CHECK (responses(VALUE) >= 0);
CREATE TYPE regress_cs_pair AS (n int, s rating_summary);
CREATE TEMP TABLE nested (n smallint, d regress_cs_five, both_of rating_summary[], pair regress_cs_pair);
INSERT INTO nested SELECT 1, s, ARRAY[s, s], ROW(2, s)::regress_cs_pair FROM (SELECT rating_summary(a, 1, 3) s FROM generate_series(1, 3) a) x;
SELECT rollup(s)::text FROM nested, unnest(both_of || d::rating_summary || (pair).s) s;
SELECT d, both_of[2], (pair).s FROM nested;
DROP TABLE nested;
DROP TYPE regress_cs_pair;
DROP DOMAIN regress_cs_five;

-- bad input
SELECT '{"v":2,"lowest":0,"highest":1,"counts":[0,0]}'::rating_summary;
SELECT '{"lowest":0,"highest":1,"counts":[0,0]}'::rating_summary;
SELECT '{"v":1,"lowest":0,"highest":1}'::rating_summary;
SELECT '{"v":1,"lowest":0,"highest":1,"counts":[0,0],"extra":1}'::rating_summary;
SELECT '{"v":1,"lowest":0,"highest":1,"counts":[0]}'::rating_summary;
SELECT '{"v":1,"lowest":0,"highest":1,"counts":[0,0,0]}'::rating_summary;
SELECT '{"v":1,"lowest":0,"highest":1,"counts":[0,-1]}'::rating_summary;
SELECT '{"v":1,"lowest":0,"highest":1,"counts":[0,1.5]}'::rating_summary;
SELECT '{"v":1,"lowest":0,"highest":1,"counts":[0,"1"]}'::rating_summary;
SELECT '{"v":1,"lowest":0,"highest":1,"counts":[0,9223372036854775808]}'::rating_summary;
SELECT '{"v":1,"lowest":0,"highest":1,"counts":"0,0"}'::rating_summary;
SELECT '{"v":1,"lowest":0,"highest":1,"counts":{"0":0}}'::rating_summary;
SELECT '{"v":1,"lowest":1,"highest":0,"counts":[]}'::rating_summary;
SELECT '{"v":1,"lowest":0,"highest":0,"counts":[0]}'::rating_summary;
SELECT '{"v":1,"lowest":0,"highest":101,"counts":[]}'::rating_summary;
SELECT '{"v":1,"lowest":-2147483648,"highest":2147483647,"counts":[]}'::rating_summary;
SELECT '{"v":1,"lowest":-2147483649,"highest":0,"counts":[]}'::rating_summary;
SELECT '{"v":1,"lowest":0,"highest":2,"top_from":0,"counts":[0,0,0]}'::rating_summary;
SELECT '{"v":1,"lowest":0,"highest":2,"top_from":3,"counts":[0,0,0]}'::rating_summary;
SELECT '[1]'::rating_summary;
SELECT ''::rating_summary;

-- bad binary values: a file is a header, one row of one field, and an end mark
\set bad :abs_builddir '/results/rating_summary_bad.bin'
CREATE TEMP TABLE got (s rating_summary);
CREATE FUNCTION pg_temp.write_binary(file text, field bytea) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	lob oid := lo_from_bytea(0, '\x5047434f50590aff0d0a00'::bytea || '\x0000000000000000'::bytea || int2send(1::int2) ||
	                            int4send(length(field)) || field || '\xffff'::bytea);
BEGIN
	PERFORM lo_export(lob, file), lo_unlink(lob);
END $$;
CREATE FUNCTION pg_temp.field(v int, top int, lowest int, highest int, VARIADIC counts bigint[]) RETURNS bytea LANGUAGE sql AS
	$$SELECT int2send(v::int2) || int2send(top::int2) || int4send(lowest) || int4send(highest) ||
	         string_agg(int8send(c), ''::bytea ORDER BY o) FROM unnest(counts) WITH ORDINALITY u(c, o)$$;
SELECT pg_temp.write_binary(:'bad', pg_temp.field(1, 1, 0, 1, 3, 4)) \g /dev/null
COPY got FROM :'bad' (FORMAT binary);
SELECT * FROM got;
\set VERBOSITY terse
SELECT pg_temp.write_binary(:'bad', pg_temp.field(2, 0, 0, 1, 3, 4)) \g /dev/null
COPY got FROM :'bad' (FORMAT binary);
SELECT pg_temp.write_binary(:'bad', pg_temp.field(1, 2, 0, 1, 3, 4)) \g /dev/null
COPY got FROM :'bad' (FORMAT binary);
SELECT pg_temp.write_binary(:'bad', pg_temp.field(1, -1, 0, 1, 3, 4)) \g /dev/null
COPY got FROM :'bad' (FORMAT binary);
SELECT pg_temp.write_binary(:'bad', pg_temp.field(1, 0, 1, 0, 3, 4)) \g /dev/null
COPY got FROM :'bad' (FORMAT binary);
SELECT pg_temp.write_binary(:'bad', pg_temp.field(1, 0, -2147483648, 2147483647, 3, 4)) \g /dev/null
COPY got FROM :'bad' (FORMAT binary);
SELECT pg_temp.write_binary(:'bad', pg_temp.field(1, 0, 0, 1, 3, -4)) \g /dev/null
COPY got FROM :'bad' (FORMAT binary);
SELECT pg_temp.write_binary(:'bad', pg_temp.field(1, 0, 0, 1, 3)) \g /dev/null
COPY got FROM :'bad' (FORMAT binary);
SELECT pg_temp.write_binary(:'bad', pg_temp.field(1, 0, 0, 1, 3, 4, 5)) \g /dev/null
COPY got FROM :'bad' (FORMAT binary);
SELECT pg_temp.write_binary(:'bad', '\x0001') \g /dev/null
COPY got FROM :'bad' (FORMAT binary);
\set VERBOSITY default
SELECT count(*) FROM got;

-- support functions are no functions for queries
SELECT customer_scoring_internal.rating_count(s, 1) FROM got;
SELECT customer_scoring_internal.rating_count(s, 1::smallint) FROM got;
SELECT customer_scoring_internal.rating_count(s, 1::bigint) FROM got;
SELECT customer_scoring_internal.rating_count(s, 1::numeric) FROM got;
SELECT customer_scoring_internal.rating_uncount(s, 1) FROM got;
SELECT customer_scoring_internal.rating_accum(s, 1, 0, 1) FROM got;
SELECT customer_scoring_internal.rating_accum(NULL, NULL::numeric, 0, 1);
SELECT customer_scoring_internal.csat_accum(NULL, 1, 5, 4);
SELECT customer_scoring_internal.rating_combine(s, s) FROM got;
SELECT customer_scoring_internal.rating_combine(s, NULL) FROM got;
