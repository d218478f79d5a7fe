-- Who has opted out of profiling, or was erased, is in no segment table, model, tier or history from the next refresh on, whatever is ordered.

SET search_path = public, customer_scoring;
SET timezone = 'UTC';
SET client_min_messages = warning;

-- whole numbers, texts, uuids and others
CREATE TABLE bought (customer_id int, ordered_at timestamptz, amount numeric(10, 2));
INSERT INTO bought SELECT c, timestamptz '2024-01-01' + (c + n * c) * interval '1 day', c FROM generate_series(1, 6) c, generate_series(0, 4) n;
CREATE TABLE bought_text AS SELECT customer_id::text AS customer_id, ordered_at, amount FROM bought;
CREATE TABLE bought_uuid AS SELECT ('00000000-0000-0000-0000-00000000000' || customer_id)::uuid AS customer_id, ordered_at, amount FROM bought;
CREATE TABLE bought_small AS SELECT customer_id::smallint AS customer_id, ordered_at, amount FROM bought;
CREATE TABLE bought_numeric AS SELECT customer_id::numeric AS customer_id, ordered_at, amount FROM bought;
CREATE TABLE shop (n int PRIMARY KEY, orders regclass, segs text);
INSERT INTO shop SELECT n, t, t || '_segs' FROM unnest(ARRAY['bought', 'bought_text', 'bought_uuid', 'bought_small', 'bought_numeric']::regclass[]) WITH ORDINALITY x (t, n);
SELECT create_segment_table(segs, orders, time_zone => 'UTC', history => true, with_data => false) FROM shop ORDER BY n;
SELECT segs, mode, customers, skipped FROM shop, refresh_segment_table(segs::regclass, '2024-03-01') ORDER BY n;
INSERT INTO profiling_opt_out (customer, since, reason) VALUES ('2', '2024-01-01', 'letter'), ('00000000-0000-0000-0000-000000000002', '2024-01-01', NULL), ('03', now(), 'nobody'), (' 4', now(), 'nobody'), ('70000', now(), 'nobody'),
	('99999999999999999999', now(), 'nobody'), ('', now(), 'nobody'), ('00000000-0000-0000-0000-00000000000A', now(), 'nobody'), ('x'';DROP TABLE bought;--', now(), NULL), ('٢', now(), NULL);
SELECT segs, v.* FROM shop, verify_segment_table(segs::regclass) v WHERE n < 5 ORDER BY n;
SELECT DISTINCT problem FROM verify_segment_table('bought_numeric_segs');
SELECT segs, mode, customers, deleted, skipped FROM shop, refresh_segment_table(segs::regclass, '2024-03-02') ORDER BY n;
SELECT count(*) FROM shop, verify_segment_table(segs::regclass);
SELECT string_agg(customer_id::text, ' ' ORDER BY customer_id) FROM bought_segs;
SELECT reason, skipped_future, skipped_opted_out FROM segment_table_run ORDER BY run_id DESC LIMIT 5;
-- orders of his change nothing, at no refresh
INSERT INTO bought VALUES (2, '2024-03-01', 1000000), (2, '2024-03-20', 1000000);
SELECT mode, inserted, skipped FROM refresh_segment_table('bought_segs', '2024-03-03');
SELECT alter_segment_table('bought_segs', breaks => 'each_refresh');
SELECT mode, inserted, skipped FROM refresh_segment_table('bought_segs', '2024-03-04');
SELECT sum(customers), max(revenue) FROM bought_segs_overview;
-- the history of who opts out goes with him
SELECT count(*) FROM bought_segs_history WHERE customer_id = 2;
UPDATE profiling_opt_out SET customer = '4' WHERE customer = '2';
SELECT segs, mode, inserted, deleted FROM shop, refresh_segment_table(segs::regclass, '2024-03-05') WHERE segs IN ('bought_segs', 'bought_text_segs') ORDER BY n;
SELECT string_agg(customer_id::text, ' ' ORDER BY customer_id) FROM bought_segs;
SELECT customer_id, from_segment, to_segment IS NULL AS out FROM bought_segs_history WHERE customer_id IN (2, 4) ORDER BY move_id;
-- an opt-out that ends, by time alone; of two the one that lasts
UPDATE profiling_opt_out SET until = '2024-03-10' WHERE customer = '4';
INSERT INTO profiling_opt_out (customer, since, until) VALUES ('4', '2024-01-01', '2024-03-08');
SELECT mode, inserted, deleted FROM refresh_segment_table('bought_segs', '2024-03-06');
SELECT mode, inserted, deleted FROM refresh_segment_table('bought_segs', '2024-03-09');
SELECT mode, inserted, deleted FROM refresh_segment_table('bought_segs', '2024-03-10');
SELECT segs, mode, inserted FROM shop, refresh_segment_table(segs::regclass, '2024-03-11') WHERE segs IN ('bought_text_segs', 'bought_numeric_segs') ORDER BY n;
SELECT count(*) FROM shop, verify_segment_table(segs::regclass);
-- and all at once
TRUNCATE profiling_opt_out;
SELECT segs, mode, inserted FROM shop, refresh_segment_table(segs::regclass, '2024-03-12') ORDER BY n;
SELECT segs, count(v.*) FROM shop LEFT JOIN verify_segment_table(segs::regclass) v ON true GROUP BY n ORDER BY n;
SELECT sum(customers) FROM bought_segs_overview;

-- who was erased; nobody is told by what is kept
DELETE FROM tombstone_salt;
SELECT customer_scoring_internal.tombstone_hash('3');
SELECT length(customer_scoring_internal.add_tombstone('3')), customer_scoring_internal.add_tombstone('3') = customer_scoring_internal.tombstone_hash('3'), customer_scoring_internal.add_tombstone(NULL);
SELECT count(*), count(*) FILTER (WHERE customer_hash = sha256(salt || '3')), count(*) FILTER (WHERE customer_hash = sha256('3')), bool_or(length(salt) = 32) FROM tombstone, tombstone_salt;
SELECT segs, mode, deleted, skipped FROM shop, refresh_segment_table(segs::regclass, '2024-03-13') ORDER BY n;
DELETE FROM bought WHERE customer_id = 3;
INSERT INTO bought VALUES (3, '2024-03-01', 5);
SELECT mode, inserted, skipped FROM refresh_segment_table('bought_segs', '2024-03-14');
SELECT alter_segment_table('bought_segs', breaks => 'each_refresh');
SELECT mode, inserted, skipped FROM refresh_segment_table('bought_segs', '2024-03-15');
SELECT count(*) FROM shop, verify_segment_table(segs::regclass);
SELECT readmit_customer('3'), readmit_customer('3'), readmit_customer('nobody');
SELECT readmit_customer(NULL);
SELECT segs, mode, inserted FROM shop, refresh_segment_table(segs::regclass, '2024-03-16') ORDER BY n;
-- without the one who does it, a tombstone names nobody: everybody is looked at
INSERT INTO tombstone (customer_hash) VALUES (customer_scoring_internal.tombstone_hash('5'));
SELECT segs, mode, deleted FROM shop, refresh_segment_table(segs::regclass, '2024-03-17') ORDER BY n;
DELETE FROM tombstone;
SELECT segs, mode, inserted FROM shop, refresh_segment_table(segs::regclass, '2024-03-18') ORDER BY n;
SELECT count(*) FROM shop, verify_segment_table(segs::regclass);

-- one who rolls back, and one who takes part of it back
BEGIN;
INSERT INTO profiling_opt_out (customer) VALUES ('1');
SAVEPOINT s;
SELECT customer_scoring_internal.add_tombstone('2') IS NOT NULL;
ROLLBACK TO s;
SELECT mode, deleted FROM refresh_segment_table('bought_segs', '2024-03-19');
ROLLBACK;
SELECT mode, inserted, deleted FROM refresh_segment_table('bought_segs', '2024-03-20');
SELECT count(*) FROM bought_segs;
SELECT count(*) FROM tombstone;

-- equal customers with different texts: by one of them, all
INSERT INTO bought_numeric VALUES (6.00, '2024-03-01', 1);
INSERT INTO profiling_opt_out (customer) VALUES ('6.00');
SELECT mode, deleted FROM refresh_segment_table('bought_numeric_segs', '2024-03-21');
SELECT count(*) FROM verify_segment_table('bought_numeric_segs');
INSERT INTO bought_numeric VALUES (6, '2024-03-02', 1), (5.0, '2024-03-02', 1);
SELECT mode, inserted, updated FROM refresh_segment_table('bought_numeric_segs', '2024-03-22');
SELECT count(*) FROM verify_segment_table('bought_numeric_segs');
CREATE TABLE bought_char (customer_id char(4), ordered_at timestamptz, amount int);
INSERT INTO bought_char VALUES ('a', '2024-01-01', 1), ('b', '2024-01-01', 1);
INSERT INTO profiling_opt_out (customer) VALUES ('a');
SELECT create_segment_table('bought_char_segs', 'bought_char', breaks => 'frozen');
SELECT customer_id FROM bought_char_segs;
INSERT INTO bought_char VALUES ('a', '2024-01-02', 1), ('b', '2024-01-02', 1);
SELECT mode, inserted, updated FROM refresh_segment_table('bought_char_segs');
SELECT count(*) FROM verify_segment_table('bought_char_segs');
CREATE COLLATION fold (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE bought_fold (customer_id text COLLATE fold, ordered_at timestamptz, amount int);
INSERT INTO bought_fold VALUES ('ann', '2024-01-01', 1), ('ANN', '2024-01-02', 1), ('bob', '2024-01-02', 1);
INSERT INTO profiling_opt_out (customer) VALUES ('ANN'), ('Bob');
SELECT create_segment_table('bought_fold_segs', 'bought_fold', breaks => 'frozen');
INSERT INTO bought_fold VALUES ('ann', '2024-01-03', 1), ('bob', '2024-01-03', 1);
SELECT mode, inserted, updated FROM refresh_segment_table('bought_fold_segs');
SELECT customer_id FROM bought_fold_segs;
INSERT INTO bought_fold VALUES ('Bob', '2024-01-03', 1);
SELECT mode, deleted FROM refresh_segment_table('bought_fold_segs');
SELECT count(*) FROM verify_segment_table('bought_fold_segs');
SELECT customer_scoring_internal.add_tombstone('ANN') IS NOT NULL;
DELETE FROM profiling_opt_out WHERE customer IN ('ANN', 'Bob');
SELECT mode, inserted FROM refresh_segment_table('bought_fold_segs');
SELECT customer_id FROM bought_fold_segs;
SELECT count(*) FROM verify_segment_table('bought_fold_segs');
SELECT drop_segment_table('bought_fold_segs'), readmit_customer('ANN');
DROP TABLE bought_fold;
DROP COLLATION fold;
CREATE TYPE account AS (shop int, number int);
CREATE TABLE bought_account AS SELECT (1, customer_id)::account AS customer_id, ordered_at, amount FROM bought;
INSERT INTO profiling_opt_out (customer) VALUES ('(1,2)');
SELECT create_segment_table('bought_account_segs', 'bought_account', breaks => 'frozen');
SELECT string_agg(customer_id::text, ' ' ORDER BY customer_id) FROM bought_account_segs;
SELECT drop_segment_table('bought_account_segs'), drop_segment_table('bought_char_segs');
TRUNCATE profiling_opt_out;

-- customers without orders, and ratings of others
CREATE TABLE client (customer_id int);
INSERT INTO client VALUES (1), (8), (9);
CREATE TABLE rating (customer_id int, rated_at timestamptz, score int);
INSERT INTO rating VALUES (8, '2024-02-01', 5), (9, '2024-02-01', 1);
SELECT add_segment_source('bought_segs', 'customers', 'client'), add_segment_source('bought_segs', 'ratings', 'rating', columns => '{"lowest": 1, "highest": 5}');
INSERT INTO profiling_opt_out (customer) VALUES ('1'), ('9');
SELECT mode, customers FROM refresh_segment_table('bought_segs', '2024-03-22');
SELECT customer_id, orders, last_rating FROM bought_segs WHERE customer_id IN (1, 8, 9);
DELETE FROM profiling_opt_out WHERE customer = '9';
SELECT mode, inserted FROM refresh_segment_table('bought_segs', '2024-03-23');
SELECT customer_id, orders, last_rating FROM bought_segs WHERE customer_id IN (1, 8, 9);
SELECT count(*) FROM verify_segment_table('bought_segs');
TRUNCATE profiling_opt_out;

-- neither in breaks nor in fits
CREATE TABLE sales AS SELECT c AS customer_id, timestamptz '2024-01-01' + (c + n * (3 + c * 37 % 50)) * interval '1 day' AS ordered_at, 10 + (c * 29 + n * 17) % 90 AS amount
	FROM generate_series(1, 300) c, generate_series(0, 25) n WHERE n < 1 + c * 13 % 7 * (c * 7 % 11) / 3 AND c + n * (3 + c * 37 % 50) < 420;
SELECT create_segment_table('sales_segs', 'sales', time_zone => 'UTC', breaks => 'frozen', clv => '{"horizon": "90 days"}', with_data => false);
INSERT INTO profiling_opt_out (customer) SELECT c::text FROM generate_series(1, 60) c;
SELECT count(customer_scoring_internal.add_tombstone(c::text)) FROM generate_series(61, 100) c;
SELECT mode, customers, skipped FROM refresh_segment_table('sales_segs', '2025-03-01');
SELECT clv_report FROM segment_table_run ORDER BY run_id DESC LIMIT 1;
CREATE TABLE sales_rest AS SELECT * FROM sales WHERE customer_id > 100;
SELECT frozen_breaks::text = (SELECT rfm_fit(s, '2025-03-01') FROM (SELECT purchase_summary(ordered_at, amount) AS s FROM sales_rest GROUP BY customer_id) x)::text AS breaks_without_them FROM segment_table_definition WHERE segment_table = 'sales_segs'::regclass;
SELECT count(*) FROM verify_segment_table('sales_segs');
-- who opts out later is out of the model at the next refresh, as if he had never been; who has ordered nothing changes nothing in it
CREATE FUNCTION pg_temp.refresh(as_of timestamptz) RETURNS TABLE (mode text, reason text, report text) LANGUAGE sql AS $$
	SELECT refresh_segment_table('sales_segs', as_of);
	SELECT r.mode, r.reason, regexp_replace(r.clv_report, 'model \d+', 'model N') FROM segment_table_run r ORDER BY run_id DESC LIMIT 1 $$;
CREATE FUNCTION pg_temp.fitted_to_others(as_of timestamptz) RETURNS boolean LANGUAGE sql AS $$
	SELECT concat(m.model, m.spend_model) = (SELECT concat(mbgnbd_fit(s), gamma_gamma_fit(s))
		FROM (SELECT clv_summary(ordered_at, amount, as_of, 'UTC') AS s FROM sales_rest GROUP BY customer_id) x)
	FROM customer_scoring_internal.segment_model m WHERE m.segment_table = 'sales_segs'::regclass AND m.kind = 'clv' ORDER BY model_id DESC LIMIT 1 $$;
INSERT INTO sales VALUES (200, '2025-03-01 12:00', 50);
SELECT * FROM pg_temp.refresh('2025-03-02 01:00');
INSERT INTO profiling_opt_out (customer) VALUES ('200');
DELETE FROM sales_rest WHERE customer_id = 200;
SELECT pg_temp.fitted_to_others('2025-03-02 02:00') AS before;
SELECT * FROM pg_temp.refresh('2025-03-02 02:00');
SELECT pg_temp.fitted_to_others('2025-03-02 02:00') AS after;
INSERT INTO profiling_opt_out (customer) VALUES ('999');
SELECT * FROM pg_temp.refresh('2025-03-02 03:00');
INSERT INTO profiling_opt_out (customer) VALUES ('201');
SELECT alter_segment_table('sales_segs');
SELECT * FROM pg_temp.refresh('2025-03-02 04:00');
-- nor who was erased
SELECT relation, deleted FROM erase_customer('202') WHERE deleted > 0;
DELETE FROM sales_rest WHERE customer_id IN (201, 202);
SELECT * FROM pg_temp.refresh('2025-03-02 05:00');
SELECT pg_temp.fitted_to_others('2025-03-02 05:00') AS after;
SELECT * FROM pg_temp.refresh('2025-03-02 06:00');
SELECT count(*) FROM verify_segment_table('sales_segs');
TRUNCATE profiling_opt_out, tombstone;

-- nor in tiers
INSERT INTO tier_policy (name, scheme, segment_table) VALUES ('club', 'member 0, silver 12, gold 20', 'bought_text_segs');
SELECT alter_segment_table('bought_text_segs', tiers => 'club');
SELECT mode FROM refresh_segment_table('bought_text_segs', '2024-04-01');
SELECT customer, tier FROM evaluate_tiers('club', '2024-04-01') ORDER BY 1;
SELECT customer, count(*) FROM tier_history GROUP BY 1 ORDER BY 1;
INSERT INTO profiling_opt_out (customer) VALUES ('3');
SELECT customer_scoring_internal.add_tombstone('6') IS NOT NULL;
SELECT mode, deleted FROM refresh_segment_table('bought_text_segs', '2024-04-02');
SELECT string_agg(customer, ' ' ORDER BY customer) FROM evaluate_tiers('club', '2024-04-02');
SELECT string_agg(DISTINCT customer, ' ' ORDER BY customer) FROM tier_history;
INSERT INTO points_programme (name) VALUES ('stars');
SELECT count(earn_points('stars', c::text, 10, entered_at => '2024-01-01')) FROM generate_series(1, 6) c;
INSERT INTO tier_policy (name, scheme, basis, points_programme) VALUES ('stars', 'member 0', 'points', 'stars');
SELECT string_agg(customer, ' ' ORDER BY customer) FROM evaluate_tiers('stars', '2024-04-02');
TRUNCATE profiling_opt_out;
SELECT string_agg(customer, ' ' ORDER BY customer) FROM evaluate_tiers('stars', '2024-04-02');
SELECT readmit_customer('6');
SELECT string_agg(customer, ' ' ORDER BY customer) FROM evaluate_tiers('club', '2024-04-02');

-- An owner who may not read either table has it respected all the same, and cannot find out.
CREATE ROLE regress_cs_seller;
GRANT CREATE ON SCHEMA public TO regress_cs_seller;
GRANT SELECT, TRIGGER ON bought TO regress_cs_seller;
SET ROLE regress_cs_seller;
SELECT create_segment_table('seller_segs', 'bought', time_zone => 'UTC');
RESET ROLE;
INSERT INTO profiling_opt_out (customer) VALUES ('5');
SELECT customer_scoring_internal.add_tombstone('6') IS NOT NULL;
SET ROLE regress_cs_seller;
SELECT mode, customers FROM refresh_segment_table('seller_segs');
SELECT string_agg(customer_id::text, ' ' ORDER BY customer_id) FROM seller_segs;
SELECT count(*) FROM verify_segment_table('seller_segs');
SELECT FROM profiling_opt_out;
SELECT FROM tombstone;
SELECT FROM tombstone_salt;
SELECT customer_scoring_internal.tombstone_hash('6');
SELECT customer_scoring_internal.add_tombstone('6');
SELECT readmit_customer('6');
SELECT drop_segment_table('seller_segs');
RESET ROLE;
REVOKE ALL ON SCHEMA public FROM regress_cs_seller;
REVOKE ALL ON bought FROM regress_cs_seller;
DROP ROLE regress_cs_seller;
-- what tells segment tables stays, whoever comes and goes, and comes back
ALTER TABLE profiling_opt_out DISABLE TRIGGER ALL;
ALTER TABLE tombstone DISABLE TRIGGER customer_scoring_truncate;
INSERT INTO profiling_opt_out (customer) VALUES ('1');
SELECT mode FROM refresh_segment_table('bought_segs', '2024-05-01');
SELECT reason FROM segment_table_run ORDER BY run_id DESC LIMIT 1;
SELECT count(*) FILTER (WHERE customer_id = 1) FROM bought_segs;
DELETE FROM profiling_opt_out WHERE customer = '1';
SELECT mode FROM refresh_segment_table('bought_segs', '2024-05-02');
SELECT count(*) FROM verify_segment_table('bought_segs');
SELECT drop_segment_table(segs::regclass) FROM shop ORDER BY n;
SELECT drop_segment_table('sales_segs');
SELECT tgrelid::regclass, tgname, tgenabled FROM pg_trigger WHERE tgfoid = 'capture_changes'::regproc ORDER BY 1, 2;
TRUNCATE profiling_opt_out, tombstone;

-- Random steps: incremental is full is what plain SQL says, for customers of five types.
SELECT create_segment_table(segs, orders, time_zone => 'UTC', history => n = 1, breaks => CASE WHEN n % 2 = 0 THEN 'frozen' ELSE 'each_refresh' END, lookback => CASE WHEN n = 2 THEN interval '40 days' END, with_data => false) FROM shop ORDER BY n;
DELETE FROM bought_numeric WHERE scale(customer_id) > 0;
CREATE TABLE step (n int, segs text, mode text, wrong bigint, others bigint, forgotten boolean);
DO $$
DECLARE
	at timestamptz := '2024-03-01';
	who text;
	s shop;
	refreshed text;
	wrong bigint;
	others bigint;
BEGIN
	PERFORM setseed(0.4);
	FOR i IN 1 .. 60 LOOP
		at := at + random() * interval '3 days';
		FOR j IN 1 .. 1 + floor(random() * 3) LOOP
			who := (ARRAY['', '', '', '0', '00000000-0000-0000-0000-00000000000'])[1 + floor(random() * 5)] || 1 + floor(random() * 7);
			CASE floor(random() * 8)
				WHEN 0 THEN INSERT INTO profiling_opt_out (customer, since) VALUES (who, '2024-01-01');
				WHEN 1 THEN INSERT INTO profiling_opt_out (customer, since, until) VALUES (who, '2024-01-01', at + (random() * 10 - 2) * interval '1 day');
				WHEN 2 THEN DELETE FROM profiling_opt_out WHERE customer = who;
				WHEN 3 THEN UPDATE profiling_opt_out SET until = at + random() * interval '5 days' WHERE customer = who;
				WHEN 4 THEN PERFORM customer_scoring_internal.add_tombstone(who);
				WHEN 5 THEN PERFORM readmit_customer(who);
				WHEN 6 THEN INSERT INTO bought VALUES (right(who, 1)::int, at + (random() * 8 - 5) * interval '1 day', floor(random() * 100));
				ELSE DELETE FROM bought WHERE customer_id = right(who, 1)::int AND random() < 0.3;
			END CASE;
		END LOOP;
		IF random() < 0.05 THEN
			TRUNCATE profiling_opt_out;
		END IF;
		-- the other shops have the same customers; each is written to as the first was
		INSERT INTO bought_text SELECT customer_id::text, ordered_at, amount FROM bought EXCEPT ALL TABLE bought_text;
		DELETE FROM bought_text b WHERE NOT EXISTS (SELECT FROM bought x WHERE x.customer_id::text = b.customer_id AND x.ordered_at = b.ordered_at);
		INSERT INTO bought_uuid SELECT ('00000000-0000-0000-0000-00000000000' || customer_id)::uuid, ordered_at, amount FROM bought EXCEPT ALL TABLE bought_uuid;
		INSERT INTO bought_numeric SELECT customer_id, ordered_at, amount FROM bought EXCEPT ALL TABLE bought_numeric;
		FOR s IN SELECT * FROM shop ORDER BY n LOOP
			CONTINUE WHEN random() < 0.3;
			SELECT mode INTO refreshed FROM refresh_segment_table(s.segs::regclass, at);
			SELECT count(*) INTO wrong FROM verify_segment_table(s.segs::regclass);
			EXECUTE format($q$
				SELECT count(*) FROM (
					SELECT o.customer_id, count(*) FILTER (WHERE o.amount > 0) AS orders, sum(o.amount) AS revenue FROM %s o
					WHERE o.ordered_at <= $1 AND ($2 IS NULL OR o.ordered_at > $1 - $2)
					  AND NOT EXISTS (SELECT FROM profiling_opt_out p WHERE p.customer = o.customer_id::text AND (p.until IS NULL OR p.until > $1))
					  AND NOT EXISTS (SELECT FROM tombstone, tombstone_salt WHERE customer_hash = sha256(salt || convert_to(o.customer_id::text, 'UTF8')))
					GROUP BY o.customer_id) x
				FULL JOIN %s t USING (customer_id) WHERE (x.orders, x.revenue) IS DISTINCT FROM (t.orders, t.revenue)$q$, s.orders, s.segs)
			INTO others USING at, CASE WHEN s.n = 2 THEN interval '40 days' END;
			INSERT INTO step VALUES (i, s.segs, refreshed, wrong, others, s.n <> 1 OR NOT EXISTS (SELECT FROM bought_segs_history h JOIN profiling_opt_out p ON p.customer = h.customer_id::text WHERE p.until IS NULL OR p.until > at));
		END LOOP;
		COMMIT;
	END LOOP;
END $$;
SELECT segs, sum(wrong) AS wrong, sum(others) AS others, bool_and(forgotten) AS forgotten, count(*) FILTER (WHERE mode = 'incremental') > 5 AS often_incremental FROM step GROUP BY 1 ORDER BY 1;
SELECT drop_segment_table(segs::regclass) FROM shop ORDER BY n;
DROP TABLE bought, bought_text, bought_uuid, bought_small, bought_numeric, bought_char, bought_account, client, rating, sales, sales_rest, shop, step;
DROP TYPE account;
DELETE FROM tier_policy;
TRUNCATE profiling_opt_out, tombstone, tombstone_salt, tier_history;
ALTER TABLE points_entry DISABLE TRIGGER refuse_change;
ALTER TABLE points_allocation DISABLE TRIGGER refuse_change;
TRUNCATE points_entry, points_allocation, points_programme;
ALTER TABLE points_entry ENABLE TRIGGER refuse_change;
ALTER TABLE points_allocation ENABLE TRIGGER refuse_change;
