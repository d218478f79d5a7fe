-- Models of purchases and of spend: published values to their digits, one answer whatever the plan, nothing but numbers in their range, no data without a model.
SET search_path = public, customer_scoring;
SET timezone = 'UTC';
SET intervalstyle = 'postgres';
SET datestyle = 'ISO';

-- models by hand, at the rounded parameters of the papers
CREATE FUNCTION purchase_model(kind text, unit text, a float8, b float8, c float8, d float8) RETURNS clv_model LANGUAGE sql IMMUTABLE AS $$
	SELECT json_build_object('kind', kind, 'unit', unit, 'parameters',
		CASE WHEN kind = 'pareto_nbd' THEN json_build_object('r', a, 'alpha', b, 's', c, 'beta', d) ELSE json_build_object('r', a, 'alpha', b, 'a', c, 'b', d) END)::text::clv_model
$$;
CREATE FUNCTION value_model(unit text, p float8, q float8, v float8) RETURNS spend_model LANGUAGE sql IMMUTABLE AS $$
	SELECT json_build_object('kind', 'gamma_gamma', 'unit', unit, 'parameters', json_build_object('p', p, 'q', q, 'v', v))::text::spend_model
$$;
-- figures that carry the digits: so many after the first that is not zero
CREATE FUNCTION digits(value float8, n int) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN value = 0 THEN 0 ELSE round(value::numeric, n - 1 - floor(log(abs(value::numeric)))::int) END
$$;
CREATE TABLE by_hand AS SELECT * FROM (VALUES
	('pareto_nbd', purchase_model('pareto_nbd', 'P7D', 0.553, 10.578, 0.606, 11.669)),
	('bgnbd', purchase_model('bgnbd', 'P7D', 0.243, 4.414, 0.793, 2.426)),
	('mbgnbd', purchase_model('mbgnbd', 'P7D', 0.525, 6.183, 0.891, 1.614))) v(kind, model);
CREATE TABLE spend_by_hand AS SELECT value_model('P7D', 6.25, 3.74, 15.44) AS spend;
SELECT model FROM by_hand;
SELECT spend FROM spend_by_hand;

-- each customer of reference 4.2, as BTYD computes it; 0.0027 a week is what the published discount is
CREATE TABLE published (x int, t_x float8, t float8, kind text, alive numeric, in_39 numeric, in_52 numeric, dert numeric);
INSERT INTO published VALUES
	(0, 0, 38.86, 'pareto_nbd', 0.2952866046, 0.1070814682, 0.1362010059, 0.477136229), (1, 1.71, 38.86, 'pareto_nbd', 0.1680023267, 0.1710929806, 0.2176196913, 0.7623602937),
	(2, 30.43, 38.86, 'pareto_nbd', 0.8691675592, 1.455123193, 1.850826721, 6.483773568), (7, 29.43, 38.86, 'pareto_nbd', 0.7495014077, 3.71225138, 4.7217542, 16.54114063),
	(26, 30.86, 31, 'pareto_nbd', 0.9979187311, 20.11702608, 25.45847295, 86.0564936),
	(0, 0, 38.86, 'bgnbd', 1, 0.195098052, 0.2520730223, NULL), (1, 1.71, 38.86, 'bgnbd', 0.2121009854, 0.2031869871, 0.2598234649, NULL),
	(2, 30.43, 38.86, 'bgnbd', 0.7265785701, 1.226028175, 1.558720806, NULL), (7, 29.43, 38.86, 'bgnbd', 0.6417563459, 3.337053275, 4.198855585, NULL),
	(26, 30.86, 31, 'bgnbd', 0.9689156497, 20.74972614, 25.75819594, NULL);
SELECT kind, x, alive, in_39, in_52, dert,
       round(p_alive(model, s)::numeric, scale(alive)) = alive AND round(expected_purchases(model, s, '273 days')::numeric, scale(in_39)) = in_39
       AND round(expected_purchases(model, s, '364 days')::numeric, scale(in_52)) = in_52
       AND (dert IS NULL OR round(discounted_expected_purchases(model, s, exp(0.0027 * 365.25 / 7) - 1)::numeric, scale(dert)) = dert) AS equal
FROM (SELECT *, clv_summary(x, t_x, t, CASE WHEN x > 0 THEN 1 END, '7 days') AS s FROM published) p JOIN by_hand USING (kind) ORDER BY kind DESC, x;
SELECT kind, round(expected_purchases(model, interval '364 days')::numeric, 9) AS in_52_weeks FROM by_hand WHERE kind <> 'mbgnbd' ORDER BY 1;
-- a year of discount, whatever the unit: the same customer in days
SELECT round(discounted_expected_purchases(purchase_model('pareto_nbd', 'P1D', 0.553, 7 * 10.578, 0.606, 7 * 11.669), clv_summary(2, 7 * 30.43, 7 * 38.86, 1), exp(0.0027 * 365.25 / 7) - 1)::numeric, 9) AS days,
       round(discounted_expected_purchases(purchase_model('pareto_nbd', 'PT1H', 0.553, 168 * 10.578, 0.606, 168 * 11.669), clv_summary(2, 168 * 30.43, 168 * 38.86, 1, '1 hour'), exp(0.0027 * 365.25 / 7) - 1)::numeric, 9) AS hours;
-- Hardie's sheet of a new customer, made at all digits of the optimum: at t = 0.1429 (a day), 1, 3, 31.8571 (223 days), 32, 78
SELECT days, round(expected_purchases(purchase_model('bgnbd', 'P7D', 0.24259452, 4.41360202, 0.79292202, 2.42590678), make_interval(days => days))::numeric, 6) AS expected
FROM unnest(ARRAY[1, 7, 21, 223, 224, 546]) days;
-- repeat purchases of a new customer within 39 weeks
SELECT n, round(purchase_probability(p.model, '273 days', n)::numeric, 10) AS pareto_nbd, round(purchase_probability(b.model, '273 days', n)::numeric, 10) AS bgnbd
FROM generate_series(0, 5) n, by_hand p, by_hand b WHERE p.kind = 'pareto_nbd' AND b.kind = 'bgnbd' ORDER BY n;
-- the reference prints 0.0458603539 for three under BG/NBD, a misprint of the last digit
SELECT round(purchase_probability(model, '273 days', 3)::numeric, 13) AS three, digits(purchase_probability(model, '14 days', 10), 6) AS ten_in_two_weeks FROM by_hand WHERE kind = 'bgnbd';
SELECT n, round(purchase_probability(model, '210 days', n)::numeric, 10) AS in_30_weeks FROM generate_series(11, 20) n, by_hand WHERE kind = 'bgnbd' ORDER BY n;
-- four customers of whom an old CLVTools knew nothing
SELECT x, round(p_alive(purchase_model('pareto_nbd', 'P7D', 0.5143, 2.8845, 0.2856, 14.1087), clv_summary(x, t_x, t, 1, '7 days'))::numeric, 12) AS alive
FROM (VALUES (221, 103.42857, 103.57143), (254, 97.14286, 97.28571), (161, 94.71429, 98), (204, 98.57143, 99.42857)) v(x, t_x, t);
-- the one-time buyer: alive forever under BG/NBD, not so under MBG/NBD
SELECT kind, round(p_alive(model, clv_summary(0, 0, 38.86, NULL, '7 days'))::numeric, 4) AS alive
FROM (VALUES ('bgnbd', purchase_model('bgnbd', 'P7D', 0.24259452, 4.41360202, 0.79292202, 2.42590678)), ('mbgnbd', purchase_model('mbgnbd', 'P7D', 0.52484316, 6.18308528, 0.89135939, 1.61400224)),
	('pareto_nbd', purchase_model('pareto_nbd', 'P7D', 0.55327705, 10.57768346, 0.60623999, 11.66873529))) v(kind, model);
SELECT round(p_alive(purchase_model('mbgnbd', 'P7D', 0.24259452, 4.41360202, 0.79292202, 2.42590678), s)::numeric, 3) AS bg_parameters,
       round(p_alive(purchase_model('mbgnbd', 'P7D', 0.52484316, 6.18308528, 0.89135939, 1.61400224), s)::numeric, 3) AS mbg_parameters
FROM (SELECT clv_summary(0, 0, 1000, NULL, '7 days') AS s) x;
-- values of purchases at the rounded parameters, with the published digits
SELECT round(expected_spend(spend, clv_summary(2, 3, 5, 40, '7 days'))::numeric, 8) AS "2 of 40", round(expected_spend(spend, clv_summary(1, 3, 5, 35, '7 days'))::numeric, 8) AS "1 of 35",
       round(expected_spend(spend, clv_summary(2, 3, 5, 22.35, '7 days'))::numeric, 4) AS "2 of 22.35", round(expected_spend(spend, clv_summary(1, 3, 5, 11.77, '7 days'))::numeric, 4) AS "1 of 11.77",
       round(expected_spend(spend, clv_summary(0, 0, 5, NULL, '7 days'))::numeric, 7) AS none, round(expected_spend(spend)::numeric, 7) AS new
FROM spend_by_hand;
-- 5000 purchases, by the closed form in numeric
SELECT kind, round(p_alive(model, s)::numeric, 9) AS alive, round(1 / (1 + a / (b + 5000 - CASE kind WHEN 'bgnbd' THEN 1 ELSE 0 END) * exp((r + 5000) * ln((alpha + 38.859) / (alpha + 38.8)))), 9) AS closed_form,
       round(expected_purchases(model, s, '273 days')::numeric, 4) AS in_39, round(purchase_probability(model, s, '1 day')::numeric, 9) AS in_a_day
FROM (SELECT kind, model, (p->>'r')::numeric r, (p->>'alpha')::numeric alpha, (p->>'a')::numeric a, (p->>'b')::numeric b FROM (SELECT *, model::text::json->'parameters' AS p FROM by_hand) h) m,
	(SELECT clv_summary(5000, 38.8, 38.859, 1, '7 days') AS s) x ORDER BY kind;
-- parameters at which formulas divide by zero: as near as the values beside them are
SELECT kind, count(*) AS cases, count(*) FILTER (WHERE abs(e / nullif(near, 0) - 1) > 1e-7 OR abs(d / nullif(dnear, 0) - 1) > 1e-7 OR NOT e > 0 OR NOT d BETWEEN 0 AND e) AS different
FROM (SELECT kind, expected_purchases(at, s, h) e, expected_purchases(beside, s, h) near, clv(at, spend, s, h, 0.15) / expected_spend(spend, s) d, clv(beside, spend, s, h, 0.15) / expected_spend(spend, s) dnear
	FROM spend_by_hand, (SELECT kind, purchase_model(kind, 'P7D', r, 4.414, one, b) AS at, purchase_model(kind, 'P7D', r, 4.414, one + 1e-9, b) AS beside
		FROM unnest('{bgnbd,mbgnbd,pareto_nbd}'::text[]) kind, unnest('{0.243,1,5}'::float8[]) r, unnest('{1,2}'::float8[]) one, unnest('{0.5,1,2.426,100}'::float8[]) b) m,
	(VALUES (clv_summary(0, 0, 38.86, NULL, '7 days')), (clv_summary(0, 0, 0, NULL, '7 days')), (clv_summary(1, 1.71, 38.86, 20, '7 days')), (clv_summary(7, 29.43, 38.86, 20, '7 days')),
		(clv_summary(5000, 38.5, 38.86, 20, '7 days'))) v(s), unnest('{1 day,273 days,100 years}'::interval[]) h) x
GROUP BY kind ORDER BY kind;

-- customers by hash, the same on every machine: u is evenly spread over (0, 1)
CREATE FUNCTION u(key text) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT (('x' || substr(md5(key), 1, 8))::bit(32)::bigint + 0.5) / 4294967296 $$;
CREATE TABLE customers (id int, g int, s clv_summary, w float8) PARTITION BY HASH (g);
CREATE TABLE customers_0 PARTITION OF customers FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE customers_1 PARTITION OF customers FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE customers_2 PARTITION OF customers FOR VALUES WITH (MODULUS 3, REMAINDER 2);
INSERT INTO customers
SELECT i, i % 7, CASE WHEN i % 50 = 0 THEN NULL ELSE clv_summary(x::bigint, r, t, CASE WHEN x > 0 THEN CASE WHEN i % 31 = 0 THEN -5 WHEN i % 37 = 0 THEN 0 ELSE round((30 * exp(u('m' || i) - u('n' || i)))::numeric, 2) END END) END,
       1 + (i % 4) / 4.0
FROM (SELECT i, t, x, CASE WHEN x > 0 THEN greatest(x, ceil(active * u('r' || i) ^ (1 / x))) ELSE 0 END AS r
	FROM (SELECT i, t, active, least(floor(active), floor(active * -ln(u('x' || i)) / 40 * (0.5 + u('y' || i)) + u('z' || i))) AS x
		FROM (SELECT i, t, least(t, ln(u('l' || i)) / ln(u('d' || i)) * 90) AS active FROM (SELECT i, 30 + floor(u('t' || i) * 300) AS t FROM generate_series(1, 6000) i) a) b) c) d;
ANALYZE customers;
SELECT count(s) AS summaries, sum(frequency(s)) AS repeats, sum(age(s)) AS days, count(*) FILTER (WHERE monetary(s) <= 0) AS worthless FROM customers;
CREATE VIEW fits AS SELECT mbgnbd_fit(s) AS mbg, bgnbd_fit(s) AS bg, pareto_nbd_fit(s) AS pareto, gamma_gamma_fit(s) AS spend FROM customers;
CREATE TABLE whole AS SELECT * FROM fits;
SELECT kind, model_converged(model) AS converged, model_warnings(model) AS warnings, model_fingerprint(model) ~ '^[0-9a-f]{16}$' AS fingerprint, aic(model) = 8 - 2 * log_likelihood(model) AS aic
FROM whole, LATERAL (VALUES ('mbgnbd', mbg), ('bgnbd', bg), ('pareto_nbd', pareto)) v(kind, model);
SELECT model_converged(spend) AS converged, model_warnings(spend) AS warnings, model_fingerprint(spend) <> model_fingerprint(mbg) AS other_data, aic(spend) = 6 - 2 * log_likelihood(spend) AS aic FROM whole;
SELECT model_fingerprint(mbg) = model_fingerprint(bg) AND model_fingerprint(bg) = model_fingerprint(pareto) AS same_data FROM whole;
SELECT * FROM (SELECT 'purchases' AS model, r.* FROM whole, model_rejected(mbg) r UNION ALL SELECT 'spend', r.* FROM whole, model_rejected(spend) r) x;
-- the best of the models of purchases is first by Akaike's criterion, as the likelihood has it
SELECT array_agg(model::text ORDER BY aic(model)) = array_agg(model::text ORDER BY log_likelihood(model) DESC) AS chosen FROM whole, unnest(ARRAY[mbg, bg, pareto]) model;

-- parameters: errors are square roots of the diagonal of the covariance, intervals contain the value and are symmetric in logarithms
CREATE VIEW parameters AS
SELECT kind, p.*, sqrt((covariance->>((i * (i + 1) / 2 - 1)::int))::float8) AS diagonal
FROM whole, LATERAL (VALUES ('mbgnbd', mbg::text::json->'covariance'), ('bgnbd', bg::text::json->'covariance'), ('pareto_nbd', pareto::text::json->'covariance'), ('gamma_gamma', spend::text::json->'covariance')) v(kind, covariance),
	LATERAL (SELECT * FROM model_parameters(CASE kind WHEN 'mbgnbd' THEN mbg WHEN 'bgnbd' THEN bg WHEN 'pareto_nbd' THEN pareto END) WITH ORDINALITY
		UNION ALL SELECT * FROM model_parameters(CASE kind WHEN 'gamma_gamma' THEN spend END) WITH ORDINALITY) p(name, value, standard_error, lower, upper, i);
SELECT kind, string_agg(name, ' ' ORDER BY i) AS names, bool_and(standard_error = diagonal) AS errors, bool_and(lower < value AND value < upper AND lower > 0) AS inside,
       bool_and(abs(lower * upper / value ^ 2 - 1) < 1e-12 AND abs(ln(upper / value) / (1.959963984540054 * standard_error / value) - 1) < 1e-9) AS symmetric
FROM parameters GROUP BY kind ORDER BY kind;
SELECT name, bool_and(wide.lower < narrow.lower AND narrow.upper < wide.upper) AS wider FROM whole, model_parameters(mbg, 0.5) narrow JOIN model_parameters(mbg, 0.999) wide USING (name) GROUP BY name ORDER BY name;
SELECT name, standard_error IS NULL AND lower IS NULL AND upper IS NULL AS nothing_known FROM by_hand, model_parameters(model) WHERE kind = 'bgnbd';
SELECT log_likelihood(model), aic(model), model_converged(model), model_fingerprint(model), model_warnings(model), (SELECT count(*) FROM model_rejected(model)) AS rejected FROM by_hand WHERE kind = 'bgnbd';
SELECT model_parameters(mbg, 1) FROM whole;
SELECT model_parameters(mbg, 'NaN') FROM whole;

-- one answer whatever the plan: any order of rows, serial, parallel, by partition, sorted, hashed, with and without the leader
CREATE TEMP TABLE grouped AS
	SELECT g, mbgnbd_fit(s)::text AS mbg, bgnbd_fit(s)::text AS bg, pareto_nbd_fit(s)::text AS pareto, gamma_gamma_fit(s)::text AS spend, mbgnbd_fit(s, w)::text AS weighted, gamma_gamma_fit(s, w)::text AS spend_weighted FROM customers GROUP BY g
	UNION ALL SELECT -1, mbgnbd_fit(s)::text, bgnbd_fit(s)::text, pareto_nbd_fit(s)::text, gamma_gamma_fit(s)::text, mbgnbd_fit(s, w)::text, gamma_gamma_fit(s, w)::text FROM customers;
CREATE FUNCTION again(source regclass) RETURNS TABLE (partial bool, groups bigint, different bigint) LANGUAGE plpgsql AS $$
DECLARE
	line text;
	sees_partial bool := false;
	fit text := format('mbgnbd_fit(s)::text AS mbg, bgnbd_fit(s)::text AS bg, pareto_nbd_fit(s)::text AS pareto, gamma_gamma_fit(s)::text AS spend, mbgnbd_fit(s, w)::text AS weighted, gamma_gamma_fit(s, w)::text AS spend_weighted FROM %s', source);
BEGIN
	FOR line IN EXECUTE format('EXPLAIN SELECT g, %s GROUP BY g', fit) LOOP
		sees_partial := sees_partial OR line ~ 'Partial';
	END LOOP;
	RETURN QUERY EXECUTE format('SELECT $1, count(*), count(*) FILTER (WHERE w IS DISTINCT FROM a) FROM grouped w FULL JOIN (SELECT g, %s GROUP BY g UNION ALL SELECT -1, %1$s) a USING (g)', fit) USING sees_partial;
END $$;
SELECT * FROM again('customers');
CREATE TABLE shuffled AS SELECT * FROM customers ORDER BY u('order' || id);
CREATE TABLE backwards AS SELECT * FROM customers ORDER BY id DESC;
SELECT * FROM again('shuffled');
SELECT * FROM again('backwards');
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;
SELECT * FROM again('customers');
SELECT * FROM again('shuffled');
SET parallel_leader_participation = off;
SELECT * FROM again('customers');
SET enable_hashagg = off;
SELECT * FROM again('customers');
RESET parallel_leader_participation; RESET enable_hashagg;
SET enable_partitionwise_aggregate = on;
SELECT * FROM again('customers');
SET max_parallel_workers_per_gather = 0;
SELECT * FROM again('customers');
SET enable_hashagg = off;
SELECT * FROM again('customers');
RESET enable_hashagg; RESET enable_partitionwise_aggregate;
SET work_mem = '64kB';
SELECT * FROM again('customers');
RESET ALL;
SET search_path = public, customer_scoring; SET timezone = 'UTC'; SET intervalstyle = 'postgres'; SET datestyle = 'ISO';

-- a group's model is the fit of that group alone, also by FILTER; the rows that a model is made of can be ordered or windowed over
SELECT count(*) AS groups, count(*) FILTER (WHERE alone IS DISTINCT FROM mbg) AS different FROM grouped, LATERAL (SELECT mbgnbd_fit(s)::text AS alone FROM customers c WHERE c.g = grouped.g) x WHERE g >= 0;
SELECT count(*) AS groups, count(*) FILTER (WHERE by_filter IS DISTINCT FROM x.mbg) AS different
FROM (SELECT mbgnbd_fit(s) FILTER (WHERE g = 3)::text AS three, pareto_nbd_fit(s ORDER BY id DESC) FILTER (WHERE g = 4)::text AS four, gamma_gamma_fit(s, w) FILTER (WHERE g = 5)::text AS five FROM customers) f,
	LATERAL (SELECT three AS by_filter, mbg FROM grouped WHERE g = 3 UNION ALL SELECT four, pareto FROM grouped WHERE g = 4 UNION ALL SELECT five, spend_weighted FROM grouped WHERE g = 5) x;
SELECT count(*) AS models, count(*) FILTER (WHERE running IS DISTINCT FROM fresh) AS different, count(*) FILTER (WHERE spend IS DISTINCT FROM fresh_spend) AS different_spend
FROM (SELECT mbgnbd_fit(s) OVER (ORDER BY id)::text AS running, (SELECT mbgnbd_fit(s)::text FROM shuffled q WHERE q.id <= p.id) AS fresh,
             gamma_gamma_fit(s, w) OVER (ORDER BY id ROWS 40 PRECEDING)::text AS spend, (SELECT gamma_gamma_fit(s, w)::text FROM shuffled q WHERE q.id BETWEEN p.id - 40 AND p.id) AS fresh_spend
      FROM customers p WHERE id <= 100) x;
SELECT count(DISTINCT model::text) AS models FROM (SELECT bgnbd_fit(s) OVER (PARTITION BY g) AS model FROM customers WHERE id <= 500) x;

-- weights: whole ones count as so many customers, parts in proportion
CREATE FUNCTION far(a text, b text) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
	SELECT max(abs(v / w - 1)) FROM (SELECT (SELECT value::float8 FROM json_each_text(a::json->'parameters') x WHERE x.key = e.key) v, value::float8 w FROM json_each_text(b::json->'parameters') e
		UNION ALL SELECT (a::json->>'log_likelihood')::float8, (b::json->>'log_likelihood')::float8 UNION ALL SELECT (a::json->>'weight')::float8, (b::json->>'weight')::float8) q
$$;
CREATE FUNCTION errors_far(a text, b text, factor float8 DEFAULT 1) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
	SELECT max(abs((a::json->'covariance'->>i)::float8 / ((b::json->'covariance'->>i)::float8 * factor) - 1)) FROM generate_series(0, json_array_length(a::json->'covariance') - 1) i
$$;
CREATE TEMP TABLE three AS
SELECT mbgnbd_fit(s, 1 + id % 3)::text mbg, bgnbd_fit(s, 1 + id % 3)::text bg, pareto_nbd_fit(s, 1 + id % 3)::text pareto, gamma_gamma_fit(s, 1 + id % 3)::text spend FROM customers;
SELECT far(t.mbg, x.mbg) < 1e-9 AND far(t.bg, x.bg) < 1e-9 AND far(t.pareto, x.pareto) < 1e-9 AND far(t.spend, x.spend) < 1e-9 AS same,
       errors_far(t.mbg, x.mbg) < 1e-6 AND errors_far(t.bg, x.bg) < 1e-6 AND errors_far(t.pareto, x.pareto) < 1e-6 AND errors_far(t.spend, x.spend) < 1e-6 AS same_errors
FROM three t, (SELECT mbgnbd_fit(s)::text mbg, bgnbd_fit(s)::text bg, pareto_nbd_fit(s)::text pareto, gamma_gamma_fit(s)::text spend FROM customers, LATERAL generate_series(1, 1 + id % 3)) x;
SELECT scale, far(jsonb_set(jsonb_set(f, '{log_likelihood}', to_jsonb((f->>'log_likelihood')::float8 / scale)), '{weight}', to_jsonb((f->>'weight')::float8 / scale))::text, mbg::text) < 1e-9 AS parameters,
       errors_far(f::text, mbg::text, 1 / scale) < 1e-6 AS errors
FROM whole, unnest('{1e-6,0.1,7,1e6}'::float8[]) scale, LATERAL (SELECT mbgnbd_fit(s, scale)::text::jsonb AS f FROM customers) x ORDER BY scale;
SELECT mbgnbd_fit(s, 1)::text = mbgnbd_fit(s)::text AND gamma_gamma_fit(s, 1)::text = gamma_gamma_fit(s)::text AS one_is_no_weight FROM customers;
-- what is left out is counted: by reason, the first that holds
SELECT 'purchases' AS model, reason, customers FROM (SELECT pareto_nbd_fit(s, w) AS m FROM (
	SELECT s, 1 AS w FROM customers WHERE id <= 40 UNION ALL SELECT s, w FROM (SELECT s FROM customers WHERE id = 1) a,
		(VALUES (NULL::float8), (0), (-1), ('NaN'), ('Infinity'), ('-Infinity'), ('-0')) v(w) UNION ALL SELECT NULL, 5 UNION ALL SELECT NULL, NULL) x) y, model_rejected(m)
UNION ALL
SELECT 'spend', reason, customers FROM (SELECT gamma_gamma_fit(s, w) AS m FROM (
	SELECT s, 1 AS w FROM customers WHERE id <= 40 UNION ALL SELECT clv_summary(0, 0, 5, NULL), 0 UNION ALL SELECT clv_summary(0, 0, 5, NULL), 5 UNION ALL SELECT clv_summary(1, 1, 5, 0), 5
	UNION ALL SELECT clv_summary(1, 1, 5, -1), 1 UNION ALL SELECT clv_summary(1, 1, 5, -1), NULL UNION ALL SELECT NULL, NULL) x) y, model_rejected(m);
SELECT count(*) FROM whole, model_rejected('{"kind":"bgnbd","unit":"P7D","parameters":{"r":0.243,"alpha":4.414,"a":0.793,"b":2.426}}'::clv_model);
-- nobody to learn from: no model
SELECT mbgnbd_fit(s) IS NULL AND bgnbd_fit(s) IS NULL AND pareto_nbd_fit(s) IS NULL AND gamma_gamma_fit(s) IS NULL AND mbgnbd_fit(s, 1) IS NULL AND gamma_gamma_fit(s, 1) IS NULL AS none,
       count(*) FROM (SELECT s FROM customers WHERE false UNION ALL SELECT NULL WHERE false) x;
SELECT what, mbgnbd_fit(s, w) IS NULL AND bgnbd_fit(s, w) IS NULL AND pareto_nbd_fit(s, w) IS NULL AS no_model, gamma_gamma_fit(s, w) IS NULL AS no_spend_model
FROM (VALUES ('null', NULL::clv_summary, 1), ('no age', clv_summary(0, 0, 0, NULL), 1), ('no weight', clv_summary(1, 1, 2, 5), 0), ('no repeat', clv_summary(0, 0, 5, NULL), 1), ('no value', clv_summary(1, 1, 2, 0), 1)) v(what, s, w)
GROUP BY what ORDER BY what;
-- units do not mix
SELECT mbgnbd_fit(s) FROM (VALUES (clv_summary(1, 1, 2, 5)), (clv_summary(1, 1, 2, 5, '7 days'))) v(s);
SELECT gamma_gamma_fit(s, 1) FROM (VALUES (clv_summary(1, 1, 2, 5, '1 month')), (clv_summary(1, 1, 2, 5, '7 days'))) v(s);

-- split, pass the states on as text or in binary, merge in odd trees: the whole
CREATE AGGREGATE population(clv_summary) (SFUNC = customer_scoring_internal.clv_fit_accum, STYPE = customer_scoring_internal.clv_population);
CREATE AGGREGATE population(clv_summary, float8) (SFUNC = customer_scoring_internal.clv_fit_accum, STYPE = customer_scoring_internal.clv_population);
CREATE AGGREGATE spend_population(clv_summary, float8) (SFUNC = customer_scoring_internal.spend_fit_accum, STYPE = customer_scoring_internal.clv_population);
CREATE AGGREGATE merge(customer_scoring_internal.clv_population) (SFUNC = customer_scoring_internal.clv_fit_combine, STYPE = customer_scoring_internal.clv_population);
CREATE AGGREGATE merged_mbgnbd(customer_scoring_internal.clv_population) (SFUNC = customer_scoring_internal.clv_fit_combine, STYPE = customer_scoring_internal.clv_population, FINALFUNC = customer_scoring_internal.mbgnbd_fit_final);
CREATE AGGREGATE merged_pareto(customer_scoring_internal.clv_population) (SFUNC = customer_scoring_internal.clv_fit_combine, STYPE = customer_scoring_internal.clv_population, FINALFUNC = customer_scoring_internal.pareto_nbd_fit_final);
CREATE AGGREGATE merged_spend(customer_scoring_internal.clv_population) (SFUNC = customer_scoring_internal.clv_fit_combine, STYPE = customer_scoring_internal.clv_population, FINALFUNC = customer_scoring_internal.gamma_gamma_fit_final);
CREATE TABLE parts AS SELECT floor(20 * u('part' || id) ^ 3)::int AS part, population(s) AS p, population(s, CASE WHEN id % 5 > 2 THEN w ELSE 1 END) AS w, spend_population(s, w) AS spend FROM customers GROUP BY 1;
INSERT INTO parts SELECT -1, population(s), population(s, 1), spend_population(s, 1) FROM customers WHERE false;
INSERT INTO parts SELECT -2, population(NULL), population(NULL, 1), spend_population(NULL, 1);
CREATE TEMP TABLE expected AS SELECT mbgnbd_fit(s)::text AS mbg, pareto_nbd_fit(s, CASE WHEN id % 5 > 2 THEN w ELSE 1 END)::text AS pareto, gamma_gamma_fit(s, w)::text AS spend FROM (SELECT s, w, id FROM customers UNION ALL SELECT NULL, 1, 0) x;
\getenv abs_builddir PG_ABS_BUILDDIR
\set file :abs_builddir '/results/clv_model.bin'
COPY parts TO :'file' (FORMAT binary);
CREATE TEMP TABLE parts_back (LIKE parts);
COPY parts_back FROM :'file' (FORMAT binary);
CREATE TEMP VIEW trees AS
	SELECT 'flat' AS tree, part, p, w, spend FROM parts UNION ALL SELECT 'through bytes', * FROM parts_back
	UNION ALL SELECT 'odd and even', part % 2, merge(p ORDER BY part DESC), merge(w ORDER BY part DESC), merge(spend ORDER BY part DESC) FROM parts GROUP BY part % 2
	UNION ALL SELECT 'threes', part / 3, merge(p ORDER BY part), merge(w), merge(spend) FROM parts_back GROUP BY part / 3
	UNION ALL SELECT 'all at once', 0, merge(p), merge(w), merge(spend) FROM parts;
SELECT tree, parts, t.mbg = e.mbg AND t.pareto = e.pareto AND t.spend = e.spend AS rising, b.mbg = e.mbg AND b.pareto = e.pareto AND b.spend = e.spend AS falling
FROM expected e, (SELECT tree, count(*) AS parts, merged_mbgnbd(p ORDER BY part)::text AS mbg, merged_pareto(w ORDER BY part)::text AS pareto, merged_spend(spend ORDER BY part)::text AS spend FROM trees GROUP BY tree) t
	JOIN (SELECT tree, merged_mbgnbd(p ORDER BY part DESC)::text AS mbg, merged_pareto(w ORDER BY part DESC)::text AS pareto, merged_spend(spend ORDER BY part DESC)::text AS spend FROM trees GROUP BY tree) b USING (tree) ORDER BY tree;
CREATE OR REPLACE TEMP VIEW trees AS
	SELECT 'through text' AS tree, part, p::text::customer_scoring_internal.clv_population AS p, w::text::customer_scoring_internal.clv_population AS w, spend::text::customer_scoring_internal.clv_population AS spend FROM parts
	UNION ALL SELECT 'text of threes', part / 3, merge(p ORDER BY part)::text::customer_scoring_internal.clv_population, merge(w)::text::customer_scoring_internal.clv_population, merge(spend)::text::customer_scoring_internal.clv_population FROM parts_back GROUP BY part / 3;
SELECT tree, parts, t.mbg = e.mbg AND t.pareto = e.pareto AND t.spend = e.spend AS rising, b.mbg = e.mbg AND b.pareto = e.pareto AND b.spend = e.spend AS falling
FROM expected e, (SELECT tree, count(*) AS parts, merged_mbgnbd(p ORDER BY part)::text AS mbg, merged_pareto(w ORDER BY part)::text AS pareto, merged_spend(spend ORDER BY part)::text AS spend FROM trees GROUP BY tree) t
	JOIN (SELECT tree, merged_mbgnbd(p ORDER BY part DESC)::text AS mbg, merged_pareto(w ORDER BY part DESC)::text AS pareto, merged_spend(spend ORDER BY part DESC)::text AS spend FROM trees GROUP BY tree) b USING (tree) ORDER BY tree;
-- two aggregates that are handed the same state do not change it for each other
SELECT merge(p)::text = whole AS one, merge(p) FILTER (WHERE part >= 0)::text = whole AS other, merged_mbgnbd(p) FILTER (WHERE part < 9)::text = model AS third
FROM (SELECT population(s)::text AS whole, mbgnbd_fit(s)::text AS model FROM customers) w, (SELECT id % 5 AS part, population(s) AS p FROM customers GROUP BY 1 OFFSET 0) x GROUP BY whole, model;
-- the state as text, the same for any order
SELECT population(s) FROM (VALUES (clv_summary(2, 30, 39, 5)), (clv_summary(0, 0, 38, NULL)), (NULL), (clv_summary(0, 0, 38, NULL)), (clv_summary(2, 30, 38.5, 5))) v(s);
SELECT population(s, w) FROM (VALUES (clv_summary(2, 30, 39, 5), 1), (clv_summary(0, 0, 38, NULL), 0.1), (clv_summary(0, 0, 38, NULL), 2.5), (clv_summary(0, 0, 38, NULL), 2.5), (NULL, 1), (clv_summary(0, 0, 38, NULL), NULL)) v(s, w);
SELECT spend_population(s, 1) FROM (VALUES (clv_summary(2, 30, 39, 5.25, '7 days')), (clv_summary(2, 31, 40, 5.25, '7 days')), (clv_summary(0, 0, 38, NULL, '7 days')), (clv_summary(1, 1, 38, -1, '7 days'))) v(s);
SELECT population(NULL), population(NULL, 1) AS weighted;
SELECT merge(p) FROM (SELECT population(clv_summary(1, 1, 2, 5)) AS p UNION ALL SELECT population(clv_summary(1, 1, 2, 5, '7 days'))) x;
SELECT merge(p) FROM (SELECT population(clv_summary(1, 1, 2, 5)) AS p UNION ALL SELECT spend_population(clv_summary(1, 1, 2, 5), 1)) x;
SELECT merged_spend(p) FROM (SELECT population(clv_summary(1, 1, 2, 5)) AS p) x;
SELECT merged_mbgnbd(p) FROM (SELECT spend_population(clv_summary(1, 1, 2, 5), 1) AS p) x;
SELECT merge(NULL) IS NULL AS none, merged_mbgnbd(NULL) IS NULL AS no_model;
-- support functions are no functions for queries
SELECT customer_scoring_internal.clv_fit_accum(NULL, clv_summary(1, 1, 2, 5));
SELECT customer_scoring_internal.spend_fit_accum(p, clv_summary(1, 1, 2, 5), 1) FROM parts LIMIT 1;
SELECT customer_scoring_internal.clv_fit_combine(p, p) FROM parts LIMIT 1;
SELECT customer_scoring_internal.mbgnbd_fit_final(p) FROM parts LIMIT 1;
SELECT customer_scoring_internal.gamma_gamma_fit_final(NULL);

-- the same customers, however many are equal and wherever rows stop being small whole figures: one state, one model
CREATE TABLE many (part int, n int, s clv_summary, w float8);
INSERT INTO many SELECT part, n, s, 1 FROM (VALUES
	(0, 40000, clv_summary(0, 0, 38, NULL)), (1, 40000, clv_summary(0, 0, 38, NULL)), (2, 60000, clv_summary(0, 0, 38, NULL)), (3, 1, clv_summary(0, 0, 38, NULL)),
	(0, 65535, clv_summary(3, 20, 38, 5)), (1, 1, clv_summary(3, 20, 38, 5)), (2, 131069, clv_summary(3, 20, 38, 5)), (3, 65536, clv_summary(3, 20, 38, 5)),
	(0, 3, clv_summary(1048575, 16383, 16383, 1)), (1, 2, clv_summary(1, 1, 16383, 1)), (2, 3, clv_summary(1048575, 16383, 16383, 1)), (3, 2, clv_summary(1, 1, 1, 1))) v(part, n, s);
CREATE VIEW expanded AS SELECT part, k, s, w FROM many, LATERAL generate_series(1, n) k;
SELECT population(s) FROM expanded;
-- one more customer, who is not whole, comes late, has many repeats or a weight
CREATE TABLE odd_ones AS SELECT * FROM (VALUES ('fraction', clv_summary(1, 0.5, 38, 1), 1::float8), ('late', clv_summary(0, 0, 16384, NULL), 1), ('frequent', clv_summary(1048576, 20, 38, 1), 1), ('weight', clv_summary(0, 0, 38, NULL), 2)) v(why, s, w);
SELECT why, population(s, w) FROM (SELECT why, e.s, e.w FROM odd_ones, expanded e UNION ALL SELECT * FROM odd_ones) x GROUP BY why ORDER BY why;
CREATE TABLE odd_parts AS SELECT why, part, k % 2 AS half, population(s, w) AS p
	FROM (SELECT why, part, k, e.s, e.w FROM odd_ones, expanded e WHERE part < 3 OR k > 100 UNION ALL SELECT why, 2, 1, s, w FROM odd_ones) x GROUP BY why, part, k % 2
	UNION ALL SELECT why, 4, 0, population(e.s, 1) FROM odd_ones, expanded e WHERE part = 3 AND k <= 100 GROUP BY why;
SELECT why, count(*) AS orders, count(DISTINCT state) AS states, count(DISTINCT model) AS models FROM (
	SELECT why, merge(p ORDER BY u('tree' || i || part || half))::text AS state, merged_mbgnbd(p ORDER BY u('tree' || i || part || half))::text AS model FROM odd_parts, generate_series(1, 3) i GROUP BY why, i
	UNION ALL SELECT why, population(s, w)::text, mbgnbd_fit(s, w)::text FROM (SELECT why, s, w FROM odd_ones UNION ALL SELECT why, e.s, e.w FROM odd_ones, expanded e) x GROUP BY why
	UNION ALL SELECT why, population(s, w ORDER BY part DESC, k DESC)::text, mbgnbd_fit(s, w ORDER BY part, frequency(s) DESC)::text FROM (SELECT why, 9 AS part, 0 AS k, s, w FROM odd_ones UNION ALL SELECT why, part, k, e.s, e.w FROM odd_ones, expanded e) x GROUP BY why) y
GROUP BY why ORDER BY why;

-- models stored, through text and in binary, in any session: equal to the bit
CREATE TABLE kept (id int, model clv_model, spend spend_model);
INSERT INTO kept SELECT 0, unnest(ARRAY[mbg, bg, pareto]), spend FROM whole UNION ALL SELECT g, mbg::clv_model, spend::spend_model FROM grouped UNION ALL SELECT 10, model, spend FROM by_hand, spend_by_hand
	UNION ALL SELECT 100 + i, purchase_model((ARRAY['mbgnbd', 'bgnbd', 'pareto_nbd'])[1 + i % 3], 'PT' || i || 'S', exp(40 * u('a' || i) - 20), exp(40 * u('b' || i) - 20), exp(40 * u('c' || i) - 20), exp(40 * u('d' || i) - 20)),
		value_model('PT' || i || 'S', exp(40 * u('a' || i) - 20), exp(40 * u('b' || i) - 20), exp(40 * u('c' || i) - 20)) FROM generate_series(1, 200) i;
COPY kept TO :'file' (FORMAT binary);
CREATE TABLE kept_back (LIKE kept);
COPY kept_back FROM :'file' (FORMAT binary);
SELECT count(*) AS models, count(*) FILTER (WHERE customer_scoring_internal.clv_model_send(model) <> customer_scoring_internal.clv_model_send(model::text::clv_model)) AS by_text,
       count(*) FILTER (WHERE customer_scoring_internal.spend_model_send(spend) <> customer_scoring_internal.spend_model_send(spend::text::spend_model)) AS spend_by_text FROM kept;
SELECT (SELECT count(*) FROM (SELECT id, model::text, spend::text FROM kept EXCEPT ALL SELECT id, model::text, spend::text FROM kept_back) x) AS by_bytes;
SET intervalstyle = 'sql_standard'; SET datestyle = 'sql, dmy'; SET extra_float_digits = 0;
SELECT (SELECT count(*) FROM (SELECT id, model::text, spend::text FROM kept_back EXCEPT ALL SELECT id, model::text::clv_model::text, spend::text::spend_model::text FROM kept) x) AS different;
SELECT count(*) FILTER (WHERE mbg::clv_model::text <> mbg OR spend::spend_model::text <> spend) AS different FROM grouped;
RESET extra_float_digits; SET intervalstyle = 'postgres'; SET datestyle = 'ISO';
-- states too
SELECT count(*) AS states, count(*) FILTER (WHERE p::text::customer_scoring_internal.clv_population::text IS DISTINCT FROM p::text) AS by_text, count(*) FILTER (WHERE w::text::customer_scoring_internal.clv_population::text IS DISTINCT FROM w::text) AS weighted,
       count(*) FILTER (WHERE spend::text::customer_scoring_internal.clv_population::text IS DISTINCT FROM spend::text) AS spend FROM parts;
SELECT count(*) FILTER (WHERE (a.p::text, a.w::text, a.spend::text) IS DISTINCT FROM (b.p::text, b.w::text, b.spend::text)) AS by_bytes FROM parts a JOIN parts_back b USING (part);
-- by hand: keys in any order, a unit as people write it, nothing but what is needed
SELECT '{"parameters":{"b":2.426,"a":0.793,"alpha":4.414,"r":0.243},"unit":"7 days","kind":"bgnbd"}'::clv_model, '{"kind":"gamma_gamma","unit":"1 day","parameters":{"v":15.44,"p":6.25,"q":1}}'::spend_model;

-- bad text: each key left out, repeated under another name, given another type or a value that cannot be
CREATE FUNCTION pg_temp.reads(type text, value text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	again text;
	detail text;
BEGIN
	EXECUTE format('SELECT (%L::%s)::text', value, type) INTO result;
	EXECUTE format('SELECT (%L::%s)::text', result, type) INTO again;
	RETURN CASE WHEN again IS DISTINCT FROM result THEN 'does not read back: ' ELSE '' END || result;
EXCEPTION WHEN others THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN SQLSTATE || ' ' || SQLERRM || ': ' || detail;
END $$;
CREATE TEMP TABLE sound AS SELECT 'clv_model' AS type, '{"v":1,"kind":"bgnbd","unit":"P7D","parameters":{"r":0.25,"alpha":4.5,"a":0.75,"b":2.5},"customers":10,"rejected_null":2,"rejected_weight":1,"weight":10.5,"log_likelihood":-95.5,"iterations":9,"data":"0123456789abcdef","warnings":[],"covariance":[1,0.5,2,0,0,1,0,0,0.5,3]}' AS value
	UNION ALL SELECT 'spend_model', '{"v":1,"kind":"gamma_gamma","unit":"P1D","parameters":{"p":6.25,"q":0.75,"v":15.5},"customers":10,"rejected_no_repeat":2,"rejected_value":1,"weight":10,"log_likelihood":-95.5,"iterations":9,"data":"0123456789abcdef","warnings":["infinite_mean_spend"],"covariance":[1,0.5,2,0,0,1]}';
INSERT INTO sound VALUES ('customer_scoring_internal.clv_population', '{"v":1,"spend":0,"unit":"P1D","customers":4,"rejected":[1,2,3,4],"weighted":1,"rows":"0 1 0 38 0.5,0 2 0 38 2.5,2 1 30.5 39 1"}'),
	('customer_scoring_internal.clv_population', '{"v":1,"spend":1,"unit":"P1D","customers":4,"rejected":[1,2,3,4],"weighted":0,"rows":"1 3 5.5 0,2 1 30 0"}');
SELECT type, pg_temp.reads(type, value) = value AS sound FROM sound;
CREATE TEMP TABLE mutations AS
SELECT type, path, change, pg_temp.reads(type, CASE change WHEN 'left out' THEN value::jsonb #- path WHEN 'unknown' THEN jsonb_set(value::jsonb, path || '{}'::text[], '1') ELSE jsonb_set(value::jsonb, path, change::jsonb) END::text) AS outcome
FROM sound, LATERAL (SELECT ARRAY[key] AS path FROM jsonb_object_keys(value::jsonb) key UNION ALL SELECT ARRAY['parameters', key] FROM jsonb_object_keys(value::jsonb->'parameters') key WHERE value::jsonb ? 'parameters'
		UNION ALL SELECT ARRAY['covariance', i::text] FROM generate_series(0, 2) i WHERE value::jsonb ? 'covariance' UNION ALL SELECT ARRAY['rejected', i::text] FROM generate_series(0, 1) i WHERE value::jsonb ? 'rejected') p,
	unnest(ARRAY['left out', 'null', 'true', '"x"', '"NaN"', '"Infinity"', '[]', '{}', '[1]', '0', '-1', '2', '1.5', '1e400', '1e300', '1e-300', '9223372036854775808', '99999999999999999999999', '2147483648', '["no_such"]', '["not_converged"]', '["dropout_not_identified","not_converged"]', '""', '"P1M"', '"-1 day"', '"0123456789ABCDEF"', '"0123"', '"300000000 days"']) change;
SELECT count(*) AS changes, count(*) FILTER (WHERE outcome ~ '^(22P02|22003|22007|22008|22015|0A000)') AS refused, count(*) FILTER (WHERE outcome LIKE '{%') AS sound, count(*) FILTER (WHERE outcome !~ '^(22P02|22003|22007|22008|22015|0A000|{)') AS neither FROM mutations;
SELECT substr(outcome, 1, 5) AS sqlstate, count(*) FROM mutations WHERE outcome NOT LIKE '{%' GROUP BY 1 ORDER BY 1;
SELECT type, array_to_string(path, '.') AS key, string_agg(change, ' ' ORDER BY change COLLATE "C") AS taken FROM mutations WHERE outcome LIKE '{%' GROUP BY type, path ORDER BY type, key;
SELECT DISTINCT regexp_replace(outcome, '(clv|spend)_(model|population)|"[^"]*"', '…', 'g') COLLATE "C" AS refusal FROM mutations WHERE outcome NOT LIKE '{%' ORDER BY 1;
SELECT outcome FROM mutations WHERE outcome !~ '^(22P02|22003|22007|22008|22015|0A000|{)';
SELECT type, change, pg_temp.reads(type, replace(value, '{"v":1', '{' || change)) AS reads FROM sound, unnest(ARRAY['"v":1,"extra":1', '"v":2', '"v":0', '"v":65537', '"x":1']) change ORDER BY 1, 2, value;
SELECT value, pg_temp.reads('clv_model', value) AS reads FROM unnest(ARRAY['', '[]', 'null', '{}', '{"kind":"bgnbd"}', '{"kind":"gamma_gamma","unit":"P1D","parameters":{"p":1,"q":2,"v":3}}', '{"kind":"bgnbd","unit":"P1D","parameters":{"r":1,"alpha":1,"s":1,"beta":1}}',
	'{"kind":"bgnbd","unit":"P1D","parameters":{"r":1,"alpha":1,"a":1,"b":1,"c":1}}', '{"kind":"bgnbd","unit":"P1D","parameters":{"r":1,"alpha":1,"a":1,"b":NaN}}', '{"kind":"bgnbd","unit":"P1D","parameters":{"r":1,"alpha":1,"a":1,"b":1},"weight":1}',
	'{"kind":"bgnbd","unit":"P1D","parameters":{"r":1,"alpha":1,"a":1,"b":1},"customers":0}']) value;
-- warnings come in their order, each once, and those that leave errors unknown without a covariance
SELECT warnings, pg_temp.reads(type, regexp_replace(value, '"warnings":.*', '"warnings":' || warnings || '}')) AS reads
FROM sound, unnest(ARRAY['["not_converged","dropout_not_identified"]', '["dropout_not_identified","not_converged"]', '["not_converged","not_converged"]', '["no_repeat_purchases"]', '["no_such"]']) WITH ORDINALITY w(warnings, i) WHERE type = 'clv_model' ORDER BY i;
SELECT pg_temp.reads('spend_model', '{"kind":"bgnbd","unit":"P1D","parameters":{"r":1,"alpha":1,"a":1,"b":1}}') AS spend;
-- rows of a state that no summary gives
SELECT rows, pg_temp.reads('customer_scoring_internal.clv_population', format('{"v":1,"spend":%s,"unit":"P1D","customers":%s,"rejected":[0,0,0,0],"weighted":%s,"rows":"%s"}', (rows ~ '^spend')::int, CASE WHEN rows ~ '^ ?$' THEN 0 ELSE 1 END, (rows ~ '^weight')::int, regexp_replace(rows, '^\w+: ?', ''))) AS reads
FROM unnest(ARRAY['', '0 1 0 38', '0 1 0 38,', ',0 1 0 38', '0 1 0 38;', '0 1 0', '0 1 0 ', '0 1  0 38', ' 0 1 0 38', '0 1 0 38 1', '0 0 0 38', '0 2 0 38', '1 1 0 38', '0 1 1 38', '1 1 39 38', '1 1 -1 38', '-1 1 1 38', '1.5 1 1 38', '2147483648 1 1 38', '1 4294967296 1 38',
	'1 1 NaN 38', '1 1 1 Infinity', '1 1 1 inf', '1 1 1 1e400', '1 1 0x1p3 38', '0 1 -0 38', '1 1e0 1 38', 'weight: 0 1 0 38', 'weight: 0 1 0 38 0', 'weight: 0 1 0 38 -1', 'weight: 0 1 0 38 NaN', 'weight: 0 1 0 38 1e400', 'weight: 0 1 0 38 1', 'spend: 1 1 5 0', 'spend: 0 1 5 0', 'spend: 1 1 0 0', 'spend: 1 1 -5 0', 'spend: 1 1 5 1']) WITH ORDINALITY r(rows, i) ORDER BY i;
SELECT pg_temp.reads('customer_scoring_internal.clv_population', '{"v":1,"spend":0,"customers":1,"rejected":[0,0,0,0],"weighted":0,"rows":"0 1 0 38"}') AS no_unit,
       pg_temp.reads('customer_scoring_internal.clv_population', '{"v":1,"spend":0,"unit":"P1D","customers":9223372036854775807,"rejected":[0,0,0,0],"weighted":0,"rows":"0 4294967295 0 38,0 4294967295 0 38"}') AS too_few;

-- bad bytes: every byte of a valid value changed, cut short and prolonged; whatever is accepted reads and writes like any other value
CREATE FUNCTION pg_temp.receive(type text, bytes bytea, file text) RETURNS text LANGUAGE plpgsql SET search_path = public, customer_scoring, customer_scoring_internal AS $$
DECLARE
	good boolean;
BEGIN
	EXECUTE format('COPY (SELECT %L::bytea) TO %L (FORMAT binary)', bytes, file);
	EXECUTE format('CREATE TEMP TABLE received (s %s) ON COMMIT DROP', type);
	BEGIN
		EXECUTE format('COPY received FROM %L (FORMAT binary)', file);
	EXCEPTION WHEN others THEN
		DROP TABLE received;
		RETURN SQLSTATE;
	END;
	EXECUTE format('SELECT s::text::%s::text = s::text AND %1$s_send(s) = %1$s_send(s::text::%1$s) FROM received', type) INTO good;
	DROP TABLE received;
	RETURN CASE WHEN good THEN 'accepted' ELSE 'accepted, but does not read back' END;
END $$;
\set file :abs_builddir '/results/clv_model_bad.bin'
CREATE TEMP TABLE good AS
SELECT 'clv_model' AS type, customer_scoring_internal.clv_model_send(mbg) AS bytes FROM whole UNION ALL SELECT 'clv_model', customer_scoring_internal.clv_model_send(model) FROM by_hand
UNION ALL SELECT 'spend_model', customer_scoring_internal.spend_model_send(spend) FROM whole UNION ALL SELECT 'spend_model', customer_scoring_internal.spend_model_send(spend) FROM spend_by_hand;
INSERT INTO good SELECT 'customer_scoring_internal.clv_population', customer_scoring_internal.clv_population_send(population(s)) FROM (VALUES (clv_summary(2, 30, 39, 5)), (clv_summary(0, 0, 38, NULL)), (NULL)) v(s)
UNION ALL SELECT 'customer_scoring_internal.clv_population', customer_scoring_internal.clv_population_send(population(s, w)) FROM (VALUES (clv_summary(2, 30, 39, 5), 1), (clv_summary(0, 0, 38, NULL), 0.5)) v(s, w)
UNION ALL SELECT 'customer_scoring_internal.clv_population', customer_scoring_internal.clv_population_send(spend_population(s, 1)) FROM (VALUES (clv_summary(2, 30, 39, 5)), (clv_summary(0, 0, 38, NULL))) v(s);
SELECT type, length(bytes), pg_temp.receive(type, bytes, :'file') AS whole, pg_temp.receive(type, '', :'file') AS empty, pg_temp.receive(type, substr(bytes, 1, length(bytes) - 1), :'file') AS short,
       pg_temp.receive(type, bytes || '\x00', :'file') AS long, pg_temp.receive(type, set_byte(bytes, 1, 2), :'file') AS version_2
FROM good;
-- the other type's bytes are no value of a type
SELECT DISTINCT g.type, t.type AS as_type, pg_temp.receive(t.type, g.bytes, :'file') FROM good g, good t WHERE g.type <> t.type ORDER BY 1, 2, 3;
CREATE TEMP TABLE damaged AS SELECT type, i, x, pg_temp.receive(type, set_byte(bytes, i, get_byte(bytes, i) # x), :'file') AS outcome
      FROM good, LATERAL generate_series(0, length(bytes) - 1) i, unnest(ARRAY[1, 128]) x WHERE x = 128 OR i % 4 = 3;
SELECT type, outcome, count(*) > 0 AS some FROM damaged GROUP BY type, outcome ORDER BY type, outcome;

-- where the data do not tell a parameter, the fit still ends: converged, flagged, without errors, and its predictions are numbers in their range
CREATE FUNCTION unsound(model clv_model, spend spend_model, s clv_summary) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	alive float8 := p_alive(model, s);
	chance float8;
	before float8 := 0;
	expected float8;
	last_expected float8 := 0;
	h interval;
BEGIN
	IF NOT alive BETWEEN 0 AND 1 OR alive IS NULL THEN RETURN format('p_alive %s', alive); END IF;
	FOREACH h IN ARRAY '{1 microsecond,30 days,365 days,10000 years}'::interval[] LOOP
		chance := purchase_probability(model, s, h);
		expected := expected_purchases(model, s, h);
		IF chance IS NULL OR NOT chance BETWEEN before - 1e-12 AND 1 THEN RETURN format('purchase_probability %s of %s after %s', chance, h, before); END IF;
		IF chance > alive * (1 + 1e-12) THEN RETURN format('purchase_probability %s above p_alive %s', chance, alive); END IF;
		IF expected IS NULL OR expected = 'Infinity' OR NOT expected >= last_expected * (1 - 1e-9) THEN RETURN format('expected_purchases %s of %s after %s', expected, h, last_expected); END IF;
		IF expected < chance * (1 - 1e-9) THEN RETURN format('expected_purchases %s below the chance %s of %s', expected, chance, h); END IF;
		IF spend IS NOT NULL AND (expected_spend(spend, s) IS NULL) <> (clv(model, spend, s, h) IS NULL) THEN RETURN format('clv without a spend or a spend without clv'); END IF;
		IF clv(model, spend, s, h) > expected_spend(spend, s) * expected * (1 + 1e-9) OR clv(model, spend, s, h) < 0 THEN RETURN format('clv %s of %s', clv(model, spend, s, h), h); END IF;
		before := chance; last_expected := expected;
	END LOOP;
	RETURN NULL;
END $$;
CREATE TABLE ridges (what text, s clv_summary);
INSERT INTO ridges
SELECT 'active to the end', clv_summary(x, age, age, 5 + x) FROM generate_series(1, 60) i, LATERAL (SELECT 1 + i % 5 AS x, 100 + i AS age) y
UNION ALL SELECT 'regular buyers', clv_summary(10, 100, 105, 20) FROM generate_series(1, 40)
UNION ALL SELECT 'nobody repeats', clv_summary(0, 0, i, NULL) FROM generate_series(1, 50) i
UNION ALL SELECT 'one customer', clv_summary(3, 40, 80, 10)
UNION ALL SELECT 'one, no repeat', clv_summary(0, 0, 80, NULL)
UNION ALL SELECT 'gone at once', clv_summary(1, 1, 300 + i, 5 + i % 3) FROM generate_series(1, 50) i
UNION ALL SELECT 'gone at the same day', clv_summary(2 + i % 5, 30, 400, 5 + i % 3) FROM generate_series(1, 50) i
UNION ALL SELECT 'identical values', clv_summary(1 + i % 4, 20 + i, 100, 25) FROM generate_series(1, 50) i
UNION ALL SELECT 'heavy tail', clv_summary(1 + i % 9, 20 + i, 100, exp(12 * (i / 50.0) ^ 3)) FROM generate_series(1, 50) i
UNION ALL SELECT 'a year of weeks', clv_summary(i % 2, (i % 2) * 0.5, 1, CASE WHEN i % 2 = 1 THEN 5 END) FROM generate_series(1, 50) i
UNION ALL SELECT 'many purchases', clv_summary(2147483647, 20 + i, 60 + i, 5) FROM generate_series(1, 20) i;
CREATE TABLE ridge_models AS SELECT what, kind, model, spend FROM (SELECT what, mbgnbd_fit(s) AS mbg, bgnbd_fit(s) AS bg, pareto_nbd_fit(s) AS pareto, gamma_gamma_fit(s) AS spend FROM ridges GROUP BY what) x,
	LATERAL (VALUES ('mbgnbd', mbg), ('bgnbd', bg), ('pareto_nbd', pareto)) v(kind, model);
SELECT what, kind, model_converged(model) AS converged, model_warnings(model) AS warnings, (SELECT count(standard_error) FROM model_parameters(model)) AS errors,
       (SELECT count(*) FROM (SELECT unsound(model, spend, s) AS fault FROM ridges r WHERE r.what = m.what UNION ALL SELECT unsound(model, spend, clv_summary(0, 0, 0, NULL)) UNION ALL SELECT unsound(model, spend, clv_summary(5, 100, 5000, 10))) y WHERE fault IS NOT NULL) AS faults
FROM ridge_models m ORDER BY what, kind;
SELECT what, model_converged(spend) AS converged, model_warnings(spend) AS warnings, (SELECT count(standard_error) FROM model_parameters(spend)) AS errors, expected_spend(spend) IS NULL AS no_new_spend,
       count(DISTINCT r.what) FILTER (WHERE expected_spend(spend, s) IS NULL) AS no_spend, count(DISTINCT r.what) FILTER (WHERE clv(model, spend, s) IS NULL) AS no_clv
FROM ridge_models JOIN ridges r USING (what) WHERE kind = 'mbgnbd' AND what <> 'many purchases' GROUP BY 1, 2, 3, 4, 5 ORDER BY what;
-- infinite mean spend needs q above 1 in the text, too
SELECT expected_spend(value_model('P1D', 2, q, 10)) AS new, expected_spend(value_model('P1D', 2, q, 10), clv_summary(1, 1, 2, 30)) AS customer, model_warnings(value_model('P1D', 2, q, 10)) AS warnings FROM unnest('{0.5,1,1.5}'::float8[]) q;

-- two hundred small sets of customers, with figures of a small grid: none makes an error, a model without errors that is not flagged, or a text with NaN
CREATE FUNCTION small_sets() RETURNS TABLE (sets bigint, models bigint, mostly_converged boolean, not_flagged bigint, unsound bigint, not_numbers bigint, errors text[], faults text[]) LANGUAGE plpgsql AS $$
DECLARE
	k int;
	converged int;
	m record;
	fault text;
BEGIN
	sets := 0; models := 0; converged := 0; not_flagged := 0; unsound := 0; not_numbers := 0; errors := '{}'; faults := '{}';
	FOR k IN 1 .. 200 LOOP
		sets := sets + 1;
		BEGIN
			FOR m IN SELECT model, spend FROM (
				SELECT mbgnbd_fit(s) AS mbg, bgnbd_fit(s) AS bg, pareto_nbd_fit(s) AS pareto, gamma_gamma_fit(s) AS spend FROM (
					SELECT clv_summary(x, CASE WHEN x = 0 THEN 0 ELSE greatest(r * t, 0.01) END, t, CASE WHEN x > 0 THEN (ARRAY[0.01, 1, 1, 10, 1000, 1e9])[1 + floor(6 * u(k || 'm' || i))::int] END) AS s
					FROM generate_series(1, 1 + k % 6) i, LATERAL (SELECT (ARRAY[0, 0, 1, 2, 3, 50, 1000000])[1 + floor(7 * u(k || 'x' || i))::int] AS x,
						(ARRAY[0.01, 0.5, 0.9, 1, 1])[1 + floor(5 * u(k || 'r' || i))::int] AS r, (ARRAY[0.05, 1, 7, 30, 365, 10000])[1 + floor(6 * u(k || 't' || i))::int] AS t) y) z) f,
				LATERAL (VALUES (mbg), (bg), (pareto)) v(model)
			LOOP
				models := models + 1;
				converged := converged + model_converged(m.model)::int;
				not_flagged := not_flagged + (NOT model_converged(m.model) AND NOT model_warnings(m.model) @> '{not_converged}' OR EXISTS (SELECT FROM model_parameters(m.model) WHERE (standard_error IS NULL) <> (model_warnings(m.model) <> '{}' AND model_warnings(m.model) <> '{no_repeat_purchases}')))::int;
				not_numbers := not_numbers + coalesce(m.model::text ~ 'NaN|Infinity' OR m.spend::text ~ 'NaN|Infinity' OR m.model::text::clv_model::text <> m.model::text OR m.spend::text::spend_model::text <> m.spend::text, false)::int;
								FOR fault IN SELECT unsound(m.model, m.spend, s) FROM (VALUES (clv_summary(0, 0, 0, NULL)), (clv_summary(3, 20, 30, 10)), (clv_summary(50, 300, 365, 1))) v(s) LOOP
					IF fault IS NOT NULL THEN
						unsound := unsound + 1;
						faults := faults || format('%s %s %s', k, m.model::text::json->>'kind', fault);
					END IF;
				END LOOP;
			END LOOP;
		EXCEPTION WHEN others THEN
			errors := errors || format('%s %s %s', k, SQLSTATE, SQLERRM);
		END;
	END LOOP;
	mostly_converged := converged >= models - 5;
	faults := faults[1:5];
	RETURN NEXT;
END $$;
SELECT * FROM small_sets();

-- predictions at the edges
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
CREATE FUNCTION pg_temp.mbg() RETURNS clv_model LANGUAGE sql AS $$ SELECT public.purchase_model('mbgnbd', 'P1D', 0.525, 43.28, 0.891, 1.614) $$;
CREATE FUNCTION pg_temp.pareto() RETURNS clv_model LANGUAGE sql AS $$ SELECT public.purchase_model('pareto_nbd', 'P1D', 0.553, 74.046, 0.606, 81.683) $$;
CREATE FUNCTION pg_temp.spend() RETURNS spend_model LANGUAGE sql AS $$ SELECT public.value_model('P1D', 6.25, 3.74, 15.44) $$;
CREATE FUNCTION pg_temp.customer() RETURNS clv_summary LANGUAGE sql AS $$ SELECT customer_scoring.clv_summary(2, 213, 272, 22.35) $$;
-- alive on the day of the first purchase; chances at once and for ever
SELECT kind, p_alive(model, clv_summary(0, 0, 0, NULL, '7 days')) = CASE kind WHEN 'mbgnbd' THEN b / (a + b) ELSE 1 END AS first_day, digits(expected_purchases(model, clv_summary(0, 0, 0, NULL, '7 days'), '1 microsecond'), 6) AS at_once,
       digits(expected_purchases(model, interval '1 microsecond'), 6) AS new_at_once, digits(purchase_probability(model, s, '1 microsecond'), 6) AS chance, digits(purchase_probability(model, s, '10000 years'), 9) AS chance_of_ever, digits(p_alive(model, s), 9) AS alive, digits(expected_purchases(model, s, '10000 years'), 9) AS ever
FROM (SELECT kind, model, (model::text::json->'parameters'->>'a')::float8 AS a, (model::text::json->'parameters'->>'b')::float8 AS b FROM by_hand) m, (SELECT clv_summary(2, 30.43, 38.86, 1, '7 days') AS s) x ORDER BY kind;
SELECT kind, p_alive(model, s) BETWEEN 0 AND 1 AS alive, expected_purchases(model, s, '365 days') >= 0 AS expected, purchase_probability(model, s, '365 days') BETWEEN 0 AND 1 AS chance, clv(model, spend, s, '365 days') >= 0 AS value
FROM by_hand, spend_by_hand, (VALUES (clv_summary(2147483647, 38.85, 38.86, 1, '7 days')), (clv_summary(2147483647, 1e-15, 1e-15, 1, '7 days')), (clv_summary(1, 1e15, 1e15, 1e20, '7 days')), (clv_summary(0, 0, 1e15, NULL, '7 days')), (clv_summary(1, 1e-15, 1e15, 1e-24, '7 days'))) v(s) ORDER BY kind, frequency(s), age(s);
-- a mean of nothing is one to learn from; a negative one is none
SELECT digits(expected_spend(pg_temp.spend(), clv_summary(2, 3, 5, 0)), 9) AS zero, expected_spend(pg_temp.spend(), clv_summary(2, 3, 5, -1)) AS negative, clv(pg_temp.mbg(), pg_temp.spend(), clv_summary(2, 3, 5, -1)) AS negative_clv;
-- clv without discount is purchases times spend, in every kind; with a discount it is less, and less still with a higher one; over a long time it approaches the discounted purchases to come
SELECT kind, count(*) AS cases, count(*) FILTER (WHERE abs(clv(model, spend, s, h, 0) / (expected_purchases(model, s, h) * expected_spend(spend, s)) - 1) > 1e-9) AS different,
       count(*) FILTER (WHERE NOT (clv(model, spend, s, h, 0) > clv(model, spend, s, h) AND clv(model, spend, s, h) > clv(model, spend, s, h, 1) AND clv(model, spend, s, h, 1) > 0)) AS not_less
FROM by_hand, spend_by_hand, (SELECT clv_summary(x, r * (x > 0)::int, t, CASE WHEN x > 0 THEN 20 END, '7 days') AS s FROM unnest('{0,1,5,100}'::int[]) x, (VALUES (1.71::float8, 38.86::float8), (30.43, 38.86), (38.86, 38.86)) v(r, t)) c, unnest('{1 day,30 days,365 days,50 years}'::interval[]) h GROUP BY kind ORDER BY kind;
SELECT abs(clv(model, spend, s, '10000 years', 0.15) / (expected_spend(spend, s) * discounted_expected_purchases(model, s, 0.15)) - 1) < 1e-9 AS same
FROM by_hand, spend_by_hand, (SELECT clv_summary(2, 30.43, 38.86, 20, '7 days') AS s) x WHERE kind = 'pareto_nbd';
-- chances of a new customer: those of a customer without a past, adding up to one, with the expected mean
SELECT kind, h, abs(purchase_probability(model, clv_summary(0, 0, 0, NULL, '7 days'), h) - (1 - purchase_probability(model, h, 0))) < 1e-12 AS at_least_one,
       abs(total - 1) < 1e-9 AS all_chances, abs(mean / expected_purchases(model, h) - 1) < 1e-6 AS mean, abs(expected_purchases(model, h) / expected_purchases(model, clv_summary(0, 0, 0, NULL, '7 days'), h) - 1) < 1e-12 AS new
FROM by_hand, unnest('{1 day,30 days,210 days}'::interval[]) h, LATERAL (SELECT sum(p) AS total, sum(n * p) AS mean FROM (SELECT n, purchase_probability(model, h, n) AS p FROM generate_series(0, 600) n) y) z ORDER BY kind, h;
SELECT purchase_probability(model, interval '7 days', 1000000) BETWEEN 0 AND 1e-100 AS million FROM by_hand ORDER BY kind;
-- staying away kills, and a longer time has no fewer purchases: over a grid of customers
SELECT kind, count(*) AS cases, count(*) FILTER (WHERE alive >= lag_alive AND NOT (kind = 'bgnbd' AND x = 0)) AS not_falling, count(*) FILTER (WHERE expected < lag_expected OR chance < lag_chance) AS falling
FROM (SELECT kind, x, r, t, alive, lag(alive) OVER (PARTITION BY kind, x, r ORDER BY t) AS lag_alive, NULL::float8 AS expected, NULL::float8 AS lag_expected, NULL::float8 AS chance, NULL::float8 AS lag_chance
	FROM (SELECT kind, x, r, r + d AS t, p_alive(model, clv_summary(x, r * (x > 0)::int, r + d, CASE WHEN x > 0 THEN 1 END, '7 days')) AS alive FROM by_hand, unnest('{0,1,2,7,50}'::int[]) x, unnest('{1,10,30}'::float8[]) r, unnest('{0.01,0.1,0.5,1,2,5,10}'::float8[]) d) a
	UNION ALL
	SELECT kind, x, 30, 38, NULL, NULL, expected, lag(expected) OVER (PARTITION BY kind, x ORDER BY h), chance, lag(chance) OVER (PARTITION BY kind, x ORDER BY h)
	FROM (SELECT kind, x, h, expected_purchases(model, s, h) AS expected, purchase_probability(model, s, h) AS chance FROM by_hand, unnest('{0,1,2,7,50,300}'::int[]) x, LATERAL (SELECT clv_summary(x, 30 * (x > 0)::int, 38, CASE WHEN x > 0 THEN 1 END, '7 days') AS s) y,
		unnest('{1 second,1 hour,1 day,7 days,30 days,365 days,10 years,100 years}'::interval[]) h) b) c GROUP BY kind ORDER BY kind;
-- an interval of months is one of 365.25 / 12 days
SELECT expected_purchases(pg_temp.mbg(), interval '1 month') = expected_purchases(pg_temp.mbg(), interval '30 days 10:30') AS month, expected_purchases(pg_temp.mbg(), interval '1 year') = expected_purchases(pg_temp.mbg(), interval '365.25 days') AS year,
       expected_purchases(pg_temp.mbg(), pg_temp.customer()) = expected_purchases(pg_temp.mbg(), pg_temp.customer(), '365 days') AS usual_horizon, clv(pg_temp.mbg(), pg_temp.spend(), pg_temp.customer()) = clv(pg_temp.mbg(), pg_temp.spend(), pg_temp.customer(), '365 days', 0.12) AS usual_clv;

-- mistakes
SELECT call, pg_temp.outcome(call) AS outcome FROM unnest(ARRAY[
	'p_alive(pg_temp.mbg(), clv_summary(1, 2, 3, 4, ''7 days''))', 'expected_purchases(pg_temp.mbg(), clv_summary(1, 2, 3, 4, ''7 days''), ''1 day'')', 'purchase_probability(pg_temp.mbg(), clv_summary(1, 2, 3, 4, ''1 month''), ''1 day'')',
	'next_purchase_date(pg_temp.mbg(), clv_summary(1, 2, 3, 4, ''1 hour''), ''2024-01-01'')', 'discounted_expected_purchases(pg_temp.pareto(), clv_summary(1, 2, 3, 4, ''7 days''))', 'expected_spend(pg_temp.spend(), clv_summary(1, 2, 3, 4, ''7 days''))',
	'clv(pg_temp.mbg(), pg_temp.spend(), clv_summary(1, 2, 3, 4, ''7 days''))', 'clv(pg_temp.mbg(), value_model(''P7D'', 6, 4, 15), pg_temp.customer())', 'clv(purchase_model(''bgnbd'', ''P7D'', 1, 1, 1, 1), pg_temp.spend(), clv_summary(1, 2, 3, 4, ''7 days''))',
	'expected_purchases(pg_temp.mbg(), pg_temp.customer(), ''0'')', 'expected_purchases(pg_temp.mbg(), interval ''-1 day'')', 'purchase_probability(pg_temp.mbg(), pg_temp.customer(), ''-1 month'')', 'purchase_probability(pg_temp.mbg(), ''00:00'', 1)', 'clv(pg_temp.mbg(), pg_temp.spend(), pg_temp.customer(), ''0 days'')',
	'expected_purchases(pg_temp.mbg(), interval ''178000000 years'')',
	'purchase_probability(pg_temp.mbg(), ''1 day'', -1)', 'purchase_probability(pg_temp.mbg(), ''1 day'', 1000001)', 'purchase_probability(pg_temp.mbg(), ''1 day'', 2147483647)',
	'next_purchase_date(pg_temp.mbg(), pg_temp.customer(), ''2024-01-01'', 0)', 'next_purchase_date(pg_temp.mbg(), pg_temp.customer(), ''2024-01-01'', 1)', 'next_purchase_date(pg_temp.mbg(), pg_temp.customer(), ''2024-01-01'', -0.5)', 'next_purchase_date(pg_temp.mbg(), pg_temp.customer(), ''2024-01-01'', ''NaN'')',
	'next_purchase_date(pg_temp.mbg(), pg_temp.customer(), ''infinity'')', 'next_purchase_date(pg_temp.mbg(), pg_temp.customer(), ''-infinity'')', 'next_purchase_date(pg_temp.mbg(), pg_temp.customer(), ''2024-01-01'', 0.5, ''Mars/Olympus'')', 'next_purchase_date(pg_temp.mbg(), pg_temp.customer(), ''2024-01-01'', 0.5, '''')',
	'clv(pg_temp.mbg(), pg_temp.spend(), pg_temp.customer(), annual_discount => -0.1)', 'clv(pg_temp.mbg(), pg_temp.spend(), pg_temp.customer(), annual_discount => ''NaN'')', 'clv(pg_temp.mbg(), pg_temp.spend(), pg_temp.customer(), annual_discount => ''Infinity'')',
	'discounted_expected_purchases(pg_temp.pareto(), pg_temp.customer(), -0.1)', 'discounted_expected_purchases(pg_temp.pareto(), pg_temp.customer(), 0)', 'discounted_expected_purchases(pg_temp.pareto(), pg_temp.customer(), ''NaN'')',
	'discounted_expected_purchases(pg_temp.mbg(), pg_temp.customer())', 'discounted_expected_purchases(purchase_model(''bgnbd'', ''P1D'', 1, 1, 1, 1), pg_temp.customer())',
	'model_parameters(pg_temp.mbg(), 0)', 'model_parameters(pg_temp.spend(), -1)']) WITH ORDINALITY c(call, i) ORDER BY i;
SELECT p_alive(pg_temp.mbg(), clv_summary(1, 2, 3, 4, '7 days'));
SELECT clv(pg_temp.mbg(), pg_temp.spend(), pg_temp.customer(), '-1 day');
SELECT next_purchase_date(pg_temp.mbg(), pg_temp.customer(), '2024-01-01', 50);
SELECT purchase_probability(pg_temp.mbg(), '1 day', -1);
SELECT discounted_expected_purchases(pg_temp.mbg(), pg_temp.customer());
SELECT clv(pg_temp.mbg(), pg_temp.spend(), pg_temp.customer(), annual_discount => -12);

-- NULL in, NULL out: each argument of each function
SELECT count(*) AS calls, count(*) FILTER (WHERE pg_temp.outcome(call) !~ ' NULL$') AS not_null, min(pg_temp.outcome(call)) FILTER (WHERE pg_temp.outcome(call) !~ ' NULL$') AS example
FROM (SELECT format('%s(%s)', f, (SELECT string_agg(CASE WHEN j = k THEN 'NULL::' || type ELSE value END, ', ' ORDER BY j) FROM unnest(args) WITH ORDINALITY a(name, j), LATERAL (SELECT split_part(name, '|', 1) AS type, split_part(name, '|', 2) AS value) b)) AS call
	FROM (VALUES ('p_alive', ARRAY['clv_model|pg_temp.mbg()', 'clv_summary|pg_temp.customer()']), ('expected_purchases', ARRAY['clv_model|pg_temp.mbg()', 'clv_summary|pg_temp.customer()', 'interval|interval ''1 day''']), ('expected_purchases', ARRAY['clv_model|pg_temp.mbg()', 'interval|interval ''1 day''']),
		('purchase_probability', ARRAY['clv_model|pg_temp.mbg()', 'clv_summary|pg_temp.customer()', 'interval|interval ''1 day''']), ('purchase_probability', ARRAY['clv_model|pg_temp.mbg()', 'interval|interval ''1 day''', 'integer|1']),
		('next_purchase_date', ARRAY['clv_model|pg_temp.mbg()', 'clv_summary|pg_temp.customer()', 'timestamptz|now()', 'float8|0.5', 'text|''UTC''']), ('discounted_expected_purchases', ARRAY['clv_model|pg_temp.pareto()', 'clv_summary|pg_temp.customer()', 'float8|0.1']),
		('expected_spend', ARRAY['spend_model|pg_temp.spend()', 'clv_summary|pg_temp.customer()']), ('expected_spend', ARRAY['spend_model|pg_temp.spend()']), ('clv', ARRAY['clv_model|pg_temp.mbg()', 'spend_model|pg_temp.spend()', 'clv_summary|pg_temp.customer()', 'interval|interval ''1 day''', 'float8|0.1']),
		('log_likelihood', ARRAY['clv_model|pg_temp.mbg()']), ('aic', ARRAY['spend_model|pg_temp.spend()']), ('model_warnings', ARRAY['clv_model|pg_temp.mbg()']), ('model_converged', ARRAY['spend_model|pg_temp.spend()']), ('model_fingerprint', ARRAY['clv_model|pg_temp.mbg()'])) v(f, args), LATERAL generate_subscripts(args, 1) k) x;
SELECT (SELECT count(*) FROM model_parameters(NULL::clv_model)) AS parameters, (SELECT count(*) FROM model_parameters(pg_temp.spend(), NULL)) AS confidence, (SELECT count(*) FROM model_rejected(NULL::spend_model)) AS rejected;

-- the next purchase: the chance reaches the level on that day, neither before nor after
SELECT kind, count(*) AS cases, count(day) AS days, count(*) FILTER (WHERE day IS NULL AND purchase_probability(model, s, '290000 years') >= level * 1.000001) AS missing,
       count(*) FILTER (WHERE purchase_probability(model, s, make_interval(days => day - as_of::date + 1)) < level * 0.999999) AS too_early, count(*) FILTER (WHERE day > as_of::date AND purchase_probability(model, s, make_interval(days => day - as_of::date)) > level * 1.000001) AS too_late, bool_and(day >= as_of::date) AS never_before
FROM (SELECT kind, model, s, level, as_of, next_purchase_date(model, s, as_of, level, 'UTC') AS day FROM by_hand, unnest('{0,1,2,7,50}'::int[]) x, unnest('{0.1,1,8}'::float8[]) d, LATERAL (SELECT clv_summary(x, 30 * (x > 0)::int, 30 + d, CASE WHEN x > 0 THEN 1 END, '7 days') AS s) y, unnest('{0.01,0.1,0.5,0.9,0.99}'::float8[]) level, (VALUES ('2024-01-01 00:00+00'::timestamptz)) w(as_of)) x GROUP BY kind ORDER BY kind;
-- a day of the zone; NULL when it never comes, or after the last day of timestamps
SELECT zone, next_purchase_date(purchase_model('bgnbd', 'P1D', 1, 0.5, 0.01, 1), clv_summary(0, 0, 0, NULL), '2024-01-01 11:30+00', 0.5, zone) AS day FROM unnest('{UTC,Asia/Jakarta,Pacific/Auckland,America/New_York}'::text[]) zone;
SET timezone = 'Pacific/Kiritimati';
SELECT next_purchase_date(purchase_model('bgnbd', 'P1D', 1, 0.5, 0.01, 1), clv_summary(0, 0, 0, NULL), '2024-01-01 11:30+00', 0.5) AS here;
SET timezone = 'UTC';
SELECT level, next_purchase_date(pg_temp.mbg(), pg_temp.customer(), '2024-01-01', level) AS day, round(p_alive(pg_temp.mbg(), pg_temp.customer())::numeric, 6) AS alive FROM unnest('{1e-300,0.01,0.5,0.7,0.72,0.9999999}'::float8[]) level;
SELECT next_purchase_date(purchase_model('bgnbd', 'P1D', 1, a, 1e-25, 1), clv_summary(0, 0, 0, NULL), '2024-01-01') AS day FROM unnest('{1,1000000,1.06e8,1.07e8,1e10,1e29}'::float8[]) a;
SELECT next_purchase_date(pg_temp.mbg(), pg_temp.customer(), '294276-12-31 23:00+00'), next_purchase_date(pg_temp.mbg(), clv_summary(100, 213, 213.5, 22.35), '4713-01-02 BC');

-- how calls resolve for each type of argument
SELECT call, pg_temp.outcome(call) AS outcome FROM unnest(ARRAY[
	'(SELECT mbgnbd_fit(s, 2)::text = mbgnbd_fit(s, 2.0)::text AND mbgnbd_fit(s, 2::smallint)::text = mbgnbd_fit(s, 2::real)::text AND mbgnbd_fit(s, 2::bigint)::text = mbgnbd_fit(s, 2::numeric)::text FROM customers)', '(SELECT mbgnbd_fit(s, ''2'')::text = mbgnbd_fit(s, 2)::text FROM customers)', '(SELECT mbgnbd_fit(s, NULL) FROM customers)',
	'(SELECT mbgnbd_fit(NULL))', '(SELECT gamma_gamma_fit(NULL, NULL))', '(SELECT mbgnbd_fit(''{"v":1,"unit":"P1D","frequency":0,"recency":0,"age":5}'') IS NOT NULL)', '(SELECT mbgnbd_fit(s::text) FROM customers)', '(SELECT mbgnbd_fit(s, true) FROM customers)', '(SELECT mbgnbd_fit(s, s) FROM customers)', '(SELECT mbgnbd_fit(id) FROM customers)', '(SELECT mbgnbd_fit(2, 3, 5, 1))',
	'p_alive(pg_temp.mbg()::text::clv_model, pg_temp.customer()) = p_alive(pg_temp.mbg(), pg_temp.customer())', 'p_alive(''{"kind":"bgnbd","unit":"P1D","parameters":{"r":1,"alpha":1,"a":1,"b":1}}'', clv_summary(1, 1, 2, 5))', 'p_alive(pg_temp.spend(), pg_temp.customer())', 'p_alive(pg_temp.customer(), pg_temp.mbg())', 'p_alive(NULL, NULL)',
	'round(expected_purchases(pg_temp.mbg(), interval ''30 days'')::numeric, 9)', 'expected_purchases(pg_temp.mbg(), ''30 days'')', 'expected_purchases(pg_temp.mbg(), horizon => ''30 days'') > 0', 'expected_purchases(pg_temp.mbg(), NULL)', 'expected_purchases(pg_temp.mbg(), pg_temp.customer(), ''30 days'') > 0', 'expected_purchases(pg_temp.mbg(), pg_temp.customer(), 30)', 'expected_purchases(pg_temp.mbg(), pg_temp.customer(), time ''10:00'') > 0',
	'purchase_probability(pg_temp.mbg(), ''30 days'', 2) > 0', 'purchase_probability(pg_temp.mbg(), interval ''30 days'')', 'purchase_probability(pg_temp.mbg(), ''30 days'', 2::smallint) > 0', 'purchase_probability(pg_temp.mbg(), ''30 days'', 2::bigint)', 'purchase_probability(pg_temp.mbg(), ''30 days'', 2.0)', 'purchase_probability(pg_temp.mbg(), ''30 days'', ''2'')', 'purchase_probability(pg_temp.mbg(), interval ''30 days'', ''2'') > 0', 'purchase_probability(pg_temp.mbg(), NULL, 2)', 'purchase_probability(pg_temp.mbg(), NULL)',
	'next_purchase_date(pg_temp.mbg(), pg_temp.customer(), date ''2024-01-01'')', 'next_purchase_date(pg_temp.mbg(), pg_temp.customer(), timestamp ''2024-01-01'')', 'next_purchase_date(pg_temp.mbg(), pg_temp.customer(), ''2024-01-01'')', 'next_purchase_date(pg_temp.mbg(), pg_temp.customer(), ''2024-01-01'', 0.5)', 'next_purchase_date(pg_temp.mbg(), pg_temp.customer(), ''2024-01-01'', ''0.5'')', 'next_purchase_date(pg_temp.mbg(), pg_temp.customer(), ''2024-01-01'', 1)', 'next_purchase_date(pg_temp.mbg(), pg_temp.customer(), ''soon'')', 'next_purchase_date(pg_temp.mbg(), pg_temp.customer(), 20240101)',
	'next_purchase_date(pg_temp.mbg(), pg_temp.customer(), ''2024-01-01'', time_zone => ''asia/jakarta'')', 'next_purchase_date(pg_temp.mbg(), pg_temp.customer(), NULL)', 'round(discounted_expected_purchases(pg_temp.pareto(), pg_temp.customer())::numeric, 9)', 'discounted_expected_purchases(pg_temp.pareto(), pg_temp.customer(), 1) > 0', 'discounted_expected_purchases(pg_temp.pareto(), pg_temp.customer(), ''0.12'') > 0',
	'round(expected_spend(pg_temp.spend())::numeric, 9)', 'expected_spend(pg_temp.mbg(), pg_temp.customer())', 'expected_spend(NULL)', 'expected_spend(NULL, NULL)', 'round(clv(pg_temp.mbg(), pg_temp.spend(), pg_temp.customer())::numeric, 9)', 'clv(pg_temp.mbg(), pg_temp.spend(), pg_temp.customer(), ''1 year'', 0) > 0', 'clv(pg_temp.mbg(), pg_temp.spend(), pg_temp.customer(), annual_discount => 0.1) > 0', 'clv(pg_temp.spend(), pg_temp.mbg(), pg_temp.customer())', 'clv(NULL, NULL, NULL)',
	'log_likelihood(pg_temp.mbg())', 'log_likelihood(NULL)', 'log_likelihood(NULL::clv_model)', 'aic(''{}'')', 'model_warnings(pg_temp.spend())', 'model_parameters(NULL)', 'pg_temp.mbg() = pg_temp.mbg()', 'pg_temp.mbg()::spend_model', 'pg_temp.mbg()::jsonb', '(pg_temp.mbg()::text::jsonb)->>''kind''']) WITH ORDINALITY c(call, i) ORDER BY i;

-- what is remembered of customers with the same frequency and age is right for every other model, horizon, discount and customer in its place
CREATE TABLE asked AS SELECT row_number() OVER () AS i, kind, model, spend, s, h, d
FROM (TABLE by_hand UNION ALL VALUES ('bgnbd', purchase_model('bgnbd', 'P7D', 0.243, 4.414, 0.8, 2.426))) m, spend_by_hand, (
	SELECT clv_summary(x, r, t, CASE WHEN x > 0 THEN 20 END, '7 days') AS s, h, d FROM (VALUES (0, 0, 5.0), (1, 3, 5.0), (1, 4, 5.0), (1, 3, 5.25), (2, 3, 5.0), (0, 0, 0.0), (7, 29.43, 38.86)) v(x, r, t),
		unnest('{1 day,273 days}'::interval[]) h, unnest('{0,0.12}'::float8[]) d, generate_series(1, 20)
	UNION ALL SELECT clv_summary(i % 3, (i % 3 > 0)::int, 2 + i / 7.0, CASE WHEN i % 3 > 0 THEN 20 END, '7 days'), '90 days', 0.1 FROM generate_series(1, 1500) i, generate_series(1, 2)) x;
CREATE TABLE answers AS
SELECT 'sorted' AS way, i, expected_purchases(model, s, h) AS e, clv(model, spend, s, h, d) AS v FROM (SELECT * FROM asked ORDER BY kind, h, d, model::text, i) x
UNION ALL SELECT 'shuffled', i, expected_purchases(model, s, h), clv(model, spend, s, h, d) FROM (SELECT * FROM asked ORDER BY u('ask' || i)) x
UNION ALL SELECT 'by customer', i, expected_purchases(model, s, h), clv(model, spend, s, h, d) FROM (SELECT * FROM asked ORDER BY s::text, i) x;
SELECT count(DISTINCT i) AS questions, (SELECT count(*) FROM (SELECT FROM answers GROUP BY i HAVING count(DISTINCT (e, v)) > 1 OR count(*) <> 3) z) AS different,
       (SELECT count(*) FROM (SELECT FROM asked JOIN answers USING (i) GROUP BY model::text, s::text, h, d HAVING count(DISTINCT (e, v)) > 1) z) AS differ_between_equals FROM answers;
SELECT count(DISTINCT e) AS values, count(DISTINCT (s::text, h)) AS cases FROM asked JOIN answers USING (i) WHERE kind = 'mbgnbd';

-- memory: what a fit of a million customers takes, looked at while it gathers them
CREATE FUNCTION pg_temp.watched(i int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('cs.most', greatest((SELECT sum(total_bytes)::bigint FROM pg_backend_memory_contexts WHERE name = 'clv_population'), current_setting('cs.most')::bigint)::text, false);
	RETURN i;
END $$;
SET max_parallel_workers_per_gather = 0;
SET cs.most = 0;
SELECT model_converged(mbgnbd_fit(s)) AS fitted, count(*) FROM (SELECT clv_summary(i % 7, CASE WHEN i % 7 > 0 THEN 1 + i % 1000 ELSE 0 END, 1001 + i % 3001, CASE WHEN i % 7 > 0 THEN 5 END) AS s
	FROM (SELECT CASE WHEN j % 50000 = 0 THEN pg_temp.watched(j) ELSE j END AS i FROM (SELECT generate_series(1, 1000000) j) x) y) z;
SELECT current_setting('cs.most')::bigint BETWEEN 100000 AND 32 * 1024 * 1024 AS whole_figures;
SET cs.most = 0;
SELECT model_converged(gamma_gamma_fit(s)) AS fitted, count(*) FROM (SELECT clv_summary(1 + i % 7, 1 + i % 1000, 2001.5 + i, 5 + (i % 9973) + i / 1048576.0) AS s
	FROM (SELECT CASE WHEN j % 50000 = 0 THEN pg_temp.watched(j) ELSE j END AS i FROM (SELECT generate_series(1, 1000000) j) x) y) z;
SELECT current_setting('cs.most')::bigint BETWEEN 100000 AND 32 * 1024 * 1024 AS all_different;
RESET max_parallel_workers_per_gather;
-- nothing is left when it is over, also after an error
SELECT count(*) FROM pg_backend_memory_contexts WHERE name = 'clv_population';
SELECT mbgnbd_fit(s) FROM (SELECT clv_summary(1, 1, i, 1, CASE WHEN i = 100000 THEN interval '7 days' ELSE '1 day' END) AS s FROM generate_series(1, 100000) i) x;
SELECT count(*) FROM pg_backend_memory_contexts WHERE name = 'clv_population';
-- a state of more rows than a fit takes is refused before any is read; 013_clv_limit adds one customer too many
CREATE FUNCTION pg_temp.refusal(bytes bytea, file text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	EXECUTE format('COPY (SELECT %L::bytea) TO %L (FORMAT binary)', bytes, file);
	CREATE TEMP TABLE refused (s customer_scoring_internal.clv_population) ON COMMIT DROP;
	EXECUTE format('COPY refused FROM %L (FORMAT binary)', file);
	RETURN NULL;
EXCEPTION WHEN others THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN SQLSTATE || ' ' || detail;
END $$;
SELECT n, pg_temp.refusal(overlay(overlay(bytes PLACING int8send(n) FROM 13 FOR 8) PLACING int8send(n) FROM 53 FOR 8), :'file') AS refusal
FROM (SELECT customer_scoring_internal.clv_population_send(population(clv_summary(0, 0, 38, NULL))) AS bytes) x, unnest('{2,30000000,30000001,9223372036854775807,-1}'::bigint[]) n;

-- parameters by hand that a type takes: an answer or NULL, soon
SET statement_timeout = '20s';
SELECT kind, a, expected_purchases(purchase_model(kind, 'P7D', 1, 1, a, a), s, '7 days') BETWEEN 0.9 * near AND 1.1 * near AS near
FROM unnest('{bgnbd,mbgnbd,pareto_nbd}'::text[]) kind, unnest('{1e9,1e16,1e20,1e30}'::float8[]) a, LATERAL (SELECT clv_summary(1, 1, 2, 1, '7 days') AS s) x, LATERAL (SELECT expected_purchases(purchase_model(kind, 'P7D', 1, 1, 1e9, 1e9), s, '7 days') AS near) y ORDER BY kind, a;
RESET statement_timeout;

-- weights at the ends of what is taken, and beyond: a model that reads back, or nobody to fit to
SELECT weight, m IS NULL AS none, pg_temp.reads('clv_model', m::text) LIKE '{%' AS reads_back
FROM unnest('{5e-324,1e-51,1e-50,1e-10,1e50,1e51,1.7e308}'::float8[]) weight,
	LATERAL (SELECT mbgnbd_fit(clv_summary(mod(t, 3), mod(t, 3), t, CASE WHEN mod(t, 3) > 0 THEN 1 END), weight) AS m FROM generate_series(1, 30) t) x ORDER BY weight;
-- figures at their ends: the same
SELECT scale, pg_temp.reads('clv_model', (mbgnbd_fit(clv_summary(1 + t % 3, scale * (1 + t % 3), scale * 10 * t, 1)))::text) LIKE '{%' AS reads_back, pg_temp.reads('spend_model', (gamma_gamma_fit(clv_summary(1 + t % 3, 1, 2, scale * t)))::text) LIKE '{%' AS spend_reads_back
FROM unnest('{1e-15,1e-7,1e7,1e12}'::float8[]) scale, generate_series(1, 30) t GROUP BY scale ORDER BY scale;
-- a wait of more microseconds than 63 bits hold, from the first day on: 1.07e8 days are 288243-06-25 or so
SELECT a, next_purchase_date(purchase_model('bgnbd', 'P1D', 1, a, 1e-25, 1), clv_summary(0, 0, 0, NULL), '4713-01-02 BC') = ('4713-01-02 BC'::date + a::int) AS the_day FROM unnest('{1.06e8,1.07e8,1.0764e8,1.085e8}'::float8[]) a;
-- a model of purchases knows nothing of spend: a flag of it is refused in bytes as it is in text
SELECT pg_temp.receive('clv_model', set_byte(customer_scoring_internal.clv_model_send(model), 3, 32), :'file') AS outcome FROM by_hand WHERE kind = 'bgnbd';
-- ten digits also over ten thousand years: what is expected does not fall as time goes on
SELECT expected_purchases(m, s, '10000 years') / expected_purchases(m, s, '100 years') > 1 - 1e-10 AS not_falling
FROM (VALUES (purchase_model('bgnbd', 'P1D', 601302.1420823883, 4509766.065617914, 801736.7727762905, 2405208.5683295536))) v(m), (VALUES (clv_summary(3, 30, 400, 6))) w(s);
-- nobody of three repeats: converged, as every other set
SELECT count(*) FILTER (WHERE NOT model_converged(model)) AS not_converged FROM (SELECT unnest(ARRAY[mbgnbd_fit(s), bgnbd_fit(s), pareto_nbd_fit(s)]) AS model FROM (VALUES (clv_summary(0, 0, 0.05, NULL)), (clv_summary(0, 0, 0.05, NULL)), (clv_summary(0, 0, 365, NULL))) v(s)) x;
SELECT model_converged(gamma_gamma_fit(s)) AS converged FROM ridges WHERE what = 'many purchases';

-- an ordinary role needs no right on the internals
CREATE ROLE regress_cs_fitter;
GRANT SELECT ON customers, whole TO regress_cs_fitter;
SET ROLE regress_cs_fitter;
SELECT p_alive(mbg, clv_summary(2, 30, 39, 5)) BETWEEN 0 AND 1 AS alive FROM (SELECT mbgnbd_fit(s) AS mbg FROM customers) x;
SELECT clv(mbg, spend, clv_summary(2, 30, 39, 5)) > 0 AS valued FROM whole;
RESET ROLE;
DROP OWNED BY regress_cs_fitter;
DROP ROLE regress_cs_fitter;

DROP VIEW trees, expanded, parameters, fits;
DROP TABLE customers, shuffled, backwards, whole, parts, many, odd_ones, odd_parts, kept, kept_back, ridges, ridge_models, asked, answers, by_hand, spend_by_hand, published;
DROP AGGREGATE population(clv_summary), population(clv_summary, float8), spend_population(clv_summary, float8), merge(customer_scoring_internal.clv_population),
	merged_mbgnbd(customer_scoring_internal.clv_population), merged_pareto(customer_scoring_internal.clv_population), merged_spend(customer_scoring_internal.clv_population);
DROP FUNCTION purchase_model, value_model, digits, u, again, far, errors_far, unsound, small_sets;
