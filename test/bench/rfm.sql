-- rfm.sql: scoring all customers beside three ntile windows, which split ties.

CREATE FUNCTION pg_temp.score(value anyelement, breaks anyarray) RETURNS integer LANGUAGE sql IMMUTABLE AS
	$$SELECT 1 + (breaks[1] < value)::integer + (breaks[2] < value)::integer + (breaks[3] < value)::integer + (breaks[4] < value)::integer$$;

SELECT bench.check_equal('rfm', (
	SELECT count(*)
	FROM (SELECT customer_id, rfm(s) OVER () AS a FROM summaries) by_summary
	JOIN (SELECT *, rfm(last_order_at, orders, revenue) OVER () AS b FROM figures WHERE last_order_at IS NOT NULL) by_figures USING (customer_id),
	     (SELECT percentile_disc('{0.2,0.4,0.6,0.8}'::float8[]) WITHIN GROUP (ORDER BY last_order_at) AS r,
	             percentile_disc('{0.2,0.4,0.6,0.8}'::float8[]) WITHIN GROUP (ORDER BY orders) AS f,
	             percentile_disc('{0.2,0.4,0.6,0.8}'::float8[]) WITHIN GROUP (ORDER BY revenue) AS m
	      FROM figures WHERE last_order_at IS NOT NULL) breaks
	WHERE a IS DISTINCT FROM b OR ((a).r, (a).f, (a).m) IS DISTINCT FROM
	      (pg_temp.score(last_order_at, r), pg_temp.score(orders, f), pg_temp.score(revenue, m))));

CALL bench.compare('rfm of summaries', 5,
	'SELECT customer_id, rfm(s) OVER () FROM summaries',
	'SELECT customer_id, ntile(5) OVER (ORDER BY last_order_at), ntile(5) OVER (ORDER BY orders), ntile(5) OVER (ORDER BY revenue) FROM figures',
	'WindowAgg');
CALL bench.compare('rfm of three columns', 5,
	'SELECT customer_id, rfm(last_order_at, orders, revenue) OVER () FROM figures',
	'SELECT customer_id, ntile(5) OVER (ORDER BY last_order_at), ntile(5) OVER (ORDER BY orders), ntile(5) OVER (ORDER BY revenue) FROM figures',
	'WindowAgg');
