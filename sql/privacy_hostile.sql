-- Those who would be exported, erased or audited past: COPY around the audit and the register, segment tables whose owners
-- set traps for whoever exports, triggers that keep rows, keys spelled in several ways.

DROP EXTENSION customer_scoring;
CREATE EXTENSION customer_scoring;
SET search_path = public, customer_scoring;
SET timezone = 'UTC';
\set SHOW_CONTEXT never
CREATE ROLE regress_cs_dpo;
CREATE ROLE regress_cs_mallory;
CREATE SCHEMA shop;
GRANT USAGE, CREATE ON SCHEMA shop TO regress_cs_mallory;

-- COPY runs statements that load nothing: they are audited as any
CREATE TABLE shop.copied (n int);
INSERT INTO consent (customer, purpose, channel, status, at) VALUES ('1', 'news', 'email', 'denied', '2024-01-01'), ('2', 'news', 'email', 'denied', '2024-01-01');
COPY (DELETE FROM consent WHERE customer = '1' RETURNING 'gone') TO STDOUT;
COPY (UPDATE consent SET status = 'granted' WHERE customer = '2' RETURNING 'granted') TO STDOUT;
COPY (INSERT INTO consent (customer, purpose, channel, status, at) VALUES ('3', 'news', 'sms', 'granted', '2024-01-01') RETURNING 'added') TO STDOUT;
CREATE FUNCTION shop.forget(n int) RETURNS boolean LANGUAGE sql AS $$ DELETE FROM customer_scoring.consent WHERE customer = '3'; SELECT true $$;
COPY shop.copied FROM stdin WHERE shop.forget(n);
1
\.
COPY consent (customer, purpose, channel, status, at) FROM stdin WHERE shop.forget(1);
3	news	email	denied	2024-01-01
\.
SELECT action, details FROM privacy_audit WHERE relation = 'customer_scoring.consent' ORDER BY at;
SELECT customer, channel, status FROM consent ORDER BY consent_id;

-- who loads the register gives away what is his alone, whatever else is wrong with a row
CREATE TABLE shop.theirs (customer_id int PRIMARY KEY, at timestamptz);
CREATE DOMAIN shop.word AS text CHECK (value <> '');
ALTER TABLE shop.theirs ADD name shop.word DEFAULT 'Ani';
INSERT INTO shop.theirs VALUES (1, '2024-01-01');
CREATE VIEW shop.view AS SELECT * FROM shop.theirs;
GRANT USAGE ON SCHEMA customer_scoring, shop TO regress_cs_dpo;
GRANT SELECT, INSERT, UPDATE, DELETE ON privacy_register TO regress_cs_dpo;
SET ROLE regress_cs_dpo;
COPY privacy_register (relation, retention, time_column) FROM stdin;
shop.view	1 day	at
\.
COPY privacy_register (relation, customer, retention, time_column) FROM stdin;
customer_scoring.tombstone	customer_hash	1 second	erased_at
\.
COPY privacy_register (relation, column_name, on_erase, retention, time_column) FROM stdin;
shop.theirs	name	anonymise	1 day	at
\.
COPY (INSERT INTO privacy_register (relation) VALUES ('shop.view') RETURNING 1) TO STDOUT;
RESET ROLE;
SELECT * FROM apply_retention();
SELECT * FROM shop.theirs;
SELECT count(*) FROM privacy_register;
DELETE FROM privacy_register;
GRANT SELECT ON ALL TABLES IN SCHEMA customer_scoring TO regress_cs_dpo;

-- whoever exports runs nothing of the owners of segment tables with his own rights, and is told of what he may not read
SET ROLE regress_cs_mallory;
CREATE TYPE shop.evil AS ENUM ('pit');
CREATE FUNCTION shop.trap(shop.evil) RETURNS json LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'cast runs as %', current_user; RETURN '"trapped"'; END $$;
CREATE CAST (shop.evil AS json) WITH FUNCTION shop.trap(shop.evil);
CREATE TABLE shop.orders (customer_id int, ordered_at timestamptz, amount int);
INSERT INTO shop.orders VALUES (7, '2024-01-01', 10), (8, '2024-01-02', 20);
SELECT customer_scoring.create_segment_table('shop.segments', 'shop.orders', time_zone => 'UTC', history => true);
ALTER TABLE shop.segments ADD evil shop.evil DEFAULT 'pit';
RESET ROLE;
SELECT export_customer('7') #> '{shop.segments, 0, evil}' AS evil;
GRANT EXECUTE ON FUNCTION export_customer(text) TO regress_cs_dpo;
SET ROLE regress_cs_dpo;
SELECT export_customer('7');
RESET ROLE;
GRANT SELECT ON shop.segments, shop.segments_history TO regress_cs_dpo;
SET ROLE regress_cs_mallory;
CREATE FUNCTION shop.policy() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'policy runs as %', current_user; RETURN true; END $$;
ALTER TABLE shop.segments ENABLE ROW LEVEL SECURITY;
CREATE POLICY trap ON shop.segments USING (shop.policy());
SET ROLE regress_cs_dpo;
SELECT export_customer('7');
SET ROLE regress_cs_mallory;
ALTER TABLE shop.segments DISABLE ROW LEVEL SECURITY, DROP COLUMN evil;
SET ROLE regress_cs_dpo;
SELECT jsonb_object_keys(export_customer('7')) AS relation ORDER BY 1;
RESET ROLE;

-- a column may have any name
CREATE TABLE shop.places (customer_id int PRIMARY KEY, x int, r int, t int, u int);
INSERT INTO shop.places VALUES (7, 1, 2, 3, 4);
INSERT INTO privacy_register (relation) VALUES ('shop.places');
SELECT export_customer('7') -> 'shop.places' AS places;

-- a row that is kept is told
SET ROLE regress_cs_mallory;
CREATE FUNCTION shop.keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER keep BEFORE DELETE ON shop.segments_history FOR EACH ROW EXECUTE FUNCTION shop.keep();
RESET ROLE;
INSERT INTO shop.orders VALUES (7, '2024-05-01', 1000), (9, '2024-05-01', 1), (9, '2024-05-01', 1);
SELECT mode FROM refresh_segment_table('shop.segments');
SELECT count(*) > 0 AS has_moved FROM shop.segments_history WHERE customer_id = 7;
SELECT count(*) FROM erase_customer('7');
DROP TRIGGER keep ON shop.segments_history;
CREATE RULE keep AS ON DELETE TO shop.segments_history DO INSTEAD NOTHING;
SELECT count(*) FROM erase_customer('7');
DROP RULE keep ON shop.segments_history;
SELECT count(*) > 0 AS erased FROM erase_customer('7');
SELECT count(*) FROM shop.segments_history WHERE customer_id = 7;

-- 1 and 1.00 are one number and two texts, Ani and ani one customer where the collation says so: whichever is erased stays away
CREATE COLLATION shop.any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE shop.numbered (customer_id numeric, ordered_at timestamptz, amount int);
CREATE TABLE shop.named (customer_id text COLLATE shop.any_case, ordered_at timestamptz, amount int);
INSERT INTO shop.numbered VALUES (1.00, '2024-01-01', 10), (2, '2024-01-02', 20);
INSERT INTO shop.named VALUES ('Ani', '2024-01-01', 10), ('Budi', '2024-01-02', 20);
SELECT create_segment_table('shop.numbered_segments', 'shop.numbered', time_zone => 'UTC');
SELECT create_segment_table('shop.named_segments', 'shop.named', time_zone => 'UTC');
DELETE FROM privacy_register;
SELECT relation, deleted FROM erase_customer('1') WHERE deleted > 0;
SELECT relation, deleted FROM erase_customer('ani') WHERE deleted > 0;
INSERT INTO shop.numbered VALUES (1.00, '2024-01-03', 10);
INSERT INTO shop.named VALUES ('Ani', '2024-01-03', 10);
SELECT count(*) FROM refresh_segment_table('shop.numbered_segments');
SELECT count(*) FROM refresh_segment_table('shop.named_segments');
SELECT customer_id::text FROM shop.numbered_segments UNION ALL SELECT customer_id FROM shop.named_segments ORDER BY 1;
SELECT count(*) FROM verify_segment_table('shop.numbered_segments');
SELECT count(*) FROM verify_segment_table('shop.named_segments');

SET client_min_messages = warning;
DROP SCHEMA shop CASCADE;
DROP OWNED BY regress_cs_dpo, regress_cs_mallory;
DROP ROLE regress_cs_dpo, regress_cs_mallory;
DROP EXTENSION customer_scoring;
CREATE EXTENSION customer_scoring;
