-- harness.sql: measuring two statements in turn by the CPU time of this backend.
--
-- Variables: rounds. A query gets an OFFSET beyond its end, so that all its rows
-- are computed and thrown away, at the cost of next to nothing.

CREATE EXTENSION customer_scoring;
ALTER DATABASE postgres SET search_path = public, customer_scoring;
SET search_path = public, customer_scoring;
CREATE SCHEMA bench;

CREATE TABLE bench.setting AS SELECT :rounds::integer AS rounds;
CREATE TABLE bench.timing (job text, goal numeric, round integer, ours double precision, alternative double precision);

-- CPU time this backend has used so far, in ms. Giving the CPU back for a moment
-- makes the kernel count what was used since its last tick.
CREATE FUNCTION bench.cpu() RETURNS double precision LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_sleep(0.001);
	RETURN split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::double precision / 1e6;
END $$;

-- Run a statement and return its CPU time. plan is a pattern the plan of a query
-- must have; without one the statement is run as it is.
CREATE FUNCTION bench.cost(statement text, plan text) RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
	began double precision;
	line text;
	whole text := '';
BEGIN
	IF plan IS NOT NULL THEN
		statement := statement || ' OFFSET 1000000000000';
		FOR line IN EXECUTE 'EXPLAIN ' || statement LOOP
			whole := whole || line || E'\n';
		END LOOP;
		IF whole !~ plan THEN
			RAISE EXCEPTION E'the plan is not %:\n%', plan, whole;
		END IF;
	END IF;
	began := bench.cpu();
	EXECUTE statement;
	RETURN bench.cpu() - began;
END $$;

-- Measure a job. The first round warms up and is not kept; prepare runs before
-- each round.
CREATE PROCEDURE bench.compare(job text, goal numeric, ours text, alternative text, plan text, prepare text DEFAULT NULL)
LANGUAGE plpgsql AS $$
DECLARE
	ours_ms double precision;
	alternative_ms double precision;
BEGIN
	FOR round IN 0 .. (SELECT rounds FROM bench.setting) LOOP
		IF prepare IS NOT NULL THEN
			EXECUTE prepare;
			COMMIT;
		END IF;
		ours_ms := bench.cost(ours, plan);
		COMMIT;
		alternative_ms := bench.cost(alternative, plan);
		COMMIT;
		IF round > 0 THEN
			INSERT INTO bench.timing VALUES (job, goal, round, ours_ms, alternative_ms);
			COMMIT;
		END IF;
	END LOOP;
END $$;

-- An error unless there are no differences.
CREATE FUNCTION bench.check_equal(job text, differences bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF differences IS DISTINCT FROM 0 THEN
		RAISE EXCEPTION '%: % results differ', job, differences;
	END IF;
END $$;

CREATE VIEW bench.report AS
SELECT job, round(ours::numeric, 1) AS ours, round(alternative::numeric, 1) AS alternative,
       round((alternative / ours)::numeric, 2) AS ratio,
       format('%s-%s', round(least_ratio::numeric, 2), round(greatest_ratio::numeric, 2)) AS rounds,
       goal, CASE WHEN goal IS NULL THEN '' WHEN round((alternative / ours)::numeric, 2) >= goal THEN 'ok' ELSE 'below' END AS reached
FROM (SELECT job, goal, min(ctid) AS place,
             percentile_cont(0.5) WITHIN GROUP (ORDER BY ours) AS ours,
             percentile_cont(0.5) WITHIN GROUP (ORDER BY alternative) AS alternative,
             min(alternative / ours) AS least_ratio, max(alternative / ours) AS greatest_ratio
      FROM bench.timing GROUP BY job, goal) t
ORDER BY place;
