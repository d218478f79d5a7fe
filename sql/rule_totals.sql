-- Limits on totals: credit, contacts, offers, budgets, promises.

SET search_path = public, customer_scoring;
SET client_min_messages = warning;
SET timezone = 'UTC';
\set VERBOSITY terse

-- Credit: open orders and receivables of a customer, below a limit of the customer's own.
CREATE TABLE account (id bigint PRIMARY KEY, ceiling numeric(12, 2));
CREATE TABLE bill (id int, account bigint, due double precision, state text);
CREATE TABLE buy (id int PRIMARY KEY, account bigint, price numeric(12, 2), state text);
CREATE INDEX ON buy (account);
INSERT INTO account VALUES (1, 1000), (2, 0), (3, NULL);
INSERT INTO bill VALUES (1, 1, 300, 'open'), (2, 1, 5000, 'paid'), (3, 1, 100, 'late'), (4, 3, 100, 'open');
INSERT INTO account_rule_set (name, target, columns) VALUES ('buys', 'buy', '{"customer": "account", "amount": "price"}');
INSERT INTO account_rule (rule_set, name, kind, parameters) VALUES ('buys', 'credit', 'credit_limit', '{
	"limit_from": {"table": "account", "customer": "id", "column": "ceiling"},
	"receivables_from": {"table": "bill", "customer": "account", "amount": "due", "only": {"state": ["open", "late"]}},
	"open": {"state": ["new", "packed"]}}');
CREATE TRIGGER rules BEFORE INSERT OR UPDATE ON buy FOR EACH ROW EXECUTE FUNCTION enforce_account_rules('buys');
INSERT INTO buy VALUES (1, 1, 600, 'new');
INSERT INTO buy VALUES (2, 1, 0.01, 'new');
INSERT INTO buy VALUES (2, 1, 0.01, 'done'), (3, 1, 0, 'new'), (4, 1, -50, 'new'), (5, 1, NULL, 'new'), (6, NULL, 50, 'new');
INSERT INTO buy VALUES (7, 1, 50, 'new');
INSERT INTO buy VALUES (8, 1, 'NaN', 'new');
INSERT INTO buy VALUES (9, 2, 1, 'new');
INSERT INTO buy VALUES (9, 3, 1, 'new');
INSERT INTO buy VALUES (9, 4, 1, 'new');
-- updates: what adds nothing passes even above the limit, the rest does not
UPDATE account SET ceiling = 100 WHERE id = 1;
UPDATE buy SET state = 'packed' WHERE id = 1;
UPDATE buy SET price = 500 WHERE id = 1;
UPDATE buy SET price = 501 WHERE id = 1;
UPDATE buy SET state = 'done' WHERE id = 1;
UPDATE buy SET state = 'new' WHERE id = 1;
UPDATE buy SET account = 3 WHERE id = 7;
UPDATE account_rule SET parameters = parameters || '{"without": "allow"}';
INSERT INTO buy VALUES (9, 4, 1, 'new');
UPDATE buy SET account = 3 WHERE id = 7;
-- a table that a rule looks at goes away
ALTER TABLE bill RENAME due TO owed;
INSERT INTO buy VALUES (10, 1, 1, 'new');
ALTER TABLE bill RENAME owed TO due;
DROP TABLE bill;
INSERT INTO buy VALUES (10, 1, 1, 'new');
INSERT INTO buy VALUES (10, 1, 1, 'done');

-- Contacts: at most so many in some calendar days of the customer's own zone.
CREATE TABLE contact (id int, customer text, channel text, contacted_at timestamptz, time_zone text, sort text);
INSERT INTO account_rule_set (name, target, time_zone) VALUES ('contacts', 'contact', 'Asia/Jakarta');
INSERT INTO account_rule (rule_set, name, kind, parameters) VALUES ('contacts', 'cap', 'contact_cap', '{"most": 2, "days": 3, "exempt": {"sort": ["transactional"]}}');
CREATE TRIGGER rules BEFORE INSERT OR UPDATE ON contact FOR EACH ROW EXECUTE FUNCTION enforce_account_rules('contacts');
-- the first of May in Jakarta, twice; the third day still counts, the fourth does not
INSERT INTO contact VALUES (1, 'a', 'mail', '2024-04-30 17:00+00', NULL, 'news'), (2, 'a', 'mail', '2024-05-01 16:59+00', NULL, 'news');
INSERT INTO contact VALUES (3, 'a', 'mail', '2024-05-03 16:59+00', NULL, 'news');
INSERT INTO contact VALUES (3, 'a', 'mail', '2024-05-03 17:00+00', NULL, 'news');
INSERT INTO contact VALUES (4, 'a', 'mail', '2024-05-01 12:00+00', NULL, 'transactional'), (5, 'a', 'phone', '2024-05-01 12:00+00', NULL, 'news'), (6, 'b', 'mail', '2024-05-01 12:00+00', NULL, 'news');
INSERT INTO contact VALUES (7, 'c', NULL, '2024-05-01 12:00+00', NULL, NULL), (8, 'c', NULL, '2024-05-01 12:00+00', NULL, NULL), (9, 'c', 'mail', '2024-05-01 12:00+00', NULL, NULL);
INSERT INTO contact VALUES (10, 'c', NULL, '2024-05-01 12:00+00', NULL, NULL);
-- in New York 16:59 and 17:00 of UTC are the same day
INSERT INTO contact VALUES (11, 'd', 'mail', '2024-05-01 12:00+00', 'America/New_York', NULL), (12, 'd', 'mail', '2024-05-01 12:00+00', 'America/New_York', NULL);
INSERT INTO contact VALUES (13, 'd', 'mail', '2024-05-03 17:00+00', 'America/New_York', NULL);
INSERT INTO contact VALUES (13, 'd', 'mail', '2024-05-04 05:00+00', 'America/New_York', NULL);
INSERT INTO contact VALUES (14, 'e', 'mail', 'infinity', NULL, NULL), (15, 'e', 'mail', NULL, NULL, NULL), (16, 'e', 'mail', '2024-05-01', 'No/Zone', NULL);

-- Offers: once a customer.
CREATE TABLE redemption (id int, customer varchar(20), offer char(8), void boolean NOT NULL DEFAULT false);
INSERT INTO account_rule_set (name, target) VALUES ('redemptions', 'redemption');
INSERT INTO account_rule (rule_set, name, kind, parameters) VALUES ('redemptions', 'once', 'redeem_once', '{"only": {"void": ["f", "false"]}}');
CREATE TRIGGER rules BEFORE INSERT OR UPDATE ON redemption FOR EACH ROW EXECUTE FUNCTION enforce_account_rules('redemptions');
INSERT INTO redemption VALUES (1, 'a', 'SPRING'), (2, 'a', 'SUMMER'), (3, 'b', 'SPRING');
INSERT INTO redemption VALUES (4, 'a', 'SPRING');
UPDATE redemption SET void = true WHERE id = 1;
INSERT INTO redemption VALUES (4, 'a', 'SPRING');
UPDATE redemption SET void = false WHERE id = 1;
INSERT INTO redemption VALUES (5, 'c', 'SPRING'), (6, 'c', 'SPRING');

-- Budgets: one for each, or one for all.
CREATE TABLE budget (code text, amount int);
INSERT INTO budget VALUES ('x', 100), ('y', 10);
CREATE TABLE grant_given (budget text, amount int);
INSERT INTO account_rule_set (name, target) VALUES ('grants', 'grant_given');
INSERT INTO account_rule (rule_set, name, kind, parameters) VALUES ('grants', 'each', 'budget_cap', '{"limit_from": {"table": "budget", "budget": "code", "column": "amount"}}');
CREATE TRIGGER rules BEFORE INSERT OR UPDATE ON grant_given FOR EACH ROW EXECUTE FUNCTION enforce_account_rules('grants');
INSERT INTO grant_given VALUES ('x', 60), ('x', 40), ('y', 10);
INSERT INTO grant_given VALUES ('x', 1);
INSERT INTO grant_given VALUES ('z', 1);
CREATE TABLE given (amount bigint);
INSERT INTO account_rule_set (name, target) VALUES ('all grants', 'given');
INSERT INTO account_rule (rule_set, name, kind, parameters) VALUES ('all grants', 'all', 'budget_cap', '{"limit": 100.5}');
CREATE TRIGGER rules BEFORE INSERT OR UPDATE ON given FOR EACH ROW EXECUTE FUNCTION enforce_account_rules('all grants');
INSERT INTO given SELECT 10 FROM generate_series(1, 10);
INSERT INTO given VALUES (1);
INSERT INTO given VALUES (9223372036854775807);

-- Promises: so many a day.
CREATE TABLE promise (promised_at timestamp);
INSERT INTO account_rule_set (name, target, time_zone) VALUES ('promises', 'promise', 'Asia/Jakarta');
INSERT INTO account_rule (rule_set, name, kind, parameters) VALUES ('promises', 'capacity', 'promise_capacity', '{"capacity": 2}');
CREATE TRIGGER rules BEFORE INSERT OR UPDATE ON promise FOR EACH ROW EXECUTE FUNCTION enforce_account_rules('promises');
INSERT INTO promise VALUES ('2024-01-01 00:00'), ('2024-01-01 23:59'), ('2024-01-02 00:00'), (NULL);
INSERT INTO promise VALUES ('2024-01-01 12:00');
UPDATE promise SET promised_at = '2024-01-02 12:00' WHERE promised_at = '2024-01-01 00:00';
INSERT INTO promise VALUES ('2024-01-01 12:00');

-- Random writes by statements of one or several rows: what is stored never breaks a rule, and what was refused would have.
CREATE TABLE random_buy (id int PRIMARY KEY, customer int, amount int, state text);
INSERT INTO account_rule_set (name, target) VALUES ('random', 'random_buy');
INSERT INTO account_rule (rule_set, name, kind, parameters) VALUES ('random', 'credit', 'credit_limit', '{"limit": 60, "open": {"state": ["open"]}}');
CREATE TRIGGER rules BEFORE INSERT OR UPDATE ON random_buy FOR EACH ROW EXECUTE FUNCTION enforce_account_rules('random');
CREATE TABLE mirror (LIKE random_buy INCLUDING ALL);
DO $$
DECLARE
	statement text;
	refused boolean;
	tried int := 0;
	refusals int := 0;
	above boolean;
BEGIN
	PERFORM setseed(0.42);
	FOR i IN 1 .. 600 LOOP
		statement := CASE floor(random() * 4)::int
			WHEN 0 THEN format('INSERT INTO TARGET SELECT %s * 10 + n, 1 + (n * %s) %% 5, greatest(0, %s - n * 7), CASE WHEN n %% 3 = 0 THEN ''paid'' ELSE ''open'' END FROM generate_series(1, %s) n', i, i, floor(random() * 60)::int, 1 + floor(random() * 4)::int)
			WHEN 1 THEN format('UPDATE TARGET SET amount = greatest(0, amount + %s) WHERE id %% 7 = %s', floor(random() * 40)::int - 25, floor(random() * 7)::int)
			WHEN 2 THEN format('UPDATE TARGET SET state = ''%s'', customer = 1 + (customer + 1) %% 5 WHERE id %% 5 = %s', CASE WHEN random() < 0.6 THEN 'paid' ELSE 'open' END, floor(random() * 5)::int)
			ELSE format('DELETE FROM TARGET WHERE id %% 11 = %s', floor(random() * 11)::int) END;
		refused := false;
		BEGIN
			EXECUTE replace(statement, 'TARGET', 'random_buy');
		EXCEPTION WHEN SQLSTATE 'KA002' THEN
			refused := true;
		END;
		tried := tried + 1;
		-- without the rule: does a total rise above the limit by this statement?
		EXECUTE replace(statement, 'TARGET', 'mirror');
		SELECT EXISTS (SELECT FROM (SELECT customer, sum(amount) AS total FROM mirror WHERE state = 'open' GROUP BY 1) m WHERE total > 60) INTO above;
		IF refused <> above THEN
			RAISE 'statement % (%): refused %, above the limit %', i, statement, refused, above;
		END IF;
		IF refused THEN
			refusals := refusals + 1;
			TRUNCATE mirror;
			INSERT INTO mirror SELECT * FROM random_buy;
		END IF;
	END LOOP;
	RAISE WARNING '% statements, more than 50 refused: %', tried, refusals > 50;
END $$;

DELETE FROM account_rule_set;
DROP TABLE account, buy, contact, redemption, budget, grant_given, given, promise, random_buy, mirror;
