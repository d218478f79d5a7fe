-- Key accounts and who looks after them. Customers are text here: the text output of the user's key.

CREATE TYPE customer_scoring_internal.text_range AS RANGE (SUBTYPE = text, COLLATION = "C");
COMMENT ON TYPE customer_scoring_internal.text_range IS 'Range of texts, for constraints that compare texts and periods';
COMMENT ON TYPE customer_scoring_internal.text_multirange IS 'Ranges of texts, which PostgreSQL makes along with them';
COMMENT ON CAST (customer_scoring_internal.text_range AS customer_scoring_internal.text_multirange) IS 'A range of texts as ranges';

-- Ranges of texts alone make an index that knows no near and far, and is slow to write.
CREATE FUNCTION customer_scoring_internal.customer_hash(customer text) RETURNS pg_catalog.int8range
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN pg_catalog.int8range(pg_catalog.hashtextextended($1, 0) OPERATOR(pg_catalog.>>) 1, pg_catalog.hashtextextended($1, 0) OPERATOR(pg_catalog.>>) 1, '[]');
COMMENT ON FUNCTION customer_scoring_internal.customer_hash(text) IS 'Hash of a customer, for constraints that compare texts and periods';

CREATE TABLE customer_scoring.key_account (
	customer text NOT NULL,
	valid_from timestamptz NOT NULL DEFAULT pg_catalog.now(),
	valid_until timestamptz,
	origin text NOT NULL DEFAULT 'manual',
	service_level text,
	note text,
	segment_table regclass,
	periods_below integer NOT NULL DEFAULT 0,
	CONSTRAINT key_account_origin CHECK (origin IN ('manual', 'class')),
	CONSTRAINT key_account_segment_table CHECK (origin = 'class' OR segment_table IS NULL),
	CONSTRAINT key_account_periods_below CHECK (periods_below >= 0 AND (periods_below = 0 OR origin = 'class')),
	CONSTRAINT key_account_customer_length CHECK (pg_catalog.octet_length(customer) <= 1000),
	CONSTRAINT key_account_period CHECK (pg_catalog.isfinite(valid_from) AND pg_catalog.isfinite(valid_until) AND valid_from < valid_until),
	CONSTRAINT key_account_manual_periods_do_not_overlap EXCLUDE USING gist (
		customer_scoring_internal.customer_hash(customer) WITH OPERATOR(pg_catalog.&&),
		customer_scoring_internal.text_range(customer, customer, '[]') WITH OPERATOR(pg_catalog.&&),
		pg_catalog.tstzrange(valid_from, valid_until) WITH OPERATOR(pg_catalog.&&)) WHERE (origin = 'manual'),
	-- each segment table decides for itself
	CONSTRAINT key_account_class_periods_do_not_overlap EXCLUDE USING gist (
		customer_scoring_internal.customer_hash(customer) WITH OPERATOR(pg_catalog.&&),
		customer_scoring_internal.text_range(customer, customer, '[]') WITH OPERATOR(pg_catalog.&&),
		pg_catalog.int8range(segment_table::oid::bigint, segment_table::oid::bigint, '[]') WITH OPERATOR(pg_catalog.&&),
		pg_catalog.tstzrange(valid_from, valid_until) WITH OPERATOR(pg_catalog.&&)) WHERE (segment_table IS NOT NULL)
);
COMMENT ON TABLE customer_scoring.key_account IS 'Customers who are key accounts, a row a period';
COMMENT ON COLUMN customer_scoring.key_account.customer IS 'The customer, as text';
COMMENT ON COLUMN customer_scoring.key_account.valid_from IS 'First moment of the period';
COMMENT ON COLUMN customer_scoring.key_account.valid_until IS 'First moment after it; NULL while it is open';
COMMENT ON COLUMN customer_scoring.key_account.origin IS 'manual, or class: made by assess_key_accounts';
COMMENT ON COLUMN customer_scoring.key_account.segment_table IS 'Of those made by class: the segment table that was assessed; NULL once it was dropped';
COMMENT ON COLUMN customer_scoring.key_account.periods_below IS 'Of those made by class: assessments in a row that found the customer below class A';
COMMENT ON COLUMN customer_scoring.key_account.service_level IS 'What the customer was promised, in words of the user';
COMMENT ON COLUMN customer_scoring.key_account.note IS 'Why, or by whom';
COMMENT ON INDEX customer_scoring.key_account_manual_periods_do_not_overlap IS 'Keeps periods of a customer apart that were made by hand';
COMMENT ON INDEX customer_scoring.key_account_class_periods_do_not_overlap IS 'Keeps periods of a customer apart that were made for one segment table';
CREATE INDEX key_account_of_customer ON customer_scoring.key_account (customer);
COMMENT ON INDEX customer_scoring.key_account_of_customer IS 'Periods of one customer';
SELECT pg_catalog.pg_extension_config_dump('customer_scoring.key_account', '');

CREATE TABLE customer_scoring.account_manager (
	customer text NOT NULL,
	manager text NOT NULL,
	valid_from timestamptz NOT NULL DEFAULT pg_catalog.now(),
	valid_until timestamptz,
	CONSTRAINT account_manager_customer_length CHECK (pg_catalog.octet_length(customer) <= 1000),
	CONSTRAINT account_manager_period CHECK (pg_catalog.isfinite(valid_from) AND pg_catalog.isfinite(valid_until) AND valid_from < valid_until),
	CONSTRAINT account_manager_periods_do_not_overlap EXCLUDE USING gist (
		customer_scoring_internal.customer_hash(customer) WITH OPERATOR(pg_catalog.&&),
		customer_scoring_internal.text_range(customer, customer, '[]') WITH OPERATOR(pg_catalog.&&),
		pg_catalog.tstzrange(valid_from, valid_until) WITH OPERATOR(pg_catalog.&&))
);
COMMENT ON TABLE customer_scoring.account_manager IS 'Who looks after which customer, a row a period';
COMMENT ON COLUMN customer_scoring.account_manager.customer IS 'The customer, as text';
COMMENT ON COLUMN customer_scoring.account_manager.manager IS 'The account manager';
COMMENT ON COLUMN customer_scoring.account_manager.valid_from IS 'First moment of the period';
COMMENT ON COLUMN customer_scoring.account_manager.valid_until IS 'First moment after it; NULL while it is open';
COMMENT ON INDEX customer_scoring.account_manager_periods_do_not_overlap IS 'Keeps periods of a customer apart';
CREATE INDEX account_manager_of_customer ON customer_scoring.account_manager (customer);
COMMENT ON INDEX customer_scoring.account_manager_of_customer IS 'Periods of one customer';
SELECT pg_catalog.pg_extension_config_dump('customer_scoring.account_manager', '');

-- No TRIGGER: a trigger runs with the rights of whoever writes, the extension's owner too.
GRANT SELECT, INSERT, UPDATE, DELETE ON customer_scoring.key_account, customer_scoring.account_manager TO pg_database_owner;

CREATE FUNCTION customer_scoring.is_key_account(customer text, as_of timestamptz DEFAULT pg_catalog.now()) RETURNS boolean
	LANGUAGE sql STABLE PARALLEL SAFE
	BEGIN ATOMIC
		SELECT EXISTS (SELECT FROM customer_scoring.key_account k WHERE k.customer OPERATOR(pg_catalog.=) $1
			AND k.valid_from OPERATOR(pg_catalog.<=) $2 AND (k.valid_until IS NULL OR k.valid_until OPERATOR(pg_catalog.>) $2));
	END;
COMMENT ON FUNCTION customer_scoring.is_key_account(text, timestamptz) IS 'Whether a customer is a key account at a moment';

CREATE FUNCTION customer_scoring.service_level_of(customer text, as_of timestamptz DEFAULT pg_catalog.now()) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
	BEGIN ATOMIC
		SELECT k.service_level FROM customer_scoring.key_account k WHERE k.customer OPERATOR(pg_catalog.=) $1
			AND k.valid_from OPERATOR(pg_catalog.<=) $2 AND (k.valid_until IS NULL OR k.valid_until OPERATOR(pg_catalog.>) $2)
			AND k.service_level IS NOT NULL
		ORDER BY k.origin OPERATOR(pg_catalog.=) 'class', k.valid_from DESC, k.service_level COLLATE pg_catalog."C"
		LIMIT 1;
	END;
COMMENT ON FUNCTION customer_scoring.service_level_of(text, timestamptz) IS
	'Service level of a key account at a moment, of several periods that of one made by hand, then of the latest; NULL for others';

CREATE FUNCTION customer_scoring.account_manager_of(customer text, as_of timestamptz DEFAULT pg_catalog.now()) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
	BEGIN ATOMIC
		SELECT m.manager FROM customer_scoring.account_manager m WHERE m.customer OPERATOR(pg_catalog.=) $1
			AND m.valid_from OPERATOR(pg_catalog.<=) $2 AND (m.valid_until IS NULL OR m.valid_until OPERATOR(pg_catalog.>) $2);
	END;
COMMENT ON FUNCTION customer_scoring.account_manager_of(text, timestamptz) IS 'Who looks after a customer at a moment; NULL for nobody';

-- Key accounts by class, with hysteresis.
CREATE TABLE customer_scoring.key_account_policy (
	segment_table regclass PRIMARY KEY,
	a numeric NOT NULL DEFAULT 0.80,
	b numeric NOT NULL DEFAULT 0.95,
	assess_every interval NOT NULL DEFAULT '1 month',
	leave_after integer NOT NULL DEFAULT 2,
	service_level text,
	assessed_at timestamptz,
	CONSTRAINT key_account_policy_limits CHECK (a > 0 AND a <= b AND b <= 1),
	CONSTRAINT key_account_policy_assess_every CHECK (assess_every > interval '0'),
	CONSTRAINT key_account_policy_leave_after CHECK (leave_after >= 1)
);
COMMENT ON TABLE customer_scoring.key_account_policy IS 'Segment tables whose class A are key accounts';
COMMENT ON COLUMN customer_scoring.key_account_policy.segment_table IS 'The segment table';
COMMENT ON COLUMN customer_scoring.key_account_policy.a IS 'Share of the revenue that class A makes up';
COMMENT ON COLUMN customer_scoring.key_account_policy.b IS 'Share of the revenue that classes A and B make up';
COMMENT ON COLUMN customer_scoring.key_account_policy.assess_every IS 'Least time between assessments, by the calendar of the segment table''s zone';
COMMENT ON COLUMN customer_scoring.key_account_policy.leave_after IS 'Assessments in a row below class A after which a customer is no key account any more';
COMMENT ON COLUMN customer_scoring.key_account_policy.service_level IS 'Service level of those who enter';
COMMENT ON COLUMN customer_scoring.key_account_policy.assessed_at IS 'Moment of the last assessment; NULL before the first';
SELECT pg_catalog.pg_extension_config_dump('customer_scoring.key_account_policy',
	'WHERE segment_table IN (SELECT c.oid FROM pg_catalog.pg_class c)');
GRANT SELECT, INSERT, UPDATE, DELETE ON customer_scoring.key_account_policy TO pg_database_owner;

-- A customer whose text is too long for key_account stays out of it.
CREATE FUNCTION customer_scoring.evaluate_key_accounts(segment_table regclass, as_of timestamptz DEFAULT pg_catalog.now())
	RETURNS TABLE (customer text, revenue numeric, pareto_class text, was_key boolean, is_key boolean, periods_below integer, action text)
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	policy customer_scoring.key_account_policy;
	definition customer_scoring.segment_table_definition;
BEGIN
	SELECT * INTO policy FROM customer_scoring.key_account_policy p WHERE p.segment_table = $1;
	IF policy.segment_table IS NULL THEN
		RAISE 'segment table % has no policy for key accounts', coalesce(quote_literal(segment_table), 'NULL') USING ERRCODE = 'undefined_object',
			HINT = 'INSERT INTO customer_scoring.key_account_policy (segment_table) first.';
	END IF;
	SELECT * INTO definition FROM customer_scoring.segment_table_definition d WHERE d.segment_table = $1;
	IF definition.segment_table IS NULL THEN
		RAISE '% is not a segment table', quote_literal(segment_table) USING ERRCODE = 'wrong_object_type',
			HINT = 'Policies are for tables made by customer_scoring.create_segment_table: DELETE FROM customer_scoring.key_account_policy.';
	ELSIF definition.as_of IS NULL THEN
		RAISE 'segment table % has not been refreshed yet', quote_literal(segment_table) USING ERRCODE = 'object_not_in_prerequisite_state',
			HINT = 'Call customer_scoring.refresh_segment_table, which makes an assessment, too.';
	ELSIF as_of IS NULL OR NOT isfinite(as_of) THEN
		RAISE 'as_of must be a moment, not %', coalesce(as_of::text, 'NULL') USING ERRCODE = 'invalid_parameter_value', HINT = 'Give the moment of the assessment.';
	END IF;
	RETURN QUERY EXECUTE format($query$
		WITH valid AS MATERIALIZED (
			SELECT k.customer, k.periods_below, k.segment_table IS NOT DISTINCT FROM $5 AS own FROM customer_scoring.key_account k
			WHERE k.valid_from <= $1 AND (k.valid_until IS NULL OR k.valid_until > $1))
		SELECT coalesce(c.customer, k.customer), c.revenue, coalesce(c.class, 'C'),
		       k.customer IS NOT NULL OR o.customer IS NOT NULL,
		       c.class = 'A' OR o.customer IS NOT NULL OR k.periods_below + 1 < $4,
		       CASE WHEN c.class = 'A' THEN 0 ELSE k.periods_below + 1 END,
		       CASE WHEN k.customer IS NULL THEN 'enter' WHEN c.class = 'A' THEN 'stay' WHEN k.periods_below + 1 < $4 THEN 'below' ELSE 'leave' END
		FROM (SELECT t.customer_id::text AS customer, t.revenue, customer_scoring.pareto_class(t.revenue, $2, $3) OVER () AS class FROM ONLY %s t) c
		FULL JOIN (SELECT * FROM valid v WHERE v.own) k ON k.customer = c.customer
		LEFT JOIN (SELECT DISTINCT v.customer FROM valid v WHERE NOT v.own) o ON o.customer = coalesce(c.customer, k.customer)
		WHERE c.class = 'A' AND octet_length(c.customer) <= 1000 OR k.customer IS NOT NULL $query$, segment_table)
	USING as_of, policy.a, policy.b, policy.leave_after, segment_table;
END $$;
COMMENT ON FUNCTION customer_scoring.evaluate_key_accounts(regclass, timestamptz) IS
	'What an assessment would do: customers of class A and those who were, with what becomes of them; nothing happens';

-- Assessments of a table wait for each other at its policy.
CREATE FUNCTION customer_scoring.assess_key_accounts(segment_table regclass, as_of timestamptz DEFAULT pg_catalog.now(),
		OUT entered bigint, OUT stayed bigint, OUT below bigint, OUT left_them bigint)
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	assessed timestamptz;
	due timestamptz;
	service text;
BEGIN
	SELECT p.assessed_at, (p.assessed_at AT TIME ZONE d.time_zone + p.assess_every) AT TIME ZONE d.time_zone, p.service_level INTO assessed, due, service
	FROM customer_scoring.key_account_policy p LEFT JOIN customer_scoring.segment_table_definition d ON d.segment_table = p.segment_table
	WHERE p.segment_table = $1 FOR NO KEY UPDATE OF p;
	IF isfinite(as_of) AND (as_of <= assessed OR as_of < due) THEN
		RETURN;
	END IF;
	WITH e AS MATERIALIZED (SELECT * FROM customer_scoring.evaluate_key_accounts(segment_table, as_of)),
	changed AS (
		UPDATE customer_scoring.key_account k SET periods_below = e.periods_below, valid_until = CASE WHEN e.action = 'leave' THEN $2 ELSE k.valid_until END
		FROM e WHERE e.action <> 'enter' AND k.customer = e.customer AND k.origin = 'class' AND k.segment_table = $1
		  AND k.valid_from <= $2 AND (k.valid_until IS NULL OR k.valid_until > $2) AND (e.action = 'leave' OR k.periods_below <> e.periods_below)),
	added AS (
		-- a period that is to come, which only somebody else can have made, ends this one
		INSERT INTO customer_scoring.key_account (customer, valid_from, valid_until, origin, service_level, segment_table)
		SELECT e.customer, $2, n.valid_from, 'class', service, $1
		FROM e LEFT JOIN (SELECT k.customer, min(k.valid_from) AS valid_from FROM customer_scoring.key_account k
			WHERE k.segment_table = $1 AND k.valid_from > $2 GROUP BY k.customer) n ON n.customer = e.customer
		WHERE e.action = 'enter')
	SELECT count(*) FILTER (WHERE e.action = 'enter'), count(*) FILTER (WHERE e.action = 'stay'),
	       count(*) FILTER (WHERE e.action = 'below'), count(*) FILTER (WHERE e.action = 'leave')
	INTO entered, stayed, below, left_them FROM e;
	UPDATE customer_scoring.key_account_policy p SET assessed_at = $2 WHERE p.segment_table = $1;
END $$;
COMMENT ON FUNCTION customer_scoring.assess_key_accounts(regclass, timestamptz) IS
	'Make the customers of class A key accounts, and end that of those who are below it for long enough; all is NULL, and nothing happens, before the time of the policy is over';

-- Assignments to a customer wait for each other. Of two who give him a first
-- manager at once the later one finds a period in his way, and looks again.
CREATE FUNCTION customer_scoring.assign_account_manager(customer text, manager text, since timestamptz DEFAULT pg_catalog.now()) RETURNS void
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF customer IS NULL OR since IS NULL THEN
		RAISE '% must not be null', CASE WHEN customer IS NULL THEN 'customer' ELSE 'since' END USING ERRCODE = 'null_value_not_allowed',
			HINT = 'Say who is looked after, and from when on.';
	END IF;
	FOR attempt IN 1 .. 3 LOOP
		BEGIN
			PERFORM FROM customer_scoring.account_manager m WHERE m.customer = $1 FOR UPDATE;
			IF NOT EXISTS (SELECT FROM customer_scoring.account_manager m
			               WHERE m.customer = $1 AND m.manager = $2 AND m.valid_from <= since AND m.valid_until IS NULL) THEN
				DELETE FROM customer_scoring.account_manager m WHERE m.customer = $1 AND m.valid_from >= since;
				UPDATE customer_scoring.account_manager m SET valid_until = since WHERE m.customer = $1 AND (m.valid_until IS NULL OR m.valid_until > since);
				INSERT INTO customer_scoring.account_manager (customer, manager, valid_from) SELECT $1, $2, since WHERE $2 IS NOT NULL;
			END IF;
			RETURN;
		EXCEPTION WHEN exclusion_violation THEN
			-- others stay unseen but by a statement of READ COMMITTED
			IF attempt = 3 OR current_setting('transaction_isolation') <> 'read committed' THEN
				RAISE;
			END IF;
		END;
	END LOOP;
END $$;
COMMENT ON FUNCTION customer_scoring.assign_account_manager(text, text, timestamptz) IS
	'Give a customer an account manager from a moment on, and end the period of the one before; without a manager, only that';
