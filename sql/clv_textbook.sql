-- The textbook values: exact, refusing what has no value, and named for each type of argument.
SET search_path = public, customer_scoring;

SELECT clv_historic(1234.56), clv_historic(1234.56, 0.25), clv_historic(1234.56, 0.25, 40, 12.5), clv_historic(1234.56, service_cost => 0.005), clv_historic(-10, 0.5);
SELECT clv_simple(100, 0.8, 0.1), clv_simple(100, 0.8, 0.1, 50), clv_simple(100, 0, 0.1), clv_simple(100, 1, 0.1), clv_simple(-100, 0.5, 0), clv_simple(0, 0.5, 0);
SELECT clv_simple_due(100, 0.8, 0.1), clv_simple_due(100, 0.8, 0.1, 50), clv_simple_due(100, 0, 0.1), clv_simple_due(100, 1, 0.1), clv_simple_due(-100, 0.5, 0);
SELECT clv_lifespan(50, 1.5, 36), clv_lifespan(50, 1.5, 36, 0.2), clv_lifespan(50, 1.5, 36, 0.2, 100, 2.5), clv_lifespan(50, 0, 36), clv_lifespan(50, 1.5, 0, 1, 10, 7), clv_lifespan(-50, 1.5, 36, service_cost => 1);
-- due is simple plus the first margin
SELECT count(*) FILTER (WHERE abs(clv_simple_due(m, r, d, c) - clv_simple(m, r, d, c) - m) > 1e-9) AS differ
FROM (SELECT round((random() * 1000)::numeric, 2) m, round(random()::numeric, 3) r, round((random() + 0.001)::numeric, 3) d, round((random() * 99)::numeric, 2) c FROM generate_series(1, 2000)) x;
-- the sum of a hundred periods comes as near as the rest is small
SELECT round((SELECT sum(100 * 0.7 ^ t / 1.1 ^ t) FROM generate_series(1, 100) t), 10) = round(clv_simple(100, 0.7, 0.1), 10) AS simple,
       round((SELECT sum(100 * 0.7 ^ t / 1.1 ^ t) FROM generate_series(0, 100) t), 10) = round(clv_simple_due(100, 0.7, 0.1), 10) AS due;
-- exact where nothing is divided, sixteen digits where something is
SELECT clv_historic(99999999999999999999.999999999999, 0.000000000001, -0.000000000001) AS historic, clv_simple(1, 0.5, 0.000001) AS simple;

-- what has no value
SELECT clv_simple(100, 1, 0);
SELECT clv_simple_due(100, 1, 0);
SELECT clv_simple(100, 1.2, 0.5);
SELECT clv_simple(100, 80, 100);
SELECT clv_simple(100, -0.1, 0.1);
SELECT clv_simple(100, 0.8, -0.1);
SELECT clv_lifespan(50, -1, 36);
SELECT clv_lifespan(50, 1, -36);
CREATE FUNCTION pg_temp.outcome(expression text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	type text;
BEGIN
	EXECUTE format('SELECT (%s)::text, pg_typeof(%1$s)', expression) INTO result, type;
	RETURN format('%s %s', type, coalesce(result, 'NULL'));
EXCEPTION WHEN others THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
-- NaN, infinity and NULL in each place
SELECT call, value, string_agg(pg_temp.outcome(format(call, VARIADIC (array_fill('0.5'::text, ARRAY[n]))[1:i - 1] || value || (array_fill('0.5'::text, ARRAY[n]))[i + 1:n])), E'\n' ORDER BY i) AS outcomes
FROM (VALUES ('clv_historic(%s, %s, %s, %s)', 4), ('clv_simple(%s, %s, %s, %s)', 4), ('clv_simple_due(%s, %s, %s, %s)', 4), ('clv_lifespan(%s, %s, %s, %s, %s, %s)', 6)) c(call, n),
     unnest(ARRAY['''NaN''', '''-Infinity''', 'NULL']) value, generate_series(1, n) i
GROUP BY call, value ORDER BY call, value;
-- types
SELECT call, argument, pg_temp.outcome(format(call, argument)) AS outcome
FROM unnest(ARRAY['clv_historic(%s)', 'clv_simple(%s, 0.5, 0.1)', 'clv_simple_due(%s, 0.5, 0.1)', 'clv_lifespan(%s, 2, 3)']) WITH ORDINALITY c(call, i),
     unnest(ARRAY['5::smallint', '5', '5::bigint', '5.60', '5::real', '5::float8', '''5.60''', '''x''', 'NULL', 'date ''2024-01-01''', 'true', '5::money', '''5''::text']) WITH ORDINALITY a(argument, j) ORDER BY i, j;
