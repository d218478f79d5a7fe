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

-- What was earned is taken back: from other lots what was spent of it, below zero where the programme lets it; the next points pay what is owed.
SELECT reverse_points((SELECT entry_id FROM points_entry WHERE customer = 'b' AND points = 20 AND kind = 'earn'), NULL, '2024-01-13');
SELECT earn_points('free', 'c', 100, 'o1') AS lot \gset
SELECT redeem_points('free', 'c', 70) > 0 AS redeemed;
SELECT reverse_points(:lot, 'return of o1') AS back \gset
SELECT points_balance('free', 'c');
SELECT redeem_points('free', 'c', 1);
SELECT earn_points('free', 'c', 50, 'o2') > 0 AS earned, earn_points('free', 'c', 50, 'o3') > 0 AS earned;
SELECT points_balance('free', 'c');
SELECT reverse_points(:lot, 'return of o1') = :back AS same;
-- other lots pay before anything is owed, also where nothing may be
INSERT INTO points_programme (name, pending, expire_after, time_zone) VALUES ('strict', '10 days', '1 year', 'UTC');
SELECT earn_points('strict', 'g', 100, 'o1', '2024-01-01') AS lot \gset
SELECT earn_points('strict', 'g', 60, 'o2', '2024-01-02') > 0 AS earned, earn_points('strict', 'g', 60, 'o3', '2024-02-01') > 0 AS earned;
SELECT redeem_points('strict', 'g', 110, NULL, '2024-02-05') > 0 AS redeemed;
SELECT reverse_points(:lot, NULL, '2024-02-06') AS back \gset
SELECT l.reference AS lot, a.points AS taken FROM points_allocation a JOIN points_entry l ON l.entry_id = a.lot WHERE a.entry = :back ORDER BY a.lot;
SELECT points_balance('strict', 'g', '2024-02-12'), points_pending('strict', 'g', '2024-02-10');
SELECT reverse_points(entry_id, NULL, '2024-02-07') FROM points_entry WHERE programme = 'strict' AND reference = 'o2';
-- when everything is taken back nothing is owed, whenever one asks; points that are given back pay what is owed first
INSERT INTO points_programme (name, time_zone, allow_negative) VALUES ('lenient', 'UTC', true);
SELECT earn_points('lenient', 'h', 100, NULL, '2024-01-01') AS lot, redeem_points('lenient', 'h', 70, NULL, '2024-01-02') AS spent \gset
SELECT reverse_points(:lot, NULL, '2024-01-03') AS unearned, reverse_points(:spent, NULL, '2024-01-04') AS back \gset
SELECT lot = :unearned AS paid_debt, points FROM points_allocation WHERE entry = :back;
SELECT at, points_balance('lenient', 'h', at) FROM (VALUES (timestamptz '2024-01-01'), ('2024-01-02'), ('2024-01-03'), ('2024-01-04'), ('2025-01-04')) t (at);
-- before it was made nothing is taken back
SELECT reverse_points(redeem_points('strict', 'g', 10, NULL, '2024-03-01'), NULL, '2024-02-28') IS NOT NULL FROM (SELECT earn_points('strict', 'g', 20, NULL, '2024-02-02')) x;

-- Asking again with the same reference gives the same entry; saying something else is an error.
SELECT earn_points('free', 'd', 5, 'x') = earn_points('free', 'd', 5, 'x') AS same;
SELECT earn_points('free', 'd', 6, 'x');
SELECT earn_points('free', 'e', 5, 'x');
SELECT redeem_points('free', 'd', 4, 'x') = redeem_points('free', 'd', 4, 'x') AS same;
SELECT donate_points('free', 'd', 1, 'A', 'x') = donate_points('free', 'd', 1, 'A', 'x') AS same;
SELECT donate_points('free', 'd', 1, 'B', 'x');
SELECT points_balance('free', 'd'), points_balance('free', 'nobody');

-- Expiry is entered once, at the moment at which it was.
SELECT expire_points('club', '2024-03-01'), expire_points('club', '2024-03-01');
SELECT customer, points, entered_at FROM points_entry WHERE kind = 'expire' ORDER BY 1, 3;
-- what is given back to a lot that has expired goes then, not before
SELECT reverse_points(entry_id, NULL, '2024-03-05') IS NOT NULL AS reversed, points_balance('club', 'a', '2024-03-05') FROM points_entry WHERE reference = 'gift';
SELECT expire_points('club', '2024-03-06');
SELECT points, entered_at FROM points_entry WHERE kind = 'expire' AND customer = 'a' ORDER BY entry_id;
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
SELECT earn_points('club', 'a', 5, NULL, NULL);
SELECT expire_points('none');
SELECT expire_points(NULL);
SELECT expire_points('club', 'infinity');
SELECT points_balance('none', 'a');
SELECT points_pending('none', 'a');
SELECT points_balance(NULL, 'a'), points_balance('club', NULL), points_pending('club', 'a', NULL);
INSERT INTO points_programme (name, time_zone) VALUES ('bad', 'No/Zone');
INSERT INTO points_programme (name, pending) VALUES ('bad', '-1 day');
INSERT INTO points_programme (name, pending, expire_after) VALUES ('bad', '1 month', '1 month');

-- Nothing is changed behind the ledger's back, and nobody reaches it who is not granted it.
UPDATE points_entry SET points = 5;
DELETE FROM points_allocation;
TRUNCATE points_entry;
DELETE FROM points_programme WHERE name = 'club';
UPDATE points_programme SET name = 'other' WHERE name = 'club';
UPDATE points_programme SET allow_negative = false WHERE name = 'club';
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

-- Random entries against a model that knows no allocations: lots are rows that are counted down, debts a number.
INSERT INTO points_programme (name, pending, expire_after, time_zone, allow_negative) VALUES ('owing', '1 day', '1 month', 'Asia/Jakarta', true);
CREATE TABLE lot (id bigint PRIMARY KEY, programme text, customer text, points numeric, rest numeric, available timestamptz, expires timestamptz, expired numeric DEFAULT 0);
CREATE TABLE taking (entry bigint, id bigint, points numeric);
CREATE TABLE debt (programme text, customer text, owed numeric, PRIMARY KEY (programme, customer));
CREATE TABLE seen (programme text, customer text, at timestamptz, balance numeric);
CREATE FUNCTION model_balance(programme text, customer text, at timestamptz) RETURNS numeric LANGUAGE sql AS $$
	SELECT coalesce((SELECT sum(rest) FROM lot l WHERE l.programme = $1 AND l.customer = $2 AND available <= at AND expires > at), 0)
	     - coalesce((SELECT owed FROM debt d WHERE d.programme = $1 AND d.customer = $2), 0)
$$;
-- count down lots that are not expired, in their order; what they do not hold
CREATE FUNCTION model_take(entry bigint, programme text, customer text, points numeric, at timestamptz, and_pending boolean) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
	l record;
BEGIN
	FOR l IN SELECT * FROM lot x WHERE x.programme = $2 AND x.customer = $3 AND (available <= at OR and_pending) AND expires > at AND rest > 0 ORDER BY expires, id LOOP
		EXIT WHEN points = 0;
		UPDATE lot SET rest = rest - least($4, l.rest) WHERE id = l.id;
		INSERT INTO taking VALUES (entry, l.id, least($4, l.rest));
		points := points - least(points, l.rest);
	END LOOP;
	RETURN points;
END $$;
-- pay what is owed; what is left after that
CREATE FUNCTION model_pay(programme text, customer text, points numeric) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
	part numeric := least(points, coalesce((SELECT owed FROM debt d WHERE d.programme = $1 AND d.customer = $2), 0));
BEGIN
	UPDATE debt d SET owed = owed - part WHERE d.programme = $1 AND d.customer = $2;
	RETURN points - part;
END $$;
DO $$
DECLARE
	at timestamptz := '2025-01-01';
	name text;
	who text;
	wanted numeric;
	found record;
	t record;
	entry bigint;
	left_of numeric;
	refused int := 0;
	done int := 0;
	owed_once int := 0;
BEGIN
	PERFORM setseed(0.3);
	FOR i IN 1 .. 800 LOOP
		at := at + random() * interval '12 hours';
		name := CASE WHEN random() < 0.5 THEN 'club' ELSE 'owing' END;
		who := 'r' || floor(random() * 3);
		wanted := round((random() * 40 + 0.01)::numeric, 2);
		left_of := model_balance(name, who, at);
		IF left_of <> points_balance(name, who, at) THEN RAISE '%: balance of % is % and not %', i, who, points_balance(name, who, at), left_of; END IF;
		BEGIN
			CASE floor(random() * 7)::int
			WHEN 0, 1 THEN
				entry := earn_points(name, who, wanted, NULL, at);
				INSERT INTO lot SELECT e.entry_id, name, who, wanted, model_pay(name, who, wanted), e.available_from, e.expires_at FROM points_entry e WHERE e.entry_id = entry;
			WHEN 2, 3 THEN
				IF random() < 0.5 THEN entry := redeem_points(name, who, wanted, NULL, at); ELSE entry := donate_points(name, who, wanted, 'x', NULL, at); END IF;
				IF left_of < wanted THEN RAISE 'redeemed too much'; END IF;
				PERFORM model_take(entry, name, who, wanted, at, false);
			WHEN 4, 5 THEN
				SELECT * INTO found FROM points_entry e WHERE e.programme = name AND e.customer = who AND e.kind IN ('earn', 'redeem', 'donate') AND NOT EXISTS (SELECT FROM points_entry r WHERE r.reverses = e.entry_id) ORDER BY random() LIMIT 1;
				CONTINUE WHEN found.entry_id IS NULL;
				entry := reverse_points(found.entry_id, NULL, at);
				IF found.kind = 'earn' THEN
					SELECT l.points - l.expired - l.rest INTO wanted FROM lot l WHERE id = found.entry_id;
					UPDATE lot SET rest = 0 WHERE id = found.entry_id;
					wanted := model_take(entry, name, who, wanted, at, true);
					IF wanted > 0 AND name = 'club' THEN RAISE 'took back too much'; END IF;
					IF wanted > 0 THEN owed_once := owed_once + 1; END IF;
					INSERT INTO debt AS d VALUES (name, who, wanted) ON CONFLICT (programme, customer) DO UPDATE SET owed = d.owed + wanted;
				ELSE
					wanted := -found.points - model_pay(name, who, -found.points);
					FOR t IN SELECT x.* FROM taking x JOIN lot l USING (id) WHERE x.entry = found.entry_id ORDER BY l.expires, l.id LOOP
						UPDATE lot SET rest = rest + t.points - least(wanted, t.points) WHERE id = t.id;
						wanted := wanted - least(wanted, t.points);
					END LOOP;
				END IF;
			ELSE
				PERFORM expire_points(name, at);
				UPDATE lot SET expired = expired + rest, rest = 0 WHERE programme = name AND expires <= at;
			END CASE;
			done := done + 1;
		EXCEPTION WHEN SQLSTATE 'KA013' THEN
			refused := refused + 1;
		END;
		INSERT INTO seen VALUES (name, who, at, points_balance(name, who, at));
	END LOOP;
	RAISE NOTICE 'done more than 400: %, refused more than 50: %, owed more than 10 times: %', done > 400, refused > 50, owed_once > 10;
END $$;
-- The balance of a past moment is what it was then.
SELECT count(*) AS moments, count(*) FILTER (WHERE balance <> points_balance(programme, customer, at)) AS wrong FROM seen;
-- Conservation: what came and went adds up to what is left less what is owed, for each customer; no lot gives more than it has, or gets more.
SELECT count(*) AS customers, count(*) FILTER (WHERE total <> left_over - owed) AS wrong
FROM (SELECT programme, customer, sum(points) AS total,
             coalesce(sum(points - taken) FILTER (WHERE kind = 'earn'), 0) AS left_over,
             coalesce(sum(-points - gave + taken) FILTER (WHERE kind = 'reverse' AND points < 0), 0) AS owed
      FROM points_entry e,
           LATERAL (SELECT coalesce(sum(a.points), 0) AS taken FROM points_allocation a WHERE a.lot = e.entry_id) t,
           LATERAL (SELECT coalesce(sum(a.points), 0) AS gave FROM points_allocation a WHERE a.entry = e.entry_id) g
      GROUP BY 1, 2) s;
SELECT count(*) AS lots_out_of_bounds FROM points_entry e, LATERAL (SELECT coalesce(sum(a.points), 0) AS taken FROM points_allocation a WHERE a.lot = e.entry_id) t WHERE kind = 'earn' AND taken NOT BETWEEN 0 AND points;
SELECT count(*) AS not_allocated FROM points_entry e WHERE (kind IN ('redeem', 'donate', 'expire') OR kind = 'reverse' AND points > 0) AND -points <> (SELECT sum(a.points) FROM points_allocation a WHERE a.entry = e.entry_id);
SELECT expire_points('club', '2030-01-01') >= 0 AND expire_points('owing', '2030-01-01') >= 0 AS expired;
SELECT count(*) AS customers, count(*) FILTER (WHERE total <> points_balance(programme, customer, '2030-01-01')) AS wrong
FROM (SELECT programme, customer, sum(points) AS total FROM points_entry WHERE programme IN ('club', 'owing') GROUP BY 1, 2) s;
DROP FUNCTION model_balance, model_take, model_pay;
DROP TABLE lot, taking, debt, seen;
-- nothing is left for other tests
SET client_min_messages = warning;
ALTER TABLE points_entry DISABLE TRIGGER refuse_change;
ALTER TABLE points_allocation DISABLE TRIGGER refuse_change;
TRUNCATE points_entry, points_allocation, points_programme;
ALTER TABLE points_entry ENABLE TRIGGER refuse_change;
ALTER TABLE points_allocation ENABLE TRIGGER refuse_change;
