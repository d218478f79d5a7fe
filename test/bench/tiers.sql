-- tiers.sql: the tiers of everybody beside the grouped scan they need.

CREATE TABLE bench.policy AS SELECT make_tier_terms('bronze 0, silver 50, gold 200', time_zone => 'UTC') AS terms;
SELECT create_segment_table('members', 'orders', with_data => false);
INSERT INTO tier_policy (name, scheme, segment_table) VALUES ('members', 'bronze 0, silver 50, gold 200', 'members'),
	('total', 'bronze 0, silver 50, gold 200', 'members');
UPDATE tier_policy SET period = 'lifetime' WHERE name = 'total';

SELECT bench.check_equal('evaluate_tiers', (
	SELECT count(*) FROM evaluate_tiers('total', '2025-01-01') e
	FULL JOIN (SELECT customer_id::text AS customer, sum(amount) AS total FROM orders GROUP BY customer_id) o USING (customer)
	WHERE e.basis IS DISTINCT FROM o.total OR e.tier_rank < CASE WHEN o.total >= 200 THEN 3 WHEN o.total >= 50 THEN 2 WHEN o.total >= 0 THEN 1 ELSE 0 END));

SET enable_sort = off;
SET enable_indexscan = off;
SET enable_indexonlyscan = off;
CALL bench.compare('tier_standing of all customers, hashed groups', 0.5,
	'SELECT customer_id, tier_standing((SELECT terms FROM bench.policy), tier_ledger(ordered_at, amount), ''2025-01-01'') FROM orders GROUP BY customer_id',
	'SELECT customer_id, sum(amount), count(*) FROM orders GROUP BY customer_id',
	'HashAggregate.*Seq Scan');
RESET ALL;
CALL bench.compare('evaluate_tiers, nothing recorded', 0.5,
	'SELECT * FROM evaluate_tiers(''members'', ''2025-01-01'')',
	'SELECT * FROM (SELECT customer_id, sum(amount), count(*) FROM orders GROUP BY customer_id) x',
	'Function Scan|HashAggregate');

SELECT alter_segment_table('members', tiers => 'members');
SELECT refresh_segment_table('members', '2024-12-31');
VACUUM ANALYZE tier_history;
CALL bench.compare('evaluate_tiers, with the history of all customers', 0.5,
	'SELECT * FROM evaluate_tiers(''members'', ''2025-01-01'')',
	'SELECT * FROM (SELECT customer_id, sum(amount), count(*) FROM orders GROUP BY customer_id) x',
	'Function Scan|HashAggregate');
