-- Rules that cannot work are refused when they are written.

SET search_path = public, customer_scoring;
SET client_min_messages = warning;
SET timezone = 'UTC';
\set VERBOSITY default

CREATE TABLE deal (deal_id int, who int, amount numeric, ordered_at timestamptz, status text, day date, twice numeric GENERATED ALWAYS AS (amount * 2) STORED, priority int);
CREATE TABLE debt (client int, owed numeric, kind text);
CREATE VIEW deals AS SELECT * FROM deal;
-- sets
INSERT INTO account_rule_set (name, target) VALUES ('v', 'deals');
INSERT INTO account_rule_set (name, target, time_zone) VALUES ('z', 'deal', 'Mars/Olympus');
INSERT INTO account_rule_set (name, target, columns) VALUES ('c', 'deal', '[]');
INSERT INTO account_rule_set (name, target, columns) VALUES ('c', 'deal', '{"customer": 1}');
INSERT INTO account_rule_set (name, target, segment_table) VALUES ('s', 'deal', 'debt');
INSERT INTO account_rule_set (name, target, columns) VALUES ('r', 'deal', '{"customer": "who"}');

-- Write a rule of the set r and tell how that was refused.
CREATE FUNCTION refused(kind text, parameters text, applies_to text DEFAULT NULL, waived_for text DEFAULT NULL, action text DEFAULT NULL,
	OUT code text, OUT message text, OUT hint text) LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO account_rule (rule_set, name, kind, parameters, applies_to, waived_for, action)
	VALUES ('r', 'x', kind, parameters::jsonb, applies_to::jsonb, waived_for::jsonb, action);
	DELETE FROM account_rule WHERE name = 'x';
	code := 'accepted';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
END $$;
\t on
\pset format unaligned
SELECT * FROM refused('min_ordr', '{}');
SELECT * FROM refused('min_order', '{}');
SELECT * FROM refused('min_order', '[]');
SELECT * FROM refused('min_order', '{"minimum": 1, "maximum": 2}');
SELECT * FROM refused('min_order', '{"minimum": -1}');
SELECT * FROM refused('min_order', '{"minimum": "1"}');
SELECT * FROM refused('min_order', '{"minimum": null}');
SELECT * FROM refused('min_order', '{"minimum": 1, "on_null": "ignore"}');
SELECT * FROM refused('min_order', '{"minimum": 1, "on_null": "reject skip"}');
SELECT * FROM refused('min_order', '{"minimum": 1, "field": "total"}');
SELECT * FROM refused('min_order', '{"minimum": 1, "field": "status"}');
SELECT * FROM refused('min_order', '{"minimum": 1, "field": "twice"}');
SELECT * FROM refused('min_order', '{"minimum": 1}', '[]');
SELECT * FROM refused('min_order', '{"minimum": 1}', '{"key_account": true}');
SELECT * FROM refused('min_order', '{"minimum": 1}', '{"key_accounts": false}');
SELECT * FROM refused('min_order', '{"minimum": 1}', '{"segments": ["champions"]}');
SELECT * FROM refused('min_order', '{"minimum": 1}', '{"fields": {"status": "paid"}}');
SELECT * FROM refused('min_order', '{"minimum": 1}', '{"fields": {"state": ["paid"]}}');
SELECT * FROM refused('min_order', '{"minimum": 1}', NULL, '{"tiers": []}');
SELECT * FROM refused('min_order', '{"minimum": 1}', NULL, NULL, 'set');
SELECT * FROM refused('priority_floor', '{"floor": 1}', NULL, NULL, 'reject');
SELECT * FROM refused('priority_floor', '{"floor": 1}', NULL, NULL, 'stop');
SELECT * FROM refused('discount_ceiling', '{"ceiling": 5}');
SELECT * FROM refused('discount_ceiling', '{"ceiling": 5, "field": "amount", "by_tier": {"gold": 10}}');
SELECT * FROM refused('discount_ceiling', '{"ceiling": 5, "field": "amount", "by_tier": {"gold": "much"}}');
SELECT * FROM refused('promise_lead_time', '{"lead_time": "-1 day", "field": "day"}');
SELECT * FROM refused('promise_lead_time', '{"lead_time": "a while", "field": "day"}');
SELECT * FROM refused('promise_lead_time', '{"lead_time": "1 day", "field": "amount"}');
SELECT * FROM refused('promise_lead_time', '{"lead_time": "1 day", "field": "day", "reason": "why"}');
SELECT * FROM refused('offer_window', '{}');
SELECT * FROM refused('offer_window', '{"opens_at": "2024-02-01", "closes_at": "2024-02-01"}');
SELECT * FROM refused('offer_window', '{"opens_at": "soon"}');
SELECT * FROM refused('goodwill_limit', '{"limit": 1, "field": "amount", "by_role": {"nobody there": 5}}');
SELECT * FROM refused('owner_and_due', '{"closed": ["done"]}');
SELECT * FROM refused('consent_required', '{"purpose": "offers"}');
SELECT * FROM refused('credit_limit', '{}');
SELECT * FROM refused('credit_limit', '{"limit": 1, "limit_from": {"table": "debt", "customer": "client", "column": "owed"}}');
SELECT * FROM refused('credit_limit', '{"limit_from": "debt"}');
SELECT * FROM refused('credit_limit', '{"limit_from": {"table": "dept", "customer": "client", "column": "owed"}}');
SELECT * FROM refused('credit_limit', '{"limit_from": {"table": "debt", "customer": "customer", "column": "owed"}}');
SELECT * FROM refused('credit_limit', '{"limit_from": {"table": "debt", "customer": "client"}}');
SELECT * FROM refused('credit_limit', '{"limit_from": {"customer": "client", "column": "owed"}}');
SELECT * FROM refused('credit_limit', '{"limit_from": {"table": "debt", "customer": "client", "column": "owed", "row": 1}}');
SELECT * FROM refused('credit_limit', '{"limit_from": {"table": "debt", "customer": "client", "column": "owed", "only": {"sort": ["x"]}}}');
SELECT * FROM refused('credit_limit', '{"limit": 1, "open": {"state": ["open"]}}');
SELECT * FROM refused('budget_cap', '{"limit_from": {"table": "debt", "budget": "client", "column": "owed"}}');
SELECT * FROM refused('contact_cap', '{"most": 0, "field": "ordered_at"}');
SELECT * FROM refused('contact_cap', '{"most": 1.5, "field": "ordered_at"}');
SELECT * FROM refused('redeem_once', '{}');
SELECT * FROM refused('promise_capacity', '{"field": "day"}');
-- what is right
SELECT * FROM refused('min_order', '{"minimum": 1}', '{"key_accounts": true, "fields": {"status": ["paid"]}}', '{"key_accounts": true}', 'warn');
SELECT * FROM refused('credit_limit', '{"limit_from": {"table": "debt", "customer": "client", "column": "owed", "only": {"kind": ["limit"]}}}');
SELECT * FROM refused('budget_cap', '{"limit": 5}');
\t off
\pset format aligned

-- A set whose rules would not work any more is refused as well.
INSERT INTO account_rule (rule_set, name, kind, parameters) VALUES ('r', 'x', 'min_order', '{"minimum": 1}');
UPDATE account_rule_set SET target = 'debt' WHERE name = 'r';
UPDATE account_rule_set SET columns = '{"customer": "who", "amount": "sum"}' WHERE name = 'r';
UPDATE account_rule_set SET columns = '{"customer": "who", "amount": "priority"}' WHERE name = 'r';
INSERT INTO account_rule (rule_set, name, kind) VALUES ('none', 'x', 'no_future_time');
INSERT INTO account_rule (rule_set, name, kind) VALUES ('r', '', 'no_future_time');
INSERT INTO account_rule (rule_set, name, kind) VALUES ('r', NULL, 'no_future_time');

-- Rules are for who is granted, and who is may read what the rule tells of.
CREATE ROLE regress_rule_writer;
SET ROLE regress_rule_writer;
SELECT count(*) FROM account_rule;
INSERT INTO account_rule (rule_set, name, kind) VALUES ('r', 'y', 'no_future_time');
SELECT count(*) FROM key_account;
SELECT may_contact('1', 'x', 'y');
RESET ROLE;
GRANT SELECT, INSERT ON account_rule TO regress_rule_writer;
SET ROLE regress_rule_writer;
INSERT INTO account_rule (rule_set, name, kind) VALUES ('r', 'y', 'no_future_time');
INSERT INTO account_rule (rule_set, name, kind, parameters) VALUES ('r', 'z', 'credit_limit', '{"limit_from": {"table": "debt", "customer": "client", "column": "owed"}}');
RESET ROLE;
DELETE FROM account_rule_set;
SELECT rule_set FROM account_rule;
DELETE FROM account_rule;
REVOKE ALL ON account_rule FROM regress_rule_writer;
DROP ROLE regress_rule_writer;
DROP FUNCTION refused;
DROP VIEW deals;
DROP TABLE deal, debt;
