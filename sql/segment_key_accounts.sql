-- Key accounts and account managers as columns of segment tables.

SET search_path = public, customer_scoring;
SET timezone = 'UTC';
SET client_min_messages = warning;
CREATE TABLE bought (customer_id int, ordered_at timestamptz, amount numeric(10, 2));
INSERT INTO bought SELECT c, timestamptz '2024-01-01' + c * interval '1 hour', c FROM generate_series(1, 6) c;
CREATE VIEW bought_text AS SELECT 'k' || customer_id AS customer_id, ordered_at, amount FROM bought;
CREATE TABLE bought_by_text AS TABLE bought_text;
CREATE TABLE bought_by_uuid AS SELECT ('00000000-0000-0000-0000-00000000000' || customer_id)::uuid AS customer_id, ordered_at, amount FROM bought;
CREATE TABLE bought_small AS SELECT customer_id::smallint AS customer_id, ordered_at, amount FROM bought;
SELECT create_segment_table(t || '_segs', t::regclass, time_zone => 'UTC', breaks => 'frozen', with_data => false) FROM unnest(ARRAY['bought', 'bought_by_text', 'bought_by_uuid', 'bought_small']) t;
SELECT add_segment_source(t::regclass, 'key_accounts', 'customer_scoring.key_account', 'customer'), add_segment_source(t::regclass, 'managers', 'customer_scoring.account_manager', 'customer')
FROM unnest(ARRAY['bought_segs', 'bought_by_text_segs', 'bought_by_uuid_segs', 'bought_small_segs']) t;
INSERT INTO key_account (customer, valid_from, valid_until, service_level) VALUES
	('1', '2024-01-01', NULL, 'gold'), ('2', '2024-03-01', '2024-04-01', 'silver'), ('2', '2024-05-01', NULL, NULL), ('03', '2024-01-01', NULL, 'no key'), ('99999999999999999999', '2024-01-01', NULL, 'none'),
	('70000', '2024-01-01', NULL, 'too large for smallint'), ('', '2024-01-01', NULL, 'empty'), ('3 ', '2024-01-01', NULL, 'space'),
	('k1', '2024-01-01', NULL, 'gold'), ('k2', '2024-03-01', '2024-04-01', 'silver'), ('00000000-0000-0000-0000-000000000001', '2024-01-01', NULL, 'gold'), ('00000000-0000-0000-0000-00000000000A', '2024-01-01', NULL, 'x');
SELECT assign_account_manager(c, 'Ani', '2024-01-01'), assign_account_manager(c, 'Budi', '2024-03-15') FROM unnest(ARRAY['1', 'k1', '00000000-0000-0000-0000-000000000001', '4']) c;
SELECT t, mode, customers FROM unnest(ARRAY['bought_segs', 'bought_by_text_segs', 'bought_by_uuid_segs', 'bought_small_segs']) t, refresh_segment_table(t::regclass, '2024-02-01');
SELECT customer_id, key_account, service_level, account_manager, due_at FROM bought_segs ORDER BY 1;
SELECT customer_id, key_account, service_level, account_manager, due_at FROM bought_by_text_segs ORDER BY 1;
SELECT customer_id, key_account, service_level, account_manager, due_at FROM bought_by_uuid_segs ORDER BY 1;
SELECT customer_id, key_account, service_level, account_manager FROM bought_small_segs WHERE key_account OR account_manager IS NOT NULL ORDER BY 1;
SELECT column_name, data_type, is_nullable FROM information_schema.columns WHERE table_name = 'bought_segs' AND column_name IN ('key_account', 'service_level', 'account_manager') ORDER BY ordinal_position;
-- periods begin and end by time alone
SELECT mode, updated FROM refresh_segment_table('bought_segs', '2024-03-01');
SELECT mode, updated FROM refresh_segment_table('bought_segs', '2024-03-20');
SELECT customer_id, key_account, service_level, account_manager, due_at FROM bought_segs WHERE customer_id IN (1, 2) ORDER BY 1;
SELECT mode, updated FROM refresh_segment_table('bought_segs', '2024-04-01');
SELECT customer_id, key_account, service_level, due_at FROM bought_segs WHERE customer_id = 2;
-- a change is captured: for customers who are text one by one, for others everybody is looked at
UPDATE key_account SET service_level = 'platinum' WHERE customer IN ('1', 'k1');
SELECT mode, updated FROM refresh_segment_table('bought_segs', '2024-04-02');
SELECT mode, updated FROM refresh_segment_table('bought_by_text_segs', '2024-04-02');
SELECT customer_id, service_level FROM bought_segs WHERE key_account UNION ALL SELECT NULL, service_level FROM bought_by_text_segs WHERE key_account;

-- Random periods, and time that passes: incremental is full is what the functions say.
CREATE TABLE step (n int, table_name text, mode text, wrong bigint, others bigint);
DO $$
DECLARE
	at timestamptz := '2024-05-01';
	who text;
	since timestamptz;
	refreshed text;
	wrong bigint;
	others bigint;
BEGIN
	PERFORM setseed(0.7);
	FOR i IN 1 .. 40 LOOP
		at := at + random() * interval '20 days';
		FOR j IN 1 .. 3 LOOP
			who := CASE WHEN random() < 0.5 THEN 'k' ELSE '' END || 1 + floor(random() * 6);
			since := at + (random() * 60 - 20) * interval '1 day';
			BEGIN
				CASE floor(random() * 5)::int
				WHEN 0 THEN INSERT INTO key_account (customer, valid_from, valid_until, service_level) VALUES (who, since, since + (random() * 30 + 1) * interval '1 day', 'level ' || i);
				WHEN 1 THEN UPDATE key_account SET valid_until = at + interval '1 day' WHERE customer = who AND valid_from < at AND valid_until IS NULL;
				WHEN 2 THEN DELETE FROM key_account WHERE customer = who AND random() < 0.5;
				WHEN 3 THEN PERFORM assign_account_manager(who, CASE WHEN random() < 0.7 THEN 'manager ' || i END, since);
				ELSE INSERT INTO bought_by_text VALUES (who, at, 5);
				END CASE;
			EXCEPTION WHEN exclusion_violation THEN NULL;
			END;
		END LOOP;
		IF i % 8 = 0 THEN TRUNCATE account_manager; END IF;
		SELECT r.mode INTO refreshed FROM refresh_segment_table('bought_segs', at) r;
		SELECT count(*) INTO wrong FROM verify_segment_table('bought_segs');
		SELECT count(*) INTO others FROM bought_segs s WHERE (key_account, service_level, account_manager) IS DISTINCT FROM (is_key_account(customer_id::text, at), service_level_of(customer_id::text, at), account_manager_of(customer_id::text, at));
		INSERT INTO step VALUES (i, 'int', refreshed, wrong, others);
		SELECT r.mode INTO refreshed FROM refresh_segment_table('bought_by_text_segs', at) r;
		SELECT count(*) INTO wrong FROM verify_segment_table('bought_by_text_segs');
		SELECT count(*) INTO others FROM bought_by_text_segs s WHERE (key_account, service_level, account_manager) IS DISTINCT FROM (is_key_account(customer_id, at), service_level_of(customer_id, at), account_manager_of(customer_id, at));
		INSERT INTO step VALUES (i, 'text', refreshed, wrong, others);
	END LOOP;
END $$;
SELECT table_name, mode, count(*) > 4 AS some, sum(wrong) AS wrong, sum(others) AS others FROM step GROUP BY 1, 2 ORDER BY 1, 2;

-- An owner needs SELECT on the table, and TRIGGER to have changes captured. Any table of that shape will do.
CREATE ROLE regress_key_owner;
GRANT CREATE ON SCHEMA public TO regress_key_owner;
GRANT SELECT, TRIGGER ON bought TO regress_key_owner;
SET ROLE regress_key_owner;
SELECT create_segment_table('own', 'bought', time_zone => 'UTC', with_data => false);
SELECT add_segment_source('own', 'key_accounts', 'customer_scoring.key_account', 'customer');
SELECT mode FROM refresh_segment_table('own');
RESET ROLE;
GRANT SELECT ON key_account TO regress_key_owner;
SET ROLE regress_key_owner;
SET client_min_messages = notice;
SELECT add_segment_source('own', 'key_accounts', 'customer_scoring.key_account', 'customer');
SELECT mode FROM refresh_segment_table('own', '2024-05-01');
SET client_min_messages = warning;
SELECT drop_segment_source('own', 'key_accounts');
CREATE TABLE vip (who int, since date, ends timestamp, level varchar(10));
INSERT INTO vip VALUES (1, '2024-01-01', NULL, 'a'), (2, '2024-01-01', '2024-02-01 12:00', 'b'), (NULL, '2024-01-01', NULL, 'c'), (3, NULL, NULL, 'd'), (4, 'infinity', NULL, 'e'), (5, '2024-01-01', 'infinity', 'f');
SELECT add_segment_source('own', 'key_accounts', 'vip', 'who', '{"valid_from": "since", "valid_until": "ends", "service_level": "level"}');
SELECT mode FROM refresh_segment_table('own', '2024-02-01');
SELECT customer_id, key_account, service_level, due_at FROM own ORDER BY 1;
SELECT count(*) FROM verify_segment_table('own');
RESET ROLE;
SELECT drop_segment_table('own');
SELECT drop_segment_table((t || '_segs')::regclass) FROM unnest(ARRAY['bought', 'bought_by_text', 'bought_by_uuid', 'bought_small']) t;
DROP TABLE vip, bought, bought_by_text, bought_by_uuid, bought_small, step CASCADE;
REVOKE ALL ON key_account FROM regress_key_owner;
REVOKE ALL ON SCHEMA public FROM regress_key_owner;
DROP ROLE regress_key_owner;
TRUNCATE key_account, account_manager;
