-- model/rfm_*.c: scores of recency, frequency and money

CREATE TYPE customer_scoring.rfm_score AS (r smallint, f smallint, m smallint, bins smallint);
COMMENT ON TYPE customer_scoring.rfm_score IS 'Scores for recency, frequency and money, 1 (low) to bins (high)';

CREATE FUNCTION customer_scoring.rfm(summary customer_scoring.purchase_summary, bins integer DEFAULT 5)
	RETURNS customer_scoring.rfm_score
	LANGUAGE c WINDOW IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_window_summary';
COMMENT ON FUNCTION customer_scoring.rfm(customer_scoring.purchase_summary, integer) IS
	'Window function: RFM scores of a customer among those of the partition';
CREATE FUNCTION customer_scoring.rfm(last_order_at timestamptz, orders bigint, revenue smallint, bins integer DEFAULT 5)
	RETURNS customer_scoring.rfm_score
	LANGUAGE c WINDOW IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_window_int2';
COMMENT ON FUNCTION customer_scoring.rfm(timestamptz, bigint, smallint, integer) IS
	'Window function: RFM scores of a customer among those of the partition';
CREATE FUNCTION customer_scoring.rfm(last_order_at timestamptz, orders bigint, revenue integer, bins integer DEFAULT 5)
	RETURNS customer_scoring.rfm_score
	LANGUAGE c WINDOW IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_window_int4';
COMMENT ON FUNCTION customer_scoring.rfm(timestamptz, bigint, integer, integer) IS
	'Window function: RFM scores of a customer among those of the partition';
CREATE FUNCTION customer_scoring.rfm(last_order_at timestamptz, orders bigint, revenue bigint, bins integer DEFAULT 5)
	RETURNS customer_scoring.rfm_score
	LANGUAGE c WINDOW IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_window_int8';
COMMENT ON FUNCTION customer_scoring.rfm(timestamptz, bigint, bigint, integer) IS
	'Window function: RFM scores of a customer among those of the partition';
CREATE FUNCTION customer_scoring.rfm(last_order_at timestamptz, orders bigint, revenue numeric, bins integer DEFAULT 5)
	RETURNS customer_scoring.rfm_score
	LANGUAGE c WINDOW IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_window_numeric';
COMMENT ON FUNCTION customer_scoring.rfm(timestamptz, bigint, numeric, integer) IS
	'Window function: RFM scores of a customer among those of the partition';
CREATE FUNCTION customer_scoring.rfm(last_order_at timestamptz, orders bigint, revenue double precision, bins integer DEFAULT 5)
	RETURNS customer_scoring.rfm_score
	LANGUAGE c WINDOW IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_window_float8';
COMMENT ON FUNCTION customer_scoring.rfm(timestamptz, bigint, double precision, integer) IS
	'Window function: RFM scores of a customer among those of the partition';

CREATE TYPE customer_scoring.rfm_model;
CREATE FUNCTION customer_scoring_internal.rfm_model_in(cstring) RETURNS customer_scoring.rfm_model
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_model_in';
CREATE FUNCTION customer_scoring_internal.rfm_model_out(customer_scoring.rfm_model) RETURNS cstring
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_model_out';
CREATE FUNCTION customer_scoring_internal.rfm_model_recv(internal) RETURNS customer_scoring.rfm_model
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_model_recv';
CREATE FUNCTION customer_scoring_internal.rfm_model_send(customer_scoring.rfm_model) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_model_send';
CREATE TYPE customer_scoring.rfm_model (
	INPUT = customer_scoring_internal.rfm_model_in,
	OUTPUT = customer_scoring_internal.rfm_model_out,
	RECEIVE = customer_scoring_internal.rfm_model_recv,
	SEND = customer_scoring_internal.rfm_model_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = double,
	STORAGE = extended
);
COMMENT ON TYPE customer_scoring.rfm_model IS
	'Frozen breaks of recency, orders and revenue: the scores of any customer by rfm(model, ...)';

CREATE TYPE customer_scoring_internal.rfm_population;
CREATE FUNCTION customer_scoring_internal.rfm_population_in(cstring) RETURNS customer_scoring_internal.rfm_population
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_population_in';
CREATE FUNCTION customer_scoring_internal.rfm_population_out(customer_scoring_internal.rfm_population) RETURNS cstring
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_population_out';
CREATE FUNCTION customer_scoring_internal.rfm_population_recv(internal) RETURNS customer_scoring_internal.rfm_population
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_population_recv';
CREATE FUNCTION customer_scoring_internal.rfm_population_send(customer_scoring_internal.rfm_population) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_population_send';
CREATE TYPE customer_scoring_internal.rfm_population (
	INPUT = customer_scoring_internal.rfm_population_in,
	OUTPUT = customer_scoring_internal.rfm_population_out,
	RECEIVE = customer_scoring_internal.rfm_population_recv,
	SEND = customer_scoring_internal.rfm_population_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = double,
	STORAGE = extended
);
COMMENT ON TYPE customer_scoring_internal.rfm_population IS
	'State of the aggregate rfm_fit: the customers seen so far';

CREATE FUNCTION customer_scoring_internal.rfm_fit_combine(customer_scoring_internal.rfm_population, customer_scoring_internal.rfm_population)
	RETURNS customer_scoring_internal.rfm_population
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_fit_combine';
CREATE FUNCTION customer_scoring_internal.rfm_fit_final(customer_scoring_internal.rfm_population)
	RETURNS customer_scoring.rfm_model
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_fit_final';
CREATE FUNCTION customer_scoring_internal.rfm_fit_accum(customer_scoring_internal.rfm_population, customer_scoring.purchase_summary, timestamptz)
	RETURNS customer_scoring_internal.rfm_population
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_fit_summary';
CREATE FUNCTION customer_scoring_internal.rfm_fit_accum(customer_scoring_internal.rfm_population, customer_scoring.purchase_summary, timestamptz, integer)
	RETURNS customer_scoring_internal.rfm_population
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_fit_summary';
CREATE FUNCTION customer_scoring_internal.rfm_fit_accum(customer_scoring_internal.rfm_population, timestamptz, bigint, smallint, timestamptz)
	RETURNS customer_scoring_internal.rfm_population
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_fit_int2';
CREATE FUNCTION customer_scoring_internal.rfm_fit_accum(customer_scoring_internal.rfm_population, timestamptz, bigint, smallint, timestamptz, integer)
	RETURNS customer_scoring_internal.rfm_population
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_fit_int2';
CREATE FUNCTION customer_scoring_internal.rfm_fit_accum(customer_scoring_internal.rfm_population, timestamptz, bigint, integer, timestamptz)
	RETURNS customer_scoring_internal.rfm_population
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_fit_int4';
CREATE FUNCTION customer_scoring_internal.rfm_fit_accum(customer_scoring_internal.rfm_population, timestamptz, bigint, integer, timestamptz, integer)
	RETURNS customer_scoring_internal.rfm_population
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_fit_int4';
CREATE FUNCTION customer_scoring_internal.rfm_fit_accum(customer_scoring_internal.rfm_population, timestamptz, bigint, bigint, timestamptz)
	RETURNS customer_scoring_internal.rfm_population
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_fit_int8';
CREATE FUNCTION customer_scoring_internal.rfm_fit_accum(customer_scoring_internal.rfm_population, timestamptz, bigint, bigint, timestamptz, integer)
	RETURNS customer_scoring_internal.rfm_population
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_fit_int8';
CREATE FUNCTION customer_scoring_internal.rfm_fit_accum(customer_scoring_internal.rfm_population, timestamptz, bigint, numeric, timestamptz)
	RETURNS customer_scoring_internal.rfm_population
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_fit_numeric';
CREATE FUNCTION customer_scoring_internal.rfm_fit_accum(customer_scoring_internal.rfm_population, timestamptz, bigint, numeric, timestamptz, integer)
	RETURNS customer_scoring_internal.rfm_population
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_fit_numeric';
CREATE FUNCTION customer_scoring_internal.rfm_fit_accum(customer_scoring_internal.rfm_population, timestamptz, bigint, double precision, timestamptz)
	RETURNS customer_scoring_internal.rfm_population
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_fit_float8';
CREATE FUNCTION customer_scoring_internal.rfm_fit_accum(customer_scoring_internal.rfm_population, timestamptz, bigint, double precision, timestamptz, integer)
	RETURNS customer_scoring_internal.rfm_population
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_fit_float8';

CREATE AGGREGATE customer_scoring.rfm_fit(summary customer_scoring.purchase_summary, as_of timestamptz) (
	SFUNC = customer_scoring_internal.rfm_fit_accum, STYPE = customer_scoring_internal.rfm_population,
	FINALFUNC = customer_scoring_internal.rfm_fit_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = customer_scoring_internal.rfm_fit_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.rfm_fit(customer_scoring.purchase_summary, timestamptz) IS
	'RFM breaks of all customers as of a moment, frozen in a model; a customer with a NULL is left out';
CREATE AGGREGATE customer_scoring.rfm_fit(summary customer_scoring.purchase_summary, as_of timestamptz, bins integer) (
	SFUNC = customer_scoring_internal.rfm_fit_accum, STYPE = customer_scoring_internal.rfm_population,
	FINALFUNC = customer_scoring_internal.rfm_fit_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = customer_scoring_internal.rfm_fit_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.rfm_fit(customer_scoring.purchase_summary, timestamptz, integer) IS
	'RFM breaks of all customers as of a moment, frozen in a model; a customer with a NULL is left out';
CREATE AGGREGATE customer_scoring.rfm_fit(last_order_at timestamptz, orders bigint, revenue smallint, as_of timestamptz) (
	SFUNC = customer_scoring_internal.rfm_fit_accum, STYPE = customer_scoring_internal.rfm_population,
	FINALFUNC = customer_scoring_internal.rfm_fit_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = customer_scoring_internal.rfm_fit_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.rfm_fit(timestamptz, bigint, smallint, timestamptz) IS
	'RFM breaks of all customers as of a moment, frozen in a model; a customer with a NULL is left out';
CREATE AGGREGATE customer_scoring.rfm_fit(last_order_at timestamptz, orders bigint, revenue smallint, as_of timestamptz, bins integer) (
	SFUNC = customer_scoring_internal.rfm_fit_accum, STYPE = customer_scoring_internal.rfm_population,
	FINALFUNC = customer_scoring_internal.rfm_fit_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = customer_scoring_internal.rfm_fit_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.rfm_fit(timestamptz, bigint, smallint, timestamptz, integer) IS
	'RFM breaks of all customers as of a moment, frozen in a model; a customer with a NULL is left out';
CREATE AGGREGATE customer_scoring.rfm_fit(last_order_at timestamptz, orders bigint, revenue integer, as_of timestamptz) (
	SFUNC = customer_scoring_internal.rfm_fit_accum, STYPE = customer_scoring_internal.rfm_population,
	FINALFUNC = customer_scoring_internal.rfm_fit_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = customer_scoring_internal.rfm_fit_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.rfm_fit(timestamptz, bigint, integer, timestamptz) IS
	'RFM breaks of all customers as of a moment, frozen in a model; a customer with a NULL is left out';
CREATE AGGREGATE customer_scoring.rfm_fit(last_order_at timestamptz, orders bigint, revenue integer, as_of timestamptz, bins integer) (
	SFUNC = customer_scoring_internal.rfm_fit_accum, STYPE = customer_scoring_internal.rfm_population,
	FINALFUNC = customer_scoring_internal.rfm_fit_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = customer_scoring_internal.rfm_fit_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.rfm_fit(timestamptz, bigint, integer, timestamptz, integer) IS
	'RFM breaks of all customers as of a moment, frozen in a model; a customer with a NULL is left out';
CREATE AGGREGATE customer_scoring.rfm_fit(last_order_at timestamptz, orders bigint, revenue bigint, as_of timestamptz) (
	SFUNC = customer_scoring_internal.rfm_fit_accum, STYPE = customer_scoring_internal.rfm_population,
	FINALFUNC = customer_scoring_internal.rfm_fit_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = customer_scoring_internal.rfm_fit_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.rfm_fit(timestamptz, bigint, bigint, timestamptz) IS
	'RFM breaks of all customers as of a moment, frozen in a model; a customer with a NULL is left out';
CREATE AGGREGATE customer_scoring.rfm_fit(last_order_at timestamptz, orders bigint, revenue bigint, as_of timestamptz, bins integer) (
	SFUNC = customer_scoring_internal.rfm_fit_accum, STYPE = customer_scoring_internal.rfm_population,
	FINALFUNC = customer_scoring_internal.rfm_fit_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = customer_scoring_internal.rfm_fit_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.rfm_fit(timestamptz, bigint, bigint, timestamptz, integer) IS
	'RFM breaks of all customers as of a moment, frozen in a model; a customer with a NULL is left out';
CREATE AGGREGATE customer_scoring.rfm_fit(last_order_at timestamptz, orders bigint, revenue numeric, as_of timestamptz) (
	SFUNC = customer_scoring_internal.rfm_fit_accum, STYPE = customer_scoring_internal.rfm_population,
	FINALFUNC = customer_scoring_internal.rfm_fit_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = customer_scoring_internal.rfm_fit_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.rfm_fit(timestamptz, bigint, numeric, timestamptz) IS
	'RFM breaks of all customers as of a moment, frozen in a model; a customer with a NULL is left out';
CREATE AGGREGATE customer_scoring.rfm_fit(last_order_at timestamptz, orders bigint, revenue numeric, as_of timestamptz, bins integer) (
	SFUNC = customer_scoring_internal.rfm_fit_accum, STYPE = customer_scoring_internal.rfm_population,
	FINALFUNC = customer_scoring_internal.rfm_fit_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = customer_scoring_internal.rfm_fit_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.rfm_fit(timestamptz, bigint, numeric, timestamptz, integer) IS
	'RFM breaks of all customers as of a moment, frozen in a model; a customer with a NULL is left out';
CREATE AGGREGATE customer_scoring.rfm_fit(last_order_at timestamptz, orders bigint, revenue double precision, as_of timestamptz) (
	SFUNC = customer_scoring_internal.rfm_fit_accum, STYPE = customer_scoring_internal.rfm_population,
	FINALFUNC = customer_scoring_internal.rfm_fit_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = customer_scoring_internal.rfm_fit_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.rfm_fit(timestamptz, bigint, double precision, timestamptz) IS
	'RFM breaks of all customers as of a moment, frozen in a model; a customer with a NULL is left out';
CREATE AGGREGATE customer_scoring.rfm_fit(last_order_at timestamptz, orders bigint, revenue double precision, as_of timestamptz, bins integer) (
	SFUNC = customer_scoring_internal.rfm_fit_accum, STYPE = customer_scoring_internal.rfm_population,
	FINALFUNC = customer_scoring_internal.rfm_fit_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = customer_scoring_internal.rfm_fit_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.rfm_fit(timestamptz, bigint, double precision, timestamptz, integer) IS
	'RFM breaks of all customers as of a moment, frozen in a model; a customer with a NULL is left out';

CREATE FUNCTION customer_scoring.rfm(model customer_scoring.rfm_model, summary customer_scoring.purchase_summary, as_of timestamptz)
	RETURNS customer_scoring.rfm_score
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_frozen_summary';
COMMENT ON FUNCTION customer_scoring.rfm(customer_scoring.rfm_model, customer_scoring.purchase_summary, timestamptz) IS
	'RFM scores of a customer at a moment, by the breaks of a model';
CREATE FUNCTION customer_scoring.rfm(model customer_scoring.rfm_model, last_order_at timestamptz, orders bigint, revenue smallint, as_of timestamptz)
	RETURNS customer_scoring.rfm_score
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_frozen_int2';
COMMENT ON FUNCTION customer_scoring.rfm(customer_scoring.rfm_model, timestamptz, bigint, smallint, timestamptz) IS
	'RFM scores of a customer at a moment, by the breaks of a model';
CREATE FUNCTION customer_scoring.rfm(model customer_scoring.rfm_model, last_order_at timestamptz, orders bigint, revenue integer, as_of timestamptz)
	RETURNS customer_scoring.rfm_score
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_frozen_int4';
COMMENT ON FUNCTION customer_scoring.rfm(customer_scoring.rfm_model, timestamptz, bigint, integer, timestamptz) IS
	'RFM scores of a customer at a moment, by the breaks of a model';
CREATE FUNCTION customer_scoring.rfm(model customer_scoring.rfm_model, last_order_at timestamptz, orders bigint, revenue bigint, as_of timestamptz)
	RETURNS customer_scoring.rfm_score
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_frozen_int8';
COMMENT ON FUNCTION customer_scoring.rfm(customer_scoring.rfm_model, timestamptz, bigint, bigint, timestamptz) IS
	'RFM scores of a customer at a moment, by the breaks of a model';
CREATE FUNCTION customer_scoring.rfm(model customer_scoring.rfm_model, last_order_at timestamptz, orders bigint, revenue numeric, as_of timestamptz)
	RETURNS customer_scoring.rfm_score
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_frozen_numeric';
COMMENT ON FUNCTION customer_scoring.rfm(customer_scoring.rfm_model, timestamptz, bigint, numeric, timestamptz) IS
	'RFM scores of a customer at a moment, by the breaks of a model';
CREATE FUNCTION customer_scoring.rfm(model customer_scoring.rfm_model, last_order_at timestamptz, orders bigint, revenue double precision, as_of timestamptz)
	RETURNS customer_scoring.rfm_score
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_frozen_float8';
COMMENT ON FUNCTION customer_scoring.rfm(customer_scoring.rfm_model, timestamptz, bigint, double precision, timestamptz) IS
	'RFM scores of a customer at a moment, by the breaks of a model';
