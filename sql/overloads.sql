-- How every public name about purchases and scores resolves for each type of
-- argument: an answer or an error, never a silent loss. Surveys have their own
-- file, survey_overloads.
SET search_path = public, customer_scoring;
SET timezone = 'UTC';
SET datestyle = 'ISO';

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
CREATE FUNCTION pg_temp.two() RETURNS purchase_summary LANGUAGE sql AS
	$$SELECT purchase_summary(t::timestamptz, a) FROM (VALUES ('2024-01-01', 10.50), ('2024-02-01', 20)) v(t, a)$$;
CREATE FUNCTION pg_temp.model() RETURNS rfm_model LANGUAGE sql AS
	$$SELECT rfm_fit(pg_temp.two(), '2024-03-01')$$;

-- amounts
SELECT argument, pg_temp.outcome(format('revenue(purchase_summary(timestamptz ''2024-01-01'', %s))', argument)) AS revenue
FROM unnest(ARRAY['5::smallint', '5', '5::bigint', '5.60', '5::real', '5.6::real', '5::float8', '5.6::float8', '1e-7::float8', '0.1::float8 + 0.2::float8',
                  '16777217::real', '123456789.12::real', '''5.60''', '''x''', 'NULL', 'date ''2024-01-01''', 'timestamp ''2024-01-01''',
                  'timestamptz ''2024-01-01''', 'true', '5::money', '''5''::text', '5::oid', 'interval ''1 day'''])
     WITH ORDINALITY a(argument, j) ORDER BY j;

-- times
SELECT argument, pg_temp.outcome(format('first_order_at(purchase_summary(%s, 5))', argument)) AS first_order_at
FROM unnest(ARRAY['timestamptz ''2024-01-01 10:00+07''', 'timestamp ''2024-01-01 10:00''', 'date ''2024-01-01''', '''2024-01-01 10:00+07''', '''soon''', 'NULL',
                  '''2024-01-01''::text', '20240101', '1.5', 'time ''10:00''', 'interval ''1 day'''])
     WITH ORDINALITY a(argument, j) ORDER BY j;

-- the last order, the number of orders, the revenue, for a model's and the window function
SELECT call, argument, pg_temp.outcome(format(call, argument)) AS outcome
FROM unnest(ARRAY['rfm(timestamptz ''2024-02-01'', 2::bigint, %s) OVER ()',
                  'rfm_fit(timestamptz ''2024-02-01'', 2::bigint, %s, timestamptz ''2024-03-01'') IS NOT NULL',
                  'rfm(pg_temp.model(), timestamptz ''2024-02-01'', 2::bigint, %s, timestamptz ''2024-03-01'')']) WITH ORDINALITY c(call, i),
     unnest(ARRAY['5::smallint', '5', '5::bigint', '5.60', '5::real', '5.6::float8', '''5.60''', 'NULL', 'NULL::numeric', '''NaN''::numeric', '''NaN''::float8',
                  '''Infinity''::float8', '0.1234567890123', '1e25::numeric', 'date ''2024-01-01''', 'true', '5::money', '''5''::text'])
     WITH ORDINALITY a(argument, j) ORDER BY i, j;
SELECT call, argument, pg_temp.outcome(format(call, argument)) AS outcome
FROM unnest(ARRAY['rfm(timestamptz ''2024-02-01'', %s, 5.0) OVER ()',
                  'rfm(pg_temp.model(), timestamptz ''2024-02-01'', %s, 5.0, timestamptz ''2024-03-01'')']) WITH ORDINALITY c(call, i),
     unnest(ARRAY['2::smallint', '2', '2::bigint', '2.0', '2::float8', '''2''', '''2.5''', 'NULL', 'date ''2024-01-01''']) WITH ORDINALITY a(argument, j) ORDER BY i, j;
SELECT call, argument, pg_temp.outcome(format(call, argument)) AS outcome
FROM unnest(ARRAY['rfm(%s, 2, 5.0) OVER ()',
                  'rfm(pg_temp.model(), %s, 2, 5.0, timestamptz ''2024-03-01'')',
                  'recency_days(pg_temp.two(), %s)', 'tenure_days(pg_temp.two(), %s, ''Asia/Jakarta'')',
                  'rfm(pg_temp.model(), pg_temp.two(), %s)', 'rfm_fit(pg_temp.two(), %s) IS NOT NULL']) WITH ORDINALITY c(call, i),
     unnest(ARRAY['timestamptz ''2024-02-03''', 'timestamp ''2024-02-03''', 'date ''2024-02-03''', '''2024-02-03''', 'NULL', 'timestamptz ''2024-01-15''', 'timestamptz ''infinity''',
                  'timestamptz ''-infinity''', '''soon''', '''2024-02-03''::text', '5']) WITH ORDINALITY a(argument, j) ORDER BY i, j;

-- numbers of bins
SELECT call, argument, pg_temp.outcome(format(call, argument)) AS outcome
FROM unnest(ARRAY['rfm(pg_temp.two(), %s) OVER ()', 'rfm(timestamptz ''2024-02-01'', 2, 5.0, %s) OVER ()', 'rfm_fit(pg_temp.two(), ''2024-03-01'', %s) IS NOT NULL']) WITH ORDINALITY c(call, i),
     unnest(ARRAY['5::smallint', '5', '5::bigint', '5.0', '''5''', 'NULL', '1', '101', '-5', '2147483647']) WITH ORDINALITY a(argument, j) ORDER BY i, j;

-- scores and what is made of them
SELECT call, argument, pg_temp.outcome(format(call, argument)) AS outcome
FROM unnest(ARRAY['rfm_cell(%s)', 'rfm_total(%s)', 'rfm_weighted(%s)', 'rfm_segment(%s)', 'rfm_segment_rank(%s)']) WITH ORDINALITY c(call, i),
     unnest(ARRAY['(5,4,3,5)::rfm_score', '(5,4,NULL,5)::rfm_score', 'NULL::rfm_score', 'NULL', 'ROW(5,4,3,5)', '(6,4,3,5)::rfm_score', '(0,4,3,5)::rfm_score',
                  '(5,4,3,1)::rfm_score', '''(5,4,3,5)''', '543', '''543''::text']) WITH ORDINALITY a(argument, j) ORDER BY i, j;
SELECT argument, pg_temp.outcome(format('rfm_segment(%s)', argument)) AS rfm_segment
FROM unnest(ARRAY['5, 4, 3', '5::smallint, 4::smallint, 3::smallint', '5::bigint, 4::bigint, 3::bigint', '5.0, 4.0, 3.0', '''5'', ''4'', ''3''', 'NULL, 4, 3', '6, 4, 3', '0, 4, 3',
                  '5, 4, 3, ''rf10''', '5, 4, 3, NULL', '5, 4, 3, ''nothing''', '5, 4, 3, ''rf10''::text']) WITH ORDINALITY a(argument, j) ORDER BY j;

-- summaries and models
SELECT call, argument, pg_temp.outcome(format(call, argument)) AS outcome
FROM unnest(ARRAY['orders(%s)', 'refunds(%s)', 'revenue(%s)', 'average_order_value(%s)', 'first_order_at(%s)', 'previous_order_at(%s)', 'last_order_at(%s)', 'rollup(%s)']) WITH ORDINALITY c(call, i),
     unnest(ARRAY['pg_temp.two()', 'NULL::purchase_summary', 'NULL', '5', '''5''']) WITH ORDINALITY a(argument, j) ORDER BY i, j;
SELECT call, pg_temp.outcome(call) AS outcome
FROM unnest(ARRAY['rfm(NULL, pg_temp.two(), ''2024-03-01'')', 'rfm(pg_temp.model(), NULL, ''2024-03-01'')', 'rfm(pg_temp.model(), NULL::purchase_summary, ''2024-03-01'')',
                  'rfm(pg_temp.model(), pg_temp.two(), NULL)', 'rfm(pg_temp.model()::text::rfm_model, pg_temp.two(), ''2024-03-01'')', 'rfm(''{}'', pg_temp.two(), ''2024-03-01'')']) WITH ORDINALITY c(call, i) ORDER BY i;
