-- model/: models of purchases and of spend, and what they say of a customer

CREATE TYPE customer_scoring.clv_model;
CREATE FUNCTION customer_scoring_internal.clv_model_in(cstring) RETURNS customer_scoring.clv_model
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_model_in';
CREATE FUNCTION customer_scoring_internal.clv_model_out(customer_scoring.clv_model) RETURNS cstring
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_model_out';
CREATE FUNCTION customer_scoring_internal.clv_model_recv(internal) RETURNS customer_scoring.clv_model
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_model_recv';
CREATE FUNCTION customer_scoring_internal.clv_model_send(customer_scoring.clv_model) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_model_send';
CREATE TYPE customer_scoring.clv_model (
	INPUT = customer_scoring_internal.clv_model_in,
	OUTPUT = customer_scoring_internal.clv_model_out,
	RECEIVE = customer_scoring_internal.clv_model_recv,
	SEND = customer_scoring_internal.clv_model_send,
	INTERNALLENGTH = 192,
	ALIGNMENT = double
);
COMMENT ON TYPE customer_scoring.clv_model IS
	'Fitted model of when customers buy (MBG/NBD, BG/NBD or Pareto/NBD): parameters, covariance, log-likelihood, unit, counts, warnings';

CREATE TYPE customer_scoring.spend_model;
CREATE FUNCTION customer_scoring_internal.spend_model_in(cstring) RETURNS customer_scoring.spend_model
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_spend_model_in';
CREATE FUNCTION customer_scoring_internal.spend_model_out(customer_scoring.spend_model) RETURNS cstring
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_model_out';
CREATE FUNCTION customer_scoring_internal.spend_model_recv(internal) RETURNS customer_scoring.spend_model
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_spend_model_recv';
CREATE FUNCTION customer_scoring_internal.spend_model_send(customer_scoring.spend_model) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_model_send';
CREATE TYPE customer_scoring.spend_model (
	INPUT = customer_scoring_internal.spend_model_in,
	OUTPUT = customer_scoring_internal.spend_model_out,
	RECEIVE = customer_scoring_internal.spend_model_recv,
	SEND = customer_scoring_internal.spend_model_send,
	INTERNALLENGTH = 192,
	ALIGNMENT = double
);
COMMENT ON TYPE customer_scoring.spend_model IS
	'Fitted model of what purchases are worth (Gamma-Gamma): parameters, covariance, log-likelihood, counts, warnings';

CREATE TYPE customer_scoring_internal.clv_population;
CREATE FUNCTION customer_scoring_internal.clv_population_in(cstring) RETURNS customer_scoring_internal.clv_population
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_population_in';
CREATE FUNCTION customer_scoring_internal.clv_population_out(customer_scoring_internal.clv_population) RETURNS cstring
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_population_out';
CREATE FUNCTION customer_scoring_internal.clv_population_recv(internal) RETURNS customer_scoring_internal.clv_population
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_population_recv';
CREATE FUNCTION customer_scoring_internal.clv_population_send(customer_scoring_internal.clv_population) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_population_send';
CREATE TYPE customer_scoring_internal.clv_population (
	INPUT = customer_scoring_internal.clv_population_in,
	OUTPUT = customer_scoring_internal.clv_population_out,
	RECEIVE = customer_scoring_internal.clv_population_recv,
	SEND = customer_scoring_internal.clv_population_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = double,
	STORAGE = extended
);
COMMENT ON TYPE customer_scoring_internal.clv_population IS
	'State of the aggregates that fit models: the customers seen so far';

CREATE FUNCTION customer_scoring_internal.clv_fit_combine(customer_scoring_internal.clv_population, customer_scoring_internal.clv_population)
	RETURNS customer_scoring_internal.clv_population
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_fit_combine';
CREATE FUNCTION customer_scoring_internal.clv_fit_accum(customer_scoring_internal.clv_population, customer_scoring.clv_summary)
	RETURNS customer_scoring_internal.clv_population
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_fit_accum';
CREATE FUNCTION customer_scoring_internal.clv_fit_accum(customer_scoring_internal.clv_population, customer_scoring.clv_summary, double precision)
	RETURNS customer_scoring_internal.clv_population
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_fit_accum_weighted';
CREATE FUNCTION customer_scoring_internal.spend_fit_accum(customer_scoring_internal.clv_population, customer_scoring.clv_summary)
	RETURNS customer_scoring_internal.clv_population
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_spend_fit_accum';
CREATE FUNCTION customer_scoring_internal.spend_fit_accum(customer_scoring_internal.clv_population, customer_scoring.clv_summary, double precision)
	RETURNS customer_scoring_internal.clv_population
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_spend_fit_accum_weighted';
CREATE FUNCTION customer_scoring_internal.mbgnbd_fit_final(customer_scoring_internal.clv_population) RETURNS customer_scoring.clv_model
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_mbgnbd_fit_final';
CREATE FUNCTION customer_scoring_internal.bgnbd_fit_final(customer_scoring_internal.clv_population) RETURNS customer_scoring.clv_model
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_bgnbd_fit_final';
CREATE FUNCTION customer_scoring_internal.pareto_nbd_fit_final(customer_scoring_internal.clv_population) RETURNS customer_scoring.clv_model
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_pareto_nbd_fit_final';
CREATE FUNCTION customer_scoring_internal.gamma_gamma_fit_final(customer_scoring_internal.clv_population) RETURNS customer_scoring.spend_model
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_gamma_gamma_fit_final';

CREATE AGGREGATE customer_scoring.mbgnbd_fit(summary customer_scoring.clv_summary) (
	SFUNC = customer_scoring_internal.clv_fit_accum, STYPE = customer_scoring_internal.clv_population,
	FINALFUNC = customer_scoring_internal.mbgnbd_fit_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = customer_scoring_internal.clv_fit_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.mbgnbd_fit(customer_scoring.clv_summary) IS
	'MBG/NBD model of when customers buy: the one to begin with of all customers; what is left out is counted in the model';
CREATE AGGREGATE customer_scoring.mbgnbd_fit(summary customer_scoring.clv_summary, weight double precision) (
	SFUNC = customer_scoring_internal.clv_fit_accum, STYPE = customer_scoring_internal.clv_population,
	FINALFUNC = customer_scoring_internal.mbgnbd_fit_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = customer_scoring_internal.clv_fit_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.mbgnbd_fit(customer_scoring.clv_summary, double precision) IS
	'MBG/NBD model of when customers buy: the one to begin with, each customer counting as its weight says';
CREATE AGGREGATE customer_scoring.bgnbd_fit(summary customer_scoring.clv_summary) (
	SFUNC = customer_scoring_internal.clv_fit_accum, STYPE = customer_scoring_internal.clv_population,
	FINALFUNC = customer_scoring_internal.bgnbd_fit_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = customer_scoring_internal.clv_fit_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.bgnbd_fit(customer_scoring.clv_summary) IS
	'BG/NBD model of when customers buy, in which who has bought once never drops out of all customers; what is left out is counted in the model';
CREATE AGGREGATE customer_scoring.bgnbd_fit(summary customer_scoring.clv_summary, weight double precision) (
	SFUNC = customer_scoring_internal.clv_fit_accum, STYPE = customer_scoring_internal.clv_population,
	FINALFUNC = customer_scoring_internal.bgnbd_fit_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = customer_scoring_internal.clv_fit_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.bgnbd_fit(customer_scoring.clv_summary, double precision) IS
	'BG/NBD model of when customers buy, in which who has bought once never drops out, each customer counting as its weight says';
CREATE AGGREGATE customer_scoring.pareto_nbd_fit(summary customer_scoring.clv_summary) (
	SFUNC = customer_scoring_internal.clv_fit_accum, STYPE = customer_scoring_internal.clv_population,
	FINALFUNC = customer_scoring_internal.pareto_nbd_fit_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = customer_scoring_internal.clv_fit_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.pareto_nbd_fit(customer_scoring.clv_summary) IS
	'Pareto/NBD model of when customers buy of all customers; what is left out is counted in the model';
CREATE AGGREGATE customer_scoring.pareto_nbd_fit(summary customer_scoring.clv_summary, weight double precision) (
	SFUNC = customer_scoring_internal.clv_fit_accum, STYPE = customer_scoring_internal.clv_population,
	FINALFUNC = customer_scoring_internal.pareto_nbd_fit_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = customer_scoring_internal.clv_fit_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.pareto_nbd_fit(customer_scoring.clv_summary, double precision) IS
	'Pareto/NBD model of when customers buy, each customer counting as its weight says';
CREATE AGGREGATE customer_scoring.gamma_gamma_fit(summary customer_scoring.clv_summary) (
	SFUNC = customer_scoring_internal.spend_fit_accum, STYPE = customer_scoring_internal.clv_population,
	FINALFUNC = customer_scoring_internal.gamma_gamma_fit_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = customer_scoring_internal.clv_fit_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.gamma_gamma_fit(customer_scoring.clv_summary) IS
	'Gamma-Gamma model of what purchases are worth, from customers with repeats of positive value of all customers; what is left out is counted in the model';
CREATE AGGREGATE customer_scoring.gamma_gamma_fit(summary customer_scoring.clv_summary, weight double precision) (
	SFUNC = customer_scoring_internal.spend_fit_accum, STYPE = customer_scoring_internal.clv_population,
	FINALFUNC = customer_scoring_internal.gamma_gamma_fit_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = customer_scoring_internal.clv_fit_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.gamma_gamma_fit(customer_scoring.clv_summary, double precision) IS
	'Gamma-Gamma model of what purchases are worth, from customers with repeats of positive value, each customer counting as its weight says';

CREATE FUNCTION customer_scoring.p_alive(model customer_scoring.clv_model, summary customer_scoring.clv_summary) RETURNS double precision
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_p_alive';
COMMENT ON FUNCTION customer_scoring.p_alive(customer_scoring.clv_model, customer_scoring.clv_summary) IS
	'Probability that a customer has not dropped out, as of the summary';
CREATE FUNCTION customer_scoring.expected_purchases(model customer_scoring.clv_model, summary customer_scoring.clv_summary, horizon interval DEFAULT '365 days') RETURNS double precision
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_expected_purchases';
COMMENT ON FUNCTION customer_scoring.expected_purchases(customer_scoring.clv_model, customer_scoring.clv_summary, interval) IS
	'Expected purchase periods of a customer within the horizon after the summary was made';
CREATE FUNCTION customer_scoring.expected_purchases(model customer_scoring.clv_model, horizon interval) RETURNS double precision
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_expected_purchases_new';
COMMENT ON FUNCTION customer_scoring.expected_purchases(customer_scoring.clv_model, interval) IS
	'Expected repeat purchase periods of a new customer within the horizon after the first purchase';
CREATE FUNCTION customer_scoring.purchase_probability(model customer_scoring.clv_model, summary customer_scoring.clv_summary, horizon interval DEFAULT '365 days') RETURNS double precision
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_purchase_probability';
COMMENT ON FUNCTION customer_scoring.purchase_probability(customer_scoring.clv_model, customer_scoring.clv_summary, interval) IS
	'Probability that a customer buys at least once within the horizon';
CREATE FUNCTION customer_scoring.purchase_probability(model customer_scoring.clv_model, horizon interval, purchases integer) RETURNS double precision
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_purchase_probability_new';
COMMENT ON FUNCTION customer_scoring.purchase_probability(customer_scoring.clv_model, interval, integer) IS
	'Probability that a new customer makes just so many repeat purchases within the horizon';
CREATE FUNCTION customer_scoring.next_purchase_date(model customer_scoring.clv_model, summary customer_scoring.clv_summary, as_of timestamptz, level double precision DEFAULT 0.5, time_zone text DEFAULT pg_catalog.current_setting('TimeZone')) RETURNS date
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_next_purchase_date';
COMMENT ON FUNCTION customer_scoring.next_purchase_date(customer_scoring.clv_model, customer_scoring.clv_summary, timestamptz, double precision, text) IS
	'Day on which the probability of a purchase after as_of, the moment of the summary, reaches a level; NULL when it never does';
CREATE FUNCTION customer_scoring.discounted_expected_purchases(model customer_scoring.clv_model, summary customer_scoring.clv_summary, annual_discount double precision DEFAULT 0.12) RETURNS double precision
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_discounted_expected_purchases';
COMMENT ON FUNCTION customer_scoring.discounted_expected_purchases(customer_scoring.clv_model, customer_scoring.clv_summary, double precision) IS
	'All purchases that are expected, discounted (discounted expected residual transactions); Pareto/NBD only';
CREATE FUNCTION customer_scoring.expected_spend(spend_model customer_scoring.spend_model, summary customer_scoring.clv_summary) RETURNS double precision
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_expected_spend';
COMMENT ON FUNCTION customer_scoring.expected_spend(customer_scoring.spend_model, customer_scoring.clv_summary) IS
	'Expected value of a purchase period of a customer; NULL when the population has no finite mean';
CREATE FUNCTION customer_scoring.expected_spend(spend_model customer_scoring.spend_model) RETURNS double precision
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_expected_spend_new';
COMMENT ON FUNCTION customer_scoring.expected_spend(customer_scoring.spend_model) IS
	'Expected value of a purchase period of a new customer; NULL when the population has no finite mean';
CREATE FUNCTION customer_scoring.clv(model customer_scoring.clv_model, spend_model customer_scoring.spend_model, summary customer_scoring.clv_summary, horizon interval DEFAULT '365 days', annual_discount double precision DEFAULT 0.12) RETURNS double precision
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv';
COMMENT ON FUNCTION customer_scoring.clv(customer_scoring.clv_model, customer_scoring.spend_model, customer_scoring.clv_summary, interval, double precision) IS
	'Expected value of a customer''s purchases within the horizon, each discounted from when it is expected';

CREATE FUNCTION customer_scoring.model_parameters(model customer_scoring.clv_model, confidence double precision DEFAULT 0.95,
	OUT name text, OUT value double precision, OUT standard_error double precision, OUT lower double precision, OUT upper double precision)
	RETURNS SETOF record
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 4 AS 'MODULE_PATHNAME', 'cs_model_parameters';
COMMENT ON FUNCTION customer_scoring.model_parameters(customer_scoring.clv_model, double precision) IS
	'Parameters of a model with standard errors and confidence intervals, NULL where the data do not identify them';
CREATE FUNCTION customer_scoring.model_rejected(model customer_scoring.clv_model, OUT reason text, OUT customers bigint)
	RETURNS SETOF record
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 2 AS 'MODULE_PATHNAME', 'cs_model_rejected';
COMMENT ON FUNCTION customer_scoring.model_rejected(customer_scoring.clv_model) IS
	'Rows that the fit left out, by reason: null, weight, no_repeat, value';
CREATE FUNCTION customer_scoring.log_likelihood(model customer_scoring.clv_model) RETURNS double precision
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_log_likelihood';
COMMENT ON FUNCTION customer_scoring.log_likelihood(customer_scoring.clv_model) IS
	'Logarithm of the likelihood at the parameters; depends on the unit of time';
CREATE FUNCTION customer_scoring.aic(model customer_scoring.clv_model) RETURNS double precision
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_aic';
COMMENT ON FUNCTION customer_scoring.aic(customer_scoring.clv_model) IS
	'Akaike''s information criterion: of models of the same data the lowest fits best';
CREATE FUNCTION customer_scoring.model_warnings(model customer_scoring.clv_model) RETURNS text[]
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_model_warnings';
COMMENT ON FUNCTION customer_scoring.model_warnings(customer_scoring.clv_model) IS
	'What is to be known about a model: not_converged, no_repeat_purchases, purchase_rate_not_identified, dropout_not_identified, spend_not_identified, infinite_mean_spend; empty when nothing is';
CREATE FUNCTION customer_scoring.model_converged(model customer_scoring.clv_model) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_model_converged';
COMMENT ON FUNCTION customer_scoring.model_converged(customer_scoring.clv_model) IS
	'Whether the fit found the maximum of the likelihood';
CREATE FUNCTION customer_scoring.model_fingerprint(model customer_scoring.clv_model) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_model_fingerprint';
COMMENT ON FUNCTION customer_scoring.model_fingerprint(customer_scoring.clv_model) IS
	'Hash of the data that a model was fitted to, the same for the same customers in any order';
CREATE FUNCTION customer_scoring.model_parameters(model customer_scoring.spend_model, confidence double precision DEFAULT 0.95,
	OUT name text, OUT value double precision, OUT standard_error double precision, OUT lower double precision, OUT upper double precision)
	RETURNS SETOF record
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 4 AS 'MODULE_PATHNAME', 'cs_model_parameters';
COMMENT ON FUNCTION customer_scoring.model_parameters(customer_scoring.spend_model, double precision) IS
	'Parameters of a model with standard errors and confidence intervals, NULL where the data do not identify them';
CREATE FUNCTION customer_scoring.model_rejected(model customer_scoring.spend_model, OUT reason text, OUT customers bigint)
	RETURNS SETOF record
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 2 AS 'MODULE_PATHNAME', 'cs_model_rejected';
COMMENT ON FUNCTION customer_scoring.model_rejected(customer_scoring.spend_model) IS
	'Rows that the fit left out, by reason: null, weight, no_repeat, value';
CREATE FUNCTION customer_scoring.log_likelihood(model customer_scoring.spend_model) RETURNS double precision
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_log_likelihood';
COMMENT ON FUNCTION customer_scoring.log_likelihood(customer_scoring.spend_model) IS
	'Logarithm of the likelihood at the parameters; depends on the unit of time';
CREATE FUNCTION customer_scoring.aic(model customer_scoring.spend_model) RETURNS double precision
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_aic';
COMMENT ON FUNCTION customer_scoring.aic(customer_scoring.spend_model) IS
	'Akaike''s information criterion: of models of the same data the lowest fits best';
CREATE FUNCTION customer_scoring.model_warnings(model customer_scoring.spend_model) RETURNS text[]
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_model_warnings';
COMMENT ON FUNCTION customer_scoring.model_warnings(customer_scoring.spend_model) IS
	'What is to be known about a model: not_converged, no_repeat_purchases, purchase_rate_not_identified, dropout_not_identified, spend_not_identified, infinite_mean_spend; empty when nothing is';
CREATE FUNCTION customer_scoring.model_converged(model customer_scoring.spend_model) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_model_converged';
COMMENT ON FUNCTION customer_scoring.model_converged(customer_scoring.spend_model) IS
	'Whether the fit found the maximum of the likelihood';
CREATE FUNCTION customer_scoring.model_fingerprint(model customer_scoring.spend_model) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_model_fingerprint';
COMMENT ON FUNCTION customer_scoring.model_fingerprint(customer_scoring.spend_model) IS
	'Hash of the data that a model was fitted to, the same for the same customers in any order';
