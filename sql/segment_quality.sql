-- The data-quality report of a segment table: what it counts, that every refresh keeps it exact, and that it never stops one.
SET search_path = public, customer_scoring;
SET timezone = 'UTC';
SET client_min_messages = warning;

CREATE TABLE q_orders (customer_id int, ordered_at timestamptz, amount numeric, currency char(3), order_no text);
CREATE INDEX ON q_orders (customer_id);
CREATE TABLE q_customers (id int, name text);
CREATE TABLE q_answers (customer_id int, rated_at timestamptz, score int);
INSERT INTO q_orders VALUES (1, '2024-01-01', 10, 'IDR', 'A1'), (1, '2024-01-02', 10, 'IDR', 'A1'), (1, '2024-01-03', NULL, 'USD', 'A2'),
	(2, '2024-01-03', -5, 'IDR', 'A2'), (3, NULL, NULL, NULL, NULL), (NULL, NULL, 1, 'USD', 'A9'), (4, '2999-01-01', 1, 'IDR', 'A5'), (4, 'infinity', 1, 'IDR', 'A6'),
	(5, '-infinity', 1, 'IDR', 'A7'), (6, '2024-01-01', 'NaN', 'IDR', 'A8'), (6, '2024-01-01', 'Infinity', 'IDR', 'A9'), (7, '2024-01-01', 0, 'IDR', 'A10');
INSERT INTO q_customers VALUES (1, 'one'), (2, 'two'), (2, 'two'), (2, 'two'), (NULL, 'nobody'), (8, 'eight');
INSERT INTO q_answers VALUES (1, NULL, NULL), (9, '2024-01-01', 3), (8, '2999-01-01', 3), (8, '-infinity', 3), (NULL, NULL, 1);
SELECT create_segment_table('q_plain', 'q_orders');
SELECT create_segment_table('q_all', 'q_orders', quality => '{"currency": "currency", "order_id": "order_no"}', with_data => false);
SELECT add_segment_source('q_all', 'customers', 'q_customers', 'id'), add_segment_source('q_all', 'ratings', 'q_answers');
SELECT mode, skipped FROM refresh_segment_table('q_plain', '2024-06-01');
SELECT mode, skipped FROM refresh_segment_table('q_all', '2024-06-01');
\set report 'SELECT segment_table, source, problem, rows, customers, example, detail, counted_by, as_of FROM segment_table_quality'
:report WHERE segment_table = 'public.q_plain' ORDER BY source, problem;
:report WHERE segment_table = 'public.q_all' ORDER BY source, problem;
-- the same on the spot, and at another moment
SELECT count(*) AS differs FROM (SELECT source, problem, rows, customers, example, detail FROM segment_table_quality WHERE segment_table = 'public.q_all') s
FULL JOIN data_quality('q_all', '2024-06-01') q USING (source, problem) WHERE (s.rows, s.customers, s.example, s.detail) IS DISTINCT FROM (q.rows, q.customers, q.example, q.detail);
SELECT * FROM data_quality('q_plain', '3000-01-01') WHERE problem = 'future';
SELECT count(*) FROM data_quality('q_plain');
SELECT data_quality('q_plain', NULL);
SELECT data_quality('q_plain', 'infinity');
SELECT data_quality(NULL);
SELECT data_quality('q_orders');

-- time alone: an order that was to come has come
INSERT INTO q_orders VALUES (7, '2024-06-02', 1, 'IDR', 'A11');
SELECT mode FROM refresh_segment_table('q_plain', '2024-06-01 12:00');
:report WHERE segment_table = 'public.q_plain' AND problem IN ('future', 'no_customer') ORDER BY problem;
SELECT mode FROM refresh_segment_table('q_plain', '2024-06-03');
:report WHERE segment_table = 'public.q_plain' AND problem IN ('future', 'no_customer') ORDER BY problem;

-- random changes: after each refresh the report is what plain SQL counts
CREATE FUNCTION q_counts(at timestamptz, main text) RETURNS TABLE (source text, problem text, rows bigint, customers bigint) LANGUAGE sql AS $$
	WITH o AS (SELECT *, ordered_at IS NULL AS no_time, amount IS NULL AS no_amount FROM q_orders WHERE customer_id IS NOT NULL),
	found AS (
		SELECT 'orders' AS source, 'no_time' AS problem, customer_id, 1 AS n FROM o WHERE no_time
		UNION ALL SELECT 'orders', 'no_amount', customer_id, 1 FROM o WHERE no_amount
		UNION ALL SELECT 'orders', 'not_finite', customer_id, 1 FROM o WHERE amount IN ('NaN', 'Infinity', '-Infinity') OR ordered_at = '-infinity'
		UNION ALL SELECT 'orders', 'future', customer_id, 1 FROM o WHERE ordered_at > at
		UNION ALL SELECT 'orders', 'orphan', customer_id, 1 FROM o WHERE customer_id NOT IN (SELECT id FROM q_customers WHERE id IS NOT NULL)
		UNION ALL SELECT 'orders', 'no_currency', customer_id, 1 FROM o WHERE currency IS NULL
		UNION ALL SELECT 'orders', 'other_currency', customer_id, 1 FROM o WHERE currency::text <> main
		UNION ALL SELECT 'orders', 'no_order_id', customer_id, 1 FROM o WHERE order_no IS NULL
		UNION ALL SELECT 'orders', 'duplicate_order', customer_id, count(*) - 1 FROM o WHERE order_no IS NOT NULL GROUP BY customer_id, order_no HAVING count(*) > 1
		UNION ALL SELECT 'customers', 'repeated_customer', id, count(*) - 1 FROM q_customers WHERE id IS NOT NULL GROUP BY id HAVING count(*) > 1
		UNION ALL SELECT 'ratings', 'no_time', customer_id, 1 FROM q_answers WHERE rated_at IS NULL AND customer_id IS NOT NULL
		UNION ALL SELECT 'ratings', 'no_score', customer_id, 1 FROM q_answers WHERE score IS NULL AND customer_id IS NOT NULL
		UNION ALL SELECT 'ratings', 'future', customer_id, 1 FROM q_answers WHERE rated_at > at AND customer_id IS NOT NULL
		UNION ALL SELECT 'ratings', 'not_finite', customer_id, 1 FROM q_answers WHERE rated_at = '-infinity' AND customer_id IS NOT NULL
		UNION ALL SELECT 'ratings', 'orphan', customer_id, 1 FROM q_answers WHERE customer_id NOT IN (SELECT id FROM q_customers WHERE id IS NOT NULL)
		UNION ALL SELECT 'segment_table', 'negative_revenue', customer_id, 1 FROM o WHERE ordered_at <= at AND ordered_at > '-infinity' AND amount < 'Infinity'
			AND amount > '-Infinity' GROUP BY customer_id HAVING sum(amount) < 0)
	SELECT source, problem, sum(n)::bigint, count(DISTINCT customer_id) FROM found GROUP BY 1, 2
$$;
CREATE FUNCTION q_random_change() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	who int := (random() * 12)::int;
	other int := nullif((random() * 12)::int, 5);
BEGIN
	CASE (random() * 11)::int
		WHEN 0, 1, 2 THEN INSERT INTO q_orders VALUES (nullif(who, 0),
			(ARRAY[NULL, '-infinity', 'infinity', '2999-01-01', '2024-06-05', '2024-06-10', '2024-06-20', '2024-07-01', '2024-05-01', '2024-04-01'])[1 + (random() * 9)::int]::timestamptz,
			(ARRAY[NULL, 'NaN', 'Infinity', '-Infinity', '0', '-100', '-7.5', '10', '20', '30'])[1 + (random() * 9)::int]::numeric,
			(ARRAY[NULL, 'IDR', 'IDR', 'USD', 'EUR'])[1 + (random() * 4)::int], nullif('R' || (random() * 30)::int, 'R7'));
		WHEN 3 THEN DELETE FROM q_orders WHERE ctid = (SELECT ctid FROM q_orders WHERE customer_id = who LIMIT 1);
		WHEN 4 THEN UPDATE q_orders SET customer_id = other WHERE ctid = (SELECT ctid FROM q_orders WHERE customer_id = who LIMIT 1);
		WHEN 5 THEN UPDATE q_orders SET amount = nullif(amount, 10), currency = 'USD' WHERE customer_id = who;
		WHEN 6 THEN UPDATE q_orders SET order_no = 'R1', ordered_at = '2024-06-15' WHERE ctid = (SELECT ctid FROM q_orders WHERE customer_id = who LIMIT 1);
		WHEN 7 THEN INSERT INTO q_customers VALUES (who), (other);
		WHEN 8 THEN DELETE FROM q_customers WHERE id = who;
		WHEN 9 THEN INSERT INTO q_answers VALUES (who, (ARRAY[NULL, '-infinity', '2024-06-12', '2024-05-12'])[1 + (random() * 3)::int]::timestamptz, nullif((random() * 10)::int, 5));
		WHEN 10 THEN DELETE FROM q_answers WHERE customer_id = who;
		ELSE UPDATE q_customers SET id = other WHERE ctid = (SELECT ctid FROM q_customers WHERE id = who LIMIT 1);
	END CASE;
END $$;
CREATE TABLE q_runs (round int, mode text, wrong bigint, wrong_example bigint);
CREATE FUNCTION q_round(round int, at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	how text;
	main text;
BEGIN
	PERFORM q_random_change() FROM generate_series(1, 1 + (random() * 4)::int);
	SELECT mode INTO how FROM refresh_segment_table('q_all', at);
	SELECT detail INTO main FROM segment_table_quality WHERE segment_table = 'public.q_all' AND problem = 'other_currency';
	INSERT INTO q_runs
	SELECT round, how, count(*) FILTER (WHERE s.as_of <> at OR (s.rows, s.customers) IS DISTINCT FROM (coalesce(c.rows, 0), coalesce(c.customers, 0)) OR s.problem IS NULL),
	       count(*) FILTER (WHERE (s.example IS NULL) <> (s.customers = 0))
	FROM (SELECT * FROM segment_table_quality WHERE segment_table = 'public.q_all' AND counted_by = 'every refresh') s
	FULL JOIN q_counts(at, main) c USING (source, problem);
END $$;
SELECT setseed(0.5);
SELECT count(q_round(i, '2024-06-03'::timestamptz + i * interval '4 hours')) FROM generate_series(1, 150) i;
SELECT mode, count(*) AS runs, sum(wrong) AS wrong, sum(wrong_example) AS wrong_example FROM q_runs GROUP BY mode;
-- what was looked at was worth looking at
SELECT count(*) AS checks, count(*) FILTER (WHERE rows > 0) > 10 AS most_found FROM segment_table_quality WHERE segment_table = 'public.q_all' AND counted_by = 'every refresh';
SELECT count(*) AS checks, min(as_of) AS as_of FROM segment_table_quality WHERE segment_table = 'public.q_all' AND counted_by = 'full refresh';
-- those which need everybody are right when everybody was looked at
SELECT alter_segment_table('q_all');
SELECT mode FROM refresh_segment_table('q_all', '2024-07-01');
SELECT count(*) AS differs FROM (SELECT source, problem, rows, customers, example, detail FROM segment_table_quality WHERE segment_table = 'public.q_all') s
FULL JOIN data_quality('q_all', '2024-07-01') q USING (source, problem) WHERE (s.rows, s.customers, s.example, s.detail) IS DISTINCT FROM (q.rows, q.customers, q.example, q.detail);
SELECT s.rows = q.rows AS rows, s.customers = q.customers AS customers FROM segment_table_quality s, (SELECT coalesce(sum(n), 0) AS rows, count(DISTINCT customer_id) AS customers
	FROM (SELECT customer_id, count(*) AS n, count(*) OVER (PARTITION BY order_no) AS of FROM q_orders
	      WHERE customer_id IS NOT NULL AND order_no IS NOT NULL GROUP BY customer_id, order_no) g WHERE of > 1) q
WHERE s.segment_table = 'public.q_all' AND s.problem = 'shared_order';

-- a problem does not age, whatever the lookback; rows that the filter leaves out have none
SELECT create_segment_table('q_late', 'q_orders', lookback => '1 day', "only" => '{"currency": ["IDR"]}');
SELECT (SELECT rows FROM data_quality('q_late') WHERE problem = 'no_amount') = (SELECT count(*) FROM q_orders WHERE currency = 'IDR' AND amount IS NULL AND customer_id IS NOT NULL) AS all_of_them;
SELECT drop_segment_table('q_late');

-- a refresh goes on whatever happens to the report, and tells
ALTER TABLE q_orders RENAME currency TO valuta;
SELECT mode FROM refresh_segment_table('q_all', '2024-07-02');
:report WHERE segment_table = 'public.q_all' AND problem = 'not_counted';
SELECT count(*) FROM verify_segment_table('q_all');
INSERT INTO q_orders VALUES (1, '2024-07-01', NULL, 'IDR');
SELECT mode FROM refresh_segment_table('q_all', '2024-07-03');
SELECT source, problem, rows > 0 AS found, detail, as_of FROM segment_table_quality WHERE segment_table = 'public.q_all' AND problem IN ('not_counted', 'no_time') ORDER BY 1, 2;
SELECT data_quality('q_all');
ALTER TABLE q_orders RENAME valuta TO currency;
SELECT mode FROM refresh_segment_table('q_all', '2024-07-04');
SELECT count(*) AS not_counted FROM segment_table_quality WHERE problem = 'not_counted';
-- a view that fails where the report looks only
CREATE VIEW q_view AS SELECT customer_id, ordered_at, amount, (1 / nullif(length(currency) - 3, 0))::text AS currency, order_no FROM q_orders;
SELECT create_segment_table('q_viewed', 'q_view', quality => '{"currency": "currency"}');
CREATE OR REPLACE VIEW q_view AS SELECT customer_id, ordered_at, amount, (1 / (length(currency) - 3))::text AS currency, order_no FROM q_orders;
SELECT mode FROM refresh_segment_table('q_viewed');
SELECT problem, rows > 0 AS found, detail FROM segment_table_quality WHERE segment_table = 'public.q_viewed' AND problem IN ('not_counted', 'no_currency') ORDER BY 1;
SELECT drop_segment_table('q_viewed');
DROP VIEW q_view;
-- to be cancelled is not passed over
CREATE FUNCTION q_slow(text) RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM pg_sleep(60); RETURN $1; END $$;
CREATE VIEW q_view AS SELECT customer_id, ordered_at, amount, q_slow(currency) AS currency FROM q_orders;
SELECT create_segment_table('q_viewed', 'q_view', quality => '{"currency": "currency"}', with_data => false);
SET statement_timeout = '100ms';
SELECT refresh_segment_table('q_viewed');
RESET statement_timeout;
SELECT drop_segment_table('q_viewed');
DROP VIEW q_view;

-- the option
SELECT alter_segment_table('q_all', quality => '"currency"');
SELECT alter_segment_table('q_all', quality => '[]');
SELECT alter_segment_table('q_all', quality => '{"colour": "currency"}');
SELECT alter_segment_table('q_all', quality => '{"currency": 1}');
SELECT alter_segment_table('q_all', quality => '{"currency": "nothing"}');
SELECT alter_segment_table('q_all', quality => '{"currency": "x\"; DROP TABLE q_orders; --"}');
ALTER TABLE q_orders ADD shape point;
SELECT alter_segment_table('q_all', quality => '{"order_id": "shape"}');
SELECT create_segment_table('q_never', 'q_orders', quality => '{"order_id": "ctid"}');
SELECT alter_segment_table('q_all', quality => '{"order_id": "order_no"}');
SELECT quality FROM segment_table_definition WHERE segment_table = 'q_all'::regclass;
SELECT mode FROM refresh_segment_table('q_all', '2024-07-05');
SELECT reason FROM segment_table_run ORDER BY run_id DESC LIMIT 1;
SELECT string_agg(problem, ' ' ORDER BY problem) AS order_problems FROM segment_table_quality WHERE segment_table = 'public.q_all' AND source = 'orders';
SELECT alter_segment_table('q_all', quality => 'true');
SELECT quality FROM segment_table_definition WHERE segment_table = 'q_all'::regclass;
SELECT alter_segment_table('q_all', quality => 'false');
SELECT count(*) FROM segment_table_quality WHERE segment_table = 'public.q_all';
SELECT mode FROM refresh_segment_table('q_all', '2024-07-06');
SELECT count(*) FROM segment_table_quality WHERE segment_table = 'public.q_all';
SELECT count(*) > 0 AS on_the_spot FROM data_quality('q_all');
SELECT alter_segment_table('q_all', quality => '{}');
SELECT mode FROM refresh_segment_table('q_all', '2024-07-07');
SELECT count(*) > 0 AS again FROM segment_table_quality WHERE segment_table = 'public.q_all';

-- customers who may be the same person
CREATE TABLE q_people (id int, nama text, surel text, telepon text);
INSERT INTO q_people VALUES (1, 'Budi Santoso', 'budi@example.org', NULL), (2, 'Bpk. BUDI santoso', 'Budi@Example.org', '0812 345 678'), (3, 'Siti', 's@example.org', NULL),
	(4, 'budi  santoso', 'BUDI@example.org ', '+62812345678'), (4, NULL, NULL, NULL);
SELECT drop_segment_source('q_all', 'customers');
SELECT alter_segment_table('q_all', quality => '{"name": "nama"}');
SELECT alter_segment_table('q_all', quality => '{"name": "nama", "email": "surel", "phone": "telepon", "region": "ID"}');
SELECT add_segment_source('q_all', 'customers', 'q_people', 'id');
SELECT mode FROM refresh_segment_table('q_all', '2024-07-08');
:report WHERE source = 'customers' ORDER BY 3;
SELECT rows, customers, example FROM data_quality('q_all') WHERE problem = 'duplicate_customer';
SELECT alter_segment_table('q_all', quality => '{"name": "nama", "email": "mail"}');
ALTER TABLE q_people RENAME surel TO mail;
SELECT alter_segment_table('q_all');
ALTER TABLE q_people RENAME mail TO surel;
SELECT alter_segment_table('q_all', quality => '{"name": "nama", "email": "surel"}');
ALTER TABLE q_people RENAME surel TO mail;
-- only what cannot be looked for is not counted
SELECT mode FROM refresh_segment_table('q_all', '2024-07-09');
:report WHERE source = 'customers' ORDER BY 3;
INSERT INTO q_people VALUES (4), (8);
SELECT mode FROM refresh_segment_table('q_all', '2024-07-10');
:report WHERE source = 'customers' ORDER BY 3;

-- customers who have several texts, or odd ones
CREATE TABLE q_odd (customer_id numeric, ordered_at timestamptz, amount numeric(10, 2));
INSERT INTO q_odd VALUES (1.0, NULL, 1), (1.00, NULL, 1), (2, '2024-01-01', 1);
SELECT create_segment_table('q_odd_segments', 'q_odd');
SELECT problem, rows, customers, counted_by FROM segment_table_quality WHERE segment_table = 'public.q_odd_segments' AND rows > 0;
INSERT INTO q_odd VALUES (1, NULL, 1);
SELECT mode FROM refresh_segment_table('q_odd_segments');
SELECT problem, rows, customers, counted_by FROM segment_table_quality WHERE segment_table = 'public.q_odd_segments' AND rows > 0;
SELECT drop_segment_table('q_odd_segments');
DROP TABLE q_odd;
CREATE TABLE "q; ""odd'" ("cust'omer" text, "at " date, "a""mount" real, "cur'rency" varchar(5), "id;" bytea);
INSERT INTO "q; ""odd'" VALUES ('', NULL, 1, 'I''R', 'x'), ('''; DROP TABLE q_orders; --', NULL, 'NaN', 'I''R', 'x'), ('Ü', '2024-01-01', 1, '"', NULL);
SELECT create_segment_table('"q s"', '"q; ""odd''"', customer => 'cust''omer', ordered_at => 'at ', amount => 'a"mount', quality => '{"currency": "cur''rency", "order_id": "id;"}');
SELECT problem, rows, customers, example, detail FROM segment_table_quality WHERE segment_table = 'public."q s"' AND rows > 0 ORDER BY 1;
UPDATE "q; ""odd'" SET "at " = '2024-01-02';
SELECT mode FROM refresh_segment_table('"q s"');
SELECT problem, rows, customers, example, detail FROM segment_table_quality WHERE segment_table = 'public."q s"' AND rows > 0 ORDER BY 1;
SELECT drop_segment_table('"q s"');
DROP TABLE "q; ""odd'";
-- customers who are in no segment table are in no report
CREATE TABLE q_left (customer_id text, ordered_at timestamptz, amount numeric(10, 2));
INSERT INTO q_left VALUES ('anna', NULL, 1), ('anna', '2024-01-01', 5), ('ben', NULL, 1), ('ben', '2024-01-01', 3), (NULL, '2024-01-01', 1), ('cleo', '2024-01-01', 2);
SELECT create_segment_table('q_left_segments', 'q_left');
SELECT problem, rows, customers, example FROM segment_table_quality WHERE segment_table = 'public.q_left_segments' AND rows > 0 ORDER BY 1;
INSERT INTO profiling_opt_out (customer) VALUES ('anna');
SELECT mode FROM refresh_segment_table('q_left_segments');
SELECT problem, rows, customers, example FROM segment_table_quality WHERE segment_table = 'public.q_left_segments' AND rows > 0 ORDER BY 1;
SELECT problem, rows, customers, example FROM data_quality('q_left_segments') WHERE rows > 0 ORDER BY 1;
SELECT count(*) > 0 AS erased FROM erase_customer('ben');
SELECT problem, rows, customers, example FROM segment_table_quality WHERE segment_table = 'public.q_left_segments' AND (rows > 0 OR problem = 'no_time') ORDER BY 1;
SELECT count(*) FROM customer_scoring_internal.segment_quality_customer WHERE customer IN ('anna', 'ben');
SELECT mode FROM refresh_segment_table('q_left_segments');
SELECT problem, rows, customers, example FROM segment_table_quality WHERE segment_table = 'public.q_left_segments' AND (rows > 0 OR problem = 'no_time') ORDER BY 1;
SELECT problem, rows, customers, example FROM data_quality('q_left_segments') WHERE rows > 0 OR problem = 'no_time' ORDER BY 1;
SELECT readmit_customer('ben');
DELETE FROM profiling_opt_out;
SELECT mode FROM refresh_segment_table('q_left_segments');
SELECT problem, rows, customers, example FROM segment_table_quality WHERE segment_table = 'public.q_left_segments' AND rows > 0 ORDER BY 1;
SELECT drop_segment_table('q_left_segments');
DROP TABLE q_left;
-- nothing at all
CREATE TABLE q_empty (customer_id int, ordered_at timestamptz, amount numeric(10, 2), currency text);
SELECT create_segment_table('q_none', 'q_empty', quality => '{"currency": "currency", "order_id": "currency"}');
SELECT problem, rows, customers, example, detail FROM segment_table_quality WHERE segment_table = 'public.q_none' ORDER BY 1;
SELECT drop_segment_table('q_none');
DROP TABLE q_empty;

-- who sees what
CREATE ROLE regress_cs_quality_owner;
CREATE ROLE regress_cs_quality_other;
GRANT CREATE ON SCHEMA public TO regress_cs_quality_owner;
GRANT SELECT (customer_id, ordered_at, amount, currency), TRIGGER ON q_orders TO regress_cs_quality_owner;
SET ROLE regress_cs_quality_owner;
SELECT create_segment_table('q_owned', 'q_orders', quality => '{"order_id": "order_no"}');
SELECT create_segment_table('q_owned', 'q_orders', quality => '{"currency": "currency"}');
SELECT problem, rows > 0 AS found, example IS NOT NULL AS example, detail FROM segment_table_quality WHERE segment_table = 'public.q_owned' AND problem IN ('other_currency', 'no_time') ORDER BY 1;
SELECT count(*) > 0 AS counted FROM data_quality('q_owned');
SELECT count(*) FROM customer_scoring_internal.segment_quality_customer;
SET ROLE regress_cs_quality_other;
SELECT problem, rows > 0 AS found, example, detail FROM segment_table_quality WHERE segment_table = 'public.q_owned' AND problem IN ('other_currency', 'no_time') ORDER BY 1;
SELECT data_quality('q_owned');
RESET ROLE;
-- the owner may not read the column any more
REVOKE SELECT (currency) ON q_orders FROM regress_cs_quality_owner;
INSERT INTO q_orders VALUES (1, now() - interval '1 day', NULL, 'IDR');
SET ROLE regress_cs_quality_owner;
SELECT mode FROM refresh_segment_table('q_owned');
SELECT problem, detail FROM segment_table_quality WHERE segment_table = 'public.q_owned' AND problem = 'not_counted';
RESET ROLE;

-- nothing is left behind
SET ROLE regress_cs_quality_owner;
SELECT drop_segment_table('q_owned');
RESET ROLE;
DROP TABLE q_plain CASCADE;
SELECT drop_segment_table('q_all');
SELECT create_segment_table('q_plain', 'q_orders', with_data => false);
SELECT drop_segment_table('q_plain');
SELECT (SELECT count(*) FROM customer_scoring_internal.segment_quality) AS reports, (SELECT count(*) FROM customer_scoring_internal.segment_quality_customer) AS customers;
REVOKE CREATE ON SCHEMA public FROM regress_cs_quality_owner;
DROP TABLE q_orders, q_customers, q_answers, q_people, q_runs;
DROP FUNCTION q_counts, q_random_change, q_round, q_slow;
DROP ROLE regress_cs_quality_owner, regress_cs_quality_other;
