-- tier_policy and evaluate_tiers: what a policy can be, whose rights count, and that
-- an evaluation is the same as the functions beneath it.
SET search_path = public, customer_scoring;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET IntervalStyle = 'postgres';
CREATE ROLE tier_reader;
CREATE ROLE tier_owner;
GRANT CREATE ON SCHEMA public TO tier_owner;

-- bad rows are refused when they are written
INSERT INTO tier_policy (name, scheme) VALUES ('', 'a 1');
INSERT INTO tier_policy (name, scheme) VALUES (repeat('p', 64), 'a 1');
INSERT INTO tier_policy (name, scheme) VALUES ('p', NULL);
INSERT INTO tier_policy (name, scheme) VALUES ('p', 'a 1, b 1');
INSERT INTO tier_policy (name, scheme, basis) VALUES ('p', 'a 1', 'money');
INSERT INTO tier_policy (name, scheme, basis) VALUES ('p', 'a 1', 'points');
INSERT INTO tier_policy (name, scheme, points_programme) VALUES ('p', 'a 1', 'club');
INSERT INTO tier_policy (name, scheme, basis, points_programme, segment_table) VALUES ('p', 'a 1', 'points', 'club', 'pg_class');
INSERT INTO tier_policy (name, scheme, period) VALUES ('p', 'a 1', 'month');
INSERT INTO tier_policy (name, scheme, length) VALUES ('p', 'a 1', '0');
INSERT INTO tier_policy (name, scheme, start_month) VALUES ('p', 'a 1', 0);
INSERT INTO tier_policy (name, scheme, hold) VALUES ('p', 'a 1', '1 hour');
INSERT INTO tier_policy (name, scheme, grace) VALUES ('p', 'a 1', '-1 day');
INSERT INTO tier_policy (name, scheme, downgrade) VALUES ('p', 'a 1', 'never');
INSERT INTO tier_policy (name, scheme, time_zone) VALUES ('p', 'a 1', 'Mars');
INSERT INTO tier_policy (name, scheme) VALUES ('p', 'a 1');
UPDATE tier_policy SET time_zone = 'Mars';
SELECT name, terms FROM tier_policy;

-- who may: all read policies, few write them, histories are private
SET ROLE tier_reader;
SELECT count(*) FROM tier_policy;
INSERT INTO tier_policy (name, scheme) VALUES ('q', 'a 1');
SELECT count(*) FROM tier_history;
SELECT evaluate_tiers('p', now());
RESET ROLE;
GRANT SELECT ON tier_history TO tier_reader;
SET ROLE tier_reader;
SELECT evaluate_tiers('nothing', now());
SELECT evaluate_tiers('p', now());
SELECT evaluate_tiers(NULL, now());
SELECT evaluate_tiers('p', NULL);
SELECT evaluate_tiers('p', 'infinity');
RESET ROLE;

-- a policy without a segment table is taken by who may update it only
CREATE TABLE orders (customer bigint, at timestamp, total double precision, status text);
INSERT INTO orders SELECT i % 7, timestamp '2024-01-01' + i * interval '3 days', (i * 37 % 100) - 20.25, CASE WHEN i % 5 = 0 THEN 'open' ELSE 'paid' END
FROM generate_series(1, 100) i;
INSERT INTO orders VALUES (1, NULL, 5, 'paid'), (1, '2024-01-01', NULL, 'paid'), (NULL, '2024-01-01', 5, 'paid'), (1, '2024-01-01', 'NaN', 'paid'),
	(1, 'infinity', 5, 'paid'), (8, '2030-01-01', 500, 'paid'), (9, '2024-02-02', 500, 'open');
GRANT SELECT, TRIGGER ON orders TO tier_owner;
SET ROLE tier_owner;
SELECT create_segment_table('members', 'orders', 'customer', 'at', 'total', "only" => '{"status": ["paid"]}', time_zone => 'Asia/Jakarta', tiers => 'p');
SELECT create_segment_table('members', 'orders', 'customer', 'at', 'total', "only" => '{"status": ["paid"]}', time_zone => 'Asia/Jakarta', with_data => false);
RESET ROLE;
UPDATE tier_policy SET segment_table = 'members', scheme = 'bronze 0, silver 60, gold 150', length = '3 months';
SET ROLE tier_owner;
SELECT alter_segment_table('members', tiers => 'p');
SELECT mode FROM refresh_segment_table('members', '2024-10-01');
SELECT customer_id, tier, tier_rank FROM members ORDER BY 1;
SELECT count(*) FROM verify_segment_table('members');
-- the history is written for who may not read it
SELECT count(*) FROM tier_history;
SELECT evaluate_tiers('p', '2024-10-01');
RESET ROLE;
SELECT policy, count(*) > 7 AS much, count(DISTINCT customer) FROM tier_history GROUP BY 1;

-- an evaluation reads the source as the segment table does, with the rights of the caller
SELECT e.* FROM evaluate_tiers('p', '2024-10-01') e ORDER BY customer;
SELECT count(*) FILTER (WHERE (e.tier, e.tier_rank, e.since, e.until) IS DISTINCT FROM (m.tier, m.tier_rank, m.tier_since, m.tier_until)) AS wrong, count(*)
FROM evaluate_tiers('p', '2024-10-01') e FULL JOIN members m ON m.customer_id::text = e.customer;
SELECT count(*) FILTER (WHERE (e.tier, e.tier_rank, e.since, e.until, e.reason, e.basis, e.to_keep, e.to_next)
	IS DISTINCT FROM ((s).tier, (s).tier_rank, (s).since, (s).until, (s).reason, (s).basis, (s).to_keep, (s).to_next)) AS wrong, count(*)
FROM evaluate_tiers('p', '2024-10-01') e
FULL JOIN (SELECT customer::text, tier_standing((SELECT terms FROM tier_policy), tier_ledger(at AT TIME ZONE 'Asia/Jakarta', total), '2024-10-01') AS s
	FROM orders WHERE status = 'paid' AND customer IS NOT NULL AND total <> 'NaN' AND at AT TIME ZONE 'Asia/Jakarta' <= '2024-10-01' GROUP BY customer) o USING (customer);
SELECT count(*) FROM evaluate_tiers('p', '1999-01-01');
-- a moment that comes is looked at with what is known now
SELECT customer, old_tier, tier, reason, basis, to_keep, to_next FROM evaluate_tiers('p', '2031-01-01') WHERE customer IN ('1', '8') ORDER BY 1;
SET ROLE tier_reader;
SELECT evaluate_tiers('p', '2024-10-01');
RESET ROLE;
GRANT SELECT ON orders TO tier_reader;
SET ROLE tier_reader;
SELECT count(*) FROM evaluate_tiers('p', '2024-10-01');
RESET ROLE;
-- row-level security shows each caller what is his
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY low ON orders FOR SELECT TO tier_reader USING (customer < 3);
SET ROLE tier_reader;
SELECT count(*) FROM evaluate_tiers('p', '2024-10-01');
RESET ROLE;
SELECT count(*) FROM evaluate_tiers('p', '2024-10-01');
ALTER TABLE orders DISABLE ROW LEVEL SECURITY;

-- nothing of the caller's session gets in
SET TimeZone = 'America/New_York';
CREATE SCHEMA evil;
CREATE FUNCTION evil.tier_standing(tier_terms, tier_ledger, timestamptz) RETURNS tier_standing LANGUAGE plpgsql AS $$ BEGIN RAISE 'evil'; END $$;
SET search_path = evil, customer_scoring, public, pg_catalog;
SELECT customer, tier, since FROM evaluate_tiers('p', '2024-10-01 00:00+00') WHERE customer = '1';
SET search_path = public, customer_scoring;
SET TimeZone = 'UTC';
SELECT customer, tier, since FROM evaluate_tiers('p', '2024-10-01') WHERE customer = '1';

-- a policy of something that is no segment table
UPDATE tier_policy SET segment_table = 'orders';
SELECT evaluate_tiers('p', now());
SELECT refresh_segment_table('members', '2024-10-02');
DELETE FROM tier_policy;
SELECT refresh_segment_table('members', '2024-10-02');
SELECT * FROM verify_segment_table('members');
SELECT alter_segment_table('members', tiers => '');
SELECT mode FROM refresh_segment_table('members', '2024-10-02');
SELECT drop_segment_table('members');
DELETE FROM tier_history;
DROP SCHEMA evil CASCADE;
DROP TABLE orders;
REVOKE ALL ON tier_history FROM tier_reader;
REVOKE CREATE ON SCHEMA public FROM tier_owner;
DROP ROLE tier_reader, tier_owner;
