-- Pareto classes and cumulative shares.

SET search_path = public, customer_scoring;

-- The customer who crosses a limit belongs to the higher class; peers are kept together.
SELECT v, pareto_class(v) OVER (), cumulative_share(v) OVER () FROM unnest(ARRAY[50, 30, 10, 5, 3, 2]) v ORDER BY v DESC;
SELECT v, pareto_class(v) OVER (), cumulative_share(v) OVER () FROM unnest(ARRAY[10, 10, 10, 10, 10]) v;
SELECT v, pareto_class(v, 0.5, 0.5) OVER (), cumulative_share(v) OVER () FROM unnest(ARRAY[50, 25, 25]) v;
-- exactly at a limit the next one is below it
SELECT v, pareto_class(v) OVER () FROM unnest(ARRAY[80, 15, 5]) v;
SELECT v, pareto_class(v, 1, 1) OVER () FROM unnest(ARRAY[80, 15, 5, 0]) v;
-- negatives, zeros, NULL, nobody above zero, one row, no rows
SELECT v, pareto_class(v) OVER (), cumulative_share(v) OVER () FROM unnest(ARRAY[100, 0, -50, NULL]) v;
SELECT v, pareto_class(v) OVER (), cumulative_share(v) OVER () FROM unnest(ARRAY[0, 0, -1]) v;
SELECT v, pareto_class(v) OVER (), cumulative_share(v) OVER () FROM unnest(ARRAY[0.01]) v;
SELECT pareto_class(v) OVER (), cumulative_share(v) OVER () FROM unnest('{}'::numeric[]) v;
-- types, partitions, and frames that do not matter
SELECT v, pareto_class(v) OVER (ORDER BY v ROWS 1 PRECEDING), cumulative_share(v) OVER (PARTITION BY v > 10) FROM unnest(ARRAY[0.5, 30, 9.25, 1]::float8[]) v ORDER BY v;
SELECT pareto_class(v) OVER () FROM unnest(ARRAY[1, 2]::smallint[]) v;
-- bad limits and values
SELECT pareto_class(1, 0.9, 0.8) OVER ();
SELECT pareto_class(1, 0, 0.8) OVER ();
SELECT pareto_class(1, 0.8, 1.1) OVER ();
SELECT pareto_class(1, NULL, 0.8) OVER ();
SELECT pareto_class(1, 0.8, 'NaN') OVER ();
SELECT pareto_class(v, v / 10, 1) OVER () FROM unnest(ARRAY[1, 2]::numeric[]) v;
SELECT pareto_class('NaN'::numeric) OVER ();
SELECT cumulative_share('Infinity'::float8) OVER ();
SELECT pareto_class(1e20) OVER ();

-- Random values with many peers: the same as plain SQL, in any order of rows and any unit of money.
SELECT setseed(0.5);
CREATE TABLE spread AS SELECT g, i, CASE WHEN random() < 0.1 THEN -round(random()::numeric * 9, 2) ELSE round((random() ^ 4 * 50)::numeric, (g % 3)) END::numeric AS v FROM generate_series(1, 60) g, generate_series(1, 1 + g % 40) i;
CREATE VIEW plain AS
SELECT g, i, v, CASE WHEN v > 0 AND before < 0.80 * total THEN 'A' WHEN v > 0 AND before < 0.95 * total THEN 'B' ELSE 'C' END AS class,
       CASE WHEN total > 0 THEN (up_to / total)::float8 END AS share
FROM (SELECT g, i, v, sum(greatest(v, 0)) OVER (PARTITION BY g) AS total,
             coalesce(sum(greatest(v, 0)) OVER (PARTITION BY g ORDER BY v DESC RANGE UNBOUNDED PRECEDING EXCLUDE GROUP), 0) AS before,
             sum(greatest(v, 0)) OVER (PARTITION BY g ORDER BY v DESC) AS up_to FROM spread) s;
SELECT count(*), count(DISTINCT class), count(*) FILTER (WHERE class IS DISTINCT FROM ours) AS classes, count(*) FILTER (WHERE abs(share - cumulative) > 1e-15 OR (share IS NULL) <> (cumulative IS NULL)) AS shares
FROM plain JOIN (SELECT g, i, pareto_class(v) OVER (PARTITION BY g) AS ours, cumulative_share(v) OVER (PARTITION BY g) AS cumulative FROM spread) o USING (g, i);
SELECT count(*) AS differences FROM (
	(SELECT g, i, pareto_class(v) OVER (PARTITION BY g), cumulative_share(v) OVER (PARTITION BY g) FROM spread
	 EXCEPT ALL SELECT g, i, pareto_class(v * 1000) OVER (PARTITION BY g ORDER BY md5(i::text)), cumulative_share(v * 1000) OVER (PARTITION BY g ORDER BY md5(i::text)) FROM spread)) d;
DROP TABLE spread CASCADE;
