-- model/rfm_score.c: figures of a score

CREATE FUNCTION customer_scoring.rfm_cell(score customer_scoring.rfm_score) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_cell';
COMMENT ON FUNCTION customer_scoring.rfm_cell(customer_scoring.rfm_score) IS 'The three scores as text: 543, or 10-4-3 with more than 9 bins';
CREATE FUNCTION customer_scoring.rfm_total(score customer_scoring.rfm_score) RETURNS integer
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_total';
COMMENT ON FUNCTION customer_scoring.rfm_total(customer_scoring.rfm_score) IS 'Sum of the three scores';
CREATE FUNCTION customer_scoring.rfm_weighted(score customer_scoring.rfm_score, r_weight double precision DEFAULT 100,
		f_weight double precision DEFAULT 10, m_weight double precision DEFAULT 1) RETURNS double precision
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_weighted';
COMMENT ON FUNCTION customer_scoring.rfm_weighted(customer_scoring.rfm_score, double precision, double precision, double precision) IS
	'Weighted sum of the three scores';

-- model/rfm_map.c: rfm_map

CREATE TYPE customer_scoring.rfm_map;

CREATE FUNCTION customer_scoring_internal.rfm_map_in(cstring) RETURNS customer_scoring.rfm_map
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_map_in';
CREATE FUNCTION customer_scoring_internal.rfm_map_out(customer_scoring.rfm_map) RETURNS cstring
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_map_out';
CREATE FUNCTION customer_scoring_internal.rfm_map_recv(internal) RETURNS customer_scoring.rfm_map
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_map_recv';
CREATE FUNCTION customer_scoring_internal.rfm_map_send(customer_scoring.rfm_map) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_map_send';

CREATE TYPE customer_scoring.rfm_map (
	INPUT = customer_scoring_internal.rfm_map_in,
	OUTPUT = customer_scoring_internal.rfm_map_out,
	RECEIVE = customer_scoring_internal.rfm_map_recv,
	SEND = customer_scoring_internal.rfm_map_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = int4,
	STORAGE = extended
);
COMMENT ON TYPE customer_scoring.rfm_map IS
	'Rules that name the segment of each RFM cell, best first: ''bins 5: champions r5 fm4-5, ...'', or ''rfm11'' or ''rf10''';

-- model/rfm_segment.c: segments

CREATE FUNCTION customer_scoring.rfm_segment(score customer_scoring.rfm_score,
		map customer_scoring.rfm_map DEFAULT 'rfm11') RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_segment';
COMMENT ON FUNCTION customer_scoring.rfm_segment(customer_scoring.rfm_score, customer_scoring.rfm_map) IS
	'Name of the segment of a score, by map rfm11 unless another is given';
CREATE FUNCTION customer_scoring.rfm_segment(r integer, f integer, m integer,
		map customer_scoring.rfm_map DEFAULT 'rfm11') RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_segment_scores';
COMMENT ON FUNCTION customer_scoring.rfm_segment(integer, integer, integer, customer_scoring.rfm_map) IS
	'Name of the segment of three scores that have the bins of the map, by map rfm11 unless another is given';
CREATE FUNCTION customer_scoring.rfm_segment_rank(score customer_scoring.rfm_score,
		map customer_scoring.rfm_map DEFAULT 'rfm11') RETURNS smallint
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_rfm_segment_rank';
COMMENT ON FUNCTION customer_scoring.rfm_segment_rank(customer_scoring.rfm_score, customer_scoring.rfm_map) IS
	'Rank of the segment of a score: 1 for the segment named last, rising with goodness';
CREATE FUNCTION customer_scoring.check_rfm_map(map customer_scoring.rfm_map)
	RETURNS TABLE (problem text, r smallint, f smallint, m smallint, segments text[])
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_check_rfm_map';
COMMENT ON FUNCTION customer_scoring.check_rfm_map(customer_scoring.rfm_map) IS
	'Cells with no segment (gap) or several (overlap); no rows when the map is total and disjoint';

CREATE TABLE customer_scoring.rfm_segment_map (
	name text PRIMARY KEY,
	map customer_scoring.rfm_map NOT NULL,
	description text,
	-- a changed shipped row would not be dumped: give the changed map a name of its own
	CONSTRAINT rfm_segment_map_shipped
		CHECK (name NOT IN ('rfm11', 'rf10') OR map::text = (name::customer_scoring.rfm_map)::text)
);
COMMENT ON TABLE customer_scoring.rfm_segment_map IS 'RFM maps by name, for named_rfm_map; rfm11 and rf10 are shipped and fixed';
COMMENT ON COLUMN customer_scoring.rfm_segment_map.name IS 'Name of the map';
COMMENT ON COLUMN customer_scoring.rfm_segment_map.map IS 'The map; check_rfm_map lists its gaps and overlaps';
COMMENT ON COLUMN customer_scoring.rfm_segment_map.description IS 'What the map is for';
INSERT INTO customer_scoring.rfm_segment_map (name, map, description) VALUES
	('rfm11', 'rfm11', 'R and the mean of F and M, eleven segments; the default'),
	('rf10', 'rf10', 'R and F, ten segments');
GRANT SELECT ON customer_scoring.rfm_segment_map TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('customer_scoring.rfm_segment_map', $$WHERE name NOT IN ('rfm11', 'rf10')$$);

CREATE FUNCTION customer_scoring.named_rfm_map(name text) RETURNS customer_scoring.rfm_map
	LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_named_rfm_map';
COMMENT ON FUNCTION customer_scoring.named_rfm_map(text) IS 'The map of a name in rfm_segment_map';
