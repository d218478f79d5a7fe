-- privacy.sql: erasing customers, beside the statements one would write for them
-- by hand; and what the audit costs who writes consents.
--
-- Each round erases a hundred customers of whom nobody has been erased before,
-- one by one in one transaction, from a table of persons, from orders, which stay
-- without their customer, and from a segment table with history. By hand there is
-- no tombstone, no audit, and no look at tables that hold nothing of them. The
-- busiest customers, with thousands of orders, are left out.

CREATE UNLOGGED TABLE persons AS SELECT customer_id, 'Name ' || customer_id AS name FROM (SELECT DISTINCT customer_id FROM orders) c;
ALTER TABLE persons ADD PRIMARY KEY (customer_id);
VACUUM (FREEZE, ANALYZE) persons;
INSERT INTO privacy_register (relation, on_erase) VALUES ('persons', 'delete'), ('orders', 'keep');
SELECT create_segment_table('erase_segments', 'orders', history => true);
VACUUM ANALYZE erase_segments;

CREATE TABLE bench.erased (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id integer NOT NULL);
INSERT INTO bench.erased (customer_id) SELECT customer_id FROM persons WHERE customer_id > (SELECT max(customer_id) / 2 FROM persons) ORDER BY md5(customer_id::text);
CREATE SEQUENCE bench.next_erased;
-- The next hundred, who are looked up before the clock starts.
CREATE TABLE bench.hundred (customer_id integer);
CREATE PROCEDURE bench.take_hundred() LANGUAGE plpgsql AS $$
BEGIN
	TRUNCATE bench.hundred;
	INSERT INTO bench.hundred SELECT e.customer_id FROM (SELECT nextval('bench.next_erased') AS n FROM generate_series(1, 100)) x JOIN bench.erased e USING (n);
END $$;
CREATE FUNCTION bench.erase() RETURNS bigint LANGUAGE sql AS
	'SELECT sum(e.deleted + e.anonymised)::bigint FROM bench.hundred h, erase_customer(h.customer_id::text) e';
CREATE FUNCTION bench.erase_by_hand() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	c integer;
BEGIN
	FOR c IN SELECT customer_id FROM bench.hundred LOOP
		DELETE FROM persons WHERE customer_id = c;
		UPDATE orders SET customer_id = NULL WHERE customer_id = c;
		DELETE FROM consent WHERE customer = c::text;
		DELETE FROM do_not_contact WHERE customer = c::text;
		DELETE FROM key_account WHERE customer = c::text;
		DELETE FROM account_manager WHERE customer = c::text;
		DELETE FROM erase_segments WHERE customer_id = c;
		DELETE FROM erase_segments_history WHERE customer_id = c;
	END LOOP;
END $$;
CREATE PROCEDURE bench.compare_erasing() LANGUAGE plpgsql AS $$
DECLARE
	ours double precision;
	by_hand double precision;
BEGIN
	FOR round IN 0 .. (SELECT rounds FROM bench.setting) LOOP
		CALL bench.take_hundred();
		ours := bench.cost('SELECT bench.erase()', NULL);
		COMMIT;
		CALL bench.take_hundred();
		by_hand := bench.cost('SELECT bench.erase_by_hand()', NULL);
		COMMIT;
		IF round > 0 THEN
			INSERT INTO bench.timing VALUES ('privacy: erase_customer, 100 customers', NULL, round, ours, by_hand);
			COMMIT;
		END IF;
	END LOOP;
END $$;
CALL bench.compare_erasing();
-- nothing is left of who was erased, and everybody else is there
SELECT bench.check_equal('privacy', (SELECT count(*) FROM bench.erased e WHERE e.n <= (SELECT last_value FROM bench.next_erased)
	AND (EXISTS (SELECT FROM persons p WHERE p.customer_id = e.customer_id) OR EXISTS (SELECT FROM orders o WHERE o.customer_id = e.customer_id)
	     OR EXISTS (SELECT FROM erase_segments s WHERE s.customer_id = e.customer_id))));
SELECT bench.check_equal('privacy', (SELECT count(*) FROM bench.erased e WHERE e.n > (SELECT last_value FROM bench.next_erased)
	AND NOT EXISTS (SELECT FROM erase_segments s WHERE s.customer_id = e.customer_id)));

-- Consents of ten thousand customers with the audit, and without its triggers.
CREATE FUNCTION bench.consents(audited boolean) RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
	ms double precision;
BEGIN
	EXECUTE format('ALTER TABLE consent %s TRIGGER audit_insert', CASE WHEN audited THEN 'ENABLE ALWAYS' ELSE 'DISABLE' END);
	ms := bench.cost('INSERT INTO consent (customer, purpose, channel, status) SELECT i::text, ''news'', ''email'', ''granted'' FROM generate_series(1, 10000) i', NULL);
	EXECUTE 'ALTER TABLE consent ENABLE ALWAYS TRIGGER audit_insert';
	RETURN ms;
END $$;
DO $$
BEGIN
	FOR round IN 0 .. (SELECT rounds FROM bench.setting) LOOP
		INSERT INTO bench.timing SELECT 'privacy: consents, audited', NULL, round, bench.consents(true), bench.consents(false) WHERE round > 0;
		COMMIT;
	END LOOP;
END $$;
SELECT drop_segment_table('erase_segments');
DELETE FROM privacy_register;
