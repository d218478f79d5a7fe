-- Survey scores: NPS, CSAT, CES, how sure they are, and what they refuse.
SET search_path = public, customer_scoring;

-- published values: 0 to 10 once each is -45.45 ± 46.21
SELECT round(nps(a)::numeric, 2) FROM generate_series(0, 10) a;
SELECT responses(s), promoters(s), passives(s), detractors(s), round(nps(s)::numeric, 2) AS nps,
       round(nps_margin(s)::numeric, 2) AS margin, round(nps_margin(s, 0.99)::numeric, 2) AS margin_99, average(s)
FROM (SELECT rating_summary(a, 0, 10) s FROM generate_series(0, 10) a) x;
-- … 42, 32, 10, 9, 14 answers from best to worst are 69.16
CREATE TEMP TABLE boxes AS SELECT a FROM (VALUES (5, 42), (4, 32), (3, 10), (2, 9), (1, 14)) v(a, n), generate_series(1, n);
SELECT round(csat(a)::numeric, 2) AS csat, round(csat(a, 5, 4)::numeric, 2) AS same, round(csat(a, 5, 5)::numeric, 2) AS top FROM boxes;
SELECT round(csat(s)::numeric, 2) AS csat, round(csat(s, 4)::numeric, 2) AS same, round(csat(s, 5)::numeric, 2) AS top,
       round(lower::numeric, 2) AS lower, round(upper::numeric, 2) AS upper
FROM (SELECT rating_summary(a, 1, 5) s FROM boxes) x, csat_interval(s);
-- … the effort score is the share of 5, 6, 7
SELECT round(ces(a)::numeric, 2) AS ces, round(ces(rating_summary(a, 1, 7))::numeric, 2) AS same FROM generate_series(1, 7) a;

-- every answer on its own, in every type
SELECT a, nps(a) = n AND nps(a::smallint) = n AND nps(a::bigint) = n AND nps(a::numeric) = n AS score,
       nps_bucket(a), nps_bucket(a::smallint) = nps_bucket(a) AND nps_bucket(a::bigint) = nps_bucket(a)
       AND nps_bucket(a::numeric) = nps_bucket(a) AS same
FROM generate_series(0, 10) a, LATERAL (SELECT CASE WHEN a >= 9 THEN 100 WHEN a <= 6 THEN -100 ELSE 0 END n) x GROUP BY a, n ORDER BY a;
SELECT a, csat(a) AS csat, csat(a::smallint) = csat(a) AND csat(a::bigint) = csat(a) AND csat(a::numeric) = csat(a) AS same
FROM generate_series(1, 5) a GROUP BY a ORDER BY a;
SELECT a, ces(a) AS ces, ces(a::smallint) = ces(a) AND ces(a::bigint) = ces(a) AND ces(a::numeric) = ces(a) AS same
FROM generate_series(1, 7) a GROUP BY a ORDER BY a;
SELECT a, csat(a, 10, 8) AS csat, csat(a::smallint, 10, 8) = csat(a, 10, 8) AND csat(a::bigint, 10, 8) = csat(a, 10, 8)
       AND csat(a::numeric, 10, 8) = csat(a, 10, 8) AS same
FROM generate_series(1, 10) a GROUP BY a ORDER BY a;

-- NULL is skipped; no answers are NULL
SELECT nps(a) FROM (VALUES (10), (NULL), (NULL), (0), (9), (8)) v(a);
SELECT nps(a), csat(a), ces(a), csat(a, 5, 4) FROM (SELECT 1 WHERE false) v(a);
SELECT nps(a), csat(a), ces(a), csat(a, 5, 4), nps_bucket(min(a)) FROM (VALUES (NULL::int), (NULL)) v(a);
SELECT promoters(s), nps(s), nps_margin(s), nps_margin(s, 0.5), d.* FROM (SELECT '{"v":1,"lowest":0,"highest":10,"counts":[0,0,0,0,0,0,0,0,0,0,0]}'::rating_summary s) x, nps_difference(s, s) d;
SELECT csat(s), csat(s, 5), i.*, j.* FROM (SELECT '{"v":1,"lowest":1,"highest":5,"counts":[0,0,0,0,0]}'::rating_summary s) x, csat_interval(s) i, csat_interval(s, 5) j;
SELECT ces('{"v":1,"lowest":1,"highest":7,"counts":[0,0,0,0,0,0,0]}'::rating_summary);
SELECT nps(NULL::rating_summary), csat(NULL::rating_summary), ces(NULL::rating_summary), csat_interval(NULL::rating_summary), nps_difference(NULL, NULL);
SELECT csat(s, NULL), nps_margin(s, NULL), csat_interval(s, NULL::int) FROM (SELECT rating_summary(1, 1, 5) s) x;

-- answers outside the scale or not whole
SELECT nps(11);
\echo :LAST_ERROR_SQLSTATE
SELECT nps(-1::smallint);
SELECT nps(7.5);
\echo :LAST_ERROR_SQLSTATE
SELECT nps('NaN'::numeric);
SELECT nps(7.0), nps(10.00);
SELECT csat(0), csat(1);
SELECT csat(6::bigint);
SELECT ces(8);
SELECT ces(0.0);
SELECT csat(11, 10, 8);
SELECT csat(0, 10, 8);
SELECT nps_bucket(11);
\echo :LAST_ERROR_SQLSTATE
SELECT nps_bucket(-1::smallint);
SELECT nps_bucket(9223372036854775807);
SELECT nps_bucket(8.5);
SELECT nps_bucket(8.0), nps_bucket(9.0);
SELECT nps_bucket(NULL::int) IS NULL AS none;
-- … cured as the hint says
SELECT nps(a) FILTER (WHERE a BETWEEN 0 AND 10) FROM (VALUES (9), (99), (-1)) v(a);

-- the scale of csat: parameters that cannot be, are NULL, or change
SELECT csat(1, 1, 1);
\echo :LAST_ERROR_SQLSTATE
SELECT csat(1, 102, 5);
SELECT csat(1, 10, 1);
\echo :LAST_ERROR_SQLSTATE
SELECT csat(1, 10, 11);
SELECT csat(1, NULL, 8);
\echo :LAST_ERROR_SQLSTATE
SELECT csat(1, 10, NULL);
SELECT csat(a, highest, 4) FROM (VALUES (1, 5), (2, 7)) v(a, highest);
\echo :LAST_ERROR_SQLSTATE
SELECT csat(a, 10, top_from) FROM (VALUES (1, 8), (2, 9)) v(a, top_from);
\echo :LAST_ERROR_SQLSTATE
SELECT csat(a, 10, top_from) FROM (VALUES (1, 8), (2, 11)) v(a, top_from);
SELECT csat(a, highest, top_from) FROM (VALUES (1, 10, 8), (2, 2147483647, -2147483648)) v(a, highest, top_from);
SELECT csat(1, 2147483647, -2147483648);
SELECT csat(a, 10, top_from) FROM (VALUES (1, 8), (9, 8), (NULL, 9), (NULL, NULL)) v(a, top_from);

-- a score asked of a summary on another scale
SELECT nps(rating_summary(1, 1, 10));
\echo :LAST_ERROR_SQLSTATE
SELECT nps_margin(rating_summary(1, 0, 11));
SELECT promoters(rating_summary(1, 1, 5));
SELECT passives(rating_summary(1, 1, 5));
SELECT detractors(rating_summary(1, 1, 5));
SELECT nps_difference(rating_summary(1, 0, 10), rating_summary(1, 1, 5));
SELECT ces(rating_summary(1, 1, 5));
SELECT csat(rating_summary(1, 1, 10));
\echo :LAST_ERROR_SQLSTATE
SELECT csat_interval(rating_summary(1, 0, 5));
SELECT csat(rating_summary(8, 1, 10), 8), csat(rating_summary(0, -1, 1), 1);
SELECT csat(rating_summary(8, 1, 10), 1);
\echo :LAST_ERROR_SQLSTATE
SELECT csat(rating_summary(8, 1, 10), 11);
SELECT csat_interval(rating_summary(8, 1, 10), 0);
-- … a summary that was told its cut knows it
SELECT csat(s), csat(s, 3), average(s) FROM (SELECT '{"v":1,"lowest":1,"highest":4,"top_from":4,"counts":[1,1,1,1]}'::rating_summary s) x;

-- confidence is a share above 0 and below 1
SELECT nps_margin(s, c) FROM (SELECT rating_summary(a, 0, 10) s FROM generate_series(0, 10) a) x, (VALUES (95::float8)) v(c);
\echo :LAST_ERROR_SQLSTATE
SELECT nps_margin(s, 0) FROM (SELECT rating_summary(a, 0, 10) s FROM generate_series(0, 10) a) x;
SELECT nps_margin(s, 1) FROM (SELECT rating_summary(a, 0, 10) s FROM generate_series(0, 10) a) x;
SELECT nps_margin(s, 'NaN') FROM (SELECT rating_summary(a, 0, 10) s FROM generate_series(0, 10) a) x;
SELECT nps_margin(s, -0.5) FROM (SELECT rating_summary(a, 0, 10) s FROM generate_series(0, 10) a) x;
SELECT csat_interval(rating_summary(1, 1, 5), 4, 2.0);
SELECT csat_interval(rating_summary(1, 1, 5), confidence => 'Infinity');
SELECT csat_interval(rating_summary(1, 1, 5), 4::smallint);
SELECT csat_interval(rating_summary(1, 1, 5), 4::bigint);
SELECT csat_interval(rating_summary(1, 1, 5)) = csat_interval(rating_summary(1, 1, 5), 4) AND
       csat_interval(rating_summary(1, 1, 5), 0.95) = csat_interval(rating_summary(1, 1, 5), 4, 0.95) AND
       csat_interval(rating_summary(1, 1, 5), confidence => 0.9) = csat_interval(rating_summary(1, 1, 5), top_from => 4, confidence => 0.9) AS same;

-- Wilson's interval against Newcombe (1998): 81 of 263, 15 of 148, 0 of 20, 1 of 29
SELECT x, n, round(lower::numeric, 2) AS lower, round(upper::numeric, 2) AS upper
FROM (VALUES (81, 263), (15, 148), (0, 20), (1, 29), (29, 29)) v(x, n),
     LATERAL (SELECT rating_summary((i <= x)::int, 0, 1) s FROM generate_series(1, n) i) y, csat_interval(s, 1);

-- the difference of two scores: 30 against 20 points in 400 answers each, halves of promoters and detractors
SELECT difference, round(z::numeric, 4) AS z, round(p::numeric, 4) AS p
FROM nps_difference('{"v":1,"lowest":0,"highest":10,"counts":[80,0,0,0,0,0,0,120,0,0,200]}', '{"v":1,"lowest":0,"highest":10,"counts":[100,0,0,0,0,0,0,120,0,0,180]}');
-- … the other way round, with itself, without any variance, and without answers on one side
SELECT difference, round(z::numeric, 4) AS z, round(p::numeric, 4) AS p
FROM nps_difference('{"v":1,"lowest":0,"highest":10,"counts":[100,0,0,0,0,0,0,120,0,0,180]}', '{"v":1,"lowest":0,"highest":10,"counts":[80,0,0,0,0,0,0,120,0,0,200]}');
SELECT d.* FROM (SELECT rating_summary(a, 0, 10) s FROM generate_series(0, 10) a) x, nps_difference(s, s) d;
SELECT d.* FROM (SELECT rating_summary(10, 0, 10) a, rating_summary(0, 0, 10) b) x, nps_difference(a, b) d;
SELECT d.* FROM (SELECT rating_summary(10, 0, 10) a) x, nps_difference(a, '{"v":1,"lowest":0,"highest":10,"counts":[0,0,0,0,0,0,0,0,0,0,0]}') d;
-- … a margin of nothing where all agree
SELECT nps_margin(s), nps_margin(s, 0.999) FROM (SELECT rating_summary(a, 0, 10) s FROM (VALUES (9), (10)) v(a)) x;

-- random answers against plain SQL
CREATE TEMP TABLE answers AS
SELECT i, i % 97 AS g, nullif((random() * 11)::int, 11) AS a FROM generate_series(1, 20000) i;
SELECT count(*) AS groups,
       bool_and(abs(n - 100.0 * (p - d) / c) < 1e-9) AS nps,
       bool_and(promoters(s) = p AND passives(s) = c - p - d AND detractors(s) = d AND responses(s) = c AND nps(s) = n) AS counts,
       bool_and(abs(average(s) - mean) < 1e-12) AS average,
       bool_and(abs(nps_margin(s, 0.95) - 1.959963984540054 * 100 * sqrt(v / c)) < 1e-9) AS margin,
       bool_and(abs(csat(s, 8) - satisfied) < 1e-9) AS csat
FROM (SELECT nps(a) n, rating_summary(a, 0, 10) s, count(a) c, count(*) FILTER (WHERE a >= 9) p, count(*) FILTER (WHERE a <= 6) d,
             avg(a) mean, var_pop(CASE WHEN a >= 9 THEN 1.0 WHEN a <= 6 THEN -1 WHEN a IS NOT NULL THEN 0 END)::float8 v,
             100.0 * count(*) FILTER (WHERE a >= 8) / count(a) satisfied
      FROM answers GROUP BY g) x;
-- … the score of merged summaries is the score of all answers, whatever the groups
SELECT nps(rollup(s)) = (SELECT nps(a) FROM answers) AS merged FROM (SELECT rating_summary(a, 0, 10) s FROM answers GROUP BY g) x;

-- running and moving windows equal a recomputation per row
CREATE TEMP TABLE few AS SELECT * FROM answers WHERE i <= 300;
SELECT bool_and(running IS NOT DISTINCT FROM fresh) AS nps FROM (
	SELECT nps(a) OVER (ORDER BY i) running, (SELECT nps(q.a) FROM few q WHERE q.i <= p.i) fresh
	FROM few p) x;
SELECT bool_and(running IS NOT DISTINCT FROM fresh) AS csat FROM (
	SELECT csat(a + 1, 11, 9) OVER (ORDER BY i) running, (SELECT csat(q.a + 1, 11, 9) FROM few q WHERE q.i <= p.i) fresh
	FROM few p) x;
SELECT bool_and(moving IS NOT DISTINCT FROM fresh) AS nps, bool_and(five IS NOT DISTINCT FROM fresh_five) AS csat,
       bool_and(seven IS NOT DISTINCT FROM fresh_seven) AS ces, bool_and(cut IS NOT DISTINCT FROM fresh_cut) AS csat_cut, count(moving) > 0 AS any FROM (
	SELECT nps(a) OVER w moving, csat(1 + a % 5) OVER w five, ces(1::numeric + a % 7) OVER w seven, csat(1 + a % 3, 3, 3) OVER w cut, f.*
	FROM few p, LATERAL (SELECT nps(q.a) fresh, csat(1 + q.a % 5) fresh_five, ces(1 + q.a % 7) fresh_seven, csat(1 + q.a % 3, 3, 3) fresh_cut
	                         FROM few q WHERE q.i BETWEEN p.i - 2 AND p.i - 1) f WINDOW w AS (ORDER BY i ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING)) x;
SELECT bool_and(moving IS NOT DISTINCT FROM fresh) AS whole_summary FROM (
	SELECT (rating_summary(a, 0, 10) OVER (ORDER BY i ROWS BETWEEN 3 PRECEDING AND CURRENT ROW))::text moving,
	       (SELECT rating_summary(q.a, 0, 10)::text FROM few q WHERE q.i BETWEEN p.i - 3 AND p.i) fresh
	FROM few p) x;

-- aggregate clauses work as everywhere
SELECT nps(DISTINCT a), nps(a ORDER BY i DESC), nps(a) FILTER (WHERE i > 2), ces(a) FROM (VALUES (1, 5), (2, 5), (3, 5), (4, 7)) v(i, a);
