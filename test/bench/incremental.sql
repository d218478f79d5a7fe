-- incremental.sql: a refresh of the customers that have changed, beside a
-- materialized view and beside recomputing everything in SQL.
--
-- Two segment tables follow one source, one with frozen breaks, one that finds
-- them anew. Rounds change what share of customers gets a new order. Recomputing
-- is measured once a round and stands beside each of them.

CREATE UNLOGGED TABLE purchases AS TABLE orders;
CREATE INDEX purchases_customer ON purchases (customer_id);
VACUUM (FREEZE, ANALYZE) purchases;
SELECT create_segment_table('frozen_segments', 'purchases', breaks => 'frozen');
SELECT create_segment_table('moving_segments', 'purchases');

CREATE MATERIALIZED VIEW frozen_view AS
SELECT customer_id, first_order_at(s) AS first_order_at, previous_order_at(s) AS previous_order_at, last_order_at(s) AS last_order_at,
       orders(s) AS orders, refunds(s) AS refunds, revenue(s)::numeric(24, 2) AS revenue,
       round(average_order_value(s), 4)::numeric(26, 4) AS average_order_value,
       (score).r, (score).f, (score).m, rfm_cell(score) AS rfm_cell, coalesce(rfm_segment(score), 'prospect') AS segment
FROM (SELECT customer_id, s, rfm(frozen_breaks, s, as_of) AS score
      FROM (SELECT customer_id, purchase_summary(ordered_at, amount) AS s FROM purchases WHERE ordered_at <= now() GROUP BY customer_id) summed,
           segment_table_definition
      WHERE segment_table = 'frozen_segments'::regclass OFFSET 0) scored;
CREATE UNIQUE INDEX ON frozen_view (customer_id);

CREATE TABLE keyed (customer_id integer PRIMARY KEY, last_order_at timestamptz, orders bigint, revenue numeric(24, 2), r integer, f integer, m integer);
CREATE PROCEDURE bench.recompute() LANGUAGE sql AS $$
	TRUNCATE keyed;
	INSERT INTO keyed
	WITH figures AS MATERIALIZED (
		SELECT customer_id, max(ordered_at) FILTER (WHERE amount > 0) AS last_order_at, count(*) FILTER (WHERE amount > 0) AS orders, sum(amount) AS revenue
		FROM purchases WHERE ordered_at <= now() GROUP BY customer_id),
	breaks AS MATERIALIZED (
		SELECT percentile_disc('{.2,.4,.6,.8}'::float8[]) WITHIN GROUP (ORDER BY last_order_at) AS r,
		       percentile_disc('{.2,.4,.6,.8}'::float8[]) WITHIN GROUP (ORDER BY orders) AS f,
		       percentile_disc('{.2,.4,.6,.8}'::float8[]) WITHIN GROUP (ORDER BY revenue) AS m
		FROM figures WHERE orders > 0)
	SELECT customer_id, last_order_at, orders, revenue,
	       1 + (last_order_at > r[1])::integer + (last_order_at > r[2])::integer + (last_order_at > r[3])::integer + (last_order_at > r[4])::integer,
	       CASE WHEN orders > 0 THEN 1 + (orders > f[1])::integer + (orders > f[2])::integer + (orders > f[3])::integer + (orders > f[4])::integer END,
	       CASE WHEN orders > 0 THEN 1 + (revenue > m[1])::integer + (revenue > m[2])::integer + (revenue > m[3])::integer + (revenue > m[4])::integer END
	FROM figures, breaks;
$$;
CALL bench.recompute();
VACUUM ANALYZE frozen_segments, moving_segments, frozen_view, keyed;

-- A new order for a share of the customers, in portions that are told apart.
CREATE PROCEDURE bench.purchase(share double precision) LANGUAGE plpgsql AS $$
BEGIN
	FOR portion IN 0 .. 3 LOOP
		INSERT INTO purchases (order_id, customer_id, ordered_at, status, channel, currency, amount)
		SELECT 0, customer_id, now(), 'paid', 'web', 'IDR', 50 FROM summaries WHERE customer_id % 4 = portion AND random() < share;
		COMMIT;
	END LOOP;
END $$;

-- The cost of a refresh, which must not have recomputed everybody.
CREATE FUNCTION bench.refresh(refreshed regclass) RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
	ms double precision := bench.cost(format('SELECT refresh_segment_table(%L)', refreshed), NULL);
	last record;
BEGIN
	SELECT mode, reason INTO last FROM segment_table_run WHERE segment_table::regclass = refreshed ORDER BY run_id DESC LIMIT 1;
	IF last.mode <> 'incremental' THEN
		RAISE EXCEPTION '%: all customers were recomputed: %', refreshed, last.reason;
	END IF;
	RETURN ms;
END $$;

-- One change, and everybody who has to follow it. A refresh as of the moment it
-- has been for recomputes everybody.
CREATE PROCEDURE bench.compare_changed() LANGUAGE plpgsql AS $$
DECLARE
	frozen double precision;
	moving double precision;
	view_ms double precision;
	everybody double precision;
	recompute double precision;
BEGIN
	FOR round IN 0 .. (SELECT rounds FROM bench.setting) LOOP
		CALL bench.purchase(0.01);
		frozen := bench.refresh('frozen_segments');
		COMMIT;
		view_ms := bench.cost('REFRESH MATERIALIZED VIEW CONCURRENTLY frozen_view', NULL);
		COMMIT;
		moving := bench.refresh('moving_segments');
		COMMIT;
		everybody := bench.cost('SELECT refresh_segment_table(segment_table, as_of) FROM segment_table_definition
			WHERE segment_table = ''moving_segments''::regclass', NULL);
		COMMIT;
		recompute := bench.cost('CALL bench.recompute()', NULL);
		COMMIT;
		IF round > 0 THEN
			INSERT INTO bench.timing VALUES
				('1 % changed, frozen breaks, beside MATERIALIZED VIEW CONCURRENTLY', 25, round, frozen, view_ms),
				('1 % changed, breaks found anew, beside MATERIALIZED VIEW CONCURRENTLY', 8, round, moving, view_ms),
				('everybody recomputed, beside MATERIALIZED VIEW CONCURRENTLY', 2, round, everybody, view_ms),
				('1 % changed, frozen breaks, beside SQL into a keyed table', 20, round, frozen, recompute);
			COMMIT;
		END IF;
	END LOOP;
END $$;
CALL bench.compare_changed();
SELECT bench.check_equal('frozen breaks', (SELECT count(*) FROM (
	(SELECT customer_id, first_order_at, previous_order_at, last_order_at, orders, refunds, revenue, average_order_value, r, f, m, rfm_cell, segment
	 FROM frozen_segments EXCEPT ALL TABLE frozen_view)
	UNION ALL
	(TABLE frozen_view
	 EXCEPT ALL SELECT customer_id, first_order_at, previous_order_at, last_order_at, orders, refunds, revenue, average_order_value, r, f, m, rfm_cell, segment
	 FROM frozen_segments)) d));
SELECT bench.check_equal('breaks found anew', (SELECT count(*) FROM (
	(SELECT customer_id, last_order_at, orders, revenue, r, f, m FROM moving_segments EXCEPT ALL TABLE keyed)
	UNION ALL (TABLE keyed EXCEPT ALL SELECT customer_id, last_order_at, orders, revenue, r, f, m FROM moving_segments)) d));
DROP MATERIALIZED VIEW frozen_view;

-- Changes of every size. What a full recompute costs does not depend on them.
CREATE PROCEDURE bench.compare_sizes() LANGUAGE plpgsql AS $$
DECLARE
	nothing double precision;
	nothing_moving double precision;
	few double precision;
	many double precision;
	unindexed double precision;
	recompute double precision;
BEGIN
	FOR round IN 0 .. (SELECT rounds FROM bench.setting) LOOP
		PERFORM refresh_segment_table('moving_segments');
		COMMIT;
		nothing := bench.refresh('frozen_segments');
		COMMIT;
		nothing_moving := bench.refresh('moving_segments');
		COMMIT;
		CALL bench.purchase(0.001);
		few := bench.refresh('frozen_segments');
		COMMIT;
		CALL bench.purchase(0.1);
		many := bench.refresh('frozen_segments');
		COMMIT;
		DROP INDEX purchases_customer;
		CALL bench.purchase(0.01);
		unindexed := bench.refresh('frozen_segments');
		COMMIT;
		CREATE INDEX purchases_customer ON purchases (customer_id);
		COMMIT;
		recompute := bench.cost('CALL bench.recompute()', NULL);
		COMMIT;
		IF round > 0 THEN
			INSERT INTO bench.timing VALUES
				('nothing changed, frozen breaks, beside SQL into a keyed table', 100, round, nothing, recompute),
				('nothing changed, breaks found anew, beside SQL into a keyed table', 100, round, nothing_moving, recompute),
				('0.1 % changed, frozen breaks, beside SQL into a keyed table', NULL, round, few, recompute),
				('10 % changed, frozen breaks, beside SQL into a keyed table', NULL, round, many, recompute),
				('1 % changed, no index on the customer, beside SQL into a keyed table', NULL, round, unindexed, recompute);
			COMMIT;
		END IF;
	END LOOP;
END $$;
CALL bench.compare_sizes();
SELECT bench.check_equal('frozen breaks, changes of every size', (SELECT count(*) FROM verify_segment_table('frozen_segments')));
SELECT refresh_segment_table('moving_segments');
SELECT bench.check_equal('breaks found anew, changes of every size', (SELECT count(*) FROM verify_segment_table('moving_segments')));

SELECT drop_segment_table('frozen_segments');
SELECT drop_segment_table('moving_segments');
DROP TABLE purchases, keyed;
