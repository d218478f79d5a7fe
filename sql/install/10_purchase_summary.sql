-- summary/purchase.c: purchase_summary

CREATE TYPE customer_scoring.purchase_summary;

CREATE FUNCTION customer_scoring_internal.purchase_summary_in(cstring) RETURNS customer_scoring.purchase_summary
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_purchase_summary_in';
CREATE FUNCTION customer_scoring_internal.purchase_summary_out(customer_scoring.purchase_summary) RETURNS cstring
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_purchase_summary_out';
CREATE FUNCTION customer_scoring_internal.purchase_summary_recv(internal) RETURNS customer_scoring.purchase_summary
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_purchase_summary_recv';
CREATE FUNCTION customer_scoring_internal.purchase_summary_send(customer_scoring.purchase_summary) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_purchase_summary_send';

CREATE TYPE customer_scoring.purchase_summary (
	INPUT = customer_scoring_internal.purchase_summary_in,
	OUTPUT = customer_scoring_internal.purchase_summary_out,
	RECEIVE = customer_scoring_internal.purchase_summary_recv,
	SEND = customer_scoring_internal.purchase_summary_send,
	INTERNALLENGTH = 64,
	ALIGNMENT = double
);
COMMENT ON TYPE customer_scoring.purchase_summary IS
	'One customer''s purchases: first, previous and last order, orders, refunds and exact revenue; mergeable with rollup';

CREATE FUNCTION customer_scoring_internal.purchase_combine(customer_scoring.purchase_summary, customer_scoring.purchase_summary)
	RETURNS customer_scoring.purchase_summary
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_purchase_combine';
CREATE FUNCTION customer_scoring_internal.purchase_accum(customer_scoring.purchase_summary, timestamptz, smallint)
	RETURNS customer_scoring.purchase_summary
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_purchase_accum_int2';
CREATE FUNCTION customer_scoring_internal.purchase_accum(customer_scoring.purchase_summary, timestamptz, integer)
	RETURNS customer_scoring.purchase_summary
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_purchase_accum_int4';
CREATE FUNCTION customer_scoring_internal.purchase_accum(customer_scoring.purchase_summary, timestamptz, bigint)
	RETURNS customer_scoring.purchase_summary
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_purchase_accum_int8';
CREATE FUNCTION customer_scoring_internal.purchase_accum(customer_scoring.purchase_summary, timestamptz, numeric)
	RETURNS customer_scoring.purchase_summary
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_purchase_accum_numeric';
CREATE FUNCTION customer_scoring_internal.purchase_accum(customer_scoring.purchase_summary, timestamptz, real)
	RETURNS customer_scoring.purchase_summary
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_purchase_accum_float4';
CREATE FUNCTION customer_scoring_internal.purchase_accum(customer_scoring.purchase_summary, timestamptz, double precision)
	RETURNS customer_scoring.purchase_summary
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_purchase_accum_float8';

CREATE AGGREGATE customer_scoring.purchase_summary(ordered_at timestamptz, amount smallint) (
	SFUNC = customer_scoring_internal.purchase_accum, STYPE = customer_scoring.purchase_summary,
	COMBINEFUNC = customer_scoring_internal.purchase_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.purchase_summary(ordered_at timestamptz, amount integer) (
	SFUNC = customer_scoring_internal.purchase_accum, STYPE = customer_scoring.purchase_summary,
	COMBINEFUNC = customer_scoring_internal.purchase_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.purchase_summary(ordered_at timestamptz, amount bigint) (
	SFUNC = customer_scoring_internal.purchase_accum, STYPE = customer_scoring.purchase_summary,
	COMBINEFUNC = customer_scoring_internal.purchase_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.purchase_summary(ordered_at timestamptz, amount numeric) (
	SFUNC = customer_scoring_internal.purchase_accum, STYPE = customer_scoring.purchase_summary,
	COMBINEFUNC = customer_scoring_internal.purchase_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.purchase_summary(ordered_at timestamptz, amount real) (
	SFUNC = customer_scoring_internal.purchase_accum, STYPE = customer_scoring.purchase_summary,
	COMBINEFUNC = customer_scoring_internal.purchase_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.purchase_summary(ordered_at timestamptz, amount double precision) (
	SFUNC = customer_scoring_internal.purchase_accum, STYPE = customer_scoring.purchase_summary,
	COMBINEFUNC = customer_scoring_internal.purchase_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.rollup(summary customer_scoring.purchase_summary) (
	SFUNC = customer_scoring_internal.purchase_combine, STYPE = customer_scoring.purchase_summary,
	COMBINEFUNC = customer_scoring_internal.purchase_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.purchase_summary(timestamptz, smallint) IS 'Summary of one customer''s purchases; rows with a NULL count as no row';
COMMENT ON AGGREGATE customer_scoring.purchase_summary(timestamptz, integer) IS 'Summary of one customer''s purchases; rows with a NULL count as no row';
COMMENT ON AGGREGATE customer_scoring.purchase_summary(timestamptz, bigint) IS 'Summary of one customer''s purchases; rows with a NULL count as no row';
COMMENT ON AGGREGATE customer_scoring.purchase_summary(timestamptz, numeric) IS 'Summary of one customer''s purchases; rows with a NULL count as no row';
COMMENT ON AGGREGATE customer_scoring.purchase_summary(timestamptz, real) IS 'Summary of one customer''s purchases; rows with a NULL count as no row';
COMMENT ON AGGREGATE customer_scoring.purchase_summary(timestamptz, double precision) IS 'Summary of one customer''s purchases; rows with a NULL count as no row';
COMMENT ON AGGREGATE customer_scoring.rollup(customer_scoring.purchase_summary) IS 'Summary of all rows behind several summaries of disjoint rows';

CREATE FUNCTION customer_scoring.first_order_at(summary customer_scoring.purchase_summary) RETURNS timestamptz
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_first_order_at';
COMMENT ON FUNCTION customer_scoring.first_order_at(customer_scoring.purchase_summary) IS 'Moment of the first order, NULL without one';
CREATE FUNCTION customer_scoring.previous_order_at(summary customer_scoring.purchase_summary) RETURNS timestamptz
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_previous_order_at';
COMMENT ON FUNCTION customer_scoring.previous_order_at(customer_scoring.purchase_summary) IS 'Moment of the last order but one, NULL with fewer than two';
CREATE FUNCTION customer_scoring.last_order_at(summary customer_scoring.purchase_summary) RETURNS timestamptz
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_last_order_at';
COMMENT ON FUNCTION customer_scoring.last_order_at(customer_scoring.purchase_summary) IS 'Moment of the last order, NULL without one';
CREATE FUNCTION customer_scoring.orders(summary customer_scoring.purchase_summary) RETURNS bigint
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_orders';
COMMENT ON FUNCTION customer_scoring.orders(customer_scoring.purchase_summary) IS 'Number of orders: amounts above zero';
CREATE FUNCTION customer_scoring.refunds(summary customer_scoring.purchase_summary) RETURNS bigint
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_refunds';
COMMENT ON FUNCTION customer_scoring.refunds(customer_scoring.purchase_summary) IS 'Number of refunds: amounts below zero';
CREATE FUNCTION customer_scoring.revenue(summary customer_scoring.purchase_summary) RETURNS numeric
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_revenue';
COMMENT ON FUNCTION customer_scoring.revenue(customer_scoring.purchase_summary) IS 'Exact total of all amounts, refunds taken off';
CREATE FUNCTION customer_scoring.average_order_value(summary customer_scoring.purchase_summary) RETURNS numeric
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_average_order_value';
COMMENT ON FUNCTION customer_scoring.average_order_value(customer_scoring.purchase_summary) IS 'Revenue divided by orders, NULL without an order';
CREATE FUNCTION customer_scoring.recency_days(summary customer_scoring.purchase_summary, as_of timestamptz,
		time_zone text DEFAULT pg_catalog.current_setting('TimeZone')) RETURNS integer
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_recency_days';
COMMENT ON FUNCTION customer_scoring.recency_days(customer_scoring.purchase_summary, timestamptz, text) IS 'Calendar days in a time zone from the last order to as_of';
CREATE FUNCTION customer_scoring.tenure_days(summary customer_scoring.purchase_summary, as_of timestamptz,
		time_zone text DEFAULT pg_catalog.current_setting('TimeZone')) RETURNS integer
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_tenure_days';
COMMENT ON FUNCTION customer_scoring.tenure_days(customer_scoring.purchase_summary, timestamptz, text) IS 'Calendar days in a time zone from the first order to as_of';

