-- One answer: survey aggregates give identical bytes whatever the plan.
SET search_path = public, customer_scoring;

-- p is the partition, g a few groups across partitions, many a lot of groups
CREATE TABLE regress_cs_answers (p int, g int, many int, a int, b smallint, c bigint, d numeric) PARTITION BY LIST (p);
CREATE TABLE regress_cs_answers_0 PARTITION OF regress_cs_answers FOR VALUES IN (0);
CREATE TABLE regress_cs_answers_1 PARTITION OF regress_cs_answers FOR VALUES IN (1);
CREATE TABLE regress_cs_answers_2 PARTITION OF regress_cs_answers FOR VALUES IN (2);
INSERT INTO regress_cs_answers SELECT random() * 2, random() * 20, random() * 600, a, a, a, a
FROM (SELECT nullif((random() * 11)::int, 11) a FROM generate_series(1, 20000)) x;
ANALYZE regress_cs_answers;
CREATE TABLE regress_cs_parts AS SELECT g, rating_summary(a, 0, 10) s FROM regress_cs_answers GROUP BY g, many;
ANALYZE regress_cs_parts;

-- the bytes of a query's rows in the order of their key, and its plan, under settings
CREATE FUNCTION pg_temp.bytes(query text, settings jsonb, OUT bytes text, OUT plan text) LANGUAGE plpgsql AS $$
DECLARE
	line text;
	setting record;
BEGIN
	FOR setting IN SELECT * FROM jsonb_each_text('{"max_parallel_workers_per_gather": "0", "parallel_leader_participation": "on",
		"parallel_setup_cost": "0", "parallel_tuple_cost": "0", "min_parallel_table_scan_size": "0", "enable_hashagg": "on",
		"enable_sort": "on", "enable_partitionwise_aggregate": "off", "work_mem": "64MB", "jit": "off"}'::jsonb || settings) LOOP
		PERFORM set_config(setting.key, setting.value, true);
	END LOOP;
	EXECUTE format('SELECT md5(string_agg(x::text, ''|'' ORDER BY k)) FROM (%s OFFSET 0) x', query) INTO bytes;
	plan := '';
	FOR line IN EXECUTE format('EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT md5(string_agg(x::text, ''|'' ORDER BY k)) FROM (%s OFFSET 0) x', query) LOOP
		plan := plan || line || E'\n';
	END LOOP;
END $$;

CREATE TEMP TABLE query (name text, by text, query text);
INSERT INTO query SELECT name, by, format(query, by, by) FROM (VALUES ('g'), ('p'), ('many'), ('1 + 0 * p')) b(by), (VALUES
	('scores', 'SELECT %s k, float8send(nps(a)) n, float8send(csat(1 + a %% 5)) c, float8send(ces(1 + a %% 7)) e, float8send(csat(1 + a %% 9, 9, 7)) t
	  FROM regress_cs_answers GROUP BY %s'),
	('types', 'SELECT %s k, float8send(nps(b)) b, float8send(nps(c)) c, float8send(nps(d)) d, float8send(csat(1 + d %% 9, 9, 8)) t
	  FROM regress_cs_answers GROUP BY %s'),
	('summary', 'SELECT %s k, customer_scoring_internal.rating_summary_send(rating_summary(a, 0, 10)) s,
	  customer_scoring_internal.rating_summary_send(rating_summary(d, -5, 95)) t FROM regress_cs_answers GROUP BY %s')) q(name, query);
DELETE FROM query WHERE name = 'types' AND by <> 'g' OR name = 'scores' AND by = 'p';
UPDATE query SET query = replace(replace(query, ' GROUP BY 1 + 0 * p', ''), '1 + 0 * p k', '1 k'), by = 'all' WHERE by LIKE '1%';
INSERT INTO query VALUES
	('rollup', 'g', 'SELECT g k, customer_scoring_internal.rating_summary_send(rollup(s)) s FROM regress_cs_parts GROUP BY g'),
	('rollup', 'all', 'SELECT 1 k, customer_scoring_internal.rating_summary_send(rollup(s)) s FROM regress_cs_parts');

CREATE TEMP TABLE way (way text, settings jsonb, evidence text);
INSERT INTO way VALUES
	('serial, hashed', '{"enable_sort": "off"}', '^(?!.*(Partial|Gather))'),
	('serial, sorted', '{"enable_hashagg": "off"}', '^(?!.*(Partial|Gather|Hash))'),
	('parallel, hashed', '{"max_parallel_workers_per_gather": "3", "enable_sort": "off"}', 'Finalize.*Workers Launched: [1-9].*Partial'),
	('parallel, sorted', '{"max_parallel_workers_per_gather": "3", "enable_hashagg": "off"}', 'Finalize.*Workers Launched: [1-9].*Partial'),
	('parallel without leader', '{"max_parallel_workers_per_gather": "3", "parallel_leader_participation": "off"}', 'Finalize.*Workers Launched: [1-9].*Partial'),
	('partition-wise', '{"enable_partitionwise_aggregate": "on"}', 'Append.*Aggregate.*Aggregate.*Aggregate'),
	('partition-wise, parallel', '{"enable_partitionwise_aggregate": "on", "max_parallel_workers_per_gather": "3"}', 'Workers Launched: [1-9]'),
	('spilled', '{"work_mem": "64kB", "enable_sort": "off"}', 'Disk Usage: [1-9]'),
	('parallel, spilled', '{"work_mem": "64kB", "enable_sort": "off", "max_parallel_workers_per_gather": "2"}', 'Finalize.*Workers Launched: [1-9].*Partial.*Disk Usage: [1-9]');

-- equal: the same bytes as the first way
CREATE TEMP TABLE result AS
SELECT way, name, by, (b).bytes, (b).plan, evidence FROM
	(SELECT w.way, w.evidence, q.name, q.by, pg_temp.bytes(q.query, w.settings) b FROM way w, query q OFFSET 0) x;
SELECT way, count(*) AS queries, bool_and(r.bytes = f.bytes) AS equal
FROM result r JOIN (SELECT name, by, bytes FROM result WHERE way = 'serial, hashed') f USING (name, by) GROUP BY way ORDER BY way;
SELECT count(DISTINCT bytes) = 10 AS answers_differ_by_query FROM result;
-- … and the plan is the way's own, for queries that have one: a single group is never hashed
SELECT way, bool_and(plan ~ evidence) AS evidence FROM result
WHERE (way !~ 'partition' OR by <> 'many' AND name <> 'rollup') AND (way !~ 'hashed' OR by <> 'all') AND (way !~ 'spilled' OR by = 'many')
GROUP BY way ORDER BY way;
-- … groups across partitions are partial ones in each of them
SELECT bool_and(plan ~ 'Finalize.*Append.*Partial.*Partial.*Partial') AS partial_in_partitions FROM result
WHERE way = 'partition-wise' AND by IN ('g', 'all') AND name <> 'rollup';

-- errors are the same too: an answer off the scale, two scales, two cuts
SET max_parallel_workers_per_gather = 3;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
\set VERBOSITY terse
SELECT nps(a + 1) FROM regress_cs_answers WHERE a = 10;
SELECT rating_summary(1, 0, 5 + p % 2) IS NULL FROM regress_cs_answers;
\echo :LAST_ERROR_SQLSTATE
SELECT csat(1, 10, 8 + p % 2) FROM regress_cs_answers;
\echo :LAST_ERROR_SQLSTATE
-- … also where each partition has one scale of its own, so that only merging can see it
SET enable_partitionwise_aggregate = on;
SET max_parallel_workers_per_gather = 0;
CREATE FUNCTION pg_temp.plan(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	plan text := '';
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		plan := plan || line || E'\n';
	END LOOP;
	RETURN plan;
END $$;
SELECT pg_temp.plan('SELECT rating_summary(1, 0, 5 + p) IS NULL FROM regress_cs_answers') ~ 'Finalize.*Append.*Partial.*Partial.*Partial' AS merged;
SELECT rating_summary(1, 0, 5 + p) IS NULL FROM regress_cs_answers;
\echo :LAST_ERROR_SQLSTATE
SELECT csat(1, 10, 8 + p) FROM regress_cs_answers;
\echo :LAST_ERROR_SQLSTATE
SELECT rollup(s) IS NULL FROM (SELECT rating_summary(1, 0, 5 + p) s FROM regress_cs_answers GROUP BY p) x;
\echo :LAST_ERROR_SQLSTATE
DROP TABLE regress_cs_answers, regress_cs_parts;
