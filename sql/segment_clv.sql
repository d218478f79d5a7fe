-- Customer lifetime values in segment tables: what the functions give, for everybody when it is due and for whoever has changed in between.
CREATE SCHEMA clv;
SET search_path = clv, customer_scoring;
SET timezone = 'UTC';
SET jit = off;
SET client_min_messages = warning;

CREATE TABLE orders (id int GENERATED ALWAYS AS IDENTITY, c int, t timestamptz, a numeric(12,2), status text DEFAULT 'paid');
CREATE INDEX ON orders (c);
-- 600 customers who begin within 300 days, and buy at a pace, stop with a probability, and spend amounts of their own
SELECT setseed(0.4);
CREATE TABLE person AS SELECT c, '2023-01-01'::timestamptz + random() * interval '300 days' AS first, 5 - 40 * ln(1 - random() * random()) AS pace,
	0.03 + 0.5 * random() * random() AS stops, 10 + 90 * random() AS spends FROM generate_series(1, 600) c;
CREATE TABLE purchase AS SELECT c, n, CASE WHEN n = 0 THEN 0 ELSE -ln(1 - random()) * pace END AS gap, random() AS amount
FROM person, LATERAL (SELECT 1 + floor(ln(1 - random()) / ln(1 - stops))::int AS most) m, generate_series(0, 200) n WHERE n < most;
INSERT INTO orders (c, t, a) SELECT c, at, round((spends * (0.5 + amount))::numeric, 2)
FROM (SELECT p.*, first + sum(gap) OVER (PARTITION BY c ORDER BY n) * interval '1 day' AS at FROM purchase p JOIN person USING (c)) x JOIN person USING (c) WHERE at < '2024-03-01' ORDER BY c, n;
-- who gives money back, pays nothing, or both; only to come; not at all
INSERT INTO orders (c, t, a) VALUES (1001, '2024-01-05', -10), (1002, '2024-01-06', 0), (1003, '2024-01-06', -1), (1003, '2024-01-07', 0), (1003, '2024-01-08', 0),
	(1004, '2024-03-05', 50), (1005, '2023-06-01', 10), (1005, '2023-06-01 02:00', 10), (1005, '2023-09-01', -5), (NULL, '2024-01-01', 1), (1006, NULL, 1), (1007, '2024-01-01', 'NaN');

-- What plain SQL says that the table must hold, and how many rows differ: the functions over the orders up to the moment of the row.
CREATE FUNCTION unlike(segment_table regclass, as_of timestamptz, zone text, horizon interval, discount float8, margin numeric) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	EXECUTE format($q$
		WITH breaks AS (SELECT clv_breaks FROM customer_scoring_internal.segment_state WHERE segment_table = $1),
		used AS (SELECT i.scored_at, m.model_id, m.model::clv_model AS model, m.spend_model::spend_model AS spend
		         FROM (SELECT clv_as_of AS scored_at FROM segment_table_status WHERE segment_table::regclass = $1) i
		         LEFT JOIN segment_table_model m ON m.segment_table::regclass = $1 AND m.kind = 'clv' AND m.in_use),
		newest AS (SELECT c, max(t) AS newest FROM orders WHERE c IS NOT NULL AND a <> 'NaN' AND t <= $2 GROUP BY c),
		summed AS (SELECT n.c, greatest(u.scored_at, n.newest) AS moment, clv_summary(o.t, o.a, greatest(u.scored_at, n.newest), $3) AS summary
		           FROM newest n JOIN orders o ON o.c = n.c AND o.a <> 'NaN', used u GROUP BY n.c, n.newest, u.scored_at),
		figures AS (SELECT c, p_alive(model, summary)::numeric AS p_alive, expected_purchases(model, summary, $4)::numeric AS purchases,
		                   expected_spend(spend, summary)::numeric AS spends, round($6 * clv(model, spend, summary, $4, $5)::numeric, 2) AS clv,
		                   next_purchase_date(model, summary, moment, 0.5, $3) AS next, CASE WHEN model IS NOT NULL AND summary IS NOT NULL THEN model_id END AS model_id,
		                   CASE WHEN model IS NOT NULL AND summary IS NOT NULL THEN moment END AS moment FROM summed, used)
		SELECT count(*) FROM figures f FULL JOIN %s t ON t.customer_id = f.c CROSS JOIN breaks
		WHERE (round(f.p_alive, 4), round(f.purchases, 4), round(f.spends, 4), f.clv, CASE WHEN f.clv IS NOT NULL THEN 1 + (SELECT count(*) FROM unnest(clv_breaks) x WHERE x < f.clv) END, f.next, f.model_id, f.moment)
			IS DISTINCT FROM (t.p_alive, t.expected_purchases, t.expected_spend, t.clv, t.clv_band::bigint, t.next_purchase_date, t.clv_model_id, t.clv_as_of)
		   OR f.c IS DISTINCT FROM t.customer_id$q$, segment_table)
	INTO n USING segment_table, as_of, zone, horizon, discount, margin;
	RETURN n;
END $$;
-- Refresh, and tell how it went, models by the order in which they came.
CREATE FUNCTION refresh(segment_table regclass, at timestamptz, OUT mode text, OUT reason text, OUT report text) LANGUAGE plpgsql AS $$
DECLARE
	id bigint;
BEGIN
	SELECT r.run_id INTO id FROM refresh_segment_table(segment_table, at) r;
	SELECT r.mode, r.reason, r.clv_report INTO mode, reason, report FROM segment_table_run r WHERE r.run_id = id;
	FOR id IN SELECT model_id FROM segment_table_model m WHERE m.segment_table::regclass = refresh.segment_table AND kind = 'clv' ORDER BY model_id DESC LOOP
		report := regexp_replace(report, 'model ' || id || '\M', 'model #' || (SELECT count(*) FROM segment_table_model m WHERE m.segment_table::regclass = refresh.segment_table AND kind = 'clv' AND model_id <= id));
	END LOOP;
	report := regexp_replace(report, '; warnings: .*', '; warnings');
END $$;

-- columns: types, comments, places; nothing in them without a refresh
SELECT create_segment_table('s', 'orders', 'c', 't', 'a', time_zone => 'Asia/Jakarta', with_data => false, clv => 'true');
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, col_description(a.attrelid, a.attnum)
FROM pg_attribute a WHERE a.attrelid = 's'::regclass AND a.attnum >= (SELECT attnum FROM pg_attribute WHERE attrelid = 's'::regclass AND attname = 'due_at') ORDER BY a.attnum;
SELECT attrelid::regclass, string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) FILTER (WHERE attnum >= 11) AS view_columns,
	bool_and(col_description(attrelid, attnum) IS NOT NULL) AS commented FROM pg_attribute WHERE attrelid IN ('s_current'::regclass, 's_overview'::regclass) GROUP BY 1 ORDER BY 1;
SELECT clv FROM segment_table_definition;
SELECT full_reason, clv_as_of, clv_due_at FROM segment_table_status;

-- the first refresh fits, and scores everybody
SELECT mode, reason, report ~ '^fitted mbgnbd on 603 customers' AS fitted FROM refresh('s', '2024-03-01 03:04:05');
SELECT unlike('s', '2024-03-01 03:04:05', 'Asia/Jakarta', '365 days', 0.12, 1);
SELECT count(*), count(p_alive), count(clv) = count(clv_band) AS banded, count(clv) > 590 AS many, count(DISTINCT clv_model_id) AS models, min(clv_as_of), max(clv_as_of) FROM s;
SELECT customer_id, segment, p_alive, clv, clv_model_id, clv_as_of FROM s WHERE clv_as_of IS NULL ORDER BY 1;
SELECT customer_id, segment, clv_as_of IS NOT NULL AS has_figures, coalesce(next_purchase_date >= '2024-03-01', true) AS dated FROM s WHERE customer_id IN (1002, 1003, 1005) ORDER BY 1;
SELECT clv_band, count(*) BETWEEN 110 AND 130 AS a_fifth FROM s WHERE clv IS NOT NULL GROUP BY 1 ORDER BY 1;
SELECT percentile_disc('{0.2,0.4,0.6,0.8}'::float8[]) WITHIN GROUP (ORDER BY clv) = (SELECT clv_breaks FROM customer_scoring_internal.segment_state) AS breaks FROM s;
SELECT (SELECT sum(clv) FROM s_overview) = sum(clv) AS summed FROM s;
SELECT kind, frozen, in_use, as_of, run_id IS NOT NULL AS run,
	CASE kind WHEN 'clv' THEN model_converged(model::clv_model) END AS model, model_converged(spend_model::spend_model) AS spend_model, CASE kind WHEN 'clv' THEN fingerprint = model_fingerprint(model::clv_model) END AS fingerprint FROM segment_table_model ORDER BY kind;
SELECT clv_as_of, clv_due_at FROM segment_table_status;
SELECT * FROM verify_segment_table('s');

-- in between: whoever changes, and nobody else, however it comes; exact each time
CREATE TABLE seen (step int, mode text, reason text, report text, updated bigint, wrong bigint, unlike bigint, scored int, elsewhen int);
DO $$
DECLARE
	at timestamptz;
	r record;
BEGIN
	FOR i IN 1..30 LOOP
		at := '2024-03-01 03:04:05'::timestamptz + i * interval '47 minutes';
		CASE i % 6
			WHEN 0 THEN DELETE FROM orders WHERE id % 211 = i;
			WHEN 1 THEN INSERT INTO orders (c, t, a) SELECT 1 + (i * 37 + n * 101) % 600, at - interval '20 minutes', 30 + n FROM generate_series(1, 5) n;
			-- late, and in part before the first purchase
			WHEN 2 THEN INSERT INTO orders (c, t, a) SELECT 1 + (i * 41 + n * 97) % 600, at - n * interval '40 days', 20 FROM generate_series(1, 8) n;
			WHEN 3 THEN INSERT INTO orders (c, t, a) SELECT 1 + (i * 43 + n * 89) % 600, at - interval '1 hour', -15 FROM generate_series(1, 5) n;
			WHEN 4 THEN INSERT INTO orders (c, t, a) SELECT 2000 + i * 10 + n, at - n * interval '1 day', 25 FROM generate_series(0, 3) n;
			-- moved, given to another, to come, and all of one customer gone
			WHEN 5 THEN UPDATE orders SET t = t - interval '3 days' WHERE id % 307 = i; UPDATE orders SET c = 1 + (c + 1) % 600 WHERE id % 401 = i;
				INSERT INTO orders (c, t, a) VALUES (i, at + interval '90 minutes', 33); DELETE FROM orders WHERE c = 300 + i;
		END CASE;
		SELECT f.* INTO r FROM refresh_segment_table('s', at) f;
		INSERT INTO seen SELECT i, x.mode, x.reason, x.clv_report, x.updated, (SELECT count(*) FROM verify_segment_table('s')), unlike('s', at, 'Asia/Jakarta', '365 days', 0.12, 1),
			(SELECT count(*) FROM s WHERE clv_as_of = '2024-03-01 03:04:05'), (SELECT count(*) FROM s WHERE clv_as_of > '2024-03-01 03:04:05')
		FROM segment_table_run x WHERE x.run_id = r.run_id;
		COMMIT;
	END LOOP;
END $$;
SELECT mode, reason, report, count(*), sum(wrong) AS wrong, sum(unlike) AS unlike, max(updated) < 500 AS few, min(scored) > 500 AS most_stay, max(elsewhen) > 30 AS some_move FROM seen GROUP BY 1, 2, 3;
-- a refresh of everybody in between gives the same
SELECT alter_segment_table('s', history => true);
SELECT alter_segment_table('s');
SELECT mode, reason, report FROM refresh('s', '2024-03-02 02:40');
SELECT count(*) FROM verify_segment_table('s');
SELECT unlike('s', '2024-03-02 02:40', 'Asia/Jakarta', '365 days', 0.12, 1), max(clv_as_of) > min(clv_as_of) AS as_before FROM s;

-- a day later everybody is due, and a fit as well, as it is asked for as often; no move of that is history
INSERT INTO orders (c, t, a) VALUES (1, '2024-03-02 02:50', 20);
SELECT mode, reason, report ~ '^fitted mbgnbd on 6\d\d customers' AS fitted FROM refresh('s', '2024-03-02 03:04:05');
SELECT unlike('s', '2024-03-02 03:04:05', 'Asia/Jakarta', '365 days', 0.12, 1), count(DISTINCT clv_as_of) FROM s;
SELECT count(*) AS moves, count(*) FILTER (WHERE from_segment IS NOT DISTINCT FROM to_segment) AS none FROM s_history WHERE moved_at = '2024-03-02 03:04:05';
SELECT kind, in_use, count(*) FROM segment_table_model WHERE kind = 'clv' GROUP BY 1, 2 ORDER BY 2;
SELECT * FROM verify_segment_table('s');
SELECT mode, reason, report FROM refresh('s', '2024-03-03 03:04:04.999999');
SELECT mode, reason, report ~ '^fitted' AS fitted FROM refresh('s', '2024-03-03 03:04:05');
-- going back in time: as of then, whatever is stored; then the same as before
SELECT mode, reason, report ~ '^fitted' AS fitted FROM refresh('s', '2024-02-01');
SELECT unlike('s', '2024-02-01', 'Asia/Jakarta', '365 days', 0.12, 1), count(DISTINCT clv_as_of) FROM s;
SELECT mode, reason, report ~ '^fitted' AS fitted FROM refresh('s', '2024-03-03 03:04:05');
SELECT count(*) = 2 AS fitted_twice, count(DISTINCT model) AS to_one_model, count(DISTINCT fingerprint) AS of_one_fingerprint FROM segment_table_model WHERE kind = 'clv' AND as_of = '2024-03-03 03:04:05';

-- every key; a fit less often than scores
SELECT alter_segment_table('s', clv => '{"model": "bgnbd", "horizon": "30 days", "discount": 0, "margin": 0.25, "score_every": "12 hours", "fit_every": "2 days"}');
SELECT clv FROM segment_table_definition;
SELECT full_reason, clv_due_at FROM segment_table_status;
SELECT count(*) > 0 AS wrong, bool_and(problem = 'pending') AS pending FROM verify_segment_table('s');
SELECT mode, reason, report ~ '^fitted bgnbd' AS fitted FROM refresh('s', '2024-03-03 04:00');
SELECT unlike('s', '2024-03-03 04:00', 'Asia/Jakarta', '30 days', 0, 0.25);
SELECT mode, reason, report FROM refresh('s', '2024-03-03 15:59');
SELECT mode, reason, report FROM refresh('s', '2024-03-03 16:00');
SELECT unlike('s', '2024-03-03 16:00', 'Asia/Jakarta', '30 days', 0, 0.25), count(DISTINCT clv_as_of) FROM s;
SELECT mode, reason, report FROM refresh('s', '2024-03-05 03:59');
SELECT mode, reason, report FROM refresh('s', '2024-03-05 15:58');
SELECT mode, reason, report ~ '^fitted bgnbd' AS fitted FROM refresh('s', '2024-03-05 15:59');
-- another option leaves the moment of scoring; the same option given again does not
SELECT alter_segment_table('s', "only" => '{"status": ["paid"]}');
SELECT mode, reason, report FROM refresh('s', '2024-03-05 16:01');
SELECT count(*) FROM verify_segment_table('s');
SELECT alter_segment_table('s', clv => '{"model": "bgnbd", "horizon": "30 days", "margin": 0.25, "fit_every": "2 days"}');
SELECT mode, reason, report FROM refresh('s', '2024-03-05 16:02');
SELECT unlike('s', '2024-03-05 16:02', 'Asia/Jakarta', '30 days', 0.12, 0.25);
SELECT alter_segment_table('s', clv => '{"model": "pareto_nbd", "horizon": "2 years", "discount": 0.05}');
SELECT mode, reason, report ~ '^fitted pareto_nbd' AS fitted FROM refresh('s', '2024-03-05 16:03');
SELECT unlike('s', '2024-03-05 16:03', 'Asia/Jakarta', '2 years', 0.05, 1);
-- days of the schedule are those of the zone's clocks
SELECT alter_segment_table('s', time_zone => 'Europe/Berlin', clv => 'true');
SELECT mode, reason, report ~ '^fitted mbgnbd' AS fitted FROM refresh('s', '2024-03-30 12:00');
SELECT clv_due_at FROM segment_table_status;
SELECT unlike('s', '2024-03-30 12:00', 'Europe/Berlin', '365 days', 0.12, 1);

-- off: the columns go; on: they come back behind what came meanwhile, and sources that are added come behind them
CREATE TABLE ratings (c int, rated_at timestamptz, score int);
INSERT INTO ratings VALUES (1, '2024-03-01', 9), (5001, '2024-03-01', 1);
CREATE TABLE clients (c int);
INSERT INTO clients VALUES (1), (5000);
CREATE ROLE regress_cs_clv;
GRANT SELECT ON s_current, s_overview TO regress_cs_clv;
SELECT alter_segment_table('s', clv => 'false');
SELECT clv FROM segment_table_definition;
SELECT clv_as_of, clv_due_at, clv_model_id, clv_breaks FROM customer_scoring_internal.segment_state;
SELECT count(*) > 3 AS kept, bool_or(in_use) AS in_use FROM segment_table_model WHERE kind = 'clv';
SELECT attrelid::regclass, string_agg(attname, ' ' ORDER BY attnum) FILTER (WHERE attnum > 8) FROM pg_attribute WHERE attrelid IN ('s_current'::regclass, 's_overview'::regclass) GROUP BY 1 ORDER BY 1;
SELECT mode, reason, report FROM refresh('s', '2024-03-31');
SELECT alter_segment_table('s', clv => 'false');
SELECT mode, reason, report FROM refresh('s', '2024-04-01');
SELECT alter_segment_table('s', clv => '{}');
SELECT add_segment_source('s', 'ratings', 'ratings', 'c');
SELECT add_segment_source('s', 'customers', 'clients', 'c');
SELECT attrelid::regclass, string_agg(attname, ' ' ORDER BY attnum) FILTER (WHERE attnum > 10 AND NOT attisdropped) FROM pg_attribute WHERE attrelid IN ('s'::regclass, 's_current'::regclass, 's_overview'::regclass) GROUP BY 1 ORDER BY 1;
SELECT count(clv) FROM s;
SELECT mode, reason, report ~ '^fitted' AS fitted FROM refresh('s', '2024-04-01 12:00');
SELECT has_table_privilege('regress_cs_clv', 's_current', 'SELECT') AS current, has_table_privilege('regress_cs_clv', 's_overview', 'SELECT') AS overview;
SELECT customer_id, orders, segment, clv, clv_as_of FROM s WHERE customer_id >= 5000;
SELECT count(*) FROM verify_segment_table('s');
INSERT INTO clients VALUES (5002);
INSERT INTO orders (c, t, a) VALUES (5000, '2024-04-01 12:30', 70);
SELECT mode, reason, report FROM refresh('s', '2024-04-01 13:00');
SELECT customer_id, orders, clv IS NOT NULL AS clv, clv_as_of FROM s WHERE customer_id >= 5000 ORDER BY 1;
SELECT count(*) FROM verify_segment_table('s');
SELECT drop_segment_source('s', 'ratings');
SELECT drop_segment_source('s', 'customers');
SELECT mode, reason, report FROM refresh('s', '2024-04-01 14:00');
SELECT unlike('s', '2024-04-01 14:00', 'Europe/Berlin', '365 days', 0.12, 1);
-- breaks that are frozen, or a source of another scale, have nothing to do with it
SELECT alter_segment_table('s', breaks => 'frozen');
ALTER TABLE orders ALTER a TYPE numeric(14, 3);
SELECT alter_segment_table('s');
SELECT attrelid::regclass, string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) FROM pg_attribute
WHERE attrelid IN ('s'::regclass, 's_current'::regclass, 's_overview'::regclass) AND attname IN ('clv', 'expected_spend') GROUP BY 1 ORDER BY 1;
SELECT mode, reason, report FROM refresh('s', '2024-04-01 15:00');
INSERT INTO orders (c, t, a) VALUES (5003, '2024-04-01 12:30', 70.125);
SELECT mode, reason, report FROM refresh('s', '2024-04-01 16:00');
SELECT count(*) FROM verify_segment_table('s');
-- breaks of scores are forgotten after a month, models are not
SELECT alter_segment_table('s', breaks => 'each_refresh');
SELECT count(*) AS models FROM segment_table_model WHERE kind = 'clv' \gset
SELECT mode, reason, report ~ '^fitted' AS fitted FROM refresh('s', '2024-06-01');
SELECT count(*) FILTER (WHERE kind = 'rfm' AND as_of < '2024-05-01') AS old_breaks, count(*) FILTER (WHERE kind = 'rfm') > 0 AS breaks, count(*) FILTER (WHERE kind = 'clv') - :models AS more_models,
	count(*) FILTER (WHERE in_use AND kind = 'rfm') AS breaks_in_use, count(*) FILTER (WHERE in_use AND kind = 'clv') AS models_in_use FROM segment_table_model;
-- while the source cannot be read it can be turned off
ALTER TABLE orders RENAME TO away;
SELECT alter_segment_table('s', clv => 'false');
SELECT alter_segment_table('s', clv => 'true');
ALTER TABLE away RENAME TO orders;
ALTER TABLE orders ALTER a TYPE numeric(12, 2);
SELECT drop_segment_table('s');
SELECT count(*) AS models FROM customer_scoring_internal.segment_model;

-- a fit that fails leaves the model of before, and says so
SELECT create_segment_table('s', 'orders', 'c', 't', 'a', time_zone => 'UTC', with_data => false, clv => 'true');
CREATE FUNCTION fail(int, clv_summary) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION USING MESSAGE = 'too many customers', ERRCODE = current_setting('fail.code');
END $$;
CREATE FUNCTION no_model(int) RETURNS clv_model LANGUAGE sql AS 'SELECT NULL::clv_model';
CREATE PROCEDURE break_fit() LANGUAGE plpgsql AS $$
BEGIN
	ALTER AGGREGATE customer_scoring.mbgnbd_fit(clv_summary) RENAME TO mbgnbd_fit_before;
	CREATE AGGREGATE customer_scoring.mbgnbd_fit(clv_summary) (SFUNC = clv.fail, STYPE = int, FINALFUNC = clv.no_model, INITCOND = '0');
END $$;
CREATE PROCEDURE mend_fit() LANGUAGE plpgsql AS $$
BEGIN
	DROP AGGREGATE customer_scoring.mbgnbd_fit(clv_summary);
	ALTER AGGREGATE customer_scoring.mbgnbd_fit_before(clv_summary) RENAME TO mbgnbd_fit;
END $$;
CALL break_fit();
SET fail.code = '54000';
-- none of before: the refresh goes on, and the next one is not due for that
SELECT mode, reason, report FROM refresh('s', '2024-03-10');
SELECT count(*) > 600 AS customers, count(clv_as_of) AS scored, count(clv_band) AS banded FROM s;
SELECT mode, reason, report FROM refresh('s', '2024-03-10 01:00');
SELECT count(*) FROM verify_segment_table('s');
CALL mend_fit();
SELECT mode, reason, report ~ '^fitted' AS fitted FROM refresh('s', '2024-03-11 00:00');
CALL break_fit();
SELECT mode, reason, report FROM refresh('s', '2024-03-12 00:00');
SELECT unlike('s', '2024-03-12', 'UTC', '365 days', 0.12, 1), count(DISTINCT clv_as_of), count(DISTINCT clv_band) FROM s;
SELECT count(*) FROM verify_segment_table('s');
-- who ends it ends it, and a lost race is no fit that failed
SET fail.code = '57014';
SELECT refresh('s', '2024-03-13');
SET fail.code = '57P01';
SELECT refresh('s', '2024-03-13');
SET fail.code = '40001';
SELECT refresh('s', '2024-03-13');
SET fail.code = '40P01';
SELECT refresh('s', '2024-03-13');
SELECT clv_as_of FROM segment_table_status;
CALL mend_fit();
-- one that does not converge: of purchases, of spend
BEGIN;
ALTER FUNCTION customer_scoring.model_converged(clv_model) RENAME TO converged_before;
CREATE FUNCTION customer_scoring.model_converged(clv_model) RETURNS boolean LANGUAGE sql AS 'SELECT false';
SELECT mode, reason, report FROM refresh('s', '2024-03-13');
SELECT unlike('s', '2024-03-13', 'UTC', '365 days', 0.12, 1), count(DISTINCT clv_as_of) FROM s;
ROLLBACK;
BEGIN;
ALTER FUNCTION customer_scoring.model_converged(spend_model) RENAME TO converged_before;
CREATE FUNCTION customer_scoring.model_converged(spend_model) RETURNS boolean LANGUAGE sql AS 'SELECT false';
SELECT mode, reason, regexp_replace(report, '\d\d+', 'N') AS report FROM refresh('s', '2024-03-13');
SELECT unlike('s', '2024-03-13', 'UTC', '365 days', 0.12, 1), count(DISTINCT clv_as_of) FROM s;
SELECT count(DISTINCT spend_model) AS spend_models, count(*) AS models FROM segment_table_model WHERE kind = 'clv';
SELECT alter_segment_table('s', clv => 'false');
SELECT alter_segment_table('s', clv => 'true');
SELECT mode, reason, regexp_replace(report, '\d\d+', 'N') AS report FROM refresh('s', '2024-03-13');
SELECT count(p_alive) > 600 AS alive, count(expected_spend) AS spend, count(clv) AS clv, count(clv_band) AS bands FROM s;
SELECT count(*) FROM verify_segment_table('s');
ROLLBACK;
-- what fails elsewhere is told as it is
UPDATE orders SET a = 'NaN' WHERE id = 10;
SELECT mode, reason, report ~ '^fitted' AS fitted FROM refresh('s', '2024-03-14');
CREATE VIEW broken AS SELECT c, t, a / (id - 7) AS a, status FROM orders;
SELECT alter_segment_table('s', orders => 'broken', money_scale => 2);
SELECT refresh('s', '2024-03-16');
SELECT drop_segment_table('s');

-- nobody: with nobody to fit to, whoever is there or not
CREATE TABLE few (customer_id text, ordered_at date, amount float8);
SELECT create_segment_table('few_segments', 'few', time_zone => 'UTC', with_data => false, clv => '{"score_every": "1 hour"}');
SELECT mode, reason, report FROM refresh('few_segments', '2024-01-01');
INSERT INTO few VALUES ('refund', '2023-12-01', -1);
SELECT mode, reason, report FROM refresh('few_segments', '2024-01-01 00:30');
SELECT mode, reason, report FROM refresh('few_segments', '2024-01-01 01:00');
SELECT customer_id, clv, clv_as_of FROM few_segments;
SELECT * FROM verify_segment_table('few_segments');

-- rights: a model is for those who may read the table, what is told of it for its owner
SELECT create_segment_table('s', 'orders', 'c', 't', 'a', time_zone => 'UTC', with_data => false, clv => 'true');
SELECT report ~ '^fitted' AS fitted FROM refresh('s', '2024-03-10');
SET ROLE regress_cs_clv;
SELECT kind, model IS NOT NULL AS model, spend_model IS NOT NULL AS spend_model, in_use FROM segment_table_model WHERE kind = 'clv';
SELECT count(clv_report) FROM segment_table_run;
SELECT count(clv_as_of) FROM segment_table_status;
RESET ROLE;
GRANT SELECT ON s TO regress_cs_clv;
SET ROLE regress_cs_clv;
SELECT kind, model IS NOT NULL AS model, spend_model IS NOT NULL AS spend_model FROM segment_table_model WHERE kind = 'clv';
RESET ROLE;
-- dropped, by us and by the user
SELECT drop_segment_table('s');
DROP TABLE few_segments CASCADE;
SELECT create_segment_table('s', 'few', time_zone => 'UTC');
SELECT count(*) FILTER (WHERE kind = 'clv') AS models FROM customer_scoring_internal.segment_model;

-- what is no option
CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	message text;
	hint text;
BEGIN
	EXECUTE statement;
	RETURN 'taken';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', SQLSTATE, regexp_replace(message, '0{99,}', '0…0'), CASE WHEN hint LIKE 'It is true, false, or an object with some of the keys "model", "horizon", "discount", "margin", "score_every" and "fit_every", %' THEN 'keys' ELSE hint END);
END $$;
SELECT n, try(format('SELECT alter_segment_table(''s'', clv => %L)', option)) FROM (VALUES (1, 'null'), (2, '1'), (3, '"true"'), (4, '[]'), (5, '{"horizont": "1 day"}'),
	(6, '{"model": 1}'), (7, '{"model": "mbg"}'), (8, '{"model": "MBGNBD"}'), (9, '{"model": null}'), (10, '{"horizon": 30}'), (11, '{"horizon": "soon"}'), (12, '{"horizon": "0"}'),
	(13, '{"horizon": "-1 day"}'), (14, '{"horizon": "9999999999 years"}'), (15, '{"horizon": "1001 years"}'), (16, '{"discount": -0.01}'), (17, '{"discount": "0.1"}'),
	(18, '{"discount": 1e400}'), (19, '{"margin": 0}'), (20, '{"margin": -1}'), (21, '{"margin": 1e400}'), (22, '{"margin": 1e-400}'), (23, '{"margin": true}'), (24, '{"margin": {}}'),
	(25, '{"score_every": "0"}'), (26, '{"score_every": ""}'), (27, '{"fit_every": "23 hours"}'), (28, '{"score_every": "2 days", "fit_every": "1 day"}'), (29, '{"score_every": []}'),
	(30, '{"fit_every": "1 day", "score_every": "24 hours", "discount": 0, "margin": 1e300, "horizon": "1000 years", "model": "pareto_nbd"}'), (31, 'false'), (32, 'true'), (33, '{}'), (34, 'false')) v (n, option) ORDER BY n;
SELECT alter_segment_table('s', clv => '{"horizon": "soon"}');
-- never with a lookback
SELECT n, try(statement) FROM (VALUES (1, $$SELECT create_segment_table('t', 'few', lookback => '1 year', clv => 'true')$$), (2, $$SELECT alter_segment_table('s', lookback => '1 year')$$), (3, $$SELECT alter_segment_table('s', clv => 'true')$$),
	(4, $$SELECT alter_segment_table('s', lookback => '0', clv => 'true')$$), (5, $$SELECT alter_segment_table('s', lookback => '1 year')$$)) v (n, statement) ORDER BY n;
-- what users have built keeps its columns
CREATE VIEW theirs AS SELECT clv FROM s;
SELECT alter_segment_table('s', clv => 'false');
SELECT clv FROM segment_table_definition;
DROP VIEW theirs;
-- figures that fit nowhere are none
INSERT INTO few SELECT 'c' || n, '2023-01-01'::date + (n * i * 11) % 300, 1e14 FROM generate_series(1, 40) n, generate_series(1, 1 + n % 9) i;
SELECT alter_segment_table('s', clv => '{"margin": 1e300}');
SELECT mode, report ~ '^fitted' AS fitted FROM refresh('s', '2024-01-01');
SELECT count(*), count(p_alive), count(expected_purchases), count(expected_spend) > 30 AS spend, count(clv) AS clv, count(clv_band) AS bands FROM s;
SELECT count(*) FROM verify_segment_table('s');

SELECT drop_segment_table('s');
DROP OWNED BY regress_cs_clv;
DROP ROLE regress_cs_clv;
DROP SCHEMA clv CASCADE;
