-- How every public survey name resolves for each type: an answer or an error, never a silent loss.
SET search_path = public, customer_scoring;
SET extra_float_digits = 0;

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

-- one argument: the same number in each type
SELECT call AS "call", pg_temp.outcome(format(call, argument)) AS outcome, argument
FROM unnest(ARRAY['nps(%s)', 'csat(%s)', 'ces(%s)', 'nps_bucket(%s)']) WITH ORDINALITY c(call, i),
     unnest(ARRAY['5::smallint', '5', '5::bigint', '5.0', '5.6', '5::real', '5.6::real', '5::float8', '5.6::float8', '''5''', '''5.6''',
                  'NULL', '''2024-01-01''::date', '''2024-01-01''::timestamp', '''2024-01-01''::timestamptz', 'true', '5::oid', '5::money', '''5''::text'])
     WITH ORDINALITY a(argument, j)
ORDER BY i, j;

-- a score and its scale
SELECT call AS "call", pg_temp.outcome(format(call, argument)) AS outcome, argument
FROM unnest(ARRAY['rating_summary(%s, 1, 7)', 'csat(%s, 7, 5)']) WITH ORDINALITY c(call, i),
     unnest(ARRAY['5::smallint', '5', '5::bigint', '5.0', '5.6', '5::real', '5.6::real', '5::float8', '5.6::float8', '''5''', '''5.6''',
                  'NULL', '''2024-01-01''::date', '''2024-01-01''::timestamp', '''2024-01-01''::timestamptz', 'true', '5::oid'])
     WITH ORDINALITY a(argument, j)
ORDER BY i, j;
SELECT call AS "call", pg_temp.outcome(format(call, argument)) AS outcome, argument
FROM unnest(ARRAY['rating_summary(5, %s, 7)', 'csat(5, 7, %s)']) WITH ORDINALITY c(call, i),
     unnest(ARRAY['5::smallint', '5', '5::bigint', '5.0', '5.6', '5::real', '5::float8', '''5''', '''5.6''', 'NULL', '''2024-01-01''::date'])
     WITH ORDINALITY a(argument, j)
ORDER BY i, j;

-- summaries, and what can stand beside them
CREATE FUNCTION pg_temp.five() RETURNS rating_summary LANGUAGE sql AS $$SELECT '{"v":1,"lowest":1,"highest":5,"counts":[1,1,1,1,1]}'::rating_summary$$;
CREATE FUNCTION pg_temp.eleven() RETURNS rating_summary LANGUAGE sql AS $$SELECT '{"v":1,"lowest":0,"highest":10,"counts":[1,1,1,1,1,1,1,1,1,1,1]}'::rating_summary$$;
CREATE FUNCTION pg_temp.seven() RETURNS rating_summary LANGUAGE sql AS $$SELECT '{"v":1,"lowest":1,"highest":7,"counts":[1,1,1,1,1,1,1]}'::rating_summary$$;
SELECT call AS "call", pg_temp.outcome(call) AS outcome
FROM unnest(ARRAY['nps(pg_temp.eleven())', 'csat(pg_temp.five())', 'ces(pg_temp.seven())', 'rollup(pg_temp.five())', 'average(pg_temp.five())',
                  'responses(pg_temp.five())', 'promoters(pg_temp.eleven())', 'passives(pg_temp.eleven())', 'detractors(pg_temp.eleven())',
                  'rollup(NULL)', 'average(NULL)', 'responses(NULL)', 'promoters(NULL)', 'nps_margin(NULL)', 'csat_interval(NULL)',
                  'average(5)', 'average(5.6)', 'average(''5'')', 'responses(5)', 'rollup(5)', 'nps_difference(5, 5)', 'nps_margin(5)', 'csat_interval(5)'])
     WITH ORDINALITY c(call, i)
ORDER BY i;
SELECT call AS "call", pg_temp.outcome(format(call, argument)) AS outcome, argument
FROM unnest(ARRAY['csat(pg_temp.five(), %s)', 'csat_interval(pg_temp.five(), %s)', 'csat_interval(pg_temp.five(), 4, %s)', 'nps_margin(pg_temp.eleven(), %s)']) WITH ORDINALITY c(call, i),
     unnest(ARRAY['4::smallint', '4', '4::bigint', '4.0', '0.5', '0.5::real', '0.5::float8', '''4''', '''0.5''', 'NULL', '''2024-01-01''::date'])
     WITH ORDINALITY a(argument, j)
ORDER BY i, j;
