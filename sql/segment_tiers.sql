-- The option tiers: columns that follow the orders and the clock, incremental equal
-- to full, and a history that tells of any moment what evaluate_tiers works out.
SET search_path = public, customer_scoring;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';

CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id text, ordered_at timestamptz, amount numeric(10,2), status text DEFAULT 'paid');
CREATE INDEX ON orders (customer_id);
INSERT INTO orders (customer_id, ordered_at, amount, status) VALUES
	('ann', '2023-03-01', 600, 'paid'), ('ann', '2023-05-01', 1500, 'paid'), ('bob', '2024-02-01', 100, 'paid'),
	('O''Hara "x"', '2025-01-05', 700, 'paid'), ('O''Hara "x"', '2025-02-01', -650, 'paid'), ('eve', '2025-01-05', 5000, 'open');

-- a policy is bound to the table that is made with it
INSERT INTO tier_policy (name, scheme) VALUES ('loyalty', 'bronze 0, silver 500, gold 2000');
SELECT create_segment_table('segments', 'orders', "only" => '{"status": ["paid"]}', tiers => 'loyalty', with_data => false);
SELECT name, segment_table FROM tier_policy;
SELECT column_name, data_type, col_description('segments'::regclass, ordinal_position) AS comment
FROM information_schema.columns WHERE table_name = 'segments' AND column_name LIKE 'tier%' ORDER BY ordinal_position;
SELECT mode, inserted FROM refresh_segment_table('segments', '2025-06-01');
SELECT customer_id, tier, tier_rank, tier_since, tier_until, due_at FROM segments ORDER BY 1;
SELECT tier, count(*) FROM segments_current GROUP BY 1 ORDER BY 1;
SELECT customer, at, tier, tier_rank, from_tier, since, until, reason FROM tier_history WHERE policy = 'loyalty' ORDER BY 1, 2;

-- a hold ends by time alone, a few are looked at
SELECT mode, updated FROM refresh_segment_table('segments', '2025-12-31 23:59:59.999999');
SELECT mode, updated FROM refresh_segment_table('segments', '2026-01-01');
SELECT customer_id, tier, tier_since, tier_until FROM segments WHERE customer_id = 'ann';
SELECT * FROM verify_segment_table('segments');
-- what a recorded history does not know yet
SELECT customer, old_tier, tier, reason FROM evaluate_tiers('loyalty', '2027-06-01') ORDER BY 1;

-- an order that came late replaces what it makes untrue; one that goes takes its history along
INSERT INTO orders (customer_id, ordered_at, amount) VALUES ('bob', '2023-12-01', 2500);
SELECT mode, updated FROM refresh_segment_table('segments', '2026-01-02');
SELECT at, tier, from_tier, until, reason FROM tier_history WHERE customer = 'bob' ORDER BY at;
DELETE FROM orders WHERE customer_id = 'bob';
SELECT mode, deleted FROM refresh_segment_table('segments', '2026-01-03');
SELECT count(*) FROM tier_history WHERE customer = 'bob';

-- other terms: everybody, and the run says why; what waits is pending
UPDATE tier_policy SET scheme = 'bronze 100, silver 300', time_zone = 'Asia/Jakarta' WHERE name = 'loyalty';
SELECT DISTINCT problem FROM verify_segment_table('segments');
SELECT mode FROM refresh_segment_table('segments', '2026-01-04');
SELECT reason FROM segment_table_run ORDER BY run_id DESC LIMIT 1;
SELECT customer_id, tier, tier_rank, tier_since, tier_until FROM segments ORDER BY 1;
SELECT * FROM verify_segment_table('segments');
UPDATE tier_policy SET name = 'renamed' WHERE name = 'loyalty';
SELECT refresh_segment_table('segments', '2026-01-05');
UPDATE tier_policy SET name = 'loyalty' WHERE name = 'renamed';
SELECT mode FROM refresh_segment_table('segments', '2026-01-05');

-- what it cannot be
SELECT alter_segment_table('segments', tiers => 'nothing');
SELECT alter_segment_table('segments', lookback => '1 year');
INSERT INTO tier_policy (name, scheme, basis, points_programme) VALUES ('pointed', 'a 1', 'points', 'club');
SELECT alter_segment_table('segments', tiers => 'pointed');
SELECT create_segment_table('more', 'orders', tiers => 'loyalty');
SELECT create_segment_table('more', 'orders', tiers => 'pointed');

-- off: the columns go, the history stays; on again
SELECT alter_segment_table('segments', tiers => '');
SELECT count(*) FROM information_schema.columns WHERE table_name IN ('segments', 'segments_current') AND column_name LIKE 'tier%';
SELECT mode FROM refresh_segment_table('segments', '2026-01-06');
SELECT count(*) > 0 AS kept FROM tier_history WHERE policy = 'loyalty';
SELECT alter_segment_table('segments', lookback => '1 year');
SELECT alter_segment_table('segments', tiers => 'loyalty');
SELECT alter_segment_table('segments', lookback => '0', tiers => 'loyalty');
SELECT tier, tier_rank FROM segments LIMIT 1;
SELECT mode FROM refresh_segment_table('segments', '2026-01-07');
SELECT * FROM verify_segment_table('segments');
-- with other sources and lifetime values beside: a customer without orders has no tier
CREATE TABLE people (customer_id text, joined date);
INSERT INTO people VALUES ('zoe', '2025-01-01'), ('ann', '2023-01-01');
SELECT add_segment_source('segments', 'customers', 'people');
SELECT alter_segment_table('segments', clv => 'true');
SELECT mode FROM refresh_segment_table('segments', '2026-01-08');
SELECT customer_id, tier, tier_rank FROM segments ORDER BY 1;
SELECT * FROM verify_segment_table('segments');

-- random steps over two programmes, one with grace in a zone with summer time, one by quarters with frozen breaks
TRUNCATE orders, people;
SELECT alter_segment_table('segments', clv => 'false', "only" => '{}');
UPDATE tier_policy SET scheme = 'a 50.5, b 300, c 900', length = '4 months', hold = '2 months', grace = '20 days', downgrade = 'one_down',
	time_zone = 'Europe/Berlin' WHERE name = 'loyalty';
INSERT INTO tier_policy (name, scheme, basis, period, hold, downgrade, time_zone) VALUES
	('quarterly', 'one 1, two 2, four 4', 'orders', 'quarter', '3 months', 'requalify', 'Asia/Jakarta');
SELECT create_segment_table('quarterly', 'orders', breaks => 'frozen', history => true, tiers => 'quarterly', with_data => false, time_zone => 'Asia/Jakarta');

CREATE FUNCTION differences(programme text, as_of timestamptz) RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*)
	FROM (SELECT customer, tier, tier_rank, since, until, reason FROM evaluate_tiers(programme, as_of) WHERE reason IS NOT NULL) e
	FULL JOIN (SELECT DISTINCT ON (customer) customer, tier, tier_rank, since, until, reason FROM tier_history
		WHERE policy = programme AND at <= as_of ORDER BY customer, at DESC) h ON e.customer = h.customer
	WHERE (e.customer, e.tier, e.tier_rank, e.since, e.until, e.reason) IS DISTINCT FROM (h.customer, h.tier, h.tier_rank, h.since, h.until, h.reason)
$$;
CREATE TABLE step (n integer, mode text, quarterly_mode text, wrong bigint, wrong_moments bigint, renewals bigint);
DO $$
DECLARE
	now_at timestamptz := '2024-01-01 12:00+00';
	result step;
BEGIN
	PERFORM setseed(0.31);
	FOR i IN 1..28 LOOP
		now_at := now_at + random() * interval '25 days';
		-- late, due and future rows, refunds, dates at midnight
		INSERT INTO orders (customer_id, ordered_at, amount)
		SELECT 'c' || floor(random() * 120), CASE WHEN random() < 0.2 THEN date_trunc('month', now_at) WHEN random() < 0.9
				THEN now_at - random() ^ 3 * interval '200 days' ELSE now_at + random() * interval '60 days' END,
			round((random() * 260 - 40)::numeric, 2) FROM generate_series(1, 12);
		UPDATE orders SET amount = amount / 2 WHERE id IN (SELECT id FROM orders ORDER BY random() LIMIT 2);
		UPDATE orders SET customer_id = 'c' || floor(random() * 120) WHERE id IN (SELECT id FROM orders ORDER BY random() LIMIT 1);
		DELETE FROM orders WHERE id IN (SELECT id FROM orders ORDER BY random() LIMIT 2);
		IF i % 10 = 0 THEN
			UPDATE tier_policy SET grace = CASE WHEN grace = '0' THEN interval '20 days' ELSE '0' END WHERE name = 'loyalty';
		END IF;
		COMMIT;
		result.n := i;
		result.mode := (SELECT mode FROM refresh_segment_table('segments', now_at));
		result.quarterly_mode := (SELECT mode FROM refresh_segment_table('quarterly', now_at));
		result.wrong := (SELECT count(*) FROM verify_segment_table('segments')) + (SELECT count(*) FROM verify_segment_table('quarterly'));
		result.wrong_moments := (SELECT sum(differences('loyalty', m) + differences('quarterly', m))
			FROM (SELECT now_at - j * j * interval '3 days' FROM generate_series(0, 9) j) x (m));
		result.renewals := (SELECT count(*) FROM tier_history WHERE reason IN ('renewed', 'grace', 'one_down', 'requalify'));
		INSERT INTO step SELECT result.*;
		COMMIT;
	END LOOP;
END
$$;
SELECT n, mode, quarterly_mode, wrong, wrong_moments FROM step WHERE wrong <> 0 OR wrong_moments <> 0 OR n IN (1, 2, 10, 20);
SELECT count(*) FILTER (WHERE mode = 'incremental') AS incremental, count(*) FILTER (WHERE quarterly_mode = 'incremental') AS quarterly_incremental,
	sum(wrong) AS wrong, sum(wrong_moments) AS wrong_moments, max(renewals) > 100 AS much_happens FROM step;
SELECT policy, reason, count(*) > 0 AS happens FROM tier_history GROUP BY 1, 2 ORDER BY 1, 2;
-- what a refresh wrote before is left alone: a refresh without news writes nothing
CREATE TABLE before AS SELECT xmin AS version, * FROM tier_history;
SELECT mode, updated FROM refresh_segment_table('quarterly', (SELECT max(as_of) FROM customer_scoring.segment_table_definition));
SELECT count(*) FROM (SELECT xmin AS version, * FROM tier_history EXCEPT SELECT * FROM before) x;

-- dropped: the policy is free, its history stays, a new table takes both up
SELECT count(*) > 0 AS kept FROM tier_history WHERE policy = 'quarterly';
SELECT drop_segment_table('quarterly');
SELECT segment_table IS NULL AS free FROM tier_policy WHERE name = 'quarterly';
SELECT evaluate_tiers('quarterly', '2025-01-01');
SELECT count(*) > 0 AS kept FROM tier_history WHERE policy = 'quarterly';
SELECT create_segment_table('again', 'orders', tiers => 'quarterly', with_data => false);
SELECT mode FROM refresh_segment_table('again', '2026-01-01');
SELECT differences('quarterly', m) FROM unnest('{2024-06-01, 2025-01-01, 2026-01-01}'::timestamptz[]) m;
DROP TABLE again CASCADE;
DROP TABLE step, before, people;
SELECT drop_segment_table('segments');
SELECT name, segment_table FROM tier_policy ORDER BY 1;
SET client_min_messages = warning;
DELETE FROM tier_policy;
DELETE FROM tier_history;
DROP TABLE orders CASCADE;
DROP FUNCTION differences;
