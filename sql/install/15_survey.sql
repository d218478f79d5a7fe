-- summary/rating.c: rating_summary

CREATE TYPE customer_scoring.rating_summary;

CREATE FUNCTION customer_scoring_internal.rating_summary_in(cstring) RETURNS customer_scoring.rating_summary
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rating_summary_in';
CREATE FUNCTION customer_scoring_internal.rating_summary_out(customer_scoring.rating_summary) RETURNS cstring
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rating_summary_out';
CREATE FUNCTION customer_scoring_internal.rating_summary_recv(internal) RETURNS customer_scoring.rating_summary
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rating_summary_recv';
CREATE FUNCTION customer_scoring_internal.rating_summary_send(customer_scoring.rating_summary) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rating_summary_send';

-- Plain storage: values never get a short header, so aggregates change them in place.
CREATE TYPE customer_scoring.rating_summary (
	INPUT = customer_scoring_internal.rating_summary_in,
	OUTPUT = customer_scoring_internal.rating_summary_out,
	RECEIVE = customer_scoring_internal.rating_summary_recv,
	SEND = customer_scoring_internal.rating_summary_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = double,
	STORAGE = plain
);
COMMENT ON TYPE customer_scoring.rating_summary IS
	'How often each answer of a survey question was given, and its scale; mergeable with rollup';

CREATE FUNCTION customer_scoring_internal.rating_combine(customer_scoring.rating_summary, customer_scoring.rating_summary) RETURNS customer_scoring.rating_summary
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rating_combine';
CREATE FUNCTION customer_scoring_internal.rating_count(customer_scoring.rating_summary, smallint) RETURNS customer_scoring.rating_summary
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rating_count_int2';
CREATE FUNCTION customer_scoring_internal.rating_count(customer_scoring.rating_summary, integer) RETURNS customer_scoring.rating_summary
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rating_count_int4';
CREATE FUNCTION customer_scoring_internal.rating_count(customer_scoring.rating_summary, bigint) RETURNS customer_scoring.rating_summary
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rating_count_int8';
CREATE FUNCTION customer_scoring_internal.rating_count(customer_scoring.rating_summary, numeric) RETURNS customer_scoring.rating_summary
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rating_count_numeric';
CREATE FUNCTION customer_scoring_internal.rating_uncount(customer_scoring.rating_summary, smallint) RETURNS customer_scoring.rating_summary
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rating_uncount_int2';
CREATE FUNCTION customer_scoring_internal.rating_uncount(customer_scoring.rating_summary, integer) RETURNS customer_scoring.rating_summary
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rating_uncount_int4';
CREATE FUNCTION customer_scoring_internal.rating_uncount(customer_scoring.rating_summary, bigint) RETURNS customer_scoring.rating_summary
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rating_uncount_int8';
CREATE FUNCTION customer_scoring_internal.rating_uncount(customer_scoring.rating_summary, numeric) RETURNS customer_scoring.rating_summary
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rating_uncount_numeric';
CREATE FUNCTION customer_scoring_internal.rating_accum(customer_scoring.rating_summary, smallint, integer, integer) RETURNS customer_scoring.rating_summary
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rating_accum_int2';
CREATE FUNCTION customer_scoring_internal.rating_accum(customer_scoring.rating_summary, integer, integer, integer) RETURNS customer_scoring.rating_summary
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rating_accum_int4';
CREATE FUNCTION customer_scoring_internal.rating_accum(customer_scoring.rating_summary, bigint, integer, integer) RETURNS customer_scoring.rating_summary
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rating_accum_int8';
CREATE FUNCTION customer_scoring_internal.rating_accum(customer_scoring.rating_summary, numeric, integer, integer) RETURNS customer_scoring.rating_summary
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rating_accum_numeric';
CREATE FUNCTION customer_scoring_internal.csat_accum(customer_scoring.rating_summary, smallint, integer, integer) RETURNS customer_scoring.rating_summary
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_csat_accum_int2';
CREATE FUNCTION customer_scoring_internal.csat_accum(customer_scoring.rating_summary, integer, integer, integer) RETURNS customer_scoring.rating_summary
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_csat_accum_int4';
CREATE FUNCTION customer_scoring_internal.csat_accum(customer_scoring.rating_summary, bigint, integer, integer) RETURNS customer_scoring.rating_summary
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_csat_accum_int8';
CREATE FUNCTION customer_scoring_internal.csat_accum(customer_scoring.rating_summary, numeric, integer, integer) RETURNS customer_scoring.rating_summary
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_csat_accum_numeric';

CREATE AGGREGATE customer_scoring.rating_summary(score smallint, lowest integer, highest integer) (
	SFUNC = customer_scoring_internal.rating_accum, STYPE = customer_scoring.rating_summary, SSPACE = 104,
	COMBINEFUNC = customer_scoring_internal.rating_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.rating_summary(score integer, lowest integer, highest integer) (
	SFUNC = customer_scoring_internal.rating_accum, STYPE = customer_scoring.rating_summary, SSPACE = 104,
	COMBINEFUNC = customer_scoring_internal.rating_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.rating_summary(score bigint, lowest integer, highest integer) (
	SFUNC = customer_scoring_internal.rating_accum, STYPE = customer_scoring.rating_summary, SSPACE = 104,
	COMBINEFUNC = customer_scoring_internal.rating_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.rating_summary(score numeric, lowest integer, highest integer) (
	SFUNC = customer_scoring_internal.rating_accum, STYPE = customer_scoring.rating_summary, SSPACE = 104,
	COMBINEFUNC = customer_scoring_internal.rating_combine, PARALLEL = SAFE);
CREATE AGGREGATE customer_scoring.rollup(summary customer_scoring.rating_summary) (
	SFUNC = customer_scoring_internal.rating_combine, STYPE = customer_scoring.rating_summary, SSPACE = 104,
	COMBINEFUNC = customer_scoring_internal.rating_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.rating_summary(smallint, integer, integer) IS 'Summary of the answers to one question on a scale; NULL answers are skipped';
COMMENT ON AGGREGATE customer_scoring.rating_summary(integer, integer, integer) IS 'Summary of the answers to one question on a scale; NULL answers are skipped';
COMMENT ON AGGREGATE customer_scoring.rating_summary(bigint, integer, integer) IS 'Summary of the answers to one question on a scale; NULL answers are skipped';
COMMENT ON AGGREGATE customer_scoring.rating_summary(numeric, integer, integer) IS 'Summary of the answers to one question on a scale; NULL answers are skipped';
COMMENT ON AGGREGATE customer_scoring.rollup(customer_scoring.rating_summary) IS 'Summary of all answers behind several summaries of disjoint answers';

-- summary/rating_score.c: scores of a summary

CREATE FUNCTION customer_scoring.responses(summary customer_scoring.rating_summary) RETURNS bigint
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_responses';
COMMENT ON FUNCTION customer_scoring.responses(customer_scoring.rating_summary) IS 'Number of answers';
CREATE FUNCTION customer_scoring.average(summary customer_scoring.rating_summary) RETURNS double precision
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_average';
COMMENT ON FUNCTION customer_scoring.average(customer_scoring.rating_summary) IS 'Mean answer, NULL without answers';
CREATE FUNCTION customer_scoring.promoters(summary customer_scoring.rating_summary) RETURNS bigint
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_promoters';
COMMENT ON FUNCTION customer_scoring.promoters(customer_scoring.rating_summary) IS 'Number of answers 9 and 10 on a scale from 0 to 10';
CREATE FUNCTION customer_scoring.passives(summary customer_scoring.rating_summary) RETURNS bigint
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_passives';
COMMENT ON FUNCTION customer_scoring.passives(customer_scoring.rating_summary) IS 'Number of answers 7 and 8 on a scale from 0 to 10';
CREATE FUNCTION customer_scoring.detractors(summary customer_scoring.rating_summary) RETURNS bigint
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_detractors';
COMMENT ON FUNCTION customer_scoring.detractors(customer_scoring.rating_summary) IS 'Number of answers 0 to 6 on a scale from 0 to 10';
CREATE FUNCTION customer_scoring.nps(summary customer_scoring.rating_summary) RETURNS double precision
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_nps';
COMMENT ON FUNCTION customer_scoring.nps(customer_scoring.rating_summary) IS 'Net promoter score, -100 to 100, NULL without answers';
CREATE FUNCTION customer_scoring.nps_margin(summary customer_scoring.rating_summary, confidence double precision DEFAULT 0.95) RETURNS double precision
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_nps_margin';
COMMENT ON FUNCTION customer_scoring.nps_margin(customer_scoring.rating_summary, double precision) IS 'Half the width of a confidence interval around the net promoter score, in points';
CREATE FUNCTION customer_scoring.nps_difference(first customer_scoring.rating_summary, second customer_scoring.rating_summary,
		OUT difference double precision, OUT z double precision, OUT p double precision) RETURNS record
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_nps_difference';
COMMENT ON FUNCTION customer_scoring.nps_difference(customer_scoring.rating_summary, customer_scoring.rating_summary) IS 'Difference of two net promoter scores, with z and the two-sided p of no difference';
CREATE FUNCTION customer_scoring.csat(summary customer_scoring.rating_summary) RETURNS double precision
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_csat';
COMMENT ON FUNCTION customer_scoring.csat(customer_scoring.rating_summary) IS 'Percent of satisfied answers: the top two of 1 to 5';
CREATE FUNCTION customer_scoring.csat(summary customer_scoring.rating_summary, top_from integer) RETURNS double precision
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_csat_top_from';
COMMENT ON FUNCTION customer_scoring.csat(customer_scoring.rating_summary, integer) IS 'Percent of satisfied answers: top_from and above';
CREATE FUNCTION customer_scoring.csat_interval(summary customer_scoring.rating_summary, confidence double precision DEFAULT 0.95,
		OUT lower double precision, OUT upper double precision) RETURNS record
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_csat_interval';
COMMENT ON FUNCTION customer_scoring.csat_interval(customer_scoring.rating_summary, double precision) IS 'Wilson interval of csat(summary), in percent';
CREATE FUNCTION customer_scoring.csat_interval(summary customer_scoring.rating_summary, top_from integer, confidence double precision DEFAULT 0.95,
		OUT lower double precision, OUT upper double precision) RETURNS record
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_csat_interval_top_from';
COMMENT ON FUNCTION customer_scoring.csat_interval(customer_scoring.rating_summary, integer, double precision) IS 'Wilson interval of csat(summary, top_from), in percent';
CREATE FUNCTION customer_scoring.ces(summary customer_scoring.rating_summary) RETURNS double precision
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_ces';
COMMENT ON FUNCTION customer_scoring.ces(customer_scoring.rating_summary) IS 'Customer effort score: percent of answers 5 to 7 on a scale from 1 to 7';
CREATE FUNCTION customer_scoring.nps_bucket(score smallint) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_nps_bucket_int2';
COMMENT ON FUNCTION customer_scoring.nps_bucket(smallint) IS 'promoter, passive or detractor, for one answer from 0 to 10';
CREATE FUNCTION customer_scoring.nps_bucket(score integer) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_nps_bucket_int4';
COMMENT ON FUNCTION customer_scoring.nps_bucket(integer) IS 'promoter, passive or detractor, for one answer from 0 to 10';
CREATE FUNCTION customer_scoring.nps_bucket(score bigint) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_nps_bucket_int8';
COMMENT ON FUNCTION customer_scoring.nps_bucket(bigint) IS 'promoter, passive or detractor, for one answer from 0 to 10';
CREATE FUNCTION customer_scoring.nps_bucket(score numeric) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_nps_bucket_numeric';
COMMENT ON FUNCTION customer_scoring.nps_bucket(numeric) IS 'promoter, passive or detractor, for one answer from 0 to 10';

-- The initial condition of an aggregate with a fixed scale holds that scale;
-- the moving forms take answers out again when a window frame moves on.

CREATE AGGREGATE customer_scoring.nps(score smallint) (
	SFUNC = customer_scoring_internal.rating_count, STYPE = customer_scoring.rating_summary, SSPACE = 104, FINALFUNC = customer_scoring.nps,
	INITCOND = '{"v":1,"lowest":0,"highest":10,"counts":[0,0,0,0,0,0,0,0,0,0,0]}',
	MSFUNC = customer_scoring_internal.rating_count, MINVFUNC = customer_scoring_internal.rating_uncount, MSTYPE = customer_scoring.rating_summary,
	MSSPACE = 104, MFINALFUNC = customer_scoring.nps,
	MINITCOND = '{"v":1,"lowest":0,"highest":10,"counts":[0,0,0,0,0,0,0,0,0,0,0]}',
	COMBINEFUNC = customer_scoring_internal.rating_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.nps(smallint) IS 'Net promoter score of answers 0 to 10: -100 to 100; NULL answers are skipped';
CREATE AGGREGATE customer_scoring.nps(score integer) (
	SFUNC = customer_scoring_internal.rating_count, STYPE = customer_scoring.rating_summary, SSPACE = 104, FINALFUNC = customer_scoring.nps,
	INITCOND = '{"v":1,"lowest":0,"highest":10,"counts":[0,0,0,0,0,0,0,0,0,0,0]}',
	MSFUNC = customer_scoring_internal.rating_count, MINVFUNC = customer_scoring_internal.rating_uncount, MSTYPE = customer_scoring.rating_summary,
	MSSPACE = 104, MFINALFUNC = customer_scoring.nps,
	MINITCOND = '{"v":1,"lowest":0,"highest":10,"counts":[0,0,0,0,0,0,0,0,0,0,0]}',
	COMBINEFUNC = customer_scoring_internal.rating_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.nps(integer) IS 'Net promoter score of answers 0 to 10: -100 to 100; NULL answers are skipped';
CREATE AGGREGATE customer_scoring.nps(score bigint) (
	SFUNC = customer_scoring_internal.rating_count, STYPE = customer_scoring.rating_summary, SSPACE = 104, FINALFUNC = customer_scoring.nps,
	INITCOND = '{"v":1,"lowest":0,"highest":10,"counts":[0,0,0,0,0,0,0,0,0,0,0]}',
	MSFUNC = customer_scoring_internal.rating_count, MINVFUNC = customer_scoring_internal.rating_uncount, MSTYPE = customer_scoring.rating_summary,
	MSSPACE = 104, MFINALFUNC = customer_scoring.nps,
	MINITCOND = '{"v":1,"lowest":0,"highest":10,"counts":[0,0,0,0,0,0,0,0,0,0,0]}',
	COMBINEFUNC = customer_scoring_internal.rating_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.nps(bigint) IS 'Net promoter score of answers 0 to 10: -100 to 100; NULL answers are skipped';
CREATE AGGREGATE customer_scoring.nps(score numeric) (
	SFUNC = customer_scoring_internal.rating_count, STYPE = customer_scoring.rating_summary, SSPACE = 104, FINALFUNC = customer_scoring.nps,
	INITCOND = '{"v":1,"lowest":0,"highest":10,"counts":[0,0,0,0,0,0,0,0,0,0,0]}',
	MSFUNC = customer_scoring_internal.rating_count, MINVFUNC = customer_scoring_internal.rating_uncount, MSTYPE = customer_scoring.rating_summary,
	MSSPACE = 104, MFINALFUNC = customer_scoring.nps,
	MINITCOND = '{"v":1,"lowest":0,"highest":10,"counts":[0,0,0,0,0,0,0,0,0,0,0]}',
	COMBINEFUNC = customer_scoring_internal.rating_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.nps(numeric) IS 'Net promoter score of answers 0 to 10: -100 to 100; NULL answers are skipped';
CREATE AGGREGATE customer_scoring.csat(score smallint) (
	SFUNC = customer_scoring_internal.rating_count, STYPE = customer_scoring.rating_summary, SSPACE = 56, FINALFUNC = customer_scoring.csat,
	INITCOND = '{"v":1,"lowest":1,"highest":5,"counts":[0,0,0,0,0]}',
	MSFUNC = customer_scoring_internal.rating_count, MINVFUNC = customer_scoring_internal.rating_uncount, MSTYPE = customer_scoring.rating_summary,
	MSSPACE = 56, MFINALFUNC = customer_scoring.csat,
	MINITCOND = '{"v":1,"lowest":1,"highest":5,"counts":[0,0,0,0,0]}',
	COMBINEFUNC = customer_scoring_internal.rating_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.csat(smallint) IS 'Percent of answers 4 and 5 on a scale from 1 to 5; NULL answers are skipped';
CREATE AGGREGATE customer_scoring.csat(score integer) (
	SFUNC = customer_scoring_internal.rating_count, STYPE = customer_scoring.rating_summary, SSPACE = 56, FINALFUNC = customer_scoring.csat,
	INITCOND = '{"v":1,"lowest":1,"highest":5,"counts":[0,0,0,0,0]}',
	MSFUNC = customer_scoring_internal.rating_count, MINVFUNC = customer_scoring_internal.rating_uncount, MSTYPE = customer_scoring.rating_summary,
	MSSPACE = 56, MFINALFUNC = customer_scoring.csat,
	MINITCOND = '{"v":1,"lowest":1,"highest":5,"counts":[0,0,0,0,0]}',
	COMBINEFUNC = customer_scoring_internal.rating_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.csat(integer) IS 'Percent of answers 4 and 5 on a scale from 1 to 5; NULL answers are skipped';
CREATE AGGREGATE customer_scoring.csat(score bigint) (
	SFUNC = customer_scoring_internal.rating_count, STYPE = customer_scoring.rating_summary, SSPACE = 56, FINALFUNC = customer_scoring.csat,
	INITCOND = '{"v":1,"lowest":1,"highest":5,"counts":[0,0,0,0,0]}',
	MSFUNC = customer_scoring_internal.rating_count, MINVFUNC = customer_scoring_internal.rating_uncount, MSTYPE = customer_scoring.rating_summary,
	MSSPACE = 56, MFINALFUNC = customer_scoring.csat,
	MINITCOND = '{"v":1,"lowest":1,"highest":5,"counts":[0,0,0,0,0]}',
	COMBINEFUNC = customer_scoring_internal.rating_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.csat(bigint) IS 'Percent of answers 4 and 5 on a scale from 1 to 5; NULL answers are skipped';
CREATE AGGREGATE customer_scoring.csat(score numeric) (
	SFUNC = customer_scoring_internal.rating_count, STYPE = customer_scoring.rating_summary, SSPACE = 56, FINALFUNC = customer_scoring.csat,
	INITCOND = '{"v":1,"lowest":1,"highest":5,"counts":[0,0,0,0,0]}',
	MSFUNC = customer_scoring_internal.rating_count, MINVFUNC = customer_scoring_internal.rating_uncount, MSTYPE = customer_scoring.rating_summary,
	MSSPACE = 56, MFINALFUNC = customer_scoring.csat,
	MINITCOND = '{"v":1,"lowest":1,"highest":5,"counts":[0,0,0,0,0]}',
	COMBINEFUNC = customer_scoring_internal.rating_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.csat(numeric) IS 'Percent of answers 4 and 5 on a scale from 1 to 5; NULL answers are skipped';
CREATE AGGREGATE customer_scoring.ces(score smallint) (
	SFUNC = customer_scoring_internal.rating_count, STYPE = customer_scoring.rating_summary, SSPACE = 72, FINALFUNC = customer_scoring.ces,
	INITCOND = '{"v":1,"lowest":1,"highest":7,"counts":[0,0,0,0,0,0,0]}',
	MSFUNC = customer_scoring_internal.rating_count, MINVFUNC = customer_scoring_internal.rating_uncount, MSTYPE = customer_scoring.rating_summary,
	MSSPACE = 72, MFINALFUNC = customer_scoring.ces,
	MINITCOND = '{"v":1,"lowest":1,"highest":7,"counts":[0,0,0,0,0,0,0]}',
	COMBINEFUNC = customer_scoring_internal.rating_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.ces(smallint) IS 'Percent of answers 5 to 7 on a scale from 1 to 7; NULL answers are skipped';
CREATE AGGREGATE customer_scoring.ces(score integer) (
	SFUNC = customer_scoring_internal.rating_count, STYPE = customer_scoring.rating_summary, SSPACE = 72, FINALFUNC = customer_scoring.ces,
	INITCOND = '{"v":1,"lowest":1,"highest":7,"counts":[0,0,0,0,0,0,0]}',
	MSFUNC = customer_scoring_internal.rating_count, MINVFUNC = customer_scoring_internal.rating_uncount, MSTYPE = customer_scoring.rating_summary,
	MSSPACE = 72, MFINALFUNC = customer_scoring.ces,
	MINITCOND = '{"v":1,"lowest":1,"highest":7,"counts":[0,0,0,0,0,0,0]}',
	COMBINEFUNC = customer_scoring_internal.rating_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.ces(integer) IS 'Percent of answers 5 to 7 on a scale from 1 to 7; NULL answers are skipped';
CREATE AGGREGATE customer_scoring.ces(score bigint) (
	SFUNC = customer_scoring_internal.rating_count, STYPE = customer_scoring.rating_summary, SSPACE = 72, FINALFUNC = customer_scoring.ces,
	INITCOND = '{"v":1,"lowest":1,"highest":7,"counts":[0,0,0,0,0,0,0]}',
	MSFUNC = customer_scoring_internal.rating_count, MINVFUNC = customer_scoring_internal.rating_uncount, MSTYPE = customer_scoring.rating_summary,
	MSSPACE = 72, MFINALFUNC = customer_scoring.ces,
	MINITCOND = '{"v":1,"lowest":1,"highest":7,"counts":[0,0,0,0,0,0,0]}',
	COMBINEFUNC = customer_scoring_internal.rating_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.ces(bigint) IS 'Percent of answers 5 to 7 on a scale from 1 to 7; NULL answers are skipped';
CREATE AGGREGATE customer_scoring.ces(score numeric) (
	SFUNC = customer_scoring_internal.rating_count, STYPE = customer_scoring.rating_summary, SSPACE = 72, FINALFUNC = customer_scoring.ces,
	INITCOND = '{"v":1,"lowest":1,"highest":7,"counts":[0,0,0,0,0,0,0]}',
	MSFUNC = customer_scoring_internal.rating_count, MINVFUNC = customer_scoring_internal.rating_uncount, MSTYPE = customer_scoring.rating_summary,
	MSSPACE = 72, MFINALFUNC = customer_scoring.ces,
	MINITCOND = '{"v":1,"lowest":1,"highest":7,"counts":[0,0,0,0,0,0,0]}',
	COMBINEFUNC = customer_scoring_internal.rating_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.ces(numeric) IS 'Percent of answers 5 to 7 on a scale from 1 to 7; NULL answers are skipped';
CREATE AGGREGATE customer_scoring.csat(score smallint, highest integer, top_from integer) (
	SFUNC = customer_scoring_internal.csat_accum, STYPE = customer_scoring.rating_summary, SSPACE = 104, FINALFUNC = customer_scoring.csat,
	COMBINEFUNC = customer_scoring_internal.rating_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.csat(smallint, integer, integer) IS 'Percent of answers from top_from up on a scale from 1 to highest; NULL answers are skipped';
CREATE AGGREGATE customer_scoring.csat(score integer, highest integer, top_from integer) (
	SFUNC = customer_scoring_internal.csat_accum, STYPE = customer_scoring.rating_summary, SSPACE = 104, FINALFUNC = customer_scoring.csat,
	COMBINEFUNC = customer_scoring_internal.rating_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.csat(integer, integer, integer) IS 'Percent of answers from top_from up on a scale from 1 to highest; NULL answers are skipped';
CREATE AGGREGATE customer_scoring.csat(score bigint, highest integer, top_from integer) (
	SFUNC = customer_scoring_internal.csat_accum, STYPE = customer_scoring.rating_summary, SSPACE = 104, FINALFUNC = customer_scoring.csat,
	COMBINEFUNC = customer_scoring_internal.rating_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.csat(bigint, integer, integer) IS 'Percent of answers from top_from up on a scale from 1 to highest; NULL answers are skipped';
CREATE AGGREGATE customer_scoring.csat(score numeric, highest integer, top_from integer) (
	SFUNC = customer_scoring_internal.csat_accum, STYPE = customer_scoring.rating_summary, SSPACE = 104, FINALFUNC = customer_scoring.csat,
	COMBINEFUNC = customer_scoring_internal.rating_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.csat(numeric, integer, integer) IS 'Percent of answers from top_from up on a scale from 1 to highest; NULL answers are skipped';
