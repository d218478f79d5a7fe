-- Rules hold whatever else happens in the statement, the transaction and the tables they read.
\set VERBOSITY terse
SET client_min_messages = warning;
SET TimeZone = 'UTC';
SET search_path = public, customer_scoring;

-- Rules that change while foreign keys write: rows that were noted before are looked at by the rules of then.
CREATE TABLE buyer (id int PRIMARY KEY);
CREATE TABLE bought (id int PRIMARY KEY, customer int REFERENCES buyer ON UPDATE CASCADE, amount numeric, status text);
INSERT INTO buyer VALUES (1), (2);
INSERT INTO bought VALUES (1, 1, 60), (2, 2, 20);
INSERT INTO account_rule_set (name, target) VALUES ('bought', 'bought');
INSERT INTO account_rule (rule_set, name, kind, parameters) VALUES ('bought', 'credit', 'credit_limit', '{"limit": 50}');
CREATE FUNCTION change_rules() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF new.id = 2 THEN
		INSERT INTO account_rule (rule_set, name, kind, parameters) SELECT 'bought', repeat('x', 50) || i, 'min_order', '{"minimum": 1}' FROM generate_series(1, 40) i;
		UPDATE account_rule_set SET columns = jsonb_build_object('unused', repeat('y', 3000));
	END IF;
	RETURN new;
END $$;
CREATE TRIGGER aaa BEFORE UPDATE ON bought FOR EACH ROW EXECUTE FUNCTION change_rules();
CREATE TRIGGER account_rules BEFORE INSERT OR UPDATE ON bought FOR EACH ROW EXECUTE FUNCTION enforce_account_rules('bought');
UPDATE buyer SET id = id + 100;
DROP TRIGGER aaa ON bought;
UPDATE account_rule SET parameters = '{"limit": 100}';
UPDATE buyer SET id = id + 100;

-- What was looked at is forgotten: a transaction of many statements takes neither memory nor ever more time.
BEGIN;
DO $$ BEGIN FOR i IN 1 .. 100 LOOP INSERT INTO bought VALUES (1000 + i, 101, 0.1); END LOOP; END $$;
SELECT count(*) FROM pg_backend_memory_contexts WHERE name = 'customer_scoring totals';
ROLLBACK;

DROP TABLE bought, buyer;
DROP FUNCTION change_rules;
DELETE FROM account_rule_set;

-- What a filter compares is the same for the trigger, for totals and for questions: a cast to text.
CREATE TABLE bought (id int PRIMARY KEY, customer int, amount numeric, status text, paid boolean, source inet, offer text);
INSERT INTO account_rule_set (name, target) VALUES ('bought', 'bought');
CREATE TRIGGER account_rules BEFORE INSERT OR UPDATE ON bought FOR EACH ROW EXECUTE FUNCTION enforce_account_rules('bought');
INSERT INTO account_rule (rule_set, name, kind, parameters, applies_to) VALUES
	('bought', 'paid', 'min_order', '{"minimum": 100}', '{"fields": {"paid": [true]}}'),
	('bought', 'here', 'min_order', '{"minimum": 100}', '{"fields": {"source": ["127.0.0.1/32"]}}');
INSERT INTO bought (id, customer, amount, paid) VALUES (1, 1, 5, true);
INSERT INTO bought (id, customer, amount, source) VALUES (1, 1, 5, '127.0.0.1');
SELECT rule, applies, fires FROM explain_account_rules('bought', '{"amount": 5, "paid": true}');
UPDATE account_rule SET applies_to = NULL, kind = 'credit_limit', parameters = '{"limit": 50, "open": {"paid": ["false"]}}' WHERE name = 'paid';
INSERT INTO bought (id, customer, amount, paid) VALUES (1, 1, 40, false), (2, 1, 40, false);
INSERT INTO bought (id, customer, amount, paid) VALUES (1, 1, 40, false), (2, 1, 40, true);
UPDATE bought SET paid = false;
TRUNCATE bought;
DELETE FROM account_rule;

-- A row that the rule was waived for is asked about when it is not any more.
INSERT INTO account_rule (rule_set, name, kind, parameters, waived_for) VALUES ('bought', 'credit', 'credit_limit', '{"limit": 50}', '{"fields": {"status": ["draft"]}}');
INSERT INTO bought (id, customer, amount, status) VALUES (1, 1, 500, 'draft');
UPDATE bought SET status = 'open';
UPDATE bought SET status = 'open', amount = 5;
UPDATE bought SET amount = 4;
TRUNCATE bought;
DELETE FROM account_rule;

-- Orders that are no offer redeem none.
INSERT INTO account_rule (rule_set, name, kind) VALUES ('bought', 'once', 'redeem_once');
INSERT INTO bought (id, customer, amount, offer) VALUES (1, 1, 5, NULL), (2, 1, 5, NULL), (3, 1, 5, 'spring');
INSERT INTO bought (id, customer, amount, offer) VALUES (4, 1, 5, NULL);
UPDATE bought SET offer = 'spring' WHERE id = 4;
SELECT rule, customer FROM rule_violations('bought');
TRUNCATE bought;
DELETE FROM account_rule;

DROP TABLE bought;
DELETE FROM account_rule_set;

-- Who writes needs no right to what rules read, nor to its schema; who writes the rule does.
CREATE ROLE regress_writer;
CREATE ROLE regress_author;
CREATE SCHEMA finance;
CREATE TABLE finance.client (id int, ceiling numeric);
INSERT INTO finance.client VALUES (1, 100);
CREATE TABLE bought (id int PRIMARY KEY, customer bigint, amount numeric);
INSERT INTO account_rule_set (name, target) VALUES ('bought', 'bought');
CREATE TRIGGER account_rules BEFORE INSERT OR UPDATE ON bought FOR EACH ROW EXECUTE FUNCTION enforce_account_rules('bought');
GRANT INSERT, SELECT ON bought TO regress_writer;
GRANT SELECT ON finance.client TO regress_author;
GRANT SELECT, INSERT ON account_rule TO regress_author;
SET ROLE regress_author;
INSERT INTO account_rule (rule_set, name, kind, parameters) VALUES ('bought', 'credit', 'credit_limit', '{"limit_from": {"table": "finance.client", "customer": "id", "column": "ceiling"}}');
RESET ROLE;
GRANT USAGE ON SCHEMA finance TO regress_author;
SET ROLE regress_author;
INSERT INTO account_rule (rule_set, name, kind, parameters) VALUES ('bought', 'credit', 'credit_limit', '{"limit_from": {"table": "finance.client", "customer": "id", "column": "ceiling"}}');
SET ROLE regress_writer;
INSERT INTO bought VALUES (1, 1, 90);
INSERT INTO bought VALUES (2, 1, 90);
RESET ROLE;

-- A table that takes the name of one that rules read is read from then on.
ALTER TABLE finance.client RENAME TO client_before;
INSERT INTO bought VALUES (2, 1, 5);
CREATE TABLE finance.client (id int, ceiling numeric);
INSERT INTO finance.client VALUES (1, 200);
INSERT INTO bought VALUES (2, 1, 90);
DROP TABLE finance.client_before;
INSERT INTO bought VALUES (3, 1, 20);
INSERT INTO bought VALUES (4, 1, 20);

-- Schemas, too.
CREATE SCHEMA finance_next;
CREATE TABLE finance_next.client (id text, ceiling numeric);
INSERT INTO finance_next.client VALUES ('1', 300);
BEGIN;
ALTER SCHEMA finance RENAME TO finance_before;
ALTER SCHEMA finance_next RENAME TO finance;
COMMIT;
INSERT INTO bought VALUES (4, 1, 100);
INSERT INTO bought VALUES (5, 1, 90);

-- A target stays the same under another name, and with columns of another type.
ALTER TABLE bought RENAME TO orders;
CREATE TABLE bought (id int, customer int, amount numeric);
INSERT INTO orders VALUES (5, 1, 100);
ALTER TABLE orders ALTER customer TYPE text;
INSERT INTO orders VALUES (5, '1', 100);
DROP TABLE bought;
ALTER TABLE orders ALTER customer TYPE bigint USING customer::bigint;

-- A total of what policies let through is none.
GRANT CREATE ON SCHEMA public TO regress_writer;
GRANT USAGE ON SCHEMA finance TO regress_writer;
ALTER TABLE orders OWNER TO regress_writer;
CREATE POLICY odd ON orders USING (id % 2 = 1) WITH CHECK (true);
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
INSERT INTO orders VALUES (6, 1, 100);
ALTER TABLE orders FORCE ROW LEVEL SECURITY;
INSERT INTO orders VALUES (6, 1, 100);
ALTER TABLE orders NO FORCE ROW LEVEL SECURITY;
INSERT INTO orders VALUES (6, 1, 10);

DROP TABLE orders;
DROP SCHEMA finance, finance_before CASCADE;
REVOKE ALL ON SCHEMA public FROM regress_writer;
REVOKE ALL ON account_rule FROM regress_author;
DROP ROLE regress_writer, regress_author;
DELETE FROM account_rule_set;

-- Keys of any width: a customer who is beyond the column's type is nobody there.
CREATE TABLE client (id int, ceiling numeric);
INSERT INTO client VALUES (1, 100);
CREATE TABLE bought (customer_id bigint, ordered_at timestamptz DEFAULT '2024-01-01', amount numeric);
CREATE TABLE sold (customer_id int, ordered_at timestamptz, amount numeric);
SELECT create_segment_table('sold_segments', 'sold');
INSERT INTO account_rule_set (name, target, columns, segment_table) VALUES ('bought', 'bought', '{"customer": "customer_id"}', 'sold_segments');
CREATE TRIGGER account_rules BEFORE INSERT OR UPDATE ON bought FOR EACH ROW EXECUTE FUNCTION enforce_account_rules('bought');
INSERT INTO account_rule (rule_set, name, kind, parameters) VALUES ('bought', 'credit', 'credit_limit', '{"limit_from": {"table": "client", "customer": "id", "column": "ceiling"}}');
INSERT INTO bought (customer_id, amount) VALUES (3000000000, 5);
DELETE FROM account_rule;
INSERT INTO account_rule (rule_set, name, kind, parameters, waived_for) VALUES ('bought', 'small', 'min_order', '{"minimum": 10}', '{"segments": ["Champions"]}');
ALTER TABLE sold_segments DISABLE TRIGGER customer_scoring_signal;
INSERT INTO bought (customer_id, amount) VALUES (3000000000, 5);
DELETE FROM account_rule_set;
SELECT drop_segment_table('sold_segments');
DROP TABLE bought, sold, client;

-- What a rule sets is what the column may hold.
CREATE DOMAIN urgency AS smallint CHECK (VALUE BETWEEN 1 AND 5);
CREATE TABLE ticket (id int, priority urgency, weight numeric(4, 1));
INSERT INTO account_rule_set (name, target) VALUES ('ticket', 'ticket');
CREATE TRIGGER account_rules BEFORE INSERT OR UPDATE ON ticket FOR EACH ROW EXECUTE FUNCTION enforce_account_rules('ticket');
INSERT INTO account_rule (rule_set, name, kind, parameters) VALUES ('ticket', 'urgent', 'priority_floor', '{"floor": 9}'), ('ticket', 'heavy', 'priority_floor', '{"floor": 12.345, "field": "weight"}');
INSERT INTO ticket VALUES (1, 1, 1);
UPDATE account_rule SET parameters = '{"floor": 4}' WHERE name = 'urgent';
INSERT INTO ticket VALUES (1, 1, 1) RETURNING *;
DELETE FROM account_rule_set;
DROP TABLE ticket;
DROP DOMAIN urgency;

-- Days without end, and days at the ends of the calendar.
CREATE TABLE contact (customer int, contacted_at timestamptz);
INSERT INTO account_rule_set (name, target) VALUES ('contact', 'contact');
CREATE TRIGGER account_rules BEFORE INSERT OR UPDATE ON contact FOR EACH ROW EXECUTE FUNCTION enforce_account_rules('contact');
INSERT INTO account_rule (rule_set, name, kind, parameters) VALUES ('contact', 'cap', 'contact_cap', '{"most": 1, "days": 999999999}');
INSERT INTO contact VALUES (1, '2024-01-01');
INSERT INTO contact VALUES (1, '2024-02-01');
UPDATE account_rule SET parameters = '{"most": 1}';
INSERT INTO contact VALUES (2, '294276-12-31 12:00'), (2, '4714-11-24 00:00 BC');
INSERT INTO contact VALUES (2, '294276-12-31 13:00');
INSERT INTO contact VALUES (2, '4714-11-24 23:00 BC');
DELETE FROM account_rule_set;
DROP TABLE contact;

-- Limits are numbers; NaN is none, and lets nothing pass. A target that was dropped is told.
CREATE TABLE client (id int, ceiling numeric, note text);
INSERT INTO client VALUES (1, 'NaN');
CREATE TABLE bought (customer int, amount numeric);
INSERT INTO account_rule_set (name, target) VALUES ('bought', 'bought');
CREATE TRIGGER account_rules BEFORE INSERT OR UPDATE ON bought FOR EACH ROW EXECUTE FUNCTION enforce_account_rules('bought');
INSERT INTO account_rule (rule_set, name, kind, parameters) VALUES ('bought', 'note', 'credit_limit', '{"limit_from": {"table": "client", "customer": "id", "column": "note"}}');
INSERT INTO account_rule (rule_set, name, kind, parameters) VALUES ('bought', 'credit', 'credit_limit', '{"limit_from": {"table": "client", "customer": "id", "column": "ceiling"}}');
INSERT INTO bought VALUES (1, 5);
DELETE FROM account_rule;
DROP TABLE bought, client;
SELECT * FROM explain_account_rules('bought', '{"amount": 5}');
SELECT * FROM rule_violations('bought');
DELETE FROM account_rule_set;

-- Whoever may put our triggers on tables of theirs does not make others forget key accounts.
CREATE TABLE bought (customer int, amount numeric);
INSERT INTO account_rule_set (name, target) VALUES ('bought', 'bought');
CREATE TRIGGER account_rules BEFORE INSERT OR UPDATE ON bought FOR EACH ROW EXECUTE FUNCTION enforce_account_rules('bought');
INSERT INTO account_rule (rule_set, name, kind, parameters, waived_for) VALUES ('bought', 'small', 'min_order', '{"minimum": 10}', '{"key_accounts": true}');
CREATE TABLE theirs (id int);
CREATE TRIGGER noise AFTER INSERT ON theirs FOR EACH STATEMENT EXECUTE FUNCTION signal_accounts();
BEGIN;
INSERT INTO bought VALUES (1, 10);
SELECT pg_stat_get_xact_numscans('key_account'::regclass) AS scans \gset
INSERT INTO theirs VALUES (1);
INSERT INTO bought VALUES (1, 10);
SELECT pg_stat_get_xact_numscans('key_account'::regclass) = :scans AS remembered;
INSERT INTO key_account (customer, valid_from) VALUES ('2', '2024-01-01');
INSERT INTO bought VALUES (2, 5);
ROLLBACK;
DELETE FROM account_rule_set;
DROP TABLE bought, theirs;

-- Settings of who writes do not change what rules see: days and times are in the zone of the rule set.
CREATE TABLE bought (id int, customer int, ordered_at timestamptz, amount numeric, day date, rate float8);
INSERT INTO account_rule_set (name, target, time_zone) VALUES ('bought', 'bought', 'Asia/Jakarta');
CREATE TRIGGER account_rules BEFORE INSERT OR UPDATE ON bought FOR EACH ROW EXECUTE FUNCTION enforce_account_rules('bought');
INSERT INTO account_rule (rule_set, name, kind, parameters, applies_to) VALUES
	('bought', 'offer', 'offer_window', '{"closes_at": "2024-06-01"}', NULL),
	('bought', 'holiday', 'min_order', '{"minimum": 10}', '{"fields": {"day": ["2024-05-02"]}}'),
	('bought', 'rated', 'min_order', '{"minimum": 10}', '{"fields": {"rate": ["0.1"]}}'),
	('bought', 'sale', 'credit_limit', '{"limit": 50, "open": {"day": ["2024-05-03"]}}', NULL);
INSERT INTO bought VALUES (1, 1, '2024-05-31 16:59:59+00', 20);
INSERT INTO bought VALUES (1, 1, '2024-05-31 17:00:00+00', 20);
SET TimeZone = 'America/Los_Angeles';
SET DateStyle = 'SQL, DMY';
SET extra_float_digits = 3;
SET IntervalStyle = 'iso_8601';
UPDATE account_rule SET priority = priority + 1;
INSERT INTO bought VALUES (2, 1, '2024-05-31 17:00:00+00', 20);
INSERT INTO bought VALUES (2, 1, '2024-05-31 16:00:00+00', 5, '02/05/2024');
INSERT INTO bought VALUES (2, 1, '2024-05-31 16:00:00+00', 5, NULL, 0.1);
INSERT INTO bought VALUES (2, 1, '2024-05-31 16:00:00+00', 30, '03/05/2024'), (3, 1, '2024-05-31 16:00:00+00', 30, '03/05/2024');
SHOW DateStyle;
RESET DateStyle;
RESET extra_float_digits;
RESET IntervalStyle;
SET TimeZone = 'UTC';
DELETE FROM account_rule_set;
DROP TABLE bought;
-- Who writes a rule sees all that it tells figures of.
CREATE ROLE regress_author;
CREATE TABLE client (id int, ceiling numeric);
ALTER TABLE client ENABLE ROW LEVEL SECURITY;
CREATE TABLE bought (customer int, amount numeric);
INSERT INTO account_rule_set (name, target) VALUES ('bought', 'bought');
GRANT SELECT ON client TO regress_author;
GRANT SELECT, INSERT ON account_rule TO regress_author;
SET ROLE regress_author;
INSERT INTO account_rule (rule_set, name, kind, parameters) VALUES ('bought', 'credit', 'credit_limit', '{"limit_from": {"table": "client", "customer": "id", "column": "ceiling"}}');
RESET ROLE;
REVOKE ALL ON account_rule FROM regress_author;
DROP TABLE bought, client;
DROP ROLE regress_author;
DELETE FROM account_rule_set;

-- Casts of users do not run as the owner of a table that is added up; rows and totals are filtered by the same texts.
CREATE TYPE pair AS (a int);
CREATE FUNCTION pair_text(pair) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'a cast runs as %', current_user; RETURN 'x'; END $$;
CREATE CAST (pair AS text) WITH FUNCTION pair_text(pair);
CREATE TABLE bought (customer int, amount numeric, sort pair);
INSERT INTO account_rule_set (name, target) VALUES ('bought', 'bought');
CREATE TRIGGER account_rules BEFORE INSERT OR UPDATE ON bought FOR EACH ROW EXECUTE FUNCTION enforce_account_rules('bought');
INSERT INTO account_rule (rule_set, name, kind, parameters) VALUES ('bought', 'credit', 'credit_limit', '{"limit": 50, "open": {"sort": ["(1)", ""]}}');
INSERT INTO bought VALUES (1, 30, '(1)'), (1, 30, '(2)'), (1, 30, NULL);
INSERT INTO bought VALUES (1, 30, '(1)');
DELETE FROM account_rule_set;
DROP TABLE bought;
DROP TYPE pair CASCADE;
