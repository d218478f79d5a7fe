-- wholesaler.sql: the shop of doc/wholesaler.md, for the clients that tell its story.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET search_path = public, customer_scoring;
CREATE EXTENSION IF NOT EXISTS customer_scoring;

CREATE TABLE client (client_id integer PRIMARY KEY, name text NOT NULL, credit_limit numeric(12, 2));
CREATE TABLE invoice (invoice_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, client_id integer NOT NULL REFERENCES client,
	open_amount numeric(12, 2) NOT NULL);
CREATE TABLE sales_order (order_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, client_id integer NOT NULL REFERENCES client,
	ordered_at timestamptz NOT NULL DEFAULT now(), amount numeric(12, 2) NOT NULL, status text NOT NULL DEFAULT 'open');
CREATE TABLE goodwill (goodwill_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, client_id integer NOT NULL REFERENCES client,
	compensation numeric(12, 2) NOT NULL, reason text NOT NULL);
INSERT INTO client VALUES (1, 'Toko Maju', 10000), (2, 'Warung Sari', 4000), (3, 'Kios Baru', 4000);
INSERT INTO invoice (client_id, open_amount) VALUES (1, 2000), (2, 1500);

DO $$
DECLARE
	wanted text;
BEGIN
	FOREACH wanted IN ARRAY ARRAY['frontline', 'supervisor'] LOOP
		IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
			EXECUTE format('CREATE ROLE %I', wanted);
		END IF;
	END LOOP;
END
$$;
GRANT SELECT, INSERT, UPDATE ON sales_order, goodwill TO frontline, supervisor;

INSERT INTO key_account (customer, valid_from, service_level) VALUES ('1', '2024-01-01', 'key');
INSERT INTO account_rule_set (name, target, columns) VALUES
	('orders', 'sales_order', '{"customer": "client_id"}'),
	('goodwill', 'goodwill', '{"customer": "client_id"}');
INSERT INTO account_rule (rule_set, name, kind, parameters, waived_for) VALUES
	('orders', 'minimum order', 'min_order', '{"minimum": 500}', '{"key_accounts": true}'),
	('orders', 'credit', 'credit_limit',
	 '{"limit_from": {"table": "client", "customer": "client_id", "column": "credit_limit"},
	   "receivables_from": {"table": "invoice", "customer": "client_id", "amount": "open_amount"},
	   "open": {"status": ["open"]}}', NULL),
	('goodwill', 'frontline ceiling', 'goodwill_limit', '{"limit": 0, "by_role": {"frontline": 200, "supervisor": 1000}}', NULL);
CREATE TRIGGER account_rules BEFORE INSERT OR UPDATE ON sales_order FOR EACH ROW EXECUTE FUNCTION enforce_account_rules('orders');
CREATE TRIGGER account_rules BEFORE INSERT OR UPDATE ON goodwill FOR EACH ROW EXECUTE FUNCTION enforce_account_rules('goodwill');
