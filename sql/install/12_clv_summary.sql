-- summary/clv_*.c: clv_summary, clv_holdout

CREATE TYPE customer_scoring.clv_summary;

CREATE FUNCTION customer_scoring_internal.clv_summary_in(cstring) RETURNS customer_scoring.clv_summary
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_summary_in';
CREATE FUNCTION customer_scoring_internal.clv_summary_out(customer_scoring.clv_summary) RETURNS cstring
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_summary_out';
CREATE FUNCTION customer_scoring_internal.clv_summary_recv(internal) RETURNS customer_scoring.clv_summary
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_summary_recv';
CREATE FUNCTION customer_scoring_internal.clv_summary_send(customer_scoring.clv_summary) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_summary_send';

CREATE TYPE customer_scoring.clv_summary (
	INPUT = customer_scoring_internal.clv_summary_in,
	OUTPUT = customer_scoring_internal.clv_summary_out,
	RECEIVE = customer_scoring_internal.clv_summary_recv,
	SEND = customer_scoring_internal.clv_summary_send,
	INTERNALLENGTH = 40,
	ALIGNMENT = double
);
COMMENT ON TYPE customer_scoring.clv_summary IS
	'What buy-till-you-die models need of one customer: frequency, recency, age and monetary, in units of one length';

-- Plain storage: values never get a short header, so aggregates change them in place.
CREATE TYPE customer_scoring_internal.clv_orders;

CREATE FUNCTION customer_scoring_internal.clv_orders_in(cstring) RETURNS customer_scoring_internal.clv_orders
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_orders_in';
CREATE FUNCTION customer_scoring_internal.clv_orders_out(customer_scoring_internal.clv_orders) RETURNS cstring
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_orders_out';
CREATE FUNCTION customer_scoring_internal.clv_orders_recv(internal) RETURNS customer_scoring_internal.clv_orders
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_orders_recv';
CREATE FUNCTION customer_scoring_internal.clv_orders_send(customer_scoring_internal.clv_orders) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_orders_send';

CREATE TYPE customer_scoring_internal.clv_orders (
	INPUT = customer_scoring_internal.clv_orders_in,
	OUTPUT = customer_scoring_internal.clv_orders_out,
	RECEIVE = customer_scoring_internal.clv_orders_recv,
	SEND = customer_scoring_internal.clv_orders_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = double,
	STORAGE = plain
);
COMMENT ON TYPE customer_scoring_internal.clv_orders IS
	'One customer''s purchases by period: the state of clv_summary and clv_holdout';

CREATE FUNCTION customer_scoring.clv_summary(frequency bigint, recency double precision, age double precision, monetary double precision,
		unit interval DEFAULT '1 day') RETURNS customer_scoring.clv_summary
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_summary_make';
COMMENT ON FUNCTION customer_scoring.clv_summary(bigint, double precision, double precision, double precision, interval) IS
	'Summary of figures from elsewhere; NULL when frequency, recency, age or unit is';
CREATE FUNCTION customer_scoring.check_clv_summary(frequency bigint, recency double precision, age double precision, monetary double precision)
	RETURNS text
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_check_clv_summary';
COMMENT ON FUNCTION customer_scoring.check_clv_summary(bigint, double precision, double precision, double precision) IS
	'Why clv_summary makes no summary of these figures; NULL when it does';
CREATE FUNCTION customer_scoring.frequency(summary customer_scoring.clv_summary) RETURNS bigint
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_frequency';
COMMENT ON FUNCTION customer_scoring.frequency(customer_scoring.clv_summary) IS 'Number of repeat periods with a purchase';
CREATE FUNCTION customer_scoring.recency(summary customer_scoring.clv_summary) RETURNS double precision
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_recency';
COMMENT ON FUNCTION customer_scoring.recency(customer_scoring.clv_summary) IS 'Age at the last purchase, in units: from the first purchase to the last';
CREATE FUNCTION customer_scoring.age(summary customer_scoring.clv_summary) RETURNS double precision
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_age';
COMMENT ON FUNCTION customer_scoring.age(customer_scoring.clv_summary) IS 'Units from the first purchase to the moment of the figures';
CREATE FUNCTION customer_scoring.monetary(summary customer_scoring.clv_summary) RETURNS double precision
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_monetary';
COMMENT ON FUNCTION customer_scoring.monetary(customer_scoring.clv_summary) IS 'Mean value of the repeat periods, NULL without one';
CREATE FUNCTION customer_scoring.unit(summary customer_scoring.clv_summary) RETURNS interval
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_unit';
COMMENT ON FUNCTION customer_scoring.unit(customer_scoring.clv_summary) IS 'Length of a unit, as days and a time';
CREATE FUNCTION customer_scoring.segment_clv_summary(summary customer_scoring.clv_summary, as_of timestamptz, clv_as_of timestamptz,
		time_zone text) RETURNS customer_scoring.clv_summary
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_segment_clv_summary';
COMMENT ON FUNCTION customer_scoring.segment_clv_summary(customer_scoring.clv_summary, timestamptz, timestamptz, text) IS
	'A summary in days made as of one moment, with its age as of an earlier one';

CREATE TYPE customer_scoring.clv_holdout AS (calibration customer_scoring.clv_summary, purchases bigint, monetary double precision,
	length double precision);
COMMENT ON TYPE customer_scoring.clv_holdout IS
	'A customer up to the end of calibration, and purchase periods, their mean value and the number of periods after it';

CREATE FUNCTION customer_scoring_internal.clv_combine(customer_scoring_internal.clv_orders, customer_scoring_internal.clv_orders)
	RETURNS customer_scoring_internal.clv_orders
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_combine';
CREATE FUNCTION customer_scoring_internal.clv_summary_final(customer_scoring_internal.clv_orders) RETURNS customer_scoring.clv_summary
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_summary_final';
CREATE FUNCTION customer_scoring_internal.clv_holdout_final(customer_scoring_internal.clv_orders) RETURNS customer_scoring.clv_holdout
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_holdout_final';
CREATE FUNCTION customer_scoring_internal.clv_accum(customer_scoring_internal.clv_orders, timestamptz, smallint, timestamptz, text)
	RETURNS customer_scoring_internal.clv_orders
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_accum_int2';
CREATE FUNCTION customer_scoring_internal.clv_accum(customer_scoring_internal.clv_orders, timestamptz, integer, timestamptz, text)
	RETURNS customer_scoring_internal.clv_orders
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_accum_int4';
CREATE FUNCTION customer_scoring_internal.clv_accum(customer_scoring_internal.clv_orders, timestamptz, bigint, timestamptz, text)
	RETURNS customer_scoring_internal.clv_orders
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_accum_int8';
CREATE FUNCTION customer_scoring_internal.clv_accum(customer_scoring_internal.clv_orders, timestamptz, numeric, timestamptz, text)
	RETURNS customer_scoring_internal.clv_orders
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_accum_numeric';
CREATE FUNCTION customer_scoring_internal.clv_accum(customer_scoring_internal.clv_orders, timestamptz, real, timestamptz, text)
	RETURNS customer_scoring_internal.clv_orders
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_accum_float4';
CREATE FUNCTION customer_scoring_internal.clv_accum(customer_scoring_internal.clv_orders, timestamptz, double precision, timestamptz, text)
	RETURNS customer_scoring_internal.clv_orders
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_accum_float8';
CREATE FUNCTION customer_scoring_internal.clv_accum(customer_scoring_internal.clv_orders, timestamptz, smallint, timestamptz, text, interval)
	RETURNS customer_scoring_internal.clv_orders
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_accum_int2';
CREATE FUNCTION customer_scoring_internal.clv_accum(customer_scoring_internal.clv_orders, timestamptz, integer, timestamptz, text, interval)
	RETURNS customer_scoring_internal.clv_orders
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_accum_int4';
CREATE FUNCTION customer_scoring_internal.clv_accum(customer_scoring_internal.clv_orders, timestamptz, bigint, timestamptz, text, interval)
	RETURNS customer_scoring_internal.clv_orders
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_accum_int8';
CREATE FUNCTION customer_scoring_internal.clv_accum(customer_scoring_internal.clv_orders, timestamptz, numeric, timestamptz, text, interval)
	RETURNS customer_scoring_internal.clv_orders
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_accum_numeric';
CREATE FUNCTION customer_scoring_internal.clv_accum(customer_scoring_internal.clv_orders, timestamptz, real, timestamptz, text, interval)
	RETURNS customer_scoring_internal.clv_orders
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_accum_float4';
CREATE FUNCTION customer_scoring_internal.clv_accum(customer_scoring_internal.clv_orders, timestamptz, double precision, timestamptz, text, interval)
	RETURNS customer_scoring_internal.clv_orders
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_accum_float8';
CREATE FUNCTION customer_scoring_internal.clv_holdout_accum(customer_scoring_internal.clv_orders, timestamptz, smallint, timestamptz, timestamptz, text)
	RETURNS customer_scoring_internal.clv_orders
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_holdout_accum_int2';
CREATE FUNCTION customer_scoring_internal.clv_holdout_accum(customer_scoring_internal.clv_orders, timestamptz, integer, timestamptz, timestamptz, text)
	RETURNS customer_scoring_internal.clv_orders
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_holdout_accum_int4';
CREATE FUNCTION customer_scoring_internal.clv_holdout_accum(customer_scoring_internal.clv_orders, timestamptz, bigint, timestamptz, timestamptz, text)
	RETURNS customer_scoring_internal.clv_orders
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_holdout_accum_int8';
CREATE FUNCTION customer_scoring_internal.clv_holdout_accum(customer_scoring_internal.clv_orders, timestamptz, numeric, timestamptz, timestamptz, text)
	RETURNS customer_scoring_internal.clv_orders
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_holdout_accum_numeric';
CREATE FUNCTION customer_scoring_internal.clv_holdout_accum(customer_scoring_internal.clv_orders, timestamptz, real, timestamptz, timestamptz, text)
	RETURNS customer_scoring_internal.clv_orders
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_holdout_accum_float4';
CREATE FUNCTION customer_scoring_internal.clv_holdout_accum(customer_scoring_internal.clv_orders, timestamptz, double precision, timestamptz, timestamptz, text)
	RETURNS customer_scoring_internal.clv_orders
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_holdout_accum_float8';
CREATE FUNCTION customer_scoring_internal.clv_holdout_accum(customer_scoring_internal.clv_orders, timestamptz, smallint, timestamptz, timestamptz, text, interval)
	RETURNS customer_scoring_internal.clv_orders
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_holdout_accum_int2';
CREATE FUNCTION customer_scoring_internal.clv_holdout_accum(customer_scoring_internal.clv_orders, timestamptz, integer, timestamptz, timestamptz, text, interval)
	RETURNS customer_scoring_internal.clv_orders
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_holdout_accum_int4';
CREATE FUNCTION customer_scoring_internal.clv_holdout_accum(customer_scoring_internal.clv_orders, timestamptz, bigint, timestamptz, timestamptz, text, interval)
	RETURNS customer_scoring_internal.clv_orders
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_holdout_accum_int8';
CREATE FUNCTION customer_scoring_internal.clv_holdout_accum(customer_scoring_internal.clv_orders, timestamptz, numeric, timestamptz, timestamptz, text, interval)
	RETURNS customer_scoring_internal.clv_orders
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_holdout_accum_numeric';
CREATE FUNCTION customer_scoring_internal.clv_holdout_accum(customer_scoring_internal.clv_orders, timestamptz, real, timestamptz, timestamptz, text, interval)
	RETURNS customer_scoring_internal.clv_orders
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_holdout_accum_float4';
CREATE FUNCTION customer_scoring_internal.clv_holdout_accum(customer_scoring_internal.clv_orders, timestamptz, double precision, timestamptz, timestamptz, text, interval)
	RETURNS customer_scoring_internal.clv_orders
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_holdout_accum_float8';
CREATE AGGREGATE customer_scoring.clv_summary(ordered_at timestamptz, amount smallint, as_of timestamptz, time_zone text) (
	SFUNC = customer_scoring_internal.clv_accum, STYPE = customer_scoring_internal.clv_orders, SSPACE = 256,
	FINALFUNC = customer_scoring_internal.clv_summary_final, COMBINEFUNC = customer_scoring_internal.clv_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.clv_summary(ordered_at timestamptz, amount integer, as_of timestamptz, time_zone text) (
	SFUNC = customer_scoring_internal.clv_accum, STYPE = customer_scoring_internal.clv_orders, SSPACE = 256,
	FINALFUNC = customer_scoring_internal.clv_summary_final, COMBINEFUNC = customer_scoring_internal.clv_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.clv_summary(ordered_at timestamptz, amount bigint, as_of timestamptz, time_zone text) (
	SFUNC = customer_scoring_internal.clv_accum, STYPE = customer_scoring_internal.clv_orders, SSPACE = 256,
	FINALFUNC = customer_scoring_internal.clv_summary_final, COMBINEFUNC = customer_scoring_internal.clv_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.clv_summary(ordered_at timestamptz, amount numeric, as_of timestamptz, time_zone text) (
	SFUNC = customer_scoring_internal.clv_accum, STYPE = customer_scoring_internal.clv_orders, SSPACE = 256,
	FINALFUNC = customer_scoring_internal.clv_summary_final, COMBINEFUNC = customer_scoring_internal.clv_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.clv_summary(ordered_at timestamptz, amount real, as_of timestamptz, time_zone text) (
	SFUNC = customer_scoring_internal.clv_accum, STYPE = customer_scoring_internal.clv_orders, SSPACE = 256,
	FINALFUNC = customer_scoring_internal.clv_summary_final, COMBINEFUNC = customer_scoring_internal.clv_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.clv_summary(ordered_at timestamptz, amount double precision, as_of timestamptz, time_zone text) (
	SFUNC = customer_scoring_internal.clv_accum, STYPE = customer_scoring_internal.clv_orders, SSPACE = 256,
	FINALFUNC = customer_scoring_internal.clv_summary_final, COMBINEFUNC = customer_scoring_internal.clv_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.clv_summary(ordered_at timestamptz, amount smallint, as_of timestamptz, time_zone text, unit interval) (
	SFUNC = customer_scoring_internal.clv_accum, STYPE = customer_scoring_internal.clv_orders, SSPACE = 256,
	FINALFUNC = customer_scoring_internal.clv_summary_final, COMBINEFUNC = customer_scoring_internal.clv_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.clv_summary(ordered_at timestamptz, amount integer, as_of timestamptz, time_zone text, unit interval) (
	SFUNC = customer_scoring_internal.clv_accum, STYPE = customer_scoring_internal.clv_orders, SSPACE = 256,
	FINALFUNC = customer_scoring_internal.clv_summary_final, COMBINEFUNC = customer_scoring_internal.clv_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.clv_summary(ordered_at timestamptz, amount bigint, as_of timestamptz, time_zone text, unit interval) (
	SFUNC = customer_scoring_internal.clv_accum, STYPE = customer_scoring_internal.clv_orders, SSPACE = 256,
	FINALFUNC = customer_scoring_internal.clv_summary_final, COMBINEFUNC = customer_scoring_internal.clv_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.clv_summary(ordered_at timestamptz, amount numeric, as_of timestamptz, time_zone text, unit interval) (
	SFUNC = customer_scoring_internal.clv_accum, STYPE = customer_scoring_internal.clv_orders, SSPACE = 256,
	FINALFUNC = customer_scoring_internal.clv_summary_final, COMBINEFUNC = customer_scoring_internal.clv_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.clv_summary(ordered_at timestamptz, amount real, as_of timestamptz, time_zone text, unit interval) (
	SFUNC = customer_scoring_internal.clv_accum, STYPE = customer_scoring_internal.clv_orders, SSPACE = 256,
	FINALFUNC = customer_scoring_internal.clv_summary_final, COMBINEFUNC = customer_scoring_internal.clv_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.clv_summary(ordered_at timestamptz, amount double precision, as_of timestamptz, time_zone text, unit interval) (
	SFUNC = customer_scoring_internal.clv_accum, STYPE = customer_scoring_internal.clv_orders, SSPACE = 256,
	FINALFUNC = customer_scoring_internal.clv_summary_final, COMBINEFUNC = customer_scoring_internal.clv_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.clv_summary(timestamptz, smallint, timestamptz, text) IS
	'One customer''s purchases up to as_of by day: frequency, recency, age and monetary';
COMMENT ON AGGREGATE customer_scoring.clv_summary(timestamptz, integer, timestamptz, text) IS
	'One customer''s purchases up to as_of by day: frequency, recency, age and monetary';
COMMENT ON AGGREGATE customer_scoring.clv_summary(timestamptz, bigint, timestamptz, text) IS
	'One customer''s purchases up to as_of by day: frequency, recency, age and monetary';
COMMENT ON AGGREGATE customer_scoring.clv_summary(timestamptz, numeric, timestamptz, text) IS
	'One customer''s purchases up to as_of by day: frequency, recency, age and monetary';
COMMENT ON AGGREGATE customer_scoring.clv_summary(timestamptz, real, timestamptz, text) IS
	'One customer''s purchases up to as_of by day: frequency, recency, age and monetary';
COMMENT ON AGGREGATE customer_scoring.clv_summary(timestamptz, double precision, timestamptz, text) IS
	'One customer''s purchases up to as_of by day: frequency, recency, age and monetary';
COMMENT ON AGGREGATE customer_scoring.clv_summary(timestamptz, smallint, timestamptz, text, interval) IS
	'One customer''s purchases up to as_of by unit: frequency, recency, age and monetary';
COMMENT ON AGGREGATE customer_scoring.clv_summary(timestamptz, integer, timestamptz, text, interval) IS
	'One customer''s purchases up to as_of by unit: frequency, recency, age and monetary';
COMMENT ON AGGREGATE customer_scoring.clv_summary(timestamptz, bigint, timestamptz, text, interval) IS
	'One customer''s purchases up to as_of by unit: frequency, recency, age and monetary';
COMMENT ON AGGREGATE customer_scoring.clv_summary(timestamptz, numeric, timestamptz, text, interval) IS
	'One customer''s purchases up to as_of by unit: frequency, recency, age and monetary';
COMMENT ON AGGREGATE customer_scoring.clv_summary(timestamptz, real, timestamptz, text, interval) IS
	'One customer''s purchases up to as_of by unit: frequency, recency, age and monetary';
COMMENT ON AGGREGATE customer_scoring.clv_summary(timestamptz, double precision, timestamptz, text, interval) IS
	'One customer''s purchases up to as_of by unit: frequency, recency, age and monetary';
CREATE AGGREGATE customer_scoring.clv_holdout(ordered_at timestamptz, amount smallint, calibration_end timestamptz, as_of timestamptz, time_zone text) (
	SFUNC = customer_scoring_internal.clv_holdout_accum, STYPE = customer_scoring_internal.clv_orders, SSPACE = 256,
	FINALFUNC = customer_scoring_internal.clv_holdout_final, COMBINEFUNC = customer_scoring_internal.clv_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.clv_holdout(ordered_at timestamptz, amount integer, calibration_end timestamptz, as_of timestamptz, time_zone text) (
	SFUNC = customer_scoring_internal.clv_holdout_accum, STYPE = customer_scoring_internal.clv_orders, SSPACE = 256,
	FINALFUNC = customer_scoring_internal.clv_holdout_final, COMBINEFUNC = customer_scoring_internal.clv_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.clv_holdout(ordered_at timestamptz, amount bigint, calibration_end timestamptz, as_of timestamptz, time_zone text) (
	SFUNC = customer_scoring_internal.clv_holdout_accum, STYPE = customer_scoring_internal.clv_orders, SSPACE = 256,
	FINALFUNC = customer_scoring_internal.clv_holdout_final, COMBINEFUNC = customer_scoring_internal.clv_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.clv_holdout(ordered_at timestamptz, amount numeric, calibration_end timestamptz, as_of timestamptz, time_zone text) (
	SFUNC = customer_scoring_internal.clv_holdout_accum, STYPE = customer_scoring_internal.clv_orders, SSPACE = 256,
	FINALFUNC = customer_scoring_internal.clv_holdout_final, COMBINEFUNC = customer_scoring_internal.clv_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.clv_holdout(ordered_at timestamptz, amount real, calibration_end timestamptz, as_of timestamptz, time_zone text) (
	SFUNC = customer_scoring_internal.clv_holdout_accum, STYPE = customer_scoring_internal.clv_orders, SSPACE = 256,
	FINALFUNC = customer_scoring_internal.clv_holdout_final, COMBINEFUNC = customer_scoring_internal.clv_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.clv_holdout(ordered_at timestamptz, amount double precision, calibration_end timestamptz, as_of timestamptz, time_zone text) (
	SFUNC = customer_scoring_internal.clv_holdout_accum, STYPE = customer_scoring_internal.clv_orders, SSPACE = 256,
	FINALFUNC = customer_scoring_internal.clv_holdout_final, COMBINEFUNC = customer_scoring_internal.clv_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.clv_holdout(ordered_at timestamptz, amount smallint, calibration_end timestamptz, as_of timestamptz, time_zone text, unit interval) (
	SFUNC = customer_scoring_internal.clv_holdout_accum, STYPE = customer_scoring_internal.clv_orders, SSPACE = 256,
	FINALFUNC = customer_scoring_internal.clv_holdout_final, COMBINEFUNC = customer_scoring_internal.clv_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.clv_holdout(ordered_at timestamptz, amount integer, calibration_end timestamptz, as_of timestamptz, time_zone text, unit interval) (
	SFUNC = customer_scoring_internal.clv_holdout_accum, STYPE = customer_scoring_internal.clv_orders, SSPACE = 256,
	FINALFUNC = customer_scoring_internal.clv_holdout_final, COMBINEFUNC = customer_scoring_internal.clv_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.clv_holdout(ordered_at timestamptz, amount bigint, calibration_end timestamptz, as_of timestamptz, time_zone text, unit interval) (
	SFUNC = customer_scoring_internal.clv_holdout_accum, STYPE = customer_scoring_internal.clv_orders, SSPACE = 256,
	FINALFUNC = customer_scoring_internal.clv_holdout_final, COMBINEFUNC = customer_scoring_internal.clv_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.clv_holdout(ordered_at timestamptz, amount numeric, calibration_end timestamptz, as_of timestamptz, time_zone text, unit interval) (
	SFUNC = customer_scoring_internal.clv_holdout_accum, STYPE = customer_scoring_internal.clv_orders, SSPACE = 256,
	FINALFUNC = customer_scoring_internal.clv_holdout_final, COMBINEFUNC = customer_scoring_internal.clv_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.clv_holdout(ordered_at timestamptz, amount real, calibration_end timestamptz, as_of timestamptz, time_zone text, unit interval) (
	SFUNC = customer_scoring_internal.clv_holdout_accum, STYPE = customer_scoring_internal.clv_orders, SSPACE = 256,
	FINALFUNC = customer_scoring_internal.clv_holdout_final, COMBINEFUNC = customer_scoring_internal.clv_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.clv_holdout(ordered_at timestamptz, amount double precision, calibration_end timestamptz, as_of timestamptz, time_zone text, unit interval) (
	SFUNC = customer_scoring_internal.clv_holdout_accum, STYPE = customer_scoring_internal.clv_orders, SSPACE = 256,
	FINALFUNC = customer_scoring_internal.clv_holdout_final, COMBINEFUNC = customer_scoring_internal.clv_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.clv_holdout(timestamptz, smallint, timestamptz, timestamptz, text) IS
	'One customer up to the end of calibration and after it, by day, to test models with';
COMMENT ON AGGREGATE customer_scoring.clv_holdout(timestamptz, integer, timestamptz, timestamptz, text) IS
	'One customer up to the end of calibration and after it, by day, to test models with';
COMMENT ON AGGREGATE customer_scoring.clv_holdout(timestamptz, bigint, timestamptz, timestamptz, text) IS
	'One customer up to the end of calibration and after it, by day, to test models with';
COMMENT ON AGGREGATE customer_scoring.clv_holdout(timestamptz, numeric, timestamptz, timestamptz, text) IS
	'One customer up to the end of calibration and after it, by day, to test models with';
COMMENT ON AGGREGATE customer_scoring.clv_holdout(timestamptz, real, timestamptz, timestamptz, text) IS
	'One customer up to the end of calibration and after it, by day, to test models with';
COMMENT ON AGGREGATE customer_scoring.clv_holdout(timestamptz, double precision, timestamptz, timestamptz, text) IS
	'One customer up to the end of calibration and after it, by day, to test models with';
COMMENT ON AGGREGATE customer_scoring.clv_holdout(timestamptz, smallint, timestamptz, timestamptz, text, interval) IS
	'One customer up to the end of calibration and after it, by unit, to test models with';
COMMENT ON AGGREGATE customer_scoring.clv_holdout(timestamptz, integer, timestamptz, timestamptz, text, interval) IS
	'One customer up to the end of calibration and after it, by unit, to test models with';
COMMENT ON AGGREGATE customer_scoring.clv_holdout(timestamptz, bigint, timestamptz, timestamptz, text, interval) IS
	'One customer up to the end of calibration and after it, by unit, to test models with';
COMMENT ON AGGREGATE customer_scoring.clv_holdout(timestamptz, numeric, timestamptz, timestamptz, text, interval) IS
	'One customer up to the end of calibration and after it, by unit, to test models with';
COMMENT ON AGGREGATE customer_scoring.clv_holdout(timestamptz, real, timestamptz, timestamptz, text, interval) IS
	'One customer up to the end of calibration and after it, by unit, to test models with';
COMMENT ON AGGREGATE customer_scoring.clv_holdout(timestamptz, double precision, timestamptz, timestamptz, text, interval) IS
	'One customer up to the end of calibration and after it, by unit, to test models with';
