-- model/pareto_class.c: who brings most of a total

CREATE FUNCTION customer_scoring.pareto_class(value numeric, a numeric DEFAULT 0.80, b numeric DEFAULT 0.95) RETURNS text
	LANGUAGE c IMMUTABLE PARALLEL SAFE WINDOW AS 'MODULE_PATHNAME', 'cs_pareto_class_numeric';
COMMENT ON FUNCTION customer_scoring.pareto_class(numeric, numeric, numeric) IS
	'A for the highest values that together make up a share a of the total, B for those up to b, else C; peers are kept together';
CREATE FUNCTION customer_scoring.pareto_class(value double precision, a numeric DEFAULT 0.80, b numeric DEFAULT 0.95) RETURNS text
	LANGUAGE c IMMUTABLE PARALLEL SAFE WINDOW AS 'MODULE_PATHNAME', 'cs_pareto_class_float8';
COMMENT ON FUNCTION customer_scoring.pareto_class(double precision, numeric, numeric) IS
	'A for the highest values that together make up a share a of the total, B for those up to b, else C; peers are kept together';
CREATE FUNCTION customer_scoring.cumulative_share(value numeric) RETURNS double precision
	LANGUAGE c IMMUTABLE PARALLEL SAFE WINDOW AS 'MODULE_PATHNAME', 'cs_cumulative_share_numeric';
COMMENT ON FUNCTION customer_scoring.cumulative_share(numeric) IS
	'Share of the total that this value, its peers and all higher ones make up';
CREATE FUNCTION customer_scoring.cumulative_share(value double precision) RETURNS double precision
	LANGUAGE c IMMUTABLE PARALLEL SAFE WINDOW AS 'MODULE_PATHNAME', 'cs_cumulative_share_float8';
COMMENT ON FUNCTION customer_scoring.cumulative_share(double precision) IS
	'Share of the total that this value, its peers and all higher ones make up';
