-- opt_out.sql: refreshes when one customer in a hundred has opted out or was
-- erased, beside those when nobody has; and all contactable customers of a
-- segment table beside may_contact of each.

SELECT create_segment_table('guarded', 'orders', breaks => 'frozen');

CREATE PROCEDURE bench.leave_out(opted_out boolean, erased boolean) LANGUAGE plpgsql AS $$
BEGIN
	TRUNCATE profiling_opt_out, tombstone;
	IF opted_out THEN
		INSERT INTO profiling_opt_out (customer) SELECT customer_id::text FROM summaries WHERE customer_id % 100 = 0;
	END IF;
	IF erased THEN
		PERFORM customer_scoring_internal.add_tombstone(customer_id::text) FROM summaries WHERE customer_id % 100 = 1;
	END IF;
	COMMIT;
	-- those who come and go are written by a refresh that is not measured
	PERFORM refresh_segment_table('guarded', '2025-01-01');
	COMMIT;
END $$;

-- As of an earlier moment everybody is recomputed.
CREATE PROCEDURE bench.compare_left_out() LANGUAGE plpgsql AS $$
DECLARE
	everybody CONSTANT text := $q$SELECT refresh_segment_table('guarded', '2025-01-01')$q$;
	nobody_out double precision;
	opted_out double precision;
	erased double precision;
BEGIN
	FOR round IN 0 .. (SELECT rounds FROM bench.setting) LOOP
		CALL bench.leave_out(false, false);
		nobody_out := bench.cost(everybody, NULL);
		CALL bench.leave_out(true, false);
		opted_out := bench.cost(everybody, NULL);
		CALL bench.leave_out(false, true);
		erased := bench.cost(everybody, NULL);
		IF round > 0 THEN
			INSERT INTO bench.timing VALUES ('opt_out: everybody recomputed, 1 % have opted out, beside nobody', 0.8, round, opted_out, nobody_out),
				('opt_out: everybody recomputed, 1 % were erased, beside nobody', NULL, round, erased, nobody_out);
		END IF;
		COMMIT;
	END LOOP;
END $$;
CALL bench.compare_left_out();
SELECT bench.check_equal('opt_out', (SELECT count(*) FROM guarded WHERE customer_id % 100 = 1));
TRUNCATE profiling_opt_out, tombstone;

-- two statements of most, a preference of some, and few who must not be contacted
INSERT INTO consent (customer, purpose, channel, status, at)
SELECT customer_id::text, 'news', 'mail', CASE WHEN (customer_id + n) % 5 = 0 THEN 'revoked' ELSE 'granted' END, timestamptz '2024-01-01' + n * interval '1 day'
FROM summaries, generate_series(1, 2) n WHERE customer_id % 10 < 8;
INSERT INTO contact_preference (customer, from_time, until_time, time_zone, language) SELECT customer_id::text, '09:00', '18:00', 'Asia/Jakarta', 'id' FROM summaries WHERE customer_id % 10 = 3;
INSERT INTO do_not_contact (customer, reason, since) SELECT customer_id::text, 'manual', '2024-01-01' FROM summaries WHERE customer_id % 50 = 2;
INSERT INTO profiling_opt_out (customer) SELECT customer_id::text FROM summaries WHERE customer_id % 100 = 4;
VACUUM (FREEZE, ANALYZE) guarded, consent, contact_preference, do_not_contact, profiling_opt_out;
SELECT bench.check_equal('opt_out: contactable', (SELECT count(*) FROM contactable_customers('guarded', 'news', 'mail', '2025-01-01 04:00+00') c
	FULL JOIN (SELECT customer_id::text AS customer FROM guarded WHERE may_contact(customer_id::text, 'news', 'mail', '2025-01-01 04:00+00') AND NOT has_opted_out(customer_id::text, '2025-01-01 04:00+00')) m USING (customer)
	WHERE c.customer IS NULL OR m.customer IS NULL));
CALL bench.compare('opt_out: contactable_customers, beside may_contact of each', 2,
	$$SELECT customer FROM contactable_customers('guarded', 'news', 'mail', '2025-01-01 04:00+00')$$,
	$$SELECT customer_id FROM guarded WHERE may_contact(customer_id::text, 'news', 'mail', '2025-01-01 04:00+00') AND NOT has_opted_out(customer_id::text, '2025-01-01 04:00+00')$$, 'Scan');
SELECT drop_segment_table('guarded');
TRUNCATE consent, contact_preference, do_not_contact, profiling_opt_out;
