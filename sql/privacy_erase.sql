-- Erasing a customer: nothing of him is left where it should not be, for keys of every type and whatever the names; who
-- may, and what stands in the way; all of it or nothing.

-- the ledger and the audit are not for tests to empty
DROP EXTENSION customer_scoring;
CREATE EXTENSION customer_scoring;
SET search_path = public, customer_scoring;
SET timezone = 'UTC';
\set SHOW_CONTEXT never
CREATE ROLE regress_cs_shop;
CREATE ROLE regress_cs_clerk;
CREATE SCHEMA shop;
-- where a text stands, in any table of users or of the extension
CREATE FUNCTION found(needle text) RETURNS TABLE (relation text, rows bigint) LANGUAGE plpgsql AS $$
BEGIN
	FOR relation IN SELECT c.oid::regclass FROM pg_class c WHERE c.relkind = 'r'
		AND c.relnamespace::regnamespace::text IN ('shop', 'customer_scoring', 'customer_scoring_internal') ORDER BY c.oid::regclass::text COLLATE "C"
	LOOP
		EXECUTE format('SELECT count(*) FROM %s t WHERE customer_scoring_internal.mentions(t::text, $1)', relation) INTO rows USING needle;
		CONTINUE WHEN rows = 0;
		relation := regexp_replace(relation, '\d{4,}', 'N');
		RETURN NEXT;
	END LOOP;
END $$;
CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	message text;
	detail text;
	hint text;
BEGIN
	EXECUTE statement;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', SQLSTATE, message, nullif(detail, ''), nullif(hint, ''));
END $$;

-- A shop whose every table knows customer c7: a master table and its children, orders that stay, partitions.
CREATE TABLE shop.customers (customer_id text PRIMARY KEY, name text, email text, born date);
CREATE TABLE shop.addresses (customer_id text NOT NULL REFERENCES shop.customers, street text);
CREATE TABLE shop.orders (order_id int PRIMARY KEY, customer_id text, ordered_at timestamptz, amount numeric(12,2), note text, gift_to text);
CREATE TABLE shop.visits (customer_id text, at date NOT NULL, page text) PARTITION BY RANGE (at);
CREATE TABLE shop.visits_2023 PARTITION OF shop.visits FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE shop.visits_2024 PARTITION OF shop.visits FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE INDEX ON shop.addresses (customer_id);
CREATE INDEX ON shop.orders (customer_id);
CREATE INDEX ON shop.orders (gift_to);
CREATE INDEX ON shop.visits (customer_id);
INSERT INTO shop.customers SELECT 'c' || i, 'Name ' || i, 'mail' || i || '@shop.example', '1990-01-01' FROM generate_series(1, 40) i;
INSERT INTO shop.addresses SELECT 'c' || i, 'Street ' || i FROM generate_series(1, 40) i;
INSERT INTO shop.orders SELECT i, 'c' || 1 + i % 40, '2024-01-01'::timestamptz + i * interval '1 hour', i, 'for c' || 1 + i % 40, CASE WHEN i % 10 = 0 THEN 'c7' END FROM generate_series(1, 400) i;
INSERT INTO shop.visits SELECT 'c' || 1 + i % 40, '2023-06-01'::date + i, 'page' FROM generate_series(1, 400) i;
INSERT INTO privacy_register (relation, customer, column_name, on_erase) VALUES
	('shop.customers', 'customer_id', NULL, 'delete'), ('shop.addresses', 'customer_id', NULL, 'delete'), ('shop.visits', 'customer_id', NULL, 'delete'),
	('shop.orders', 'customer_id', NULL, 'keep'), ('shop.orders', 'customer_id', 'note', 'anonymise'), ('shop.orders', 'gift_to', 'gift_to', 'anonymise'), ('shop.orders', 'gift_to', 'note', 'anonymise');
UPDATE privacy_register SET replacement = 'nobody' WHERE customer = 'gift_to' AND column_name = 'gift_to';
INSERT INTO tier_policy (name, scheme, time_zone) VALUES ('club', 'bronze 0, silver 100', 'UTC');
SELECT create_segment_table('shop.segments', 'shop.orders', history => true, time_zone => 'UTC', with_data => false);
UPDATE tier_policy SET segment_table = 'shop.segments';
SELECT alter_segment_table('shop.segments', tiers => 'club');
SELECT add_segment_source('shop.segments', 'key_accounts', 'key_account', 'customer');
SELECT refresh_segment_table('shop.segments', '2024-01-10') IS NOT NULL AS refreshed;
SELECT refresh_segment_table('shop.segments', '2024-06-10') IS NOT NULL AS refreshed;
UPDATE shop.orders SET amount = amount + 1000, ordered_at = '2024-06-01' WHERE customer_id = 'c7' AND order_id = 6;
SELECT refresh_segment_table('shop.segments', '2024-06-11') IS NOT NULL AS refreshed;
INSERT INTO consent (customer, purpose, channel, status) VALUES ('c7', 'news', 'email', 'granted'), ('c17', 'news', 'email', 'granted');
INSERT INTO do_not_contact (customer, reason) VALUES ('c7', 'bounced');
INSERT INTO feedback (customer, body) VALUES ('c7', 'Rusak lagi'), ('c17', 'Bagus');
INSERT INTO key_account (customer, note) VALUES ('c7', 'a good one');
SELECT assign_account_manager('c7', 'Ben'), assign_account_manager('c17', 'Ben');
INSERT INTO points_programme (name, time_zone) VALUES ('a', 'UTC'), ('b', 'UTC'), ('c', 'UTC');
SELECT earn_points('a', 'c7', 100, 'order 6', '2024-01-01'), earn_points('b', 'c7', 50, 'welcome c7', '2024-01-01'), earn_points('b', 'c70', 50, 'welcome c70', '2024-01-01'), earn_points('c', 'c1', 30, 'order 1', '2024-01-01');
SELECT redeem_points('a', 'c7', 30, 'gift', '2024-01-02'), donate_points('c', 'c1', 10, 'c7', NULL, '2024-01-02');
INSERT INTO customer_scoring_internal.segment_run (segment_table, cause, started_at, finished_at, error_code, error_message, error_detail, error_hint)
VALUES ('shop.segments', 'scheduled', now(), now(), '22003', 'revenue of customer c7 does not fit', 'Ann', 'round it'), ('shop.segments', 'scheduled', now(), now(), '22003', 'revenue of customer c77 does not fit', NULL, NULL);
INSERT INTO shop.orders VALUES (1000, 'c7', '2024-06-02', 1, 'late', NULL);
SELECT * FROM found('c7');
SELECT sum(points), count(*) FROM points_entry;
SELECT sum(amount), count(*) FROM shop.orders;

-- undone, it is undone everywhere
BEGIN;
SELECT * FROM erase_customer('c7') WHERE deleted + anonymised > 0;
SELECT * FROM found('c7');
ROLLBACK;
SELECT sum(rows) FROM found('c7');
SELECT count(*) FROM tombstone;

-- done: every table that was looked at is told
SELECT * FROM erase_customer('c7');
SELECT * FROM found('c7');
SELECT * FROM found('mail7@shop.example') UNION ALL SELECT * FROM found('Name 7') UNION ALL SELECT * FROM found('Street 7') UNION ALL SELECT * FROM found('Ann');
-- who is called alike stays, and amounts stay, by a pseudonym that is one for the ledger and for orders
SELECT count(*) FROM shop.customers WHERE customer_id IN ('c17', 'c27', 'c37');
SELECT sum(points), count(*) FROM points_entry;
SELECT sum(amount), count(*) FROM shop.orders;
SELECT o.customer_id AS pseudonym FROM shop.orders o WHERE o.order_id = 6 \gset
SELECT count(*) AS orders, count(note) AS notes FROM shop.orders WHERE customer_id = :'pseudonym';
SELECT programme, kind, points, customer = :'pseudonym' AS is_customer, beneficiary = :'pseudonym' AS is_beneficiary, reference ~ '^[0-9a-f-]{36}$' AS reference_replaced FROM points_entry WHERE :'pseudonym' IN (customer, beneficiary) ORDER BY entry_id;
SELECT points_balance('a', :'pseudonym', '2024-02-01'), points_balance('b', 'c70', '2024-02-01');
SELECT count(*) AS by_md5_or_sha FROM (VALUES (md5('c7')), (left(encode(sha256('c7'), 'hex'), 32))) h (x) WHERE replace(:'pseudonym', '-', '') = h.x;
SELECT error_message, error_detail, error_hint FROM customer_scoring_internal.segment_run WHERE error_code IS NOT NULL ORDER BY run_id;
SELECT customer_hash = customer_scoring_internal.tombstone_hash('c7') AS is_c7, details FROM privacy_audit WHERE action = 'erase';
SELECT count(*) AS deletes FROM privacy_audit WHERE action <> 'erase' AND relation ~ 'consent|contact|account' AND action = 'delete';
-- the log is rid of him, and the next refresh finds nothing to do but the pseudonym
SELECT mode FROM refresh_segment_table('shop.segments', '2024-06-12');
SELECT customers - (SELECT count(*) FROM shop.segments) AS uncounted FROM customer_scoring_internal.segment_state;
SELECT * FROM verify_segment_table('shop.segments');
-- what is loaded again stays out of segment tables; erasing it again finds it
INSERT INTO shop.orders VALUES (1001, 'c7', '2024-06-03', 5, 'again', NULL);
SELECT mode FROM refresh_segment_table('shop.segments', '2024-06-13');
SELECT count(*) FROM shop.segments WHERE customer_id = 'c7';
SELECT relation, deleted, anonymised FROM erase_customer('c7') WHERE deleted + anonymised > 0;
SELECT * FROM found('c7');
SELECT count(*) AS tombstones FROM tombstone;
SELECT count(DISTINCT customer_id) AS pseudonyms FROM shop.orders WHERE customer_id ~ '-';
-- of whom nothing is known, there is a tombstone at least
SELECT sum(deleted + anonymised) AS rows FROM erase_customer('never seen');
SELECT count(*) AS tombstones FROM tombstone WHERE customer_hash = customer_scoring_internal.tombstone_hash('never seen');
SELECT erase_customer(NULL);
-- other customers as hostile as can be
SELECT count(*) FROM shop.customers \gset before_
SELECT left(c, 9) AS customer, relation, deleted, anonymised FROM unnest(ARRAY['', ' ', 'c7'' OR true --', '\', '%', '.*', '[', E'a\nb', repeat('x', 100000)]) c, erase_customer(c) WHERE deleted + anonymised > 0;
SELECT count(*) - :before_count AS lost FROM shop.customers;

-- Isolation levels whose snapshot may be old, and where nothing is written, are refused.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT erase_customer('c8');
ROLLBACK;
BEGIN TRANSACTION READ ONLY;
SELECT erase_customer('c8');
ROLLBACK;
-- Prepared, it waits; and then it is done.
BEGIN;
SELECT sum(deleted + anonymised) > 0 AS rows FROM erase_customer('c8');
PREPARE TRANSACTION 'customer_scoring_erase';
SELECT count(*) > 0 AS still_seen FROM shop.orders WHERE customer_id = 'c8';
COMMIT PREPARED 'customer_scoring_erase';
SELECT * FROM found('c8');
-- What a transaction has written of him before a savepoint is captured though he be erased after it, if that is undone.
BEGIN;
INSERT INTO shop.orders VALUES (1002, 'c9', '2024-06-13', 5, NULL, NULL);
SAVEPOINT s;
SELECT sum(deleted + anonymised) > 0 AS rows FROM erase_customer('c9');
ROLLBACK TO s;
COMMIT;
SELECT mode, updated FROM refresh_segment_table('shop.segments', '2024-06-14');
SELECT * FROM verify_segment_table('shop.segments');
-- ... and one who is erased, readmitted and served anew in one transaction is in
BEGIN;
INSERT INTO shop.orders VALUES (1003, 'c9', '2024-06-13', 5, NULL, NULL);
SELECT sum(deleted + anonymised) > 0 AS rows FROM erase_customer('c9');
SELECT readmit_customer('c9');
INSERT INTO shop.orders VALUES (1004, 'c9', '2024-06-13', 7, NULL, NULL);
COMMIT;
SELECT mode FROM refresh_segment_table('shop.segments', '2024-06-15');
SELECT orders, revenue FROM shop.segments WHERE customer_id = 'c9';
SELECT * FROM verify_segment_table('shop.segments');

-- No table is read from end to end where there is an index, whatever the planner thinks of small tables: c10 is found by index.
SELECT pg_stat_force_next_flush();
SELECT pg_stat_reset();
SELECT count(*) > 10 AS tables FROM erase_customer('c10');
SELECT pg_stat_force_next_flush();
SELECT relname, seq_scan FROM pg_stat_all_tables
WHERE seq_scan > 0 AND (schemaname = 'shop' OR schemaname = 'customer_scoring' AND relname IN (SELECT split_part(p.relation, '.', 2) FROM customer_scoring_internal.personal_table p)) ORDER BY relname;

-- Keys of other types, columns with any name.
CREATE TYPE shop.pair AS (a int, b text);
CREATE DOMAIN shop.number AS integer CHECK (VALUE > 0);
CREATE TABLE shop."we""ird; --" ("cust'omer" int NOT NULL, "no.te" text DEFAULT '7', "t" text);
CREATE INDEX ON shop."we""ird; --" ("cust'omer");
INSERT INTO shop."we""ird; --" VALUES (7, 'a', 'b'), (70, 'c', 'd');
CREATE TABLE shop.by_bigint (customer_id bigint PRIMARY KEY, note text);
INSERT INTO shop.by_bigint VALUES (7, 'a'), (70, 'b');
CREATE TABLE shop.by_uuid (customer_id uuid PRIMARY KEY, note text);
INSERT INTO shop.by_uuid VALUES ('00000000-0000-0000-0000-000000000007', 'a'), ('00000000-0000-0000-0000-000000000070', 'b');
CREATE TABLE shop.by_domain (customer_id shop.number PRIMARY KEY);
INSERT INTO shop.by_domain VALUES (7), (70);
CREATE TABLE shop.by_numeric (customer_id numeric PRIMARY KEY);
INSERT INTO shop.by_numeric VALUES (7.00), (70);
CREATE TABLE shop.by_char (customer_id char(40) PRIMARY KEY, note text);
INSERT INTO shop.by_char VALUES ('7', 'a'), ('70', 'b');
CREATE TABLE shop.by_pair (customer_id shop.pair PRIMARY KEY);
INSERT INTO shop.by_pair VALUES ('(7,x)'), ('(70,x)');
CREATE TABLE shop.by_date (customer_id date PRIMARY KEY);
INSERT INTO shop.by_date VALUES ('2024-01-07');
INSERT INTO privacy_register (relation, customer, column_name, on_erase, replacement) VALUES
	('shop."we""ird; --"', 'cust''omer', 'cust''omer', 'anonymise', '-1'), ('shop."we""ird; --"', 'cust''omer', 'no.te', 'anonymise', '''; --'), ('shop."we""ird; --"', 'cust''omer', 't', 'pseudonymise', NULL),
	('shop.by_bigint', 'customer_id', 'note', 'anonymise', NULL), ('shop.by_uuid', 'customer_id', 'note', 'pseudonymise', NULL), ('shop.by_domain', 'customer_id', NULL, 'delete', NULL),
	('shop.by_numeric', 'customer_id', NULL, 'delete', NULL), ('shop.by_char', 'customer_id', 'note', 'keep', NULL), ('shop.by_pair', 'customer_id', NULL, 'delete', NULL), ('shop.by_date', 'customer_id', NULL, 'delete', NULL);
SELECT * FROM erase_customer('7') WHERE deleted + anonymised > 0;
TABLE shop."we""ird; --" ORDER BY 1 DESC LIMIT 1;
SELECT "cust'omer", "no.te", length(t) FROM shop."we""ird; --" WHERE "cust'omer" < 70;
SELECT customer_id < 0 AS pseudonym, note FROM shop.by_bigint ORDER BY 1;
SELECT length(customer_id), note FROM shop.by_char ORDER BY 1;
SELECT * FROM erase_customer('00000000-0000-0000-0000-000000000007') WHERE deleted + anonymised > 0;
SELECT count(*) FILTER (WHERE customer_id::text = note) AS one_pseudonym, count(*) FROM shop.by_uuid;
SELECT * FROM erase_customer('(7,x)') WHERE deleted + anonymised > 0;
-- what a type reads and would not write is nobody
SELECT sum(deleted + anonymised) AS rows FROM unnest('{+70,070," 70","( 70,x)",00000000000000000000000000000070,7-Jan-2024,today}'::text[]) c, erase_customer(c);
-- ... and how a session writes dates is of no account
SET datestyle = 'German';
SELECT sum(deleted) AS rows FROM erase_customer('2024-01-07');
RESET datestyle;

-- A table that another has since made unable to lose the customer is told, and nothing is erased.
CREATE TABLE shop.stubborn (customer_id text PRIMARY KEY);
INSERT INTO shop.stubborn VALUES ('c11');
CREATE FUNCTION shop.keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER keep BEFORE DELETE ON shop.stubborn FOR EACH ROW EXECUTE FUNCTION shop.keep();
INSERT INTO privacy_register (relation) VALUES ('shop.stubborn');
SELECT try($$SELECT erase_customer('c11')$$);
SELECT count(*) AS still FROM shop.customers WHERE customer_id = 'c11';
DROP TABLE shop.stubborn;
CREATE TABLE shop.parent (id int PRIMARY KEY);
INSERT INTO shop.parent VALUES (1), (70);
CREATE TABLE shop.child (customer_id int NOT NULL REFERENCES shop.parent, note text);
CREATE INDEX ON shop.child (customer_id);
INSERT INTO shop.child VALUES (70, 'x');
INSERT INTO privacy_register (relation, column_name, on_erase) VALUES ('shop.child', 'note', 'anonymise');
SELECT try($$SELECT erase_customer('70')$$);
INSERT INTO privacy_register (relation, column_name, on_erase, replacement) VALUES ('shop.child', 'customer_id', 'anonymise', '-1');
SELECT try($$SELECT erase_customer('70')$$);
SELECT * FROM shop.child;
DROP TABLE shop.child, shop.parent;

-- Account rules do not keep a person in a row, neither when he is erased nor when it is old; others are refused as ever.
CREATE TABLE shop.complaints (customer_id text, amount numeric, at timestamptz) PARTITION BY LIST (customer_id);
CREATE TABLE shop.complaints_15 PARTITION OF shop.complaints FOR VALUES IN ('c15');
CREATE TABLE shop.complaints_rest PARTITION OF shop.complaints DEFAULT;
CREATE INDEX ON shop.complaints (customer_id);
INSERT INTO shop.complaints VALUES ('c15', 5, '2024-01-01'), ('c15', 5, '2026-01-01');
INSERT INTO account_rule_set (name, target, columns) VALUES ('complaints', 'shop.complaints', '{"customer": "customer_id"}');
INSERT INTO account_rule (rule_set, name, kind, parameters, waived_for) VALUES ('complaints', 'large', 'min_order', '{"minimum": 20}', '{"key_accounts": true}');
CREATE TRIGGER account_rules BEFORE INSERT OR UPDATE ON shop.complaints FOR EACH ROW EXECUTE FUNCTION enforce_account_rules('complaints');
INSERT INTO privacy_register (relation, on_erase) VALUES ('shop.complaints', 'keep');
INSERT INTO privacy_register (relation, column_name, on_erase, retention, time_column, replacement) VALUES ('shop.complaints', 'amount', 'anonymise', '1 year', 'at', '0');
SELECT try($$UPDATE shop.complaints SET customer_id = 'x' WHERE customer_id = 'c15'$$);
SELECT relation, anonymised FROM apply_retention('2025-06-01') WHERE relation ~ 'complaints';
SELECT relation, anonymised FROM erase_customer('c15') WHERE relation ~ 'complaints';
SELECT count(DISTINCT customer_id) AS pseudonyms, array_agg(amount ORDER BY at) AS amounts FROM shop.complaints WHERE customer_id <> 'c15';
SELECT try($$UPDATE shop.complaints SET customer_id = 'x'$$);
DELETE FROM account_rule_set WHERE name = 'complaints';
DROP TABLE shop.complaints;
-- ... nor in the ledger of points
INSERT INTO account_rule_set (name, target, columns) VALUES ('points', 'customer_scoring.points_entry', '{"amount": "points"}');
INSERT INTO account_rule (rule_set, name, kind, parameters, waived_for) VALUES ('points', 'large', 'min_order', '{"minimum": 1000000}', '{"key_accounts": true}');
SELECT earn_points('a', 'c15', 5, 'small') > 0 AS earned;
CREATE TRIGGER account_rules BEFORE INSERT OR UPDATE ON points_entry FOR EACH ROW EXECUTE FUNCTION enforce_account_rules('points');
SELECT try($$SELECT earn_points('a', 'c16', 5, 'small 2')$$);
SELECT relation, anonymised FROM erase_customer('c15') WHERE relation ~ 'points_entry';
DROP TRIGGER account_rules ON points_entry;
DELETE FROM account_rule_set WHERE name = 'points';

-- Rights: for whom it is granted, with his rights on registered tables, and none more than he has on segment tables.
SET ROLE regress_cs_clerk;
SELECT try($$SELECT erase_customer('c12')$$), try($$SELECT export_customer('c12')$$);
RESET ROLE;
GRANT EXECUTE ON FUNCTION erase_customer(text) TO regress_cs_clerk;
-- segment tables may be anybody's
ALTER TABLE shop.segments OWNER TO regress_cs_shop;
ALTER TABLE shop.segments_history OWNER TO regress_cs_shop;
GRANT USAGE ON SCHEMA shop TO regress_cs_clerk, regress_cs_shop;
SET ROLE regress_cs_clerk;
SELECT try($$SELECT erase_customer('c12')$$);
RESET ROLE;
GRANT SELECT, UPDATE, DELETE ON ALL TABLES IN SCHEMA shop TO regress_cs_clerk;
ALTER TABLE shop.visits ENABLE ROW LEVEL SECURITY;
CREATE POLICY early ON shop.visits USING (at < '2024-01-01');
SET ROLE regress_cs_clerk;
SELECT try($$SELECT erase_customer('c12')$$);
RESET ROLE;
SELECT count(*) AS still FROM shop.customers WHERE customer_id = 'c12';
ALTER TABLE shop.visits DISABLE ROW LEVEL SECURITY;
SET ROLE regress_cs_clerk;
SELECT relation, deleted, anonymised FROM erase_customer('c12') WHERE deleted + anonymised > 0;
RESET ROLE;
SELECT * FROM found('c12');
SELECT session_role = session_user AS session_role, acting_role FROM privacy_audit WHERE action = 'erase' ORDER BY at DESC LIMIT 1;
-- code of others that is reached at a segment table runs as its owner, and gains nothing
CREATE FUNCTION shop.climb() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'trigger runs as %', current_user; RESET ROLE; RETURN old; END $$;
CREATE TRIGGER climb BEFORE DELETE ON shop.segments FOR EACH ROW EXECUTE FUNCTION shop.climb();
SELECT try($$SELECT erase_customer('c13')$$);
DROP TRIGGER climb ON shop.segments;
-- ... and where the owner of the database has put it on a table of the extension, as who erases
GRANT TRIGGER ON key_account TO regress_cs_clerk;
GRANT USAGE, CREATE ON SCHEMA public TO regress_cs_clerk;
SET ROLE regress_cs_clerk;
CREATE FUNCTION public.climb() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'trigger runs as %', current_user; RETURN old; END $$;
CREATE TRIGGER climb BEFORE DELETE ON key_account FOR EACH ROW EXECUTE FUNCTION public.climb();
RESET ROLE;
INSERT INTO key_account (customer) VALUES ('c14');
SET ROLE regress_cs_clerk;
SELECT try($$SELECT erase_customer('c14')$$);
RESET ROLE;
GRANT SELECT, DELETE ON key_account TO regress_cs_clerk;
SET ROLE regress_cs_clerk;
SELECT relation, deleted FROM erase_customer('c14') WHERE relation ~ 'key_account';
RESET ROLE;
DROP FUNCTION public.climb() CASCADE;
REVOKE CREATE ON SCHEMA public FROM regress_cs_clerk;
-- a ledger that lets erasures through lets nothing else through
SELECT try($$UPDATE points_entry SET points = points$$), try($$DELETE FROM points_entry$$);
SELECT customer_scoring_internal.erasing();

SET client_min_messages = warning;
DROP SCHEMA shop CASCADE;
DROP FUNCTION found(text), try(text);
DROP EXTENSION customer_scoring;
CREATE EXTENSION customer_scoring;
DROP OWNED BY regress_cs_clerk;
DROP ROLE regress_cs_clerk, regress_cs_shop;
