-- purchase_summary is the same to the byte whatever the plan, and rollup of any
-- split is the whole.
SET search_path = public, customer_scoring;
SET timezone = 'UTC';

CREATE TABLE plan_orders (customer int, t timestamptz, a numeric, part int) PARTITION BY HASH (customer);
CREATE TABLE plan_orders_0 PARTITION OF plan_orders FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE plan_orders_1 PARTITION OF plan_orders FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE plan_orders_2 PARTITION OF plan_orders FOR VALUES WITH (MODULUS 3, REMAINDER 2);
INSERT INTO plan_orders
SELECT (random() * random() * 3000)::int, '2020-01-01'::timestamptz + random() * interval '1500 days',
       CASE WHEN random() < 0.02 THEN NULL WHEN random() < 0.01 THEN (random() - 0.5)::numeric * 1e15
            ELSE round(((random() - 0.15) * 500)::numeric, (random() * 6)::int) END,
       (random() * 7)::int
FROM generate_series(1, 40000);
ANALYZE plan_orders;

-- what every plan has to give, as a statement of its own so that it may be parallel
\set whole 'SELECT md5(string_agg(customer || summary, \'|\' ORDER BY customer)) AS whole FROM (SELECT customer, encode(customer_scoring_internal.purchase_summary_send(purchase_summary(t, a)), \'hex\') AS summary FROM plan_orders GROUP BY customer) x'
CREATE FUNCTION plan_kind() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	kinds text[] := '{}';
	kind text;
BEGIN
	FOR line IN EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF)
		SELECT customer, purchase_summary(t, a) FROM plan_orders GROUP BY customer
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

-- serial, by hashing and by sorting, in memory and spilled
SET enable_sort = off;
SELECT plan_kind();
:whole \gset got_
SELECT :'got_whole' = whole AS same FROM answer;
SET work_mem = '64kB'; SET hash_mem_multiplier = 1;
SELECT plan_kind();
:whole \gset got_
SELECT :'got_whole' = whole AS same FROM answer;
RESET enable_sort; SET enable_hashagg = off;
SELECT plan_kind();
:whole \gset got_
SELECT :'got_whole' = whole AS same FROM answer;
RESET work_mem; RESET hash_mem_multiplier;
SELECT plan_kind();
:whole \gset got_
SELECT :'got_whole' = whole AS same FROM answer;

-- parallel, with the leader taking part and not
RESET enable_hashagg;
SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
SET enable_sort = off;
SELECT plan_kind();
:whole \gset got_
SELECT :'got_whole' = whole AS same FROM answer;
SET parallel_leader_participation = off;
SELECT plan_kind();
:whole \gset got_
SELECT :'got_whole' = whole AS same FROM answer;
SET enable_sort = on; SET enable_hashagg = off;
SELECT plan_kind();
:whole \gset got_
SELECT :'got_whole' = whole AS same FROM answer;
RESET parallel_leader_participation;

-- partition-wise, parallel and not
SET enable_partitionwise_aggregate = on;
SELECT plan_kind();
:whole \gset got_
SELECT :'got_whole' = whole AS same FROM answer;
SET max_parallel_workers_per_gather = 0;
RESET enable_hashagg;
SELECT plan_kind();
:whole \gset got_
SELECT :'got_whole' = whole AS same FROM answer;
SET max_parallel_workers_per_gather = 2;

-- the whole table in one group: workers' states meet
SELECT purchase_summary(t, a)::text = (SELECT rollup(s)::text FROM (SELECT purchase_summary(t, a) s FROM plan_orders GROUP BY part) x) AS same
FROM plan_orders;
EXPLAIN (COSTS OFF) SELECT purchase_summary(t, a) FROM plan_orders_0;
RESET ALL;

-- merge laws: whole, any order, associative through three levels, identity
SET search_path = public, customer_scoring;
SET timezone = 'UTC';
CREATE FUNCTION split_answer(pieces int, how text) RETURNS text LANGUAGE sql AS $$
	SELECT md5(string_agg(customer || s::text, '|' ORDER BY customer)) FROM (
		SELECT customer, rollup(s ORDER BY CASE how WHEN 'forward' THEN piece WHEN 'backward' THEN -piece ELSE random() END) s FROM (
			SELECT customer, piece % 3 AS piece, rollup(s::text::purchase_summary) s FROM (
				SELECT customer, piece, purchase_summary(t, a) s
				FROM (SELECT *, (random() * pieces)::int AS piece FROM plan_orders) o GROUP BY customer, piece) a
			GROUP BY customer, piece % 3) b
		GROUP BY customer) c
$$;
CREATE TEMP TABLE whole AS SELECT md5(string_agg(customer || s::text, '|' ORDER BY customer)) AS md5 FROM (
	SELECT customer, purchase_summary(t, a) s FROM plan_orders GROUP BY customer HAVING purchase_summary(t, a) IS NOT NULL) x;
SELECT how, pieces, split_answer(pieces, how) = md5 AS same
FROM whole, (VALUES ('forward'), ('backward'), ('random')) h(how), (VALUES (1), (5), (1000)) p(pieces) ORDER BY how, pieces;

DROP FUNCTION plan_kind, split_answer;
DROP TABLE plan_orders;
