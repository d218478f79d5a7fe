-- refresh.sql: a segment table beside a materialized view of the same columns,
-- after a new order of one customer in a hundred.

SELECT create_segment_table('segments', 'orders');
CREATE MATERIALIZED VIEW segments_view AS
SELECT customer_id, first_order_at(s) AS first_order_at, previous_order_at(s) AS previous_order_at, last_order_at(s) AS last_order_at,
       orders(s) AS orders, refunds(s) AS refunds, revenue(s)::numeric(24, 2) AS revenue,
       round(average_order_value(s), 4)::numeric(26, 4) AS average_order_value,
       (score).r, (score).f, (score).m, rfm_cell(score) AS rfm_cell, coalesce(rfm_segment(score), 'prospect') AS segment
FROM (SELECT customer_id, s, rfm(s) OVER () AS score
      FROM (SELECT customer_id, purchase_summary(ordered_at, amount) AS s FROM orders WHERE ordered_at <= now() GROUP BY customer_id) summed) scored;
CREATE UNIQUE INDEX ON segments_view (customer_id);
VACUUM ANALYZE segments, segments_view;

CALL bench.compare('refresh beside MATERIALIZED VIEW CONCURRENTLY', 2,
	'SELECT refresh_segment_table(''segments'')',
	'REFRESH MATERIALIZED VIEW CONCURRENTLY segments_view',
	NULL,
	'INSERT INTO orders (order_id, customer_id, ordered_at, status, channel, currency, amount)
	 SELECT 0, customer_id, now(), ''paid'', ''web'', ''IDR'', 50 FROM summaries WHERE random() < 0.01');

SELECT bench.check_equal('refresh', (
	SELECT count(*) FROM (
		(SELECT customer_id, first_order_at, previous_order_at, last_order_at, orders, refunds, revenue, average_order_value, r, f, m, rfm_cell, segment FROM segments
		 EXCEPT TABLE segments_view)
		UNION ALL
		(TABLE segments_view
		 EXCEPT SELECT customer_id, first_order_at, previous_order_at, last_order_at, orders, refunds, revenue, average_order_value, r, f, m, rfm_cell, segment FROM segments)) d));
