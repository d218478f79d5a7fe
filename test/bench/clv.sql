-- clv.sql: models of purchases and of spend, beside the same in Python and
-- beside plain sums of the same rows.
--
-- Variables: scale, peer (the command clv_peer.py with its folder).

CREATE TABLE bench.peer_command AS SELECT :'peer' AS command;
CREATE TABLE bench.peer_result (job text, result jsonb);

-- Run the peer; what it says.
CREATE FUNCTION bench.peer(task text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	answer jsonb;
BEGIN
	CREATE TEMPORARY TABLE answer (line text) ON COMMIT DROP;
	EXECUTE format('COPY answer FROM PROGRAM %L', (SELECT command FROM bench.peer_command) || ' ' || task);
	SELECT line::jsonb INTO answer FROM answer;
	DROP TABLE answer;
	RETURN answer;
END $$;

-- Measure a query beside a task of the peer, as bench.compare does; one that
-- takes minutes runs once, and each round is compared with it.
CREATE PROCEDURE bench.compare_peer(job text, goal numeric, ours text, task text, once boolean DEFAULT false)
LANGUAGE plpgsql AS $$
DECLARE
	ours_ms double precision;
	answer jsonb;
BEGIN
	job := job || ', peer ' || (SELECT result ->> 'which' FROM bench.peer_result p WHERE p.job = 'which');
	FOR round IN 0 .. (SELECT rounds FROM bench.setting) LOOP
		ours_ms := bench.cost(ours, 'Aggregate.*Seq Scan');
		COMMIT;
		CONTINUE WHEN round = 0;
		IF answer IS NULL OR NOT once THEN
			answer := bench.peer(task);
		END IF;
		INSERT INTO bench.timing VALUES (job, goal, round, ours_ms, (answer ->> 'ms')::double precision);
		COMMIT;
	END LOOP;
	INSERT INTO bench.peer_result VALUES (task, answer);
	COMMIT;
END $$;

INSERT INTO bench.peer_result VALUES ('which', bench.peer('which'));

-- Customers: 4,000,000 × scale, of whom the jobs take the first million and the first 100,000.
SELECT (:scale * 4e6)::integer AS all_customers, (:scale * 1e6)::integer AS customers, (:scale * 1e5)::integer AS few_customers \gset
SELECT bench.peer('simulate ' || :all_customers);
CREATE UNLOGGED TABLE simulated (customer_id integer, frequency double precision, recency double precision, age double precision, monetary double precision);
SELECT format('COPY simulated FROM PROGRAM %L (FORMAT binary)', format('cat %L/customers.copy', :'folder')) \gexec
CREATE UNLOGGED TABLE bench.clv_4m AS
SELECT customer_id, clv_summary(frequency::bigint, recency, age, monetary) AS s FROM simulated;
CREATE UNLOGGED TABLE bench.clv AS SELECT * FROM bench.clv_4m WHERE customer_id <= :customers;
CREATE UNLOGGED TABLE bench.clv_100k AS SELECT * FROM bench.clv_4m WHERE customer_id <= :few_customers;
CREATE UNLOGGED TABLE bench.clv_distinct AS
SELECT customer_id, clv_summary(frequency::bigint, recency * stretch, age * stretch, monetary) AS s
FROM (SELECT *, 1 + 0.1 * random() AS stretch FROM simulated WHERE customer_id <= :customers) t;
DROP TABLE simulated;
VACUUM (FREEZE, ANALYZE) bench.clv_4m, bench.clv, bench.clv_100k, bench.clv_distinct;

-- Fits: time, then that ours is as good a maximum and the same one, to a
-- thousandth or, where data are few and the peer stops early, a tenth of the
-- standard error.
CALL bench.compare_peer('MBG/NBD fit', 10, 'SELECT mbgnbd_fit(s) FROM bench.clv', 'fit mbgnbd ' || :customers);
CALL bench.compare_peer('BG/NBD fit', 10, 'SELECT bgnbd_fit(s) FROM bench.clv', 'fit bgnbd ' || :customers);
CALL bench.compare_peer('Gamma-Gamma fit', 4, 'SELECT gamma_gamma_fit(s) FROM bench.clv', 'fit gamma_gamma ' || :customers);
CALL bench.compare_peer('Pareto/NBD fit of a tenth', 50, 'SELECT pareto_nbd_fit(s) FROM bench.clv_100k', 'fit pareto_nbd ' || :few_customers, true);

CREATE TABLE bench.model AS
SELECT mbgnbd_fit(s) AS mbgnbd, bgnbd_fit(s) AS bgnbd, gamma_gamma_fit(s) AS gamma_gamma FROM bench.clv;
CREATE TABLE bench.fitted AS
SELECT 'fit mbgnbd ' || :customers AS job, log_likelihood(mbgnbd) AS ours, model_warnings(mbgnbd) AS warnings,
       ARRAY(SELECT value FROM model_parameters(mbgnbd)) AS parameters,
       ARRAY(SELECT standard_error FROM model_parameters(mbgnbd)) AS errors
FROM bench.model
UNION ALL SELECT 'fit bgnbd ' || :customers, log_likelihood(bgnbd), model_warnings(bgnbd),
       ARRAY(SELECT value FROM model_parameters(bgnbd)), ARRAY(SELECT standard_error FROM model_parameters(bgnbd))
FROM bench.model
UNION ALL SELECT 'fit gamma_gamma ' || :customers, log_likelihood(gamma_gamma), model_warnings(gamma_gamma),
       ARRAY(SELECT value FROM model_parameters(gamma_gamma)), ARRAY(SELECT standard_error FROM model_parameters(gamma_gamma))
FROM bench.model
UNION ALL SELECT 'fit pareto_nbd ' || :few_customers, log_likelihood(m), model_warnings(m), NULL, NULL
FROM (SELECT pareto_nbd_fit(s) AS m FROM bench.clv_100k) t;

SELECT bench.check_equal('log-likelihoods', (
	SELECT count(*) FROM bench.fitted f JOIN bench.peer_result USING (job)
	WHERE NOT ours >= (result ->> 'log_likelihood')::double precision - 1e-6 * abs(ours)));
SELECT bench.check_equal('parameters', (
	SELECT count(*)
	FROM bench.fitted f JOIN bench.peer_result USING (job),
	     unnest(parameters, errors, ARRAY(SELECT v::double precision FROM jsonb_array_elements_text(result -> 'parameters') v)) p (ours, error, theirs)
	WHERE warnings = '{}' AND NOT abs(p.ours - theirs) <= greatest(1e-3 * p.ours, 0.1 * error)));

-- Predictions, the peer with our parameters.
SELECT mbgnbd, gamma_gamma,
       :customers || ' ' || array_to_string(ARRAY(SELECT value FROM model_parameters(mbgnbd)), ',') ||
       ' ' || array_to_string(ARRAY(SELECT value FROM model_parameters(gamma_gamma)), ',') AS task
FROM bench.model \gset
CALL bench.compare_peer('p_alive', 1,
	format('SELECT sum(p_alive(%L::clv_model, s)) FROM bench.clv', :'mbgnbd'), 'p_alive ' || :'task');
CALL bench.compare_peer('expected_purchases, 365 days', 1,
	format('SELECT sum(expected_purchases(%L::clv_model, s, ''365 days'')) FROM bench.clv', :'mbgnbd'), 'expected_purchases ' || :'task');
CALL bench.compare_peer('clv, 12 months', 5,
	format('SELECT sum(clv(%L::clv_model, %L::spend_model, s, ''360 days'', 0.12)) FROM bench.clv', :'mbgnbd', :'gamma_gamma'), 'clv ' || :'task');

-- The peer discounts a month's purchases from its end; without discount a value is exact.
SELECT bench.check_equal('predictions', (
	SELECT count(*)
	FROM (SELECT 'p_alive ' || :'task' AS job, sum(p_alive(mbgnbd, s)) AS ours, 1e-6 AS tolerance FROM bench.clv, bench.model
	      UNION ALL SELECT 'expected_purchases ' || :'task', sum(expected_purchases(mbgnbd, s, '365 days')), 1e-6 FROM bench.clv, bench.model
	      UNION ALL SELECT 'clv ' || :'task', sum(clv(mbgnbd, gamma_gamma, s, '360 days', 0.12)), 0.01 FROM bench.clv, bench.model) t
	JOIN bench.peer_result USING (job)
	WHERE NOT abs(ours - (result ->> 'sum')::double precision) <= tolerance * abs(ours)));
SELECT bench.check_equal('clv without discount', (
	SELECT count(*) FROM (
		SELECT sum(clv(mbgnbd, gamma_gamma, s, '360 days', 0)) AS value,
		       sum(expected_purchases(mbgnbd, s, '360 days') * expected_spend(gamma_gamma, s)) AS product
		FROM bench.clv, bench.model) t
	WHERE NOT abs(value - product) <= 1e-9 * abs(product)));

-- Beside what only reads the same rows.
CALL bench.compare('MBG/NBD fit with scan, beside sums of the fields', 0.25, 'SELECT mbgnbd_fit(s) FROM bench.clv',
	'SELECT sum(frequency(s)), sum(recency(s)), sum(age(s)), sum(monetary(s)) FROM bench.clv', 'Aggregate.*Seq Scan');
CALL bench.compare('BG/NBD fit with scan, beside sums of the fields', 0.25, 'SELECT bgnbd_fit(s) FROM bench.clv',
	'SELECT sum(frequency(s)), sum(recency(s)), sum(age(s)), sum(monetary(s)) FROM bench.clv', 'Aggregate.*Seq Scan');
CALL bench.compare('p_alive, beside one sum', NULL,
	format('SELECT sum(p_alive(%L::clv_model, s)) FROM bench.clv', :'mbgnbd'),
	'SELECT sum(age(s)) FROM bench.clv', 'Aggregate.*Seq Scan');
CALL bench.compare('p_alive, beside the export that Python needs', NULL,
	format('SELECT sum(p_alive(%L::clv_model, s)) FROM bench.clv', :'mbgnbd'),
	'COPY (SELECT customer_id, frequency(s), recency(s), age(s) FROM bench.clv) TO ''/dev/null'' (FORMAT binary)', NULL);

-- Orders to summaries: days merged, what is paid after the first day of purchases averaged over the others.
CREATE VIEW bench.summary_by_window AS
SELECT customer_id, count(*) FILTER (WHERE bought) - 1 AS frequency, max(day) FILTER (WHERE bought) - min(first) AS recency,
       date '2024-09-27' - min(first) AS age,
       sum(amount) FILTER (WHERE day > first) / nullif(count(*) FILTER (WHERE bought) - 1, 0) AS monetary
FROM (SELECT *, min(day) FILTER (WHERE bought) OVER (PARTITION BY customer_id) AS first
      FROM (SELECT customer_id, (ordered_at AT TIME ZONE 'UTC')::date AS day, sum(amount) AS amount, bool_or(amount >= 0) AS bought
            FROM orders WHERE ordered_at <= '2024-09-27' GROUP BY 1, 2) days) d
GROUP BY customer_id HAVING bool_or(bought);
SELECT bench.check_equal('clv_summary', (
	SELECT count(*)
	FROM (SELECT customer_id, clv_summary(ordered_at, amount, '2024-09-27', 'UTC') AS s FROM orders GROUP BY customer_id) a
	FULL JOIN bench.summary_by_window b USING (customer_id)
	WHERE (frequency(s), recency(s), age(s)) IS DISTINCT FROM (b.frequency, b.recency, b.age) OR
	      (monetary(s) IS NULL) <> (b.monetary IS NULL) OR abs(monetary(s) - b.monetary) > 1e-12 * abs(b.monetary)));
SET enable_indexscan = off;
SET enable_indexonlyscan = off;
CALL bench.compare('clv_summary from orders, sequential scan', 2,
	'SELECT customer_id, clv_summary(ordered_at, amount, ''2024-09-27'', ''UTC'') FROM orders GROUP BY customer_id',
	'SELECT * FROM bench.summary_by_window', 'Aggregate.*Seq Scan');
RESET ALL;
SET enable_hashagg = off;
SET enable_seqscan = off;
CALL bench.compare('clv_summary from orders, covering index', 2,
	'SELECT customer_id, clv_summary(ordered_at, amount, ''2024-09-27'', ''UTC'') FROM orders GROUP BY customer_id',
	'SELECT * FROM bench.summary_by_window', 'GroupAggregate.*Index Only Scan');
RESET ALL;

-- Cost against size. Peak memory is what a fit adds to that of a backend that has
-- read the whole table.
CREATE TABLE bench.size (fit text, data text, round integer, customers bigint, ms double precision, kb bigint);
CREATE FUNCTION bench.peak_kb() RETURNS bigint LANGUAGE sql AS
	$$SELECT substring(pg_read_file('/proc/self/status') FROM 'VmHWM:\s*(\d+)')::bigint$$;
CREATE PROCEDURE bench.measure_size(fit text, data text) LANGUAGE plpgsql AS $$
DECLARE
	fitting text := format('SELECT %I(s) FROM bench.%I', fit, data);
	before bigint;
	kb bigint;
	n bigint;
BEGIN
	PERFORM bench.cost(format('SELECT %I(s) FROM (SELECT s FROM bench.%I LIMIT 100) t', fit, data), '');
	PERFORM bench.cost(format('SELECT sum(frequency(s)), sum(recency(s)), sum(age(s)), sum(monetary(s)) FROM bench.%I', data), '');
	EXECUTE format('SELECT count(*) FROM bench.%I', data) INTO n;
	before := bench.peak_kb();
	PERFORM bench.cost(fitting, '');
	kb := bench.peak_kb() - before;
	COMMIT;
	FOR round IN 1 .. (SELECT rounds FROM bench.setting) LOOP
		INSERT INTO bench.size VALUES (fit, data, round, n, bench.cost(fitting, ''), kb);
		COMMIT;
	END LOOP;
END $$;
-- each in a new backend
\connect
CALL bench.measure_size('mbgnbd_fit', 'clv_100k');
\connect
CALL bench.measure_size('mbgnbd_fit', 'clv');
\connect
CALL bench.measure_size('mbgnbd_fit', 'clv_4m');
\connect
CALL bench.measure_size('mbgnbd_fit', 'clv_distinct');
\connect
CALL bench.measure_size('gamma_gamma_fit', 'clv_100k');
\connect
CALL bench.measure_size('gamma_gamma_fit', 'clv');
\connect
CALL bench.measure_size('gamma_gamma_fit', 'clv_4m');

CREATE VIEW bench.growth AS
SELECT fit || CASE data WHEN 'clv_distinct' THEN ', no two customers alike' ELSE '' END AS fit, customers,
       round(ms::numeric, 1) AS ms, round((1000 * ms / customers)::numeric, 2) AS "µs a customer",
       round(kb / 1024.0, 1) AS mb, round(kb / 1024.0 / customers * 1e6, 1) AS "MB a million", 32 AS goal,
       CASE WHEN kb / 1024.0 / customers * 1e6 <= 32 THEN 'ok' ELSE 'above' END AS reached
FROM (SELECT fit, data, customers, kb, percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS ms FROM bench.size GROUP BY 1, 2, 3, 4) t
ORDER BY fit DESC, data = 'clv_distinct', customers;
