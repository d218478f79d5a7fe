-- Rules hold whatever way rows are written, and whatever becomes of the table.

SET search_path = public, customer_scoring;
SET client_min_messages = warning;
\set VERBOSITY terse
CREATE DOMAIN money_amount AS numeric(10, 2) CHECK (value > -1000);

-- Partitions, whose columns have other numbers.
CREATE TABLE deal (gone int, deal_id int, "Wer ist's" int, amount money_amount, day date, status text DEFAULT 'open') PARTITION BY RANGE (day);
CREATE TABLE deal_2023 PARTITION OF deal FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE deal_2024 (status text, amount money_amount, x int, day date, deal_id int, "Wer ist's" int, gone int);
ALTER TABLE deal_2024 DROP COLUMN x;
ALTER TABLE deal ATTACH PARTITION deal_2024 FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
INSERT INTO account_rule_set (name, target, columns) VALUES ('it''s "deals"', 'deal', '{"customer": "Wer ist''s"}');
INSERT INTO account_rule (rule_set, name, kind, parameters, applies_to) VALUES
	('it''s "deals"', 'the "minimum"', 'min_order', '{"minimum": 100}', '{"fields": {"status": ["open"]}}'),
	('it''s "deals"', 'credit', 'credit_limit', '{"limit": 1000, "open": {"status": ["open"]}}', NULL);
CREATE TRIGGER rules BEFORE INSERT OR UPDATE ON deal FOR EACH ROW EXECUTE FUNCTION enforce_account_rules('it''s "deals"');
ALTER TABLE deal DROP COLUMN gone;
INSERT INTO deal VALUES (1, 1, 100, '2023-05-05'), (2, 1, 400, '2024-05-05');
INSERT INTO deal VALUES (3, 1, 99, '2023-05-05');
INSERT INTO deal VALUES (3, 1, 99, '2024-05-05');
INSERT INTO deal_2024 (deal_id, "Wer ist's", amount, day, status) VALUES (3, 1, 99, '2024-05-05', 'open');
-- the total is of all partitions
INSERT INTO deal VALUES (3, 1, 400, '2023-05-05'), (4, 1, 200, '2024-05-05');
INSERT INTO deal VALUES (3, 1, 300, '2023-05-05'), (4, 1, 200, '2024-05-05');
UPDATE deal SET day = day + 366 WHERE deal_id = 1;
UPDATE deal SET amount = 101, day = day - 366 WHERE deal_id = 1;
SELECT tableoid::regclass, deal_id, amount FROM deal ORDER BY deal_id;

-- COPY, INSERT ... SELECT, ON CONFLICT, MERGE, CTEs, prepared statements, functions.
COPY deal (deal_id, "Wer ist's", amount, day) FROM STDIN;
5	2	500	2023-01-01
6	2	500	2024-01-01
7	2	500	2024-01-01
\.
COPY deal (deal_id, "Wer ist's", amount, day) FROM STDIN;
5	2	500	2023-01-01
6	2	500	2024-01-01
\.
INSERT INTO deal SELECT 10 + i, 3, 300, '2024-01-01' FROM generate_series(1, 4) i;
INSERT INTO deal SELECT 10 + i, 3, 300, '2024-01-01' FROM generate_series(1, 3) i;
CREATE UNIQUE INDEX ON deal (deal_id, day);
INSERT INTO deal VALUES (11, 3, 300, '2024-01-01') ON CONFLICT (deal_id, day) DO UPDATE SET amount = 400;
INSERT INTO deal VALUES (11, 3, 300, '2024-01-01') ON CONFLICT (deal_id, day) DO UPDATE SET amount = 401;
INSERT INTO deal VALUES (11, 3, 300, '2024-01-01') ON CONFLICT (deal_id, day) DO UPDATE SET amount = 50;
INSERT INTO deal VALUES (11, 3, 300, '2024-01-01') ON CONFLICT DO NOTHING;
MERGE INTO deal d USING (VALUES (11, 200), (20, 250)) s (id, sum) ON d.deal_id = s.id
	WHEN MATCHED THEN UPDATE SET amount = s.sum WHEN NOT MATCHED THEN INSERT VALUES (s.id, 3, s.sum, '2024-01-01');
MERGE INTO deal d USING (VALUES (11, 200), (20, 100)) s (id, sum) ON d.deal_id = s.id
	WHEN MATCHED THEN UPDATE SET amount = s.sum WHEN NOT MATCHED THEN INSERT VALUES (s.id, 3, s.sum, '2024-01-01');
WITH a AS (INSERT INTO deal VALUES (30, 4, 600, '2023-01-01') RETURNING amount), b AS (INSERT INTO deal VALUES (31, 4, 600, '2024-01-01') RETURNING amount) SELECT sum(amount) FROM (TABLE a UNION ALL TABLE b) x;
WITH a AS (INSERT INTO deal VALUES (30, 4, 600, '2023-01-01') RETURNING amount), b AS (INSERT INTO deal VALUES (31, 4, 400, '2024-01-01') RETURNING amount) SELECT sum(amount) FROM (TABLE a UNION ALL TABLE b) x;
PREPARE put (int, int, numeric) AS INSERT INTO deal VALUES ($1, $2, $3, '2024-01-01');
EXECUTE put (40, 5, 600);
EXECUTE put (41, 5, 600);
EXECUTE put (41, 5, 60);
UPDATE account_rule SET parameters = '{"minimum": 50}' WHERE kind = 'min_order';
EXECUTE put (41, 5, 60);
BEGIN;
DECLARE deals CURSOR FOR SELECT deal_id FROM deal ORDER BY 1 FOR UPDATE;
FETCH 1 FROM deals;
UPDATE deal SET amount = 5000 WHERE CURRENT OF deals;
ROLLBACK;
-- a statement within a statement is looked at when it ends itself
CREATE FUNCTION put_two() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO deal VALUES (60, 7, 600, '2024-01-01');
	BEGIN
		INSERT INTO deal VALUES (61, 7, 600, '2024-01-01');
	EXCEPTION WHEN SQLSTATE 'KA002' THEN
		RETURN -1;
	END;
	RETURN 2;
END $$;
INSERT INTO deal SELECT 62, 8, 500, '2024-01-01' WHERE put_two() = -1;
SELECT deal_id, amount FROM deal WHERE deal_id BETWEEN 60 AND 69 ORDER BY 1;
-- savepoints: what was rolled back is forgotten
BEGIN;
SAVEPOINT a;
INSERT INTO deal VALUES (70, 9, 900, '2024-01-01');
ROLLBACK TO a;
INSERT INTO deal VALUES (71, 9, 900, '2024-01-01');
SAVEPOINT b;
INSERT INTO deal VALUES (72, 9, 900, '2024-01-01');
ROLLBACK TO b;
INSERT INTO deal VALUES (73, 9, 100, '2024-01-01');
COMMIT;
SELECT "Wer ist's" AS who, sum(amount) FROM deal WHERE status = 'open' GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM customer_scoring_internal.rule_check;

-- Views write to the table; a trigger must be of the right kind and on the right table.
CREATE VIEW deals AS SELECT deal_id, "Wer ist's" AS who, amount, day FROM deal;
INSERT INTO deals VALUES (80, 10, 10, '2024-01-01');
CREATE FUNCTION put_deal() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO deal VALUES (new.deal_id, new.who, new.amount, new.day); RETURN new; END $$;
CREATE TRIGGER put INSTEAD OF INSERT ON deals FOR EACH ROW EXECUTE FUNCTION put_deal();
INSERT INTO deals VALUES (80, 10, 10, '2024-01-01');
INSERT INTO deals VALUES (80, 10, 100, '2024-01-01');
CREATE TRIGGER rules INSTEAD OF UPDATE ON deals FOR EACH ROW EXECUTE FUNCTION enforce_account_rules('it''s "deals"');
UPDATE deals SET amount = 5 WHERE deal_id = 80;
CREATE TABLE other (LIKE deal);
CREATE TRIGGER a BEFORE INSERT ON other FOR EACH ROW EXECUTE FUNCTION enforce_account_rules('it''s "deals"');
INSERT INTO other VALUES (1, 1, 500, '2024-01-01');
DROP TRIGGER a ON other;
CREATE TRIGGER a AFTER INSERT ON other FOR EACH ROW EXECUTE FUNCTION enforce_account_rules('it''s "deals"');
INSERT INTO other VALUES (1, 1, 500, '2024-01-01');
DROP TRIGGER a ON other;
CREATE TRIGGER a BEFORE INSERT ON other FOR EACH STATEMENT EXECUTE FUNCTION enforce_account_rules('it''s "deals"');
INSERT INTO other VALUES (1, 1, 500, '2024-01-01');
DROP TRIGGER a ON other;
CREATE TRIGGER a BEFORE INSERT ON other FOR EACH ROW EXECUTE FUNCTION enforce_account_rules();
INSERT INTO other VALUES (1, 1, 500, '2024-01-01');
SELECT enforce_account_rules();

-- A column that a rule reads is renamed, dropped, and comes back.
ALTER TABLE deal RENAME amount TO total;
INSERT INTO deal VALUES (90, 11, 500, '2024-01-01');
UPDATE account_rule_set SET columns = columns || '{"amount": "total"}';
INSERT INTO deal VALUES (90, 11, 500, '2024-01-01');
INSERT INTO deal VALUES (91, 11, 600, '2024-01-01');
ALTER TABLE deal ALTER total TYPE double precision;
INSERT INTO deal VALUES (91, 11, 49.5, '2024-01-01');
DROP VIEW deals;
ALTER TABLE deal DROP COLUMN total;
INSERT INTO deal (deal_id, day) VALUES (92, '2024-01-01');
ALTER TABLE deal RENAME TO deals;
ALTER TABLE deals ADD total int;
INSERT INTO deals (deal_id, day, total) VALUES (92, '2024-01-01', 5);
ALTER TABLE deals DROP COLUMN status;
INSERT INTO deals (deal_id, day, total) VALUES (92, '2024-01-01', 500);

-- Customers whose text is shorter than what is stored, and who are of another type than text.
CREATE TABLE padded (who char(6), amount int);
CREATE TABLE by_uuid (customer uuid, amount int);
INSERT INTO account_rule_set (name, target, columns) VALUES ('padded', 'padded', '{"customer": "who"}'), ('by uuid', 'by_uuid', '{}');
INSERT INTO account_rule (rule_set, name, kind, parameters, waived_for) SELECT s, 'minimum', 'min_order', '{"minimum": 100}', '{"key_accounts": true}' FROM unnest(ARRAY['padded', 'by uuid']) s;
CREATE TRIGGER rules BEFORE INSERT ON padded FOR EACH ROW EXECUTE FUNCTION enforce_account_rules('padded');
CREATE TRIGGER rules BEFORE INSERT ON by_uuid FOR EACH ROW EXECUTE FUNCTION enforce_account_rules('by uuid');
INSERT INTO key_account (customer, valid_from) VALUES ('k1', '2000-01-01'), ('00000000-0000-0000-0000-000000000001', '2000-01-01');
INSERT INTO padded VALUES ('k1', 5);
INSERT INTO padded VALUES ('k12', 5);
INSERT INTO padded VALUES ('k', 5);
INSERT INTO by_uuid VALUES ('00000000-0000-0000-0000-000000000001', 5);
INSERT INTO by_uuid VALUES ('00000000-0000-0000-0000-000000000002', 5);
DROP TABLE padded, by_uuid;
TRUNCATE key_account;

-- Switched off as triggers are.
SET session_replication_role = replica;
INSERT INTO deals (deal_id, day, total) VALUES (93, '2024-01-01', 5);
RESET session_replication_role;
ALTER TABLE deals DISABLE TRIGGER rules;
INSERT INTO deals (deal_id, day, total) VALUES (94, '2024-01-01', 5);

DELETE FROM account_rule_set;
DROP TABLE deals, other;
DROP FUNCTION put_deal, put_two;
DROP DOMAIN money_amount;
