-- A ledger of loyalty points. Nothing in it is ever changed: what is taken back is a further entry.
--
-- An earn entry is a lot. What is spent is taken from lots, those that expire
-- first before others, and points_allocation says how much from which; so a
-- reversal gives back exactly what was taken. When points are taken back that
-- were spent, other lots pay; what they cannot pay is a debt of the reversal's
-- entry, paid before anything else by whatever comes next. So nobody has both
-- debts and points that could expire meanwhile. Whoever writes entries of a
-- customer updates the customer's row of points_account first: others wait, or
-- fail with 40001 if their snapshot is older.

CREATE TABLE customer_scoring.points_programme (
	name text PRIMARY KEY,
	pending interval NOT NULL DEFAULT '0',
	expire_after interval DEFAULT '12 months',
	time_zone text NOT NULL DEFAULT pg_catalog.current_setting('TimeZone'),
	allow_negative boolean NOT NULL DEFAULT false,
	CONSTRAINT points_programme_pending CHECK (pending >= interval '0'),
	CONSTRAINT points_programme_expire_after CHECK (expire_after > pending),
	CONSTRAINT points_programme_time_zone CHECK (pg_catalog.timezone(time_zone, timestamptz 'epoch') IS NOT NULL)
);
COMMENT ON TABLE customer_scoring.points_programme IS 'Programmes in which customers earn points';
COMMENT ON COLUMN customer_scoring.points_programme.name IS 'Name of the programme';
COMMENT ON COLUMN customer_scoring.points_programme.pending IS 'Time from earning points until they can be redeemed';
COMMENT ON COLUMN customer_scoring.points_programme.expire_after IS 'Time from earning points until they expire; NULL for never';
COMMENT ON COLUMN customer_scoring.points_programme.time_zone IS 'Zone in which these times are counted';
COMMENT ON COLUMN customer_scoring.points_programme.allow_negative IS 'Whether a balance may fall below zero when points are taken back that were spent';

CREATE TABLE customer_scoring.points_entry (
	entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	programme text NOT NULL,
	customer text NOT NULL,
	kind text NOT NULL,
	points numeric NOT NULL,
	entered_at timestamptz NOT NULL,
	available_from timestamptz,
	expires_at timestamptz,
	reference text,
	beneficiary text,
	reverses bigint UNIQUE,
	CONSTRAINT points_entry_kind CHECK (kind IN ('earn', 'redeem', 'donate', 'expire', 'reverse')),
	CONSTRAINT points_entry_sign CHECK (CASE kind WHEN 'earn' THEN points > 0 WHEN 'reverse' THEN true ELSE points < 0 END),
	CONSTRAINT points_entry_lot CHECK ((kind = 'earn') = (available_from IS NOT NULL)),
	CONSTRAINT points_entry_reverses CHECK ((kind = 'reverse') = (reverses IS NOT NULL))
);
COMMENT ON TABLE customer_scoring.points_entry IS 'Entries of points: only ever added to';
COMMENT ON COLUMN customer_scoring.points_entry.entry_id IS 'Number of the entry';
COMMENT ON COLUMN customer_scoring.points_entry.programme IS 'The programme';
COMMENT ON COLUMN customer_scoring.points_entry.customer IS 'The customer, as text';
COMMENT ON COLUMN customer_scoring.points_entry.kind IS 'earn, redeem, donate, expire or reverse';
COMMENT ON COLUMN customer_scoring.points_entry.points IS 'Points that came (above zero) or went';
COMMENT ON COLUMN customer_scoring.points_entry.entered_at IS 'When that happened';
COMMENT ON COLUMN customer_scoring.points_entry.available_from IS 'Of points that were earned: from when on they can be redeemed';
COMMENT ON COLUMN customer_scoring.points_entry.expires_at IS 'Of points that were earned: from when on they are worth nothing; NULL for never';
COMMENT ON COLUMN customer_scoring.points_entry.reference IS 'What it is for, for example an order; one entry of a kind and programme for each';
COMMENT ON COLUMN customer_scoring.points_entry.beneficiary IS 'Of points that were donated: to whom';
COMMENT ON COLUMN customer_scoring.points_entry.reverses IS 'The entry that is taken back, which can be once';
COMMENT ON SEQUENCE customer_scoring.points_entry_entry_id_seq IS 'Numbers of entries';
CREATE INDEX points_entry_customer ON customer_scoring.points_entry (programme, customer, kind, expires_at, entry_id);
COMMENT ON INDEX customer_scoring.points_entry_customer IS 'Entries of one customer';
CREATE UNIQUE INDEX points_entry_reference ON customer_scoring.points_entry (programme, kind, reference) WHERE reference IS NOT NULL;
COMMENT ON INDEX customer_scoring.points_entry_reference IS 'What points are for, which is entered once';
CREATE INDEX points_entry_expires ON customer_scoring.points_entry (programme, expires_at) WHERE expires_at IS NOT NULL;
COMMENT ON INDEX customer_scoring.points_entry_expires IS 'Points by when they expire';

CREATE TABLE customer_scoring.points_allocation (
	entry bigint NOT NULL,
	lot bigint NOT NULL,
	points numeric NOT NULL,
	PRIMARY KEY (entry, lot),
	CONSTRAINT points_allocation_points CHECK (points <> 0)
);
COMMENT ON TABLE customer_scoring.points_allocation IS 'Which points that were earned an entry took, or gave back: only ever added to';
COMMENT ON COLUMN customer_scoring.points_allocation.entry IS 'The entry that took or gave back points';
COMMENT ON COLUMN customer_scoring.points_allocation.lot IS 'The entry by which they were earned, or one that owes and was given them';
COMMENT ON COLUMN customer_scoring.points_allocation.points IS 'Points taken; below zero when they were given back';
CREATE INDEX points_allocation_lot ON customer_scoring.points_allocation (lot);
COMMENT ON INDEX customer_scoring.points_allocation_lot IS 'What was taken of points that were earned, and given back';

SELECT pg_catalog.pg_extension_config_dump('customer_scoring.points_programme', '');
SELECT pg_catalog.pg_extension_config_dump('customer_scoring.points_entry', '');
SELECT pg_catalog.pg_extension_config_dump('customer_scoring.points_entry_entry_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('customer_scoring.points_allocation', '');
GRANT SELECT, INSERT, UPDATE, DELETE ON customer_scoring.points_programme TO pg_database_owner;
GRANT SELECT ON customer_scoring.points_entry, customer_scoring.points_allocation TO pg_database_owner;
GRANT SELECT ON SEQUENCE customer_scoring.points_entry_entry_id_seq TO pg_database_owner;

CREATE TABLE customer_scoring_internal.points_account (
	programme text,
	customer text,
	uses bigint NOT NULL,
	PRIMARY KEY (programme, customer)
) WITH (fillfactor = 50);
COMMENT ON TABLE customer_scoring_internal.points_account IS 'Rows that are updated before entries of a customer are written';
COMMENT ON COLUMN customer_scoring_internal.points_account.programme IS 'The programme';
COMMENT ON COLUMN customer_scoring_internal.points_account.customer IS 'The customer';
COMMENT ON COLUMN customer_scoring_internal.points_account.uses IS 'How often it was updated';

-- But for erase_customer, which leaves points as they are, and takes the person from them.
CREATE FUNCTION customer_scoring_internal.refuse_points_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF TG_OP = 'UPDATE' AND customer_scoring_internal.erasing() THEN
		RETURN NULL;
	END IF;
	RAISE 'entries of points are never changed' USING ERRCODE = 'object_not_in_prerequisite_state',
		HINT = 'Take an entry back with reverse_points.';
END $$;
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON customer_scoring.points_entry
	FOR EACH STATEMENT EXECUTE FUNCTION customer_scoring_internal.refuse_points_change();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON customer_scoring.points_allocation
	FOR EACH STATEMENT EXECUTE FUNCTION customer_scoring_internal.refuse_points_change();

-- A programme stays as long as it has entries. Foreign keys would say so too, but
-- rows of a dump that is restored in parallel come in any order.
CREATE FUNCTION customer_scoring_internal.refuse_programme_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF EXISTS (SELECT FROM customer_scoring.points_entry e WHERE e.programme = old.name) AND (TG_OP = 'DELETE' OR new.name <> old.name) THEN
		RAISE 'programme % has entries', quote_literal(old.name) USING ERRCODE = 'foreign_key_violation', HINT = 'It stays, under its name.';
	END IF;
	RETURN CASE TG_OP WHEN 'DELETE' THEN old ELSE new END;
END $$;
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON customer_scoring.points_programme
	FOR EACH ROW EXECUTE FUNCTION customer_scoring_internal.refuse_programme_change();

CREATE FUNCTION customer_scoring_internal.check_points_programme(programme text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM customer_scoring.points_programme p WHERE p.name = programme) THEN
		RAISE 'programme % does not exist', coalesce(quote_literal(programme), 'NULL') USING ERRCODE = 'undefined_object',
			HINT = 'INSERT INTO customer_scoring.points_programme (name) first.';
	END IF;
END $$;

-- Keep others from the points of a customer, and the programme from going, until
-- this transaction ends.
CREATE FUNCTION customer_scoring_internal.take_points_account(programme text, customer text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM FROM customer_scoring.points_programme p WHERE p.name = programme FOR KEY SHARE;
	PERFORM customer_scoring_internal.check_points_programme(programme);
	IF customer IS NULL THEN
		RAISE 'customer must not be null' USING ERRCODE = 'null_value_not_allowed', HINT = 'Say whose points they are.';
	END IF;
	INSERT INTO customer_scoring_internal.points_account AS a VALUES (programme, customer, 1)
	ON CONFLICT ON CONSTRAINT points_account_pkey DO UPDATE SET uses = a.uses + 1;
END $$;

-- Lots of a customer that are there at a moment, and what is left of each: then,
-- and of that until now. This and points_debts become part of the queries that
-- call them.
CREATE FUNCTION customer_scoring_internal.points_lots(programme text, customer text, as_of timestamptz,
	OUT lot bigint, OUT expires_at timestamptz, OUT remaining numeric, OUT spendable numeric, OUT available boolean)
RETURNS SETOF record LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT l.entry_id, l.expires_at, l.points OPERATOR(pg_catalog.-) t.taken,
		least(l.points OPERATOR(pg_catalog.-) t.taken, l.points OPERATOR(pg_catalog.-) t.taken_until_now),
		l.available_from OPERATOR(pg_catalog.<=) $3
	FROM customer_scoring.points_entry l
	CROSS JOIN LATERAL (SELECT coalesce(pg_catalog.sum(a.points) FILTER (WHERE e.entered_at OPERATOR(pg_catalog.<=) $3), 0) AS taken,
			coalesce(pg_catalog.sum(a.points), 0) AS taken_until_now
		FROM customer_scoring.points_allocation a JOIN customer_scoring.points_entry e ON e.entry_id OPERATOR(pg_catalog.=) a.entry
		WHERE a.lot OPERATOR(pg_catalog.=) l.entry_id) t
	WHERE l.programme OPERATOR(pg_catalog.=) $1 AND l.customer OPERATOR(pg_catalog.=) $2 AND l.kind OPERATOR(pg_catalog.=) 'earn'
	  AND l.entered_at OPERATOR(pg_catalog.<=) $3 AND (l.expires_at IS NULL OR l.expires_at OPERATOR(pg_catalog.>) $3)
	  AND l.points OPERATOR(pg_catalog.>) t.taken;
END;

-- Entries of a customer that took back more than there was, and how much of it
-- is owed at a moment: not what lots paid, nor what was given to them.
CREATE FUNCTION customer_scoring_internal.points_debts(programme text, customer text, as_of timestamptz, OUT entry bigint, OUT owed numeric)
RETURNS SETOF record LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT d.entry_id, g.given OPERATOR(pg_catalog.-) d.points OPERATOR(pg_catalog.-) t.taken
	FROM customer_scoring.points_entry d
	CROSS JOIN LATERAL (SELECT coalesce(pg_catalog.sum(a.points), 0) AS taken
		FROM customer_scoring.points_allocation a JOIN customer_scoring.points_entry l ON l.entry_id OPERATOR(pg_catalog.=) a.lot
		WHERE a.entry OPERATOR(pg_catalog.=) d.entry_id AND l.entered_at OPERATOR(pg_catalog.<=) $3) t
	CROSS JOIN LATERAL (SELECT coalesce(pg_catalog.sum(a.points), 0) AS given
		FROM customer_scoring.points_allocation a JOIN customer_scoring.points_entry e ON e.entry_id OPERATOR(pg_catalog.=) a.entry
		WHERE a.lot OPERATOR(pg_catalog.=) d.entry_id AND e.entered_at OPERATOR(pg_catalog.<=) $3) g
	WHERE d.programme OPERATOR(pg_catalog.=) $1 AND d.customer OPERATOR(pg_catalog.=) $2 AND d.kind OPERATOR(pg_catalog.=) 'reverse'
	  AND d.points OPERATOR(pg_catalog.<) 0 AND d.entered_at OPERATOR(pg_catalog.<=) $3
	  AND g.given OPERATOR(pg_catalog.-) d.points OPERATOR(pg_catalog.>) t.taken;
END;

CREATE FUNCTION customer_scoring_internal.points_balance(programme text, customer text, as_of timestamptz) RETURNS numeric
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM customer_scoring_internal.check_points_programme(programme);
	RETURN coalesce((SELECT sum(l.remaining) FROM customer_scoring_internal.points_lots(programme, customer, as_of) l WHERE l.available), 0)
	     - coalesce((SELECT sum(d.owed) FROM customer_scoring_internal.points_debts(programme, customer, as_of) d), 0);
END $$;

CREATE FUNCTION customer_scoring_internal.points_pending(programme text, customer text, as_of timestamptz) RETURNS numeric
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM customer_scoring_internal.check_points_programme(programme);
	RETURN coalesce((SELECT sum(l.remaining) FROM customer_scoring_internal.points_lots(programme, customer, as_of) l WHERE NOT l.available), 0);
END $$;

CREATE FUNCTION customer_scoring_internal.check_points_moment(name text, moment timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF moment IS NULL THEN
		RAISE '% must not be null', name USING ERRCODE = 'null_value_not_allowed', HINT = 'Leave it out for now.';
	ELSIF NOT isfinite(moment) THEN
		RAISE '% must be finite, not %', name, moment USING ERRCODE = 'datetime_field_overflow', HINT = 'Leave it out for now.';
	END IF;
END $$;

CREATE FUNCTION customer_scoring_internal.check_points(points numeric) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF points IS NULL THEN
		RAISE 'points must not be null' USING ERRCODE = 'null_value_not_allowed', HINT = 'Say how many.';
	ELSIF points <= 0 OR points >= 1e20 THEN
		RAISE 'points must be above 0 and below 10^20, not %', points USING ERRCODE = 'numeric_value_out_of_range',
			HINT = 'Points that go are written with redeem_points, donate_points or reverse_points.';
	END IF;
END $$;

-- The entry of a reference that is there already; an error if it says something else.
CREATE FUNCTION customer_scoring_internal.points_entered(programme text, kind text, reference text, customer text, points numeric, beneficiary text, reverses bigint) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	found customer_scoring.points_entry;
BEGIN
	SELECT * INTO found FROM customer_scoring.points_entry e WHERE e.programme = $1 AND e.kind = $2 AND e.reference = $3;
	IF found.entry_id IS NULL THEN
		RETURN NULL;
	ELSIF found.customer = $4 AND (found.points = $5 AND found.beneficiary IS NOT DISTINCT FROM $6 OR found.reverses = $7) THEN
		RETURN found.entry_id;
	END IF;
	RAISE 'reference % is that of entry %, which is another one', quote_literal(reference), found.entry_id USING ERRCODE = 'unique_violation',
		DETAIL = format('It is of %s points of customer %s.', found.points, found.customer), HINT = 'Each entry of a kind has a reference of its own.';
END $$;

CREATE FUNCTION customer_scoring_internal.earn_points(programme text, customer text, points numeric, reference text, entered_at timestamptz) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	entry bigint;
	rest numeric := points;
	debt record;
BEGIN
	PERFORM customer_scoring_internal.check_points(points);
	PERFORM customer_scoring_internal.check_points_moment('entered_at', entered_at);
	PERFORM customer_scoring_internal.take_points_account(programme, customer);
	entry := customer_scoring_internal.points_entered(programme, 'earn', reference, customer, points, NULL, NULL);
	IF entry IS NOT NULL THEN
		RETURN entry;
	END IF;
	INSERT INTO customer_scoring.points_entry (programme, customer, kind, points, entered_at, available_from, expires_at, reference)
	SELECT $1, $2, 'earn', $3, $5, timezone(p.time_zone, timezone(p.time_zone, $5) + p.pending), timezone(p.time_zone, timezone(p.time_zone, $5) + p.expire_after), $4
	FROM customer_scoring.points_programme p WHERE p.name = $1
	RETURNING entry_id INTO entry;
	-- what is owed is paid first
	FOR debt IN SELECT * FROM customer_scoring_internal.points_debts(programme, customer, 'infinity') d ORDER BY d.entry LOOP
		EXIT WHEN rest = 0;
		INSERT INTO customer_scoring.points_allocation VALUES (debt.entry, entry, least(rest, debt.owed));
		rest := rest - least(rest, debt.owed);
	END LOOP;
	RETURN entry;
END $$;

-- Let lots pay for an entry, those that expire first before others; what they
-- cannot pay. Pending ones pay only if asked.
CREATE FUNCTION customer_scoring_internal.take_points(entry bigint, programme text, customer text, points numeric, as_of timestamptz, and_pending boolean) RETURNS numeric
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	rest numeric := points;
	l record;
BEGIN
	FOR l IN SELECT * FROM customer_scoring_internal.points_lots(programme, customer, as_of)
		WHERE spendable > 0 AND (available OR and_pending) ORDER BY expires_at NULLS LAST, lot
	LOOP
		EXIT WHEN rest = 0;
		INSERT INTO customer_scoring.points_allocation VALUES (entry, l.lot, least(rest, l.spendable));
		rest := rest - least(rest, l.spendable);
	END LOOP;
	RETURN rest;
END $$;

-- Take points from lots for an entry of a kind.
CREATE FUNCTION customer_scoring_internal.spend_points(programme text, customer text, kind text, points numeric, beneficiary text, reference text, entered_at timestamptz) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	entry bigint;
	balance numeric;
BEGIN
	PERFORM customer_scoring_internal.check_points(points);
	PERFORM customer_scoring_internal.check_points_moment('entered_at', entered_at);
	PERFORM customer_scoring_internal.take_points_account(programme, customer);
	entry := customer_scoring_internal.points_entered(programme, kind, reference, customer, -points, beneficiary, NULL);
	IF entry IS NOT NULL THEN
		RETURN entry;
	END IF;
	balance := coalesce((SELECT sum(l.spendable) FROM customer_scoring_internal.points_lots(programme, customer, entered_at) l WHERE l.available AND l.spendable > 0), 0)
	         - coalesce((SELECT sum(d.owed) FROM customer_scoring_internal.points_debts(programme, customer, 'infinity') d), 0);
	IF balance < points THEN
		RAISE 'balance % of customer % is below %', balance, customer, points USING ERRCODE = 'KA013',
			DETAIL = json_build_object('programme', programme, 'customer', customer, 'actual', balance, 'limit', points),
			HINT = 'Redeem less, or wait until pending points are available.', SCHEMA = 'customer_scoring', TABLE = 'points_entry';
	END IF;
	INSERT INTO customer_scoring.points_entry (programme, customer, kind, points, entered_at, beneficiary, reference)
	VALUES (programme, customer, kind, -points, entered_at, beneficiary, reference) RETURNING entry_id INTO entry;
	PERFORM customer_scoring_internal.take_points(entry, programme, customer, points, entered_at, false);
	RETURN entry;
END $$;

CREATE FUNCTION customer_scoring_internal.redeem_points(programme text, customer text, points numeric, reference text, entered_at timestamptz) RETURNS bigint
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT customer_scoring_internal.spend_points($1, $2, 'redeem', $3, NULL, $4, $5)
$$;

CREATE FUNCTION customer_scoring_internal.donate_points(programme text, customer text, points numeric, beneficiary text, reference text, entered_at timestamptz) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF beneficiary IS NULL THEN
		RAISE 'beneficiary must not be null' USING ERRCODE = 'null_value_not_allowed', HINT = 'Say who gets the points.';
	END IF;
	RETURN customer_scoring_internal.spend_points(programme, customer, 'donate', points, beneficiary, reference, entered_at);
END $$;

-- Take back what a lot brought, by an entry that is written already: what is
-- left of the lot first, then from other lots. What nobody pays is owed.
CREATE FUNCTION customer_scoring_internal.unearn_points(reversal bigint, lot customer_scoring.points_entry, points numeric, as_of timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	own numeric := lot.points - coalesce((SELECT sum(a.points) FROM customer_scoring.points_allocation a WHERE a.lot = ($2).entry_id), 0);
	rest numeric;
BEGIN
	INSERT INTO customer_scoring.points_allocation SELECT reversal, lot.entry_id, own WHERE own > 0;
	rest := customer_scoring_internal.take_points(reversal, lot.programme, lot.customer, points - own, as_of, true);
	IF rest > 0 AND NOT (SELECT p.allow_negative FROM customer_scoring.points_programme p WHERE p.name = lot.programme) THEN
		RAISE 'of % points of entry % only % are left', points, lot.entry_id, points - rest USING ERRCODE = 'KA013',
			DETAIL = json_build_object('programme', lot.programme, 'customer', lot.customer, 'actual', points - rest, 'limit', points),
			HINT = 'Reverse first what the points were spent on, or let the programme allow_negative.', SCHEMA = 'customer_scoring', TABLE = 'points_entry';
	END IF;
END $$;

-- Give back what an entry spent, by an entry that is written already: to what
-- is owed first, the rest to the lots that it came from.
CREATE FUNCTION customer_scoring_internal.unspend_points(reversal bigint, spent customer_scoring.points_entry) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	paid numeric := 0;
	part numeric;
	debt record;
	taken record;
BEGIN
	FOR debt IN SELECT * FROM customer_scoring_internal.points_debts(spent.programme, spent.customer, 'infinity') d ORDER BY d.entry LOOP
		part := least(debt.owed, -spent.points - paid);
		EXIT WHEN part = 0;
		INSERT INTO customer_scoring.points_allocation VALUES (reversal, debt.entry, -part);
		paid := paid + part;
	END LOOP;
	FOR taken IN
		SELECT a.lot, a.points FROM customer_scoring.points_allocation a JOIN customer_scoring.points_entry l ON l.entry_id = a.lot
		WHERE a.entry = spent.entry_id ORDER BY l.expires_at NULLS LAST, l.entry_id
	LOOP
		part := least(paid, taken.points);
		INSERT INTO customer_scoring.points_allocation SELECT reversal, taken.lot, part - taken.points WHERE part < taken.points;
		paid := paid - part;
	END LOOP;
END $$;

CREATE FUNCTION customer_scoring_internal.reverse_points(entry bigint, reference text, entered_at timestamptz) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	found customer_scoring.points_entry;
	reversal bigint;
	back numeric;
BEGIN
	SELECT * INTO found FROM customer_scoring.points_entry e WHERE e.entry_id = $1;
	IF found.entry_id IS NULL THEN
		RAISE 'entry % does not exist', coalesce(entry::text, 'NULL') USING ERRCODE = 'no_data_found', HINT = 'SELECT * FROM customer_scoring.points_entry.';
	ELSIF found.kind IN ('reverse', 'expire') THEN
		RAISE 'an entry of kind % cannot be reversed', found.kind USING ERRCODE = 'invalid_parameter_value', HINT = 'Earn or redeem the points again.';
	END IF;
	PERFORM customer_scoring_internal.check_points_moment('entered_at', entered_at);
	PERFORM customer_scoring_internal.take_points_account(found.programme, found.customer);
	reversal := customer_scoring_internal.points_entered(found.programme, 'reverse', reference, found.customer, NULL, NULL, entry);
	IF reversal IS NOT NULL THEN
		RETURN reversal;
	ELSIF EXISTS (SELECT FROM customer_scoring.points_entry e WHERE e.reverses = entry) THEN
		RAISE 'entry % is reversed already', entry USING ERRCODE = 'unique_violation', HINT = 'An entry is taken back once.';
	ELSIF entered_at < found.entered_at THEN
		RAISE 'entered_at % is before entry %, which is of %', entered_at, entry, found.entered_at USING ERRCODE = 'invalid_parameter_value',
			HINT = 'An entry is taken back after it was made.';
	END IF;
	-- points of a lot that have expired went already
	back := found.points - CASE found.kind WHEN 'earn' THEN coalesce((SELECT sum(a.points) FROM customer_scoring.points_allocation a
		JOIN customer_scoring.points_entry e ON e.entry_id = a.entry WHERE a.lot = $1 AND e.kind = 'expire'), 0) ELSE 0 END;
	INSERT INTO customer_scoring.points_entry (programme, customer, kind, points, entered_at, reference, reverses)
	VALUES (found.programme, found.customer, 'reverse', -back, $3, $2, $1) RETURNING entry_id INTO reversal;
	IF found.kind = 'earn' THEN
		PERFORM customer_scoring_internal.unearn_points(reversal, found, back, entered_at);
	ELSE
		PERFORM customer_scoring_internal.unspend_points(reversal, found);
	END IF;
	RETURN reversal;
END $$;

-- Enter what has expired, customer by customer in their order: when it expired,
-- or when it was given back later.
CREATE FUNCTION customer_scoring_internal.expire_points(programme text, as_of timestamptz) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	whose text;
	lot record;
	entry bigint;
	entries bigint := 0;
BEGIN
	PERFORM customer_scoring_internal.check_points_programme(programme);
	PERFORM customer_scoring_internal.check_points_moment('as_of', as_of);
	FOR whose IN
		SELECT DISTINCT l.customer FROM customer_scoring.points_entry l
		WHERE l.programme = $1 AND l.expires_at <= $2
		  AND l.points > coalesce((SELECT sum(a.points) FROM customer_scoring.points_allocation a WHERE a.lot = l.entry_id), 0)
		ORDER BY 1
	LOOP
		PERFORM customer_scoring_internal.take_points_account(programme, whose);
		FOR lot IN
			SELECT l.entry_id, greatest(l.expires_at, max(e.entered_at)) AS moment, l.points - coalesce(sum(a.points), 0) AS remaining
			FROM customer_scoring.points_entry l LEFT JOIN customer_scoring.points_allocation a ON a.lot = l.entry_id
			LEFT JOIN customer_scoring.points_entry e ON e.entry_id = a.entry
			WHERE l.programme = $1 AND l.customer = whose AND l.kind = 'earn' AND l.expires_at <= $2
			GROUP BY l.entry_id HAVING l.points > coalesce(sum(a.points), 0) ORDER BY l.entry_id
		LOOP
			INSERT INTO customer_scoring.points_entry (programme, customer, kind, points, entered_at)
			VALUES (programme, whose, 'expire', -lot.remaining, lot.moment) RETURNING entry_id INTO entry;
			INSERT INTO customer_scoring.points_allocation VALUES (entry, lot.entry_id, lot.remaining);
			entries := entries + 1;
		END LOOP;
	END LOOP;
	RETURN entries;
END $$;

-- For whoever is granted them: they act with the rights of the extension's owner.
CREATE FUNCTION customer_scoring.earn_points(programme text, customer text, points numeric, reference text DEFAULT NULL, entered_at timestamptz DEFAULT pg_catalog.now()) RETURNS bigint
	LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'cs_points';
COMMENT ON FUNCTION customer_scoring.earn_points(text, text, numeric, text, timestamptz) IS 'Enter points that a customer has earned; the number of the entry, the same when asked again with the same reference';
CREATE FUNCTION customer_scoring.redeem_points(programme text, customer text, points numeric, reference text DEFAULT NULL, entered_at timestamptz DEFAULT pg_catalog.now()) RETURNS bigint
	LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'cs_points';
COMMENT ON FUNCTION customer_scoring.redeem_points(text, text, numeric, text, timestamptz) IS 'Enter points that a customer redeems, those that expire first before others; error KA013 when there are not enough';
CREATE FUNCTION customer_scoring.donate_points(programme text, customer text, points numeric, beneficiary text, reference text DEFAULT NULL, entered_at timestamptz DEFAULT pg_catalog.now()) RETURNS bigint
	LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'cs_points';
COMMENT ON FUNCTION customer_scoring.donate_points(text, text, numeric, text, text, timestamptz) IS 'Enter points that a customer gives to somebody else, as if they were redeemed';
CREATE FUNCTION customer_scoring.reverse_points(entry bigint, reference text DEFAULT NULL, entered_at timestamptz DEFAULT pg_catalog.now()) RETURNS bigint
	LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'cs_points';
COMMENT ON FUNCTION customer_scoring.reverse_points(bigint, text, timestamptz) IS 'Take an entry back: what was spent goes back to where it came from, what was earned goes';
CREATE FUNCTION customer_scoring.expire_points(programme text, as_of timestamptz DEFAULT pg_catalog.now()) RETURNS bigint
	LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'cs_points';
COMMENT ON FUNCTION customer_scoring.expire_points(text, timestamptz) IS 'Enter which points have expired by a moment; the number of entries';
CREATE FUNCTION customer_scoring.points_balance(programme text, customer text, as_of timestamptz DEFAULT pg_catalog.now()) RETURNS numeric
	LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'cs_points';
COMMENT ON FUNCTION customer_scoring.points_balance(text, text, timestamptz) IS 'Points that a customer can redeem at a moment';
CREATE FUNCTION customer_scoring.points_pending(programme text, customer text, as_of timestamptz DEFAULT pg_catalog.now()) RETURNS numeric
	LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'cs_points';
COMMENT ON FUNCTION customer_scoring.points_pending(text, text, timestamptz) IS 'Points that a customer has earned and cannot redeem yet';
DO $$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY ARRAY['earn_points', 'redeem_points', 'donate_points', 'reverse_points', 'expire_points', 'points_balance', 'points_pending'] LOOP
		EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION customer_scoring.%I FROM PUBLIC', name);
		EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION customer_scoring.%I TO pg_database_owner', name);
	END LOOP;
END
$$;
