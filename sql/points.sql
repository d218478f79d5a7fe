-- The ledger of points: lots, expiry, reversals, idempotency, conservation.

SET search_path = public, customer_scoring;
SET timezone = 'UTC';
\set SHOW_CONTEXT never
INSERT INTO points_programme (name, pending, expire_after, time_zone) VALUES ('club', '1 day', '1 month', 'Asia/Jakarta');
INSERT INTO points_programme (name, expire_after, allow_negative) VALUES ('free', NULL, true);

-- Pending, available, expired.
SELECT earn_points('club', 'a', 100, 'order 1', '2024-01-31 00:00+07') = (SELECT max(entry_id) FROM points_entry) AS entered;
SELECT points, available_from, expires_at FROM points_entry;
SELECT at, points_balance('club', 'a', at) AS balance, points_pending('club', 'a', at) AS pending FROM (VALUES (timestamptz '2024-01-31 00:00+07'), ('2024-01-31 23:59+07'), ('2024-02-01 00:00+07'), ('2024-02-28 23:59+07'), ('2024-02-29 00:00+07')) t (at);
SELECT redeem_points('club', 'a', 10, NULL, '2024-01-31 12:00+07');
SELECT redeem_points('club', 'a', 0.5, 'gift', '2024-02-02') > 0 AS redeemed;
SELECT redeem_points('club', 'a', 100, NULL, '2024-02-02');
\errverbose
SELECT redeem_points('club', 'a', 10, NULL, '2024-03-01');

-- Those that expire first go first; a reversal gives back to where points came from.
SELECT earn_points('club', 'b', 10, NULL, '2024-01-02'), earn_points('club', 'b', 20, NULL, '2024-01-01'), earn_points('club', 'b', 30, NULL, '2024-01-03') \gset e_
SELECT redeem_points('club', 'b', 25, NULL, '2024-01-10') AS spent \gset
SELECT l.points AS lot, a.points AS taken FROM points_allocation a JOIN points_entry l ON l.entry_id = a.lot WHERE a.entry = :spent ORDER BY l.expires_at;
SELECT reverse_points(:spent, NULL, '2024-01-11') AS back \gset
SELECT l.points AS lot, a.points AS taken FROM points_allocation a JOIN points_entry l ON l.entry_id = a.lot WHERE a.entry = :back ORDER BY l.expires_at;
SELECT points_balance('club', 'b', '2024-01-09'), points_balance('club', 'b', '2024-01-10'), points_balance('club', 'b', '2024-01-11');
SELECT reverse_points(:spent);
SELECT reverse_points(:back);
SELECT reverse_points(-1);
SELECT donate_points('club', 'b', 20, 'Red Cross', NULL, '2024-01-12') > 0 AS donated;
SELECT donate_points('club', 'b', 20, NULL);
SELECT kind, points, beneficiary FROM points_entry WHERE beneficiary IS NOT NULL;

-- What was earned is taken back: all of it, or not, or below zero where the programme lets it; the next points pay what is owed.
SELECT reverse_points((SELECT entry_id FROM points_entry WHERE customer = 'b' AND points = 20 AND kind = 'earn'), NULL, '2024-01-13');
SELECT earn_points('free', 'c', 100, 'o1') AS lot \gset
SELECT redeem_points('free', 'c', 70) > 0 AS redeemed;
SELECT reverse_points(:lot, 'return of o1') AS back \gset
SELECT points_balance('free', 'c');
SELECT redeem_points('free', 'c', 1);
SELECT earn_points('free', 'c', 50, 'o2') > 0 AS earned, earn_points('free', 'c', 50, 'o3') > 0 AS earned;
SELECT points_balance('free', 'c');
SELECT reverse_points(:lot, 'return of o1') = :back AS same;

-- Asking again with the same reference gives the same entry; saying something else is an error.
SELECT earn_points('free', 'd', 5, 'x') = earn_points('free', 'd', 5, 'x') AS same;
SELECT earn_points('free', 'd', 6, 'x');
SELECT earn_points('free', 'e', 5, 'x');
SELECT redeem_points('free', 'd', 5, 'x') = redeem_points('free', 'd', 5, 'x') AS same;
SELECT points_balance('free', 'd'), points_balance('free', 'nobody');

-- Expiry is entered once, at the moment at which it was.
SELECT expire_points('club', '2024-03-01'), expire_points('club', '2024-03-01');
SELECT customer, points, entered_at FROM points_entry WHERE kind = 'expire' ORDER BY 1, 3;
SELECT points_balance('club', 'b', '2024-01-31'), points_balance('club', 'b', '2024-03-01');

-- Bad entries.
SELECT earn_points('none', 'a', 5);
SELECT earn_points('club', NULL, 5);
SELECT earn_points('club', 'a', NULL);
SELECT earn_points('club', 'a', 0);
SELECT earn_points('club', 'a', -5);
SELECT earn_points('club', 'a', 'NaN');
SELECT earn_points('club', 'a', 'Infinity');
SELECT earn_points('club', 'a', 5, NULL, 'infinity');
INSERT INTO points_programme (name, time_zone) VALUES ('bad', 'No/Zone');
INSERT INTO points_programme (name, pending) VALUES ('bad', '-1 day');

-- Nothing is changed behind the ledger's back, and nobody reaches it who is not granted it.
UPDATE points_entry SET points = 5;
DELETE FROM points_allocation;
TRUNCATE points_entry CASCADE;
CREATE ROLE regress_points_clerk;
SET ROLE regress_points_clerk;
SELECT points_balance('club', 'b');
SELECT count(*) FROM points_entry;
RESET ROLE;
GRANT EXECUTE ON FUNCTION earn_points, points_balance TO regress_points_clerk;
SET ROLE regress_points_clerk;
SELECT earn_points('free', 'f', 5) > 0 AS earned;
SELECT points_balance('free', 'f');
SELECT count(*) FROM points_entry;
SELECT redeem_points('free', 'f', 5);
RESET ROLE;
REVOKE ALL ON FUNCTION earn_points, points_balance FROM regress_points_clerk;
DROP ROLE regress_points_clerk;

-- Random entries against a model that knows no allocations: lots as rows that are counted down.
CREATE TABLE lot (id bigint PRIMARY KEY, customer text, rest numeric, available timestamptz, expires timestamptz);
CREATE TABLE taking (entry bigint, id bigint, points numeric);
DO $$
<<points>>
DECLARE
	at timestamptz := '2025-01-01';
	who text;
	wanted numeric;
	entry bigint;
	left_of numeric;
	l record;
	refused int := 0;
	done int := 0;
BEGIN
	PERFORM setseed(0.3);
	FOR i IN 1 .. 700 LOOP
		at := at + random() * interval '20 hours';
		who := 'r' || floor(random() * 4);
		wanted := round((random() * 40 + 0.01)::numeric, 2);
		BEGIN
			CASE floor(random() * 6)::int
			WHEN 0, 1 THEN
				entry := earn_points('club', who, wanted, NULL, at);
				INSERT INTO lot SELECT e.entry_id, e.customer, e.points, e.available_from, e.expires_at FROM points_entry e WHERE e.entry_id = entry;
			WHEN 2, 3 THEN
				SELECT coalesce(sum(rest), 0) INTO left_of FROM lot WHERE customer = who AND available <= at AND expires > at;
				IF left_of <> points_balance('club', who, at) THEN RAISE 'balance of % is % and not %', who, points_balance('club', who, at), left_of; END IF;
				IF random() < 0.5 THEN entry := redeem_points('club', who, wanted, NULL, at); ELSE entry := donate_points('club', who, wanted, 'x', NULL, at); END IF;
				IF left_of < wanted THEN RAISE 'redeemed too much'; END IF;
				FOR l IN SELECT * FROM lot WHERE customer = who AND available <= at AND expires > at AND rest > 0 ORDER BY expires, id LOOP
					EXIT WHEN wanted = 0;
					UPDATE lot SET rest = rest - least(wanted, l.rest) WHERE id = l.id;
					INSERT INTO taking VALUES (entry, l.id, least(wanted, l.rest));
					wanted := wanted - least(wanted, l.rest);
				END LOOP;
			WHEN 4 THEN
				SELECT e.entry_id INTO entry FROM points_entry e WHERE e.customer = who AND e.kind IN ('earn', 'redeem', 'donate') AND NOT EXISTS (SELECT FROM points_entry r WHERE r.reverses = e.entry_id) ORDER BY random() LIMIT 1;
				CONTINUE WHEN entry IS NULL;
				PERFORM reverse_points(entry, NULL, at);
				UPDATE lot SET rest = rest + t.points FROM taking t WHERE t.entry = points.entry AND t.id = lot.id;
				UPDATE lot SET rest = 0 WHERE id = entry;
			ELSE
				PERFORM expire_points('club', at);
				UPDATE lot SET rest = 0 WHERE expires <= at;
			END CASE;
			done := done + 1;
		EXCEPTION WHEN SQLSTATE 'KA013' THEN
			refused := refused + 1;
		END;
	END LOOP;
	RAISE NOTICE 'done more than 300: %, refused more than 30: %', done > 300, refused > 30;
END $$;
-- Conservation: what came and went adds up to what is left, for each customer and for each lot.
SELECT count(*) AS customers, count(*) FILTER (WHERE total <> left_over - owed) AS wrong
FROM (SELECT programme, customer, sum(points) AS total,
             coalesce(sum(points - taken) FILTER (WHERE kind = 'earn'), 0) AS left_over,
             coalesce(sum(-points - gave) FILTER (WHERE kind = 'reverse' AND points < 0), 0) AS owed
      FROM points_entry e,
           LATERAL (SELECT coalesce(sum(a.points), 0) AS taken FROM points_allocation a WHERE a.lot = e.entry_id) t,
           LATERAL (SELECT coalesce(sum(a.points), 0) AS gave FROM points_allocation a WHERE a.entry = e.entry_id) g
      GROUP BY 1, 2) s;
SELECT count(*) AS lots_out_of_bounds FROM points_entry e, LATERAL (SELECT coalesce(sum(a.points), 0) AS taken FROM points_allocation a WHERE a.lot = e.entry_id) t WHERE kind = 'earn' AND taken NOT BETWEEN 0 AND points;
SELECT count(*) AS not_allocated FROM points_entry e WHERE kind IN ('redeem', 'donate', 'expire') AND -points <> (SELECT sum(a.points) FROM points_allocation a WHERE a.entry = e.entry_id);
DROP TABLE lot, taking;
-- nothing is left for other tests
SET client_min_messages = warning;
ALTER TABLE points_entry DISABLE TRIGGER refuse_change;
ALTER TABLE points_allocation DISABLE TRIGGER refuse_change;
TRUNCATE points_entry, points_allocation, points_programme;
ALTER TABLE points_entry ENABLE TRIGGER refuse_change;
ALTER TABLE points_allocation ENABLE TRIGGER refuse_change;
