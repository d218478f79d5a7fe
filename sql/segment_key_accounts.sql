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
-- a change is captured, for whom it names
UPDATE key_account SET service_level = 'platinum' WHERE customer IN ('1', 'k1', '03', '70000');
SELECT mode, updated FROM unnest(ARRAY['bought_segs', 'bought_by_text_segs', 'bought_by_uuid_segs', 'bought_small_segs']) t, refresh_segment_table(t::regclass, '2024-04-02');
SELECT segment_table, mode, recomputed FROM segment_table_run WHERE as_of = '2024-04-02' ORDER BY run_id;
SELECT customer_id, service_level FROM bought_segs WHERE key_account UNION ALL SELECT NULL, service_level FROM bought_by_text_segs WHERE key_account;
-- a text that is no customer of the type is nobody's, and harms no writer
INSERT INTO key_account (customer) SELECT x FROM unnest(ARRAY['-', '+5', '5.0', '5e0', '0x5', E'5\n', '٥', '-0', '00', '32768', '-32769', '2147483648', '9223372036854775808', repeat('9', 1000),
	'{00000000-0000-0000-0000-000000000005}', '00000000000000000000000000000005', '00000000-0000-0000-0000-00000000000g', '00000000-0000-0000-0000-0000000000055']) x;
SELECT mode, updated FROM refresh_segment_table('bought_segs', now() + '1 day');
SELECT mode, updated FROM refresh_segment_table('bought_by_uuid_segs', now() + '1 day');
SELECT count(*) FROM bought_segs WHERE key_account;
TRUNCATE key_account, account_manager;
SELECT segment_customer(x, NULL::int2), segment_customer(x, NULL::int4), segment_customer(x, NULL::int8) FROM unnest(ARRAY['0', '-1', '32767', '32768', '-32768', '-32769', '2147483647', '2147483648', '-2147483648', '-2147483649',
	'9223372036854775807', '9223372036854775808', '-9223372036854775808', '-9223372036854775809', '', NULL]) x;
-- every number, and every uuid, is found by its text
SELECT count(*) FROM (SELECT (random() * 65535 - 32768)::int2 AS x FROM generate_series(1, 1000)) r WHERE segment_customer(x::text, NULL::int2) IS DISTINCT FROM x;
SELECT count(*) FROM (SELECT (random() * 1.8e19 - 9e18)::int8 >> (random() * 63)::int AS x FROM generate_series(1, 1000)) r WHERE segment_customer(x::text, NULL::int8) IS DISTINCT FROM x;
SELECT count(*) FROM (SELECT md5(i::text)::uuid AS x FROM generate_series(1, 1000) i) r WHERE segment_customer(x::text, NULL::uuid) IS DISTINCT FROM x;
SELECT segment_customer('1', NULL::numeric);
-- of several periods
INSERT INTO key_account (customer, valid_from, origin, segment_table, service_level) VALUES ('1', '2024-02-01', 'class', 'bought_segs', 'by class'), ('2', '2024-03-01', 'class', 'bought_segs', 'by class'),
	('2', '2024-03-02', 'class', 'bought_small_segs', 'later'), ('3', '2024-03-02', 'class', 'bought_segs', 'by class');
INSERT INTO key_account (customer, valid_from, valid_until, service_level) VALUES ('1', '2023-01-01', '2099-01-01', 'by hand'), ('3', '2024-04-01', NULL, NULL);
SELECT mode FROM refresh_segment_table('bought_segs', '2024-05-01');
SELECT customer_id, key_account, service_level, service_level_of(customer_id::text, '2024-05-01'), due_at FROM bought_segs ORDER BY 1;
TRUNCATE key_account;

-- Random periods, and time that passes, for customers of three types: incremental is full is what the functions say.
CREATE TABLE bought_big AS SELECT customer_id::bigint AS customer_id, ordered_at, amount FROM bought;
SELECT create_segment_table('bought_big_segs', 'bought_big', time_zone => 'UTC', breaks => 'frozen', with_data => false);
SELECT add_segment_source('bought_big_segs', 'key_accounts', 'customer_scoring.key_account', 'customer'), add_segment_source('bought_big_segs', 'managers', 'customer_scoring.account_manager', 'customer');
CREATE TABLE step (n int, table_name regclass, mode text, wrong bigint, others bigint);
DO $$
DECLARE
	at timestamptz := '2024-06-01';
	who text;
	since timestamptz;
	t regclass;
	refreshed text;
	wrong bigint;
	others bigint;
BEGIN
	PERFORM setseed(0.7);
	FOR i IN 1 .. 40 LOOP
		at := at + random() * interval '20 days';
		FOR j IN 1 .. 3 LOOP
			who := (ARRAY['k', '', '', '0', ' ', '00000000-0000-0000-0000-00000000000'])[1 + floor(random() * 6)] || 1 + floor(random() * 6);
			since := at + (random() * 60 - 20) * interval '1 day';
			BEGIN
				CASE floor(random() * 7)::int
				WHEN 0 THEN INSERT INTO key_account (customer, valid_from, valid_until, service_level) VALUES (who, since, since + (random() * 30 + 1) * interval '1 day', 'level ' || i);
				WHEN 1 THEN INSERT INTO key_account (customer, valid_from, service_level, origin, segment_table) VALUES (who, since, CASE WHEN random() < 0.7 THEN 'class ' || i END, 'class', 'bought_segs');
				WHEN 2 THEN UPDATE key_account SET valid_until = at + interval '1 day' WHERE customer = who AND valid_from < at AND valid_until IS NULL;
				WHEN 3 THEN DELETE FROM key_account WHERE customer = who AND random() < 0.5;
				WHEN 4 THEN UPDATE key_account SET customer = 'k' || 1 + floor(random() * 6) WHERE customer = who AND random() < 0.5;
				WHEN 5 THEN PERFORM assign_account_manager(who, CASE WHEN random() < 0.7 THEN 'manager ' || i END, since);
				ELSE INSERT INTO bought_by_text VALUES (who, at, 5);
				END CASE;
			EXCEPTION WHEN exclusion_violation THEN NULL;
			END;
		END LOOP;
		IF i % 8 = 0 THEN TRUNCATE account_manager; END IF;
		FOREACH t IN ARRAY ARRAY['bought_big_segs', 'bought_by_text_segs', 'bought_by_uuid_segs'] LOOP
			SELECT r.mode INTO refreshed FROM refresh_segment_table(t, at) r;
			SELECT count(*) INTO wrong FROM verify_segment_table(t);
			EXECUTE format('SELECT count(*) FROM %s s WHERE (key_account, service_level, account_manager) IS DISTINCT FROM
				(is_key_account(customer_id::text, $1), service_level_of(customer_id::text, $1), account_manager_of(customer_id::text, $1))', t) INTO others USING at;
			INSERT INTO step VALUES (i, t, refreshed, wrong, others);
		END LOOP;
	END LOOP;
END $$;
SELECT table_name, mode, count(*) > 4 AS some, sum(wrong) AS wrong, sum(others) AS others FROM step GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*) > 2 AS some FROM key_account WHERE origin = 'class';

-- Keys of other types do not go by texts; a view that converts them does.
CREATE TABLE bought_numeric AS SELECT customer_id::numeric AS customer_id, ordered_at, amount FROM bought;
SELECT create_segment_table('bought_numeric_segs', 'bought_numeric', time_zone => 'UTC', with_data => false);
SELECT add_segment_source('bought_numeric_segs', 'key_accounts', 'customer_scoring.key_account', 'customer');
CREATE VIEW numeric_key_account AS SELECT customer::numeric AS customer, valid_from, valid_until, service_level, origin FROM key_account WHERE customer ~ '^[0-9]+$';
TRUNCATE key_account;
INSERT INTO key_account (customer, valid_from, service_level) VALUES ('4', '2024-01-01', 'four'), ('x', '2024-01-01', 'none');
SELECT add_segment_source('bought_numeric_segs', 'key_accounts', 'numeric_key_account', 'customer');
SELECT mode FROM refresh_segment_table('bought_numeric_segs', '2024-02-01');
SELECT customer_id, service_level FROM bought_numeric_segs WHERE key_account;
SELECT drop_segment_table('bought_numeric_segs');

-- Few customers are looked up by an index, by their texts.
INSERT INTO key_account (customer, valid_from) SELECT 'n' || i, '2024-01-01' FROM generate_series(1, 3000) i;
ANALYZE key_account;
EXPLAIN (COSTS OFF) SELECT segment_customer(s.customer, NULL::int4) AS customer, count(*) FROM key_account s
WHERE s.customer = ANY ('{1,2}'::int4[]::text[]) GROUP BY segment_customer(s.customer, NULL::int4);
TRUNCATE key_account;

SELECT drop_segment_table((t || '_segs')::regclass) FROM unnest(ARRAY['bought', 'bought_by_text', 'bought_by_uuid', 'bought_small', 'bought_big']) t;
-- An owner needs SELECT on the table; changes of the extension's own tables are captured in any case.
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
SELECT mode FROM refresh_segment_table('own', '2024-05-02');
RESET ROLE;
INSERT INTO key_account (customer, valid_from) VALUES ('2', '2024-05-02');
SET ROLE regress_key_owner;
SELECT mode, updated FROM refresh_segment_table('own', '2024-05-03');
SET client_min_messages = warning;
-- Any table of that shape will do: without a column origin all periods are alike, and varchar is as good as text.
SELECT drop_segment_source('own', 'key_accounts');
CREATE TABLE vip (who int, since date, ends timestamp, level varchar(10));
INSERT INTO vip VALUES (1, '2024-01-01', NULL, 'a'), (2, '2024-01-01', '2024-02-01 12:00', 'b'), (NULL, '2024-01-01', NULL, 'c'), (3, NULL, NULL, 'd'), (4, 'infinity', NULL, 'e'), (5, '2024-01-01', 'infinity', 'f');
SELECT add_segment_source('own', 'key_accounts', 'vip', 'who', '{"valid_from": "since", "valid_until": "ends", "service_level": "level"}');
SELECT mode FROM refresh_segment_table('own', '2024-02-01');
SELECT customer_id, key_account, service_level, due_at FROM own ORDER BY 1;
SELECT count(*) FROM verify_segment_table('own');
SELECT drop_segment_source('own', 'key_accounts');
CREATE TABLE named_vip (who varchar(20), valid_from timestamptz, valid_until timestamptz, service_level text, made_by text);
INSERT INTO named_vip VALUES ('1', '2024-01-01', NULL, 'b', 'class'), ('1', '2023-01-01', NULL, 'a', 'me'), ('2', '2024-01-01', NULL, 'c', NULL), ('02', '2024-01-01', NULL, 'd', NULL), (NULL, '2024-01-01', NULL, 'e', 'me');
SELECT add_segment_source('own', 'key_accounts', 'named_vip', 'who', '{"origin": "from_where"}');
SELECT add_segment_source('own', 'key_accounts', 'named_vip', 'who');
SELECT mode FROM refresh_segment_table('own', '2024-02-01');
SELECT customer_id, service_level FROM own WHERE key_account ORDER BY 1;
-- a column origin that comes is read from then on
ALTER TABLE named_vip RENAME made_by TO origin;
SELECT mode FROM refresh_segment_table('own', '2024-02-02');
SELECT customer_id, service_level FROM own WHERE key_account ORDER BY 1;
UPDATE named_vip SET who = '3' WHERE who = '2';
SELECT mode, updated FROM refresh_segment_table('own', '2024-02-03');
SELECT count(*) FROM verify_segment_table('own');
RESET ROLE;
SELECT drop_segment_table('own');
DROP TABLE vip, named_vip, bought, bought_by_text, bought_by_uuid, bought_small, bought_big, bought_numeric, step CASCADE;
DROP VIEW numeric_key_account;
REVOKE ALL ON key_account FROM regress_key_owner;
REVOKE ALL ON SCHEMA public FROM regress_key_owner;
DROP ROLE regress_key_owner;
TRUNCATE key_account, account_manager;
