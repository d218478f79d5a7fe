-- The register of personal data: what it refuses and what it warns of; exports follow it; audit and retention.

-- the ledger and the audit are not for tests to empty
DROP EXTENSION customer_scoring;
CREATE EXTENSION customer_scoring;
SET search_path = public, customer_scoring;
SET timezone = 'UTC';
\set SHOW_CONTEXT never
CREATE ROLE regress_cs_dpo;
CREATE SCHEMA shop;
CREATE DOMAIN shop.code AS text NOT NULL;
CREATE TABLE shop.customers (customer_id bigint PRIMARY KEY, name text NOT NULL, email text, short varchar(35), long varchar(36), born date,
	code shop.code DEFAULT 'x', shout text GENERATED ALWAYS AS (upper(name)) STORED, seen timestamp, position point);
CREATE TABLE shop.visits (visit_id int, customer_id int NOT NULL, place point, at date NOT NULL, "Weird ""name" text, page json);
CREATE VIEW shop.names AS SELECT customer_id, name FROM shop.customers;
CREATE TEMP TABLE temporary (customer_id int);
CREATE INDEX visits_partial ON shop.visits (customer_id) WHERE at > '2020-01-01';
CREATE INDEX visits_second ON shop.visits (at, customer_id);

-- what is not there, or is no table of users
INSERT INTO privacy_register (relation) VALUES ('shop.names');
INSERT INTO privacy_register (relation) VALUES ('temporary');
INSERT INTO privacy_register (relation) VALUES ('pg_class');
INSERT INTO privacy_register (relation, customer) VALUES ('consent', 'customer');
CREATE TABLE shop.sales (customer_id text, ordered_at timestamptz, amount numeric(12, 2));
SELECT create_segment_table('shop.scored', 'shop.sales', history => true);
INSERT INTO privacy_register (relation, on_erase) VALUES ('shop.scored', 'keep');
INSERT INTO privacy_register (relation, on_erase) VALUES ('shop.scored_history', 'keep');
SELECT drop_segment_table('shop.scored');
DROP TABLE shop.sales;
INSERT INTO privacy_register (relation) VALUES (4294967295);
INSERT INTO privacy_register (relation, customer) VALUES ('shop.customers', 'client');
INSERT INTO privacy_register (relation, customer) VALUES ('shop.customers', 'ctid');
INSERT INTO privacy_register (relation, column_name, on_erase) VALUES ('shop.customers', 'phone', 'anonymise');
INSERT INTO privacy_register (relation, customer) VALUES ('shop.visits', 'place');
INSERT INTO privacy_register (relation, customer) VALUES ('shop.visits', 'page');
-- what cannot be carried out
INSERT INTO privacy_register (relation, column_name, on_erase) VALUES ('shop.customers', 'name', 'anonymise');
INSERT INTO privacy_register (relation, column_name, on_erase) VALUES ('shop.customers', 'code', 'anonymise');
INSERT INTO privacy_register (relation, column_name, on_erase) VALUES ('shop.customers', 'shout', 'anonymise');
INSERT INTO privacy_register (relation, column_name, on_erase, replacement) VALUES ('shop.customers', 'born', 'anonymise', 'long ago');
INSERT INTO privacy_register (relation, column_name, on_erase) VALUES ('shop.customers', 'short', 'pseudonymise'), ('shop.customers', 'born', 'pseudonymise');
INSERT INTO privacy_register (relation, retention, time_column) VALUES ('shop.customers', '1 year', 'name');
INSERT INTO privacy_register (relation, retention, time_column) VALUES ('shop.customers', '1 year', 'gone');
-- what says nothing
\set VERBOSITY terse
INSERT INTO privacy_register (relation, on_erase) VALUES ('shop.customers', 'forget');
INSERT INTO privacy_register (relation, on_erase) VALUES ('shop.customers', 'anonymise');
INSERT INTO privacy_register (relation, column_name) VALUES ('shop.customers', 'name');
INSERT INTO privacy_register (relation, column_name, on_erase, replacement) VALUES ('shop.customers', 'name', 'keep', 'x');
INSERT INTO privacy_register (relation, retention) VALUES ('shop.customers', '1 year');
INSERT INTO privacy_register (relation, time_column) VALUES ('shop.customers', 'born');
INSERT INTO privacy_register (relation, retention, time_column) VALUES ('shop.customers', '-1 year', 'born');
INSERT INTO privacy_register (relation, retention, time_column) VALUES ('shop.customers', '9999 years', 'born');
INSERT INTO privacy_register (relation, on_erase, retention, time_column) VALUES ('shop.customers', 'keep', '1 year', 'born');
INSERT INTO privacy_register (relation) VALUES (NULL);
INSERT INTO privacy_register (relation, customer) VALUES ('shop.customers', NULL);
\set VERBOSITY default

-- what works, with its warnings: a partial index, and one that begins with something else, find nobody
INSERT INTO privacy_register (relation, column_name, on_erase, replacement) VALUES ('shop.visits', 'Weird "name', 'anonymise', '''); DROP TABLE shop.visits; --');
CREATE INDEX ON shop.visits USING hash (customer_id);
INSERT INTO privacy_register (relation, column_name, on_erase, replacement) VALUES ('shop.visits', 'customer_id', 'anonymise', '-1');
INSERT INTO privacy_register (relation, column_name, on_erase, replacement) VALUES ('shop.visits', 'page', 'anonymise', '{"a": 1}');
INSERT INTO privacy_register (relation, column_name, on_erase, replacement, category, on_export) VALUES
	('shop.customers', 'name', 'anonymise', '', 'name', true), ('shop.customers', 'long', 'pseudonymise', NULL, 'name', false), ('shop.customers', 'email', 'keep', NULL, 'contact', true),
	('shop.customers', 'position', 'anonymise', NULL, 'place', false);
\set VERBOSITY terse
INSERT INTO privacy_register (relation, column_name, on_erase, replacement) VALUES ('shop.customers', 'name', 'anonymise', 'x');
\set VERBOSITY default
UPDATE privacy_register SET replacement = NULL WHERE column_name = 'name';

-- every table of the extension with customers is known to erase_customer, but for the reports that it cleans segment table by segment table
SELECT a.attrelid::regclass AS unknown, a.attname
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relkind = 'r' AND c.relnamespace IN ('customer_scoring'::regnamespace, 'customer_scoring_internal'::regnamespace)
  AND a.attname IN ('customer', 'customer_id', 'beneficiary') AND a.atttypid = 'text'::regtype AND c.relname <> 'segment_quality_customer'
  AND NOT EXISTS (SELECT FROM customer_scoring_internal.personal_table p WHERE to_regclass(p.relation) = c.oid AND p.customer = a.attname);
-- ... and has an index that finds one
SELECT p.relation, p.customer FROM customer_scoring_internal.personal_table p WHERE to_regclass(p.relation) IS NOT NULL AND NOT EXISTS (
	SELECT FROM pg_index i WHERE i.indrelid = p.relation::regclass
	  AND pg_get_indexdef(i.indexrelid, 1, true) = coalesce(p.after, p.customer)::text AND (p.after IS NULL OR pg_get_indexdef(i.indexrelid, 2, true) = p.customer::text));

-- exports: columns that the register tells, rows in one order, nothing of others
INSERT INTO shop.customers (customer_id, name, email, long, born) VALUES (7, 'Ann "the" Queen', 'ann@shop.example', 'secret', '1990-02-03'), (77, 'Bob', NULL, NULL, NULL);
INSERT INTO shop.visits VALUES (2, 7, '(1,2)', '2024-02-01', 'b', '{"x": null}'), (1, 7, NULL, '2024-01-01', E'a\n\\', NULL), (3, 77, NULL, '2024-01-01', NULL, NULL);
INSERT INTO consent (customer, purpose, channel, status, at, evidence) VALUES ('7', 'news', 'email', 'granted', '2024-01-01', 'form 12'), ('77', 'news', 'email', 'denied', '2024-01-01', NULL);
INSERT INTO points_programme (name, time_zone) VALUES ('club', 'UTC'), ('other', 'UTC');
SELECT earn_points('club', '7', 10, 'o1', '2024-01-01'), earn_points('other', '77', 10, 'o1', '2024-01-01'), donate_points('other', '77', 3, '7', 'gift', '2024-01-02');
SELECT jsonb_pretty(export_customer('7'));
SELECT export_customer('8'), export_customer('07'), export_customer(''), export_customer('7 OR true'), export_customer('99999999999999999999');
SELECT export_customer(NULL);
BEGIN TRANSACTION READ ONLY;
SELECT export_customer('7');
ROLLBACK;
-- two columns with customers of one table stand together
CREATE TABLE shop.referral (referrer text, referred text, at date);
CREATE INDEX ON shop.referral (referrer);
CREATE INDEX ON shop.referral (referred);
INSERT INTO shop.referral VALUES ('7', '77', '2024-01-01'), ('8', '7', '2024-01-02'), ('8', '9', '2024-01-03');
INSERT INTO privacy_register (relation, customer, on_erase) VALUES ('shop.referral', 'referrer', 'keep'), ('shop.referral', 'referred', 'keep');
SELECT export_customer('7') -> 'shop.referral' AS referrals;
-- what the caller may not read is an error, what row-level security hides is not there
GRANT EXECUTE ON FUNCTION export_customer(text) TO regress_cs_dpo;
GRANT USAGE ON SCHEMA shop TO regress_cs_dpo;
GRANT SELECT ON shop.customers, shop.visits TO regress_cs_dpo;
SET ROLE regress_cs_dpo;
SELECT export_customer('7');
RESET ROLE;
GRANT SELECT ON ALL TABLES IN SCHEMA shop TO regress_cs_dpo;
DO $$ DECLARE r text; BEGIN FOR r IN SELECT relation FROM customer_scoring_internal.personal_table WHERE on_export AND to_regclass(relation) IS NOT NULL LOOP EXECUTE format('GRANT SELECT ON %s TO regress_cs_dpo', r); END LOOP; END $$;
ALTER TABLE shop.visits ENABLE ROW LEVEL SECURITY;
CREATE POLICY early ON shop.visits FOR SELECT USING (at < '2024-01-15');
SET ROLE regress_cs_dpo;
SELECT export_customer('7') -> 'shop.visits' AS visits;
-- the search_path of a caller, and what stands in it, changes nothing
CREATE FUNCTION pg_temp.equals(int, int) RETURNS boolean LANGUAGE sql AS 'SELECT true';
SET search_path = pg_temp, public;
SELECT customer_scoring.export_customer('8') AS nothing;
RESET ROLE;
SET search_path = public, customer_scoring;
ALTER TABLE shop.visits DISABLE ROW LEVEL SECURITY;
-- a column that went away since is told, not passed over
BEGIN;
ALTER TABLE shop.customers DROP COLUMN email;
SELECT export_customer('7');
ROLLBACK;
-- a table that went away is not
BEGIN;
DROP TABLE shop.referral;
SELECT export_customer('7') ? 'shop.referral' AS there;
ROLLBACK;

-- Audit: who did what, with nothing that tells who a customer is
SELECT count(*) AS tells_of_persons FROM privacy_audit a WHERE a::text ~* '\yann\y|form 12|"7"|shop\.example|secret';
SELECT action, relation, count(*), count(DISTINCT customer_hash) AS customers, bool_and(session_role = session_user) AS session_role, string_agg(DISTINCT acting_role, ' ') = session_user AS acting_role FROM privacy_audit GROUP BY 1, 2 ORDER BY 1, 2;
TRUNCATE consent;
DELETE FROM points_programme;
INSERT INTO do_not_contact (customer, reason, since) VALUES ('7', 'called Ann', '2024-01-01');
UPDATE do_not_contact SET reason = 'called Ann again', until = '2025-01-01';
UPDATE do_not_contact SET until = '2025-01-01';
UPDATE do_not_contact SET customer = '8';
DELETE FROM do_not_contact;
INSERT INTO tier_policy (name, scheme, time_zone) VALUES ('club', 'bronze 0, gold 100', 'UTC');
UPDATE tier_policy SET scheme = 'bronze 0, gold 200';
INSERT INTO account_rule_set (name, time_zone) VALUES ('r', 'UTC');
INSERT INTO account_rule (rule_set, name, kind, parameters, applies_to) VALUES ('r', 'least', 'min_order', '{"minimum": 5}', '{"fields": {"note": ["Ann"]}}');
INSERT INTO key_account (customer, valid_from, note) VALUES ('7', '2024-01-01', 'Ann');
INSERT INTO key_account (customer, valid_from, origin) VALUES ('8', '2024-01-01', 'class');
SELECT assign_account_manager('7', 'Ben', '2024-01-01');
INSERT INTO profiling_opt_out (customer, since, reason) VALUES ('7', '2024-01-01', 'asked by Ann');
SELECT action, relation, customer_hash = customer_scoring_internal.tombstone_hash('7') AS of_7, details FROM privacy_audit
WHERE relation !~ 'register|programme' AND NOT (relation ~ 'consent' AND action = 'insert') ORDER BY at;
SELECT count(*) AS tells_of_persons FROM privacy_audit a WHERE a::text ~* '\yann\y|\yben\y|form 12|shop\.example';
-- rows are only ever added, whoever asks
UPDATE privacy_audit SET action = 'nothing';
DELETE FROM privacy_audit;
TRUNCATE privacy_audit;
SET session_replication_role = replica;
DELETE FROM privacy_audit;
RESET session_replication_role;
-- rows that are loaded: into an empty table as a restore does it, and into one with rows
SELECT count(*) AS before FROM privacy_audit \gset
COPY consent (customer, purpose, channel, status) FROM stdin;
7	news	email	granted
\.
SELECT count(*) - :before AS audited FROM privacy_audit;
COPY consent (customer, purpose, channel, status) FROM stdin;
8	news	email	granted
9	news	email	granted
\.
SELECT count(*) - :before AS audited, (array_agg(action ORDER BY at DESC))[1] AS action FROM privacy_audit;
-- ... what a trigger of the loaded table does is audited as ever; a register row that is out of date is loaded with a warning
CREATE TABLE shop.form (customer text);
CREATE FUNCTION shop.grant_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO consent (customer, purpose, channel, status) VALUES (new.customer, 'post', 'post', 'granted'); RETURN NULL; END $$;
CREATE TRIGGER t AFTER INSERT ON shop.form FOR EACH ROW EXECUTE FUNCTION shop.grant_it();
COPY shop.form FROM stdin;
12
\.
SELECT count(*) - :before AS audited, (array_agg(action ORDER BY at DESC))[1] AS action FROM privacy_audit;
COPY privacy_register (relation, column_name, on_erase) FROM stdin;
shop.form	gone	anonymise
\.
DELETE FROM privacy_register WHERE relation = 'shop.form'::regclass;
-- a savepoint that made the salt, and went, took it along
BEGIN;
DELETE FROM tombstone_salt;
SAVEPOINT s;
INSERT INTO consent (customer, purpose, channel, status) VALUES ('20', 'news', 'email', 'granted');
ROLLBACK TO s;
INSERT INTO consent (customer, purpose, channel, status) VALUES ('20', 'news', 'email', 'granted');
SELECT count(*) AS of_20 FROM privacy_audit WHERE customer_hash = customer_scoring_internal.tombstone_hash('20');
ROLLBACK;

-- Retention: rows and columns whose time is over, in tables of the caller
DELETE FROM privacy_register;
INSERT INTO privacy_register (relation, on_erase, retention, time_column) VALUES ('shop.visits', 'delete', '1 month', 'at');
INSERT INTO privacy_register (relation, column_name, on_erase, retention, time_column, replacement) VALUES
	('shop.visits', 'page', 'anonymise', '15 days', 'at', '{}'), ('shop.customers', 'email', 'anonymise', '1 year', 'seen', NULL), ('shop.customers', 'position', 'anonymise', '1 year', 'seen', '(0,0)'),
	('shop.customers', 'customer_id', 'keep', NULL, NULL, NULL);
UPDATE shop.customers SET seen = CASE customer_id WHEN 7 THEN timestamp '2023-02-01' ELSE '2024-02-01' END, email = 'e', position = '(1,1)';
UPDATE shop.visits SET page = '{"a": 1}';
SELECT * FROM apply_retention('2024-01-15');
SELECT * FROM apply_retention('2024-02-15') ORDER BY relation;
SELECT visit_id, customer_id, page FROM shop.visits ORDER BY 1;
SELECT customer_id, email, position FROM shop.customers ORDER BY 1;
SELECT * FROM apply_retention('2024-02-16') ORDER BY relation;
SELECT * FROM apply_retention('2024-02-17') ORDER BY relation;
SELECT * FROM apply_retention('infinity');
SELECT * FROM apply_retention(now() + interval '1 day');
SELECT * FROM apply_retention(NULL);
SELECT action, relation, details FROM privacy_audit WHERE action = 'retention' ORDER BY at;
-- those of others are left to them; and it is the owner of a table who lets it be emptied
SET ROLE regress_cs_dpo;
SELECT * FROM apply_retention();
RESET ROLE;
CREATE TABLE shop.mine (customer_id int PRIMARY KEY, at date);
ALTER TABLE shop.mine OWNER TO regress_cs_dpo;
GRANT SELECT, INSERT, UPDATE ON privacy_register TO regress_cs_dpo;
SET ROLE regress_cs_dpo;
INSERT INTO privacy_register (relation, retention, time_column) VALUES ('shop.customers', '1 day', 'seen');
COPY privacy_register (relation, retention, time_column) FROM stdin;
shop.customers	1 day	seen
\.
INSERT INTO privacy_register (relation, retention, time_column) VALUES ('shop.mine', '1 day', 'at');
INSERT INTO shop.mine VALUES (1, '2024-01-01'), (2, 'infinity'), (3, NULL), (4, '-infinity');
SELECT * FROM apply_retention();
SELECT * FROM shop.mine ORDER BY 1;
RESET ROLE;
-- what the register says of tables of others may be out of date
BEGIN;
ALTER TABLE shop.customers DROP COLUMN email;
SET LOCAL ROLE regress_cs_dpo;
SELECT * FROM apply_retention();
RESET ROLE;
SELECT * FROM apply_retention();
ROLLBACK;
-- whoever calls it, triggers run as the owner of the table, who cannot become anybody else by them
CREATE FUNCTION shop.who() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'deleted by %', current_user; RESET ROLE; RETURN old; END $$;
CREATE TRIGGER who BEFORE DELETE ON shop.mine FOR EACH ROW EXECUTE FUNCTION shop.who();
INSERT INTO shop.mine VALUES (5, '2024-01-01');
SELECT * FROM apply_retention();

DELETE FROM privacy_register;
DELETE FROM account_rule_set;
DELETE FROM tier_policy;
DELETE FROM key_account;
DELETE FROM account_manager;
DELETE FROM profiling_opt_out;
DELETE FROM consent;
SET client_min_messages = warning;
DROP SCHEMA shop CASCADE;
DROP OWNED BY regress_cs_dpo;
DROP ROLE regress_cs_dpo;
DROP EXTENSION customer_scoring;
CREATE EXTENSION customer_scoring;
