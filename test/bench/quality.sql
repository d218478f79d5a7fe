-- quality.sql: refreshes with the data-quality report beside the same without.
--
-- Segment tables of one source: without a report, with the one that every table
-- has, and with all that can be asked for. A hundredth of the rows has something
-- wrong, a hundredth of the customers is not in the source of customers.

CREATE UNLOGGED TABLE purchases AS
SELECT order_id, customer_id, ordered_at, CASE WHEN order_id % 100 > 0 THEN amount END AS amount, currency FROM orders;
CREATE INDEX purchases_customer ON purchases (customer_id);
CREATE UNLOGGED TABLE people AS SELECT customer_id FROM summaries WHERE customer_id % 100 > 0;
CREATE INDEX people_customer ON people (customer_id);
VACUUM (FREEZE, ANALYZE) purchases, people;
SELECT create_segment_table('no_report', 'purchases', breaks => 'frozen', quality => 'false', with_data => false);
SELECT create_segment_table('plain_report', 'purchases', breaks => 'frozen', with_data => false);
SELECT create_segment_table('whole_report', 'purchases', breaks => 'frozen', quality => '{"currency": "currency", "order_id": "order_id"}', with_data => false);
SELECT add_segment_source(t, 'customers', 'people') FROM unnest('{no_report,plain_report,whole_report}'::regclass[]) t;
SELECT refresh_segment_table(t) FROM unnest('{no_report,plain_report,whole_report}'::regclass[]) t;
VACUUM ANALYZE no_report, plain_report, whole_report;

-- The cost of a refresh in a mode.
CREATE FUNCTION bench.refresh_in(wanted text, refreshed regclass) RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
	ms double precision := bench.cost(format('SELECT refresh_segment_table(%L%s)', refreshed, CASE WHEN wanted = 'full' THEN ', now()' END), NULL);
	last record;
BEGIN
	SELECT mode, reason INTO last FROM segment_table_run WHERE segment_table::regclass = refreshed ORDER BY run_id DESC LIMIT 1;
	IF last.mode <> wanted THEN
		RAISE EXCEPTION '%: the refresh was %: %', refreshed, last.mode, last.reason;
	END IF;
	RETURN ms;
END $$;

CREATE PROCEDURE bench.compare_reports() LANGUAGE plpgsql AS $$
DECLARE
	one double precision[];
	many double precision[];
	everybody double precision[];
	t regclass;
BEGIN
	FOR round IN 0 .. (SELECT rounds FROM bench.setting) LOOP
		one := '{}';
		many := '{}';
		everybody := '{}';
		UPDATE purchases SET amount = amount + 1 WHERE customer_id = 1 + round;
		COMMIT;
		FOREACH t IN ARRAY '{no_report,plain_report,whole_report}'::regclass[] LOOP
			one := one || bench.refresh_in('incremental', t);
			COMMIT;
		END LOOP;
		UPDATE purchases SET amount = amount + 1 WHERE customer_id % 100 = round;
		COMMIT;
		FOREACH t IN ARRAY '{no_report,plain_report,whole_report}'::regclass[] LOOP
			many := many || bench.refresh_in('incremental', t);
			COMMIT;
		END LOOP;
		PERFORM alter_segment_table(x) FROM unnest('{no_report,plain_report,whole_report}'::regclass[]) x;
		COMMIT;
		FOREACH t IN ARRAY '{no_report,plain_report,whole_report}'::regclass[] LOOP
			everybody := everybody || bench.refresh_in('full', t);
			COMMIT;
		END LOOP;
		IF round > 0 THEN
			INSERT INTO bench.timing VALUES
				('a customer changed, with the plain report, beside none', NULL, round, one[2], one[1]),
				('a customer changed, with the whole report, beside none', NULL, round, one[3], one[1]),
				('1 % changed, with the plain report, beside none', 0.5, round, many[2], many[1]),
				('1 % changed, with the whole report, beside none', NULL, round, many[3], many[1]),
				('everybody recomputed, with the plain report, beside none', 0.5, round, everybody[2], everybody[1]),
				('everybody recomputed, with the whole report, beside none', NULL, round, everybody[3], everybody[1]);
			COMMIT;
		END IF;
	END LOOP;
END $$;
CALL bench.compare_reports();
UPDATE purchases SET currency = 'USD' WHERE customer_id % 1000 = 1;
SELECT refresh_segment_table(t) FROM unnest('{plain_report,whole_report}'::regclass[]) t;
SELECT bench.check_equal('reports', (SELECT count(*) FROM unnest('{plain_report,whole_report}'::regclass[]) t
	JOIN segment_table_definition d ON d.segment_table = t
	CROSS JOIN LATERAL (SELECT source, problem, r.rows, r.customers FROM segment_table_quality r WHERE r.segment_table::regclass = t AND r.counted_by = 'every refresh'
		EXCEPT SELECT source, problem, q.rows, q.customers FROM data_quality(t, d.as_of) q) wrong));
SELECT drop_segment_table(t) FROM unnest('{no_report,plain_report,whole_report}'::regclass[]) t;
DROP TABLE purchases, people;
