-- summary.sql: one aggregate per customer beside four built-in ones.

SELECT bench.check_equal('purchase_summary', (
	SELECT count(*) FROM (
		SELECT purchase_summary(ordered_at, amount) AS s, max(ordered_at) FILTER (WHERE amount > 0) AS latest,
		       min(ordered_at) FILTER (WHERE amount > 0) AS earliest, count(*) FILTER (WHERE amount > 0) AS n, sum(amount) AS total
		FROM orders GROUP BY customer_id) g
	WHERE (last_order_at(s), first_order_at(s), orders(s), revenue(s)) IS DISTINCT FROM (latest, earliest, n, total)));

SET enable_sort = off;
SET enable_indexscan = off;
SET enable_indexonlyscan = off;
CALL bench.compare('purchase_summary, hashed groups', 1.25,
	'SELECT customer_id, purchase_summary(ordered_at, amount) FROM orders GROUP BY customer_id',
	'SELECT customer_id, max(ordered_at), min(ordered_at), count(*), sum(amount) FROM orders GROUP BY customer_id',
	'HashAggregate.*Seq Scan');
RESET ALL;
SET enable_hashagg = off;
SET enable_seqscan = off;
CALL bench.compare('purchase_summary, covering index', 1.25,
	'SELECT customer_id, purchase_summary(ordered_at, amount) FROM orders GROUP BY customer_id',
	'SELECT customer_id, max(ordered_at), min(ordered_at), count(*), sum(amount) FROM orders GROUP BY customer_id',
	'GroupAggregate.*Index Only Scan');
