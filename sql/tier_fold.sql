-- Tiers against an oracle: the same rules in plain PL/pgSQL, which looks at every
-- moment anew. The zone of a session decides how its timestamps are added to.
SET search_path = public, customer_scoring;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';

CREATE TYPE oracle_state AS (at timestamptz, tier text, tier_rank smallint, from_tier text, since timestamptz,
	until timestamptz, reason text);

-- The rows that count at a moment: their sum, or the number of those above zero.
CREATE FUNCTION oracle_basis(t jsonb, at timestamptz[], amounts numeric[], moment timestamptz, before boolean) RETURNS numeric
	LANGUAGE plpgsql AS $$
DECLARE
	shift interval := make_interval(months => coalesce((t ->> 'start_month')::integer, 1) - 1);
	edge timestamptz := moment - CASE WHEN before THEN interval '1 microsecond' ELSE '0' END;
	start timestamptz := CASE t ->> 'period'
		WHEN 'rolling' THEN edge - (t ->> 'length')::interval
		WHEN 'lifetime' THEN '-infinity'
		WHEN 'year' THEN (date_trunc('year', edge::timestamp - shift) + shift)::timestamptz - interval '1 microsecond'
		WHEN 'quarter' THEN (date_trunc('quarter', edge::timestamp - shift) + shift)::timestamptz - interval '1 microsecond' END;
BEGIN
	RETURN (SELECT coalesce(CASE t ->> 'basis' WHEN 'orders' THEN count(*) FILTER (WHERE r.amount > 0) ELSE sum(r.amount) END, 0)
		FROM unnest(at, amounts) r (at, amount) WHERE r.at > start AND r.at <= edge AND r.amount IS NOT NULL);
END
$$;

CREATE FUNCTION oracle_hold_end(t jsonb, rank integer, moment timestamptz, by_time boolean) RETURNS timestamptz
	LANGUAGE plpgsql AS $$
DECLARE
	shift interval := make_interval(months => coalesce((t ->> 'start_month')::integer, 1) - 1);
BEGIN
	IF rank = 0 OR t ->> 'downgrade' = 'none'
		OR (SELECT threshold <= 0 FROM tiers((t ->> 'scheme')::tier_scheme) WHERE tier_rank = rank) THEN
		RETURN NULL;
	ELSIF t ? 'hold' THEN
		RETURN moment + (t ->> 'hold')::interval;
	END IF;
	RETURN (date_trunc('year', (moment - CASE WHEN by_time THEN interval '1 microsecond' ELSE '0' END)::timestamp - shift)
		+ interval '2 years' + shift)::timestamptz;
END
$$;

-- Everything that happens, in order; several things may happen at a moment.
CREATE FUNCTION oracle_events(terms tier_terms, at timestamptz[], amounts numeric[], as_of timestamptz) RETURNS SETOF oracle_state
	LANGUAGE plpgsql SET TimeZone = 'UTC' AS $$
DECLARE
	t jsonb := terms::text;
	scheme tier_scheme := t ->> 'scheme';
	names text[] := (SELECT array_agg(x.tier ORDER BY tier_rank) FROM tiers(scheme) x);
	moment timestamptz := '-infinity';
	row_at timestamptz;
	held integer := 0;
	held_since timestamptz;
	held_until timestamptz;
	grace_until timestamptz;
	what text;
	was integer;
	now_rank integer;
BEGIN
	PERFORM set_config('TimeZone', t ->> 'time_zone', true);
	LOOP
		row_at := (SELECT min(r.at) FROM unnest(at, amounts) r (at, amount) WHERE r.at > moment AND r.at <= as_of AND r.amount IS NOT NULL);
		-- what time does, up to the next row
		WHILE coalesce(grace_until, held_until) <= coalesce(row_at, as_of) LOOP
			moment := coalesce(grace_until, held_until);
			was := held;
			now_rank := least(tier_rank(scheme, oracle_basis(t, at, amounts, moment, true)), held);
			IF grace_until IS NULL AND now_rank < held AND (t ->> 'grace')::interval <> '0' THEN
				grace_until := moment + (t ->> 'grace')::interval;
				what := 'grace';
			ELSE
				IF now_rank = held THEN
					what := 'renewed';
				ELSIF t ->> 'downgrade' = 'one_down' THEN
					held := greatest(now_rank, held - 1);
					what := CASE WHEN held = was THEN 'renewed' ELSE 'one_down' END;
				ELSE
					held := now_rank;
					what := 'requalify';
				END IF;
				IF held <> was THEN
					held_since := moment;
				END IF;
				grace_until := NULL;
				held_until := oracle_hold_end(t, held, moment, true);
			END IF;
			RETURN NEXT (moment, names[held], held, names[was], held_since, held_until, what)::oracle_state;
		END LOOP;
		EXIT WHEN row_at IS NULL;
		moment := row_at;
		now_rank := tier_rank(scheme, oracle_basis(t, at, amounts, moment, false));
		IF now_rank > held OR now_rank = held AND grace_until IS NOT NULL THEN
			was := held;
			held := now_rank;
			what := CASE WHEN held = was THEN 'renewed' ELSE 'upgrade' END;
			IF held <> was THEN
				held_since := moment;
			END IF;
			grace_until := NULL;
			held_until := oracle_hold_end(t, held, moment, false);
			RETURN NEXT (moment, names[held], held, names[was], held_since, held_until, what)::oracle_state;
		END IF;
	END LOOP;
END
$$;

-- One thing a moment: what came last of it, and the tier of before.
CREATE FUNCTION oracle_changes(terms tier_terms, at timestamptz[], amounts numeric[], as_of timestamptz) RETURNS text
	LANGUAGE sql SET TimeZone = 'UTC' AS $$
	SELECT coalesce(string_agg((c.at, c.tier, c.tier_rank, c.first_from, c.since, c.until, c.reason)::text, E'\n' ORDER BY c.at), '')
	FROM (SELECT e.*, first_value(e.from_tier) OVER (PARTITION BY e.at ORDER BY e.n) AS first_from,
			e.n = max(e.n) OVER (PARTITION BY e.at) AS is_last
		FROM oracle_events(terms, at, amounts, as_of) WITH ORDINALITY e (at, tier, tier_rank, from_tier, since, until, reason, n)) c
	WHERE c.is_last
$$;

CREATE FUNCTION changes_text(terms tier_terms, ledger tier_ledger, as_of timestamptz) RETURNS text
	LANGUAGE sql SET TimeZone = 'UTC' AS $$
	SELECT coalesce(string_agg((c.*)::text, E'\n' ORDER BY c.at), '') FROM unnest(tier_changes(terms, ledger, as_of)) c
$$;

CREATE TABLE policy (name text PRIMARY KEY, terms tier_terms);
INSERT INTO policy VALUES
	('default', make_tier_terms('bronze 0, silver 500, gold 1500', time_zone => 'UTC')),
	('no floor', make_tier_terms('bronze 100, silver 500, gold 1500', downgrade => 'requalify', time_zone => 'Asia/Jakarta')),
	('grace', make_tier_terms('bronze 50.50, silver 400, gold 900', length => '6 months', hold => '3 months', grace => '45 days',
		time_zone => 'Europe/Berlin')),
	('month', make_tier_terms('a 10, b 100, c 250, d 700', length => '1 month', hold => '1 month', time_zone => 'America/New_York')),
	('days', make_tier_terms('a -20, b 100, c 250', length => '36:30:00', hold => '1 day 02:00', grace => '1 hour', downgrade => 'requalify',
		time_zone => 'Australia/Lord_Howe')),
	('year', make_tier_terms('bronze 100, silver 500, gold 1500', period => 'year', time_zone => 'America/Sao_Paulo')),
	('fiscal', make_tier_terms('bronze 100, silver 500, gold 1500', period => 'year', start_month => 4, grace => '2 months',
		time_zone => 'Pacific/Apia')),
	('quarter', make_tier_terms('one 1, two 2, three 4', basis => 'orders', period => 'quarter', start_month => 2, hold => '3 months',
		time_zone => 'Europe/Berlin')),
	('lifetime', make_tier_terms('bronze 100, silver 1000, gold 4000', period => 'lifetime', hold => '1 year', grace => '7 days',
		time_zone => 'UTC')),
	('never', make_tier_terms('one 1, five 5, ten 10', basis => 'orders', downgrade => 'none', time_zone => 'UTC')),
	('points', make_tier_terms('x 0.000000000001, y 300', basis => 'points', length => '90 days', hold => '30 days', downgrade => 'requalify',
		time_zone => 'Africa/Casablanca'));

SELECT setseed(0.42);
CREATE TABLE row_of AS
SELECT c AS customer,
	-- whole days, ties, ends of months, days without a midnight
	CASE i % 5 WHEN 0 THEN date_trunc('day', x.at) WHEN 1 THEN date_trunc('month', x.at) - interval '1 microsecond'
		WHEN 2 THEN date_trunc('month', x.at) ELSE x.at END AS at,
	CASE WHEN x.r < 0.05 THEN NULL WHEN x.r < 0.2 THEN -x.amount WHEN x.r < 0.25 THEN 0 ELSE x.amount END AS amount
FROM generate_series(1, 40) c
CROSS JOIN LATERAL generate_series(1, 1 + floor(c * 0.7)::integer) i
CROSS JOIN LATERAL (SELECT timestamptz '2019-01-01' + random() * interval '4 years' + c * interval '0' AS at, random() + i * 0 AS r,
	round((random() * 400)::numeric, i % 4) AS amount) x;

-- What was found different: nothing.
WITH customer AS MATERIALIZED (
	SELECT r.customer, tier_ledger(r.at, r.amount) AS ledger, array_agg(r.at) AS at, array_agg(r.amount) AS amounts
	FROM row_of r GROUP BY r.customer),
moments AS MATERIALIZED (SELECT * FROM (VALUES (timestamptz '2018-01-01'), ('2020-05-31 22:00'), ('2021-01-01'), ('2022-03-31 13:00'), ('2026-06-15')) m (as_of)),
compared AS MATERIALIZED (
	SELECT p.name, c.customer, m.as_of, changes_text(p.terms, c.ledger, m.as_of) AS found,
		oracle_changes(p.terms, c.at, c.amounts, m.as_of) AS expected
	FROM policy p, customer c, moments m)
SELECT name, count(*) FILTER (WHERE found IS DISTINCT FROM expected) AS wrong, count(*) AS compared,
	sum(length(found)) > 0 AS something_happens FROM compared GROUP BY name ORDER BY name COLLATE "C";

-- The standing at any moment is what happened last, and the figures are those of the oracle.
WITH customer AS MATERIALIZED (
	SELECT r.customer, tier_ledger(r.at, r.amount) AS ledger, array_agg(r.at) AS at, array_agg(r.amount) AS amounts
	FROM row_of r GROUP BY r.customer),
compared AS MATERIALIZED (
	SELECT p.name, m.as_of, (tier_standing(p.terms, c.ledger, m.as_of)).*, last.*,
		(SELECT threshold FROM tiers((p.terms::text::jsonb ->> 'scheme')::tier_scheme) x WHERE x.tier_rank = coalesce(last.l_rank, 0) + 1) AS next_threshold,
		(SELECT threshold FROM tiers((p.terms::text::jsonb ->> 'scheme')::tier_scheme) x WHERE x.tier_rank = last.l_rank) AS own_threshold,
		b.oracle
	FROM policy p CROSS JOIN customer c
	CROSS JOIN (SELECT timestamptz '2019-06-30' + i * interval '67 days 05:00' FROM generate_series(1, 30) i) m (as_of)
	CROSS JOIN LATERAL (SELECT set_config('TimeZone', p.terms::text::jsonb ->> 'time_zone', true),
		oracle_basis(p.terms::text::jsonb, c.at, c.amounts, m.as_of, false) AS oracle, set_config('TimeZone', 'UTC', true) OFFSET 0) b
	LEFT JOIN LATERAL (SELECT x.tier AS l_tier, x.tier_rank AS l_rank, x.since AS l_since, x.until AS l_until, x.reason AS l_reason
		FROM unnest(tier_changes(p.terms, c.ledger, 'tomorrow')) x WHERE x.at <= m.as_of ORDER BY x.at DESC LIMIT 1) last ON true)
SELECT name, count(*) AS compared,
	count(*) FILTER (WHERE (tier, tier_rank, since, until, reason) IS DISTINCT FROM (l_tier, coalesce(l_rank, 0::smallint), l_since, l_until, l_reason)) AS wrong_standing,
	count(*) FILTER (WHERE basis <> oracle) AS wrong_basis,
	count(*) FILTER (WHERE to_next IS DISTINCT FROM CASE WHEN next_threshold IS NOT NULL THEN greatest(next_threshold - oracle, 0) END) AS wrong_to_next,
	count(*) FILTER (WHERE to_keep IS DISTINCT FROM CASE WHEN until IS NOT NULL THEN greatest(own_threshold - oracle, 0) END) AS wrong_to_keep,
	count(*) FILTER (WHERE changes_at <= as_of OR (changes_at IS NULL) <> (until IS NULL)
		OR reason IS DISTINCT FROM 'grace' AND changes_at IS DISTINCT FROM until) AS wrong_changes_at
FROM compared GROUP BY name ORDER BY name COLLATE "C";
SET client_min_messages = warning;
DROP TABLE policy, row_of CASCADE;
DROP TYPE oracle_state CASCADE;
DROP FUNCTION oracle_basis, oracle_hold_end, oracle_changes, changes_text;
