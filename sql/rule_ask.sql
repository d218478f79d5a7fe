-- Rules without a trigger: check_account_rules, explain_account_rules, rule_violations.

SET search_path = public, customer_scoring;
SET client_min_messages = warning;
SET timezone = 'UTC';

CREATE TABLE deal (deal_id int, who int, amount numeric, ordered_at timestamp, status text, flag boolean);
INSERT INTO account_rule_set (name, target, time_zone, columns) VALUES ('deals', 'deal', 'Asia/Jakarta', '{"customer": "who"}');
INSERT INTO account_rule (rule_set, name, kind, parameters, waived_for, applies_to, action) VALUES
	('deals', 'minimum', 'min_order', '{"minimum": 100}', '{"key_accounts": true}', NULL, NULL),
	('deals', 'credit', 'credit_limit', '{"limit": 1000, "open": {"status": ["open"]}}', NULL, NULL, NULL),
	('deals', 'window', 'offer_window', '{"opens_at": "2024-01-01 00:00+07"}', NULL, '{"fields": {"flag": ["true", "t"]}}', 'warn');
INSERT INTO key_account (customer, valid_from) VALUES ('1', '2000-01-01');

-- A record passes, is refused, is warned of.
SELECT check_account_rules('deals', '{"who": 2, "amount": 100, "status": "open"}');
SELECT check_account_rules('deals', '{"who": 2, "amount": 99, "status": "open"}');
SELECT check_account_rules('deals', '{"who": 1, "amount": "99", "status": "open", "ordered_at": "2023-12-31 23:59", "flag": true}');
SELECT check_account_rules('deals', '{"who": 1, "amount": 1, "status": "open", "ordered_at": "2024-01-01 00:00", "flag": true}');
SELECT check_account_rules('deals', '{"who": 1, "amount": 1001, "status": "open"}');
SELECT check_account_rules('deals', '{"who": 1, "amount": 1001, "status": "paid"}');

-- All rules are explained.
\x on
SELECT * FROM explain_account_rules('deals', '{"who": 1, "amount": 1001, "status": "open", "ordered_at": "2023-12-31", "flag": true}');
SELECT * FROM explain_account_rules('deals', '{"amount": null}');
\x off

-- Rows that are there already.
INSERT INTO deal VALUES (1, 1, 50, NULL, 'open', NULL), (2, 2, 50, NULL, 'open', NULL), (3, 2, 900, '2023-12-31 23:59', 'open', true), (4, 2, 900, NULL, 'open', NULL), (5, 3, NULL, NULL, NULL, NULL), (6, 4, 900, NULL, 'open', NULL), (7, 4, 900, NULL, 'paid', NULL);
SELECT rule, customer, code, message, row_data -> 'deal_id' AS deal FROM rule_violations('deals') ORDER BY 1, 2, 5;
-- what a record would add counts besides
SELECT rule, fires, message FROM explain_account_rules('deals', '{"who": 4, "amount": 101, "status": "open"}') WHERE fires;
SELECT rule, fires, message FROM explain_account_rules('deals', '{"who": 4, "amount": 100, "status": "open"}') WHERE fires;
-- violations are those that the trigger would refuse
CREATE TRIGGER rules BEFORE INSERT OR UPDATE ON deal FOR EACH ROW EXECUTE FUNCTION enforce_account_rules('deals');
DELETE FROM deal d WHERE EXISTS (SELECT FROM rule_violations('deals') v WHERE v.rule <> 'window' AND (v.row_data ->> 'deal_id' = d.deal_id::text OR v.customer = d.who::text AND v.row_data IS NULL));
CREATE TABLE kept AS TABLE deal;
TRUNCATE deal;
INSERT INTO deal TABLE kept;
SELECT count(*) AS kept FROM deal;

-- A set without a target is asked about records with its fields.
INSERT INTO account_rule_set (name) VALUES ('form');
INSERT INTO account_rule (rule_set, name, kind, parameters) VALUES ('form', 'minimum', 'min_order', '{"minimum": 100}'), ('form', 'time', 'no_future_time', '{}');
INSERT INTO account_rule (rule_set, name, kind, parameters) VALUES ('form', 'budget', 'budget_cap', '{"limit": 500}');
SELECT check_account_rules('form', '{"amount": 99}');
SELECT check_account_rules('form', '{"amount": 501, "ordered_at": "2024-01-01"}');
SELECT rule, fires FROM explain_account_rules('form', '{"amount": 100}');
SELECT * FROM rule_violations('form');

-- Bad questions.
SELECT check_account_rules('none', '{}');
SELECT check_account_rules(NULL, '{}');
SELECT check_account_rules('deals', NULL);
SELECT check_account_rules('deals', '[]');
SELECT check_account_rules('deals', '{"amonut": 5}');
SELECT check_account_rules('form', '{"customer": 5}');
SELECT check_account_rules('deals', '{"amount": "much"}');
SELECT check_account_rules('deals', '{"amount": {"is": 5}}');
SELECT * FROM explain_account_rules('deals', '{"amount": 1000, "ordered_at": "soon", "flag": true}');
SELECT rule, fires FROM explain_account_rules('deals', '{"amount": "NaN", "ordered_at": "infinity", "flag": true}');

-- Who may insert may ask about records, who may read about rows.
CREATE ROLE regress_rule_asker;
SET ROLE regress_rule_asker;
SELECT check_account_rules('deals', '{}');
SELECT * FROM explain_account_rules('deals', '{}');
SELECT * FROM rule_violations('deals');
SELECT check_account_rules('form', '{}');
RESET ROLE;
GRANT INSERT (deal_id) ON deal TO regress_rule_asker;
SET ROLE regress_rule_asker;
SELECT check_account_rules('deals', '{"who": 2, "amount": 5000, "status": "open"}');
SELECT * FROM rule_violations('deals');
RESET ROLE;
GRANT SELECT ON deal TO regress_rule_asker;
SET ROLE regress_rule_asker;
SELECT count(*) FROM rule_violations('deals');
RESET ROLE;
REVOKE ALL ON deal FROM regress_rule_asker;
REVOKE ALL (deal_id) ON deal FROM regress_rule_asker;
DROP ROLE regress_rule_asker;
DELETE FROM account_rule_set;
TRUNCATE key_account;
DROP TABLE deal, kept;
