-- loyalty/rebate.c: rebates on what was bought in total

CREATE TYPE customer_scoring.rebate_scheme;

CREATE FUNCTION customer_scoring_internal.rebate_scheme_in(cstring) RETURNS customer_scoring.rebate_scheme
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rebate_scheme_in';
CREATE FUNCTION customer_scoring_internal.rebate_scheme_out(customer_scoring.rebate_scheme) RETURNS cstring
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rebate_scheme_out';
CREATE FUNCTION customer_scoring_internal.rebate_scheme_recv(internal) RETURNS customer_scoring.rebate_scheme
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rebate_scheme_recv';
CREATE FUNCTION customer_scoring_internal.rebate_scheme_send(customer_scoring.rebate_scheme) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rebate_scheme_send';

CREATE TYPE customer_scoring.rebate_scheme (
	INPUT = customer_scoring_internal.rebate_scheme_in,
	OUTPUT = customer_scoring_internal.rebate_scheme_out,
	RECEIVE = customer_scoring_internal.rebate_scheme_recv,
	SEND = customer_scoring_internal.rebate_scheme_send,
	INTERNALLENGTH = VARIABLE,
	STORAGE = extended
);
COMMENT ON TYPE customer_scoring.rebate_scheme IS 'Totals from which on a rebate is due, with its rate, lowest first: ''1000 2%, 5000 3.5%''';

CREATE FUNCTION customer_scoring.cumulative_rebate(scheme customer_scoring.rebate_scheme, total numeric, already_credited numeric,
		mode text DEFAULT 'retroactive') RETURNS numeric
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_cumulative_rebate';
COMMENT ON FUNCTION customer_scoring.cumulative_rebate(customer_scoring.rebate_scheme, numeric, numeric, text) IS
	'Rebate on a total that is still due, of the whole total (retroactive) or slice by slice (marginal)';
CREATE FUNCTION customer_scoring.rebate_rate(scheme customer_scoring.rebate_scheme, total numeric) RETURNS numeric
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rebate_rate';
COMMENT ON FUNCTION customer_scoring.rebate_rate(customer_scoring.rebate_scheme, numeric) IS 'Rate in percent that a total has reached; 0 below all';
CREATE FUNCTION customer_scoring.amount_to_next_rebate(scheme customer_scoring.rebate_scheme, total numeric) RETURNS numeric
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_amount_to_next_rebate';
COMMENT ON FUNCTION customer_scoring.amount_to_next_rebate(customer_scoring.rebate_scheme, numeric) IS
	'What is missing from a total to the next rate; NULL with the last one';

-- loyalty/second_purchase.c: the discount on a second purchase

CREATE FUNCTION customer_scoring.second_purchase_eligible(orders bigint, first_order_at timestamptz, as_of timestamptz,
		within interval DEFAULT '30 days', time_zone text DEFAULT pg_catalog.current_setting('TimeZone')) RETURNS boolean
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_second_purchase_eligible';
COMMENT ON FUNCTION customer_scoring.second_purchase_eligible(bigint, timestamptz, timestamptz, interval, text) IS
	'Whether a customer has ordered once, and a second order at this moment is within a time of the first';
CREATE FUNCTION customer_scoring.second_purchase_eligible(summary customer_scoring.purchase_summary, as_of timestamptz,
		within interval DEFAULT '30 days', time_zone text DEFAULT pg_catalog.current_setting('TimeZone')) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	BEGIN ATOMIC
		-- recency_days refuses a summary that holds later orders
		SELECT customer_scoring.recency_days($1, $2, $4) IS NOT NULL
			AND customer_scoring.second_purchase_eligible(customer_scoring.orders($1), customer_scoring.first_order_at($1), $2, $3, $4);
	END;
COMMENT ON FUNCTION customer_scoring.second_purchase_eligible(customer_scoring.purchase_summary, timestamptz, interval, text) IS
	'Whether a customer has ordered once, and a second order at this moment is within a time of the first';
