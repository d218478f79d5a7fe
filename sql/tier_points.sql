-- Tiers by points: what was earned counts, less what of it was reversed, whatever became of it.
SET search_path = public, customer_scoring;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
INSERT INTO points_programme (name) VALUES ('tier club'), ('tier other');
INSERT INTO tier_policy (name, scheme, basis, points_programme, length, hold, time_zone)
VALUES ('by points', 'bronze 1, silver 100, gold 500', 'points', 'tier club', '6 months', '3 months', 'UTC');
DO $$
DECLARE
	mistaken bigint;
BEGIN
	PERFORM earn_points('tier club', 'ann', 60, 'order 1', '2024-01-10');
	PERFORM earn_points('tier club', 'ann', 450.5, 'order 2', '2024-02-10');
	PERFORM redeem_points('tier club', 'ann', 200, 'gift 1', '2024-03-01');
	mistaken := earn_points('tier club', 'bob', 700, 'order 3', '2024-02-01');
	PERFORM earn_points('tier club', 'bob', 20, 'order 4', '2024-02-02');
	PERFORM reverse_points(mistaken, 'mistake', '2024-02-03');
	PERFORM earn_points('tier other', 'eve', 900, 'order 5', '2024-02-01');
	PERFORM earn_points('tier club', 'zoe', 5, 'order 6', '2025-02-01');
END
$$;
SELECT customer, tier, tier_rank, since, until, reason, basis, to_keep, to_next FROM evaluate_tiers('by points', '2024-02-02') ORDER BY 1;
SELECT customer, tier, tier_rank, since, until, reason, basis, to_keep, to_next FROM evaluate_tiers('by points', '2024-04-01') ORDER BY 1;
SELECT customer, tier, tier_rank, since, until, reason, basis, to_keep, to_next FROM evaluate_tiers('by points', '2025-03-01') ORDER BY 1;
-- equal to the functions beneath
SELECT count(*) FILTER (WHERE (e.tier, e.since, e.until, e.basis) IS DISTINCT FROM ((s).tier, (s).since, (s).until, (s).basis)) AS wrong, count(*)
FROM unnest('{2024-02-01, 2024-02-02, 2024-06-01, 2024-12-01, 2026-01-01}'::timestamptz[]) m, LATERAL evaluate_tiers('by points', m) e
JOIN LATERAL (SELECT p.customer, tier_standing((SELECT terms FROM tier_policy WHERE name = 'by points'), tier_ledger(p.entered_at, p.points), m) AS s
	FROM points_entry p WHERE p.programme = 'tier club' AND (p.kind = 'earn' OR p.kind = 'reverse') GROUP BY p.customer) f USING (customer);
-- who may not read points may not evaluate
CREATE ROLE points_reader;
GRANT SELECT ON tier_history TO points_reader;
SET ROLE points_reader;
SELECT evaluate_tiers('by points', now());
RESET ROLE;
REVOKE ALL ON tier_history FROM points_reader;
DROP ROLE points_reader;
DELETE FROM tier_policy WHERE name = 'by points';
-- nothing is left for other tests
SET client_min_messages = warning;
ALTER TABLE points_entry DISABLE TRIGGER refuse_change;
ALTER TABLE points_allocation DISABLE TRIGGER refuse_change;
TRUNCATE points_entry, points_allocation, points_programme;
ALTER TABLE points_entry ENABLE TRIGGER refuse_change;
ALTER TABLE points_allocation ENABLE TRIGGER refuse_change;
