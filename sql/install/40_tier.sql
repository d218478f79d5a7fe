-- loyalty/tier_scheme.c, tier_value.c: names of tiers and what they take

CREATE TYPE customer_scoring.tier_scheme;

CREATE FUNCTION customer_scoring_internal.tier_scheme_in(cstring) RETURNS customer_scoring.tier_scheme
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_tier_scheme_in';
CREATE FUNCTION customer_scoring_internal.tier_scheme_out(customer_scoring.tier_scheme) RETURNS cstring
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_tier_scheme_out';
CREATE FUNCTION customer_scoring_internal.tier_scheme_recv(internal) RETURNS customer_scoring.tier_scheme
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_tier_scheme_recv';
CREATE FUNCTION customer_scoring_internal.tier_scheme_send(customer_scoring.tier_scheme) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_tier_scheme_send';

CREATE TYPE customer_scoring.tier_scheme (
	INPUT = customer_scoring_internal.tier_scheme_in,
	OUTPUT = customer_scoring_internal.tier_scheme_out,
	RECEIVE = customer_scoring_internal.tier_scheme_recv,
	SEND = customer_scoring_internal.tier_scheme_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = double,
	STORAGE = extended
);
COMMENT ON TYPE customer_scoring.tier_scheme IS
	'Tiers with the value from which on each is reached, lowest first: ''bronze 0, silver 500, gold 2000''';

CREATE FUNCTION customer_scoring.loyalty_tier(scheme customer_scoring.tier_scheme, value numeric) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_loyalty_tier';
COMMENT ON FUNCTION customer_scoring.loyalty_tier(customer_scoring.tier_scheme, numeric) IS
	'The tier that a value reaches; NULL below the first one';
CREATE FUNCTION customer_scoring.tier_rank(scheme customer_scoring.tier_scheme, value numeric) RETURNS smallint
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_tier_rank';
COMMENT ON FUNCTION customer_scoring.tier_rank(customer_scoring.tier_scheme, numeric) IS
	'Rank of the tier that a value reaches: 1 for the lowest, rising with goodness; 0 below it';
CREATE FUNCTION customer_scoring.rank_of_tier(scheme customer_scoring.tier_scheme, tier text) RETURNS smallint
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rank_of_tier';
COMMENT ON FUNCTION customer_scoring.rank_of_tier(customer_scoring.tier_scheme, text) IS
	'Rank of a tier by its name; NULL when the scheme has none of it';
CREATE FUNCTION customer_scoring.next_tier(scheme customer_scoring.tier_scheme, value numeric) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_next_tier';
COMMENT ON FUNCTION customer_scoring.next_tier(customer_scoring.tier_scheme, numeric) IS
	'The tier above the one that a value reaches; NULL at the top';
CREATE FUNCTION customer_scoring.amount_to_next_tier(scheme customer_scoring.tier_scheme, value numeric) RETURNS numeric
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_amount_to_next_tier';
COMMENT ON FUNCTION customer_scoring.amount_to_next_tier(customer_scoring.tier_scheme, numeric) IS
	'What a value lacks to the next tier; NULL at the top';
CREATE FUNCTION customer_scoring.tiers(scheme customer_scoring.tier_scheme) RETURNS TABLE (tier_rank smallint, tier text, threshold numeric)
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_tiers';
COMMENT ON FUNCTION customer_scoring.tiers(customer_scoring.tier_scheme) IS
	'The tiers of a scheme, lowest first';

-- loyalty/tier_terms.c: the terms on which tiers are held

CREATE TYPE customer_scoring.tier_terms;

CREATE FUNCTION customer_scoring_internal.tier_terms_in(cstring) RETURNS customer_scoring.tier_terms
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_tier_terms_in';
CREATE FUNCTION customer_scoring_internal.tier_terms_out(customer_scoring.tier_terms) RETURNS cstring
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_tier_terms_out';
CREATE FUNCTION customer_scoring_internal.tier_terms_recv(internal) RETURNS customer_scoring.tier_terms
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_tier_terms_recv';
CREATE FUNCTION customer_scoring_internal.tier_terms_send(customer_scoring.tier_terms) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_tier_terms_send';

CREATE TYPE customer_scoring.tier_terms (
	INPUT = customer_scoring_internal.tier_terms_in,
	OUTPUT = customer_scoring_internal.tier_terms_out,
	RECEIVE = customer_scoring_internal.tier_terms_recv,
	SEND = customer_scoring_internal.tier_terms_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = double,
	STORAGE = extended
);
COMMENT ON TYPE customer_scoring.tier_terms IS
	'A scheme with all that decides how long its tiers are held: what a customer''s tier is worked out with';

CREATE FUNCTION customer_scoring.make_tier_terms(scheme customer_scoring.tier_scheme, basis text DEFAULT 'spend', period text DEFAULT 'rolling',
		length interval DEFAULT '12 months', start_month integer DEFAULT 1, hold interval DEFAULT NULL, grace interval DEFAULT '0',
		downgrade text DEFAULT 'one_down', time_zone text DEFAULT pg_catalog.current_setting('TimeZone')) RETURNS customer_scoring.tier_terms
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_tier_terms_make';
COMMENT ON FUNCTION customer_scoring.make_tier_terms(customer_scoring.tier_scheme, text, text, interval, integer, interval, interval, text, text) IS
	'Terms of these parameters; an error when they cannot be';

-- loyalty/tier_ledger.c: the rows that a customer's tier is worked out from

CREATE TYPE customer_scoring.tier_ledger;

CREATE FUNCTION customer_scoring_internal.tier_ledger_in(cstring) RETURNS customer_scoring.tier_ledger
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_tier_ledger_in';
CREATE FUNCTION customer_scoring_internal.tier_ledger_out(customer_scoring.tier_ledger) RETURNS cstring
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_tier_ledger_out';
CREATE FUNCTION customer_scoring_internal.tier_ledger_recv(internal) RETURNS customer_scoring.tier_ledger
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_tier_ledger_recv';
CREATE FUNCTION customer_scoring_internal.tier_ledger_send(customer_scoring.tier_ledger) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_tier_ledger_send';

CREATE TYPE customer_scoring.tier_ledger (
	INPUT = customer_scoring_internal.tier_ledger_in,
	OUTPUT = customer_scoring_internal.tier_ledger_out,
	RECEIVE = customer_scoring_internal.tier_ledger_recv,
	SEND = customer_scoring_internal.tier_ledger_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = double,
	STORAGE = extended
);
COMMENT ON TYPE customer_scoring.tier_ledger IS
	'One customer''s amounts by moment: what his tier is worked out from';

CREATE FUNCTION customer_scoring_internal.tier_ledger_combine(customer_scoring.tier_ledger, customer_scoring.tier_ledger) RETURNS customer_scoring.tier_ledger
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_tier_ledger_combine';
CREATE FUNCTION customer_scoring_internal.tier_ledger_final(customer_scoring.tier_ledger) RETURNS customer_scoring.tier_ledger
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_tier_ledger_final';
CREATE FUNCTION customer_scoring_internal.tier_accum(customer_scoring.tier_ledger, timestamptz, smallint) RETURNS customer_scoring.tier_ledger
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_tier_accum_int2';
CREATE FUNCTION customer_scoring_internal.tier_accum(customer_scoring.tier_ledger, timestamptz, integer) RETURNS customer_scoring.tier_ledger
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_tier_accum_int4';
CREATE FUNCTION customer_scoring_internal.tier_accum(customer_scoring.tier_ledger, timestamptz, bigint) RETURNS customer_scoring.tier_ledger
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_tier_accum_int8';
CREATE FUNCTION customer_scoring_internal.tier_accum(customer_scoring.tier_ledger, timestamptz, numeric) RETURNS customer_scoring.tier_ledger
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_tier_accum_numeric';
CREATE FUNCTION customer_scoring_internal.tier_accum(customer_scoring.tier_ledger, timestamptz, real) RETURNS customer_scoring.tier_ledger
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_tier_accum_float4';
CREATE FUNCTION customer_scoring_internal.tier_accum(customer_scoring.tier_ledger, timestamptz, double precision) RETURNS customer_scoring.tier_ledger
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_tier_accum_float8';

CREATE AGGREGATE customer_scoring.tier_ledger(at timestamptz, amount smallint) (
	SFUNC = customer_scoring_internal.tier_accum, STYPE = customer_scoring.tier_ledger, SSPACE = 256,
	FINALFUNC = customer_scoring_internal.tier_ledger_final, COMBINEFUNC = customer_scoring_internal.tier_ledger_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.tier_ledger(at timestamptz, amount integer) (
	SFUNC = customer_scoring_internal.tier_accum, STYPE = customer_scoring.tier_ledger, SSPACE = 256,
	FINALFUNC = customer_scoring_internal.tier_ledger_final, COMBINEFUNC = customer_scoring_internal.tier_ledger_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.tier_ledger(at timestamptz, amount bigint) (
	SFUNC = customer_scoring_internal.tier_accum, STYPE = customer_scoring.tier_ledger, SSPACE = 256,
	FINALFUNC = customer_scoring_internal.tier_ledger_final, COMBINEFUNC = customer_scoring_internal.tier_ledger_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.tier_ledger(at timestamptz, amount numeric) (
	SFUNC = customer_scoring_internal.tier_accum, STYPE = customer_scoring.tier_ledger, SSPACE = 256,
	FINALFUNC = customer_scoring_internal.tier_ledger_final, COMBINEFUNC = customer_scoring_internal.tier_ledger_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.tier_ledger(at timestamptz, amount real) (
	SFUNC = customer_scoring_internal.tier_accum, STYPE = customer_scoring.tier_ledger, SSPACE = 256,
	FINALFUNC = customer_scoring_internal.tier_ledger_final, COMBINEFUNC = customer_scoring_internal.tier_ledger_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.tier_ledger(at timestamptz, amount double precision) (
	SFUNC = customer_scoring_internal.tier_accum, STYPE = customer_scoring.tier_ledger, SSPACE = 256,
	FINALFUNC = customer_scoring_internal.tier_ledger_final, COMBINEFUNC = customer_scoring_internal.tier_ledger_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.rollup(customer_scoring.tier_ledger) (
	SFUNC = customer_scoring_internal.tier_ledger_combine, STYPE = customer_scoring.tier_ledger, SSPACE = 256,
	FINALFUNC = customer_scoring_internal.tier_ledger_final, COMBINEFUNC = customer_scoring_internal.tier_ledger_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.tier_ledger(timestamptz, smallint) IS 'One customer''s amounts by moment; rows without one of the two are skipped';
COMMENT ON AGGREGATE customer_scoring.tier_ledger(timestamptz, integer) IS 'One customer''s amounts by moment; rows without one of the two are skipped';
COMMENT ON AGGREGATE customer_scoring.tier_ledger(timestamptz, bigint) IS 'One customer''s amounts by moment; rows without one of the two are skipped';
COMMENT ON AGGREGATE customer_scoring.tier_ledger(timestamptz, numeric) IS 'One customer''s amounts by moment; rows without one of the two are skipped';
COMMENT ON AGGREGATE customer_scoring.tier_ledger(timestamptz, real) IS 'One customer''s amounts by moment; rows without one of the two are skipped';
COMMENT ON AGGREGATE customer_scoring.tier_ledger(timestamptz, double precision) IS 'One customer''s amounts by moment; rows without one of the two are skipped';
COMMENT ON AGGREGATE customer_scoring.rollup(customer_scoring.tier_ledger) IS 'Merge ledgers of one customer';

-- loyalty/tier_fold.c, tier_standing.c: who holds which tier, and until when

CREATE TYPE customer_scoring.tier_standing AS (tier text, tier_rank smallint, since timestamptz, until timestamptz, reason text,
	basis numeric, to_keep numeric, to_next numeric, changes_at timestamptz);
COMMENT ON TYPE customer_scoring.tier_standing IS 'The tier that a customer holds at a moment, since and until when and why, and what he lacks';
COMMENT ON COLUMN customer_scoring.tier_standing.tier IS 'The tier he holds; NULL for none';
COMMENT ON COLUMN customer_scoring.tier_standing.tier_rank IS 'Its rank: 1 for the lowest; 0 for none';
COMMENT ON COLUMN customer_scoring.tier_standing.since IS 'When he came to hold it, or lost the last one; NULL when he never had one';
COMMENT ON COLUMN customer_scoring.tier_standing.until IS 'End of the hold, the first moment after it; NULL when it has no end';
COMMENT ON COLUMN customer_scoring.tier_standing.reason IS 'What happened last: upgrade, renewed, grace, one_down or requalify';
COMMENT ON COLUMN customer_scoring.tier_standing.basis IS 'Spend, orders or points that count now';
COMMENT ON COLUMN customer_scoring.tier_standing.to_keep IS 'What the basis lacks to renew the tier; NULL when it has no end';
COMMENT ON COLUMN customer_scoring.tier_standing.to_next IS 'What the basis lacks to the tier above the one held; NULL at the top';
COMMENT ON COLUMN customer_scoring.tier_standing.changes_at IS 'When time alone may change this next; NULL for never';
CREATE TYPE customer_scoring.tier_change AS (at timestamptz, tier text, tier_rank smallint, from_tier text, since timestamptz, until timestamptz,
	reason text);
COMMENT ON TYPE customer_scoring.tier_change IS 'One thing that happened to the tier of a customer';
COMMENT ON COLUMN customer_scoring.tier_change.at IS 'When it happened';
COMMENT ON COLUMN customer_scoring.tier_change.tier IS 'The tier that is held from then on; NULL for none';
COMMENT ON COLUMN customer_scoring.tier_change.tier_rank IS 'Its rank; 0 for none';
COMMENT ON COLUMN customer_scoring.tier_change.from_tier IS 'The tier that was held before; NULL for none';
COMMENT ON COLUMN customer_scoring.tier_change.since IS 'Since when the tier is held';
COMMENT ON COLUMN customer_scoring.tier_change.until IS 'End of the hold, the first moment after it; NULL when it has no end';
COMMENT ON COLUMN customer_scoring.tier_change.reason IS 'What happened: upgrade, renewed, grace, one_down or requalify';

CREATE FUNCTION customer_scoring.tier_standing(terms customer_scoring.tier_terms, ledger customer_scoring.tier_ledger, as_of timestamptz) RETURNS customer_scoring.tier_standing
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_tier_standing';
COMMENT ON FUNCTION customer_scoring.tier_standing(customer_scoring.tier_terms, customer_scoring.tier_ledger, timestamptz) IS
	'The tier that a customer holds at a moment, by his rows up to it';
CREATE FUNCTION customer_scoring.tier_changes(terms customer_scoring.tier_terms, ledger customer_scoring.tier_ledger, as_of timestamptz) RETURNS customer_scoring.tier_change[]
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_tier_changes';
COMMENT ON FUNCTION customer_scoring.tier_changes(customer_scoring.tier_terms, customer_scoring.tier_ledger, timestamptz) IS
	'All that has happened to the tier of a customer up to a moment, one thing of each moment';

-- Programmes. Readable by all: nothing private is here.
CREATE TABLE customer_scoring.tier_policy (
	name text PRIMARY KEY,
	scheme customer_scoring.tier_scheme NOT NULL,
	basis text NOT NULL DEFAULT 'spend',
	segment_table regclass,
	points_programme text,
	period text NOT NULL DEFAULT 'rolling',
	length interval NOT NULL DEFAULT '12 months',
	start_month integer NOT NULL DEFAULT 1,
	hold interval,
	grace interval NOT NULL DEFAULT '0',
	downgrade text NOT NULL DEFAULT 'one_down',
	time_zone text NOT NULL DEFAULT pg_catalog.current_setting('TimeZone'),
	-- refuses what cannot be when it is written
	terms customer_scoring.tier_terms NOT NULL GENERATED ALWAYS AS
		(customer_scoring.make_tier_terms(scheme, basis, period, length, start_month, hold, grace, downgrade, time_zone)) STORED,
	CONSTRAINT tier_policy_name CHECK (name <> '' AND pg_catalog.octet_length(name) <= 63),
	CONSTRAINT tier_policy_points CHECK ((basis = 'points') = (points_programme IS NOT NULL)),
	CONSTRAINT tier_policy_segment_table CHECK (basis <> 'points' OR segment_table IS NULL)
);
COMMENT ON TABLE customer_scoring.tier_policy IS 'Loyalty programmes: who reaches which tier by what, and for how long it is held';
COMMENT ON COLUMN customer_scoring.tier_policy.name IS 'Name of the programme';
COMMENT ON COLUMN customer_scoring.tier_policy.scheme IS 'Its tiers, and what they take';
COMMENT ON COLUMN customer_scoring.tier_policy.basis IS 'What counts: spend, orders or points';
COMMENT ON COLUMN customer_scoring.tier_policy.segment_table IS 'The segment table whose orders count; NULL while there is none, and for points';
COMMENT ON COLUMN customer_scoring.tier_policy.points_programme IS 'The programme whose points count; NULL for spend and orders';
COMMENT ON COLUMN customer_scoring.tier_policy.period IS 'Which rows count at a moment: rolling, year, quarter or lifetime';
COMMENT ON COLUMN customer_scoring.tier_policy.length IS 'Length of a rolling period';
COMMENT ON COLUMN customer_scoring.tier_policy.start_month IS 'First month of the year for the periods year and quarter, and then for the end of a hold too';
COMMENT ON COLUMN customer_scoring.tier_policy.hold IS 'How long a tier is held once it was reached or renewed; NULL for the end of the next calendar year';
COMMENT ON COLUMN customer_scoring.tier_policy.grace IS 'How long it is kept after that to be reached once more';
COMMENT ON COLUMN customer_scoring.tier_policy.downgrade IS 'What becomes of a tier that was not kept: one_down, requalify, or none for nothing';
COMMENT ON COLUMN customer_scoring.tier_policy.time_zone IS 'Zone of its calendar';
COMMENT ON COLUMN customer_scoring.tier_policy.terms IS 'All of that as one value, for tier_standing and tier_changes';
GRANT SELECT ON customer_scoring.tier_policy TO PUBLIC;
GRANT INSERT, UPDATE, DELETE ON customer_scoring.tier_policy TO pg_database_owner;
SELECT pg_catalog.pg_extension_config_dump('customer_scoring.tier_policy',
	'WHERE segment_table IS NULL OR segment_table IN (SELECT c.oid FROM pg_catalog.pg_class c)');

-- Written by refreshes of segment tables with the option tiers.
CREATE TABLE customer_scoring.tier_history (
	policy text NOT NULL,
	customer text COLLATE "C" NOT NULL,
	at timestamptz NOT NULL,
	tier text,
	tier_rank smallint NOT NULL,
	from_tier text,
	since timestamptz NOT NULL,
	until timestamptz,
	reason text NOT NULL,
	run_id bigint,
	PRIMARY KEY (policy, customer, at)
);
COMMENT ON TABLE customer_scoring.tier_history IS 'All that has happened to tiers of customers: the last row up to a moment tells what is held at it';
COMMENT ON COLUMN customer_scoring.tier_history.policy IS 'The programme; its rows stay when it is deleted';
COMMENT ON COLUMN customer_scoring.tier_history.customer IS 'The customer, as text';
COMMENT ON COLUMN customer_scoring.tier_history.at IS 'When it happened';
COMMENT ON COLUMN customer_scoring.tier_history.tier IS 'The tier that is held from then on; NULL for none';
COMMENT ON COLUMN customer_scoring.tier_history.tier_rank IS 'Its rank; 0 for none';
COMMENT ON COLUMN customer_scoring.tier_history.from_tier IS 'The tier that was held before; NULL for none';
COMMENT ON COLUMN customer_scoring.tier_history.since IS 'Since when the tier is held';
COMMENT ON COLUMN customer_scoring.tier_history.until IS 'End of the hold, the first moment after it; NULL when it has no end';
COMMENT ON COLUMN customer_scoring.tier_history.reason IS 'What happened: upgrade, renewed, grace, one_down or requalify';
COMMENT ON COLUMN customer_scoring.tier_history.run_id IS 'The run that wrote the row';
GRANT SELECT, DELETE ON customer_scoring.tier_history TO pg_database_owner;
SELECT pg_catalog.pg_extension_config_dump('customer_scoring.tier_history', '');

CREATE FUNCTION customer_scoring.evaluate_tiers(
	policy text,
	as_of timestamptz,
	OUT customer text,
	OUT old_tier text,
	OUT tier text,
	OUT tier_rank smallint,
	OUT since timestamptz,
	OUT until timestamptz,
	OUT reason text,
	OUT basis numeric,
	OUT to_keep numeric,
	OUT to_next numeric
) RETURNS SETOF record
	LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'cs_evaluate_tiers';
COMMENT ON FUNCTION customer_scoring.evaluate_tiers(text, timestamptz) IS
	'The tier of every customer of a programme at a moment, from his rows up to it, with the rights of the caller; old_tier is what tier_history has from before';
