-- What rules of each kind let pass and refuse, and what the errors carry.

SET search_path = public, customer_scoring;
SET timezone = 'UTC';
SET client_min_messages = warning;

-- Run a statement and show all that a program can read from its error.
CREATE FUNCTION refusal(statement text, OUT code text, OUT message text, OUT detail jsonb, OUT hint text, OUT place text) LANGUAGE plpgsql AS $$
DECLARE
	schema_name text; table_name text; column_name text; constraint_name text; told text;
BEGIN
	EXECUTE statement;
	code := 'accepted';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, told = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT,
		schema_name = SCHEMA_NAME, table_name = TABLE_NAME, column_name = COLUMN_NAME, constraint_name = CONSTRAINT_NAME;
	IF told ~ '\n' THEN RAISE 'detail of more than one line'; END IF;
	detail := nullif(told, '');
	place := format('%s.%s.%s %s', schema_name, table_name, column_name, constraint_name);
END $$;

CREATE TABLE deal (deal_id int PRIMARY KEY, who int, amount numeric, discount double precision, ordered_at timestamptz, promised_at timestamp, why text,
	priority smallint, compensation numeric(10, 2), owner text, due_at date, status text, informed_at timestamptz, purpose text, channel text);
INSERT INTO account_rule_set (name, target, time_zone, columns) VALUES ('deals', 'deal', 'Asia/Jakarta', '{"customer": "who"}');
CREATE TRIGGER rules BEFORE INSERT OR UPDATE ON deal FOR EACH ROW EXECUTE FUNCTION enforce_account_rules('deals');

-- Without rules everything passes.
SELECT code FROM refusal('INSERT INTO deal (deal_id) VALUES (1)');

-- One rule at a time: each case is a list of columns and a list of values.
CREATE FUNCTION try(kind text, parameters jsonb, columns text, VARIADIC rows text[]) RETURNS TABLE ("values" text, code text, message text, detail text, hint text, place text) LANGUAGE plpgsql AS $$
DECLARE
	one text;
BEGIN
	DELETE FROM account_rule;
	INSERT INTO account_rule (rule_set, name, kind, parameters) VALUES ('deals', 'the rule', kind, parameters);
	FOREACH one IN ARRAY rows LOOP
		DELETE FROM deal;
		RETURN QUERY SELECT one, r.code, r.message, (r.detail - '{rule_set,rule,kind}'::text[])::text, r.hint, r.place
			FROM refusal(format('INSERT INTO deal (deal_id, %s) VALUES (1, %s)', columns, one)) r;
	END LOOP;
END $$;

\x on
SELECT * FROM try('min_order', '{"minimum": 100}', 'amount', '100', '99.99', 'NULL', '''NaN''', '''Infinity''');
SELECT * FROM try('min_order', '{"minimum": 100, "on_null": "skip"}', 'amount', 'NULL', '''NaN''', '-5');
SELECT * FROM try('min_order', '{"minimum": 10.5, "field": "discount"}', 'discount', '10.5', '10.25');
INSERT INTO key_account (customer, valid_from, valid_until) VALUES ('7', '2000-01-01', NULL), ('8', '2000-01-01', '2001-01-01'), ('9', '2000-01-01', NULL);
INSERT INTO account_manager (customer, manager, valid_from, valid_until) VALUES ('9', 'Ani', '2000-01-01', NULL), ('7', 'Ani', '2000-01-01', '2001-01-01');
SELECT * FROM try('manager_required', '{}', 'who', '7', '8', '9', '6', 'NULL');
SELECT * FROM try('manager_required', '{"all": true}', 'who', '8', '9', 'NULL');
SELECT * FROM try('discount_ceiling', '{"ceiling": 5, "key_accounts": 12.5}', 'who, discount', '6, 5', '6, 5.5', '7, 12.5', '7, 13', '8, 6', '6, NULL', '6, ''NaN''', '7, ''Infinity''');
SELECT * FROM try('promise_lead_time', '{"lead_time": "2 days"}', 'ordered_at, promised_at', '''2024-01-01 00:00+00'', ''2024-01-03 07:00''', '''2024-01-01 00:00+00'', ''2024-01-03 06:59''',
	'''2024-01-01 00:00+00'', NULL', 'NULL, ''2024-01-03''', '''infinity'', ''2024-01-03''', '''-infinity'', ''-infinity''');
SELECT * FROM try('offer_window', '{"opens_at": "2024-03-01 00:00+07", "closes_at": "2024-04-01 00:00+07"}', 'ordered_at', '''2024-03-01 00:00+07''', '''2024-02-29 23:59+07''', '''2024-04-01 00:00+07''', 'NULL');
SELECT "values", code, place FROM try('no_future_time', '{"tolerance": "1 hour"}', 'ordered_at', 'now()', 'now() + interval ''59 minutes''', 'now() + interval ''61 minutes''', '''infinity''', 'NULL');
SELECT * FROM try('owner_and_due', '{"closed": ["closed", "done"]}', 'owner, due_at, status, informed_at', '''Ani'', ''2024-01-01'', ''open'', NULL', 'NULL, ''2024-01-01'', ''open'', NULL', ''''', ''2024-01-01'', ''open'', NULL',
	'''Ani'', NULL, ''open'', NULL', '''Ani'', ''2024-01-01'', ''done'', NULL', '''Ani'', ''2024-01-01'', ''done'', now()');
CREATE ROLE regress_rule_clerk;
CREATE ROLE regress_rule_chief;
GRANT INSERT, DELETE ON deal TO regress_rule_clerk;
GRANT regress_rule_chief TO regress_rule_clerk;
SELECT * FROM try('goodwill_limit', '{"limit": 20, "by_role": {"regress_rule_chief": 200}}', 'compensation', '20', '20.01', 'NULL');
DELETE FROM deal;
SET ROLE regress_rule_clerk;
SELECT * FROM refusal('INSERT INTO deal (deal_id, compensation) VALUES (1, 200)');
SELECT * FROM refusal('INSERT INTO deal (deal_id, compensation) VALUES (2, 200.01)');
RESET ROLE;
INSERT INTO consent (customer, purpose, channel, status, at, expires_at) VALUES ('7', 'offers', 'mail', 'granted', '2024-01-01', '2024-02-01'), ('8', 'offers', 'mail', 'granted', now(), NULL), ('9', 'offers', 'mail', 'revoked', '2024-01-01', NULL);
SELECT * FROM try('consent_required', '{}', 'who, purpose, channel', '8, ''offers'', ''mail''', '7, ''offers'', ''mail''', '9, ''offers'', ''mail''', '8, ''news'', ''mail''', '8, NULL, ''mail''', 'NULL, ''offers'', ''mail''');
SELECT * FROM try('consent_required', '{"purpose": "offers", "channel": "mail"}', 'who, purpose', '8, ''news''', '9, ''news''');
INSERT INTO do_not_contact (customer, channel, reason, until) VALUES ('8', NULL, 'bounced', NULL);
SELECT * FROM try('consent_required', '{}', 'who, purpose, channel', '8, ''offers'', ''mail''');

-- A rule that sets something, and one that only warns.
\x off
SELECT * FROM try('priority_floor', '{"floor": 3}', 'priority', '2', 'NULL', '5');
DELETE FROM account_rule;
DELETE FROM deal;
INSERT INTO account_rule (rule_set, name, kind, parameters, applies_to) VALUES
	('deals', 'first', 'priority_floor', '{"floor": 3}', '{"key_accounts": true}'),
	('deals', 'not above', 'min_order', '{"minimum": 4, "field": "priority"}', NULL);
UPDATE account_rule SET action = 'warn' WHERE name = 'not above';
SET client_min_messages = notice;
INSERT INTO deal (deal_id, who, priority) VALUES (1, 7, 2), (2, 6, 2), (3, 7, 9) RETURNING deal_id, who, priority;
SET client_min_messages = warning;
DELETE FROM account_rule;
INSERT INTO account_rule (rule_set, name, kind, parameters) VALUES ('deals', 'first', 'priority_floor', '{"floor": 2, "urgent": "low"}');
UPDATE deal SET priority = priority + 1 RETURNING deal_id, priority;

-- Only what changes is asked about again, and promises are only put off, with a reason.
DELETE FROM account_rule;
TRUNCATE deal;
INSERT INTO deal (deal_id, who, amount, ordered_at, promised_at) VALUES (1, 6, 10, '2024-01-01 00:00+00', '2024-01-10 00:00');
INSERT INTO account_rule (rule_set, name, kind, parameters) VALUES
	('deals', 'minimum', 'min_order', '{"minimum": 100}'),
	('deals', 'promise', 'promise_lead_time', '{"lead_time": "1 day", "reason": "why"}');
UPDATE deal SET status = 'paid', amount = 10 RETURNING status;
SELECT code, place FROM refusal('UPDATE deal SET amount = 11');
SELECT code, message FROM refusal('UPDATE deal SET promised_at = ''2024-01-09''');
SELECT code, message FROM refusal('UPDATE deal SET promised_at = ''2024-01-11''');
SELECT code, message FROM refusal('UPDATE deal SET promised_at = ''2024-01-11'', why = ''''');
SELECT code, message FROM refusal('UPDATE deal SET promised_at = ''2024-01-11'', why = ''strike''');

-- The first rule by priority and name refuses, after waivers; all waived ones are named.
DELETE FROM account_rule;
DELETE FROM deal;
INSERT INTO account_rule (rule_set, name, kind, parameters, priority, waived_for, applies_to, enabled) VALUES
	('deals', 'a', 'min_order', '{"minimum": 100}', 2, NULL, NULL, true),
	('deals', 'b', 'min_order', '{"minimum": 200}', 1, NULL, NULL, true),
	('deals', 'c', 'min_order', '{"minimum": 300}', 0, '{"key_accounts": true}', NULL, true),
	('deals', 'd', 'min_order', '{"minimum": 400}', 0, '{"fields": {"status": ["held", "draft"]}}', NULL, true),
	('deals', 'e', 'min_order', '{"minimum": 500}', 0, NULL, '{"fields": {"status": ["x"], "channel": ["web"]}}', true),
	('deals', 'f', 'min_order', '{"minimum": 600}', 0, NULL, NULL, false);
SELECT code, place, detail -> 'limit' AS "limit", detail -> 'waived' AS waived FROM refusal('INSERT INTO deal (deal_id, who, amount) VALUES (1, 6, 1)');
SELECT code, place, detail -> 'limit' AS "limit", detail -> 'waived' AS waived FROM refusal('INSERT INTO deal (deal_id, who, amount, status) VALUES (1, 7, 1, ''held'')');
SELECT code, place FROM refusal('INSERT INTO deal (deal_id, who, amount, status, channel) VALUES (1, 7, 450, ''x'', ''web'')');
SELECT code, place FROM refusal('INSERT INTO deal (deal_id, who, amount, status) VALUES (1, 7, 450, ''x'')');

-- Tiers and segments come from a segment table.
CREATE TABLE bought (customer_id int, ordered_at timestamptz, amount int);
INSERT INTO bought SELECT c, timestamptz '2024-01-01' + n * interval '1 day', c FROM generate_series(1, 20) c, generate_series(1, c) n;
SELECT create_segment_table('bought_segments', 'bought', time_zone => 'UTC', with_data => false);
SELECT mode FROM refresh_segment_table('bought_segments', '2024-02-01');
SELECT segment, min(customer_id), max(customer_id) FROM bought_segments GROUP BY segment ORDER BY 2;
DELETE FROM account_rule;
DELETE FROM deal;
UPDATE account_rule_set SET segment_table = 'bought_segments';
INSERT INTO account_rule (rule_set, name, kind, parameters, applies_to, waived_for) VALUES
	('deals', 'new ones', 'min_order', '{"minimum": 100}', '{"segments": ["lost", "hibernating"]}', NULL),
	('deals', 'all', 'min_order', '{"minimum": 50}', NULL, '{"segments": ["champions"]}');
CREATE TABLE outcome AS SELECT c AS who, a AS amount, code, place FROM generate_series(0, 21) c, (VALUES (10), (60)) a (a),
	LATERAL refusal(format('INSERT INTO deal (deal_id, who, amount) VALUES (%s, %s, %s)', 100 * c + a, c, a));
SELECT segment, amount, code, place, count(*) FROM outcome LEFT JOIN bought_segments ON customer_id = who GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3;
-- the same by look-ups
SET customer_scoring.rule_cache_size = '64kB';
TRUNCATE key_account;
INSERT INTO key_account (customer, valid_from) SELECT 'other ' || i, '2000-01-01' FROM generate_series(1, 10000) i;
UPDATE account_rule SET waived_for = waived_for || '{"key_accounts": true}' WHERE name = 'all';
DELETE FROM deal;
SELECT count(*) AS asked, count(*) FILTER (WHERE (o.code, o.place) IS DISTINCT FROM (r.code, r.place)) AS others
FROM outcome o, LATERAL refusal(format('INSERT INTO deal (deal_id, who, amount) VALUES (%s, %s, %s)', 100 * who + amount, who, amount)) r;
RESET customer_scoring.rule_cache_size;

-- Tiers: ceilings by tier, waivers from a tier on, names that the scheme does not have.
TRUNCATE key_account;
DELETE FROM account_rule;
DELETE FROM deal;
INSERT INTO account_rule (rule_set, name, kind, parameters) VALUES ('deals', 'no tiers', 'discount_ceiling', '{"ceiling": 5, "by_tier": {"gold": 20}}');
INSERT INTO tier_policy (name, scheme, segment_table, period, time_zone) VALUES ('main', 'bronze 1, silver 100, gold 300', 'bought_segments', 'lifetime', 'UTC');
SELECT alter_segment_table('bought_segments', tiers => 'main');
SELECT mode FROM refresh_segment_table('bought_segments', '2024-02-02');
SELECT tier, tier_rank, min(customer_id), max(customer_id) FROM bought_segments GROUP BY 1, 2 ORDER BY 2;
INSERT INTO account_rule (rule_set, name, kind, parameters, waived_for) VALUES
	('deals', 'discount', 'discount_ceiling', '{"ceiling": 5, "by_tier": {"gold": 20, "silver": 10}}', NULL),
	('deals', 'minimum', 'min_order', '{"minimum": 50}', '{"tier_from": "silver"}'),
	('deals', 'large', 'min_order', '{"minimum": 30}', '{"tiers": ["gold"]}');
SELECT tier, discount, amount, array_agg(DISTINCT code || coalesce(split_part(place, 'discount', 2) || split_part(place, 'amount', 2), '')) AS outcomes
FROM bought_segments, (VALUES (5, 60), (8, 60), (15, 60), (25, 60), (5, 40), (5, 20)) v (discount, amount),
	LATERAL refusal(format('INSERT INTO deal (deal_id, who, discount, amount) VALUES (%s, %s, %s, %s)', 100000 + customer_id * 1000 + discount * 10 + amount, customer_id, discount, amount))
GROUP BY 1, 2, 3 ORDER BY tier, discount, amount DESC;
INSERT INTO account_rule (rule_set, name, kind, parameters, waived_for) VALUES ('deals', 'wrong', 'min_order', '{"minimum": 50}', '{"tier_from": "platinum"}');
INSERT INTO account_rule (rule_set, name, kind, parameters, waived_for) VALUES ('deals', 'wrong', 'discount_ceiling', '{"ceiling": 5, "by_tier": {"platin": 20}}', NULL);

SELECT drop_segment_table('bought_segments');
SELECT code, message, hint FROM refusal('INSERT INTO deal (deal_id, who, amount) VALUES (5000, 1, 100)');
DELETE FROM account_rule_set;
SELECT code, message, hint FROM refusal('INSERT INTO deal (deal_id, who, amount) VALUES (5000, 1, 100)');

DROP TABLE deal, bought, outcome;
DROP FUNCTION refusal, try;
DROP ROLE regress_rule_clerk, regress_rule_chief;
DELETE FROM tier_policy;
TRUNCATE key_account, account_manager, consent, do_not_contact, tier_history;
